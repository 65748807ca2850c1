/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the policy says of a snapshot's flows, checked and copied: labels and hidden flags by the
 * flows' handles. Loop thread only.
 */

#include <stdbool.h>

#include "core/policy/region.h"

struct xa_annotations;

/* Bytes that they take when every handle has its labels, and every value its text. */
uint64_t xa_annotations_memory_bytes(uint32_t max_flows, uint32_t max_values);

/* For handles below max_flows and values below max_values. Memory is reserved, and touched as far
 * as it is used. 0 or -ENOMEM. */
int xa_annotations_new(struct xa_annotations **ret, uint32_t max_flows, uint32_t max_values);
void xa_annotations_free(struct xa_annotations *annotations);
XA_DEFINE_CLEANUP(xa_annotations)
#define _cleanup_xa_annotations_ XA_CLEANUP(xa_annotations_cleanup)

/* The labels, in their order, for the life of the annotations; names are checked by the caller.
 * Each is expected in the region's column of its number. */
void xa_annotations_set_labels(struct xa_annotations *annotations,
			       const struct xa_region_label *labels, size_t count);

/* In which of the region's columns each label stands from now on: a worker that leaves a stage out
 * numbers them anew. XA_COLUMN_NONE: in none, and no flow has it. */
#define XA_COLUMN_NONE XA_PLUGIN_LABELS_MAX
void xa_annotations_set_columns(struct xa_annotations *annotations, const uint32_t *columns);

/* Takes over what the region says of the handles of `flows`. A value that is not valid counts as
 * none; returns how many there were. */
size_t xa_annotations_take(struct xa_annotations *annotations, const void *region,
			   const struct xa_region_layout *layout,
			   const struct xa_plugin_flow *flows, size_t count);

/* How many there were of one label. */
size_t xa_annotations_invalid(const struct xa_annotations *annotations, size_t label);

/* No labels, nothing hidden. */
void xa_annotations_none(struct xa_annotations *annotations);

size_t xa_annotations_label_count(const struct xa_annotations *annotations);
const char *xa_annotations_label_name(const struct xa_annotations *annotations, size_t label);

/* The text of a flow's label, UTF-8 without control characters; NULL where it has none. Borrowed
 * until the next take or none. */
const char *xa_annotations_label(const struct xa_annotations *annotations, uint32_t handle,
				 size_t label);

/* Whether two flows have the same labels. */
bool xa_annotations_are_equal(const struct xa_annotations *annotations, uint32_t a, uint32_t b);

bool xa_annotations_is_hidden(const struct xa_annotations *annotations, uint32_t handle);

/* The checked text of a value's number, for samples, between a take and the next one from the same
 * region: what was not looked at by then is copied now. "" for XA_PLUGIN_VALUE_NONE, NULL where the
 * text is not valid. Borrowed like a label. */
const char *xa_annotations_value(struct xa_annotations *annotations, const void *region,
				 const struct xa_region_layout *layout, uint32_t value);
