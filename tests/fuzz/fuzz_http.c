/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Any text as the value of Host. What is taken is an address, localhost, or the one name that is
 * listed, whatever stands around it. */

#include <stdint.h>
#include <string.h>

#include "core/http/access.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct xa_access access_rules = {.hosts = {"monitor.example"}, .host_count = 1};

static void expect(bool fact)
{
	if (!fact)
		__builtin_trap();
}

/* What a browser would have to be sent to for it. */
static bool may_be_ours(const char *host)
{
	const size_t numeric = strspn(host, "0123456789.");

	return host[0] == '[' || !strncasecmp(host, "localhost", 9) ||
	       !strncasecmp(host, "monitor.example", 15) ||
	       (numeric >= 7 && !host[numeric + strspn(host + numeric, ":0123456789")]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *host = strndup((const void *)data, size);

	expect(host);
	if (xa_access_host(&access_rules, host) == XA_HOST_OURS)
		expect(may_be_ours(host) && !strpbrk(host, "@/, \t"));
	free(host);
	return 0;
}
