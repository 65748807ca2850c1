/* SPDX-License-Identifier: GPL-2.0-or-later */

/* One socket of any kind will do; each answer comes in the structure that asked. */

#include "core/ethtool.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int xa_ethtool_open(struct xa_ethtool *ret_ethtool, const char *name)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	*ret_ethtool = (struct xa_ethtool){.fd = fd};
	(void)snprintf(ret_ethtool->name, sizeof(ret_ethtool->name), "%s", name);
	return 0;
}

void xa_ethtool_close(struct xa_ethtool *ethtool)
{
	if (ethtool->fd >= 0)
		(void)close(take_fd(ethtool->fd));
}

static int ask(const struct xa_ethtool *ethtool, unsigned long request, struct ifreq *ifreq)
{
	memcpy(ifreq->ifr_name, ethtool->name, sizeof(ifreq->ifr_name));
	return ioctl(ethtool->fd, request, ifreq) ? -errno : 0;
}

static int ask_driver(const struct xa_ethtool *ethtool, void *command)
{
	struct ifreq ifreq = {.ifr_data = command};

	return ask(ethtool, SIOCETHTOOL, &ifreq);
}

int xa_ethtool_state(const struct xa_ethtool *ethtool, unsigned *ret_flags)
{
	struct ifreq ifreq = {0};
	int error = ask(ethtool, SIOCGIFFLAGS, &ifreq);

	if (!error)
		*ret_flags = (unsigned short)ifreq.ifr_flags;
	return error;
}

int xa_ethtool_mtu(const struct xa_ethtool *ethtool, unsigned *ret_mtu)
{
	struct ifreq ifreq = {0};
	int error = ask(ethtool, SIOCGIFMTU, &ifreq);

	if (!error)
		*ret_mtu = (unsigned)ifreq.ifr_mtu;
	return error;
}

int xa_ethtool_driver(const struct xa_ethtool *ethtool, char ret_driver[32])
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	int error = ask_driver(ethtool, &info);

	if (!error)
		(void)snprintf(ret_driver, 32, "%.31s", info.driver);
	return error;
}

int xa_ethtool_features(const struct xa_ethtool *ethtool, __u32 *ret_flags)
{
	struct ethtool_value value = {.cmd = ETHTOOL_GFLAGS};
	int error = ask_driver(ethtool, &value);

	if (!error)
		*ret_flags = value.data;
	return error;
}

int xa_ethtool_rx_queues(const struct xa_ethtool *ethtool, __u32 *ret_count)
{
	struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};
	int error = ask_driver(ethtool, &channels);

	if (!error)
		*ret_count = channels.rx_count + channels.combined_count;
	return error;
}
