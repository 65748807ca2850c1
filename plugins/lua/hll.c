/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A set of hashes, open addressing, as long as it is no larger than the registers; so up to
 * 3/16 * 2^bits values are counted exactly, but for hashes that are equal (n^2 / 2^33 of n). Then
 * registers, estimated after O. Ertl, "New cardinality estimation algorithms for HyperLogLog
 * sketches" (2017, section 2), which has no bias between the ranges and needs no tables.
 */

#include "plugins/lua/hll.h"

#include <math.h>
#include <string.h>

#define SET_FIRST 4
#define HASH_BITS 32
/* 1 / (2 ln 2) */
#define ALPHA 0.72134752044448170368

/* The place of a hash, or the empty one where it would stand; the set is never full. */
static uint32_t *set_place(uint32_t *set, uint32_t size, uint32_t hash)
{
	/* The low bits choose the register, so that the place is taken from the high ones. */
	uint32_t at = (uint32_t)((uint64_t)hash * size >> HASH_BITS);

	while (set[at] && set[at] != hash)
		at = (at + 1) & (size - 1);
	return &set[at];
}

static void rank_add(uint8_t *ranks, unsigned bits, uint32_t hash)
{
	const uint32_t rest = hash >> bits;
	const unsigned left = HASH_BITS - bits;
	const uint8_t rank = (uint8_t)(rest ? left - (31U - (unsigned)__builtin_clz(rest))
					    : left + 1);
	uint8_t *place = &ranks[hash & ((1U << bits) - 1)];

	if (*place < rank)
		*place = rank;
}

/* A set of twice the size, or, where that would be larger than them, the registers. */
static bool grow(struct xa_lua_hll *hll, unsigned bits, xa_lua_hll_alloc *alloc, void *ctx)
{
	const uint32_t size = hll->size ? hll->size * 2 : SET_FIRST;
	const bool becomes_full = size * sizeof(uint32_t) > (size_t)1 << bits;
	void *fresh = alloc(ctx, becomes_full ? (size_t)1 << bits : size * sizeof(uint32_t));

	if (!fresh)
		return false;
	for (uint32_t i = 0; i < hll->size; i++) {
		if (!hll->set[i])
			continue;
		if (becomes_full)
			rank_add(fresh, bits, hll->set[i]);
		else
			*set_place(fresh, size, hll->set[i]) = hll->set[i];
	}
	hll->set = fresh;
	hll->size = size;
	hll->is_full = becomes_full;
	return true;
}

bool xa_lua_hll_add(struct xa_lua_hll *hll, unsigned bits, uint32_t hash, xa_lua_hll_alloc *alloc,
		    void *ctx)
{
	/* 0 means an empty place. */
	hash = hash ? hash : 1;
	if (!hll->is_full && hll->size && *set_place(hll->set, hll->size, hash))
		return true;
	if (!hll->is_full && hll->count >= hll->size / 4 * 3 && !grow(hll, bits, alloc, ctx))
		return false;
	if (hll->is_full) {
		rank_add(hll->ranks, bits, hash);
	} else {
		*set_place(hll->set, hll->size, hash) = hash;
		hll->count++;
	}
	return true;
}

/* Ertl's sigma: x + sum of x^(2^k) 2^(k-1) */
static double sigma(double x)
{
	double y = 1, z = x, before;

	if (x >= 1)
		return INFINITY;
	do {
		x *= x;
		before = z;
		z += x * y;
		y += y;
	} while (z > before);
	return z;
}

/* Ertl's tau: (1 - x - sum of (1 - x^(2^-k))^2 2^-k) / 3 */
static double tau(double x)
{
	double y = 1, z = 1 - x, before;

	if (x <= 0 || x >= 1)
		return 0;
	do {
		x = sqrt(x);
		before = z;
		y *= 0.5;
		z -= (1 - x) * (1 - x) * y;
	} while (z < before);
	return z / 3;
}

static double estimate(const uint8_t *ranks, unsigned bits)
{
	const unsigned left = HASH_BITS - bits;
	const double m = (double)(1U << bits);
	uint32_t counts[HASH_BITS + 2] = {0};
	double z;

	for (size_t i = 0; i < (size_t)1 << bits; i++)
		counts[ranks[i]]++;
	z = m * tau(1 - counts[left + 1] / m);
	for (unsigned rank = left; rank >= 1; rank--)
		z = 0.5 * (z + counts[rank]);
	z += m * sigma(counts[0] / m);
	return ALPHA * m * m / z;
}

uint64_t xa_lua_hll_count(const struct xa_lua_hll *hll, unsigned bits)
{
	return hll->is_full ? (uint64_t)llround(estimate(hll->ranks, bits)) : hll->count;
}
