/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * How large a flow map is made, and what the kernel takes for it.
 */

#include "core/flow/flow.h"

/*
 * Entries for so many flows. The kernel rounds the buckets up to a power of two of the entries; at
 * one entry a bucket a lookup costs 1.25 times one at half an entry, and a bucket is only 16 bytes.
 * So where the fullest permitted load would be over three quarters, the map gets just enough
 * entries to reach the next power.
 */
uint32_t xa_map_entries(uint32_t flows);

uint32_t xa_map_key_size(enum xa_family family);

/* Bytes of one preallocated map, as htab_map_mem_usage() counts them (kernel/bpf/hashtab.c, 6.4).
 */
uint64_t xa_map_bytes(enum xa_family family, uint32_t entries, bool percpu, uint64_t cpus);

/* What the kernel says that a map takes, in bytes: `memlock` of its fdinfo; 0 if it does not say.
 */
uint64_t xa_map_memlock(int map_fd);
