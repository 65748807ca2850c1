/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The supervisor against processes: a worker that breaks the protocol in every way that
 * tests/tools/xa_bad_worker.c knows, and the real one. After each the next snapshot is judged, and
 * neither a process nor a descriptor is left.
 */

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "config/load.h"
#include "core/base/text.h"
#include "core/policy/blame.h"
#include "core/policy/supervisor.h"

#define FLOWS 1000

static const char *bad_worker, *auditor;
static struct xa_whys whys;

struct lab {
	char folder[64], lives[96], rule[96];
	struct xa_config *config;
	struct xa_policy *policy;
	size_t fds;
	unsigned logs, failures, disabled, enabled, lost;
	char last_log[XA_POLICY_LOG_BYTES], last_text[XA_POLICY_TEXT_BYTES];
};

/* --- hooks --- */

static void on_log(void *ctx, const char *title, enum xa_plugin_log_level level, const char *text)
{
	struct lab *lab = ctx;

	assert_true(title[0] && level <= XA_PLUGIN_LOG_DEBUG);
	assert_true(xa_text_is_clean(text, strlen(text)));
	(void)snprintf(lab->last_log, sizeof(lab->last_log), "%s", text);
	lab->logs++;
}

static void on_failed(void *ctx, const char *title, enum xa_plugin_cause cause,
		      const struct xa_report *report)
{
	struct lab *lab = ctx;

	assert_true(title[0] && cause == report->cause && report->failed && report->text[0]);
	(void)snprintf(lab->last_text, sizeof(lab->last_text), "%s", report->text);
	lab->failures++;
}

static void on_disabled(void *ctx, const char *title, enum xa_plugin_cause cause, unsigned in_row)
{
	assert_true(title[0] && cause < XA_PLUGIN_CAUSE_COUNT_);
	assert_true(in_row && in_row <= XA_POLICY_FAILURES_MAX);
	((struct lab *)ctx)->disabled++;
}

static void on_enabled(void *ctx, const char *title)
{
	assert_true(title[0]);
	((struct lab *)ctx)->enabled++;
}

static void on_lost(void *ctx, const char *text)
{
	struct lab *lab = ctx;

	(void)snprintf(lab->last_text, sizeof(lab->last_text), "%s", text);
	lab->lost++;
}

static struct xa_policy_hooks hooks_of(struct lab *lab, const char *executable)
{
	return (struct xa_policy_hooks){
		.ctx = lab,
		.executable = executable,
		.log = on_log,
		.failed = on_failed,
		.disabled = on_disabled,
		.enabled = on_enabled,
		.lost = on_lost,
	};
}

/* --- the lab --- */

static size_t count_fds(void)
{
	DIR *folder = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(folder);
	while (readdir(folder))
		count++;
	(void)closedir(folder);
	return count;
}

static void touch(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	(void)fputs(text, file);
	(void)fclose(file);
}

static struct lab left; /* its paths: the lab of a test that fails is gone with its stack */

static int clean_up(void **state)
{
	(void)state;
	(void)unlink(left.lives);
	(void)unlink(left.rule);
	(void)rmdir(left.folder);
	return 0;
}

static void lab_begin(struct lab *lab)
{
	*lab = (struct lab){.folder = "/tmp/xa-supervisor-XXXXXX"};
	assert_non_null(mkdtemp(lab->folder));
	(void)snprintf(lab->lives, sizeof(lab->lives), "%s/lives", lab->folder);
	(void)snprintf(lab->rule, sizeof(lab->rule), "%s/rule.lua", lab->folder);
	touch(lab->lives, "");
	touch(lab->rule, "");
	lab->fds = count_fds();
	left = *lab;
}

static void lab_end(struct lab *lab)
{
	siginfo_t info;

	xa_policy_free(take_ptr(lab->policy));
	xa_config_free(take_ptr(lab->config));
	assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT), -1);
	assert_int_equal(errno, ECHILD);
	assert_int_equal(count_fds(), lab->fds);
	(void)clean_up(NULL);
}

/* A config with these stages, as YAML in one line. */
static struct xa_config *load(const char *stages)
{
	struct xa_config *config = NULL;
	char text[2048];

	(void)snprintf(text, sizeof(text),
		       "policy: {deadline: 1s, max_values: 100, max_series: 10, stages: [%s]}\n",
		       stages);
	whys = (struct xa_whys){0};
	if (xa_config_load_buffer(&config, "test.yaml", text, strlen(text), NULL, 0, &whys))
		fail_msg("%s: %s", text, whys.why[0].text);
	return config;
}

