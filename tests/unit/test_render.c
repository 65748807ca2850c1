/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The traffic families: what the labels tell apart and what not, what is folded, what is summed. */

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/render.h"

#define TOP_MAX 600

/* Two interfaces by name; what a test does not fill in is empty. */
struct scene {
	struct xa_config *config;
	struct xa_ledger *ledger;
	struct xa_lives lives;
	const char *names[XA_SLOTS];
	char texts[XA_SLOTS][8]; /* of scene_interfaces() */
	struct xa_flow top[TOP_MAX];
	struct xa_traffic traffic;
	struct xa_buf buf;
	struct xa_left_out left_out;
	size_t series;
};

static void scene_free(struct scene *scene)
{
	xa_config_free(scene->config);
	xa_ledger_free(scene->ledger);
	xa_buf_done(&scene->buf);
	free(scene);
}

static void scene_cleanup(struct scene **scene)
{
	scene_free(*scene);
}
#define _cleanup_scene_ XA_CLEANUP(scene_cleanup)

static struct scene *scene_of(const char *interface, const char *setting)
{
	const char *settings[] = {interface, setting};
	struct scene *scene = calloc(1, sizeof(*scene));
	struct xa_whys whys = {0};

	assert_non_null(scene);
	assert_int_equal(xa_config_load(&scene->config, NULL, settings, setting ? 2 : 1, &whys), 0);
	assert_int_equal(xa_ledger_new(&scene->ledger), 0);
	assert_int_equal(xa_ledger_open(scene->ledger, 1), 0);
	assert_int_equal(xa_ledger_open(scene->ledger, 2), 0);
	scene->names[1] = "eth0";
	scene->traffic.config = scene->config;
	scene->traffic.ledger = scene->ledger;
	scene->traffic.lives = &scene->lives;
	scene->traffic.slot_names = scene->names;
	scene->traffic.top = scene->top;
	return scene;
}

/* A TCP flow from 10.0.0.`host`, unlike the others by that. */
static struct xa_flow *scene_flow(struct scene *scene, uint8_t slot, unsigned host,
				  uint64_t packets)
{
	struct xa_flow *flow = &scene->top[scene->traffic.top_count++];

	flow->packets = packets;
	flow->bytes = packets * 100;
	scene->traffic.totals.flows++;
	scene->traffic.totals.packets += flow->packets;
	scene->traffic.totals.bytes += flow->bytes;
	flow->key.saddr[0] = 10;
	flow->key.saddr[2] = (uint8_t)(host >> 8);
	flow->key.saddr[3] = (uint8_t)host;
	flow->key.daddr[0] = 10;
	flow->key.tail = (struct xa_flow_tail){
		.proto = 6, .slot = slot, .sport = htons(4711), .dport = htons(443)};
	return flow;
}

static void scene_render(struct scene *scene)
{
	struct xa_exposition expo = {.buf = &scene->buf};

	scene->left_out = (struct xa_left_out){UINT64_MAX};
	xa_render_traffic(&expo, &scene->traffic, &scene->left_out);
	assert_false(xa_buf_failed(&scene->buf));
	scene->series = expo.series;
}

static bool has(const struct scene *scene, const char *line)
{
	for (const char *at = scene->buf.text; (at = strstr(at, line)); at++)
		if ((at == scene->buf.text || at[-1] == '\n') && at[strlen(line)] == '\n')
			return true;
	return false;
}

static size_t count_of(const struct scene *scene, const char *text)
{
	size_t count = 0;

	for (const char *at = scene->buf.text; (at = strstr(at, text)); at++)
		count++;
	return count;
}

/* Of all samples that begin so. */
static uint64_t sample_sum(const struct scene *scene, const char *start)
{
	uint64_t sum = 0;

	for (const char *at = scene->buf.text; (at = strstr(at, start)); at++)
		sum += strtoull(strstr(at, "} ") + 2, NULL, 10);
	return sum;
}

#define OTHER  "src=\"other\",dst=\"other\",proto=\"other\",sport=\"other\",dport=\"other\"} "
#define FLOW_1 "src=\"10.0.0.1\",dst=\"10.0.0.0\",proto=\"tcp\",sport=\"4711\",dport=\"443\"} "

