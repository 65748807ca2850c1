/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Both are kept in one form, names in small letters and networks as those of IPv6, so that what is
 * equal compares equal. */

#include "config/peers.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#include "config/scalar.h"
#include "config/text.h"

/* Hosts */

static bool is_host(const char *text)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
	const size_t len = strlen(text);

	return len <= XA_HOST_MAX && !text[strspn(text, chars)] && !strstr(text, "..") &&
	       text[0] != '.' && text[len - 1] != '.';
}

static bool has_host(const struct xa_config *config, const char *name)
{
	for (size_t i = 0; i < config->http.host_count; i++)
		if (!strcmp(config->http.hosts[i], name))
			return true;
	return false;
}

int xa_peers_hosts_add(struct xa_config *config, const struct xa_option *option, const char *text,
		       struct xa_why *why)
{
	char *name = xa_arena_strndup(config->arena, text, strlen(text));

	if (!name)
		return -ENOMEM;
	for (char *at = name; *at; at++)
		if (*at >= 'A' && *at <= 'Z')
			*at = (char)(*at - 'A' + 'a');
	if (!is_host(name))
		return xa_why_set(why, -EINVAL,
				  "%s: %s is no name of a host (letters, digits, '-', '_' and dots "
				  "between them; no port)",
				  option->key, xa_quotes(text).text);
	if (has_host(config, name))
		return xa_why_set(why, -EINVAL, "%s: %s appears twice", option->key,
				  xa_quotes(text).text);
	config->http.hosts[config->http.host_count++] = name;
	return 0;
}

void xa_peers_hosts_format(const struct xa_config *config, const struct xa_option *option,
			   struct xa_buf *buf)
{
	(void)option;
	xa_buf_adds(buf, "[");
	for (size_t i = 0; i < config->http.host_count; i++) {
		xa_buf_adds(buf, i ? ", " : "");
		xa_scalar_add_string(config->http.hosts[i], buf);
	}
	xa_buf_adds(buf, "]");
}

void xa_peers_hosts_describe(const struct xa_option *option, struct xa_buf *buf)
{
	xa_buf_addf(buf, "name or a list of up to %" PRIu64 " names", option->max);
}

/* Networks */

#define MAPPED_BITS 96U /* of an IPv4 address in its IPv6 form: RFC 4291, 2.5.5.2 */

static bool is_ipv4(const struct xa_network *network)
{
	return network->len >= MAPPED_BITS && IN6_IS_ADDR_V4MAPPED(&network->address);
}

/* How many bits an address of that family has; 0: it is none. */
static unsigned address_read(const char *text, struct in6_addr *ret)
{
	struct in6_addr mapped = {.s6_addr = {[10] = 0xff, [11] = 0xff}};

	if (inet_pton(AF_INET6, text, ret) == 1)
		return 128;
	if (inet_pton(AF_INET, text, &mapped.s6_addr[12]) != 1)
		return 0;
	*ret = mapped;
	return 32;
}

/* The length behind the '/', which may be left out. */
static bool length_read(const char *text, unsigned bits, unsigned *ret_len)
{
	uint64_t len = bits;
	const char *end = text ? xa_digits_read(text, &len) : "";

	if (!end || *end || len > bits)
		return false;
	*ret_len = (unsigned)len + 128 - bits;
	return true;
}

static bool network_read(const char *text, struct xa_network *ret)
{
	char address[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	const size_t len = slash ? (size_t)(slash - text) : strlen(text);
	unsigned bits;

	if (len >= sizeof(address))
		return false;
	memcpy(address, text, len);
	address[len] = '\0';
	bits = address_read(address, &ret->address);
	return bits && length_read(slash ? slash + 1 : NULL, bits, &ret->len);
}

/* Takes the bits behind the length off; whether there were any. */
static bool trim(struct xa_network *network)
{
	bool any = false;

	for (unsigned i = 0; i < 16; i++) {
		const unsigned kept = network->len > 8 * i ? network->len - 8 * i : 0;
		const uint8_t mask = kept >= 8 ? 0xff : (uint8_t)(0xff00 >> kept);

		any |= network->address.s6_addr[i] & (uint8_t)~mask;
		network->address.s6_addr[i] &= mask;
	}
	return any;
}

static bool has_network(const struct xa_config *config, const struct xa_network *network)
{
	for (size_t i = 0; i < config->http.scraper_count; i++)
		if (config->http.scrapers[i].len == network->len &&
		    IN6_ARE_ADDR_EQUAL(&config->http.scrapers[i].address, &network->address))
			return true;
	return false;
}

static void add_network(const struct xa_network *network, struct xa_buf *buf)
{
	const bool ipv4 = is_ipv4(network);
	char text[INET6_ADDRSTRLEN] = "";

	(void)inet_ntop(ipv4 ? AF_INET : AF_INET6, &network->address.s6_addr[ipv4 ? 12 : 0], text,
			sizeof(text));
	xa_buf_adds(buf, text);
	if (network->len < 128)
		xa_buf_addf(buf, "/%u", network->len - (ipv4 ? MAPPED_BITS : 0));
}

static int refuse_trimmed(const struct xa_option *option, const char *text,
			  const struct xa_network *network, struct xa_why *why)
{
	_cleanup_xa_buf_ struct xa_buf meant = {0};

	add_network(network, &meant);
	if (xa_buf_failed(&meant))
		return -ENOMEM;
	return xa_why_set(why, -EINVAL,
			  "%s: %s has bits set behind its length (did you mean '%s'?)", option->key,
			  xa_quotes(text).text, meant.text);
}

int xa_peers_networks_add(struct xa_config *config, const struct xa_option *option,
			  const char *text, struct xa_why *why)
{
	struct xa_network network;

	if (!network_read(text, &network))
		return xa_why_set(why, -EINVAL,
				  "%s: %s is no address or network (such as 192.0.2.7, 10.0.0.0/8 "
				  "or 2001:db8::/32)",
				  option->key, xa_quotes(text).text);
	if (trim(&network))
		return refuse_trimmed(option, text, &network, why);
	if (has_network(config, &network))
		return xa_why_set(why, -EINVAL, "%s: %s appears twice", option->key,
				  xa_quotes(text).text);
	config->http.scrapers[config->http.scraper_count++] = network;
	return 0;
}

/* Always in quotes: of some addresses YAML would think otherwise. */
void xa_peers_networks_format(const struct xa_config *config, const struct xa_option *option,
			      struct xa_buf *buf)
{
	(void)option;
	xa_buf_adds(buf, "[");
	for (size_t i = 0; i < config->http.scraper_count; i++) {
		xa_buf_adds(buf, i ? ", \"" : "\"");
		add_network(&config->http.scrapers[i], buf);
		xa_buf_adds(buf, "\"");
	}
	xa_buf_adds(buf, "]");
}

void xa_peers_networks_describe(const struct xa_option *option, struct xa_buf *buf)
{
	xa_buf_addf(buf, "address or network, or a list of up to %" PRIu64, option->max);
}