static int open_policy(struct lab *lab, const char *stages)
{
	const struct xa_policy_hooks hooks = hooks_of(lab, bad_worker);

	lab->config = load(stages);
	return xa_policy_new(&lab->policy, lab->config, FLOWS, &hooks, &whys);
}

static void fill_snapshot(struct xa_policy *policy, size_t count)
{
	struct xa_snapshot_head *head = xa_policy_head(policy);
	struct xa_plugin_flow *flows = xa_policy_flows(policy);

	*head = (struct xa_snapshot_head){.count = count, .now_ns = xa_wall_ns()};
	(void)snprintf(head->interfaces[1], sizeof(head->interfaces[1]), "eth0");
	for (uint32_t i = 0; i < count; i++)
		flows[i] = (struct xa_plugin_flow){
			.src = {10, 0, 0, (uint8_t)i},
			.dst = {192, 0, 2, 1},
			.packets = 1,
			.bytes = 64,
			.handle = i,
			.interface = 1,
			.family = 4,
			.proto = 6,
		};
}

/* Whatever the worker wrote: every text can be exported. */
static void assert_annotations_valid(const struct xa_policy *policy)
{
	const struct xa_annotations *annotations = xa_policy_annotations(policy);

	for (uint32_t i = 0; i < FLOWS; i++) {
		for (size_t l = 0; l < xa_annotations_label_count(annotations); l++) {
			const char *text = xa_annotations_label(annotations, i, l);

			assert_true(!text || xa_text_is_clean(text, strlen(text)));
		}
		(void)xa_annotations_is_hidden(annotations, i);
	}
}

/* One snapshot, on time. */
static bool judge(struct lab *lab)
{
	const uint64_t began_ns = xa_now_ns();
	bool all;

	fill_snapshot(lab->policy, FLOWS);
	all = xa_policy_judge(lab->policy);
	assert_true(xa_now_ns() - began_ns < lab->config->policy.deadline_ns + 2 * XA_NS_PER_S);
	assert_annotations_valid(lab->policy);
	return all;
}

static void nap(void)
{
	const struct timespec time = {.tv_nsec = 5 * XA_NS_PER_MS};

	(void)nanosleep(&time, NULL);
}

