/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Texts and rows stand in one arena, so that a page is dropped at once. */

#include "core/metrics/listing.h"

/* The labels of all flows are one array, of which each has its part. */
static int rows_make(struct xa_listing *listing, size_t flow_count, size_t label_count)
{
	const char **labels = xa_arena_alloc(listing->arena,
					     flow_count * label_count * sizeof(*labels));

	listing->flows = xa_arena_alloc(listing->arena, flow_count * sizeof(*listing->flows));
	listing->label_names = xa_arena_alloc(listing->arena,
					      label_count * sizeof(*listing->label_names));
	if (!labels || !listing->flows || !listing->label_names)
		return -ENOMEM;
	for (size_t i = 0; i < flow_count; i++)
		listing->flows[i].labels = labels + i * label_count;
	listing->count = flow_count;
	listing->label_count = label_count;
	return 0;
}

int xa_listing_new(struct xa_listing **ret, size_t flow_count, size_t label_count)
{
	_cleanup_xa_listing_ struct xa_listing *listing = calloc(1, sizeof(*listing));
	int error;

	if (!listing)
		return -ENOMEM;
	error = xa_arena_new(&listing->arena);
	if (!error)
		error = rows_make(listing, flow_count, label_count);
	if (error)
		return error;
	*ret = take_ptr(listing);
	return 0;
}

void xa_listing_free(struct xa_listing *listing)
{
	if (!listing)
		return;
	xa_arena_free(listing->arena);
	free(listing);
}
