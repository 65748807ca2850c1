/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The policy in the configuration: durations, sizes and paths, the trees that options of stages
 * become, what they cost, and what is said of a change. Golden files hold the texts.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "config/load.h"
#include "config/units.h"

static struct xa_whys whys;

static int load_from(struct xa_config **ret, const char *file, const char *text)
{
	return xa_config_load_buffer(ret, file, text, strlen(text), NULL, 0, &whys);
}

/* A config that has to be good. */
static struct xa_config *load_text(const char *text)
{
	struct xa_config *config = NULL;

	if (load_from(&config, "a/b/c.yaml", text))
		fail_msg("%u:%u: %s", whys.why[0].line, whys.why[0].column, whys.why[0].text);
	return config;
}

static void assert_duration(const char *text, uint64_t ns)
{
	uint64_t read = 0;

	assert_int_equal(xa_duration_parse(text, &read), 0);
	assert_int_equal(read, ns);
}

static void test_durations(void **state)
{
	static const char *const bad[] = {"",	  "1",	 "s",	"1d",  "1s1m",
					  "1s1s", " 1s", "1s ", "-1s", "01s"};

	(void)state;
	assert_duration("1h30m", 5400 * XA_NS_PER_S);
	assert_duration("0ms", 0);
	assert_duration("99999999999999999999h", UINT64_MAX);
	for (size_t i = 0; i < array_size(bad); i++) {
		uint64_t untouched = 7;

		assert_int_equal(xa_duration_parse(bad[i], &untouched), -EINVAL);
		assert_int_equal(untouched, 7);
	}
	assert_string_equal(xa_duration_text(UINT64_MAX).text, "5124095h34m33s709ms");
}

static void assert_size(const char *text, uint64_t bytes, const char *canonical)
{
	uint64_t read = 0;

	assert_int_equal(xa_size_parse(text, &read), 0);
	assert_int_equal(read, bytes);
	assert_string_equal(xa_size_text(bytes).text, canonical);
}

static void test_sizes(void **state)
{
	static const char *const bad[] = {"",	   "1",	    "B",   "1M",       "1MB",  "1mib",
					  "1 MiB", "1MiBs", "-1B", "1MiB1KiB", "1TiB", "01B"};

	(void)state;
	assert_size("0B", 0, "0B");
	assert_size("0GiB", 0, "0B");
	assert_size("1023B", 1023, "1023B");
	assert_size("1024B", 1024, "1KiB");
	assert_size("1536KiB", 1536 << 10, "1536KiB");
	assert_size("64MiB", 64 << 20, "64MiB");
	assert_size("4096MiB", 4ULL << 30, "4GiB");
	assert_size("99999999999999999999B", UINT64_MAX, "18446744073709551615B");
	assert_size("17179869184GiB", UINT64_MAX, "18446744073709551615B");
	for (size_t i = 0; i < array_size(bad); i++) {
		uint64_t untouched = 7;

		assert_int_equal(xa_size_parse(bad[i], &untouched), -EINVAL);
		assert_int_equal(untouched, 7);
	}
}

static void test_sizes_meant(void **state)
{
	(void)state;
	assert_string_equal(xa_size_meant("64").text, "64MiB");
	assert_string_equal(xa_size_meant("64 mb").text, "64MiB");
	assert_string_equal(xa_size_meant("1G").text, "1GiB");
	assert_string_equal(xa_size_meant("5kib").text, "5KiB");
	assert_string_equal(xa_size_meant("5b").text, "5B");
	assert_string_equal(xa_size_meant("5T").text, "");
	assert_string_equal(xa_size_meant("MiB").text, "");
	assert_string_equal(xa_size_meant("99999999999999999999").text, "");
}

static void assert_plugin_dir(const char *file, const char *text, const char *path)
{
	_cleanup_xa_config_ struct xa_config *config = NULL;

	assert_int_equal(load_from(&config, file, text), 0);
	assert_string_equal(config->policy.plugin_dir, path);
}