/* Between two snapshots. */
static void kill_worker(const struct lab *lab)
{
	const pid_t pid = xa_policy_pid(lab->policy);
	siginfo_t info;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

static const char *label(const struct lab *lab, uint32_t handle, size_t at)
{
	return xa_annotations_label(xa_policy_annotations(lab->policy), handle, at);
}

/* Until a snapshot has labels of a stage again. */
static void judge_until_labelled(struct lab *lab, size_t at)
{
	for (int i = 0; i < 1000; i++) {
		(void)judge(lab);
		if (label(lab, 4, at))
			return;
		nap();
	}
	fail_msg("no snapshot was judged: %s", lab->last_text);
}

static char *page_of(const struct lab *lab)
{
	struct xa_buf buf = {0};
	struct xa_exposition expo = {.buf = &buf};

	xa_buf_adds(&buf, "\n");
	xa_families_render(xa_policy_families(lab->policy), &expo, 1000);
	return xa_buf_take(&buf);
}

static void assert_on_page(const struct lab *lab, const char *text)
{
	_cleanup_free_ char *page = page_of(lab);

	if (!strstr(page, text))
		fail_msg("not on the page: %s\n%s", text, page);
}

static void assert_not_on_page(const struct lab *lab, const char *text)
{
	_cleanup_free_ char *page = page_of(lab);

	if (strstr(page, text))
		fail_msg("on the page: %s\n%s", text, page);
}

/* --- the tests --- */

static void test_good(void **state)
{
	struct lab lab;

	(void)state;
	lab_begin(&lab);
	assert_int_equal(
		open_policy(&lab, "{one: {}}, {two: {file: a/b.lua}}, {two: {file: b.lua}}"), 0);
	assert_true(judge(&lab));
	assert_string_equal(label(&lab, 4, 0), "even");
	assert_string_equal(label(&lab, 5, 1), "odd");
	assert_null(label(&lab, FLOWS, 1));
	assert_true(xa_annotations_is_hidden(xa_policy_annotations(lab.policy), 7));
	assert_true(xa_annotations_are_equal(xa_policy_annotations(lab.policy), 4, 8));
	assert_false(xa_annotations_are_equal(xa_policy_annotations(lab.policy), 4, 5));
	assert_true(judge(&lab));
	assert_on_page(&lab, "\nxa_test_g0{parity=\"even\"} 0.1\n");
	assert_on_page(&lab, "\nxa_test_c1_total{parity=\"odd\"} 2000\n");
	assert_on_page(&lab, "\nxa_test_h0_bucket{parity=\"\",le=\"10.0\"} 2\n");
	assert_string_equal(xa_policy_stage(lab.policy, 0)->title, "one");
	assert_string_equal(xa_policy_stage(lab.policy, 1)->title, "two:b");
	assert_string_equal(xa_policy_stage(lab.policy, 2)->title, "two:b#2");
	assert_int_equal(xa_policy_restarts(lab.policy), 0);
	lab_end(&lab);
}

/* A rule has the name of its file, the zones have theirs whether there is a file or not. */
static void test_titles(void **state)
{
	static const char *const titles[] = {"zones",	   "lua:b",	"lua:b#2",
					     "two:a.list", "lua:zones", "lua"};
	struct xa_blame blames[array_size(titles)] = {0};
	_cleanup_xa_config_ struct xa_config *config = load(
		"{zones: {file: a.list}}, {lua: {file: b.lua}}, {lua: {file: c/b.lua}}, "
		"{two: {file: a.list}}, {lua: {file: zones}}, {lua: {}}");

	(void)state;
	assert_int_equal(xa_blames_init(blames, config, config->arena), 0);
	for (size_t i = 0; i < array_size(titles); i++)
		assert_string_equal(blames[i].state.title, titles[i]);
}

static void test_no_stages(void **state)
{
	struct lab lab;

	(void)state;
	lab_begin(&lab);
	assert_int_equal(open_policy(&lab, ""), 0);
	assert_false(xa_policy_has_stages(lab.policy));
	assert_int_equal(xa_policy_pid(lab.policy), 0);
	assert_true(judge(&lab));
	lab_end(&lab);
}

static void test_no_executable(void **state)
{
	const struct xa_policy_hooks hooks = {.executable = "/nowhere/at/all"};
	struct lab lab;

	(void)state;
	lab_begin(&lab);
	lab.config = load("{one: {}}");
	assert_int_equal(xa_policy_new(&lab.policy, lab.config, FLOWS, &hooks, &whys), -ENOENT);
	assert_int_equal(whys.count, 1);
	assert_non_null(strstr(whys.why[0].text, "No such file"));
	lab_end(&lab);
}

#define NO_CAUSE XA_PLUGIN_CAUSE_COUNT_

static const struct {
	const char *mode;
	enum xa_plugin_cause cause; /* counted once */
	bool keeps_labels; /* the judgement counts all the same */
} runs[] = {
	{"late", XA_PLUGIN_TIME, false},
	{"stop", XA_PLUGIN_TIME, false},
	{"log_forever", XA_PLUGIN_TIME, false},
	{"end", XA_PLUGIN_CRASH, false},
	{"killed", XA_PLUGIN_CRASH, false},
	{"close", XA_PLUGIN_CRASH, false},
	{"nothing", XA_PLUGIN_CRASH, false},
	{"blame_nobody", XA_PLUGIN_CRASH, false},
	{"blame_wildly", XA_PLUGIN_CRASH, false},
	{"memory", XA_PLUGIN_MEMORY, false},
	{"garbage", XA_PLUGIN_INVALID, false},
	{"unknown", XA_PLUGIN_INVALID, false},
	{"long", XA_PLUGIN_INVALID, false},
	{"wrong_number", XA_PLUGIN_INVALID, false},
	{"opened", XA_PLUGIN_INVALID, false},
	{"why", XA_PLUGIN_INVALID, false},
	{"log_of_nobody", XA_PLUGIN_INVALID, false},
	{"sample_of_nobody", XA_PLUGIN_INVALID, false},
	{"samples_too_many", XA_PLUGIN_INVALID, false},
	{"value_out_of_range", XA_PLUGIN_INVALID, true},
	{"value_not_utf8", XA_PLUGIN_INVALID, true},
	{"value_with_newline", XA_PLUGIN_INVALID, true},
	{"value_without_end", XA_PLUGIN_INVALID, true},
	{"value_of_any_length", XA_PLUGIN_INVALID, true},
	{"sample_of_no_value", XA_PLUGIN_INVALID, true},
	{"sample_not_finite", XA_PLUGIN_INVALID, true},
	{"sample_negative", XA_PLUGIN_INVALID, true},
	{"report", XA_PLUGIN_STEPS, true},
	{"report_wild", XA_PLUGIN_ERROR, true},
	{"log_dirt", NO_CAUSE, true},
	{"log_much", NO_CAUSE, true},
	{"write_snapshot", NO_CAUSE, true},
	{"look_around", NO_CAUSE, true},
};

static void assert_errors(const struct lab *lab, size_t stage, enum xa_plugin_cause cause,
			  const char *mode)
{
	const struct xa_stage_state *known = xa_policy_stage(lab->policy, stage);

	for (enum xa_plugin_cause i = 0; i < XA_PLUGIN_CAUSE_COUNT_; i++)
		if (known->errors[i] != (i == cause))
			fail_msg("%s: %llu errors of cause %s: %s", mode,
				 (unsigned long long)known->errors[i], xa_cause_names[i],
				 known->last.text);
}

/* The second stage, in its second run; then everything works again. */
static void test_runs(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(runs); i++) {
		char stages[256];
		struct lab lab;

		lab_begin(&lab);
		(void)snprintf(stages, sizeof(stages), "{one: {}}, {two: {mode: %s, at: 2}}",
			       runs[i].mode);
		assert_int_equal(open_policy(&lab, stages), 0);
		assert_true(judge(&lab));
		if (judge(&lab) != (runs[i].cause == NO_CAUSE))
			fail_msg("%s: %s", runs[i].mode, lab.last_text);
		assert_int_equal(label(&lab, 4, 0) != NULL, runs[i].keeps_labels);
		if (!runs[i].keeps_labels)
			assert_not_on_page(&lab, "\nxa_test_g1{parity=\"even\"}");
		assert_errors(&lab, 1, runs[i].cause, runs[i].mode);
		judge_until_labelled(&lab, 1);
		assert_errors(&lab, 1, runs[i].cause, runs[i].mode);
		assert_int_equal(lab.disabled, 0);
		assert_on_page(&lab, "\nxa_test_g1{parity=\"even\"} 0.1\n");
		lab_end(&lab);
	}
}

