/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Lines are written straight into the page's buffer, and copied from there. */

#include "core/metrics/exposition.h"

#include <math.h>
#include <string.h>

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

static void write_head(struct xa_buf *buf, const struct xa_metric_info *metric, size_t name_len,
		       const char *type)
{
	xa_buf_adds(buf, "# HELP ");
	xa_buf_add(buf, metric->name, name_len);
	xa_buf_adds(buf, " ");
	add_help(buf, metric->help);
	xa_buf_adds(buf, "\n# TYPE ");
	xa_buf_add(buf, metric->name, name_len);
	xa_buf_adds(buf, " ");
	xa_buf_adds(buf, type);
	xa_buf_adds(buf, "\n");
}

/* OpenMetrics names a family without what its type adds to its samples. */
static size_t family_len(const struct xa_metric_info *metric)
{
	static const char *const suffixes[XA_METRIC_TYPE_COUNT_] = {
		[XA_COUNTER] = "_total",
		[XA_INFO] = "_info",
	};
	const char *suffix = suffixes[metric->type];
	const size_t len = strlen(metric->name), cut = suffix ? strlen(suffix) : 0;

	return cut < len && !strcmp(metric->name + len - cut, suffix ? suffix : "") ? len - cut
										    : len;
}

static void add_head(struct xa_exposition *expo)
{
	const struct xa_metric_info *metric = expo->metric;
	const char *type = xa_metric_type_names[metric->type];

	if (expo->begun)
		return;
	expo->begun = true;
	write_head(expo->buf, metric, strlen(metric->name), type);
	if (expo->openmetrics)
		write_head(expo->openmetrics, metric, family_len(metric),
			   metric->type == XA_INFO ? "info" : type);
}

/* The format escapes three characters in a label's value, and takes UTF-8 only. */
static void add_escaped(struct xa_buf *buf, const char *value)
{
	char text[XA_UTF8_BYTES + 1];

	while (*value) {
		value += xa_utf8_take(value, text);
		if (*text == '\n') {
			xa_buf_adds(buf, "\\n");
			continue;
		}
		if (*text == '"' || *text == '\\')
			xa_buf_adds(buf, "\\");
		xa_buf_adds(buf, text);
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

/* One line up to its value; `le`, which may be NULL, is the bound of a bucket. Returns where it
 * begins. */
static size_t add_line(struct xa_exposition *expo, const char *suffix, const char *const *values,
		       const char *le)
{
	char separator = '{';
	size_t begin;

	add_head(expo);
	expo->series++;
	begin = expo->buf->len;
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
	return begin;
}

static size_t add_name(struct xa_exposition *expo, const char *const *values)
{
	return add_line(expo, "", values, NULL);
}

/* The line has its value: what stands in the buffer from `begin` on. */
static void copy_line(const struct xa_exposition *expo, size_t begin)
{
	if (!expo->openmetrics)
		return;
	if (xa_buf_failed(expo->buf))
		expo->openmetrics->failed = true;
	else
		xa_buf_add(expo->openmetrics, expo->buf->text + begin, expo->buf->len - begin);
}

static void end_line(const struct xa_exposition *expo, size_t begin)
{
	xa_buf_adds(expo->buf, "\n");
	copy_line(expo, begin);
}

void xa_exposition_u64(struct xa_exposition *expo, const char *const *values, uint64_t value)
{
	const size_t begin = add_name(expo, values);

	xa_buf_add_u64(expo->buf, value);
	end_line(expo, begin);
}

void xa_exposition_i64(struct xa_exposition *expo, const char *const *values, int64_t value)
{
	const size_t begin = add_name(expo, values);

	xa_buf_addf(expo->buf, "%lld", (long long)value);
	end_line(expo, begin);
}

void xa_exposition_double(struct xa_exposition *expo, const char *const *values, double value)
{
	const size_t begin = add_name(expo, values);

	xa_buf_addf(expo->buf, "%.9f", value);
	end_line(expo, begin);
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
	const size_t begin = add_name(expo, values);

	xa_buf_adds(expo->buf, exact_of(value).text);
	end_line(expo, begin);
}

/* As OpenMetrics has it: "1.0", "0.005", "1e+06", "1.048576e+06". */
static struct exact bound_of(double value)
{
	struct exact exact = exact_of(value);

	if (fabs(value) < 1e6 && value == trunc(value))
		(void)snprintf(exact.text, sizeof(exact.text), "%.1f", value);
	if (fabs(value) < 1e6)
		return exact;
	for (int digits = 0; digits <= 16; digits++) {
		(void)snprintf(exact.text, sizeof(exact.text), "%.*e", digits, value);
		if (strtod(exact.text, NULL) == value)
			break;
	}
	return exact;
}

static void add_bucket(struct xa_exposition *expo, const char *const *values, const char *le,
		       uint64_t count, const struct xa_exemplar *exemplar)
{
	const size_t begin = add_line(expo, "_bucket", values, le);

	xa_buf_add_u64(expo->buf, count);
	if (!expo->openmetrics || !exemplar || !exemplar->labels[0]) {
		end_line(expo, begin);
		return;
	}
	copy_line(expo, begin);
	xa_buf_adds(expo->buf, "\n");
	xa_buf_addf(expo->openmetrics, " # {%s} %s\n", exemplar->labels,
		    exact_of(exemplar->value).text);
}

void xa_exposition_buckets(struct xa_exposition *expo, const char *const *values,
			   const struct xa_buckets *buckets)
{
	const struct xa_exemplar *exemplars = buckets->exemplars;
	uint64_t count = 0;
	size_t begin;

	for (size_t i = 0; i <= buckets->count; i++) {
		count += buckets->counts[i];
		add_bucket(expo, values,
			   i < buckets->count ? bound_of(buckets->upper[i]).text : "+Inf", count,
			   exemplars ? &exemplars[i] : NULL);
	}
	begin = add_line(expo, "_sum", values, NULL);
	xa_buf_adds(expo->buf, exact_of(buckets->sum).text);
	end_line(expo, begin);
	begin = add_line(expo, "_count", values, NULL);
	xa_buf_add_u64(expo->buf, count);
	end_line(expo, begin);
}

void xa_exposition_end(struct xa_exposition *expo)
{
	if (expo->openmetrics)
		xa_buf_adds(expo->openmetrics, "# EOF\n");
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
	double upper[XA_HISTOGRAM_BUCKETS_MAX];
	const struct xa_buckets buckets = {
		.count = bounds->count,
		.upper = upper,
		.counts = histogram->counts,
		.sum = (double)histogram->sum_ns / 1e9,
	};

	for (size_t i = 0; i < bounds->count; i++)
		upper[i] = (double)bounds->upper_ns[i] / 1e9;
	xa_exposition_buckets(expo, NULL, &buckets);
}
