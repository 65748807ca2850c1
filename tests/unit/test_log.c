/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The log as its reader gets it. stderr becomes a socket that keeps records apart, so that "one
 * write a message" is seen and not believed.
 */

#include <pthread.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "core/base/log.h"

#define TIME "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z"

struct capture {
	int stderr_before;
	int reader;
};

static void capture_begin(struct capture *capture)
{
	const struct timeval patience = {.tv_sec = 10};
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)),
			 0);
	capture->stderr_before = dup(STDERR_FILENO);
	assert_true(capture->stderr_before >= 0);
	assert_int_equal(dup2(pair[1], STDERR_FILENO), STDERR_FILENO);
	(void)close(pair[1]);
	capture->reader = pair[0];
}

/* From here on an assertion may speak on stderr again. */
static void capture_end(struct capture *capture)
{
	(void)dup2(capture->stderr_before, STDERR_FILENO);
	(void)close(capture->stderr_before);
}

/* One record, or false where there is none left. */
static bool capture_read(const struct capture *capture, char *record, size_t size)
{
	ssize_t len = recv(capture->reader, record, size - 1, 0);

	if (len <= 0)
		return false;
	record[len] = '\0';
	return true;
}

static bool matches(const char *pattern, const char *text)
{
	regex_t regex;
	bool found;

	assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	found = !regexec(&regex, text, 0, NULL, 0);
	regfree(&regex);
	return found;
}

static void assert_logged(enum xa_log_format format, const char *message, const char *tail)
{
	struct capture capture;
	char record[32768] = "";
	bool any;

	xa_log_set(XA_LOG_INFO, format);
	capture_begin(&capture);
	xa_log_warn("%s", message);
	capture_end(&capture);
	any = capture_read(&capture, record, sizeof(record));
	assert_true(any);
	assert_true(strlen(record) >= strlen(tail));
	assert_string_equal(record + strlen(record) - strlen(tail), tail);
	assert_false(capture_read(&capture, record, sizeof(record)));
	(void)close(capture.reader);
}

static void test_shape(void **state)
{
	struct capture capture;
	char logfmt[256] = "", json[256] = "";

	(void)state;
	capture_begin(&capture);
	xa_log_set(XA_LOG_INFO, XA_LOG_LOGFMT);
	xa_log_info("reloaded config=%s", "a.yaml");
	xa_log_set(XA_LOG_INFO, XA_LOG_JSON);
	xa_log_error("lost interface=%s", "eth0");
	capture_end(&capture);
	(void)capture_read(&capture, logfmt, sizeof(logfmt));
	(void)capture_read(&capture, json, sizeof(json));
	(void)close(capture.reader);
	assert_true(
		matches("^time=" TIME " level=info msg=\"reloaded config=a\\.yaml\"\n$", logfmt));
	assert_true(matches("^\\{\"time\":\"" TIME "\",\"level\":\"error\","
			    "\"msg\":\"lost interface=eth0\"\\}\n$",
			    json));
}

static void test_time_is_utc_now(void **state)
{
	struct capture capture;
	char record[256] = "";
	time_t before = time(NULL), told;
	struct tm tm = {0};

	(void)state;
	assert_int_equal(setenv("TZ", "Pacific/Kiritimati", 1), 0);
	tzset();
	xa_log_set(XA_LOG_INFO, XA_LOG_LOGFMT);
	capture_begin(&capture);
	xa_log_info("x");
	capture_end(&capture);
	(void)capture_read(&capture, record, sizeof(record));
	(void)close(capture.reader);
	assert_int_equal(unsetenv("TZ"), 0);
	assert_non_null(strptime(record, "time=%Y-%m-%dT%H:%M:%S.", &tm));
	told = timegm(&tm);
	assert_in_range(told, before, time(NULL));
}

static void test_escaping(void **state)
{
	static const struct {
		const char *message, *escaped;
	} cases[] = {
		{"", "\"\""},
		{"plain key=value", "\"plain key=value\""},
		{"a \"quoted\" \\ word", "\"a \\\"quoted\\\" \\\\ word\""},
		{"two\nlines\n", "\"two\\nlines\\n\""},
		{"\x01\x1f\t\r\x1b[31m", "\"\\u0001\\u001f\\u0009\\u000d\\u001b[31m\""},
		{"grün", "\"grün\""},
		{"interface=\xff\xc3", "\"interface=\\\\xff\\\\xc3\""},
		{"%s %n %d", "\"%s %n %d\""},
	};
	char tail[128];

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		(void)snprintf(tail, sizeof(tail), " level=warn msg=%s\n", cases[i].escaped);
		assert_logged(XA_LOG_LOGFMT, cases[i].message, tail);
		(void)snprintf(tail, sizeof(tail), "\"level\":\"warn\",\"msg\":%s}\n",
			       cases[i].escaped);
		assert_logged(XA_LOG_JSON, cases[i].message, tail);
	}
}