/* Who writes over the head is found by what stands behind it: nobody else is blamed. */
static void test_overwritten_head(void **state)
{
	struct lab lab;

	(void)state;
	lab_begin(&lab);
	assert_int_equal(open_policy(&lab, "{one: {}}, {two: {mode: overwrite_head, at: 2}}"), 0);
	assert_true(judge(&lab));
	assert_false(judge(&lab));
	assert_errors(&lab, 0, NO_CAUSE, "overwrite_head");
	assert_errors(&lab, 1, XA_PLUGIN_CRASH, "overwrite_head");
	judge_until_labelled(&lab, 1);
	lab_end(&lab);
}

/* A stage that does wrong in close() is told of once; one that does not is not. */
static void test_close(void **state)
{
	static const struct {
		const char *mode, *text;
	} closes[] = {
		{"crash_in_close",
		 "the policy worker was killed by SIGSEGV while the stage was closed"},
		{"wait_in_close",
		 "the policy worker took longer than 100ms while the stage was closed"},
		{"at_no_run", ""},
	};

	(void)state;
	for (size_t i = 0; i < array_size(closes); i++) {
		char stages[128];
		struct lab lab;

		lab_begin(&lab);
		(void)snprintf(stages, sizeof(stages), "{one: {}}, {two: {mode: %s, at: 9}}",
			       closes[i].mode);
		assert_int_equal(open_policy(&lab, stages), 0);
		assert_true(judge(&lab));
		xa_policy_free(take_ptr(lab.policy));
		assert_string_equal(lab.last_text, closes[i].text);
		assert_int_equal(lab.failures, closes[i].text[0] != '\0');
		lab_end(&lab);
	}
}

/* An answer that is still to be heard when the next snapshot is shown ends the worker then. */
static void test_answer_too_many(void **state)
{
	struct lab lab;

	(void)state;
	lab_begin(&lab);
	assert_int_equal(open_policy(&lab, "{one: {mode: twice, at: 1}}"), 0);
	assert_true(judge(&lab));
	assert_false(judge(&lab));
	assert_null(label(&lab, 4, 0));
	judge_until_labelled(&lab, 0);
	lab_end(&lab);
}

