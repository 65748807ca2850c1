/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * UTF-8 by RFC 3629: shortest form only, no surrogates, up to U+10FFFF.
 */

#include <stddef.h>
#include <stdint.h>

/* Bytes of the character that `text` starts with; 0 if it is none (or `len` is 0). */
size_t xa_utf8_decode(const char *text, size_t len, uint32_t *ret_char);

/*
 * The next character of a text that is not at its end, as a text of its own; of a byte that is no
 * UTF-8,
 * ':' and its two hex digits. Returns the bytes taken. An interface's name may have any byte but
 * ':', '/' and space, so names stay apart when they are exported.
 */
#define XA_UTF8_BYTES 4
size_t xa_utf8_take(const char *text, char ret_text[XA_UTF8_BYTES + 1]);
