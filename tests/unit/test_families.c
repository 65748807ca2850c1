/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Families that stages derive: what may be declared, how samples add up, what the page shows. */

#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "core/policy/families.h"

#define GAUGE	  XA_PLUGIN_GAUGE
#define COUNTER	  XA_PLUGIN_COUNTER
#define HISTOGRAM XA_PLUGIN_HISTOGRAM

static struct xa_families *families_new(uint32_t max_series)
{
	struct xa_families *families;

	assert_int_equal(xa_families_new(&families, max_series), 0);
	return families;
}

static struct xa_region_metric metric(enum xa_plugin_metric_type type, const char *name,
				      const char *label)
{
	struct xa_region_metric made = {.type = type, .label_count = label ? 1 : 0};

	(void)snprintf(made.name, sizeof(made.name), "%s", name);
	(void)snprintf(made.help, sizeof(made.help), "Of a test.");
	(void)snprintf(made.labels[0], sizeof(made.labels[0]), "%s", label ? label : "");
	if (type == HISTOGRAM) {
		made.bucket_count = 2;
		made.buckets[0] = 0.1;
		made.buckets[1] = 1e6;
	}
	return made;
}

static size_t declare(struct xa_families *families, enum xa_plugin_metric_type type,
		      const char *name, const char *label)
{
	const struct xa_region_metric made = metric(type, name, label);
	struct xa_why why;
	const int family = xa_families_declare(families, &made, &why);

	if (family < 0)
		fail_msg("%s: %s", name, why.text);
	return (size_t)family;
}

static void assert_refused(struct xa_families *families, const struct xa_region_metric *made,
			   const char *text)
{
	const size_t count = xa_families_count(families);
	struct xa_why why = {0};

	assert_int_equal(xa_families_declare(families, made, &why), -EINVAL);
	if (!strstr(why.text, text))
		fail_msg("'%s' is not '%s'", why.text, text);
	assert_int_equal(xa_families_count(families), count);
}

static uint64_t folded_of(const struct xa_families *families)
{
	uint64_t folded = 0;

	for (size_t i = 0; i < xa_families_count(families); i++)
		folded += xa_families_folded(families, i);
	return folded;
}

static char *page_with(struct xa_families *families, size_t room, uint64_t left_out)
{
	const uint64_t before = folded_of(families);
	struct xa_buf buf = {0};
	struct xa_exposition expo = {.buf = &buf};

	xa_buf_adds(&buf, "");
	xa_families_render(families, &expo, room);
	assert_int_equal(folded_of(families) - before, left_out);
	return xa_buf_take(&buf);
}

static void assert_page(struct xa_families *families, const char *text)
{
	_cleanup_free_ char *page = page_with(families, 1000, 0);

	assert_string_equal(page, text);
}

/* Without heads: the lines of samples. */
static void assert_samples(struct xa_families *families, const char *text)
{
	_cleanup_free_ char *page = page_with(families, 1000, 0);
	_cleanup_xa_buf_ struct xa_buf samples = {0};
	char *rest = page;

	xa_buf_adds(&samples, "");
	for (char *line; (line = strsep(&rest, "\n"));)
		if (line[0] && line[0] != '#')
			xa_buf_addf(&samples, "%s\n", line);
	assert_string_equal(samples.text, text);
}

static void add(struct xa_families *families, size_t family, const char *value, double number)
{
	assert_int_equal(xa_families_add(families, family, &value, number), 0);
}

static void add_u64(struct xa_families *families, size_t family, const char *value, uint64_t number)
{
	assert_int_equal(xa_families_add_u64(families, family, &value, number), 0);
}

/* --- declarations --- */

