/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The largest flows of one snapshot as data, for those who choose among them: the rows that the
 * metrics show, with the labels of rules. Made by the loop thread and never changed once it is on a
 * page. It owns all that it points to; texts are UTF-8.
 */

#include <stdbool.h>

#include "core/base/arena.h"

/* What flows are told apart by: metrics.labels. The rest of a flow's key is nothing. */
enum xa_listed_field {
	XA_LISTED_SRC = 1 << 0,
	XA_LISTED_DST = 1 << 1,
	XA_LISTED_PROTO = 1 << 2,
	XA_LISTED_SPORT = 1 << 3,
	XA_LISTED_DPORT = 1 << 4,
};

/* One port, or those of metrics.fold_ports that are not told apart. */
struct xa_listed_ports {
	uint16_t first;
	uint16_t last;
};

struct xa_listed_flow {
	uint64_t packets;
	uint64_t bytes;
	double first_seen; /* wall, seconds */
	double last_seen;
	const char *proto; /* IANA's keyword, or the number as text */
	const char *interface; /* as the metrics write it; NULL: not known */
	const char **labels; /* by the number of the label; NULL: it has none */
	uint8_t src[16]; /* an IPv4 address stands in the first 4 */
	uint8_t dst[16];
	struct xa_listed_ports sport; /* of ICMP the type */
	struct xa_listed_ports dport; /* and the code */
	uint8_t proto_number;
	uint8_t tcp_flags;
	bool is_ipv6;
};

struct xa_listed_sum {
	uint64_t flows;
	uint64_t packets;
	uint64_t bytes;
};

struct xa_listing {
	double snapshot_time; /* wall, seconds */
	struct xa_listed_sum total; /* of the living flows */
	struct xa_listed_sum hidden; /* of these; rules hide them */
	unsigned fields; /* bits of enum xa_listed_field */
	const char **label_names;
	size_t label_count;
	struct xa_listed_flow *flows; /* largest first, as flows.rank_by has it */
	size_t count;
	struct xa_arena *arena; /* all of the above */
};

/* With room for so many flows and labels, all empty; fill it before it is shared. 0 or -ENOMEM. */
int xa_listing_new(struct xa_listing **ret, size_t flow_count, size_t label_count);
void xa_listing_free(struct xa_listing *listing);
XA_DEFINE_CLEANUP(xa_listing)
#define _cleanup_xa_listing_ XA_CLEANUP(xa_listing_cleanup)
