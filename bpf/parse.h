/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The packet parser: one source for the kernel program and for user space (replay, tests, fuzzer).
 *
 * It walks link header, VLAN tags, IP header, IPv6 extension headers and reads what the key needs
 * from the transport header. It reads nothing behind the smaller of the buffer's end and the end
 * that the IP header gives: padding and payload never become ports.
 *
 * Two ways to the bytes. Headers at offsets that the compiler knows are read through the packet's
 * pointer. What stands behind IPv4 options or extension headers is peeked at by offset: to add a
 * variable to a packet's pointer needs CAP_PERFMON (the verifier's "unsupported alu operation"),
 * which the daemon does without
 * where the kernel lets it (6.18; 6.12 wants it for other reasons as well).
 *
 * Sources: IEEE 802.1Q and 802.1ad, RFC 791, RFC 8200, RFC 4302 (AH), RFC 6275 (mobility), RFC 9293
 * (TCP), RFC 768, RFC 3828 (UDP-Lite), RFC 9260 (SCTP), RFC 4340 (DCCP), RFC 792, RFC 4443.
 */

#include "bpf/flow_abi.h"

#ifdef __bpf__
#ifndef __VMLINUX_H__
#include <linux/bpf.h>
#endif
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#define XA_PARSE       static __always_inline
#define xa_be16(value) bpf_ntohs(value)
#define xa_be32(value) bpf_ntohl(value)
/* IP headers are read in words. Where the machine minds, drivers see to it that they stand on a
 * word (NET_IP_ALIGN), and the verifier knows. */
#define XA_WIRE __attribute__((packed, aligned(4), may_alias))
#else
#include <arpa/inet.h>
#include <string.h>
#define XA_PARSE       static inline
#define xa_be16(value) ntohs(value)
#define xa_be32(value) ntohl(value)
#define XA_WIRE	       __attribute__((packed, may_alias))
#endif

enum xa_link {
	XA_LINK_ETHERNET, /* frames start with an Ethernet header */
	XA_LINK_IP, /* packets start with an IP header: tun, ARPHRD_NONE, RAWIP, PPP */
	XA_LINK_COUNT_
};

/* What a packet is counted under. */
union xa_flow_key {
	struct xa_flow_key4 v4;
	struct xa_flow_key6 v6; /* tail.tag has XA_TAG_IPV6 */
};

/* What its headers say beside the addresses. Apart from the key, whose address the kernel's map is
 * told: these can stay in registers. */
struct xa_headers {
	__be32 ports; /* the tail's first half */
	__u16 tag;
	__u8 proto;
	__u8 is_ipv6; /* which of the keys */
	__u8 tos; /* or traffic class */
	__u8 ttl; /* or hop limit */
	__u8 tcp_flags;
};

enum {
	XA_ETHERTYPE_IPV4 = 0x0800,
	XA_ETHERTYPE_VLAN = 0x8100,
	XA_ETHERTYPE_IPV6 = 0x86dd,
	XA_ETHERTYPE_QINQ = 0x88a8,
	XA_ETHERTYPE_QINQ_OLD = 0x9100,

	XA_PROTO_HOPOPTS = 0,
	XA_PROTO_ICMP = 1,
	XA_PROTO_TCP = 6,
	XA_PROTO_UDP = 17,
	XA_PROTO_DCCP = 33,
	XA_PROTO_ROUTING = 43,
	XA_PROTO_FRAGMENT = 44,
	XA_PROTO_AH = 51,
	XA_PROTO_ICMPV6 = 58,
	XA_PROTO_DSTOPTS = 60,
	XA_PROTO_SCTP = 132,
	XA_PROTO_MOBILITY = 135,
	XA_PROTO_UDPLITE = 136,

	XA_IPV4_OFFSET_MASK = 0x1fff,
	XA_IPV6_OFFSET_MASK = 0xfff8,
	XA_TCP_FLAGS_AT = 13,
};

/* The bytes to parse. */
struct xa_frame {
	const __u8 *data;
	const __u8 *end; /* of what `data` points to */
	__u32 len; /* of the frame, which may go on in further buffers */
	__u32 slot; /* of its interface */
	void *ctx; /* the kernel program's struct xdp_md */
};

