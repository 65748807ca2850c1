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

int xa_poll_collect(struct xa_poll *poll, struct xa_xdp *xdp, struct xa_books *books)
{
	struct booking booking = {.table = books->table};
	struct xa_sink sink = {&booking, take_readings};
	unsigned side;
	int error = xa_xdp_swap(xdp, &side);

	if (error)
		return error;
	poll->swaps_ns[1] = poll->swaps_ns[0];
	poll->swaps_ns[0] = xa_now_ns();
	poll->now_tick = xa_tick(poll->swaps_ns[0]);
	booking.read = (struct xa_table_read){
		.side = side,
		.now_tick = poll->now_tick,
		.tight = is_tight(&poll->side_fills[side], xa_xdp_capacity(xdp)),
	};
	error = xa_xdp_read_tally(xdp, side, books->ledger);
	if (!error)
		error = xa_xdp_drain(xdp, side, &sink, &poll->fill);
	if (!error)
		poll->side_fills[side] = poll->fill;
	return error;
}

bool xa_poll_is_slot_free(const struct xa_poll *poll, const struct xa_books *books, uint8_t slot,
			  uint64_t detached_since_ns)
{
	return detached_since_ns < poll->swaps_ns[1] && !xa_table_slot_count(books->table, slot);
}
