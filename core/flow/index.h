/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A hash index over an array whose items begin with a flow key: open addressing, linear probing, 8
 * bytes a bucket. It knows positions only; the array is its owner's. Loop thread only.
 */

#include "core/flow/flow.h"

/* Items are numbered from 1, so that memory that nobody has touched yet is an empty index. */
#define XA_ITEM_NONE 0

struct xa_bucket {
	uint32_t hash;
	uint32_t item; /* its number; XA_ITEM_NONE: empty */
};

struct xa_index {
	struct xa_bucket *buckets;
	size_t count; /* a power of two */
	uint64_t seed; /* nobody outside knows which keys share a bucket */
	const char *items;
	size_t item_size;
};

/* Bytes that the index of so many items takes. */
uint64_t xa_index_memory_bytes(uint32_t max);

/* Over an array of at most `max` items of `item_size` bytes, which it borrows. Memory is reserved,
 * not touched. 0, -ENOMEM or -EIO. */
int xa_index_init(struct xa_index *index, uint32_t max, const void *items, size_t item_size);
void xa_index_done(struct xa_index *index);

uint32_t xa_index_hash(const struct xa_index *index, const struct xa_flow_key6 *key);

/* The bucket of the key, or the empty one where it goes. */
struct xa_bucket *xa_index_find(const struct xa_index *index, const struct xa_flow_key6 *key,
				uint32_t hash);

/* Takes the key of an item out; the item has still to be there. */
void xa_index_delete(struct xa_index *index, uint32_t item);

/* What is item `from` becomes item `to`; it has still to be at `from`. */
void xa_index_move(struct xa_index *index, uint32_t from, uint32_t to);

/* Empties it and gives its memory back. */
void xa_index_clear(struct xa_index *index);

/* Memory of `size` bytes that costs nothing until it is touched; NULL if there is none. For arrays
 * that an index goes with. Given back by munmap(2). */
void *xa_reserve(size_t size);

/* Brings near what xa_index_find() will look at first; the item as well, once the bucket is near.
 */
static inline void xa_index_fetch_bucket(const struct xa_index *index, uint32_t hash)
{
	__builtin_prefetch(&index->buckets[hash & (index->count - 1)]);
}

/* Goes on to the bucket of this hash, for a third of the items do not stand in their home; and an
 * item may lie in three lines. */
static inline void xa_index_fetch_item(const struct xa_index *index, uint32_t hash)
{
	size_t at = hash & (index->count - 1);
	const char *item;

	while (index->buckets[at].item != XA_ITEM_NONE && index->buckets[at].hash != hash)
		at = (at + 1) & (index->count - 1);
	if (index->buckets[at].item == XA_ITEM_NONE)
		return;
	item = index->items + (index->buckets[at].item - 1) * index->item_size;
	__builtin_prefetch(item, 1);
	__builtin_prefetch(item + 64, 1);
	__builtin_prefetch(item + index->item_size - 1, 1);
}
