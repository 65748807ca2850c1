/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Ledger and top flows -> families. */

#include "core/render.h"

#include <string.h>

/* Whether the config could have flows of several interfaces: decided by its text, so that the label
 * does not come and go with the interfaces. */
static bool names_several(const struct xa_config *config)
{
	return config->interface_count > 1 || strpbrk(config->interfaces[0], "*?") != NULL;
}

static bool top_has_several(const struct xa_traffic *traffic)
{
	for (size_t i = 1; i < traffic->top_count; i++)
		if (traffic->top[i].key.tail.slot != traffic->top[0].key.tail.slot)
			return true;
	return false;
}

/* A row of the flow families: the key with what no label tells wiped out. */
static struct xa_flow row_of(const struct xa_flow *flow, bool interface_label)
{
	struct xa_flow row = *flow;

	row.key.tail.tag &= XA_TAG_IPV6;
	if (!interface_label)
		row.key.tail.slot = XA_SLOT_UNKNOWN;
	return row;
}

static int key_cmp(const void *a, const void *b)
{
	return memcmp(&((const struct xa_flow *)a)->key, &((const struct xa_flow *)b)->key,
		      sizeof(struct xa_flow_key6));
}

static int packets_cmp(const void *a, const void *b)
{
	const struct xa_flow *flow_a = a, *flow_b = b;

	if (flow_a->packets != flow_b->packets)
		return flow_a->packets > flow_b->packets ? -1 : 1;
	return key_cmp(a, b);
}

static int bytes_cmp(const void *a, const void *b)
{
	const struct xa_flow *flow_a = a, *flow_b = b;

	if (flow_a->bytes != flow_b->bytes)
		return flow_a->bytes > flow_b->bytes ? -1 : 1;
	return key_cmp(a, b);
}

static size_t rows_merge(struct xa_flow *rows, size_t count)
{
	size_t merged = 0;

	for (size_t i = 1; i < count; i++) {
		if (key_cmp(&rows[merged], &rows[i])) {
			rows[++merged] = rows[i];
			continue;
		}
		rows[merged].packets += rows[i].packets;
		rows[merged].bytes += rows[i].bytes;
	}
	return count ? merged + 1 : 0;
}

static int rows_make(const struct xa_traffic *traffic, bool interface_label,
		     struct xa_flow **ret_rows, size_t *ret_count)
{
	struct xa_flow *rows = calloc(traffic->top_count + 1, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < traffic->top_count; i++)
		rows[i] = row_of(&traffic->top[i], interface_label);
	qsort(rows, traffic->top_count, sizeof(*rows), key_cmp);
	*ret_count = rows_merge(rows, traffic->top_count);
	qsort(rows, *ret_count, sizeof(*rows),
	      traffic->config->flows.rank_by == XA_RANK_BYTES ? bytes_cmp : packets_cmp);
	*ret_rows = rows;
	return 0;
}

struct flow_labels {
	struct xa_buf text;
	const char *values[XA_LABELS_MAX];
};

/* All five texts of a row in one buffer, each ended by a NUL. */
static bool labels_fill(struct flow_labels *labels, const struct xa_flow *row,
			const char *interface)
{
	const struct xa_flow_tail *tail = &row->key.tail;
	size_t starts[XA_LABELS_MAX];
	struct xa_buf *text = &labels->text;

	xa_buf_reset(text);
	starts[1] = text->len;
	xa_flow_add_address(text, xa_flow_family(tail), row->key.saddr);
	xa_buf_add(text, "", 1);
	starts[2] = text->len;
	xa_flow_add_address(text, xa_flow_family(tail), row->key.daddr);
	xa_buf_add(text, "", 1);
	starts[3] = text->len;
	xa_flow_add_proto(text, tail->proto);
	xa_buf_add(text, "", 1);
	starts[4] = text->len;
	xa_buf_add_u64(text, __builtin_bswap16(tail->sport));
	xa_buf_add(text, "", 1);
	starts[5] = text->len;
	xa_buf_add_u64(text, __builtin_bswap16(tail->dport));
	if (xa_buf_failed(text))
		return false;
	labels->values[0] = interface;
	for (size_t i = 1; i < XA_LABELS_MAX; i++)
		labels->values[i] = text->text + starts[i];
	return true;
}

static void render_rows(struct xa_exposition *expo, const struct xa_traffic *traffic,
			enum xa_metric metric, const struct xa_flow *rows, size_t count,
			bool interface_label)
{
	struct flow_labels labels = {0};

	xa_exposition_begin(expo, metric);
	for (size_t i = 0; i < count; i++) {
		const char *interface = interface_label ? traffic->slot_names[rows[i].key.tail.slot]
							: NULL;

		if (!labels_fill(&labels, &rows[i], interface)) {
			expo->buf->failed = true;
			break;
		}
		xa_exposition_u64(expo, labels.values,
				  metric == XA_METRIC_FLOW_BYTES ? rows[i].bytes : rows[i].packets);
	}
	xa_buf_done(&labels.text);
}