static void test_names(void **state)
{
	static const struct {
		enum xa_plugin_metric_type type;
		const char *name, *label, *why;
	} cases[] = {
		{GAUGE, "", NULL, "metric '': a name has"},
		{GAUGE, "1a", NULL, "metric '1a': a name has"},
		{GAUGE, "a-b", NULL, "a name has"},
		{GAUGE, "a b", NULL, "a name has"},
		{GAUGE, "gr\xc3\xbcn", NULL, "metric 'gr\xc3\xbcn': a name has"},
		{GAUGE, "a\n", NULL, "metric 'a?': a name has"},
		{GAUGE, "a_total", NULL, "only the name of a counter may end in _total"},
		{HISTOGRAM, "a_total", NULL, "only the name of a counter may end in _total"},
		{COUNTER, "a", NULL, "has to end in _total"},
		{GAUGE, "a", "", "label '': a name has"},
		{GAUGE, "a", "1", "label '1': a name has"},
		{GAUGE, "a", "a:b", "label 'a:b': a name has"},
		{GAUGE, "a", "__a", "label '__a': a name has"},
		{HISTOGRAM, "a", "le", "label 'le'"},
		{GAUGE, "xdp_netflow_flow_bytes", NULL, "xdp-auditor itself"},
		{GAUGE, "process_open_fds", NULL, "xdp-auditor itself"},
		{GAUGE, "xdp_auditor_poll_duration_seconds_sum", NULL, "xdp-auditor itself"},
		{GAUGE, "xdp_auditor_poll_duration_seconds_bucket", NULL, "xdp-auditor itself"},
		{GAUGE, "taken", NULL, "metric 'taken': the metric 'taken' is declared already"},
		{GAUGE, "times_count", NULL, "the metric 'times' is declared already"},
		{GAUGE, "times", NULL, "the metric 'times' is declared already"},
		{HISTOGRAM, "late", NULL, "the metric 'late_sum' is declared already"},
	};
	_cleanup_xa_families_ struct xa_families *families = families_new(10);

	(void)state;
	declare(families, GAUGE, "taken", NULL);
	declare(families, HISTOGRAM, "times", "a");
	declare(families, GAUGE, "late_sum", "le");
	declare(families, GAUGE, "a:b_1", "_a");
	for (size_t i = 0; i < array_size(cases); i++) {
		const struct xa_region_metric made = metric(cases[i].type, cases[i].name,
							    cases[i].label);

		assert_refused(families, &made, cases[i].why);
	}
}

static void test_shapes(void **state)
{
	_cleanup_xa_families_ struct xa_families *families = families_new(10);
	struct xa_region_metric made;

	(void)state;
	made = metric(GAUGE, "a", NULL);
	memset(made.name, 'a', sizeof(made.name));
	assert_refused(families, &made, "a name has");
	made = metric(GAUGE, "a", "b");
	memset(made.labels[0], 'b', sizeof(made.labels[0]));
	assert_refused(families, &made, "label 'bbb");
	made = metric(GAUGE, "a", NULL);
	memset(made.help, 'c', sizeof(made.help));
	assert_refused(families, &made, "help has to be");
	made = metric(GAUGE, "a", NULL);
	(void)snprintf(made.help, sizeof(made.help), "two\nlines");
	assert_refused(families, &made, "help has to be");
	made.help[3] = (char)0xff;
	assert_refused(families, &made, "help has to be");
	made.help[0] = '\0';
	assert_refused(families, &made, "has no help");
	made = metric(GAUGE, "a", NULL);
	made.type = 3;
	assert_refused(families, &made, "there is no type 3");
	made = metric(GAUGE, "a", NULL);
	made.label_count = UINT32_MAX;
	assert_refused(families, &made, "labels, 6 at most");
	made = metric(GAUGE, "a", "b");
	made.label_count = 2;
	made.labels[1][0] = 'b';
	assert_refused(families, &made, "label 'b' is there twice");
}

static void test_buckets_declared(void **state)
{
	_cleanup_xa_families_ struct xa_families *families = families_new(10);
	struct xa_region_metric made = metric(HISTOGRAM, "a", NULL);

	(void)state;
	made.bucket_count = XA_PLUGIN_BUCKETS_MAX + 1;
	assert_refused(families, &made, "33 buckets, 32 at most");
	made = metric(GAUGE, "a", NULL);
	made.bucket_count = 1;
	assert_refused(families, &made, "only a histogram has buckets");
	made = metric(HISTOGRAM, "a", NULL);
	made.buckets[1] = made.buckets[0];
	assert_refused(families, &made, "bucket 2 is not above");
	made.buckets[1] = INFINITY;
	assert_refused(families, &made, "bucket 2 is not finite");
	made.buckets[0] = NAN;
	assert_refused(families, &made, "bucket 1 is not finite");
}

static void test_too_many(void **state)
{
	_cleanup_xa_families_ struct xa_families *families = families_new(10);
	struct xa_region_metric made;

	(void)state;
	for (unsigned i = 0; i < XA_PLUGIN_METRICS_MAX; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "a%u", i);
		assert_int_equal(declare(families, GAUGE, name, NULL), i);
		assert_string_equal(xa_families_name(families, i), name);
	}
	made = metric(GAUGE, "b", NULL);
	assert_refused(families, &made, "there are 64 metrics already");
}

