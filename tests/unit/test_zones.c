/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The zones through their plugin's descriptor: what flows are named, and what is said of options
 * that cannot be meant. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/base.h"
#include "plugins/prefix.h"
#include "tests/unit/zones_host.h"

extern const struct xa_plugin xa_plugin_zones;

struct scene {
	struct fake_state state;
	struct fake_host host;
	char networks[1024];
	void *zones;
};

static int open_zones(struct scene *scene, const char *networks, const char *fallback)
{
	const struct xa_plugin_node place = {.file = "a.yaml", .line = 9, .column = 9};
	struct xa_plugin_value options[2] = {{0}};

	memcpy(scene->networks, networks, strlen(networks) + 1);
	options[0].node = fake_zones(&scene->state, scene->networks);
	options[1] = (struct xa_plugin_value){.node = fallback ? &place : NULL, .text = fallback};
	return xa_plugin_zones.open(&scene->host.lent, options, &scene->zones);
}

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	if (!scene)
		return -ENOMEM;
	scene->host = fake_host(&scene->state);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	if (scene->zones)
		xa_plugin_zones.close(scene->zones);
	free(scene);
	return 0;
}

static struct xa_plugin_flow flow(uint32_t handle, const char *src, const char *dst)
{
	struct xa_plugin_flow flow = {.handle = handle};
	struct xa_prefix prefix;

	assert_int_equal(xa_prefix_parse(dst, &prefix), 0);
	memcpy(flow.dst, prefix.address, sizeof(flow.dst));
	assert_int_equal(xa_prefix_parse(src, &prefix), 0);
	memcpy(flow.src, prefix.address, sizeof(flow.src));
	flow.family = prefix.family;
	return flow;
}

static void run(struct scene *scene, const struct xa_plugin_flow *flows, size_t count,
		const uint32_t *fresh, size_t fresh_count)
{
	const struct xa_plugin_batch batch = {
		.flows = flows, .count = count, .fresh = fresh, .fresh_count = fresh_count};

	assert_int_equal(xa_plugin_zones.run(scene->zones, &batch), 0);
}

static void assert_zones(const struct scene *scene, uint32_t handle, const char *src,
			 const char *dst)
{
	const struct fake_state *state = &scene->state;

	assert_string_equal(state->values[state->columns[0][handle]], src);
	assert_string_equal(state->values[state->columns[1][handle]], dst);
}

static void test_descriptor(void **state)
{
	(void)state;
	assert_int_equal(xa_plugin_zones.abi, XA_PLUGIN_ABI);
	assert_int_equal(xa_plugin_zones.size, sizeof(struct xa_plugin));
	assert_string_equal(xa_plugin_zones.name, "zones");
	assert_int_equal(xa_plugin_zones.option_count, 2);
	assert_string_equal(xa_plugin_zones.options[0].name, "networks");
	assert_true(xa_plugin_zones.options[0].required);
	assert_string_equal(xa_plugin_zones.options[1].name, "default");
	assert_null(xa_plugin_zones.save);
}

static void test_longest_wins(void **state)
{
	static const uint32_t fresh[] = {0, 1, 2};
	struct scene *scene = *state;
	const struct xa_plugin_flow flows[] = {
		flow(5, "10.1.0.1", "10.2.0.1"),
		flow(6, "192.0.2.1", "10.2.7.7"),
		flow(7, "2001:db8:1::1", "2001:db8:2::1"),
	};

	assert_int_equal(open_zones(scene,
				    "{all: 10.0.0.0/8, office: [10.1.0.0/16, 2001:db8:1::/48], "
				    "lab: [10.2.0.0/16], door: [10.2.7.7]}",
				    NULL),
			 0);
	assert_string_equal(scene->state.labels[0], "src_zone");
	assert_string_equal(scene->state.labels[1], "dst_zone");
	run(scene, flows, 3, fresh, 3);
	assert_zones(scene, 5, "office", "lab");
	assert_zones(scene, 6, "", "door");
	assert_zones(scene, 7, "office", "");
}

static void test_default(void **state)
{
	static const uint32_t fresh[] = {0};
	const struct xa_plugin_flow flows[] = {flow(1, "10.1.0.1", "::1")};
	struct scene *scene = *state;

	assert_int_equal(open_zones(scene, "{office: [10.1.0.0/16]}", "world"), 0);
	run(scene, flows, 1, fresh, 1);
	assert_zones(scene, 1, "office", "world");
}

/* What is not fresh keeps its labels; a default of no letters is none. */
static void test_fresh_alone(void **state)
{
	static const uint32_t fresh[] = {1};
	const struct xa_plugin_flow flows[] = {flow(1, "10.1.0.1", "10.1.0.2"),
					       flow(2, "10.1.0.3", "10.9.0.4")};
	struct scene *scene = *state;

	assert_int_equal(open_zones(scene, "{office: [10.1.0.0/16]}", ""), 0);
	scene->state.columns[1][2] = 99;
	run(scene, flows, 2, fresh, 1);
	assert_zones(scene, 1, "", "");
	assert_zones(scene, 2, "office", "");
}