static void test_one_interface(void **state)
{
	_cleanup_scene_ struct scene *scene = scene_of("interface=eth0", NULL);

	(void)state;
	(void)scene_flow(scene, 1, 1, 7);
	scene->traffic.totals = (struct xa_totals){3, 70, 9000};
	scene->traffic.hidden = (struct xa_totals){1, 20, 3000};
	scene_render(scene);
	assert_true(has(scene, "xdp_netflow_active_flows 3"));
	assert_true(has(scene, "xdp_netflow_packets_total_snapshot 70"));
	assert_true(has(scene, "xdp_netflow_bytes_total_snapshot 9000"));
	assert_true(has(scene, "xdp_netflow_hidden_flows 1"));
	assert_true(has(scene, "xdp_netflow_hidden_packets 20"));
	assert_true(has(scene, "xdp_netflow_hidden_bytes 3000"));
	assert_true(has(scene, "xdp_netflow_flow_packets{" FLOW_1 "7"));
	assert_true(has(scene, "xdp_netflow_flow_bytes{" FLOW_1 "700"));
	assert_true(has(scene, "xdp_netflow_flow_packets{" OTHER "43"));
	assert_true(has(scene, "xdp_netflow_flow_bytes{" OTHER "5300"));
	assert_int_equal(scene->left_out.flows, 0);
}

static void test_interface_label(void **state)
{
	_cleanup_scene_ struct scene *scene = scene_of("interface=eth0,eth1", NULL);

	(void)state;
	scene->names[2] = "eth1";
	scene->traffic.interface_label = true;
	(void)scene_flow(scene, 1, 1, 7);
	(void)scene_flow(scene, 2, 1, 5);
	scene_render(scene);
	assert_true(has(scene, "xdp_netflow_flow_packets{interface=\"eth0\"," FLOW_1 "7"));
	assert_true(has(scene, "xdp_netflow_flow_packets{interface=\"eth1\"," FLOW_1 "5"));
	assert_true(has(scene, "xdp_netflow_flow_packets{interface=\":other\"," OTHER "0"));
}

/* The config decides about the label, so that it does not come and go with the interfaces; but
 * flows of two interfaces must never be mixed up. */
static void test_wants_interface_label(void **state)
{
	static const struct {
		const char *interface;
		bool wants;
	} cases[] = {
		{"interface=eth0", false}, {"interface=auto", false}, {"interface=eth0,eth1", true},
		{"interface=eth*", true},  {"interface=eth?", true},
	};
	const struct xa_table_limits limits = {.max = 16, .idle_ticks = 100};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		_cleanup_scene_ struct scene *scene = scene_of(cases[i].interface, NULL);
		_cleanup_xa_table_ struct xa_table *table = NULL;
		struct xa_reading one = {.key.tail.slot = 1, .value.packets = 1}, other = one;

		assert_int_equal(xa_table_new(&table, &limits, scene->ledger), 0);
		assert_int_equal(xa_wants_interface_label(scene->config, table), cases[i].wants);
		xa_table_add(table, &one, one.value.last_tick);
		assert_int_equal(xa_wants_interface_label(scene->config, table), cases[i].wants);
		other.key.tail.slot = 2;
		xa_table_add(table, &other, other.value.last_tick);
		assert_true(xa_wants_interface_label(scene->config, table));
	}
}

/* 10.0.0.1 and a00:1:: have the same bytes; only the family sets them apart. */
static void test_families_are_apart(void **state)
{
	_cleanup_scene_ struct scene *scene = scene_of("interface=eth0", NULL);

	(void)state;
	(void)scene_flow(scene, 1, 1, 7);
	scene_flow(scene, 1, 1, 5)->key.tail.tag = XA_TAG_IPV6;
	scene_render(scene);
	assert_true(has(scene, "xdp_netflow_flow_packets{" FLOW_1 "7"));
	assert_true(has(scene, "xdp_netflow_flow_packets{src=\"a00:1::\",dst=\"a00::\","
			       "proto=\"tcp\",sport=\"4711\",dport=\"443\"} 5"));
}

