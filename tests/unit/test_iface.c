/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Interfaces in a network namespace of the test's own: loopback, taps that it makes, routes that it
 * sets. Without the right to make one these tests are skipped.
 */

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>

#include <cmocka.h>
#include <linux/if_arp.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>

#include "core/source/iface.h"

/* A namespace with two taps that are up, a0 (10.1.0.1/24) and b0 (10.2.0.1/24). */
struct lab {
	int before;
	int control;
	int taps[2];
};

static const char *const tap_names[] = {"a0", "b0"};

static void name_set(struct ifreq *request, const char *name)
{
	(void)snprintf(request->ifr_name, sizeof(request->ifr_name), "%s", name);
}

static int tap_open(const char *name)
{
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	_cleanup_close_ int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	name_set(&request, name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request))
		return -1;
	return take_fd(fd);
}

static int address_set(const struct lab *lab, const char *name, const char *address)
{
	struct ifreq request = {0};
	struct sockaddr_in in = {.sin_family = AF_INET};

	name_set(&request, name);
	if (inet_pton(AF_INET, address, &in.sin_addr) != 1)
		return -1;
	memcpy(&request.ifr_addr, &in, sizeof(in));
	if (ioctl(lab->control, SIOCSIFADDR, &request))
		return -1;
	(void)inet_pton(AF_INET, "255.255.255.0", &in.sin_addr);
	memcpy(&request.ifr_netmask, &in, sizeof(in));
	return ioctl(lab->control, SIOCSIFNETMASK, &request);
}

static int link_up(const struct lab *lab, const char *name)
{
	struct ifreq request = {.ifr_flags = IFF_UP};

	name_set(&request, name);
	return ioctl(lab->control, SIOCSIFFLAGS, &request);
}

static int lab_fill(struct lab *lab)
{
	static const char *const addresses[] = {"10.1.0.1", "10.2.0.1"};

	lab->control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	for (size_t i = 0; i < array_size(tap_names); i++) {
		lab->taps[i] = tap_open(tap_names[i]);
		if (lab->taps[i] < 0 || address_set(lab, tap_names[i], addresses[i]) ||
		    link_up(lab, tap_names[i]))
			return -1;
	}
	return 0;
}

static void lab_end(struct lab *lab)
{
	for (size_t i = 0; i < array_size(lab->taps); i++)
		xa_cleanup_fd(&lab->taps[i]);
	xa_cleanup_fd(&lab->control);
	if (lab->before >= 0)
		(void)setns(lab->before, CLONE_NEWNET);
	xa_cleanup_fd(&lab->before);
}

static int setup(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));

	if (!lab)
		return -1;
	*lab = (struct lab){open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), -1, {-1, -1}};
	*state = lab;
	if (lab->before < 0 || unshare(CLONE_NEWNET) || lab_fill(lab)) {
		lab_end(lab);
		free(lab);
		*state = NULL;
	}
	return 0;
}

static int teardown(void **state)
{
	if (*state)
		lab_end(*state);
	free(*state);
	return 0;
}

#define needs_lab(state) \
	do { \
		if (!*(state)) \
			skip(); \
	} while (0)

/* A default route over `name`; without a name one that refuses what it gets. */
static void add_default4(const struct lab *lab, const char *name, short metric)
{
	struct rtentry route = {.rt_flags = name ? RTF_UP : RTF_UP | RTF_REJECT,
				.rt_metric = (short)(metric + 1)};
	char device[IF_NAMESIZE] = "";

	((struct sockaddr_in *)(void *)&route.rt_dst)->sin_family = AF_INET;
	((struct sockaddr_in *)(void *)&route.rt_genmask)->sin_family = AF_INET;
	(void)snprintf(device, sizeof(device), "%s", name ? name : "");
	route.rt_dev = name ? device : NULL;
	assert_int_equal(ioctl(lab->control, SIOCADDRT, &route), 0);
}

static void add_default6(const char *name, uint32_t metric)
{
	struct in6_rtmsg route = {.rtmsg_flags = RTF_UP,
				  .rtmsg_metric = metric,
				  .rtmsg_ifindex = (int)if_nametoindex(name)};
	_cleanup_close_ int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(ioctl(fd, SIOCADDRT, &route), 0);
}

