/* SPDX-License-Identifier: GPL-2.0-or-later */

/* One order at a time, and one answer to it; everything else ends the worker. */

#include "core/policy/policy.h"

#include <string.h>

#include "core/policy/channel.h"
#include "core/policy/memory.h"

int xa_policy_start(struct xa_policy *policy, const struct xa_setup_stage *kept)
{
	struct xa_setup_stage stages[XA_POLICY_STAGES_MAX] = {0};
	const char *executable = policy->hooks.executable;
	_cleanup_xa_buf_ struct xa_buf setup = {0};

	for (size_t i = 0; i < policy->stage_count; i++) {
		if (kept)
			stages[i] = kept[i];
		stages[i].title = policy->blames[i].state.title;
		stages[i].disabled = policy->blames[i].state.disabled;
		policy->blames[i].why.failed = 0;
		/* one that is left out waits for a change of the files that it failed with */
		if (!stages[i].disabled)
			xa_blame_look(&policy->blames[i]);
	}
	xa_setup_write(&setup, policy->config, policy->max_flows, stages);
	if (xa_buf_failed(&setup))
		return -ENOMEM;
	memset(policy->lines, 0, sizeof(policy->lines));
	policy->is_open = false;
	return xa_child_start(&policy->child, executable ? executable : "/proc/self/exe", &setup,
			      policy->snapshot.fd, policy->layout.size);
}

int xa_policy_order(struct xa_policy *policy, enum xa_order_kind kind)
{
	memset(policy->lines, 0, sizeof(policy->lines));
	return xa_channel_send(policy->child.socket, kind, ++policy->number);
}

/* A little more than the worker lets through: here nobody is trusted to count. */
#define LINES_MAX 128

static void pass_on(struct xa_policy *policy, const struct xa_answer *answer)
{
	if (policy->lines[answer->stage]++ < LINES_MAX && policy->hooks.log)
		policy->hooks.log(policy->hooks.ctx, policy->blames[answer->stage].state.title,
				  answer->log.level, answer->log.text);
}

static void keep_why(struct xa_policy *policy, const struct xa_answer *answer, struct xa_whys *whys)
{
	const struct xa_why *why = &answer->why;
	struct xa_report *report = &policy->blames[answer->stage].why;

	if (whys) {
		xa_whys_add(whys, why->file, why->line, why->column, "%s", why->text);
		return;
	}
	*report = (struct xa_report){
		.failed = 1,
		.cause = XA_PLUGIN_ERROR,
		.line = why->line,
		.column = why->column,
	};
	(void)snprintf(report->file, sizeof(report->file), "%s", why->file);
	(void)snprintf(report->text, sizeof(report->text), "%s", why->text);
}

/* 0: it is what was wanted; -EAGAIN: there is more to hear. */
static int hear_one(struct xa_policy *policy, const struct xa_answer *answer,
		    enum xa_answer_kind wanted, struct xa_whys *whys)
{
	const bool opens = wanted == XA_ANSWER_OPENED;
	const bool names_stage = answer->kind == XA_ANSWER_LOG || answer->kind == XA_ANSWER_WHY;

	if (names_stage && answer->stage >= policy->stage_count)
		return -EBADMSG;
	if (answer->kind == XA_ANSWER_LOG) {
		pass_on(policy, answer);
		return -EAGAIN;
	}
	if (answer->kind == XA_ANSWER_WHY && opens) {
		keep_why(policy, answer, whys);
		return -EAGAIN;
	}
	if (answer->kind == XA_ANSWER_REFUSED && opens)
		return -ECONNREFUSED;
	return answer->kind == wanted && (opens || answer->number == policy->number) ? 0 : -EBADMSG;
}

/* Messages that are read after the time: as many as one that is not flooded has to say. */
#define LATE_MAX 256

