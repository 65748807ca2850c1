/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Whole chains in this process: the real zones and Lua, a plugin of this file's, and those plugins
 * that are wrong without crashing. The argument is the folder of the latter.
 */

#include "core/policy/chain.h"

#include "tests/unit/policy_scene.h"

extern const struct xa_plugin xa_plugin_lua, xa_plugin_zones;

/* A plugin that does as the test says. */
struct probe {
	const struct xa_plugin_host *host;
	int label, metric;
	bool fails; /* its next runs */
	bool names_each; /* a value of its own for each flow, by handle and round */
	unsigned round;
	uint32_t fresh[SCENE_FLOWS]; /* handles of the last run */
	size_t fresh_count;
};

static struct probe probe;
static const char *bad_plugins;

static int probe_open(const struct xa_plugin_host *host, const struct xa_plugin_value *options,
		      void **ret_state)
{
	const struct xa_plugin_metric metric = {.name = "probes", .help = "Runs"};

	(void)options;
	probe = (struct probe){.host = host,
			       .label = host->declare_label(host, "probed"),
			       .metric = host->declare_metric(host, &metric)};
	*ret_state = &probe;
	return 0;
}

static void probe_flow(const struct xa_plugin_flow *flow)
{
	uint32_t *column = probe.host->column(probe.host, probe.label);
	char text[32];

	(void)snprintf(text, sizeof(text), "%u of %u", flow->handle, probe.round);
	if (!probe.names_each)
		(void)snprintf(text, sizeof(text), "yes");
	assert_int_equal(column[flow->handle], XA_PLUGIN_VALUE_NONE);
	assert_int_equal(probe.host->value(probe.host, text, strlen(text), &column[flow->handle]),
			 0);
}

static int probe_run(void *state, const struct xa_plugin_batch *batch)
{
	assert_ptr_equal(state, &probe);
	probe.fresh_count = 0;
	for (size_t i = 0; i < batch->fresh_count; i++) {
		const struct xa_plugin_flow *flow = &batch->flows[batch->fresh[i]];

		probe.fresh[probe.fresh_count++] = flow->handle;
		probe_flow(flow);
		if (probe.fails)
			probe.host->hidden(probe.host)[flow->handle] = 1;
	}
	assert_int_equal(probe.host->sample(probe.host, probe.metric, NULL, 1), 0);
	return probe.fails ? -EIO : 0;
}

static void probe_close(void *state)
{
	assert_ptr_equal(state, &probe);
	probe.host = NULL;
}

static size_t probe_save(void *state, void *to, size_t size)
{
	assert_ptr_equal(state, &probe);
	assert_int_equal(size, XA_PLUGIN_KEPT_BYTES);
	memcpy(to, "saved", 5);
	return 5;
}

static const struct xa_plugin xa_plugin_probe = {.abi = XA_PLUGIN_ABI,
						 .size = sizeof(struct xa_plugin),
						 .name = "probe",
						 .open = probe_open,
						 .run = probe_run,
						 .close = probe_close,
						 .save = probe_save};

static const struct xa_plugin *const builtin[] = {&xa_plugin_zones, &xa_plugin_lua,
						  &xa_plugin_probe};
static const struct xa_builtin_plugins builtins = {builtin, array_size(builtin)};

/* A chain of the stages; plugins are looked for in the bad ones' folder. */
struct run {
	struct scene scene;
	struct xa_chain *chain;
	int opened;
};

static struct run *begin_with(const char *stages, const struct xa_setup_stage *known)
{
	struct run *run = calloc(1, sizeof(*run));
	char yaml[4096];

	assert_non_null(run);
	(void)snprintf(yaml, sizeof(yaml),
		       "policy:\n  max_values: 16\n  plugin_dir: %s\n  stages:\n%s", bad_plugins,
		       stages);
	scene_begin_with(&run->scene, yaml, known);
	assert_int_equal(xa_chain_new(&run->chain, &run->scene.setup, &builtins, run->scene.region,
				      run->scene.worker),
			 0);
	run->opened = xa_chain_open(run->chain);
	return run;
}

