/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Sends packets to an XDP program by BPF_PROG_TEST_RUN, each of another flow, on the CPU that the
 * caller runs on. Also keeps the programs that netflow_filter is held against.
 */

#include "core/flow/flow.h"

struct sender;

enum sender_program {
	SENDER_EMPTY,
	SENDER_REFERENCE4,
	SENDER_REFERENCE6,
};

enum sender_order {
	SENDER_IN_ORDER, /* fills a map: flow after flow */
	SENDER_FAR_APART, /* no flow is near the one before: nothing is in a cache but by size */
};

struct sending {
	enum xa_family family;
	enum sender_order order;
	uint32_t flows; /* a power of two */
	uint32_t packets;
};

/* `entries`: of the references' maps. 0 or -errno. */
int sender_new(struct sender **ret, uint32_t entries);
void sender_free(struct sender *sender);
XA_DEFINE_CLEANUP(sender)
#define _cleanup_sender_ XA_CLEANUP(sender_cleanup)

/* Borrowed. */
int sender_program_fd(const struct sender *sender, enum sender_program program);

/* Whom the next packets go to. */
int sender_aim(const struct sender *sender, int program_fd);

/* *ret_ns: CPU time a packet, the sender's own included. Two threads may send at the same time,
 * pinned to different CPUs. */
int sender_send(const struct sender *sender, const struct sending *sending, double *ret_ns);

/* CPU time of the empty program alone, without the sender: what TEST_RUN itself costs. */
int sender_canary(const struct sender *sender, double *ret_ns);

/*
 * What the program costs: with the sender, minus the empty program with the sender, plus the empty
 * program without it.
 */
int sender_cost(const struct sender *sender, int program_fd, const struct sending *sending,
		double *ret_ns);

/* L2 bytes of each packet. */
uint32_t sender_frame_bytes(enum xa_family family);
