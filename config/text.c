/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What YAML 1.1 forbids as a raw character is refused here, before libyaml, whose own message for
 * it has no place.
 */

#include "config/text.h"

#include <stdio.h>
#include <string.h>

#include "core/base/base.h"

#define BYTE(text, i) ((unsigned char)(text)[i])

static bool is_control(uint32_t c)
{
	if (c < 0x20)
		return c != '\t' && c != '\n';
	return (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff ||
	       (c & 0xfffe) == 0xfffe;
}

static void refuse_char(uint32_t c, struct xa_why *why)
{
	if (!c)
		(void)xa_why_set(why, 0, "NUL byte: this is not a text file");
	else if (c == '\r')
		(void)xa_why_set(why, 0, "carriage return without a line feed after it");
	else
		(void)xa_why_set(why, 0, "character U+%04X is not allowed in YAML", c);
}

bool xa_text_check(const char *text, size_t len, struct xa_why *why)
{
	const char *const end = text + len;

	why->line = why->column = 1;
	for (size_t bytes; text < end; text += bytes) {
		const size_t left = (size_t)(end - text);
		uint32_t c;

		bytes = xa_utf8_decode(text, left, &c);
		if (!bytes) {
			(void)xa_why_set(why, 0, "byte 0x%02X is not UTF-8", BYTE(text, 0));
			return false;
		}
		if (is_control(c) && !(c == '\r' && left > 1 && text[1] == '\n')) {
			refuse_char(c, why);
			return false;
		}
		if (c == '%' && why->column == 1) {
			(void)xa_why_set(why, 0, "directives ('%%...') are not supported");
			return false;
		}
		why->line += c == '\n';
		why->column = c == '\n' ? 1 : why->column + 1;
	}
	return true;
}

bool xa_text_is_utf8(const char *text)
{
	size_t left = strlen(text);

	while (left) {
		uint32_t c;
		const size_t bytes = xa_utf8_decode(text, left, &c);

		if (!bytes)
			return false;
		text += bytes;
		left -= bytes;
	}
	return true;
}

const char *xa_text_line(const char *text, size_t len, unsigned number, size_t *ret_len)
{
	const char *const end = text + len;
	const char *stop;

	for (unsigned line = 1; line < number; line++) {
		text = text < end ? memchr(text, '\n', (size_t)(end - text)) : NULL;
		if (!text)
			return NULL;
		text++;
	}
	stop = text < end ? memchr(text, '\n', (size_t)(end - text)) : NULL;
	if (!stop)
		stop = end;
	if (stop > text && stop[-1] == '\r')
		stop--;
	*ret_len = (size_t)(stop - text);
	return text;
}

size_t xa_text_offset(const char *line, size_t len, unsigned column)
{
	size_t offset = 0;

	while (column-- > 1 && offset < len) {
		uint32_t c;
		const size_t bytes = xa_utf8_decode(line + offset, len - offset, &c);

		offset += bytes ? bytes : 1;
	}
	return offset;
}

/* One character as it is shown: itself, or \xNN for the first byte of what cannot be shown. */
static size_t quote_char(const char *text, size_t len, char ret_shown[static 5])
{
	uint32_t c;
	const size_t bytes = xa_utf8_decode(text, len, &c);

	if (bytes && c != '\t' && c != '\n' && !is_control(c)) {
		memcpy(ret_shown, text, bytes);
		ret_shown[bytes] = '\0';
		return bytes;
	}
	(void)snprintf(ret_shown, 5, "\\x%02x", BYTE(text, 0));
	return 1;
}

struct xa_quoted xa_quote(const char *text, size_t len)
{
	struct xa_quoted quoted = {.text = "'"};
	const size_t most = sizeof(quoted.text) - sizeof("...'");
	size_t used = 1;

	while (len) {
		char shown[5];
		const size_t bytes = quote_char(text, len, shown);

		if (used + strlen(shown) > most) {
			memcpy(quoted.text + used, "...", 3);
			used += 3;
			break;
		}
		memcpy(quoted.text + used, shown, strlen(shown));
		used += strlen(shown);
		text += bytes;
		len -= bytes;
	}
	quoted.text[used] = '\'';
	return quoted;
}

struct xa_quoted xa_quotes(const char *text)
{
	return xa_quote(text, strlen(text));
}

const char *xa_digits_read(const char *text, uint64_t *ret)
{
	const size_t len = strspn(text, "0123456789");
	uint64_t value = 0;

	if (!len || (len > 1 && text[0] == '0'))
		return NULL;
	for (size_t i = 0; i < len; i++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(text[i] - '0'), &value))
			value = UINT64_MAX;
	*ret = value;
	return text + len;
}
