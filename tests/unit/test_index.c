/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The hash index as its owners use it: items come, move and go in a dense array, filled to the
 * brim, and each key that is in is found, no other. XA_TEST_SEED=n repeats a run that failed. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "core/flow/index.h"

#define KEYS  2000
#define STEPS 200000

struct item {
	struct xa_flow_key6 key;
	uint64_t value;
};

struct scene {
	struct xa_index index;
	struct item items[KEYS];
	uint32_t place[KEYS]; /* item of each key; XA_ITEM_NONE: not in */
	uint32_t count, max;
	uint64_t seed, random;
};

/* splitmix64 */
static uint64_t draw(uint64_t *random)
{
	uint64_t z = *random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static struct xa_flow_key6 key_of(uint64_t id)
{
	struct xa_flow_key6 key = {.tail.sport = (uint16_t)id};

	return key;
}

static struct xa_bucket *find(const struct scene *scene, uint64_t id)
{
	struct xa_flow_key6 key = key_of(id);

	return xa_index_find(&scene->index, &key, xa_index_hash(&scene->index, &key));
}

static void insert(struct scene *scene, uint64_t id)
{
	struct xa_flow_key6 key = key_of(id);
	struct xa_bucket *bucket = find(scene, id);

	scene->items[scene->count++] = (struct item){.key = key, .value = id};
	*bucket = (struct xa_bucket){.hash = xa_index_hash(&scene->index, &key),
				     .item = scene->count};
	scene->place[id] = scene->count;
}

static void delete (struct scene *scene, uint64_t id)
{
	uint32_t item = scene->place[id], last = scene->count;

	xa_index_delete(&scene->index, item);
	scene->place[id] = XA_ITEM_NONE;
	if (item != last) {
		xa_index_move(&scene->index, last, item);
		scene->items[item - 1] = scene->items[last - 1];
		scene->place[scene->items[item - 1].value] = item;
	}
	scene->count--;
}

static void check(const struct scene *scene, uint64_t id)
{
	if (find(scene, id)->item != scene->place[id])
		fail_msg("XA_TEST_SEED=%llu: key %llu is not where it was put",
			 (unsigned long long)scene->seed, (unsigned long long)id);
}

static void run(uint32_t max, uint64_t universe, uint64_t seed)
{
	_cleanup_free_ struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	assert_int_equal(xa_index_init(&scene->index, max, scene->items, sizeof(struct item)), 0);
	scene->seed = scene->random = seed;
	for (unsigned step = 0; step < STEPS; step++) {
		uint64_t id = draw(&scene->random) % universe;

		check(scene, id);
		if (scene->place[id] != XA_ITEM_NONE && draw(&scene->random) % 4 == 0)
			delete (scene, id);
		else if (scene->place[id] == XA_ITEM_NONE && scene->count < max)
			insert(scene, id);
		if (step % 1000 == 0)
			for (id = 0; id < universe; id++)
				check(scene, id);
	}
	xa_index_clear(&scene->index);
	for (uint64_t id = 0; id < universe; id++)
		assert_int_equal(find(scene, id)->item, XA_ITEM_NONE);
	xa_index_done(&scene->index);
}

static void test_against_array(void **state)
{
	const char *given = getenv("XA_TEST_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 10) : xa_wall_ns();

	(void)state;
	run(1024, KEYS, seed);
	run(KEYS, KEYS, seed);
	run(1, 5, seed);
	run(3, 8, seed);
	run(6, 8, seed);
}

/* The seed keeps a sender from choosing keys that share a bucket. */
static void test_seeds_differ(void **state)
{
	struct xa_index one = {0}, other = {0};
	unsigned same = 0;

	(void)state;
	assert_int_equal(xa_index_init(&one, 16, NULL, sizeof(struct item)), 0);
	assert_int_equal(xa_index_init(&other, 16, NULL, sizeof(struct item)), 0);
	for (uint64_t id = 0; id < 100; id++) {
		struct xa_flow_key6 key = key_of(id);

		same += xa_index_hash(&one, &key) == xa_index_hash(&other, &key);
	}
	assert_true(same < 5);
	xa_index_done(&one);
	xa_index_done(&one);
	xa_index_done(&other);
}

static void test_memory(void **state)
{
	char *memory = xa_reserve(1 << 20);

	(void)state;
	assert_non_null(memory);
	assert_int_equal(memory[0] | memory[(1 << 20) - 1], 0);
	assert_int_equal(munmap(memory, 1 << 20), 0);
	for (uint32_t max = 1; max < 100000; max = max * 3 + 1)
		assert_true(xa_index_memory_bytes(max) > max * sizeof(struct xa_bucket));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_array),
		cmocka_unit_test(test_seeds_differ),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
