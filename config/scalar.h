/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Scalars of YAML, as they are written back. A '$' is doubled, so that no variable comes of it. */

#include <stdbool.h>

#include "core/base/buf.h"

/* Whether the text, plain, is nothing to YAML: empty, ~ or null. */
bool xa_scalar_is_null(const char *text);

/* Whether the text can stand without quotes wherever a value or a key can, be it a string or not
 * to those who read it. */
bool xa_scalar_is_plain(const char *text);

/* Appends the text, which is UTF-8, in double quotes; all of it is ASCII. */
void xa_scalar_add_quoted(const char *text, struct xa_buf *buf);

/* Appends it without quotes where every parser takes it for this very string, else in quotes. */
void xa_scalar_add_string(const char *text, struct xa_buf *buf);
