/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Longest prefix match over IPv4 and IPv6 networks, for the plugins of this tree: a set is built
 * once and asked for every flow. Lookups do not write and may run at once; nothing else may.
 */

#include <stdint.h>

struct xa_prefix {
	uint8_t family; /* 4 or 6 */
	uint8_t len; /* bits; 32 or 128 at most */
	uint8_t address[16]; /* network byte order; IPv4 stands in the first 4, the rest is 0 */
};

/* The longest text of a prefix, its end included. */
#define XA_PREFIX_TEXT_BYTES 50

/* Reads "10.0.0.0/8", "2001:db8::/32"; an address alone is a prefix of its whole length. -EINVAL:
 * it is neither. -EDOM: bits are set behind the length; then *ret is the network that the address
 * lies in, which may be what was meant. */
int xa_prefix_parse(const char *text, struct xa_prefix *ret);

/* Writes it as xa_prefix_parse() reads it, the length always with it; returns `text`. */
const char *xa_prefix_format(const struct xa_prefix *prefix, char text[XA_PREFIX_TEXT_BYTES]);

/* A set of prefixes, each with a number that is not 0. */
struct xa_prefix_tree;

/* 0 or -ENOMEM. */
int xa_prefix_tree_new(struct xa_prefix_tree **ret);
void xa_prefix_tree_free(struct xa_prefix_tree *tree);

/* Any order. -EEXIST: this very prefix is there with another value. -EINVAL: no prefix, host bits
 * included, or no value. -ENOMEM. The set is what it was after an error. */
int xa_prefix_tree_add(struct xa_prefix_tree *tree, const struct xa_prefix *prefix, uint32_t value);

/* The value of this very prefix; 0: it is not in the set. */
uint32_t xa_prefix_tree_get(const struct xa_prefix_tree *tree, const struct xa_prefix *prefix);

/* The value of the longest prefix that the address lies in; 0: it lies in none. `family` is 4 or 6;
 * of an IPv4 address, the first 4 bytes count. */
uint32_t xa_prefix_tree_find(const struct xa_prefix_tree *tree, uint8_t family,
			     const uint8_t address[16]);
