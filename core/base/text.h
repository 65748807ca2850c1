/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Text from elsewhere: what may be shown as it is, and making fit to print what may not.
 */

#include <stdbool.h>

#include "core/base/base.h"

/* Whether it is UTF-8 without control characters. */
bool xa_text_is_clean(const char *text, size_t len);

/* Makes the array of `size` bytes a NUL-terminated text: '?' takes the place of each byte that is
 * no UTF-8 and of control characters, but for newlines and tabs where `lines` says that there may
 * be several lines. */
void xa_text_clean(char *text, size_t size, bool lines);
