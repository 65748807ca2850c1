/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Flows stand densely in one array, so that a sweep reads memory in order; an index finds them by
 * key. The last flow moves into the hole that a retired one leaves. What a batch will look at is
 * fetched ahead: at a million flows each bucket and each flow is a cache miss.
 *
 * Marks stand beside the flows, one at each position. Behind those in use stand the marks whose
 * handles are free: a retired flow's mark changes places with the last one in use.
 */

#include "core/flow/table.h"

#include <sys/mman.h>

#include "core/flow/index.h"

/* With 8 the first bucket was still on its way when it was looked at; 32 brought no more. */
#define FETCH_AHEAD 16

struct xa_table {
	struct xa_table_limits limits;
	struct xa_ledger *ledger;
	struct xa_flow *flows;
	struct xa_index index;
	struct xa_lives lives;
	struct xa_mark *marks; /* NULL: not kept */
	uint32_t marked; /* positions that have had a flow: so many handles there are */
	uint32_t count;
	uint32_t slot_counts[XA_SLOTS];
};

uint64_t xa_table_memory_bytes(uint32_t max)
{
	return max * sizeof(struct xa_flow) + xa_index_memory_bytes(max);
}

uint64_t xa_table_marks_bytes(uint32_t max)
{
	return max * sizeof(struct xa_mark);
}

int xa_table_new(struct xa_table **ret, const struct xa_table_limits *limits,
		 struct xa_ledger *ledger)
{
	_cleanup_xa_table_ struct xa_table *table = calloc(1, sizeof(*table));
	int error;

	if (!table)
		return -ENOMEM;
	table->limits = *limits;
	table->ledger = ledger;
	table->flows = xa_reserve(limits->max * sizeof(*table->flows));
	if (!table->flows)
		return -ENOMEM;
	error = xa_index_init(&table->index, limits->max, table->flows, sizeof(*table->flows));
	if (error)
		return error;
	*ret = take_ptr(table);
	return 0;
}

void xa_table_free(struct xa_table *table)
{
	if (!table)
		return;
	if (table->flows)
		(void)munmap(table->flows, table->limits.max * sizeof(*table->flows));
	if (table->marks)
		(void)munmap(table->marks, xa_table_marks_bytes(table->limits.max));
	xa_index_done(&table->index);
	free(table);
}

void xa_table_set_limits(struct xa_table *table, const struct xa_table_limits *limits)
{
	table->limits.idle_ticks = limits->idle_ticks;
	table->limits.active_ticks = limits->active_ticks;
}

/* The flow at the position, the first that follows the others, gets a handle: the one that stands
 * there, or a new one. */
static void mark_insert(struct xa_table *table, uint32_t position)
{
	if (position < table->marked)
		return;
	table->marks[position].handle = position;
	table->marked = position + 1;
}

static void mark_begin(struct xa_mark *mark)
{
	*mark = (struct xa_mark){.handle = mark->handle, .serial = mark->serial + 1};
}

static void mark_delete(struct xa_table *table, uint32_t position, uint32_t last)
{
	struct xa_mark held = table->marks[position];

	table->marks[position] = table->marks[last];
	table->marks[last] = held;
}

int xa_table_mark(struct xa_table *table)
{
	if (table->marks)
		return 0;
	table->marks = xa_reserve(xa_table_marks_bytes(table->limits.max));
	if (!table->marks)
		return -ENOMEM;
	for (uint32_t position = 0; position < table->count; position++) {
		mark_insert(table, position);
		mark_begin(&table->marks[position]);
	}
	return 0;
}

struct xa_mark *xa_table_mark_of(struct xa_table *table, const struct xa_flow *flow)
{
	return &table->marks[flow - table->flows];
}

static void flow_delete(struct xa_table *table, uint32_t position)
{
	uint32_t last = table->count - 1;

	table->slot_counts[table->flows[position].key.tail.slot]--;
	xa_index_delete(&table->index, position + 1);
	if (position != last) {
		xa_index_move(&table->index, last + 1, position + 1);
		table->flows[position] = table->flows[last];
	}
	if (table->marks)
		mark_delete(table, position, last);
	table->count = last;
}

