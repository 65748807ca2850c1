/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The whole page: every family whole and once, the state as a person reads it, the landing page. */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/snapshot.h"

struct scene {
	struct xa_config *config;
	struct xa_ledger *ledger;
	struct xa_lives lives;
	struct xa_attachment attachments[XA_SLOTS];
	const char *names[XA_SLOTS];
	struct xa_flow top[400];
	struct xa_traffic traffic;
	struct xa_self self;
};

static int setup(void **state)
{
	static const char *const settings[] = {"interface=eth0,eth1", "metrics.max_series=500"};
	struct scene *scene = calloc(1, sizeof(*scene));
	struct xa_whys whys;

	if (!scene || xa_config_load(&scene->config, NULL, settings, 2, &whys) ||
	    xa_ledger_new(&scene->ledger) || xa_ledger_open(scene->ledger, 1))
		return -1;
	(void)snprintf(scene->attachments[1].name, IF_NAMESIZE, "eth0");
	scene->attachments[1].wanted = true;
	scene->attachments[1].attached = true;
	scene->attachments[1].mode = XA_MODE_SKB;
	scene->names[1] = scene->attachments[1].name;
	scene->traffic = (struct xa_traffic){.config = scene->config,
					     .ledger = scene->ledger,
					     .lives = &scene->lives,
					     .slot_names = scene->names,
					     .top = scene->top};
	scene->self = (struct xa_self){.attachments = scene->attachments,
				       .attached = true,
				       .stale_after_ns = 77,
				       .interval_ns = 3 * XA_NS_PER_S / 2,
				       .capacity = 1024,
				       .reload.last_ok = true};
	*state = scene;
	return 0;
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	xa_config_free(scene->config);
	xa_ledger_free(scene->ledger);
	free(scene);
	return 0;
}

static struct xa_page *page_of(struct scene *scene)
{
	struct xa_page *page = NULL;

	assert_int_equal(xa_snapshot_page(&page, &scene->traffic, &scene->self), 0);
	assert_int_equal(strlen(page->metrics[XA_FORMAT_TEXT].text),
			 page->metrics[XA_FORMAT_TEXT].len);
	assert_int_equal(strlen(page->landing), page->landing_len);
	assert_int_equal(strlen(page->state), page->state_len);
	return page;
}

static bool has(const char *text, const char *line)
{
	for (const char *at = text; (at = strstr(at, line)); at++)
		if ((at == text || at[-1] == '\n') && at[strlen(line)] == '\n')
			return true;
	return false;
}

static void test_self(void **state)
{
	struct scene *scene = *state;
	_cleanup_xa_page_ struct xa_page *page = NULL;

	scene->self.fill.entries[XA_IPV6] = 12;
	scene->self.poll_failures = 2;
	scene->self.reload = (struct xa_reload_stats){.last_ok = true,
						      .success_time = 1700000000.5,
						      .count = 4,
						      .failures = {1, 4, 2, 3},
						      .hash = "ab12"};
	scene->attachments[1].reattaches = 3;
	scene->attachments[1].detached_ns = 2500 * XA_NS_PER_MS;
	page = page_of(scene);
	assert_true(page->attached);
	assert_int_equal(page->stale_after_ns, 77);
	assert_true(has(page->metrics[XA_FORMAT_TEXT].text,
			"xdp_auditor_attached{interface=\"eth0\",mode=\"skb\"} 1"));
	assert_true(has(page->metrics[XA_FORMAT_TEXT].text,
			"xdp_auditor_flow_map_entries{family=\"ipv6\"} 12"));
	assert_true(has(page->metrics[XA_FORMAT_TEXT].text,
			"xdp_auditor_flow_map_capacity{family=\"ipv4\"} 1024"));
	assert_true(has(page->metrics[XA_FORMAT_TEXT].text, "xdp_auditor_poll_failures_total 2"));
	assert_true(has(page->metrics[XA_FORMAT_TEXT].text,
			"xdp_auditor_poll_interval_seconds 1.500000000"));
	assert_true(has(page->metrics[XA_FORMAT_TEXT].text, "xdp_auditor_config_reloads_total 4"));
	assert_true(has(page->metrics[XA_FORMAT_TEXT].text,
			"xdp_auditor_config_reload_failures_total{phase=\"config\"} 1"));
	assert_true(has(page->metrics[XA_FORMAT_TEXT].text,
			"xdp_auditor_config_reload_failures_total{phase=\"policy\"} 4"));
	assert_true(has(page->metrics[XA_FORMAT_TEXT].text,
			"xdp_auditor_config_reload_failures_total{phase=\"listen\"} 2"));
	assert_true(has(page->metrics[XA_FORMAT_TEXT].text,
			"xdp_auditor_config_reload_failures_total{phase=\"attach\"} 3"));
	assert_true(has(page->metrics[XA_FORMAT_TEXT].text,
			"xdp_auditor_config_last_reload_successful 1"));
	assert_true(
		has(page->metrics[XA_FORMAT_TEXT].text, "xdp_auditor_config_restart_required 0"));
	assert_true(has(page->metrics[XA_FORMAT_TEXT].text,
			"xdp_auditor_config_hash_info{sha256=\"ab12\"} 1"));
	assert_true(has(page->metrics[XA_FORMAT_TEXT].text,
			"xdp_auditor_reattaches_total{interface=\"eth0\"} 3"));
	assert_true(has(page->metrics[XA_FORMAT_TEXT].text,
			"xdp_auditor_detached_seconds_total{interface=\"eth0\"} 2.500000000"));
}

