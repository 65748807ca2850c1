/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What a test of rules expects of a snapshot, what came of it, and in what the two differ. */

#include "core/policy/region.h"
#include "core/rule_tree.h"

/* The expected error of a stage: what is NULL is not compared. */
struct xa_rule_error {
	const char *stage, *cause;
	const char *text; /* is somewhere in the complaint */
};

/* Members that are NULL are not compared. */
struct xa_rule_expect {
	const char **labels; /* of each flow, as xa_rule_labels_format() writes them */
	const bool *hidden; /* each flow */
	const char **metrics; /* as xa_rule_sample_format() writes them, sorted */
	size_t metric_count;
	struct xa_rule_error *errors; /* NULL: there is to be none */
	size_t error_count;
};

/* A stage that failed. */
struct xa_rule_complaint {
	const char *stage, *cause;
	const char *text; /* with its place; may have several lines */
};

/* The same, as it came out. Owns nothing. */
struct xa_rule_outcome {
	const struct xa_plugin_flow *flows;
	size_t flow_count;
	const char **labels;
	const bool *hidden;
	const char **metrics; /* sorted */
	size_t metric_count;
	const struct xa_rule_complaint *complaints;
	size_t complaint_count;
};

/* Reads the value of `expect` for so many flows. */
void xa_rule_expect_read(struct xa_rule_reader *reader, const struct xa_tree *tree,
			 size_t flow_count, struct xa_rule_expect *ret);

/* Sorts texts, for the lists of metrics. */
void xa_rule_sort(const char **texts, size_t count);

/* Appends a line "  - ..." for what was expected and did not come, and "  + ..." for what came
 * instead; nothing if all is as it should be. */
void xa_rule_compare(const struct xa_rule_expect *expect, const struct xa_rule_outcome *outcome,
		     struct xa_buf *buf);