struct change {
	uint16_t kind; /* RTM_NEWROUTE, RTM_DELROUTE */
	unsigned char family, type, table;
	const char *name; /* NULL: of no interface */
	const char *hops[2]; /* NULL: one next hop at most, that of `name` */
	uint32_t destination; /* IPv4, a /32 in the host's order; 0: a default route */
	uint32_t metric;
};

struct request {
	struct nlmsghdr header;
	struct rtmsg route;
	char attrs[256];
};

static void attr_add(struct request *request, unsigned short type, const void *value, size_t size)
{
	struct rtattr *attr = (void *)((char *)request + NLMSG_ALIGN(request->header.nlmsg_len));

	attr->rta_type = type;
	attr->rta_len = (unsigned short)RTA_LENGTH(size);
	memcpy(RTA_DATA(attr), value, size);
	request->header.nlmsg_len = NLMSG_ALIGN(request->header.nlmsg_len) +
				    RTA_ALIGN(attr->rta_len);
}

static void attr_add_u32(struct request *request, unsigned short type, uint32_t value)
{
	if (value)
		attr_add(request, type, &value, sizeof(value));
}

static void hops_add(struct request *request, const char *const *names)
{
	struct rtnexthop hops[2] = {0};

	for (size_t i = 0; i < array_size(hops); i++)
		hops[i] = (struct rtnexthop){.rtnh_len = sizeof(hops[i]),
					     .rtnh_ifindex = (int)if_nametoindex(names[i])};
	attr_add(request, RTA_MULTIPATH, hops, sizeof(hops));
}

/* What ioctl(2) cannot make: other tables, several next hops, routes that lead nowhere. */
static void route_change(const struct change *change)
{
	struct request request = {
		.header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)),
			   .nlmsg_type = change->kind,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
		.route = {.rtm_family = change->family,
			  .rtm_table = change->table,
			  .rtm_protocol = RTPROT_STATIC,
			  .rtm_scope = change->name ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
			  .rtm_type = change->type,
			  .rtm_dst_len = change->destination ? 32 : 0},
	};
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct {
		struct nlmsghdr header;
		struct nlmsgerr ack;
		char more[512];
	} answer = {.ack.error = -EIO};

	if (change->kind == RTM_NEWROUTE)
		request.header.nlmsg_flags |= NLM_F_CREATE | NLM_F_EXCL;
	attr_add_u32(&request, RTA_DST, htonl(change->destination));
	attr_add_u32(&request, RTA_PRIORITY, change->metric);
	attr_add_u32(&request, RTA_OIF, change->name ? if_nametoindex(change->name) : 0);
	if (change->hops[0])
		hops_add(&request, change->hops);
	assert_int_equal(send(fd, &request, request.header.nlmsg_len, 0), request.header.nlmsg_len);
	assert_true(recv(fd, &answer, sizeof(answer), 0) > 0);
	assert_int_equal(answer.header.nlmsg_type, NLMSG_ERROR);
	assert_int_equal(answer.ack.error, 0);
}

/* A default route that leads nowhere: RTN_BLACKHOLE and its like. */
static void add_refusal(unsigned char family, unsigned char type, uint32_t metric)
{
	route_change(&(struct change){RTM_NEWROUTE, family, type, RT_TABLE_MAIN, .metric = metric});
}

static const struct xa_iface *named(const struct xa_iface *ifaces, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(ifaces[i].name, name))
			return &ifaces[i];
	fail_msg("no interface %s", name);
	return NULL;
}

static void test_list_has_loopback(void **state)
{
	_cleanup_free_ struct xa_iface *ifaces = NULL;
	const struct xa_iface *lo;
	size_t count = 0;

	(void)state;
	assert_int_equal(xa_iface_list(&ifaces, &count), 0);
	lo = named(ifaces, count, "lo");
	assert_int_equal(lo->ifindex, if_nametoindex("lo"));
	assert_int_equal(lo->type, ARPHRD_LOOPBACK);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(ifaces[i].ifindex, if_nametoindex(ifaces[i].name));
}

