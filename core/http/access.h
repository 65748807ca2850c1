/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Rules of who may ask, by the config: which names Host may have, and whose connections are kept
 * free. No state but the rules; the caller holds the lock. */

#include "config/config.h"

struct xa_access {
	char hosts[XA_HTTP_HOSTS_MAX + 1][XA_HOST_MAX + 1]; /* this host's name among them */
	size_t host_count;
	struct xa_network scrapers[XA_HTTP_SCRAPERS_MAX];
	size_t scraper_count;
};

enum xa_host_kind {
	XA_HOST_OURS,
	XA_HOST_FOREIGN, /* a name that is not ours: it may be another's that leads here */
	XA_HOST_MALFORMED,
	XA_HOST_COUNT_
};

/* Copies what the config says, and asks for this host's name. */
void xa_access_set(struct xa_access *access, const struct xa_config *config);

/* What the value of a Host header is: an address, localhost, or one of the names is ours, whatever
 * the port (RFC 9110, 7.2). */
enum xa_host_kind xa_access_host(const struct xa_access *access, const char *host);

/* The address of a client, IPv4 in its mapped form; :: for any other family. */
struct in6_addr xa_access_peer(const struct sockaddr *address);

bool xa_access_is_scraper(const struct xa_access *access, const struct in6_addr *peer);
