/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Rows of a snapshot as a listing: what is copied, in which words, and that nothing is borrowed. */

#include <arpa/inet.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/list.h"
#include "core/policy/annotation.h"

#define HANDLES 4

struct scene {
	char names[2][IF_NAMESIZE];
	const char *slot_names[XA_SLOTS];
	struct xa_flow rows[2];
	struct xa_traffic traffic;
};

/* All but the destination's port. */
static const struct xa_config config = {
	.metrics.labels = 1U << XA_LABEL_SRC | 1U << XA_LABEL_DST | 1U << XA_LABEL_PROTO |
			  1U << XA_LABEL_SPORT,
};

static void scene_begin(struct scene *scene)
{
	const uint32_t now = xa_tick(xa_now_ns());

	*scene = (struct scene){
		.names = {"eth0", "a\xff\x01z"},
		.rows = {{.key = {.saddr = {10, 0, 0, 1},
				  .daddr = {10, 0, 0, 2},
				  .tail = {.proto = 6,
					   .slot = 1,
					   .sport = htons(40000),
					   .dport = htons(443)}},
			  .packets = UINT64_MAX,
			  .bytes = 100,
			  .tcp_flags = 0x1b,
			  .first_tick = now - 10000, /* 10.5 s */
			  .last_tick = now},
			 {.key = {.saddr = {0x20, 1},
				  .tail = {.proto = 253, .slot = 2, .tag = XA_TAG_IPV6}},
			  .packets = 5,
			  .bytes = 6,
			  .first_tick = now,
			  .last_tick = now}},
		.traffic = {.config = &config,
			    .interface_label = true,
			    .totals = {7, 8, 9},
			    .hidden = {1, 2, 3},
			    .top_count = 2},
	};
	scene->slot_names[1] = scene->names[0];
	scene->slot_names[2] = scene->names[1];
	scene->traffic.slot_names = scene->slot_names;
	scene->traffic.top = scene->rows;
}

static void assert_near(double a, double b)
{
	assert_true(a - b < 1 && b - a < 1);
}

static void test_flows(void **state)
{
	_cleanup_xa_listing_ struct xa_listing *listing = NULL;
	const double now = xa_wall_seconds();
	struct scene scene;

	(void)state;
	scene_begin(&scene);
	assert_int_equal(xa_list_flows(&listing, &scene.traffic, 1234.5), 0);
	memset(&scene, 'x', sizeof(scene));
	assert_true(listing->snapshot_time == 1234.5);
	assert_int_equal(listing->total.flows, 7);
	assert_int_equal(listing->total.bytes, 9);
	assert_int_equal(listing->hidden.packets, 2);
	assert_int_equal(listing->label_count, 0);
	assert_int_equal(listing->fields,
			 XA_LISTED_SRC | XA_LISTED_DST | XA_LISTED_PROTO | XA_LISTED_SPORT);
	assert_int_equal(listing->count, 2);
	assert_true(listing->flows[0].packets == UINT64_MAX);
	assert_int_equal(listing->flows[0].bytes, 100);
	assert_near(listing->flows[0].first_seen, now - 10.5);
	assert_near(listing->flows[0].last_seen, now);
	assert_string_equal(listing->flows[0].proto, "tcp");
	assert_int_equal(listing->flows[0].proto_number, 6);
	assert_string_equal(listing->flows[0].interface, "eth0");
	assert_memory_equal(listing->flows[0].src, "\x0a\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	assert_memory_equal(listing->flows[0].dst, "\x0a\0\0\x02\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	assert_int_equal(listing->flows[0].sport.first, 40000);
	assert_int_equal(listing->flows[0].sport.last, 40000);
	assert_int_equal(listing->flows[0].dport.first, 443);
	assert_int_equal(listing->flows[0].tcp_flags, 0x1b);
	assert_false(listing->flows[0].is_ipv6);
	assert_string_equal(listing->flows[1].proto, "253");
	assert_string_equal(listing->flows[1].interface, "a:ff\x01z");
	assert_true(listing->flows[1].is_ipv6);
}

/* Rows have no slot where all flows are of one interface. */
static void test_sole_interface(void **state)
{
	_cleanup_xa_listing_ struct xa_listing *named = NULL, *unknown = NULL;
	struct scene scene;

	(void)state;
	scene_begin(&scene);
	scene.traffic.interface_label = false;
	scene.traffic.sole_slot = 1;
	assert_int_equal(xa_list_flows(&named, &scene.traffic, 0), 0);
	assert_string_equal(named->flows[0].interface, "eth0");
	assert_string_equal(named->flows[1].interface, "eth0");
	scene.traffic.sole_slot = XA_SLOT_UNKNOWN;
	assert_int_equal(xa_list_flows(&unknown, &scene.traffic, 0), 0);
	assert_null(unknown->flows[0].interface);
}

static void set_label(char *region, const struct xa_region_layout *layout, uint32_t handle,
		      const char *text)
{
	uint32_t *numbers = (void *)(region + layout->columns);
	struct xa_region_value *values = (void *)(region + layout->values);

	numbers[1 * HANDLES + handle] = 2;
	values[2].len = (uint32_t)strlen(text);
	memcpy(values[2].text, text, strlen(text) + 1);
	((struct xa_region_head *)(void *)region)->value_count = 3;
}

static void test_labels(void **state)
{
	static const struct xa_region_label labels[] = {{.name = "zone"}, {.name = "service"}};
	const struct xa_region_layout layout = xa_region_layout(HANDLES, HANDLES);
	const struct xa_plugin_flow flow = {.handle = 3};
	_cleanup_xa_listing_ struct xa_listing *listing = NULL;
	_cleanup_xa_annotations_ struct xa_annotations *annotations = NULL;
	_cleanup_free_ char *region = calloc(1, layout.size);
	struct scene scene;

	(void)state;
	assert_non_null(region);
	assert_int_equal(xa_annotations_new(&annotations, HANDLES, HANDLES), 0);
	xa_annotations_set_labels(annotations, labels, array_size(labels));
	set_label(region, &layout, 3, "büro \"1\"");
	assert_int_equal(xa_annotations_take(annotations, region, &layout, &flow, 1), 0);
	scene_begin(&scene);
	scene.rows[1].handle = 3;
	scene.traffic.annotations = annotations;
	assert_int_equal(xa_list_flows(&listing, &scene.traffic, 0), 0);
	xa_annotations_free(take_ptr(annotations)); /* and with it what is borrowed */
	assert_int_equal(listing->label_count, 2);
	assert_string_equal(listing->label_names[0], "zone");
	assert_string_equal(listing->label_names[1], "service");
	assert_null(listing->flows[0].labels[0]);
	assert_null(listing->flows[0].labels[1]);
	assert_null(listing->flows[1].labels[0]);
	assert_string_equal(listing->flows[1].labels[1], "büro \"1\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flows),
		cmocka_unit_test(test_sole_interface),
		cmocka_unit_test(test_labels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
