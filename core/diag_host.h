/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The part of `diag` that is about the host: the kernel, the process's rights, the memory.
 */

#include <sys/resource.h>

#include "config/config.h"
#include "core/findings.h"
#include "core/source/xdp.h"

/* What was tried or read once, for all checks. */
struct xa_diag_host {
	struct xa_xdp_options options; /* maps as the config wants them */
	struct rlimit memlock; /* before loading, which raises it if it may */
	uint64_t memory_bytes; /* the lowest limit of the control groups; UINT64_MAX: none */
	uint64_t need_bytes; /* of the flow maps */
	bool may_load;
	bool reduced; /* loaded with smaller maps, for lack of memory */
	struct xa_xdp *xdp; /* NULL: not tried, or refused */
	struct xa_why why; /* refused */
};

/* Reads limits and, with the capabilities for it, loads the program. */
void xa_diag_host_probe(const struct xa_config *config, struct xa_diag_host *ret_host);
void xa_diag_host_done(struct xa_diag_host *host);
#define _cleanup_xa_diag_host_ XA_CLEANUP(xa_diag_host_done)

/* 0 or -ENOMEM. */
int xa_diag_host(const struct xa_diag_host *host, struct xa_findings *findings);
