/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The snapshot that the policy sees, field by field, and what changes from one to the next. */

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/policy/view.h"

#define MAX    64
#define IDLE   1000
#define NOW    5000
#define UNIX   1700000000000000000ULL
#define TICKED (1ULL << XA_TICK_SHIFT)

struct scene {
	struct xa_ledger *ledger;
	struct xa_table *table;
	struct xa_snapshot_head head;
	struct xa_plugin_flow flows[MAX];
	const char *names[XA_SLOTS];
};

static int setup(void **state)
{
	const struct xa_table_limits limits = {.max = MAX, .idle_ticks = IDLE};
	struct scene *scene = calloc(1, sizeof(*scene));

	if (!scene || xa_ledger_new(&scene->ledger) ||
	    xa_table_new(&scene->table, &limits, scene->ledger) || xa_table_mark(scene->table))
		return -1;
	memset(&scene->head, 0xff, sizeof(scene->head));
	memset(scene->flows, 0xff, sizeof(scene->flows));
	*state = scene;
	return 0;
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	xa_table_free(scene->table);
	xa_ledger_free(scene->ledger);
	free(scene);
	return 0;
}

static struct xa_totals write_view(struct scene *scene, uint32_t now)
{
	const struct xa_view_time time = {
		.now_tick = now, .wall_ns = UNIX, .interval_ns = 10 * XA_NS_PER_S};

	return xa_view_write(&scene->head, scene->flows, scene->table, &time, scene->names);
}

static struct xa_reading tcp4(uint8_t host, uint64_t packets)
{
	return (struct xa_reading){
		.key = {.saddr = {10, 0, 0, host},
			.daddr = {192, 0, 2, 1},
			.tail = {.sport = htons(4711),
				 .dport = htons(443),
				 .proto = 6,
				 .slot = 3,
				 .tag = 77}},
		.value = {.packets = packets,
			  .bytes = packets * 100,
			  .first_tick = NOW - 900,
			  .last_tick = NOW - 1,
			  .tcp_flags = 0x12,
			  .tos = 0xb8,
			  .ttl_min = 60,
			  .ttl_max = 64,
			  .len_min = 64,
			  .len_max = 1514},
	};
}

static void test_fields(void **state)
{
	struct scene *scene = *state;
	const struct xa_reading reading = tcp4(7, 5);
	const struct xa_plugin_flow expected = {
		.src = {10, 0, 0, 7},
		.dst = {192, 0, 2, 1},
		.packets = 5,
		.bytes = 500,
		.packets_delta = 5,
		.bytes_delta = 500,
		.first_seen_ns = UNIX - 900 * TICKED,
		.last_seen_ns = UNIX - TICKED,
		.handle = 0,
		.serial = 1,
		.sport = 4711,
		.dport = 443,
		.vlan = 77,
		.interface = 3,
		.len_min = 64,
		.len_max = 1514,
		.family = 4,
		.proto = 6,
		.tcp_flags = 0x12,
		.tos = 0xb8,
		.ttl_min = 60,
		.ttl_max = 64,
	};
	struct xa_totals totals;

	xa_table_add(scene->table, &reading, NOW);
	totals = write_view(scene, NOW);
	assert_memory_equal(&scene->flows[0], &expected, sizeof(expected));
	assert_int_equal(totals.flows, 1);
	assert_int_equal(totals.packets, 5);
	assert_int_equal(totals.bytes, 500);
	assert_int_equal(scene->head.count, 1);
	assert_int_equal(scene->head.packets, 5);
	assert_int_equal(scene->head.bytes, 500);
	assert_int_equal(scene->head.now_ns, UNIX);
	assert_int_equal(scene->head.interval_ns, 10 * XA_NS_PER_S);
}

static void test_ipv6_fragment(void **state)
{
	struct scene *scene = *state;
	struct xa_reading reading = {
		.key = {.saddr = {0x20, 0x01, 0x0d, 0xb8, [15] = 1},
			.daddr = {0x20, 0x01, 0x0d, 0xb8, [15] = 2},
			.tail = {.proto = 17,
				 .slot = 255,
				 .tag = XA_TAG_IPV6 | XA_TAG_FRAGMENT | XA_TAG_VLAN}},
		.value = {.packets = 1, .bytes = 60, .first_tick = NOW + 9, .last_tick = NOW + 9},
	};
	const struct xa_plugin_flow *flow = scene->flows;

	xa_table_add(scene->table, &reading, NOW);
	(void)write_view(scene, NOW);
	assert_memory_equal(flow->src, reading.key.saddr, 16);
	assert_memory_equal(flow->dst, reading.key.daddr, 16);
	assert_int_equal(flow->family, 6);
	assert_int_equal(flow->is_fragment, 1);
	assert_int_equal(flow->vlan, 4095);
	assert_int_equal(flow->interface, 255);
	assert_int_equal(flow->sport, 0);
	/* a clock that is a little ahead */
	assert_int_equal(flow->first_seen_ns, UNIX);
	assert_int_equal(flow->last_seen_ns, UNIX);
}

