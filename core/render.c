/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Ledger, top flows and what rules say of them -> families. */

#include "core/render.h"

#include <arpa/inet.h>
#include <string.h>

#include "core/policy/annotation.h"
#include "core/policy/families.h"

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

_Static_assert(XA_FLOW_LABELS == 1 + XA_FLOW_LABEL_COUNT_,
	       "the interface, and what a config names");
_Static_assert(XA_FLOW_LABELS + XA_PLUGIN_LABELS_MAX <= XA_LABELS_MAX,
	       "room for the rules' labels");

static size_t rule_label_count(const struct xa_traffic *traffic)
{
	return traffic->annotations ? xa_annotations_label_count(traffic->annotations) : 0;
}

struct flow_labels {
	struct xa_buf text;
	const char *values[XA_LABELS_MAX];
};

/* The place of a label among those of flows: the interface's is the first. */
static size_t place_of(enum xa_flow_label label)
{
	return 1 + label;
}

static bool has_label(const struct xa_config *config, enum xa_flow_label label)
{
	return config->metrics.labels & 1U << label;
}

static void add_port(struct xa_buf *text, const struct xa_config *config, uint16_t port)
{
	const struct xa_range one = {ntohs(port), ntohs(port)};
	const struct xa_range *range = xa_range_find(config->metrics.fold_ports,
						     config->metrics.fold_port_count, one.low);

	xa_range_add(text, range ? range : &one);
}

static void add_label(struct xa_buf *text, const struct xa_config *config,
		      const struct xa_flow *row, enum xa_flow_label label)
{
	const struct xa_flow_tail *tail = &row->key.tail;

	switch (label) {
	case XA_LABEL_SRC:
		xa_flow_add_address(text, xa_flow_family(tail), row->key.saddr);
		break;
	case XA_LABEL_DST:
		xa_flow_add_address(text, xa_flow_family(tail), row->key.daddr);
		break;
	case XA_LABEL_PROTO:
		xa_flow_add_proto(text, tail->proto);
		break;
	case XA_LABEL_SPORT:
		add_port(text, config, tail->sport);
		break;
	default:
		add_port(text, config, tail->dport);
		break;
	}
}

/* The row's texts that are labels in one buffer, each ended by a NUL. */
static bool labels_fill(struct flow_labels *labels, const struct xa_config *config,
			const struct xa_flow *row)
{
	size_t starts[XA_FLOW_LABEL_COUNT_];
	struct xa_buf *text = &labels->text;

	xa_buf_reset(text);
	for (enum xa_flow_label label = 0; label < XA_FLOW_LABEL_COUNT_; label++) {
		starts[label] = text->len;
		if (!has_label(config, label))
			continue;
		add_label(text, config, row, label);
		xa_buf_add(text, "", 1);
	}
	if (xa_buf_failed(text))
		return false;
	for (enum xa_flow_label label = 0; label < XA_FLOW_LABEL_COUNT_; label++)
		labels->values[place_of(label)] = has_label(config, label)
							  ? text->text + starts[label]
							  : NULL;
	return true;
}

/* The interface, where it is a label, and what rules say of the row. An empty text is no label. */
static void labels_judge(struct flow_labels *labels, const struct xa_traffic *traffic,
			 const struct xa_flow *row)
{
	labels->values[0] = traffic->interface_label ? traffic->slot_names[row->key.tail.slot]
						     : NULL;
	for (size_t i = 0; i < rule_label_count(traffic); i++) {
		const char *text = xa_annotations_label(traffic->annotations, row->handle, i);

		labels->values[XA_FLOW_LABELS + i] = text && *text ? text : NULL;
	}
}

static struct xa_metric_info with_rule_labels(enum xa_metric metric,
					      const struct xa_traffic *traffic)
{
	struct xa_metric_info info = xa_metrics[metric];

	for (size_t i = 0; i < rule_label_count(traffic); i++)
		info.labels[XA_FLOW_LABELS + i] = xa_annotations_label_name(traffic->annotations,
									    i);
	return info;
}

static uint64_t amount_of(const struct xa_flow *row, enum xa_metric metric)
{
	return metric == XA_METRIC_FLOW_BYTES ? row->bytes : row->packets;
}