static void test_flow_labels(void **state)
{
	static const char *const bad[] = {"",	   "1",	    "a-b",   "__a",	  "src", "dst",
					  "proto", "sport", "dport", "interface", "le",	 "a\n"};
	struct xa_why why;

	(void)state;
	for (size_t i = 0; i < array_size(bad); i++) {
		why.text[0] = '\0';
		assert_false(xa_flow_label_is_valid(bad[i], &why));
		assert_non_null(strstr(why.text, "label '"));
	}
	assert_true(xa_flow_label_is_valid("src_zone", &why));
	assert_true(xa_flow_label_is_valid("_A9", NULL));
	assert_false(xa_flow_label_is_valid("src", NULL));
}

/* --- samples --- */

static void test_gauge(void **state)
{
	_cleanup_xa_families_ struct xa_families *families = families_new(10);
	const size_t a = declare(families, GAUGE, "a", "x"),
		     b = declare(families, GAUGE, "b", NULL);

	(void)state;
	assert_page(families, "");
	add(families, a, "two", 1.5);
	add(families, a, "one", -7);
	add(families, a, "two", 0.1);
	add(families, a, NULL, 1e300);
	add_u64(families, b, NULL, UINT64_MAX);
	assert_page(families, "# HELP a Of a test.\n# TYPE a gauge\n"
			      "a{x=\"two\"} 0.1\na{x=\"one\"} -7\na{x=\"\"} 1e+300\n"
			      "# HELP b Of a test.\n# TYPE b gauge\nb 18446744073709551615\n");
	xa_families_begin(families);
	assert_page(families, "");
	add(families, a, "one", -0.0);
	assert_samples(families, "a{x=\"one\"} 0\n");
}

static void test_counter(void **state)
{
	_cleanup_xa_families_ struct xa_families *families = families_new(10);
	const size_t a = declare(families, COUNTER, "a_total", "x");

	(void)state;
	add_u64(families, a, "i", (1ULL << 53) + 1);
	add(families, a, "i", 2);
	add(families, a, "d", 0.1);
	add(families, a, "d", 0.2);
	add(families, a, "m", 0.5);
	add_u64(families, a, "m", 3);
	xa_families_begin(families);
	add_u64(families, a, "i", 0);
	add_u64(families, a, "s", UINT64_MAX);
	add_u64(families, a, "s", 5);
	add(families, a, "h", DBL_MAX);
	add(families, a, "h", DBL_MAX);
	assert_samples(families, "a_total{x=\"i\"} 9007199254740995\n"
				 "a_total{x=\"d\"} 0.30000000000000004\n"
				 "a_total{x=\"m\"} 3.5\n"
				 "a_total{x=\"s\"} 18446744073709551615\n"
				 "a_total{x=\"h\"} 1.7976931348623157e+308\n");
}

static void test_histogram(void **state)
{
	_cleanup_xa_families_ struct xa_families *families = families_new(10);
	const size_t a = declare(families, HISTOGRAM, "a", "x");

	(void)state;
	add(families, a, "one", 0.1);
	add(families, a, "one", 0.11);
	add_u64(families, a, "one", 1000000);
	add(families, a, "one", 1e7);
	xa_families_begin(families);
	add(families, a, "one", -1);
	assert_page(families, "# HELP a Of a test.\n# TYPE a histogram\n"
			      "a_bucket{x=\"one\",le=\"0.1\"} 2\n"
			      "a_bucket{x=\"one\",le=\"1e+06\"} 4\n"
			      "a_bucket{x=\"one\",le=\"+Inf\"} 5\n"
			      "a_sum{x=\"one\"} 10999999.21\n"
			      "a_count{x=\"one\"} 5\n");
}

static void test_refused_samples(void **state)
{
	_cleanup_xa_families_ struct xa_families *families = families_new(10);
	const size_t a = declare(families, COUNTER, "a_total", NULL);

	(void)state;
	assert_int_equal(xa_families_add(families, a, NULL, -0.5), -EINVAL);
	assert_int_equal(xa_families_add(families, a, NULL, NAN), -EINVAL);
	assert_int_equal(xa_families_add(families, a, NULL, INFINITY), -EINVAL);
	assert_int_equal(xa_families_add(families, 1, NULL, 1), -EINVAL);
	assert_int_equal(xa_families_add_u64(families, SIZE_MAX, NULL, 1), -EINVAL);
	assert_page(families, "");
}