static void test_paths(void **state)
{
	static const char *const setting = "policy.plugin_dir=lib";
	_cleanup_xa_config_ struct xa_config *config = NULL;

	(void)state;
	assert_plugin_dir("/etc/a.yaml", "policy: {plugin_dir: lib}", "/etc/lib");
	assert_plugin_dir("/a.yaml", "policy: {plugin_dir: lib}", "/lib");
	assert_plugin_dir("a.yaml", "policy: {plugin_dir: ../lib}", "../lib");
	assert_plugin_dir("c/a.yaml", "policy: {plugin_dir: /lib}", "/lib");
	assert_plugin_dir("c/a.yaml", "policy: {plugin_dir: ./auto}", "c/./auto");
	assert_int_equal(xa_config_load_buffer(&config, "/etc/a.yaml", "policy: {plugin_dir: x}",
					       23, &setting, 1, &whys),
			 0);
	assert_string_equal(config->policy.plugin_dir, "lib");
	assert_string_equal(config->policy.plugin_dir_text, "lib");
}

static void test_paths_are_bounded(void **state)
{
	_cleanup_xa_buf_ struct xa_buf text = {0};
	struct xa_config *config = NULL;

	(void)state;
	xa_buf_adds(&text, "policy: {plugin_dir: /");
	for (unsigned i = 0; i < 1023; i++)
		xa_buf_adds(&text, "a");
	xa_buf_adds(&text, "}");
	assert_int_equal(load_from(&config, "a.yaml", text.text), -EINVAL);
	assert_non_null(strstr(whys.why[0].text, " is longer than 1023 bytes"));
}

static const struct xa_tree *child(const struct xa_tree *tree, size_t index)
{
	const struct xa_tree *found = tree->children;

	while (found && index--)
		found = found->next;
	assert_non_null(found);
	return found;
}

static void assert_place(const struct xa_tree *tree, unsigned line, unsigned column)
{
	assert_string_equal(tree->file, "a/b/c.yaml");
	assert_int_equal(tree->line, line);
	assert_int_equal(tree->column, column);
}

static void assert_scalar(const struct xa_tree *tree, const char *key, const char *text,
			  bool quoted)
{
	assert_int_equal(tree->kind, XA_TREE_SCALAR);
	assert_null(tree->children);
	if (key)
		assert_string_equal(tree->key, key);
	else
		assert_null(tree->key);
	assert_string_equal(tree->text, text);
	assert_int_equal(tree->quoted, quoted);
}

static void test_tree(void **state)
{
	_cleanup_xa_config_ struct xa_config *config = load_text(
		"policy:\n"
		"  stages:\n"
		"    - zones:\n"
		"        networks: {office: [10.1.0.0/16, \"b\"]}\n"
		"        8443: ~\n"
		"    - lua\n"
		"    - zones:\n");
	const struct xa_stage *stages = config->policy.stages;
	const struct xa_tree *networks, *office;

	(void)state;
	assert_int_equal(config->policy.stage_count, 3);
	assert_string_equal(stages[0].name, "zones");
	assert_string_equal(stages[0].path, "policy.stages[0].zones");
	assert_string_equal(stages[1].path, "policy.stages[1].lua");
	assert_string_equal(stages[0].file, "a/b/c.yaml");
	assert_int_equal(stages[0].line, 3);
	assert_int_equal(stages[0].column, 7);
	assert_int_equal(stages[0].options->kind, XA_TREE_MAP);
	assert_place(stages[0].options, 4, 9);
	networks = child(stages[0].options, 0);
	assert_int_equal(networks->kind, XA_TREE_MAP);
	assert_null(networks->text);
	assert_string_equal(networks->key, "networks");
	assert_int_equal(networks->key_line, 4);
	assert_int_equal(networks->key_column, 9);
	office = child(networks, 0);
	assert_int_equal(office->kind, XA_TREE_LIST);
	assert_place(office, 4, 28);
	assert_scalar(child(office, 0), NULL, "10.1.0.0/16", false);
	assert_scalar(child(office, 1), NULL, "b", true);
	assert_place(child(office, 1), 4, 42);
	assert_null(child(office, 1)->next);
	assert_scalar(child(stages[0].options, 1), "8443", "", false);
	assert_string_equal(stages[1].name, "lua");
	assert_int_equal(stages[1].options->kind, XA_TREE_MAP);
	assert_null(stages[1].options->children);
	assert_place(stages[1].options, 6, 7);
	assert_int_equal(stages[2].options->kind, XA_TREE_MAP);
	assert_null(stages[2].options->children);
}

