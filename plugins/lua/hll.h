/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * How many different values there are. Few of them are counted exactly, as a set; for many, a
 * HyperLogLog takes over that needs no more memory. `bits` are from 4 to 16; standard error
 * 1.04 / sqrt(2^bits).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed, it has counted nothing. */
struct xa_lua_hll {
	union {
		uint32_t *set; /* hashes, 0 where there is none; while `registers` is false */
		uint8_t *ranks; /* 2^bits */
	};
	uint32_t size; /* of the set: a power of two */
	uint32_t count; /* in the set */
	bool is_full; /* the set became registers */
};

/* Memory that is zeroed and lives as long as the counter; NULL, or no return at all: there is
 * none. */
typedef void *xa_lua_hll_alloc(void *ctx, size_t bytes);

/* Values are hashed already. False without memory: nothing was counted then. */
bool xa_lua_hll_add(struct xa_lua_hll *hll, unsigned bits, uint32_t hash, xa_lua_hll_alloc *alloc,
		    void *ctx);

/* How many different hashes were added. */
uint64_t xa_lua_hll_count(const struct xa_lua_hll *hll, unsigned bits);
