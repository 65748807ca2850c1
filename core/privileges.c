/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Since 5.19 (kernel commit c8644cd0efe7) a process with descriptors of BPF objects needs no
 * capability to use them. Whether this kernel is such a one is tried, not guessed from its version.
 */

#include "core/privileges.h"

#include <cap-ng.h>
#include <linux/capability.h>
#include <sys/prctl.h>

static const unsigned kept[] = {CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON};

/* Needs CAP_SETPCAP in force; a process without it cannot gain what it has not got either, see
 * no_new_privs. */
static void empty_bounding_set(void)
{
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
		(void)prctl(PR_CAPBSET_DROP, cap);
}

/* Capabilities out of force, permitted ones stay: what `works` can do then, a bare process can. */
static bool works_without(bool (*works)(void *ctx), void *ctx)
{
	if (capng_get_caps_process())
		return false;
	for (unsigned cap = 0; cap <= CAP_LAST_CAP; cap++)
		(void)capng_update(CAPNG_DROP, CAPNG_EFFECTIVE, cap);
	if (capng_apply(CAPNG_SELECT_CAPS))
		return false;
	return works(ctx);
}

static int choose_kept(void)
{
	bool had[array_size(kept)];

	for (size_t i = 0; i < array_size(kept); i++)
		had[i] = capng_have_capability(CAPNG_PERMITTED, kept[i]);
	capng_clear(CAPNG_SELECT_CAPS);
	for (size_t i = 0; i < array_size(kept); i++)
		if (had[i] && capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, kept[i]))
			return -EINVAL;
	return 0;
}

int xa_privileges_drop(bool (*works)(void *ctx), void *ctx, bool *ret_kept, struct xa_why *ret_why)
{
	bool keeps;

	empty_bounding_set();
	keeps = !works_without(works, ctx);
	if (!keeps)
		capng_clear(CAPNG_SELECT_CAPS);
	else if (choose_kept())
		return xa_why_set(ret_why, -EINVAL, "cannot choose the capabilities to keep");
	if (capng_apply(CAPNG_SELECT_CAPS))
		return xa_why_set(ret_why, -EPERM, "cannot drop the capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return xa_why_set(ret_why, -errno, "cannot set no_new_privs");
	/* Else who has the same user and no capability either, as the policy worker, may read
	 * /proc/PID/mem of a process without capabilities. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return xa_why_set(ret_why, -errno, "cannot close the memory to others");
	*ret_kept = keeps;
	return 0;
}
