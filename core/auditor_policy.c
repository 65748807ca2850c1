/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Hooks of the policy as lines of the log, its state as plain words. */

#include "core/auditor_policy.h"

#include "core/auditor_log.h"
#include "core/base/log.h"
#include "core/trial.h"

static void log_words(void *ctx, const char *title, enum xa_plugin_log_level level,
		      const char *text)
{
	static const enum xa_log_level levels[] = {
		[XA_PLUGIN_LOG_ERROR] = XA_LOG_ERROR,
		[XA_PLUGIN_LOG_WARN] = XA_LOG_WARN,
		[XA_PLUGIN_LOG_INFO] = XA_LOG_INFO,
		[XA_PLUGIN_LOG_DEBUG] = XA_LOG_DEBUG,
	};

	(void)ctx;
	xa_log(levels[level], "%s says: %s", title, text);
}

static void log_failed(void *ctx, const char *title, enum xa_plugin_cause cause,
		       const struct xa_report *report)
{
	(void)ctx;
	if (report->file[0])
		xa_log_warn("stage %s failed cause=%s, ignoring: %s:%u: %s", title,
			    xa_cause_names[cause], report->file, report->line, report->text);
	else
		xa_log_warn("stage %s failed cause=%s, ignoring: %s", title, xa_cause_names[cause],
			    report->text);
}

static void log_disabled(void *ctx, const char *title, enum xa_plugin_cause cause, unsigned in_row)
{
	(void)ctx;
	xa_log_error("stage %s failed %u time%s in a row cause=%s: left out until its file or the "
		     "config changes",
		     title, in_row, in_row == 1 ? "" : "s", xa_cause_names[cause]);
}

static void log_enabled(void *ctx, const char *title)
{
	(void)ctx;
	xa_log_info("stage %s is tried again: its file has changed", title);
}

static void log_lost(void *ctx, const char *text)
{
	(void)ctx;
	xa_log_warn("policy worker lost, starting another: %s", text);
}

const struct xa_policy_hooks xa_policy_loggers = {
	.log = log_words,
	.failed = log_failed,
	.disabled = log_disabled,
	.enabled = log_enabled,
	.lost = log_lost,
};

int xa_policy_load(struct xa_policy **ret, const struct xa_config *config)
{
	struct xa_whys whys = {0};
	int error = xa_trial_run(config, &(struct xa_policy_hooks){0}, &whys);

	if (!error)
		error = xa_policy_new(ret, config, config->flows.max, &xa_policy_loggers, &whys);
	if (error)
		xa_log_whys(&whys);
	return error;
}

struct xa_self_policy xa_policy_tell(const struct xa_policy *policy, struct xa_self_stage *stages)
{
	size_t count = xa_policy_stage_count(policy);

	for (size_t i = 0; i < count; i++) {
		const struct xa_stage_state *state = xa_policy_stage(policy, i);

		stages[i] = (struct xa_self_stage){
			.title = state->title,
			.disabled = state->disabled,
			.errors = state->errors,
			.file = state->last.file,
			.line = state->last.line,
			.complaint = state->last.text,
			.duration_ns = state->duration_ns,
		};
	}
	return (struct xa_self_policy){
		.stages = stages,
		.stage_count = count,
		.cause_names = xa_cause_names,
		.durations = xa_policy_durations(policy),
		.bounds = &xa_policy_bounds,
		.samples_refused = xa_policy_samples_refused(policy),
		.restarts = xa_policy_restarts(policy),
	};
}
