/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Files as large as a file may be, of which each is as much work as can be had from one part of the
 * parser, and what has to come of them. A unit test holds what they come to, and a benchmark how
 * long they take. What the fuzzer finds to be slow is kept here.
 */

#include "config/file.h"
#include "core/base/buf.h"

struct worst_input {
	const char *name;
	const char *first, *piece, *last; /* one, as many as there is room for, one */
	const char *behind; /* each piece, between them its number; NULL: no number either */
	const char *reason; /* the first one begins with it; NULL: the file is taken */
};

#define WORST_STAGE "policy: {stages: [{a: {x: "

static const struct worst_input worst_inputs[] = {
	{"lists in lists", "", "[", "", NULL, "expected keys ('interface: eth0'), not a list"},
	{"mappings in mappings", "", "{", "", NULL, "a key has to be a plain name"},
	{"entries in entries", "", "- ", "", NULL, "expected keys ('interface: eth0'), not a list"},
	{"keys of keys", "", "? ", "", NULL, "a key has to be a plain name"},
	{"lists as keys", "", "[[]:", "", NULL, "expected keys ('interface: eth0'), not a list"},
	{"lists in lists of a stage", WORST_STAGE, "[", "", NULL,
	 "nested more than 16 levels deep"},
	{"as deep as it goes, again and again", WORST_STAGE "[", "[[[[[[[[[[]]]]]]]]]],", "]}}]}",
	 NULL, "policy.stages: larger than 48 KiB, written out"},
	{"as deep as it goes, with keys", WORST_STAGE "[",
	 "{k: {k: {k: {k: {k: {k: {k: {k: {k: 1}}}}}}}}},", "]}}]}", NULL,
	 "policy.stages: larger than 48 KiB, written out"},
	{"lists side by side", WORST_STAGE "[", "[],", "]}}]}", NULL,
	 "policy.stages: larger than 48 KiB, written out"},
	{"mappings side by side", WORST_STAGE "[", "{},", "]}}]}", NULL,
	 "policy.stages: larger than 48 KiB, written out"},
	{"one key", "", "k", ": 1\n", NULL, "expected keys ('interface: eth0'), not a value"},
	{"one value", "mode: ", "v", "\n", NULL, "mode: the value is longer than 4096 bytes"},
	{"one value of many lines", "mode: ", "v\n  ", "", NULL,
	 "mode: the value is longer than 4096 bytes"},
	{"one block", "mode: |\n", "  v\n", "", NULL, "mode: the value is longer than 4096 bytes"},
	{"one folded block", "mode: >\n", "  v\n\n", "", NULL,
	 "mode: the value is longer than 4096 bytes"},
	{"one value in quotes", "mode: \"", "v", "\"\n", NULL,
	 "mode: the value is longer than 4096 bytes"},
	{"escapes", "mode: \"", "\\u00e4", "\"\n", NULL,
	 "mode: the value is longer than 4096 bytes"},
	{"quotes", "mode: ", "''", "\n", NULL, "mode: the value is longer than 4096 bytes"},
	{"quotes that end nowhere", "", "'", "", NULL,
	 "expected keys ('interface: eth0'), not a value"},
	{"double quotes", "", "\"", "", NULL, "expected keys ('interface: eth0'), not a value"},
	{"commas in a value", "interface: ", ",", "\n", NULL,
	 "no value here, or one that has to stand in quotes"},
	{"names in a value", "interface: x", ",x", "\n", "",
	 "interface: the value is longer than 4096 bytes"},
	{"names in a list", "interface: [x", ",x", "]\n", "", "interface: more than 255 entries"},
	{"commas", "", ",", "", NULL, "no value here, or one that has to stand in quotes"},
	{"commas in a list", "interface: [", ",", "]\n", NULL,
	 "no value here, or one that has to stand in quotes"},
	{"colons", "", ":", "", NULL, "expected keys ('interface: eth0'), not a value"},
	{"colons and blanks", "", ": ", "", NULL, "expected a key of this mapping"},
	{"tabs", "", "\t", "", NULL, "tab in the indentation"},
	{"tabs behind a key", "mode:", "\t", "drv", NULL, NULL},
	{"blanks", "", " ", "", NULL, NULL},
	{"line feeds", "", "\n", "", NULL, NULL},
	{"carriage returns", "", "\r\n", "", NULL, NULL},
	{"comments", "", "#\n", "", NULL, NULL},
	{"anchors", "", "&a ", "", NULL, "anchors are not supported ('a')"},
	{"anchors of values", WORST_STAGE "[", "&a b,", "]}}]}", NULL,
	 "anchors are not supported ('a')"},
	{"aliases", WORST_STAGE "[", "*a,", "]}}]}", NULL, "aliases are not supported"},
	{"tags", WORST_STAGE "[", "!a b,", "]}}]}", NULL, "tags are not supported ('!a')"},
	{"directives", "", "%YAML 1.1\n", "", NULL, "directives ('%...') are not supported"},
	{"documents", "", "---\n", "", NULL, "a second document: one file, one config"},
	{"variables in a value", "interface: ", "${A:-b}", "\n", NULL,
	 "interface: the value is longer than 4096 bytes"},
	{"variables of a stage", WORST_STAGE "[", "'${A:-b}',", "]}}]}", NULL, NULL},
	{"variables that are not set", WORST_STAGE "[", "'${A}',", "]}}]}", NULL,
	 "policy.stages[0].a.x[0]: the environment variable 'A' is not set"},
	{"variables in variables", "mode: '", "${A:-", "'\n", NULL,
	 "mode: no '$' may stand inside '${...}'"},
	{"dollars", "mode: '", "$$", "'\n", NULL, "mode: the value is longer than 4096 bytes"},
	{"one key again and again", "", "mode: drv\n", "", NULL,
	 "duplicate key 'mode' (first in line 1)"},
	{"keys not known", "", "x", "", ": 1\n", "unknown key 'x0'"},
	{"keys nearly known", "flows: {max: 1024", ", idle_timeou", "}\n", ": 1",
	 "unknown key 'idle_timeou0'"},
	{"values that are wrong", "interface: [", "'a/", "]\n", "',", "interface: 'a/0'"},
	{"stages with wrong names", "policy: {stages: [", "B", "]}\n", ",",
	 "policy.stages[0]: 'B0' is no name of a stage"},
	{"stages without options", "policy: {stages: [a", ",a", "]}\n", "",
	 "policy.stages: more than 16 stages"},
	{"options", WORST_STAGE "{b", ",b", "}}}]}\n", "",
	 "policy.stages: larger than 48 KiB, written out"},
	{"one option again and again", WORST_STAGE "{b: 1", ",b: 1", "}}}]}\n", NULL,
	 "policy.stages[0].a.x: duplicate key 'b' (first in line 1)"},
	{"options in columns", "policy:\n  stages:\n    - a:\n", "        b", "", ": 1\n", NULL},
};

/* Appends the file's text. */
static inline void worst_text(const struct worst_input *input, struct xa_buf *text)
{
	const size_t room = XA_FILE_BYTES_MAX - strlen(input->last);

	xa_buf_adds(text, input->first);
	for (unsigned i = 0;; i++) {
		const size_t len = text->len;

		xa_buf_adds(text, input->piece);
		if (input->behind)
			xa_buf_addf(text, "%u%s", i, input->behind);
		if (text->len <= room)
			continue;
		text->len = len;
		break;
	}
	xa_buf_adds(text, input->last);
}
