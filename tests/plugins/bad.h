/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the plugins that must not hurt have in common: callbacks that do nothing, for those that are
 * not to blame. Each file beside this one does one wrong thing, on purpose.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/xa_plugin.h"

/* The trial run before a start or a reload shows flows of the interface "trial". What is spared
 * there, and taken, does its wrong thing in the daemon. */
#define BAD_SPARE_TRIAL \
	{ \
		.name = "spare_trial", .type = XA_PLUGIN_SWITCH, .fallback = "false", \
		.help = "behave on the trial run" \
	}

static inline bool bad_is_spared(const struct xa_plugin_batch *batch, bool spare_trial)
{
	return spare_trial && batch->count &&
	       !strcmp(batch->interfaces[batch->flows[0].interface], "trial");
}

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

/* The same three for what can be spared. */
struct bad {
	const struct xa_plugin_host *host;
	bool spare_trial;
};

static const struct xa_plugin_option bad_options[] = {BAD_SPARE_TRIAL};

static inline int bad_open_spared(const struct xa_plugin_host *host,
				  const struct xa_plugin_value *options, void **ret_state)
{
	struct bad *bad = calloc(1, sizeof(*bad));

	if (!bad)
		return -ENOMEM;
	*bad = (struct bad){.host = host, .spare_trial = options[0].number};
	*ret_state = bad;
	return 0;
}

static inline void bad_close_spared(void *state)
{
	free(state);
}

/* A segmentation fault, which no compiler sees coming. */
static inline void bad_crash(void)
{
	volatile int *volatile nowhere = NULL;

	*nowhere = 1;
}