/* Of the living flows, what rules do not hide and the first `count` rows do not have. */
static uint64_t rest_of(const struct xa_traffic *traffic, enum xa_metric metric, size_t count)
{
	uint64_t rest = metric == XA_METRIC_FLOW_BYTES
				? traffic->totals.bytes - traffic->hidden.bytes
				: traffic->totals.packets - traffic->hidden.packets;

	for (size_t i = 0; i < count; i++)
		rest -= amount_of(&traffic->top[i], metric);
	return rest;
}

/* Also where there is no rest, so that it has no gaps. */
static void render_rest(struct xa_exposition *expo, const struct xa_traffic *traffic,
			enum xa_metric metric, size_t count)
{
	const char *values[XA_LABELS_MAX] = {traffic->interface_label ? XA_INTERFACE_OTHER : NULL};

	for (enum xa_flow_label label = 0; label < XA_FLOW_LABEL_COUNT_; label++)
		if (has_label(traffic->config, label))
			values[place_of(label)] = "other";
	xa_exposition_u64(expo, values, rest_of(traffic, metric, count));
}

static void render_rows(struct xa_exposition *expo, const struct xa_traffic *traffic,
			enum xa_metric metric, size_t count)
{
	struct xa_metric_info info = with_rule_labels(metric, traffic);
	struct flow_labels labels = {0};

	xa_exposition_begin_info(expo, &info);
	for (size_t i = 0; i < count; i++) {
		const struct xa_flow *row = &traffic->top[i];

		if (!labels_fill(&labels, traffic->config, row)) {
			expo->buf->failed = true;
			break;
		}
		labels_judge(&labels, traffic, row);
		xa_exposition_u64(expo, labels.values, amount_of(row, metric));
	}
	xa_buf_done(&labels.text);
	render_rest(expo, traffic, metric, count);
}

static size_t room_left(const struct xa_exposition *expo, const struct xa_traffic *traffic)
{
	size_t max = traffic->config->metrics.max_series;

	return max > expo->series ? max - expo->series : 0;
}

/* The rest, in packets and in bytes. */
#define REST_SERIES 2

static uint64_t render_flows(struct xa_exposition *expo, const struct xa_traffic *traffic)
{
	size_t count = traffic->top_count, room = room_left(expo, traffic);
	size_t rows = room > REST_SERIES ? (room - REST_SERIES) / 2 : 0;
	size_t shown = count > rows ? rows : count;

	render_rows(expo, traffic, XA_METRIC_FLOW_PACKETS, shown);
	render_rows(expo, traffic, XA_METRIC_FLOW_BYTES, shown);
	return 2 * (count - shown);
}

/* Packets and bytes follow the flows. */
static void render_totals(struct xa_exposition *expo, enum xa_metric flows,
			  const struct xa_totals *totals)
{
	const uint64_t values[] = {totals->flows, totals->packets, totals->bytes};

	for (size_t i = 0; i < array_size(values); i++) {
		xa_exposition_begin(expo, flows + i);
		xa_exposition_u64(expo, NULL, values[i]);
	}
}

