/* SPDX-License-Identifier: GPL-2.0-or-later */

/* ASCII goes byte by byte: nearly all text is. */

#include "core/base/text.h"

#include <string.h>

#include "core/base/utf8.h"

/* Bytes of the character if it may stand in a text; 0 if not. */
static size_t clean_char(const char *text, size_t len)
{
	const unsigned char first = (unsigned char)*text;
	size_t bytes;
	uint32_t c;

	if (first < 0x80)
		return first >= ' ' && first != 0x7f;
	bytes = xa_utf8_decode(text, len, &c);
	return bytes && c >= 0xa0 ? bytes : 0;
}

bool xa_text_is_clean(const char *text, size_t len)
{
	size_t bytes;

	for (; len; text += bytes, len -= bytes) {
		bytes = clean_char(text, len);
		if (!bytes)
			return false;
	}
	return true;
}

void xa_text_clean(char *text, size_t size, bool lines)
{
	size_t len = strnlen(text, size - 1), bytes;

	text[len] = '\0';
	for (; len; text += bytes, len -= bytes) {
		bytes = clean_char(text, len);
		if (bytes)
			continue;
		bytes = 1;
		if (!lines || (*text != '\n' && *text != '\t'))
			*text = '?';
	}
}
