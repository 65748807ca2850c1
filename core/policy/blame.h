/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What is held against each stage: failures by cause, how many in a row, and the files whose change
 * gives it another chance.
 */

#include <stdbool.h>

#include "core/base/arena.h"
#include "core/policy/supervisor.h"

#define XA_BLAME_FILES 2 /* of the option `file`, and of the plugin */

struct xa_file_id {
	int64_t changed_ns;
	uint64_t size, inode; /* 0: there is no such file */
};

struct xa_blame {
	struct xa_stage_state state;
	unsigned in_row; /* snapshots in which it failed */
	unsigned told; /* bits 1 << cause */
	bool failed; /* in this snapshot */
	struct xa_report why; /* of a worker that is opening; failed 0: none */
	const char *paths[XA_BLAME_FILES]; /* NULL: none */
	struct xa_file_id ids[XA_BLAME_FILES]; /* when a worker was started with it last */
};

/* Titles, unique among them, and files; `count` stages. Texts live in the arena. 0 or -ENOMEM. */
int xa_blames_init(struct xa_blame *blames, const struct xa_config *config, struct xa_arena *arena);

/* Error counts of the stages of the same titles go on. */
void xa_blames_inherit(struct xa_blame *blames, size_t count, const struct xa_blame *before,
		       size_t before_count);

/* A failure; the report's cause is its own. Tells of it, and disables the stage, if it is time to.
 */
void xa_blame_fail(struct xa_blame *blame, const struct xa_policy_hooks *hooks,
		   const struct xa_report *report);

/* The same with a text made here. */
XA_PRINTF(4, 5)
void xa_blame_failf(struct xa_blame *blame, const struct xa_policy_hooks *hooks,
		    enum xa_plugin_cause cause, const char *format, ...);

/* Leaves it out from now on; tells of it. */
void xa_blame_disable(struct xa_blame *blame, const struct xa_policy_hooks *hooks,
		      enum xa_plugin_cause cause);

/* A snapshot without failure. */
void xa_blame_clear(struct xa_blame *blame);

/* Remembers what its files are now. */
void xa_blame_look(struct xa_blame *blame);

/* Whether it was disabled and its files have changed: then it is enabled and told of. */
bool xa_blame_enable(struct xa_blame *blame, const struct xa_policy_hooks *hooks);
