/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A reader that takes JSON as RFC 8259 has it and nothing else. */

#include <string.h>

#include "core/base/utf8.h"

static const char *json_value(const char *at, unsigned depth);

static inline const char *json_digits(const char *at)
{
	size_t count = strspn(at, "0123456789");

	return count ? at + count : NULL;
}

static inline const char *json_number(const char *at)
{
	at += *at == '-';
	at = *at == '0' ? at + 1 : json_digits(at);
	if (at && *at == '.')
		at = json_digits(at + 1);
	return at;
}

static inline const char *json_escape(const char *at)
{
	if (*at != 'u')
		return *at && strchr("\"\\/bfnrt", *at) ? at + 1 : NULL;
	return strspn(at + 1, "0123456789abcdefABCDEF") >= 4 ? at + 5 : NULL;
}

static inline const char *json_string(const char *at)
{
	uint32_t c;

	if (*at++ != '"')
		return NULL;
	while (at && *at != '"') {
		size_t bytes = xa_utf8_decode(at, strnlen(at, 4), &c);

		if (!bytes || c < 0x20)
			return NULL;
		at = c == '\\' ? json_escape(at + 1) : at + bytes;
	}
	return at ? at + 1 : NULL;
}

/* What stands between the brackets of an array or an object. */
static inline const char *json_items(const char *at, char end, unsigned depth)
{
	if (*++at == end)
		return at + 1;
	for (;; at++) {
		if (end == '}') {
			at = json_string(at);
			if (!at || *at++ != ':')
				return NULL;
		}
		at = json_value(at, depth + 1);
		if (!at || *at != ',')
			return at && *at == end ? at + 1 : NULL;
	}
}

static const char *json_value(const char *at, unsigned depth)
{
	static const char *const words[] = {"true", "false", "null"};

	if (depth > 32)
		return NULL;
	for (size_t i = 0; i < 3; i++)
		if (!strncmp(at, words[i], strlen(words[i])))
			return at + strlen(words[i]);
	if (*at == '{')
		return json_items(at, '}', depth);
	if (*at == '[')
		return json_items(at, ']', depth);
	return *at == '"' ? json_string(at) : json_number(at);
}

/* Whether the text is one value, and perhaps a newline, with no space in it. */
static inline int json_is_valid(const char *text)
{
	const char *end = json_value(text, 0);

	return end && (!*end || !strcmp(end, "\n"));
}
