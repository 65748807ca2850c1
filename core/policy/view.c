/* SPDX-License-Identifier: GPL-2.0-or-later */

/* One sweep. A flow is written whole, by one assignment, so that nothing of an older snapshot
 * shines through. */

#include "core/policy/view.h"

#include <arpa/inet.h>
#include <string.h>

#include "core/base/utf8.h"

_Static_assert(XA_SLOTS == XA_POLICY_INTERFACES, "a name for each slot");

struct writing {
	struct xa_table *table;
	const struct xa_view_time *time;
	struct xa_plugin_flow *next;
};

static uint64_t unix_ns(const struct xa_view_time *time, uint32_t tick)
{
	return time->wall_ns - ((uint64_t)xa_tick_age(tick, time->now_tick) << XA_TICK_SHIFT);
}

static void write_flow(void *ctx, const struct xa_flow *flow)
{
	struct writing *writing = ctx;
	struct xa_mark *mark = xa_table_mark_of(writing->table, flow);
	const struct xa_flow_tail *tail = &flow->key.tail;
	struct xa_plugin_flow *to = writing->next++;

	*to = (struct xa_plugin_flow){
		.packets = flow->packets,
		.bytes = flow->bytes,
		.packets_delta = flow->packets - mark->packets,
		.bytes_delta = flow->bytes - mark->bytes,
		.first_seen_ns = unix_ns(writing->time, flow->first_tick),
		.last_seen_ns = unix_ns(writing->time, flow->last_tick),
		.handle = mark->handle,
		.serial = mark->serial,
		.sport = ntohs(tail->sport),
		.dport = ntohs(tail->dport),
		.vlan = tail->tag & XA_TAG_VLAN,
		.interface = tail->slot,
		.len_min = flow->len_min,
		.len_max = flow->len_max,
		.family = xa_flow_family(tail) == XA_IPV6 ? 6 : 4,
		.proto = tail->proto,
		.tcp_flags = flow->tcp_flags,
		.tos = flow->tos,
		.ttl_min = flow->ttl_min,
		.ttl_max = flow->ttl_max,
		.is_fragment = (tail->tag & XA_TAG_FRAGMENT) != 0,
	};
	__builtin_memcpy(to->src, flow->key.saddr, sizeof(to->src));
	__builtin_memcpy(to->dst, flow->key.daddr, sizeof(to->dst));
	mark->packets = flow->packets;
	mark->bytes = flow->bytes;
}

/* What does not fit is cut between two characters. */
static void write_name(char to[XA_POLICY_INTERFACE_LEN], const char *name)
{
	char text[XA_UTF8_BYTES + 1];
	size_t len = 0;

	while (*name) {
		size_t more;

		name += xa_utf8_take(name, text);
		more = strlen(text);
		if (len + more >= XA_POLICY_INTERFACE_LEN)
			break;
		memcpy(to + len, text, more);
		len += more;
	}
	to[len] = '\0';
}

struct xa_totals xa_view_write(struct xa_snapshot_head *head, struct xa_plugin_flow *flows,
			       struct xa_table *table, const struct xa_view_time *time,
			       const char *const *slot_names)
{
	struct writing writing = {.table = table, .time = time, .next = flows};
	struct xa_totals totals = xa_table_sweep(table, time->now_tick, write_flow, &writing);

	head->count = totals.flows;
	head->packets = totals.packets;
	head->bytes = totals.bytes;
	head->now_ns = time->wall_ns;
	head->interval_ns = time->interval_ns;
	for (unsigned slot = 0; slot < XA_SLOTS; slot++)
		write_name(head->interfaces[slot], slot_names[slot] ? slot_names[slot] : "");
	return totals;
}