/* At most half of what is left: no rule crowds the flows out. */
static void render_derived(struct xa_exposition *expo, const struct xa_traffic *traffic)
{
	size_t room = room_left(expo, traffic);

	if (traffic->families)
		xa_families_render(traffic->families, expo,
				   room > REST_SERIES ? (room - REST_SERIES) / 2 : 0);
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

/* The accounts that are shown: an interface each, and one for all that are not shown alone. */
struct lines {
	struct {
		const char *interface;
		const struct xa_account *account;
		unsigned slot; /* XA_SLOT_UNKNOWN: of several */
	} line[XA_SLOTS];
	size_t count;
	struct xa_account other;
};

/* Series of one interface at most: 8 common protocols, XA_RARE_MAX others and their sum, for two
 * families, in packets and bytes; the reasons, seen and residual; sizes with sum and count; and
 * three of its attachment. Half of max_series is for them, half for the flows. */
#define SERIES_PER_INTERFACE \
	(4 * (8 + XA_RARE_MAX + 1) + 2 * (XA_REASON_COUNT_ - 1) + 4 + (XA_SIZE_COUNT_ + 2) + 3)

bool xa_is_shown_alone(const struct xa_config *config, unsigned slot)
{
	return slot == 1 || slot <= config->metrics.max_series / 2 / SERIES_PER_INTERFACE;
}

static void line_add(struct lines *lines, const char *interface, const struct xa_account *account,
		     unsigned slot)
{
	lines->line[lines->count].slot = slot;
	lines->line[lines->count].interface = interface;
	lines->line[lines->count++].account = account;
}

/* Slots are given out from the lowest: which interfaces are shown alone does not change while they
 * stand. */
static void lines_make(struct lines *lines, const struct xa_traffic *traffic)
{
	struct xa_residual residual;

	lines->count = 0;
	/* among the others only common protocols are told apart: who came first changes */
	lines->other = (struct xa_account){.rare = {XA_RARE_MAX, XA_RARE_MAX}};
	xa_account_add(&lines->other, xa_ledger_account(traffic->ledger, XA_SLOT_UNKNOWN));
	for (unsigned slot = 1; slot < XA_SLOTS; slot++) {
		const struct xa_account *account = xa_ledger_account(traffic->ledger,
								     (uint8_t)slot);

		if (!traffic->slot_names[slot])
			continue;
		if (xa_is_shown_alone(traffic->config, slot))
			line_add(lines, traffic->slot_names[slot], account, slot);
		else
			xa_account_add(&lines->other, account);
	}
	residual = xa_account_residual(&lines->other);
	if (lines->other.seen.packets || residual.packets || residual.bytes)
		line_add(lines, XA_INTERFACE_OTHER, &lines->other, XA_SLOT_UNKNOWN);
}

static void render_flow_counter(struct xa_exposition *expo, const struct lines *lines, bool bytes)
{
	xa_exposition_begin(expo, bytes ? XA_METRIC_BYTES_TOTAL : XA_METRIC_PACKETS_TOTAL);
	for (size_t i = 0; i < lines->count; i++)
		for (enum xa_family family = 0; family < XA_FAMILY_COUNT_; family++)
			render_protos(expo, lines->line[i].interface, family,
				      lines->line[i].account, bytes);
}

/* Every reason is there from the start, at 0: so that an alert has something to compare with. */
static void render_reasons(struct xa_exposition *expo, const struct lines *lines, bool bytes)
{
	xa_exposition_begin(expo, bytes ? XA_METRIC_UNATTRIBUTED_BYTES_TOTAL
					: XA_METRIC_UNATTRIBUTED_PACKETS_TOTAL);
	for (size_t i = 0; i < lines->count; i++) {
		for (unsigned reason = XA_CLASS_FLOW + 1; reason < XA_REASON_COUNT_; reason++) {
			const char *values[XA_LABELS_MAX] = {lines->line[i].interface,
							     xa_reason_name(reason)};

			xa_exposition_u64(expo, values,
					  pick(&lines->line[i].account->reasons[reason], bytes));
		}
	}
}

static void render_seen(struct xa_exposition *expo, const struct lines *lines, bool bytes)
{
	xa_exposition_begin(expo,
			    bytes ? XA_METRIC_SEEN_BYTES_TOTAL : XA_METRIC_SEEN_PACKETS_TOTAL);
	for (size_t i = 0; i < lines->count; i++)
		xa_exposition_u64(expo, &lines->line[i].interface,
				  pick(&lines->line[i].account->seen, bytes));
}

/* Names the flow by the labels that flows have. */
static void exemplar_set(struct xa_exemplar *ret, const struct xa_config *config,
			 const struct xa_flow *flow, double value)
{
	struct xa_buf text = {.text = ret->labels, .size = sizeof(ret->labels), .fixed = true};

	for (enum xa_flow_label label = 0; label < XA_FLOW_LABEL_COUNT_; label++) {
		if (!has_label(config, label))
			continue;
		xa_buf_addf(&text, "%s%s=\"", text.len ? "," : "",
			    xa_metrics[XA_METRIC_FLOW_PACKETS].labels[place_of(label)]);
		add_label(&text, config, flow, label);
		xa_buf_adds(&text, "\"");
	}
	if (xa_buf_failed(&text))
		ret->labels[0] = '\0';
	ret->value = value;
}

/* The largest flow whose largest packet is of the size. Rows have no slot where flows are of one
 * interface. */
static void find_sizes(struct xa_exemplar *ret, const struct xa_traffic *traffic,
		       const struct lines *lines, size_t line, const double *bounds)
{
	for (size_t i = 0; i < traffic->top_count; i++) {
		const struct xa_flow *row = &traffic->top[i];
		size_t size = 0;

		if (traffic->interface_label ? row->key.tail.slot != lines->line[line].slot
					     : lines->count > 1)
			continue;
		while (size < XA_SIZE_COUNT_ - 1 && row->len_max > bounds[size])
			size++;
		if (!ret[size].labels[0])
			exemplar_set(&ret[size], traffic->config, row, row->len_max);
	}
}

static void render_sizes(struct xa_exposition *expo, const struct xa_traffic *traffic,
			 const struct lines *lines)
{
	static const double bounds[] = {XA_SIZE_BOUNDS};

	xa_exposition_begin(expo, XA_METRIC_PACKET_SIZE);
	for (size_t i = 0; i < lines->count; i++) {
		const struct xa_account *account = lines->line[i].account;
		struct xa_exemplar exemplars[XA_SIZE_COUNT_] = {0};
		const struct xa_buckets buckets = {array_size(bounds), bounds, account->sizes,
						   (double)account->seen.bytes, exemplars};

		if (expo->openmetrics)
			find_sizes(exemplars, traffic, lines, i, bounds);

		xa_exposition_buckets(expo, &lines->line[i].interface, &buckets);
	}
}

/* The last flow that lived so long, where there are no rules: it may have been a hidden one. */
static void find_lives(struct xa_exemplar *ret, const struct xa_traffic *traffic)
{
	const struct xa_lives *lives = traffic->lives;

	for (size_t i = 0; i < XA_LIFE_COUNT_ && !traffic->annotations; i++) {
		const struct xa_flow flow = {.key = lives->last[i].key};

		if (lives->counts[i])
			exemplar_set(&ret[i], traffic->config, &flow,
				     lives->last[i].ticks * XA_TICK_S);
	}
}

static void render_lives(struct xa_exposition *expo, const struct xa_traffic *traffic)
{
	static const double bounds[] = {XA_LIFE_BOUNDS_S};
	const struct xa_lives *lives = traffic->lives;
	struct xa_exemplar exemplars[XA_LIFE_COUNT_] = {0};
	const struct xa_buckets buckets = {array_size(bounds), bounds, lives->counts,
					   (double)lives->sum_ticks * XA_TICK_S, exemplars};

	if (expo->openmetrics)
		find_lives(exemplars, traffic);

	xa_exposition_begin(expo, XA_METRIC_FLOW_DURATION);
	xa_exposition_buckets(expo, NULL, &buckets);
}

static void render_residual(struct xa_exposition *expo, const struct lines *lines, bool bytes)
{
	xa_exposition_begin(expo,
			    bytes ? XA_METRIC_UNACCOUNTED_BYTES : XA_METRIC_UNACCOUNTED_PACKETS);
	for (size_t i = 0; i < lines->count; i++) {
		struct xa_residual residual = xa_account_residual(lines->line[i].account);

		xa_exposition_i64(expo, &lines->line[i].interface,
				  bytes ? residual.bytes : residual.packets);
	}
}

void xa_render_traffic(struct xa_exposition *expo, const struct xa_traffic *traffic,
		       struct xa_left_out *ret_left_out)
{
	struct lines lines;

	lines_make(&lines, traffic);
	for (int bytes = false; bytes <= true; bytes++)
		render_flow_counter(expo, &lines, bytes);
	for (int bytes = false; bytes <= true; bytes++)
		render_reasons(expo, &lines, bytes);
	for (int bytes = false; bytes <= true; bytes++)
		render_seen(expo, &lines, bytes);
	render_sizes(expo, traffic, &lines);
	render_lives(expo, traffic);
	for (int bytes = false; bytes <= true; bytes++)
		render_residual(expo, &lines, bytes);
	render_totals(expo, XA_METRIC_ACTIVE_FLOWS, &traffic->totals);
	render_totals(expo, XA_METRIC_HIDDEN_FLOWS, &traffic->hidden);
	render_derived(expo, traffic);
	ret_left_out->flows = render_flows(expo, traffic);
}

/* A rule may have named a family so. */
void xa_render_folded(struct xa_exposition *expo, const struct xa_families *families,
		      const struct xa_left_out *left_out)
{
	static const char *const flow = "flow";
	uint64_t flows = left_out->flows;

	xa_exposition_begin(expo, XA_METRIC_SERIES_FOLDED_TOTAL);
	for (size_t i = 0; families && i < xa_families_count(families); i++) {
		const char *name = xa_families_name(families, i);
		uint64_t folded = xa_families_folded(families, i);

		if (!strcmp(name, flow))
			flows += folded;
		else
			xa_exposition_u64(expo, &name, folded);
	}
	xa_exposition_u64(expo, &flow, flows);
}
