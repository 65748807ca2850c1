/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What the worker is told: all of it arrives, and bytes that are cut or changed are refused or make
 * another setup, never a crash. */

#include "tests/unit/policy_scene.h"

static const char yaml[] = "policy:\n"
			   "  memory: 32MiB\n"
			   "  max_values: 100\n"
			   "  plugin_dir: /plugins\n"
			   "  stages:\n"
			   "    - zones: {networks: {office: [10.1.0.0/16, \"2001:db8::/48\"]}}\n"
			   "    - lua:\n"
			   "        file: a.lua\n"
			   "        options: {empty: ~, text: \"7\", number: 7, list: []}\n"
			   "    - own\n";

static const struct xa_setup_stage known[] = {
	{.title = "zones"},
	{.title = "lua:a", .kept = "k\0pt", .kept_len = 4},
	{.title = "own", .disabled = true},
};

static const struct xa_plugin_node *child(const struct xa_plugin_node *node, const char *key)
{
	for (node = node->children; node; node = node->next)
		if (!strcmp(node->key, key))
			return node;
	fail_msg("no key %s", key);
	return NULL;
}

static void test_head_arrives(void **state)
{
	struct scene scene;

	(void)state;
	scene_begin_with(&scene, yaml, known);
	assert_int_equal(scene.setup.head.memory_bytes, 32 << 20);
	assert_int_equal(scene.setup.head.max_flows, SCENE_FLOWS);
	assert_int_equal(scene.setup.head.max_values, 102);
	assert_int_equal(scene.setup.head.stage_count, 3);
	assert_string_equal(scene.setup.head.plugin_dir, "/plugins");
	scene_end(&scene);
}

static void test_stages_arrive(void **state)
{
	struct scene scene;
	const struct xa_setup_stage *stages;

	(void)state;
	scene_begin_with(&scene, yaml, known);
	stages = scene.setup.stages;
	assert_string_equal(stages[0].name, "zones");
	assert_string_equal(stages[0].path, "policy.stages[0].zones");
	assert_string_equal(stages[2].path, "policy.stages[2].own");
	assert_string_equal(stages[1].title, "lua:a");
	assert_string_equal(stages[1].file, SCENE_FILE);
	assert_int_equal(stages[1].line, 7);
	assert_int_equal(stages[1].column, 7);
	assert_int_equal(stages[1].kept_len, 4);
	assert_memory_equal(stages[1].kept, "k\0pt", 4);
	assert_null(stages[0].kept);
	assert_false(stages[1].disabled);
	assert_true(stages[2].disabled);
	assert_int_equal(stages[2].options->kind, XA_PLUGIN_MAP);
	assert_null(stages[2].options->children);
	scene_end(&scene);
}

static void test_trees_arrive(void **state)
{
	const struct xa_plugin_node *options, *office;
	struct scene scene;

	(void)state;
	scene_begin_with(&scene, yaml, known);
	office = child(child(scene.setup.stages[0].options, "networks"), "office");
	assert_int_equal(office->kind, XA_PLUGIN_LIST);
	assert_null(office->children->key);
	assert_string_equal(office->children->text, "10.1.0.0/16");
	assert_false(office->children->quoted);
	assert_string_equal(office->children->next->text, "2001:db8::/48");
	assert_true(office->children->next->quoted);
	assert_null(office->children->next->next);
	options = child(scene.setup.stages[1].options, "options");
	assert_string_equal(options->file, SCENE_FILE);
	assert_int_equal(options->line, 9);
	assert_int_equal(options->column, 18);
	assert_int_equal(((const struct xa_setup_node *)options)->key_column, 9);
	assert_string_equal(child(options, "empty")->text, "");
	assert_false(child(options, "empty")->quoted);
	assert_true(child(options, "text")->quoted);
	assert_null(child(options, "list")->text);
	scene_end(&scene);
}

static void test_cut_anywhere_is_refused(void **state)
{
	struct scene scene = {.config = scene_config(yaml)};

	(void)state;
	scene_write(&scene, known);
	for (size_t len = 0; len < scene.bytes.len; len++) {
		char *exact = malloc(len ? len : 1);
		struct xa_setup setup = {0};

		assert_non_null(exact);
		memcpy(exact, scene.bytes.text, len);
		assert_int_equal(xa_setup_read(&setup, exact, len), -EBADMSG);
		xa_arena_free(setup.arena);
		free(exact);
	}
	xa_buf_done(&scene.bytes);
	xa_config_free(scene.config);
}

static void test_more_than_all_is_refused(void **state)
{
	struct scene scene = {.config = scene_config(yaml)};
	struct xa_setup setup = {0};

	(void)state;
	scene_write(&scene, known);
	xa_buf_adds(&scene.bytes, "x");
	assert_int_equal(xa_setup_read(&setup, scene.bytes.text, scene.bytes.len), -EBADMSG);
	xa_arena_free(setup.arena);
	xa_buf_done(&scene.bytes);
	xa_config_free(scene.config);
}

/* Each byte in turn is made each of some others. */
static void test_changed_anywhere_does_no_harm(void **state)
{
	static const unsigned char changes[] = {0x01, 0x80, 0xff};
	struct scene scene = {.config = scene_config(yaml)};
	size_t refused = 0;

	(void)state;
	scene_write(&scene, known);
	for (size_t at = 0; at < scene.bytes.len; at++) {
		for (size_t i = 0; i < array_size(changes); i++) {
			struct xa_setup setup = {0};
			int error;

			scene.bytes.text[at] = (char)(scene.bytes.text[at] ^ changes[i]);
			error = xa_setup_read(&setup, scene.bytes.text, scene.bytes.len);
			assert_true(!error || error == -EBADMSG);
			refused += error != 0;
			xa_arena_free(setup.arena);
			scene.bytes.text[at] = (char)(scene.bytes.text[at] ^ changes[i]);
		}
	}
	assert_true(refused > 100);
	xa_buf_done(&scene.bytes);
	xa_config_free(scene.config);
}

static void test_a_long_folder_fails_the_buffer(void **state)
{
	struct scene scene = {.config = scene_config("policy: {stages: []}\n")};
	char dir[2000];

	(void)state;
	memset(dir, 'a', sizeof(dir));
	dir[sizeof(dir) - 1] = '\0';
	scene.config->policy.plugin_dir = dir;
	xa_setup_write(&scene.bytes, scene.config, SCENE_FLOWS, NULL);
	assert_true(xa_buf_failed(&scene.bytes));
	xa_buf_done(&scene.bytes);
	xa_config_free(scene.config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_head_arrives),
		cmocka_unit_test(test_stages_arrive),
		cmocka_unit_test(test_trees_arrive),
		cmocka_unit_test(test_cut_anywhere_is_refused),
		cmocka_unit_test(test_more_than_all_is_refused),
		cmocka_unit_test(test_changed_anywhere_does_no_harm),
		cmocka_unit_test(test_a_long_folder_fails_the_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
