/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The kernel's sizes, by its source: they are no ABI, so the daemon compares at start and says so.
 */

#include "core/source/map_size.h"

#define HTAB_BYTES	  512ULL /* struct bpf_htab, about */
#define HTAB_ELEM_BYTES	  48ULL /* struct htab_elem without key and value */
#define HTAB_BUCKET_BYTES 16ULL /* struct bucket */
#define POINTER_BYTES	  8ULL

static uint64_t bucket_count(uint32_t entries)
{
	uint64_t buckets = 1;

	while (buckets < entries)
		buckets *= 2;
	return buckets;
}

uint32_t xa_map_entries(uint32_t flows)
{
	uint64_t buckets = bucket_count(flows);

	return flows > buckets - buckets / 4 ? (uint32_t)buckets + 1 : flows;
}

uint32_t xa_map_key_size(enum xa_family family)
{
	return family == XA_IPV6 ? sizeof(struct xa_flow_key6) : sizeof(struct xa_flow_key4);
}

/* A per-CPU element points to its values; a plain one holds one, and the map spare elements, one a
 * CPU. */
uint64_t xa_map_bytes(enum xa_family family, uint32_t entries, bool percpu, uint64_t cpus)
{
	uint64_t value = sizeof(struct xa_flow_value);
	uint64_t element = HTAB_ELEM_BYTES + xa_map_key_size(family);
	uint64_t bytes = HTAB_BYTES + bucket_count(entries) * HTAB_BUCKET_BYTES;

	if (percpu)
		return bytes + entries * (element + POINTER_BYTES + value * cpus);
	return bytes + (entries + cpus) * (element + value) + cpus * POINTER_BYTES;
}

uint64_t xa_map_memlock(int map_fd)
{
	unsigned long long bytes = 0;
	char path[64], line[256];

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", map_fd);
	{
		_cleanup_file_ FILE *file = fopen(path, "re");

		while (file && fgets(line, sizeof(line), file))
			if (sscanf(line, "memlock: %llu", &bytes) == 1)
				break;
	}
	return bytes;
}
