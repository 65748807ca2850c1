/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Numbers of texts: equal ones, refused ones, a table that is full, and what a sweep leaves. */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/policy/values.h"

#define MAX 10

struct table {
	struct xa_region_value texts[MAX];
	struct xa_values *values;
};

static int set_up(void **state)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table || xa_values_new(&table->values, table->texts, MAX))
		return -ENOMEM;
	*state = table;
	return 0;
}

static int tear_down(void **state)
{
	struct table *table = *state;

	xa_values_free(table->values);
	free(table);
	return 0;
}

static uint32_t get(const struct table *table, const char *text)
{
	uint32_t value = UINT32_MAX;

	assert_int_equal(xa_values_get(table->values, text, strlen(text), &value), 0);
	return value;
}

/* Gives all numbers away: "0", "1" and so on. */
static void fill(const struct table *table)
{
	for (unsigned i = xa_values_count(table->values); i < MAX; i++) {
		char text[16];

		(void)snprintf(text, sizeof(text), "%u", i);
		assert_int_equal(get(table, text), i);
	}
}

static void test_equal_texts_have_equal_numbers(void **state)
{
	const struct table *table = *state;
	const uint32_t a = get(table, "a"), b = get(table, "b");
	size_t len;

	assert_int_not_equal(a, b);
	assert_int_equal(get(table, "a"), a);
	assert_int_equal(get(table, "b"), b);
	assert_string_equal(xa_values_text(table->values, a, &len), "a");
	assert_int_equal(len, 1);
	assert_string_equal(table->texts[b].text, "b");
	assert_int_equal(table->texts[b].len, 1);
}

static void test_fixed_numbers(void **state)
{
	const struct table *table = *state;
	size_t len = 9;

	assert_int_equal(get(table, ""), XA_PLUGIN_VALUE_NONE);
	assert_int_equal(get(table, "other"), XA_PLUGIN_VALUE_OTHER);
	assert_string_equal(table->texts[XA_PLUGIN_VALUE_OTHER].text, "other");
	assert_string_equal(xa_values_text(table->values, XA_PLUGIN_VALUE_NONE, &len), "");
	assert_int_equal(len, 0);
	assert_string_equal(xa_values_text(table->values, UINT32_MAX, NULL), "");
	assert_int_equal(xa_values_count(table->values), 2);
}

static void test_what_is_no_text(void **state)
{
	static const char *const texts[] = {"\xff", "\xc0\x80", "\xe2\x82", "a\nb",
					    "\x1b", "\x7f",	"\xc2\x9f"};
	const struct table *table = *state;
	char text[XA_PLUGIN_VALUE_BYTES];
	uint32_t value;

	for (size_t i = 0; i < array_size(texts); i++)
		assert_int_equal(xa_values_get(table->values, texts[i], strlen(texts[i]), &value),
				 -EINVAL);
	assert_int_equal(xa_values_get(table->values, "a\0b", 3, &value), -EINVAL);
	memset(text, 'a', sizeof(text));
	assert_int_equal(xa_values_get(table->values, text, sizeof(text), &value), -EINVAL);
	assert_int_equal(xa_values_get(table->values, text, sizeof(text) - 1, &value), 0);
	assert_int_equal(table->texts[value].len, sizeof(text) - 1);
	assert_int_equal(xa_values_get(table->values, "\xc3\xa9", 2, &value), 0);
}

static void test_a_full_table_says_other(void **state)
{
	const struct table *table = *state;

	fill(table);
	assert_false(xa_values_are_short(table->values));
	assert_int_equal(get(table, "one more"), XA_PLUGIN_VALUE_OTHER);
	assert_true(xa_values_are_short(table->values));
	assert_int_equal(get(table, "5"), 5);
	assert_int_equal(xa_values_count(table->values), MAX);
}

static void test_a_sweep_frees_what_is_unused(void **state)
{
	const struct table *table = *state;

	fill(table);
	assert_int_equal(get(table, "new"), XA_PLUGIN_VALUE_OTHER);
	xa_values_mark(table->values, 5);
	xa_values_mark(table->values, UINT32_MAX);
	xa_values_sweep(table->values);
	assert_false(xa_values_are_short(table->values));
	assert_int_equal(get(table, "5"), 5);
	assert_int_equal(get(table, "other"), XA_PLUGIN_VALUE_OTHER);
	assert_int_equal(get(table, "new"), 2);
	assert_int_equal(table->texts[9].len, 0);
	assert_string_equal(xa_values_text(table->values, 9, NULL), "");
	for (unsigned i = 3; i < MAX; i++) {
		char text[16];

		(void)snprintf(text, sizeof(text), "again %u", i);
		if (i != 5)
			assert_int_equal(get(table, text), i);
	}
	assert_int_equal(get(table, "one more"), XA_PLUGIN_VALUE_OTHER);
}

static void test_pinned_ones_stay(void **state)
{
	const struct table *table = *state;
	const uint32_t pinned = get(table, "pinned");

	xa_values_pin(table->values);
	fill(table);
	xa_values_sweep(table->values);
	assert_int_equal(get(table, "pinned"), pinned);
	assert_int_equal(get(table, "fresh"), pinned + 1);
}

/* Far more texts than numbers, over many sweeps: what is marked is still found. */
static void test_many_sweeps(void **state)
{
	const struct table *table = *state;
	const uint32_t kept = get(table, "kept");

	for (unsigned i = 0; i < 10000; i++) {
		char text[16];

		(void)snprintf(text, sizeof(text), "text %u", i);
		if (get(table, text) == XA_PLUGIN_VALUE_OTHER) {
			xa_values_mark(table->values, kept);
			xa_values_sweep(table->values);
			assert_int_equal(get(table, "kept"), kept);
		}
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_equal_texts_have_equal_numbers),
		TEST(test_fixed_numbers),
		TEST(test_what_is_no_text),
		TEST(test_a_full_table_says_other),
		TEST(test_a_sweep_frees_what_is_unused),
		TEST(test_pinned_ones_stay),
		TEST(test_many_sweeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
