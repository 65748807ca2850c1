/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Strings of JSON: what is escaped and how, and that any bytes at all make a string. */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/json.h"
#include "core/base/utf8.h"

static void test_strings(void **state)
{
	static const struct {
		const char *text, *string;
	} cases[] = {
		{"", "\"\""},
		{"eth0", "\"eth0\""},
		{"a \"b\" \\ /", "\"a \\\"b\\\" \\\\ /\""},
		{"two\nlines", "\"two\\nlines\""},
		{"\x01\t\r\x1f\x7f", "\"\\u0001\\u0009\\u000d\\u001f\x7f\""},
		{"grün €", "\"grün €\""},
		{"\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\""},
		{"a\xff", "\"a\\\\xff\""},
		{"\xc3", "\"\\\\xc3\""},
		{"\xc3\"", "\"\\\\xc3\\\"\""},
		{"\xed\xa0\x80", "\"\\\\xed\\\\xa0\\\\x80\""},
		{"\xc0\xaf", "\"\\\\xc0\\\\xaf\""},
	};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		_cleanup_xa_buf_ struct xa_buf buf = {0};

		xa_buf_adds(&buf, "x:");
		xa_json_add_string(&buf, cases[i].text);
		assert_string_equal(buf.text + 2, cases[i].string);
	}
}

/* RFC 8259, 7: quotes around, no control character, no quote or backslash but as an escape. */
static void assert_string(const char *string)
{
	const char *at = string + 1, *end = string + strlen(string) - 1;
	uint32_t c;

	assert_true(end > string && *string == '"' && *end == '"');
	while (at < end) {
		size_t bytes = xa_utf8_decode(at, (size_t)(end - at), &c);

		assert_true(bytes > 0 && c >= 0x20 && c != '"');
		if (c == '\\') {
			assert_true(at + 1 < end && strchr("\"\\nu", at[1]));
			bytes = at[1] == 'u' ? 6 : 2;
		}
		at += bytes;
	}
	assert_ptr_equal(at, end);
}

static void test_any_bytes(void **state)
{
	uint64_t random = 1;

	(void)state;
	for (unsigned set = 0; set < 5000; set++) {
		_cleanup_xa_buf_ struct xa_buf buf = {0};
		char text[32] = "";

		for (size_t i = 0; i < set % sizeof(text); i++) {
			random = random * 6364136223846793005ULL + 1442695040888963407ULL;
			text[i] = (char)(1 + (random >> 33) % 255);
		}
		xa_json_add_string(&buf, text);
		assert_string(buf.text);
	}
}

/* Commas where they are due, and nowhere else. */
static void test_members(void **state)
{
	_cleanup_xa_buf_ struct xa_buf buf = {0};

	(void)state;
	xa_buf_adds(&buf, "{");
	xa_json_add_u64(&buf, "a", UINT64_MAX);
	xa_json_add_bool(&buf, "b", false);
	xa_json_add_name(&buf, "c");
	xa_buf_adds(&buf, "[");
	for (size_t i = 0; i < 2; i++) {
		xa_json_add_next(&buf);
		xa_buf_adds(&buf, "{");
		xa_json_add_text(&buf, "d", "{[:");
		xa_json_add_fixed(&buf, "e", -1.5);
		xa_buf_adds(&buf, "}");
	}
	xa_buf_adds(&buf, "]");
	xa_json_add_bool(&buf, "f", true);
	xa_buf_adds(&buf, "}");
	assert_string_equal(buf.text, "{\"a\":18446744073709551615,\"b\":false,\"c\":["
				      "{\"d\":\"{[:\",\"e\":-1.500},"
				      "{\"d\":\"{[:\",\"e\":-1.500}],\"f\":true}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
