/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A family is its declaration, the same as the exposition wants it, and its series. */

#include "core/policy/families.h"

#include <math.h>

#include "core/policy/declare.h"
#include "core/policy/series.h"

struct family {
	struct xa_region_metric declared; /* zeroes behind the ends of texts */
	struct xa_metric_info info; /* points into it */
	struct xa_series_set set;
};

struct xa_families {
	uint32_t max_series;
	size_t count;
	struct family *family[XA_PLUGIN_METRICS_MAX];
};

static const enum xa_metric_type types[] = {
	[XA_PLUGIN_GAUGE] = XA_GAUGE,
	[XA_PLUGIN_COUNTER] = XA_COUNTER,
	[XA_PLUGIN_HISTOGRAM] = XA_HISTOGRAM,
};

uint64_t xa_family_memory_bytes(uint32_t max_series)
{
	return sizeof(struct family) + xa_series_memory_bytes(XA_PLUGIN_METRIC_LABELS_MAX,
							      XA_PLUGIN_BUCKETS_MAX + 1,
							      max_series);
}

int xa_families_new(struct xa_families **ret, uint32_t max_series)
{
	struct xa_families *families = calloc(1, sizeof(*families));

	if (!families)
		return -ENOMEM;
	families->max_series = max_series;
	*ret = families;
	return 0;
}

static void family_free(struct family *family)
{
	xa_series_done(&family->set);
	free(family);
}

void xa_families_free(struct xa_families *families)
{
	if (!families)
		return;
	for (size_t i = 0; i < families->count; i++)
		family_free(families->family[i]);
	free(families);
}

/* --- declarations --- */

/* The names under which samples of a family appear. */
static const char *const suffixes[] = {"", "_bucket", "_sum", "_count"};

static size_t suffix_count(bool histogram)
{
	return histogram ? array_size(suffixes) : 1;
}

struct sample_name {
	char text[XA_PLUGIN_NAME_BYTES + 8];
};

static struct sample_name sample_name(const char *name, size_t suffix)
{
	struct sample_name sample;

	(void)snprintf(sample.text, sizeof(sample.text), "%.*s%s", XA_PLUGIN_NAME_BYTES - 1, name,
		       suffixes[suffix]);
	return sample;
}

/* Whether any sample of the one could be taken for one of the other, or for its head. */
static bool do_clash(const struct xa_metric_info *a, const char *name, bool histogram)
{
	for (size_t i = 0; i < suffix_count(a->type == XA_HISTOGRAM); i++)
		for (size_t j = 0; j < suffix_count(histogram); j++)
			if (!strcmp(sample_name(a->name, i).text, sample_name(name, j).text))
				return true;
	return false;
}

static int check_clashes(const struct xa_families *families, const struct xa_region_metric *metric,
			 struct xa_why *why)
{
	const bool histogram = metric->type == XA_PLUGIN_HISTOGRAM;

	for (size_t i = 0; i < XA_METRIC_COUNT_; i++)
		if (do_clash(&xa_metrics[i], metric->name, histogram))
			return xa_why_set(why, -EINVAL,
					  "metric '%s': xdp-auditor itself has the metric '%s'",
					  metric->name, xa_metrics[i].name);
	for (size_t i = 0; i < families->count; i++)
		if (do_clash(&families->family[i]->info, metric->name, histogram))
			return xa_why_set(why, -EINVAL,
					  "metric '%s': the metric '%s' is declared already",
					  metric->name, families->family[i]->info.name);
	return 0;
}

/* Equal declarations become equal bytes. */
static void copy_declared(struct xa_region_metric *to, const struct xa_region_metric *from)
{
	*to = (struct xa_region_metric){
		.stage = from->stage,
		.type = from->type,
		.label_count = from->label_count,
		.bucket_count = from->bucket_count,
	};
	for (size_t i = 0; i < from->bucket_count; i++)
		to->buckets[i] = from->buckets[i] + 0.0;
	memcpy(to->name, from->name, strlen(from->name));
	memcpy(to->help, from->help, strlen(from->help));
	for (size_t i = 0; i < from->label_count; i++)
		memcpy(to->labels[i], from->labels[i], strlen(from->labels[i]));
}

