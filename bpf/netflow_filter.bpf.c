/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * netflow_filter: counts each packet of an interface exactly once and passes it on, always.
 *
 * A packet reads `epoch` once. That one word decides which side's flow maps and which side's tally
 * it adds to, so that a side that nobody writes to any more is consistent to the packet. The daemon
 * flips the word, waits for the grace period by rewriting a slot of an outer map, and then reads
 * the other side at leisure.
 */

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "bpf/flow_abi.h"
#include "bpf/parse.h"
#include "bpf/sizes.h"

#define E2BIG  7
#define EEXIST 17

char LICENSE[] SEC("license") = "GPL";

/* 0: a flow's flags, TOS, TTL and lengths stay those of its first packet. For the benchmark that
 * weighs what keeping them costs. */
#ifndef XA_DETAILS
#define XA_DETAILS 1
#endif

/* Whether the program looks into the kernel's own struct xdp_buff: Linux 6.2 and CAP_PERFMON. It is
 * built both ways: where the kernel does not have the function, libbpf looks for it in modules,
 * which takes CAP_SYS_ADMIN. */
#ifndef XA_SEES_BUFF
#define XA_SEES_BUFF 1
#endif

/* false: the flow maps are plain hashes that all CPUs share, for machines with many of them. */
const volatile bool percpu = true;

/* What a jiffy takes, by the kernel that runs. */
const volatile __u32 jiffy_ns = 4000000;

/* CLOCK_MONOTONIC when jiffies were 0. Written by the daemon, from what netflow_clock says. */
__u64 jiffies_epoch_ns;

/* One moment by both clocks, as netflow_clock last saw it. */
struct {
	__u64 jiffies;
	__u64 monotonic_ns;
} clock_pair;

/* Which side packets are counted on: 0 or 1. Written by the daemon alone. */
__u32 epoch;

/* Which slot an interface has, by ifindex: linear probing from ifindex % XA_SLOTS. Written by the
 * daemon. */
struct xa_ifindex_slot ifindex_slots[XA_SLOTS];

struct flow_map {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(key_size, sizeof(struct xa_flow_key4));
	__uint(value_size, sizeof(struct xa_flow_value));
	__uint(max_entries, 1);
};

struct flow_map6 {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(key_size, sizeof(struct xa_flow_key6));
	__uint(value_size, sizeof(struct xa_flow_value));
	__uint(max_entries, 1);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, XA_SIDES);
	__type(key, __u32);
	__array(values, struct flow_map);
} flow_sides SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, XA_SIDES);
	__type(key, __u32);
	__array(values, struct flow_map6);
} flow_sides6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, XA_SIDES *XA_SLOTS);
	__type(key, __u32);
	__type(value, struct xa_tally);
} tally SEC(".maps");

/* What the flow is told of this packet, beside its key. */
struct observation {
	__u32 len;
	__u32 tick;
};

/*
 * A call is dear where the kernel guards returns (10 to 30 ns), and two of them were a third of
 * what a packet cost. So a frame in one buffer, and nearly all are, is measured by its pointers:
 * whether it is one says the kernel's own view of it. The kernel turns bpf_cast_to_kern_ctx() into
 * a move (kernel commit fd264ca02094).
 */
#if XA_SEES_BUFF
extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym;

struct xdp_buff___flags {
	__u32 flags;
} __attribute__((preserve_access_index));

enum xdp_buff_flags___frags {
	XDP_FLAGS_HAS_FRAGS___frags = 1,
};

static __always_inline __u32 frame_len(struct xdp_md *ctx)
{
	const struct xdp_buff___flags *buff = bpf_cast_to_kern_ctx(ctx);

	if (buff->flags &
	    bpf_core_enum_value(enum xdp_buff_flags___frags, XDP_FLAGS_HAS_FRAGS___frags))
		return (__u32)bpf_xdp_get_buff_len(ctx);
	return ctx->data_end - ctx->data;
}
#else
static __always_inline __u32 frame_len(struct xdp_md *ctx)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_xdp_get_buff_len))
		return (__u32)bpf_xdp_get_buff_len(ctx);
	return ctx->data_end - ctx->data;
}
#endif

