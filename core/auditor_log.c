/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/auditor_log.h"

#include <string.h>

#include "core/base/log.h"

static void add_why(const struct xa_why *why, struct xa_buf *buf)
{
	if (why->line && why->column)
		xa_buf_addf(buf, "%s:%u:%u: %s\n", why->file, why->line, why->column, why->text);
	else if (why->line)
		xa_buf_addf(buf, "%s:%u: %s\n", why->file, why->line, why->text);
	else if (why->file[0])
		xa_buf_addf(buf, "%s: %s\n", why->file, why->text);
	else
		xa_buf_addf(buf, "%s\n", why->text);
}

void xa_whys_lines(const struct xa_whys *whys, struct xa_buf *buf)
{
	for (size_t i = 0; i < whys->count && i < XA_WHYS_MAX; i++)
		add_why(&whys->why[i], buf);
	if (whys->count > XA_WHYS_MAX)
		xa_buf_addf(buf, "%zu more errors (xdp-auditor check shows the first %d)\n",
			    whys->count - XA_WHYS_MAX, XA_WHYS_MAX);
}

void xa_log_whys(const struct xa_whys *whys)
{
	_cleanup_xa_buf_ struct xa_buf lines = {0};
	char *line, *rest;

	xa_whys_lines(whys, &lines);
	for (rest = lines.text; rest && (line = strsep(&rest, "\n"));)
		if (*line)
			xa_log_error("%s", line);
}
