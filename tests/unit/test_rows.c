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

/* Rules in plain arrays, by handle. Labels are numbers, of which the hash tells half apart. */
struct rules {
	bool hidden[FLOWS_MAX];
	unsigned labels[FLOWS_MAX];
};

static bool is_hidden(const void *ctx, uint32_t handle)
{
	return ((const struct rules *)ctx)->hidden[handle];
}

static bool are_equal(const void *ctx, uint32_t a, uint32_t b)
{
	const struct rules *rules = ctx;

	return rules->labels[a] == rules->labels[b];
}

static uint32_t hash(const void *ctx, uint32_t handle, uint64_t seed)
{
	(void)seed;
	return UINT32_MAX - ((const struct rules *)ctx)->labels[handle] / 2;
}

static struct xa_judgement judgement_of(const struct rules *rules)
{
	return (struct xa_judgement){rules, is_hidden, are_equal, hash};
}

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
	assert_int_equal(xa_topk_new(&scene->top, k, 0, by_bytes), 0);
}

/* Without a judgement. */
static struct xa_totals scene_rank(struct scene *scene, uint32_t now)
{
	const struct xa_ranking ranking = {.now_tick = now};
	struct xa_totals hidden = {1, 1, 1}, totals;

	totals = xa_rows_rank(scene->rows, scene->table, &ranking, scene->top, &hidden);
	assert_true(!hidden.flows && !hidden.packets && !hidden.bytes);
	return totals;
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

static const struct xa_range fold_ports[] = {{0, 0}, {2, 4}, {7, 9}};

/* The model's list of rows; a row is found by looking at all. */
struct list {
	struct xa_flow rows[FLOWS_MAX];
	size_t count;
	bool interface_label;
	struct xa_flow_key6 untold;
	size_t fold_port_count;
	struct xa_table *table;
	const struct rules *rules; /* NULL: none */
	struct xa_totals hidden;
};

static bool is_row(const struct list *list, size_t at, const struct xa_flow *row)
{
	if (memcmp(&list->rows[at].key, &row->key, sizeof(row->key)) != 0)
		return false;
	return !list->rules ||
	       list->rules->labels[list->rows[at].handle] == list->rules->labels[row->handle];
}

static void list_add(struct list *list, const struct xa_flow *row)
{
	size_t at = 0;

	while (at < list->count && !is_row(list, at, row))
		at++;
	if (at == list->count) {
		list->rows[list->count++] = *row;
		return;
	}
	list->rows[at].packets += row->packets;
	list->rows[at].bytes += row->bytes;
	if (row->handle < list->rows[at].handle)
		list->rows[at].handle = row->handle;
}

static void list_mask(const struct list *list, struct xa_flow_key6 *key)
{
	for (size_t i = 0; i < list->fold_port_count; i++) {
		const struct xa_range *range = &fold_ports[i];

		if (ntohs(key->tail.sport) >= range->low && ntohs(key->tail.sport) <= range->high)
			key->tail.sport = htons(range->low);
		if (ntohs(key->tail.dport) >= range->low && ntohs(key->tail.dport) <= range->high)
			key->tail.dport = htons(range->low);
	}
	if (list->untold.saddr[0])
		memset(key->saddr, 0, sizeof(key->saddr));
	if (list->untold.tail.tag)
		key->tail.tag = 0;
	if (list->untold.tail.proto)
		key->tail.proto = 0;
	if (list->untold.tail.sport)
		key->tail.sport = 0;
	if (list->untold.tail.dport)
		key->tail.dport = 0;
}

static void list_visit(void *ctx, const struct xa_flow *flow)
{
	struct list *list = ctx;
	struct xa_flow row = {.key = flow->key, .packets = flow->packets, .bytes = flow->bytes};

	if (list->rules)
		row.handle = xa_table_mark_of(list->table, flow)->handle;
	if (list->rules && list->rules->hidden[row.handle]) {
		list->hidden.flows++;
		list->hidden.packets += flow->packets;
		list->hidden.bytes += flow->bytes;
		return;
	}
	row.key.tail.tag &= XA_TAG_IPV6;
	if (!list->interface_label)
		row.key.tail.slot = 0;
	list_mask(list, &row.key);
	list_add(list, &row);
}

static int by_packets(const void *a, const void *b)
{
	const struct xa_flow *x = a, *y = b;
	int order = memcmp(&x->key, &y->key, sizeof(x->key));

	if (x->packets != y->packets)
		return x->packets > y->packets ? -1 : 1;
	return order ? order : x->handle < y->handle ? -1 : 1;
}

/* splitmix64 */
static uint64_t draw(uint64_t *random)
{
	uint64_t z = *random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

/* One of few keys: both families, three tags, two slots where there is a label; few hosts, or with
 * `ports` two of them with a few ports. */
static struct xa_flow_key6 draw_key(uint64_t *random, bool interface_label, bool marks, bool ports)
{
	static const uint16_t tags[] = {0, 12, XA_TAG_FRAGMENT};
	uint16_t tag = marks ? tags[draw(random) % array_size(tags)] : 0;
	struct xa_flow_key6 key;

	if (draw(random) % 2)
		tag |= XA_TAG_IPV6;
	key = key_of((uint8_t)(draw(random) % (ports ? 2 : 20)),
		     (uint8_t)(interface_label ? 1 + draw(random) % 2 : 1), tag);
	if (ports) {
		key.tail.sport = htons((uint16_t)(draw(random) % 11));
		key.tail.dport = htons((uint16_t)(draw(random) % 3));
		key.tail.proto = draw(random) % 2 ? 6 : 17;
	}
	return key;
}

/* In half of all cases nothing, else one part of the key or several. */
static struct xa_flow_key6 draw_untold(uint64_t *random)
{
	const uint64_t parts = draw(random) % 2 ? draw(random) : 0;
	struct xa_flow_key6 untold = {0};

	if (parts & 1) {
		memset(untold.saddr, 0xff, sizeof(untold.saddr));
		untold.tail.tag = parts & 2 ? XA_TAG_IPV6 : 0;
	}
	untold.tail.proto = parts & 4 ? 0xff : 0;
	untold.tail.sport = parts & 8 ? 0xffff : 0;
	untold.tail.dport = parts & 16 ? 0xffff : 0;
	return untold;
}

static void draw_rules(struct rules *rules, uint64_t *random)
{
	for (size_t i = 0; i < FLOWS_MAX; i++) {
		rules->hidden[i] = draw(random) % 4 == 0;
		rules->labels[i] = (unsigned)(draw(random) % 5);
	}
}

static void compare(struct scene *scene, struct list *list, size_t k, uint64_t seed)
{
	const struct xa_judgement judgement = judgement_of(list->rules);
	const struct xa_ranking ranking = {.now_tick = 20,
					   .interface_label = list->interface_label,
					   .untold = list->untold,
					   .fold_ports = fold_ports,
					   .fold_port_count = list->fold_port_count,
					   .judgement = list->rules ? &judgement : NULL};
	struct xa_totals hidden,
		totals = xa_rows_rank(scene->rows, scene->table, &ranking, scene->top, &hidden);
	size_t expected, got;
	const struct xa_flow *sorted = xa_topk_sorted(scene->top, &got);

	list->table = scene->table;
	xa_table_visit(scene->table, list_visit, list);
	qsort(list->rows, list->count, sizeof(*list->rows), by_packets);
	expected = k < list->count ? k : list->count;
	if (totals.flows != xa_table_count(scene->table) || got != expected)
		fail_msg("XA_TEST_SEED=%llu: %zu rows, not %zu", (unsigned long long)seed, got,
			 expected);
	if (memcmp(&hidden, &list->hidden, sizeof(hidden)) != 0)
		fail_msg("XA_TEST_SEED=%llu: hidden flows", (unsigned long long)seed);
	for (size_t i = 0; i < got; i++)
		if (memcmp(&sorted[i].key, &list->rows[i].key, sizeof(sorted[i].key)) != 0 ||
		    sorted[i].handle != list->rows[i].handle ||
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
	for (unsigned set = 0; set < 600; set++) {
		_cleanup_scene_ struct scene scene = {0};
		struct list list = {.interface_label = set % 2};
		const bool ports = set % 7 > 2;
		size_t k = ks[set % array_size(ks)];
		struct rules rules = {0};

		scene_begin(&scene, k, false, FLOWS_MAX);
		if (set % 4 > 1) {
			list.rules = &rules;
			assert_int_equal(xa_table_mark(scene.table), 0);
		}
		for (unsigned growth = 0; growth < 3; growth++) {
			for (uint64_t n = draw(&random) % 60; n; n--) {
				struct xa_flow_key6 key = draw_key(&random, list.interface_label,
								   set % 3, ports);

				scene_add(&scene, &key, 1 + draw(&random) % 5, draw(&random) % 99);
			}
			draw_rules(&rules, &random);
			list.untold = draw_untold(&random);
			list.fold_port_count = draw(&random) % (array_size(fold_ports) + 1);
			list.count = 0;
			list.hidden = (struct xa_totals){0};
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
	totals = scene_rank(&scene, 20);
	assert_int_equal(totals.flows, 4);
	assert_int_equal(totals.packets, 53);
	assert_int_equal(totals.bytes, 220);
	sorted = xa_topk_sorted(scene.top, &count);
	assert_int_equal(count, 1);
	assert_int_equal(sorted[0].key.saddr[3], 1);
	assert_int_equal(sorted[0].bytes, 120);
	assert_int_equal(sorted[0].packets, 3);
}

static void test_hidden(void **state)
{
	const struct xa_flow_key6 large = key_of(1, 1, 0), small = key_of(2, 1, 12);
	struct rules rules = {.hidden = {true}};
	const struct xa_judgement judgement = judgement_of(&rules);
	const struct xa_ranking ranking = {.now_tick = 20, .judgement = &judgement};
	_cleanup_scene_ struct scene scene = {0};
	struct xa_totals totals, hidden;
	const struct xa_flow *sorted;
	size_t count;

	(void)state;
	scene_begin(&scene, 5, false, FLOWS_MAX);
	assert_int_equal(xa_table_mark(scene.table), 0);
	scene_add(&scene, &large, 9, 900);
	scene_add(&scene, &small, 2, 100);
	totals = xa_rows_rank(scene.rows, scene.table, &ranking, scene.top, &hidden);
	assert_int_equal(totals.flows, 2);
	assert_int_equal(totals.packets, 11);
	assert_int_equal(totals.bytes, 1000);
	assert_int_equal(hidden.flows, 1);
	assert_int_equal(hidden.packets, 9);
	assert_int_equal(hidden.bytes, 900);
	sorted = xa_topk_sorted(scene.top, &count);
	assert_int_equal(count, 1);
	assert_int_equal(sorted[0].packets, 2);
	assert_int_equal(sorted[0].handle, 1);
	assert_int_equal(sorted[0].key.tail.tag, 0);
}

/* One 5-tuple in three VLANs and without: as many rows as there are labels, whichever comes first.
 */
static void test_labels_keep_rows_apart(void **state)
{
	const struct xa_flow_key6 keys[] = {key_of(1, 1, 7), key_of(1, 1, 8), key_of(1, 1, 9),
					    key_of(1, 1, 0)};
	struct rules rules = {.labels = {4, 3, 4, 3}};
	const struct xa_judgement judgement = judgement_of(&rules);
	const struct xa_ranking ranking = {.now_tick = 20, .judgement = &judgement};
	_cleanup_scene_ struct scene scene = {0};
	struct xa_totals hidden;
	const struct xa_flow *sorted;
	size_t count;

	(void)state;
	scene_begin(&scene, 5, false, FLOWS_MAX);
	assert_int_equal(xa_table_mark(scene.table), 0);
	for (size_t i = 0; i < array_size(keys); i++)
		scene_add(&scene, &keys[i], 1 + i, 60);
	(void)xa_rows_rank(scene.rows, scene.table, &ranking, scene.top, &hidden);
	sorted = xa_topk_sorted(scene.top, &count);
	assert_int_equal(count, 2);
	assert_int_equal(sorted[0].packets, 2 + 4);
	assert_int_equal(sorted[0].handle, 1);
	assert_int_equal(sorted[1].packets, 1 + 3);
	assert_int_equal(sorted[1].handle, 0);
	assert_memory_equal(&sorted[0].key, &sorted[1].key, sizeof(sorted[0].key));
	rules.labels[3] = 5; /* the unmarked one, alone now */
	(void)xa_rows_rank(scene.rows, scene.table, &ranking, scene.top, &hidden);
	sorted = xa_topk_sorted(scene.top, &count);
	assert_int_equal(count, 3);
	assert_int_equal(sorted[0].packets, 1 + 3);
	assert_int_equal(sorted[0].handle, 0);
	assert_int_equal(sorted[1].packets, 4);
	assert_int_equal(sorted[1].handle, 3);
	assert_int_equal(sorted[2].packets, 2);
}

static bool none_hidden(const void *ctx, uint32_t handle)
{
	(void)ctx;
	(void)handle;
	return false;
}

static bool same_handle(const void *ctx, uint32_t a, uint32_t b)
{
	(void)ctx;
	return a == b;
}

static uint32_t spread_hash(const void *ctx, uint32_t handle, uint64_t seed)
{
	(void)ctx;
	return handle * (uint32_t)(seed | 1);
}

/* All flows are the same but for labels of their own, which tell them apart. */
static void test_labels_suffice(void **state)
{
	const struct xa_judgement judgement = {NULL, none_hidden, same_handle, spread_hash};
	const struct xa_ranking ranking = {
		.now_tick = 20,
		.untold = {.saddr = {0xff, 0xff, 0xff, 0xff}},
		.judgement = &judgement,
	};
	_cleanup_scene_ struct scene scene = {0};
	struct xa_totals hidden;
	size_t count;

	(void)state;
	scene_begin(&scene, FLOWS_MANY, false, FLOWS_MANY);
	assert_int_equal(xa_table_mark(scene.table), 0);
	for (uint32_t i = 0; i < FLOWS_MANY; i++) {
		struct xa_flow_key6 key = key_of(1, 1, 0);

		memcpy(key.saddr, &i, sizeof(i));
		scene_add(&scene, &key, 1, 60);
	}
	(void)xa_rows_rank(scene.rows, scene.table, &ranking, scene.top, &hidden);
	(void)xa_topk_sorted(scene.top, &count);
	assert_int_equal(count, FLOWS_MANY);
}

/* Packets a second; the age of a row is that of its oldest flow, and a young one counts as old as
 * the time between two snapshots. */
static void test_min_rate(void **state)
{
	static const uint32_t second = 954; /* ticks of 2^20 ns: 1.0003 s */
	static const struct {
		uint32_t rate, age; /* in seconds */
		size_t count;
	} cases[] = {{0, 40, 2},  {1, 40, 2}, {2, 40, 2}, {3, 40, 1}, {9, 40, 1},
		     {11, 40, 0}, {4, 20, 2}, {6, 20, 1}, {9, 10, 2}, {9, 5, 2},
		     {9, 1, 2},	  {10, 1, 2}, {11, 1, 1}, {40, 1, 1}, {41, 1, 0}};
	_cleanup_scene_ struct scene scene = {0};
	const struct xa_flow_key6 key = key_of(2, 1, 0);

	(void)state;
	scene_begin(&scene, 5, false, FLOWS_MAX);
	xa_table_set_limits(scene.table, &(struct xa_table_limits){.idle_ticks = 100 * second});
	for (uint32_t i = 0; i < 2; i++) { /* one row of 400 packets, its second flow is younger */
		struct xa_reading reading = {
			.key = key_of(1, 1, i ? 12 : 0),
			.value = {.packets = 200, .bytes = 1, .first_tick = 10, .last_tick = 10},
		};

		reading.value.first_tick += i * second / 2;
		xa_table_add(scene.table, &reading, reading.value.first_tick);
	}
	scene_add(&scene, &key, 100, 1);
	for (size_t i = 0; i < array_size(cases); i++) {
		const struct xa_ranking ranking = {
			.now_tick = 10 + cases[i].age * second,
			.min_rate = cases[i].rate,
			.age_min_ns = 10 * XA_NS_PER_S,
		};
		struct xa_totals hidden;
		size_t count;

		(void)xa_rows_rank(scene.rows, scene.table, &ranking, scene.top, &hidden);
		(void)xa_topk_sorted(scene.top, &count);
		if (count != cases[i].count)
			fail_msg("case %zu: %zu rows", i, count);
	}
}

static void test_retires(void **state)
{
	const struct xa_flow_key6 key = key_of(1, 1, 12);
	_cleanup_scene_ struct scene scene = {0};
	size_t count;

	(void)state;
	scene_begin(&scene, 5, false, FLOWS_MAX);
	scene_add(&scene, &key, 1, 60);
	assert_int_equal(scene_rank(&scene, 110).flows, 1);
	(void)xa_topk_sorted(scene.top, &count);
	assert_int_equal(count, 1);
	assert_int_equal(scene_rank(&scene, 111).flows, 0);
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

		assert_int_equal(scene_rank(&scene, 20).flows, FLOWS_MANY);
		assert_true(resident_bytes() < before + taken / 4);
		sorted = xa_topk_sorted(scene.top, &count);
		assert_int_equal(count, 5);
		assert_int_equal(sorted[0].packets, FLOWS_MANY);
	}
}

/* A sum is as old as its oldest flow, was seen when its latest was, over the wrap of the ticks, and
 * has the flags of all. */
static void test_sums_have_times_and_flags(void **state)
{
	static const uint16_t tags[] = {12, 0, XA_TAG_FRAGMENT};
	static const uint32_t ticks[][2] = {{UINT32_MAX - 5, 3}, {1, 8}, {UINT32_MAX, 2}};
	static const uint8_t flags[] = {0x02, 0x10, 0x01};
	_cleanup_scene_ struct scene scene = {0};
	const struct xa_flow *row;
	size_t count;

	(void)state;
	scene_begin(&scene, 5, false, 16);
	for (size_t i = 0; i < array_size(tags); i++) {
		struct xa_reading reading = {
			.key = key_of(1, 1, tags[i]),
			.value = {.packets = 1,
				  .bytes = 1,
				  .first_tick = ticks[i][0],
				  .last_tick = ticks[i][1],
				  .tcp_flags = flags[i]},
		};

		xa_table_add(scene.table, &reading, 10);
	}
	(void)scene_rank(&scene, 10);
	row = xa_topk_sorted(scene.top, &count);
	assert_int_equal(count, 1);
	assert_int_equal(row->packets, 3);
	assert_int_equal(row->first_tick, UINT32_MAX - 5);
	assert_int_equal(row->last_tick, 8);
	assert_int_equal(row->tcp_flags, 0x13);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_list),
		cmocka_unit_test(test_rows_are_ranked),
		cmocka_unit_test(test_hidden),
		cmocka_unit_test(test_labels_keep_rows_apart),
		cmocka_unit_test(test_labels_suffice),
		cmocka_unit_test(test_min_rate),
		cmocka_unit_test(test_retires),
		cmocka_unit_test(test_gives_memory_back),
		cmocka_unit_test(test_sums_have_times_and_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
