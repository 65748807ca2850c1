/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A browser sends the name that its user went to. A page whose name was turned to this host's
 * address (DNS rebinding) is refused by that; addresses need no list, for nobody can turn them.
 */

#include "core/http/access.h"

#include <arpa/inet.h>
#include <string.h>

#define LETTERS_AND_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static void add_host(struct xa_access *access, const char *name)
{
	(void)snprintf(access->hosts[access->host_count++], sizeof(access->hosts[0]), "%s", name);
}

void xa_access_set(struct xa_access *access, const struct xa_config *config)
{
	char name[XA_HOST_MAX + 1];

	access->host_count = 0;
	if (!gethostname(name, sizeof(name)) && memchr(name, '\0', sizeof(name)))
		add_host(access, name);
	for (size_t i = 0; i < config->http.host_count; i++)
		add_host(access, config->http.hosts[i]);
	access->scraper_count = config->http.scraper_count;
	if (access->scraper_count)
		memcpy(access->scrapers, config->http.scrapers,
		       access->scraper_count * sizeof(access->scrapers[0]));
}

/* Nothing, or a colon and a port, which may be empty: RFC 3986, 3.2.3. */
static bool is_port(const char *text)
{
	return !*text || (*text == ':' && !text[1 + strspn(text + 1, "0123456789")]);
}

static enum xa_host_kind bracketed_kind(const char *host)
{
	char address[INET6_ADDRSTRLEN];
	struct in6_addr in6;
	const size_t len = strcspn(host + 1, "]");

	if (len >= sizeof(address) || host[1 + len] != ']' || !is_port(host + len + 2))
		return XA_HOST_MALFORMED;
	memcpy(address, host + 1, len);
	address[len] = '\0';
	return inet_pton(AF_INET6, address, &in6) == 1 ? XA_HOST_OURS : XA_HOST_MALFORMED;
}

static bool is_ours(const struct xa_access *access, const char *name)
{
	struct in_addr in;

	if (!strcasecmp(name, "localhost") || inet_pton(AF_INET, name, &in) == 1)
		return true;
	for (size_t i = 0; i < access->host_count; i++)
		if (!strcasecmp(name, access->hosts[i]))
			return true;
	return false;
}

enum xa_host_kind xa_access_host(const struct xa_access *access, const char *host)
{
	char name[XA_HOST_MAX + 1];
	size_t len = strspn(host, LETTERS_AND_DIGITS "-_.");

	if (host[0] == '[')
		return bracketed_kind(host);
	if (!len || !is_port(host + len))
		return XA_HOST_MALFORMED;
	if (len > 1 && host[len - 1] == '.')
		len--; /* the root, which is written or not */
	if (len >= sizeof(name))
		return XA_HOST_MALFORMED;
	memcpy(name, host, len);
	name[len] = '\0';
	return is_ours(access, name) ? XA_HOST_OURS : XA_HOST_FOREIGN;
}

struct in6_addr xa_access_peer(const struct sockaddr *address)
{
	const void *any = address;
	struct in6_addr peer = {.s6_addr = {[10] = 0xff, [11] = 0xff}};

	if (address->sa_family == AF_INET6)
		return ((const struct sockaddr_in6 *)any)->sin6_addr;
	if (address->sa_family != AF_INET)
		return in6addr_any;
	memcpy(&peer.s6_addr[12], &((const struct sockaddr_in *)any)->sin_addr, 4);
	return peer;
}

/* The first `len` bits are the same. ::/0 is every address of IPv6, and none of IPv4. */
static bool holds(const struct xa_network *network, const struct in6_addr *peer)
{
	const unsigned bytes = network->len / 8, bits = network->len % 8;

	if (IN6_IS_ADDR_V4MAPPED(peer) && network->len < 96)
		return false;
	if (memcmp(&network->address, peer, bytes) != 0)
		return false;
	return !bits || !((network->address.s6_addr[bytes] ^ peer->s6_addr[bytes]) &
			  (0xff00 >> bits) & 0xff);
}

bool xa_access_is_scraper(const struct xa_access *access, const struct in6_addr *peer)
{
	for (size_t i = 0; i < access->scraper_count; i++)
		if (holds(&access->scrapers[i], peer))
			return true;
	return false;
}
