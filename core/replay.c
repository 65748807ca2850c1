/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Time is the capture's: flows expire by its clock, looked at once a poll interval of it. */

#include "core/replay.h"

#include "core/books.h"
#include "core/source/pcap.h"

#define SLOT 1

struct replay {
	const struct xa_config *config;
	struct xa_books books;
	struct xa_topk *top;
	uint64_t now_ns;
	uint64_t next_sweep_ns;
};

static void replay_done(struct replay *replay)
{
	xa_topk_free(replay->top);
	xa_books_close(&replay->books);
}

static int replay_init(struct replay *replay)
{
	const struct xa_config *config = replay->config;
	int error = xa_books_open(&replay->books, config);

	if (!error)
		error = xa_ledger_open(replay->books.ledger, SLOT);
	if (!error)
		error = xa_topk_new(&replay->top, config->top_k,
				    config->flows.rank_by == XA_RANK_BYTES);
	return error;
}

static void replay_packet(struct replay *replay, const struct xa_pcap_packet *packet)
{
	struct xa_count one = {1, packet->bytes};

	/* packets of a capture may be out of order; its clock goes forward */
	if (packet->time_ns > replay->now_ns)
		replay->now_ns = packet->time_ns;
	if (replay->now_ns >= replay->next_sweep_ns) {
		(void)xa_table_sweep(replay->books.table, xa_tick(replay->now_ns), NULL, NULL);
		replay->next_sweep_ns = replay->now_ns + replay->config->poll_interval_ns;
	}
	xa_ledger_add_seen(replay->books.ledger, SLOT, one);
	if (packet->class == XA_CLASS_FLOW)
		xa_table_add(replay->books.table, &packet->reading, xa_tick(replay->now_ns));
	else
		xa_ledger_add_reason(replay->books.ledger, SLOT, packet->class, one);
}

static int replay_render(struct replay *replay, struct xa_buf *buf)
{
	const char *names[XA_SLOTS] = {[SLOT] = "replay"};
	struct xa_exposition expo = {.buf = buf};
	struct xa_traffic traffic = {
		.config = replay->config,
		.slot_names = names,
	};
	struct xa_left_out left_out;

	xa_books_rank(&replay->books, xa_tick(replay->now_ns), NULL, replay->top, &traffic);
	xa_render_traffic(&expo, &traffic, &left_out);
	return xa_buf_failed(buf) ? -ENOMEM : 0;
}

int xa_replay(const struct xa_config *config, const char *capture, struct xa_buf *buf,
	      struct xa_why *ret_why)
{
	XA_CLEANUP(replay_done) struct replay replay = {.config = config};
	_cleanup_xa_pcap_ struct xa_pcap *pcap = NULL;
	struct xa_pcap_packet packet;
	int status = xa_pcap_open(&pcap, capture, ret_why), error;

	if (status)
		return status;
	error = replay_init(&replay);
	if (error)
		return error;
	while ((status = xa_pcap_next(pcap, SLOT, &packet, ret_why)) > 0)
		replay_packet(&replay, &packet);
	error = replay_render(&replay, buf);
	return error ? error : status;
}
