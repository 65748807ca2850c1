/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Swap, tally, drain: in this order, because only a side that nobody writes to is consistent. */

#include "core/poll.h"

/* A side is tight from seven eighths of its capacity on. */
static bool is_tight(const struct xa_xdp_fill *fill, uint32_t capacity)
{
	uint32_t mark = capacity - capacity / 8;

	return fill->entries[XA_IPV4] > mark || fill->entries[XA_IPV6] > mark;
}

struct booking {
	struct xa_table *table;
	struct xa_table_read read;
};

static void take_readings(void *ctx, const struct xa_reading *readings, size_t count,
			  bool *ret_forget)
{
	struct booking *booking = ctx;

	xa_table_apply(booking->table, &booking->read, readings, count, ret_forget);
}

static void forget_readings(void *ctx, const struct xa_reading *readings, size_t count,
			    const bool *forgotten)
{
	struct booking *booking = ctx;

	xa_table_forget(booking->table, booking->read.side, readings, count, forgotten);
}

/* A side that could not be read to its end stays the one to read: the other is not touched before.
 */
static int still_side(struct xa_poll *poll, struct xa_xdp *xdp)
{
	int error;

	if (poll->unread)
		return 0;
	error = xa_xdp_swap(xdp, &poll->side);
	if (error)
		return error;
	poll->unread = true;
	poll->swapped_ns = xa_now_ns();
	return 0;
}

int xa_poll_collect(struct xa_poll *poll, struct xa_xdp *xdp, struct xa_books *books)
{
	struct booking booking = {.table = books->table};
	struct xa_sink sink = {&booking, take_readings, forget_readings};
	int error = still_side(poll, xdp);

	if (error)
		return error;
	poll->now_tick = xa_tick(poll->swapped_ns);
	booking.read = (struct xa_table_read){
		.side = poll->side,
		.now_tick = poll->now_tick,
		.tight = is_tight(&poll->side_fills[poll->side], xa_xdp_capacity(xdp)),
	};
	error = xa_xdp_read_tally(xdp, poll->side, books->ledger);
	if (!error)
		error = xa_xdp_drain(xdp, poll->side, poll->now_tick, &sink, &poll->fill);
	if (error)
		return error;
	poll->unread = false;
	poll->side_fills[poll->side] = poll->fill;
	poll->read_ns[poll->side] = poll->swapped_ns;
	return 0;
}

bool xa_poll_is_slot_free(const struct xa_poll *poll, const struct xa_books *books, uint8_t slot,
			  uint64_t detached_since_ns)
{
	return detached_since_ns < poll->read_ns[0] && detached_since_ns < poll->read_ns[1] &&
	       !xa_table_slot_count(books->table, slot);
}
