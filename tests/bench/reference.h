/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the bench's kernel programs and its user space agree on: how a sender steps from flow to
 * flow.
 */

#ifndef __VMLINUX_H__ /* has the same types, and takes them ill twice */
#include <linux/types.h>
#endif

#define BENCH_CPUS_MAX 64

/*
 * A linear congruential generator over a power of two: with multiplier % 4 = 1 and an odd increment
 * it visits each of mask + 1 flows once a round, each far from the one before. One a CPU, a cache
 * line each.
 */
struct bench_step {
	__u32 at;
	__u32 multiplier;
	__u32 increment;
	__u32 mask;
	__u8 unused[48];
};