/* What a variable holds may be a number, but it is neither a null nor YAML. */
static void test_variables(void **state)
{
	_cleanup_xa_config_ struct xa_config *config = NULL;
	const struct xa_tree *options;

	(void)state;
	assert_int_equal(setenv("XA_PORT", "8443", 1), 0);
	assert_int_equal(setenv("XA_NULL", "null", 1), 0);
	assert_int_equal(setenv("XA_EMPTY", "", 1), 0);
	assert_int_equal(setenv("XA_YAML", "{a: ${XA_PORT}}", 1), 0);
	config = load_text("policy: {stages: [{a: {p: \"${XA_PORT}\", q: $$1}}, {b: \n"
			   "  {c: '${XA_NULL}'}}]}\n");
	assert_scalar(child(config->policy.stages[0].options, 0), "p", "8443", true);
	assert_scalar(child(config->policy.stages[0].options, 1), "q", "$1", true);
	xa_config_free(take_ptr(config));
	config = load_text(
		"policy:\n  stages:\n    - a:\n        p: ${XA_PORT}\n"
		"        n: ${XA_NULL}\n        e: ${XA_EMPTY}\n        y: ${XA_YAML}\n");
	options = config->policy.stages[0].options;
	assert_scalar(child(options, 0), "p", "8443", false);
	assert_scalar(child(options, 1), "n", "null", true);
	assert_scalar(child(options, 2), "e", "", true);
	assert_scalar(child(options, 3), "y", "{a: ${XA_PORT}}", true);
}

static void assert_refused(const char *text, const char *reason)
{
	struct xa_config *config = NULL;

	assert_int_equal(load_from(&config, "a.yaml", text), -EINVAL);
	assert_null(config);
	assert_int_equal(whys.count, 1);
	assert_string_equal(whys.why[0].text, reason);
}

/* "${X}" over and over: a small file, and far too much of it. */
static void test_variables_are_bounded(void **state)
{
	_cleanup_xa_buf_ struct xa_buf text = {0};
	char value[4001];

	(void)state;
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	assert_int_equal(setenv("X", value, 1), 0);
	xa_buf_adds(&text, "policy:\n  stages: [{a: {b: [");
	while (text.len < 65000)
		xa_buf_adds(&text, "'${X}',");
	xa_buf_adds(&text, "]}}]\n");
	assert_refused(text.text, "policy.stages: larger than 48 KiB, written out");
	assert_int_equal(unsetenv("X"), 0);
}

static char *dump(const struct xa_config *config)
{
	struct xa_buf buf = {0};

	xa_config_dump(config, false, &buf);
	assert_false(xa_buf_failed(&buf));
	return xa_buf_take(&buf);
}

/* The largest policy that is taken still fits into a file when it is written out. */
static void test_size(void **state)
{
	_cleanup_xa_config_ struct xa_config *config = NULL;
	_cleanup_xa_buf_ struct xa_buf text = {0};
	_cleanup_free_ char *dumped = NULL;

	(void)state;
	xa_buf_adds(&text, "policy:\n  stages: [{a: {b: [");
	for (unsigned i = 0; i < 49152 / 12; i++)
		xa_buf_adds(&text, "\"\\x01\\x02\", ");
	assert_true(text.len < 65536);
	xa_buf_adds(&text, "]}}]\n");
	assert_refused(text.text, "policy.stages: larger than 48 KiB, written out");
	text.len -= strlen("\"\\x01\\x02\", ") * 3 + strlen("]}}]\n");
	xa_buf_adds(&text, "]}}]\n");
	config = load_text(text.text);
	dumped = dump(config);
	assert_in_range(strlen(dumped), 49000, 65536);
}

