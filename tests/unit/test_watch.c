/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Real files in a folder of the test's own, changed in each way in which configurations are: what
 * is told of, what is not, and how often.
 */

#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "core/watch.h"

/* Longer than it takes to settle. */
#define SILENCE_MS 600

struct scene {
	char folder[32];
	struct xa_watch *watch;
	struct xa_config *config;
};

XA_PRINTF(1, 2) static void shell(const char *format, ...)
{
	char command[512], name[] = "sh", option[] = "-c";
	char *const args_of[] = {name, option, command, NULL};
	int status = -1;
	va_list args;
	pid_t pid;

	va_start(args, format);
	assert_true(vsnprintf(command, sizeof(command), format, args) < (int)sizeof(command));
	va_end(args);
	assert_int_equal(posix_spawn(&pid, "/bin/sh", NULL, NULL, args_of, environ), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static int setup(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	if (!scene)
		return -1;
	*state = scene;
	(void)snprintf(scene->folder, sizeof(scene->folder), "/tmp/xa-watch-XXXXXX");
	if (!mkdtemp(scene->folder) || chdir(scene->folder))
		return -1;
	return xa_watch_new(&scene->watch);
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	xa_watch_free(scene->watch);
	xa_config_free(scene->config);
	shell("cd / && rm -r %s", scene->folder);
	free(scene);
	return chdir("/");
}

/* Loads what is there, as the daemon does. */
static void load(struct scene *scene, const char *path)
{
	struct xa_whys whys;

	xa_watch_take(scene->watch);
	xa_config_free(take_ptr(scene->config));
	assert_int_equal(xa_config_load(&scene->config, path, NULL, 0, &whys), 0);
	assert_int_equal(xa_watch_set(scene->watch, path, scene->config), 0);
}

/* A configuration of one file, which names a rule. */
static void load_file(struct scene *scene)
{
	shell("echo 'top_k: 1' > config.yaml; mkdir rules; touch -d -1hour rules/a.lua");
	shell("echo 'policy: {stages: [lua: {file: rules/a.lua}]}' >> config.yaml");
	load(scene, "config.yaml");
}

/* How many changes are told of until there has been silence for so long. */
static unsigned changes(const struct scene *scene, int silence_ms)
{
	struct pollfd fd = {.fd = xa_watch_fd(scene->watch), .events = POLLIN};
	unsigned count = 0;

	while (poll(&fd, 1, silence_ms) > 0)
		count += xa_watch_read(scene->watch);
	return count;
}

#define assert_changes(state, count) assert_int_equal(changes(*(state), SILENCE_MS), count)

static void test_nothing(void **state)
{
	assert_changes(state, 0);
	load_file(*state);
	assert_changes(state, 0);
	assert_false(xa_watch_read(NULL));
	xa_watch_take(NULL);
}

static void test_in_place(void **state)
{
	load_file(*state);
	shell("echo 'top_k: 2' > config.yaml");
	assert_changes(state, 1);
	shell("echo 'listen: 127.0.0.1:1' >> config.yaml");
	assert_changes(state, 1);
}

static void test_rename(void **state)
{
	load_file(*state);
	for (int i = 0; i < 2; i++) {
		shell("cp config.yaml .new; echo '# %d' >> .new; mv .new config.yaml", i);
		assert_changes(state, 1);
	}
	shell("cp config.yaml .new; ln -f .new config.yaml");
	assert_changes(state, 1);
}

/* Gone is a change, as is back; both in one breath are one. */
static void test_deletion(void **state)
{
	load_file(*state);
	shell("rm config.yaml");
	assert_changes(state, 1);
	shell("echo 'top_k: 3' > config.yaml");
	assert_changes(state, 1);
	shell("rm config.yaml; echo 'top_k: 4' > config.yaml");
	assert_changes(state, 1);
}

static void test_rule(void **state)
{
	load_file(*state);
	shell("echo 'return {}' > rules/a.lua");
	assert_changes(state, 1);
	shell("echo 'return {}' > rules/b.lua");
	assert_changes(state, 0);
	shell("mv rules old; mkdir rules; cp old/a.lua rules");
	assert_changes(state, 1);
	shell("echo >> old/a.lua");
	assert_changes(state, 0);
	shell("echo >> rules/a.lua");
	assert_changes(state, 1);
}

/* Of rules that the configuration does not name any more there is no word. */
static void test_set_again(void **state)
{
	load_file(*state);
	shell("echo 'top_k: 2' > config.yaml");
	load(*state, "config.yaml");
	assert_changes(state, 0);
	shell("echo 'return {}' > rules/a.lua");
	assert_changes(state, 0);
	shell("echo 'top_k: 3' > config.yaml");
	assert_changes(state, 1);
}

static void test_noise(void **state)
{
	load_file(*state);
	shell("cat config.yaml rules/a.lua > other.txt; ls -R . > /dev/null; touch -a config.yaml");
	shell("touch .config.yaml.swp config.yaml~ 4913 '#config.yaml#'; mkdir deeper");
	shell("rm .config.yaml.swp config.yaml~; chmod 600 other.txt; touch other.yaml");
	shell("touch -r config.yaml stamp; cat config.yaml > copy");
	shell("cat copy > config.yaml; touch -r stamp config.yaml");
	assert_changes(state, 0);
	shell("chmod 600 config.yaml");
	assert_changes(state, 1);
}

/* Unrest of a second is one change; unrest without end is one every two. */
static void test_burst(void **state)
{
	struct scene *scene = *state;
	uint64_t start_ns;

	load_file(scene);
	shell("(for i in 1 2 3 4 5 6 7 8 9 10; do echo \"top_k: $i\" > config.yaml; sleep 0.1; "
	      "done) &");
	assert_changes(state, 1);
	shell("(for i in $(seq 60); do echo \"top_k: $i\" > config.yaml; sleep 0.1; done) &");
	start_ns = xa_now_ns();
	assert_true(changes(scene, SILENCE_MS) >= 2);
	assert_true(xa_now_ns() - start_ns >= 4 * XA_NS_PER_S);
}

/* What was being loaded when it changed is not what was loaded. */
static void test_change_while_loading(void **state)
{
	struct scene *scene = *state;

	load_file(scene);
	shell("echo '# new' >> config.yaml");
	xa_watch_take(scene->watch);
	shell("echo '# newer' >> config.yaml");
	assert_int_equal(xa_watch_set(scene->watch, "config.yaml", scene->config), 0);
	assert_changes(state, 1);
}

/* So for a rule that is named for the first time. */
static void test_new_rule_while_loading(void **state)
{
	struct scene *scene = *state;
	struct xa_whys whys;

	shell("echo 'policy: {stages: [lua: {file: a.lua}]}' > config.yaml");
	assert_int_equal(xa_config_load(&scene->config, "config.yaml", NULL, 0, &whys), 0);
	xa_watch_take(scene->watch);
	shell("sleep 0.05; echo 'return {}' > a.lua");
	assert_int_equal(xa_watch_set(scene->watch, "config.yaml", scene->config), 0);
	assert_changes(state, 1);
}

/* Emptied, and written only later: what is empty is not taken for a configuration. */
static void test_slow_writer(void **state)
{
	load_file(*state);
	shell("(sleep 1; echo 'top_k: 9') > config.yaml & sleep 0.1; chmod 600 config.yaml");
	assert_int_equal(changes(*state, 400), 0);
	assert_int_equal(changes(*state, 3000), 1);
}

static void load_folder(struct scene *scene)
{
	shell("mkdir conf.d; echo 'top_k: 1' > conf.d/10.yaml; echo 'mode: skb' > conf.d/20.yaml");
	load(scene, "conf.d");
}

static void test_folder(void **state)
{
	load_folder(*state);
	shell("echo 'mode: drv' > conf.d/30.yaml");
	assert_changes(state, 1);
	shell("echo 'mode: skb' > conf.d/30.yaml");
	assert_changes(state, 1);
	shell("mv conf.d/30.yaml conf.d/05.yaml");
	assert_changes(state, 1);
	shell("rm conf.d/05.yaml");
	assert_changes(state, 1);
	shell("touch conf.d/README conf.d/.10.yaml conf.d/10.yaml~ conf.d/10.yaml.bak");
	assert_changes(state, 0);
}

static void test_folder_recreated(void **state)
{
	load_folder(*state);
	shell("rm -r conf.d");
	assert_changes(state, 1);
	shell("mkdir conf.d; echo 'top_k: 3' > conf.d/10.yaml");
	assert_changes(state, 1);
	shell("cp -r conf.d new; echo 'top_k: 4' > new/10.yaml; mv conf.d old; mv new conf.d");
	assert_changes(state, 1);
	shell("echo 'top_k: 5' > old/10.yaml");
	assert_changes(state, 0);
	shell("echo 'top_k: 5' > conf.d/10.yaml");
	assert_changes(state, 1);
}

/* As a volume of Kubernetes is mounted and renewed: `..data` alone is renamed. */
static void new_version(int version)
{
	shell("mkdir vol/..%d; echo 'top_k: %d' > vol/..%d/config.yaml; ln -s ..%d vol/..tmp; "
	      "mv -T vol/..tmp vol/..data",
	      version, version, version, version);
}

static void test_kubernetes(void **state)
{
	static const char *const paths[] = {"vol/config.yaml", "vol", "/tmp/../proc/self/cwd/vol"};

	shell("mkdir vol; ln -s ..data/config.yaml vol/config.yaml");
	new_version(1);
	for (size_t i = 0; i < array_size(paths); i++) {
		load(*state, paths[i]);
		assert_changes(state, 0);
		new_version(2);
		assert_changes(state, 1);
		shell("rm -r vol/..1");
		assert_changes(state, 0);
		new_version(3);
		assert_changes(state, 1);
		shell("rm -r vol/..2 vol/..3; mkdir vol/..1; echo 'top_k: 1' > "
		      "vol/..1/config.yaml; "
		      "ln -sfn ..1 vol/..data");
		assert_changes(state, 1);
	}
}

/* The link, the link that it leads to, and the file at the end. */
static void test_links(void **state)
{
	shell("mkdir -p a/deep b c; echo 'top_k: 1' > a/deep/real; echo 'top_k: 2' > b/real");
	shell("ln -s $PWD/a/deep/../deep/real c/config.yaml; ln -s c d");
	load(*state, "d/config.yaml");
	shell("echo 'top_k: 3' > a/deep/real");
	assert_changes(state, 1);
	shell("mkdir e; ln -s ../b/real e/config.yaml; ln -sfn e d");
	assert_changes(state, 1);
	shell("echo 'top_k: 4' > b/real");
	assert_changes(state, 1);
	shell("echo 'top_k: 5' > a/deep/real");
	assert_changes(state, 0);
	shell("mv b f; mkdir b; echo 'top_k: 6' > b/real");
	assert_changes(state, 1);
	shell("rm d; ln -s d d");
	assert_changes(state, 1);
	shell("rm d; ln -s c d");
	assert_changes(state, 1);
}

/* More ways than are watched: what is beyond is looked at now and then. */
static void test_too_many(void **state)
{
	shell("mkdir -p conf.d; for i in $(seq 10 50); do mkdir -p $i/a/b/c/d/e/f; "
	      "echo '# ' > $i/a/b/c/d/e/f/x; ln -s ../$i/a/b/c/d/e/f/x conf.d/$i.yaml; done");
	load(*state, "conf.d");
	shell("for i in $(seq 10 50); do echo 'top_k: 3' > $i/a/b/c/d/e/f/x; done");
	assert_int_equal(changes(*state, 1500), 1);
	shell("echo 'top_k: 4' > 10/a/b/c/d/e/f/x");
	assert_int_equal(changes(*state, 1500), 1);
}

static long queue_max(void)
{
	_cleanup_file_ FILE *file = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
	long count = LONG_MAX;

	if (!file || fscanf(file, "%ld", &count) != 1)
		return LONG_MAX;
	return count;
}

/* Noise fills the queue, and what matters comes after it: only the overflow tells of it. */
static void test_overflow(void **state)
{
	long count = queue_max();

	load_file(*state);
	if (count > 100000)
		skip();
	shell("touch noise0 noise1");
	for (long i = 0; i <= count; i++)
		assert_int_equal(chmod(i % 2 ? "noise0" : "noise1", 0600), 0);
	shell("echo 'top_k: 8' > config.yaml");
	assert_changes(state, 1);
	shell("echo 'top_k: 9' > config.yaml");
	assert_changes(state, 1);
}

static void test_no_descriptor(void **state)
{
	struct rlimit before, none;
	struct xa_watch *watch = NULL;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){0, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(xa_watch_new(&watch), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_null(watch);
	xa_watch_free(NULL);
}

#define scene_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		scene_test(test_nothing),
		scene_test(test_in_place),
		scene_test(test_rename),
		scene_test(test_deletion),
		scene_test(test_rule),
		scene_test(test_set_again),
		scene_test(test_noise),
		scene_test(test_burst),
		scene_test(test_change_while_loading),
		scene_test(test_new_rule_while_loading),
		scene_test(test_slow_writer),
		scene_test(test_folder),
		scene_test(test_folder_recreated),
		scene_test(test_kubernetes),
		scene_test(test_links),
		scene_test(test_too_many),
		scene_test(test_overflow),
		cmocka_unit_test(test_no_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
