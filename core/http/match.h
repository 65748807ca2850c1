/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Which flows of a listing are asked for: pairs of KEY=VALUE, separated by commas, all of which
 * have to hold. Any thread.
 *
 *	src dst			an address, or a network as ADDRESS/LENGTH
 *	sport dport port	0 to 65535; port is either of the two
 *	proto			a name as in the listing, or a number
 *	interface, and the names of the listing's labels
 *				the same text; none: flows that have no such label
 */

#include "core/metrics/listing.h"

/* Each key once; the labels of rules are XA_PLUGIN_LABELS_MAX (xa_plugin.h) at most. */
#define XA_MATCH_MAX 16

struct xa_match_term;

struct xa_match_pair {
	const struct xa_match_term *term;
	size_t label; /* its number, of a label's term */
	const char *text;
	unsigned number; /* a port, a protocol, the length of a network */
	bool is_ipv6;
	uint8_t address[16];
};

struct xa_match {
	struct xa_match_pair pairs[XA_MATCH_MAX];
	size_t count;
};

/* Cuts the text into its pairs, which borrow from it and from the listing. 0, or -EINVAL with a
 * text that names what is wrong. */
int xa_match_parse(struct xa_match *match, char *text, const struct xa_listing *listing,
		   struct xa_why *ret_why);

bool xa_match_holds(const struct xa_match *match, const struct xa_listed_flow *flow);
