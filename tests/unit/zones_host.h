/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A host for one plugin, in memory: labels, columns, numbers of texts, a file, and the first
 * complaint.
 * What the zones do not ask for is not there.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/xa_plugin.h"

#define FAKE_LABELS  4
#define FAKE_HANDLES 16
#define FAKE_VALUES  64
#define FAKE_NODES   64

struct fake_state {
	const char *labels[FAKE_LABELS];
	size_t label_count;
	const char *taken; /* a label that another stage has */
	uint32_t columns[FAKE_LABELS][FAKE_HANDLES];
	char values[FAKE_VALUES][XA_PLUGIN_VALUE_BYTES];
	uint32_t value_count, value_max;
	struct xa_plugin_node nodes[FAKE_NODES];
	size_t node_count;
	const char *file; /* whatever its name is */
	size_t file_len;
	int file_error; /* what reading it gives */
	bool failed;
	enum xa_plugin_cause cause;
	char complaint[1024]; /* file:line:column: text */
};

struct fake_host {
	struct xa_plugin_host lent; /* has to come first */
	struct fake_state *state;
};

static inline struct fake_state *fake_state(const struct xa_plugin_host *host)
{
	return ((const struct fake_host *)host)->state;
}

static void fake_fail(const struct xa_plugin_host *host, enum xa_plugin_cause cause,
		      const struct xa_plugin_place *place, const char *text)
{
	struct fake_state *state = fake_state(host);

	if (state->failed)
		return;
	state->failed = true;
	state->cause = cause;
	(void)snprintf(state->complaint, sizeof(state->complaint), "%s:%u:%u: %s",
		       place && place->file ? place->file : "", place ? place->line : 0,
		       place ? place->column : 0, text);
}

static int fake_declare_label(const struct xa_plugin_host *host, const char *name)
{
	struct fake_state *state = fake_state(host);

	if (state->taken && !strcmp(name, state->taken)) {
		fake_fail(host, XA_PLUGIN_ERROR, NULL, "label is taken");
		return -EEXIST;
	}
	state->labels[state->label_count] = name;
	return (int)state->label_count++;
}

static uint32_t *fake_column(const struct xa_plugin_host *host, int label)
{
	return fake_state(host)->columns[label];
}

static int fake_value(const struct xa_plugin_host *host, const char *text, size_t len,
		      uint32_t *ret_value)
{
	struct fake_state *state = fake_state(host);

	if (len >= XA_PLUGIN_VALUE_BYTES || strpbrk(text, "\n\x1b\xff"))
		return -EINVAL;
	for (uint32_t i = 0; i < state->value_count; i++)
		if (!strcmp(state->values[i], text)) {
			*ret_value = i;
			return 0;
		}
	*ret_value = XA_PLUGIN_VALUE_OTHER;
	if (state->value_count == state->value_max)
		return 0;
	memcpy(state->values[state->value_count], text, len + 1);
	*ret_value = state->value_count++;
	return 0;
}

static const char *fake_value_text(const struct xa_plugin_host *host, uint32_t value,
				   size_t *ret_len)
{
	const char *text = fake_state(host)->values[value];

	if (ret_len)
		*ret_len = strlen(text);
	return text;
}

static int fake_read_file(const struct xa_plugin_host *host, const char *path, size_t max,
			  char **ret_text, size_t *ret_len)
{
	const struct fake_state *state = fake_state(host);

	(void)path;
	if (state->file_error || state->file_len > max)
		return state->file_error ? state->file_error : -EFBIG;
	*ret_text = malloc(state->file_len + 1);
	if (!*ret_text)
		return -ENOMEM;
	memcpy(*ret_text, state->file, state->file_len);
	(*ret_text)[state->file_len] = '\0';
	*ret_len = state->file_len;
	return 0;
}

static inline struct fake_host fake_host(struct fake_state *state)
{
	*state = (struct fake_state){
		.values = {"", "other"}, .value_count = 2, .value_max = FAKE_VALUES};
	return (struct fake_host){
		.lent = {.size = sizeof(struct xa_plugin_host),
			 .stage = "zones",
			 .memory_bytes = 64 << 20,
			 .fail = fake_fail,
			 .declare_label = fake_declare_label,
			 .column = fake_column,
			 .value = fake_value,
			 .value_text = fake_value_text,
			 .read_file = fake_read_file},
		.state = state,
	};
}

/* Reads one line of YAML's short form, without quotes: {a: [x, y], b: z}. It is borrowed: what is
 * read ends where it ends by a NUL in it. Columns are those of the text. */
struct fake_text {
	struct fake_state *state;
	char *begin, *at;
};

static struct xa_plugin_node *fake_node(struct fake_text *text)
{
	struct xa_plugin_node *node = &text->state->nodes[text->state->node_count++];

	text->at += strspn(text->at, " ");
	*node = (struct xa_plugin_node){
		.file = "a.yaml", .line = 1, .column = (uint32_t)(text->at - text->begin) + 1};
	return node;
}

/* Ends a word; returns what ended it. */
static char fake_word(struct fake_text *text, const char *ends, const char **ret)
{
	const size_t len = strcspn(text->at, ends);
	const char end = text->at[len];

	*ret = text->at;
	text->at[len] = '\0';
	text->at += len + (end != '\0');
	return end;
}

/* A word or a list of words; returns what stands behind. */
static char fake_networks(struct fake_text *text, struct xa_plugin_node *node)
{
	const struct xa_plugin_node **link = &node->children;
	char end = ',';

	if (*text->at != '[')
		return fake_word(text, ",}", &node->text);
	node->kind = XA_PLUGIN_LIST;
	for (text->at++; end == ',' && *text->at != ']';) {
		struct xa_plugin_node *child = fake_node(text);

		end = fake_word(text, ",]", &child->text);
		*link = child;
		link = &child->next;
	}
	text->at += end == ',';
	return *text->at++;
}

static inline const struct xa_plugin_node *fake_zones(struct fake_state *state, char *begin)
{
	struct fake_text text = {.state = state, .begin = begin, .at = begin};
	struct xa_plugin_node *map = fake_node(&text);
	const struct xa_plugin_node **link = &map->children;
	char end = ',';

	if (*text.at != '{') {
		map->text = text.at;
		return map;
	}
	map->kind = XA_PLUGIN_MAP;
	for (text.at++; end == ',' && *text.at != '}';) {
		struct xa_plugin_node *zone = fake_node(&text);

		(void)fake_word(&text, ":", &zone->key);
		text.at += strspn(text.at, " ");
		zone->column = (uint32_t)(text.at - text.begin) + 1;
		end = fake_networks(&text, zone);
		*link = zone;
		link = &zone->next;
	}
	return map;
}
