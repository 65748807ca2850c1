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

/* And whether there are flows of several all the same, as after a reload from one to another. */
bool xa_wants_interface_label(const struct xa_config *config, const struct xa_table *table)
{
	size_t slots = 0;

	for (unsigned slot = 0; slot < XA_SLOTS; slot++)
		slots += xa_table_slot_count(table, (uint8_t)slot) > 0;
	return slots > 1 || names_several(config);
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
			enum xa_metric metric, size_t count)
{
	struct flow_labels labels = {0};

	xa_exposition_begin(expo, metric);
	for (size_t i = 0; i < count; i++) {
		const struct xa_flow *row = &traffic->top[i];
		const char *interface = traffic->interface_label
						? traffic->slot_names[row->key.tail.slot]
						: NULL;

		if (!labels_fill(&labels, row, interface)) {
			expo->buf->failed = true;
			break;
		}
		xa_exposition_u64(expo, labels.values,
				  metric == XA_METRIC_FLOW_BYTES ? row->bytes : row->packets);
	}
	xa_buf_done(&labels.text);
}

static void render_flows(struct xa_exposition *expo, const struct xa_traffic *traffic,
			 uint64_t *ret_folded)
{
	size_t count = traffic->top_count, room, max = traffic->config->metrics.max_series;

	xa_exposition_begin(expo, XA_METRIC_ACTIVE_FLOWS);
	xa_exposition_u64(expo, NULL, traffic->totals.flows);
	xa_exposition_begin(expo, XA_METRIC_PACKETS_SNAPSHOT);
	xa_exposition_u64(expo, NULL, traffic->totals.packets);
	xa_exposition_begin(expo, XA_METRIC_BYTES_SNAPSHOT);
	xa_exposition_u64(expo, NULL, traffic->totals.bytes);

	room = max > expo->series ? (max - expo->series) / 2 : 0;
	*ret_folded = count > room ? 2 * (count - room) : 0;
	count = count > room ? room : count;
	render_rows(expo, traffic, XA_METRIC_FLOW_PACKETS, count);
	render_rows(expo, traffic, XA_METRIC_FLOW_BYTES, count);
}

static uint64_t pick(const struct xa_count *count, bool bytes)
{
	return bytes ? count->bytes : count->packets;
}

static void render_protos(struct xa_exposition *expo, const char *interface, enum xa_family family,
			  const struct xa_account *account, bool bytes)
{
	const char *values[XA_LABELS_MAX] = {interface, xa_family_names[family]};
	struct xa_count other = {0};

	for (unsigned proto = 0; proto < 256; proto++) {
		const struct xa_count *count = &account->flows[family][proto];
		char number[4];

		if (!account->is_alone[family][proto]) {
			other.packets += count->packets;
			other.bytes += count->bytes;
			continue;
		}
		(void)snprintf(number, sizeof(number), "%u", proto);
		values[2] = xa_proto_name((uint8_t)proto);
		if (!values[2])
			values[2] = number;
		xa_exposition_u64(expo, values, pick(count, bytes));
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
			render_protos(expo, traffic->slot_names[slot], family,
				      xa_ledger_account(traffic->ledger, (uint8_t)slot), bytes);
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

void xa_render_traffic(struct xa_exposition *expo, const struct xa_traffic *traffic,
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
	render_flows(expo, traffic, ret_folded);
}
