/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * BPF_MAP_LOOKUP_BATCH walks whole buckets: a batch smaller than the fullest one gives ENOSPC and
 * is tried again from the same position with twice the room. Deleting behind the walk does not
 * disturb it.
 */

#include "core/source/drain.h"

#include <bpf/bpf.h>

#define BATCH_MIN 4096

struct xa_drain {
	size_t cpus;
	size_t batch;
	void *keys; /* as the kernel has them: 16 or 40 bytes each */
	struct xa_flow_value *values; /* one a CPU for each key */
	struct xa_reading *readings;
	bool *forget;
};

static int resize(struct xa_drain *drain, size_t batch)
{
	struct xa_drain fresh = {.cpus = drain->cpus, .batch = batch};

	fresh.keys = calloc(batch, sizeof(struct xa_flow_key6));
	fresh.values = calloc(batch * drain->cpus, sizeof(*fresh.values));
	fresh.readings = calloc(batch, sizeof(*fresh.readings));
	fresh.forget = calloc(batch, sizeof(*fresh.forget));
	if (!fresh.keys || !fresh.values || !fresh.readings || !fresh.forget) {
		free(fresh.keys);
		free(fresh.values);
		free(fresh.readings);
		free(fresh.forget);
		return -ENOMEM;
	}
	free(drain->keys);
	free(drain->values);
	free(drain->readings);
	free(drain->forget);
	*drain = fresh;
	return 0;
}

int xa_drain_new(struct xa_drain **ret, size_t cpus)
{
	_cleanup_xa_drain_ struct xa_drain *drain = calloc(1, sizeof(*drain));

	if (!drain)
		return -ENOMEM;
	drain->cpus = cpus;
	if (resize(drain, BATCH_MIN))
		return -ENOMEM;
	*ret = take_ptr(drain);
	return 0;
}

void xa_drain_free(struct xa_drain *drain)
{
	if (!drain)
		return;
	free(drain->keys);
	free(drain->values);
	free(drain->readings);
	free(drain->forget);
	free(drain);
}

static void readings_fill(struct xa_drain *drain, enum xa_family family, size_t count)
{
	const struct xa_flow_key4 *keys4 = drain->keys;
	const struct xa_flow_key6 *keys6 = drain->keys;

	for (size_t i = 0; i < count; i++) {
		struct xa_reading *reading = &drain->readings[i];
		const struct xa_flow_value *values = &drain->values[i * drain->cpus];

		reading->key = family == XA_IPV6 ? keys6[i] : xa_flow_key_widen(&keys4[i]);
		reading->value = values[0];
		for (size_t cpu = 1; cpu < drain->cpus; cpu++)
			xa_flow_value_add(&reading->value, &values[cpu]);
	}
}

/* Moves the keys of forgotten entries to the front; returns how many. */
static size_t keys_pick(struct xa_drain *drain, size_t key_size, size_t count)
{
	char *keys = drain->keys;
	size_t picked = 0;

	for (size_t i = 0; i < count; i++)
		if (drain->forget[i])
			__builtin_memmove(keys + picked++ * key_size, keys + i * key_size,
					  key_size);
	return picked;
}

static int entries_delete(struct xa_drain *drain, int map_fd, size_t key_size, size_t count)
{
	__u32 deleted = (__u32)keys_pick(drain, key_size, count);

	return deleted ? bpf_map_delete_batch(map_fd, drain->keys, &deleted, NULL) : 0;
}

static int batch_hand_over(struct xa_drain *drain, int map_fd, enum xa_family family,
			   const struct xa_sink *sink, size_t count)
{
	size_t key_size = family == XA_IPV6 ? sizeof(struct xa_flow_key6)
					    : sizeof(struct xa_flow_key4);

	readings_fill(drain, family, count);
	sink->take(sink->ctx, drain->readings, count, drain->forget);
	return entries_delete(drain, map_fd, key_size, count);
}

int xa_drain_map(struct xa_drain *drain, int map_fd, enum xa_family family,
		 const struct xa_sink *sink, uint64_t *ret_entries)
{
	__u32 position, *from = NULL;
	uint64_t entries = 0;

	for (;;) {
		__u32 next, count = (__u32)drain->batch;
		int end = bpf_map_lookup_batch(map_fd, from, &next, drain->keys, drain->values,
					       &count, NULL);
		int error;

		if (end == -ENOSPC) {
			error = resize(drain, drain->batch * 2);
			if (error)
				return error;
			continue;
		}
		if (end && end != -ENOENT)
			return end;
		error = batch_hand_over(drain, map_fd, family, sink, count);
		if (error)
			return error;
		entries += count;
		if (end)
			break;
		position = next;
		from = &position;
	}
	*ret_entries = entries;
	return 0;
}
