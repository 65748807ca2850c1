/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Labels and samples in one spelling, so that equal ones are equal texts: labels by name, without
 * those that are empty; numbers as short as they can be.
 */

#include "core/base/buf.h"

#define XA_RULE_LABELS_MAX 16

struct xa_rule_labels {
	struct {
		const char *name, *value;
	} labels[XA_RULE_LABELS_MAX];
	size_t count;
};

/* Adds a label, unless its value is empty; false if there are too many. */
bool xa_rule_labels_add(struct xa_rule_labels *labels, const char *name, const char *value);

/* Appends `{a="b", c="d"}`, or `{}`. Sorts them. */
void xa_rule_labels_format(struct xa_rule_labels *labels, struct xa_buf *buf);

/* Appends the sample that `line` has, as in a page of metrics but without a time stamp. 0, -EINVAL
 * with what is wrong with it, or -ENOMEM. */
int xa_rule_sample_format(const char *line, struct xa_buf *buf, const char **ret_fault);
