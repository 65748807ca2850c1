/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Labels and hidden flags out of a region in memory: what is taken, and what counts as none. */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/text.h"
#include "core/policy/annotation.h"

#define FLOWS  8
#define VALUES 16

struct region {
	struct xa_region_layout layout;
	char *bytes;
	struct xa_annotations *annotations;
	struct xa_plugin_flow flows[FLOWS];
};

static struct xa_region_head *head_of(const struct region *region)
{
	return (void *)region->bytes;
}

static uint32_t *number_at(const struct region *region, size_t column, uint32_t handle)
{
	uint32_t *numbers = (void *)(region->bytes + region->layout.columns);

	return &numbers[column * FLOWS + handle];
}

static struct xa_region_value *value_at(const struct region *region, uint32_t value)
{
	struct xa_region_value *values = (void *)(region->bytes + region->layout.values);

	return &values[value];
}

static void set_text(const struct region *region, uint32_t value, const char *text)
{
	struct xa_region_value *entry = value_at(region, value);

	entry->len = (uint32_t)strlen(text);
	memcpy(entry->text, text, strlen(text) + 1);
}

static void region_begin(struct region *region)
{
	static const struct xa_region_label labels[] = {{.name = "zone"}, {.name = "service"}};

	*region = (struct region){.layout = xa_region_layout(FLOWS, VALUES)};
	region->bytes = calloc(1, region->layout.size);
	assert_non_null(region->bytes);
	assert_int_equal(xa_annotations_new(&region->annotations, FLOWS, VALUES), 0);
	xa_annotations_set_labels(region->annotations, labels, array_size(labels));
	head_of(region)->value_count = VALUES;
	for (uint32_t i = 0; i < FLOWS; i++)
		region->flows[i].handle = FLOWS - 1 - i;
	set_text(region, 2, "lab");
	set_text(region, 3, "büro");
}

static void region_end(struct region *region)
{
	xa_annotations_free(region->annotations);
	free(region->bytes);
}

static size_t take(struct region *region)
{
	return xa_annotations_take(region->annotations, region->bytes, &region->layout,
				   region->flows, FLOWS);
}

static void test_taken(void **state)
{
	struct region region;

	(void)state;
	region_begin(&region);
	assert_int_equal(xa_annotations_label_count(region.annotations), 2);
	assert_string_equal(xa_annotations_label_name(region.annotations, 1), "service");
	assert_null(xa_annotations_label(region.annotations, 0, 0));
	*number_at(&region, 0, 5) = 2;
	*number_at(&region, 1, 5) = 3;
	*number_at(&region, 0, 6) = XA_PLUGIN_VALUE_OTHER;
	region.bytes[region.layout.hidden + 6] = 1;
	assert_int_equal(take(&region), 0);
	assert_string_equal(xa_annotations_label(region.annotations, 5, 0), "lab");
	assert_string_equal(xa_annotations_label(region.annotations, 5, 1), "büro");
	assert_string_equal(xa_annotations_label(region.annotations, 6, 0), "other");
	assert_null(xa_annotations_label(region.annotations, 6, 1));
	assert_null(xa_annotations_label(region.annotations, FLOWS, 0));
	assert_null(xa_annotations_label(region.annotations, UINT32_MAX, 1));
	assert_true(xa_annotations_is_hidden(region.annotations, 6));
	assert_false(xa_annotations_is_hidden(region.annotations, 5));
	assert_false(xa_annotations_is_hidden(region.annotations, UINT32_MAX));
	xa_annotations_none(region.annotations);
	assert_null(xa_annotations_label(region.annotations, 5, 0));
	assert_false(xa_annotations_is_hidden(region.annotations, 6));
	assert_true(xa_annotations_are_equal(region.annotations, 5, 6));
	assert_int_equal(xa_annotations_label_count(region.annotations), 2);
	region_end(&region);
}

static void test_texts(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		bool valid;
	} cases[] = {
		{"a", 1, true},
		{"a\"\\b", 4, true},
		{"\xe2\x82\xac", 3, true},
		{"\xc2\xa0", 2, true},
		{"", 0, false},
		{"a\0b", 3, false}, /* ends before its length */
		{"ab", 1, false}, /* ends behind it */
		{"a\n", 2, false},
		{"\t", 1, false},
		{"\x7f", 1, false},
		{"\xc2\x85", 2, false}, /* a control character of Unicode */
		{"\xff", 1, false},
		{"\xe2\x82", 2, false},
		{"\xc0\xaf", 2, false},
		{"\xed\xa0\x80", 3, false},
	};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		struct region region;

		region_begin(&region);
		*number_at(&region, 1, 3) = 4;
		*number_at(&region, 0, 3) = 2;
		memcpy(value_at(&region, 4)->text, cases[i].text, strlen(cases[i].text) + 1);
		value_at(&region, 4)->len = (uint32_t)cases[i].len;
		if (take(&region) != !cases[i].valid)
			fail_msg("case %zu", i);
		assert_int_equal(xa_annotations_invalid(region.annotations, 0), 0);
		assert_int_equal(xa_annotations_invalid(region.annotations, 1), !cases[i].valid);
		assert_int_equal(xa_annotations_label(region.annotations, 3, 1) != NULL,
				 cases[i].valid);
		assert_string_equal(xa_annotations_label(region.annotations, 3, 0), "lab");
		region_end(&region);
	}
}

