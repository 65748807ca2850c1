/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Names are unique in a schema, so that a name finds its place. */

#include "core/policy/schema.h"

#include <string.h>

#include "core/policy/annotation.h"
#include "core/policy/declare.h"
#include "core/policy/memory.h"

int xa_schema_copy(struct xa_schema *ret, const struct xa_region_head *head, size_t stage_count,
		   struct xa_why *ret_why)
{
	xa_copy_once(&ret->label_count, &head->label_count, sizeof(ret->label_count));
	xa_copy_once(&ret->metric_count, &head->metric_count, sizeof(ret->metric_count));
	if (ret->label_count > XA_PLUGIN_LABELS_MAX)
		return xa_why_set(ret_why, -EBADMSG, "%u labels, %d at most", ret->label_count,
				  XA_PLUGIN_LABELS_MAX);
	if (ret->metric_count > XA_PLUGIN_METRICS_MAX)
		return xa_why_set(ret_why, -EBADMSG, "%u metrics, %d at most", ret->metric_count,
				  XA_PLUGIN_METRICS_MAX);
	xa_copy_once(ret->labels, head->labels, sizeof(ret->labels));
	xa_copy_once(ret->metrics, head->metrics, sizeof(ret->metrics));
	for (uint32_t i = 0; i < ret->label_count; i++)
		if (ret->labels[i].stage >= stage_count)
			return xa_why_set(ret_why, -EBADMSG,
					  "a label of a stage that is not there");
	for (uint32_t i = 0; i < ret->metric_count; i++)
		if (ret->metrics[i].stage >= stage_count)
			return xa_why_set(ret_why, -EBADMSG,
					  "a metric of a stage that is not there");
	return 0;
}

static bool is_terminated(const struct xa_region_label *label)
{
	return memchr(label->name, '\0', sizeof(label->name)) != NULL;
}

static size_t find_label(const struct xa_schema *schema, size_t count, const char *name)
{
	size_t i = 0;

	while (i < count && strcmp(schema->labels[i].name, name) != 0)
		i++;
	return i;
}

bool xa_schema_label_is_valid(const struct xa_schema *schema, size_t label, struct xa_why *ret_why)
{
	const char *name = schema->labels[label].name;

	if (!is_terminated(&schema->labels[label])) {
		xa_why_set(ret_why, 0, "label '%s': the name has to be shorter than %d bytes",
			   xa_shown_name(name).text, XA_PLUGIN_NAME_BYTES);
		return false;
	}
	if (!xa_flow_label_is_valid(name, ret_why))
		return false;
	if (find_label(schema, label, name) != label) {
		xa_why_set(ret_why, 0, "label '%s' is declared already", name);
		return false;
	}
	return true;
}

void xa_places_init(struct xa_places *places, const struct xa_schema *schema)
{
	for (uint32_t i = 0; i < XA_PLUGIN_LABELS_MAX; i++)
		places->columns[i] = i < schema->label_count ? i : XA_COLUMN_NONE;
	for (uint32_t i = 0; i < XA_PLUGIN_METRICS_MAX; i++)
		places->families[i] = i;
	places->metric_count = schema->metric_count;
}

static bool place_label(struct xa_places *places, const struct xa_schema *first,
			const struct xa_region_label *label, uint32_t column)
{
	size_t at;

	if (!is_terminated(label))
		return false;
	at = find_label(first, first->label_count, label->name);
	if (at == first->label_count || first->labels[at].stage != label->stage ||
	    places->columns[at] != XA_COLUMN_NONE)
		return false;
	places->columns[at] = column;
	return true;
}

static bool place_metric(struct xa_places *places, bool *is_placed,
			 const struct xa_families *families, const struct xa_region_metric *metric)
{
	if (xa_declaration_check(metric, NULL))
		return false;
	for (uint32_t i = 0; i < xa_families_count(families); i++) {
		if (is_placed[i] || !xa_families_is(families, i, metric))
			continue;
		is_placed[i] = true;
		places->families[places->metric_count++] = i;
		return true;
	}
	return false;
}

/* What stages that run declared first and do not any more. */
static int find_missing(const struct xa_places *places, const bool *is_placed,
			const struct xa_schema *first, const bool *disabled, uint32_t *ret_stage)
{
	for (size_t i = 0; i < first->label_count; i++) {
		*ret_stage = first->labels[i].stage;
		if (!disabled[*ret_stage] && places->columns[i] == XA_COLUMN_NONE)
			return -ESTALE;
	}
	for (size_t i = 0; i < first->metric_count; i++) {
		*ret_stage = first->metrics[i].stage;
		if (!disabled[*ret_stage] && !is_placed[i])
			return -ESTALE;
	}
	return 0;
}

int xa_schema_find_places(struct xa_places *ret, const struct xa_schema *first,
			  const struct xa_families *families, const struct xa_schema *later,
			  const bool *disabled, uint32_t *ret_stage)
{
	bool is_placed[XA_PLUGIN_METRICS_MAX] = {0};
	struct xa_places places = {0};

	for (size_t i = 0; i < XA_PLUGIN_LABELS_MAX; i++)
		places.columns[i] = XA_COLUMN_NONE;
	for (uint32_t i = 0; i < later->label_count; i++) {
		*ret_stage = later->labels[i].stage;
		if (!place_label(&places, first, &later->labels[i], i))
			return -ESTALE;
	}
	for (size_t i = 0; i < later->metric_count; i++) {
		*ret_stage = later->metrics[i].stage;
		if (!place_metric(&places, is_placed, families, &later->metrics[i]))
			return -ESTALE;
	}
	if (find_missing(&places, is_placed, first, disabled, ret_stage))
		return -ESTALE;
	*ret = places;
	return 0;
}