/* Texts that run into one another when they are put together are still two series. */
static void test_labels(void **state)
{
	_cleanup_xa_families_ struct xa_families *families = families_new(10);
	struct xa_region_metric made = metric(GAUGE, "a", "x");

	(void)state;
	made.label_count = 2;
	made.labels[1][0] = 'y';
	(void)snprintf(made.help, sizeof(made.help), "A \\ and a \"quote\".");
	assert_int_equal(xa_families_declare(families, &made, NULL), 0);
	assert_int_equal(xa_families_add(families, 0, (const char *[]){"ab", "c"}, 1), 0);
	assert_int_equal(xa_families_add(families, 0, (const char *[]){"a", "bc"}, 2), 0);
	assert_int_equal(xa_families_add(families, 0, (const char *[]){"\"\\", NULL}, 3), 0);
	assert_page(families, "# HELP a A \\\\ and a \"quote\".\n# TYPE a gauge\n"
			      "a{x=\"ab\",y=\"c\"} 1\na{x=\"a\",y=\"bc\"} 2\n"
			      "a{x=\"\\\"\\\\\",y=\"\"} 3\n");
}

/* The last place is the one of "other", and the sum stays right. */
static void test_fold(void **state)
{
	_cleanup_xa_families_ struct xa_families *families = families_new(3);
	const size_t a = declare(families, COUNTER, "a_total", "x");
	const size_t g = declare(families, GAUGE, "g", "x"),
		     n = declare(families, GAUGE, "n", NULL);

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		char value[16];

		(void)snprintf(value, sizeof(value), "v%u", i);
		add_u64(families, a, value, 1);
		add(families, g, value, 2);
		add(families, n, NULL, 3);
	}
	add(families, g, "v0", 1);
	assert_samples(families, "a_total{x=\"v0\"} 1\na_total{x=\"v1\"} 1\n"
				 "a_total{x=\"other\"} 998\n"
				 "g{x=\"v0\"} 1\ng{x=\"v1\"} 2\ng{x=\"other\"} 1996\nn 3\n");
	assert_int_equal(xa_families_folded(families, a), 998);
	assert_int_equal(xa_families_folded(families, g), 998);
	assert_int_equal(xa_families_folded(families, n), 0);
	xa_families_begin(families);
	add(families, g, "other", 1);
	add(families, g, "a", 1);
	add(families, g, "b", 1);
	add(families, g, "c", 1);
	assert_samples(families,
		       "a_total{x=\"v0\"} 1\na_total{x=\"v1\"} 1\na_total{x=\"other\"} 998\n"
		       "g{x=\"other\"} 2\ng{x=\"a\"} 1\ng{x=\"b\"} 1\n");
}

static void test_one_series(void **state)
{
	_cleanup_xa_families_ struct xa_families *families = families_new(1);
	const size_t a = declare(families, COUNTER, "a_total", "x");

	(void)state;
	add(families, a, "one", 1);
	add(families, a, "other", 1);
	assert_samples(families, "a_total{x=\"other\"} 2\n");
	assert_int_equal(xa_families_folded(families, a), 1);
}

static void test_many_series(void **state)
{
	_cleanup_xa_families_ struct xa_families *families = families_new(100000);
	const size_t a = declare(families, COUNTER, "a_total", "x");
	_cleanup_free_ char *page = NULL;

	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 50000; i++) {
			char value[16];

			(void)snprintf(value, sizeof(value), "v%u", i);
			add_u64(families, a, value, i);
		}
	}
	page = page_with(families, 50000, 0);
	assert_non_null(strstr(page, "a_total{x=\"v49999\"} 99998\n"));
	assert_int_equal(xa_families_folded(families, a), 0);
}

static void test_room(void **state)
{
	_cleanup_xa_families_ struct xa_families *families = families_new(10);
	const size_t a = declare(families, GAUGE, "a", "x");
	const size_t h = declare(families, HISTOGRAM, "h", "x");
	const size_t z = declare(families, GAUGE, "z", NULL);
	static const struct {
		size_t room, lines;
		uint64_t left_out;
	} cases[] = {{13, 13, 0}, {12, 12, 1}, {11, 7, 6}, {2, 2, 11}, {1, 1, 12}, {0, 0, 13}};

	(void)state;
	add(families, a, "1", 1);
	add(families, a, "2", 1);
	add(families, h, "1", 1);
	add(families, h, "2", 1);
	add(families, z, NULL, 1);
	for (size_t i = 0; i < array_size(cases); i++) {
		_cleanup_free_ char *page = page_with(families, cases[i].room, cases[i].left_out);
		size_t lines = 0;

		for (const char *at = page; *at; at = strchr(at, '\n') + 1)
			lines += *at != '#';
		assert_int_equal(lines, cases[i].lines);
	}
	/* each by its name */
	assert_int_equal(xa_families_folded(families, a), 1 + 2);
	assert_int_equal(xa_families_folded(families, h), 5 + 3 * 10);
	assert_int_equal(xa_families_folded(families, z), 5);
}

