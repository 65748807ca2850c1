/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Names the networks that a flow runs between: labels src_zone and dst_zone, by longest prefix. The
 * smallest whole plugin, and the one to copy from: it reads options, declares labels and writes
 * columns. All work is done in open(); a new flow then costs two lookups. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/prefix.h"
#include "plugins/xa_plugin.h"

/* The tree then takes 28 MB at most, less than half of what a worker has by default. */
#define NETWORKS_MAX 50000

enum zones_option {
	OPTION_NETWORKS,
	OPTION_DEFAULT,
	OPTION_COUNT_
};

static const struct xa_plugin_option zones_options[] = {
	[OPTION_NETWORKS] = {.name = "networks",
			     .type = XA_PLUGIN_TREE,
			     .required = true,
			     .help = "zones, each a name and its networks: "
				     "{office: [10.1.0.0/16, \"2001:db8::/48\"]}"},
	[OPTION_DEFAULT] = {.name = "default",
			    .type = XA_PLUGIN_TEXT,
			    .help = "the zone of addresses that are in none; no label if unset"},
};
_Static_assert(sizeof(zones_options) / sizeof(zones_options[0]) == OPTION_COUNT_, "a row each");

struct zones {
	const struct xa_plugin_host *host;
	struct xa_prefix_tree *tree; /* its values are the host's numbers of the zones' names */
	uint32_t networks; /* how many are in */
	uint32_t fallback; /* number of the zone of all other addresses */
	int src_label, dst_label;
};

