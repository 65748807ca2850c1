/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A trie that looks at four bits a step and has nodes only where something branches or ends: with
 * 10,000 random networks, a lookup passes four or five. A prefix stands in the node that looks at
 * its last bit, beside the others that end there, and covers one to eight of its branches. */

#include "plugins/prefix.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STRIDE	 4
#define BRANCHES (1U << STRIDE)

/* An address of either family, the first bit on top. */
struct bits {
	uint64_t high, low;
};

/*
 * What ends in a node has its last one to four bits there. Those bits behind a 1 are its place in
 * `value`: 2 and 3 are the two prefixes that end with the node's first bit, 4 to 7 those that end
 * with the second; the longer, the higher. Place 1 is the prefix of no bits, in a root.
 */
struct node {
	struct bits bits; /* that lead here, the rest is 0 */
	uint32_t depth; /* how many of them */
	uint32_t present; /* bit n: value[n] is there */
	uint32_t child[BRANCHES]; /* number of a node; 0: none, for roots are no children */
	uint32_t value[2 * BRANCHES];
};

struct xa_prefix_tree {
	struct node *nodes; /* the first two are the roots */
	uint32_t count, size;
};

/* The places in `value` of all prefixes that cover a branch. */
#define COVERS(n) \
	(1U << 1 | 1U << (2 | (n) >> 3) | 1U << (4 | (n) >> 2) | 1U << (8 | (n) >> 1) | \
	 1U << (16 | (n)))

static struct bits mask_of(uint32_t len)
{
	return (struct bits){
		.high = len >= 64 ? UINT64_MAX : ~(UINT64_MAX >> len),
		.low = len <= 64 ? 0 : ~(UINT64_MAX >> 1 >> (len - 65)),
	};
}

static struct bits load(uint8_t family, const uint8_t address[16])
{
	struct bits bits;
	uint32_t word;

	/* no zeroes around the word in memory first: reading two stores at once costs 25 ns */
	if (family == 4) {
		memcpy(&word, address, sizeof(word));
		return (struct bits){.high = (uint64_t)be32toh(word) << 32};
	}
	memcpy(&bits, address, sizeof(bits));
	return (struct bits){.high = be64toh(bits.high), .low = be64toh(bits.low)};
}

/* Do the first `len` bits agree? */
static bool agree(struct bits one, struct bits other, uint32_t len)
{
	const struct bits mask = mask_of(len);

	return !(((one.high ^ other.high) & mask.high) | ((one.low ^ other.low) & mask.low));
}

/* The four bits behind the first `depth` ones. */
static uint32_t branch_of(struct bits bits, uint32_t depth)
{
	const uint64_t half = depth < 64 ? bits.high : bits.low;

	return half >> (64 - STRIDE - depth % 64) & (BRANCHES - 1);
}

/* --- text --- */

/* Digits alone, none of them in vain. */
static int parse_len(const char *text, unsigned max, uint8_t *ret)
{
	unsigned len = 0;

	if (!*text || (text[0] == '0' && text[1]))
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		len = len * 10 + (unsigned)(*text - '0');
		if (len > max)
			return -EINVAL;
	}
	*ret = (uint8_t)len;
	return 0;
}

/* Clears what is behind the prefix's length: was anything set there? */
static bool clear_host_bits(struct xa_prefix *prefix)
{
	bool any = false;

	for (unsigned i = 0; i < sizeof(prefix->address); i++) {
		const unsigned bits = prefix->len > 8 * i ? prefix->len - 8 * i : 0;
		const uint8_t host = bits < 8 ? 0xff >> bits : 0;

		any |= prefix->address[i] & host;
		prefix->address[i] &= (uint8_t)~host;
	}
	return any;
}

int xa_prefix_parse(const char *text, struct xa_prefix *ret)
{
	struct xa_prefix prefix = {.family = strchr(text, ':') ? 6 : 4};
	const unsigned max = prefix.family == 6 ? 128 : 32;
	const size_t len = strcspn(text, "/");
	char address[INET6_ADDRSTRLEN];

	prefix.len = (uint8_t)max;
	if (len >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, len);
	address[len] = '\0';
	if (inet_pton(prefix.family == 6 ? AF_INET6 : AF_INET, address, prefix.address) != 1)
		return -EINVAL;
	if (text[len] && parse_len(text + len + 1, max, &prefix.len))
		return -EINVAL;
	const bool any = clear_host_bits(&prefix);

	*ret = prefix;
	return any ? -EDOM : 0;
}

const char *xa_prefix_format(const struct xa_prefix *prefix, char text[XA_PREFIX_TEXT_BYTES])
{
	char address[INET6_ADDRSTRLEN];

	if (!inet_ntop(prefix->family == 6 ? AF_INET6 : AF_INET, prefix->address, address,
		       sizeof(address)))
		address[0] = '\0';
	(void)snprintf(text, XA_PREFIX_TEXT_BYTES, "%s/%u", address, prefix->len);
	return text;
}

/* --- the tree --- */

int xa_prefix_tree_new(struct xa_prefix_tree **ret)
{
	struct xa_prefix_tree *tree = calloc(1, sizeof(*tree));

	if (!tree)
		return -ENOMEM;
	tree->nodes = calloc(2, sizeof(*tree->nodes));
	if (!tree->nodes) {
		free(tree);
		return -ENOMEM;
	}
	tree->count = tree->size = 2;
	*ret = tree;
	return 0;
}