/* Runs are told of all programs or of none; instructions where the kernel tells them. */
static void test_programs(void **state)
{
	struct xa_program programs[XA_PROGRAM_COUNT_] = {
		{.name = "netflow_filter", .id = 42, .tag = "00aa", .instructions = 2345},
		{.name = "netflow_ip", .id = 43, .tag = "00bb"},
		{.name = "netflow_clock", .id = 44, .tag = "00cc", .load_time = 1700000000.25},
	};
	struct scene *scene = *state;
	_cleanup_xa_page_ struct xa_page *before = NULL, *page = NULL;

	scene->self.programs = programs;
	before = page_of(scene);
	assert_null(strstr(before->metrics[XA_FORMAT_TEXT].text, "xdp_auditor_bpf_run"));
	programs[XA_PROGRAM_CLOCK].runs = 3;
	programs[XA_PROGRAM_CLOCK].run_ns = 1500;
	page = page_of(scene);
	assert_true(has(page->metrics[XA_FORMAT_TEXT].text,
			"xdp_auditor_bpf_program_info{program=\"netflow_filter\","
			"id=\"42\",tag=\"00aa\"} 1"));
	assert_true(has(page->metrics[XA_FORMAT_TEXT].text,
			"xdp_auditor_bpf_program_instructions{program=\"netflow_filter\"} 2345"));
	assert_null(
		strstr(page->metrics[XA_FORMAT_TEXT].text, "instructions{program=\"netflow_ip\"}"));
	assert_true(has(page->metrics[XA_FORMAT_TEXT].text,
			"xdp_auditor_bpf_program_load_timestamp_seconds{"
			"program=\"netflow_clock\"} 1700000000.250000000"));
	assert_true(has(page->metrics[XA_FORMAT_TEXT].text,
			"xdp_auditor_bpf_runs_total{program=\"netflow_clock\"} 3"));
	assert_true(has(page->metrics[XA_FORMAT_TEXT].text,
			"xdp_auditor_bpf_runs_total{program=\"netflow_filter\"} 0"));
	assert_true(has(page->metrics[XA_FORMAT_TEXT].text,
			"xdp_auditor_bpf_run_seconds_total{"
			"program=\"netflow_clock\"} 0.000001500"));
}

/* What a page says of two stages of rules, of which one was too slow once too often. */
struct stages {
	uint64_t errors[2][XA_PLUGIN_CAUSE_COUNT_];
	struct xa_self_stage stages[2];
	struct xa_histogram durations;
};

