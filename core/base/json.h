/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Strings of JSON (RFC 8259, 7), which are those of logfmt too.
 */

#include "core/base/buf.h"

/* Appends the text in quotes, with what may not stand between them escaped. A byte that is no UTF-8
 * is written as \\xNN, a backslash and three characters, so that the outcome is a string. */
void xa_json_add_string(struct xa_buf *buf, const char *text);
