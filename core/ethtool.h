/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What an interface's driver says of it and how it is set: the old ioctls, which every kernel has
 * and which need no privilege. By name, in this network namespace.
 */

#include <linux/types.h>
#include <net/if.h>

#include "core/base/base.h"

struct xa_ethtool {
	int fd;
	char name[IF_NAMESIZE];
};

/* 0 or -errno. */
int xa_ethtool_open(struct xa_ethtool *ret_ethtool, const char *name);
void xa_ethtool_close(struct xa_ethtool *ethtool);
#define _cleanup_xa_ethtool_ XA_CLEANUP(xa_ethtool_close)

/* IFF_* of netdevice(7). 0 or -errno. */
int xa_ethtool_state(const struct xa_ethtool *ethtool, unsigned *ret_flags);
int xa_ethtool_mtu(const struct xa_ethtool *ethtool, unsigned *ret_mtu);

/* The driver's name, as `ethtool -i` has it. 0, -EOPNOTSUPP where there is no driver,
 * or -errno. */
int xa_ethtool_driver(const struct xa_ethtool *ethtool, char ret_driver[32]);

/* ETH_FLAG_* of <linux/ethtool.h>. 0 or -errno. */
int xa_ethtool_features(const struct xa_ethtool *ethtool, __u32 *ret_flags);

/* Queues that frames come in by. 0, -EOPNOTSUPP where the driver does not say, or -errno. */
int xa_ethtool_rx_queues(const struct xa_ethtool *ethtool, __u32 *ret_count);