static void test_lengths(void **state)
{
	static const uint32_t lengths[] = {sizeof(((struct xa_region_value *)NULL)->text),
					   UINT32_MAX};
	struct region region;

	(void)state;
	region_begin(&region);
	*number_at(&region, 0, 0) = 4;
	memset(value_at(&region, 4)->text, 'a', sizeof(value_at(&region, 4)->text));
	for (size_t i = 0; i < array_size(lengths); i++) {
		value_at(&region, 4)->len = lengths[i];
		assert_int_equal(take(&region), 1);
	}
	value_at(&region, 4)->text[lengths[0] - 1] = '\0';
	value_at(&region, 4)->len = lengths[0] - 1;
	assert_int_equal(take(&region), 0);
	assert_int_equal(strlen(xa_annotations_label(region.annotations, 0, 0)), lengths[0] - 1);
	region_end(&region);
}

static void test_numbers_out_of_range(void **state)
{
	struct region region;

	(void)state;
	region_begin(&region);
	*number_at(&region, 0, 0) = VALUES;
	*number_at(&region, 0, 1) = UINT32_MAX;
	*number_at(&region, 0, 2) = 2;
	*number_at(&region, 1, 2) = 3;
	assert_int_equal(take(&region), 2);
	head_of(&region)->value_count = 3;
	assert_int_equal(take(&region), 3);
	assert_int_equal(xa_annotations_invalid(region.annotations, 0), 2);
	head_of(&region)->value_count = UINT32_MAX;
	assert_int_equal(take(&region), 2);
	head_of(&region)->value_count = 0;
	*number_at(&region, 0, 3) = XA_PLUGIN_VALUE_OTHER;
	assert_int_equal(take(&region), 4);
	assert_string_equal(xa_annotations_label(region.annotations, 3, 0), "other");
	/* handles of flows are the auditor's own; still */
	region.flows[0].handle = UINT32_MAX;
	(void)take(&region);
	region_end(&region);
}

/* Two numbers of one text are the worker's lie, and would be two equal series. */
static void test_equal(void **state)
{
	struct region region;

	(void)state;
	region_begin(&region);
	set_text(&region, 4, "lab");
	*number_at(&region, 0, 0) = 2;
	*number_at(&region, 0, 1) = 4;
	*number_at(&region, 0, 2) = 3;
	assert_int_equal(take(&region), 0);
	assert_true(xa_annotations_are_equal(region.annotations, 0, 1));
	assert_false(xa_annotations_are_equal(region.annotations, 0, 2));
	assert_false(xa_annotations_are_equal(region.annotations, 0, 3));
	region_end(&region);
}

/* What changes in the region afterwards changes nothing here; the next take sees it. */
static void test_copied(void **state)
{
	struct region region;

	(void)state;
	region_begin(&region);
	*number_at(&region, 0, 0) = 2;
	assert_int_equal(take(&region), 0);
	*number_at(&region, 0, 0) = 3;
	set_text(&region, 2, "\xff");
	assert_string_equal(xa_annotations_label(region.annotations, 0, 0), "lab");
	assert_string_equal(
		xa_annotations_value(region.annotations, region.bytes, &region.layout, 2), "lab");
	*number_at(&region, 0, 0) = 2;
	assert_int_equal(take(&region), 1);
	assert_null(xa_annotations_label(region.annotations, 0, 0));
	region_end(&region);
}

static void test_values(void **state)
{
	struct region region;

	(void)state;
	region_begin(&region);
	assert_null(xa_annotations_value(region.annotations, region.bytes, &region.layout, 2));
	(void)take(&region);
	assert_string_equal(
		xa_annotations_value(region.annotations, region.bytes, &region.layout, 0), "");
	assert_string_equal(
		xa_annotations_value(region.annotations, region.bytes, &region.layout, 1), "other");
	assert_string_equal(
		xa_annotations_value(region.annotations, region.bytes, &region.layout, 3), "büro");
	assert_null(xa_annotations_value(region.annotations, region.bytes, &region.layout, 5));
	assert_null(xa_annotations_value(region.annotations, region.bytes, &region.layout, VALUES));
	assert_null(
		xa_annotations_value(region.annotations, region.bytes, &region.layout, UINT32_MAX));
	region_end(&region);
}

/* A worker without the first stage writes the second label where the first one was. */
static void test_columns(void **state)
{
	struct region region;

	(void)state;
	region_begin(&region);
	*number_at(&region, 0, 0) = 2;
	*number_at(&region, 1, 0) = 3;
	xa_annotations_set_columns(region.annotations, (const uint32_t[]){XA_COLUMN_NONE, 0});
	assert_int_equal(take(&region), 0);
	assert_null(xa_annotations_label(region.annotations, 0, 0));
	assert_string_equal(xa_annotations_label(region.annotations, 0, 1), "lab");
	region_end(&region);
}

static void test_clean(void **state)
{
	char text[] = "a\nb\x1b\xc3\xa4\xff\t\xc3", line[] = "a\nb", full[] = {'a', 'b', 'c'};

	(void)state;
	xa_text_clean(text, sizeof(text), true);
	assert_string_equal(text, "a\nb?\xc3\xa4?\t?");
	xa_text_clean(line, sizeof(line), false);
	assert_string_equal(line, "a?b");
	xa_text_clean(full, sizeof(full), false);
	assert_string_equal(full, "ab");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),	cmocka_unit_test(test_texts),
		cmocka_unit_test(test_lengths), cmocka_unit_test(test_numbers_out_of_range),
		cmocka_unit_test(test_equal),	cmocka_unit_test(test_copied),
		cmocka_unit_test(test_values),	cmocka_unit_test(test_columns),
		cmocka_unit_test(test_clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
