/* SPDX-License-Identifier: GPL-2.0-or-later */

/* One message, one line, one write: lines of two threads never mix, and a cut line still ends in a
 * newline. */

#include "core/base/log.h"

#include <stdarg.h>
#include <string.h>

#include "core/base/json.h"

static enum xa_log_level log_level = XA_LOG_INFO;
static enum xa_log_format log_format = XA_LOG_LOGFMT;

static const char *const level_names[] = {
	[XA_LOG_ERROR] = "error",
	[XA_LOG_WARN] = "warn",
	[XA_LOG_INFO] = "info",
	[XA_LOG_DEBUG] = "debug",
};
_Static_assert(array_size(level_names) == XA_LOG_LEVEL_COUNT_, "a name for each level");

static const char *const format_names[] = {
	[XA_LOG_LOGFMT] = "logfmt",
	[XA_LOG_JSON] = "json",
};
_Static_assert(array_size(format_names) == XA_LOG_FORMAT_COUNT_, "a name for each format");

static int name_index(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(names[i], name))
			return (int)i;
	return -EINVAL;
}

int xa_log_level_parse(const char *name, enum xa_log_level *ret_level)
{
	int index = name_index(level_names, array_size(level_names), name);

	if (index < 0)
		return index;
	*ret_level = (enum xa_log_level)index;
	return 0;
}

int xa_log_format_parse(const char *name, enum xa_log_format *ret_format)
{
	int index = name_index(format_names, array_size(format_names), name);

	if (index < 0)
		return index;
	*ret_format = (enum xa_log_format)index;
	return 0;
}

void xa_log_set(enum xa_log_level level, enum xa_log_format format)
{
	log_level = level;
	log_format = format;
}

static void add_time(struct xa_buf *line)
{
	uint64_t now = xa_wall_ns();
	time_t seconds = (time_t)(now / XA_NS_PER_S);
	char text[32] = "";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	xa_buf_addf(line, "%s.%03uZ", text, (unsigned)(now % XA_NS_PER_S / XA_NS_PER_MS));
}

/* As large as a line gets: so none asks for memory, and the lack of it can be told. A byte takes
 * six at most, as "\u0001". */
#define LINE_BYTES(message_bytes) (6 * (message_bytes) + 128)

void xa_log(enum xa_log_level level, const char *format, ...)
{
	char message[4096], room[LINE_BYTES(sizeof(message))];
	struct xa_buf line = {.text = room, .size = sizeof(room), .fixed = true};
	va_list args;

	if (level > log_level)
		return;
	va_start(args, format);
	(void)vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	xa_buf_adds(&line, log_format == XA_LOG_JSON ? "{\"time\":\"" : "time=");
	add_time(&line);
	xa_buf_adds(&line, log_format == XA_LOG_JSON ? "\",\"level\":\"" : " level=");
	xa_buf_adds(&line, level_names[level]);
	xa_buf_adds(&line, log_format == XA_LOG_JSON ? "\",\"msg\":" : " msg=");
	xa_json_add_string(&line, message); /* in both formats */
	xa_buf_adds(&line, log_format == XA_LOG_JSON ? "}\n" : "\n");
	if (!xa_buf_failed(&line) && write(STDERR_FILENO, line.text, line.len) < 0)
		return; /* nowhere left to say so */
}
