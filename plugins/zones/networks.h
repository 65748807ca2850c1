/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The networks of the zones while they are read, wherever they stand: what is wrong with one is
 * said at its place.
 */

#include <stdint.h>

#include "plugins/prefix.h"
#include "plugins/xa_plugin.h"

struct xa_networks {
	const struct xa_plugin_host *host;
	struct xa_prefix_tree *tree; /* its values are the host's numbers of the zones' names */
	uint32_t count; /* how many were added */
};

/* Says why the stage is not opened; returns -EINVAL. */
__attribute__((format(printf, 4, 5))) int xa_networks_refuse(const struct xa_networks *networks,
							     const struct xa_plugin_place *place,
							     enum xa_plugin_cause cause,
							     const char *format, ...);

/* The number of a zone's name, which is to be one that a metric can show. 0 or -EINVAL, said. */
int xa_networks_name(const struct xa_networks *networks, const struct xa_plugin_place *place,
		     const char *name, uint32_t *ret);

/* Adds the network to the zone of that name and number. 0 or -EINVAL, said. */
int xa_networks_add(struct xa_networks *networks, const struct xa_plugin_place *place,
		    const char *network, const char *name, uint32_t zone);
