/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A hash index over an array, linear probing, never more than half full. A key is the labels' texts
 * one behind the other, each with its NUL. What is reserved for traffic is bounded by max.
 */

#include "core/policy/series.h"

#include <float.h>
#include <math.h>
#include <sys/random.h>

#include "plugins/xa_plugin.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define ROOM_MIN 16
#define TEXT_MIN 256 /* of a buffer */

/* What has grown from `size` by doubling until it is more than `used`. */
static uint64_t grown(uint64_t size, uint64_t used)
{
	while (size <= used)
		size *= 2;
	return size;
}

uint64_t xa_series_memory_bytes(size_t label_count, size_t slots, uint32_t max)
{
	const uint64_t key = label_count * XA_PLUGIN_VALUE_BYTES, room = grown(ROOM_MIN, max);

	return room * (sizeof(struct xa_series) + slots * sizeof(uint64_t) + 2 * sizeof(uint32_t)) +
	       grown(TEXT_MIN, max * key) + 2 * grown(TEXT_MIN, key);
}

int xa_series_init(struct xa_series_set *set, size_t label_count, size_t slots, uint32_t max)
{
	struct xa_series_set fresh = {.label_count = label_count, .slots = slots, .max = max};

	if (getrandom(&fresh.seed, sizeof(fresh.seed), 0) != sizeof(fresh.seed))
		return -EIO;
	for (size_t i = 0; i < label_count; i++)
		xa_buf_add(&fresh.other_key, "other", sizeof("other"));
	if (xa_buf_failed(&fresh.other_key)) {
		xa_buf_done(&fresh.other_key);
		return -ENOMEM;
	}
	*set = fresh;
	return 0;
}

void xa_series_done(struct xa_series_set *set)
{
	free(set->index);
	free(set->series);
	free(set->counts);
	xa_buf_done(&set->keys);
	xa_buf_done(&set->other_key);
	xa_buf_done(&set->wanted);
	*set = (struct xa_series_set){0};
}

void xa_series_clear(struct xa_series_set *set)
{
	if (set->count)
		memset(set->index, 0, set->index_size * sizeof(*set->index));
	set->count = 0;
	xa_buf_reset(&set->keys);
}

static uint32_t hash_of(const struct xa_series_set *set, const struct xa_buf *key)
{
	return (uint32_t)XXH3_64bits_withSeed(key->text, key->len, set->seed);
}

static bool is_key(const struct xa_series_set *set, const struct xa_series *series,
		   const struct xa_buf *key)
{
	/* without labels there is one series, and nothing to compare */
	return series->key_len == key->len &&
	       (!key->len || !memcmp(set->keys.text + series->key, key->text, key->len));
}

/* The place of the key, or the empty one where it goes. */
static uint32_t *find_place(const struct xa_series_set *set, const struct xa_buf *key,
			    uint32_t hash)
{
	const size_t mask = set->index_size - 1;

	for (size_t at = hash & mask;; at = (at + 1) & mask) {
		const struct xa_series *series;

		if (!set->index[at])
			return &set->index[at];
		series = &set->series[set->index[at] - 1];
		if (series->hash == hash && is_key(set, series, key))
			return &set->index[at];
	}
}

static void fill_index(const struct xa_series_set *set, uint32_t *index, size_t size)
{
	for (size_t i = 0; i < set->count; i++) {
		size_t at = set->series[i].hash & (size - 1);

		while (index[at])
			at = (at + 1) & (size - 1);
		index[at] = (uint32_t)i + 1;
	}
}