static void assert_cheap(const char *first, const char *piece, const char *last)
{
	_cleanup_xa_buf_ struct xa_buf text = {0};
	struct xa_config *config = NULL;
	const uint64_t start = xa_now_ns();

	xa_buf_adds(&text, first);
	for (unsigned i = 0; text.len < 65000; i++)
		xa_buf_addf(&text, "%s%x", piece, i);
	xa_buf_adds(&text, last);
	if (!load_from(&config, "a.yaml", text.text))
		xa_config_free(config);
	/* Milliseconds in truth; to compare each key with each takes seconds. */
	assert_in_range(xa_now_ns() - start, 0, XA_NS_PER_S);
}

static void test_width_is_cheap(void **state)
{
	(void)state;
	assert_cheap("policy: {stages: [{a: {x", ",", "}}]}");
	assert_cheap("policy: {stages: [{a: {x", ": 1,a: 1,", "}}]}");
	assert_cheap("policy: {stages: [{a: [x", ",", "]}]}");
	assert_cheap("policy: {stages: [{x", ",", "}]}");
	assert_cheap("policy: {stages: [x", ",", "]}");
}

static void assert_diff(const char *old_stages, const char *new_stages, const char *expected)
{
	_cleanup_xa_config_ struct xa_config *old = NULL;
	_cleanup_xa_config_ struct xa_config *new = NULL;
	_cleanup_xa_buf_ struct xa_buf text = {0};
	_cleanup_xa_buf_ struct xa_buf made = {0};

	xa_buf_addf(&text, "policy:\n  stages: %s\n", old_stages);
	old = load_text(text.text);
	xa_buf_reset(&text);
	xa_buf_addf(&text, "policy:\n  stages: %s\n", new_stages);
	new = load_text(text.text);
	xa_config_diff(old, new, &made);
	assert_false(xa_buf_failed(&made));
	assert_string_equal(made.text ? made.text : "", expected);
	assert_int_equal(xa_config_changes(old, new), *expected ? 1U << XA_RELOAD_POLICY : 0);
}

#define STAGES "policy.stages: "

static void test_diff(void **state)
{
	(void)state;
	assert_diff("[a, {b: {}}, {c: {d: 1}}]", "[{a: ~}, b, {c: {d: 1}}]", "");
	assert_diff("[{c: {d: 1}}]", "[{c: {d: '1'}}]", STAGES "c: d: 1 -> \"1\"\n");
	assert_diff("[{c: {d: {e: 1, f: [x, y], 'g h': 2}}}]",
		    "[{c: {d: {f: [x, z], 'g h': 2, i: 3}}}]",
		    STAGES "c: d.e: 1 -> none\n" STAGES "c: d.f: [x, y] -> [x, z]\n" STAGES
			   "c: d.i: none -> 3\n");
	assert_diff("[{c: {d: {e: 1}}}]", "[{c: {d: [1]}}]", STAGES "c: d: {e: 1} -> [1]\n");
	assert_diff("[{c: {'d.e': {'f g': ~}}}]", "[{c: {'d.e': {'f g': 1}}}]",
		    STAGES "c: d.e.\"f g\": ~ -> 1\n");
	/* what is written otherwise is a change, even where it may mean the same */
	assert_diff("[{c: {d: {e: 1, f: 2}}}]", "[{c: {d: {f: 2, e: 1}}}]",
		    STAGES "c: d: {e: 1, f: 2} -> {f: 2, e: 1}\n");
}

static void test_diff_of_titles(void **state)
{
	(void)state;
	assert_diff("[]", "[a]", STAGES "a: none -> {}\n");
	assert_diff("[a, {b: {c: 1}}]", "[a]", STAGES "b: {c: 1} -> none\n");
	assert_diff("[a, b]", "[x, b]", STAGES "a: {} -> none\n" STAGES "x: none -> {}\n");
	assert_diff("[{lua: {file: x/scan.lua, top: 1}}, {lua: {file: y/scan.lua, top: 1}}]",
		    "[{lua: {file: x/scan.lua, top: 1}}, {lua: {file: y/scan.lua, top: 2}}]",
		    STAGES "lua:scan#2: top: 1 -> 2\n");
	assert_diff("[{lua: {file: scan.lua}}]", "[{lua: {file: syn.lua}}]",
		    STAGES "lua:scan: {file: scan.lua} -> none\n" STAGES
			   "lua:syn: none -> {file: syn.lua}\n");
	assert_diff("[{a: {file: ''}}]", "[{a: {file: [b]}}]", STAGES "a: file: \"\" -> [b]\n");
	assert_diff("[a, b, c]", "[a, c, b]", STAGES "order: a, b, c -> a, c, b\n");
	assert_diff("[a, {b: {c: 1}}]", "[{b: {c: 2}}, x, a]",
		    STAGES "b: c: 1 -> 2\n" STAGES "x: none -> {}\n" STAGES
			   "order: a, b -> b, x, a\n");
	assert_diff("[a, b, c]", "[b, x, c]", STAGES "a: {} -> none\n" STAGES "x: none -> {}\n");
}