static void scene_policy(struct scene *scene, struct stages *stages)
{
	static const char *const causes[XA_PLUGIN_CAUSE_COUNT_] = {"error",  "steps",	"time",
								   "memory", "invalid", "crash"};

	*stages = (struct stages){
		.errors = {{0}, {[XA_PLUGIN_TIME] = 3}},
		.stages = {{.title = "zones",
			    .errors = stages->errors[0],
			    .file = "",
			    .complaint = ""},
			   {.title = "lua:quiet",
			    .disabled = true,
			    .errors = stages->errors[1],
			    .file = "quiet.lua",
			    .line = 3,
			    .complaint = "took too long\nstack traceback:",
			    .duration_ns = 250 * XA_NS_PER_MS}},
	};
	xa_histogram_observe(&stages->durations, &xa_poll_bounds, 30 * XA_NS_PER_MS);
	scene->self.policy = (struct xa_self_policy){
		.stages = stages->stages,
		.stage_count = 2,
		.cause_names = causes,
		.durations = &stages->durations,
		.bounds = &xa_poll_bounds,
		.restarts = 4,
	};
}

static void test_policy(void **state)
{
	struct scene *scene = *state;
	_cleanup_xa_page_ struct xa_page *without = page_of(scene), *page = NULL;
	struct stages stages;

	assert_null(strstr(without->metrics[XA_FORMAT_TEXT].text, "xdp_auditor_rule_"));
	assert_null(strstr(without->metrics[XA_FORMAT_TEXT].text, "xdp_auditor_policy_"));
	scene_policy(scene, &stages);
	page = page_of(scene);
	assert_true(has(page->metrics[XA_FORMAT_TEXT].text,
			"xdp_auditor_rule_errors_total{stage=\"zones\",cause=\"crash\"} 0"));
	assert_true(has(page->metrics[XA_FORMAT_TEXT].text,
			"xdp_auditor_rule_errors_total{stage=\"lua:quiet\",cause=\"time\"} 3"));
	assert_true(has(page->metrics[XA_FORMAT_TEXT].text,
			"xdp_auditor_rule_stage_disabled{stage=\"zones\"} 0"));
	assert_true(has(page->metrics[XA_FORMAT_TEXT].text,
			"xdp_auditor_rule_stage_disabled{stage=\"lua:quiet\"} 1"));
	assert_true(has(page->metrics[XA_FORMAT_TEXT].text,
			"xdp_auditor_rule_stage_duration_seconds{stage=\"lua:quiet\"}"
			" 0.250000000"));
	assert_true(has(page->metrics[XA_FORMAT_TEXT].text,
			"xdp_auditor_rule_duration_seconds_count 1"));
	assert_true(has(page->metrics[XA_FORMAT_TEXT].text,
			"xdp_auditor_policy_worker_restarts_total 4"));
	assert_true(page->attached);
	assert_string_equal(page->state,
			    "ready\n"
			    "stage lua:quiet is disabled: quiet.lua:3: took too long\n");
}

/* Of the line that starts at `line`: the family that its name belongs to. */
static bool belongs_to(const char *line, const char *family)
{
	size_t len = strlen(family);

	return !strncmp(line, family, len) &&
	       (strchr("{ ", line[len]) || !strncmp(line + len, "_bucket{", 8) ||
		(!strncmp(line + len, "_sum", 4) && strchr("{ ", line[len + 4])) ||
		(!strncmp(line + len, "_count", 6) && strchr("{ ", line[len + 6])));
}

/* Each line is HELP, its TYPE next, or a sample of that family; no family comes twice. */
static void test_families_are_whole(void **state)
{
	_cleanup_xa_page_ struct xa_page *page = NULL;
	struct stages stages;
	char family[128] = "", type[128], seen[64][128];
	size_t families = 0;

	scene_policy(*state, &stages);
	page = page_of(*state);
	for (const char *line = page->metrics[XA_FORMAT_TEXT].text; *line;
	     line = strchr(line, '\n') + 1) {
		if (strncmp(line, "# HELP ", 7)) {
			assert_true(belongs_to(line, family));
			continue;
		}
		assert_int_equal(sscanf(line, "# HELP %127s", family), 1);
		line = strchr(line, '\n') + 1;
		assert_int_equal(sscanf(line, "# TYPE %127s", type), 1);
		assert_string_equal(type, family);
		for (size_t i = 0; i < families; i++)
			assert_string_not_equal(family, seen[i]);
		(void)snprintf(seen[families++], sizeof(seen[0]), "%s", family);
	}
	assert_true(families > 20);
}

