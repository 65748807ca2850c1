/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The series of one derived family, by the texts of their labels, in the order in which they came.
 */

#include <stdbool.h>

#include "core/base/buf.h"

/* A sum that keeps integers exact: what came as a double and is no integer stands apart. */
struct xa_amount {
	uint64_t count; /* stays at its maximum once it is there */
	double rest; /* finite */
};

struct xa_series {
	uint32_t hash;
	uint32_t key_len;
	size_t key; /* where its texts begin, each with its NUL */
	struct xa_amount amount; /* of a histogram: the sum of what was observed */
};

struct xa_series_set {
	size_t label_count;
	size_t slots; /* counts that go with each series: a histogram's buckets */
	uint32_t max;
	uint64_t seed;
	uint32_t *index; /* positions in `series` from 1; 0: empty */
	size_t index_size; /* a power of two, or 0 */
	struct xa_series *series;
	uint64_t *counts; /* `slots` a series */
	size_t count, room;
	struct xa_buf keys;
	struct xa_buf other_key; /* all labels "other" */
	struct xa_buf wanted; /* the key that is looked for */
	uint64_t folded;
};

/* Bytes that a set takes when it is full of series with the longest texts. */
uint64_t xa_series_memory_bytes(size_t label_count, size_t slots, uint32_t max);

/* 0, -ENOMEM, or -EIO. At least one series has to be allowed. */
int xa_series_init(struct xa_series_set *set, size_t label_count, size_t slots, uint32_t max);
void xa_series_done(struct xa_series_set *set);

/* Forgets all series. */
void xa_series_clear(struct xa_series_set *set);

/* The position of the series with these texts, NULL for ""; of a new one, or of "other" where there
 * is no room, and then it is counted as folded. -ENOMEM. */
int xa_series_find(struct xa_series_set *set, const char *const *values, size_t *ret_series);

bool xa_series_is_other(const struct xa_series_set *set, size_t series);

/* The texts of a series, `label_count` of them. Borrowed until the next find. */
void xa_series_values(const struct xa_series_set *set, size_t series, const char **ret_values);

struct xa_amount xa_amount_of(double number);
void xa_amount_add(struct xa_amount *amount, struct xa_amount more);