/* By jiffies, whose reading the kernel puts in place of the call; they count CLOCK_MONOTONIC's
 * ticks. */
static __always_inline __u32 now_tick(void)
{
	return (__u32)((bpf_jiffies64() * jiffy_ns + *(volatile __u64 *)&jiffies_epoch_ns) >>
		       XA_TICK_SHIFT);
}

/* A global function: verified once by itself, instead of again for each way through the parser. */
__noinline __u32 slot_far(__u32 ifindex)
{
	int i;

	for (i = 1; i < XA_IFINDEX_PROBES; i++) {
		const struct xa_ifindex_slot *bucket = &ifindex_slots[(ifindex + i) % XA_SLOTS];

		if (bucket->ifindex == ifindex)
			return bucket->slot % XA_SLOTS;
	}
	return XA_SLOT_UNKNOWN;
}

/* Nearly every interface stands in its home bucket, and a call costs as much as the rest of this.
 */
static __always_inline __u32 slot_of(__u32 ifindex)
{
	const struct xa_ifindex_slot *bucket = &ifindex_slots[ifindex % XA_SLOTS];

	if (bucket->ifindex == ifindex)
		return bucket->slot % XA_SLOTS;
	return slot_far(ifindex);
}

static __always_inline __u16 short_len(__u32 len)
{
	return len > 0xffff ? 0xffff : (__u16)len;
}

static __always_inline void value_init(struct xa_flow_value *value,
				       const struct xa_headers *headers,
				       const struct observation *seen)
{
	*value = (struct xa_flow_value){
		.packets = 1,
		.bytes = seen->len,
		.first_tick = seen->tick,
		.last_tick = seen->tick,
		.tcp_flags = headers->tcp_flags,
		.tos = headers->tos,
		.ttl_min = headers->ttl,
		.ttl_max = headers->ttl,
		.len_min = short_len(seen->len),
		.len_max = short_len(seen->len),
	};
}

static __always_inline void value_add(struct xa_flow_value *value, const struct xa_headers *headers,
				      const struct observation *seen)
{
	__u16 len = short_len(seen->len);

	if (percpu) {
		value->packets++;
		value->bytes += seen->len;
	} else {
		__sync_fetch_and_add(&value->packets, 1);
		__sync_fetch_and_add(&value->bytes, seen->len);
	}
	value->last_tick = seen->tick;
	if (!XA_DETAILS)
		return;
	value->tcp_flags |= headers->tcp_flags;
	value->tos = headers->tos;
	if (headers->ttl < value->ttl_min)
		value->ttl_min = headers->ttl;
	if (headers->ttl > value->ttl_max)
		value->ttl_max = headers->ttl;
	if (len < value->len_min)
		value->len_min = len;
	if (len > value->len_max)
		value->len_max = len;
}

static __always_inline enum xa_class class_of_full_map(__u8 proto)
{
	switch (proto) {
	case XA_PROTO_TCP:
		return XA_CLASS_MAP_FULL_TCP;
	case XA_PROTO_UDP:
		return XA_CLASS_MAP_FULL_UDP;
	case XA_PROTO_ICMP:
	case XA_PROTO_ICMPV6:
		return XA_CLASS_MAP_FULL_ICMP;
	default:
		return XA_CLASS_MAP_FULL_OTHER;
	}
}

/*
 * Adds the packet to its flow, which is made if it is not there. Per CPU an insert needs no second
 * look: if another CPU made the entry meanwhile, BPF_ANY writes this CPU's part of it, which nobody
 * has touched yet. In a shared hash it would overwrite, so the loser of that race adds to the
 * winner's entry.
 */