/* However long the stages are, a line shows where they differ, and the lines end. */
static void test_diff_is_bounded(void **state)
{
	_cleanup_xa_buf_ struct xa_buf many = {0}, lines = {0};
	char old[4096], new[4096];

	(void)state;
	(void)snprintf(old, sizeof(old), "[{a: {%0200d: {%0200d: x, y: z}}}]", 0, 0);
	(void)snprintf(new, sizeof(new), "[{a: {%0200d: {%0200d: w, y: z}}}]", 0, 0);
	assert_diff(old, new,
		    STAGES "a: ...0000000000000000000000000000000000000000"
			   "0000000000000000000000000000000000000000: x -> w\n");
	(void)snprintf(new, sizeof(new), "[{a: {%0200d: {}}}]", 0);
	(void)snprintf(old, sizeof(old), STAGES "a: none -> {%079d...\n", 0);
	assert_diff("[]", new, old);
	(void)snprintf(old, sizeof(old), "[{a: {b: [%0200d, x, %0200d]}}]", 0, 0);
	(void)snprintf(new, sizeof(new), "[{a: {b: [%0200d, y, %0200d]}}]", 0, 0);
	assert_diff(old, new,
		    STAGES "a: b: ...0000000000000000000000, x, "
			   "00000000000000000000000000000000000000000000000000000... -> "
			   "...0000000000000000000000, y, "
			   "00000000000000000000000000000000000000000000000000000...\n");
	for (unsigned i = 0; i < 1000; i++) {
		xa_buf_addf(&many, "%s%u: ~", i ? ", " : "[{a: {", i);
		if (i < 16)
			xa_buf_addf(&lines, STAGES "a: %u: ~ -> none\n", i);
	}
	xa_buf_adds(&many, "}}]");
	xa_buf_adds(&lines, STAGES "a: 984 more changes\n");
	assert_diff(many.text, "[a]", lines.text);
}

static void test_changes(void **state)
{
	static const char *const texts[] = {"deadline: 1s", "memory: 1GiB", "max_series: 5",
					    "max_values: 50", "plugin_dir: a"};
	_cleanup_xa_config_ struct xa_config *defaults = load_text("");

	(void)state;
	for (size_t i = 0; i < array_size(texts); i++) {
		_cleanup_xa_config_ struct xa_config *config = NULL;
		char text[64];

		(void)snprintf(text, sizeof(text), "policy: {%s}\n", texts[i]);
		config = load_text(text);
		assert_int_equal(xa_config_changes(defaults, config), 1U << XA_RELOAD_POLICY);
	}
}

static void test_layers(void **state)
{
	static const char text[] = "policy:\n  stages: [a, b]\n";
	static const char *const setting = "policy.stages=[]";
	_cleanup_xa_config_ struct xa_config *config = NULL;

	(void)state;
	assert_int_equal(
		xa_config_load_buffer(&config, "a.yaml", text, strlen(text), &setting, 1, &whys),
		0);
	assert_int_equal(config->policy.stage_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_sizes_meant),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_paths_are_bounded),
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_variables),
		cmocka_unit_test(test_variables_are_bounded),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_width_is_cheap),
		cmocka_unit_test(test_diff),
		cmocka_unit_test(test_diff_of_titles),
		cmocka_unit_test(test_diff_is_bounded),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_layers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
