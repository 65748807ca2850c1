/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Linear probing over buckets that hold places of records, twice as many buckets as records. The
 * seed keeps who sends the traffic from choosing keys that collide.
 */

#include "plugins/lua/groups.h"

#include <string.h>

/* The fractional part of the golden ratio: odd, and its bits are evenly spread. */
#define GOLDEN 0x9e3779b97f4a7c15ULL

static uint64_t fold(uint64_t a, uint64_t b)
{
	__extension__ typedef unsigned __int128 wide;
	const wide product = (wide)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t xa_lua_hash(const uint64_t *words, size_t count, uint64_t seed)
{
	uint64_t hash = seed ^ GOLDEN;

	for (size_t i = 0; i < count; i++)
		hash = fold(hash ^ words[i], (seed | 1) + GOLDEN * 2);
	return fold(hash ^ seed, GOLDEN);
}

static size_t stride(const struct xa_lua_groups *groups)
{
	return groups->key_words + groups->payload_words;
}

static uint64_t *record(struct xa_lua_groups *groups, size_t position)
{
	return groups->words + position * stride(groups);
}

static uint32_t *buckets_of(struct xa_lua_groups *groups)
{
	return (uint32_t *)record(groups, groups->max + 1);
}

size_t xa_lua_groups_bytes(size_t max, size_t key_words, size_t payload_words)
{
	return sizeof(struct xa_lua_groups) +
	       (max + 1) * (key_words + payload_words) * sizeof(uint64_t) +
	       2 * max * sizeof(uint32_t);
}

void xa_lua_groups_init(struct xa_lua_groups *groups, size_t max, size_t key_words,
			size_t payload_words, uint64_t seed)
{
	*groups = (struct xa_lua_groups){
		.seed = seed,
		.max = max,
		.key_words = key_words,
		.payload_words = payload_words,
	};
	memset(buckets_of(groups), 0, 2 * max * sizeof(uint32_t));
	memset(record(groups, max), 0, stride(groups) * sizeof(uint64_t));
}

static bool same(const uint64_t *a, const uint64_t *b, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (a[i] != b[i])
			return false;
	}
	return true;
}

uint64_t *xa_lua_groups_get(struct xa_lua_groups *groups, const uint64_t *key)
{
	const size_t mask = 2 * groups->max - 1;
	uint32_t *buckets = buckets_of(groups);
	size_t at = xa_lua_hash(key, groups->key_words, groups->seed) & mask;
	uint64_t *found;

	for (; buckets[at]; at = (at + 1) & mask) {
		found = record(groups, buckets[at] - 1);
		if (same(found, key, groups->key_words))
			return found + groups->key_words;
	}
	if (groups->count == groups->max)
		return NULL;
	found = record(groups, groups->count);
	buckets[at] = (uint32_t)++groups->count;
	memcpy(found, key, groups->key_words * sizeof(*key));
	memset(found + groups->key_words, 0, groups->payload_words * sizeof(*key));
	return found + groups->key_words;
}

void xa_lua_groups_move(struct xa_lua_groups *to, const struct xa_lua_groups *from)
{
	for (size_t i = 0; i < from->count; i++) {
		const uint64_t *old = xa_lua_groups_at(from, i);

		memcpy(xa_lua_groups_get(to, old), old + from->key_words,
		       from->payload_words * sizeof(*old));
	}
}

uint64_t *xa_lua_groups_rest(struct xa_lua_groups *groups)
{
	groups->has_rest = true;
	return record(groups, groups->max) + groups->key_words;
}

const uint64_t *xa_lua_groups_at(const struct xa_lua_groups *groups, size_t position)
{
	return groups->words + position * stride(groups);
}
