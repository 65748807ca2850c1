/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Writes where it may not: option `where` says in which of the regions that it is lent, and past
 * which end. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/plugins/bad.h"

#define FAR_BYTES (1L << 24)

struct wild {
	const struct xa_plugin_host *host;
	const char *where;
	bool spare_trial;
	int label;
};

static int wild_open(const struct xa_plugin_host *host, const struct xa_plugin_value *options,
		     void **ret_state)
{
	struct wild *wild = calloc(1, sizeof(*wild));

	if (!wild)
		return -ENOMEM;
	*wild = (struct wild){
		.host = host, .where = options[0].text, .spare_trial = options[1].number};
	wild->label = host->declare_label(host, "wild");
	*ret_state = wild;
	return wild->label < 0 ? wild->label : 0;
}

/* Every byte from `from` to `to`, the other way round if that is the order. */
static void scribble(const void *base, long from, long to)
{
	volatile unsigned char *bytes = (unsigned char *)(uintptr_t)base;

	for (long at = from; at != to; at += from < to ? 1 : -1)
		bytes[at] = 0xa5;
}

static int wild_run(void *state, const struct xa_plugin_batch *batch)
{
	const struct wild *wild = state;
	const void *column = wild->host->column(wild->host, wild->label);
	const void *hidden = wild->host->hidden(wild->host);

	if (bad_is_spared(batch, wild->spare_trial))
		return 0;
	if (!strcmp(wild->where, "column"))
		scribble(column, 0, FAR_BYTES);
	else if (!strcmp(wild->where, "before-column"))
		scribble(column, -1, -FAR_BYTES);
	else if (!strcmp(wild->where, "hidden"))
		scribble(hidden, 0, FAR_BYTES);
	else if (!strcmp(wild->where, "before-hidden"))
		scribble(hidden, -1, -FAR_BYTES);
	else
		scribble(batch->flows, 0, (long)sizeof(*batch->flows));
	return 0;
}

static void wild_close(void *state)
{
	free(state);
}

static const struct xa_plugin_option wild_options[] = {
	{.name = "where",
	 .type = XA_PLUGIN_TEXT,
	 .fallback = "column",
	 .help = "column, before-column, hidden, before-hidden or flows"},
	BAD_SPARE_TRIAL,
};

XA_PLUGIN(wild_write, .help = "writes out of bounds in run()", .options = wild_options,
	  .option_count = 2, .open = wild_open, .run = wild_run, .close = wild_close);