static void test_state(void **state)
{
	struct scene *scene = *state;
	_cleanup_xa_page_ struct xa_page *ready = page_of(scene), *missing = NULL, *waiting = NULL;

	assert_string_equal(ready->state, "ready\n");
	scene->attachments[1].attached = false;
	scene->self.attached = false;
	(void)snprintf(scene->attachments[1].why, sizeof(scene->attachments[1].why),
		       "no such interface");
	missing = page_of(scene);
	assert_false(missing->attached);
	assert_string_equal(missing->state, "not attached to eth0: no such interface\n");
	assert_non_null(strstr(missing->metrics[XA_FORMAT_TEXT].text,
			       "xdp_auditor_attached{interface=\"eth0\",mode="));
	scene->attachments[1].wanted = false;
	waiting = page_of(scene);
	assert_non_null(strstr(waiting->state, "waiting for an interface"));
	assert_null(strstr(waiting->metrics[XA_FORMAT_TEXT].text, "xdp_auditor_attached{"));
}

/* Counting goes on by the config before: it is ready, and says what it was told in vain. */
static void test_state_after_a_reload(void **state)
{
	static const char *const wants[] = {
		[XA_RELOAD_PHASE_CONFIG] = "ready\nlast reload refused: config\n",
		[XA_RELOAD_PHASE_POLICY] = "ready\nlast reload refused: policy\n",
		[XA_RELOAD_PHASE_LISTEN] = "ready\nlast reload refused: listen\n",
		[XA_RELOAD_PHASE_ATTACH] = "ready\nlast reload refused: attach\n",
	};
	struct scene *scene = *state;

	scene->self.reload.last_ok = false;
	for (size_t phase = 0; phase < XA_RELOAD_PHASE_COUNT_; phase++) {
		_cleanup_xa_page_ struct xa_page *page = NULL;

		scene->self.reload.last_phase = (enum xa_reload_phase)phase;
		page = page_of(scene);
		assert_true(page->attached);
		assert_string_equal(page->state, wants[phase]);
	}
}

/* More interfaces are wanted than there are slots: it says so, and is not ready. */
static void test_slotless(void **state)
{
	struct scene *scene = *state;
	_cleanup_xa_page_ struct xa_page *page = NULL;

	scene->self.attached = false;
	scene->self.slotless = 7;
	page = page_of(scene);
	assert_false(page->attached);
	assert_string_equal(page->state, "no slot left for 7 interfaces: 255 at most\n");
}

static void test_landing(void **state)
{
	struct scene *scene = *state;
	_cleanup_xa_page_ struct xa_page *page = NULL;

	(void)snprintf(scene->attachments[2].name, IF_NAMESIZE, "<b>&");
	scene->attachments[2].wanted = true;
	scene->traffic.totals = (struct xa_totals){7, 70, 700};
	page = page_of(scene);
	assert_non_null(strstr(page->landing, "<!doctype html>"));
	assert_non_null(strstr(page->landing, "href=\"/metrics\""));
	assert_non_null(strstr(page->landing, "eth0"));
	assert_null(strstr(page->landing, "<b>"));
}

/* What found no room adds up over the pages. */
static void test_folded_adds_up(void **state)
{
	struct scene *scene = *state;
	_cleanup_xa_page_ struct xa_page *first = NULL, *second = NULL;
	uint64_t folded;
	char line[96];

	for (size_t i = 0; i < array_size(scene->top); i++) {
		scene->top[i].packets = 1;
		scene->top[i].key.daddr[0] = (uint8_t)i;
		scene->top[i].key.daddr[1] = (uint8_t)(i >> 8);
		scene->top[i].key.tail.slot = 1;
	}
	scene->traffic.top_count = array_size(scene->top);
	scene->traffic.totals.packets = array_size(scene->top);
	first = page_of(scene);
	folded = scene->self.folded.flows;
	assert_true(folded > 200);
	second = page_of(scene);
	(void)snprintf(line, sizeof(line), "xdp_auditor_series_folded_total{family=\"flow\"} %llu",
		       (unsigned long long)folded);
	assert_int_equal(scene->self.folded.flows, 2 * folded);
	assert_true(has(second->metrics[XA_FORMAT_TEXT].text, line));
}

#define scene_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		scene_test(test_self),
		scene_test(test_programs),
		scene_test(test_families_are_whole),
		scene_test(test_state),
		scene_test(test_landing),
		scene_test(test_state_after_a_reload),
		scene_test(test_folded_adds_up),
		scene_test(test_slotless),
		scene_test(test_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
