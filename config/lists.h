/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Reading, writing and describing the list types, one entry at a time: what value.c's table of
 * types points to. The list has room for option->max entries. */

#include "config/options.h"

int xa_interfaces_add(struct xa_config *config, const struct xa_option *option, const char *text,
		      struct xa_why *why);
void xa_interfaces_format(const struct xa_config *config, const struct xa_option *option,
			  struct xa_buf *buf);
void xa_interfaces_describe(const struct xa_option *option, struct xa_buf *buf);

int xa_listen_add(struct xa_config *config, const struct xa_option *option, const char *text,
		  struct xa_why *why);
void xa_listen_format(const struct xa_config *config, const struct xa_option *option,
		      struct xa_buf *buf);
void xa_listen_describe(const struct xa_option *option, struct xa_buf *buf);

int xa_ports_add(struct xa_config *config, const struct xa_option *option, const char *text,
		 struct xa_why *why);
void xa_ports_format(const struct xa_config *config, const struct xa_option *option,
		     struct xa_buf *buf);
void xa_ports_describe(const struct xa_option *option, struct xa_buf *buf);
