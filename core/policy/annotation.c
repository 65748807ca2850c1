/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A row of value numbers for each handle, and a text for each number that some row has. Texts are
 * copied when the first flow has them, so that a region full of values nobody uses costs nothing;
 * and checked before they take the place of an older text, so that every text here is valid always.
 */

#include "core/policy/annotation.h"

#include <string.h>
#include <sys/mman.h>

#include "core/base/text.h"
#include "core/flow/index.h"
#include "core/policy/memory.h"

enum state {
	UNKNOWN, /* nobody has looked yet, in this snapshot */
	VALID,
	INVALID,
};

struct text {
	char text[sizeof(((struct xa_region_value *)NULL)->text)];
};

struct xa_annotations {
	uint32_t max_flows;
	uint32_t max_values;
	uint32_t value_count; /* of the last take; numbers are below it */
	bool none;
	size_t label_count;
	char names[XA_PLUGIN_LABELS_MAX][XA_PLUGIN_NAME_BYTES];
	uint32_t columns[XA_PLUGIN_LABELS_MAX]; /* in the region */
	size_t invalid[XA_PLUGIN_LABELS_MAX];
	uint32_t *rows; /* label_count numbers a handle */
	uint8_t *hidden; /* by handle */
	uint8_t *states; /* enum state by value */
	struct text *texts; /* by value */
};

static size_t rows_size(uint32_t max_flows)
{
	return (size_t)max_flows * XA_PLUGIN_LABELS_MAX * sizeof(uint32_t);
}

static size_t texts_size(uint32_t max_values)
{
	return max_values * sizeof(struct text);
}

uint64_t xa_annotations_memory_bytes(uint32_t max_flows, uint32_t max_values)
{
	return rows_size(max_flows) + (uint64_t)max_flows + max_values + texts_size(max_values);
}

int xa_annotations_new(struct xa_annotations **ret, uint32_t max_flows, uint32_t max_values)
{
	_cleanup_xa_annotations_ struct xa_annotations *annotations = calloc(1,
									     sizeof(*annotations));

	if (!annotations)
		return -ENOMEM;
	annotations->max_flows = max_flows;
	annotations->max_values = max_values;
	annotations->none = true;
	annotations->rows = xa_reserve(rows_size(max_flows));
	annotations->hidden = xa_reserve(max_flows);
	annotations->states = xa_reserve(max_values);
	annotations->texts = xa_reserve(texts_size(max_values));
	if (!annotations->rows || !annotations->hidden || !annotations->states ||
	    !annotations->texts)
		return -ENOMEM;
	*ret = take_ptr(annotations);
	return 0;
}

static void give_back(void *memory, size_t size)
{
	if (memory)
		(void)munmap(memory, size);
}

void xa_annotations_free(struct xa_annotations *annotations)
{
	if (!annotations)
		return;
	give_back(annotations->rows, rows_size(annotations->max_flows));
	give_back(annotations->hidden, annotations->max_flows);
	give_back(annotations->states, annotations->max_values);
	give_back(annotations->texts, texts_size(annotations->max_values));
	free(annotations);
}

void xa_annotations_set_labels(struct xa_annotations *annotations,
			       const struct xa_region_label *labels, size_t count)
{
	annotations->label_count = count;
	for (uint32_t i = 0; i < count; i++) {
		memcpy(annotations->names[i], labels[i].name, sizeof(labels[i].name));
		annotations->columns[i] = i;
	}
}

void xa_annotations_set_columns(struct xa_annotations *annotations, const uint32_t *columns)
{
	for (size_t i = 0; i < annotations->label_count; i++)
		annotations->columns[i] = columns[i];
}

static bool copy_text(struct text *to, const struct xa_region_value *from)
{
	struct xa_region_value copy;

	xa_copy_once(&copy, from, sizeof(copy));
	if (!copy.len || copy.len >= sizeof(copy.text) || copy.text[copy.len] != '\0' ||
	    !xa_text_is_clean(copy.text, copy.len))
		return false;
	memcpy(to->text, copy.text, copy.len + 1);
	return true;
}

static bool is_valid(struct xa_annotations *annotations, const struct xa_region_value *values,
		     uint32_t value)
{
	if (value >= annotations->value_count)
		return false;
	if (annotations->states[value] == UNKNOWN)
		annotations->states[value] = copy_text(&annotations->texts[value], &values[value])
						     ? VALID
						     : INVALID;
	return annotations->states[value] == VALID;
}

static const struct xa_region_value *values_of(const void *region,
					       const struct xa_region_layout *layout)
{
	return (const void *)((const char *)region + layout->values);
}

