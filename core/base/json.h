/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Strings of JSON (RFC 8259, 7), which are those of logfmt too, and what stands between values.
 */

#include "core/base/buf.h"

/* Appends the text in quotes, with what may not stand between them escaped. A byte that is no UTF-8
 * is written as \\xNN, a backslash and three characters, so that the outcome is a string. */
void xa_json_add_string(struct xa_buf *buf, const char *text);

/* The comma before an element of an array, unless it is the first. */
void xa_json_add_next(struct xa_buf *buf);

/* The same before a member of an object, and its name. Each `name` is one that needs no escape. */
void xa_json_add_name(struct xa_buf *buf, const char *name);
void xa_json_add_u64(struct xa_buf *buf, const char *name, uint64_t value);
void xa_json_add_bool(struct xa_buf *buf, const char *name, bool value);
void xa_json_add_text(struct xa_buf *buf, const char *name, const char *text);

/* To the millisecond, or three digits of whatever it is. The value has to be finite. */
void xa_json_add_fixed(struct xa_buf *buf, const char *name, double value);
