/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Doubling growth; a failed append is remembered instead of checked at each of a thousand calls. */

#include "core/base/buf.h"

#include <stdarg.h>

#define SIZE_MIN_ 256

void xa_buf_done(struct xa_buf *buf)
{
	free(buf->text);
	*buf = (struct xa_buf){0};
}

int xa_buf_reserve(struct xa_buf *buf, size_t more)
{
	size_t size = buf->size ? buf->size : SIZE_MIN_;
	char *text;

	while (size - buf->len <= more) {
		if (size > SIZE_MAX / 2)
			goto failed;
		size *= 2;
	}
	if (size == buf->size)
		return 0;
	if (buf->fixed)
		goto failed;
	text = realloc(buf->text, size);
	if (!text)
		goto failed;
	text[buf->len] = '\0';
	buf->text = text;
	buf->size = size;
	return 0;
failed:
	buf->failed = true;
	return -ENOMEM;
}

void xa_buf_add(struct xa_buf *buf, const char *text, size_t len)
{
	if (xa_buf_reserve(buf, len))
		return;
	memcpy(buf->text + buf->len, text, len);
	buf->len += len;
	buf->text[buf->len] = '\0';
}

void xa_buf_add_u64(struct xa_buf *buf, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	xa_buf_add(buf, digits + at, sizeof(digits) - at);
}

void xa_buf_addf(struct xa_buf *buf, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0 || xa_buf_reserve(buf, (size_t)len)) {
		buf->failed = true;
		return;
	}
	va_start(args, format);
	(void)vsnprintf(buf->text + buf->len, (size_t)len + 1, format, args);
	va_end(args);
	buf->len += (size_t)len;
}

char *xa_buf_take(struct xa_buf *buf)
{
	char *text = buf->failed ? NULL : take_ptr(buf->text);

	xa_buf_done(buf);
	return text;
}
