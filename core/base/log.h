/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The log: stderr, one line a message, logfmt or JSON. Only main, auditor and the plugin host call
 *it.
 *
 * A message is a fact in lower case, then `key=value` pairs in the same format string:
 *	xa_log_info("reloaded config=%s", path);
 * Both go into `msg` unchanged: the pairs are for people and for grep. Thread-safe: one write(2) a
 *message; longer than 4 KiB is cut. Level and format are the program's only mutable file-scope
 *state; set them before the first thread starts.
 */

#include "core/base/base.h"

enum xa_log_level {
	XA_LOG_ERROR,
	XA_LOG_WARN,
	XA_LOG_INFO,
	XA_LOG_DEBUG,
	XA_LOG_LEVEL_COUNT_
};

enum xa_log_format {
	XA_LOG_LOGFMT,
	XA_LOG_JSON,
	XA_LOG_FORMAT_COUNT_
};

void xa_log_set(enum xa_log_level level, enum xa_log_format format);

/* Names as the command line takes them ("error", "warn", "info", "debug"; "logfmt", "json");
 * -EINVAL else. */
int xa_log_level_parse(const char *name, enum xa_log_level *ret_level);
int xa_log_format_parse(const char *name, enum xa_log_format *ret_format);

XA_PRINTF(2, 3) void xa_log(enum xa_log_level level, const char *format, ...);

#define xa_log_error(...) xa_log(XA_LOG_ERROR, __VA_ARGS__)
#define xa_log_warn(...)  xa_log(XA_LOG_WARN, __VA_ARGS__)
#define xa_log_info(...)  xa_log(XA_LOG_INFO, __VA_ARGS__)
#define xa_log_debug(...) xa_log(XA_LOG_DEBUG, __VA_ARGS__)
