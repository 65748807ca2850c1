/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The first byte tells the length, the value whether a shorter form would have done. */

#include "core/base/utf8.h"

#include <stdio.h>
#include <string.h>

#define BYTE(text, i) ((unsigned char)(text)[i])

static size_t utf8_length(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first < 0xe0)
		return 2;
	if (first >= 0xe0 && first < 0xf0)
		return 3;
	return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

size_t xa_utf8_decode(const char *text, size_t len, uint32_t *ret_char)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	const size_t bytes = len ? utf8_length(BYTE(text, 0)) : 0;
	uint32_t c;

	if (!bytes || bytes > len)
		return 0;
	c = bytes == 1 ? BYTE(text, 0) : BYTE(text, 0) & (0x7fU >> bytes);
	for (size_t i = 1; i < bytes; i++) {
		if ((BYTE(text, i) & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (BYTE(text, i) & 0x3f);
	}
	if (c < smallest[bytes] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*ret_char = c;
	return bytes;
}

size_t xa_utf8_take(const char *text, char ret_text[XA_UTF8_BYTES + 1])
{
	size_t bytes;
	uint32_t c;

	bytes = xa_utf8_decode(text, strnlen(text, XA_UTF8_BYTES), &c);
	if (!bytes) {
		(void)snprintf(ret_text, XA_UTF8_BYTES + 1, ":%02x", BYTE(text, 0));
		return 1;
	}
	memcpy(ret_text, text, bytes);
	ret_text[bytes] = '\0';
	return bytes;
}