/* --- reload --- */

static void fill(struct xa_families *families)
{
	add_u64(families, declare(families, COUNTER, "a_total", "x"), "one", UINT64_MAX - 1);
	add(families, 0, "two", 0.25);
	add(families, declare(families, HISTOGRAM, "h", "x"), "one", 5);
	add(families, declare(families, GAUGE, "g", "x"), "one", 5);
}

static void test_inherit(void **state)
{
	_cleanup_xa_families_ struct xa_families *before = families_new(10);
	_cleanup_xa_families_ struct xa_families *families = families_new(10);

	(void)state;
	fill(before);
	declare(families, GAUGE, "g", "x");
	declare(families, HISTOGRAM, "h", "x");
	declare(families, COUNTER, "a_total", "x");
	declare(families, COUNTER, "b_total", "x");
	assert_int_equal(xa_families_inherit(families, before), 0);
	add_u64(families, 2, "one", 1);
	add(families, 1, "one", 0);
	assert_samples(families, "h_bucket{x=\"one\",le=\"0.1\"} 1\n"
				 "h_bucket{x=\"one\",le=\"1e+06\"} 2\n"
				 "h_bucket{x=\"one\",le=\"+Inf\"} 2\n"
				 "h_sum{x=\"one\"} 5\nh_count{x=\"one\"} 2\n"
				 "a_total{x=\"one\"} 18446744073709551615\n"
				 "a_total{x=\"two\"} 0.25\n");
}

static void test_inherit_others(void **state)
{
	_cleanup_xa_families_ struct xa_families *before = families_new(10);
	_cleanup_xa_families_ struct xa_families *families = families_new(10);
	struct xa_region_metric made = metric(HISTOGRAM, "h", "x");

	(void)state;
	fill(before);
	declare(families, COUNTER, "a_total", "y");
	made.buckets[0] = 0.2;
	assert_int_equal(xa_families_declare(families, &made, NULL), 1);
	assert_int_equal(xa_families_inherit(families, before), 0);
	assert_page(families, "");
	assert_false(xa_families_is(before, 1, &made));
	made = metric(HISTOGRAM, "h", "x");
	assert_true(xa_families_is(before, 1, &made));
}

/* Fewer series than before: what does not fit is added to "other". */
static void test_inherit_fold(void **state)
{
	_cleanup_xa_families_ struct xa_families *before = families_new(4);
	_cleanup_xa_families_ struct xa_families *families = families_new(2);

	(void)state;
	declare(before, COUNTER, "a_total", "x");
	for (unsigned i = 0; i < 6; i++)
		add(before, 0, (const char *[]){"a", "b", "c", "d", "e", "f"}[i], 1);
	assert_int_equal(xa_families_folded(before, 0), 3);
	declare(families, COUNTER, "a_total", "x");
	assert_int_equal(xa_families_inherit(families, before), 0);
	assert_samples(families, "a_total{x=\"a\"} 1\na_total{x=\"other\"} 5\n");
	assert_int_equal(xa_families_folded(families, 0), 5);
}

/* --- the judge of it all --- */

static void test_promtool(void **state)
{
	_cleanup_xa_families_ struct xa_families *families = families_new(10);
	char name[] = "promtool", check[] = "check", what[] = "metrics";
	char *const arguments[] = {name, check, what, NULL};
	char path[] = "/tmp/xa-families-XXXXXX";
	posix_spawn_file_actions_t actions;
	_cleanup_free_ char *page = NULL;
	_cleanup_close_ int fd = -1;
	int status, error;
	pid_t pid;

	(void)state;
	fill(families);
	add(families, 2, "\"\\ \xc3\xa4", 1e-300);
	page = page_with(families, 1000, 0);
	fd = mkstemp(path);
	assert_true(fd >= 0 && !unlink(path));
	assert_int_equal(write(fd, page, strlen(page)), strlen(page));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&actions, fd, 0), 0);
	error = posix_spawnp(&pid, name, &actions, NULL, arguments, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	if (error == ENOENT)
		skip();
	assert_int_equal(error, 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_buckets_declared),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_flow_labels),
		cmocka_unit_test(test_gauge),
		cmocka_unit_test(test_counter),
		cmocka_unit_test(test_histogram),
		cmocka_unit_test(test_refused_samples),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_fold),
		cmocka_unit_test(test_one_series),
		cmocka_unit_test(test_many_series),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_inherit),
		cmocka_unit_test(test_inherit_others),
		cmocka_unit_test(test_inherit_fold),
		cmocka_unit_test(test_promtool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
