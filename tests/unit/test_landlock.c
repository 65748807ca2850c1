/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What a process reaches behind Landlock, each time in a child, for it is for good; and that a
 * kernel without it is taken as it is. */

#include <fcntl.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "core/policy/landlock.h"

#define VERSION_TCP    4
#define VERSION_SCOPES 6

struct tree {
	char folder[32];
	char allowed[64], inside[64], deeper[64];
	char alone[64], outside[64], missing[64];
};

static void put(char *path, size_t size, const struct tree *tree, const char *name)
{
	(void)snprintf(path, size, "%s/%s", tree->folder, name);
}

static bool make_file(const char *path)
{
	FILE *file = fopen(path, "we");

	return file && fputs("text\n", file) >= 0 && !fclose(file) && !chmod(path, 0600);
}

static int setup(void **state)
{
	struct tree *tree = calloc(1, sizeof(*tree));
	char sub[64];

	if (!tree)
		return -1;
	*state = tree;
	(void)snprintf(tree->folder, sizeof(tree->folder), "/tmp/xa-landlock-XXXXXX");
	if (!mkdtemp(tree->folder))
		return -1;
	put(tree->allowed, sizeof(tree->allowed), tree, "in");
	put(sub, sizeof(sub), tree, "in/sub");
	put(tree->inside, sizeof(tree->inside), tree, "in/inside");
	put(tree->deeper, sizeof(tree->deeper), tree, "in/sub/deeper");
	put(tree->alone, sizeof(tree->alone), tree, "alone");
	put(tree->outside, sizeof(tree->outside), tree, "outside");
	put(tree->missing, sizeof(tree->missing), tree, "missing");
	return mkdir(tree->allowed, 0700) || mkdir(sub, 0700) || !make_file(tree->inside) ||
	       !make_file(tree->deeper) || !make_file(tree->alone) || !make_file(tree->outside);
}

static int teardown(void **state)
{
	struct tree *tree = *state;
	char sub[64];

	put(sub, sizeof(sub), tree, "in/sub");
	(void)unlink(tree->inside);
	(void)unlink(tree->deeper);
	(void)unlink(tree->alone);
	(void)unlink(tree->outside);
	(void)rmdir(sub);
	(void)rmdir(tree->allowed);
	(void)rmdir(tree->folder);
	free(tree);
	return 0;
}

/* 0 or the error. */
static int try_open(const char *path, int flags)
{
	const int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno;
	(void)close(fd);
	return 0;
}

#define EXPECT(got, wanted) \
	do { \
		const int got_ = (got); \
		if (got_ != (wanted)) { \
			print_error("%s: %d, not %d\n", #got, got_, (wanted)); \
			_exit(1); \
		} \
	} while (false)

static void enter(const struct tree *tree)
{
	const char *const readable[] = {tree->missing, tree->allowed, tree->alone, NULL};
	struct xa_why why;

	EXPECT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	EXPECT(xa_landlock_enter(readable, &why), 0);
}

/* Runs it in a child, which ends by _exit(1) where something is not as expected. */
static void in_child(void (*body)(const struct tree *tree), const struct tree *tree)
{
	const pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (!child) {
		body(tree);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void need(int version)
{
	if (xa_landlock_version() >= version)
		return;
	print_message("skipped: this kernel has version %d of Landlock, not %d\n",
		      xa_landlock_version(), version);
	skip();
}

static void read_files(const struct tree *tree)
{
	enter(tree);
	EXPECT(try_open(tree->inside, O_RDONLY), 0);
	EXPECT(try_open(tree->deeper, O_RDONLY), 0);
	EXPECT(try_open(tree->allowed, O_RDONLY | O_DIRECTORY), 0);
	EXPECT(try_open(tree->alone, O_RDONLY), 0);
	EXPECT(try_open(tree->outside, O_RDONLY), EACCES);
	EXPECT(try_open(tree->folder, O_RDONLY | O_DIRECTORY), EACCES);
	EXPECT(try_open("/", O_RDONLY | O_DIRECTORY), EACCES);
	EXPECT(try_open("/etc/passwd", O_RDONLY), EACCES);
	/* not there before, and still to be told from what is refused */
	EXPECT(try_open(tree->missing, O_RDONLY), ENOENT);
}

static void test_what_is_named_is_read(void **state)
{
	need(1);
	in_child(read_files, *state);
}

static void change_files(const struct tree *tree)
{
	char program[] = "/bin/true", fresh[64];
	char *const arguments[] = {program, NULL};

	put(fresh, sizeof(fresh), tree, "in/fresh");
	enter(tree);
	EXPECT(try_open(tree->inside, O_WRONLY), EACCES);
	EXPECT(try_open(fresh, O_WRONLY | O_CREAT), EACCES);
	EXPECT(mkdir(fresh, 0700) ? errno : 0, EACCES);
	EXPECT(unlink(tree->inside) ? errno : 0, EACCES);
	EXPECT(execv(program, arguments) ? errno : 0, EACCES);
}

static void test_nothing_else_is_done(void **state)
{
	need(1);
	in_child(change_files, *state);
}

static void connect_somewhere(const struct tree *tree)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
					    .sin_port = htons(9),
					    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	EXPECT(fd < 0, 0);
	enter(tree);
	EXPECT(connect(fd, (const struct sockaddr *)&address, sizeof(address)) ? errno : 0, EACCES);
}

static void test_nobody_is_called(void **state)
{
	need(VERSION_TCP);
	in_child(connect_somewhere, *state);
}

static void signal_parent(const struct tree *tree)
{
	const pid_t parent = getppid();

	EXPECT(kill(parent, 0), 0);
	enter(tree);
	EXPECT(kill(parent, 0) ? errno : 0, EPERM);
}

static void test_nobody_is_signalled(void **state)
{
	need(VERSION_SCOPES);
	in_child(signal_parent, *state);
}

static void count_descriptors(const struct tree *tree)
{
	const int before = dup(STDERR_FILENO);
	int after;

	(void)close(before);
	enter(tree);
	after = dup(STDERR_FILENO);
	EXPECT(after, before);
}

static void test_no_descriptor_stays(void **state)
{
	in_child(count_descriptors, *state);
}

/* As a kernel that does not have the calls. */
static void have_none(const struct tree *tree)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	EXPECT(seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(landlock_create_ruleset),
				0),
	       0);
	EXPECT(seccomp_load(filter), 0);
	seccomp_release(filter);
	EXPECT(xa_landlock_version(), 0);
	enter(tree);
	EXPECT(try_open(tree->outside, O_RDONLY), 0);
}

static void test_a_kernel_without_it_is_taken(void **state)
{
	in_child(have_none, *state);
}

/* Without no_new_privs the kernel refuses, and so do we. */
static void ask_too_early(const struct tree *tree)
{
	const char *const readable[] = {tree->allowed, NULL};
	struct xa_why why = {.line = 0};

	EXPECT(setuid(65534), 0);
	EXPECT(xa_landlock_enter(readable, &why), -EPERM);
	EXPECT(strcmp(why.text, "cannot confine the policy worker by Landlock: Operation not "
				"permitted"),
	       0);
}

static void test_a_refusal_is_told(void **state)
{
	need(1);
	if (geteuid() != 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)) {
		print_message("skipped: takes root, and privileges that are not given up yet\n");
		skip();
	}
	in_child(ask_too_early, *state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_is_named_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_else_is_done, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nobody_is_called, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nobody_is_signalled, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_descriptor_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_kernel_without_it_is_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_refusal_is_told, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
