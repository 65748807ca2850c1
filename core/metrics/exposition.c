/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Prometheus text format 0.0.4, written straight into the page's buffer. */

#include "core/metrics/exposition.h"

#include "core/base/utf8.h"

void xa_exposition_begin(struct xa_exposition *expo, enum xa_metric metric)
{
	expo->metric = &xa_metrics[metric];
	expo->begun = false;
}

static void add_head(struct xa_exposition *expo)
{
	const struct xa_metric_info *metric = expo->metric;

	if (expo->begun)
		return;
	expo->begun = true;
	xa_buf_adds(expo->buf, "# HELP ");
	xa_buf_adds(expo->buf, metric->name);
	xa_buf_adds(expo->buf, " ");
	xa_buf_adds(expo->buf, metric->help);
	xa_buf_adds(expo->buf, "\n# TYPE ");
	xa_buf_adds(expo->buf, metric->name);
	xa_buf_adds(expo->buf, " ");
	xa_buf_adds(expo->buf, xa_metric_type_names[metric->type]);
	xa_buf_adds(expo->buf, "\n");
}

/* The format escapes three characters in a label's value, and takes UTF-8 only. An interface's name
 * may have any byte but ':', '/' and space: one that is no UTF-8 is written as :NN, so that names
 * stay apart. */
static void add_escaped(struct xa_buf *buf, const char *value)
{
	size_t left = strlen(value), bytes;
	uint32_t c;

	for (; left; value += bytes, left -= bytes) {
		bytes = xa_utf8_decode(value, left, &c);
		if (!bytes) {
			xa_buf_addf(buf, ":%02x", (unsigned char)*value);
			bytes = 1;
		} else if (c == '\n') {
			xa_buf_adds(buf, "\\n");
		} else if (c == '"' || c == '\\') {
			xa_buf_addf(buf, "\\%c", (char)c);
		} else {
			xa_buf_add(buf, value, bytes);
		}
	}
}

static void add_name(struct xa_exposition *expo, const char *const *values)
{
	char separator = '{';

	add_head(expo);
	expo->series++;
	xa_buf_adds(expo->buf, expo->metric->name);
	for (size_t i = 0; i < XA_LABELS_MAX && expo->metric->labels[i]; i++) {
		if (!values[i])
			continue;
		xa_buf_add(expo->buf, &separator, 1);
		separator = ',';
		xa_buf_adds(expo->buf, expo->metric->labels[i]);
		xa_buf_adds(expo->buf, "=\"");
		add_escaped(expo->buf, values[i]);
		xa_buf_adds(expo->buf, "\"");
	}
	xa_buf_adds(expo->buf, separator == ',' ? "} " : " ");
}

void xa_exposition_u64(struct xa_exposition *expo, const char *const *values, uint64_t value)
{
	add_name(expo, values);
	xa_buf_add_u64(expo->buf, value);
	xa_buf_adds(expo->buf, "\n");
}

void xa_exposition_i64(struct xa_exposition *expo, const char *const *values, int64_t value)
{
	add_name(expo, values);
	xa_buf_addf(expo->buf, "%lld\n", (long long)value);
}

void xa_exposition_double(struct xa_exposition *expo, const char *const *values, double value)
{
	add_name(expo, values);
	xa_buf_addf(expo->buf, "%.9f\n", value);
}

void xa_histogram_observe(struct xa_histogram *histogram, const struct xa_histogram_bounds *bounds,
			  uint64_t value_ns)
{
	size_t i = 0;

	while (i < bounds->count && value_ns > bounds->upper_ns[i])
		i++;
	histogram->counts[i]++;
	histogram->sum_ns += value_ns;
}

void xa_exposition_histogram(struct xa_exposition *expo, const struct xa_histogram *histogram,
			     const struct xa_histogram_bounds *bounds)
{
	const char *name = expo->metric->name;
	uint64_t count = 0;

	add_head(expo);
	for (size_t i = 0; i < bounds->count; i++) {
		count += histogram->counts[i];
		xa_buf_addf(expo->buf, "%s_bucket{le=\"%g\"} %llu\n", name,
			    (double)bounds->upper_ns[i] / 1e9, (unsigned long long)count);
	}
	count += histogram->counts[bounds->count];
	xa_buf_addf(expo->buf, "%s_bucket{le=\"+Inf\"} %llu\n", name, (unsigned long long)count);
	xa_buf_addf(expo->buf, "%s_sum %.9f\n", name, (double)histogram->sum_ns / 1e9);
	xa_buf_addf(expo->buf, "%s_count %llu\n", name, (unsigned long long)count);
	expo->series += bounds->count + 3;
}
