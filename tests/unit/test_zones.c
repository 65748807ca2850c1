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

enum option {
	NETWORKS,
	LIST,
	DEFAULT,
	OPTIONS
};

static int open_zones(struct scene *scene, const char *networks, const char *fallback)
{
	const struct xa_plugin_node place = {.file = "a.yaml", .line = 9, .column = 9};
	struct xa_plugin_value options[OPTIONS] = {{0}};

	if (networks) {
		memcpy(scene->networks, networks, strlen(networks) + 1);
		options[NETWORKS].node = fake_zones(&scene->state, scene->networks);
	}
	if (scene->state.file || scene->state.file_error)
		options[LIST] = (struct xa_plugin_value){.node = &place, .text = "a.list"};
	if (fallback)
		options[DEFAULT] = (struct xa_plugin_value){.node = &place, .text = fallback};
	return xa_plugin_zones.open(&scene->host.lent, options, &scene->zones);
}

static void set_file(struct scene *scene, const char *text, size_t len)
{
	scene->state.file = text;
	scene->state.file_len = len;
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
	assert_int_equal(xa_plugin_zones.option_count, OPTIONS);
	assert_string_equal(xa_plugin_zones.options[NETWORKS].name, "networks");
	assert_string_equal(xa_plugin_zones.options[LIST].name, "file");
	assert_int_equal(xa_plugin_zones.options[LIST].type, XA_PLUGIN_FILE);
	assert_string_equal(xa_plugin_zones.options[DEFAULT].name, "default");
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
	 "a.yaml:1:11: '10.1.0.0/33' is no network: write 10.1.0.0/16, 2001:db8::/48 or an "
	 "address"},
	{"{office: }", NULL, XA_PLUGIN_ERROR,
	 "a.yaml:1:10: '' is no network: write 10.1.0.0/16, 2001:db8::/48 or an address"},
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
	 "a.yaml:1:37: too many zones, no room for c: raise policy.max_values"},
	{"10.1.0.0/16", NULL, XA_PLUGIN_ERROR,
	 "a.yaml:1:1: zones are written {NAME: [NETWORK, ...], ...}, one at least"},
	{"{}", NULL, XA_PLUGIN_ERROR,
	 "a.yaml:1:1: zones are written {NAME: [NETWORK, ...], ...}, one at least"},
	{NULL, NULL, XA_PLUGIN_ERROR,
	 ":0:0: no networks are given: write them under 'networks', name a 'file' of them, or "
	 "both"},
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
	const struct xa_plugin_value options[OPTIONS] = {[NETWORKS] = {.node = &zones}};
	struct scene *scene = *state;

	network.next = &network;
	assert_int_equal(xa_plugin_zones.open(&scene->host.lent, options, &scene->zones), -EINVAL);
	assert_string_equal(scene->state.complaint,
			    "a.yaml:3:0: more than 50000 networks: leave out "
			    "those that lie in a larger one of the same "
			    "zone");
}

/* --- a file of them --- */

static const char list[] = "\xef\xbb\xbf# what stands where\r\n"
			   "\r\n"
			   "10.0.0.0/8 all # the rest\r\n"
			   "  10.1.0.0/16\t\toffice\t\n"
			   "2001:db8:1::/48 office#1\n"
			   "\t\n"
			   "10.2.7.7 b\xc3\xbcro";

static void test_file(void **state)
{
	static const uint32_t fresh[] = {0, 1};
	struct scene *scene = *state;
	const struct xa_plugin_flow flows[] = {
		flow(5, "10.1.0.1", "10.2.7.7"),
		flow(6, "2001:db8:1::1", "2001:db8:2::1"),
	};

	set_file(scene, list, sizeof(list) - 1);
	assert_int_equal(open_zones(scene, NULL, "none"), 0);
	run(scene, flows, 2, fresh, 2);
	assert_zones(scene, 5, "office", "b\xc3\xbcro");
	assert_zones(scene, 6, "office#1", "none");
}

static void test_file_and_networks(void **state)
{
	static const uint32_t fresh[] = {0};
	static const char text[] = "10.1.0.0/16 office\n10.2.0.0/16 lab\n";
	const struct xa_plugin_flow flows[] = {flow(5, "10.1.2.3", "10.2.0.1")};
	struct scene *scene = *state;

	set_file(scene, text, sizeof(text) - 1);
	assert_int_equal(open_zones(scene, "{office: 10.1.0.0/16, door: 10.1.2.0/24}", NULL), 0);
	run(scene, flows, 1, fresh, 1);
	assert_zones(scene, 5, "door", "lab");
}

struct list_refusal {
	const char *text;
	size_t len;
	enum xa_plugin_cause cause;
	const char *complaint;
};

#define LINES(text) text, sizeof(text) - 1

