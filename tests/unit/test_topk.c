/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The K largest against a sort of everything: with ties, in any order, for any K. XA_TEST_SEED=n
 * repeats a run that failed. */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/flow/topk.h"

#define FLOWS_MAX 300

/* splitmix64 */
static uint64_t draw(uint64_t *random)
{
	uint64_t z = *random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static int key_cmp(const struct xa_flow *a, const struct xa_flow *b)
{
	return memcmp(&a->key, &b->key, sizeof(a->key));
}

static int by_packets(const void *a, const void *b)
{
	const struct xa_flow *x = a, *y = b;

	if (x->packets != y->packets)
		return x->packets > y->packets ? -1 : 1;
	return key_cmp(x, y);
}

static int by_bytes(const void *a, const void *b)
{
	const struct xa_flow *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return key_cmp(x, y);
}

static int by_packets_and_handle(const void *a, const void *b)
{
	const struct xa_flow *x = a, *y = b;
	const int order = by_packets(a, b);

	return order ? order : x->handle < y->handle ? -1 : 1;
}

static struct xa_flow flow_of(uint16_t id, uint64_t packets, uint64_t bytes)
{
	struct xa_flow flow = {.packets = packets, .bytes = bytes};

	flow.key.saddr[2] = (uint8_t)(id * 7);
	flow.key.tail.sport = id;
	return flow;
}

/* `spread` decides how many are equal. */
static void make_flows(struct xa_flow *flows, size_t count, uint64_t spread, uint64_t *random)
{
	for (size_t i = 0; i < count; i++) {
		size_t at = (size_t)(draw(random) % (i + 1));

		flows[i] = flows[at];
		flows[at] = flow_of((uint16_t)i, 1 + draw(random) % spread,
				    60 + draw(random) % spread);
	}
}

static void check_against_sort(struct xa_topk *top, size_t k, bool rank_by_bytes,
			       struct xa_flow *flows, size_t count, uint64_t seed)
{
	const struct xa_flow *sorted;
	size_t expected = k < count ? k : count, got;

	xa_topk_reset(top);
	for (size_t i = 0; i < count; i++)
		xa_topk_visit(top, &flows[i]);
	sorted = xa_topk_sorted(top, &got);
	qsort(flows, count, sizeof(*flows), rank_by_bytes ? by_bytes : by_packets);
	if (got != expected || (got && memcmp(sorted, flows, got * sizeof(*flows))))
		fail_msg("XA_TEST_SEED=%llu: k=%zu of %zu flows", (unsigned long long)seed, k,
			 count);
}

static void test_against_sort(void **state)
{
	static const size_t ks[] = {0, 1, 2, 3, 7, 50, FLOWS_MAX - 1, FLOWS_MAX, 1000};
	static const uint64_t spreads[] = {1, 3, 40, UINT64_MAX - 100};
	const char *given = getenv("XA_TEST_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 10) : xa_wall_ns(), random = seed;
	struct xa_flow flows[FLOWS_MAX] = {0};

	(void)state;
	for (size_t i = 0; i < array_size(ks) * 2; i++) {
		_cleanup_xa_topk_ struct xa_topk *top = NULL;

		assert_int_equal(xa_topk_new(&top, ks[i / 2], 0, i % 2), 0);
		for (size_t set = 0; set < 40; set++) {
			size_t count = set ? (size_t)(draw(&random) % (FLOWS_MAX + 1)) : 0;

			make_flows(flows, count, spreads[set % array_size(spreads)], &random);
			check_against_sort(top, ks[i / 2], i % 2, flows, count, seed);
		}
	}
}

/* The same flows in another order make the same list, also where all are equal. */
static void test_order_does_not_matter(void **state)
{
	_cleanup_xa_topk_ struct xa_topk *up = NULL, *down = NULL;
	const struct xa_flow *from_up, *from_down;
	size_t count_up, count_down;

	(void)state;
	assert_int_equal(xa_topk_new(&up, 10, 0, false), 0);
	assert_int_equal(xa_topk_new(&down, 10, 0, false), 0);
	for (uint16_t i = 0; i < 100; i++) {
		struct xa_flow first = flow_of(i, 5, i),
			       second = flow_of((uint16_t)(99 - i), 5, (uint64_t)99 - i);

		xa_topk_visit(up, &first);
		xa_topk_visit(down, &second);
	}
	from_up = xa_topk_sorted(up, &count_up);
	from_down = xa_topk_sorted(down, &count_down);
	assert_int_equal(count_up, 10);
	assert_int_equal(count_down, 10);
	assert_memory_equal(from_up, from_down, 10 * sizeof(*from_up));
	for (size_t i = 1; i < 10; i++)
		assert_true(key_cmp(&from_up[i - 1], &from_up[i]) < 0);
}

static void test_copies(void **state)
{
	_cleanup_xa_topk_ struct xa_topk *top = NULL;
	struct xa_flow flow = flow_of(1, 10, 1000);
	const struct xa_flow *sorted;
	size_t count;

	(void)state;
	assert_int_equal(xa_topk_new(&top, 2, 0, true), 0);
	xa_topk_visit(top, &flow);
	flow.bytes = 0;
	sorted = xa_topk_sorted(top, &count);
	assert_int_equal(count, 1);
	assert_int_equal(sorted[0].bytes, 1000);
	xa_topk_reset(top);
	(void)xa_topk_sorted(top, &count);
	assert_int_equal(count, 0);
	xa_topk_free(NULL);
}

/* The sorted list is no heap any more: what comes after a reset is ranked as if it were the first.
 */
static void test_reset_after_sorted(void **state)
{
	_cleanup_xa_topk_ struct xa_topk *top = NULL;
	const struct xa_flow *sorted;
	size_t count;

	(void)state;
	assert_int_equal(xa_topk_new(&top, 3, 0, false), 0);
	for (uint16_t round = 0; round < 3; round++) {
		for (uint16_t i = 0; i < 20; i++) {
			struct xa_flow flow = flow_of(i, (uint64_t)(100 - 40 * round + i), 60);

			xa_topk_visit(top, &flow);
		}
		sorted = xa_topk_sorted(top, &count);
		assert_int_equal(count, 3);
		for (size_t i = 0; i < 3; i++)
			assert_int_equal(sorted[i].packets, (size_t)119 - 40 * round - i);
		xa_topk_reset(top);
	}
}

#define WALKERS 40

/* What comes in and what stays, by the book: `in` is the last time's, by the flow's id. */
static size_t stay(struct xa_flow *sorted, size_t k, size_t hysteresis, bool *in)
{
	bool next[WALKERS] = {0};
	size_t count = 0;

	for (size_t i = 0; i < WALKERS && i < k + hysteresis; i++) {
		const uint32_t id = sorted[i].handle;

		if (i >= k && !in[id])
			continue;
		next[id] = true;
		sorted[count++] = sorted[i];
	}
	memcpy(in, next, sizeof(next));
	return count;
}

/* Flows that go up and down; two of each key, which only their labels tell apart. */
static void test_hysteresis(void **state)
{
	static const size_t cases[][2] = {{1, 1}, {5, 3}, {5, 10}, {0, 5}, {30, 100}, {7, 0}};
	const char *given = getenv("XA_TEST_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 10) : xa_wall_ns(), random = seed;

	(void)state;
	for (size_t c = 0; c < array_size(cases); c++) {
		_cleanup_xa_topk_ struct xa_topk *top = NULL;
		struct xa_flow flows[WALKERS], model[WALKERS];
		bool in[WALKERS] = {0};

		assert_int_equal(xa_topk_new(&top, cases[c][0], cases[c][1], false), 0);
		for (uint32_t i = 0; i < WALKERS; i++) {
			flows[i] = flow_of((uint16_t)(i / 2), 500, 60);
			flows[i].handle = i;
			flows[i].labels = i % 2 * 77;
		}
		for (unsigned round = 0; round < 100; round++) {
			const struct xa_flow *sorted;
			size_t count, expected;

			xa_topk_reset(top);
			for (size_t i = 0; i < WALKERS; i++) {
				flows[i].packets += draw(&random) % 21 - 10;
				xa_topk_visit(top, &flows[i]);
			}
			memcpy(model, flows, sizeof(model));
			qsort(model, WALKERS, sizeof(*model), by_packets_and_handle);
			expected = stay(model, cases[c][0], cases[c][1], in);
			sorted = xa_topk_sorted(top, &count);
			if (count != expected || memcmp(sorted, model, count * sizeof(*model)) != 0)
				fail_msg("XA_TEST_SEED=%llu: case %zu, round %u",
					 (unsigned long long)seed, c, round);
		}
	}
}

/* One that falls behind the K stays, one that comes as far does not come in; past the hysteresis
 * it is gone, and has to come in anew. */
static void test_stays(void **state)
{
	static const struct {
		uint64_t packets[4];
		size_t count;
		uint16_t ids[3];
	} rounds[] = {
		{{90, 80, 70, 60}, 2, {0, 1}},
		{{90, 80, 85, 60}, 3, {0, 2, 1}},
		{{90, 80, 85, 88}, 3, {0, 3, 2}},
		{{90, 86, 85, 88}, 2, {0, 3}},
	};
	_cleanup_xa_topk_ struct xa_topk *top = NULL;

	(void)state;
	assert_int_equal(xa_topk_new(&top, 2, 1, false), 0);
	for (size_t round = 0; round < array_size(rounds); round++) {
		const struct xa_flow *sorted;
		size_t count;

		xa_topk_reset(top);
		for (uint16_t id = 0; id < 4; id++) {
			struct xa_flow flow = flow_of(id, rounds[round].packets[id], 60);

			xa_topk_visit(top, &flow);
		}
		sorted = xa_topk_sorted(top, &count);
		assert_int_equal(count, rounds[round].count);
		for (size_t i = 0; i < count; i++)
			assert_int_equal(sorted[i].key.tail.sport, rounds[round].ids[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_sort), cmocka_unit_test(test_order_does_not_matter),
		cmocka_unit_test(test_copies),	     cmocka_unit_test(test_reset_after_sorted),
		cmocka_unit_test(test_hysteresis),   cmocka_unit_test(test_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