/* Labels that the config leaves out are in no sample, that of the others included. */
static void test_labels(void **state)
{
	_cleanup_scene_ struct scene *scene = scene_of("interface=eth0",
						       "metrics.labels=dport,src");

	(void)state;
	(void)scene_flow(scene, 1, 1, 7);
	scene_render(scene);
	assert_true(has(scene, "xdp_netflow_flow_packets{src=\"10.0.0.1\",dport=\"443\"} 7"));
	assert_true(has(scene, "xdp_netflow_flow_bytes{src=\"other\",dport=\"other\"} 0"));
}

static void test_fold_ports(void **state)
{
	_cleanup_scene_ struct scene *scene = scene_of("interface=eth0",
						       "metrics.fold_ports=443,1024-65535");

	(void)state;
	scene_flow(scene, 1, 1, 7)->key.tail.sport = htons(1024);
	scene_flow(scene, 1, 1, 5)->key.tail.sport = htons(1023);
	scene_render(scene);
	assert_true(has(scene, "xdp_netflow_flow_packets{src=\"10.0.0.1\",dst=\"10.0.0.0\","
			       "proto=\"tcp\",sport=\"1024-65535\",dport=\"443\"} 7"));
	assert_true(has(scene, "xdp_netflow_flow_packets{src=\"10.0.0.1\",dst=\"10.0.0.0\","
			       "proto=\"tcp\",sport=\"1023\",dport=\"443\"} 5"));
}

/* The page keeps the order of the rows. */
static void test_order(void **state)
{
	_cleanup_scene_ struct scene *scene = scene_of("interface=eth0", NULL);
	const char *first, *second;

	(void)state;
	(void)scene_flow(scene, 1, 2, 5);
	(void)scene_flow(scene, 1, 1, 7);
	scene_render(scene);
	first = strstr(scene->buf.text, "xdp_netflow_flow_packets{src=\"10.0.0.2\"");
	second = strstr(scene->buf.text, "xdp_netflow_flow_packets{src=\"10.0.0.1\"");
	assert_true(first && second && first < second);
}

/* The largest stay, what is left out is told, and the page keeps to its bound. */
static void test_max_series(void **state)
{
	_cleanup_scene_ struct scene *scene = scene_of("interface=eth0", "metrics.max_series=500");
	size_t packets, bytes;

	(void)state;
	for (unsigned i = 0; i < TOP_MAX; i++)
		(void)scene_flow(scene, 1, i, TOP_MAX - i);
	scene_render(scene);
	packets = count_of(scene, "xdp_netflow_flow_packets{");
	bytes = count_of(scene, "xdp_netflow_flow_bytes{");
	assert_true(packets > 50);
	assert_int_equal(packets, bytes);
	assert_in_range(scene->series, 499, 500);
	assert_int_equal(scene->left_out.flows, 2 * (TOP_MAX - (packets - 1)));
	assert_int_equal(sample_sum(scene, "\nxdp_netflow_flow_packets{"),
			 scene->traffic.totals.packets);
	assert_int_equal(sample_sum(scene, "\nxdp_netflow_flow_bytes{"),
			 scene->traffic.totals.bytes);
	assert_non_null(strstr(scene->buf.text, "xdp_netflow_flow_packets{src=\"10.0.0.0\""));
	assert_null(strstr(scene->buf.text, "xdp_netflow_flow_packets{src=\"10.0.2.87\""));
}

static void add_flow(struct scene *scene, unsigned proto, bool is_ipv6, uint64_t packets)
{
	struct xa_flow_tail tail = {
		.slot = 1, .proto = (uint8_t)proto, .tag = is_ipv6 ? XA_TAG_IPV6 : 0};

	xa_ledger_add_flow(scene->ledger, &tail, (struct xa_count){packets, packets * 60});
}

static void test_protocols(void **state)
{
	_cleanup_scene_ struct scene *scene = scene_of("interface=eth0", NULL);

	(void)state;
	add_flow(scene, 6, false, 10);
	add_flow(scene, 58, true, 4);
	add_flow(scene, 253, false, 1);
	scene_render(scene);
	assert_true(has(scene, "xdp_netflow_packets_total{interface=\"eth0\",family=\"ipv4\","
			       "proto=\"tcp\"} 10"));
	assert_true(has(scene, "xdp_netflow_bytes_total{interface=\"eth0\",family=\"ipv6\","
			       "proto=\"ipv6-icmp\"} 240"));
	assert_true(has(scene, "xdp_netflow_packets_total{interface=\"eth0\",family=\"ipv4\","
			       "proto=\"253\"} 1"));
	assert_int_equal(count_of(scene, "xdp_netflow_packets_total{"), 3);
	assert_null(strstr(scene->buf.text, "family=\"ipv4\",proto=\"other\""));
}

