/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A worker of its own for each test: nothing of one test is there in the next. */

#include "core/rule_test.h"

#include <inttypes.h>
#include <string.h>

#include "core/policy/supervisor.h"
#include "core/rule_file.h"
#include "core/rule_sample.h"

/* Far beyond what a test takes, so that a busy machine fails none. */
#define DEADLINE_NS (5 * XA_NS_PER_S)

/* One test that runs, and what came of its last snapshot. */
struct run {
	const struct xa_rule_file *file;
	const struct xa_rule_case *test;
	struct xa_policy *policy;
	uint64_t errors[XA_POLICY_STAGES_MAX][XA_PLUGIN_CAUSE_COUNT_]; /* before it */
	struct xa_buf texts; /* each ended by a NUL: labels, samples, complaints */
	bool *hidden;
	struct xa_rule_complaint complaints[XA_POLICY_STAGES_MAX * XA_PLUGIN_CAUSE_COUNT_ + 1];
	size_t complaint_count;
};

static void run_done(struct run *run)
{
	xa_policy_free(run->policy);
	xa_buf_done(&run->texts);
	free(run->hidden);
}

static void log_line(void *ctx, const char *title, enum xa_plugin_log_level level, const char *text)
{
	static const char *const levels[] = {
		[XA_PLUGIN_LOG_ERROR] = "error",
		[XA_PLUGIN_LOG_WARN] = "warn",
		[XA_PLUGIN_LOG_INFO] = "info",
		[XA_PLUGIN_LOG_DEBUG] = "debug",
	};

	xa_buf_addf(ctx, "%s: %s: ", title, levels[level]);
	xa_shown_add(text, ctx);
	xa_buf_adds(ctx, "\n");
}

static void write_snapshot(const struct run *run, const struct xa_rule_snapshot *snapshot)
{
	struct xa_snapshot_head *head = xa_policy_head(run->policy);
	struct xa_plugin_flow *flows = xa_policy_flows(run->policy);
	const struct xa_rule_interfaces *interfaces = &run->file->interfaces;

	*head = (struct xa_snapshot_head){
		.count = snapshot->flows.count,
		.now_ns = snapshot->flows.now_ns,
		.interval_ns = snapshot->interval_ns,
	};
	for (size_t i = 1; i <= interfaces->count; i++)
		(void)snprintf(head->interfaces[i], sizeof(head->interfaces[i]), "%s",
			       interfaces->names[i]);
	for (size_t i = 0; i < snapshot->flows.count; i++) {
		flows[i] = snapshot->flows.flows[i].flow;
		head->packets += flows[i].packets;
		head->bytes += flows[i].bytes;
	}
}

/* What came of it */

static void add_flow_labels(const struct run *run, uint32_t handle, struct xa_buf *buf)
{
	const struct xa_annotations *annotations = xa_policy_annotations(run->policy);
	struct xa_rule_labels labels = {0};

	for (size_t i = 0; i < xa_annotations_label_count(annotations); i++) {
		const char *value = xa_annotations_label(annotations, handle, i);

		if (value)
			(void)xa_rule_labels_add(&labels, xa_annotations_label_name(annotations, i),
						 value);
	}
	xa_rule_labels_format(&labels, buf);
	xa_buf_add(buf, "", 1);
}

static int collect_flows(struct run *run, const struct xa_rule_flows *flows)
{
	const struct xa_annotations *annotations = xa_policy_annotations(run->policy);

	free(run->hidden);
	run->hidden = calloc(flows->count + 1, sizeof(*run->hidden));
	if (!run->hidden)
		return -ENOMEM;
	for (size_t i = 0; i < flows->count; i++) {
		const uint32_t handle = flows->flows[i].flow.handle;

		add_flow_labels(run, handle, &run->texts);
		run->hidden[i] = xa_annotations_is_hidden(annotations, handle);
	}
	return 0;
}

/* Each line of the page that is no comment, in the spelling of tests. */
static int collect_samples(struct run *run, size_t *ret_count)
{
	_cleanup_xa_buf_ struct xa_buf page = {0};
	struct xa_exposition expo = {.buf = &page};
	char *save = NULL;
	int r = 0;

	*ret_count = 0;
	xa_families_render(xa_policy_families(run->policy), &expo, SIZE_MAX);
	if (xa_buf_failed(&page))
		return -ENOMEM;
	for (char *line = page.text ? strtok_r(page.text, "\n", &save) : NULL; !r && line;
	     line = strtok_r(NULL, "\n", &save)) {
		const char *fault;

		if (*line == '#')
			continue;
		r = xa_rule_sample_format(line, &run->texts, &fault);
		xa_buf_add(&run->texts, "", 1);
		++*ret_count;
	}
	return r;
}

static void add_complaint(struct run *run, const struct xa_report *report)
{
	if (report->file[0])
		xa_buf_addf(&run->texts, "%s:", report->file);
	if (report->file[0] && report->line)
		xa_buf_addf(&run->texts, "%" PRIu32 ":", report->line);
	xa_buf_addf(&run->texts, "%s%s", report->file[0] ? " " : "", report->text);
	xa_buf_add(&run->texts, "", 1);
}

/* Such as one that failed too often before and is left out now. */
static void complain_of_all(struct run *run)
{
	static const char text[] = "not every stage judged this snapshot";

	run->complaints[run->complaint_count++] = (struct xa_rule_complaint){
		.stage = "policy", .cause = xa_cause_names[XA_PLUGIN_ERROR]};
	xa_buf_add(&run->texts, text, sizeof(text));
}

