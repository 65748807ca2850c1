/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What a stage is lent, function by function: two hosts over one region, called as a plugin does.
 */

#include "core/policy/host.h"

#include <math.h>
#include <sys/stat.h>

#include "tests/unit/policy_scene.h"

struct lab {
	struct scene scene;
	struct xa_ground ground;
	struct xa_host hosts[2];
	const struct xa_plugin_host *first, *second;
};

static int set_up(void **state)
{
	static const struct xa_setup_stage known[] = {
		{.title = "one", .kept = "kept", .kept_len = 4}, {.title = "two:b"}};
	struct lab *lab = calloc(1, sizeof(*lab));

	if (!lab)
		return -ENOMEM;
	scene_begin_with(&lab->scene, "policy:\n  max_values: 16\n  stages: [zones, lua]\n", known);
	lab->scene.setup.head.log_level = XA_PLUGIN_LOG_INFO;
	if (xa_ground_init(&lab->ground, lab->scene.region, &lab->scene.layout, &lab->scene.setup,
			   lab->scene.worker))
		return -ENOMEM;
	for (uint32_t i = 0; i < array_size(lab->hosts); i++) {
		xa_host_init(&lab->hosts[i], &lab->ground, i);
		xa_host_begin(&lab->hosts[i], XA_HOST_OPENING);
	}
	lab->first = &lab->hosts[0].lent;
	lab->second = &lab->hosts[1].lent;
	*state = lab;
	return 0;
}

static int tear_down(void **state)
{
	struct lab *lab = *state;

	xa_ground_done(&lab->ground);
	scene_end(&lab->scene);
	free(lab);
	return 0;
}

static const struct xa_report *report(const struct lab *lab, uint32_t stage)
{
	return &scene_region(&lab->scene)->stages[stage].report;
}

/* The metrics that tests use: a gauge with two labels, a counter and a histogram without. */
enum {
	GAUGE,
	COUNTER,
	HISTOGRAM,
};

static void declare(const struct xa_plugin_host *host)
{
	static const char *const labels[] = {"a", "b"};
	static const double buckets[] = {1, 2.5};
	const struct xa_plugin_metric gauge = {
		.name = "a_gauge", .help = "A", .labels = labels, .label_count = 2};
	const struct xa_plugin_metric counter = {
		.name = "a_total", .help = "B", .type = XA_PLUGIN_COUNTER};
	const struct xa_plugin_metric histogram = {.name = "a_histogram",
						   .help = "C",
						   .type = XA_PLUGIN_HISTOGRAM,
						   .buckets = buckets,
						   .bucket_count = 2};

	assert_int_equal(host->declare_metric(host, &gauge), GAUGE);
	assert_int_equal(host->declare_metric(host, &counter), COUNTER);
	assert_int_equal(host->declare_metric(host, &histogram), HISTOGRAM);
}

static void run_begins(struct lab *lab)
{
	for (size_t i = 0; i < array_size(lab->hosts); i++) {
		assert_true(xa_host_end(&lab->hosts[i], 0));
		xa_host_begin(&lab->hosts[i], XA_HOST_RUNNING);
	}
}

/* Declarations */

static void test_labels(void **state)
{
	struct lab *lab = *state;

	assert_int_equal(lab->first->declare_label(lab->first, "src_zone"), 0);
	assert_int_equal(lab->second->declare_label(lab->second, "service"), 1);
	assert_int_equal(scene_region(&lab->scene)->label_count, 2);
	assert_int_equal(scene_region(&lab->scene)->labels[1].stage, 1);
	assert_int_equal(lab->second->find_label(lab->second, "src_zone"), 0);
	assert_int_equal(lab->second->find_label(lab->second, "service"), 1);
	assert_int_equal(lab->first->find_label(lab->first, "service"), -ENOENT);
	assert_ptr_equal(lab->second->column(lab->second, 0), lab->first->column(lab->first, 0));
	assert_int_equal(lab->first->column(lab->first, 1) - lab->first->column(lab->first, 0),
			 SCENE_FLOWS);
	assert_null(lab->first->column(lab->first, 2));
	assert_null(lab->first->column(lab->first, -1));
}

static void test_a_label_twice_names_both_stages(void **state)
{
	struct lab *lab = *state;

	assert_int_equal(lab->first->declare_label(lab->first, "zone"), 0);
	assert_int_equal(lab->second->declare_label(lab->second, "zone"), -EEXIST);
	assert_string_equal(report(lab, 1)->text,
			    "label 'zone' is declared by one already, two:b needs another name");
	assert_int_equal(report(lab, 1)->cause, XA_PLUGIN_INVALID);
	assert_int_equal(lab->first->declare_label(lab->first, "zone"), -EEXIST);
	assert_string_equal(report(lab, 0)->text, "label 'zone' is declared twice");
}

