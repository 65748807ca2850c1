/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Memory that is given back all at once: what a config, a schema or one reload owns. Zeroed,
 * aligned for any type. Not for anything that grows with traffic.
 */

#include "core/base/base.h"

struct xa_arena;

int xa_arena_new(struct xa_arena **ret);
void xa_arena_free(struct xa_arena *arena);
XA_DEFINE_CLEANUP(xa_arena)
#define _cleanup_xa_arena_ XA_CLEANUP(xa_arena_cleanup)

/* Zeroed bytes that live until the arena goes; NULL without memory. */
void *xa_arena_alloc(struct xa_arena *arena, size_t size);

/* A NUL-terminated copy of the first `len` bytes of `text`; NULL without memory. */
char *xa_arena_strndup(struct xa_arena *arena, const char *text, size_t len);
