/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The text buffer: what was added stands there whole, ends in a NUL, and a failure is kept. */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/buf.h"

static void assert_text(const struct xa_buf *buf, const char *text)
{
	assert_false(xa_buf_failed(buf));
	assert_int_equal(buf->len, strlen(text));
	assert_string_equal(buf->text, text);
}

static void test_appends(void **state)
{
	_cleanup_xa_buf_ struct xa_buf buf = {0};

	(void)state;
	xa_buf_adds(&buf, "flow ");
	xa_buf_add(&buf, "table and more", 5);
	xa_buf_addf(&buf, " %d%%", 7);
	assert_text(&buf, "flow table 7%");
	xa_buf_addf(&buf, "%s", "");
	xa_buf_adds(&buf, "");
	assert_text(&buf, "flow table 7%");
}

static void test_numbers(void **state)
{
	static const uint64_t numbers[] = {0,
					   1,
					   9,
					   10,
					   99,
					   100,
					   4294967295ULL,
					   4294967296ULL,
					   UINT64_MAX,
					   1ULL << 63,
					   UINT64_MAX / 10};
	_cleanup_xa_buf_ struct xa_buf buf = {0};
	char text[32];

	(void)state;
	for (size_t i = 0; i < array_size(numbers); i++) {
		(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)numbers[i]);
		xa_buf_reset(&buf);
		xa_buf_add_u64(&buf, numbers[i]);
		assert_text(&buf, text);
	}
}

/* Each length by each way to append: no size of the memory below is left out. */
static void test_growth(void **state)
{
	_cleanup_xa_buf_ struct xa_buf bytes = {0}, formatted = {0};

	(void)state;
	for (size_t i = 0; i < 5000; i++) {
		char c = (char)('a' + i % 26);

		xa_buf_add(&bytes, &c, 1);
		xa_buf_addf(&formatted, "%c", c);
		assert_int_equal(bytes.len, i + 1);
		assert_int_equal(formatted.len, i + 1);
		assert_int_equal(bytes.text[bytes.len], '\0');
		assert_int_equal(formatted.text[formatted.len], '\0');
		assert_true(bytes.size > bytes.len);
	}
	for (size_t i = 0; i < 5000; i++)
		assert_int_equal(bytes.text[i], 'a' + (int)(i % 26));
	assert_string_equal(bytes.text, formatted.text);
}

static void test_large_at_once(void **state)
{
	_cleanup_free_ char *large = malloc(1 << 20);

	(void)state;
	assert_non_null(large);
	memset(large, 'x', 1 << 20);
	for (size_t len = 250; len < 1 << 20; len = len * 2 + len % 7) {
		_cleanup_xa_buf_ struct xa_buf buf = {0};

		xa_buf_add(&buf, large, len);
		xa_buf_addf(&buf, "%.*s", (int)len, large);
		assert_false(xa_buf_failed(&buf));
		assert_int_equal(buf.len, 2 * len);
		assert_int_equal(strlen(buf.text), 2 * len);
	}
}

static void test_nul_bytes(void **state)
{
	_cleanup_xa_buf_ struct xa_buf buf = {0};

	(void)state;
	xa_buf_add(&buf, "a\0b", 4);
	xa_buf_adds(&buf, "c");
	assert_int_equal(buf.len, 5);
	assert_memory_equal(buf.text, "a\0b\0c", 6);
}

static void test_reserve(void **state)
{
	_cleanup_xa_buf_ struct xa_buf buf = {0};
	const char *text;

	(void)state;
	assert_int_equal(xa_buf_reserve(&buf, 100000), 0);
	assert_text(&buf, "");
	text = buf.text;
	for (size_t i = 0; i < 10000; i++)
		xa_buf_adds(&buf, "0123456789");
	assert_int_equal(buf.len, 100000);
	assert_ptr_equal(buf.text, text);
}

static void test_failure_is_kept(void **state)
{
	_cleanup_xa_buf_ struct xa_buf buf = {0};
	volatile size_t too_much = SIZE_MAX;

	(void)state;
	xa_buf_adds(&buf, "before");
	xa_buf_add(&buf, "x", too_much);
	assert_true(xa_buf_failed(&buf));
	assert_string_equal(buf.text, "before");
	assert_int_equal(buf.len, 6);
	xa_buf_adds(&buf, " after");
	assert_true(xa_buf_failed(&buf));
	assert_null(xa_buf_take(&buf));
	assert_false(xa_buf_failed(&buf));
	xa_buf_adds(&buf, "again");
	assert_text(&buf, "again");
	assert_int_equal(xa_buf_reserve(&buf, too_much), -ENOMEM);
	assert_true(xa_buf_failed(&buf));
	xa_buf_reset(&buf);
	assert_text(&buf, "");
	xa_buf_adds(&buf, "and again");
	assert_text(&buf, "and again");
}

static void test_take(void **state)
{
	_cleanup_xa_buf_ struct xa_buf buf = {0};
	_cleanup_free_ char *text = NULL;

	(void)state;
	assert_null(xa_buf_take(&buf));
	xa_buf_adds(&buf, "mine");
	text = xa_buf_take(&buf);
	assert_string_equal(text, "mine");
	assert_null(buf.text);
	assert_int_equal(buf.len, 0);
	xa_buf_adds(&buf, "next");
	assert_text(&buf, "next");
	assert_string_equal(text, "mine");
}

static void test_fixed(void **state)
{
	char room[8];
	struct xa_buf buf = {.text = room, .size = sizeof(room), .fixed = true};

	(void)state;
	xa_buf_adds(&buf, "1234567");
	assert_text(&buf, "1234567");
	xa_buf_adds(&buf, "8");
	assert_true(xa_buf_failed(&buf));
	assert_ptr_equal(buf.text, room);
	assert_string_equal(room, "1234567");
}

static void test_done(void **state)
{
	struct xa_buf buf = {0};

	(void)state;
	xa_buf_done(&buf);
	xa_buf_adds(&buf, "x");
	xa_buf_done(&buf);
	assert_null(buf.text);
	xa_buf_adds(&buf, "y");
	assert_text(&buf, "y");
	xa_buf_done(&buf);
	xa_buf_done(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_appends),	  cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_growth),	  cmocka_unit_test(test_large_at_once),
		cmocka_unit_test(test_nul_bytes), cmocka_unit_test(test_reserve),
		cmocka_unit_test(test_take),	  cmocka_unit_test(test_failure_is_kept),
		cmocka_unit_test(test_fixed),	  cmocka_unit_test(test_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
