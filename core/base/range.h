/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Ranges of 16-bit numbers, both ends included. A list of them is sorted, and none overlaps
 * another.
 */

#include "core/base/buf.h"

struct xa_range {
	uint16_t low;
	uint16_t high;
};

/* The one of the list that has the number, or NULL. */
const struct xa_range *xa_range_find(const struct xa_range *ranges, size_t count, uint16_t number);

/* Appends "8080" or "32768-60999". */
void xa_range_add(struct xa_buf *buf, const struct xa_range *range);
