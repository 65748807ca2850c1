/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The kernel program as tests use it: loaded by xa_xdp_new() as the daemon does it, run on frames
 * by BPF_PROG_TEST_RUN, read by swap, tally and drain. It stands in a network namespace of its own,
 * whose loopback has ifindex 1 and no traffic.
 */

#include "bpf/parse.h"
#include "core/source/xdp.h"

/* What meson takes for "skipped". */
#define XA_LAB_SKIP 77

/* The kernel refuses to run a program on less than an Ethernet header (net/bpf/test_run.c). */
#define XA_LAB_FRAME_MIN 14

struct xa_lab {
	struct xa_xdp *xdp;
	struct xa_ledger *ledger;
	int prog_fds[XA_LINK_COUNT_];
	int link_fd;
};

/* Moves the process to the namespace. 0, or XA_LAB_SKIP with the reason on stdout. Before any
 * thread is started. */
int xa_lab_enter(void);

/* Loads the program. 0, XA_LAB_SKIP where it is not permitted or the kernel has no BTF, or 1; not
 * 0: the reason is on stdout. Of several labs at once only the first repeats shots without delay.
 */
int xa_lab_new(struct xa_lab **ret, const struct xa_xdp_options *options);
void xa_lab_free(struct xa_lab *lab);
XA_DEFINE_CLEANUP(xa_lab)
#define _cleanup_xa_lab_ XA_CLEANUP(xa_lab_cleanup)

/* One run of the program, `repeat` times (0 is 1) over the same frame. */
struct xa_shot {
	enum xa_link link;
	const void *frame;
	size_t len;
	uint32_t repeat;
	unsigned ifindex; /* where it comes from; 0: loopback */
	void *out; /* `len` bytes for the frame as the program leaves it, or NULL */
};

/* 0 or -errno; *ret_verdict is what the program returned last. Any thread. */
int xa_lab_shoot(const struct xa_lab *lab, const struct xa_shot *shot, uint32_t *ret_verdict);

/* What one epoch counted: entries of all interfaces, and the tally of one. */
struct xa_harvest {
	struct xa_reading *readings;
	size_t count;
	size_t size;
	bool keep; /* entries stay on their side; set by the caller */
	struct xa_count seen;
	uint64_t sizes[XA_SIZE_COUNT_];
	struct xa_count classes[XA_CLASS_COUNT_];
};

void xa_harvest_done(struct xa_harvest *harvest);
#define _cleanup_xa_harvest_ XA_CLEANUP(xa_harvest_done)

/* Ends the epoch and reads it. 0 or -errno. */
int xa_lab_collect(struct xa_lab *lab, uint8_t slot, struct xa_harvest *ret_harvest);

/* Keeps the calling thread on one CPU: the n-th of those that the process may use, or the last; and
 * lets it go again. 0 or -errno. */
int xa_lab_pin(unsigned n);
int xa_lab_unpin(void);