static const struct {
	const char *mode, *text;
} opens[] = {
	{"late", "one: the policy worker took longer than 2000ms while the stage was opened"},
	{"end", "one: the policy worker ended with code 3 while the stage was opened"},
	{"killed", "one: the policy worker was killed by SIGTERM while the stage was opened"},
	{"stop", "one: the policy worker took longer"},
	{"close", "one: the policy worker was killed by SIGKILL"},
	{"garbage", "the policy worker broke the protocol"},
	{"unknown", "the policy worker broke the protocol"},
	{"nothing", "the policy worker"},
	{"long", "the policy worker broke the protocol"},
	{"log_of_nobody", "the policy worker broke the protocol"},
	{"log_forever", "one: the policy worker took longer"},
	{"blame_nobody", "the policy worker ended with code 1"},
	{"blame_wildly", "the policy worker ended with code 1"},
	{"memory", "one: not enough memory"},
	{"refuse", "no such thing"},
	{"refuse_silently", "one: the policy worker refused its stages without a reason"},
	{"many_labels", "the policy worker declares 4294967295 labels, 8 at most"},
	{"many_metrics", "the policy worker declares 65 metrics, 64 at most"},
	{"label_without_end", "one: label 'aaa"},
	{"label_of_flows", "one: label 'src': every flow has one of that name"},
	{"label_of_nobody", "a label of a stage that is not there"},
	{"metric_of_nobody", "a metric of a stage that is not there"},
	{"metric_without_end", "one: metric 'aaa"},
	{"metric_of_no_type", "one: metric 'xa_test_g1': there is no type 4294967295"},
	{"metric_many_labels", "one: metric 'xa_test_g1': 4294967295 labels, 6 at most"},
	{"metric_many_buckets", "one: metric 'xa_test_g1': 4294967295 buckets, 32 at most"},
	{"metric_built_in", "one: metric 'xdp_netflow_active_flows': xdp-auditor itself has"},
};

/* In the first worker: the policy is refused, with a reason. */
static void test_opens(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(opens); i++) {
		char stages[256];
		struct lab lab;

		lab_begin(&lab);
		(void)snprintf(stages, sizeof(stages), "{two: {}}, {one: {mode: open_%s}}",
			       opens[i].mode);
		assert_int_equal(open_policy(&lab, stages), -EINVAL);
		assert_null(lab.policy);
		assert_true(whys.count > 0);
		if (!strstr(whys.why[0].text, opens[i].text))
			fail_msg("%s: %s", opens[i].mode, whys.why[0].text);
		if (!strncmp(whys.why[0].text, "one: ", 5)) {
			assert_string_equal(whys.why[0].file, "test.yaml");
			assert_int_equal(whys.why[0].line, 1);
		}
		lab_end(&lab);
	}
}

/* In the second one: the snapshots go out without it, and the third one works. */
static void test_opens_later(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(opens); i++) {
		char stages[512];
		struct lab lab;

		lab_begin(&lab);
		(void)snprintf(stages, sizeof(stages),
			       "{two: {}}, {one: {mode: open_%s, life: 2, lives: %s}}",
			       opens[i].mode, lab.lives);
		assert_int_equal(open_policy(&lab, stages), 0);
		assert_true(judge(&lab));
		kill_worker(&lab);
		for (int j = 0; j < 1000 && xa_policy_restarts(lab.policy) < 2; j++, nap())
			if (judge(&lab))
				fail_msg("%s: nothing went wrong", opens[i].mode);
		/* what was changed is left out until the configuration is loaded again */
		if (lab.disabled == 1) {
			assert_true(xa_policy_stage(lab.policy, 1)->disabled);
			assert_non_null(strstr(lab.last_text, "reload"));
		} else {
			judge_until_labelled(&lab, 1);
			if (lab.disabled)
				fail_msg("%s: %s", opens[i].mode, lab.last_text);
		}
		judge_until_labelled(&lab, 0);
		assert_int_equal(lab.lost, 1);
		assert_int_equal(xa_policy_restarts(lab.policy), 2);
		lab_end(&lab);
	}
}

