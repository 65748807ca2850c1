/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * BPF_MAP_LOOKUP_BATCH walks whole buckets: a batch smaller than the fullest one gives ENOSPC and
 * is tried again from the same position with twice the room. Deleting behind the walk does not
 * disturb it.
 */

#include "core/source/drain.h"

#include <bpf/bpf.h>
#include <string.h>

#include "core/source/map_size.h"

#define BATCH_MIN 4096

struct xa_drain {
	size_t cpus;
	size_t batch;
	void *keys; /* as the kernel has them: 16 or 40 bytes each */
	struct xa_flow_value *values; /* one a CPU for each key */
	struct xa_reading *readings;
	bool *forget;
	void *forget_keys;
};

static void buffers_free(struct xa_drain *drain)
{
	free(drain->keys);
	free(drain->values);
	free(drain->readings);
	free(drain->forget);
	free(drain->forget_keys);
}

static int resize(struct xa_drain *drain, size_t batch)
{
	struct xa_drain fresh = {.cpus = drain->cpus, .batch = batch};

	fresh.keys = calloc(batch, sizeof(struct xa_flow_key6));
	fresh.values = calloc(batch * drain->cpus, sizeof(*fresh.values));
	fresh.readings = calloc(batch, sizeof(*fresh.readings));
	fresh.forget = calloc(batch, sizeof(*fresh.forget));
	fresh.forget_keys = calloc(batch, sizeof(struct xa_flow_key6));
	if (!fresh.keys || !fresh.values || !fresh.readings || !fresh.forget ||
	    !fresh.forget_keys) {
		buffers_free(&fresh);
		return -ENOMEM;
	}
	buffers_free(drain);
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
	buffers_free(drain);
	free(drain);
}

static void readings_fill(struct xa_drain *drain, const struct xa_drain_side *side, size_t count)
{
	const struct xa_flow_key4 *keys4 = drain->keys;
	const struct xa_flow_key6 *keys6 = drain->keys;

	for (size_t i = 0; i < count; i++) {
		struct xa_reading *reading = &drain->readings[i];
		const struct xa_flow_value *values = &drain->values[i * drain->cpus];

		reading->key = side->family == XA_IPV6 ? keys6[i] : xa_flow_key_widen(&keys4[i]);
		reading->value = values[0];
		for (size_t cpu = 1; cpu < drain->cpus; cpu++)
			if (values[cpu].packets)
				xa_flow_value_add(&reading->value, &values[cpu], side->now_tick);
	}
}

/* Copies the keys of entries to forget; returns how many. */
static size_t keys_pick(const struct xa_drain *drain, size_t key_size, size_t count)
{
	const char *keys = drain->keys;
	char *picked = drain->forget_keys;
	size_t picks = 0;

	for (size_t i = 0; i < count; i++)
		if (drain->forget[i])
			memcpy(picked + picks++ * key_size, keys + i * key_size, key_size);
	return picks;
}

/* One by one: an entry that cannot be deleted stays, and is not forgotten. Returns the last error.
 */
static int entries_delete_each(struct xa_drain *drain, int map_fd, size_t key_size, size_t count)
{
	const char *keys = drain->keys;
	int last = 0;

	for (size_t i = 0; i < count; i++) {
		int error = drain->forget[i] ? bpf_map_delete_elem(map_fd, keys + i * key_size) : 0;

		if (!error || error == -ENOENT)
			continue;
		drain->forget[i] = false;
		last = error;
	}
	return last;
}

static int entries_delete(struct xa_drain *drain, int map_fd, size_t key_size, size_t count)
{
	__u32 picks = (__u32)keys_pick(drain, key_size, count);

	if (!bpf_map_delete_batch(map_fd, drain->forget_keys, &picks, NULL))
		return 0;
	return entries_delete_each(drain, map_fd, key_size, count);
}

static int batch_hand_over(struct xa_drain *drain, int map_fd, const struct xa_drain_side *side,
			   const struct xa_sink *sink, size_t count)
{
	int error;

	readings_fill(drain, side, count);
	sink->take(sink->ctx, drain->readings, count, drain->forget);
	if (!memchr(drain->forget, true, count)) /* nearly always: entries stand */
		return 0;
	error = entries_delete(drain, map_fd, xa_map_key_size(side->family), count);
	if (sink->forget)
		sink->forget(sink->ctx, drain->readings, count, drain->forget);
	return error;
}

int xa_drain_map(struct xa_drain *drain, int map_fd, const struct xa_drain_side *side,
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
		error = batch_hand_over(drain, map_fd, side, sink, count);
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
