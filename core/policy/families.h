/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The families that stages derive: their declarations, checked, and their series. Gauges live for
 * one snapshot, counters and histograms for as long as a family of that name, type, labels and
 * buckets is declared: over restarts of the worker and reloads. No family has more than max_series
 * series: what comes beyond is added to one whose labels all say "other", for which the last place
 * is kept. To that series gauges are added as well, by whomever. Loop thread only.
 */

#include <stdbool.h>

#include "core/metrics/exposition.h"
#include "core/policy/region.h"

struct xa_families;

/* Bytes that one family takes at most: a histogram of all buckets and labels, the texts of which
 * are as long as they may be. */
uint64_t xa_family_memory_bytes(uint32_t max_series);

/* 0 or -ENOMEM. */
int xa_families_new(struct xa_families **ret, uint32_t max_series);
void xa_families_free(struct xa_families *families);
XA_DEFINE_CLEANUP(xa_families)
#define _cleanup_xa_families_ XA_CLEANUP(xa_families_cleanup)

/*
 * Checks and copies one declaration: Prometheus' rules for names (metric [a-zA-Z_:][a-zA-Z0-9_:]*,
 * label [a-zA-Z_][a-zA-Z0-9_]* without leading "__", no "le" of a histogram, a counter ends in
 * _total, a gauge does not), valid UTF-8 in help without control characters, rising finite buckets,
 * no name of the built-in families (registry.h) or of one that is declared already, also not by the
 * suffixes _bucket _sum _count of a histogram. 0 with the family's number from 0, -EINVAL with a
 * reason, -ENOMEM.
 */
int xa_families_declare(struct xa_families *families, const struct xa_region_metric *metric,
			struct xa_why *ret_why);

/* Whether a label of flows may have that name: Prometheus' rules, none of the built-in flow labels
 * (src dst proto sport dport interface), not "le". */
bool xa_flow_label_is_valid(const char *name, struct xa_why *ret_why);

/* Whether the family was declared by an equal declaration; `metric` has to be a valid one. */
bool xa_families_is(const struct xa_families *families, size_t family,
		    const struct xa_region_metric *metric);

/* Takes over the counters and histograms of equal families, before the first sample; and what was
 * folded in families of the same name. 0 or -ENOMEM. */
int xa_families_inherit(struct xa_families *families, const struct xa_families *before);

/* A new snapshot: the gauges are gone. */
void xa_families_begin(struct xa_families *families);

/* One sample; `values` are valid texts, one a label of the family (NULL: ""). Counters: `number`
 * not negative; finite always. 0, -EINVAL, or -ENOMEM. */
int xa_families_add(struct xa_families *families, size_t family, const char *const *values,
		    double number);
int xa_families_add_u64(struct xa_families *families, size_t family, const char *const *values,
			uint64_t number);

size_t xa_families_count(const struct xa_families *families);
const char *xa_families_name(const struct xa_families *families, size_t family);

/* Samples that found no room since the beginning, by family: those that were added to "other", and
 * those that xa_families_render() left out. */
uint64_t xa_families_folded(const struct xa_families *families, size_t family);

/* Appends all families with their series, `room` lines of samples at most: from the first series
 * for which there is no room all are left out, and their lines counted as folded. In the order of
 * declaration, series in the order in which they came. */
void xa_families_render(struct xa_families *families, struct xa_exposition *expo, size_t room);