static void test_labels_that_cannot_be(void **state)
{
	struct lab *lab = *state;
	char name[XA_PLUGIN_NAME_BYTES + 1];

	memset(name, 'a', sizeof(name));
	name[XA_PLUGIN_NAME_BYTES] = '\0';
	assert_int_equal(lab->first->declare_label(lab->first, name), -EINVAL);
	assert_int_equal(lab->first->declare_label(lab->first, ""), -EINVAL);
	assert_int_equal(lab->first->declare_label(lab->first, NULL), -EINVAL);
	name[XA_PLUGIN_NAME_BYTES - 1] = '\0';
	for (size_t i = 0; i < XA_PLUGIN_LABELS_MAX; i++, name[0]++)
		assert_int_equal(lab->first->declare_label(lab->first, name), i);
	assert_int_equal(lab->first->declare_label(lab->first, "ninth"), -ENOSPC);
	assert_int_equal(scene_region(&lab->scene)->label_count, XA_PLUGIN_LABELS_MAX);
}

static void test_metrics_are_copied(void **state)
{
	struct lab *lab = *state;
	const struct xa_region_metric *metrics = scene_region(&lab->scene)->metrics;

	declare(lab->second);
	assert_int_equal(scene_region(&lab->scene)->metric_count, 3);
	assert_string_equal(metrics[GAUGE].name, "a_gauge");
	assert_string_equal(metrics[GAUGE].labels[1], "b");
	assert_int_equal(metrics[GAUGE].label_count, 2);
	assert_int_equal(metrics[GAUGE].stage, 1);
	assert_int_equal(metrics[HISTOGRAM].type, XA_PLUGIN_HISTOGRAM);
	assert_int_equal(metrics[HISTOGRAM].bucket_count, 2);
	assert_true(metrics[HISTOGRAM].buckets[1] == 2.5);
	assert_string_equal(metrics[COUNTER].help, "B");
}

static void test_metrics_that_cannot_be(void **state)
{
	struct lab *lab = *state;
	const struct xa_plugin_host *host = lab->second;
	struct xa_plugin_metric metric = {.name = "a_gauge", .help = "A"};
	static const char *const no_name[] = {NULL};

	declare(lab->first);
	assert_int_equal(host->declare_metric(host, &metric), -EEXIST);
	assert_string_equal(
		report(lab, 1)->text,
		"metric 'a_gauge' is declared by one already, two:b needs another name");
	metric.name = "b";
	metric.labels = no_name;
	metric.label_count = 1;
	assert_int_equal(host->declare_metric(host, &metric), -EINVAL);
	metric.label_count = XA_PLUGIN_METRIC_LABELS_MAX + 1;
	assert_int_equal(host->declare_metric(host, &metric), -ENOSPC);
	metric.label_count = 0;
	metric.bucket_count = XA_PLUGIN_BUCKETS_MAX + 1;
	assert_int_equal(host->declare_metric(host, &metric), -ENOSPC);
	metric.bucket_count = 0;
	metric.type = XA_PLUGIN_HISTOGRAM + 1;
	assert_int_equal(host->declare_metric(host, &metric), -EINVAL);
	metric.help = NULL;
	assert_int_equal(host->declare_metric(host, &metric), -EINVAL);
	assert_int_equal(scene_region(&lab->scene)->metric_count, 3);
}

static void test_nothing_is_declared_in_run(void **state)
{
	struct lab *lab = *state;
	const struct xa_plugin_metric metric = {.name = "b", .help = "B"};

	run_begins(lab);
	assert_int_equal(lab->first->declare_label(lab->first, "late"), -EINVAL);
	assert_int_equal(lab->second->declare_metric(lab->second, &metric), -EINVAL);
	assert_string_equal(report(lab, 1)->text, "a metric can be declared in open() only");
	assert_false(xa_host_end(&lab->hosts[0], 0));
}

/* Samples */

static void test_samples(void **state)
{
	struct lab *lab = *state;
	const struct xa_plugin_host *host = lab->first;
	const struct xa_region_sample *samples = scene_samples(&lab->scene);
	uint32_t values[2] = {0};

	declare(host);
	run_begins(lab);
	assert_int_equal(host->value(host, "x", 1, &values[1]), 0);
	assert_int_equal(host->sample(host, GAUGE, values, -0.5), 0);
	assert_int_equal(host->sample_u64(host, COUNTER, NULL, UINT64_MAX), 0);
	assert_int_equal(scene_region(&lab->scene)->sample_count, 2);
	assert_int_equal(samples[0].metric, GAUGE);
	assert_int_equal(samples[0].values[1], values[1]);
	assert_int_equal(samples[0].values[2], 0);
	assert_int_equal(samples[0].is_u64, 0);
	assert_true(samples[0].number == -0.5);
	assert_int_equal(samples[1].is_u64, 1);
	assert_true(samples[1].count == UINT64_MAX);
}

