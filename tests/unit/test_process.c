/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The process_* families against what the process knows of itself by other ways. */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "core/metrics/process.h"

static double value_of(const struct xa_buf *buf, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = buf->text; line && *line; line = strchr(line, '\n') + 1)
		if (!strncmp(line, name, len) && line[len] == ' ')
			return strtod(line + len, NULL);
	fail_msg("no sample of %s", name);
	return -1;
}

static double render(const char *name)
{
	_cleanup_xa_buf_ struct xa_buf buf = {0};
	struct xa_exposition expo = {.buf = &buf};

	xa_process_render(&expo);
	assert_false(xa_buf_failed(&buf));
	assert_int_equal(expo.series, 6);
	return value_of(&buf, name);
}

static double cpu_seconds(void)
{
	struct rusage usage;

	assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void test_cpu(void **state)
{
	double before = cpu_seconds(), told;

	(void)state;
	while (cpu_seconds() < before + 0.1)
		;
	before = cpu_seconds();
	told = render("process_cpu_seconds_total");
	assert_true(told > before - 0.05 && told < cpu_seconds() + 0.05);
}

static void test_memory(void **state)
{
	double resident = render("process_resident_memory_bytes"), more;
	const size_t size = 64 << 20;
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	(void)state;
	assert_true(memory != MAP_FAILED);
	more = render("process_resident_memory_bytes");
	assert_true(render("process_virtual_memory_bytes") >= more);
	assert_int_equal(munmap(memory, size), 0);
	assert_true(more - resident > 60 << 20 && more - resident < 80 << 20);
}

/* Descriptors are few and low here: asked for one by one. */
static unsigned open_fds(void)
{
	unsigned count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void test_fds(void **state)
{
	double before = render("process_open_fds");
	struct rlimit limit;
	int fds[5];

	(void)state;
	assert_true(before == open_fds());
	for (size_t i = 0; i < array_size(fds); i++)
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_true(render("process_open_fds") == before + 5);
	for (size_t i = 0; i < array_size(fds); i++)
		assert_int_equal(close(fds[i]), 0);
	assert_true(render("process_open_fds") == before);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_true(render("process_max_fds") == (double)limit.rlim_cur);
}

static void test_start_time(void **state)
{
	double told = render("process_start_time_seconds");

	(void)state;
	assert_true(told > (double)time(NULL) - 60 && told < (double)time(NULL) + 1);
}

/* proc(5) puts the name between brackets without escaping it. */
static void test_odd_process_name(void **state)
{
	double before = render("process_virtual_memory_bytes");

	(void)state;
	assert_int_equal(prctl(PR_SET_NAME, "a) R 1 (b) 2 3"), 0);
	assert_true(render("process_virtual_memory_bytes") >= before / 2);
	assert_true(render("process_virtual_memory_bytes") <= before * 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cpu),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_fds),
		cmocka_unit_test(test_start_time),
		cmocka_unit_test(test_odd_process_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
