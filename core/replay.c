/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Time is the capture's: flows expire by its clock, looked at once a poll interval of it. */

#include "core/replay.h"

#include "bpf/sizes.h"
#include "config/whys.h"
#include "core/auditor_policy.h"
#include "core/source/pcap.h"

#define SLOT 1

struct replay {
	const struct xa_config *config;
	struct xa_books books;
	struct xa_topk *top;
	struct xa_policy *policy;
	uint64_t now_ns;
	uint64_t judged_ns; /* 0: never */
};

static const char *const slot_names[XA_SLOTS] = {[SLOT] = "replay"};

static void replay_done(struct replay *replay)
{
	xa_policy_free(replay->policy);
	xa_topk_free(replay->top);
	xa_books_close(&replay->books);
}

static int replay_init(struct replay *replay, struct xa_whys *whys)
{
	const struct xa_config *config = replay->config;
	int error = xa_books_open(&replay->books, config);

	if (!error)
		error = xa_ledger_open(replay->books.ledger, SLOT);
	if (!error)
		error = xa_topk_new(&replay->top, config->top_k, config->metrics.hysteresis,
				    config->flows.rank_by == XA_RANK_BYTES);
	if (!error)
		error = xa_policy_new(&replay->policy, config, config->flows.max,
				      &xa_policy_loggers, whys);
	return error ? error : xa_judge_prepare(replay->policy, &replay->books);
}

/* A snapshot of the capture's time. */
static void replay_judge(struct replay *replay)
{
	struct xa_view_time time = {
		.now_tick = xa_tick(replay->now_ns),
		.wall_ns = replay->now_ns,
		.interval_ns = replay->judged_ns ? replay->now_ns - replay->judged_ns : 0,
	};

	if (xa_policy_has_stages(replay->policy))
		xa_judge_flows(replay->policy, &replay->books, &time, slot_names);
	else
		(void)xa_table_sweep(replay->books.table, time.now_tick, NULL, NULL);
	replay->judged_ns = replay->now_ns;
}

static void replay_packet(struct replay *replay, const struct xa_pcap_packet *packet)
{
	struct xa_count one = {1, packet->bytes};

	/* packets of a capture may be out of order; its clock goes forward */
	if (packet->time_ns > replay->now_ns)
		replay->now_ns = packet->time_ns;
	if (!replay->judged_ns)
		replay->judged_ns = replay->now_ns; /* the capture begins */
	if (replay->now_ns - replay->judged_ns >= replay->config->poll_interval_ns)
		replay_judge(replay);
	xa_ledger_add_seen(replay->books.ledger, SLOT, xa_size_of(packet->bytes), one);
	if (packet->class == XA_CLASS_FLOW)
		xa_table_add(replay->books.table, &packet->reading, xa_tick(replay->now_ns));
	else
		xa_ledger_add_reason(replay->books.ledger, SLOT, packet->class, one);
}

static int replay_render(struct replay *replay, struct xa_buf *buf)
{
	struct xa_exposition expo = {.buf = buf};
	struct xa_traffic traffic = {
		.config = replay->config,
		.slot_names = slot_names,
	};
	struct xa_left_out left_out;

	replay_judge(replay);
	xa_judge_rank(replay->policy, &replay->books, xa_tick(replay->now_ns), replay->top,
		      &traffic);
	xa_render_traffic(&expo, &traffic, &left_out);
	return xa_buf_failed(buf) ? -ENOMEM : 0;
}

static int replay_run(struct replay *replay, struct xa_pcap *pcap, struct xa_buf *buf,
		      struct xa_why *why)
{
	struct xa_pcap_packet packet;
	int status, error;

	while ((status = xa_pcap_next(pcap, SLOT, &packet, why)) > 0)
		replay_packet(replay, &packet);
	error = replay_render(replay, buf);
	return error ? error : status;
}

int xa_replay(const struct xa_config *config, const char *capture, struct xa_buf *buf,
	      struct xa_whys *ret_whys)
{
	XA_CLEANUP(replay_done) struct replay replay = {.config = config};
	_cleanup_xa_pcap_ struct xa_pcap *pcap = NULL;
	struct xa_why why = {0};
	int error = xa_pcap_open(&pcap, capture, &why);

	if (!error)
		error = replay_init(&replay, ret_whys);
	if (!error)
		error = replay_run(&replay, pcap, buf, &why);
	if (error && why.text[0])
		(void)xa_whys_add(ret_whys, why.file, 0, 0, "%s", why.text);
	return error;
}
