/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The XDP hook of an interface: whose program is on it, in which mode. Read-only.
 */

#include <linux/types.h>

#include "config/config.h"
#include "core/base/base.h"

struct xa_hook {
	__u32 prog_id; /* 0: free */
	enum xa_mode mode;
	char owner[256]; /* "program 'x' (id 7), held by process 'y' (pid 8)", as far as it can be
			    known */
};

/* What is on the interface's hook; if there are programs in several modes, the first of drv, skb,
 * hw. 0 or -errno. Finding the process reads /proc and is left out where that is not permitted. */
int xa_hook_query(unsigned ifindex, struct xa_hook *ret_hook);

/* The mode in which `prog_id` is on the hook: 0, -ENOENT if it is not, or -errno. */
int xa_hook_mode(unsigned ifindex, __u32 prog_id, enum xa_mode *ret_mode);