static void test_samples_that_cannot_be(void **state)
{
	struct lab *lab = *state;
	const struct xa_plugin_host *host = lab->first;
	const uint32_t values[2] = {0, 99};

	declare(host);
	assert_int_equal(host->sample(host, COUNTER, NULL, 1), -EINVAL);
	run_begins(lab);
	assert_int_equal(host->sample(host, COUNTER, NULL, -1), -EINVAL);
	assert_int_equal(host->sample(host, COUNTER, NULL, NAN), -EINVAL);
	assert_int_equal(host->sample(host, HISTOGRAM, NULL, INFINITY), -EINVAL);
	assert_int_equal(host->sample(host, GAUGE, values, 1), -EINVAL);
	assert_int_equal(host->sample_u64(host, GAUGE, values, 1), -EINVAL);
	assert_int_equal(host->sample(host, -1, NULL, 1), -EINVAL);
	assert_int_equal(host->sample(host, 3, NULL, 1), -EINVAL);
	assert_int_equal(lab->second->sample(lab->second, COUNTER, NULL, 1), -EINVAL);
	assert_int_equal(scene_region(&lab->scene)->sample_count, 0);
}

static void test_too_many_samples(void **state)
{
	struct lab *lab = *state;
	const struct xa_plugin_host *host = lab->first;

	declare(host);
	run_begins(lab);
	for (size_t i = 0; i < XA_POLICY_SAMPLES_MAX; i++)
		assert_int_equal(host->sample_u64(host, COUNTER, NULL, i), 0);
	assert_int_equal(host->sample(host, COUNTER, NULL, 1), -ENOSPC);
	assert_int_equal(host->sample_u64(host, COUNTER, NULL, 1), -ENOSPC);
	assert_int_equal(scene_region(&lab->scene)->sample_count, XA_POLICY_SAMPLES_MAX);
	assert_int_equal(scene_region(&lab->scene)->samples_refused, 2);
	assert_true(xa_host_end(&lab->hosts[0], 0));
}

static void test_samples_of_a_failed_run_are_gone(void **state)
{
	struct lab *lab = *state;
	const struct xa_plugin_metric own = {.name = "b", .help = "B"};
	int metric;

	declare(lab->first);
	metric = lab->second->declare_metric(lab->second, &own);
	assert_true(metric >= 0);
	assert_true(xa_host_end(&lab->hosts[0], 0));
	assert_true(xa_host_end(&lab->hosts[1], 0));
	xa_host_begin(&lab->hosts[0], XA_HOST_RUNNING);
	assert_int_equal(lab->first->sample(lab->first, COUNTER, NULL, 1), 0);
	assert_true(xa_host_end(&lab->hosts[0], 0));
	xa_host_begin(&lab->hosts[1], XA_HOST_RUNNING);
	assert_int_equal(lab->second->sample(lab->second, metric, NULL, 1), 0);
	assert_false(xa_host_end(&lab->hosts[1], -EIO));
	assert_int_equal(scene_region(&lab->scene)->sample_count, 1);
	assert_string_equal(report(lab, 1)->text,
			    "run() failed and did not say why: Input/output error");
}

/* Complaints and the log */

static void test_the_first_complaint_counts(void **state)
{
	struct lab *lab = *state;
	const struct xa_plugin_place place = {"rule.lua", 3, 4};

	(lab->second->fail)(lab->second, XA_PLUGIN_STEPS, &place, "first\nits traceback");
	(lab->second->fail)(lab->second, XA_PLUGIN_MEMORY, NULL, "second");
	assert_false(xa_host_end(&lab->hosts[1], -EINVAL));
	assert_int_equal(report(lab, 1)->cause, XA_PLUGIN_STEPS);
	assert_string_equal(report(lab, 1)->text, "first\nits traceback");
	assert_string_equal(report(lab, 1)->file, "rule.lua");
	assert_int_equal(report(lab, 1)->line, 3);
	assert_string_equal(scene_listen(&lab->scene),
			    "why 1 rule.lua:3:4: policy.stages[1].lua: first\n");
}

static void test_a_complaint_without_a_place_has_the_stages(void **state)
{
	struct lab *lab = *state;

	assert_false(xa_host_end(&lab->hosts[1], -ENOMEM));
	assert_int_equal(report(lab, 1)->cause, XA_PLUGIN_MEMORY);
	assert_string_equal(scene_listen(&lab->scene),
			    "why 1 " SCENE_FILE ":3:19: policy.stages[1].lua: not enough memory\n");
}

