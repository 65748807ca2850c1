/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Options of a stage against the table of a plugin that has one of each type. */

#include "core/policy/stage_options.h"
#include "tests/unit/policy_scene.h"

enum {
	TEXT,
	FILE_,
	INTEGER,
	DURATION,
	SIZE,
	SWITCH,
	TREE,
	NEEDED,
	COUNT_
};

static const struct xa_plugin_option options[COUNT_] = {
	[TEXT] = {.name = "text", .type = XA_PLUGIN_TEXT},
	[FILE_] = {.name = "file", .type = XA_PLUGIN_FILE, .fallback = "a/default.lua"},
	[INTEGER] = {.name = "integer",
		     .type = XA_PLUGIN_INTEGER,
		     .fallback = "5",
		     .min = -10,
		     .max = 10},
	[DURATION] = {.name = "duration",
		      .type = XA_PLUGIN_DURATION,
		      .fallback = "1m30s",
		      .min = 1000000000,
		      .max = 3600000000000},
	[SIZE] = {.name = "size", .type = XA_PLUGIN_SIZE},
	[SWITCH] = {.name = "switch", .type = XA_PLUGIN_SWITCH, .fallback = "true"},
	[TREE] = {.name = "tree", .type = XA_PLUGIN_TREE},
	[NEEDED] = {.name = "needed",
		    .type = XA_PLUGIN_TEXT,
		    .required = true,
		    .help = "what there has to be"},
};
static const struct xa_plugin plugin = {.options = options, .option_count = COUNT_};

struct read {
	struct scene scene;
	struct xa_plugin_value values[COUNT_];
	struct xa_whys whys;
	int error;
};

static struct read *read_with(const struct xa_plugin *table, const char *written)
{
	struct read *read = calloc(1, sizeof(*read));
	char yaml[1024];

	assert_non_null(read);
	(void)snprintf(yaml, sizeof(yaml), "policy:\n  stages:\n    - zones\n    - own: %s\n",
		       written);
	scene_begin(&read->scene, yaml);
	read->error = xa_stage_options_read(read->scene.setup.arena, table,
					    &read->scene.setup.stages[1], read->values,
					    &read->whys);
	return read;
}

static void read_free(struct read *read)
{
	scene_end(&read->scene);
	free(read);
}

/* The one reason for which it is refused. */
static void refused(const char *written, unsigned column, const char *text)
{
	struct read *read = read_with(&plugin, written);

	assert_int_equal(read->error, -EINVAL);
	assert_int_equal(read->whys.count, 1);
	assert_string_equal(read->whys.why[0].text, text);
	assert_string_equal(read->whys.why[0].file, SCENE_FILE);
	assert_int_equal(read->whys.why[0].line, 4);
	assert_int_equal(read->whys.why[0].column, column);
	read_free(read);
}

static void test_all_types_are_read(void **state)
{
	struct read *read = read_with(&plugin, "{text: \"\", file: ../b.lua, integer: -7, "
					       "duration: 2s, size: 64KiB, switch: false, "
					       "tree: {a: [b]}, needed: x}");

	(void)state;
	assert_int_equal(read->error, 0);
	assert_string_equal(read->values[TEXT].text, "");
	assert_string_equal(read->values[FILE_].text, "tests/unit/../b.lua");
	assert_int_equal(read->values[INTEGER].number, -7);
	assert_int_equal(read->values[DURATION].number, 2000000000);
	assert_int_equal(read->values[SIZE].number, 65536);
	assert_int_equal(read->values[SWITCH].number, 0);
	assert_int_equal(read->values[TREE].node->kind, XA_PLUGIN_MAP);
	assert_string_equal(read->values[NEEDED].node->key, "needed");
	read_free(read);
}

static void test_defaults_are_read(void **state)
{
	struct read *read = read_with(&plugin, "{needed: x}");

	(void)state;
	assert_int_equal(read->error, 0);
	assert_null(read->values[TEXT].text);
	assert_null(read->values[TEXT].node);
	assert_string_equal(read->values[FILE_].text, "tests/unit/a/default.lua");
	assert_int_equal(read->values[INTEGER].number, 5);
	assert_int_equal(read->values[DURATION].number, 90000000000);
	assert_int_equal(read->values[SWITCH].number, 1);
	assert_null(read->values[TREE].node);
	read_free(read);
}

