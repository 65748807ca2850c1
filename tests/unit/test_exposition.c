/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The text format, byte by byte, and the table of families that it draws on. */

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/metrics/exposition.h"

static void assert_written(const struct xa_exposition *expo, const char *text)
{
	assert_false(xa_buf_failed(expo->buf));
	assert_string_equal(expo->buf->text, text);
}

static void test_head_once(void **state)
{
	_cleanup_xa_buf_ struct xa_buf buf = {0};
	struct xa_exposition expo = {.buf = &buf};

	(void)state;
	xa_exposition_begin(&expo, XA_METRIC_SEEN_PACKETS_TOTAL);
	xa_exposition_u64(&expo, (const char *const[]){"eth0"}, 1);
	xa_exposition_u64(&expo, (const char *const[]){"eth1"}, UINT64_MAX);
	xa_exposition_begin(&expo, XA_METRIC_ACTIVE_FLOWS);
	xa_exposition_u64(&expo, NULL, 0);
	assert_written(&expo,
		       "# HELP xdp_auditor_seen_packets_total Packets that netflow_filter was "
		       "called for, counted apart from flows and reasons.\n"
		       "# TYPE xdp_auditor_seen_packets_total counter\n"
		       "xdp_auditor_seen_packets_total{interface=\"eth0\"} 1\n"
		       "xdp_auditor_seen_packets_total{interface=\"eth1\"} 18446744073709551615\n"
		       "# HELP xdp_netflow_active_flows Living flows.\n"
		       "# TYPE xdp_netflow_active_flows gauge\n"
		       "xdp_netflow_active_flows 0\n");
	assert_int_equal(expo.series, 3);
}

static void test_empty_family(void **state)
{
	_cleanup_xa_buf_ struct xa_buf buf = {0};
	struct xa_exposition expo = {.buf = &buf};

	(void)state;
	xa_exposition_begin(&expo, XA_METRIC_FLOW_BYTES);
	xa_exposition_begin(&expo, XA_METRIC_ATTACHED);
	assert_int_equal(buf.len, 0);
	assert_int_equal(expo.series, 0);
	xa_exposition_begin(&expo, XA_METRIC_ACTIVE_FLOWS);
	xa_exposition_u64(&expo, NULL, 5);
	assert_written(&expo, "# HELP xdp_netflow_active_flows Living flows.\n"
			      "# TYPE xdp_netflow_active_flows gauge\n"
			      "xdp_netflow_active_flows 5\n");
}

/* What follows the family's head. */
static const char *samples(const struct xa_exposition *expo)
{
	const char *type = strstr(expo->buf->text, "# TYPE ");

	assert_non_null(type);
	return strchr(type, '\n') + 1;
}

