/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Durations and sizes, as a person writes them and as they are written back. A number that is too
 * large is UINT64_MAX, so that it is out of range and not malformed.
 */

#include "core/base/base.h"

/* "1h30m", "500ms": numbers with the units h, m, s, ms, each once, the largest first. 0 or -EINVAL.
 */
int xa_duration_parse(const char *text, uint64_t *ret_ns);

/* "64MiB": one number with B, KiB, MiB or GiB. 0 or -EINVAL. */
int xa_size_parse(const char *text, uint64_t *ret_bytes);

struct xa_quantity {
	char text[48];
};

/* The one way to write it: "1h30m", "0s". What is below a millisecond is left out. */
struct xa_quantity xa_duration_text(uint64_t ns);

/* The one way to write it: in the largest unit that leaves no rest. */
struct xa_quantity xa_size_text(uint64_t bytes);

/* What somebody may have meant who wrote what xa_size_parse() does not take: "64MiB" for "64",
 * "64M" or "64mb". Empty if there is no telling. */
struct xa_quantity xa_size_meant(const char *text);
