/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Prometheus text format 0.0.4, written straight into the page's buffer. */

#include "core/metrics/exposition.h"

#include <math.h>

#include "core/base/utf8.h"

void xa_exposition_begin(struct xa_exposition *expo, enum xa_metric metric)
{
	xa_exposition_begin_info(expo, &xa_metrics[metric]);
}

void xa_exposition_begin_info(struct xa_exposition *expo, const struct xa_metric_info *info)
{
	expo->metric = info;
	expo->begun = false;
}

/* Of help the format escapes two characters. */
static void add_help(struct xa_buf *buf, const char *help)
{
	for (; *help; help++) {
		if (*help == '\n')
			xa_buf_adds(buf, "\\n");
		else if (*help == '\\')
			xa_buf_adds(buf, "\\\\");
		else
			xa_buf_add(buf, help, 1);
	}
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
	add_help(expo->buf, metric->help);
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

static void add_label(struct xa_buf *buf, char separator, const char *name, const char *value)
{
	xa_buf_add(buf, &separator, 1);
	xa_buf_adds(buf, name);
	xa_buf_adds(buf, "=\"");
	add_escaped(buf, value);
	xa_buf_adds(buf, "\"");
}

/* One line up to its value; `le`, which may be NULL, is the bound of a bucket. */
static void add_line(struct xa_exposition *expo, const char *suffix, const char *const *values,
		     const char *le)
{
	char separator = '{';

	add_head(expo);
	expo->series++;
	xa_buf_adds(expo->buf, expo->metric->name);
	xa_buf_adds(expo->buf, suffix);
	for (size_t i = 0; i < XA_LABELS_MAX && expo->metric->labels[i]; i++) {
		if (!values[i])
			continue;
		add_label(expo->buf, separator, expo->metric->labels[i], values[i]);
		separator = ',';
	}
	if (le) {
		add_label(expo->buf, separator, "le", le);
		separator = ',';
	}
	xa_buf_adds(expo->buf, separator == ',' ? "} " : " ");
}

static void add_name(struct xa_exposition *expo, const char *const *values)
{
	add_line(expo, "", values, NULL);
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

struct exact {
	char text[32];
};

static struct exact exact_of(double value)
{
	struct exact exact;

	if (fabs(value) < 0x1p64 && value == trunc(value)) {
		/* an integer below 2^64 has 20 digits at most; 0 has no sign */
		(void)snprintf(exact.text, sizeof(exact.text), "%.0f", value + 0.0);
		return exact;
	}
	for (int digits = 15; digits <= 17; digits++) {
		(void)snprintf(exact.text, sizeof(exact.text), "%.*g", digits, value);
		if (strtod(exact.text, NULL) == value)
			break;
	}
	return exact;
}

void xa_exposition_exact(struct xa_exposition *expo, const char *const *values, double value)
{
	add_name(expo, values);
	xa_buf_addf(expo->buf, "%s\n", exact_of(value).text);
}

void xa_exposition_buckets(struct xa_exposition *expo, const char *const *values,
			   const struct xa_buckets *buckets)
{
	uint64_t count = 0;

	for (size_t i = 0; i < buckets->count; i++) {
		count += buckets->counts[i];
		add_line(expo, "_bucket", values, exact_of(buckets->upper[i]).text);
		xa_buf_addf(expo->buf, "%llu\n", (unsigned long long)count);
	}
	count += buckets->counts[buckets->count];
	add_line(expo, "_bucket", values, "+Inf");
	xa_buf_addf(expo->buf, "%llu\n", (unsigned long long)count);
	add_line(expo, "_sum", values, NULL);
	xa_buf_addf(expo->buf, "%s\n", exact_of(buckets->sum).text);
	add_line(expo, "_count", values, NULL);
	xa_buf_addf(expo->buf, "%llu\n", (unsigned long long)count);
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
