/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Rows against a model that sums every flow into a plain list and sorts it. The flows are drawn
 * from so few keys that most of them share their row with others. XA_TEST_SEED=n repeats a run that
 * failed.
 */

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/flow/rows.h"

#define FLOWS_MAX  512
#define FLOWS_MANY 40000

struct scene {
	struct xa_ledger *ledger;
	struct xa_table *table;
	struct xa_rows *rows;
	struct xa_topk *top;
};

static void scene_end(struct scene *scene)
{
	xa_topk_free(scene->top);
	xa_rows_free(scene->rows);
	xa_table_free(scene->table);
	xa_ledger_free(scene->ledger);
}
#define _cleanup_scene_ XA_CLEANUP(scene_end)

static void scene_begin(struct scene *scene, size_t k, bool by_bytes, uint32_t max)
{
	const struct xa_table_limits limits = {.max = max, .idle_ticks = 100};

	assert_int_equal(xa_ledger_new(&scene->ledger), 0);
	assert_int_equal(xa_table_new(&scene->table, &limits, scene->ledger), 0);
	assert_int_equal(xa_rows_new(&scene->rows, max), 0);
	assert_int_equal(xa_topk_new(&scene->top, k, by_bytes), 0);
}

static struct xa_flow_key6 key_of(uint8_t host, uint8_t slot, uint16_t tag)
{
	return (struct xa_flow_key6){
		.saddr = {10, 0, 0, host},
		.tail = {.proto = 17, .slot = slot, .tag = tag},
	};
}

static void scene_add(struct scene *scene, const struct xa_flow_key6 *key, uint64_t packets,
		      uint64_t bytes)
{
	struct xa_reading reading = {
		.key = *key,
		.value = {.packets = packets, .bytes = bytes, .first_tick = 10, .last_tick = 10},
	};

	xa_table_add(scene->table, &reading, reading.value.last_tick);
}

/* The model's list of rows; a row is found by looking at all. */
struct list {
	struct xa_flow rows[FLOWS_MAX];
	size_t count;
	bool interface_label;
};

static void list_visit(void *ctx, const struct xa_flow *flow)
{
	struct list *list = ctx;
	struct xa_flow_key6 key = flow->key;
	size_t at = 0;

	key.tail.tag &= XA_TAG_IPV6;
	if (!list->interface_label)
		key.tail.slot = 0;
	while (at < list->count && memcmp(&list->rows[at].key, &key, sizeof(key)) != 0)
		at++;
	if (at == list->count)
		list->rows[list->count++] = (struct xa_flow){.key = key};
	list->rows[at].packets += flow->packets;
	list->rows[at].bytes += flow->bytes;
}

static int by_packets(const void *a, const void *b)
{
	const struct xa_flow *x = a, *y = b;

	if (x->packets != y->packets)
		return x->packets > y->packets ? -1 : 1;
	return memcmp(&x->key, &y->key, sizeof(x->key));
}

