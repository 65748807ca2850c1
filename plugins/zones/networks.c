/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A network may be given twice, but not to two zones. */

#include "plugins/zones/networks.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The tree then takes 28 MB at most, less than half of what a worker has by default. */
#define NETWORKS_MAX 50000

int xa_networks_refuse(const struct xa_networks *networks, const struct xa_plugin_place *place,
		       enum xa_plugin_cause cause, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	networks->host->fail(networks->host, cause, place, text);
	return -EINVAL;
}

int xa_networks_name(const struct xa_networks *networks, const struct xa_plugin_place *place,
		     const char *name, uint32_t *ret)
{
	const int error = networks->host->value(networks->host, name, strlen(name), ret);

	if (error == -EINVAL)
		return xa_networks_refuse(
			networks, place, XA_PLUGIN_INVALID,
			"a zone's name is UTF-8 without control characters, %d bytes at most",
			XA_PLUGIN_VALUE_BYTES - 1);
	if (error)
		return xa_networks_refuse(networks, place, XA_PLUGIN_MEMORY,
					  "no memory for the zones' names");
	if (*ret == XA_PLUGIN_VALUE_NONE)
		return xa_networks_refuse(networks, place, XA_PLUGIN_INVALID,
					  "a zone without a name");
	if (*ret == XA_PLUGIN_VALUE_OTHER && strcmp(name, "other") != 0)
		return xa_networks_refuse(networks, place, XA_PLUGIN_INVALID,
					  "too many zones, no room for %s: raise policy.max_values",
					  name);
	return 0;
}

static int read_prefix(const struct xa_networks *networks, const struct xa_plugin_place *place,
		       const char *network, struct xa_prefix *ret)
{
	char meant[XA_PREFIX_TEXT_BYTES];

	switch (xa_prefix_parse(network, ret)) {
	case 0:
		return 0;
	case -EDOM:
		return xa_networks_refuse(networks, place, XA_PLUGIN_ERROR,
					  "%s has host bits, meant %s?", network,
					  xa_prefix_format(ret, meant));
	default:
		return xa_networks_refuse(
			networks, place, XA_PLUGIN_ERROR,
			"'%.64s' is no network: write 10.1.0.0/16, 2001:db8::/48 or an address",
			network);
	}
}

int xa_networks_add(struct xa_networks *networks, const struct xa_plugin_place *place,
		    const char *network, const char *name, uint32_t zone)
{
	const struct xa_plugin_host *host = networks->host;
	struct xa_prefix prefix;
	int error = read_prefix(networks, place, network, &prefix);

	if (error)
		return error;
	if (++networks->count > NETWORKS_MAX)
		return xa_networks_refuse(networks, place, XA_PLUGIN_ERROR,
					  "more than %d networks: leave out those that lie in a "
					  "larger one of the same zone",
					  NETWORKS_MAX);
	error = xa_prefix_tree_add(networks->tree, &prefix, zone);
	if (error == -EEXIST)
		return xa_networks_refuse(
			networks, place, XA_PLUGIN_ERROR,
			"%s is in zone %s and in zone %s: take it out of one", network,
			host->value_text(host, xa_prefix_tree_get(networks->tree, &prefix), NULL),
			name);
	if (error)
		return xa_networks_refuse(networks, place, XA_PLUGIN_MEMORY,
					  "no memory for %u networks: raise policy.memory",
					  networks->count);
	return 0;
}