static void test_long_message_is_cut(void **state)
{
	struct capture capture;
	char message[20000], record[32768];

	(void)state;
	memset(message, 'x', sizeof(message) - 1);
	message[sizeof(message) - 1] = '\0';
	for (int format = 0; format < XA_LOG_FORMAT_COUNT_; format++) {
		const char *end = format == XA_LOG_JSON ? "x\"}\n" : "x\"\n";

		xa_log_set(XA_LOG_INFO, (enum xa_log_format)format);
		capture_begin(&capture);
		xa_log_info("%s", message);
		capture_end(&capture);
		record[0] = '\0';
		(void)capture_read(&capture, record, sizeof(record));
		(void)close(capture.reader);
		assert_in_range(strlen(record), 4000, 4096 + 128);
		assert_string_equal(record + strlen(record) - strlen(end), end);
	}
}

static void test_levels(void **state)
{
	(void)state;
	for (int set = 0; set < XA_LOG_LEVEL_COUNT_; set++) {
		struct capture capture;
		char record[256];
		int count = 0;

		xa_log_set((enum xa_log_level)set, XA_LOG_LOGFMT);
		capture_begin(&capture);
		xa_log_error("e");
		xa_log_warn("w");
		xa_log_info("i");
		xa_log_debug("d");
		capture_end(&capture);
		while (capture_read(&capture, record, sizeof(record)))
			count++;
		(void)close(capture.reader);
		assert_int_equal(count, set + 1);
	}
}

static void test_names(void **state)
{
	static const char *const levels[] = {"error", "warn", "info", "debug"};
	static const char *const formats[] = {"logfmt", "json"};
	enum xa_log_format format = XA_LOG_FORMAT_COUNT_;
	enum xa_log_level level;

	(void)state;
	for (size_t i = 0; i < array_size(levels); i++) {
		assert_int_equal(xa_log_level_parse(levels[i], &level), 0);
		assert_int_equal(level, i);
	}
	for (size_t i = 0; i < array_size(formats); i++) {
		assert_int_equal(xa_log_format_parse(formats[i], &format), 0);
		assert_int_equal(format, i);
	}
	level = XA_LOG_LEVEL_COUNT_;
	format = XA_LOG_FORMAT_COUNT_;
	assert_int_equal(xa_log_level_parse("warning", &level), -EINVAL);
	assert_int_equal(xa_log_level_parse("", &level), -EINVAL);
	assert_int_equal(xa_log_level_parse("INFO", &level), -EINVAL);
	assert_int_equal(xa_log_format_parse("text", &format), -EINVAL);
	assert_int_equal(level, XA_LOG_LEVEL_COUNT_);
	assert_int_equal(format, XA_LOG_FORMAT_COUNT_);
}

#define THREADS	 4
#define MESSAGES 300

static void *log_many(void *ctx)
{
	for (int i = 0; i < MESSAGES; i++)
		xa_log_info("thread=%s message=%d %0200d", (const char *)ctx, i, i);
	return NULL;
}

static void test_threads(void **state)
{
	static char names[THREADS][2] = {"a", "b", "c", "d"};
	pthread_t threads[THREADS];
	int whole = 0, started = 0;
	struct capture capture;
	char record[1024];

	(void)state;
	xa_log_set(XA_LOG_INFO, XA_LOG_LOGFMT);
	capture_begin(&capture);
	while (started < THREADS &&
	       !pthread_create(&threads[started], NULL, log_many, names[started]))
		started++;
	while (whole < started * MESSAGES && capture_read(&capture, record, sizeof(record)) &&
	       matches("^time=" TIME " level=info msg=\"thread=[a-d] message=[0-9]+ "
		       "[0-9]{200}\"\n$",
		       record))
		whole++;
	for (int i = 0; i < started; i++)
		(void)pthread_join(threads[i], NULL);
	capture_end(&capture);
	assert_false(capture_read(&capture, record, sizeof(record)));
	(void)close(capture.reader);
	assert_int_equal(started, THREADS);
	assert_int_equal(whole, THREADS * MESSAGES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shape),	 cmocka_unit_test(test_time_is_utc_now),
		cmocka_unit_test(test_escaping), cmocka_unit_test(test_long_message_is_cut),
		cmocka_unit_test(test_levels),	 cmocka_unit_test(test_names),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
