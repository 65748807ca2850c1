/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Equal samples are equal texts, different ones are not, and what is no sample says why. */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/rule_sample.h"

static void check(const char *line, const char *wanted)
{
	_cleanup_xa_buf_ struct xa_buf buf = {0};
	const char *fault = NULL;

	if (xa_rule_sample_format(line, &buf, &fault))
		fail_msg("%s: %s", line, fault);
	assert_string_equal(buf.text, wanted);
}

static void refuse(const char *line, const char *wanted)
{
	_cleanup_xa_buf_ struct xa_buf buf = {0};
	const char *fault = NULL;

	xa_buf_adds(&buf, "before");
	assert_int_equal(xa_rule_sample_format(line, &buf, &fault), -EINVAL);
	assert_string_equal(fault, wanted);
	assert_string_equal(buf.text, "before");
}

static void test_labels(void **state)
{
	(void)state;
	check("a 1", "a 1");
	check("a{} 1", "a 1");
	check("a{b=\"\"} 1", "a 1");
	check("a:b_9{c=\"2\",b=\"1\"} 1", "a:b_9{b=\"1\", c=\"2\"} 1");
	check("a{ c=\"2\", b=\"1\",}  1", "a{b=\"1\", c=\"2\"} 1");
	check("a{b=\"\\\"\\\\}\"} 1", "a{b=\"\\\"\\\\}\"} 1");
	check("a{b=\"1\\n2\"} 1", "a{b=\"1\\n2\"} 1");
	check("a{b=\"{x=\\\"y\\\"} 2\"} 1", "a{b=\"{x=\\\"y\\\"} 2\"} 1");
}

static void test_numbers(void **state)
{
	(void)state;
	check("a 18446744073709551615", "a 18446744073709551615");
	check("a 9007199254740993", "a 9007199254740993");
	check("a 1e3", "a 1000");
	check("a +1000.0", "a 1000");
	check("a -0", "a 0");
	check("a 0.50", "a 0.5");
	check("a 5e-1", "a 0.5");
	check("a 0.1", "a 0.1");
	check("a 0.30000000000000004", "a 0.30000000000000004");
	check("a 1e300", "a 1e+300");
	check("a -2.5", "a -2.5");
	check("a 1e18", "a 1000000000000000000");
	check("a +Inf", "a inf");
	check("a NaN", "a nan");
}

static void test_faults(void **state)
{
	(void)state;
	refuse("", "expected a metric's name");
	refuse("9a 1", "expected a metric's name");
	refuse("a", "expected '{' or a blank behind the metric's name");
	refuse("a ", "expected a number behind the metric");
	refuse("a{", "expected a label (name=\"value\")");
	refuse("a{b", "expected a label (name=\"value\")");
	refuse("a{b=", "expected a label (name=\"value\")");
	refuse("a{b=\"", "a label's value does not end in '\"'");
	refuse("a{b=\"c\\", "a label's value does not end in '\"'");
	refuse("a{b=\"c\" d=\"e\"} 1", "expected ',' or '}' behind a label");
	refuse("a{b=\"c\"}", "expected a number behind the metric");
	refuse("a 1 2", "what stands behind the metric is no number");
	refuse("a one", "what stands behind the metric is no number");
	refuse("a{a=\"1\",b=\"1\",c=\"1\",d=\"1\",e=\"1\",f=\"1\",g=\"1\",h=\"1\",i=\"1\",j=\"1\","
	       "k=\"1\",l=\"1\",m=\"1\",n=\"1\",o=\"1\",p=\"1\",q=\"1\"} 1",
	       "too many labels");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