/* Room for one more. Each array is enlarged by itself: one that is too large does no harm. */
static int grow(struct xa_series_set *set)
{
	const size_t room = set->room ? 2 * set->room : ROOM_MIN;
	uint32_t *index;
	void *memory;

	if (set->count < set->room)
		return 0;
	memory = realloc(set->series, room * sizeof(*set->series));
	if (!memory)
		return -ENOMEM;
	set->series = memory;
	if (set->slots) {
		memory = realloc(set->counts, room * set->slots * sizeof(*set->counts));
		if (!memory)
			return -ENOMEM;
		set->counts = memory;
	}
	index = calloc(2 * room, sizeof(*index));
	if (!index)
		return -ENOMEM;
	fill_index(set, index, 2 * room);
	free(set->index);
	set->index = index;
	set->index_size = 2 * room;
	set->room = room;
	return 0;
}

static int insert(struct xa_series_set *set, const struct xa_buf *key, uint32_t hash,
		  size_t *ret_series)
{
	const size_t at = set->keys.len;

	xa_buf_add(&set->keys, key->text ? key->text : "", key->len);
	if (xa_buf_failed(&set->keys)) {
		set->keys.failed = false;
		return -ENOMEM;
	}
	set->series[set->count] = (struct xa_series){
		.hash = hash,
		.key_len = (uint32_t)key->len,
		.key = at,
	};
	if (set->slots)
		memset(&set->counts[set->count * set->slots], 0, set->slots * sizeof(*set->counts));
	*find_place(set, key, hash) = (uint32_t)set->count + 1;
	*ret_series = set->count++;
	return 0;
}

/* 0 with the series of the key, made if need be; -ENOSPC if a new one would leave no place for
 * "other", which is kept but for "other" itself. */
static int find(struct xa_series_set *set, const struct xa_buf *key, bool is_other,
		size_t *ret_series)
{
	const uint32_t hash = hash_of(set, key);
	uint32_t place;
	bool other_is_there;

	if (grow(set))
		return -ENOMEM;
	place = *find_place(set, key, hash);
	if (place) {
		*ret_series = place - 1;
		return 0;
	}
	other_is_there = *find_place(set, &set->other_key, hash_of(set, &set->other_key)) != 0;
	if (!is_other && set->count + !other_is_there >= set->max)
		return -ENOSPC;
	return insert(set, key, hash, ret_series);
}

int xa_series_find(struct xa_series_set *set, const char *const *values, size_t *ret_series)
{
	struct xa_buf *wanted = &set->wanted;
	bool is_other;
	int r;

	xa_buf_reset(wanted);
	for (size_t i = 0; i < set->label_count; i++)
		xa_buf_add(wanted, values[i] ? values[i] : "",
			   (values[i] ? strlen(values[i]) : 0) + 1);
	if (xa_buf_failed(wanted))
		return -ENOMEM;
	is_other = wanted->len == set->other_key.len &&
		   (!wanted->len || !memcmp(wanted->text, set->other_key.text, wanted->len));
	r = find(set, wanted, is_other, ret_series);
	if (r != -ENOSPC)
		return r;
	r = find(set, &set->other_key, true, ret_series);
	if (!r)
		set->folded++;
	return r;
}

bool xa_series_is_other(const struct xa_series_set *set, size_t series)
{
	return set->label_count && is_key(set, &set->series[series], &set->other_key);
}

void xa_series_values(const struct xa_series_set *set, size_t series, const char **ret_values)
{
	const char *text = set->label_count ? set->keys.text + set->series[series].key : NULL;

	for (size_t i = 0; i < set->label_count; i++) {
		ret_values[i] = text;
		text += strlen(text) + 1;
	}
}

/* Every integer up to here is a double. */
#define EXACT_MAX 0x1p53

struct xa_amount xa_amount_of(double number)
{
	if (number >= 0 && number <= EXACT_MAX && number == trunc(number))
		return (struct xa_amount){.count = (uint64_t)number};
	return (struct xa_amount){.rest = number};
}

void xa_amount_add(struct xa_amount *amount, struct xa_amount more)
{
	const double rest = amount->rest + more.rest;

	if (__builtin_add_overflow(amount->count, more.count, &amount->count))
		amount->count = UINT64_MAX;
	amount->rest = fmax(-DBL_MAX, fmin(DBL_MAX, rest));
}