/* The two fixed numbers are known without the worker. */
static void begin(struct xa_annotations *annotations, const void *region)
{
	const struct xa_region_head *head = region;
	uint32_t count;

	xa_copy_once(&count, &head->value_count, sizeof(count));
	count = count < annotations->max_values ? count : annotations->max_values;
	annotations->value_count = count > XA_PLUGIN_VALUE_OTHER ? count
								 : XA_PLUGIN_VALUE_OTHER + 1;
	memset(annotations->states, UNKNOWN, annotations->max_values);
	memset(annotations->invalid, 0, sizeof(annotations->invalid));
	annotations->states[XA_PLUGIN_VALUE_NONE] = VALID;
	annotations->states[XA_PLUGIN_VALUE_OTHER] = VALID;
	(void)snprintf(annotations->texts[XA_PLUGIN_VALUE_OTHER].text, sizeof(struct text),
		       "other");
	annotations->none = false;
}

/* One label of one flow. */
static uint32_t take_value(struct xa_annotations *annotations, const void *region,
			   const struct xa_region_layout *layout, uint32_t handle, size_t label)
{
	const uint32_t column = annotations->columns[label];
	const uint32_t *numbers = (const void *)((const char *)region + layout->columns);
	uint32_t value;

	if (column == XA_COLUMN_NONE)
		return XA_PLUGIN_VALUE_NONE;
	value = __atomic_load_n(&numbers[(size_t)column * layout->max_flows + handle],
				__ATOMIC_RELAXED);
	if (is_valid(annotations, values_of(region, layout), value))
		return value;
	annotations->invalid[label]++;
	return XA_PLUGIN_VALUE_NONE;
}

size_t xa_annotations_take(struct xa_annotations *annotations, const void *region,
			   const struct xa_region_layout *layout,
			   const struct xa_plugin_flow *flows, size_t count)
{
	const uint8_t *hidden = (const uint8_t *)region + layout->hidden;
	const size_t labels = annotations->label_count;
	size_t invalid = 0;

	begin(annotations, region);
	for (size_t i = 0; i < count; i++) {
		const uint32_t handle = flows[i].handle;
		uint32_t *row;

		if (handle >= annotations->max_flows)
			continue;
		row = &annotations->rows[handle * labels];
		annotations->hidden[handle] = __atomic_load_n(&hidden[handle], __ATOMIC_RELAXED) !=
					      0;
		for (size_t label = 0; label < labels; label++)
			row[label] = take_value(annotations, region, layout, handle, label);
	}
	for (size_t label = 0; label < labels; label++)
		invalid += annotations->invalid[label];
	return invalid;
}

size_t xa_annotations_invalid(const struct xa_annotations *annotations, size_t label)
{
	return annotations->none ? 0 : annotations->invalid[label];
}

void xa_annotations_none(struct xa_annotations *annotations)
{
	annotations->none = true;
}

size_t xa_annotations_label_count(const struct xa_annotations *annotations)
{
	return annotations->label_count;
}

const char *xa_annotations_label_name(const struct xa_annotations *annotations, size_t label)
{
	return annotations->names[label];
}

static bool is_known(const struct xa_annotations *annotations, uint32_t handle)
{
	return !annotations->none && handle < annotations->max_flows;
}

const char *xa_annotations_label(const struct xa_annotations *annotations, uint32_t handle,
				 size_t label)
{
	uint32_t value;

	if (!is_known(annotations, handle))
		return NULL;
	value = annotations->rows[handle * annotations->label_count + label];
	return value == XA_PLUGIN_VALUE_NONE ? NULL : annotations->texts[value].text;
}

/* By their texts: that equal texts have one number is what the worker says. */
bool xa_annotations_are_equal(const struct xa_annotations *annotations, uint32_t a, uint32_t b)
{
	const size_t labels = annotations->label_count;

	if (!is_known(annotations, a) || !is_known(annotations, b))
		return true;
	for (size_t i = 0; i < labels; i++) {
		const uint32_t value_a = annotations->rows[a * labels + i];
		const uint32_t value_b = annotations->rows[b * labels + i];

		if (value_a != value_b &&
		    strcmp(annotations->texts[value_a].text, annotations->texts[value_b].text) != 0)
			return false;
	}
	return true;
}

bool xa_annotations_is_hidden(const struct xa_annotations *annotations, uint32_t handle)
{
	return is_known(annotations, handle) && annotations->hidden[handle];
}

const char *xa_annotations_value(struct xa_annotations *annotations, const void *region,
				 const struct xa_region_layout *layout, uint32_t value)
{
	if (annotations->none || !is_valid(annotations, values_of(region, layout), value))
		return NULL;
	return annotations->texts[value].text;
}
