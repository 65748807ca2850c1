/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A flow of a test is what the policy is shown, but for its handle, its growth and its times, which
 * are worked out when all snapshots of the test have been read. */

#include "core/rule_flow.h"

#include <arpa/inet.h>
#include <search.h>
#include <string.h>

#include "config/options.h"
#include "config/text.h"
#include "core/flow/flow.h"

#define TTL 64

/* Reading */

struct draft {
	struct xa_plugin_flow flow;
	uint8_t src_family, dst_family; /* 0: refused */
};

static void read_address(struct xa_rule_reader *reader, const struct xa_rule_key *key,
			 const struct xa_tree *value, void *to)
{
	const bool is_src = key->offset == offsetof(struct draft, flow.src);
	const char *text = xa_rule_text(reader, value, key->name);
	uint8_t *address = (uint8_t *)to + key->offset;
	struct draft *draft = to;
	uint8_t family;

	if (!text)
		return;
	family = inet_pton(AF_INET, text, address) == 1	   ? 4
		 : inet_pton(AF_INET6, text, address) == 1 ? 6
							   : 0;
	if (!family)
		xa_rule_refuse(reader, value, "%s: %s is no address of IPv4 or IPv6", key->name,
			       xa_quotes(text).text);
	*(is_src ? &draft->src_family : &draft->dst_family) = family;
}

static void refuse_proto(struct xa_rule_reader *reader, const struct xa_tree *value)
{
	const char *names[256], *near;
	size_t count = 0;

	for (unsigned i = 0; i < array_size(names); i++)
		if (xa_proto_name((uint8_t)i))
			names[count++] = xa_proto_name((uint8_t)i);
	near = xa_suggest_name(value->text, names, count);
	xa_rule_refuse(reader, value,
		       "proto: %s is no protocol: a name such as tcp, udp, icmp, ipv6-icmp, or a "
		       "number from 0 to 255%s%s%s",
		       xa_quotes(value->text).text, near ? " (did you mean '" : "",
		       near ? near : "", near ? "'?)" : "");
}

static void read_proto(struct xa_rule_reader *reader, const struct xa_rule_key *key,
		       const struct xa_tree *value, void *to)
{
	const char *text = xa_rule_text(reader, value, key->name);
	struct draft *draft = to;
	const char *end;
	uint64_t number;

	if (!text)
		return;
	end = xa_digits_read(text, &number);
	for (unsigned i = 0; i < 256; i++) {
		const char *name = xa_proto_name((uint8_t)i);

		if ((end && !*end) ? number == i : name && !strcmp(name, text)) {
			draft->flow.proto = (uint8_t)i;
			return;
		}
	}
	refuse_proto(reader, value);
}

/* Letters, in the order of the bits from the lowest one, or a number. */
static void read_tcp_flags(struct xa_rule_reader *reader, const struct xa_rule_key *key,
			   const struct xa_tree *value, void *to)
{
	static const char letters[] = "FSRPAUEC";
	const char *text = xa_rule_text(reader, value, key->name);
	struct draft *draft = to;
	uint64_t number;

	if (!text)
		return;
	if (xa_digits_read(text, &number)) {
		xa_rule_read_number(reader, key, value, to);
		return;
	}
	for (; *text; text++) {
		const char *letter = strchr(letters, *text);

		if (!letter) {
			xa_rule_refuse(reader, value,
				       "tcp_flags: expected letters of %s, or a number from 0 to "
				       "255, not %s",
				       letters, xa_quotes(value->text).text);
			return;
		}
		draft->flow.tcp_flags |= (uint8_t)(1U << (letter - letters));
	}
}

static uint16_t find_interface(struct xa_rule_interfaces *interfaces, const char *name)
{
	for (size_t i = 1; i <= interfaces->count; i++)
		if (!strcmp(interfaces->names[i], name))
			return (uint16_t)i;
	if (interfaces->count + 1 == array_size(interfaces->names))
		return 0;
	interfaces->names[++interfaces->count] = name;
	return (uint16_t)interfaces->count;
}

static void read_interface(struct xa_rule_reader *reader, const struct xa_rule_key *key,
			   const struct xa_tree *value, void *to)
{
	const char *text = xa_rule_text(reader, value, key->name);
	struct draft *draft = to;

	if (!text)
		return;
	if (strlen(text) >= XA_POLICY_INTERFACE_LEN) {
		xa_rule_refuse(reader, value, "interface: longer than %d bytes",
			       XA_POLICY_INTERFACE_LEN - 1);
		return;
	}
	draft->flow.interface = find_interface(reader->ctx, text);
	if (!draft->flow.interface)
		xa_rule_refuse(reader, value, "interface: more than %d different ones in this file",
			       XA_POLICY_INTERFACES - 1);
}

