/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * From flows to the page with what rules say of them: a worker's region by hand, the real
 * annotations and families, ranking and text.
 */

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/books.h"
#include "core/policy/families.h"
#include "core/policy/judgement.h"
#include "core/policy/view.h"

#define FLOWS  1024
#define VALUES 16
#define NOW    100

struct scene {
	struct xa_config *config;
	struct xa_books books;
	struct xa_topk *top;
	struct xa_snapshot_head head;
	struct xa_plugin_flow *flows;
	struct xa_region_layout layout;
	char *region;
	struct xa_annotations *annotations;
	struct xa_families *families;
	const char *names[XA_SLOTS];
	struct xa_traffic traffic;
	struct xa_buf page;
	struct xa_left_out left_out;
	size_t series;
};

static int setup(void **state)
{
	static const struct xa_region_label labels[] = {{.name = "service"}, {.name = "zone"}};
	const char *const settings[] = {"interface=eth0", "flows.max=1024",
					"metrics.max_series=500"};
	struct scene *scene = calloc(1, sizeof(*scene));
	struct xa_whys whys = {0};

	assert_non_null(scene);
	*state = scene;
	assert_int_equal(xa_config_load(&scene->config, NULL, settings, 3, &whys), 0);
	assert_int_equal(xa_books_open(&scene->books, scene->config), 0);
	assert_int_equal(xa_ledger_open(scene->books.ledger, 1), 0);
	assert_int_equal(xa_table_mark(scene->books.table), 0);
	assert_int_equal(xa_topk_new(&scene->top, FLOWS, 0, false), 0);
	scene->layout = xa_region_layout(FLOWS, VALUES);
	scene->flows = calloc(FLOWS, sizeof(*scene->flows));
	scene->region = calloc(1, scene->layout.size);
	assert_true(scene->flows && scene->region);
	((struct xa_region_head *)(void *)scene->region)->value_count = VALUES;
	assert_int_equal(xa_annotations_new(&scene->annotations, FLOWS, VALUES), 0);
	xa_annotations_set_labels(scene->annotations, labels, array_size(labels));
	assert_int_equal(xa_families_new(&scene->families, 2), 0);
	scene->names[1] = "eth0";
	return 0;
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	xa_buf_done(&scene->page);
	xa_families_free(scene->families);
	xa_annotations_free(scene->annotations);
	free(scene->region);
	free(scene->flows);
	xa_topk_free(scene->top);
	xa_books_close(&scene->books);
	xa_config_free(scene->config);
	free(scene);
	return 0;
}

/* A flow from 10.0.0.`host` in a VLAN; handles are given out in the order of these calls. */
static void add(struct scene *scene, uint16_t host, uint16_t vlan, uint64_t packets)
{
	struct xa_reading reading = {
		.key = {.saddr = {10, 0, (uint8_t)(host >> 8), (uint8_t)host},
			.daddr = {10, 9, 9, 9},
			.tail = {.proto = 17, .slot = 1, .dport = htons(53), .tag = vlan}},
		.value = {.packets = packets, .bytes = packets * 100, .first_tick = NOW},
	};

	reading.value.last_tick = NOW;
	xa_table_add(scene->books.table, &reading, NOW);
}

/* What the worker would write. */
static void say_text(struct scene *scene, uint32_t value, const char *text)
{
	struct xa_region_value *to = (void *)(scene->region + scene->layout.values);

	to[value].len = (uint32_t)strlen(text);
	(void)snprintf(to[value].text, sizeof(to[value].text), "%s", text);
}

static void say_label(struct scene *scene, uint32_t handle, size_t label, uint32_t value)
{
	uint32_t *columns = (void *)(scene->region + scene->layout.columns);

	columns[label * FLOWS + handle] = value;
}

static void say_hidden(struct scene *scene, uint32_t handle)
{
	scene->region[scene->layout.hidden + handle] = 1;
}

static void judge(struct scene *scene)
{
	const struct xa_view_time time = {.now_tick = NOW, .wall_ns = XA_NS_PER_S};
	struct xa_totals totals = xa_view_write(&scene->head, scene->flows, scene->books.table,
						&time, scene->names);

	assert_int_equal(xa_annotations_take(scene->annotations, scene->region, &scene->layout,
					     scene->flows, totals.flows),
			 0);
}

static void render(struct scene *scene)
{
	const struct xa_judgement judgement = xa_judgement_of(scene->annotations);
	struct xa_exposition expo = {.buf = &scene->page};

	scene->traffic = (struct xa_traffic){
		.config = scene->config,
		.slot_names = scene->names,
		.annotations = scene->annotations,
		.families = scene->families,
	};
	xa_books_rank(&scene->books, NOW, &judgement, scene->top, &scene->traffic);
	xa_buf_reset(&scene->page);
	xa_render_traffic(&expo, &scene->traffic, &scene->left_out);
	xa_render_folded(&expo, scene->families, &scene->left_out);
	assert_false(xa_buf_failed(&scene->page));
	scene->series = expo.series;
}

