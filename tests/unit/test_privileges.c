/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Rights are given up in a child each time: there is no way back. What is left is read from
 * proc(5), not from the library that gave it up. */

#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "core/privileges.h"

#define BIT(cap)     (1ULL << (cap))
#define KEPT	     (BIT(CAP_BPF) | BIT(CAP_NET_ADMIN) | BIT(CAP_PERFMON))
#define FIELD_ABSENT UINT64_MAX

/* What a child found out, through a pipe. */
struct found {
	int error;
	bool kept;
	uint64_t permitted_before;
	uint64_t effective_while; /* `works` was called */
	uint64_t effective, permitted, inheritable, bounding;
	uint64_t no_new_privs;
	int dumpable;
	unsigned calls;
};

/* A number of /proc/self/status, in hex. */
static uint64_t field(const char *name)
{
	_cleanup_file_ FILE *file = fopen("/proc/self/status", "re");
	size_t len = strlen(name);
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, name, len) && line[len] == ':')
			return strtoull(line + len + 1, NULL, 16);
	return FIELD_ABSENT;
}

struct probe {
	bool answer;
	struct found *found;
};

static bool probe_works(void *ctx)
{
	struct probe *probe = ctx;

	probe->found->calls++;
	probe->found->effective_while = field("CapEff");
	return probe->answer;
}

static void drop(bool works, int fd)
{
	struct found found = {.permitted_before = field("CapPrm")};
	struct probe probe = {works, &found};
	struct xa_why why;

	found.error = xa_privileges_drop(probe_works, &probe, &found.kept, &why);
	found.effective = field("CapEff");
	found.permitted = field("CapPrm");
	found.inheritable = field("CapInh");
	found.bounding = field("CapBnd");
	found.no_new_privs = field("NoNewPrivs");
	found.dumpable = prctl(PR_GET_DUMPABLE);
	_exit(write(fd, &found, sizeof(found)) != sizeof(found));
}

static struct found dropped_in_child(bool works)
{
	struct found found = {0};
	int ends[2], status = -1;
	ssize_t len;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (!child)
		drop(works, ends[1]);
	(void)close(ends[1]);
	len = read(ends[0], &found, sizeof(found));
	(void)close(ends[0]);
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(len, sizeof(found));
	assert_int_equal(found.error, 0);
	return found;
}

static void test_nothing_is_left(void **state)
{
	struct found found = dropped_in_child(true);

	(void)state;
	assert_false(found.kept);
	assert_int_equal(found.effective, 0);
	assert_int_equal(found.permitted, 0);
	assert_int_equal(found.inheritable, 0);
	assert_int_equal(found.no_new_privs, 1);
	assert_int_equal(found.dumpable, 0);
	if (found.permitted_before & BIT(CAP_SETPCAP))
		assert_int_equal(found.bounding, 0);
}

/* The kernel is asked once, while it sees a bare process. */
static void test_tried_without_rights(void **state)
{
	struct found found = dropped_in_child(true);

	(void)state;
	assert_int_equal(found.calls, 1);
	assert_int_equal(found.effective_while, 0);
}

static void test_three_stay(void **state)
{
	struct found found = dropped_in_child(false);

	(void)state;
	assert_true(found.kept);
	assert_int_equal(found.permitted, found.permitted_before & KEPT);
	assert_int_equal(found.effective, found.permitted_before & KEPT);
	assert_int_equal(found.inheritable, 0);
	assert_int_equal(found.no_new_privs, 1);
	assert_int_equal(found.dumpable, 0);
	if (found.permitted_before & BIT(CAP_SETPCAP))
		assert_int_equal(found.bounding, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_left),
		cmocka_unit_test(test_tried_without_rights),
		cmocka_unit_test(test_three_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
