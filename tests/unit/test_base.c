/* SPDX-License-Identifier: GPL-2.0-or-later */

/* base.h: reasons are cut and never overrun, take macros leave nothing behind, cleanups end what
 * was not taken, and the clocks are the ones that they say. */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/range.h"

static void test_why(void **state)
{
	struct xa_why why = {.file = "a.yaml", .line = 3, .column = 7};

	(void)state;
	assert_int_equal(xa_why_set(&why, -EINVAL, "no key '%s' at %d", "top", 5), -EINVAL);
	assert_string_equal(why.text, "no key 'top' at 5");
	assert_string_equal(why.file, "a.yaml");
	assert_int_equal(why.line, 3);
	assert_int_equal(why.column, 7);
	assert_int_equal(xa_why_set(NULL, -ENOMEM, "%d", 1), -ENOMEM);
	assert_int_equal(xa_why_set(&why, 0, "%s", ""), 0);
	assert_string_equal(why.text, "");
}

static void test_why_is_cut(void **state)
{
	struct {
		struct xa_why why;
		char behind[16];
	} place = {0};
	char text[2048];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(xa_why_set(&place.why, -EIO, "%s", text), -EIO);
	assert_int_equal(strlen(place.why.text), sizeof(place.why.text) - 1);
	assert_memory_equal(place.behind, (char[16]){0}, 16);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static int made_fd(bool take)
{
	_cleanup_close_ int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int number = fd;

	assert_true(fd >= 0);
	if (!take)
		return number;
	number = take_fd(fd);
	assert_int_equal(fd, -1);
	return number;
}

static void test_fd(void **state)
{
	int fd = made_fd(false);

	(void)state;
	assert_false(is_open(fd));
	fd = made_fd(true);
	assert_true(is_open(fd));
	assert_int_equal(close(fd), 0);
}

static void test_ptr(void **state)
{
	_cleanup_free_ char *memory = strdup("flow"), *taken = take_ptr(memory);
	_cleanup_file_ FILE *none = NULL;

	(void)state;
	(void)none;
	assert_null(memory);
	assert_string_equal(taken, "flow");
}

static void test_clocks(void **state)
{
	uint64_t before = xa_now_ns(), after = xa_now_ns();
	struct timespec monotonic;

	(void)state;
	assert_true(after >= before);
	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &monotonic), 0);
	assert_true((uint64_t)monotonic.tv_sec + 1 >= before / XA_NS_PER_S);
	assert_in_range(xa_wall_ns() / XA_NS_PER_S, (uintmax_t)time(NULL) - 1,
			(uintmax_t)time(NULL) + 1);
}

static void test_ranges(void **state)
{
	static const struct xa_range ranges[] = {{0, 0}, {5, 9}, {10, 10}, {60000, 65535}};
	static const struct {
		uint16_t number;
		int range; /* < 0: none */
	} cases[] = {{0, 0},  {1, -1},	{4, -1},     {5, 1},	 {7, 1},    {9, 1},
		     {10, 2}, {11, -1}, {59999, -1}, {60000, 3}, {65535, 3}};
	_cleanup_xa_buf_ struct xa_buf buf = {0};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		const int want = cases[i].range;

		assert_ptr_equal(xa_range_find(ranges, array_size(ranges), cases[i].number),
				 want < 0 ? NULL : &ranges[want]);
		assert_null(xa_range_find(ranges, 0, cases[i].number));
	}
	xa_range_add(&buf, &ranges[2]);
	xa_buf_adds(&buf, " ");
	xa_range_add(&buf, &ranges[3]);
	assert_string_equal(buf.text, "10 60000-65535");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_why),    cmocka_unit_test(test_why_is_cut),
		cmocka_unit_test(test_fd),     cmocka_unit_test(test_ptr),
		cmocka_unit_test(test_clocks), cmocka_unit_test(test_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