__attribute__((format(printf, 4, 5))) static int refuse(const struct zones *zones,
							const struct xa_plugin_node *node,
							enum xa_plugin_cause cause,
							const char *format, ...)
{
	const struct xa_plugin_place place = {
		.file = node->file, .line = node->line, .column = node->column};
	char text[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	zones->host->fail(zones->host, cause, &place, text);
	return -EINVAL;
}

static int read_prefix(const struct zones *zones, const struct xa_plugin_node *node,
		       struct xa_prefix *ret)
{
	char network[XA_PREFIX_TEXT_BYTES];

	if (node->kind != XA_PLUGIN_SCALAR)
		return refuse(zones, node, XA_PLUGIN_ERROR,
			      "a network is a text like 10.1.0.0/16 or \"2001:db8::/48\"");
	switch (xa_prefix_parse(node->text, ret)) {
	case 0:
		return 0;
	case -EDOM:
		return refuse(zones, node, XA_PLUGIN_ERROR, "%s has host bits, meant %s?",
			      node->text, xa_prefix_format(ret, network));
	default:
		return refuse(
			zones, node, XA_PLUGIN_ERROR,
			"'%.64s' is no network: write 10.1.0.0/16, \"2001:db8::/48\" or an address",
			node->text);
	}
}

static int add_network(struct zones *zones, const struct xa_plugin_node *node, const char *name,
		       uint32_t zone)
{
	struct xa_prefix prefix;
	int error = read_prefix(zones, node, &prefix);

	if (error)
		return error;
	if (++zones->networks > NETWORKS_MAX)
		return refuse(zones, node, XA_PLUGIN_ERROR, "more than %d networks", NETWORKS_MAX);
	error = xa_prefix_tree_add(zones->tree, &prefix, zone);
	if (error == -EEXIST)
		return refuse(zones, node, XA_PLUGIN_ERROR,
			      "%s is in zone %s and in zone %s: take it out of one", node->text,
			      zones->host->value_text(
				      zones->host, xa_prefix_tree_get(zones->tree, &prefix), NULL),
			      name);
	if (error)
		return refuse(zones, node, XA_PLUGIN_MEMORY, "no memory for %u networks",
			      zones->networks);
	return 0;
}

/* The number of a zone's name, which is to be one that a metric can show. */
static int name_zone(const struct zones *zones, const struct xa_plugin_node *node, const char *name,
		     uint32_t *ret)
{
	const int error = zones->host->value(zones->host, name, strlen(name), ret);

	if (error == -EINVAL)
		return refuse(zones, node, XA_PLUGIN_INVALID,
			      "a zone's name is UTF-8 without control characters, %d bytes at most",
			      XA_PLUGIN_VALUE_BYTES - 1);
	if (error)
		return refuse(zones, node, XA_PLUGIN_MEMORY, "no memory for the zones' names");
	if (*ret == XA_PLUGIN_VALUE_NONE)
		return refuse(zones, node, XA_PLUGIN_INVALID, "a zone without a name");
	if (*ret == XA_PLUGIN_VALUE_OTHER && strcmp(name, "other") != 0)
		return refuse(zones, node, XA_PLUGIN_INVALID, "too many zones, no room for %s",
			      name);
	return 0;
}

static int add_zone(struct zones *zones, const struct xa_plugin_node *node)
{
	uint32_t zone;
	int error = name_zone(zones, node, node->key, &zone);

	if (error || node->kind == XA_PLUGIN_SCALAR)
		return error ? error : add_network(zones, node, node->key, zone);
	if (node->kind != XA_PLUGIN_LIST)
		return refuse(zones, node, XA_PLUGIN_ERROR,
			      "zone %s is a network or a list of them", node->key);
	for (const struct xa_plugin_node *at = node->children; at && !error; at = at->next)
		error = add_network(zones, at, node->key, zone);
	return error;
}

static int add_zones(struct zones *zones, const struct xa_plugin_node *node)
{
	int error = 0;

	if (node->kind != XA_PLUGIN_MAP || !node->children)
		return refuse(zones, node, XA_PLUGIN_ERROR,
			      "zones are written {NAME: [NETWORK, ...], ...}, one at least");
	for (const struct xa_plugin_node *at = node->children; at && !error; at = at->next)
		error = add_zone(zones, at);
	return error;
}

static int read_options(struct zones *zones, const struct xa_plugin_value *options)
{
	const struct xa_plugin_value *fallback = &options[OPTION_DEFAULT];

	if (fallback->text && *fallback->text) {
		const int error = name_zone(zones, fallback->node, fallback->text,
					    &zones->fallback);

		if (error)
			return error;
	}
	return add_zones(zones, options[OPTION_NETWORKS].node);
}

static int declare_labels(struct zones *zones)
{
	const struct xa_plugin_host *host = zones->host;

	zones->src_label = host->declare_label(host, "src_zone");
	if (zones->src_label < 0)
		return zones->src_label;
	zones->dst_label = host->declare_label(host, "dst_zone");
	return zones->dst_label < 0 ? zones->dst_label : 0;
}

static void zones_close(void *state)
{
	struct zones *zones = state;

	xa_prefix_tree_free(zones->tree);
	free(zones);
}

static int zones_open(const struct xa_plugin_host *host, const struct xa_plugin_value *options,
		      void **ret_state)
{
	struct zones *zones = calloc(1, sizeof(*zones));
	int error;

	if (!zones)
		return -ENOMEM;
	zones->host = host;
	error = xa_prefix_tree_new(&zones->tree);
	if (!error)
		error = declare_labels(zones);
	if (!error)
		error = read_options(zones, options);
	if (error) {
		zones_close(zones);
		return error;
	}
	*ret_state = zones;
	return 0;
}

static uint32_t zone_of(const struct zones *zones, uint8_t family, const uint8_t address[16])
{
	const uint32_t zone = xa_prefix_tree_find(zones->tree, family, address);

	return zone ? zone : zones->fallback;
}

static int zones_run(void *state, const struct xa_plugin_batch *batch)
{
	const struct zones *zones = state;
	uint32_t *src = zones->host->column(zones->host, zones->src_label);
	uint32_t *dst = zones->host->column(zones->host, zones->dst_label);

	for (size_t i = 0; i < batch->fresh_count; i++) {
		const struct xa_plugin_flow *flow = &batch->flows[batch->fresh[i]];

		src[flow->handle] = zone_of(zones, flow->family, flow->src);
		dst[flow->handle] = zone_of(zones, flow->family, flow->dst);
	}
	return 0;
}

XA_PLUGIN(zones, .help = "names the networks that a flow runs between", .options = zones_options,
	  .option_count = OPTION_COUNT_, .open = zones_open, .run = zones_run,
	  .close = zones_close);
