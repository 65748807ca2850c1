/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Which files a process may open, held by the kernel: Landlock, since Linux 5.13.
 */

#include "core/base/base.h"

/* The version of the kernel's Landlock; 0: it has none, has it switched off, or whatever confines
 * this process already keeps it from asking. */
int xa_landlock_version(void);

/* Takes from the calling thread, for good, all access to files but reading `readable`: files, and
 * folders with everything beneath them, ended by NULL; one that cannot be opened is left out. Takes
 * TCP, and signals and abstract sockets of others, where the kernel's version knows of them. Needs
 * no_new_privs. 0, also where there is no Landlock; or -errno with a reason. */
int xa_landlock_enter(const char *const *readable, struct xa_why *ret_why);
