/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The worker as a process: the program that was built, started as the auditor does, with four
 * descriptors. The arguments are the program and the folder of the plugins that must not hurt.
 */

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "core/policy/landlock.h"
#include "tests/unit/policy_scene.h"

#define WAIT_MS 20000

static char *program;
static const char *bad_plugins;

struct process {
	struct scene scene; /* its region and head are mapped, not allocated */
	pid_t pid;
	char dir[32], rule[64];
};

static int make_memory(const char *name, size_t size)
{
	const int fd = memfd_create(name, MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	return fd;
}

static void *map(int fd, size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	assert_ptr_not_equal(memory, MAP_FAILED);
	return memory;
}

/* Of the sanitizer's: its search for leaks stops the process from outside, which is not allowed. */
static pid_t spawn(const int *fds, const char *command)
{
	static char name[] = "xdp-auditor", no_leaks[] = "ASAN_OPTIONS=detect_leaks=0";
	char copy[32];
	char *const arguments[] = {name, copy, NULL};
	char *const environment[] = {no_leaks, NULL};
	posix_spawn_file_actions_t actions;
	pid_t pid;

	(void)snprintf(copy, sizeof(copy), "%s", command);
	assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
	for (int i = 0; i < XA_WORKER_FDS_END_ - XA_WORKER_SOCKET; i++)
		assert_int_equal(
			posix_spawn_file_actions_adddup2(&actions, fds[i], XA_WORKER_SOCKET + i),
			0);
	assert_int_equal(posix_spawn(&pid, program, &actions, NULL, arguments, environment), 0);
	(void)posix_spawn_file_actions_destroy(&actions);
	return pid;
}

/* Descriptors far from those that the worker finds them at. */
static int out_of_the_way(int fd)
{
	const int far = fcntl(fd, F_DUPFD_CLOEXEC, 100);

	assert_true(far >= 0);
	(void)close(fd);
	return far;
}

static void start(struct process *process)
{
	struct scene *scene = &process->scene;
	int fds[4];

	fds[0] = out_of_the_way(scene->worker);
	fds[1] = out_of_the_way(make_memory("setup", scene->bytes.len));
	fds[2] = out_of_the_way(make_memory("snapshot", xa_snapshot_size(SCENE_FLOWS)));
	fds[3] = out_of_the_way(make_memory("region", scene->layout.size));
	assert_int_equal(pwrite(fds[1], scene->bytes.text, scene->bytes.len, 0), scene->bytes.len);
	scene->worker = -1;
	free(scene->head);
	free(scene->region);
	scene->head = map(fds[2], xa_snapshot_size(SCENE_FLOWS));
	scene->flows = (struct xa_plugin_flow *)(void *)((char *)scene->head + XA_SNAPSHOT_FLOWS);
	scene->region = map(fds[3], scene->layout.size);
	process->pid = spawn(fds, "policy-worker");
	for (size_t i = 0; i < array_size(fds); i++)
		(void)close(fds[i]);
}

static struct process *begin(const char *stages, const char *rule)
{
	struct process *process = calloc(1, sizeof(*process));
	char yaml[4096];

	assert_non_null(process);
	(void)snprintf(process->dir, sizeof(process->dir), "/tmp/xa-worker-XXXXXX");
	assert_non_null(mkdtemp(process->dir));
	(void)snprintf(process->rule, sizeof(process->rule), "%s/rule.lua", process->dir);
	if (rule) {
		FILE *file = fopen(process->rule, "w");

		assert_non_null(file);
		assert_true(fputs(rule, file) >= 0);
		assert_int_equal(fclose(file), 0);
	}
	(void)snprintf(yaml, sizeof(yaml),
		       "policy:\n  memory: 16MiB\n  plugin_dir: %s\n  stages:\n%s", bad_plugins,
		       stages);
	if (rule)
		(void)snprintf(yaml + strlen(yaml), sizeof(yaml) - strlen(yaml),
			       "    - lua: {file: %s}\n", process->rule);
	scene_begin(&process->scene, yaml);
	start(process);
	return process;
}

static int wait_for(pid_t pid)
{
	int status;

	for (int waited = 0; waited < WAIT_MS; waited += 10) {
		const pid_t gone = waitpid(pid, &status, WNOHANG);

		if (gone == pid)
			return status;
		(void)poll(NULL, 0, 10);
	}
	(void)kill(pid, SIGKILL);
	fail_msg("the worker did not end");
	return -1;
}

/* The process is gone already. */
static void end(struct process *process)
{
	struct scene *scene = &process->scene;

	(void)munmap(scene->head, xa_snapshot_size(SCENE_FLOWS));
	(void)munmap(scene->region, scene->layout.size);
	scene->head = NULL;
	scene->region = NULL;
	scene_end(scene);
	(void)unlink(process->rule);
	assert_int_equal(rmdir(process->dir), 0);
	free(process);
}

static void give(const struct process *process, enum xa_order_kind kind, uint64_t number)
{
	const struct xa_order order = {.kind = kind, .number = number};

	assert_int_equal(send(process->scene.auditor, &order, sizeof(order), MSG_NOSIGNAL),
			 sizeof(order));
}

/* The next answer that is of none of the kinds that come in between; those are noted. */
static struct xa_answer await(struct process *process)
{
	struct pollfd wait = {.fd = process->scene.auditor, .events = POLLIN};
	struct xa_answer answer;

	process->scene.said[0] = '\0';
	for (;;) {
		answer = (struct xa_answer){.kind = UINT32_MAX};
		if (poll(&wait, 1, WAIT_MS) != 1)
			fail_msg("no answer; said: %s", process->scene.said);
		if (recv(wait.fd, &answer, sizeof(answer), 0) <= 0)
			return answer;
		if (answer.kind != XA_ANSWER_WHY && answer.kind != XA_ANSWER_LOG)
			return answer;
		scene_say(&process->scene, &answer);
	}
}

static struct process *begin_open(const char *stages, const char *rule)
{
	struct process *process = begin(stages, rule);

	if (await(process).kind != XA_ANSWER_OPENED)
		fail_msg("not opened: %s", process->scene.said);
	return process;
}

static void judge(struct process *process, uint64_t number)
{
	struct xa_answer answer;

	give(process, XA_ORDER_RUN, number);
	answer = await(process);
	assert_int_equal(answer.kind, XA_ANSWER_DONE);
	assert_int_equal(answer.number, number);
}

static void stop(struct process *process)
{
	int status;

	give(process, XA_ORDER_STOP, 0);
	status = wait_for(process->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	end(process);
}

#define ZONES "    - zones: {networks: {office: 10.0.0.0/8, lab: 192.168.0.0/16}}\n"

static const char rule[] =
	"local kept = 0\n"
	"return {\n"
	"  keep_state = true,\n"
	"  labels = {'service'},\n"
	"  metrics = {packets_total = {type = 'counter', help = 'x'}},\n"
	"  label = function(flow) return {service = flow.dst_zone .. flow.dport} end,\n"
	"  filter = function(flow) return flow.dport ~= 22 end,\n"
	"  derive = function(snapshot, emit) emit('packets_total', snapshot.packets)\n"
	"    xa.state.runs = 1 end,\n"
	"}\n";

static void test_a_snapshot_is_judged(void **state)
{
	struct process *process = begin_open(ZONES, rule);
	struct scene *scene = &process->scene;

	(void)state;
	scene_flow(scene, "10.1.2.3", "192.168.1.1", 443);
	scene_flow(scene, "8.8.8.8", "10.0.0.1", 22);
	judge(process, 7);
	assert_int_equal(scene_region(scene)->label_count, 3);
	assert_int_equal(scene_region(scene)->metric_count, 1);
	assert_string_equal(scene_label(scene, "src_zone", 0), "office");

	assert_string_equal(scene_label(scene, "service", 0), "lab443");
	assert_string_equal(scene_label(scene, "service", 1), "office22");
	assert_true(scene_hidden(scene, 1));
	assert_int_equal(scene_region(scene)->sample_count, 1);
	assert_int_equal(scene_samples(scene)[0].count, 4);
	assert_int_equal(scene_region(scene)->stages[1].report.failed, 0);
	judge(process, 8);

	assert_string_equal(scene_label(scene, "service", 0), "lab443");
	stop(process);
}

static void test_what_is_kept_is_saved(void **state)
{
	struct process *process = begin_open(ZONES, rule);
	struct xa_answer answer;

	(void)state;
	judge(process, 1);
	give(process, XA_ORDER_SAVE, 2);
	answer = await(process);
	assert_int_equal(answer.kind, XA_ANSWER_SAVED);
	assert_int_equal(answer.number, 2);
	assert_true(scene_region(&process->scene)->stages[1].kept_len > 0);
	stop(process);
}

/* Rights */

static void expect_status(const struct process *process, const char *line)
{
	char path[64], text[8192];
	size_t len;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)process->pid);
	file = fopen(path, "re");
	assert_non_null(file);
	len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = '\0';
	assert_int_equal(fclose(file), 0);
	assert_said(text, line);
}