static bool has(const struct scene *scene, const char *line)
{
	for (const char *at = scene->page.text; (at = strstr(at, line)); at++)
		if (at[-1] == '\n' && at[strlen(line)] == '\n')
			return true;
	return false;
}

static size_t count_of(const struct scene *scene, const char *text)
{
	size_t count = 0;

	for (const char *at = scene->page.text; (at = strstr(at, text)); at++)
		count++;
	return count;
}

#define FLOW(host) "src=\"10.0.0." host "\",dst=\"10.9.9.9\",proto=\"udp\",sport=\"0\",dport=\"53\""

#define OTHER "src=\"other\",dst=\"other\",proto=\"other\",sport=\"other\",dport=\"other\""

static void test_labels(void **state)
{
	struct scene *scene = *state;

	add(scene, 1, 0, 7);
	add(scene, 2, 0, 6);
	add(scene, 3, 0, 5);
	say_text(scene, 2, "dns");
	say_text(scene, 3, "a\"b\\c");
	say_label(scene, 0, 0, 2);
	say_label(scene, 0, 1, 3);
	say_label(scene, 1, 1, XA_PLUGIN_VALUE_OTHER);
	judge(scene);
	render(scene);
	assert_true(has(scene, "xdp_netflow_flow_packets{" FLOW("1") ",service=\"dns\","
								     "zone=\"a\\\"b\\\\c\"} 7"));
	assert_true(has(scene, "xdp_netflow_flow_bytes{" FLOW("1") ",service=\"dns\","
								   "zone=\"a\\\"b\\\\c\"} 700"));
	assert_true(has(scene, "xdp_netflow_flow_packets{" FLOW("2") ",zone=\"other\"} 6"));
	assert_true(has(scene, "xdp_netflow_flow_packets{" FLOW("3") "} 5"));
	/* the worker died: flows still count, without labels */
	xa_annotations_none(scene->annotations);
	render(scene);
	assert_true(has(scene, "xdp_netflow_flow_packets{" FLOW("1") "} 7"));
	assert_int_equal(count_of(scene, "service="), 0);
}

static void test_hidden(void **state)
{
	struct scene *scene = *state;

	add(scene, 1, 0, 7);
	add(scene, 2, 0, 6);
	say_hidden(scene, 0);
	judge(scene);
	render(scene);
	assert_int_equal(count_of(scene, FLOW("1")), 0);
	assert_true(has(scene, "xdp_netflow_flow_packets{" FLOW("2") "} 6"));
	assert_true(has(scene, "xdp_netflow_flow_packets{" OTHER "} 0")); /* nor there */
	assert_true(has(scene, "xdp_netflow_active_flows 2"));
	assert_true(has(scene, "xdp_netflow_packets_total_snapshot 13"));
	assert_true(has(scene, "xdp_netflow_bytes_total_snapshot 1300"));
	assert_true(has(scene, "xdp_netflow_hidden_flows 1"));
	assert_true(has(scene, "xdp_netflow_hidden_packets 7"));
	assert_true(has(scene, "xdp_netflow_hidden_bytes 700"));
	xa_annotations_none(scene->annotations);
	render(scene);
	assert_true(has(scene, "xdp_netflow_flow_packets{" FLOW("1") "} 7"));
	assert_true(has(scene, "xdp_netflow_hidden_flows 0"));
}

/* One 5-tuple in four VLANs: no two lines of one name and labels, also where the worker says that
 * one text is two. */
static void test_vlans(void **state)
{
	struct scene *scene = *state;

	for (uint16_t vlan = 0; vlan < 4; vlan++)
		add(scene, 1, vlan, 1U << vlan);
	say_text(scene, 2, "red");
	say_text(scene, 3, "blue");
	say_text(scene, 4, "red");
	say_label(scene, 0, 0, 2);
	say_label(scene, 1, 0, 3);
	say_label(scene, 2, 0, 4);
	say_label(scene, 3, 0, 2);
	judge(scene);
	render(scene);
	assert_true(has(scene, "xdp_netflow_flow_packets{" FLOW("1") ",service=\"red\"} 13"));
	assert_true(has(scene, "xdp_netflow_flow_packets{" FLOW("1") ",service=\"blue\"} 2"));
	assert_int_equal(count_of(scene, "\nxdp_netflow_flow_packets{" FLOW("1")), 2);
}

