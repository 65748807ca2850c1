/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Marks against a model that follows each flow by its number, and forgets with the flow: whatever
 * the table does with its positions, a handle is one living flow's, its serial is new with each
 * life, and what a snapshot left in it stays. XA_TEST_SEED=n repeats a run that failed.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/flow/table.h"

#define FLOWS	   80
#define MAX	   64 /* some find the table full */
#define IDLE	   100
#define OPERATIONS 100000

/* A life ends at the first sweep that finds it idle. */
struct life {
	struct xa_count standing; /* the entry on side 0, as the kernel has it */
	bool present; /* in the table */
	uint64_t packets; /* 0: it does not live */
	uint32_t last;
	uint32_t handle, serial;
	bool known; /* handle and serial were looked at in this life */
	uint64_t left_packets; /* by the last snapshot */
};

struct model {
	struct life lives[FLOWS];
	uint32_t serials[MAX]; /* the last one of each handle */
	bool taken[MAX]; /* in this visit */
	size_t count, most;
	uint32_t now;
	bool marking;
	uint64_t seed, random;
	size_t operation;
	struct xa_ledger *ledger;
	struct xa_table *table;
};

#define check(model, condition) \
	do { \
		if (!(condition)) \
			fail_msg("XA_TEST_SEED=%llu, operation %zu: not so: %s", \
				 (unsigned long long)(model)->seed, (model)->operation, \
				 #condition); \
	} while (0)

/* splitmix64 */
static uint32_t below(struct model *model, uint32_t limit)
{
	uint64_t z = model->random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return (uint32_t)((z ^ z >> 31) % limit);
}

static struct xa_reading reading_of(const struct model *model, uint32_t id, struct xa_count count)
{
	return (struct xa_reading){
		.key = {.saddr = {(uint8_t)id}, .tail = {.proto = 17, .slot = 1}},
		.value = {.packets = count.packets,
			  .bytes = count.bytes,
			  .first_tick = model->now,
			  .last_tick = model->now},
	};
}

static bool enter(struct model *model, struct life *life)
{
	if (life->present)
		return true;
	if (model->count == MAX)
		return false;
	life->present = true;
	model->count++;
	model->most = model->count > model->most ? model->count : model->most;
	return true;
}

static void live(struct model *model, struct life *life, uint64_t packets)
{
	if (!life->packets) {
		life->known = false;
		life->left_packets = 0;
	}
	life->packets += packets;
	life->last = model->now;
}

static void add(struct model *model, uint32_t id)
{
	uint64_t packets = 1 + below(model, 5);
	struct xa_reading reading = reading_of(model, id, (struct xa_count){packets, packets * 60});

	xa_table_add(model->table, &reading, model->now);
	if (enter(model, &model->lives[id]))
		live(model, &model->lives[id], packets);
}

/* More packets, or none, and the entry is deleted where the table asks for it. */
static void read_entry(struct model *model, uint32_t id)
{
	struct life *life = &model->lives[id];
	struct xa_table_read read = {.now_tick = model->now, .tight = below(model, 4) == 0};
	const uint64_t packets = life->standing.packets ? below(model, 3) : 1;
	struct xa_reading reading;
	bool forget;

	life->standing.packets += packets;
	life->standing.bytes += packets * 60;
	reading = reading_of(model, id, life->standing);
	xa_table_apply(model->table, &read, &reading, 1, &forget);
	if (enter(model, life) && packets)
		live(model, life, packets);
	xa_table_forget(model->table, 0, &reading, 1, &forget);
	if (forget)
		life->standing = (struct xa_count){0};
}

static void sweep(struct model *model)
{
	(void)xa_table_sweep(model->table, model->now, NULL, NULL);
	for (size_t id = 0; id < FLOWS; id++) {
		struct life *life = &model->lives[id];

		if (!life->present || model->now - life->last <= IDLE)
			continue;
		life->packets = 0;
		if (!life->standing.packets) {
			life->present = false;
			model->count--;
		}
	}
}

static void look(void *ctx, const struct xa_flow *flow)
{
	struct model *model = ctx;
	struct life *life = &model->lives[flow->key.saddr[0]];
	struct xa_mark *mark = xa_table_mark_of(model->table, flow);

	check(model, flow->packets == life->packets);
	check(model, mark->handle < model->most);
	check(model, !model->taken[mark->handle]);
	model->taken[mark->handle] = true;
	if (!life->known) {
		check(model, mark->serial > model->serials[mark->handle]);
		life->handle = mark->handle;
		life->serial = model->serials[mark->handle] = mark->serial;
		life->known = true;
	}
	check(model, mark->handle == life->handle && mark->serial == life->serial);
	check(model, mark->packets == life->left_packets);
	check(model, mark->bytes == life->left_packets * 60);
	life->left_packets = mark->packets = flow->packets;
	mark->bytes = flow->bytes;
}

static void snapshot(struct model *model)
{
	if (!model->marking)
		return;
	memset(model->taken, 0, sizeof(model->taken));
	xa_table_visit(model->table, look, model);
}

static void operate(struct model *model)
{
	uint32_t dice = below(model, 100), id = below(model, FLOWS);

	model->now += below(model, 4);
	if (dice < 40)
		add(model, id);
	else if (dice < 80)
		read_entry(model, id);
	else if (dice < 90)
		sweep(model);
	else
		snapshot(model);
	if (below(model, 1000) == 0) {
		model->now += 2 * IDLE;
		sweep(model);
	}
	check(model, xa_table_count(model->table) == model->count);
}

static void test_model(void **state)
{
	const struct xa_table_limits limits = {.max = MAX, .idle_ticks = IDLE};
	_cleanup_xa_ledger_ struct xa_ledger *ledger = NULL;
	_cleanup_xa_table_ struct xa_table *table = NULL;
	const char *given = getenv("XA_TEST_SEED");
	struct model model = {.now = UINT32_MAX - 1000};

	(void)state;
	assert_int_equal(xa_ledger_new(&ledger), 0);
	assert_int_equal(xa_table_new(&table, &limits, ledger), 0);
	model.seed = model.random = given ? strtoull(given, NULL, 10) : xa_wall_ns();
	model.ledger = ledger;
	model.table = table;
	while (model.operation++ < OPERATIONS) {
		operate(&model);
		if (model.operation == 500) {
			assert_int_equal(xa_table_mark(table), 0);
			model.marking = true;
			model.most = model.count;
		}
	}
	check(&model, model.most == MAX);
}

/* From here on: single promises. */

struct seen {
	struct xa_table *table;
	struct xa_mark marks[4]; /* by the first byte of the source */
	size_t count;
};

static void see(void *ctx, const struct xa_flow *flow)
{
	struct seen *seen = ctx;

	seen->marks[flow->key.saddr[0]] = *xa_table_mark_of(seen->table, flow);
	seen->count++;
}

static void put(struct xa_table *table, uint8_t host, uint32_t tick)
{
	struct xa_reading reading = {
		.key = {.saddr = {host}, .tail.proto = 6},
		.value = {.packets = 1, .bytes = 60, .first_tick = tick, .last_tick = tick},
	};

	xa_table_add(table, &reading, tick);
}

/* The flows that live already are numbered; once more changes nothing. */
static void test_mark_again(void **state)
{
	const struct xa_table_limits limits = {.max = 4, .idle_ticks = IDLE};
	_cleanup_xa_ledger_ struct xa_ledger *ledger = NULL;
	_cleanup_xa_table_ struct xa_table *table = NULL;
	struct seen seen = {0};

	(void)state;
	assert_int_equal(xa_ledger_new(&ledger), 0);
	assert_int_equal(xa_table_new(&table, &limits, ledger), 0);
	seen.table = table;
	put(table, 0, 10);
	put(table, 1, 10);
	assert_int_equal(xa_table_mark(table), 0);
	put(table, 2, 10);
	assert_int_equal(xa_table_mark(table), 0);
	xa_table_visit(table, see, &seen);
	assert_int_equal(seen.count, 3);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(seen.marks[i].handle, i);
		assert_int_equal(seen.marks[i].serial, 1);
		assert_int_equal(seen.marks[i].packets, 0);
		assert_int_equal(seen.marks[i].bytes, 0);
	}
}