static void test_escaping(void **state)
{
	static const struct {
		const char *value, *sample;
	} cases[] = {
		{"", "xdp_auditor_seen_bytes_total{interface=\"\"} 1\n"},
		{"a\"b", "xdp_auditor_seen_bytes_total{interface=\"a\\\"b\"} 1\n"},
		{"a\\b", "xdp_auditor_seen_bytes_total{interface=\"a\\\\b\"} 1\n"},
		{"a\nb", "xdp_auditor_seen_bytes_total{interface=\"a\\nb\"} 1\n"},
		{"\\\"\n", "xdp_auditor_seen_bytes_total{interface=\"\\\\\\\"\\n\"} 1\n"},
		{"\\n", "xdp_auditor_seen_bytes_total{interface=\"\\\\n\"} 1\n"},
		{"{}=,#\t", "xdp_auditor_seen_bytes_total{interface=\"{}=,#\t\"} 1\n"},
		{"grün", "xdp_auditor_seen_bytes_total{interface=\"grün\"} 1\n"},
		{"\xff", "xdp_auditor_seen_bytes_total{interface=\":ff\"} 1\n"},
		{"a\xc3", "xdp_auditor_seen_bytes_total{interface=\"a:c3\"} 1\n"},
		{"\xc3\"\x80", "xdp_auditor_seen_bytes_total{interface=\":c3\\\":80\"} 1\n"},
		{"\xc0\xaf", "xdp_auditor_seen_bytes_total{interface=\":c0:af\"} 1\n"},
		{"\xed\xa0\x80", "xdp_auditor_seen_bytes_total{interface=\":ed:a0:80\"} 1\n"},
		{"\xe2\x82\xac\xe2\x82",
		 "xdp_auditor_seen_bytes_total{interface=\"\xe2\x82\xac:e2:82\"} 1\n"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		_cleanup_xa_buf_ struct xa_buf buf = {0};
		struct xa_exposition expo = {.buf = &buf};

		xa_exposition_begin(&expo, XA_METRIC_SEEN_BYTES_TOTAL);
		xa_exposition_u64(&expo, &cases[i].value, 1);
		assert_string_equal(samples(&expo), cases[i].sample);
	}
}

static void test_labels_left_out(void **state)
{
	static const char *const some[XA_LABELS_MAX] = {NULL, "10.0.0.1", NULL, "tcp", NULL, "443"};
	static const char *const none[XA_LABELS_MAX] = {0};
	_cleanup_xa_buf_ struct xa_buf buf = {0};
	struct xa_exposition expo = {.buf = &buf};

	(void)state;
	xa_exposition_begin(&expo, XA_METRIC_FLOW_PACKETS);
	xa_exposition_u64(&expo, some, 7);
	xa_exposition_u64(&expo, none, 8);
	assert_string_equal(
		samples(&expo),
		"xdp_netflow_flow_packets{src=\"10.0.0.1\",proto=\"tcp\",dport=\"443\"} 7\n"
		"xdp_netflow_flow_packets 8\n");
}

static void test_numbers(void **state)
{
	_cleanup_xa_buf_ struct xa_buf buf = {0};
	struct xa_exposition expo = {.buf = &buf};
	const char *eth0 = "eth0";

	(void)state;
	xa_exposition_begin(&expo, XA_METRIC_UNACCOUNTED_PACKETS);
	xa_exposition_i64(&expo, &eth0, -1);
	xa_exposition_i64(&expo, &eth0, 0);
	xa_exposition_i64(&expo, &eth0, INT64_MIN);
	xa_exposition_i64(&expo, &eth0, INT64_MAX);
	xa_exposition_double(&expo, &eth0, -0.5);
	xa_exposition_double(&expo, &eth0, 1795356055.25);
	assert_string_equal(
		samples(&expo),
		"xdp_auditor_unaccounted_packets{interface=\"eth0\"} -1\n"
		"xdp_auditor_unaccounted_packets{interface=\"eth0\"} 0\n"
		"xdp_auditor_unaccounted_packets{interface=\"eth0\"} -9223372036854775808\n"
		"xdp_auditor_unaccounted_packets{interface=\"eth0\"} 9223372036854775807\n"
		"xdp_auditor_unaccounted_packets{interface=\"eth0\"} -0.500000000\n"
		"xdp_auditor_unaccounted_packets{interface=\"eth0\"} 1795356055.250000000\n");
	assert_int_equal(expo.series, 6);
}

static void test_histogram(void **state)
{
	static const struct xa_histogram_bounds bounds = {
		.count = 3, .upper_ns = {5 * XA_NS_PER_MS, 250 * XA_NS_PER_MS, 10 * XA_NS_PER_S}};
	static const uint64_t observed[] = {
		0,
		5 * XA_NS_PER_MS, /* on the bound: in it */
		5 * XA_NS_PER_MS + 1,
		3 * XA_NS_PER_S,
		20 * XA_NS_PER_S,
	};
	_cleanup_xa_buf_ struct xa_buf buf = {0};
	struct xa_exposition expo = {.buf = &buf};
	struct xa_histogram histogram = {0};

	(void)state;
	for (size_t i = 0; i < array_size(observed); i++)
		xa_histogram_observe(&histogram, &bounds, observed[i]);
	xa_exposition_begin(&expo, XA_METRIC_POLL_DURATION);
	xa_exposition_histogram(&expo, &histogram, &bounds);
	assert_string_equal(samples(&expo),
			    "xdp_auditor_poll_duration_seconds_bucket{le=\"0.005\"} 2\n"
			    "xdp_auditor_poll_duration_seconds_bucket{le=\"0.25\"} 3\n"
			    "xdp_auditor_poll_duration_seconds_bucket{le=\"10.0\"} 4\n"
			    "xdp_auditor_poll_duration_seconds_bucket{le=\"+Inf\"} 5\n"
			    "xdp_auditor_poll_duration_seconds_sum 23.010000001\n"
			    "xdp_auditor_poll_duration_seconds_count 5\n");
	assert_int_equal(expo.series, 6);
}

static void test_histogram_of_nothing(void **state)
{
	static const struct xa_histogram_bounds bounds = {.count = 1, .upper_ns = {XA_NS_PER_S}};
	static const struct xa_histogram empty = {0};
	_cleanup_xa_buf_ struct xa_buf buf = {0};
	struct xa_exposition expo = {.buf = &buf};

	(void)state;
	xa_exposition_begin(&expo, XA_METRIC_POLL_DURATION);
	xa_exposition_histogram(&expo, &empty, &bounds);
	assert_string_equal(samples(&expo),
			    "xdp_auditor_poll_duration_seconds_bucket{le=\"1.0\"} 0\n"
			    "xdp_auditor_poll_duration_seconds_bucket{le=\"+Inf\"} 0\n"
			    "xdp_auditor_poll_duration_seconds_sum 0\n"
			    "xdp_auditor_poll_duration_seconds_count 0\n");
}

/* The samples are the same; heads, exemplars and the end are not. */
static void test_openmetrics(void **state)
{
	static const char *const version = "1.0", *const eth0 = "eth0";
	static const double upper[] = {1, 2.5, 1048576};
	static const uint64_t counts[] = {1, 0, 0, 2};
	static const struct xa_exemplar exemplars[] = {
		{"src=\"10.0.0.1\"", 0.5}, {"", 0}, {"", 0}, {"src=\"10.0.0.2\"", 2e6}};
	static const struct xa_buckets buckets = {3, upper, counts, 4000000.5, exemplars};
	_cleanup_xa_buf_ struct xa_buf buf = {0}, openmetrics = {0};
	struct xa_exposition expo = {.buf = &buf, .openmetrics = &openmetrics};

	(void)state;
	xa_exposition_begin(&expo, XA_METRIC_BUILD_INFO);
	xa_exposition_u64(&expo, &version, 1);
	xa_exposition_begin(&expo, XA_METRIC_SEEN_BYTES_TOTAL);
	xa_exposition_u64(&expo, &eth0, 7);
	xa_exposition_begin(&expo, XA_METRIC_FLOW_DURATION);
	xa_exposition_buckets(&expo, NULL, &buckets);
	xa_exposition_end(&expo);
	assert_non_null(strstr(buf.text, "# TYPE xdp_auditor_build_info gauge\n"
					 "xdp_auditor_build_info{version=\"1.0\"} 1\n"));
	assert_non_null(strstr(buf.text, "# TYPE xdp_auditor_seen_bytes_total counter\n"));
	assert_non_null(strstr(buf.text, "le=\"1.0\"} 1\n"));
	assert_null(strstr(buf.text, "EOF"));
	assert_non_null(strstr(openmetrics.text, "# TYPE xdp_auditor_build info\n"
						 "xdp_auditor_build_info{version=\"1.0\"} 1\n"));
	assert_non_null(strstr(openmetrics.text,
			       "# TYPE xdp_auditor_seen_bytes counter\n"
			       "xdp_auditor_seen_bytes_total{interface=\"eth0\"} 7\n"));
	assert_string_equal(
		strstr(openmetrics.text, "xdp_netflow_flow_duration_seconds_bucket"),
		"xdp_netflow_flow_duration_seconds_bucket{le=\"1.0\"} 1 # {src=\"10.0.0.1\"} 0.5\n"
		"xdp_netflow_flow_duration_seconds_bucket{le=\"2.5\"} 1\n"
		"xdp_netflow_flow_duration_seconds_bucket{le=\"1.048576e+06\"} 1\n"
		"xdp_netflow_flow_duration_seconds_bucket{le=\"+Inf\"} 3 "
		"# {src=\"10.0.0.2\"} 2000000\n"
		"xdp_netflow_flow_duration_seconds_sum 4000000.5\n"
		"xdp_netflow_flow_duration_seconds_count 3\n"
		"# EOF\n");
}

static void test_failure_is_the_buffers(void **state)
{
	_cleanup_xa_buf_ struct xa_buf buf = {0};
	struct xa_exposition expo = {.buf = &buf};
	volatile size_t too_much = SIZE_MAX;

	(void)state;
	assert_int_equal(xa_buf_reserve(&buf, too_much), -ENOMEM);
	xa_exposition_begin(&expo, XA_METRIC_ACTIVE_FLOWS);
	xa_exposition_u64(&expo, NULL, 5);
	assert_true(xa_buf_failed(&buf));
}

static bool is_name(const char *name, bool label)
{
	if (!isalpha((unsigned char)*name) && *name != '_')
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && *name != '_' && (label || *name != ':'))
			return false;
	return true;
}

