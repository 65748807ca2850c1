/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Groups of flows by equal keys: a hash table in one block of memory, which the caller owns. It
 * does not grow; a larger block is filled from it instead.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Groups that one call makes at most; what is beyond goes to one more, the last. */
#define XA_LUA_GROUPS_MAX 65536

struct xa_lua_groups {
	uint64_t seed;
	size_t max; /* a power of two */
	size_t count; /* without the one for the rest */
	size_t key_words;
	size_t payload_words;
	bool has_rest; /* the group for the rest was asked for */
	uint64_t words[]; /* records, one more than max; then 2 * max buckets of 32 bits */
};

/* Bytes of a block for that many groups. */
size_t xa_lua_groups_bytes(size_t max, size_t key_words, size_t payload_words);

/* Makes a block ready. */
void xa_lua_groups_init(struct xa_lua_groups *groups, size_t max, size_t key_words,
			size_t payload_words, uint64_t seed);

/* Takes over everything from a smaller table with the same words and the same seed. */
void xa_lua_groups_move(struct xa_lua_groups *to, const struct xa_lua_groups *from);

/* The payload of the group with that key, which is zeroed if the group is new; NULL: full. */
uint64_t *xa_lua_groups_get(struct xa_lua_groups *groups, const uint64_t *key);

/* The payload of the group for the rest. */
uint64_t *xa_lua_groups_rest(struct xa_lua_groups *groups);

/* The groups in the order in which they came up; the payload stands behind the key. */
const uint64_t *xa_lua_groups_at(const struct xa_lua_groups *groups, size_t position);

/* Mixes words to 64 bits that cannot be foreseen without the seed. */
uint64_t xa_lua_hash(const uint64_t *words, size_t count, uint64_t seed);