/* More lines than are read at once, and nobody looks before the time to open is over. */
static void test_opens_with_many_words(void **state)
{
	const struct timespec long_time = {.tv_sec = 2, .tv_nsec = 100 * XA_NS_PER_MS};
	char stages[512];
	struct lab lab;

	(void)state;
	lab_begin(&lab);
	(void)snprintf(stages, sizeof(stages), "{one: {mode: open_log_much, life: 2, lives: %s}}",
		       lab.lives);
	assert_int_equal(open_policy(&lab, stages), 0);
	assert_true(judge(&lab));
	kill_worker(&lab);
	assert_false(judge(&lab));
	(void)nanosleep(&long_time, NULL);
	assert_true(judge(&lab));
	assert_int_equal(xa_policy_restarts(lab.policy), 1);
	lab_end(&lab);
}

/* What was declared first holds; a rule that declares something else wants a reload. */
static void test_schema_changes(void **state)
{
	char stages[512];
	struct lab lab;

	(void)state;
	lab_begin(&lab);
	(void)snprintf(
		stages, sizeof(stages),
		"{one: {mode: open_metric_changed, life: 2, lives: %s, file: %s}}, {two: {}}",
		lab.lives, lab.rule);
	assert_int_equal(open_policy(&lab, stages), 0);
	assert_true(judge(&lab));
	kill_worker(&lab);
	judge_until_labelled(&lab, 1);
	assert_int_equal(lab.disabled, 1);
	assert_non_null(strstr(lab.last_text, "reload the configuration"));
	assert_null(label(&lab, 4, 0));
	assert_string_equal(label(&lab, 5, 1), "odd");
	assert_false(judge(&lab));
	assert_on_page(&lab, "\nxa_test_c0_total{parity=\"odd\"} 1000\n");
	assert_on_page(&lab, "\nxa_test_c1_total{parity=\"odd\"} 3000\n");
	assert_not_on_page(&lab, "\nxa_test_g0{");
	touch(lab.rule, "changed back");
	judge_until_labelled(&lab, 0);
	assert_int_equal(lab.enabled, 1);
	assert_true(judge(&lab));
	lab_end(&lab);
}

/* The first of two fails in each run: the second goes on without it, under its own names. */
static void test_three_in_a_row(void **state)
{
	static const char *const modes[] = {"end", "late", "report", "value_not_utf8"};

	(void)state;
	for (size_t i = 0; i < array_size(modes); i++) {
		char stages[512];
		struct lab lab;

		lab_begin(&lab);
		(void)snprintf(stages, sizeof(stages), "{one: {mode: %s, file: %s}}, {two: {}}",
			       modes[i], lab.rule);
		assert_int_equal(open_policy(&lab, stages), 0);
		for (int j = 0; j < 1000 && !lab.disabled; j++, nap())
			assert_false(judge(&lab));
		assert_int_equal(lab.failures, 1);
		assert_true(xa_policy_stage(lab.policy, 0)->disabled);
		judge_until_labelled(&lab, 1);
		assert_null(label(&lab, 4, 0));
		assert_string_equal(label(&lab, 5, 1), "odd");
		assert_false(judge(&lab));
		assert_on_page(&lab, "\nxa_test_g1{parity=\"even\"} 0.1\n");
		assert_not_on_page(&lab, "\nxa_test_g0{");
		assert_int_equal(lab.disabled, 1);
		touch(lab.rule, "another");
		for (int j = 0; j < 1000 && lab.disabled == 1; j++, nap())
			assert_false(judge(&lab));
		assert_int_equal(lab.enabled, 1);
		assert_int_equal(lab.failures, 2);
		assert_int_equal(lab.disabled, 2);
		lab_end(&lab);
	}
}

/* A rule that is mended while it fails, by a worker that goes on, is not left out for good. */
static void test_mended_before_disabled(void **state)
{
	char stages[512];
	struct lab lab;

	(void)state;
	lab_begin(&lab);
	(void)snprintf(stages, sizeof(stages), "{one: {mode: report, file: %s}}, {two: {}}",
		       lab.rule);
	assert_int_equal(open_policy(&lab, stages), 0);
	assert_false(judge(&lab));
	touch(lab.rule, "mended");
	for (int i = 0; i < 1000 && !lab.disabled; i++, nap())
		assert_false(judge(&lab));
	assert_int_equal(lab.disabled, 1);
	assert_int_equal(lab.enabled, 0);
	(void)judge(&lab);
	assert_int_equal(lab.enabled, 1);
	lab_end(&lab);
}

