/* SPDX-License-Identifier: GPL-2.0-or-later */

/* All characters there are, written by a rule and read back; and of all that is none, each kind. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/base.h"
#include "core/base/utf8.h"

/* RFC 3629, 3: in so many bytes, be it the shortest form or not. */
static void encode(uint32_t c, size_t bytes, char ret_text[4])
{
	static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = bytes - 1; i > 0; i--, c >>= 6)
		ret_text[i] = (char)(0x80 | (c & 0x3f));
	ret_text[0] = (char)(leads[bytes] | c);
}

static size_t shortest(uint32_t c)
{
	return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
}

static bool is_surrogate(uint32_t c)
{
	return c >= 0xd800 && c <= 0xdfff;
}

static void test_all_characters(void **state)
{
	(void)state;
	for (uint32_t c = 0; c < 0x200000; c++) {
		const size_t bytes = shortest(c);
		bool is_one = c <= 0x10ffff && !is_surrogate(c);
		uint32_t decoded = UINT32_MAX;
		char text[4] = "";

		encode(c, bytes, text);
		if (xa_utf8_decode(text, sizeof(text), &decoded) != (is_one ? bytes : 0) ||
		    decoded != (is_one ? c : UINT32_MAX))
			fail_msg("U+%04X", c);
	}
}

/* "/" as c0 af is how a filter is passed by. */
static void test_longer_forms(void **state)
{
	uint32_t decoded = UINT32_MAX;
	char text[4];

	(void)state;
	for (uint32_t c = 0; c < 0x10000; c++) {
		for (size_t bytes = shortest(c) + 1; bytes <= 4; bytes++) {
			encode(c, bytes, text);
			assert_int_equal(xa_utf8_decode(text, bytes, &decoded), 0);
		}
	}
	assert_int_equal(decoded, UINT32_MAX);
}

/* What ends within a character is none, and nothing behind the end is read. */
static void test_cut(void **state)
{
	static const uint32_t characters[] = {'a', 0xe4, 0x20ac, 0x1f600};
	uint32_t decoded = UINT32_MAX;

	(void)state;
	for (size_t i = 0; i < array_size(characters); i++) {
		const size_t bytes = shortest(characters[i]);

		for (size_t len = 0; len < bytes; len++) {
			_cleanup_free_ char *text = malloc(len ? len : 1);
			char whole[4];

			assert_non_null(text);
			encode(characters[i], bytes, whole);
			memcpy(text, whole, len);
			assert_int_equal(xa_utf8_decode(text, len, &decoded), 0);
		}
	}
	assert_int_equal(decoded, UINT32_MAX);
}

static void test_wrong_bytes(void **state)
{
	static const char *const none[] = {
		"\x80",
		"\xbf",
		"\xc0\x80",
		"\xc1\xbf",
		"\xf5\x80\x80\x80",
		"\xfe",
		"\xff",
		"\xc3(",
		"\xc3\xc3",
		"\xe2\x82(",
		"\xe2(\xac",
		"\xf0\x9f(",
		"\xf0(\x98\x80",
		"\xf8\x88\x80\x80\x80",
		"\xed\xa0\x80",
		"\xf4\x90\x80\x80",
	};
	uint32_t decoded = UINT32_MAX;

	(void)state;
	for (size_t i = 0; i < array_size(none); i++)
		assert_int_equal(xa_utf8_decode(none[i], strlen(none[i]), &decoded), 0);
	assert_int_equal(decoded, UINT32_MAX);
}

/* Whatever the bytes, what is taken is UTF-8, and all of it is taken. */
static void test_take(void **state)
{
	static const struct {
		const char *text, *taken;
	} cases[] = {
		{"", ""},
		{"a", "a"},
		{"gr\xc3\xbcn", "gr\xc3\xbcn"},
		{"\xf0\x9f\x90\x9d", "\xf0\x9f\x90\x9d"},
		{"\xff", ":ff"},
		{"\xf0\x9f\x90", ":f0:9f:90"},
		{"\xc3\"\x80", ":c3\":80"},
		{"\xed\xa0\x80z", ":ed:a0:80z"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		char one[XA_UTF8_BYTES + 1];
		size_t len = 0;

		for (const char *at = cases[i].text; *at; len += strlen(one)) {
			at += xa_utf8_take(at, one);
			assert_memory_equal(one, cases[i].taken + len, strlen(one));
		}
		assert_int_equal(len, strlen(cases[i].taken));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_characters),
		cmocka_unit_test(test_longer_forms),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_wrong_bytes),
		cmocka_unit_test(test_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
