/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the files of the daemon share: the daemon itself, and the steps of its life. Loop thread
 * only.
 */

#include "core/http/server.h"
#include "core/loop.h"
#include "core/notify.h"
#include "core/poll.h"
#include "core/reload.h"
#include "core/watch.h"

struct xa_auditor {
	const struct xa_config_source *source;
	struct xa_running running;
	struct xa_reloading reload;
	bool reload_wanted; /* asked for since the last one began */
	struct xa_books books;
	struct xa_poll poll;
	struct xa_xdp *xdp;
	struct xa_attach *attach;
	struct xa_board *board;
	struct xa_server *server;
	struct xa_watch *watch; /* NULL: of no files */
	struct xa_self self;
	struct xa_self_stage stages[XA_POLICY_STAGES_MAX]; /* self.policy's */
	uint64_t judged_ns; /* when the policy saw a snapshot last; 0: never */
	struct xa_notify notify;
	uint64_t publish_cpu_ns; /* of the last snapshot */
	int last_tick_error;
	struct xa_loop loop;
};

/* --- auditor_start.c --- */

/* From the config to the first page. Returns the exit code. */
int xa_auditor_start(struct xa_auditor *auditor);

/* --- auditor_tick.c --- */

/* Takes a snapshot and pins its page, or counts that it could not. */
void xa_auditor_tick(struct xa_auditor *auditor);

/* Looks at the interfaces; `retry` as xa_attach_check() has it. */
void xa_auditor_check_interfaces(struct xa_auditor *auditor, bool retry);

/* Interfaces by slot, XA_SLOTS of them; NULL: nothing to show. */
void xa_auditor_name_slots(const struct xa_auditor *auditor, const char **ret_names);

/* --- auditor_reload.c --- */

/* Goes on with the reload that is under way, or begins the one that is wanted. However many were
 * asked for meanwhile, one follows, by the files as they are then. */
void xa_auditor_reload(struct xa_auditor *auditor);

/* Watches the files of the config that runs, where it asks for that; after each load. */
void xa_auditor_watch_files(struct xa_auditor *auditor);

/* The config that runs has come into force: says so to the page, and warns of what it leaves
 * open. */
void xa_auditor_in_force(struct xa_auditor *auditor);
