/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * rtnetlink(7): dumps of links and of routes, and the messages of their groups. What a message says
 * is not evaluated: it is only the bell at which things are read again, so a lost message (ENOBUFS)
 * loses nothing. Of routes only the default ones ring, by a filter in the kernel: others may change
 * by the million.
 */

#include "core/source/iface.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

/* --- dumps --- */

/* `take` gets each message that is neither an error nor the end: 0 goes on, 1 has enough, or
 * -errno.
 */
struct dump {
	int (*take)(void *ctx, struct nlmsghdr *message);
	void *ctx;
	bool interrupted; /* something changed while it was made: entries may be missing */
};

/* 1: the dump goes on, 0: it is complete, or enough of it. netlink's macros take const away: so
 * nothing here is. */
static int take_messages(struct dump *dump, struct nlmsghdr *message, size_t len)
{
	for (; NLMSG_OK(message, len); message = NLMSG_NEXT(message, len)) {
		int r;

		dump->interrupted |= message->nlmsg_flags & NLM_F_DUMP_INTR;
		if (message->nlmsg_type == NLMSG_DONE)
			return *(const int *)NLMSG_DATA(message);
		if (message->nlmsg_type == NLMSG_ERROR)
			return ((struct nlmsgerr *)NLMSG_DATA(message))->error;
		r = dump->take(dump->ctx, message);
		if (r)
			return r < 0 ? r : 0;
	}
	return 1;
}

static int dump_read(int fd, const void *request, size_t size, struct dump *dump)
{
	_cleanup_free_ char *buffer = malloc(65536);
	int more = 1;

	if (!buffer)
		return -ENOMEM;
	if (send(fd, request, size, 0) < 0)
		return -errno;
	while (more > 0) {
		ssize_t len = recv(fd, buffer, 65536, 0);

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return -errno;
		more = take_messages(dump, (struct nlmsghdr *)(void *)buffer, (size_t)len);
	}
	return more;
}

/* --- links --- */

struct list {
	struct xa_iface *ifaces;
	size_t count;
	size_t size;
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

static int take_link(void *ctx, struct nlmsghdr *message)
{
	if (message->nlmsg_type != RTM_NEWLINK)
		return 0;
	return list_add(ctx, NLMSG_DATA(message),
			message->nlmsg_len - NLMSG_LENGTH(sizeof(struct ifinfomsg)));
}

static int list_make(int fd, struct list *list)
{
	const struct {
		struct nlmsghdr header;
		struct ifinfomsg info;
	} request = {
		.header = {.nlmsg_len = sizeof(request),
			   .nlmsg_type = RTM_GETLINK,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.info = {.ifi_family = AF_UNSPEC},
	};
	struct dump dump = {.take = take_link, .ctx = list};
	int error;

	list->count = 0;
	error = dump_read(fd, &request, sizeof(request), &dump);
	return error ? error : dump.interrupted ? -EAGAIN : 0;
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

/* --- routes --- */

/* The best default route so far. */
struct best {
	unsigned ifindex; /* 0: none */
	uint32_t metric;
};

/* What is of interest of a route. */
struct route {
	bool has_destination; /* other than 0.0.0.0 or :: */
	uint32_t table, metric;
	unsigned ifindex; /* of several next hops the first one's */
};

static uint32_t attr_u32(struct rtattr *attr)
{
	uint32_t value;

	memcpy(&value, RTA_DATA(attr), sizeof(value));
	return value;
}

static bool has_bits(struct rtattr *attr)
{
	static const char zeroes[sizeof(struct in6_addr)];
	size_t len = RTA_PAYLOAD(attr);

	return len > sizeof(zeroes) || memcmp(RTA_DATA(attr), zeroes, len) != 0;
}

static void route_read(struct route *route, struct rtattr *attr)
{
	switch (attr->rta_type) {
	case RTA_DST:
		route->has_destination = has_bits(attr);
		break;
	case RTA_TABLE:
		route->table = attr_u32(attr);
		break;
	case RTA_PRIORITY:
		route->metric = attr_u32(attr);
		break;
	case RTA_OIF:
		route->ifindex = attr_u32(attr);
		break;
	case RTA_MULTIPATH:
		route->ifindex = (unsigned)((struct rtnexthop *)RTA_DATA(attr))->rtnh_ifindex;
		break;
	default:
		break;
	}
}

/* A dump of IPv4 comes in the order of the destinations (leaf_walk_rcu() in net/ipv4/fib_trie.c):
 * behind the first that is not 0.0.0.0 there is no default route, of a million routes either. One
 * of IPv6 ends with them. */
static int take_route(void *ctx, struct nlmsghdr *message)
{
	struct rtmsg *info = NLMSG_DATA(message);
	struct route route = {.table = info->rtm_table};
	size_t len = RTM_PAYLOAD(message);
	struct best *best = ctx;

	if (message->nlmsg_type != RTM_NEWROUTE)
		return 0;
	for (struct rtattr *attr = RTM_RTA(info); RTA_OK(attr, len); attr = RTA_NEXT(attr, len))
		route_read(&route, attr);
	if (route.has_destination)
		return info->rtm_family == AF_INET;
	if (info->rtm_dst_len || info->rtm_type != RTN_UNICAST || route.table != RT_TABLE_MAIN ||
	    !route.ifindex || (best->ifindex && route.metric >= best->metric))
		return 0;
	*best = (struct best){route.ifindex, route.metric};
	return 0;
}

/* Asks for the main table alone; a kernel before 4.20 tells of all. */
static int find_default(unsigned char family, struct best *best)
{
	const struct {
		struct nlmsghdr header;
		struct rtmsg route;
		struct rtattr attr;
		uint32_t table;
	} request = {
		.header = {.nlmsg_len = sizeof(request),
			   .nlmsg_type = RTM_GETROUTE,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.route = {.rtm_family = family},
		.attr = {.rta_len = RTA_LENGTH(sizeof(uint32_t)), .rta_type = RTA_TABLE},
		.table = RT_TABLE_MAIN,
	};
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct dump dump = {.take = take_route, .ctx = best};
	const int on = 1;

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	return dump_read(fd, &request, sizeof(request), &dump);
}

int xa_iface_default(char ret_name[IF_NAMESIZE])
{
	struct best best = {0};
	char name[IF_NAMESIZE];
	int error = find_default(AF_INET, &best);

	if (!error && !best.ifindex)
		error = find_default(AF_INET6, &best);
	if (error == -EAFNOSUPPORT || error == -EOPNOTSUPP) /* a kernel without IPv6 */
		error = -ENOENT;
	if (error)
		return error;
	if (!best.ifindex || !if_indextoname(best.ifindex, name))
		return -ENOENT;
	memcpy(ret_name, name, IF_NAMESIZE);
	return 0;
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

/* --- the bell --- */

#define ROUTE_AT(member) (NLMSG_HDRLEN + offsetof(struct rtmsg, member))

/* Lets through what is of a link, or of a default route in the main table. Numbers that are not of
 * the network are loaded as if they were. */
static int filter_routes(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWROUTE), 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELROUTE), 0, 6),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, ROUTE_AT(rtm_dst_len)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 5),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, ROUTE_AT(rtm_table)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, RT_TABLE_MAIN, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ROUTE_AT(rtm_flags)),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, htonl(RTM_F_CLONED), 1, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog program = {.len = array_size(code), .filter = code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) ? -errno : 0;
}

int xa_iface_watch(int *ret_fd)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
					NETLINK_ROUTE);
	struct sockaddr_nl address = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE,
	};
	int error = fd < 0 ? -errno : filter_routes(fd);

	if (error)
		return error;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)))
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
