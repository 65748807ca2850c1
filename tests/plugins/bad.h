/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the plugins that must not hurt have in common: callbacks that do nothing, for those that are
 * not to blame. Each file beside this one does one wrong thing, on purpose.
 */

#include "plugins/xa_plugin.h"

/* Hands the host on as the state. */
static inline int bad_open(const struct xa_plugin_host *host, const struct xa_plugin_value *options,
			   void **ret_state)
{
	(void)options;
	*ret_state = (void *)(uintptr_t)host;
	return 0;
}

static inline int bad_run(void *state, const struct xa_plugin_batch *batch)
{
	(void)state;
	(void)batch;
	return 0;
}

static inline void bad_close(void *state)
{
	(void)state;
}

/* A segmentation fault, which no compiler sees coming. */
static inline void bad_crash(void)
{
	volatile int *volatile nowhere = NULL;

	*nowhere = 1;
}
