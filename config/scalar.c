/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Fewer texts go without quotes than could: those of which no version of YAML thinks otherwise. */

#include "config/scalar.h"

#include <string.h>

#include "core/base/utf8.h"

bool xa_scalar_is_null(const char *text)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};

	for (size_t i = 0; i < array_size(nulls); i++)
		if (!strcmp(text, nulls[i]))
			return true;
	return false;
}

bool xa_scalar_is_plain(const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				    "_/.:@%+*-";
	const size_t len = strlen(text);

	return len && !strchr(":@%*", text[0]) && strcmp(text, "-") != 0 &&
	       !text[strspn(text, plain)] && text[len - 1] != ':';
}

/* Booleans and numbers. */
static bool looks_like_yaml(const char *text)
{
	static const char *const words[] = {"null", "true", "false", "yes", "no",
					    "on",   "off",  "y",     "n"};

	for (size_t i = 0; i < array_size(words); i++)
		if (!strcasecmp(text, words[i]))
			return true;
	return strchr("0123456789", text[0]) &&
	       !text[strspn(text, "0123456789abcdefABCDEFxXoO._+-")];
}

static void add_quoted_char(uint32_t c, struct xa_buf *buf)
{
	const char ascii = (char)c;

	if (c == '$')
		xa_buf_adds(buf, "$$");
	else if (c < ' ' || c == 0x7f)
		xa_buf_addf(buf, "\\x%02X", c);
	else if (c < 0x80) {
		if (c == '"' || c == '\\')
			xa_buf_adds(buf, "\\");
		xa_buf_add(buf, &ascii, 1);
	} else
		xa_buf_addf(buf, c > 0xffff ? "\\U%08X" : "\\u%04X", c);
}

void xa_scalar_add_quoted(const char *text, struct xa_buf *buf)
{
	size_t len = strlen(text);

	xa_buf_adds(buf, "\"");
	while (len) {
		uint32_t c = 0;
		const size_t bytes = xa_utf8_decode(text, len, &c);

		if (!bytes)
			break;
		add_quoted_char(c, buf);
		text += bytes;
		len -= bytes;
	}
	xa_buf_adds(buf, "\"");
}

void xa_scalar_add_string(const char *text, struct xa_buf *buf)
{
	if (xa_scalar_is_plain(text) && !strchr(".+-", text[0]) && !looks_like_yaml(text))
		xa_buf_adds(buf, text);
	else
		xa_scalar_add_quoted(text, buf);
}
