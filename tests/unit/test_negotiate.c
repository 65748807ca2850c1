/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/http/negotiate.h"

static void test_format(void **state)
{
	static const struct {
		const char *accept;
		enum xa_format format;
	} rows[] = {
		{NULL, XA_FORMAT_TEXT},
		{"", XA_FORMAT_TEXT},
		{"*/*", XA_FORMAT_TEXT},
		{"text/html, */*;q=0.8", XA_FORMAT_TEXT},
		{"application/openmetrics-text", XA_FORMAT_OPENMETRICS},
		{"Application/OpenMetrics-Text; Version=1.0.0", XA_FORMAT_OPENMETRICS},
		{"application/openmetrics-text; version=\"1.0.0\"", XA_FORMAT_OPENMETRICS},
		{"application/openmetrics-text; version=0.0.1", XA_FORMAT_TEXT},
		{"application/openmetrics-text; version=2.0.0, text/plain", XA_FORMAT_TEXT},
		{"application/openmetrics-text;q=0", XA_FORMAT_TEXT},
		{"application/openmetrics-text;q=0.000", XA_FORMAT_TEXT},
		/* Prometheus 2.42 and 2.53 */
		{"application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
		 "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		 XA_FORMAT_OPENMETRICS},
		{"application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;"
		 "version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
		 XA_FORMAT_OPENMETRICS},
		/* with protobuf first, which we do not speak */
		{"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
		 "encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5,"
		 "text/plain;version=0.0.4;q=0.3",
		 XA_FORMAT_OPENMETRICS},
		{"text/plain;q=0.5, application/openmetrics-text;q=0.4", XA_FORMAT_TEXT},
		{"text/plain;q=0.501, application/openmetrics-text;q=0.502", XA_FORMAT_OPENMETRICS},
		{"text/plain, application/openmetrics-text", XA_FORMAT_OPENMETRICS},
		{"text/plain;x=\"a,application/openmetrics-text\"", XA_FORMAT_TEXT},
		{"text/plain;x=\"a\\\",application/openmetrics-text", XA_FORMAT_TEXT},
		{" \t application/openmetrics-text \t ; q = 1 ", XA_FORMAT_OPENMETRICS},
		{",,;;,application/openmetrics-text;;", XA_FORMAT_OPENMETRICS},
		{"application/openmetrics-text;q=", XA_FORMAT_OPENMETRICS},
		{"application/openmetrics-text;q=nonsense", XA_FORMAT_OPENMETRICS},
		{"application/openmetrics-texts", XA_FORMAT_TEXT},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++)
		if (xa_negotiate_format(rows[i].accept) != rows[i].format)
			fail_msg("%s", rows[i].accept);
}

static void test_gzip(void **state)
{
	static const struct {
		const char *encodings;
		bool gzip;
	} rows[] = {
		{NULL, false},
		{"", false},
		{"gzip", true},
		{"GZIP", true},
		{"x-gzip", true},
		{"deflate, gzip;q=1.0, *;q=0.5", true},
		{"gzip;q=0.001", true},
		{"gzip;q=0", false},
		{"gzip;q=0.0, *", false},
		{"*", true},
		{"*;q=0", false},
		{"*;q=0, gzip", true},
		{"identity", false},
		{"br, zstd", false},
		{"gzipped", false},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++)
		if (xa_negotiate_gzip(rows[i].encodings) != rows[i].gzip)
			fail_msg("%s", rows[i].encodings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_gzip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
