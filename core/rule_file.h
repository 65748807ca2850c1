/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A file of tests for rules: stages, and tests of them, each of snapshots one after the other. */

#include "core/rule_expect.h"
#include "core/rule_flow.h"

struct xa_rule_snapshot {
	const struct xa_tree *place;
	uint64_t interval_ns; /* since the one before; 0: there is none */
	struct xa_rule_flows flows;
	struct xa_rule_expect expect;
};

struct xa_rule_case {
	const char *name;
	const struct xa_tree *place;
	struct xa_rule_snapshot *snapshots;
	size_t snapshot_count;
	uint32_t handles; /* of all flows: numbers below it */
};

struct xa_rule_file {
	struct xa_config *config; /* with the stages; owns all else */
	struct xa_rule_interfaces interfaces;
	struct xa_rule_case *cases;
	size_t case_count;
};

/* 0, -EINVAL with all that is wrong with the file, -ENOMEM, or the errno of reading it, with a
 * reason. */
int xa_rule_file_load(struct xa_rule_file *ret, const char *path, struct xa_whys *ret_whys);
void xa_rule_file_done(struct xa_rule_file *file);
#define _cleanup_xa_rule_file_ XA_CLEANUP(xa_rule_file_done)