/* The sum of the family's samples of IPv4. */
static uint64_t sum_of(const struct scene *scene, const char *family)
{
	char start[96];

	(void)snprintf(start, sizeof(start), "%s{interface=\"eth0\",family=\"ipv4\",", family);
	return sample_sum(scene, start);
}

/* A forger of protocol numbers: bounded series, and no packet is lost from the sum. */
static void test_other_protocols(void **state)
{
	_cleanup_scene_ struct scene *scene = scene_of("interface=eth0", NULL);

	(void)state;
	for (unsigned proto = 0; proto < 256; proto++)
		add_flow(scene, proto, false, 1000 + proto);
	scene_render(scene);
	assert_int_equal(count_of(scene, "xdp_netflow_packets_total{"), 8 + XA_RARE_MAX + 1);
	assert_int_equal(count_of(scene, "xdp_netflow_packets_total{interface=\"eth0\","
					 "family=\"ipv4\",proto=\"other\"}"),
			 1);
	assert_int_equal(sum_of(scene, "xdp_netflow_packets_total"), 256 * 1000 + 255 * 128);
	assert_int_equal(sum_of(scene, "xdp_netflow_bytes_total"), 60 * (256 * 1000 + 255 * 128));
}

/* Which of the rare stand alone is settled by who came first: no series ends or falls later. */
static void test_protocols_keep_their_series(void **state)
{
	_cleanup_scene_ struct scene *scene = scene_of("interface=eth0", NULL);

	(void)state;
	for (unsigned proto = 0; proto < XA_RARE_MAX; proto++)
		add_flow(scene, 160 + proto, false, 7);
	add_flow(scene, 150, false, 2);
	add_flow(scene, 89, false, 3);
	add_flow(scene, 6, false, 3);
	scene_render(scene);
	for (unsigned proto = 0; proto < XA_RARE_MAX; proto++) {
		char line[128];

		(void)snprintf(line, sizeof(line),
			       "xdp_netflow_packets_total{interface=\"eth0\",family=\"ipv4\","
			       "proto=\"%u\"} 7",
			       160 + proto);
		assert_true(has(scene, line));
	}
	assert_true(has(scene, "xdp_netflow_packets_total{interface=\"eth0\",family=\"ipv4\","
			       "proto=\"other\"} 5"));
	assert_true(has(scene, "xdp_netflow_packets_total{interface=\"eth0\",family=\"ipv4\","
			       "proto=\"tcp\"} 3"));
}

static void test_reasons(void **state)
{
	_cleanup_scene_ struct scene *scene = scene_of("interface=eth0", NULL);
	char line[128];

	(void)state;
	xa_ledger_add_reason(scene->ledger, 1, XA_REASON_FLOW_LIMIT, (struct xa_count){3, 180});
	scene_render(scene);
	for (unsigned reason = XA_CLASS_FLOW + 1; reason < XA_REASON_COUNT_; reason++) {
		unsigned packets = reason == XA_REASON_FLOW_LIMIT ? 3 : 0;

		(void)snprintf(line, sizeof(line),
			       "xdp_netflow_unattributed_packets_total{interface=\"eth0\","
			       "reason=\"%s\"} %u",
			       xa_reason_name(reason), packets);
		assert_true(has(scene, line));
	}
	assert_true(has(scene, "xdp_netflow_unattributed_bytes_total{interface=\"eth0\","
			       "reason=\"flow_limit\"} 180"));
	assert_null(strstr(scene->buf.text, "reason=\"flow\""));
}