static __always_inline enum xa_class flow_add(void *map, const void *key,
					      const struct xa_headers *headers,
					      const struct observation *seen)
{
	struct xa_flow_value *value = bpf_map_lookup_elem(map, key);
	struct xa_flow_value fresh;
	int error;

	if (value && percpu && !value->packets) {
		/* another CPU made the entry: this one begins its part of it */
		value_init(value, headers, seen);
		return XA_CLASS_FLOW;
	}
	if (value) {
		value_add(value, headers, seen);
		return XA_CLASS_FLOW;
	}
	value_init(&fresh, headers, seen);
	/* the cast: without it 5.10 and 6.1 compare 64 bits of which the upper half is not extended
	 */
	error = (int)bpf_map_update_elem(map, key, &fresh, percpu ? BPF_ANY : BPF_NOEXIST);
	if (!error)
		return XA_CLASS_FLOW;
	if (!percpu && error == -EEXIST) {
		value = bpf_map_lookup_elem(map, key);
		if (value) {
			value_add(value, headers, seen);
			return XA_CLASS_FLOW;
		}
	}
	return error == -E2BIG ? class_of_full_map(headers->proto) : XA_CLASS_MAP_ERROR;
}

static __always_inline enum xa_class packet_add(__u32 side, const union xa_flow_key *key,
						const struct xa_headers *headers,
						const struct observation *seen)
{
	void *map;

	if (headers->is_ipv6) {
		map = bpf_map_lookup_elem(&flow_sides6, &side);
		return map ? flow_add(map, &key->v6, headers, seen) : XA_CLASS_MAP_ERROR;
	}
	map = bpf_map_lookup_elem(&flow_sides, &side);
	return map ? flow_add(map, &key->v4, headers, seen) : XA_CLASS_MAP_ERROR;
}

static __always_inline void seen_add(struct xa_tally *sums, __u32 len)
{
	struct xa_count *count = &sums->seen[xa_size_of(len)];

	count->packets++;
	count->bytes += len;
}

/*
 * A global function, whose result the verifier knows nothing of: without CAP_PERFMON an offset into
 * a map's value must look the same on all ways that lead to it, and each class is a way of its own.
 */
__noinline __u32 same(__u32 class)
{
	__asm__ volatile("" : "+r"(class)); /* or the compiler knows what the verifier may not */
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

static __always_inline int count(struct xdp_md *ctx, enum xa_link link)
{
	struct observation seen = {.len = frame_len(ctx), .tick = now_tick()};
	__u32 side = *(volatile __u32 *)&epoch % XA_SIDES;
	__u32 slot = slot_of(ctx->ingress_ifindex);
	__u32 index = side * XA_SLOTS + slot;
	struct xa_tally *sums = bpf_map_lookup_elem(&tally, &index);
	struct xa_frame frame = {
		.data = (const void *)(long)ctx->data,
		.end = (const void *)(long)ctx->data_end,
		.len = seen.len,
		.slot = slot,
		.ctx = ctx,
	};
	struct xa_headers headers;
	union xa_flow_key key;
	enum xa_class class;

	if (!sums)
		return XDP_PASS;
	seen_add(sums, seen.len);
	class = xa_parse_frame(link, &frame, &key, &headers);
	if (class == XA_CLASS_FLOW)
		class = packet_add(side, &key, &headers, &seen);
	class_add(sums, class, seen.len);
	return XDP_PASS;
}

SEC("xdp")
int netflow_filter(struct xdp_md *ctx)
{
	return count(ctx, XA_LINK_ETHERNET);
}

/* The same for interfaces without a link header. */
SEC("xdp")
int netflow_ip(struct xdp_md *ctx)
{
	return count(ctx, XA_LINK_IP);
}

/*
 * Never attached: the daemon runs it to learn how jiffies and CLOCK_MONOTONIC stand. No XDP
 * program, for BPF_PROG_TEST_RUN of one rewrites the code by which all XDP programs are called, and
 * before 6.2 does so while they run (kernel commit 4121d4481b72).
 */
SEC("tc")
int netflow_clock(struct __sk_buff *skb)
{
	(void)skb;
	clock_pair.jiffies = bpf_jiffies64();
	clock_pair.monotonic_ns = bpf_ktime_get_ns();
	return 0;
}
