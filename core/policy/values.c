/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Open addressing with linear probing over numbers. Nothing is removed alone: a sweep makes the
 * slots anew. Hashes are seeded, for texts may come from traffic.
 */

#include "core/policy/values.h"

#include <string.h>
#include <sys/random.h>

#include "core/base/utf8.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define FIRST (XA_PLUGIN_VALUE_OTHER + 1)

struct xa_values {
	struct xa_region_value *texts;
	uint32_t max;
	uint32_t count; /* numbers below it were given */
	uint32_t pinned; /* numbers below it are kept */
	uint32_t free_count;
	uint32_t *free; /* numbers that were given once and are nobody's; max entries */
	uint32_t *hashes; /* of the texts, by number */
	uint32_t *slots; /* numbers; 0: empty */
	uint32_t mask;
	uint8_t *marks;
	uint64_t seed;
	bool is_short;
};

static uint32_t slots_for(uint32_t max)
{
	uint32_t count = 4;

	while (count / 2 < max)
		count *= 2;
	return count;
}

uint64_t xa_values_memory_bytes(uint32_t max)
{
	return (uint64_t)max * (2 * sizeof(uint32_t) + sizeof(uint8_t)) +
	       (uint64_t)slots_for(max) * sizeof(uint32_t);
}

static uint32_t hash_text(const struct xa_values *values, const char *text, size_t len)
{
	return (uint32_t)XXH3_64bits_withSeed(text, len, values->seed);
}

static bool is_text(const struct xa_values *values, uint32_t value, uint32_t hash, const char *text,
		    size_t len)
{
	const struct xa_region_value *known = &values->texts[value];

	return values->hashes[value] == hash && known->len == len &&
	       !memcmp(known->text, text, len);
}

/* The slot of the text, or the empty one where it would stand. */
static uint32_t find_slot(const struct xa_values *values, uint32_t hash, const char *text,
			  size_t len)
{
	uint32_t slot = hash & values->mask;

	while (values->slots[slot] && !is_text(values, values->slots[slot], hash, text, len))
		slot = (slot + 1) & values->mask;
	return slot;
}

static void put(struct xa_values *values, uint32_t slot, uint32_t value, uint32_t hash,
		const char *text, size_t len)
{
	struct xa_region_value *entry = &values->texts[value];

	memcpy(entry->text, text, len);
	entry->text[len] = '\0';
	entry->len = (uint32_t)len;
	values->hashes[value] = hash;
	values->slots[slot] = value;
}

/* "other" is a text like any other, with a number of its own. */
static void put_other(struct xa_values *values)
{
	static const char other[] = "other";
	const uint32_t hash = hash_text(values, other, sizeof(other) - 1);

	put(values, find_slot(values, hash, other, sizeof(other) - 1), XA_PLUGIN_VALUE_OTHER, hash,
	    other, sizeof(other) - 1);
	values->count = values->pinned = FIRST;
}

int xa_values_new(struct xa_values **ret, struct xa_region_value *texts, uint32_t max)
{
	_cleanup_xa_values_ struct xa_values *values = calloc(1, sizeof(*values));
	const uint32_t slots = slots_for(max);

	if (!values)
		return -ENOMEM;
	values->texts = texts;
	values->max = max;
	values->mask = slots - 1;
	values->free = calloc(max, sizeof(*values->free));
	values->hashes = calloc(max, sizeof(*values->hashes));
	values->slots = calloc(slots, sizeof(*values->slots));
	values->marks = calloc(max, sizeof(*values->marks));
	if (!values->free || !values->hashes || !values->slots || !values->marks)
		return -ENOMEM;
	if (getrandom(&values->seed, sizeof(values->seed), 0) != sizeof(values->seed))
		return -EIO;
	put_other(values);
	*ret = take_ptr(values);
	return 0;
}

void xa_values_free(struct xa_values *values)
{
	if (!values)
		return;
	free(values->free);
	free(values->hashes);
	free(values->slots);
	free(values->marks);
	free(values);
}

static bool is_valid(const char *text, size_t len)
{
	uint32_t c;

	if (len >= XA_PLUGIN_VALUE_BYTES)
		return false;
	for (size_t bytes; len; text += bytes, len -= bytes) {
		bytes = xa_utf8_decode(text, len, &c);
		if (!bytes || c < ' ' || (c >= 0x7f && c < 0xa0))
			return false;
	}
	return true;
}

/* A number that is nobody's; 0: there is none. */
static uint32_t take_number(struct xa_values *values)
{
	if (values->free_count)
		return values->free[--values->free_count];
	return values->count < values->max ? values->count++ : 0;
}

int xa_values_get(struct xa_values *values, const char *text, size_t len, uint32_t *ret_value)
{
	uint32_t hash, slot, value;

	if (!is_valid(text, len))
		return -EINVAL;
	*ret_value = XA_PLUGIN_VALUE_NONE;
	if (!len)
		return 0;
	hash = hash_text(values, text, len);
	slot = find_slot(values, hash, text, len);
	value = values->slots[slot];
	if (!value) {
		value = take_number(values);
		if (value)
			put(values, slot, value, hash, text, len);
		else
			values->is_short = true;
	}
	*ret_value = value ? value : XA_PLUGIN_VALUE_OTHER;
	return 0;
}

const char *xa_values_text(const struct xa_values *values, uint32_t value, size_t *ret_len)
{
	const bool known = value < values->count && values->texts[value].len;

	if (ret_len)
		*ret_len = known ? values->texts[value].len : 0;
	return known ? values->texts[value].text : "";
}

uint32_t xa_values_count(const struct xa_values *values)
{
	return values->count;
}

void xa_values_pin(struct xa_values *values)
{
	values->pinned = values->count;
}

bool xa_values_are_short(const struct xa_values *values)
{
	return values->is_short;
}

void xa_values_mark(struct xa_values *values, uint32_t value)
{
	if (value < values->count)
		values->marks[value] = 1;
}

/* Of a text that is in none of the slots. */
static uint32_t find_empty(const struct xa_values *values, uint32_t hash)
{
	uint32_t slot = hash & values->mask;

	while (values->slots[slot])
		slot = (slot + 1) & values->mask;
	return slot;
}

void xa_values_sweep(struct xa_values *values)
{
	memset(values->slots, 0, ((size_t)values->mask + 1) * sizeof(*values->slots));
	values->free_count = 0;
	/* The lowest free number is to be taken first. */
	for (uint32_t value = values->count; value-- > XA_PLUGIN_VALUE_OTHER;) {
		if (value >= values->pinned && !values->marks[value])
			values->texts[value].len = 0;
		if (values->texts[value].len)
			values->slots[find_empty(values, values->hashes[value])] = value;
		else
			values->free[values->free_count++] = value;
	}
	memset(values->marks, 0, values->max);
	values->is_short = false;
}
