/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The status as JSON: each part to the byte, and texts of any kind. */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/status.h"
#include "tests/unit/strict_json.h"

struct scene {
	struct xa_config *config;
	struct xa_ledger *ledger;
	struct xa_attachment attachments[XA_SLOTS];
	const char *names[XA_SLOTS];
	struct xa_traffic traffic;
	struct xa_self self;
	struct xa_buf text;
};

static int setup(void **state)
{
	static const char *const settings[] = {"interface=eth0", "flows.max=2048", "mode=skb"};
	struct scene *scene = calloc(1, sizeof(*scene));
	struct xa_whys whys;

	if (!scene || xa_config_load(&scene->config, NULL, settings, 3, &whys) ||
	    xa_ledger_new(&scene->ledger) || xa_ledger_open(scene->ledger, 1))
		return -1;
	scene->traffic = (struct xa_traffic){
		.config = scene->config, .ledger = scene->ledger, .slot_names = scene->names};
	scene->self = (struct xa_self){
		.attachments = scene->attachments, .reload.last_ok = true, .started_ns = 1};
	*state = scene;
	return 0;
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	xa_config_free(scene->config);
	xa_ledger_free(scene->ledger);
	xa_buf_done(&scene->text);
	free(scene);
	return 0;
}

static const char *render(struct scene *scene)
{
	xa_buf_reset(&scene->text);
	xa_buf_adds(&scene->text, "{");
	xa_status_render(&scene->text, &scene->traffic, &scene->self);
	xa_buf_adds(&scene->text, "}");
	assert_false(xa_buf_failed(&scene->text));
	assert_true(json_is_valid(scene->text.text));
	return scene->text.text;
}

static bool has(struct scene *scene, const char *part)
{
	return strstr(render(scene), part);
}

static double number_of(const char *text, const char *name)
{
	return strtod(strstr(text, name) + strlen(name), NULL);
}

static void test_times(void **state)
{
	const double now = xa_wall_seconds();
	struct scene *scene = *state;
	const char *text;

	scene->self.started_ns = xa_now_ns() - 5 * XA_NS_PER_S;
	scene->self.stale_after_ns = xa_now_ns() + 7 * XA_NS_PER_S;
	scene->self.snapshot_time = 1700000000.25;
	scene->self.interval_ns = 200 * XA_NS_PER_MS;
	text = render(scene);
	assert_non_null(strstr(text, "{\"version\":\""));
	assert_non_null(strstr(text, "\"snapshot\":{\"time\":1700000000.250,\"interval\":0.200,"));
	assert_true(number_of(text, "\"uptime\":") >= 5 && number_of(text, "\"uptime\":") < 6);
	assert_true(number_of(text, "\"start_time\":") > now - 6 &&
		    number_of(text, "\"start_time\":") < now - 4);
	assert_true(number_of(text, "\"stale_after\":") > now + 6 &&
		    number_of(text, "\"stale_after\":") < now + 8);
}

static void test_interfaces(void **state)
{
	struct scene *scene = *state;

	assert_true(has(scene, "\"interfaces\":[],\"slotless\":0"));
	scene->attachments[1] = (struct xa_attachment){
		.name = "eth0", .wanted = true, .attached = true, .mode = XA_MODE_DRV};
	scene->attachments[1].reattaches = 3;
	scene->names[1] = scene->attachments[1].name;
	scene->attachments[2] = (struct xa_attachment){
		.name = "\xff\"\n", .wanted = true, .why = "taken by \"x\"\n\xfe"};
	scene->attachments[3] = (struct xa_attachment){.name = "gone"};
	scene->self.slotless = 2;
	xa_ledger_add_seen(scene->ledger, 1, 1, (struct xa_count){10, 1000});
	xa_ledger_add_reason(scene->ledger, 1, XA_CLASS_NON_IP, (struct xa_count){12, 900});
	assert_true(has(scene,
			"\"interfaces\":["
			"{\"name\":\"eth0\",\"wanted\":true,\"attached\":true,\"mode\":\"drv\","
			"\"why\":\"\",\"seen\":{\"packets\":10,\"bytes\":1000},"
			"\"unaccounted\":{\"packets\":-2,\"bytes\":100},\"reattaches\":3},"
			"{\"name\":\":ff\\\"\\n\",\"wanted\":true,\"attached\":false,"
			"\"mode\":\"skb\",\"why\":\"taken by \\\"x\\\"\\n\\\\xfe\","
			"\"seen\":{\"packets\":0,\"bytes\":0},"
			"\"unaccounted\":{\"packets\":0,\"bytes\":0},\"reattaches\":0}],"
			"\"slotless\":2,"));
}