static struct xa_flow *flow_insert(struct xa_table *table, struct xa_bucket *bucket, uint32_t hash,
				   const struct xa_flow_key6 *key)
{
	struct xa_flow *flow;

	if (table->count == table->limits.max)
		return NULL;
	*bucket = (struct xa_bucket){.hash = hash, .item = table->count + 1};
	table->slot_counts[key->tail.slot]++;
	if (table->marks)
		mark_insert(table, table->count);
	flow = &table->flows[table->count++];
	*flow = (struct xa_flow){.key = *key};
	return flow;
}

static bool is_idle(const struct xa_table *table, uint32_t last_tick, uint32_t now_tick)
{
	return xa_tick_age(last_tick, now_tick) > table->limits.idle_ticks;
}

static bool is_over(const struct xa_table *table, const struct xa_flow *flow, uint32_t now_tick)
{
	if (is_idle(table, flow->last_tick, now_tick))
		return true;
	return table->limits.active_ticks &&
	       xa_tick_age(flow->first_tick, now_tick) > table->limits.active_ticks;
}

static bool has_entry(const struct xa_flow *flow)
{
	return flow->standing[0].packets || flow->standing[1].packets;
}

/*
 * A flow begins with its first packets, and again with those that come after it was over. Then its
 * entry may be the old one, whose first packet was another life's: what is known of the new first
 * is "not after the last".
 */
static void flow_begin(struct xa_flow *flow, const struct xa_flow_value *value, bool new_entry)
{
	flow->first_tick = new_entry ? value->first_tick : value->last_tick;
	flow->last_tick = value->last_tick;
	flow->tcp_flags = 0;
	flow->ttl_min = value->ttl_min;
	flow->ttl_max = value->ttl_max;
	flow->len_min = value->len_min;
	flow->len_max = value->len_max;
}

/* Packets that a flow gets: what the entry says, how many of them are new, and whether the entry
 * is. */
struct arrival {
	const struct xa_flow_value *value;
	struct xa_count more;
	bool new_entry;
	uint32_t now_tick;
};

static void flow_add(struct xa_flow *flow, const struct arrival *arrival)
{
	const struct xa_flow_value *value = arrival->value;
	uint32_t now = arrival->now_tick;

	flow->packets += arrival->more.packets;
	flow->bytes += arrival->more.bytes;
	if (arrival->new_entry &&
	    xa_tick_age(value->first_tick, now) > xa_tick_age(flow->first_tick, now))
		flow->first_tick = value->first_tick;
	if (xa_tick_age(value->last_tick, now) <= xa_tick_age(flow->last_tick, now)) {
		flow->last_tick = value->last_tick;
		flow->tos = value->tos;
	}
	flow->tcp_flags |= value->tcp_flags;
	if (value->ttl_min < flow->ttl_min)
		flow->ttl_min = value->ttl_min;
	if (value->ttl_max > flow->ttl_max)
		flow->ttl_max = value->ttl_max;
	if (value->len_min < flow->len_min)
		flow->len_min = value->len_min;
	if (value->len_max > flow->len_max)
		flow->len_max = value->len_max;
}

static void flow_take(struct xa_table *table, struct xa_flow *flow, const struct arrival *arrival)
{
	if (!flow->packets) {
		flow_begin(flow, arrival->value, arrival->new_entry);
		if (table->marks)
			mark_begin(xa_table_mark_of(table, flow));
	}
	flow_add(flow, arrival);
	xa_ledger_add_flow(table->ledger, &flow->key.tail, arrival->more);
}

/* Takes over what the entry has beyond what was read last; true if the entry may be forgotten. */
static bool flow_read(struct xa_table *table, struct xa_flow *flow,
		      const struct xa_table_read *read, const struct xa_flow_value *value)
{
	struct xa_count *standing = &flow->standing[read->side];
	struct arrival arrival = {
		.value = value,
		.more = {value->packets - standing->packets, value->bytes - standing->bytes},
		.new_entry = !standing->packets,
		.now_tick = read->now_tick,
	};

	if (arrival.more.packets) {
		flow_take(table, flow, &arrival);
		*standing = (struct xa_count){value->packets, value->bytes};
		return false;
	}
	return read->tight || !flow->packets || is_idle(table, flow->last_tick, read->now_tick);
}

/* The flow of the reading, a new one if need be; NULL if the table is full. */
static struct xa_flow *flow_for(struct xa_table *table, const struct xa_reading *reading,
				uint32_t hash)
{
	struct xa_bucket *bucket = xa_index_find(&table->index, &reading->key, hash);

	return bucket->item == XA_ITEM_NONE ? flow_insert(table, bucket, hash, &reading->key)
					    : &table->flows[bucket->item - 1];
}

