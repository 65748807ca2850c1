/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the stages declared. The first worker's schema is the one that holds; a later worker, which
 * may leave stages out or find a rule changed, is held against it.
 */

#include <stdbool.h>

#include "core/policy/families.h"

struct xa_schema {
	uint32_t label_count, metric_count;
	struct xa_region_label labels[XA_PLUGIN_LABELS_MAX];
	struct xa_region_metric metrics[XA_PLUGIN_METRICS_MAX];
};

/* Copies it from the region: counts are in bounds and stages are below `stage_count`; texts are
 * still what the worker wrote. 0, or -EBADMSG with a reason. */
int xa_schema_copy(struct xa_schema *ret, const struct xa_region_head *head, size_t stage_count,
		   struct xa_why *ret_why);

/* Whether the first schema's label may stand; with a reason. */
bool xa_schema_label_is_valid(const struct xa_schema *schema, size_t label, struct xa_why *ret_why);

/* Where in a later worker's numbers those of the first one stand, and the other way round. */
struct xa_places {
	uint32_t columns[XA_PLUGIN_LABELS_MAX]; /* by label; XA_COLUMN_NONE */
	uint32_t families[XA_PLUGIN_METRICS_MAX]; /* by the worker's metric */
	size_t metric_count; /* of the worker */
};

/* The places where both are the same. */
void xa_places_init(struct xa_places *places, const struct xa_schema *schema);

/* 0; or -ESTALE, and a stage in *ret_stage that does not declare what it declared first. Stages
 * that are `disabled` declare nothing. */
int xa_schema_find_places(struct xa_places *ret, const struct xa_schema *first,
			  const struct xa_families *families, const struct xa_schema *later,
			  const bool *disabled, uint32_t *ret_stage);
