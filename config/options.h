/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The option table: one row a key. Whatever the program knows of a key comes from its row. A new
 * key is one row here and one member in struct xa_config.
 */

#include <string.h>

#include "config/config.h"

enum xa_option_type {
	XA_OPTION_DURATION, /* uint64_t nanoseconds */
	XA_OPTION_UINT, /* uint32_t */
	XA_OPTION_SIZE, /* uint64_t bytes */
	XA_OPTION_PATH, /* const char *, and another one for the text as it was written */
	XA_OPTION_ENUM, /* an enum, index into `names` */
	XA_OPTION_SET, /* unsigned, a bit for each of `names`; as text a list */
	XA_OPTION_INTERFACES, /* list: const char ** and a size_t */
	XA_OPTION_LISTEN, /* list: struct xa_listen * and a size_t */
	XA_OPTION_HOSTS, /* list: const char ** and a size_t */
	XA_OPTION_NETWORKS, /* list: struct xa_network * and a size_t */
	XA_OPTION_PORTS, /* list: struct xa_range * and a size_t, sorted */
	XA_OPTION_STAGES, /* struct xa_stage * and a size_t; only in files */
	XA_OPTION_TYPE_COUNT_
};

struct xa_option {
	const char *key; /* "section.name"; a section's keys stand side by side */
	enum xa_option_type type;
	enum xa_reload reload;
	const char *fallback; /* the default, as a person would write it */
	uint64_t min, max; /* of the value; entries of a list, bytes of a path */
	const char *unit; /* what an integer counts */
	const char *const *names;
	size_t name_count;
	const char *automatic; /* the path that "auto" stands for; NULL: there is none */
	size_t offset, count_offset, text_offset; /* in struct xa_config */
	const char *help; /* one line, under 90 columns */
};

/* Whether the value may be empty: a path to nothing. */
static inline bool xa_option_may_be_empty(const struct xa_option *option)
{
	return option->type == XA_OPTION_PATH && !option->min;
}

/* The default as a document shows it. */
static inline const char *xa_option_shown(const struct xa_option *option)
{
	return *option->fallback ? option->fallback : "\"\"";
}

/* Bounds every array that is indexed by option; the table is asserted to fit. */
#define XA_OPTIONS_MAX 64

extern const struct xa_option xa_options[];
extern const size_t xa_option_count;

/* A list of texts, which one text with commas can hold as well; "[]" is the empty one, where `min`
 * allows it. */
static inline bool xa_option_is_list(const struct xa_option *option)
{
	return option->type >= XA_OPTION_SET && option->type <= XA_OPTION_PORTS;
}

extern const char *const xa_reload_texts[XA_RELOAD_COUNT_]; /* "a change ..." */

/* How much of the key is its section; 0 at the top level. */
static inline size_t xa_option_section(const struct xa_option *option)
{
	const char *dot = strrchr(option->key, '.');

	return dot ? (size_t)(dot - option->key) : 0;
}

/* The key inside its section. */
static inline const char *xa_option_name(const struct xa_option *option)
{
	const size_t len = xa_option_section(option);

	return option->key + (len ? len + 1 : 0);
}

/* Whether a row of the table is the first and the last one of its section. */
bool xa_option_begins_section(const struct xa_option *option);
bool xa_option_ends_section(const struct xa_option *option);

/* The option of that full key, or NULL. */
const struct xa_option *xa_option_find(const char *key);

/* The first option under that section, or NULL if there is no such section. */
const struct xa_option *xa_section_find(const char *section);

/* Appends " (did you mean ...?)" with the key that `name` in `section` ("" for the top level) most
 * likely stands for; nothing if none is near. */
void xa_option_suggest(const char *section, const char *name, struct xa_buf *buf);

/* The nearest of `names`, or NULL if none is near. */
const char *xa_suggest_name(const char *name, const char *const *names, size_t count);
