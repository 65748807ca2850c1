/* SPDX-License-Identifier: GPL-2.0-or-later */

/* One check a function; the first that fails says why. Prometheus' data model, and what `promtool
 * check metrics` asks of names. */

#include "core/policy/declare.h"

#include <math.h>
#include <string.h>

#include "core/base/text.h"

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_name(const char *name, const char *also)
{
	for (size_t i = 0; name[i]; i++)
		if (!is_letter(name[i]) && !strchr(also, name[i]) &&
		    (i == 0 || name[i] < '0' || name[i] > '9'))
			return false;
	return name[0] != '\0';
}

bool xa_label_name_is_valid(const char *name)
{
	return is_name(name, "") && strncmp(name, "__", 2) != 0;
}

struct xa_shown_name xa_shown_name(const char *name)
{
	struct xa_shown_name shown;

	memcpy(shown.text, name, sizeof(shown.text));
	xa_text_clean(shown.text, sizeof(shown.text), false);
	return shown;
}

static bool is_terminated(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static bool ends_in(const char *name, const char *end)
{
	const size_t len = strlen(name), end_len = strlen(end);

	return len >= end_len && !strcmp(name + len - end_len, end);
}

static int check_sizes(const struct xa_region_metric *metric, const char *name, struct xa_why *why)
{
	if (metric->type > XA_PLUGIN_HISTOGRAM)
		return xa_why_set(why, -EINVAL, "metric '%s': there is no type %u", name,
				  metric->type);
	if (metric->label_count > XA_PLUGIN_METRIC_LABELS_MAX)
		return xa_why_set(why, -EINVAL, "metric '%s': %u labels, %d at most", name,
				  metric->label_count, XA_PLUGIN_METRIC_LABELS_MAX);
	if (metric->bucket_count > XA_PLUGIN_BUCKETS_MAX)
		return xa_why_set(why, -EINVAL, "metric '%s': %u buckets, %d at most", name,
				  metric->bucket_count, XA_PLUGIN_BUCKETS_MAX);
	if (metric->bucket_count && metric->type != XA_PLUGIN_HISTOGRAM)
		return xa_why_set(why, -EINVAL, "metric '%s': only a histogram has buckets", name);
	return 0;
}

static int check_name(const struct xa_region_metric *metric, const char *name, struct xa_why *why)
{
	if (!is_terminated(metric->name, sizeof(metric->name)) || !is_name(metric->name, ":"))
		return xa_why_set(why, -EINVAL,
				  "metric '%s': a name has letters, digits, '_' and ':', and "
				  "begins with no digit",
				  name);
	if (metric->type == XA_PLUGIN_COUNTER && !ends_in(metric->name, "_total"))
		return xa_why_set(why, -EINVAL,
				  "metric '%s': the name of a counter has to end in _total", name);
	if (metric->type != XA_PLUGIN_COUNTER && ends_in(metric->name, "_total"))
		return xa_why_set(why, -EINVAL,
				  "metric '%s': only the name of a counter may end in _total",
				  name);
	return 0;
}

static int check_help(const struct xa_region_metric *metric, const char *name, struct xa_why *why)
{
	if (!is_terminated(metric->help, sizeof(metric->help)) ||
	    !xa_text_is_clean(metric->help, strlen(metric->help)))
		return xa_why_set(why, -EINVAL,
				  "metric '%s': help has to be one line of UTF-8 without control "
				  "characters, of less than %d bytes",
				  name, XA_POLICY_HELP_BYTES);
	if (!metric->help[0])
		return xa_why_set(why, -EINVAL, "metric '%s': has no help", name);
	return 0;
}

static bool is_twice(const struct xa_region_metric *metric, size_t label)
{
	for (size_t i = 0; i < label; i++)
		if (!strcmp(metric->labels[i], metric->labels[label]))
			return true;
	return false;
}

static int check_label(const struct xa_region_metric *metric, size_t i, const char *name,
		       struct xa_why *why)
{
	const char *label = metric->labels[i];

	if (!is_terminated(label, XA_PLUGIN_NAME_BYTES) || !xa_label_name_is_valid(label))
		return xa_why_set(why, -EINVAL,
				  "metric '%s': label '%s': a name has letters, digits and '_', "
				  "and begins with no digit and no '__'",
				  name, xa_shown_name(label).text);
	if (metric->type == XA_PLUGIN_HISTOGRAM && !strcmp(label, "le"))
		return xa_why_set(why, -EINVAL,
				  "metric '%s': label 'le' is the one of a histogram's buckets",
				  name);
	if (is_twice(metric, i))
		return xa_why_set(why, -EINVAL, "metric '%s': label '%s' is there twice", name,
				  label);
	return 0;
}

static int check_buckets(const struct xa_region_metric *metric, const char *name,
			 struct xa_why *why)
{
	for (size_t i = 0; i < metric->bucket_count; i++) {
		if (!isfinite(metric->buckets[i]))
			return xa_why_set(why, -EINVAL, "metric '%s': bucket %zu is not finite",
					  name, i + 1);
		if (i && metric->buckets[i] <= metric->buckets[i - 1])
			return xa_why_set(why, -EINVAL,
					  "metric '%s': bucket %zu is not above the one before",
					  name, i + 1);
	}
	return 0;
}

int xa_declaration_check(const struct xa_region_metric *metric, struct xa_why *ret_why)
{
	const struct xa_shown_name shown = xa_shown_name(metric->name);
	int r;

	r = check_sizes(metric, shown.text, ret_why);
	if (!r)
		r = check_name(metric, shown.text, ret_why);
	if (!r)
		r = check_help(metric, shown.text, ret_why);
	for (size_t i = 0; !r && i < metric->label_count; i++)
		r = check_label(metric, i, shown.text, ret_why);
	return r ? r : check_buckets(metric, shown.text, ret_why);
}