void xa_prefix_tree_free(struct xa_prefix_tree *tree)
{
	if (!tree)
		return;
	free(tree->nodes);
	free(tree);
}

static uint32_t root_of(uint8_t family)
{
	return family == 6;
}

/* Room for as many nodes as one prefix may want: one where it ends, one where its way parts. */
static int reserve(struct xa_prefix_tree *tree)
{
	const uint32_t size = tree->size * 2;
	struct node *nodes;

	if (tree->size - tree->count >= 2)
		return 0;
	if (tree->size > UINT32_MAX / 2)
		return -ENOMEM;
	nodes = reallocarray(tree->nodes, size, sizeof(*nodes));
	if (!nodes)
		return -ENOMEM;
	tree->nodes = nodes;
	tree->size = size;
	return 0;
}

static uint32_t new_node(struct xa_prefix_tree *tree, struct bits bits, uint32_t depth)
{
	const struct bits mask = mask_of(depth);

	tree->nodes[tree->count] = (struct node){
		.bits = {.high = bits.high & mask.high, .low = bits.low & mask.low},
		.depth = depth,
	};
	return tree->count++;
}

/* How far two ways go together: whole steps, `max` bits at most. */
static uint32_t shared(struct bits one, struct bits other, uint32_t max)
{
	uint32_t depth = 0;

	while (depth < max && branch_of(one, depth) == branch_of(other, depth))
		depth += STRIDE;
	return depth;
}

/* Puts a node on the way of `bits` behind `at`, before what stands there so far. */
static uint32_t insert(struct xa_prefix_tree *tree, uint32_t at, struct bits bits, uint32_t depth)
{
	const uint32_t added = new_node(tree, bits, depth);
	uint32_t *link = &tree->nodes[at].child[branch_of(bits, tree->nodes[at].depth)];

	if (*link)
		tree->nodes[added].child[branch_of(tree->nodes[*link].bits, depth)] = *link;
	*link = added;
	return added;
}

/* The node at `depth` on the way of `bits`, which is made if it is not there. */
static uint32_t walk_to(struct xa_prefix_tree *tree, uint32_t at, struct bits bits, uint32_t depth)
{
	while (tree->nodes[at].depth < depth) {
		const uint32_t child =
			tree->nodes[at].child[branch_of(bits, tree->nodes[at].depth)];
		const struct node *below = &tree->nodes[child];
		uint32_t parting = depth;

		if (child)
			parting = shared(bits, below->bits,
					 below->depth < depth ? below->depth : depth);
		at = child && parting == below->depth ? child : insert(tree, at, bits, parting);
	}
	return at;
}

/* How deep the node is in which a prefix stands. */
static uint32_t depth_of(const struct xa_prefix *prefix)
{
	return prefix->len ? (prefix->len - 1U) / STRIDE * STRIDE : 0;
}

/* Its place there. */
static uint32_t place_of(const struct xa_prefix *prefix, struct bits bits)
{
	const uint32_t depth = depth_of(prefix), used = prefix->len - depth;

	return 1U << used | branch_of(bits, depth) >> (STRIDE - used);
}

static bool is_prefix(const struct xa_prefix *prefix)
{
	struct xa_prefix copy = *prefix;

	if (prefix->family != 4 && prefix->family != 6)
		return false;
	return prefix->len <= (prefix->family == 6 ? 128 : 32) && !clear_host_bits(&copy);
}

int xa_prefix_tree_add(struct xa_prefix_tree *tree, const struct xa_prefix *prefix, uint32_t value)
{
	if (!is_prefix(prefix) || !value)
		return -EINVAL;
	const struct bits bits = load(prefix->family, prefix->address);
	const uint32_t place = place_of(prefix, bits), there = xa_prefix_tree_get(tree, prefix);
	struct node *node;

	if (there)
		return there == value ? 0 : -EEXIST;
	if (reserve(tree))
		return -ENOMEM;
	node = &tree->nodes[walk_to(tree, root_of(prefix->family), bits, depth_of(prefix))];
	node->present |= 1U << place;
	node->value[place] = value;
	return 0;
}

uint32_t xa_prefix_tree_get(const struct xa_prefix_tree *tree, const struct xa_prefix *prefix)
{
	const struct bits bits = load(prefix->family, prefix->address);
	const uint32_t depth = depth_of(prefix);
	const struct node *node = &tree->nodes[root_of(prefix->family)];

	while (node->depth < depth) {
		const uint32_t child = node->child[branch_of(bits, node->depth)];

		if (!child)
			return 0;
		node = &tree->nodes[child];
	}
	if (node->depth != depth || !agree(node->bits, bits, depth))
		return 0;
	return node->value[place_of(prefix, bits)];
}

uint32_t xa_prefix_tree_find(const struct xa_prefix_tree *tree, uint8_t family,
			     const uint8_t address[16])
{
	const struct bits bits = load(family, address);
	uint32_t at = root_of(family), found = 0;

	do {
		const struct node *node = &tree->nodes[at];
		const uint32_t branch = branch_of(bits, node->depth);
		const uint32_t covers = node->present & COVERS(branch);

		if (!agree(node->bits, bits, node->depth))
			break;
		if (covers)
			found = node->value[31 - __builtin_clz(covers)];
		at = node->child[branch];
	} while (at);
	return found;
}