static void test_list(void **state)
{
	_cleanup_free_ struct xa_iface *ifaces = NULL;
	size_t count = 0;

	needs_lab(state);
	assert_int_equal(xa_iface_list(&ifaces, &count), 0);
	assert_int_equal(named(ifaces, count, "a0")->type, ARPHRD_ETHER);
	assert_int_equal(named(ifaces, count, "b0")->ifindex, if_nametoindex("b0"));
	assert_int_equal(named(ifaces, count, "lo")->type, ARPHRD_LOOPBACK);
}

static void taps_open(int *ret_taps, size_t count)
{
	char name[IF_NAMESIZE];

	for (size_t i = 0; i < count; i++) {
		(void)snprintf(name, sizeof(name), "many%zu", i);
		ret_taps[i] = tap_open(name);
		assert_true(ret_taps[i] >= 0);
	}
}

/* More than one message of a dump can hold. */
static void test_list_of_many(void **state)
{
	_cleanup_free_ struct xa_iface *ifaces = NULL;
	char name[IF_NAMESIZE];
	int taps[60];
	size_t count = 0;

	needs_lab(state);
	taps_open(taps, array_size(taps));
	assert_int_equal(xa_iface_list(&ifaces, &count), 0);
	for (size_t i = 0; i < array_size(taps); i++) {
		(void)snprintf(name, sizeof(name), "many%zu", i);
		assert_int_equal(named(ifaces, count, name)->ifindex, if_nametoindex(name));
		(void)close(taps[i]);
	}
	assert_true(count >= 3 + array_size(taps));
}

/* Makes and ends an interface, over and over, until told to stop. */
static void *churn(void *ctx)
{
	const bool *stop = ctx;

	while (!__atomic_load_n(stop, __ATOMIC_RELAXED)) {
		int tap = tap_open("churn0");

		if (tap >= 0)
			(void)close(tap);
	}
	return NULL;
}

/* How many of the taps the list has; -EAGAIN if there was none to be had. */
static int taps_listed(void)
{
	_cleanup_free_ struct xa_iface *ifaces = NULL;
	size_t count = 0;
	int listed = 0, error = xa_iface_list(&ifaces, &count);

	for (size_t i = 0; i < count; i++)
		listed += !strncmp(ifaces[i].name, "many", 4);
	return error ? error : listed;
}

