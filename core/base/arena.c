/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A list of zeroed chunks, the newest first. An allocation is taken from the newest; one that does
 * not fit there gets a new chunk, so that nothing ever moves and one free() walk ends it all.
 */

#include "core/base/arena.h"

#include <stdalign.h>
#include <string.h>

#define CHUNK_BYTES 4096

struct chunk {
	struct chunk *next;
	size_t used;
	size_t size;
	alignas(max_align_t) unsigned char bytes[];
};

struct xa_arena {
	struct chunk *chunks;
};

int xa_arena_new(struct xa_arena **ret)
{
	struct xa_arena *arena = calloc(1, sizeof(*arena));

	if (!arena)
		return -ENOMEM;
	*ret = arena;
	return 0;
}

void xa_arena_free(struct xa_arena *arena)
{
	if (!arena)
		return;
	while (arena->chunks) {
		struct chunk *chunk = arena->chunks;

		arena->chunks = chunk->next;
		free(chunk);
	}
	free(arena);
}

static struct chunk *chunk_add(struct xa_arena *arena, size_t size)
{
	const size_t room = size > CHUNK_BYTES ? size : CHUNK_BYTES;
	struct chunk *chunk = calloc(1, sizeof(*chunk) + room);

	if (!chunk)
		return NULL;
	chunk->size = room;
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	return chunk;
}

void *xa_arena_alloc(struct xa_arena *arena, size_t size)
{
	const size_t align = alignof(max_align_t);
	struct chunk *chunk = arena->chunks;
	void *memory;

	if (size > PTRDIFF_MAX - sizeof(*chunk) - align)
		return NULL;
	/* A size of 0 takes a place of its own, too: no two pointers are equal. */
	size = size ? (size + align - 1) / align * align : align;
	if (!chunk || chunk->size - chunk->used < size)
		chunk = chunk_add(arena, size);
	if (!chunk)
		return NULL;
	memory = chunk->bytes + chunk->used;
	chunk->used += size;
	return memory;
}

char *xa_arena_strndup(struct xa_arena *arena, const char *text, size_t len)
{
	char *copy = len < SIZE_MAX ? xa_arena_alloc(arena, len + 1) : NULL;

	if (copy)
		memcpy(copy, text, len);
	return copy;
}
