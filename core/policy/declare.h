/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The rules for what a stage may declare, one declaration by itself; families.h holds them against
 * each other.
 */

#include <stdbool.h>

#include "core/policy/region.h"

/* Checks lengths, types, names, help and buckets. 0, or -EINVAL with a reason. */
int xa_declaration_check(const struct xa_region_metric *metric, struct xa_why *ret_why);

/* Whether it is [a-zA-Z_][a-zA-Z0-9_]* and does not begin with "__". */
bool xa_label_name_is_valid(const char *name);

/* A name, `name` being an array of that size, as it can be shown in a reason. */
struct xa_shown_name {
	char text[XA_PLUGIN_NAME_BYTES];
};
struct xa_shown_name xa_shown_name(const char *name);