/* Where a header begins. */
struct xa_cursor {
	const __u8 *pos; /* the same place as `offset`, or NULL: to be peeked at */
	__u32 offset; /* from the frame's first byte */
	__u32 left; /* bytes up to the end of the IP packet */
};

/* An IP length of 0 is no length: TSO and BIG TCP leave it, the frame's end then is the packet's.
 */
#define XA_LEFT_UNKNOWN 0xffffffffU

struct xa_eth_header {
	__u8 addresses[12];
	__be16 type;
} __attribute__((packed));

struct xa_vlan_header {
	__be16 tci;
	__be16 type;
} XA_WIRE;

struct xa_ipv4_header {
	__u8 version_ihl;
	__u8 tos;
	__be16 total_len;
	__be16 id;
	__be16 fragment;
	__u8 ttl;
	__u8 proto;
	__be16 checksum;
	__be32 saddr;
	__be32 daddr;
} XA_WIRE;

struct xa_address {
	__be32 words[4];
} XA_WIRE;

struct xa_ipv6_header {
	__u8 version_class; /* 4 bits version, high half of the traffic class */
	__u8 class_label; /* low half of it, 4 bits of the flow label */
	__be16 label;
	__be16 payload_len;
	__u8 next;
	__u8 hop_limit;
	struct xa_address saddr;
	struct xa_address daddr;
} XA_WIRE;

/* The first bytes of each extension header that is walked; `offset` is the fragment header's. */
struct xa_ext_header {
	__u8 next;
	__u8 len;
	__be16 offset;
	__be32 id;
} XA_WIRE;

struct xa_ports_header {
	__be16 sport;
	__be16 dport;
} XA_WIRE;

struct xa_word {
	__u32 word;
} XA_WIRE;

/* Copies `size` bytes, a constant, from an offset. 0, or not if the frame ends before. */
#ifdef __bpf__
XA_PARSE int xa_peek(const struct xa_frame *frame, __u32 offset, void *to, __u32 size)
{
	const __u8 *pos;

	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_xdp_load_bytes))
		return bpf_xdp_load_bytes(frame->ctx, offset, to, size);
	pos = frame->data + (offset & 0x7fff);
	if (offset > 0x7fff || pos + size > frame->end)
		return -1;
	__builtin_memcpy(to, pos, size);
	return 0;
}
#else
XA_PARSE int xa_peek(const struct xa_frame *frame, __u32 offset, void *to, __u32 size)
{
	if (frame->end - frame->data < (long)offset + (long)size)
		return -1;
	memcpy(to, frame->data + offset, size);
	return 0;
}
#endif

/* `size` is a constant: a word is read as one, and written as one. */
XA_PARSE void xa_copy(void *to, const __u8 *from, __u32 size)
{
	if (size == sizeof(struct xa_word))
		*(struct xa_word *)to = *(const struct xa_word *)from;
	else
		__builtin_memcpy(to, from, size);
}

/* The same from a cursor, by whichever way it has. */
XA_PARSE int xa_read(const struct xa_frame *frame, const struct xa_cursor *cursor, __u32 skip,
		     void *to, __u32 size)
{
	if (cursor->left < skip + size)
		return -1;
	if (!cursor->pos)
		return xa_peek(frame, cursor->offset + skip, to, size);
	if (cursor->pos + skip + size > frame->end)
		return -1;
	xa_copy(to, cursor->pos + skip, size);
	return 0;
}

/*
 * The tail as two words: what is stored in pieces, or twice as wide, and loaded word by word, as
 * the map's hash does a moment later, has to wait for the stores.
 */
XA_PARSE void xa_tail_set(struct xa_flow_tail *tail, const struct xa_headers *headers, __u32 slot)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	__u32 rest = headers->proto | slot << 8 | (__u32)headers->tag << 16;
#else
	__u32 rest = (__u32)headers->proto << 24 | slot << 16 | headers->tag;
#endif

	xa_copy(tail, (const void *)&headers->ports, sizeof(headers->ports));
	xa_copy((__u8 *)tail + sizeof(headers->ports), (const void *)&rest, sizeof(rest));
}