/* The last flow moves into the hole with its mark; who comes next gets the free handle. */
static void test_handle_is_used_again(void **state)
{
	const struct xa_table_limits limits = {.max = 4, .idle_ticks = IDLE};
	_cleanup_xa_ledger_ struct xa_ledger *ledger = NULL;
	_cleanup_xa_table_ struct xa_table *table = NULL;
	struct seen seen = {0};

	(void)state;
	assert_int_equal(xa_ledger_new(&ledger), 0);
	assert_int_equal(xa_table_new(&table, &limits, ledger), 0);
	assert_int_equal(xa_table_mark(table), 0);
	seen.table = table;
	put(table, 0, 10);
	put(table, 1, 50);
	put(table, 2, 50);
	assert_int_equal(xa_table_sweep(table, 11 + IDLE, NULL, NULL).flows, 2);
	put(table, 3, 50);
	xa_table_visit(table, see, &seen);
	assert_int_equal(seen.count, 3);
	assert_int_equal(seen.marks[1].handle, 1);
	assert_int_equal(seen.marks[1].serial, 1);
	assert_int_equal(seen.marks[2].handle, 2);
	assert_int_equal(seen.marks[2].serial, 1);
	assert_int_equal(seen.marks[3].handle, 0);
	assert_int_equal(seen.marks[3].serial, 2);
}

static void test_memory(void **state)
{
	(void)state;
	assert_int_equal(xa_table_marks_bytes(1000), 1000 * sizeof(struct xa_mark));
	assert_true(xa_table_memory_bytes(1 << 20) <= 128ULL << 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_mark_again),
		cmocka_unit_test(test_handle_is_used_again),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
