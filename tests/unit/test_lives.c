/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Each life counts once, by its own bound, and the last of each kind is the example. */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/flow/lives.h"

static struct xa_life life_of(uint16_t port, uint32_t ticks)
{
	return (struct xa_life){{.tail.sport = port}, ticks};
}

/* The longest life under each bound, in ticks, worked out by hand: bound / 1.048576 ms. */
static const uint32_t longest[] = {9, 95, 953, 9536, 57220, 286102, 858306, 3433227};

static void test_bounds(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(longest); i++) {
		struct xa_life in = life_of(1, longest[i]), over = life_of(2, longest[i] + 1);
		struct xa_lives lives = {0};

		xa_lives_add(&lives, &in);
		assert_int_equal(lives.counts[i], 1);
		xa_lives_add(&lives, &over);
		assert_int_equal(lives.counts[i], 1);
		assert_int_equal(lives.counts[i + 1], 1);
		assert_int_equal(lives.sum_ticks, 2ULL * longest[i] + 1);
	}
}

static void test_extremes(void **state)
{
	struct xa_life none = life_of(1, 0), longest_of_all = life_of(2, UINT32_MAX);
	struct xa_lives lives = {0};

	(void)state;
	xa_lives_add(&lives, &none);
	for (unsigned i = 0; i < 3; i++)
		xa_lives_add(&lives, &longest_of_all);
	assert_int_equal(lives.counts[0], 1);
	assert_int_equal(lives.counts[XA_LIFE_COUNT_ - 1], 3);
	assert_int_equal(lives.sum_ticks, 3ULL * UINT32_MAX);
}

static void test_last_of_each(void **state)
{
	struct xa_lives lives = {0};

	(void)state;
	for (uint16_t port = 1; port <= 4; port++) {
		struct xa_life life = life_of(port, port % 2 ? port : 1000U + port);

		xa_lives_add(&lives, &life);
	}
	assert_int_equal(lives.last[0].key.tail.sport, 3);
	assert_int_equal(lives.last[0].ticks, 3);
	assert_int_equal(lives.last[3].key.tail.sport, 4);
	assert_int_equal(lives.last[3].ticks, 1004);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_last_of_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