/* What came since the last snapshot; of a flow that began again, all. */
static void test_deltas(void **state)
{
	struct scene *scene = *state;
	struct xa_reading reading = tcp4(7, 5);
	struct xa_table_read read = {.now_tick = NOW};
	bool forget;

	xa_table_apply(scene->table, &read, &reading, 1, &forget);
	(void)write_view(scene, NOW);
	(void)write_view(scene, NOW);
	assert_int_equal(scene->flows[0].packets, 5);
	assert_int_equal(scene->flows[0].packets_delta, 0);
	assert_int_equal(scene->flows[0].bytes_delta, 0);
	reading.value.packets += 3;
	reading.value.bytes += 200;
	xa_table_apply(scene->table, &read, &reading, 1, &forget);
	(void)write_view(scene, NOW);
	assert_int_equal(scene->flows[0].packets, 8);
	assert_int_equal(scene->flows[0].packets_delta, 3);
	assert_int_equal(scene->flows[0].bytes_delta, 200);
	assert_int_equal(scene->flows[0].serial, 1);
	assert_int_equal(write_view(scene, NOW + IDLE).flows, 0);
	reading.value.packets += 1;
	reading.value.bytes += 40;
	reading.value.last_tick = read.now_tick = NOW + IDLE + 1;
	xa_table_apply(scene->table, &read, &reading, 1, &forget);
	assert_int_equal(write_view(scene, NOW + IDLE + 1).flows, 1);
	assert_int_equal(scene->flows[0].packets, 1);
	assert_int_equal(scene->flows[0].packets_delta, 1);
	assert_int_equal(scene->flows[0].bytes_delta, 40);
	assert_int_equal(scene->flows[0].handle, 0);
	assert_int_equal(scene->flows[0].serial, 2);
}

/* Living flows only, and as many as the table holds. */
static void test_many(void **state)
{
	struct scene *scene = *state;
	bool seen[MAX] = {false};

	for (uint8_t host = 0; host < MAX; host++) {
		struct xa_reading reading = tcp4(host, 1U + host);

		reading.value.last_tick -= host % 2 ? IDLE : 0;
		reading.value.first_tick -= IDLE;
		xa_table_add(scene->table, &reading, NOW);
	}
	assert_int_equal(write_view(scene, NOW).flows, MAX / 2);
	assert_int_equal(scene->head.count, MAX / 2);
	assert_int_equal(xa_table_count(scene->table), MAX / 2);
	for (size_t i = 0; i < MAX / 2; i++) {
		const struct xa_plugin_flow *flow = &scene->flows[i];

		assert_int_equal(flow->src[3] % 2, 0);
		assert_int_equal(flow->packets, 1 + flow->src[3]);
		assert_true(flow->handle < MAX && !seen[flow->handle]);
		seen[flow->handle] = true;
	}
}

static void test_interfaces(void **state)
{
	static const char longest[] = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
				      "\xff";
	struct scene *scene = *state;

	scene->names[1] = "eth0";
	scene->names[2] = "a\xc3\"gr\xc3\xbcn";
	scene->names[255] = longest;
	(void)write_view(scene, NOW);
	assert_string_equal(scene->head.interfaces[0], "");
	assert_string_equal(scene->head.interfaces[1], "eth0");
	assert_string_equal(scene->head.interfaces[2], "a:c3\"gr\xc3\xbcn");
	assert_string_equal(scene->head.interfaces[254], "");
	assert_int_equal(strlen(scene->head.interfaces[255]), 3 * strlen(longest));
	scene->names[1] = NULL;
	(void)write_view(scene, NOW);
	assert_string_equal(scene->head.interfaces[1], "");
}

/* None is that long; it would be cut between two characters. */
static void test_long_name(void **state)
{
	struct scene *scene = *state;
	char name[XA_POLICY_INTERFACE_LEN + 8];

	memset(name, 'a', sizeof(name));
	memcpy(name + XA_POLICY_INTERFACE_LEN - 2, "\xe2\x82\xac", 3);
	name[sizeof(name) - 1] = '\0';
	scene->names[9] = name;
	(void)write_view(scene, NOW);
	assert_int_equal(strlen(scene->head.interfaces[9]), XA_POLICY_INTERFACE_LEN - 2);
}

#define view_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		view_test(test_fields), view_test(test_ipv6_fragment), view_test(test_deltas),
		view_test(test_many),	view_test(test_interfaces),    view_test(test_long_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
