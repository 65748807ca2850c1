/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Names of interfaces, programs and processes are bytes that somebody else chose: in the table they
 * must not move a terminal's cursor, in JSON they must not end a string.
 */

#include "core/findings.h"

#include <stdarg.h>

#include "core/base/json.h"

static const char *const verdict_names[] = {
	[XA_VERDICT_OK] = "ok",
	[XA_VERDICT_INFO] = "info",
	[XA_VERDICT_WARN] = "warn",
	[XA_VERDICT_FAIL] = "fail",
};
_Static_assert(array_size(verdict_names) == XA_VERDICT_COUNT_, "a name for each verdict");

enum column {
	COLUMN_NAME,
	COLUMN_INTERFACE,
	COLUMN_VERDICT,
	COLUMN_COUNT_
};

void xa_findings_done(struct xa_findings *findings)
{
	free(findings->list);
	*findings = (struct xa_findings){0};
}

struct xa_finding *xa_findings_add(struct xa_findings *findings, const char *name,
				   const char *interface)
{
	struct xa_finding *list = findings->list;

	if (findings->count == findings->size) {
		size_t size = findings->size ? 2 * findings->size : 32;

		list = reallocarray(list, size, sizeof(*list));
		if (!list)
			return NULL;
		findings->list = list;
		findings->size = size;
	}
	list += findings->count++;
	*list = (struct xa_finding){.name = name, .interface = interface};
	return list;
}

void xa_found(struct xa_finding *finding, enum xa_verdict verdict, const char *format, ...)
{
	va_list args;

	finding->verdict = verdict;
	va_start(args, format);
	(void)vsnprintf(finding->found, sizeof(finding->found), format, args);
	va_end(args);
}

void xa_remedy(struct xa_finding *finding, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(finding->remedy, sizeof(finding->remedy), format, args);
	va_end(args);
}

bool xa_findings_passed(const struct xa_findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		if (findings->list[i].verdict == XA_VERDICT_FAIL)
			return false;
	return true;
}

/* Returns how many columns of a terminal the text takes. */
static size_t add_printable(struct xa_buf *buf, const char *text)
{
	size_t width = 0;

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		bool printable = c >= 0x20 && c < 0x7f;

		if (printable)
			xa_buf_add(buf, text, 1);
		else
			xa_buf_addf(buf, "\\x%02x", c);
		width += printable ? 1 : 4;
	}
	return width;
}

static void add_cell(struct xa_buf *buf, const char *text, size_t width)
{
	for (size_t used = add_printable(buf, text); used < width + 2; used++)
		xa_buf_adds(buf, " ");
}

static const char *cell(const struct xa_finding *finding, enum column column)
{
	switch (column) {
	case COLUMN_NAME:
		return finding->name;
	case COLUMN_INTERFACE:
		return finding->interface ? finding->interface : "-";
	default:
		return verdict_names[finding->verdict];
	}
}

static void add_row(const struct xa_finding *finding, const size_t *widths, struct xa_buf *buf)
{
	for (enum column column = 0; column < COLUMN_COUNT_; column++)
		add_cell(buf, cell(finding, column), widths[column]);
	(void)add_printable(buf, finding->found);
	if (finding->remedy[0]) {
		xa_buf_adds(buf, " => ");
		(void)add_printable(buf, finding->remedy);
	}
	xa_buf_adds(buf, "\n");
}

void xa_findings_table(const struct xa_findings *findings, struct xa_buf *buf)
{
	static const char *const titles[COLUMN_COUNT_] = {"CHECK", "INTERFACE", "VERDICT"};
	size_t widths[COLUMN_COUNT_];

	for (enum column column = 0; column < COLUMN_COUNT_; column++) {
		widths[column] = strlen(titles[column]);
		for (size_t i = 0; i < findings->count; i++) {
			_cleanup_xa_buf_ struct xa_buf text = {0};
			size_t width = add_printable(&text, cell(&findings->list[i], column));

			if (width > widths[column])
				widths[column] = width;
		}
	}
	for (enum column column = 0; column < COLUMN_COUNT_; column++)
		add_cell(buf, titles[column], widths[column]);
	xa_buf_adds(buf, "FOUND => REMEDY\n");
	for (size_t i = 0; i < findings->count; i++)
		add_row(&findings->list[i], widths, buf);
}

static void add_member(struct xa_buf *buf, const char *name, const char *text)
{
	xa_json_add_string(buf, name);
	xa_buf_adds(buf, ": ");
	if (text)
		xa_json_add_string(buf, text);
	else
		xa_buf_adds(buf, "null");
}

static void add_object(struct xa_buf *buf, const struct xa_finding *finding)
{
	xa_buf_adds(buf, "  {");
	add_member(buf, "name", finding->name);
	xa_buf_adds(buf, ", ");
	add_member(buf, "interface", finding->interface);
	xa_buf_adds(buf, ", ");
	add_member(buf, "verdict", verdict_names[finding->verdict]);
	xa_buf_adds(buf, ", ");
	add_member(buf, "found", finding->found);
	xa_buf_adds(buf, ", ");
	add_member(buf, "remedy", finding->remedy);
	xa_buf_adds(buf, "}");
}

void xa_findings_json(const struct xa_findings *findings, struct xa_buf *buf)
{
	xa_buf_adds(buf, "{\"checks\": [\n");
	for (size_t i = 0; i < findings->count; i++) {
		add_object(buf, &findings->list[i]);
		xa_buf_adds(buf, i + 1 < findings->count ? ",\n" : "\n");
	}
	xa_buf_adds(buf, "]}\n");
}
