/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Any bytes as a frame. The first byte chooses the link, the second how much of the frame is cut
 * off for a second look: what a shorter frame says for sure, the longer one says too. Captured
 * frames behind two bytes, 00 00 for Ethernet and 01 00 for bare IP, are a good corpus.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool fact)
{
	if (!fact)
		__builtin_trap();
}

/* What the parser says, from memory that ends where the frame does, into memory of this filling. */
static enum xa_class parse(enum xa_link link, const uint8_t *data, size_t size, int filling,
			   struct xa_packet *ret_packet)
{
	uint8_t *frame = malloc(size ? size : 1);
	enum xa_class class;

	expect(frame);
	if (size)
		memcpy(frame, data, size);
	memset(ret_packet, filling, sizeof(*ret_packet));
	class = xa_parse(link, frame, frame + size, 0, ret_packet);
	free(frame);
	return class;
}

static const struct xa_flow_tail *tail_of(const struct xa_packet *packet)
{
	return packet->headers.is_ipv6 ? &packet->key.v6.tail : &packet->key.v4.tail;
}

static bool are_same(const struct xa_packet *a, const struct xa_packet *b)
{
	size_t key_size = a->headers.is_ipv6 ? sizeof(a->key.v6) : sizeof(a->key.v4);

	return a->headers.is_ipv6 == b->headers.is_ipv6 && !memcmp(&a->key, &b->key, key_size) &&
	       a->headers.tos == b->headers.tos && a->headers.ttl == b->headers.ttl;
}

static bool has_ports(const struct xa_packet *packet)
{
	switch (tail_of(packet)->proto) {
	case XA_PROTO_TCP:
	case XA_PROTO_UDP:
	case XA_PROTO_UDPLITE:
	case XA_PROTO_SCTP:
	case XA_PROTO_DCCP:
		return true;
	case XA_PROTO_ICMP:
		return !packet->headers.is_ipv6;
	case XA_PROTO_ICMPV6:
		return packet->headers.is_ipv6;
	default:
		return false;
	}
}

static void check_flow(const struct xa_packet *packet)
{
	const struct xa_flow_tail *tail = tail_of(packet);
	bool is_fragment = tail->tag & XA_TAG_FRAGMENT;

	expect(packet->headers.is_ipv6 <= 1);
	expect(!tail->slot);
	expect(packet->headers.is_ipv6 == !!(tail->tag & XA_TAG_IPV6));
	expect(!(tail->tag & ~(XA_TAG_VLAN | XA_TAG_FRAGMENT | XA_TAG_IPV6)));
	if (is_fragment || !has_ports(packet))
		expect(!tail->sport && !tail->dport);
	if (is_fragment || tail->proto != XA_PROTO_TCP)
		expect(!packet->headers.tcp_flags);
	if (packet->headers.is_ipv6 && !is_fragment)
		expect(!xa_is_ext_header(tail->proto));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xa_packet packet, again, shorter;
	enum xa_class class, part;
	enum xa_link link;
	size_t cut;

	if (size < 2)
		return 0;
	link = data[0] % XA_LINK_COUNT_;
	cut = data[1];
	data += 2;
	size -= 2;
	class = parse(link, data, size, 0x00, &packet);
	expect(class <= XA_CLASS_EXT_LIMIT);
	expect(parse(link, data, size, 0xff, &again) == class);
	part = parse(link, data, size > cut ? size - cut : 0, 0x55, &shorter);
	expect(part == XA_CLASS_TRUNCATED || part == class);
	if (class != XA_CLASS_FLOW)
		return 0;
	check_flow(&packet);
	expect(are_same(&packet, &again) && packet.headers.tcp_flags == again.headers.tcp_flags);
	if (part == XA_CLASS_FLOW)
		expect(are_same(&packet, &shorter) &&
		       (!shorter.headers.tcp_flags ||
			shorter.headers.tcp_flags == packet.headers.tcp_flags));
	return 0;
}