int xa_policy_hear(struct xa_policy *policy, enum xa_answer_kind wanted, uint64_t until_ns,
		   struct xa_whys *whys)
{
	for (unsigned late = 0; late < LATE_MAX; late += xa_now_ns() >= until_ns) {
		struct xa_answer answer;
		int r;

		r = xa_channel_receive(policy->child.socket, until_ns, &answer);
		if (!r)
			r = hear_one(policy, &answer, wanted, whys);
		if (r != -EAGAIN)
			return r;
	}
	return -ETIMEDOUT;
}

/* --- the end --- */

static enum xa_plugin_cause cause_of(int error)
{
	switch (error) {
	case -ETIMEDOUT:
		return XA_PLUGIN_TIME;
	case -EPIPE:
		return XA_PLUGIN_CRASH;
	case -ECONNREFUSED:
		return XA_PLUGIN_ERROR;
	default:
		return XA_PLUGIN_INVALID;
	}
}

static void describe(const struct xa_policy *policy, int error, const siginfo_t *how,
		     struct xa_buf *buf)
{
	const uint64_t run_ns = policy->is_closing ? XA_POLICY_CLOSE_NS
						   : policy->config->policy.deadline_ns;
	const uint64_t allowed_ns = policy->is_open ? run_ns : XA_POLICY_OPEN_NS;

	xa_buf_adds(buf, "the policy worker ");
	if (error == -EPIPE)
		xa_child_add_end(how, buf);
	else if (error == -ETIMEDOUT)
		xa_buf_addf(buf, "took longer than %llums",
			    (unsigned long long)(allowed_ns / XA_NS_PER_MS));
	else if (error == -ECONNREFUSED)
		xa_buf_adds(buf, "refused its stages without a reason");
	else
		xa_buf_adds(buf, "broke the protocol");
}

/* Whether a stage that may be at work stands there. */
static bool read_running(const struct xa_policy *policy, size_t offset, size_t *ret_stage)
{
	uint32_t running;

	xa_copy_once(&running, (const char *)policy->child.region.bytes + offset, sizeof(running));
	if (!running || running > policy->stage_count || policy->blames[running - 1].state.disabled)
		return false;
	*ret_stage = running - 1;
	return true;
}

static void find_stage(const struct xa_policy *policy, struct xa_end *end)
{
	end->is_known = read_running(policy, offsetof(struct xa_region_head, running),
				     &end->stage) ||
			read_running(policy, policy->layout.running, &end->stage);
}

static const char *phase_of(const struct xa_policy *policy)
{
	if (policy->is_closing)
		return " while the stage was closed";
	return policy->is_open ? " while the stage ran" : " while the stage was opened";
}

/* Dead before it is looked at: what stands in the region does not change any more. */
void xa_policy_end(struct xa_policy *policy, int error, struct xa_end *ret_end)
{
	_cleanup_xa_buf_ struct xa_buf text = {0};
	struct xa_report report;
	const bool by_others = error == -EPIPE && xa_child_has_ended(&policy->child);
	siginfo_t how = {0};

	*ret_end = (struct xa_end){.report = {.failed = 1, .cause = cause_of(error)}};
	xa_child_kill(&policy->child, &how);
	ret_end->is_orderly = how.si_code == CLD_EXITED && how.si_status == EXIT_SUCCESS;
	ret_end->was_killed = by_others && how.si_code == CLD_KILLED && how.si_status == SIGKILL;
	find_stage(policy, ret_end);
	describe(policy, error, &how, &text);
	if (ret_end->is_known)
		xa_buf_adds(&text, phase_of(policy));
	if (!xa_buf_failed(&text))
		(void)snprintf(ret_end->report.text, sizeof(ret_end->report.text), "%s", text.text);
	if (error == -EPIPE && ret_end->is_known &&
	    xa_policy_report(policy, ret_end->stage, &report) && report.cause == XA_PLUGIN_MEMORY)
		ret_end->report = report;
	xa_child_done(&policy->child);
	xa_annotations_none(policy->annotations);
	policy->is_open = false;
}
