/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A row of a table for each kind of key: how its value is read, and what holds. */

#include "core/http/match.h"

#include <arpa/inet.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/http/query.h"

struct xa_match_term {
	const char *key;
	int (*read)(struct xa_match_pair *pair);
	bool (*holds)(const struct xa_match_pair *pair, const struct xa_listed_flow *flow);
	const char *value; /* what it has to be */
	unsigned fields; /* that it takes: listing.h */
};

/* --- values --- */

static bool is_host_clear(const struct xa_match_pair *pair)
{
	const unsigned bits = pair->is_ipv6 ? 128 : 32;

	for (unsigned bit = pair->number; bit < bits; bit++)
		if (pair->address[bit / 8] & 0x80 >> bit % 8)
			return false;
	return true;
}

static int read_network(struct xa_match_pair *pair)
{
	char address[INET6_ADDRSTRLEN];
	size_t len = strcspn(pair->text, "/");
	unsigned bits;

	if (len >= sizeof(address))
		return -EINVAL;
	memcpy(address, pair->text, len);
	address[len] = '\0';
	pair->is_ipv6 = strchr(address, ':');
	if (inet_pton(pair->is_ipv6 ? AF_INET6 : AF_INET, address, pair->address) != 1)
		return -EINVAL;
	bits = pair->is_ipv6 ? 128 : 32;
	pair->number = bits;
	if (pair->text[len] && !xa_query_number(pair->text + len + 1, 0, bits, &pair->number))
		return -EINVAL;
	return is_host_clear(pair) ? 0 : -EINVAL;
}

static int read_port(struct xa_match_pair *pair)
{
	return xa_query_number(pair->text, 0, UINT16_MAX, &pair->number) ? 0 : -EINVAL;
}

/* A name is compared as a text: which names there are only the listing knows. */
static int read_proto(struct xa_match_pair *pair)
{
	pair->number = UINT8_MAX + 1;
	if (!*pair->text)
		return -EINVAL;
	if (pair->text[strspn(pair->text, "0123456789")])
		return 0;
	return xa_query_number(pair->text, 0, UINT8_MAX, &pair->number) ? 0 : -EINVAL;
}

static int read_text(struct xa_match_pair *pair)
{
	(void)pair;
	return 0;
}

/* --- flows --- */

static bool is_in(const struct xa_match_pair *pair, bool is_ipv6, const uint8_t address[16])
{
	const unsigned bytes = pair->number / 8, rest = pair->number % 8;

	if (pair->is_ipv6 != is_ipv6 || memcmp(pair->address, address, bytes) != 0)
		return false;
	return !rest || !((pair->address[bytes] ^ address[bytes]) >> (8 - rest));
}

static bool src_holds(const struct xa_match_pair *pair, const struct xa_listed_flow *flow)
{
	return is_in(pair, flow->is_ipv6, flow->src);
}

static bool dst_holds(const struct xa_match_pair *pair, const struct xa_listed_flow *flow)
{
	return is_in(pair, flow->is_ipv6, flow->dst);
}

static bool is_among(const struct xa_match_pair *pair, struct xa_listed_ports ports)
{
	return ports.first <= pair->number && pair->number <= ports.last;
}

static bool sport_holds(const struct xa_match_pair *pair, const struct xa_listed_flow *flow)
{
	return is_among(pair, flow->sport);
}

static bool dport_holds(const struct xa_match_pair *pair, const struct xa_listed_flow *flow)
{
	return is_among(pair, flow->dport);
}

static bool port_holds(const struct xa_match_pair *pair, const struct xa_listed_flow *flow)
{
	return sport_holds(pair, flow) || dport_holds(pair, flow);
}

static bool proto_holds(const struct xa_match_pair *pair, const struct xa_listed_flow *flow)
{
	return flow->proto_number == pair->number || !strcmp(flow->proto, pair->text);
}

static bool is_text(const struct xa_match_pair *pair, const char *text)
{
	return !strcmp(text ? text : "", pair->text);
}

static bool interface_holds(const struct xa_match_pair *pair, const struct xa_listed_flow *flow)
{
	return is_text(pair, flow->interface);
}