static const struct list_refusal list_refusals[] = {
	{LINES("10.1.0.0/16 a\n  10.1.2.3/16 a\n10.0.0.0/33 a\n"), XA_PLUGIN_ERROR,
	 "a.list:2:3: 10.1.2.3/16 has host bits, meant 10.1.0.0/16?"},
	{LINES("10.1.0.0/16 a\n\n# more\n10.1.0.0/33 a\n"), XA_PLUGIN_ERROR,
	 "a.list:4:1: '10.1.0.0/33' is no network: write 10.1.0.0/16, 2001:db8::/48 or an "
	 "address"},
	{LINES("10.1.0.0/16 a\n192.0.2.1 b\n192.0.2.1/32 a"), XA_PLUGIN_ERROR,
	 "a.list:3:1: 192.0.2.1/32 is in zone b and in zone a: take it out of one"},
	{LINES("10.5.0.0/16 c"), XA_PLUGIN_ERROR,
	 "a.list:1:1: 10.5.0.0/16 is in zone yaml and in zone c: take it out of one"},
	{LINES("\t10.1.0.0/16 # a"), XA_PLUGIN_ERROR,
	 "a.list:1:2: a network without a zone: a line is NETWORK ZONE"},
	{LINES("10.1.0.0/16 b\xc3\xbcro the second"), XA_PLUGIN_ERROR,
	 "a.list:1:18: a line is NETWORK ZONE: a zone is one word here, and what is no more than a "
	 "remark stands behind a '#'"},
	{LINES("10.1.0.0/16 a # b\xc3\xbcro \xc3\x28\n"), XA_PLUGIN_ERROR,
	 "a.list:1:22: this is not UTF-8: save the file as such"},
	{LINES("10.1.0.0/16 a\n10.2.0.0/16 a\0\n"), XA_PLUGIN_ERROR,
	 "a.list:2:14: a control character: the file is to be plain text"},
	{LINES("10.1.0.0/16 a\r10.2.0.0/16 a\r"), XA_PLUGIN_ERROR,
	 "a.list:1:14: a control character: the file is to be plain text"},
	{LINES("\xc2\x9b"), XA_PLUGIN_ERROR,
	 "a.list:1:1: a control character: the file is to be plain text"},
	{LINES("\xf4\x90\x80\x80"), XA_PLUGIN_ERROR,
	 "a.list:1:1: this is not UTF-8: save the file as such"},
	{LINES("\xed\xa0\x80"), XA_PLUGIN_ERROR,
	 "a.list:1:1: this is not UTF-8: save the file as such"},
	{LINES("\xc0\xaf"), XA_PLUGIN_ERROR,
	 "a.list:1:1: this is not UTF-8: save the file as such"},
	{LINES("\xe2\x82"), XA_PLUGIN_ERROR,
	 "a.list:1:1: this is not UTF-8: save the file as such"},
	{LINES("10.1.0.0/16 a\n10.2.0.0/16 b\n"), XA_PLUGIN_INVALID,
	 "a.list:2:13: too many zones, no room for b: raise policy.max_values"},
	{LINES(""), XA_PLUGIN_ERROR,
	 "a.yaml:9:9: no network stands in 'a.list': its lines are NETWORK ZONE, one at least"},
	{LINES("# none yet\n"), XA_PLUGIN_ERROR,
	 "a.yaml:9:9: no network stands in 'a.list': its lines are NETWORK ZONE, one at least"},
};

static void test_refuses_lines(void **state)
{
	struct scene *scene = *state;

	for (size_t i = 0; i < array_size(list_refusals); i++) {
		const struct list_refusal *refusal = &list_refusals[i];

		scene->host = fake_host(&scene->state);
		/* one or three names beside those of the host and of the YAML */
		scene->state.value_max = refusal->cause == XA_PLUGIN_INVALID ? 4 : 6;
		set_file(scene, refusal->text, refusal->len);
		assert_int_equal(open_zones(scene, "{yaml: 10.5.0.0/16}", NULL), -EINVAL);
		assert_string_equal(scene->state.complaint, refusal->complaint);
		assert_int_equal(scene->state.cause, refusal->cause);
		assert_null(scene->zones);
	}
}

static void test_long_line(void **state)
{
	struct scene *scene = *state;
	char text[1100];

	memset(text, ' ', sizeof(text));
	memcpy(text, "10.1.0.0/16 a", 13);
	text[1024] = '\n';
	set_file(scene, text, 1025);
	assert_int_equal(open_zones(scene, NULL, NULL), 0);
	xa_plugin_zones.close(scene->zones);
	scene->zones = NULL;
	text[1024] = ' ';
	assert_int_equal(open_zones(scene, NULL, NULL), -EINVAL);
	assert_string_equal(scene->state.complaint,
			    "a.list:1:1: a line of more than 1024 bytes: each network has its own");
}

static void test_unreadable(void **state)
{
	static const struct {
		int error;
		const char *why;
	} errors[] = {
		{-ENOENT, "No such file or directory"},
		{-EINVAL, "not a regular file"},
		{-EFBIG, "larger than 4 MiB"},
		{-ENOMEM, "Cannot allocate memory"},
		{-EAGAIN, "it grew meanwhile: write it elsewhere and rename it"},
	};
	struct scene *scene = *state;
	char complaint[128];

	for (size_t i = 0; i < array_size(errors); i++) {
		scene->host = fake_host(&scene->state);
		scene->state.file_error = errors[i].error;
		(void)snprintf(complaint, sizeof(complaint), "a.yaml:9:9: cannot read 'a.list': %s",
			       errors[i].why);
		assert_int_equal(open_zones(scene, NULL, NULL), -EINVAL);
		assert_string_equal(scene->state.complaint, complaint);
		assert_int_equal(scene->state.cause,
				 errors[i].error == -ENOMEM ? XA_PLUGIN_MEMORY : XA_PLUGIN_ERROR);
	}
}

/* The host is told how much may be read. */
static void test_large_file(void **state)
{
	struct scene *scene = *state;

	set_file(scene, "", (4 << 20) + 1);
	assert_int_equal(open_zones(scene, NULL, NULL), -EINVAL);
	assert_string_equal(scene->state.complaint,
			    "a.yaml:9:9: cannot read 'a.list': larger than 4 MiB");
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
		TEST(test_file),
		TEST(test_file_and_networks),
		TEST(test_refuses_lines),
		TEST(test_long_line),
		TEST(test_unreadable),
		TEST(test_large_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