static void read_switch(struct xa_rule_reader *reader, const struct xa_rule_key *key,
			const struct xa_tree *value, void *to)
{
	const char *text = xa_rule_text(reader, value, key->name);
	struct draft *draft = to;

	if (!text)
		return;
	draft->flow.is_fragment = !strcmp(text, "true");
	if (!draft->flow.is_fragment && strcmp(text, "false") != 0)
		xa_rule_refuse(reader, value, "%s: expected true or false, not %s", key->name,
			       xa_quotes(text).text);
}

#define NUMBER(field, needed, least, most) \
	{ \
		.name = #field, .read = xa_rule_read_number, .required = (needed), .min = (least), \
		.max = (most), .offset = offsetof(struct draft, flow.field), \
		.size = sizeof(((struct draft *)0)->flow.field) \
	}
#define OTHER(key, reader, needed) \
	{ \
		.name = (key), .read = (reader), .required = (needed) \
	}

static const struct xa_rule_key keys[] = {
	{.name = "src",
	 .read = read_address,
	 .required = true,
	 .offset = offsetof(struct draft, flow.src)},
	{.name = "dst",
	 .read = read_address,
	 .required = true,
	 .offset = offsetof(struct draft, flow.dst)},
	OTHER("proto", read_proto, true),
	NUMBER(sport, false, 0, UINT16_MAX),
	NUMBER(dport, false, 0, UINT16_MAX),
	NUMBER(packets, true, 1, INT64_MAX),
	NUMBER(bytes, true, 0, INT64_MAX),
	{.name = "tcp_flags",
	 .read = read_tcp_flags,
	 .max = UINT8_MAX,
	 .offset = offsetof(struct draft, flow.tcp_flags),
	 .size = sizeof(uint8_t)},
	NUMBER(vlan, false, 0, XA_TAG_VLAN),
	OTHER("interface", read_interface, false),
	OTHER("fragment", read_switch, false),
	NUMBER(tos, false, 0, UINT8_MAX),
	NUMBER(ttl_min, false, 0, UINT8_MAX),
	NUMBER(ttl_max, false, 0, UINT8_MAX),
	NUMBER(len_min, false, 0, UINT16_MAX),
	NUMBER(len_max, false, 0, UINT16_MAX),
};

/* What was not written: a packet of average size and common life. */
static void complete(struct xa_plugin_flow *flow)
{
	const uint64_t mean = flow->packets ? flow->bytes / flow->packets : 0;
	const uint16_t len = mean < UINT16_MAX ? (uint16_t)mean : UINT16_MAX;

	flow->len_min = flow->len_min ? flow->len_min : len;
	flow->len_max = flow->len_max ? flow->len_max : len;
	flow->ttl_min = flow->ttl_min ? flow->ttl_min : TTL;
	flow->ttl_max = flow->ttl_max ? flow->ttl_max : TTL;
}

static void read_flow(struct xa_rule_reader *reader, const struct xa_tree *tree,
		      struct xa_rule_flow *ret)
{
	struct draft draft = {.flow.interface = 1};

	if (!xa_rule_read_map(reader, tree, "a flow", keys, array_size(keys), &draft))
		return;
	if (draft.src_family && draft.dst_family && draft.src_family != draft.dst_family)
		xa_rule_refuse(reader, tree, "src and dst are of two families, IPv%d and IPv%d",
			       draft.src_family, draft.dst_family);
	draft.flow.family = draft.src_family;
	complete(&draft.flow);
	*ret = (struct xa_rule_flow){.flow = draft.flow, .place = tree};
}

void xa_rule_flows_read(struct xa_rule_reader *reader, const struct xa_tree *list,
			struct xa_rule_interfaces *interfaces, struct xa_rule_flows *ret)
{
	size_t i = 0;

	if (!xa_rule_list(reader, list, "flows", &ret->count))
		return;
	ret->flows = xa_rule_alloc(reader, ret->count, sizeof(*ret->flows));
	if (!ret->flows)
		return;
	reader->ctx = interfaces;
	for (const struct xa_tree *child = list->children; child; child = child->next)
		read_flow(reader, child, &ret->flows[i++]);
}

