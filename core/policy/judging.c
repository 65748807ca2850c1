/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A snapshot is judged in steps; the first that fails leaves it without annotations, and the next
 * snapshot with a worker that was started anew. */

#include "core/policy/policy.h"

#include <string.h>

static bool is_any_enabled(const struct xa_policy *policy)
{
	for (size_t i = 0; i < policy->stage_count; i++)
		if (!policy->blames[i].state.disabled)
			return true;
	return false;
}

static bool are_all_enabled(const struct xa_policy *policy)
{
	for (size_t i = 0; i < policy->stage_count; i++)
		if (policy->blames[i].state.disabled)
			return false;
	return true;
}

/* --- whose fault it is --- */

static void tell_lost(struct xa_policy *policy, const char *text)
{
	if (!policy->is_lost && policy->hooks.lost)
		policy->hooks.lost(policy->hooks.ctx, text);
	policy->is_lost = true;
}

static void blame_all(struct xa_policy *policy, const struct xa_report *report)
{
	for (size_t i = 0; i < policy->stage_count; i++)
		if (!policy->blames[i].state.disabled)
			xa_blame_fail(&policy->blames[i], &policy->hooks, report);
}

/* Stages that did not open. Whether there was any. */
static bool blame_refused(struct xa_policy *policy)
{
	bool any = false;

	for (size_t i = 0; i < policy->stage_count; i++) {
		struct xa_blame *blame = &policy->blames[i];
		struct xa_report report;

		if (blame->state.disabled)
			continue;
		if (!xa_policy_report(policy, i, &report)) {
			if (!blame->why.failed)
				continue;
			report = blame->why;
		}
		xa_blame_fail(blame, &policy->hooks, &report);
		any = true;
	}
	return any;
}

/* Without a stage in sight that was at work, each may have been it; none was, if there was no
 * work to do, or if somebody else has killed the worker. */
static void blame_end(struct xa_policy *policy, const struct xa_end *end, bool was_idle)
{
	if (end->is_known)
		xa_blame_fail(&policy->blames[end->stage], &policy->hooks, &end->report);
	else if (was_idle || end->was_killed)
		tell_lost(policy, end->report.text);
	else
		blame_all(policy, &end->report);
}

/* --- a worker that is ready --- */

static void start_anew(struct xa_policy *policy)
{
	char text[XA_POLICY_TEXT_BYTES];
	int r;

	if (!is_any_enabled(policy))
		return;
	policy->restarts++;
	r = xa_policy_start(policy, NULL);
	if (!r)
		return;
	(void)snprintf(text, sizeof(text), "cannot start the policy worker: %s", strerror(-r));
	tell_lost(policy, text);
}

static void lose(struct xa_policy *policy, int error, bool was_idle)
{
	const bool was_refused = error == -ECONNREFUSED && blame_refused(policy);
	struct xa_end end;

	xa_policy_end(policy, error, &end);
	/* gauges that came before it was found out */
	xa_families_begin(policy->families);
	if (!was_refused)
		blame_end(policy, &end, was_idle);
	start_anew(policy);
}

static void drop(struct xa_policy *policy)
{
	xa_child_done(&policy->child);
	policy->is_open = false;
}

/* A schema that has changed cannot be taken: the families and labels are those of the config. */
static bool adopt_schema(struct xa_policy *policy)
{
	bool disabled[XA_POLICY_STAGES_MAX] = {0};
	uint32_t stage;

	for (size_t i = 0; i < policy->stage_count; i++)
		disabled[i] = policy->blames[i].state.disabled;
	if (xa_schema_copy(&policy->later, policy->child.region.bytes, policy->stage_count, NULL)) {
		lose(policy, -EBADMSG, false);
		return false;
	}
	if (!xa_schema_find_places(&policy->places, &policy->first, policy->families,
				   &policy->later, disabled, &stage)) {
		xa_annotations_set_columns(policy->annotations, policy->places.columns);
		return true;
	}
	xa_blame_failf(&policy->blames[stage], &policy->hooks, XA_PLUGIN_INVALID,
		       "labels or metrics are declared that were not, or not any more: reload the "
		       "configuration to take them over");
	xa_blame_disable(&policy->blames[stage], &policy->hooks, XA_PLUGIN_INVALID);
	drop(policy);
	start_anew(policy);
	return false;
}

