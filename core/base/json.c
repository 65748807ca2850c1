/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Escapes no more than it has to, so that what is readable stays so. */

#include "core/base/json.h"

#include "core/base/utf8.h"

void xa_json_add_string(struct xa_buf *buf, const char *text)
{
	size_t left = strlen(text), bytes;
	uint32_t c;

	xa_buf_adds(buf, "\"");
	for (; left; text += bytes, left -= bytes) {
		bytes = xa_utf8_decode(text, left, &c);
		if (!bytes) {
			xa_buf_addf(buf, "\\\\x%02x", (unsigned char)*text);
			bytes = 1;
		} else if (c == '"' || c == '\\') {
			xa_buf_addf(buf, "\\%c", (char)c);
		} else if (c == '\n') {
			xa_buf_adds(buf, "\\n");
		} else if (c < 0x20) {
			xa_buf_addf(buf, "\\u%04x", c);
		} else {
			xa_buf_add(buf, text, bytes);
		}
	}
	xa_buf_adds(buf, "\"");
}

/* No value ends with either of these two. */
void xa_json_add_next(struct xa_buf *buf)
{
	if (buf->len && !strchr("{[", buf->text[buf->len - 1]))
		xa_buf_adds(buf, ",");
}

void xa_json_add_name(struct xa_buf *buf, const char *name)
{
	xa_json_add_next(buf);
	xa_buf_addf(buf, "\"%s\":", name);
}

void xa_json_add_u64(struct xa_buf *buf, const char *name, uint64_t value)
{
	xa_json_add_name(buf, name);
	xa_buf_add_u64(buf, value);
}

void xa_json_add_bool(struct xa_buf *buf, const char *name, bool value)
{
	xa_json_add_name(buf, name);
	xa_buf_adds(buf, value ? "true" : "false");
}

void xa_json_add_text(struct xa_buf *buf, const char *name, const char *text)
{
	xa_json_add_name(buf, name);
	xa_json_add_string(buf, text);
}

void xa_json_add_fixed(struct xa_buf *buf, const char *name, double value)
{
	xa_json_add_name(buf, name);
	xa_buf_addf(buf, "%.3f", value);
}