static bool label_holds(const struct xa_match_pair *pair, const struct xa_listed_flow *flow)
{
	return is_text(pair, flow->labels[pair->label]);
}

/* --- pairs --- */

#define NETWORK "an address or a network without bits behind its length"
#define PORT	"a port, 0 to 65535"

static const struct xa_match_term terms[] = {
	{"src", read_network, src_holds, NETWORK, XA_LISTED_SRC},
	{"dst", read_network, dst_holds, NETWORK, XA_LISTED_DST},
	{"sport", read_port, sport_holds, PORT, XA_LISTED_SPORT},
	{"dport", read_port, dport_holds, PORT, XA_LISTED_DPORT},
	{"port", read_port, port_holds, PORT, XA_LISTED_SPORT | XA_LISTED_DPORT},
	{"proto", read_proto, proto_holds, "a protocol's name or number, 0 to 255",
	 XA_LISTED_PROTO},
	{"interface", read_text, interface_holds, NULL, 0},
};

static const struct xa_match_term label_term = {NULL, read_text, label_holds, NULL, 0};

static bool is_known(const struct xa_match_term *term, const struct xa_listing *listing)
{
	return (term->fields & listing->fields) == term->fields;
}

/* The key of a flow goes before a label of the same name. */
static bool find_term(struct xa_match_pair *pair, const char *key, const struct xa_listing *listing)
{
	for (size_t i = 0; i < array_size(terms); i++) {
		pair->term = &terms[i];
		if (!strcmp(key, terms[i].key) && is_known(pair->term, listing))
			return true;
	}
	pair->term = &label_term;
	for (pair->label = 0; pair->label < listing->label_count; pair->label++)
		if (!strcmp(key, listing->label_names[pair->label]))
			return true;
	return false;
}

static int refuse_key(const char *key, const struct xa_listing *listing, struct xa_why *why)
{
	_cleanup_xa_buf_ struct xa_buf keys = {0};

	for (size_t i = 0; i < array_size(terms); i++)
		if (is_known(&terms[i], listing))
			xa_buf_addf(&keys, " %s", terms[i].key);
	for (size_t i = 0; i < listing->label_count; i++)
		xa_buf_addf(&keys, " %s", listing->label_names[i]);
	return xa_why_set(why, -EINVAL, "match: no key is called \"%.64s\"; there are%s", key,
			  keys.text);
}

static bool is_there(const struct xa_match *match, const struct xa_match_pair *pair)
{
	for (size_t i = 0; i < match->count; i++)
		if (match->pairs[i].term == pair->term && match->pairs[i].label == pair->label)
			return true;
	return false;
}

static int pair_parse(struct xa_match *match, char *text, const struct xa_listing *listing,
		      struct xa_why *why)
{
	struct xa_match_pair pair = {0};
	char *value = strchr(text, '=');

	if (!value)
		return xa_why_set(why, -EINVAL, "match: \"%.64s\" is no KEY=VALUE", text);
	*value++ = '\0';
	pair.text = value;
	if (!find_term(&pair, text, listing))
		return refuse_key(text, listing, why);
	if (match->count == XA_MATCH_MAX || is_there(match, &pair))
		return xa_why_set(why, -EINVAL, "match: the key \"%s\" comes twice", text);
	if (pair.term->read(&pair))
		return xa_why_set(why, -EINVAL, "match: %s=%.64s is not %s", text, value,
				  pair.term->value);
	match->pairs[match->count++] = pair;
	return 0;
}

int xa_match_parse(struct xa_match *match, char *text, const struct xa_listing *listing,
		   struct xa_why *ret_why)
{
	char *part, *rest = text;
	int error = 0;

	match->count = 0;
	while (!error && (part = strsep(&rest, ",")))
		error = pair_parse(match, part, listing, ret_why);
	return error;
}

bool xa_match_holds(const struct xa_match *match, const struct xa_listed_flow *flow)
{
	for (size_t i = 0; i < match->count; i++)
		if (!match->pairs[i].term->holds(&match->pairs[i], flow))
			return false;
	return true;
}