/* What stages said while they opened may fill the socket; whoever is late has that long to let the
 * answer follow. */
#define LAST_WORDS_NS (50 * XA_NS_PER_MS)

static bool has_opened(struct xa_policy *policy)
{
	const uint64_t now_ns = xa_now_ns();
	const bool is_last = now_ns >= policy->child.started_ns + XA_POLICY_OPEN_NS;
	int r;

	r = xa_policy_hear(policy, XA_ANSWER_OPENED, is_last ? now_ns + LAST_WORDS_NS : 0, NULL);
	if (r == -ETIMEDOUT && !is_last)
		return false;
	if (r) {
		lose(policy, r, false);
		return false;
	}
	policy->is_open = adopt_schema(policy);
	return policy->is_open;
}

/* Nothing was asked, so nothing is to be heard but late lines for the log. */
static bool is_alive(struct xa_policy *policy)
{
	const int r = xa_policy_hear(policy, XA_ANSWER_DONE, 0, NULL);

	if (r == -ETIMEDOUT)
		return true;
	lose(policy, r ? r : -EBADMSG, true);
	return false;
}

static bool is_ready(struct xa_policy *policy)
{
	if (!policy->child.pid) {
		start_anew(policy);
		return false;
	}
	return policy->is_open ? is_alive(policy) : has_opened(policy);
}

/* --- a snapshot --- */

static void begin(struct xa_policy *policy)
{
	bool any = false;

	xa_families_begin(policy->families);
	xa_annotations_none(policy->annotations);
	for (size_t i = 0; i < policy->stage_count; i++) {
		policy->blames[i].failed = false;
		any |= xa_blame_enable(&policy->blames[i], &policy->hooks);
	}
	if (any)
		drop(policy);
}

/* -EAGAIN without `wait`, while there is time left. */
static int hear_done(struct xa_policy *policy, bool wait)
{
	const uint64_t until_ns = policy->asked_ns + policy->config->policy.deadline_ns;
	const bool is_late = xa_now_ns() >= until_ns;
	uint64_t took_ns;
	int r;

	r = xa_policy_hear(policy, XA_ANSWER_DONE, wait ? until_ns : 0, NULL);
	if (r == -ETIMEDOUT && !wait && !is_late)
		return -EAGAIN;
	took_ns = xa_now_ns() - policy->asked_ns;
	xa_histogram_observe(&policy->durations, &xa_policy_bounds, took_ns);
	return r ? r : xa_policy_take(policy, took_ns);
}

/* Whether every stage that ran did its work. */
static bool settle(struct xa_policy *policy)
{
	bool all_worked = true, restart = false;

	policy->is_lost = false;
	for (size_t i = 0; i < policy->stage_count; i++) {
		struct xa_blame *blame = &policy->blames[i];

		if (blame->failed) {
			all_worked = false;
			restart |= blame->state.disabled;
		} else if (!blame->state.disabled) {
			xa_blame_clear(blame);
		}
	}
	if (restart) {
		drop(policy);
		start_anew(policy);
	}
	return all_worked;
}

static int answered(struct xa_policy *policy, bool wait)
{
	int r;

	r = hear_done(policy, wait);
	if (r == -EAGAIN)
		return r;
	if (r) {
		lose(policy, r, false);
		return -EIO;
	}
	return settle(policy) && are_all_enabled(policy) ? 0 : -EIO;
}

bool xa_policy_ask(struct xa_policy *policy)
{
	int r;

	begin(policy);
	if (!is_any_enabled(policy) || !is_ready(policy))
		return false;
	policy->asked_ns = xa_now_ns();
	r = xa_policy_order(policy, XA_ORDER_RUN);
	if (r)
		lose(policy, r, false);
	return !r;
}

int xa_policy_answered(struct xa_policy *policy)
{
	return answered(policy, false);
}

bool xa_policy_judge(struct xa_policy *policy)
{
	if (!policy->stage_count)
		return true;
	return xa_policy_ask(policy) && !answered(policy, true);
}