/* splitmix64 */
static uint64_t draw(uint64_t *random)
{
	uint64_t z = *random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

/* One of 240 keys: few hosts, both families, three tags, two slots where there is a label. */
static struct xa_flow_key6 draw_key(uint64_t *random, bool interface_label, bool marks)
{
	static const uint16_t tags[] = {0, 12, XA_TAG_FRAGMENT};
	uint16_t tag = marks ? tags[draw(random) % array_size(tags)] : 0;

	if (draw(random) % 2)
		tag |= XA_TAG_IPV6;
	return key_of((uint8_t)(draw(random) % 20),
		      (uint8_t)(interface_label ? 1 + draw(random) % 2 : 1), tag);
}

static void compare(struct scene *scene, struct list *list, size_t k, uint64_t seed)
{
	struct xa_totals totals = xa_rows_rank(scene->rows, scene->table, 20, list->interface_label,
					       scene->top);
	size_t expected, got;
	const struct xa_flow *sorted = xa_topk_sorted(scene->top, &got);

	xa_table_visit(scene->table, list_visit, list);
	qsort(list->rows, list->count, sizeof(*list->rows), by_packets);
	expected = k < list->count ? k : list->count;
	if (totals.flows != xa_table_count(scene->table) || got != expected)
		fail_msg("XA_TEST_SEED=%llu: %zu rows, not %zu", (unsigned long long)seed, got,
			 expected);
	for (size_t i = 0; i < got; i++)
		if (memcmp(&sorted[i].key, &list->rows[i].key, sizeof(sorted[i].key)) != 0 ||
		    sorted[i].packets != list->rows[i].packets ||
		    sorted[i].bytes != list->rows[i].bytes)
			fail_msg("XA_TEST_SEED=%llu: row %zu", (unsigned long long)seed, i);
}

static void test_against_list(void **state)
{
	static const size_t ks[] = {0, 1, 5, 50, 1000};
	const char *given = getenv("XA_TEST_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 10) : xa_wall_ns(), random = seed;

	(void)state;
	for (unsigned set = 0; set < 200; set++) {
		_cleanup_scene_ struct scene scene = {0};
		struct list list = {.interface_label = set % 2};
		size_t k = ks[set % array_size(ks)];

		scene_begin(&scene, k, false, FLOWS_MAX);
		for (unsigned growth = 0; growth < 3; growth++) {
			for (uint64_t n = draw(&random) % 60; n; n--) {
				struct xa_flow_key6 key = draw_key(&random, list.interface_label,
								   set % 3);

				scene_add(&scene, &key, 1 + draw(&random) % 5, draw(&random) % 99);
			}
			list.count = 0;
			compare(&scene, &list, k, seed);
		}
	}
}

/* Three small flows of one row outrank a larger one: rows are ranked, not flows. */
static void test_rows_are_ranked(void **state)
{
	const struct xa_flow_key6 keys[] = {key_of(1, 1, 0), key_of(1, 1, 12),
					    key_of(1, 1, XA_TAG_FRAGMENT), key_of(2, 1, 0)};
	_cleanup_scene_ struct scene scene = {0};
	const struct xa_flow *sorted;
	struct xa_totals totals;
	size_t count;

	(void)state;
	scene_begin(&scene, 1, true, FLOWS_MAX);
	for (size_t i = 0; i < 3; i++)
		scene_add(&scene, &keys[i], 1, 40);
	scene_add(&scene, &keys[3], 50, 100);
	totals = xa_rows_rank(scene.rows, scene.table, 20, false, scene.top);
	assert_int_equal(totals.flows, 4);
	assert_int_equal(totals.packets, 53);
	assert_int_equal(totals.bytes, 220);
	sorted = xa_topk_sorted(scene.top, &count);
	assert_int_equal(count, 1);
	assert_int_equal(sorted[0].key.saddr[3], 1);
	assert_int_equal(sorted[0].bytes, 120);
	assert_int_equal(sorted[0].packets, 3);
}

static void test_retires(void **state)
{
	const struct xa_flow_key6 key = key_of(1, 1, 12);
	_cleanup_scene_ struct scene scene = {0};
	size_t count;

	(void)state;
	scene_begin(&scene, 5, false, FLOWS_MAX);
	scene_add(&scene, &key, 1, 60);
	assert_int_equal(xa_rows_rank(scene.rows, scene.table, 110, false, scene.top).flows, 1);
	(void)xa_topk_sorted(scene.top, &count);
	assert_int_equal(count, 1);
	assert_int_equal(xa_rows_rank(scene.rows, scene.table, 111, false, scene.top).flows, 0);
	(void)xa_topk_sorted(scene.top, &count);
	assert_int_equal(count, 0);
	assert_int_equal(xa_table_count(scene.table), 0);
	xa_rows_free(NULL);
}

static size_t resident_bytes(void)
{
	_cleanup_file_ FILE *file = fopen("/proc/self/statm", "re");
	size_t pages = 0;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%*u %zu", &pages), 1);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* After a flood of fragments: what the sum of them took is given back, each time. */
static void test_gives_memory_back(void **state)
{
	const size_t taken = xa_rows_memory_bytes(FLOWS_MANY);
	_cleanup_scene_ struct scene scene = {0};
	size_t before, count;

	(void)state;
	scene_begin(&scene, 5, false, FLOWS_MANY);
	for (uint32_t i = 0; i < FLOWS_MANY; i++) {
		struct xa_flow_key6 key = key_of((uint8_t)i, 1, XA_TAG_FRAGMENT);

		key.daddr[0] = (uint8_t)(i >> 8);
		scene_add(&scene, &key, 1 + i, 60);
	}
	before = resident_bytes();
	for (unsigned round = 0; round < 3; round++) {
		const struct xa_flow *sorted;

		assert_int_equal(xa_rows_rank(scene.rows, scene.table, 20, false, scene.top).flows,
				 FLOWS_MANY);
		assert_true(resident_bytes() < before + taken / 4);
		sorted = xa_topk_sorted(scene.top, &count);
		assert_int_equal(count, 5);
		assert_int_equal(sorted[0].packets, FLOWS_MANY);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_list),
		cmocka_unit_test(test_rows_are_ranked),
		cmocka_unit_test(test_retires),
		cmocka_unit_test(test_gives_memory_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
