/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Flows stand densely in one array, so that a sweep reads memory in order; beside it a table of
 * 8-byte buckets (hash and position) is probed linearly. Deletion shifts back instead of leaving
 * tombstones, and the last flow moves into the hole. Buckets are fetched ahead: at a million flows
 * each is a cache miss.
 */

#include "core/flow/table.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define POSITION_NONE UINT32_MAX
#define FETCH_AHEAD   8

struct bucket {
	uint32_t hash;
	uint32_t position; /* of the flow; POSITION_NONE: empty */
};

struct xa_table {
	struct xa_table_limits limits;
	struct xa_ledger *ledger;
	uint64_t seed;
	struct xa_flow *flows;
	struct bucket *buckets;
	size_t bucket_count; /* a power of two */
	uint32_t count;
	uint32_t slot_counts[XA_SLOTS];
};

static void *reserve(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static size_t buckets_for(uint32_t max)
{
	size_t count = 2;

	while (count < (size_t)max + max / 3)
		count *= 2;
	return count;
}

uint64_t xa_table_memory_bytes(uint32_t max)
{
	return max * sizeof(struct xa_flow) + buckets_for(max) * sizeof(struct bucket);
}

int xa_table_new(struct xa_table **ret, const struct xa_table_limits *limits,
		 struct xa_ledger *ledger)
{
	_cleanup_xa_table_ struct xa_table *table = calloc(1, sizeof(*table));

	if (!table)
		return -ENOMEM;
	table->limits = *limits;
	table->ledger = ledger;
	if (getrandom(&table->seed, sizeof(table->seed), 0) != sizeof(table->seed))
		return -EIO;
	table->bucket_count = buckets_for(limits->max);
	table->flows = reserve(limits->max * sizeof(*table->flows));
	table->buckets = reserve(table->bucket_count * sizeof(*table->buckets));
	if (!table->flows || !table->buckets)
		return -ENOMEM;
	memset(table->buckets, 0xff, table->bucket_count * sizeof(*table->buckets));
	*ret = take_ptr(table);
	return 0;
}

void xa_table_free(struct xa_table *table)
{
	if (!table)
		return;
	if (table->flows)
		(void)munmap(table->flows, table->limits.max * sizeof(*table->flows));
	if (table->buckets)
		(void)munmap(table->buckets, table->bucket_count * sizeof(*table->buckets));
	free(table);
}

void xa_table_set_limits(struct xa_table *table, const struct xa_table_limits *limits)
{
	table->limits.idle_ticks = limits->idle_ticks;
	table->limits.active_ticks = limits->active_ticks;
}

static uint32_t hash_key(const struct xa_table *table, const struct xa_flow_key6 *key)
{
	return (uint32_t)XXH3_64bits_withSeed(key, sizeof(*key), table->seed);
}

static size_t home_of(const struct xa_table *table, uint32_t hash)
{
	return hash & (table->bucket_count - 1);
}

static size_t next_of(const struct xa_table *table, size_t at)
{
	return (at + 1) & (table->bucket_count - 1);
}

/* The bucket of the key, or the empty one where it would go. */
static size_t find(const struct xa_table *table, const struct xa_flow_key6 *key, uint32_t hash)
{
	size_t at = home_of(table, hash);

	for (;; at = next_of(table, at)) {
		const struct bucket *bucket = &table->buckets[at];

		if (bucket->position == POSITION_NONE)
			return at;
		if (bucket->hash == hash &&
		    !memcmp(&table->flows[bucket->position].key, key, sizeof(*key)))
			return at;
	}
}

static size_t find_position(const struct xa_table *table, uint32_t hash, uint32_t position)
{
	size_t at = home_of(table, hash);

	while (table->buckets[at].position != position)
		at = next_of(table, at);
	return at;
}

/* Knuth's algorithm R (6.4): what follows moves up unless it would come to stand before its home.
 */
static void bucket_delete(struct xa_table *table, size_t hole)
{
	size_t mask = table->bucket_count - 1, at = hole;

	for (;;) {
		at = next_of(table, at);
		if (table->buckets[at].position == POSITION_NONE)
			break;
		if (((at - home_of(table, table->buckets[at].hash)) & mask) >=
		    ((at - hole) & mask)) {
			table->buckets[hole] = table->buckets[at];
			hole = at;
		}
	}
	table->buckets[hole].position = POSITION_NONE;
}

static void flow_delete(struct xa_table *table, uint32_t position)
{
	struct xa_flow *flow = &table->flows[position];
	uint32_t last = table->count - 1;
	struct xa_flow *moved = &table->flows[last];

	table->slot_counts[flow->key.tail.slot]--;
	bucket_delete(table, find_position(table, hash_key(table, &flow->key), position));
	if (position != last) {
		size_t at = find_position(table, hash_key(table, &moved->key), last);

		table->buckets[at].position = position;
		*flow = *moved;
	}
	table->count = last;
}

static struct xa_flow *flow_insert(struct xa_table *table, size_t at, uint32_t hash,
				   const struct xa_flow_key6 *key)
{
	struct xa_flow *flow;

	if (table->count == table->limits.max)
		return NULL;
	table->buckets[at] = (struct bucket){.hash = hash, .position = table->count};
	table->slot_counts[key->tail.slot]++;
	flow = &table->flows[table->count++];
	*flow = (struct xa_flow){.key = *key};
	return flow;
}

static bool is_idle(const struct xa_table *table, uint32_t last_tick, uint32_t now_tick)
{
	return xa_ticks_since(last_tick, now_tick) > (int32_t)table->limits.idle_ticks;
}

static bool is_over(const struct xa_table *table, const struct xa_flow *flow, uint32_t now_tick)
{
	if (is_idle(table, flow->last_tick, now_tick))
		return true;
	return table->limits.active_ticks &&
	       xa_ticks_since(flow->first_tick, now_tick) > (int32_t)table->limits.active_ticks;
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

static void flow_add(struct xa_flow *flow, const struct xa_flow_value *value, struct xa_count more,
		     bool new_entry)
{
	flow->packets += more.packets;
	flow->bytes += more.bytes;
	if (new_entry && xa_ticks_since(value->first_tick, flow->first_tick) > 0)
		flow->first_tick = value->first_tick;
	if (xa_ticks_since(flow->last_tick, value->last_tick) >= 0) {
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

static void flow_take(struct xa_table *table, struct xa_flow *flow,
		      const struct xa_flow_value *value, struct xa_count more, bool new_entry)
{
	if (!flow->packets)
		flow_begin(flow, value, new_entry);
	flow_add(flow, value, more, new_entry);
	xa_ledger_add_flow(table->ledger, &flow->key.tail, more);
}

/* Takes over what the entry has beyond what was read last; true if the entry may be forgotten. */
static bool flow_read(struct xa_table *table, struct xa_flow *flow,
		      const struct xa_table_read *read, const struct xa_flow_value *value)
{
	struct xa_count *standing = &flow->standing[read->side];
	struct xa_count more = {value->packets - standing->packets, value->bytes - standing->bytes};

	if (more.packets) {
		flow_take(table, flow, value, more, !standing->packets);
		*standing = (struct xa_count){value->packets, value->bytes};
		return false;
	}
	if (!read->tight && flow->packets && !is_idle(table, flow->last_tick, read->now_tick))
		return false;
	*standing = (struct xa_count){0};
	return true;
}

/* The flow of the reading, a new one if need be; NULL, with the packets on record, if the table is
 * full. */
static struct xa_flow *flow_for(struct xa_table *table, const struct xa_reading *reading,
				uint32_t hash)
{
	size_t at = find(table, &reading->key, hash);
	uint32_t position = table->buckets[at].position;
	struct xa_flow *flow = position == POSITION_NONE
				       ? flow_insert(table, at, hash, &reading->key)
				       : &table->flows[position];

	if (!flow)
		xa_ledger_add_reason(
			table->ledger, reading->key.tail.slot, XA_REASON_FLOW_LIMIT,
			(struct xa_count){reading->value.packets, reading->value.bytes});
	return flow;
}

static bool apply_one(struct xa_table *table, const struct xa_table_read *read,
		      const struct xa_reading *reading, uint32_t hash)
{
	struct xa_flow *flow = flow_for(table, reading, hash);

	return flow ? flow_read(table, flow, read, &reading->value) : true;
}

void xa_table_add(struct xa_table *table, const struct xa_reading *reading)
{
	struct xa_flow *flow = flow_for(table, reading, hash_key(table, &reading->key));

	if (flow)
		flow_take(table, flow, &reading->value,
			  (struct xa_count){reading->value.packets, reading->value.bytes}, true);
}

void xa_table_apply(struct xa_table *table, const struct xa_table_read *read,
		    const struct xa_reading *readings, size_t count, bool *ret_forget)
{
	uint32_t hashes[FETCH_AHEAD];

	for (size_t base = 0; base < count; base += FETCH_AHEAD) {
		size_t n = count - base < FETCH_AHEAD ? count - base : FETCH_AHEAD;

		for (size_t i = 0; i < n; i++) {
			hashes[i] = hash_key(table, &readings[base + i].key);
			__builtin_prefetch(&table->buckets[home_of(table, hashes[i])]);
		}
		for (size_t i = 0; i < n; i++) {
			uint32_t position = table->buckets[home_of(table, hashes[i])].position;

			if (position != POSITION_NONE) {
				__builtin_prefetch(&table->flows[position], 1);
				__builtin_prefetch((char *)&table->flows[position] + 64, 1);
			}
		}
		for (size_t i = 0; i < n; i++)
			ret_forget[base + i] = apply_one(table, read, &readings[base + i],
							 hashes[i]);
	}
}

struct xa_totals xa_table_sweep(struct xa_table *table, uint32_t now_tick,
				void (*visit)(void *ctx, const struct xa_flow *flow), void *ctx)
{
	struct xa_totals totals = {0};

	for (uint32_t position = 0; position < table->count;) {
		struct xa_flow *flow = &table->flows[position];

		if (is_over(table, flow, now_tick)) {
			flow->packets = 0;
			flow->bytes = 0;
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

size_t xa_table_count(const struct xa_table *table)
{
	return table->count;
}

size_t xa_table_slot_count(const struct xa_table *table, uint8_t slot)
{
	return table->slot_counts[slot];
}
