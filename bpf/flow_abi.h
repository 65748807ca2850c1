/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Everything that the kernel program and the daemon share: keys, values, the tally and its classes.
 *
 * One packet adds to exactly one of: a flow in the current epoch's flow map, or one class of the
 *current epoch's tally. `seen` is counted on entry, apart from both, so that
 *
 *	seen = sum of packets in flows + sum of classes
 *
 * is a proof and not a definition. An epoch is one word, read once a packet; it selects the flow
 *maps and the tally together.
 */

#ifndef __VMLINUX_H__ /* has the same types, and takes them ill twice */
#include <linux/types.h>
#endif

/* Epochs: two sides that stand for good. While one is written to, the other is read. */
#define XA_SIDES 2

/* Interfaces are told apart by a slot, 0 to 255, that the daemon assigns to an interface's name.
 * Slot 0 stands for "an interface that nobody registered". */
#define XA_SLOTS	256
#define XA_SLOT_UNKNOWN 0

/* How far from its home bucket an interface may stand in the program's ifindex table. */
#define XA_IFINDEX_PROBES 8

/* VLAN tags and IPv6 extension headers that the parser walks before it gives up by name. */
#define XA_VLAN_TAGS_MAX   4
#define XA_EXT_HEADERS_MAX 8

/* Time stamps are CLOCK_MONOTONIC nanoseconds >> 20 (1.048576 ms), cut to 32 bits: they wrap after
 * 52 days, and whoever reads one widens it against the time of reading. They are as fine as the
 * kernel's tick, 1 to 10 ms. */
#define XA_TICK_SHIFT 20

/* The tail's `tag`: the outer VLAN id in the low 12 bits (0: untagged or priority-tagged), marks
 * above it. */
#define XA_TAG_VLAN	0x0fff
#define XA_TAG_FRAGMENT 0x1000 /* a later fragment: no ports to be had */
#define XA_TAG_IPV6	0x2000

/*
 * The part of the key behind the addresses. Ports are in network byte order. For ICMP and ICMPv6
 * `sport` is the type and `dport` the code, in network byte order too. A protocol without ports,
 * and a later fragment of any, has both 0. It fills up the IPv4 key to 16 bytes, the size that
 * jhash digests in one round and a half and the hash map compares at once; what sets flows apart
 * has to fit in here.
 */
struct xa_flow_tail {
	__be16 sport;
	__be16 dport;
	__u8 proto; /* IANA protocol number; for IPv6 the first that is no extension header */
	__u8 slot;
	__u16 tag;
};

struct xa_flow_key4 {
	__be32 saddr;
	__be32 daddr;
	struct xa_flow_tail tail;
};

struct xa_flow_key6 {
	__u8 saddr[16];
	__u8 daddr[16];
	struct xa_flow_tail tail;
};

/* What one CPU knows of one flow on one side. Rises for as long as the entry stands. */
struct xa_flow_value {
	__u64 packets;
	__u64 bytes; /* L2 bytes: the frame from the first byte of its link header, without FCS */
	__u32 first_tick; /* of the packet that made the entry on this CPU */
	__u32 last_tick;
	__u8 tcp_flags; /* all packets' flags, ORed */
	__u8 tos; /* DSCP and ECN of the last packet */
	__u8 ttl_min; /* TTL or hop limit */
	__u8 ttl_max;
	__u16 len_min; /* L2 bytes of one packet, 65535 for longer ones */
	__u16 len_max;
};

/* Where a packet that is in no flow is counted. The names in the daemon's table follow this order.
 */
enum xa_class {
	XA_CLASS_FLOW, /* in a flow: has no counter in the tally */
	XA_CLASS_NON_IP, /* link protocol other than IPv4 and IPv6 */
	XA_CLASS_TRUNCATED, /* ends before the end of a header that the key needs */
	XA_CLASS_VLAN_LIMIT, /* more than XA_VLAN_TAGS_MAX tags */
	XA_CLASS_IP_VERSION, /* version field contradicts the link protocol */
	XA_CLASS_IP_HEADER_LEN, /* IPv4 IHL under 5 */
	XA_CLASS_IP_TOTAL_LEN, /* IPv4 total length shorter than its header (0 is TSO: taken as the
				  frame) */
	XA_CLASS_EXT_LIMIT, /* more than XA_EXT_HEADERS_MAX IPv6 extension headers */
	XA_CLASS_MAP_FULL_TCP, /* a new flow found its flow map full */
	XA_CLASS_MAP_FULL_UDP,
	XA_CLASS_MAP_FULL_ICMP, /* ICMP and ICMPv6 */
	XA_CLASS_MAP_FULL_OTHER,
	XA_CLASS_MAP_ERROR, /* the kernel refused the insert for another reason (bucket lock,
			       memory) */
	XA_CLASS_COUNT_
};

struct xa_count {
	__u64 packets;
	__u64 bytes;
};

/* Sizes of frames are told apart by these: L2 bytes, each size up to and with its bound, the last
 * above all of them. */
#define XA_SIZE_BOUNDS 64, 128, 256, 512, 1024, 1518, 9216
#define XA_SIZE_COUNT_ 8

/* Per CPU, side and slot: index side * XA_SLOTS + slot. Only ever rises. classes[XA_CLASS_FLOW]
 * stays 0. */
struct xa_tally {
	struct xa_count seen[XA_SIZE_COUNT_];
	struct xa_count classes[XA_CLASS_COUNT_];
};

/* One bucket of the program's ifindex table: home bucket is ifindex % XA_SLOTS; ifindex 0 is empty.
 */
struct xa_ifindex_slot {
	__u32 ifindex;
	__u32 slot;
};

_Static_assert(sizeof(struct xa_flow_tail) == 8, "tail");
_Static_assert(sizeof(struct xa_flow_key4) == 16, "IPv4 key: no padding, one jhash size");
_Static_assert(sizeof(struct xa_flow_key6) == 40, "IPv6 key: no padding");
_Static_assert(sizeof(struct xa_flow_value) == 32, "value: half a cache line");
_Static_assert(sizeof(struct xa_tally) == 16 * (XA_SIZE_COUNT_ + XA_CLASS_COUNT_), "tally");
