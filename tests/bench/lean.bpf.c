/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * netflow_filter without its extra fields: the same parser, epoch, tally, interface table and maps
 * of maps, but a value of packets, bytes, first and last. A copy, because the real one has no
 * switch for it; what differs is the value and the two functions that write it. Only per CPU.
 */

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "bpf/parse.h"
#include "tests/bench/reference.h"

#define E2BIG 7

char LICENSE[] SEC("license") = "GPL";

__u32 epoch;
struct xa_ifindex_slot ifindex_slots[XA_SLOTS];

struct lean_map {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(key_size, sizeof(struct xa_flow_key4));
	__uint(value_size, sizeof(struct lean_value));
	__uint(max_entries, 1);
};

struct lean_map6 {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(key_size, sizeof(struct xa_flow_key6));
	__uint(value_size, sizeof(struct lean_value));
	__uint(max_entries, 1);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, XA_SIDES);
	__type(key, __u32);
	__array(values, struct lean_map);
} lean_sides SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, XA_SIDES);
	__type(key, __u32);
	__array(values, struct lean_map6);
} lean_sides6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, XA_SIDES *XA_SLOTS);
	__type(key, __u32);
	__type(value, struct xa_tally);
} tally SEC(".maps");

struct observation {
	__u32 len;
	__u32 tick;
};

__noinline __u32 slot_of(__u32 ifindex)
{
	int i;

	for (i = 0; i < XA_IFINDEX_PROBES; i++) {
		const struct xa_ifindex_slot *bucket = &ifindex_slots[(ifindex + i) % XA_SLOTS];

		if (bucket->ifindex == ifindex)
			return bucket->slot % XA_SLOTS;
	}
	return XA_SLOT_UNKNOWN;
}

static __always_inline enum xa_class flow_add(void *map, const void *key,
					      const struct observation *seen)
{
	struct lean_value *value = bpf_map_lookup_elem(map, key);
	struct lean_value fresh = {1, seen->len, seen->tick, seen->tick};
	int error;

	if (value) {
		value->packets++;
		value->bytes += seen->len;
		value->last_tick = seen->tick;
		return XA_CLASS_FLOW;
	}
	error = (int)bpf_map_update_elem(map, key, &fresh, BPF_ANY);
	if (!error)
		return XA_CLASS_FLOW;
	return error == -E2BIG ? XA_CLASS_MAP_FULL_OTHER : XA_CLASS_MAP_ERROR;
}

static __always_inline enum xa_class packet_add(__u32 side, __u32 slot, struct xa_packet *packet,
						const struct observation *seen)
{
	void *map;

	if (packet->is_ipv6) {
		packet->key.v6.tail.slot = (__u8)slot;
		map = bpf_map_lookup_elem(&lean_sides6, &side);
		return map ? flow_add(map, &packet->key.v6, seen) : XA_CLASS_MAP_ERROR;
	}
	packet->key.v4.tail.slot = (__u8)slot;
	map = bpf_map_lookup_elem(&lean_sides, &side);
	return map ? flow_add(map, &packet->key.v4, seen) : XA_CLASS_MAP_ERROR;
}

/* As in netflow_filter: for the verifier. */
__noinline __u32 same(__u32 class)
{
	return class;
}

static __always_inline void class_add(struct xa_tally *sums, __u32 class, __u32 len)
{
	if (class == XA_CLASS_FLOW)
		return;
	class = same(class);
	if (class >= XA_CLASS_COUNT_)
		return;
	sums->classes[class].packets++;
	sums->classes[class].bytes += len;
}

SEC("xdp.frags")
int lean(struct xdp_md *ctx)
{
	struct observation seen = {
		.len = (__u32)bpf_xdp_get_buff_len(ctx),
		.tick = (__u32)(bpf_ktime_get_coarse_ns() >> XA_TICK_SHIFT),
	};
	__u32 side = *(volatile __u32 *)&epoch % XA_SIDES;
	__u32 slot = slot_of(ctx->ingress_ifindex);
	__u32 index = side * XA_SLOTS + slot;
	struct xa_tally *sums = bpf_map_lookup_elem(&tally, &index);
	struct xa_frame frame = {
		.data = (const void *)(long)ctx->data,
		.end = (const void *)(long)ctx->data_end,
		.len = seen.len,
		.ctx = ctx,
	};
	struct xa_packet packet = {0};
	enum xa_class class;

	if (!sums)
		return XDP_PASS;
	sums->seen.packets++;
	sums->seen.bytes += seen.len;
	class = xa_parse_frame(XA_LINK_ETHERNET, &frame, &packet);
	if (class == XA_CLASS_FLOW)
		class = packet_add(side, slot, &packet, &seen);
	class_add(sums, class, seen.len);
	return XDP_PASS;
}
