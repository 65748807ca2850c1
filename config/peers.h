/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The list types of who talks to the server, one entry at a time: names of hosts, and networks. As
 * in lists.h. */

#include "config/options.h"

int xa_peers_hosts_add(struct xa_config *config, const struct xa_option *option, const char *text,
		       struct xa_why *why);
void xa_peers_hosts_format(const struct xa_config *config, const struct xa_option *option,
			   struct xa_buf *buf);
void xa_peers_hosts_describe(const struct xa_option *option, struct xa_buf *buf);

int xa_peers_networks_add(struct xa_config *config, const struct xa_option *option,
			  const char *text, struct xa_why *why);
void xa_peers_networks_format(const struct xa_config *config, const struct xa_option *option,
			      struct xa_buf *buf);
void xa_peers_networks_describe(const struct xa_option *option, struct xa_buf *buf);