/* Following */

/* What tells flows apart. No padding. */
struct identity {
	uint8_t src[16], dst[16];
	uint16_t sport, dport, vlan, interface;
	uint8_t family, proto, is_fragment, unused;
};
_Static_assert(sizeof(struct identity) == 44, "compared as bytes");

struct known {
	struct identity identity; /* has to come first */
	uint32_t handle;
	uint32_t serial;
	size_t snapshot; /* that it was in last, from 1; 0: in none yet */
	const struct xa_rule_flow *last;
};

struct follower {
	struct xa_rule_reader *reader;
	void *tree;
	struct known *unused;
	uint32_t handles;
	size_t snapshot; /* from 1 */
	uint64_t now_ns;
};

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct identity));
}

static struct identity identify(const struct xa_plugin_flow *flow)
{
	struct identity identity = {
		.sport = flow->sport,
		.dport = flow->dport,
		.vlan = flow->vlan,
		.interface = flow->interface,
		.family = flow->family,
		.proto = flow->proto,
		.is_fragment = flow->is_fragment,
	};

	memcpy(identity.src, flow->src, sizeof(identity.src));
	memcpy(identity.dst, flow->dst, sizeof(identity.dst));
	return identity;
}

static struct known *find_known(struct follower *follower, const struct xa_plugin_flow *flow)
{
	struct known **node;

	if (!follower->unused)
		follower->unused = xa_rule_alloc(follower->reader, 1, sizeof(*follower->unused));
	if (!follower->unused)
		return NULL;
	*follower->unused = (struct known){.identity = identify(flow), .handle = follower->handles};
	node = tsearch(follower->unused, &follower->tree, compare);
	if (!node) {
		follower->reader->error = -ENOMEM;
		return NULL;
	}
	if (*node == follower->unused) {
		follower->unused = NULL;
		follower->handles++;
	}
	return *node;
}

static void begin_flow(const struct follower *follower, struct known *known,
		       struct xa_rule_flow *flow)
{
	known->serial++;
	flow->flow.packets_delta = flow->flow.packets;
	flow->flow.bytes_delta = flow->flow.bytes;
	flow->flow.first_seen_ns = follower->now_ns - flow->first_age_ns;
	flow->flow.last_seen_ns = follower->now_ns - flow->last_age_ns;
}

static void go_on(const struct follower *follower, const struct known *known,
		  struct xa_rule_flow *flow)
{
	const struct xa_plugin_flow *last = &known->last->flow;

	if (flow->flow.packets < last->packets || flow->flow.bytes < last->bytes) {
		xa_rule_refuse(follower->reader, flow->place,
			       "this flow had more packets or bytes in the snapshot before: both "
			       "are counted from its beginning");
		return;
	}
	flow->flow.packets_delta = flow->flow.packets - last->packets;
	flow->flow.bytes_delta = flow->flow.bytes - last->bytes;
	flow->flow.first_seen_ns = last->first_seen_ns;
	flow->flow.last_seen_ns = flow->flow.packets_delta ? follower->now_ns - flow->last_age_ns
							   : last->last_seen_ns;
}

static void follow_flow(struct follower *follower, struct xa_rule_flow *flow)
{
	struct known *known = find_known(follower, &flow->flow);

	if (!known)
		return;
	if (known->snapshot == follower->snapshot) {
		xa_rule_refuse(follower->reader, flow->place,
			       "this flow is in the snapshot already, in line %u",
			       known->last->place->line);
		return;
	}
	if (known->snapshot && known->snapshot + 1 == follower->snapshot)
		go_on(follower, known, flow);
	else
		begin_flow(follower, known, flow);
	known->snapshot = follower->snapshot;
	known->last = flow;
	flow->flow.handle = known->handle;
	flow->flow.serial = known->serial;
}

static void keep(void *node)
{
	(void)node;
}

uint32_t xa_rule_flows_follow(struct xa_rule_reader *reader, struct xa_rule_flows *const *snapshots,
			      size_t count)
{
	struct follower follower = {.reader = reader};

	for (size_t i = 0; i < count; i++) {
		follower.snapshot = i + 1;
		follower.now_ns = snapshots[i]->now_ns;
		for (size_t j = 0; j < snapshots[i]->count; j++)
			follow_flow(&follower, &snapshots[i]->flows[j]);
	}
	tdestroy(follower.tree, keep);
	return follower.handles;
}
