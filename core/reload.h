/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Builds what a new config asks for beside what runs, in steps between which the loop goes on: load
 * and check, try the stages, open them. Nothing that runs is touched. Loop thread only.
 */

#include "core/running.h"
#include "core/snapshot.h"
#include "core/trial.h"

struct xa_reloading {
	bool is_under_way;
	enum xa_reload_phase phase; /* how far it came */
	struct xa_running next; /* the caller's once it is built */
	bool needs_restart; /* flows.max or flows.percpu differ, and stay what they are */
	struct xa_trial *trial; /* NULL: over, or not begun */
	struct xa_whys whys; /* why it cannot be, or could not */
};

/* Loads the config; `now` is what runs. 0 or -errno with reasons. End it either way. */
int xa_reload_begin(struct xa_reloading *reload, const struct xa_config_source *source,
		    const struct xa_running *now);

/* Goes on with what can be done now. 0: reload->next is built, take it; -EAGAIN: again when there
 * is news of xa_reload_awaits(); or -errno with reasons. */
int xa_reload_step(struct xa_reloading *reload, const struct xa_running *now);

/* The policy whose worker is waited for. */
const struct xa_policy *xa_reload_awaits(const struct xa_reloading *reload);

/* Ends it; what was built and not taken is let go of. Reasons and phase stay. */
void xa_reload_end(struct xa_reloading *reload);