XA_PARSE enum xa_class xa_parse_ports(const struct xa_frame *frame, const struct xa_cursor *cursor,
				      struct xa_headers *headers)
{
	__be32 ports;
	__u8 flags;

	if (xa_read(frame, cursor, 0, &ports, sizeof(ports)))
		return XA_CLASS_TRUNCATED;
	headers->ports = ports;
	if (headers->proto == XA_PROTO_TCP &&
	    !xa_read(frame, cursor, XA_TCP_FLAGS_AT, &flags, sizeof(flags)))
		headers->tcp_flags = flags;
	return XA_CLASS_FLOW;
}

XA_PARSE enum xa_class xa_parse_icmp(const struct xa_frame *frame, const struct xa_cursor *cursor,
				     struct xa_headers *headers)
{
	__u8 icmp[2];

	if (xa_read(frame, cursor, 0, icmp, sizeof(icmp)))
		return XA_CLASS_TRUNCATED;
	headers->ports = xa_be32((__u32)icmp[0] << 16 | icmp[1]);
	return XA_CLASS_FLOW;
}

XA_PARSE enum xa_class xa_parse_transport(const struct xa_frame *frame,
					  const struct xa_cursor *cursor,
					  struct xa_headers *headers)
{
	switch (headers->proto) {
	case XA_PROTO_TCP:
	case XA_PROTO_UDP:
	case XA_PROTO_UDPLITE:
	case XA_PROTO_SCTP:
	case XA_PROTO_DCCP:
		return xa_parse_ports(frame, cursor, headers);
	case XA_PROTO_ICMP:
		return headers->is_ipv6 ? XA_CLASS_FLOW : xa_parse_icmp(frame, cursor, headers);
	case XA_PROTO_ICMPV6:
		return headers->is_ipv6 ? xa_parse_icmp(frame, cursor, headers) : XA_CLASS_FLOW;
	default:
		return XA_CLASS_FLOW;
	}
}

/* The transport header behind an IPv4 header: at a known place if there are no options. */
XA_PARSE enum xa_class xa_parse_ipv4_payload(const struct xa_frame *frame,
					     const struct xa_cursor *ip, __u32 header_len,
					     __u32 left, struct xa_headers *headers)
{
	struct xa_cursor cursor = {.offset = ip->offset + header_len, .left = left};

	if (header_len != sizeof(struct xa_ipv4_header))
		return xa_parse_transport(frame, &cursor, headers);
	cursor.pos = ip->pos + sizeof(struct xa_ipv4_header);
	return xa_parse_transport(frame, &cursor, headers);
}

XA_PARSE enum xa_class xa_parse_ipv4(const struct xa_frame *frame, const struct xa_cursor *cursor,
				     __u16 tag, struct xa_flow_key4 *key,
				     struct xa_headers *headers)
{
	const struct xa_ipv4_header *ip = (const void *)cursor->pos;
	__u32 header_len, total_len;

	if ((const __u8 *)(ip + 1) > frame->end)
		return XA_CLASS_TRUNCATED;
	if (ip->version_ihl >> 4 != 4)
		return XA_CLASS_IP_VERSION;
	header_len = (ip->version_ihl & 0xf) * 4;
	if (header_len < sizeof(*ip))
		return XA_CLASS_IP_HEADER_LEN;
	if (cursor->offset + header_len > frame->len)
		return XA_CLASS_TRUNCATED;
	total_len = xa_be16(ip->total_len);
	if (total_len && total_len < header_len)
		return XA_CLASS_IP_TOTAL_LEN;

	*headers = (struct xa_headers){
		.tag = tag,
		.proto = ip->proto,
		.tos = ip->tos,
		.ttl = ip->ttl,
	};
	key->saddr = ip->saddr;
	key->daddr = ip->daddr;
	if (xa_be16(ip->fragment) & XA_IPV4_OFFSET_MASK) {
		headers->tag |= XA_TAG_FRAGMENT;
		return XA_CLASS_FLOW;
	}
	return xa_parse_ipv4_payload(frame, cursor, header_len,
				     total_len ? total_len - header_len : XA_LEFT_UNKNOWN, headers);
}