static size_t declare(struct scene *scene, const char *name, uint32_t labels)
{
	struct xa_region_metric metric = {.type = XA_PLUGIN_GAUGE, .label_count = labels};
	struct xa_why why = {0};
	int family;

	(void)snprintf(metric.name, sizeof(metric.name), "%s", name);
	(void)snprintf(metric.help, sizeof(metric.help), "Help.");
	(void)snprintf(metric.labels[0], sizeof(metric.labels[0]), "who");
	family = xa_families_declare(scene->families, &metric, &why);
	assert_true(family >= 0);
	return (size_t)family;
}

static void test_derived(void **state)
{
	static const char *const who[] = {"me", "you", "they"};
	struct scene *scene = *state;
	size_t sum = declare(scene, "xdp_netflow_sum", 0), by = declare(scene, "by_who", 1);

	add(scene, 1, 0, 7);
	xa_families_begin(scene->families);
	assert_int_equal(xa_families_add_u64(scene->families, sum, NULL, 42), 0);
	for (size_t i = 0; i < array_size(who); i++)
		assert_int_equal(xa_families_add(scene->families, by, &who[i], 1.5), 0);
	judge(scene);
	render(scene);
	assert_true(has(scene, "xdp_netflow_sum 42"));
	assert_true(has(scene, "by_who{who=\"me\"} 1.5"));
	assert_true(has(scene, "by_who{who=\"other\"} 3"));
	assert_true(strstr(scene->page.text, "# TYPE by_who gauge\n") <
		    strstr(scene->page.text, "# TYPE xdp_netflow_flow_packets gauge\n"));
	assert_true(has(scene, "xdp_auditor_series_folded_total{family=\"by_who\"} 2"));
	assert_true(has(scene, "xdp_auditor_series_folded_total{family=\"xdp_netflow_sum\"} 0"));
	assert_true(has(scene, "xdp_auditor_series_folded_total{family=\"flow\"} 0"));
	assert_int_equal(count_of(scene, "xdp_auditor_series_folded_total{"), 3);
}

/* A family may be named as the counter names flows; no line comes twice. */
static void test_folded_names(void **state)
{
	static const char *const who[] = {"me", "you", "they"};
	struct scene *scene = *state;
	const size_t families[] = {declare(scene, "flow", 1), declare(scene, "by_who", 1)};

	xa_families_begin(scene->families);
	for (size_t i = 0; i < array_size(who); i++)
		for (size_t j = 0; j < array_size(families); j++)
			assert_int_equal(xa_families_add(scene->families, families[j], &who[i], 1),
					 0);
	judge(scene);
	render(scene);
	assert_int_equal(count_of(scene, "xdp_auditor_series_folded_total{family=\"flow\"} 2"), 1);
	assert_int_equal(count_of(scene, "xdp_auditor_series_folded_total{family=\"by_who\"} 2"),
			 1);
	assert_int_equal(count_of(scene, "xdp_auditor_series_folded_total{"), 2);
}

/* What is derived comes first, flows get what is left, and the page keeps to its bound. */
static void test_max_series(void **state)
{
	struct scene *scene = *state;
	uint64_t flows;
	size_t derived;

	xa_families_free(take_ptr(scene->families));
	assert_int_equal(xa_families_new(&scene->families, FLOWS), 0);
	(void)declare(scene, "by_who", 1);
	for (uint16_t host = 0; host < FLOWS; host++)
		add(scene, host, 0, 1U + host);
	judge(scene);
	for (uint32_t series = 100; series <= 1000; series += 300) {
		const uint64_t before = xa_families_folded(scene->families, 0);

		xa_families_begin(scene->families);
		for (uint32_t i = 0; i < series; i++) {
			char text[16];
			const char *who = text;

			(void)snprintf(text, sizeof(text), "%u", i);
			assert_int_equal(xa_families_add_u64(scene->families, 0, &who, i), 0);
		}
		render(scene);
		derived = count_of(scene, "\nby_who{");
		assert_int_equal(derived + xa_families_folded(scene->families, 0) - before, series);
		assert_true(derived == series || series > 200);
		flows = count_of(scene, "\nxdp_netflow_flow_packets{") +
			count_of(scene, "\nxdp_netflow_flow_bytes{");
		assert_int_equal(flows - 2 + scene->left_out.flows, 2 * FLOWS);
		assert_true(flows > 2); /* no rule crowds them out */
		/* the counter of what is folded comes on top here */
		assert_in_range(scene->series, 500 + 2 - 1, 500 + 2);
	}
}

#define judged_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		judged_test(test_labels),	judged_test(test_hidden),
		judged_test(test_vlans),	judged_test(test_derived),
		judged_test(test_folded_names), judged_test(test_max_series),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