static void test_absolute_path_stays(void **state)
{
	struct read *read = read_with(&plugin, "{needed: x, file: /a/b.lua}");

	(void)state;
	assert_string_equal(read->values[FILE_].text, "/a/b.lua");
	read_free(read);
}

static void test_keys(void **state)
{
	(void)state;
	refused("{needed: x, swich: true}", 24,
		"policy.stages[1].own: unknown key 'swich' (did you mean 'switch'?)");
	refused("{needed: x, elephant: true}", 24, "policy.stages[1].own: unknown key 'elephant'");
	refused("{}", 7, "policy.stages[1].own.needed: is missing (what there has to be)");
}

static void test_kinds(void **state)
{
	(void)state;
	refused("{needed: [x]}", 21, "policy.stages[1].own.needed: expected one value, not a list");
	refused("{needed: {x: y}}", 21,
		"policy.stages[1].own.needed: expected one value, not a mapping");
	refused("{needed: ~}", 21, "policy.stages[1].own.needed: has no value");
	refused("{needed: x, file: \"\"}", 30, "policy.stages[1].own.file: the path is empty");
}

static void test_numbers(void **state)
{
	(void)state;
	refused("{needed: x, integer: 11}", 33,
		"policy.stages[1].own.integer: '11' is out of range (-10 to 10)");
	refused("{needed: x, integer: -11}", 33,
		"policy.stages[1].own.integer: '-11' is out of range (-10 to 10)");
	refused("{needed: x, integer: 0x1}", 33,
		"policy.stages[1].own.integer: '0x1' is not a whole number (decimal digits only, "
		"no leading 0)");
	refused("{needed: x, integer: -}", 33,
		"policy.stages[1].own.integer: '-' is not a whole number (decimal digits only, no "
		"leading 0)");
	refused("{needed: x, integer: 99999999999999999999}", 33,
		"policy.stages[1].own.integer: '99999999999999999999' is out of range (the number "
		"is too large)");
}

static void test_quantities(void **state)
{
	(void)state;
	refused("{needed: x, duration: 5}", 34,
		"policy.stages[1].own.duration: '5' has no unit (did you mean '5s'?)");
	refused("{needed: x, duration: soon}", 34,
		"policy.stages[1].own.duration: 'soon' is not a duration (such as 500ms, 10s, 5m "
		"or 1h30m)");
	refused("{needed: x, duration: 2h}", 34,
		"policy.stages[1].own.duration: '2h' is out of range (1s to 1h)");
	refused("{needed: x, size: 5M}", 30,
		"policy.stages[1].own.size: '5M' is not a size (did you mean '5MiB'?)");
	refused("{needed: x, size: big}", 30,
		"policy.stages[1].own.size: 'big' is not a size (such as 512KiB, 64MiB or 1GiB)");
	refused("{needed: x, switch: yes}", 32,
		"policy.stages[1].own.switch: 'yes' is not one of false, true");
}

static void test_every_reason_is_said(void **state)
{
	struct read *read = read_with(&plugin, "{txt: a, integer: 50, size: x}");

	(void)state;
	assert_int_equal(read->error, -EINVAL);
	assert_int_equal(read->whys.count, 4);
	read_free(read);
}

static void test_a_default_that_is_wrong(void **state)
{
	const struct xa_plugin_option row = {
		.name = "size", .type = XA_PLUGIN_SIZE, .fallback = "huge"};
	const struct xa_plugin wrong = {.options = &row, .option_count = 1};
	struct read *read = read_with(&wrong, "{}");

	(void)state;
	assert_int_equal(read->error, -EINVAL);
	assert_string_equal(read->whys.why[0].text,
			    "policy.stages[1].own.size: the plugin's default: 'huge' is not a size "
			    "(such as 512KiB, 64MiB or 1GiB)");
	read_free(read);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_types_are_read),
		cmocka_unit_test(test_defaults_are_read),
		cmocka_unit_test(test_absolute_path_stays),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_quantities),
		cmocka_unit_test(test_every_reason_is_said),
		cmocka_unit_test(test_a_default_that_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
