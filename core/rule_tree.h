/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the readers of tests of rules, and of other files that go by tables, have in common: maps by
 * a table of their keys, texts, numbers. A mistake is a reason at its place, and reading goes on.
 */

#include "config/tree.h"
#include "config/whys.h"

struct xa_rule_reader {
	struct xa_arena *arena; /* owns what is read */
	struct xa_whys *whys;
	int error; /* -ENOMEM where there was none left */
	void *ctx; /* of the reading functions */
};

struct xa_rule_key {
	const char *name;
	/* Reads the value into the struct that the map is read into. */
	void (*read)(struct xa_rule_reader *reader, const struct xa_rule_key *key,
		     const struct xa_tree *value, void *to);
	bool required;
	uint64_t min, max; /* of a number */
	size_t offset, size; /* of a number or a text in that struct */
};

/* Adds a reason at the value. */
XA_PRINTF(3, 4)
void xa_rule_refuse(struct xa_rule_reader *reader, const struct xa_tree *tree, const char *format,
		    ...);

/* Zeroed memory that lives as long as the file; NULL, and reader->error, without. */
void *xa_rule_alloc(struct xa_rule_reader *reader, size_t count, size_t size);

/* Reads a map, `what` in reasons, by its keys; false if it is none. */
bool xa_rule_read_map(struct xa_rule_reader *reader, const struct xa_tree *tree, const char *what,
		      const struct xa_rule_key *keys, size_t count, void *to);

/* The text of a scalar; NULL, with a reason that begins with `what`, if it is none or is empty. */
const char *xa_rule_text(struct xa_rule_reader *reader, const struct xa_tree *tree,
			 const char *what);

/* The number of entries of a list; false, with a reason, if it is none. */
bool xa_rule_list(struct xa_rule_reader *reader, const struct xa_tree *tree, const char *what,
		  size_t *ret_count);

/* A decimal number; false with a reason. */
bool xa_rule_number(struct xa_rule_reader *reader, const struct xa_tree *tree, const char *what,
		    uint64_t min, uint64_t max, uint64_t *ret);

/* For tables: an unsigned integer of 1, 2 or 8 bytes; a text; the value as it is. */
void xa_rule_read_number(struct xa_rule_reader *reader, const struct xa_rule_key *key,
			 const struct xa_tree *value, void *to);
void xa_rule_read_text(struct xa_rule_reader *reader, const struct xa_rule_key *key,
		       const struct xa_tree *value, void *to);
void xa_rule_read_tree(struct xa_rule_reader *reader, const struct xa_rule_key *key,
		       const struct xa_tree *value, void *to);