static void test_seen_and_residual(void **state)
{
	_cleanup_scene_ struct scene *scene = scene_of("interface=eth0,eth1", NULL);

	(void)state;
	scene->names[2] = "eth1";
	xa_ledger_add_seen(scene->ledger, 1, 0, (struct xa_count){9, 540});
	xa_ledger_add_seen(scene->ledger, 1, 1, (struct xa_count){1, 60});
	add_flow(scene, 17, false, 12);
	xa_ledger_add_seen(scene->ledger, 2, 0, (struct xa_count){5, 300});
	scene_render(scene);
	assert_true(has(scene, "xdp_auditor_seen_packets_total{interface=\"eth0\"} 10"));
	assert_true(has(scene, "xdp_auditor_seen_bytes_total{interface=\"eth1\"} 300"));
	assert_true(has(scene, "xdp_auditor_unaccounted_packets{interface=\"eth0\"} -2"));
	assert_true(has(scene, "xdp_auditor_unaccounted_bytes{interface=\"eth0\"} -120"));
	assert_true(has(scene, "xdp_auditor_unaccounted_packets{interface=\"eth1\"} 5"));
	assert_int_equal(count_of(scene, "xdp_auditor_seen_packets_total{"), 2);
}

#define SIZE(interface, le) \
	"xdp_netflow_packet_size_bytes_bucket{interface=\"" interface "\",le=\"" le "\"} "

/* Buckets add up; the last and the count are the packets seen, the sum their bytes. */
static void test_sizes(void **state)
{
	_cleanup_scene_ struct scene *scene = scene_of("interface=eth0", NULL);
	static const char *const lines[] = {
		SIZE("eth0", "64.0") "3",
		SIZE("eth0", "128.0") "3",
		SIZE("eth0", "256.0") "3",
		SIZE("eth0", "512.0") "3",
		SIZE("eth0", "1024.0") "3",
		SIZE("eth0", "1518.0") "5",
		SIZE("eth0", "9216.0") "5",
		SIZE("eth0", "+Inf") "6",
		"xdp_netflow_packet_size_bytes_sum{interface=\"eth0\"} 68228",
		"xdp_netflow_packet_size_bytes_count{interface=\"eth0\"} 6",
		"xdp_auditor_seen_packets_total{interface=\"eth0\"} 6",
		"xdp_auditor_seen_bytes_total{interface=\"eth0\"} 68228",
		SIZE(":other", "128.0") "1",
		SIZE(":other", "64.0") "0",
	};

	(void)state;
	xa_ledger_add_seen(scene->ledger, 1, 0, (struct xa_count){3, 180});
	xa_ledger_add_seen(scene->ledger, 1, 5, (struct xa_count){2, 3028});
	xa_ledger_add_seen(scene->ledger, 1, 7, (struct xa_count){1, 65020});
	xa_ledger_add_seen(scene->ledger, XA_SLOT_UNKNOWN, 1, (struct xa_count){1, 65});
	scene_render(scene);
	for (size_t i = 0; i < array_size(lines); i++)
		if (!has(scene, lines[i]))
			fail_msg("no line %s", lines[i]);
}

static void test_lives(void **state)
{
	_cleanup_scene_ struct scene *scene = scene_of("interface=eth0", NULL);
	const uint32_t ticks[] = {0, 500, 1000, 4000000};

	(void)state;
	for (size_t i = 0; i < array_size(ticks); i++)
		xa_lives_add(&scene->lives, &(struct xa_life){.ticks = ticks[i]});
	scene_render(scene);
	assert_true(has(scene, "xdp_netflow_flow_duration_seconds_bucket{le=\"0.01\"} 1"));
	assert_true(has(scene, "xdp_netflow_flow_duration_seconds_bucket{le=\"0.1\"} 1"));
	assert_true(has(scene, "xdp_netflow_flow_duration_seconds_bucket{le=\"1.0\"} 2"));
	assert_true(has(scene, "xdp_netflow_flow_duration_seconds_bucket{le=\"10.0\"} 3"));
	assert_true(has(scene, "xdp_netflow_flow_duration_seconds_bucket{le=\"3600.0\"} 3"));
	assert_true(has(scene, "xdp_netflow_flow_duration_seconds_bucket{le=\"+Inf\"} 4"));
	assert_true(has(scene, "xdp_netflow_flow_duration_seconds_count 4"));
	assert_true(has(scene, "xdp_netflow_flow_duration_seconds_sum 4195.876864"));
}

