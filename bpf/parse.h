/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The packet parser: one source for the kernel program and for user space (replay, tests, fuzzer).
 *
 * It walks link header, VLAN tags, IP header, IPv6 extension headers and reads what the key needs
 * from the transport header. It reads nothing behind the smaller of the buffer's end and the end
 * that the IP header gives: padding and payload never become ports. Written for the verifier: every
 * access is preceded by a comparison with `end`, loops are bounded, what is left of the IP packet
 * is a scalar beside the pointer.
 *
 * Sources: IEEE 802.1Q and 802.1ad, RFC 791, RFC 8200, RFC 4302 (AH), RFC 6275 (mobility), RFC 9293
 * (TCP), RFC 768, RFC 3828 (UDP-Lite), RFC 9260 (SCTP), RFC 4340 (DCCP), RFC 792, RFC 4443.
 */

#include "bpf/flow_abi.h"

#ifdef __bpf__
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#define XA_PARSE       static __always_inline
#define xa_be16(value) bpf_ntohs(value)
#else
#include <arpa/inet.h>
#define XA_PARSE       static inline
#define xa_be16(value) ntohs(value)
#endif

enum xa_link {
	XA_LINK_ETHERNET, /* frames start with an Ethernet header */
	XA_LINK_IP, /* packets start with an IP header: tun, ARPHRD_NONE, RAWIP, PPP */
	XA_LINK_COUNT_
};

/* What a packet is counted under. Only the key of its family is set. */
struct xa_packet {
	union {
		struct xa_flow_key4 v4;
		struct xa_flow_key6 v6; /* tail.tag has XA_TAG_IPV6 */
	} key;
	__u8 is_ipv6;
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
	XA_TCP_FLAGS_END = 14, /* bytes of a TCP header up to and with its flags */
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
} __attribute__((packed));

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
} __attribute__((packed));

struct xa_ipv6_header {
	__u8 version_class; /* 4 bits version, high half of the traffic class */
	__u8 class_label; /* low half of it, 4 bits of the flow label */
	__be16 label;
	__be16 payload_len;
	__u8 next;
	__u8 hop_limit;
	__u8 saddr[16];
	__u8 daddr[16];
} __attribute__((packed));

/* The first bytes of each extension header that is walked; `offset` is the fragment header's. */
struct xa_ext_header {
	__u8 next;
	__u8 len;
	__be16 offset;
	__be32 id;
} __attribute__((packed));

struct xa_ports_header {
	__be16 sport;
	__be16 dport;
} __attribute__((packed));

XA_PARSE enum xa_class xa_parse_ports(const __u8 *pos, const __u8 *end, __u32 left,
				      struct xa_packet *packet, struct xa_flow_tail *tail)
{
	const struct xa_ports_header *ports = (const void *)pos;

	if (left < sizeof(*ports) || (const __u8 *)(ports + 1) > end)
		return XA_CLASS_TRUNCATED;
	tail->sport = ports->sport;
	tail->dport = ports->dport;
	if (tail->proto == XA_PROTO_TCP && left >= XA_TCP_FLAGS_END &&
	    pos + XA_TCP_FLAGS_END <= end)
		packet->tcp_flags = pos[XA_TCP_FLAGS_END - 1];
	return XA_CLASS_FLOW;
}

XA_PARSE enum xa_class xa_parse_icmp(const __u8 *pos, const __u8 *end, __u32 left,
				     struct xa_flow_tail *tail)
{
	if (left < 2 || pos + 2 > end)
		return XA_CLASS_TRUNCATED;
	tail->sport = xa_be16(pos[0]);
	tail->dport = xa_be16(pos[1]);
	return XA_CLASS_FLOW;
}

XA_PARSE enum xa_class xa_parse_transport(const __u8 *pos, const __u8 *end, __u32 left,
					  struct xa_packet *packet, struct xa_flow_tail *tail)
{
	switch (tail->proto) {
	case XA_PROTO_TCP:
	case XA_PROTO_UDP:
	case XA_PROTO_UDPLITE:
	case XA_PROTO_SCTP:
	case XA_PROTO_DCCP:
		return xa_parse_ports(pos, end, left, packet, tail);
	case XA_PROTO_ICMP:
		return packet->is_ipv6 ? XA_CLASS_FLOW : xa_parse_icmp(pos, end, left, tail);
	case XA_PROTO_ICMPV6:
		return packet->is_ipv6 ? xa_parse_icmp(pos, end, left, tail) : XA_CLASS_FLOW;
	default:
		return XA_CLASS_FLOW;
	}
}

XA_PARSE enum xa_class xa_parse_ipv4(const __u8 *pos, const __u8 *end, __u16 tag,
				     struct xa_packet *packet)
{
	const struct xa_ipv4_header *ip = (const void *)pos;
	struct xa_flow_key4 *key = &packet->key.v4;
	__u32 header_len, total_len, left;

	if ((const __u8 *)(ip + 1) > end)
		return XA_CLASS_TRUNCATED;
	if (ip->version_ihl >> 4 != 4)
		return XA_CLASS_IP_VERSION;
	header_len = (ip->version_ihl & 0xf) * 4;
	if (header_len < sizeof(*ip))
		return XA_CLASS_IP_HEADER_LEN;
	if (pos + header_len > end)
		return XA_CLASS_TRUNCATED;
	total_len = xa_be16(ip->total_len);
	if (total_len && total_len < header_len)
		return XA_CLASS_IP_TOTAL_LEN;
	left = total_len ? total_len - header_len : XA_LEFT_UNKNOWN;