static int family_new(struct family **ret, const struct xa_region_metric *metric,
		      uint32_t max_series)
{
	const bool histogram = metric->type == XA_PLUGIN_HISTOGRAM;
	_cleanup_free_ struct family *family = calloc(1, sizeof(*family));
	int r;

	if (!family)
		return -ENOMEM;
	copy_declared(&family->declared, metric);
	family->info = (struct xa_metric_info){
		.name = family->declared.name,
		.type = types[metric->type],
		.help = family->declared.help,
	};
	for (size_t i = 0; i < metric->label_count; i++)
		family->info.labels[i] = family->declared.labels[i];
	r = xa_series_init(&family->set, metric->label_count,
			   histogram ? metric->bucket_count + 1 : 0, max_series);
	if (r)
		return r;
	*ret = take_ptr(family);
	return 0;
}

int xa_families_declare(struct xa_families *families, const struct xa_region_metric *metric,
			struct xa_why *ret_why)
{
	int r;

	r = xa_declaration_check(metric, ret_why);
	if (!r)
		r = check_clashes(families, metric, ret_why);
	if (r)
		return r;
	if (families->count == XA_PLUGIN_METRICS_MAX)
		return xa_why_set(ret_why, -EINVAL, "metric '%s': there are %d metrics already",
				  metric->name, XA_PLUGIN_METRICS_MAX);
	r = family_new(&families->family[families->count], metric, families->max_series);
	return r ? r : (int)families->count++;
}

bool xa_flow_label_is_valid(const char *name, struct xa_why *ret_why)
{
	const char *const *taken = xa_metrics[XA_METRIC_FLOW_PACKETS].labels;
	struct xa_shown_name shown = {0};

	memcpy(shown.text, name, strnlen(name, sizeof(shown.text) - 1));
	shown = xa_shown_name(shown.text);
	if (!xa_label_name_is_valid(name)) {
		xa_why_set(ret_why, 0,
			   "label '%s': a name has letters, digits and '_', and begins with no "
			   "digit and no '__'",
			   shown.text);
		return false;
	}
	for (size_t i = 0; i < XA_FLOW_LABELS; i++) {
		if (strcmp(name, taken[i]) != 0)
			continue;
		xa_why_set(ret_why, 0, "label '%s': every flow has one of that name", name);
		return false;
	}
	if (!strcmp(name, "le")) {
		xa_why_set(ret_why, 0, "label 'le' is the one of a histogram's buckets");
		return false;
	}
	return true;
}

bool xa_families_is(const struct xa_families *families, size_t family,
		    const struct xa_region_metric *metric)
{
	struct xa_region_metric copy;

	copy_declared(&copy, metric);
	return !memcmp(&copy, &families->family[family]->declared, sizeof(copy));
}

/* --- what goes on --- */

static bool go_on(const struct xa_region_metric *a, const struct xa_region_metric *b)
{
	return a->type == b->type && a->type != XA_PLUGIN_GAUGE &&
	       a->label_count == b->label_count && a->bucket_count == b->bucket_count &&
	       !memcmp(a->labels, b->labels, sizeof(a->labels)) &&
	       !memcmp(a->buckets, b->buckets, sizeof(a->buckets));
}

/* Series by series, so that a smaller max_series holds as well. */
static int take_over(struct xa_series_set *to, const struct xa_series_set *from)
{
	for (size_t i = 0; i < from->count; i++) {
		const char *values[XA_LABELS_MAX];
		size_t at;
		int r;

		xa_series_values(from, i, values);
		r = xa_series_find(to, values, &at);
		if (r)
			return r;
		xa_amount_add(&to->series[at].amount, from->series[i].amount);
		for (size_t slot = 0; slot < to->slots; slot++)
			to->counts[at * to->slots + slot] += from->counts[i * to->slots + slot];
	}
	return 0;
}

static const struct family *find_family(const struct xa_families *families, const char *name)
{
	for (size_t i = 0; i < families->count; i++)
		if (!strcmp(families->family[i]->declared.name, name))
			return families->family[i];
	return NULL;
}

