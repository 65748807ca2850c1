/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Text that a person wrote or will read: UTF-8, the lines of a file, and a piece of foreign text
 * made fit for an error message. Columns count characters, not bytes, as libyaml counts them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/utf8.h"

struct xa_why;

/* Whether every character may stand in a YAML file as it is; if not, `why` gets line, column and
 * text. Line ends are \n and \r\n only, so that libyaml and everybody else count the same lines.
 * A line that starts with '%' is refused as well: directives cost libyaml quadratic time. */
bool xa_text_check(const char *text, size_t len, struct xa_why *why);

/* Whether all of it is UTF-8. */
bool xa_text_is_utf8(const char *text);

/* The line `number` (from 1) without its end; NULL if there is none. */
const char *xa_text_line(const char *text, size_t len, unsigned number, size_t *ret_len);

/* Offset in the line of the character in column `column` (from 1); the line's length past its end.
 */
size_t xa_text_offset(const char *line, size_t len, unsigned column);

/* The decimal number that `text` starts with, UINT64_MAX if it is larger; returns what is behind
 * it. NULL if there is none or a superfluous 0 leads. */
const char *xa_digits_read(const char *text, uint64_t *ret);

/* 'text' in quotes, control characters and broken UTF-8 as \xNN, cut if long. */
struct xa_quoted {
	char text[112];
};
struct xa_quoted xa_quote(const char *text, size_t len);
struct xa_quoted xa_quotes(const char *text);
