/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What netflow_filter is held against, and what sends to both. The references do the least that a
 * count per 5-tuple needs: the headers that the packets of the bench have, one hit in a
 * PERCPU_HASH, two additions; no VLAN, no extension headers, no clock, no totals, no epoch.
 *
 * BPF_PROG_TEST_RUN keeps the packet between repeats. So step4 and step6 write the next flow's
 * address into it and jump to the program under test.
 */

#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/parse.h"
#include "tests/bench/reference.h"

char LICENSE[] SEC("license") = "GPL";

struct bench_step steps[BENCH_CPUS_MAX] __attribute__((aligned(64)));

struct reference_value {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__type(key, struct xa_flow_key4);
	__type(value, struct reference_value);
	__uint(max_entries, 1);
} reference_map SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__type(key, struct xa_flow_key6);
	__type(value, struct reference_value);
	__uint(max_entries, 1);
} reference_map6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} under_test SEC(".maps");

SEC("xdp.frags")
int empty(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

static __always_inline __u32 step(void)
{
	struct bench_step *mine = &steps[bpf_get_smp_processor_id() % BENCH_CPUS_MAX];

	mine->at = (mine->at * mine->multiplier + mine->increment) & mine->mask;
	return mine->at;
}

SEC("xdp.frags")
int step4(struct xdp_md *ctx)
{
	struct xa_eth_header *eth = (void *)(long)ctx->data;
	struct xa_ipv4_header *ip = (void *)(eth + 1);

	if ((void *)(ip + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	ip->saddr = step();
	bpf_tail_call(ctx, &under_test, 0);
	return XDP_DROP;
}

SEC("xdp.frags")
int step6(struct xdp_md *ctx)
{
	struct xa_eth_header *eth = (void *)(long)ctx->data;
	struct xa_ipv6_header *ip = (void *)(eth + 1);

	if ((void *)(ip + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	ip->saddr.words[3] = step();
	bpf_tail_call(ctx, &under_test, 0);
	return XDP_DROP;
}

static __always_inline int hit(void *map, const void *key, __u32 len)
{
	struct reference_value *value = bpf_map_lookup_elem(map, key);
	struct reference_value fresh = {.packets = 1, .bytes = len};

	if (value) {
		value->packets++;
		value->bytes += len;
	} else {
		bpf_map_update_elem(map, key, &fresh, BPF_ANY);
	}
	return XDP_PASS;
}

SEC("xdp.frags")
int reference4(struct xdp_md *ctx)
{
	void *end = (void *)(long)ctx->data_end;
	struct xa_eth_header *eth = (void *)(long)ctx->data;
	struct xa_ipv4_header *ip = (void *)(eth + 1);
	struct xa_ports_header *ports;
	struct xa_flow_key4 key;
	__u32 header_len;

	if ((void *)(ip + 1) > end || eth->type != bpf_htons(XA_ETHERTYPE_IPV4))
		return XDP_PASS;
	header_len = (ip->version_ihl & 0xf) * 4;
	ports = (void *)ip + header_len;
	if (header_len < sizeof(*ip) || (void *)(ports + 1) > end)
		return XDP_PASS;
	key = (struct xa_flow_key4){
		.saddr = ip->saddr,
		.daddr = ip->daddr,
		.tail = {.sport = ports->sport, .dport = ports->dport, .proto = ip->proto},
	};
	return hit(&reference_map, &key, end - (void *)eth);
}

SEC("xdp.frags")
int reference6(struct xdp_md *ctx)
{
	void *end = (void *)(long)ctx->data_end;
	struct xa_eth_header *eth = (void *)(long)ctx->data;
	struct xa_ipv6_header *ip = (void *)(eth + 1);
	struct xa_ports_header *ports = (void *)(ip + 1);
	struct xa_flow_key6 key = {};

	if ((void *)(ports + 1) > end || eth->type != bpf_htons(XA_ETHERTYPE_IPV6))
		return XDP_PASS;
	__builtin_memcpy(key.saddr, &ip->saddr, sizeof(key.saddr));
	__builtin_memcpy(key.daddr, &ip->daddr, sizeof(key.daddr));
	key.tail.sport = ports->sport;
	key.tail.dport = ports->dport;
	key.tail.proto = ip->next;
	return hit(&reference_map6, &key, end - (void *)eth);
}
