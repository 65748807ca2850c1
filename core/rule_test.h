/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Unit tests of rules: flows that a file gives, judged by the stages that it names, in a policy
 * worker as in the daemon, and what comes of it held against what the file expects.
 */

#include "config/config.h"
#include "core/base/buf.h"

struct xa_rule_tally {
	size_t passed, failed;
};

/*
 * Runs all tests of a file, each from a fresh start, and appends for each that fails where it
 * stands and in what it differs, and in front of it what its rules have said to the log. Counts
 * them in *tally. 0; -EINVAL with all that is wrong with the file or its stages; or another -errno,
 * all but -ENOMEM with a reason.
 */
int xa_rule_test(const char *path, struct xa_buf *buf, struct xa_rule_tally *tally,
		 struct xa_whys *ret_whys);