/* One comparison and one bit test, no branch a protocol: each branch here is eight in the loop
 * below. */
XA_PARSE int xa_is_ext_header(__u8 proto)
{
	const __u64 below_64 = 1ULL << XA_PROTO_HOPOPTS | 1ULL << XA_PROTO_ROUTING |
			       1ULL << XA_PROTO_FRAGMENT | 1ULL << XA_PROTO_AH |
			       1ULL << XA_PROTO_DSTOPTS;

	return (proto < 64 && below_64 >> (proto & 63) & 1) || proto == XA_PROTO_MOBILITY;
}

/* 0 for 0, else 1; by arithmetic, which the compiler is kept from turning into a branch again. */
XA_PARSE __u32 xa_is_set(__u32 byte)
{
	__asm__ volatile("" : "+r"(byte));
	return (byte + 0xff) >> 8;
}

/*
 * Length in bytes: AH counts units of 4 without the first two, a fragment header has none (its
 * second byte is reserved), the others count units of 8 without the first. Without branches, so
 * that the verifier has one way through an extension header and not three, to the eighth power.
 */
XA_PARSE __u32 xa_ext_header_len(__u8 proto, const struct xa_ext_header *ext)
{
	__u32 is_ah = 1 - xa_is_set(proto ^ XA_PROTO_AH);
	__u32 has_len = xa_is_set(proto ^ XA_PROTO_FRAGMENT);

	return (ext->len * has_len + 1 + is_ah) * (8 - 4 * is_ah);
}

/* Walks from the first header behind the fixed one, an extension header, to the first that is none.
 */
XA_PARSE enum xa_class xa_parse_ext_headers(const struct xa_frame *frame, struct xa_cursor *cursor,
					    struct xa_headers *headers)
{
	struct xa_ext_header ext;
	__u32 len;
	int i;

	for (i = 0; i < XA_EXT_HEADERS_MAX && xa_is_ext_header(headers->proto); i++) {
		if (xa_read(frame, cursor, 0, &ext, sizeof(ext)))
			return XA_CLASS_TRUNCATED;
		len = xa_ext_header_len(headers->proto, &ext);
		if (cursor->left < len || cursor->offset + len > frame->len)
			return XA_CLASS_TRUNCATED;
		if (headers->proto == XA_PROTO_FRAGMENT &&
		    xa_be16(ext.offset) & XA_IPV6_OFFSET_MASK) {
			headers->proto = ext.next;
			headers->tag |= XA_TAG_FRAGMENT;
			return XA_CLASS_FLOW;
		}
		headers->proto = ext.next;
		cursor->offset += len;
		cursor->left -= cursor->left == XA_LEFT_UNKNOWN ? 0 : len;
	}
	if (xa_is_ext_header(headers->proto))
		return XA_CLASS_EXT_LIMIT;
	return xa_parse_transport(frame, cursor, headers);
}

/* What is behind the fixed IPv6 header: at a known place if there are no extension headers. */
XA_PARSE enum xa_class xa_parse_ipv6_payload(const struct xa_frame *frame,
					     const struct xa_cursor *ip, __u32 left,
					     struct xa_headers *headers)
{
	struct xa_cursor cursor = {
		.offset = ip->offset + sizeof(struct xa_ipv6_header),
		.left = left,
	};

	if (xa_is_ext_header(headers->proto))
		return xa_parse_ext_headers(frame, &cursor, headers);
	cursor.pos = ip->pos + sizeof(struct xa_ipv6_header);
	return xa_parse_transport(frame, &cursor, headers);
}

XA_PARSE enum xa_class xa_parse_ipv6(const struct xa_frame *frame, const struct xa_cursor *cursor,
				     __u16 tag, struct xa_flow_key6 *key,
				     struct xa_headers *headers)
{
	const struct xa_ipv6_header *ip = (const void *)cursor->pos;
	__u32 left;

	if ((const __u8 *)(ip + 1) > frame->end)
		return XA_CLASS_TRUNCATED;
	if (ip->version_class >> 4 != 6)
		return XA_CLASS_IP_VERSION;
	left = xa_be16(ip->payload_len);

