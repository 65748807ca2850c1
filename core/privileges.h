/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Giving up rights after the start. Whole process; before threads are started.
 */

#include <stdbool.h>

#include "core/base/base.h"

/*
 * Drops every capability, from the bounding set as well, sets no_new_privs, and closes the memory
 * to processes of the same user, which ends core dumps. `works` says, called with the capabilities
 * out of force but still within reach, whether the kernel lets the process go on without them; if
 * not, CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, as far as it has them, stay. *ret_kept tells which
 * of the two it was. 0, or -errno with a reason.
 */
int xa_privileges_drop(bool (*works)(void *ctx), void *ctx, bool *ret_kept, struct xa_why *ret_why);