static void test_only_stage_disabled(void **state)
{
	struct lab lab;

	(void)state;
	lab_begin(&lab);
	assert_int_equal(open_policy(&lab, "{one: {mode: end}}"), 0);
	for (int j = 0; j < 1000 && !lab.disabled; j++, nap())
		assert_false(judge(&lab));
	assert_int_equal(xa_policy_pid(lab.policy), 0);
	assert_int_equal(xa_policy_restarts(lab.policy), 2);
	assert_false(judge(&lab));
	assert_int_equal(xa_policy_restarts(lab.policy), 2);
	lab_end(&lab);
}

static void test_texts(void **state)
{
	struct lab lab;

	(void)state;
	lab_begin(&lab);
	assert_int_equal(open_policy(&lab, "{one: {mode: log_dirt}}, {two: {mode: report}}"), 0);
	assert_false(judge(&lab));
	assert_string_equal(lab.last_log, "one?two??[31m");
	assert_string_equal(lab.last_text, "too many steps\nin function 'a'??");
	assert_string_equal(xa_policy_stage(lab.policy, 1)->last.file, "rule.lua");
	assert_int_equal(xa_policy_stage(lab.policy, 1)->last.line, 12);
	lab_end(&lab);

	lab_begin(&lab);
	assert_int_equal(open_policy(&lab, "{one: {mode: log_much}}"), 0);
	assert_true(judge(&lab));
	assert_true(lab.logs > 0 && lab.logs < 200);
	lab_end(&lab);
}

/* Another thread of the worker writes into the region while it is read. */
static void test_scribble(void **state)
{
	struct lab lab;

	(void)state;
	lab_begin(&lab);
	assert_int_equal(open_policy(&lab, "{one: {mode: scribble, at: 1}}"), 0);
	for (int i = 0; i < 200; i++) {
		(void)judge(&lab);
		free(page_of(&lab));
	}
	lab_end(&lab);
}

/* --- reload --- */

/* As the loop waits for it. */
static int wait_opened(const struct lab *lab, struct xa_policy *policy)
{
	int r;

	while ((r = xa_policy_opened(policy, lab->policy, &whys)) == -EAGAIN)
		xa_policy_wait(policy);
	return r;
}

/* The one before judges while the other opens. */
static void reload(struct lab *lab, const char *stages)
{
	const struct xa_policy_hooks hooks = hooks_of(lab, bad_worker);
	struct xa_config *config = load(stages);
	struct xa_policy *policy;

	assert_int_equal(xa_policy_begin(&policy, config, FLOWS, lab->policy, &hooks, &whys), 0);
	assert_true(judge(lab));
	assert_int_equal(wait_opened(lab, policy), 0);
	xa_policy_free(lab->policy);
	xa_config_free(lab->config);
	lab->policy = policy;
	lab->config = config;
}

static void test_reload(void **state)
{
	struct lab lab;

	(void)state;
	lab_begin(&lab);
	assert_int_equal(
		open_policy(&lab, "{one: {mode: open_keep}}, {two: {mode: report, at: 1}}"), 0);
	assert_false(judge(&lab));
	assert_int_equal(lab.logs, 0);
	reload(&lab, "{one: {mode: open_keep}}, {two: {}}");
	assert_string_equal(lab.last_log, "found what was kept");
	assert_true(judge(&lab));
	assert_on_page(&lab, "\nxa_test_c0_total{parity=\"odd\"} 3000\n");
	assert_int_equal(xa_policy_stage(lab.policy, 1)->errors[XA_PLUGIN_STEPS], 1);
	lab.logs = 0;
	reload(&lab, "{one: {mode: open_keep_too_much}}");
	assert_int_equal(lab.logs, 1);
	reload(&lab, "{one: {mode: open_keep_too_much}}");
	assert_int_equal(lab.logs, 1);
	lab_end(&lab);
}

/* A refused reload leaves the policy before as it was. */
static void test_reload_refused(void **state)
{
	struct xa_policy_hooks hooks;
	struct xa_policy *policy = NULL;
	struct xa_config *config;
	struct lab lab;

	(void)state;
	lab_begin(&lab);
	hooks = hooks_of(&lab, bad_worker);
	assert_int_equal(open_policy(&lab, "{one: {}}"), 0);
	config = load("{one: {mode: open_refuse}}");
	assert_int_equal(xa_policy_begin(&policy, config, FLOWS, lab.policy, &hooks, &whys), 0);
	assert_int_equal(wait_opened(&lab, policy), -EINVAL);
	xa_policy_free(policy);
	xa_config_free(config);
	assert_true(judge(&lab));
	assert_int_equal(xa_policy_restarts(lab.policy), 0);
	lab_end(&lab);
}

