/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Which size a frame counts as: one source for the kernel program and for user space.
 */

#include "bpf/parse.h"

/*
 * No branch: sizes come in no order that a processor could foresee. A bound that the length is over
 * makes the difference negative. The assembly keeps the compiler from knowing that the length is
 * short, by which it would make branches of this all the same.
 */
XA_PARSE __u32 xa_size_of(__u64 len)
{
	static const __u64 bounds[] = {XA_SIZE_BOUNDS};
	__u32 size = 0;

	__asm__("" : "+r"(len));
	for (unsigned i = 0; i < XA_SIZE_COUNT_ - 1; i++)
		size += (bounds[i] - len) >> 63;
	return size;
}
