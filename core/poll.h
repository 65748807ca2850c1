/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * One epoch's end: the sides are swapped, and what the still one holds is booked. Loop thread only.
 */

#include "core/books.h"
#include "core/source/xdp.h"

/* Zero it before the first use. */
struct xa_poll {
	struct xa_xdp_fill fill; /* of the side that was read last */
	uint32_t now_tick; /* of that read */
	struct xa_xdp_fill side_fills[XA_SIDES];
	uint64_t read_ns[XA_SIDES]; /* when the epoch ended that was read last of each side */
	unsigned side; /* the still one */
	uint64_t swapped_ns; /* since when it is */
	bool unread; /* and has not been read to its end */
};

/*
 * Ends the epoch and books the packets of the one before: seen, reasons and flows of the same
 * moment. 0, or -errno; then the next call reads the same side again, and finds what was not
 * booked.
 */
int xa_poll_collect(struct xa_poll *poll, struct xa_xdp *xdp, struct xa_books *books);

/* Whether no flow refers to the slot and both sides' tallies were read since `detached_since_ns`.
 */
bool xa_poll_is_slot_free(const struct xa_poll *poll, const struct xa_books *books, uint8_t slot,
			  uint64_t detached_since_ns);
