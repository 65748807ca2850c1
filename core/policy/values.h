/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Numbers for the texts of labels: the texts stand in the region, how they are found is the
 * worker's own. Equal texts have equal numbers.
 */

#include <stdbool.h>

#include "core/policy/region.h"

struct xa_values;

/* Bytes that finding them takes, without the texts. */
uint64_t xa_values_memory_bytes(uint32_t max);

/* `texts` has `max` entries, which are zero and stay the caller's. 0, -ENOMEM, or -EIO without
 * randomness. */
int xa_values_new(struct xa_values **ret, struct xa_region_value *texts, uint32_t max);
void xa_values_free(struct xa_values *values);
XA_DEFINE_CLEANUP(xa_values)
#define _cleanup_xa_values_ XA_CLEANUP(xa_values_cleanup)

/* The number of a text: XA_PLUGIN_VALUE_NONE for an empty one, XA_PLUGIN_VALUE_OTHER if there are
 * too many. -EINVAL: XA_PLUGIN_VALUE_BYTES or longer, not UTF-8, or with control characters. */
int xa_values_get(struct xa_values *values, const char *text, size_t len, uint32_t *ret_value);

/* The text of a number, "" if it is nobody's; `ret_len` may be NULL. */
const char *xa_values_text(const struct xa_values *values, uint32_t value, size_t *ret_len);

/* All numbers are below it. */
uint32_t xa_values_count(const struct xa_values *values);

/* Whatever has a number now keeps it for good. */
void xa_values_pin(struct xa_values *values);

/* Whether a text was refused a number since the last sweep. */
bool xa_values_are_short(const struct xa_values *values);

/* Collection, in two steps: marks what is used, frees what was not marked and is not pinned. A mark
 * of a number that is nobody's does nothing. */
void xa_values_mark(struct xa_values *values, uint32_t value);
void xa_values_sweep(struct xa_values *values);
