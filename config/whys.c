/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Reasons: collecting them, and printing them as compilers do, with the line and a caret. The line
 * is read from the file again; it was not kept, since most configs are right.
 */

#include "config/whys.h"

#include "config/file.h"
#include "config/text.h"

int xa_whys_addv(struct xa_whys *whys, const char *file, unsigned line, unsigned column,
		 const char *format, va_list args)
{
	struct xa_why *why;

	if (whys->count++ >= XA_WHYS_MAX)
		return -EINVAL;
	why = &whys->why[whys->count - 1];
	(void)snprintf(why->file, sizeof(why->file), "%s", file);
	why->line = line;
	why->column = column;
	why->is_secret = false;
	(void)vsnprintf(why->text, sizeof(why->text), format, args);
	return -EINVAL;
}

int xa_whys_add(struct xa_whys *whys, const char *file, unsigned line, unsigned column,
		const char *format, ...)
{
	va_list args;
	int r;

	va_start(args, format);
	r = xa_whys_addv(whys, file, line, column, format, args);
	va_end(args);
	return r;
}

/* Columns of a source line that are shown, and how many of them end in the caret if it is beyond.
 */
#define SHOWN_COLUMNS 96
#define SHOWN_BEFORE  64

/* The character as it is safe to print: itself, or '?' for what a terminal might obey. */
static size_t add_char(const char *text, size_t len, struct xa_buf *buf)
{
	uint32_t c;
	const size_t bytes = xa_utf8_decode(text, len, &c);
	const bool safe = bytes && (c == '\t' || (c >= ' ' && c != 0x7f && (c < 0x80 || c > 0x9f)));

	xa_buf_add(buf, safe ? text : "?", safe ? bytes : 1);
	return bytes ? bytes : 1;
}

void xa_shown_add(const char *text, struct xa_buf *buf)
{
	for (size_t left = strlen(text); left;) {
		const size_t bytes = add_char(text, left, buf);

		text += bytes;
		left -= bytes;
	}
}

static void add_line(const char *line, size_t len, unsigned first, struct xa_buf *buf)
{
	size_t offset = xa_text_offset(line, len, first);
	unsigned column = 0;

	xa_buf_adds(buf, first > 1 ? "..." : "");
	for (; offset < len && column < SHOWN_COLUMNS; column++)
		offset += add_char(line + offset, len - offset, buf);
	xa_buf_adds(buf, offset < len ? "...\n" : "\n");
}

/* Tabs stand above tabs, so that the caret is under its column whatever a tab's width. */
static void add_caret(const char *line, size_t len, unsigned first, unsigned column,
		      struct xa_buf *buf)
{
	size_t offset = xa_text_offset(line, len, first);

	xa_buf_adds(buf, first > 1 ? "   " : "");
	for (unsigned at = first; at < column; at++) {
		xa_buf_adds(buf, offset < len && line[offset] == '\t' ? "\t" : " ");
		offset += xa_text_offset(line + offset, len - offset, 2);
	}
	xa_buf_adds(buf, "^\n");
}

static void add_source(const struct xa_why *why, struct xa_buf *buf)
{
	_cleanup_free_ char *text = NULL;
	const unsigned first = why->column > SHOWN_COLUMNS ? why->column - SHOWN_BEFORE + 1 : 1;
	const char *line;
	size_t len;

	if (xa_file_reread(why->file, &text, &len))
		return;
	line = xa_text_line(text, len, why->line, &len);
	if (!line)
		return;
	add_line(line, len, first, buf);
	add_caret(line, len, first, why->column, buf);
}

void xa_why_print(const struct xa_why *why, struct xa_buf *buf)
{
	if (why->file[0]) {
		xa_shown_add(why->file, buf);
		xa_buf_adds(buf, ":");
	}
	if (why->line)
		xa_buf_addf(buf, "%u:", why->line);
	if (why->line && why->column)
		xa_buf_addf(buf, "%u:", why->column);
	xa_buf_addf(buf, "%serror: %s\n", why->file[0] || why->line ? " " : "", why->text);
	if (why->file[0] && why->line && why->column && !why->is_secret)
		add_source(why, buf);
}

void xa_whys_print(const struct xa_whys *whys, struct xa_buf *buf)
{
	const size_t kept = whys->count < XA_WHYS_MAX ? whys->count : XA_WHYS_MAX;

	for (size_t i = 0; i < kept; i++)
		xa_why_print(&whys->why[i], buf);
	if (whys->count > kept)
		xa_buf_addf(buf, "%s: error: %zu more errors\n", whys->why[0].file,
			    whys->count - kept);
}