	packet->is_ipv6 = 0;
	packet->tos = ip->tos;
	packet->ttl = ip->ttl;
	packet->tcp_flags = 0;
	key->saddr = ip->saddr;
	key->daddr = ip->daddr;
	key->tail = (struct xa_flow_tail){.proto = ip->proto, .tag = tag};
	if (xa_be16(ip->fragment) & XA_IPV4_OFFSET_MASK) {
		key->tail.tag |= XA_TAG_FRAGMENT;
		return XA_CLASS_FLOW;
	}
	return xa_parse_transport(pos + header_len, end, left, packet, &key->tail);
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

/* Walks from the first header behind the fixed one, `tail->proto`, to the first that is no
 * extension. */
XA_PARSE enum xa_class xa_parse_ext_headers(const __u8 *pos, const __u8 *end, __u32 left,
					    struct xa_packet *packet, struct xa_flow_tail *tail)
{
	const struct xa_ext_header *ext;
	__u32 len;
	int i;

	for (i = 0; i < XA_EXT_HEADERS_MAX && xa_is_ext_header(tail->proto); i++) {
		ext = (const void *)pos;
		if (left < sizeof(*ext) || (const __u8 *)(ext + 1) > end)
			return XA_CLASS_TRUNCATED;
		len = xa_ext_header_len(tail->proto, ext);
		if (left < len || pos + len > end)
			return XA_CLASS_TRUNCATED;
		if (tail->proto == XA_PROTO_FRAGMENT &&
		    xa_be16(ext->offset) & XA_IPV6_OFFSET_MASK) {
			tail->proto = ext->next;
			tail->tag |= XA_TAG_FRAGMENT;
			return XA_CLASS_FLOW;
		}
		tail->proto = ext->next;
		pos += len;
		left -= left == XA_LEFT_UNKNOWN ? 0 : len;
	}
	if (xa_is_ext_header(tail->proto))
		return XA_CLASS_EXT_LIMIT;
	return xa_parse_transport(pos, end, left, packet, tail);
}

XA_PARSE enum xa_class xa_parse_ipv6(const __u8 *pos, const __u8 *end, __u16 tag,
				     struct xa_packet *packet)
{
	const struct xa_ipv6_header *ip = (const void *)pos;
	struct xa_flow_key6 *key = &packet->key.v6;
	__u32 left;

	if ((const __u8 *)(ip + 1) > end)
		return XA_CLASS_TRUNCATED;
	if (ip->version_class >> 4 != 6)
		return XA_CLASS_IP_VERSION;
	left = xa_be16(ip->payload_len);
	if (!left)
		left = XA_LEFT_UNKNOWN;

	packet->is_ipv6 = 1;
	packet->tos = (__u8)(ip->version_class << 4 | ip->class_label >> 4);
	packet->ttl = ip->hop_limit;
	packet->tcp_flags = 0;
	__builtin_memcpy(key->saddr, ip->saddr, sizeof(key->saddr));
	__builtin_memcpy(key->daddr, ip->daddr, sizeof(key->daddr));
	key->tail = (struct xa_flow_tail){.proto = ip->next, .tag = tag | XA_TAG_IPV6};
	return xa_parse_ext_headers(pos + sizeof(*ip), end, left, packet, &key->tail);
}

XA_PARSE int xa_is_vlan(__u16 type)
{
	return type == XA_ETHERTYPE_VLAN || type == XA_ETHERTYPE_QINQ ||
	       type == XA_ETHERTYPE_QINQ_OLD;
}

XA_PARSE enum xa_class xa_parse_ethernet(const __u8 *pos, const __u8 *end, struct xa_packet *packet)
{
	const struct xa_eth_header *eth = (const void *)pos;
	const struct xa_vlan_header *vlan;
	__u16 type, tag = 0;
	int i;

	if ((const __u8 *)(eth + 1) > end)
		return XA_CLASS_TRUNCATED;
	type = xa_be16(eth->type);
	pos += sizeof(*eth);
	for (i = 0; i < XA_VLAN_TAGS_MAX && xa_is_vlan(type); i++) {
		vlan = (const void *)pos;
		if ((const __u8 *)(vlan + 1) > end)
			return XA_CLASS_TRUNCATED;
		if (i == 0)
			tag = xa_be16(vlan->tci) & XA_TAG_VLAN;
		type = xa_be16(vlan->type);
		pos += sizeof(*vlan);
	}
	if (xa_is_vlan(type))
		return XA_CLASS_VLAN_LIMIT;
	if (type == XA_ETHERTYPE_IPV4)
		return xa_parse_ipv4(pos, end, tag, packet);
	if (type == XA_ETHERTYPE_IPV6)
		return xa_parse_ipv6(pos, end, tag, packet);
	return XA_CLASS_NON_IP;
}

XA_PARSE enum xa_class xa_parse_ip(const __u8 *pos, const __u8 *end, struct xa_packet *packet)
{
	if (pos + 1 > end)
		return XA_CLASS_TRUNCATED;
	if (*pos >> 4 == 4)
		return xa_parse_ipv4(pos, end, 0, packet);
	if (*pos >> 4 == 6)
		return xa_parse_ipv6(pos, end, 0, packet);
	return XA_CLASS_IP_VERSION;
}

/*
 * Parses the frame in [data, end). XA_CLASS_FLOW: `packet` holds its key (slot 0) and header
 * fields. Any other class says why there is no flow; `packet` may then be half filled.
 */
XA_PARSE enum xa_class xa_parse(enum xa_link link, const void *data, const __u8 *end,
				struct xa_packet *packet)
{
	return link == XA_LINK_IP ? xa_parse_ip(data, end, packet)
				  : xa_parse_ethernet(data, end, packet);
}