/* Whether the descriptors could be looked at: they are not everybody's. */
static bool only_own_descriptors(const struct process *process)
{
	char path[64];
	const struct dirent *entry;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)process->pid);
	dir = opendir(path);
	if (!dir)
		return false;
	while ((entry = readdir(dir))) {
		const long fd = strtol(entry->d_name, NULL, 10);

		if (entry->d_name[0] != '.' && (fd < XA_WORKER_SOCKET || fd >= XA_WORKER_FDS_END_))
			fail_msg("descriptor %ld is open", fd);
	}
	(void)closedir(dir);
	return true;
}

static void test_it_has_no_rights(void **state)
{
	struct process *process = begin_open(ZONES, rule);

	(void)state;
	expect_status(process, "\nNoNewPrivs:\t1\n");
	expect_status(process, "\nSeccomp:\t2\n");
	expect_status(process, "\nCapInh:\t0000000000000000\n");
	expect_status(process, "\nCapPrm:\t0000000000000000\n");
	expect_status(process, "\nCapEff:\t0000000000000000\n");
	if (geteuid() == 0)
		expect_status(process, "\nCapBnd:\t0000000000000000\n");
	expect_status(process, "\nCapAmb:\t0000000000000000\n");
	if (!only_own_descriptors(process))
		print_message("its descriptors cannot be looked at without root\n");
	stop(process);
}