/* --- killed at any time --- */

struct killing {
	pid_t pid;
	long after_ns;
};

static void *kill_later(void *ctx)
{
	const struct killing *killing = ctx;
	const struct timespec time = {.tv_nsec = killing->after_ns};

	(void)nanosleep(&time, NULL);
	(void)kill(killing->pid, SIGKILL);
	return NULL;
}

static void test_killed(void **state)
{
	struct lab lab;

	(void)state;
	lab_begin(&lab);
	assert_int_equal(open_policy(&lab, "{one: {}}, {two: {}}"), 0);
	for (long i = 0; i < 200; i++) {
		struct killing killing = {.pid = xa_policy_pid(lab.policy),
					  .after_ns = i * 7919 % 1000 * 1000};
		pthread_t thread;

		assert_int_equal(pthread_create(&thread, NULL, kill_later, &killing), 0);
		(void)judge(&lab);
		(void)pthread_join(thread, NULL);
		judge_until_labelled(&lab, 1);
	}
	assert_true(xa_policy_restarts(lab.policy) >= 200);
	assert_int_equal(lab.disabled, 0);
	lab_end(&lab);
}

/* --- the real worker --- */

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void print_round_trips(struct lab *lab, const char *what)
{
	uint64_t took_ns[101];

	for (size_t i = 0; i < array_size(took_ns); i++) {
		const uint64_t began_ns = xa_now_ns();

		assert_true(xa_policy_judge(lab->policy));
		took_ns[i] = xa_now_ns() - began_ns;
	}
	qsort(took_ns, array_size(took_ns), sizeof(took_ns[0]), compare);
	print_message("%s: %d flows judged in %llu us (median), %llu us (worst)\n", what, FLOWS,
		      (unsigned long long)took_ns[array_size(took_ns) / 2] / 1000,
		      (unsigned long long)took_ns[array_size(took_ns) - 1] / 1000);
}

static void test_real(void **state)
{
	struct xa_policy_hooks hooks;
	struct lab lab;

	(void)state;
	lab_begin(&lab);
	hooks = hooks_of(&lab, auditor);
	lab.config = load("{zones: {networks: {office: [10.0.0.0/25], lab: [192.0.2.0/24]}}}");
	if (xa_policy_new(&lab.policy, lab.config, FLOWS, &hooks, &whys))
		fail_msg("%s", whys.why[0].text);
	assert_true(judge(&lab));
	assert_string_equal(label(&lab, 1, 0), "office");
	assert_string_equal(label(&lab, 1, 1), "lab");
	assert_null(label(&lab, 200, 0));
	print_round_trips(&lab, "zones");
	kill_worker(&lab);
	judge_until_labelled(&lab, 0);
	lab_end(&lab);
}

static void test_round_trip(void **state)
{
	struct lab lab;

	(void)state;
	lab_begin(&lab);
	assert_int_equal(open_policy(&lab, "{one: {}}, {two: {}}"), 0);
	assert_true(judge(&lab));
	print_round_trips(&lab, "bare worker");
	lab_end(&lab);
}

#define TEST(function) cmocka_unit_test_teardown(function, clean_up)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(test_good),
		TEST(test_titles),
		TEST(test_no_stages),
		TEST(test_no_executable),
		TEST(test_runs),
		TEST(test_overwritten_head),
		TEST(test_close),
		TEST(test_answer_too_many),
		TEST(test_opens),
		TEST(test_opens_later),
		TEST(test_opens_with_many_words),
		TEST(test_schema_changes),
		TEST(test_three_in_a_row),
		TEST(test_mended_before_disabled),
		TEST(test_only_stage_disabled),
		TEST(test_texts),
		TEST(test_scribble),
		TEST(test_reload),
		TEST(test_reload_refused),
		TEST(test_killed),
		TEST(test_real),
		TEST(test_round_trip),
	};

	if (argc != 3)
		return 2;
	bad_worker = argv[1];
	auditor = argv[2];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