static bool ends_in(const char *text, const char *end)
{
	return strlen(text) >= strlen(end) && !strcmp(text + strlen(text) - strlen(end), end);
}

/* Names that Prometheus takes, help that needs no escaping, counters that say so. */
static void test_registry(void **state)
{
	static const char *const type_names[] = {"gauge", "counter", "histogram", "gauge"};

	(void)state;
	for (size_t i = 0; i < XA_METRIC_TYPE_COUNT_; i++)
		assert_string_equal(xa_metric_type_names[i], type_names[i]);
	for (size_t i = 0; i < XA_METRIC_COUNT_; i++) {
		const struct xa_metric_info *metric = &xa_metrics[i];

		assert_true(is_name(metric->name, false));
		assert_true(strlen(metric->help) > 0 && !strpbrk(metric->help, "\\\n"));
		assert_int_equal(ends_in(metric->name, "_total"), metric->type == XA_COUNTER);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(metric->name, xa_metrics[j].name);
		for (size_t j = 0; j < XA_LABELS_MAX && metric->labels[j]; j++)
			assert_true(is_name(metric->labels[j], true) &&
				    strncmp(metric->labels[j], "__", 2) != 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_head_once),
		cmocka_unit_test(test_empty_family),
		cmocka_unit_test(test_escaping),
		cmocka_unit_test(test_labels_left_out),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_histogram),
		cmocka_unit_test(test_histogram_of_nothing),
		cmocka_unit_test(test_openmetrics),
		cmocka_unit_test(test_failure_is_the_buffers),
		cmocka_unit_test(test_registry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
