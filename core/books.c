/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Three modules that are always made, used and closed together. */

#include "core/books.h"

#include <string.h>

static struct xa_table_limits limits_of(const struct xa_config *config)
{
	return (struct xa_table_limits){
		.max = config->flows.max,
		.idle_ticks = xa_tick(config->flows.idle_timeout_ns),
		.active_ticks = xa_tick(config->flows.active_timeout_ns),
	};
}

uint64_t xa_books_memory_bytes(const struct xa_config *config)
{
	const uint32_t max = config->flows.max;
	uint64_t marks = config->policy.stage_count ? xa_table_marks_bytes(max) : 0;

	return xa_table_memory_bytes(max) + xa_rows_memory_bytes(max) + marks;
}

int xa_books_open(struct xa_books *books, const struct xa_config *config)
{
	struct xa_table_limits limits = limits_of(config);
	int error = xa_ledger_new(&books->ledger);

	if (!error)
		error = xa_table_new(&books->table, &limits, books->ledger);
	if (!error)
		error = xa_rows_new(&books->rows, limits.max);
	return error;
}

void xa_books_close(struct xa_books *books)
{
	xa_rows_free(books->rows);
	xa_table_free(books->table);
	xa_ledger_free(books->ledger);
}

void xa_books_configure(struct xa_books *books, const struct xa_config *config)
{
	struct xa_table_limits limits = limits_of(config);

	xa_table_set_limits(books->table, &limits);
}

/* What of a key has no label. An address tells its family. */
static struct xa_flow_key6 untold_of(unsigned labels)
{
	struct xa_flow_key6 untold = {0};

	if (!(labels & 1U << XA_LABEL_SRC))
		memset(untold.saddr, 0xff, sizeof(untold.saddr));
	if (!(labels & 1U << XA_LABEL_DST))
		memset(untold.daddr, 0xff, sizeof(untold.daddr));
	if (!(labels & (1U << XA_LABEL_SRC | 1U << XA_LABEL_DST)))
		untold.tail.tag = XA_TAG_IPV6;
	if (!(labels & 1U << XA_LABEL_PROTO))
		untold.tail.proto = UINT8_MAX;
	if (!(labels & 1U << XA_LABEL_SPORT))
		untold.tail.sport = UINT16_MAX;
	if (!(labels & 1U << XA_LABEL_DPORT))
		untold.tail.dport = UINT16_MAX;
	return untold;
}

/* The first that has flows: the only one where no label has to tell it. */
static uint8_t first_slot(const struct xa_table *table)
{
	for (unsigned slot = 0; slot < XA_SLOTS; slot++)
		if (xa_table_slot_count(table, (uint8_t)slot))
			return (uint8_t)slot;
	return XA_SLOT_UNKNOWN;
}

void xa_books_rank(struct xa_books *books, uint32_t now_tick, const struct xa_judgement *judgement,
		   struct xa_topk *top, struct xa_traffic *traffic)
{
	const struct xa_config *config = traffic->config;
	struct xa_ranking ranking = {
		.now_tick = now_tick,
		.min_rate = config->metrics.min_rate,
		.age_min_ns = config->poll_interval_ns,
		.untold = untold_of(config->metrics.labels),
		.fold_ports = config->metrics.fold_ports,
		.fold_port_count = config->metrics.fold_port_count,
		.judgement = judgement,
	};

	traffic->ledger = books->ledger;
	traffic->lives = xa_table_lives(books->table);
	traffic->interface_label = xa_wants_interface_label(config, books->table);
	traffic->sole_slot = first_slot(books->table);
	ranking.interface_label = traffic->interface_label;
	traffic->totals = xa_rows_rank(books->rows, books->table, &ranking, top, &traffic->hidden);
	traffic->top = xa_topk_sorted(top, &traffic->top_count);
}
