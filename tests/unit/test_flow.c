/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The words for protocols, families and reasons; keys of both families; the sum of two values, over
 * the clock's wrap. */

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/flow/flow.h"

static void test_class_names(void **state)
{
	static const char *const names[] = {
		"flow",		 "non_ip",	   "truncated", "vlan_limit",	"ip_version",
		"ip_header_len", "ip_total_len",   "ext_limit", "map_full_tcp", "map_full_udp",
		"map_full_icmp", "map_full_other", "map_error",
	};

	(void)state;
	assert_int_equal(array_size(names), XA_CLASS_COUNT_);
	for (size_t i = 0; i < XA_CLASS_COUNT_; i++)
		assert_string_equal(xa_class_names[i], names[i]);
}

static void test_family(void **state)
{
	struct xa_flow_tail tail = {.tag = XA_TAG_VLAN | XA_TAG_FRAGMENT};

	(void)state;
	assert_string_equal(xa_family_names[XA_IPV4], "ipv4");
	assert_string_equal(xa_family_names[XA_IPV6], "ipv6");
	assert_int_equal(xa_flow_family(&tail), XA_IPV4);
	tail.tag |= XA_TAG_IPV6;
	assert_int_equal(xa_flow_family(&tail), XA_IPV6);
}

static void test_widen(void **state)
{
	struct xa_flow_key4 key = {
		.saddr = htonl(0x0a010203),
		.daddr = htonl(0xc0000201),
		.tail = {.sport = htons(4711),
			 .dport = htons(443),
			 .proto = 6,
			 .slot = 9,
			 .tag = 77},
	};
	struct xa_flow_key6 wide = xa_flow_key_widen(&key);
	const uint8_t saddr[16] = {10, 1, 2, 3}, daddr[16] = {192, 0, 2, 1};

	(void)state;
	assert_memory_equal(wide.saddr, saddr, 16);
	assert_memory_equal(wide.daddr, daddr, 16);
	assert_memory_equal(&wide.tail, &key.tail, sizeof(key.tail));
	assert_int_equal(xa_flow_family(&wide.tail), XA_IPV4);
}

/* Numbers and keywords as IANA lists them, in lower case. */
static void test_proto_names(void **state)
{
	static const struct {
		uint8_t number;
		const char *name;
	} protos[] = {
		{0, "hopopt"},	   {1, "icmp"},		{2, "igmp"},
		{4, "ipv4"},	   {6, "tcp"},		{8, "egp"},
		{17, "udp"},	   {27, "rdp"},		{33, "dccp"},
		{41, "ipv6"},	   {43, "ipv6-route"},	{44, "ipv6-frag"},
		{46, "rsvp"},	   {47, "gre"},		{50, "esp"},
		{51, "ah"},	   {58, "ipv6-icmp"},	{59, "ipv6-nonxt"},
		{60, "ipv6-opts"}, {88, "eigrp"},	{89, "ospfigp"},
		{93, "ax.25"},	   {94, "ipip"},	{97, "etherip"},
		{103, "pim"},	   {108, "ipcomp"},	{112, "vrrp"},
		{115, "l2tp"},	   {132, "sctp"},	{133, "fc"},
		{136, "udplite"},  {137, "mpls-in-ip"}, {138, "manet"},
		{139, "hip"},	   {140, "shim6"},	{141, "wesp"},
		{142, "rohc"},	   {143, "ethernet"},	{34, "3pc"},
		{39, "tp++"},	   {107, "a/n"},	{134, "rsvp-e2e-ignore"},
		{144, "aggfrag"},  {146, "homa"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(protos); i++) {
		assert_non_null(xa_proto_name(protos[i].number));
		assert_string_equal(xa_proto_name(protos[i].number), protos[i].name);
	}
	for (unsigned number = 147; number < 256; number++)
		assert_null(xa_proto_name((uint8_t)number));
}

static void test_proto_names_are_distinct(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 256; i++) {
		const char *name = xa_proto_name((uint8_t)i);

		if (!name)
			continue;
		assert_true(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-+/ ") ==
			    strlen(name));
		assert_true(strspn(name, "0123456789") < strlen(name));
		assert_string_not_equal(name, "other");
		for (unsigned j = 0; j < i; j++)
			if (xa_proto_name((uint8_t)j))
				assert_string_not_equal(name, xa_proto_name((uint8_t)j));
	}
}

