/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The flow table against a model that is too simple to be wrong: a kernel of two sides in plain
 * arrays that at times refuses to delete, flows found by number, time in 64 bits that starts just
 * before the table's 32 wrap. After each step the books have to agree. XA_TEST_SEED=n repeats a run
 * that failed.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/flow/table.h"

#define FLOWS_MAX      600
#define SLOT_UNOPENED  3
#define READINGS_TOTAL 2000000U

/* What stands in the kernel for one flow on one side, and what of it was read. */
struct entry {
	struct xa_count count, read;
	uint64_t first, last; /* ticks */
};

struct model_flow {
	struct entry entries[XA_SIDES];
	struct xa_count life; /* no packets: it does not live */
	uint64_t first, last;
	bool present; /* in the table */
};

struct round {
	size_t universe;
	struct xa_table_limits limits;
	unsigned sweep_percent;
	unsigned stuck_percent; /* of the entries to be forgotten: cannot be deleted */
};

struct model {
	struct model_flow flows[FLOWS_MAX];
	struct round round;
	unsigned side; /* that is written to */
	size_t count;
	size_t slot_counts[SLOT_UNOPENED + 1];
	struct xa_count given[SLOT_UNOPENED + 1], limited[SLOT_UNOPENED + 1];
	struct xa_count by_proto[XA_FAMILY_COUNT_][256];
	uint64_t now;
	uint64_t readings, steps;
	uint64_t seed, random;
	struct xa_ledger *ledger;
	struct xa_table *table;
	struct xa_totals visited;
	uint64_t lives, life_ticks; /* of flows that are over */
};

