/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What a source of flows and its consumer agree on. A source reads entries that stand on one side
 * and hands them over in batches; the consumer says which of them the source is to delete.
 */

#include "core/flow/flow.h"

struct xa_sink {
	void *ctx;
	/* `count` readings of one side; sets ret_forget[i] where entry i is to go. Must not fail.
	 */
	void (*take)(void *ctx, const struct xa_reading *readings, size_t count, bool *ret_forget);
	/* The same readings: where forgotten[i] is set, entry i is gone. Must not fail. NULL: not
	 * asked for. */
	void (*forget)(void *ctx, const struct xa_reading *readings, size_t count,
		       const bool *forgotten);
};
