/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "plugins/zones/networks.h"

/* Adds what stands in the file, in lines of "NETWORK ZONE"; there has to be one. `option` is where
 * the file is named. 0 or -EINVAL, said. */
int xa_list_read(struct xa_networks *networks, const struct xa_plugin_place *option,
		 const char *path);