	*headers = (struct xa_headers){
		.tag = tag | XA_TAG_IPV6,
		.proto = ip->next,
		.is_ipv6 = 1,
		.tos = (__u8)(ip->version_class << 4 | ip->class_label >> 4),
		.ttl = ip->hop_limit,
	};
	*(struct xa_address *)key->saddr = ip->saddr;
	*(struct xa_address *)key->daddr = ip->daddr;
	return xa_parse_ipv6_payload(frame, cursor, left ? left : XA_LEFT_UNKNOWN, headers);
}

XA_PARSE int xa_is_vlan(__u16 type)
{
	return type == XA_ETHERTYPE_VLAN || type == XA_ETHERTYPE_QINQ ||
	       type == XA_ETHERTYPE_QINQ_OLD;
}

XA_PARSE enum xa_class xa_parse_ethernet(const struct xa_frame *frame, union xa_flow_key *key,
					 struct xa_headers *headers)
{
	const struct xa_eth_header *eth = (const void *)frame->data;
	const struct xa_vlan_header *vlan;
	struct xa_cursor cursor = {.pos = frame->data + sizeof(*eth), .offset = sizeof(*eth)};
	__u16 type, tag = 0;
	int i;

	if (cursor.pos > frame->end)
		return XA_CLASS_TRUNCATED;
	type = xa_be16(eth->type);
	for (i = 0; i < XA_VLAN_TAGS_MAX && xa_is_vlan(type); i++) {
		vlan = (const void *)cursor.pos;
		cursor.pos += sizeof(*vlan);
		cursor.offset += sizeof(*vlan);
		if (cursor.pos > frame->end)
			return XA_CLASS_TRUNCATED;
		if (i == 0)
			tag = xa_be16(vlan->tci) & XA_TAG_VLAN;
		type = xa_be16(vlan->type);
	}
	if (xa_is_vlan(type))
		return XA_CLASS_VLAN_LIMIT;
	if (type == XA_ETHERTYPE_IPV4)
		return xa_parse_ipv4(frame, &cursor, tag, &key->v4, headers);
	if (type == XA_ETHERTYPE_IPV6)
		return xa_parse_ipv6(frame, &cursor, tag, &key->v6, headers);
	return XA_CLASS_NON_IP;
}

XA_PARSE enum xa_class xa_parse_ip(const struct xa_frame *frame, union xa_flow_key *key,
				   struct xa_headers *headers)
{
	struct xa_cursor cursor = {.pos = frame->data};

	if (cursor.pos + 1 > frame->end)
		return XA_CLASS_TRUNCATED;
	if (*cursor.pos >> 4 == 4)
		return xa_parse_ipv4(frame, &cursor, 0, &key->v4, headers);
	if (*cursor.pos >> 4 == 6)
		return xa_parse_ipv6(frame, &cursor, 0, &key->v6, headers);
	return XA_CLASS_IP_VERSION;
}

/*
 * XA_CLASS_FLOW: `key` and `headers` are the packet's. Any other class says why there is no flow;
 * both may then be half filled.
 */
XA_PARSE enum xa_class xa_parse_frame(enum xa_link link, const struct xa_frame *frame,
				      union xa_flow_key *key, struct xa_headers *headers)
{
	enum xa_class class = link == XA_LINK_IP ? xa_parse_ip(frame, key, headers)
						 : xa_parse_ethernet(frame, key, headers);

	if (class == XA_CLASS_FLOW)
		xa_tail_set(headers->is_ipv6 ? &key->v6.tail : &key->v4.tail, headers, frame->slot);
	return class;
}

#ifndef __bpf__
struct xa_packet {
	union xa_flow_key key;
	struct xa_headers headers;
};

/* The same for the bytes of [data, end), of an interface with that slot. */
XA_PARSE enum xa_class xa_parse(enum xa_link link, const void *data, const void *end, __u8 slot,
				struct xa_packet *packet)
{
	struct xa_frame frame = {
		.data = data,
		.end = end,
		.len = (__u32)((const __u8 *)end - (const __u8 *)data),
		.slot = slot,
	};

	return xa_parse_frame(link, &frame, &packet->key, &packet->headers);
}
#endif
