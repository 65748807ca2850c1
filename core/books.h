/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What a config keeps of the traffic: the ledger, the living flows, and their ranking. Live traffic
 * and a capture are booked alike. Loop thread only.
 */

#include "core/render.h"

struct xa_books {
	struct xa_ledger *ledger;
	struct xa_table *table;
	struct xa_rows *rows;
};

/* Bytes that they take when flows.max flows live; marks included if there are rules. */
uint64_t xa_books_memory_bytes(const struct xa_config *config);

/* Opens all three for the config's flows.max. 0 or -errno; close them either way. */
int xa_books_open(struct xa_books *books, const struct xa_config *config);
void xa_books_close(struct xa_books *books);

/* Lives by another config's timeouts from now on; flows.max stays what it was. */
void xa_books_configure(struct xa_books *books, const struct xa_config *config);

/* Retires what is over, ranks the rest into `top` as the judgement (NULL: none) lets it, and fills
 * in what the traffic families are made of; the rows stay `top`'s. */
void xa_books_rank(struct xa_books *books, uint32_t now_tick, const struct xa_judgement *judgement,
		   struct xa_topk *top, struct xa_traffic *traffic);
