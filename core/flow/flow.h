/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What a flow is: the key that both families share, what one read of a source says of it, and its
 * words.
 */

#include <stdbool.h>

#include "bpf/flow_abi.h"
#include "core/base/base.h"
#include "core/base/buf.h"

/* Every flow has the IPv6 form of the key. An IPv4 address stands in the first 4 of 16 bytes, the
 * rest is zero, and tail.tag tells the families apart by XA_TAG_IPV6. No padding: compare and hash
 * the bytes. */
struct xa_reading {
	struct xa_flow_key6 key;
	struct xa_flow_value value;
};

enum xa_family {
	XA_IPV4,
	XA_IPV6,
	XA_FAMILY_COUNT_
};

extern const char *const xa_family_names[XA_FAMILY_COUNT_]; /* "ipv4", "ipv6" */
extern const char *const xa_class_names[XA_CLASS_COUNT_]; /* the metric label `reason` */

static inline enum xa_family xa_flow_family(const struct xa_flow_tail *tail)
{
	return tail->tag & XA_TAG_IPV6 ? XA_IPV6 : XA_IPV4;
}

static inline struct xa_flow_key6 xa_flow_key_widen(const struct xa_flow_key4 *key)
{
	struct xa_flow_key6 wide = {.tail = key->tail};

	__builtin_memcpy(wide.saddr, &key->saddr, sizeof(key->saddr));
	__builtin_memcpy(wide.daddr, &key->daddr, sizeof(key->daddr));
	return wide;
}

/* Adds the packets that `from` stands for to `into`, at `now_tick`; `into` with no packets takes
 * everything over. */
void xa_flow_value_add(struct xa_flow_value *into, const struct xa_flow_value *from,
		       uint32_t now_tick);

/* Ticks (flow_abi.h) of a CLOCK_MONOTONIC time. */
static inline uint32_t xa_tick(uint64_t monotonic_ns)
{
	return (uint32_t)(monotonic_ns >> XA_TICK_SHIFT);
}

/*
 * How long ago a tick was, up to 52 days, over the wrap. Two ticks are compared by their ages,
 * never with each other: a CPU that saw a flow a month ago would look newer than one that sees it
 * now. Clocks read on two CPUs differ by a little: a tick that is up to 1024 ticks ahead is of now.
 */
#define XA_TICK_SLACK 1024
static inline uint32_t xa_tick_age(uint32_t tick, uint32_t now_tick)
{
	return tick - now_tick <= XA_TICK_SLACK ? 0 : now_tick - tick;
}

/* IANA's protocol keyword in lower case, or NULL where there is none. */
const char *xa_proto_name(uint8_t proto);

/* Appends the address as text (RFC 5952), or the protocol's name or number. */
void xa_flow_add_address(struct xa_buf *buf, enum xa_family family, const uint8_t address[16]);
void xa_flow_add_proto(struct xa_buf *buf, uint8_t proto);