int xa_families_inherit(struct xa_families *families, const struct xa_families *before)
{
	for (size_t i = 0; i < families->count; i++) {
		struct family *family = families->family[i];
		const struct family *old = find_family(before, family->declared.name);
		int r;

		if (!old)
			continue;
		family->set.folded = old->set.folded;
		if (!go_on(&family->declared, &old->declared))
			continue;
		r = take_over(&family->set, &old->set);
		if (r)
			return r;
	}
	return 0;
}

/* --- samples --- */

void xa_families_begin(struct xa_families *families)
{
	for (size_t i = 0; i < families->count; i++)
		if (families->family[i]->info.type == XA_GAUGE)
			xa_series_clear(&families->family[i]->set);
}

static void observe(struct family *family, size_t series, double number)
{
	const struct xa_region_metric *metric = &family->declared;
	size_t bucket = 0;

	while (bucket < metric->bucket_count && number > metric->buckets[bucket])
		bucket++;
	family->set.counts[series * family->set.slots + bucket]++;
}

static int add(struct family *family, const char *const *values, struct xa_amount amount,
	       double number)
{
	size_t series;
	int r;

	r = xa_series_find(&family->set, values, &series);
	if (r)
		return r;
	if (family->info.type == XA_GAUGE && !xa_series_is_other(&family->set, series)) {
		family->set.series[series].amount = amount;
		return 0;
	}
	xa_amount_add(&family->set.series[series].amount, amount);
	if (family->info.type == XA_HISTOGRAM)
		observe(family, series, number);
	return 0;
}

int xa_families_add(struct xa_families *families, size_t family, const char *const *values,
		    double number)
{
	struct family *to;

	if (family >= families->count || !isfinite(number))
		return -EINVAL;
	to = families->family[family];
	if (to->info.type == XA_COUNTER && number < 0)
		return -EINVAL;
	return add(to, values, xa_amount_of(number), number);
}

int xa_families_add_u64(struct xa_families *families, size_t family, const char *const *values,
			uint64_t number)
{
	if (family >= families->count)
		return -EINVAL;
	return add(families->family[family], values, (struct xa_amount){.count = number},
		   (double)number);
}

size_t xa_families_count(const struct xa_families *families)
{
	return families->count;
}

const char *xa_families_name(const struct xa_families *families, size_t family)
{
	return families->family[family]->declared.name;
}

uint64_t xa_families_folded(const struct xa_families *families, size_t family)
{
	return families->family[family]->set.folded;
}

/* --- the page --- */

static size_t lines_of(const struct family *family)
{
	return family->info.type == XA_HISTOGRAM ? family->declared.bucket_count + 3 : 1;
}

static void render_series(const struct family *family, struct xa_exposition *expo, size_t at)
{
	const struct xa_series_set *set = &family->set;
	const struct xa_amount amount = set->series[at].amount;
	const char *values[XA_LABELS_MAX] = {0};

	xa_series_values(set, at, values);
	if (family->info.type == XA_HISTOGRAM) {
		const struct xa_buckets buckets = {
			.count = family->declared.bucket_count,
			.upper = family->declared.buckets,
			.counts = &set->counts[at * set->slots],
			.sum = (double)amount.count + amount.rest,
		};

		xa_exposition_buckets(expo, values, &buckets);
	} else if (amount.rest == 0) {
		xa_exposition_u64(expo, values, amount.count);
	} else {
		xa_exposition_exact(expo, values, (double)amount.count + amount.rest);
	}
}

static void render_family(struct family *family, struct xa_exposition *expo, size_t *room)
{
	const size_t lines = lines_of(family);

	xa_exposition_begin_info(expo, &family->info);
	for (size_t i = 0; i < family->set.count; i++) {
		if (lines > *room) {
			*room = 0;
			family->set.folded += lines;
			continue;
		}
		render_series(family, expo, i);
		*room -= lines;
	}
}

void xa_families_render(struct xa_families *families, struct xa_exposition *expo, size_t room)
{
	for (size_t i = 0; i < families->count; i++)
		render_family(families->family[i], expo, &room);
}
