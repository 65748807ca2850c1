/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * UTF-8 by RFC 3629: shortest form only, no surrogates, up to U+10FFFF.
 */

#include <stddef.h>
#include <stdint.h>

/* Bytes of the character that `text` starts with; 0 if it is none (or `len` is 0). */
size_t xa_utf8_decode(const char *text, size_t len, uint32_t *ret_char);
