/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Texts are hashed, not numbers: that equal texts have one number is what the worker says. */

#include "core/policy/judgement.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static bool is_hidden(const void *ctx, uint32_t handle)
{
	return xa_annotations_is_hidden(ctx, handle);
}

static bool are_equal(const void *ctx, uint32_t a, uint32_t b)
{
	return xa_annotations_are_equal(ctx, a, b);
}

static uint32_t hash(const void *ctx, uint32_t handle, uint64_t seed)
{
	const size_t labels = xa_annotations_label_count(ctx);

	for (size_t i = 0; i < labels; i++) {
		const char *text = xa_annotations_label(ctx, handle, i);

		seed = XXH3_64bits_withSeed(text, text ? strlen(text) : 0, seed);
	}
	return (uint32_t)seed;
}

struct xa_judgement xa_judgement_of(const struct xa_annotations *annotations)
{
	return (struct xa_judgement){annotations, is_hidden, are_equal, hash};
}
