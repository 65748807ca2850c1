/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Names the networks that a flow runs between: labels src_zone and dst_zone, by longest prefix. All
 * work is done in open(); a new flow then costs two lookups. */

#include <errno.h>
#include <stdlib.h>

#include "plugins/xa_plugin.h"
#include "plugins/zones/list.h"
#include "plugins/zones/networks.h"

enum zones_option {
	OPTION_NETWORKS,
	OPTION_FILE,
	OPTION_DEFAULT,
	OPTION_COUNT_
};

static const struct xa_plugin_option zones_options[] = {
	[OPTION_NETWORKS] = {.name = "networks",
			     .type = XA_PLUGIN_TREE,
			     .help = "zones, each a name and its networks: "
				     "{office: [10.1.0.0/16, \"2001:db8::/48\"]}"},
	[OPTION_FILE] = {.name = "file",
			 .type = XA_PLUGIN_FILE,
			 .help = "a text file of more of them, in lines of NETWORK ZONE"},
	[OPTION_DEFAULT] = {.name = "default",
			    .type = XA_PLUGIN_TEXT,
			    .help = "the zone of addresses that are in none; no label if unset"},
};
_Static_assert(sizeof(zones_options) / sizeof(zones_options[0]) == OPTION_COUNT_, "a row each");

struct zones {
	struct xa_networks networks;
	uint32_t fallback; /* number of the zone of all other addresses */
	int src_label, dst_label;
};

static struct xa_plugin_place place_of(const struct xa_plugin_node *node)
{
	return (struct xa_plugin_place){
		.file = node->file, .line = node->line, .column = node->column};
}

static int refuse(const struct xa_networks *networks, const struct xa_plugin_node *node,
		  const char *text)
{
	const struct xa_plugin_place place = place_of(node);

	return xa_networks_refuse(networks, &place, XA_PLUGIN_ERROR, "%s", text);
}

static int add_network(struct xa_networks *networks, const struct xa_plugin_node *node,
		       const char *name, uint32_t zone)
{
	const struct xa_plugin_place place = place_of(node);

	if (node->kind != XA_PLUGIN_SCALAR)
		return refuse(networks, node,
			      "a network is a text like 10.1.0.0/16 or \"2001:db8::/48\"");
	return xa_networks_add(networks, &place, node->text, name, zone);
}

static int add_zone(struct xa_networks *networks, const struct xa_plugin_node *node)
{
	const struct xa_plugin_place place = place_of(node);
	uint32_t zone;
	int error = xa_networks_name(networks, &place, node->key, &zone);

	if (error || node->kind == XA_PLUGIN_SCALAR)
		return error ? error : add_network(networks, node, node->key, zone);
	if (node->kind != XA_PLUGIN_LIST)
		return xa_networks_refuse(networks, &place, XA_PLUGIN_ERROR,
					  "zone %s is a network or a list of them", node->key);
	for (const struct xa_plugin_node *at = node->children; at && !error; at = at->next)
		error = add_network(networks, at, node->key, zone);
	return error;
}

static int add_zones(struct xa_networks *networks, const struct xa_plugin_node *node)
{
	int error = 0;

	if (node->kind != XA_PLUGIN_MAP || !node->children)
		return refuse(networks, node,
			      "zones are written {NAME: [NETWORK, ...], ...}, one at least");
	for (const struct xa_plugin_node *at = node->children; at && !error; at = at->next)
		error = add_zone(networks, at);
	return error;
}

static int read_networks(struct xa_networks *networks, const struct xa_plugin_value *tree,
			 const struct xa_plugin_value *file)
{
	const struct xa_plugin_place nowhere = {0};
	int error = tree->node ? add_zones(networks, tree->node) : 0;

	if (!error && file->node) {
		const struct xa_plugin_place place = place_of(file->node);

		error = xa_list_read(networks, &place, file->text);
	}
	if (!tree->node && !file->node)
		return xa_networks_refuse(networks, &nowhere, XA_PLUGIN_ERROR,
					  "no networks are given: write them under 'networks', "
					  "name a 'file' of them, or both");
	return error;
}

static int read_options(struct zones *zones, const struct xa_plugin_value *options)
{
	const struct xa_plugin_value *fallback = &options[OPTION_DEFAULT];

	if (fallback->text && *fallback->text) {
		const struct xa_plugin_place place = place_of(fallback->node);
		const int error = xa_networks_name(&zones->networks, &place, fallback->text,
						   &zones->fallback);

		if (error)
			return error;
	}
	return read_networks(&zones->networks, &options[OPTION_NETWORKS], &options[OPTION_FILE]);
}

static int declare_labels(struct zones *zones)
{
	const struct xa_plugin_host *host = zones->networks.host;

	zones->src_label = host->declare_label(host, "src_zone");
	if (zones->src_label < 0)
		return zones->src_label;
	zones->dst_label = host->declare_label(host, "dst_zone");
	return zones->dst_label < 0 ? zones->dst_label : 0;
}

static void zones_close(void *state)
{
	struct zones *zones = state;

	xa_prefix_tree_free(zones->networks.tree);
	free(zones);
}

static int zones_open(const struct xa_plugin_host *host, const struct xa_plugin_value *options,
		      void **ret_state)
{
	struct zones *zones = calloc(1, sizeof(*zones));
	int error;

	if (!zones)
		return -ENOMEM;
	zones->networks.host = host;
	error = xa_prefix_tree_new(&zones->networks.tree);
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
	const uint32_t zone = xa_prefix_tree_find(zones->networks.tree, family, address);

	return zone ? zone : zones->fallback;
}

static int zones_run(void *state, const struct xa_plugin_batch *batch)
{
	const struct zones *zones = state;
	const struct xa_plugin_host *host = zones->networks.host;
	uint32_t *src = host->column(host, zones->src_label);
	uint32_t *dst = host->column(host, zones->dst_label);

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
