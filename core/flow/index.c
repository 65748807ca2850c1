/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Linear probing; deletion shifts back instead of leaving tombstones. */

#include "core/flow/index.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static size_t count_for(uint32_t max)
{
	size_t count = 2;

	while (count <= (size_t)max + max / 3)
		count *= 2;
	return count;
}

uint64_t xa_index_memory_bytes(uint32_t max)
{
	return count_for(max) * sizeof(struct xa_bucket);
}

/* Items are looked up in no order: with small pages each look is a TLB miss as well, a quarter of
 * its time at a million flows. Under this size nothing was won, and a huge page costs
 * memory. */
#define HUGE_FROM ((size_t)8 << 20)

void *xa_reserve(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	if (size >= HUGE_FROM)
		(void)madvise(memory, size, MADV_HUGEPAGE);
	return memory;
}

int xa_index_init(struct xa_index *index, uint32_t max, const void *items, size_t item_size)
{
	struct xa_index fresh = {.count = count_for(max), .items = items, .item_size = item_size};

	if (getrandom(&fresh.seed, sizeof(fresh.seed), 0) != sizeof(fresh.seed))
		return -EIO;
	fresh.buckets = xa_reserve(fresh.count * sizeof(*fresh.buckets));
	if (!fresh.buckets)
		return -ENOMEM;
	*index = fresh;
	return 0;
}

void xa_index_done(struct xa_index *index)
{
	if (index->buckets)
		(void)munmap(index->buckets, index->count * sizeof(*index->buckets));
	*index = (struct xa_index){0};
}

void xa_index_clear(struct xa_index *index)
{
	/* private anonymous pages come back as zeroes: madvise(2) */
	(void)madvise(index->buckets, index->count * sizeof(*index->buckets), MADV_DONTNEED);
}

uint32_t xa_index_hash(const struct xa_index *index, const struct xa_flow_key6 *key)
{
	return (uint32_t)XXH3_64bits_withSeed(key, sizeof(*key), index->seed);
}

static size_t home_of(const struct xa_index *index, uint32_t hash)
{
	return hash & (index->count - 1);
}

static size_t next_of(const struct xa_index *index, size_t at)
{
	return (at + 1) & (index->count - 1);
}

static const struct xa_flow_key6 *key_at(const struct xa_index *index, uint32_t item)
{
	return (const void *)(index->items + (item - 1) * index->item_size);
}

struct xa_bucket *xa_index_find(const struct xa_index *index, const struct xa_flow_key6 *key,
				uint32_t hash)
{
	size_t at = home_of(index, hash);

	for (;; at = next_of(index, at)) {
		struct xa_bucket *bucket = &index->buckets[at];

		if (bucket->item == XA_ITEM_NONE)
			return bucket;
		if (bucket->hash == hash && !memcmp(key_at(index, bucket->item), key, sizeof(*key)))
			return bucket;
	}
}

static size_t find_item(const struct xa_index *index, uint32_t item)
{
	size_t at = home_of(index, xa_index_hash(index, key_at(index, item)));

	while (index->buckets[at].item != item)
		at = next_of(index, at);
	return at;
}

/* Knuth's algorithm R (6.4): what follows moves up unless it would come to stand before its home.
 */
void xa_index_delete(struct xa_index *index, uint32_t item)
{
	size_t mask = index->count - 1, hole = find_item(index, item), at = hole;

	for (;;) {
		struct xa_bucket *bucket = &index->buckets[at = next_of(index, at)];

		if (bucket->item == XA_ITEM_NONE)
			break;
		if (((at - home_of(index, bucket->hash)) & mask) >= ((at - hole) & mask)) {
			index->buckets[hole] = *bucket;
			hole = at;
		}
	}
	index->buckets[hole].item = XA_ITEM_NONE;
}

void xa_index_move(struct xa_index *index, uint32_t from, uint32_t to)
{
	index->buckets[find_item(index, from)].item = to;
}
