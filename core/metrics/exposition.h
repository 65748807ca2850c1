/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Families and samples as Prometheus text format 0.0.4, and as OpenMetrics 1.0.0 beside it: the
 * samples are the same bytes, heads, exemplars and the end are not. One begin a family, then its
 * samples; a family without samples leaves nothing behind. Errors are the buffers' (buf.h).
 */

#include <stdbool.h>

#include "core/base/buf.h"
#include "core/metrics/registry.h"

struct xa_exposition {
	struct xa_buf *buf;
	struct xa_buf *openmetrics; /* NULL: it is not wanted */
	const struct xa_metric_info *metric;
	bool begun; /* HELP and TYPE are written */
	size_t series; /* samples since the page began; a histogram counts its lines */
};

/* The end of the page. */
void xa_exposition_end(struct xa_exposition *expo);

void xa_exposition_begin(struct xa_exposition *expo, enum xa_metric metric);

/* The same for a family that is not in the registry; borrowed until the next begin. */
void xa_exposition_begin_info(struct xa_exposition *expo, const struct xa_metric_info *info);

/* One sample. `values` has a value for each label of the family, in their order; NULL leaves that
 * label out; `values` itself may be NULL where there are no labels. */
void xa_exposition_u64(struct xa_exposition *expo, const char *const *values, uint64_t value);
void xa_exposition_i64(struct xa_exposition *expo, const char *const *values, int64_t value);
void xa_exposition_double(struct xa_exposition *expo, const char *const *values, double value);

/* The shortest text that is read back as the same double; integers below 2^64 without exponent. The
 * value has to be finite. */
void xa_exposition_exact(struct xa_exposition *expo, const char *const *values, double value);

/* Durations, in nanoseconds, by upper bounds in ascending order. */
#define XA_HISTOGRAM_BUCKETS_MAX 16
struct xa_histogram {
	uint64_t counts[XA_HISTOGRAM_BUCKETS_MAX + 1]; /* the last: over all bounds */
	uint64_t sum_ns;
};
struct xa_histogram_bounds {
	size_t count;
	uint64_t upper_ns[XA_HISTOGRAM_BUCKETS_MAX];
};

void xa_histogram_observe(struct xa_histogram *histogram, const struct xa_histogram_bounds *bounds,
			  uint64_t value_ns);
void xa_exposition_histogram(struct xa_exposition *expo, const struct xa_histogram *histogram,
			     const struct xa_histogram_bounds *bounds);

/* An observation that fell in a bucket. Labels as in a sample, without braces, of 128 characters at
 * most by the standard; "": there is none. */
struct xa_exemplar {
	char labels[192];
	double value;
};

/* Observations of any unit. */
struct xa_buckets {
	size_t count;
	const double *upper; /* bounds, rising, finite */
	const uint64_t *counts; /* count + 1 of them, each without those below */
	double sum;
	const struct xa_exemplar *exemplars; /* count + 1 of them; NULL: none */
};

/* One series of a histogram: count + 3 lines. The bounds are written as OpenMetrics wants them, so
 * that a series keeps its name whatever it is asked for in. */
void xa_exposition_buckets(struct xa_exposition *expo, const char *const *values,
			   const struct xa_buckets *buckets);
