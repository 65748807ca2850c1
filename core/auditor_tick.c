/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A snapshot, from the maps to the page. */

#include "core/auditor_state.h"

#include <string.h>

#include "core/auditor_policy.h"
#include "core/base/log.h"

/* A snapshot is overdue when two in a row are missing and some time for the work has passed. */
#define STALE_INTERVALS 3
#define STALE_GRACE_NS	(5 * XA_NS_PER_S)

/* Interfaces by slot; packets of none of them show only if there were any. */
void xa_auditor_name_slots(const struct xa_auditor *auditor, const char **ret_names)
{
	const struct xa_attachment *attachments = xa_attach_list(auditor->attach);

	for (unsigned slot = 0; slot < XA_SLOTS; slot++)
		ret_names[slot] = xa_attachment_has_counted(&attachments[slot])
					  ? attachments[slot].name
					  : NULL;
	if (xa_ledger_account(auditor->books.ledger, XA_SLOT_UNKNOWN)->seen.packets)
		ret_names[XA_SLOT_UNKNOWN] = XA_INTERFACE_OTHER;
}

/* The policy's turn: it is late at most by its deadline, and packets are counted meanwhile. */
static void judge(struct xa_auditor *auditor, const char *const *names)
{
	uint64_t now_ns = xa_now_ns();
	struct xa_view_time time = {
		.now_tick = auditor->poll.now_tick,
		.wall_ns = xa_wall_ns(),
		.interval_ns = auditor->judged_ns ? now_ns - auditor->judged_ns : 0,
	};

	xa_judge_flows(auditor->running.policy, &auditor->books, &time, names);
	/* without stages it saw none: deltas go on from where the marks stand */
	if (xa_policy_has_stages(auditor->running.policy))
		auditor->judged_ns = now_ns;
	auditor->self.policy = xa_policy_tell(auditor->running.policy, auditor->stages);
}

static int publish(struct xa_auditor *auditor)
{
	const char *names[XA_SLOTS];
	struct xa_traffic traffic = {
		.config = auditor->running.config,
		.slot_names = names,
	};
	struct xa_page *page;
	int error;

	xa_auditor_name_slots(auditor, names);
	judge(auditor, names);
	xa_judge_rank(auditor->running.policy, &auditor->books, auditor->poll.now_tick,
		      auditor->running.top, &traffic);
	auditor->self.fill = auditor->poll.fill;
	auditor->self.programs = xa_xdp_programs(auditor->xdp);
	auditor->self.attachments = xa_attach_list(auditor->attach);
	auditor->self.attached = xa_attach_is_complete(auditor->attach);
	auditor->self.snapshot_time = xa_wall_seconds();
	auditor->self.stale_after_ns = xa_now_ns() + STALE_INTERVALS * auditor->self.interval_ns +
				       STALE_GRACE_NS;
	error = xa_snapshot_page(&page, &traffic, &auditor->self);
	if (error)
		return error;
	xa_board_pin(auditor->board, page);
	return 0;
}

/* CPU time of this thread: waiting for the grace period is none. */
static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * XA_NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* Interfaces without a slot are blind spots: said once for each number of them. */
void xa_auditor_check_interfaces(struct xa_auditor *auditor, bool retry)
{
	size_t slotless;

	xa_attach_check(auditor->attach, retry);
	slotless = xa_attach_slotless(auditor->attach);
	if (slotless && slotless != auditor->self.slotless)
		xa_log_error("no slot left for %zu interfaces, %d at most: their packets are not "
			     "seen",
			     slotless, XA_SLOTS - 1);
	auditor->self.slotless = slotless;
}

/* No snapshot is so dear that the next has to wait longer than poll_interval may be. */
#define INTERVAL_MAX_NS (3600 * XA_NS_PER_S)

/* The interval at which a snapshot that costs so much stays within the budget; not shorter than the
 * config's. It follows a rise at once and a fall when it is a clear one, so that the timer is not
 * set each time. */
static void pace(struct xa_auditor *auditor, uint64_t spent_ns)
{
	const struct xa_config *config = auditor->running.config;
	uint64_t wanted = spent_ns * 100 / config->flows.cpu_budget;
	uint64_t kept = auditor->self.interval_ns;

	if (wanted > INTERVAL_MAX_NS)
		wanted = INTERVAL_MAX_NS;
	if (wanted < config->poll_interval_ns)
		wanted = config->poll_interval_ns;
	else if (wanted <= kept && wanted > kept / 4 * 3)
		return;
	if (wanted != kept && !xa_loop_set_timer(&auditor->loop, wanted))
		auditor->self.interval_ns = wanted;
}

static int snapshot(struct xa_auditor *auditor)
{
	uint64_t start = xa_now_ns(), cpu_start = cpu_ns(), collected;
	int error = xa_poll_collect(&auditor->poll, auditor->xdp, &auditor->books);

	if (error)
		return error;
	/* before the page, which tells the interval: what publishing costs is taken from the last
	 */
	collected = cpu_ns();
	pace(auditor, collected - cpu_start + auditor->publish_cpu_ns);
	error = publish(auditor);
	auditor->publish_cpu_ns = cpu_ns() - collected;
	if (error)
		return error;
	auditor->self.last_poll_ns = xa_now_ns() - start;
	xa_histogram_observe(&auditor->self.poll_durations, &xa_poll_bounds,
			     auditor->self.last_poll_ns);
	return 0;
}

void xa_auditor_tick(struct xa_auditor *auditor)
{
	int error;

	xa_auditor_check_interfaces(auditor, true);
	error = snapshot(auditor);
	if (error)
		auditor->self.poll_failures++;
	if (error && error != auditor->last_tick_error)
		xa_log_error("snapshot failed error=\"%s\", keeping the last page",
			     strerror(-error));
	auditor->last_tick_error = error;
}
