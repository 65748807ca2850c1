/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The living flows. A source reads one side of the kernel's maps and gives the table what stands
 * there; the table finds out what is new since that side was read last, adds it to the flow and to
 * the ledger.
 *
 * Entries of the kernel's maps stand for as long as a flow lives, because a hit costs less than an
 * insert. So the table remembers per flow and side what it has read, and says which entries may be
 * forgotten. An entry that stands in the kernel has its flow in the table: always. A flow that
 * idles loses its entries side by side, and leaves the table when it has none left and its time is
 * over.
 *
 * All memory is reserved by xa_table_new(); untouched pages cost nothing. Loop thread only.
 */

#include "core/flow/ledger.h"
#include "core/flow/lives.h"

struct xa_flow {
	struct xa_flow_key6 key;
	uint64_t packets; /* since the flow began */
	uint64_t bytes;
	union {
		/* in a table: what was read last of each side's entry; 0: no entry */
		struct xa_count standing[XA_SIDES];
		/* in a row (rows.h): the flow that it has its labels of, and their hash */
		struct {
			uint32_t handle;
			uint32_t labels;
		};
	};
	uint32_t first_tick;
	uint32_t last_tick;
	uint8_t tcp_flags;
	uint8_t tos;
	uint8_t ttl_min;
	uint8_t ttl_max;
	uint16_t len_min;
	uint16_t len_max;
};

/* How long a flow lives. Ticks as in flow_abi.h. */
struct xa_table_limits {
	uint32_t max; /* flows at most, those that wait for their last entry to go included */
	uint32_t idle_ticks; /* without a packet for as long: over */
	uint32_t active_ticks; /* after as long: over, and begins anew with the next packet; 0:
				  never */
};

/* One read of one side. */
struct xa_table_read {
	unsigned side;
	uint32_t now_tick;
	bool tight; /* the side is nearly full: forget every entry that brought nothing new */
};

/*
 * What a policy needs to know of a flow from one snapshot to the next. A flow has its handle for as
 * long as it lives, then the next one gets it; the serial tells apart those that have had it.
 */
struct xa_mark {
	uint32_t handle; /* dense: below the number of flows that there were at one time */
	uint32_t serial; /* from 1 */
	uint64_t packets; /* as of the snapshot that was written last; 0: in none so far */
	uint64_t bytes;
};

struct xa_totals {
	uint64_t flows;
	uint64_t packets;
	uint64_t bytes;
};

struct xa_table;

/* Bytes that a table of so many flows takes when it is full. */
uint64_t xa_table_memory_bytes(uint32_t max);

/* Bytes that its marks take on top of that. */
uint64_t xa_table_marks_bytes(uint32_t max);

/* 0 or -ENOMEM. Borrows the ledger for its life. */
int xa_table_new(struct xa_table **ret, const struct xa_table_limits *limits,
		 struct xa_ledger *ledger);
void xa_table_free(struct xa_table *table);
XA_DEFINE_CLEANUP(xa_table)
#define _cleanup_xa_table_ XA_CLEANUP(xa_table_cleanup)

/* Lives by other timeouts from now on; `max` stays what it was. */
void xa_table_set_limits(struct xa_table *table, const struct xa_table_limits *limits);

/* Keeps marks from now on, of the flows that live already too; again is harmless. 0 or -ENOMEM. */
int xa_table_mark(struct xa_table *table);

/* The mark of a flow that is being visited, borrowed for the visit; only of a table that keeps
 * marks. */
struct xa_mark *xa_table_mark_of(struct xa_table *table, const struct xa_flow *flow);

/*
 * Takes `count` readings of entries that stand on a side which nobody writes to. Sets ret_forget[i]
 * where the source is to delete entry i from that side before the side is written to again: its
 * flow is over, or there is no room for it. Never fails.
 */
void xa_table_apply(struct xa_table *table, const struct xa_table_read *read,
		    const struct xa_reading *readings, size_t count, bool *ret_forget);

/*
 * The same readings again: where forgotten[i] is set, entry i does not stand any more. Only now is
 * it forgotten, so that an entry that could not be deleted is not counted twice. The packets of one
 * that found the table full are booked under the reason `flow_limit`. Never fails.
 */
void xa_table_forget(struct xa_table *table, unsigned side, const struct xa_reading *readings,
		     size_t count, const bool *forgotten);

/* Adds packets that stand on no side: for a source that hands over each packet once. `now_tick` is
 * the latest time that the source knows of, which the packets may be before. Never fails. */
void xa_table_add(struct xa_table *table, const struct xa_reading *reading, uint32_t now_tick);

/* Called for a flow, which it borrows for the call. */
typedef void (*xa_flow_visit)(void *ctx, const struct xa_flow *flow);

/* Retires what is over at `now_tick` and visits each living flow (`visit` may be NULL). Returns the
 * sums over the living flows. */
struct xa_totals xa_table_sweep(struct xa_table *table, uint32_t now_tick, xa_flow_visit visit,
				void *ctx);

/* Visits each living flow again, without retiring any. */
void xa_table_visit(const struct xa_table *table, xa_flow_visit visit, void *ctx);

/* How long the flows lived that a sweep retired; borrowed for the table's life. */
const struct xa_lives *xa_table_lives(const struct xa_table *table);

/* Flows in the table, those included that are over but still have an entry in the kernel. */
size_t xa_table_count(const struct xa_table *table);

/* Of those, the ones of an interface slot: a slot without any may be given to another interface. */
size_t xa_table_slot_count(const struct xa_table *table, uint8_t slot);