static void test_same_twice_in_one_zone(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(open_zones(scene, "{a: [10.0.0.0/8, 10.0.0.0/8], b: []}", NULL), 0);
}

struct refusal {
	const char *networks, *fallback;
	enum xa_plugin_cause cause;
	const char *complaint;
};

static const struct refusal refusals[] = {
	{"{office: [10.0.0.0/8, 10.1.2.3/16]}", NULL, XA_PLUGIN_ERROR,
	 "a.yaml:1:23: 10.1.2.3/16 has host bits, meant 10.1.0.0/16?"},
	{"{office: [10.1.0.0/33]}", NULL, XA_PLUGIN_ERROR,
	 "a.yaml:1:11: '10.1.0.0/33' is no network: write 10.1.0.0/16, \"2001:db8::/48\" or an "
	 "address"},
	{"{office: }", NULL, XA_PLUGIN_ERROR,
	 "a.yaml:1:10: '' is no network: write 10.1.0.0/16, \"2001:db8::/48\" or an address"},
	{"{a: 10.1.0.0/16, b: [10.2.0.0/16, 10.1.0.0/16]}", NULL, XA_PLUGIN_ERROR,
	 "a.yaml:1:35: 10.1.0.0/16 is in zone a and in zone b: take it out of one"},
	{"{a: 192.0.2.1, b: 192.0.2.1/32}", NULL, XA_PLUGIN_ERROR,
	 "a.yaml:1:19: 192.0.2.1/32 is in zone a and in zone b: take it out of one"},
	{"{: 10.1.0.0/16}", NULL, XA_PLUGIN_INVALID, "a.yaml:1:4: a zone without a name"},
	{"{a\x1b: 10.1.0.0/16}", NULL, XA_PLUGIN_INVALID,
	 "a.yaml:1:6: a zone's name is UTF-8 without control characters, 255 bytes at most"},
	{"{a: 10.1.0.0/16}", "b\n", XA_PLUGIN_INVALID,
	 "a.yaml:9:9: a zone's name is UTF-8 without control characters, 255 bytes at most"},
	{"{a: 10.1.0.0/16, b: 10.2.0.0/16, c: 10.3.0.0/16}", NULL, XA_PLUGIN_INVALID,
	 "a.yaml:1:37: too many zones, no room for c"},
	{"10.1.0.0/16", NULL, XA_PLUGIN_ERROR,
	 "a.yaml:1:1: zones are written {NAME: [NETWORK, ...], ...}, one at least"},
	{"{}", NULL, XA_PLUGIN_ERROR,
	 "a.yaml:1:1: zones are written {NAME: [NETWORK, ...], ...}, one at least"},
};

static void test_refuses(void **state)
{
	struct scene *scene = *state;

	for (size_t i = 0; i < array_size(refusals); i++) {
		scene->host = fake_host(&scene->state);
		scene->state.value_max = 4;
		assert_int_equal(open_zones(scene, refusals[i].networks, refusals[i].fallback),
				 -EINVAL);
		assert_string_equal(scene->state.complaint, refusals[i].complaint);
		assert_int_equal(scene->state.cause, refusals[i].cause);
		assert_null(scene->zones);
	}
}

/* "other" is the host's own word and a zone's name like any. */
static void test_zone_named_other(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(open_zones(scene, "{other: 10.1.0.0/16}", NULL), 0);
}

static void test_label_taken(void **state)
{
	struct scene *scene = *state;

	scene->state.taken = "dst_zone";
	assert_int_equal(open_zones(scene, "{a: 10.1.0.0/16}", NULL), -EEXIST);
	assert_string_equal(scene->state.complaint, ":0:0: label is taken");
	assert_null(scene->zones);
}

/* A list of one node over and over costs no memory: the bound is held without 50,000 nodes. */
static void test_too_many(void **state)
{
	struct xa_plugin_node network = {.text = "10.1.0.0/16", .file = "a.yaml", .line = 3};
	struct xa_plugin_node zone = {
		.kind = XA_PLUGIN_LIST, .key = "a", .children = &network, .file = "a.yaml"};
	const struct xa_plugin_node zones = {
		.kind = XA_PLUGIN_MAP, .children = &zone, .file = "a.yaml"};
	const struct xa_plugin_value options[2] = {{.node = &zones}};
	struct scene *scene = *state;

	network.next = &network;
	assert_int_equal(xa_plugin_zones.open(&scene->host.lent, options, &scene->zones), -EINVAL);
	assert_string_equal(scene->state.complaint, "a.yaml:3:0: more than 50000 networks");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_descriptor),
		TEST(test_longest_wins),
		TEST(test_default),
		TEST(test_fresh_alone),
		TEST(test_same_twice_in_one_zone),
		TEST(test_refuses),
		TEST(test_zone_named_other),
		TEST(test_label_taken),
		TEST(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
