/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * rtnetlink(7): a dump of links, and the link group's messages. What a message says is not
 * evaluated: it is only the bell at which the list is read again, so a lost message (ENOBUFS) loses
 * nothing.
 */

#include "core/source/iface.h"

#include <limits.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/route.h>
#include <string.h>
#include <sys/socket.h>

struct list {
	struct xa_iface *ifaces;
	size_t count;
	size_t size;
	bool interrupted; /* something changed while it was made: entries may be missing */
};

static void xdp_read(struct xa_iface *iface, struct rtattr *xdp)
{
	size_t len = RTA_PAYLOAD(xdp);

	for (struct rtattr *attr = RTA_DATA(xdp); RTA_OK(attr, len); attr = RTA_NEXT(attr, len)) {
		uint32_t *prog = attr->rta_type == IFLA_XDP_DRV_PROG_ID
					 ? &iface->xdp_progs[XA_IFACE_XDP_DRV]
				 : attr->rta_type == IFLA_XDP_SKB_PROG_ID
					 ? &iface->xdp_progs[XA_IFACE_XDP_SKB]
				 : attr->rta_type == IFLA_XDP_HW_PROG_ID
					 ? &iface->xdp_progs[XA_IFACE_XDP_HW]
					 : NULL;

		if (prog)
			memcpy(prog, RTA_DATA(attr), sizeof(*prog));
	}
}

/* netlink's macros take const away: so nothing here is */
static int list_add(struct list *list, struct ifinfomsg *info, size_t attrs_len)
{
	struct rtattr *attr = IFLA_RTA(info);
	struct xa_iface *iface;

	if (list->count == list->size) {
		size_t size = list->size ? 2 * list->size : 16;

		iface = reallocarray(list->ifaces, size, sizeof(*list->ifaces));
		if (!iface)
			return -ENOMEM;
		list->ifaces = iface;
		list->size = size;
	}
	iface = &list->ifaces[list->count];
	*iface = (struct xa_iface){.ifindex = (unsigned)info->ifi_index, .type = info->ifi_type};
	for (; RTA_OK(attr, attrs_len); attr = RTA_NEXT(attr, attrs_len)) {
		if (attr->rta_type == IFLA_IFNAME)
			(void)snprintf(iface->name, sizeof(iface->name), "%s",
				       (const char *)RTA_DATA(attr));
		else if ((attr->rta_type & NLA_TYPE_MASK) == IFLA_XDP)
			xdp_read(iface, attr);
	}
	list->count++;
	return 0;
}

/* 1: the dump goes on, 0: it is complete. */
static int list_add_messages(struct list *list, struct nlmsghdr *message, size_t len)
{
	for (; NLMSG_OK(message, len); message = NLMSG_NEXT(message, len)) {
		int error;

		list->interrupted |= message->nlmsg_flags & NLM_F_DUMP_INTR;
		if (message->nlmsg_type == NLMSG_DONE)
			return *(const int *)NLMSG_DATA(message);
		if (message->nlmsg_type == NLMSG_ERROR)
			return ((struct nlmsgerr *)NLMSG_DATA(message))->error;
		if (message->nlmsg_type != RTM_NEWLINK)
			continue;
		error = list_add(list, NLMSG_DATA(message),
				 message->nlmsg_len - NLMSG_LENGTH(sizeof(struct ifinfomsg)));
		if (error)
			return error;
	}
	return 1;
}

static int request_links(int fd)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg info;
	} request = {
		.header = {.nlmsg_len = sizeof(request),
			   .nlmsg_type = RTM_GETLINK,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.info = {.ifi_family = AF_UNSPEC},
	};

	return send(fd, &request, sizeof(request), 0) < 0 ? -errno : 0;
}

static int read_links(int fd, struct list *list)
{
	_cleanup_free_ char *buffer = malloc(65536);
	int more = 1;

	if (!buffer)
		return -ENOMEM;
	while (more > 0) {
		ssize_t len = recv(fd, buffer, 65536, 0);

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return -errno;
		more = list_add_messages(list, (struct nlmsghdr *)(void *)buffer, (size_t)len);
	}
	return more;
}

static int list_make(int fd, struct list *list)
{
	int error = request_links(fd);

	list->count = 0;
	list->interrupted = false;
	if (!error)
		error = read_links(fd, list);
	return error ? error : list->interrupted ? -EAGAIN : 0;
}

#define LIST_TRIES 5

int xa_iface_list(struct xa_iface **ret_ifaces, size_t *ret_count)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct list list = {0};
	int error = fd < 0 ? -errno : -EAGAIN;

	for (int i = 0; i < LIST_TRIES && error == -EAGAIN; i++)
		error = list_make(fd, &list);
	if (error) {
		free(list.ifaces);
		return error;
	}
	*ret_ifaces = list.ifaces;
	*ret_count = list.count;
	return 0;
}

/* proc(5): "iface destination gateway flags refcnt use metric mask …", numbers in hex but for the
 * metric. */
static int default_route4(char ret_name[IF_NAMESIZE])
{
	_cleanup_file_ FILE *file = fopen("/proc/self/net/route", "re");
	unsigned long best = ULONG_MAX;
	char line[512];

	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		unsigned long destination, flags, metric, mask;
		char name[IF_NAMESIZE];

		if (sscanf(line, "%15s %lx %*x %lx %*d %*d %lu %lx", name, &destination, &flags,
			   &metric, &mask) != 5 ||
		    destination || mask || flags & RTF_REJECT || metric >= best ||
		    !strcmp(name, "*")) /* blackhole and throw have no interface */
			continue;
		best = metric;
		(void)snprintf(ret_name, IF_NAMESIZE, "%s", name);
	}
	return best == ULONG_MAX ? -ENOENT : 0;
}

/* "destination prefix source prefix next-hop metric refcnt use flags iface", numbers in hex. */
static int default_route6(char ret_name[IF_NAMESIZE])
{
	_cleanup_file_ FILE *file = fopen("/proc/self/net/ipv6_route", "re");
	unsigned long best = ULONG_MAX;
	char line[512];

	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		unsigned long prefix, metric, flags;
		char name[IF_NAMESIZE], destination[33];

		if (sscanf(line, "%32s %lx %*s %*x %*s %lx %*x %*x %lx %15s", destination, &prefix,
			   &metric, &flags, name) != 5 ||
		    strspn(destination, "0") != 32 || prefix || flags & RTF_REJECT ||
		    metric >= best)
			continue;
		best = metric;
		(void)snprintf(ret_name, IF_NAMESIZE, "%s", name);
	}
	return best == ULONG_MAX ? -ENOENT : 0;
}

int xa_iface_default(char ret_name[IF_NAMESIZE])
{
	int error = default_route4(ret_name);

	return error ? default_route6(ret_name) : 0;
}

bool xa_iface_has_link_header(unsigned short type)
{
	switch (type) {
	case ARPHRD_NONE:
	case ARPHRD_RAWIP:
	case ARPHRD_PPP:
	case ARPHRD_TUNNEL:
	case ARPHRD_TUNNEL6:
	case ARPHRD_SIT:
	case ARPHRD_IPGRE:
	case ARPHRD_IP6GRE:
		return false;
	default:
		return true;
	}
}

int xa_iface_watch(int *ret_fd)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
					NETLINK_ROUTE);
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return -errno;
	*ret_fd = take_fd(fd);
	return 0;
}

bool xa_iface_changed(int fd)
{
	char buffer[8192];
	bool changed = false;

	while (recv(fd, buffer, sizeof(buffer), 0) >= 0 || errno == ENOBUFS || errno == EINTR)
		changed = true;
	return changed;
}