static void test_add_proto(void **state)
{
	_cleanup_xa_buf_ struct xa_buf buf = {0};

	(void)state;
	xa_flow_add_proto(&buf, 58);
	xa_buf_adds(&buf, " ");
	xa_flow_add_proto(&buf, 253);
	xa_buf_adds(&buf, " ");
	xa_flow_add_proto(&buf, 6);
	assert_string_equal(buf.text, "ipv6-icmp 253 tcp");
}

static void assert_address(const char *given, const char *text)
{
	_cleanup_xa_buf_ struct xa_buf buf = {0};
	enum xa_family family = strchr(given, ':') ? XA_IPV6 : XA_IPV4;
	uint8_t address[16] = {0};

	assert_int_equal(inet_pton(family == XA_IPV6 ? AF_INET6 : AF_INET, given, address), 1);
	xa_buf_adds(&buf, ">");
	xa_flow_add_address(&buf, family, address);
	assert_string_equal(buf.text + 1, text);
}

/* The sections are RFC 5952's. */
static void test_addresses(void **state)
{
	(void)state;
	assert_address("10.0.0.1", "10.0.0.1");
	assert_address("255.255.255.255", "255.255.255.255");
	assert_address("0.0.0.0", "0.0.0.0");
	assert_address("2001:0db8::0001", "2001:db8::1"); /* 4.1 */
	assert_address("2001:db8:0:0:0:0:2:1", "2001:db8::2:1"); /* 4.2.1 */
	assert_address("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"); /* 4.2.2 */
	assert_address("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"); /* 4.2.3: the longest run */
	assert_address("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"); /* 4.2.3: the first of two */
	assert_address("2001:DB8::AbCd", "2001:db8::abcd"); /* 4.3 */
	assert_address("::ffff:c000:201", "::ffff:192.0.2.1"); /* 5 */
	assert_address("::", "::");
	assert_address("::1", "::1");
	assert_address("fe80::", "fe80::");
	assert_address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		       "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

static void test_ticks(void **state)
{
	(void)state;
	assert_int_equal(xa_tick(0), 0);
	assert_int_equal(xa_tick((1ULL << XA_TICK_SHIFT) - 1), 0);
	assert_int_equal(xa_tick(1ULL << XA_TICK_SHIFT), 1);
	assert_int_equal(xa_tick((1ULL << 52) + (5ULL << XA_TICK_SHIFT)), 5);
}

static void test_tick_age(void **state)
{
	(void)state;
	assert_int_equal(xa_tick_age(10, 10), 0);
	assert_int_equal(xa_tick_age(10, 17), 7);
	assert_int_equal(xa_tick_age(UINT32_MAX - 2, 4), 7);
	assert_int_equal(xa_tick_age(10, 3U << 30), (3U << 30) - 10);
	assert_int_equal(xa_tick_age(17, 10), 0);
	assert_int_equal(xa_tick_age(4, UINT32_MAX - 2), 0);
	assert_int_equal(xa_tick_age(10 + XA_TICK_SLACK, 10), 0);
	assert_int_equal(xa_tick_age(11 + XA_TICK_SLACK, 10), UINT32_MAX - XA_TICK_SLACK);
}

static struct xa_flow_value value_at(uint32_t first, uint32_t last)
{
	return (struct xa_flow_value){
		.packets = 10,
		.bytes = 1000,
		.first_tick = first,
		.last_tick = last,
		.tcp_flags = 0x02,
		.tos = 1,
		.ttl_min = 60,
		.ttl_max = 64,
		.len_min = 60,
		.len_max = 1500,
	};
}

static void test_value_add(void **state)
{
	struct xa_flow_value into = value_at(100, 200), from = value_at(50, 300);

	(void)state;
	from.packets = 3;
	from.bytes = 200;
	from.tcp_flags = 0x11;
	from.tos = 7;
	from.ttl_min = 1;
	from.ttl_max = 63;
	from.len_min = 70;
	from.len_max = 65535;
	xa_flow_value_add(&into, &from, 400);
	assert_int_equal(into.packets, 13);
	assert_int_equal(into.bytes, 1200);
	assert_int_equal(into.first_tick, 50);
	assert_int_equal(into.last_tick, 300);
	assert_int_equal(into.tcp_flags, 0x13);
	assert_int_equal(into.tos, 7);
	assert_int_equal(into.ttl_min, 1);
	assert_int_equal(into.ttl_max, 64);
	assert_int_equal(into.len_min, 60);
	assert_int_equal(into.len_max, 65535);
}

static void test_value_add_earlier(void **state)
{
	struct xa_flow_value into = value_at(100, 200), from = value_at(120, 180);

	(void)state;
	from.tos = 9;
	xa_flow_value_add(&into, &from, 200);
	assert_int_equal(into.first_tick, 100);
	assert_int_equal(into.last_tick, 200);
	assert_int_equal(into.tos, 1);
}

static void test_value_add_nothing(void **state)
{
	struct xa_flow_value into = {0}, from = value_at(5, 6), none = {.first_tick = 1};

	(void)state;
	xa_flow_value_add(&into, &from, 6);
	assert_memory_equal(&into, &from, sizeof(into));
	xa_flow_value_add(&into, &none, 6);
	assert_memory_equal(&into, &from, sizeof(into));
}

/* One CPU saw the flow before the ticks wrapped, the other after: whichever comes first. */
static void test_value_add_wraps(void **state)
{
	struct xa_flow_value before = value_at(UINT32_MAX - 20, UINT32_MAX - 10);
	struct xa_flow_value after = value_at(3, 9), into = before;

	(void)state;
	after.tos = 8;
	xa_flow_value_add(&into, &after, 10);
	assert_int_equal(into.first_tick, UINT32_MAX - 20);
	assert_int_equal(into.last_tick, 9);
	assert_int_equal(into.tos, 8);
	into = after;
	xa_flow_value_add(&into, &before, 10);
	assert_int_equal(into.first_tick, UINT32_MAX - 20);
	assert_int_equal(into.last_tick, 9);
	assert_int_equal(into.tos, 8);
}

/* A CPU that saw the flow a month ago: the difference of the two ticks alone would say that it is
 * the one that comes after. */
static void test_value_add_long_ago(void **state)
{
	const uint32_t now = 3U << 30;
	struct xa_flow_value old = value_at(10, 20), young = value_at(now - 5, now - 1), into = old;

	(void)state;
	young.tos = 8;
	xa_flow_value_add(&into, &young, now);
	assert_int_equal(into.first_tick, 10);
	assert_int_equal(into.last_tick, now - 1);
	assert_int_equal(into.tos, 8);
	into = young;
	xa_flow_value_add(&into, &old, now);
	assert_int_equal(into.first_tick, 10);
	assert_int_equal(into.last_tick, now - 1);
	assert_int_equal(into.tos, 8);
}

/* CPUs whose clocks are a little ahead of the reader's: of now, and not of 52 days ago. */
static void test_value_add_ahead(void **state)
{
	struct xa_flow_value into = value_at(100, 200), ahead = value_at(900, 1000);

	(void)state;
	ahead.tos = 8;
	xa_flow_value_add(&into, &ahead, 500);
	assert_int_equal(into.first_tick, 100);
	assert_int_equal(into.last_tick, 1000);
	assert_int_equal(into.tos, 8);
	into = value_at(900, 1000);
	ahead = value_at(100, 200);
	xa_flow_value_add(&into, &ahead, 500);
	assert_int_equal(into.first_tick, 100);
	assert_int_equal(into.last_tick, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_class_names),
		cmocka_unit_test(test_family),
		cmocka_unit_test(test_widen),
		cmocka_unit_test(test_proto_names),
		cmocka_unit_test(test_proto_names_are_distinct),
		cmocka_unit_test(test_add_proto),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_ticks),
		cmocka_unit_test(test_tick_age),
		cmocka_unit_test(test_value_add),
		cmocka_unit_test(test_value_add_earlier),
		cmocka_unit_test(test_value_add_nothing),
		cmocka_unit_test(test_value_add_wraps),
		cmocka_unit_test(test_value_add_long_ago),
		cmocka_unit_test(test_value_add_ahead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