/* Packets of interfaces that nobody knows any more. */
static void test_other(void **state)
{
	struct scene *scene = *state;

	scene->names[XA_SLOT_UNKNOWN] = XA_INTERFACE_OTHER;
	assert_true(has(scene, "\"interfaces\":[{\"name\":\":other\",\"wanted\":false,"));
}

static void test_figures(void **state)
{
	struct scene *scene = *state;

	scene->traffic.totals = (struct xa_totals){3, 30, UINT64_MAX};
	scene->traffic.hidden = (struct xa_totals){1, 2, 4};
	scene->self.fill.entries[XA_IPV6] = 12;
	scene->self.capacity = 1024;
	scene->self.map_bytes = 4096;
	scene->self.poll_failures = 2;
	scene->self.last_poll_ns = 1500 * XA_NS_PER_MS;
	xa_histogram_observe(&scene->self.poll_durations, &xa_poll_bounds, 1);
	xa_histogram_observe(&scene->self.poll_durations, &xa_poll_bounds, 100 * XA_NS_PER_S);
	assert_true(has(scene, "\"flows\":{\"active\":{\"flows\":3,\"packets\":30,"
			       "\"bytes\":18446744073709551615},"
			       "\"hidden\":{\"flows\":1,\"packets\":2,\"bytes\":4},"
			       "\"capacity\":2048},"
			       "\"flow_map\":{\"entries\":{\"ipv4\":0,\"ipv6\":12},"
			       "\"capacity\":1024,\"bytes\":4096},"
			       "\"polls\":{\"count\":2,\"failures\":2,\"last_duration\":1.500},"));
}

static void test_policy(void **state)
{
	static const char *const causes[XA_PLUGIN_CAUSE_COUNT_] = {"error",  "steps",	"time",
								   "memory", "invalid", "crash"};
	const uint64_t errors[XA_PLUGIN_CAUSE_COUNT_] = {[XA_PLUGIN_TIME] = 3};
	const struct xa_self_stage stages[] = {
		{.title = "zones", .errors = errors, .file = "", .complaint = ""},
		{.title = "lua:a\"b",
		 .disabled = true,
		 .errors = errors,
		 .file = "a\\b.lua",
		 .line = 3,
		 .complaint = "took \x01 too long\nstack traceback:\n\t\xff",
		 .duration_ns = 250 * XA_NS_PER_MS},
	};
	struct scene *scene = *state;

	assert_true(has(scene, "\"policy\":{\"stages\":[],\"worker_restarts\":0,"
			       "\"samples_refused\":0},"));
	scene->self.policy = (struct xa_self_policy){.stages = stages,
						     .stage_count = 2,
						     .cause_names = causes,
						     .samples_refused = 5,
						     .restarts = 4};
	assert_true(has(scene, "{\"title\":\"zones\",\"disabled\":false,\"complaint\":null,"
			       "\"errors\":{\"error\":0,\"steps\":0,\"time\":3,\"memory\":0,"
			       "\"invalid\":0,\"crash\":0},\"duration\":0.000},"
			       "{\"title\":\"lua:a\\\"b\",\"disabled\":true,\"complaint\":"
			       "{\"file\":\"a\\\\b.lua\",\"line\":3,\"text\":"
			       "\"took \\u0001 too long\\nstack traceback:\\n\\u0009\\\\xff\"},"));
	assert_true(has(scene, "\"duration\":0.250}],\"worker_restarts\":4,"
			       "\"samples_refused\":5},"));
}

static void test_reload(void **state)
{
	struct scene *scene = *state;

	scene->self.reload = (struct xa_reload_stats){.last_phase = XA_RELOAD_PHASE_LISTEN,
						      .success_time = 1700000000.5,
						      .count = 4,
						      .failures = {1, 0, 2, 0},
						      .needs_restart = true,
						      .hash = "ab12"};
	assert_true(has(scene, "\"reload\":{\"ok\":false,\"phase\":\"listen\","
			       "\"success_time\":1700000000.500,\"count\":4,"
			       "\"failures\":{\"config\":1,\"policy\":0,\"listen\":2,\"attach\":0},"
			       "\"config_sha256\":\"ab12\",\"restart_required\":true}}"));
	scene->self.reload.last_ok = true;
	assert_true(has(scene, "\"reload\":{\"ok\":true,\"phase\":\"\","));
}

#define scene_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		scene_test(test_times),	  scene_test(test_interfaces), scene_test(test_other),
		scene_test(test_figures), scene_test(test_policy),     scene_test(test_reload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
