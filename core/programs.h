/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the kernel's programs are and cost, as families.
 */

#include "core/metrics/exposition.h"
#include "core/source/xdp.h"

/* `programs`: XA_PROGRAM_COUNT_ of them; NULL: nothing is said. What the kernel does not tell makes
 * no sample: runs without kernel.bpf_stats_enabled, instructions before 5.16. */
void xa_programs_render(struct xa_exposition *expo, const struct xa_program *programs);