/* What stands for no interface comes last, and only if there is something. */
static void test_other_interface(void **state)
{
	_cleanup_scene_ struct scene *scene = scene_of("interface=eth0", NULL);

	(void)state;
	scene_render(scene);
	assert_null(strstr(scene->buf.text, XA_INTERFACE_OTHER));
	xa_ledger_add_seen(scene->ledger, XA_SLOT_UNKNOWN, 0, (struct xa_count){4, 240});
	xa_ledger_add_reason(scene->ledger, XA_SLOT_UNKNOWN, XA_CLASS_NON_IP,
			     (struct xa_count){4, 240});
	xa_buf_reset(&scene->buf);
	scene_render(scene);
	assert_true(has(scene, "xdp_auditor_seen_packets_total{interface=\":other\"} 4"));
	assert_true(has(scene, "xdp_auditor_unaccounted_packets{interface=\":other\"} 0"));
	assert_true(has(scene, "xdp_netflow_unattributed_bytes_total{interface=\":other\","
			       "reason=\"non_ip\"} 240"));
	assert_true(has(scene, "xdp_auditor_seen_packets_total{interface=\"eth0\"} 0"));
}

/* Interfaces 1 to `count`, and whoever sends to each forges all protocol numbers of both families;
 * so does the sender to those that have no slot. */
static void scene_interfaces(struct scene *scene, unsigned count)
{
	for (unsigned slot = 0; slot <= count; slot++) {
		assert_int_equal(xa_ledger_open(scene->ledger, (uint8_t)slot), 0);
		for (unsigned n = 0; n < 512; n++) {
			struct xa_flow_tail tail = {.slot = (uint8_t)slot,
						    .proto = (uint8_t)(n + 5 * slot),
						    .tag = n >> 8 ? XA_TAG_IPV6 : 0};
			struct xa_count one = {1, 60 + slot};

			xa_ledger_add_seen(scene->ledger, tail.slot, 0, one);
			xa_ledger_add_flow(scene->ledger, &tail, one);
		}
		(void)snprintf(scene->texts[slot], sizeof(scene->texts[slot]), "if%u", slot);
		scene->names[slot] = slot ? scene->texts[slot] : NULL;
	}
}

/* Of all samples of the family. */
static int64_t total_of(const struct scene *scene, const char *family)
{
	const size_t len = strlen(family);
	int64_t total = 0;

	for (const char *at = scene->buf.text; *at; at = strchr(at, '\n') + 1)
		if (!strncmp(at, family, len) && at[len] == '{')
			total += strtoll(strstr(at, "} ") + 2, NULL, 10);
	return total;
}

static void assert_bounded(unsigned interfaces, unsigned max_series)
{
	_cleanup_scene_ struct scene *scene = NULL;
	const int64_t packets = 512 * (interfaces + 1LL);
	const int64_t bytes = 60 * packets + 512 * (interfaces * (interfaces + 1LL) / 2);
	char setting[64];

	(void)snprintf(setting, sizeof(setting), "metrics.max_series=%u", max_series);
	scene = scene_of("interface=*", setting);
	scene_interfaces(scene, interfaces);
	for (unsigned i = 0; i < TOP_MAX; i++)
		(void)scene_flow(scene, 1, i, TOP_MAX - i);
	scene_render(scene);
	if (scene->series > max_series)
		fail_msg("%u interfaces: %zu series, not %u", interfaces, scene->series,
			 max_series);
	assert_int_equal(total_of(scene, "xdp_auditor_seen_packets_total"), packets);
	assert_int_equal(total_of(scene, "xdp_auditor_seen_bytes_total"), bytes);
	assert_int_equal(total_of(scene, "xdp_netflow_packets_total"), packets);
	assert_int_equal(total_of(scene, "xdp_netflow_bytes_total"), bytes);
	assert_int_equal(count_of(scene, "\nxdp_auditor_unaccounted_packets{"),
			 count_of(scene, "\nxdp_auditor_unaccounted_packets{interface=\"if") + 1);
	assert_int_equal(total_of(scene, "xdp_auditor_unaccounted_packets"), 0);
	assert_int_equal(total_of(scene, "xdp_auditor_unaccounted_bytes"), 0);
	assert_true(count_of(scene, "\nxdp_netflow_flow_packets{") > 0);
}