static int render_flows(struct xa_exposition *expo, const struct xa_traffic *traffic,
			uint64_t *ret_folded)
{
	bool interface_label = names_several(traffic->config) || top_has_several(traffic);
	size_t count, room, max = traffic->config->metrics.max_series;
	struct xa_flow *rows;
	int error;

	xa_exposition_begin(expo, XA_METRIC_ACTIVE_FLOWS);
	xa_exposition_u64(expo, NULL, traffic->totals.flows);
	xa_exposition_begin(expo, XA_METRIC_PACKETS_SNAPSHOT);
	xa_exposition_u64(expo, NULL, traffic->totals.packets);
	xa_exposition_begin(expo, XA_METRIC_BYTES_SNAPSHOT);
	xa_exposition_u64(expo, NULL, traffic->totals.bytes);

	error = rows_make(traffic, interface_label, &rows, &count);
	if (error)
		return error;
	room = max > expo->series ? (max - expo->series) / 2 : 0;
	*ret_folded = count > room ? 2 * (count - room) : 0;
	count = count > room ? room : count;
	render_rows(expo, traffic, XA_METRIC_FLOW_PACKETS, rows, count, interface_label);
	render_rows(expo, traffic, XA_METRIC_FLOW_BYTES, rows, count, interface_label);
	free(rows);
	return 0;
}

static uint64_t pick(const struct xa_count *count, bool bytes)
{
	return bytes ? count->bytes : count->packets;
}

/* Numbers without a name share what is left after PROTO_SERIES_MAX, as `other`: a forger of
 * protocol numbers makes no series without bound. */
#define PROTO_SERIES_MAX 64

static void render_protos(struct xa_exposition *expo, const char *interface, enum xa_family family,
			  const struct xa_count *protos, bool bytes)
{
	const char *values[XA_LABELS_MAX] = {interface, xa_family_names[family]};
	struct xa_count other = {0};
	size_t numbers = 0;

	for (unsigned proto = 0; proto < 256; proto++) {
		char number[4];

		if (!protos[proto].packets)
			continue;
		values[2] = xa_proto_name((uint8_t)proto);
		if (!values[2] && numbers++ >= PROTO_SERIES_MAX) {
			other.packets += protos[proto].packets;
			other.bytes += protos[proto].bytes;
			continue;
		}
		(void)snprintf(number, sizeof(number), "%u", proto);
		if (!values[2])
			values[2] = number;
		xa_exposition_u64(expo, values, pick(&protos[proto], bytes));
	}
	values[2] = "other";
	if (other.packets)
		xa_exposition_u64(expo, values, pick(&other, bytes));
}

static void render_flow_counter(struct xa_exposition *expo, const struct xa_traffic *traffic,
				bool bytes)
{
	xa_exposition_begin(expo, bytes ? XA_METRIC_BYTES_TOTAL : XA_METRIC_PACKETS_TOTAL);
	for (unsigned slot = 0; slot < XA_SLOTS; slot++) {
		if (!traffic->slot_names[slot])
			continue;
		for (enum xa_family family = 0; family < XA_FAMILY_COUNT_; family++)
			render_protos(
				expo, traffic->slot_names[slot], family,
				xa_ledger_account(traffic->ledger, (uint8_t)slot)->flows[family],
				bytes);
	}
}

/* Every reason is there from the start, at 0: so that an alert has something to compare with. */
static void render_reasons(struct xa_exposition *expo, const struct xa_traffic *traffic, bool bytes)
{
	xa_exposition_begin(expo, bytes ? XA_METRIC_UNATTRIBUTED_BYTES_TOTAL
					: XA_METRIC_UNATTRIBUTED_PACKETS_TOTAL);
	for (unsigned slot = 0; slot < XA_SLOTS; slot++) {
		if (!traffic->slot_names[slot])
			continue;
		for (unsigned reason = XA_CLASS_FLOW + 1; reason < XA_REASON_COUNT_; reason++) {
			const char *values[XA_LABELS_MAX] = {traffic->slot_names[slot],
							     xa_reason_name(reason)};

			xa_exposition_u64(expo, values,
					  pick(&xa_ledger_account(traffic->ledger, (uint8_t)slot)
							->reasons[reason],
					       bytes));
		}
	}
}

static void render_seen(struct xa_exposition *expo, const struct xa_traffic *traffic, bool bytes)
{
	xa_exposition_begin(expo,
			    bytes ? XA_METRIC_SEEN_BYTES_TOTAL : XA_METRIC_SEEN_PACKETS_TOTAL);
	for (unsigned slot = 0; slot < XA_SLOTS; slot++)
		if (traffic->slot_names[slot])
			xa_exposition_u64(
				expo, &traffic->slot_names[slot],
				pick(&xa_ledger_account(traffic->ledger, (uint8_t)slot)->seen,
				     bytes));
}

static void render_residual(struct xa_exposition *expo, const struct xa_traffic *traffic,
			    bool bytes)
{
	xa_exposition_begin(expo,
			    bytes ? XA_METRIC_UNACCOUNTED_BYTES : XA_METRIC_UNACCOUNTED_PACKETS);
	for (unsigned slot = 0; slot < XA_SLOTS; slot++) {
		struct xa_residual residual;

		if (!traffic->slot_names[slot])
			continue;
		residual = xa_account_residual(xa_ledger_account(traffic->ledger, (uint8_t)slot));
		xa_exposition_i64(expo, &traffic->slot_names[slot],
				  bytes ? residual.bytes : residual.packets);
	}
}

int xa_render_traffic(struct xa_exposition *expo, const struct xa_traffic *traffic,
		      uint64_t *ret_folded)
{
	for (int bytes = false; bytes <= true; bytes++)
		render_flow_counter(expo, traffic, bytes);
	for (int bytes = false; bytes <= true; bytes++)
		render_reasons(expo, traffic, bytes);
	for (int bytes = false; bytes <= true; bytes++)
		render_seen(expo, traffic, bytes);
	for (int bytes = false; bytes <= true; bytes++)
		render_residual(expo, traffic, bytes);
	return render_flows(expo, traffic, ret_folded);
}
