/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Which files a worker reads while it opens its stages.
 */

#include "core/policy/chain.h"

/* Paths, ended by NULL, that live as long as the setup's arena: what dlopen(3) takes of the system;
 * and for each file that a stage which is opened is or names, the folder that it is named in and
 * the one where it really is. 0 or -ENOMEM. */
int xa_reach_find(const char *const **ret, const struct xa_setup *setup,
		  const struct xa_builtin_plugins *builtin);
