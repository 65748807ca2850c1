/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A file of tests for rules: stages, and tests of them, each of snapshots one after the other. */

#include "core/test_expect.h"
#include "core/test_flow.h"

struct xa_test_snapshot {
	const struct xa_tree *place;
	uint64_t interval_ns; /* since the one before; 0: there is none */
	struct xa_test_flows flows;
	struct xa_test_expect expect;
};

struct xa_test_case {
	const char *name;
	const struct xa_tree *place;
	struct xa_test_snapshot *snapshots;
	size_t snapshot_count;
	uint32_t handles; /* of all flows: numbers below it */
};

struct xa_test_file {
	struct xa_config *config; /* with the stages; owns all else */
	struct xa_test_interfaces interfaces;
	struct xa_test_case *cases;
	size_t case_count;
};

/* 0, -EINVAL with all that is wrong with the file, -ENOMEM, or the errno of reading it, with a
 * reason. */
int xa_test_file_load(struct xa_test_file *ret, const char *path, struct xa_whys *ret_whys);
void xa_test_file_done(struct xa_test_file *file);
#define _cleanup_xa_test_file_ XA_CLEANUP(xa_test_file_done)
