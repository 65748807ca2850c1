/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Files that others renew while the daemon runs: certificates, keys, tokens. Any thread. */

#include <stdbool.h>

#include "core/base/base.h"

/* By what a file is told from the one before; zeros where there is none. */
struct xa_file_state {
	uint64_t device, inode, bytes, modified_ns, changed_ns;
};

/* Looks at the file: whether it is another than at the last look, which the state is of. */
bool xa_file_state_renew(struct xa_file_state *state, const char *path);

struct xa_secret {
	char *text;
	size_t len;
};

/* The bytes of a regular file of up to 64 KiB; `only_ours`: refused if all users of this host can
 * read it. 0, -EINVAL or the errno of opening or reading, with the text of `why`, or -ENOMEM. */
int xa_secret_read(struct xa_secret *ret, const char *path, bool only_ours, struct xa_why *why);

/* Overwrites it and gives it back. */
void xa_secret_done(struct xa_secret *secret);
#define _cleanup_xa_secret_ XA_CLEANUP(xa_secret_done)
