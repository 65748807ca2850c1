/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Which paths are found for the stages of a configuration: folders of files as they are named, and
 * as they really are behind symbolic links. */

#include <sys/stat.h>

#include "core/policy/reach.h"
#include "tests/unit/policy_scene.h"

static const struct xa_plugin_option options[] = {
	{.name = "file", .type = XA_PLUGIN_FILE},
	{.name = "text", .type = XA_PLUGIN_TEXT},
};
static const struct xa_plugin own = {.name = "own", .options = options, .option_count = 2};
static const struct xa_plugin *const plugins[] = {&own};
static const struct xa_builtin_plugins builtin = {plugins, array_size(plugins)};

/* real/rule, link -> real, real/linked -> ../far/rule, far/rule, plain.so in plugins/, fifo */
struct reached {
	char folder[32];
	struct scene scene;
	const char *const *paths;
};

static const char *const folders[] = {"real", "far", "plugins"};
static const char *const files[] = {"real/rule", "far/rule", "plugins/plain.so"};
static const char *const links[][2] = {
	{"real", "link"},
	{"../far/rule", "real/linked"},
	{"../far/rule", "plugins/linked.so"},
};

static const char *at(const struct reached *reached, const char *name, char *path, size_t size)
{
	(void)snprintf(path, size, "%s/%s", reached->folder, name);
	return path;
}

static int setup(void **state)
{
	struct reached *reached = calloc(1, sizeof(*reached));
	char path[128];

	assert_non_null(reached);
	(void)snprintf(reached->folder, sizeof(reached->folder), "/tmp/xa-reach-XXXXXX");
	assert_non_null(mkdtemp(reached->folder));
	for (size_t i = 0; i < array_size(folders); i++)
		assert_int_equal(mkdir(at(reached, folders[i], path, sizeof(path)), 0700), 0);
	for (size_t i = 0; i < array_size(files); i++)
		assert_int_equal(
			mknod(at(reached, files[i], path, sizeof(path)), S_IFREG | 0600, 0), 0);
	assert_int_equal(mkfifo(at(reached, "fifo", path, sizeof(path)), 0600), 0);
	for (size_t i = 0; i < array_size(links); i++)
		assert_int_equal(symlink(links[i][0], at(reached, links[i][1], path, sizeof(path))),
				 0);
	*state = reached;
	return 0;
}

static int teardown(void **state)
{
	struct reached *reached = *state;
	char path[128];

	for (size_t i = 0; i < array_size(links); i++)
		(void)unlink(at(reached, links[i][1], path, sizeof(path)));
	(void)unlink(at(reached, "fifo", path, sizeof(path)));
	for (size_t i = 0; i < array_size(files); i++)
		(void)unlink(at(reached, files[i], path, sizeof(path)));
	for (size_t i = 0; i < array_size(folders); i++)
		(void)rmdir(at(reached, folders[i], path, sizeof(path)));
	assert_int_equal(rmdir(reached->folder), 0);
	free(reached);
	return 0;
}

/* With one stage. */
static void find(struct reached *reached, const char *stage, bool disabled)
{
	const struct xa_setup_stage known = {.title = "title", .disabled = disabled};
	char yaml[1024];

	(void)snprintf(yaml, sizeof(yaml),
		       "policy:\n  plugin_dir: %s/plugins\n  stages:\n    - %s\n", reached->folder,
		       stage);
	scene_begin_with(&reached->scene, yaml, &known);
	assert_int_equal(xa_reach_find(&reached->paths, &reached->scene.setup, &builtin), 0);
}

/* What was found beneath the tree's folder or beside the configuration, each once and a comma
 * behind it. */
static void expect(struct reached *reached, const char *wanted)
{
	const size_t len = strlen(reached->folder);
	char found[512] = "";

	for (const char *const *path = reached->paths; *path; path++) {
		const bool here = !strncmp(*path, reached->folder, len);
		const char *name = here ? *path + len : *path;

		if ((here || !strncmp(*path, "tests/", strlen("tests/"))) && !strstr(found, name))
			(void)snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s,",
				       name);
	}
	assert_string_equal(found, wanted);
	scene_end(&reached->scene);
}

static void find_option(struct reached *reached, const char *stage, const char *option,
			const char *name)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "%s: {%s: %s/%s}", stage, option, reached->folder, name);
	find(reached, text, false);
}

static void test_what_is_of_the_system(void **state)
{
	struct reached *reached = *state;
	bool cache = false, libraries = false;

	find(reached, "own", false);
	for (const char *const *path = reached->paths; *path; path++) {
		cache = cache || !strcmp(*path, "/etc/ld.so.cache");
		libraries = libraries || !strcmp(*path, "/usr/lib");
		assert_string_not_equal(*path, "/");
		assert_string_not_equal(*path, "/etc");
	}
	assert_true(cache && libraries);
	expect(reached, "");
}

static void test_folder_of_a_file(void **state)
{
	struct reached *reached = *state;

	find_option(reached, "own", "file", "real/rule");
	expect(reached, "/real/,");
}

static void test_folder_behind_a_linked_folder(void **state)
{
	struct reached *reached = *state;

	find_option(reached, "own", "file", "link/rule");
	expect(reached, "/link/,/real/,");
}

static void test_folder_behind_a_linked_file(void **state)
{
	struct reached *reached = *state;

	find_option(reached, "own", "file", "real/linked");
	expect(reached, "/real/,/far/,");
}

static void test_what_is_no_regular_file(void **state)
{
	struct reached *reached = *state;

	find_option(reached, "own", "file", "fifo");
	expect(reached, "/,/fifo,");
}

static void test_what_is_not_there(void **state)
{
	struct reached *reached = *state;

	find_option(reached, "own", "file", "none/rule");
	expect(reached, "/none/,");
}

static void test_relative_paths_begin_beside_the_config(void **state)
{
	struct reached *reached = *state;

	find(reached, "own: {file: rules/none.lua}", false);
	expect(reached, "tests/unit/rules/,");
}

static void test_texts_are_no_paths(void **state)
{
	struct reached *reached = *state;

	find_option(reached, "own", "text", "real/rule");
	expect(reached, "");
}

/* A shared object's options have no types yet. */
static void test_texts_of_a_shared_object_may_be_paths(void **state)
{
	struct reached *reached = *state;

	find_option(reached, "plain", "text", "link/rule");
	expect(reached, "/plugins/,/link/,/real/,");
	find_option(reached, "plain", "text", "far");
	expect(reached, "/plugins/,");
	find_option(reached, "plain", "text", "none/rule");
	expect(reached, "/plugins/,");
}

static void test_shared_object_behind_a_link(void **state)
{
	struct reached *reached = *state;

	find(reached, "linked", false);
	expect(reached, "/plugins/,/far/,");
}

static void test_what_is_left_out_reads_nothing(void **state)
{
	struct reached *reached = *state;
	char text[256];

	(void)snprintf(text, sizeof(text), "own: {file: %s/real/rule}", reached->folder);
	find(reached, text, true);
	expect(reached, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_is_of_the_system, setup, teardown),
		cmocka_unit_test_setup_teardown(test_folder_of_a_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_folder_behind_a_linked_folder, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_folder_behind_a_linked_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_no_regular_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_not_there, setup, teardown),
		cmocka_unit_test_setup_teardown(test_relative_paths_begin_beside_the_config, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_texts_are_no_paths, setup, teardown),
		cmocka_unit_test_setup_teardown(test_texts_of_a_shared_object_may_be_paths, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_shared_object_behind_a_link, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_left_out_reads_nothing, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