static void test_it_gets_nowhere(void **state)
{
	static const char *const attempts[] = {"fork",	 "exec", "socket", "open",
					       "create", "kill", NULL};
	struct process *process = begin_open("    - fork_exec\n", NULL);
	char line[64];

	(void)state;
	judge(process, 1);
	for (size_t i = 0; attempts[i]; i++) {
		(void)snprintf(line, sizeof(line), "log 0 1 %s was refused\n", attempts[i]);
		assert_said(process->scene.said, line);
	}
	assert_null(strstr(process->scene.said, "allowed"));
	stop(process);
}

static void test_it_signals_nobody(void **state)
{
	static const char *const attempts[] = {"owner", "signal", "async"};
	struct process *process = begin_open("    - signal_open\n", NULL);
	char line[64];

	(void)state;
	for (size_t i = 0; i < array_size(attempts); i++) {
		(void)snprintf(line, sizeof(line), "log 0 1 %s was refused\n", attempts[i]);
		assert_said(process->scene.said, line);
	}
	stop(process);
}

static bool has_landlock(void)
{
	if (xa_landlock_version())
		return true;
	print_message("skipped: this kernel has no Landlock\n");
	return false;
}

/* A folder with what a stage may read, by a link too, and beside it what it may not. */
struct secrets {
	char folder[32];
	int fd; /* of it */
};

static const char *const secret_names[] = {
	"rules/rule.lua", "rules/file", "rules/leak.lua", "rules/lib/part.lua", "secret", "link",
};
static const char *const secret_folders[] = {"rules", "rules/lib"};