#define check(model, condition) \
	do { \
		if (!(condition)) \
			fail_msg("XA_TEST_SEED=%llu, step %llu: not so: %s", \
				 (unsigned long long)(model)->seed, \
				 (unsigned long long)(model)->steps, #condition); \
	} while (0)

/* splitmix64 */
static uint64_t draw(uint64_t *random)
{
	uint64_t z = *random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static size_t below(struct model *model, size_t limit)
{
	return (size_t)(draw(&model->random) % limit);
}

static uint8_t slot_of(size_t id)
{
	return (uint8_t)(1 + id % 3);
}

static uint8_t proto_of(size_t id)
{
	static const uint8_t protos[] = {6, 17, 1, 58, 132, 253};

	return protos[id / 3 % array_size(protos)];
}

/* Neighbours differ in as little as one field; the number is in the destination. */
static struct xa_flow_key6 key_of(size_t id)
{
	struct xa_flow_key6 key = {
		.tail = {.slot = slot_of(id),
			 .proto = proto_of(id),
			 .sport = (uint16_t)(id & 1),
			 .dport = (uint16_t)(id & 2),
			 .tag = (uint16_t)((id & 4 ? XA_TAG_IPV6 : 0) | (id & 8 ? 12 : 0))},
	};

	key.daddr[0] = (uint8_t)(id >> 8);
	key.daddr[1] = (uint8_t)id;
	return key;
}

static size_t id_of(const struct xa_flow_key6 *key)
{
	return (size_t)key->daddr[0] << 8 | key->daddr[1];
}

static void count_add(struct xa_count *into, struct xa_count more)
{
	into->packets += more.packets;
	into->bytes += more.bytes;
}

/* Packets that are booked now: seen, too, so that the residual says whether they are booked once.
 */
static void model_give(struct model *model, size_t id, struct xa_count more)
{
	count_add(&model->given[slot_of(id)], more);
	xa_ledger_add_seen(model->ledger, slot_of(id), 0, more);
}

static void model_refuse(struct model *model, size_t id, struct xa_count more)
{
	model_give(model, id, more);
	count_add(&model->limited[slot_of(id)], more);
}

static bool model_enter(struct model *model, size_t id)
{
	struct model_flow *flow = &model->flows[id];

	if (flow->present)
		return true;
	if (model->count == model->round.limits.max)
		return false;
	flow->present = true;
	model->count++;
	model->slot_counts[slot_of(id)]++;
	return true;
}

static void model_take(struct model *model, size_t id, const struct entry *entry,
		       struct xa_count more, bool new_entry)
{
	struct xa_flow_key6 key = key_of(id);
	struct model_flow *flow = &model->flows[id];

	model_give(model, id, more);
	if (!flow->life.packets) {
		flow->first = new_entry ? entry->first : entry->last;
		flow->last = entry->last;
	}
	if (new_entry && entry->first < flow->first)
		flow->first = entry->first;
	if (entry->last > flow->last)
		flow->last = entry->last;
	count_add(&flow->life, more);
	count_add(&model->by_proto[xa_flow_family(&key.tail)][key.tail.proto], more);
}

/* What one reading should do, and whether its entry should go. */
static bool model_read(struct model *model, size_t id, unsigned side, bool tight)
{
	struct model_flow *flow = &model->flows[id];
	struct entry *entry = &flow->entries[side];
	struct xa_count more = {entry->count.packets - entry->read.packets,
				entry->count.bytes - entry->read.bytes};

	check(model, flow->present || !entry->read.packets);
	if (!model_enter(model, id))
		return true;
	if (more.packets) {
		model_take(model, id, entry, more, !entry->read.packets);
		entry->read = entry->count;
		return false;
	}
	return tight || !flow->life.packets ||
	       model->now - flow->last > model->round.limits.idle_ticks;
}

/* The entry is deleted: what of it found no room is lost to the flows for good. */
static void model_forget(struct model *model, size_t id, unsigned side)
{
	struct entry *entry = &model->flows[id].entries[side];

	if (!model->flows[id].present)
		model_refuse(model, id, entry->count);
	*entry = (struct entry){0};
}

static bool is_over(const struct model *model, const struct model_flow *flow, uint64_t now)
{
	if (now > flow->last && now - flow->last > model->round.limits.idle_ticks)
		return true;
	return model->round.limits.active_ticks && now > flow->first &&
	       now - flow->first > model->round.limits.active_ticks;
}

static uint64_t age(uint64_t tick, uint64_t now)
{
	return now > tick ? now - tick : 0;
}

static void model_retire(struct model *model, struct model_flow *flow, uint64_t now)
{
	if (flow->life.packets) {
		model->lives++;
		model->life_ticks += age(flow->first, now) - age(flow->last, now);
	}
	flow->life = (struct xa_count){0};
}

static void model_sweep(struct model *model, uint64_t now)
{
	for (size_t id = 0; id < model->round.universe; id++) {
		struct model_flow *flow = &model->flows[id];

		if (!flow->present)
			continue;
		if (is_over(model, flow, now)) {
			model_retire(model, flow, now);
			if (!flow->entries[0].read.packets && !flow->entries[1].read.packets) {
				flow->present = false;
				model->count--;
				model->slot_counts[slot_of(id)]--;
			}
		}
	}
}

static struct xa_totals model_totals(const struct model *model)
{
	struct xa_totals totals = {0};

	for (size_t id = 0; id < model->round.universe; id++) {
		const struct model_flow *flow = &model->flows[id];

		totals.flows += flow->life.packets > 0;
		totals.packets += flow->life.packets;
		totals.bytes += flow->life.bytes;
	}
	return totals;
}

static void visit(void *ctx, const struct xa_flow *flow)
{
	struct model *model = ctx;
	size_t id = id_of(&flow->key);
	struct xa_flow_key6 key = key_of(id);

	check(model, id < model->round.universe);
	check(model, !memcmp(&key, &flow->key, sizeof(key)));
	check(model, flow->packets == model->flows[id].life.packets);
	check(model, flow->bytes == model->flows[id].life.bytes);
	check(model, flow->first_tick == (uint32_t)model->flows[id].first);
	check(model, flow->last_tick == (uint32_t)model->flows[id].last);
	model->visited.flows++;
	model->visited.packets += flow->packets;
	model->visited.bytes += flow->bytes;
}

static void check_totals(const struct model *model, const struct xa_totals *totals)
{
	const struct xa_totals expected = model_totals(model);

	check(model, totals->flows == expected.flows);
	check(model, totals->packets == expected.packets);
	check(model, totals->bytes == expected.bytes);
}

static void check_lives(const struct model *model)
{
	const struct xa_lives *lives = xa_table_lives(model->table);
	uint64_t count = 0;

	for (size_t i = 0; i < XA_LIFE_COUNT_; i++)
		count += lives->counts[i];
	check(model, count == model->lives);
	check(model, lives->sum_ticks == model->life_ticks);
}

static void check_ledger(struct model *model)
{
	struct xa_count unopened = model->limited[SLOT_UNOPENED];

	for (uint8_t slot = 0; slot < SLOT_UNOPENED; slot++) {
		const struct xa_account *account = xa_ledger_account(model->ledger, slot);
		struct xa_residual residual = xa_account_residual(account);
		struct xa_count limited = slot ? model->limited[slot] : unopened;
		struct xa_count given = model->given[slot ? slot : SLOT_UNOPENED];

		check(model, !residual.packets && !residual.bytes);
		check(model, account->seen.packets == given.packets);
		check(model, account->seen.bytes == given.bytes);
		check(model, account->reasons[XA_REASON_FLOW_LIMIT].packets == limited.packets);
		check(model, account->reasons[XA_REASON_FLOW_LIMIT].bytes == limited.bytes);
	}
}

/* A visit is a look: it retires nothing. */
static void check_books(struct model *model)
{
	check_ledger(model);
	check_lives(model);
	model->visited = (struct xa_totals){0};
	xa_table_visit(model->table, visit, model);
	check_totals(model, &model->visited);
	check(model, xa_table_count(model->table) == model->count);
	for (uint8_t slot = 1; slot <= SLOT_UNOPENED; slot++)
		check(model, xa_table_slot_count(model->table, slot) == model->slot_counts[slot]);
}

static void check_protos(struct model *model)
{
	for (int family = 0; family < XA_FAMILY_COUNT_; family++) {
		for (unsigned proto = 0; proto < 256; proto++) {
			struct xa_count sum = {0};

			for (uint8_t slot = 0; slot < SLOT_UNOPENED; slot++)
				count_add(&sum, xa_ledger_account(model->ledger, slot)
							->flows[family][proto]);
			check(model, sum.packets == model->by_proto[family][proto].packets);
			check(model, sum.bytes == model->by_proto[family][proto].bytes);
		}
	}
}

/* Half of the packets are on a few flows, as in the world. */
static size_t pick_flow(struct model *model)
{
	size_t few = model->round.universe < 8 ? model->round.universe : 8;

	return below(model, 2) ? below(model, few) : below(model, model->round.universe);
}

static struct xa_count pick_packets(struct model *model)
{
	uint64_t packets = 1 + below(model, 5);

	return (struct xa_count){packets, packets * 60 + below(model, 65536)};
}

static void step_traffic(struct model *model)
{
	for (size_t n = below(model, 100); n; n--) {
		struct entry *entry = &model->flows[pick_flow(model)].entries[model->side];

		if (!entry->count.packets)
			entry->first = model->now;
		entry->last = model->now;
		count_add(&entry->count, pick_packets(model));
	}
}

static struct xa_flow_value value_of(const struct entry *entry)
{
	return (struct xa_flow_value){
		.packets = entry->count.packets,
		.bytes = entry->count.bytes,
		.first_tick = (uint32_t)entry->first,
		.last_tick = (uint32_t)entry->last,
	};
}

/* A hash map hands its entries over in no order. */
static size_t collect(struct model *model, unsigned side, struct xa_reading *readings)
{
	size_t count = 0;

	for (size_t id = 0; id < model->round.universe; id++) {
		const struct entry *entry = &model->flows[id].entries[side];
		size_t at = below(model, count + 1);

		if (!entry->count.packets)
			continue;
		readings[count++] = readings[at];
		readings[at].key = key_of(id);
		readings[at].value = value_of(entry);
	}
	return count;
}

static void apply(struct model *model, const struct xa_table_read *read,
		  const struct xa_reading *readings, size_t count)
{
	bool forget[FLOWS_MAX];

	xa_table_apply(model->table, read, readings, count, forget);
	for (size_t i = 0; i < count; i++) {
		size_t id = id_of(&readings[i].key);

		check(model, forget[i] == model_read(model, id, read->side, read->tight));
	}
	check_books(model);
	for (size_t i = 0; i < count; i++) {
		if (below(model, 100) < model->round.stuck_percent)
			forget[i] = false;
		if (forget[i])
			model_forget(model, id_of(&readings[i].key), read->side);
	}
	xa_table_forget(model->table, read->side, readings, count, forget);
	model->readings += count;
}

static void step_read(struct model *model, bool tight)
{
	struct xa_reading readings[FLOWS_MAX + 1];
	struct xa_table_read read = {
		.side = model->side, .now_tick = (uint32_t)model->now, .tight = tight};
	size_t count = collect(model, model->side, readings);

	model->side ^= 1;
	for (size_t at = 0; at < count;) {
		size_t batch = 1 + below(model, count - at);

		apply(model, &read, readings + at, batch);
		at += batch;
	}
}

static void step_add(struct model *model)
{
	size_t id = pick_flow(model);
	struct entry entry = {
		.count = pick_packets(model), .first = model->now, .last = model->now};
	struct xa_reading reading = {.key = key_of(id), .value = value_of(&entry)};

	if (model_enter(model, id))
		model_take(model, id, &entry, entry.count, true);
	else
		model_refuse(model, id, entry.count);
	xa_table_add(model->table, &reading, reading.value.last_tick);
	model->readings++;
}

static void step_sweep(struct model *model)
{
	struct xa_totals totals;

	model_sweep(model, model->now);
	model->visited = (struct xa_totals){0};
	totals = xa_table_sweep(model->table, (uint32_t)model->now, visit, model);
	check_totals(model, &totals);
	check_totals(model, &model->visited);
}

static void step_limits(struct model *model)
{
	struct xa_table_limits *limits = &model->round.limits;

	limits->idle_ticks = (uint32_t)below(model, 2000);
	limits->active_ticks = below(model, 2) ? (uint32_t)below(model, 10000) : 0;
	xa_table_set_limits(model->table, limits);
}

static void step_time(struct model *model)
{
	model->now += below(model, 1 + model->round.limits.idle_ticks / 4);
	if (!below(model, 40))
		model->now += 2 * model->round.limits.idle_ticks;
}

static void step(struct model *model)
{
	size_t dice = below(model, 100);

	model->steps++;
	step_traffic(model);
	step_time(model);
	if (dice < model->round.sweep_percent)
		step_sweep(model);
	else if (dice < 97)
		step_read(model, !below(model, 10));
	else if (dice < 99)
		step_add(model);
	else if (!below(model, 10))
		step_limits(model);
	check_books(model);
}

/* Nothing comes any more: what idles loses its entries side by side, and then leaves. */
static void run_dry(struct model *model)
{
	model->round.stuck_percent = 0;
	for (int i = 0; i < 2 * XA_SIDES; i++) {
		step_read(model, false);
		check_books(model);
		model->now += (uint64_t)model->round.limits.idle_ticks + 1;
		step_sweep(model);
		check_books(model);
	}
	for (size_t id = 0; id < model->round.universe; id++)
		check(model, !model->flows[id].entries[0].count.packets &&
				     !model->flows[id].entries[1].count.packets);
	check(model, xa_table_count(model->table) == 0);
	check_protos(model);
}

static uint64_t pick_seed(void)
{
	const char *given = getenv("XA_TEST_SEED");

	return given ? strtoull(given, NULL, 10) : xa_wall_ns();
}

static void run_round(const struct round *round, uint64_t seed, uint64_t readings)
{
	_cleanup_xa_ledger_ struct xa_ledger *ledger = NULL;
	_cleanup_xa_table_ struct xa_table *table = NULL;
	_cleanup_free_ struct model *model = calloc(1, sizeof(*model));

	assert_non_null(model);
	assert_int_equal(xa_ledger_new(&ledger), 0);
	assert_int_equal(xa_ledger_open(ledger, 1), 0);
	assert_int_equal(xa_ledger_open(ledger, 2), 0);
	assert_int_equal(xa_table_new(&table, &round->limits, ledger), 0);
	model->round = *round;
	model->seed = model->random = seed;
	model->now = (1ULL << 32) - 20000;
	model->ledger = ledger;
	model->table = table;
	while (model->readings < readings)
		step(model);
	run_dry(model);
}

static void test_model(void **state)
{
	static const struct round rounds[] = {
		{FLOWS_MAX, {.max = FLOWS_MAX, .idle_ticks = 500}, 30, 0},
		{FLOWS_MAX, {.max = 100, .idle_ticks = 500}, 30, 20},
		{FLOWS_MAX, {.max = 400, .idle_ticks = 100, .active_ticks = 1000}, 10, 5},
		{200, {.max = 128, .idle_ticks = 1000, .active_ticks = 300}, 50, 90},
		{40, {.max = 3, .idle_ticks = 50}, 30, 50},
		{10, {.max = 1, .idle_ticks = 20, .active_ticks = 20}, 60, 30},
	};
	uint64_t seed = pick_seed();

	(void)state;
	for (size_t i = 0; i < array_size(rounds); i++)
		run_round(&rounds[i], seed, rounds[i].universe < 100 ? 50000 : READINGS_TOTAL / 4);
}

/* From here on: single promises, each with a scene of its own. */

struct scene {
	struct xa_ledger *ledger;
	struct xa_table *table;
	struct xa_flow seen; /* by the last sweep */
};

static void scene_end(struct scene *scene)
{
	xa_table_free(scene->table);
	xa_ledger_free(scene->ledger);
}

static void scene_begin(struct scene *scene, const struct xa_table_limits *limits)
{
	assert_int_equal(xa_ledger_new(&scene->ledger), 0);
	assert_int_equal(xa_ledger_open(scene->ledger, 1), 0);
	assert_int_equal(xa_table_new(&scene->table, limits, scene->ledger), 0);
}

/* The entry is to be forgotten, and stands for now. */
static bool scene_look(struct scene *scene, unsigned side, uint32_t now,
		       const struct xa_reading *reading)
{
	struct xa_table_read read = {.side = side, .now_tick = now};
	bool forget = true;

	xa_table_apply(scene->table, &read, reading, 1, &forget);
	return forget;
}

/* And where it is to be forgotten, it is. */
static bool scene_read(struct scene *scene, unsigned side, uint32_t now,
		       const struct xa_reading *reading)
{
	bool forget = scene_look(scene, side, now, reading);

	xa_table_forget(scene->table, side, reading, 1, &forget);
	return forget;
}

static void remember(void *ctx, const struct xa_flow *flow)
{
	((struct scene *)ctx)->seen = *flow;
}

static struct xa_totals scene_sweep(struct scene *scene, uint32_t now)
{
	return xa_table_sweep(scene->table, now, remember, scene);
}

static struct xa_reading reading_of(uint64_t packets, uint32_t first, uint32_t last)
{
	return (struct xa_reading){
		.key = key_of(0),
		.value = {.packets = packets,
			  .bytes = packets * 100,
			  .first_tick = first,
			  .last_tick = last,
			  .tcp_flags = 0x02,
			  .tos = 3,
			  .ttl_min = 60,
			  .ttl_max = 64,
			  .len_min = 70,
			  .len_max = 100},
	};
}

static void expect_lives(const struct scene *scene, uint64_t count, uint64_t ticks)
{
	const struct xa_lives *lives = xa_table_lives(scene->table);
	uint64_t sum = 0;

	for (size_t i = 0; i < XA_LIFE_COUNT_; i++)
		sum += lives->counts[i];
	assert_int_equal(sum, count);
	assert_int_equal(lives->sum_ticks, ticks);
}

static void test_two_sides_are_one_flow(void **state)
{
	const struct xa_table_limits limits = {.max = 4, .idle_ticks = 100};
	XA_CLEANUP(scene_end) struct scene scene = {0};
	struct xa_reading a = reading_of(3, 10, 20), b = reading_of(4, 15, 30);
	struct xa_totals totals;

	(void)state;
	scene_begin(&scene, &limits);
	b.value.tcp_flags = 0x10;
	b.value.tos = 5;
	b.value.ttl_min = 62;
	b.value.ttl_max = 65;
	b.value.len_min = 40;
	b.value.len_max = 90;
	assert_false(scene_read(&scene, 0, 40, &a));
	assert_false(scene_read(&scene, 1, 40, &b));
	totals = scene_sweep(&scene, 40);
	assert_int_equal(totals.flows, 1);
	assert_int_equal(totals.packets, 7);
	assert_int_equal(totals.bytes, 700);
	assert_int_equal(scene.seen.first_tick, 10);
	assert_int_equal(scene.seen.last_tick, 30);
	assert_int_equal(scene.seen.tcp_flags, 0x12);
	assert_int_equal(scene.seen.tos, 5);
	assert_int_equal(scene.seen.ttl_min, 60);
	assert_int_equal(scene.seen.ttl_max, 65);
	assert_int_equal(scene.seen.len_min, 40);
	assert_int_equal(scene.seen.len_max, 100);
}

/* A standing entry's packets count once, however often it is read. */
static void test_standing_entry(void **state)
{
	const struct xa_table_limits limits = {.max = 4, .idle_ticks = 100};
	XA_CLEANUP(scene_end) struct scene scene = {0};
	struct xa_reading reading = reading_of(3, 10, 20);

	(void)state;
	scene_begin(&scene, &limits);
	assert_false(scene_read(&scene, 0, 25, &reading));
	assert_false(scene_read(&scene, 0, 30, &reading));
	reading = reading_of(5, 10, 40);
	assert_false(scene_read(&scene, 0, 45, &reading));
	assert_int_equal(scene_sweep(&scene, 45).packets, 5);
	assert_int_equal(xa_ledger_account(scene.ledger, 1)->flows[XA_IPV4][6].packets, 5);
	assert_int_equal(xa_ledger_account(scene.ledger, 1)->flows[XA_IPV4][6].bytes, 500);
}

static void test_tight_read_forgets_what_is_not_new(void **state)
{
	const struct xa_table_limits limits = {.max = 4, .idle_ticks = 100};
	const struct xa_table_read tight = {.side = 0, .now_tick = 30, .tight = true};
	XA_CLEANUP(scene_end) struct scene scene = {0};
	struct xa_reading reading = reading_of(3, 10, 20);
	bool forget = true;

	(void)state;
	scene_begin(&scene, &limits);
	xa_table_apply(scene.table, &tight, &reading, 1, &forget);
	assert_false(forget);
	xa_table_apply(scene.table, &tight, &reading, 1, &forget);
	assert_true(forget);
	xa_table_forget(scene.table, 0, &reading, 1, &forget);
	assert_int_equal(scene_sweep(&scene, 30).packets, 3);
	reading = reading_of(2, 31, 31);
	assert_false(scene_read(&scene, 0, 40, &reading));
	assert_int_equal(scene_sweep(&scene, 40).packets, 5);
}

/* The flow is over while its entry stands: it lives again with what came after, no more. */
static void test_revival(void **state)
{
	const struct xa_table_limits limits = {.max = 4, .idle_ticks = 100};
	XA_CLEANUP(scene_end) struct scene scene = {0};
	struct xa_reading reading = reading_of(3, 10, 20);

	(void)state;
	scene_begin(&scene, &limits);
	assert_false(scene_read(&scene, 0, 25, &reading));
	assert_int_equal(scene_sweep(&scene, 120).flows, 1);
	assert_int_equal(scene_sweep(&scene, 121).flows, 0);
	expect_lives(&scene, 1, 10);
	assert_int_equal(scene_sweep(&scene, 122).flows, 0);
	expect_lives(&scene, 1, 10); /* once, though its entry stands yet */
	assert_int_equal(xa_table_count(scene.table), 1);
	assert_int_equal(xa_table_slot_count(scene.table, 1), 1);
	reading.value.packets = 4;
	reading.value.bytes = 450;
	reading.value.last_tick = 200;
	assert_false(scene_read(&scene, 0, 210, &reading));
	assert_int_equal(scene_sweep(&scene, 210).packets, 1);
	assert_int_equal(scene.seen.bytes, 150);
	assert_int_equal(scene.seen.first_tick, 200);
	assert_int_equal(scene.seen.last_tick, 200);
	assert_true(scene_read(&scene, 0, 301, &reading));
	assert_int_equal(scene_sweep(&scene, 301).flows, 0);
	expect_lives(&scene, 2, 10); /* the second was of one packet */
	assert_int_equal(xa_table_count(scene.table), 0);
	assert_int_equal(xa_table_slot_count(scene.table, 1), 0);
	assert_int_equal(xa_ledger_account(scene.ledger, 1)->flows[XA_IPV4][6].packets, 4);
}

static void test_active_timeout(void **state)
{
	const struct xa_table_limits limits = {.max = 4, .idle_ticks = 100, .active_ticks = 300};
	XA_CLEANUP(scene_end) struct scene scene = {0};
	struct xa_reading reading;

	(void)state;
	scene_begin(&scene, &limits);
	for (uint32_t now = 10; now <= 310; now += 50) {
		reading = reading_of(now, 10, now);
		assert_false(scene_read(&scene, 0, now, &reading));
		assert_int_equal(scene_sweep(&scene, now).packets, now);
	}
	expect_lives(&scene, 0, 0);
	assert_int_equal(scene_sweep(&scene, 311).flows, 0);
	expect_lives(&scene, 1, 300);
	reading = reading_of(330, 10, 330);
	assert_false(scene_read(&scene, 0, 330, &reading));
	assert_int_equal(scene_sweep(&scene, 330).packets, 20);
}

static void test_full_table(void **state)
{
	const struct xa_table_limits limits = {.max = 1, .idle_ticks = 100};
	XA_CLEANUP(scene_end) struct scene scene = {0};
	struct xa_reading first = reading_of(3, 10, 20), second = reading_of(7, 10, 20);
	const struct xa_account *account;

	(void)state;
	scene_begin(&scene, &limits);
	second.key = key_of(3); /* of the same slot */
	account = xa_ledger_account(scene.ledger, 1);
	assert_false(scene_read(&scene, 0, 25, &first));
	assert_true(scene_read(&scene, 0, 25, &second));
	assert_int_equal(account->reasons[XA_REASON_FLOW_LIMIT].packets, 7);
	assert_int_equal(account->reasons[XA_REASON_FLOW_LIMIT].bytes, 700);
	xa_table_add(scene.table, &second, second.value.last_tick);
	assert_int_equal(account->reasons[XA_REASON_FLOW_LIMIT].packets, 14);
	assert_int_equal(scene_sweep(&scene, 25).packets, 3);
	assert_true(scene_read(&scene, 0, 200, &first));
	assert_int_equal(scene_sweep(&scene, 200).flows, 0);
	assert_false(scene_read(&scene, 0, 200, &second));
	assert_int_equal(account->reasons[XA_REASON_FLOW_LIMIT].packets, 14);
}

/* What is to be forgotten and cannot be deleted is read again: its packets counted once. */
static void test_stuck_entry(void **state)
{
	const struct xa_table_limits limits = {.max = 4, .idle_ticks = 100};
	XA_CLEANUP(scene_end) struct scene scene = {0};
	struct xa_reading reading = reading_of(3, 10, 20);
	const bool stuck = false;

	(void)state;
	scene_begin(&scene, &limits);
	assert_false(scene_look(&scene, 0, 25, &reading));
	for (uint32_t now = 200; now < 205; now++) {
		assert_true(scene_look(&scene, 0, now, &reading));
		xa_table_forget(scene.table, 0, &reading, 1, &stuck);
		assert_int_equal(scene_sweep(&scene, now).flows, 0);
		assert_int_equal(xa_table_count(scene.table), 1);
	}
	reading = reading_of(5, 10, 205);
	assert_false(scene_look(&scene, 0, 205, &reading));
	assert_int_equal(scene_sweep(&scene, 205).packets, 2);
	assert_int_equal(xa_ledger_account(scene.ledger, 1)->flows[XA_IPV4][6].packets, 5);
	assert_true(scene_read(&scene, 0, 400, &reading));
	assert_int_equal(scene_sweep(&scene, 400).flows, 0);
	assert_int_equal(xa_table_count(scene.table), 0);
	assert_int_equal(xa_ledger_account(scene.ledger, 1)->flows[XA_IPV4][6].packets, 5);
}

/* One side's entry goes, the other's stays: its packets are still known. */
static void test_forgets_one_side(void **state)
{
	const struct xa_table_limits limits = {.max = 4, .idle_ticks = 100};
	XA_CLEANUP(scene_end) struct scene scene = {0};
	struct xa_reading a = reading_of(3, 10, 20), b = reading_of(4, 10, 20);

	(void)state;
	scene_begin(&scene, &limits);
	assert_false(scene_read(&scene, 0, 25, &a));
	assert_false(scene_read(&scene, 1, 25, &b));
	assert_true(scene_read(&scene, 0, 200, &a));
	assert_true(scene_look(&scene, 1, 200, &b));
	a = reading_of(1, 201, 201);
	assert_false(scene_read(&scene, 0, 202, &a));
	assert_false(scene_look(&scene, 1, 202, &b));
	assert_int_equal(scene_sweep(&scene, 202).packets, 8);
	assert_int_equal(xa_ledger_account(scene.ledger, 1)->flows[XA_IPV4][6].packets, 8);
}

/* No room, and no way to delete the entry either: booked when it goes, with all that came. */
static void test_stuck_entry_of_a_full_table(void **state)
{
	const struct xa_table_limits limits = {.max = 1, .idle_ticks = 100};
	XA_CLEANUP(scene_end) struct scene scene = {0};
	struct xa_reading first = reading_of(3, 10, 20), second = reading_of(7, 10, 20);
	const struct xa_account *account;

	(void)state;
	scene_begin(&scene, &limits);
	second.key = key_of(3); /* of the same slot */
	account = xa_ledger_account(scene.ledger, 1);
	assert_false(scene_read(&scene, 0, 25, &first));
	assert_true(scene_look(&scene, 0, 25, &second));
	assert_int_equal(account->reasons[XA_REASON_FLOW_LIMIT].packets, 0);
	second.value.packets = 9;
	second.value.bytes = 900;
	assert_true(scene_look(&scene, 0, 26, &second));
	assert_int_equal(account->reasons[XA_REASON_FLOW_LIMIT].packets, 0);
	assert_true(scene_read(&scene, 0, 27, &second));
	assert_int_equal(account->reasons[XA_REASON_FLOW_LIMIT].packets, 9);
	assert_int_equal(account->reasons[XA_REASON_FLOW_LIMIT].bytes, 900);
}

/* There is room by the time that it is read again: then it is a flow, and was never refused. */
static void test_stuck_entry_finds_room(void **state)
{
	const struct xa_table_limits limits = {.max = 1, .idle_ticks = 100};
	XA_CLEANUP(scene_end) struct scene scene = {0};
	struct xa_reading first = reading_of(3, 10, 20), second = reading_of(7, 10, 200);
	const struct xa_account *account;

	(void)state;
	scene_begin(&scene, &limits);
	second.key = key_of(3); /* of the same slot, of TCP */
	account = xa_ledger_account(scene.ledger, 1);
	assert_false(scene_read(&scene, 0, 25, &first));
	assert_true(scene_look(&scene, 0, 25, &second));
	assert_true(scene_read(&scene, 0, 200, &first));
	assert_int_equal(scene_sweep(&scene, 200).flows, 0);
	assert_false(scene_read(&scene, 0, 201, &second));
	assert_int_equal(scene_sweep(&scene, 201).packets, 7);
	assert_int_equal(account->reasons[XA_REASON_FLOW_LIMIT].packets, 0);
	assert_int_equal(account->flows[XA_IPV4][6].packets, 3);
	assert_int_equal(account->flows[XA_IPV4][17].packets, 7);
}

/* A CPU that stamps a packet a little after the read began does not make the flow a month old. */
static void test_ticks_ahead_of_the_read(void **state)
{
	const struct xa_table_limits limits = {.max = 4, .idle_ticks = 100, .active_ticks = 300};
	XA_CLEANUP(scene_end) struct scene scene = {0};
	struct xa_reading reading = reading_of(3, 1000, 1000 + XA_TICK_SLACK);

	(void)state;
	scene_begin(&scene, &limits);
	assert_false(scene_read(&scene, 0, 1000, &reading));
	assert_false(scene_read(&scene, 0, 1000, &reading));
	assert_int_equal(scene_sweep(&scene, 1000).packets, 3);
	assert_int_equal(scene_sweep(&scene, 1000).flows, 1);
}

/* More than half of the ticks' range ago, where a comparison with a sign would turn around. */
static void test_long_idle(void **state)
{
	const struct xa_table_limits limits = {.max = 4, .idle_ticks = 100};
	XA_CLEANUP(scene_end) struct scene scene = {0};
	struct xa_reading old = reading_of(3, 10, 20), young = reading_of(1, 5, 5);
	uint32_t now = 3U << 30;

	(void)state;
	scene_begin(&scene, &limits);
	assert_false(scene_read(&scene, 0, 25, &old));
	young.value.first_tick = young.value.last_tick = now - 1;
	assert_false(scene_read(&scene, 1, now, &young));
	assert_int_equal(scene_sweep(&scene, now).packets, 4);
	assert_int_equal(scene.seen.first_tick, 10);
	assert_int_equal(scene.seen.last_tick, now - 1);
}

static void test_add(void **state)
{
	const struct xa_table_limits limits = {.max = 4, .idle_ticks = 100};
	XA_CLEANUP(scene_end) struct scene scene = {0};
	struct xa_reading reading = reading_of(1, 10, 10);

	(void)state;
	scene_begin(&scene, &limits);
	xa_table_add(scene.table, &reading, reading.value.last_tick);
	xa_table_add(scene.table, &reading, reading.value.last_tick);
	assert_int_equal(scene_sweep(&scene, 20).packets, 2);
	assert_int_equal(xa_table_sweep(scene.table, 111, NULL, NULL).flows, 0);
	assert_int_equal(xa_table_count(scene.table), 0);
}

static void test_set_limits(void **state)
{
	const struct xa_table_limits limits = {.max = 1, .idle_ticks = 100};
	const struct xa_table_limits other = {.max = 50, .idle_ticks = 5};
	XA_CLEANUP(scene_end) struct scene scene = {0};
	struct xa_reading first = reading_of(1, 10, 10), second = reading_of(1, 10, 10);

	(void)state;
	scene_begin(&scene, &limits);
	second.key = key_of(3);
	xa_table_add(scene.table, &first, first.value.last_tick);
	xa_table_set_limits(scene.table, &other);
	xa_table_add(scene.table, &second, second.value.last_tick);
	assert_int_equal(scene_sweep(&scene, 15).flows, 1);
	assert_int_equal(scene_sweep(&scene, 16).flows, 0);
	xa_table_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_sides_are_one_flow),
		cmocka_unit_test(test_standing_entry),
		cmocka_unit_test(test_tight_read_forgets_what_is_not_new),
		cmocka_unit_test(test_revival),
		cmocka_unit_test(test_active_timeout),
		cmocka_unit_test(test_full_table),
		cmocka_unit_test(test_stuck_entry),
		cmocka_unit_test(test_forgets_one_side),
		cmocka_unit_test(test_stuck_entry_of_a_full_table),
		cmocka_unit_test(test_stuck_entry_finds_room),
		cmocka_unit_test(test_ticks_ahead_of_the_read),
		cmocka_unit_test(test_long_idle),
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_set_limits),
		cmocka_unit_test(test_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