/* The promise of bounded cardinality, against as many interfaces and protocols as there can be. */
static void test_many_interfaces(void **state)
{
	static const unsigned interfaces[] = {1, 2, 5, 20, 255};
	static const unsigned bounds[] = {500, 501, 5000, 100000};

	(void)state;
	for (size_t i = 0; i < array_size(interfaces); i++)
		for (size_t j = 0; j < array_size(bounds); j++)
			assert_bounded(interfaces[i], bounds[j]);
}

/* The first keep their names, the rest share one, and a packet that is missing there still shows.
 * Who came first among many changes: so of protocols only the common ones are told apart there. */
static void test_interfaces_share(void **state)
{
	_cleanup_scene_ struct scene *scene = scene_of("interface=*", "metrics.max_series=500");

	(void)state;
	scene_interfaces(scene, 40);
	xa_ledger_add_seen(scene->ledger, 39, 0, (struct xa_count){3, 180});
	scene_render(scene);
	assert_true(has(scene, "xdp_auditor_seen_packets_total{interface=\"if1\"} 512"));
	assert_true(has(scene, "xdp_auditor_unaccounted_packets{interface=\"if1\"} 0"));
	assert_true(has(scene, "xdp_auditor_unaccounted_packets{interface=\":other\"} 3"));
	assert_true(has(scene, "xdp_auditor_unaccounted_bytes{interface=\":other\"} 180"));
	assert_int_equal(count_of(scene, "xdp_netflow_packets_total{interface=\"if1\""),
			 2 * (8 + XA_RARE_MAX + 1));
	assert_int_equal(count_of(scene, "xdp_netflow_packets_total{interface=\":other\""),
			 2 * (8 + 1));
	assert_null(strstr(scene->buf.text, "\"if40\""));
	assert_null(strstr(scene->buf.text, "\"if39\""));
	assert_int_equal(count_of(scene, "xdp_auditor_seen_packets_total{interface=\":other\"}"),
			 1);
}

/* With room for all of them each has its own name, and nothing is left for the other one. */
static void test_interfaces_with_room(void **state)
{
	_cleanup_scene_ struct scene *scene = scene_of("interface=*", "metrics.max_series=100000");

	(void)state;
	for (unsigned slot = 1; slot < XA_SLOTS; slot++) {
		assert_int_equal(xa_ledger_open(scene->ledger, (uint8_t)slot), 0);
		xa_ledger_add_seen(scene->ledger, (uint8_t)slot, 0, (struct xa_count){slot, 60});
		(void)snprintf(scene->texts[slot], sizeof(scene->texts[slot]), "if%u", slot);
		scene->names[slot] = scene->texts[slot];
	}
	scene_render(scene);
	assert_true(has(scene, "xdp_auditor_unaccounted_packets{interface=\"if1\"} 1"));
	assert_true(has(scene, "xdp_auditor_unaccounted_packets{interface=\"if255\"} 255"));
	assert_int_equal(count_of(scene, "\nxdp_auditor_unaccounted_packets{"), 255);
	assert_null(strstr(scene->buf.text, XA_INTERFACE_OTHER));
}

static void test_nothing(void **state)
{
	_cleanup_scene_ struct scene *scene = scene_of("interface=eth0", NULL);

	(void)state;
	scene->names[1] = NULL;
	scene_render(scene);
	assert_int_equal(scene->series, 6 + XA_LIFE_COUNT_ + 2 + 2);
	assert_int_equal(count_of(scene, "# TYPE "), 7 + 2);
	assert_true(has(scene, "xdp_netflow_flow_packets{" OTHER "0"));
	assert_int_equal(scene->left_out.flows, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_interface),
		cmocka_unit_test(test_interface_label),
		cmocka_unit_test(test_wants_interface_label),
		cmocka_unit_test(test_families_are_apart),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_fold_ports),
		cmocka_unit_test(test_max_series),
		cmocka_unit_test(test_protocols),
		cmocka_unit_test(test_other_protocols),
		cmocka_unit_test(test_protocols_keep_their_series),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_seen_and_residual),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_lives),
		cmocka_unit_test(test_other_interface),
		cmocka_unit_test(test_many_interfaces),
		cmocka_unit_test(test_interfaces_share),
		cmocka_unit_test(test_interfaces_with_room),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