/* While others come and go: a whole list, or -EAGAIN, but never one that lacks what stood. */
static void test_list_while_it_changes(void **state)
{
	bool stop = false, right = true;
	pthread_t thread;
	int taps[60];

	needs_lab(state);
	taps_open(taps, array_size(taps));
	assert_int_equal(pthread_create(&thread, NULL, churn, &stop), 0);
	for (unsigned round = 0; round < 100; round++) {
		int listed = taps_listed();

		right &= listed == (int)array_size(taps) || listed == -EAGAIN;
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	(void)pthread_join(thread, NULL);
	assert_true(right);
	assert_int_equal(taps_listed(), array_size(taps));
	for (size_t i = 0; i < array_size(taps); i++)
		(void)close(taps[i]);
}

static void test_no_default(void **state)
{
	char name[IF_NAMESIZE] = "untouched";

	needs_lab(state);
	assert_int_equal(xa_iface_default(name), -ENOENT);
	assert_string_equal(name, "untouched");
}

static void test_default_of_lowest_metric(void **state)
{
	char name[IF_NAMESIZE] = "";

	needs_lab(state);
	add_default4(*state, "a0", 100);
	assert_int_equal(xa_iface_default(name), 0);
	assert_string_equal(name, "a0");
	add_default4(*state, "b0", 50);
	assert_int_equal(xa_iface_default(name), 0);
	assert_string_equal(name, "b0");
}

static void test_default_of_ipv6(void **state)
{
	char name[IF_NAMESIZE] = "";

	needs_lab(state);
	add_default6("a0", 1024);
	assert_int_equal(xa_iface_default(name), 0);
	assert_string_equal(name, "a0");
	add_default6("b0", 512);
	assert_int_equal(xa_iface_default(name), 0);
	assert_string_equal(name, "b0");
	add_default4(*state, "a0", 5000);
	assert_int_equal(xa_iface_default(name), 0);
	assert_string_equal(name, "a0");
}

/* Routes that refuse have the lowest metric, and are not where packets go. */
static void test_default_is_no_refusal(void **state)
{
	static const unsigned char types[] = {RTN_BLACKHOLE, RTN_THROW, RTN_UNREACHABLE,
					      RTN_PROHIBIT};
	char name[IF_NAMESIZE] = "untouched";

	needs_lab(state);
	for (size_t i = 0; i < array_size(types); i++) {
		add_refusal(AF_INET, types[i], (uint32_t)(1 + i));
		add_refusal(AF_INET6, types[i], (uint32_t)(1 + i));
	}
	assert_int_equal(xa_iface_default(name), -ENOENT);
	assert_string_equal(name, "untouched");
	add_default6("b0", 2000);
	assert_int_equal(xa_iface_default(name), 0);
	assert_string_equal(name, "b0");
	add_default4(*state, "a0", 100);
	assert_int_equal(xa_iface_default(name), 0);
	assert_string_equal(name, "a0");
}

/* Of other tables than the main one, of which there are packets that some rule picks. */
static void test_default_is_of_main_table(void **state)
{
	char name[IF_NAMESIZE] = "untouched";

	needs_lab(state);
	route_change(&(struct change){RTM_NEWROUTE, AF_INET, RTN_UNICAST, 100, .name = "a0"});
	route_change(&(struct change){RTM_NEWROUTE, AF_INET6, RTN_UNICAST, 100, .name = "a0",
				      .metric = 1});
	assert_int_equal(xa_iface_default(name), -ENOENT);
	assert_string_equal(name, "untouched");
	add_default4(*state, "b0", 100);
	assert_int_equal(xa_iface_default(name), 0);
	assert_string_equal(name, "b0");
}

static void test_default_of_several_hops(void **state)
{
	char name[IF_NAMESIZE] = "";

	needs_lab(state);
	route_change(&(struct change){RTM_NEWROUTE, AF_INET, RTN_UNICAST, RT_TABLE_MAIN,
				      .hops = {"b0", "a0"}});
	assert_int_equal(xa_iface_default(name), 0);
	assert_string_equal(name, "b0");
}

/* The better route goes: the other one's, IPv6's, and none. */
static void test_default_goes(void **state)
{
	const struct change route4 = {RTM_NEWROUTE,  AF_INET,	   RTN_UNICAST,
				      RT_TABLE_MAIN, .name = "a0", .metric = 7};
	struct change gone = route4;
	char name[IF_NAMESIZE] = "";

	needs_lab(state);
	route_change(&route4);
	add_default6("b0", 512);
	assert_int_equal(xa_iface_default(name), 0);
	assert_string_equal(name, "a0");
	gone.kind = RTM_DELROUTE;
	route_change(&gone);
	assert_int_equal(xa_iface_default(name), 0);
	assert_string_equal(name, "b0");
	(void)close(take_fd(((struct lab *)*state)->taps[1]));
	assert_int_equal(xa_iface_default(name), -ENOENT);
	assert_string_equal(name, "b0");
}

/* More than one message of a dump can hold: what ends it early ends it behind the default ones. */
static void test_default_among_many(void **state)
{
	char name[IF_NAMESIZE] = "";

	needs_lab(state);
	for (uint32_t i = 1; i <= 2000; i++)
		route_change(&(struct change){RTM_NEWROUTE, AF_INET, RTN_UNICAST, RT_TABLE_MAIN,
					      .name = "a0", .destination = i << 20 | 1});
	assert_int_equal(xa_iface_default(name), -ENOENT);
	add_default4(*state, "a0", 100);
	add_default4(*state, "b0", 50);
	assert_int_equal(xa_iface_default(name), 0);
	assert_string_equal(name, "b0");
}

static void test_watch(void **state)
{
	_cleanup_close_ int fd = -1;
	int tap;

	needs_lab(state);
	assert_int_equal(xa_iface_watch(&fd), 0);
	(void)xa_iface_changed(fd);
	assert_false(xa_iface_changed(fd));
	tap = tap_open("c0");
	assert_true(tap >= 0);
	assert_true(xa_iface_changed(fd));
	assert_false(xa_iface_changed(fd));
	(void)close(tap);
	assert_true(xa_iface_changed(fd));
	assert_false(xa_iface_changed(fd));
}

/* More messages than the socket holds: the bell rings all the same, and falls silent. */
static void test_watch_overrun(void **state)
{
	_cleanup_close_ int fd = -1;
	int small = 1;

	needs_lab(state);
	assert_int_equal(xa_iface_watch(&fd), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	for (int i = 0; i < 20; i++) {
		int tap = tap_open("c0");

		assert_true(tap >= 0);
		(void)close(tap);
	}
	assert_true(xa_iface_changed(fd));
	assert_false(xa_iface_changed(fd));
}

/* Silence on all that is no default route of the main table, of either family. */
static void test_watch_default_routes(void **state)
{
	static const unsigned char families[] = {AF_INET, AF_INET6};
	_cleanup_close_ int fd = -1;

	needs_lab(state);
	assert_int_equal(xa_iface_watch(&fd), 0);
	(void)xa_iface_changed(fd);
	for (size_t i = 0; i < array_size(families); i++) {
		struct change change = {RTM_NEWROUTE,  families[i],  RTN_UNICAST,
					RT_TABLE_MAIN, .name = "a0", .metric = 9};

		route_change(&change);
		assert_true(xa_iface_changed(fd));
		assert_false(xa_iface_changed(fd));
		change.kind = RTM_DELROUTE;
		route_change(&change);
		assert_true(xa_iface_changed(fd));
		change.kind = RTM_NEWROUTE;
		change.table = 100;
		route_change(&change);
		assert_false(xa_iface_changed(fd));
	}
}

static void test_watch_other_routes(void **state)
{
	_cleanup_close_ int fd = -1;
	struct change change = {RTM_NEWROUTE, AF_INET, RTN_UNICAST, RT_TABLE_MAIN, .name = "a0"};

	needs_lab(state);
	assert_int_equal(xa_iface_watch(&fd), 0);
	(void)xa_iface_changed(fd);
	for (uint32_t i = 1; i <= 2000; i++) {
		change.destination = i << 20 | 1;
		route_change(&change);
	}
	assert_false(xa_iface_changed(fd));
}

static void test_link_headers(void **state)
{
	(void)state;
	assert_true(xa_iface_has_link_header(ARPHRD_ETHER));
	assert_true(xa_iface_has_link_header(ARPHRD_LOOPBACK));
	assert_false(xa_iface_has_link_header(ARPHRD_NONE));
	assert_false(xa_iface_has_link_header(ARPHRD_RAWIP));
	assert_false(xa_iface_has_link_header(ARPHRD_TUNNEL));
	assert_false(xa_iface_has_link_header(ARPHRD_TUNNEL6));
	assert_false(xa_iface_has_link_header(ARPHRD_SIT));
	assert_false(xa_iface_has_link_header(ARPHRD_IPGRE));
	assert_false(xa_iface_has_link_header(ARPHRD_IP6GRE));
	assert_false(xa_iface_has_link_header(ARPHRD_PPP));
}

#define lab_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list_has_loopback),
		cmocka_unit_test(test_link_headers),
		lab_test(test_list),
		lab_test(test_list_of_many),
		lab_test(test_list_while_it_changes),
		lab_test(test_no_default),
		lab_test(test_default_of_lowest_metric),
		lab_test(test_default_of_ipv6),
		lab_test(test_default_is_no_refusal),
		lab_test(test_default_is_of_main_table),
		lab_test(test_default_of_several_hops),
		lab_test(test_default_goes),
		lab_test(test_default_among_many),
		lab_test(test_watch),
		lab_test(test_watch_overrun),
		lab_test(test_watch_default_routes),
		lab_test(test_watch_other_routes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
