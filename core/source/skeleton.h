/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The program's two builds under one face: both have the same maps, programs and variables.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "netflow_filter.skel.h"
#include "netflow_plain.skel.h"

/* Opens the build that measures frames by their pointers (Linux 6.2 and CAP_PERFMON), or the one
 * that asks the kernel. NULL with errno. */
static inline struct netflow_filter_bpf *xa_skeleton_open(bool sees_buff)
{
	struct netflow_filter_bpf *skel = calloc(1, sizeof(*skel));
	int error = skel ? netflow_filter_bpf__create_skeleton(skel) : -ENOMEM;

	if (!error && !sees_buff)
		skel->skeleton->data = netflow_plain_bpf__elf_bytes(&skel->skeleton->data_sz);
	if (!error)
		error = bpf_object__open_skeleton(skel->skeleton, NULL);
	if (!error)
		return skel;
	netflow_filter_bpf__destroy(skel);
	errno = -error;
	return NULL;
}
