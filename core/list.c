/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Rows -> a listing, whose texts are copies: what they are copied from changes with the next
 * snapshot. */

#include "core/list.h"

#include <arpa/inet.h>
#include <string.h>

#include "core/base/utf8.h"
#include "core/policy/annotation.h"

struct listing {
	struct xa_listing *into;
	const struct xa_traffic *traffic;
	const char *interfaces[XA_SLOTS]; /* copies, made when the first flow wants them */
	uint64_t wall_ns; /* of the same moment as the tick */
	uint32_t now_tick;
	bool failed; /* no memory */
};

static const char *copy(struct listing *listing, const char *text)
{
	const char *copied = xa_arena_strndup(listing->into->arena, text, strlen(text));

	listing->failed |= !copied;
	return copied;
}

void xa_list_name(struct xa_buf *buf, const char *name)
{
	char text[XA_UTF8_BYTES + 1];

	while (*name) {
		name += xa_utf8_take(name, text);
		xa_buf_adds(buf, text);
	}
}

static const char *copy_name(struct listing *listing, const char *name)
{
	_cleanup_xa_buf_ struct xa_buf text = {0};

	xa_list_name(&text, name);
	listing->failed |= xa_buf_failed(&text);
	return text.text ? copy(listing, text.text) : NULL;
}

static const char *interface_of(struct listing *listing, const struct xa_flow *row)
{
	const struct xa_traffic *traffic = listing->traffic;
	uint8_t slot = traffic->interface_label ? row->key.tail.slot : traffic->sole_slot;
	const char *name = traffic->slot_names[slot];

	if (name && !listing->interfaces[slot])
		listing->interfaces[slot] = copy_name(listing, name);
	return listing->interfaces[slot];
}

static const char *proto_of(struct listing *listing, uint8_t proto)
{
	const char *name = xa_proto_name(proto);
	char number[4];

	(void)snprintf(number, sizeof(number), "%u", proto);
	return name ? name : copy(listing, number);
}

static double seen_at(const struct listing *listing, uint32_t tick)
{
	uint64_t age_ns = (uint64_t)xa_tick_age(tick, listing->now_tick) << XA_TICK_SHIFT;

	return ((double)listing->wall_ns - (double)age_ns) / 1e9;
}

static void list_labels(struct listing *listing, const struct xa_flow *row, const char **ret_labels)
{
	const struct xa_annotations *annotations = listing->traffic->annotations;

	for (size_t i = 0; i < listing->into->label_count; i++) {
		const char *text = xa_annotations_label(annotations, row->handle, i);

		if (text && *text)
			ret_labels[i] = copy(listing, text);
	}
}

static struct xa_listed_ports ports_of(const struct xa_config *config, uint16_t port)
{
	const uint16_t one = ntohs(port);
	const struct xa_range *range = xa_range_find(config->metrics.fold_ports,
						     config->metrics.fold_port_count, one);

	return range ? (struct xa_listed_ports){range->low, range->high}
		     : (struct xa_listed_ports){one, one};
}

static void list_flow(struct listing *listing, const struct xa_flow *row,
		      struct xa_listed_flow *ret)
{
	const struct xa_flow_tail *tail = &row->key.tail;

	ret->packets = row->packets;
	ret->bytes = row->bytes;
	ret->first_seen = seen_at(listing, row->first_tick);
	ret->last_seen = seen_at(listing, row->last_tick);
	ret->proto = proto_of(listing, tail->proto);
	ret->interface = interface_of(listing, row);
	memcpy(ret->src, row->key.saddr, sizeof(ret->src));
	memcpy(ret->dst, row->key.daddr, sizeof(ret->dst));
	ret->sport = ports_of(listing->traffic->config, tail->sport);
	ret->dport = ports_of(listing->traffic->config, tail->dport);
	ret->proto_number = tail->proto;
	ret->tcp_flags = row->tcp_flags;
	ret->is_ipv6 = xa_flow_family(tail) == XA_IPV6;
	list_labels(listing, row, ret->labels);
}

static struct xa_listed_sum sum_of(const struct xa_totals *totals)
{
	return (struct xa_listed_sum){totals->flows, totals->packets, totals->bytes};
}

static void list_all(struct listing *listing)
{
	const struct xa_traffic *traffic = listing->traffic;
	struct xa_listing *into = listing->into;

	for (size_t i = 0; i < into->label_count; i++)
		into->label_names[i] = copy(listing,
					    xa_annotations_label_name(traffic->annotations, i));
	for (size_t i = 0; i < into->count; i++)
		list_flow(listing, &traffic->top[i], &into->flows[i]);
}

static unsigned fields_of(const struct xa_config *config)
{
	static const enum xa_listed_field fields[] = {
		[XA_LABEL_SRC] = XA_LISTED_SRC,	    [XA_LABEL_DST] = XA_LISTED_DST,
		[XA_LABEL_PROTO] = XA_LISTED_PROTO, [XA_LABEL_SPORT] = XA_LISTED_SPORT,
		[XA_LABEL_DPORT] = XA_LISTED_DPORT,
	};
	unsigned bits = 0;

	_Static_assert(array_size(fields) == XA_FLOW_LABEL_COUNT_, "a field for each label");
	for (size_t label = 0; label < array_size(fields); label++)
		if (config->metrics.labels & 1U << label)
			bits |= fields[label];
	return bits;
}

int xa_list_flows(struct xa_listing **ret, const struct xa_traffic *traffic, double snapshot_time)
{
	_cleanup_xa_listing_ struct xa_listing *into = NULL;
	struct listing listing = {
		.traffic = traffic,
		.wall_ns = xa_wall_ns(),
		.now_tick = xa_tick(xa_now_ns()),
	};
	const struct xa_annotations *annotations = traffic->annotations;
	int error = xa_listing_new(&into, traffic->top_count,
				   annotations ? xa_annotations_label_count(annotations) : 0);

	if (error)
		return error;
	into->snapshot_time = snapshot_time;
	into->fields = fields_of(traffic->config);
	into->total = sum_of(&traffic->totals);
	into->hidden = sum_of(&traffic->hidden);
	listing.into = into;
	list_all(&listing);
	if (listing.failed)
		return -ENOMEM;
	*ret = take_ptr(into);
	return 0;
}
