/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The kernel as a source: loads netflow_filter with its maps, attaches it to interfaces, and reads
 * what it counted, one side at a time. Loop thread only; nothing here logs.
 *
 * Two objects: `xa_xdp` is the loaded program with its maps; it knows ifindexes and slots, not
 * names. attach.h keeps names attached.
 *
 * Loading needs CAP_BPF and CAP_NET_ADMIN, and CAP_PERFMON on 6.12 and older (6.18 does without).
 * All the rest needs none since 5.19 (kernel commit c8644cd0efe7), attaching a loaded program by a
 * link included; before, CAP_BPF for each call.
 */

#include <linux/bpf.h>

#include "config/config.h"
#include "core/flow/ledger.h"
#include "core/source/source.h"

struct xa_xdp;

/* Sizes of the maps: fixed for their life. */
struct xa_xdp_options {
	uint32_t max_flows; /* entries per family and side */
	bool percpu; /* a value a CPU and flow; else one, added to by atomics */
};

/*
 * What the flow maps will take of the kernel's memory: the sum that the kernel itself makes
 * (htab_map_mem_usage(), kernel/bpf/hashtab.c, 6.4), for as many CPUs as this machine can have.
 */
uint64_t xa_xdp_memory_bytes(const struct xa_xdp_options *options);

/*
 * Loads program and maps. 0 or -errno with a reason: -EPERM names the capability that is missing,
 * -ENOENT says that the kernel has no BTF, -ENOMEM how much the maps would take.
 */
int xa_xdp_new(struct xa_xdp **ret, const struct xa_xdp_options *options, struct xa_why *ret_why);
void xa_xdp_free(struct xa_xdp *xdp);
XA_DEFINE_CLEANUP(xa_xdp)
#define _cleanup_xa_xdp_ XA_CLEANUP(xa_xdp_cleanup)

/* What the flow maps take by the kernel's own account (fdinfo's memlock); 0 if it keeps none. */
uint64_t xa_xdp_memory_used(const struct xa_xdp *xdp);

/* Whether frames in several buffers (jumbo frames, GRO) reach the program natively: kernel 5.18. */
bool xa_xdp_has_frags(const struct xa_xdp *xdp);

/* Whether the program measures a frame by its pointers instead of asking the kernel, which makes a
 * packet cheaper by a call: Linux 6.2, and CAP_PERFMON when it was loaded. */
bool xa_xdp_sees_buff(const struct xa_xdp *xdp);

/* Counts packets of `ifindex` under `slot` from now on; slot XA_SLOT_UNKNOWN ends that. 0, or
 * -ENOSPC if too many interfaces share a bucket. */
int xa_xdp_map_ifindex(struct xa_xdp *xdp, unsigned ifindex, uint8_t slot);

/* A link of the program for interfaces with or without a link header, in a mode that is not auto.
 * The caller owns the descriptor; closing it detaches. -errno is the kernel's. */
int xa_xdp_attach(struct xa_xdp *xdp, unsigned ifindex, bool link_header, enum xa_mode mode,
		  int *ret_link_fd);

/* The programs that are loaded: those that xa_xdp_attach() takes, and the one that reads clocks. */
enum {
	XA_PROGRAM_FILTER,
	XA_PROGRAM_IP,
	XA_PROGRAM_CLOCK,
	XA_PROGRAM_COUNT_
};

/* What the kernel says of one of them (struct bpf_prog_info). */
struct xa_program {
	const char *name;
	__u32 id;
	char tag[2 * BPF_TAG_SIZE + 1]; /* hash of its instructions, in hex */
	__u32 instructions; /* that the verifier went through; 0: not told, before 5.16 */
	double load_time; /* wall, seconds */
	uint64_t runs; /* both: while kernel.bpf_stats_enabled was set */
	uint64_t run_ns;
};

/* XA_PROGRAM_COUNT_ of them, as of the last xa_xdp_drain(); the xdp's. */
const struct xa_program *xa_xdp_programs(const struct xa_xdp *xdp);

/* The id under which the kernel lists the program that xa_xdp_attach() takes. */
__u32 xa_xdp_prog_id(const struct xa_xdp *xdp, bool link_header);

/*
 * Ends the current epoch: from its return on nobody writes to the side *ret_side, and every packet
 * counts on the other. Takes an RCU grace period: 11 ms idle, up to 139 ms under load (measured
 * on 6.18). 0 or -errno; then the epoch is what it was.
 */
int xa_xdp_swap(struct xa_xdp *xdp, unsigned *ret_side);

/* Adds what the side's tally has beyond the last read of it to the ledger. 0 or -errno. */
int xa_xdp_read_tally(struct xa_xdp *xdp, unsigned side, struct xa_ledger *ledger);

struct xa_xdp_fill {
	uint64_t entries[XA_FAMILY_COUNT_]; /* that stood on the side before the sink forgot some */
};

/* Hands every entry that stands on the side to the sink and deletes those it forgets. 0 or -errno;
 * see xa_drain_map() for what an error leaves. */
int xa_xdp_drain(struct xa_xdp *xdp, unsigned side, uint32_t now_tick, const struct xa_sink *sink,
		 struct xa_xdp_fill *ret_fill);

/* Entries that one side of a family has room for. */
uint32_t xa_xdp_capacity(const struct xa_xdp *xdp);

/* Whether a call on a map works as the process is now: the probe for dropping capabilities. */
bool xa_xdp_is_permitted(const struct xa_xdp *xdp);