static struct run *begin(const char *stages)
{
	struct run *run = begin_with(stages, NULL);

	if (run->opened)
		fail_msg("%s", scene_listen(&run->scene));
	return run;
}

static void end(struct run *run)
{
	xa_chain_free(run->chain);
	scene_end(&run->scene);
	free(run);
}

static void judge(struct run *run)
{
	assert_int_equal(xa_chain_run(run->chain, run->scene.head, run->scene.flows), 0);
	assert_int_equal(scene_region(&run->scene)->running, 0);
}

/* A rule file in a folder that is there for one test. */
struct rule {
	char dir[32], path[64], stage[128];
};

static void rule_write(struct rule *rule, const char *text)
{
	FILE *file;

	(void)snprintf(rule->dir, sizeof(rule->dir), "/tmp/xa-chain-XXXXXX");
	assert_non_null(mkdtemp(rule->dir));
	(void)snprintf(rule->path, sizeof(rule->path), "%s/rule.lua", rule->dir);
	(void)snprintf(rule->stage, sizeof(rule->stage), "    - lua: {file: %s}\n", rule->path);
	file = fopen(rule->path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void rule_remove(const struct rule *rule)
{
	assert_int_equal(unlink(rule->path), 0);
	assert_int_equal(rmdir(rule->dir), 0);
}

#define ZONES "    - zones: {networks: {office: 10.0.0.0/8, lab: 192.168.0.0/16}, default: out}\n"

/* What chains do */

static void test_zones_and_lua(void **state)
{
	static const char text[] =
		"return {\n"
		"  labels = {'service'},\n"
		"  metrics = {zone_bytes = {type = 'gauge', help = 'x', labels = {'zone'}}},\n"
		"  label = function(flow) return {service = flow.src_zone .. flow.dport} end,\n"
		"  filter = function(flow) return flow.dport ~= 22 end,\n"
		"  derive = function(snapshot, emit)\n"
		"    for zone, sum in snapshot:sum_by('src_zone') do\n"
		"      emit('zone_bytes', sum.bytes, {zone = zone})\n"
		"    end\n"
		"  end,\n"
		"}\n";
	struct rule rule;
	struct run *run;
	char stages[512];

	(void)state;
	rule_write(&rule, text);
	(void)snprintf(stages, sizeof(stages), ZONES "%s", rule.stage);
	run = begin(stages);
	scene_flow(&run->scene, "10.1.2.3", "192.168.1.1", 443);
	scene_flow(&run->scene, "8.8.8.8", "10.0.0.1", 22);
	judge(run);
	assert_string_equal(scene_label(&run->scene, "src_zone", 0), "office");
	assert_string_equal(scene_label(&run->scene, "dst_zone", 0), "lab");
	assert_string_equal(scene_label(&run->scene, "src_zone", 1), "out");
	assert_string_equal(scene_label(&run->scene, "service", 0), "office443");
	assert_false(scene_hidden(&run->scene, 0));
	assert_true(scene_hidden(&run->scene, 1));
	assert_int_equal(scene_region(&run->scene)->sample_count, 1);
	assert_int_equal(scene_samples(&run->scene)[0].count, 200);
	assert_true(scene_region(&run->scene)->stages[1].duration_ns > 0);
	end(run);
	rule_remove(&rule);
}

static void test_fresh_is_what_no_run_has_seen(void **state)
{
	struct run *run = begin("    - probe\n");

	(void)state;
	scene_flow(&run->scene, "10.0.0.1", "10.0.0.2", 1);
	scene_flow(&run->scene, "10.0.0.1", "10.0.0.2", 2);
	judge(run);
	assert_int_equal(probe.fresh_count, 2);
	judge(run);
	assert_int_equal(probe.fresh_count, 0);
	scene_flow(&run->scene, "10.0.0.1", "10.0.0.2", 3);
	run->scene.flows[0].serial = 0;
	judge(run);
	assert_int_equal(probe.fresh_count, 2);
	assert_int_equal(probe.fresh[0], 0);
	assert_int_equal(probe.fresh[1], 2);
	assert_string_equal(scene_label(&run->scene, "probed", 1), "yes");
	end(run);
	assert_null(probe.host);
}

static void test_a_stage_that_fails_leaves_no_trace(void **state)
{
	struct run *run = begin(ZONES "    - probe\n");
	const struct xa_region_head *region = scene_region(&run->scene);

	(void)state;
	scene_flow(&run->scene, "10.0.0.1", "10.0.0.2", 1);
	probe.fails = true;
	judge(run);
	assert_int_equal(region->stages[0].report.failed, 0);
	assert_int_equal(region->stages[1].report.failed, 1);
	assert_int_equal(region->sample_count, 0);
	assert_false(scene_hidden(&run->scene, 0));
	assert_string_equal(scene_label(&run->scene, "src_zone", 0), "office");
	assert_string_equal(scene_label(&run->scene, "probed", 0), "");
	probe.fails = false;
	judge(run);
	assert_int_equal(probe.fresh_count, 1);
	assert_string_equal(scene_label(&run->scene, "probed", 0), "yes");
	assert_int_equal(region->stages[1].report.failed, 0);
	assert_int_equal(region->sample_count, 1);
	end(run);
}

/* 14 numbers for 16 flows; once the flows are others, the numbers are theirs. */
static void test_values_of_dead_flows_are_collected(void **state)
{
	struct run *run = begin("    - probe\n");
	size_t folded = 0;

	(void)state;
	probe.names_each = true;
	for (uint16_t i = 0; i < 18; i++)
		scene_flow(&run->scene, "10.0.0.1", "10.0.0.2", i);
	judge(run);
	for (uint32_t i = 0; i < 18; i++)
		folded += !strcmp(scene_label(&run->scene, "probed", i), "other");
	assert_int_equal(folded, 2);
	for (uint32_t i = 0; i < 10; i++)
		run->scene.flows[i].serial++;
	probe.round++;
	judge(run);
	assert_string_equal(scene_label(&run->scene, "probed", 0), "0 of 1");
	assert_string_equal(scene_label(&run->scene, "probed", 9), "9 of 1");
	assert_string_equal(scene_label(&run->scene, "probed", 12), "12 of 0");
	end(run);
}

static void test_a_disabled_stage_is_left_out(void **state)
{
	static const struct xa_setup_stage known[] = {{.title = "zones", .disabled = true},
						      {.title = "probe"}};
	struct run *run = begin_with("    - zones: {nonsense: true}\n    - probe\n", known);

	(void)state;
	assert_int_equal(run->opened, 0);
	assert_int_equal(scene_region(&run->scene)->label_count, 1);
	scene_flow(&run->scene, "10.0.0.1", "10.0.0.2", 1);
	judge(run);
	assert_string_equal(scene_label(&run->scene, "probed", 0), "yes");
	end(run);
}

static void test_what_stages_keep_is_saved(void **state)
{
	struct run *run = begin(ZONES "    - probe\n");
	const struct xa_region_head *region = scene_region(&run->scene);

	(void)state;
	xa_chain_save(run->chain);
	assert_int_equal(region->stages[0].kept_len, 0);
	assert_int_equal(region->stages[1].kept_len, 5);
	assert_memory_equal(region->stages[1].kept, "saved", 5);
	end(run);
}

static void test_a_snapshot_that_does_not_fit(void **state)
{
	struct run *run = begin("    - probe\n");

	(void)state;
	scene_flow(&run->scene, "10.0.0.1", "10.0.0.2", 1)->handle = SCENE_FLOWS;
	assert_int_equal(xa_chain_run(run->chain, run->scene.head, run->scene.flows), -EBADMSG);
	run->scene.flows[0].handle = 0;
	run->scene.head->count = SCENE_FLOWS + 1;
	assert_int_equal(xa_chain_run(run->chain, run->scene.head, run->scene.flows), -EBADMSG);
	end(run);
}

/* What is refused */

static void refused(const char *stages, const char *const *parts, size_t count)
{
	struct run *run = begin_with(stages, NULL);
	const char *said = scene_listen(&run->scene);

	assert_int_equal(run->opened, -EINVAL);
	for (size_t i = 0; i < count; i++)
		assert_said(said, parts[i]);
	end(run);
}

static void refused_for(const char *stages, const char *part)
{
	refused(stages, &part, 1);
}

static void test_plugins_that_are_none(void **state)
{
	(void)state;
	refused_for("    - wrong_abi\n", "/wrong_abi.so was built for ABI 2 and this program has "
					 "1: build it anew");
	refused_for("    - wrong_size\n", "/wrong_size.so has a descriptor of ");
	refused_for("    - wrong_name\n", "/wrong_name.so is the plugin 'somebody_else': name the "
					  "file after it");
	refused_for("    - no_symbol\n", "/no_symbol.so is no plugin, it has no symbol "
					 "'xa_plugin'");
}

static void test_a_stage_that_there_is_not(void **state)
{
	static const char *const parts[] = {
		"why 0 " SCENE_FILE ":5:7: policy.stages[0].zonse: there is no such stage",
		"/zonse.so (did you mean 'zones'?); there are: bad_values, ",
	};

	(void)state;
	refused("    - zonse\n", parts, array_size(parts));
}

static void test_every_stage_says_what_is_wrong(void **state)
{
	static const char *const parts[] = {
		"why 0 " SCENE_FILE ":5:7: policy.stages[0].nowhere: there is no such stage",
		"why 1 " SCENE_FILE ":6:15: policy.stages[1].zones: unknown key 'network' (did you "
		"mean 'networks'?)",
		"why 2 " SCENE_FILE ":7:34: policy.stages[2].zones: '10' is no network",
		"why 3 " SCENE_FILE ":8:7: policy.stages[3].lua.file: is missing (the rule file)",
	};

	(void)state;
	refused("    - nowhere\n    - zones: {network: x}\n"
		"    - zones: {networks: {office: 10}}\n    - lua\n",
		parts, array_size(parts));
}

static void test_a_rule_that_does_not_compile(void **state)
{
	struct rule rule;
	char part[128];

	(void)state;
	rule_write(&rule, "return {\n  labels = }\n");
	(void)snprintf(part, sizeof(part), "why 0 %s:2:0: policy.stages[0].lua: ", rule.path);
	refused_for(rule.stage, part);
	rule_remove(&rule);
}

static void test_two_stages_with_one_label(void **state)
{
	(void)state;
	refused_for("    - probe\n" ZONES ZONES,
		    "policy.stages[2].zones: label 'src_zone' is declared by zones already");
}

/* What no one checks stands in the region for the auditor; the rest was refused. */
static void test_bad_values(void **state)
{
	struct run *run = begin("    - bad_values\n");
	const struct xa_region_head *region = scene_region(&run->scene);

	(void)state;
	scene_flow(&run->scene, "10.0.0.1", "10.0.0.2", 1);
	judge(run);
	judge(run);
	assert_int_equal(region->stages[0].report.failed, 0);
	assert_int_equal(region->value_count, 2);
	assert_int_equal(region->sample_count, 5);
	assert_int_equal(scene_column(&run->scene, 0, 0), UINT32_MAX);
	end(run);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zones_and_lua),
		cmocka_unit_test(test_fresh_is_what_no_run_has_seen),
		cmocka_unit_test(test_a_stage_that_fails_leaves_no_trace),
		cmocka_unit_test(test_values_of_dead_flows_are_collected),
		cmocka_unit_test(test_a_disabled_stage_is_left_out),
		cmocka_unit_test(test_what_stages_keep_is_saved),
		cmocka_unit_test(test_a_snapshot_that_does_not_fit),
		cmocka_unit_test(test_plugins_that_are_none),
		cmocka_unit_test(test_a_stage_that_there_is_not),
		cmocka_unit_test(test_every_stage_says_what_is_wrong),
		cmocka_unit_test(test_a_rule_that_does_not_compile),
		cmocka_unit_test(test_two_stages_with_one_label),
		cmocka_unit_test(test_bad_values),
	};

	if (argc != 2)
		return 2;
	bad_plugins = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