static void collect_complaints(struct run *run, bool judged)
{
	run->complaint_count = 0;
	for (size_t i = 0; i < xa_policy_stage_count(run->policy); i++) {
		const struct xa_stage_state *state = xa_policy_stage(run->policy, i);

		for (size_t cause = 0; cause < XA_PLUGIN_CAUSE_COUNT_; cause++) {
			if (state->errors[cause] == run->errors[i][cause])
				continue;
			run->errors[i][cause] = state->errors[cause];
			run->complaints[run->complaint_count++] = (struct xa_rule_complaint){
				.stage = state->title, .cause = xa_cause_names[cause]};
			add_complaint(run, &state->last);
		}
	}
	if (!judged && !run->complaint_count)
		complain_of_all(run);
}

/* The texts, one after the other, from `at` on. */
static const char *point(const char **texts, size_t count, const char *at)
{
	for (size_t i = 0; i < count; i++) {
		texts[i] = at;
		at += strlen(at) + 1;
	}
	return at;
}

static int compare(struct run *run, const struct xa_rule_snapshot *snapshot,
		   struct xa_plugin_flow *flows, size_t sample_count, struct xa_buf *ret_text)
{
	const size_t count = snapshot->flows.count;
	_cleanup_free_ const char **labels = calloc(count + 1, sizeof(*labels));
	_cleanup_free_ const char **samples = calloc(sample_count + 1, sizeof(*samples));
	const struct xa_rule_outcome outcome = {
		.flows = flows,
		.flow_count = count,
		.labels = labels,
		.hidden = run->hidden,
		.metrics = samples,
		.metric_count = sample_count,
		.complaints = run->complaints,
		.complaint_count = run->complaint_count,
	};
	const char *at = run->texts.text;

	if (!labels || !samples || xa_buf_failed(&run->texts))
		return -ENOMEM;
	at = point(labels, count, at);
	at = point(samples, sample_count, at);
	for (size_t i = 0; i < run->complaint_count; i++)
		at = point(&run->complaints[i].text, 1, at);
	xa_rule_sort(samples, sample_count);
	xa_rule_compare(&snapshot->expect, &outcome, ret_text);
	return 0;
}

static int judge(struct run *run, const struct xa_rule_snapshot *snapshot, struct xa_buf *ret_text)
{
	size_t samples = 0;
	bool judged;
	int r;

	write_snapshot(run, snapshot);
	judged = xa_policy_judge(run->policy);
	xa_buf_reset(&run->texts);
	r = collect_flows(run, &snapshot->flows);
	if (!r)
		r = collect_samples(run, &samples);
	collect_complaints(run, judged);
	return r ? r : compare(run, snapshot, xa_policy_flows(run->policy), samples, ret_text);
}

/* The tests */

static int run_snapshots(struct run *run, struct xa_buf *ret_text)
{
	_cleanup_xa_buf_ struct xa_buf text = {0};
	int r = 0;

	for (size_t i = 0; !r && i < run->test->snapshot_count; i++) {
		const struct xa_rule_snapshot *snapshot = &run->test->snapshots[i];

		xa_buf_reset(&text);
		r = judge(run, snapshot, &text);
		if (text.len)
			xa_buf_addf(ret_text, "  snapshot %zu, line %u\n%s", i + 1,
				    snapshot->place->line, text.text);
		if (xa_buf_failed(&text))
			r = -ENOMEM;
	}
	return r;
}

/* Lines as they are safe on a terminal. */
static void add_shown(char *text, struct xa_buf *buf)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		xa_shown_add(line, buf);
		xa_buf_adds(buf, "\n");
	}
}

static void report_failure(const struct xa_rule_case *test, char *text, struct xa_buf *buf)
{
	xa_buf_adds(buf, "FAIL ");
	xa_shown_add(test->place->file, buf);
	xa_buf_addf(buf, ":%u: ", test->place->line);
	xa_shown_add(test->name, buf);
	xa_buf_adds(buf, "\n");
	add_shown(text, buf);
}

static int run_test(const struct xa_rule_file *file, const struct xa_rule_case *test,
		    struct xa_buf *buf, struct xa_rule_tally *tally, struct xa_whys *whys)
{
	XA_CLEANUP(run_done) struct run run = {.file = file, .test = test};
	_cleanup_xa_buf_ struct xa_buf text = {0};
	const struct xa_policy_hooks hooks = {.ctx = buf, .log = log_line};
	int r = xa_policy_new(&run.policy, file->config, test->handles ? test->handles : 1, &hooks,
			      whys);

	if (!r)
		r = run_snapshots(&run, &text);
	if (r || xa_buf_failed(&text))
		return r ? r : -ENOMEM;
	if (text.len)
		report_failure(test, text.text, buf);
	tally->failed += text.len > 0;
	tally->passed += text.len == 0;
	return 0;
}

int xa_rule_test(const char *path, struct xa_buf *buf, struct xa_rule_tally *tally,
		 struct xa_whys *ret_whys)
{
	_cleanup_xa_rule_file_ struct xa_rule_file file = {0};
	int r = xa_rule_file_load(&file, path, ret_whys);

	if (r)
		return r;
	file.config->policy.deadline_ns = DEADLINE_NS;
	for (size_t i = 0; !r && i < file.case_count; i++)
		r = run_test(&file, &file.cases[i], buf, tally, ret_whys);
	if (!r && xa_buf_failed(buf))
		r = -ENOMEM;
	return r;
}