static void test_a_complaint_in_run_is_not_sent(void **state)
{
	struct lab *lab = *state;

	run_begins(lab);
	(lab->first->fail)(lab->first, XA_PLUGIN_ERROR, NULL, "bad day");
	assert_false(xa_host_end(&lab->hosts[0], 0));
	assert_string_equal(report(lab, 0)->text, "bad day");
	assert_string_equal(scene_listen(&lab->scene), "");
	xa_host_begin(&lab->hosts[0], XA_HOST_RUNNING);
	assert_int_equal(report(lab, 0)->failed, 0);
	assert_string_equal(report(lab, 0)->text, "");
}

static void test_the_log(void **state)
{
	struct lab *lab = *state;
	char text[XA_POLICY_LOG_BYTES + 10];

	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	lab->second->log(lab->second, XA_PLUGIN_LOG_WARN, "careful");
	lab->second->log(lab->second, XA_PLUGIN_LOG_DEBUG, "not wanted");
	assert_string_equal(scene_listen(&lab->scene), "log 1 1 careful\n");
	lab->second->log(lab->second, XA_PLUGIN_LOG_INFO, text);
	assert_int_equal(strlen(scene_listen(&lab->scene)),
			 strlen("log 1 2 \n") + XA_POLICY_LOG_BYTES - 1);
}

/* Nobody listens: what does not fit is cut as well, and nothing waits. */
static void test_a_noisy_stage_is_cut(void **state)
{
	struct lab *lab = *state;
	size_t lines = 0;

	for (size_t i = 0; i < 100000; i++)
		lab->first->log(lab->first, XA_PLUGIN_LOG_ERROR, "noise");
	assert_true(xa_host_end(&lab->hosts[0], 0));
	for (const char *at = scene_listen(&lab->scene); *at; at = strchr(at, '\n') + 1)
		lines++;
	assert_int_equal(lines, XA_HOST_LINES_MAX + 1);
	assert_said(lab->scene.said, "log 0 1 99900 more lines were left out\n");
}

/* Files and what is kept */

static void test_files(void **state)
{
	struct lab *lab = *state;
	const struct xa_plugin_host *host = lab->first;
	char path[] = "/tmp/xa-host-XXXXXX", fifo[sizeof(path) + 5];
	const int fd = mkstemp(path);
	char *text = NULL;
	size_t len;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "hello", 5), 5);
	assert_int_equal(host->read_file(host, path, 5, &text, &len), 0);
	assert_string_equal(text, "hello");
	assert_int_equal(len, 5);
	free(text);
	assert_int_equal(host->read_file(host, path, 4, &text, &len), -EFBIG);
	(void)snprintf(fifo, sizeof(fifo), "%s.fifo", path);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(host->read_file(host, fifo, 5, &text, &len), -EINVAL);
	assert_int_equal(host->read_file(host, "/dev/zero", 5, &text, &len), -EINVAL);
	assert_int_equal(host->read_file(host, "/tmp", 5, &text, &len), -EINVAL);
	assert_int_equal(host->read_file(host, "/nowhere/at/all", 5, &text, &len), -ENOENT);
	run_begins(lab);
	assert_int_equal(host->read_file(host, path, 5, &text, &len), -EPERM);
	assert_int_equal(unlink(fifo), 0);
	assert_int_equal(unlink(path), 0);
	(void)close(fd);
}

static void test_what_is_kept(void **state)
{
	struct lab *lab = *state;
	size_t len = 1;

	assert_memory_equal(lab->first->kept(lab->first, &len), "kept", 4);
	assert_int_equal(len, 4);
	assert_null(lab->second->kept(lab->second, &len));
	assert_int_equal(len, 0);
	run_begins(lab);
	assert_null(lab->first->kept(lab->first, &len));
}

static void test_the_host_says_who_it_is(void **state)
{
	const struct lab *lab = *state;

	assert_int_equal(lab->second->size, sizeof(*lab->second));
	assert_string_equal(lab->second->stage, "two:b");
	assert_int_equal(lab->second->memory_bytes, 64 << 20);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_labels),
		TEST(test_a_label_twice_names_both_stages),
		TEST(test_labels_that_cannot_be),
		TEST(test_metrics_are_copied),
		TEST(test_metrics_that_cannot_be),
		TEST(test_nothing_is_declared_in_run),
		TEST(test_samples),
		TEST(test_samples_that_cannot_be),
		TEST(test_too_many_samples),
		TEST(test_samples_of_a_failed_run_are_gone),
		TEST(test_the_first_complaint_counts),
		TEST(test_a_complaint_without_a_place_has_the_stages),
		TEST(test_a_complaint_in_run_is_not_sent),
		TEST(test_the_log),
		TEST(test_a_noisy_stage_is_cut),
		TEST(test_files),
		TEST(test_what_is_kept),
		TEST(test_the_host_says_who_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