static void refuse(struct xa_table *table, const struct xa_reading *reading)
{
	xa_ledger_add_reason(table->ledger, reading->key.tail.slot, XA_REASON_FLOW_LIMIT,
			     (struct xa_count){reading->value.packets, reading->value.bytes});
}

static bool apply_one(struct xa_table *table, const struct xa_table_read *read,
		      const struct xa_reading *reading, uint32_t hash)
{
	struct xa_flow *flow = flow_for(table, reading, hash);

	return flow ? flow_read(table, flow, read, &reading->value) : true;
}

void xa_table_add(struct xa_table *table, const struct xa_reading *reading, uint32_t now_tick)
{
	struct xa_flow *flow = flow_for(table, reading,
					xa_index_hash(&table->index, &reading->key));
	struct arrival arrival = {
		.value = &reading->value,
		.more = {reading->value.packets, reading->value.bytes},
		.new_entry = true,
		.now_tick = now_tick,
	};

	if (flow)
		flow_take(table, flow, &arrival);
	else
		refuse(table, reading);
}

void xa_table_apply(struct xa_table *table, const struct xa_table_read *read,
		    const struct xa_reading *readings, size_t count, bool *ret_forget)
{
	uint32_t hashes[FETCH_AHEAD];

	for (size_t base = 0; base < count; base += FETCH_AHEAD) {
		size_t n = count - base < FETCH_AHEAD ? count - base : FETCH_AHEAD;

		for (size_t i = 0; i < n; i++) {
			hashes[i] = xa_index_hash(&table->index, &readings[base + i].key);
			xa_index_fetch_bucket(&table->index, hashes[i]);
		}
		for (size_t i = 0; i < n; i++)
			xa_index_fetch_item(&table->index, hashes[i]);
		for (size_t i = 0; i < n; i++)
			ret_forget[base + i] = apply_one(table, read, &readings[base + i],
							 hashes[i]);
	}
}

void xa_table_forget(struct xa_table *table, unsigned side, const struct xa_reading *readings,
		     size_t count, const bool *forgotten)
{
	for (size_t i = 0; i < count; i++) {
		const struct xa_flow_key6 *key = &readings[i].key;
		const struct xa_bucket *bucket;

		if (!forgotten[i])
			continue;
		bucket = xa_index_find(&table->index, key, xa_index_hash(&table->index, key));
		if (bucket->item == XA_ITEM_NONE)
			refuse(table, &readings[i]);
		else
			table->flows[bucket->item - 1].standing[side] = (struct xa_count){0};
	}
}

/* Again for one that only waits for its last entry to go: then nothing has come since. */
static void flow_retire(struct xa_table *table, struct xa_flow *flow, uint32_t now_tick)
{
	uint32_t first_age = xa_tick_age(flow->first_tick, now_tick);
	uint32_t last_age = xa_tick_age(flow->last_tick, now_tick);
	struct xa_life life = {flow->key, first_age > last_age ? first_age - last_age : 0};

	if (flow->packets)
		xa_lives_add(&table->lives, &life);
	flow->packets = 0;
	flow->bytes = 0;
}

struct xa_totals xa_table_sweep(struct xa_table *table, uint32_t now_tick, xa_flow_visit visit,
				void *ctx)
{
	struct xa_totals totals = {0};

	for (uint32_t position = 0; position < table->count;) {
		struct xa_flow *flow = &table->flows[position];

		if (is_over(table, flow, now_tick)) {
			flow_retire(table, flow, now_tick);
			if (!has_entry(flow)) {
				flow_delete(table, position);
				continue;
			}
		}
		position++;
		if (!flow->packets)
			continue;
		totals.flows++;
		totals.packets += flow->packets;
		totals.bytes += flow->bytes;
		if (visit)
			visit(ctx, flow);
	}
	return totals;
}

void xa_table_visit(const struct xa_table *table, xa_flow_visit visit, void *ctx)
{
	for (uint32_t position = 0; position < table->count; position++)
		if (table->flows[position].packets)
			visit(ctx, &table->flows[position]);
}

const struct xa_lives *xa_table_lives(const struct xa_table *table)
{
	return &table->lives;
}

size_t xa_table_count(const struct xa_table *table)
{
	return table->count;
}

size_t xa_table_slot_count(const struct xa_table *table, uint8_t slot)
{
	return table->slot_counts[slot];
}