static void write_at(const struct secrets *secrets, const char *name, const char *text)
{
	const int fd = openat(secrets->fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	(void)close(fd);
}

static void make_secrets(struct secrets *secrets, const char *text)
{
	(void)snprintf(secrets->folder, sizeof(secrets->folder), "/tmp/xa-secrets-XXXXXX");
	assert_non_null(mkdtemp(secrets->folder));
	secrets->fd = open(secrets->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(secrets->fd >= 0);
	for (size_t i = 0; i < array_size(secret_folders); i++)
		assert_int_equal(mkdirat(secrets->fd, secret_folders[i], 0700), 0);
	write_at(secrets, "rules/rule.lua", text);
	write_at(secrets, "rules/file", "text\n");
	write_at(secrets, "rules/lib/part.lua", "return {'part'}\n");
	write_at(secrets, "secret", "return 'secret'\n");
	assert_int_equal(symlinkat("../secret", secrets->fd, "rules/leak.lua"), 0);
	assert_int_equal(symlinkat("rules", secrets->fd, "link"), 0);
}

static void remove_secrets(const struct secrets *secrets)
{
	for (size_t i = 0; i < array_size(secret_names); i++)
		assert_int_equal(unlinkat(secrets->fd, secret_names[i], 0), 0);
	for (size_t i = array_size(secret_folders); i > 0; i--)
		assert_int_equal(unlinkat(secrets->fd, secret_folders[i - 1], AT_REMOVEDIR), 0);
	(void)close(secrets->fd);
	assert_int_equal(rmdir(secrets->folder), 0);
}

static void test_it_reads_its_own_alone(void **state)
{
	static const char *const lines[] = {
		"file was read",      "library was read",	 "dependency was read",
		"passwd was refused", "shadow was refused",	 "secret was refused",
		"root was refused",   "environment was refused",
	};
	struct secrets secrets;
	struct process *process;
	char stages[256], line[64];

	(void)state;
	if (!has_landlock())
		skip();
	make_secrets(&secrets, "");
	(void)snprintf(stages, sizeof(stages),
		       "    - read_open: {file: %s/link/file, parent: %d}\n", secrets.folder,
		       (int)getpid());
	process = begin_open(stages, NULL);
	for (size_t i = 0; i < array_size(lines); i++) {
		(void)snprintf(line, sizeof(line), "log 0 1 %s\n", lines[i]);
		assert_said(process->scene.said, line);
	}
	stop(process);
	remove_secrets(&secrets);
}

static void test_a_rule_behind_a_link_reads_its_folder(void **state)
{
	struct secrets secrets;
	struct process *process;
	char stages[256];

	(void)state;
	make_secrets(&secrets, "return {labels = {require('lib.part')[1]}}\n");
	(void)snprintf(stages, sizeof(stages), "    - lua: {file: %s/link/rule.lua}\n",
		       secrets.folder);
	process = begin_open(stages, NULL);
	assert_string_equal(scene_region(&process->scene)->labels[0].name, "part");
	stop(process);
	remove_secrets(&secrets);
}

static void test_a_link_out_of_the_folder_leads_nowhere(void **state)
{
	struct secrets secrets;
	struct process *process;
	char stages[256];

	(void)state;
	if (!has_landlock())
		skip();
	make_secrets(&secrets, "return {labels = {require('leak')}}\n");
	(void)snprintf(stages, sizeof(stages), "    - lua: {file: %s/link/rule.lua}\n",
		       secrets.folder);
	process = begin(stages, NULL);
	assert_int_equal(await(process).kind, XA_ANSWER_REFUSED);
	assert_said(process->scene.said, "leak.lua': Permission denied");
	(void)wait_for(process->pid);
	end(process);
	remove_secrets(&secrets);
}

static void test_memory_ends_at_the_limit(void **state)
{
#ifdef __SANITIZE_ADDRESS__
	(void)state;
	print_message("skipped: addresses are not limited under the sanitizer\n");
	skip();
#else
	struct process *process = begin_open("    - leak_run\n", NULL);

	(void)state;
	judge(process, 1);
	expect_status(process, "\nNoNewPrivs:\t1\n");
	stop(process);
#endif
}

/* Ends */

static void test_it_ends_with_its_socket(void **state)
{
	struct process *process = begin_open(ZONES, NULL);
	int status;

	(void)state;
	assert_int_equal(shutdown(process->scene.auditor, SHUT_RDWR), 0);
	status = wait_for(process->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	end(process);
}

/* Starts a worker that is at work for good, and says which process it is. */
static void start_and_wait(int told)
{
	struct process *process = begin_open("    - spin_run\n", NULL);

	give(process, XA_ORDER_RUN, 1);
	(void)rmdir(process->dir);
	assert_int_equal(write(told, &process->pid, sizeof(process->pid)), sizeof(process->pid));
	(void)pause();
	_exit(0);
}

/* A process in between starts the worker and is killed: the worker, which looks at no socket, goes
 * with it, and is left to this process. */
static void test_it_dies_with_its_parent(void **state)
{
	struct pollfd wait = {.events = POLLIN};
	int told[2], status;
	pid_t parent, worker;

	(void)state;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	assert_int_equal(pipe2(told, O_CLOEXEC), 0);
	parent = fork();
	assert_true(parent >= 0);
	if (!parent)
		start_and_wait(told[1]);
	(void)close(told[1]);
	wait.fd = told[0];
	assert_int_equal(poll(&wait, 1, WAIT_MS), 1);
	assert_int_equal(read(told[0], &worker, sizeof(worker)), sizeof(worker));
	(void)close(told[0]);
	assert_int_equal(kill(worker, 0), 0);
	assert_int_equal(kill(parent, SIGKILL), 0);
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	status = wait_for(worker);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void test_a_crash_has_a_name(void **state)
{
	struct process *process = begin_open(ZONES "    - crash_run\n", NULL);

	(void)state;
	give(process, XA_ORDER_RUN, 1);
	(void)wait_for(process->pid);
	assert_int_equal(scene_region(&process->scene)->running, 2);
	end(process);
}

static void test_wrong_stages_are_refused(void **state)
{
	struct process *process = begin(ZONES "    - zones: {network: x}\n    - wrong_abi\n",
					"return {labels = }\n");
	int status;

	(void)state;
	assert_int_equal(await(process).kind, XA_ANSWER_REFUSED);
	assert_said(process->scene.said, "policy.stages[1].zones: unknown key 'network'");
	assert_said(process->scene.said, "policy.stages[2].wrong_abi: ");
	assert_said(process->scene.said, "policy.stages[3].lua: ");
	status = wait_for(process->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	end(process);
}

static void test_a_snapshot_that_does_not_fit_ends_it(void **state)
{
	struct process *process = begin_open(ZONES, NULL);
	int status;

	(void)state;
	process->scene.head->count = SCENE_FLOWS + 1;
	give(process, XA_ORDER_RUN, 1);
	status = wait_for(process->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	end(process);
}

static void test_nobody_else_starts_it(void **state)
{
	const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	const int fds[] = {nothing, nothing, nothing, nothing};
	int status;

	(void)state;
	assert_true(nothing >= 0);
	status = wait_for(spawn(fds, "policy-worker"));
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 2);
	(void)close(nothing);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_snapshot_is_judged),
		cmocka_unit_test(test_what_is_kept_is_saved),
		cmocka_unit_test(test_it_has_no_rights),
		cmocka_unit_test(test_it_gets_nowhere),
		cmocka_unit_test(test_it_signals_nobody),
		cmocka_unit_test(test_it_reads_its_own_alone),
		cmocka_unit_test(test_a_rule_behind_a_link_reads_its_folder),
		cmocka_unit_test(test_a_link_out_of_the_folder_leads_nowhere),
		cmocka_unit_test(test_memory_ends_at_the_limit),
		cmocka_unit_test(test_it_ends_with_its_socket),
		cmocka_unit_test(test_it_dies_with_its_parent),
		cmocka_unit_test(test_a_crash_has_a_name),
		cmocka_unit_test(test_wrong_stages_are_refused),
		cmocka_unit_test(test_a_snapshot_that_does_not_fit_ends_it),
		cmocka_unit_test(test_nobody_else_starts_it),
	};

	if (argc != 3)
		return 2;
	program = argv[1];
	bad_plugins = argv[2];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
