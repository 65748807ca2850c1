/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Rule files: what they may declare, what their functions may return, and what is said of the
 * wrong ones. */

#include "tests/unit/lua_host.h"

/* --- what works --- */

static const char example[] =
	"local names = {[443] = 'https', [53] = 'domain'}\n"
	"return {\n"
	"  api = 1,\n"
	"  labels = {'service', 'side'},\n"
	"  metrics = {\n"
	"    service_bytes = {type = 'gauge', help = 'Bytes', labels = {'service'}},\n"
	"    flows_seen = {type = 'counter', help = 'Flows'},\n"
	"    flow_bytes = {type = 'histogram', help = 'Sizes', buckets = {10, 100.5, 1000}},\n"
	"  },\n"
	"  label = function(flow)\n"
	"    if names[flow.dport] then return {service = names[flow.dport], side = 1} end\n"
	"  end,\n"
	"  filter = function(flow) return flow.packets > 1 end,\n"
	"  derive = function(snapshot, emit)\n"
	"    for service, sum in snapshot:sum_by('service') do\n"
	"      emit('service_bytes', sum.bytes, {service = service})\n"
	"    end\n"
	"    emit('flows_seen', snapshot.count)\n"
	"    for flow in snapshot:flows() do emit('flow_bytes', flow.bytes / 8, {}) end\n"
	"  end,\n"
	"}\n";

static void test_example(void **state)
{
	struct lab *lab = lab_with(example);

	(void)state;
	assert_int_equal(lab->metric_count, 3);
	/* by name */
	assert_string_equal(lab->metrics[0].name, "flow_bytes");
	assert_int_equal(lab->metrics[0].bucket_count, 3);
	assert_int_equal(lab->metrics[1].type, XA_PLUGIN_COUNTER);
	lab_flow(lab, "10.0.0.1", 1000, "10.0.0.2", 443, 6, 10, 1000);
	lab_flow(lab, "10.0.0.1", 1001, "10.0.0.2", 443, 6, 20, 2000);
	lab_flow(lab, "10.0.0.1", 1002, "10.0.0.2", 53, 17, 1, 100);
	lab_flow(lab, "10.0.0.1", 1003, "10.0.0.2", 99, 17, 2, 4);
	lab_judge(lab);
	assert_string_equal(lab_label(lab, "service", 0), "https");
	assert_string_equal(lab_label(lab, "side", 0), "1");
	assert_string_equal(lab_label(lab, "service", 2), "domain");
	assert_string_equal(lab_label(lab, "service", 3), "");
	assert_int_equal(lab->hidden[0] + lab->hidden[1] + lab->hidden[3], 0);
	assert_int_equal(lab->hidden[2], 1);
	assert_string_equal(lab->samples, "service_bytes{service=\"https\"} 3000\n"
					  "service_bytes{service=\"\"} 4\n"
					  "flows_seen{} 4\n"
					  "flow_bytes{} 125\nflow_bytes{} 250\nflow_bytes{} 0.5\n");
	lab_free(lab);
}

/* The table may be empty; what is not there is not called. */
static void test_empty_rule(void **state)
{
	struct lab *lab = lab_with("return {}");

	(void)state;
	lab_flow(lab, "10.0.0.1", 1, "10.0.0.2", 2, 6, 1, 1);
	lab_judge(lab);
	lab_judge(lab);
	lab_free(lab);
}

/* Only fresh flows are labelled, and what a handle's flow before had is not inherited. */
static void test_fresh(void **state)
{
	struct lab *lab = lab_with("local n = 0\n"
				   "return {labels = {'n'}, label = function(flow)\n"
				   "  n = n + 1\n"
				   "  if n < 3 then return {n = n} end\n"
				   "end}\n");

	(void)state;
	lab_flow(lab, "10.0.0.1", 1, "10.0.0.2", 2, 6, 1, 1);
	lab_judge(lab);
	assert_string_equal(lab_label(lab, "n", 0), "1");
	assert_int_equal(lab_show(lab, lab->flows, 1, false), 0);
	assert_string_equal(lab_label(lab, "n", 0), "1");
	lab_judge(lab);
	assert_string_equal(lab_label(lab, "n", 0), "2");
	lab_judge(lab);
	assert_string_equal(lab_label(lab, "n", 0), "");
	lab_free(lab);
}

static void test_values(void **state)
{
	struct lab *lab = lab_with("local given = {'text', 12, -3, true, false, ''}\n"
				   "return {labels = {'v'}, label = function(flow)\n"
				   "  return {v = given[flow.sport]}\n"
				   "end}\n");
	static const char *const wanted[] = {"text", "12", "-3", "true", "false", ""};

	(void)state;
	for (uint16_t i = 1; i <= 6; i++)
		lab_flow(lab, "10.0.0.1", i, "10.0.0.2", 2, 6, 1, 1);
	lab_judge(lab);
	for (size_t i = 0; i < 6; i++)
		assert_string_equal(lab_label(lab, "v", i), wanted[i]);
	lab_free(lab);
}

/* Labels of a stage before are read, by field and by method. */
static void test_other_labels(void **state)
{
	struct lab *lab = lab_new();

	(void)state;
	(void)snprintf(lab->labels[0], XA_PLUGIN_NAME_BYTES, "zone");
	lab->label_count = 1;
	assert_int_equal(
		lab_open(lab, "return {labels = {'both'},\n"
			      "  metrics = {m = {type = 'gauge', help = 'h', labels = {'z'}}},\n"
			      "  label = function(flow)\n"
			      "    return {both = flow.zone .. '-' .. flow:label('zone')}\n"
			      "  end,\n"
			      "  derive = function(s, emit)\n"
			      "    for z, sum in s:sum_by('zone') do\n"
			      "      emit('m', sum.flows, {z = z})\n"
			      "    end\n"
			      "    emit('m', 7, {z = s:top(1)[1].zone})\n"
			      "  end}"),
		0);
	lab_flow(lab, "10.0.0.1", 1, "10.0.0.2", 2, 6, 1, 1);
	assert_int_equal(lab_value(&lab->lent, "lab", 3, &lab->columns[0][0]), 0);
	lab_judge(lab);
	assert_string_equal(lab_label(lab, "both", 0), "lab-lab");
	assert_string_equal(lab->samples, "m{z=\"lab\"} 1\nm{z=\"lab\"} 7\n");
	lab_free(lab);
}

static struct xa_plugin_node scalar(const char *key, const char *text, bool quoted)
{
	return (struct xa_plugin_node){
		.kind = XA_PLUGIN_SCALAR, .key = key, .text = text, .quoted = quoted};
}

static void test_options(void **state)
{
	static const char *const texts[] = {"12",   "-1.5e3", "true", "false", "10.0.0.0/8",
					    "0x10", "007",    "",     "1e",    "no"};
	struct xa_plugin_node list[12], map = {.kind = XA_PLUGIN_MAP};
	struct xa_plugin_node entry = {.kind = XA_PLUGIN_LIST, .key = "list", .children = list};
	struct lab *lab = lab_new();

	(void)state;
	for (size_t i = 0; i < 10; i++)
		list[i] = scalar(NULL, texts[i], false);
	list[10] = scalar(NULL, "12", true);
	list[11] = scalar(NULL, "true", true);
	for (size_t i = 0; i < 11; i++)
		list[i].next = &list[i + 1];
	map.children = &entry;
	lab->options[1].node = &map;
	assert_int_equal(
		lab_open(lab, "return {init = function(options)\n"
			      "  local l = options.list\n"
			      "  assert(#l == 12)\n"
			      "  assert(math.type(l[1]) == 'integer' and l[1] == 12)\n"
			      "  assert(math.type(l[2]) == 'float' and l[2] == -1500)\n"
			      "  assert(l[3] == true and l[4] == false)\n"
			      "  assert(l[5] == '10.0.0.0/8' and l[6] == '0x10' and l[7] == 7)\n"
			      "  assert(l[8] == '' and l[9] == '1e' and l[10] == 'no')\n"
			      "  assert(l[11] == '12' and l[12] == 'true')\n"
			      "end}"),
		0);
	lab_free(lab);
	lab = lab_with(
		"return {init = function(o) assert(type(o) == 'table' and not next(o)) end}");
	lab_free(lab);
}

static void test_require(void **state)
{
	static const char main_file[] = "local util = require('util')\n"
					"local deep = require('sub.deep')\n"
					"assert(require('util') == util and deep == true)\n"
					"return {labels = {'x'}, label = function(flow)\n"
					"  return {x = require('util').name(flow)}\n"
					"end, derive = function() require('later') end}\n";
	static const char util[] = "local name = ...\n"
				   "assert(name == 'util')\n"
				   "return {name = function(flow) return 'p' .. flow.dport end}";
	struct lab *lab = lab_new();

	(void)state;
	lab_add_file(lab, "rules/util.lua", util, strlen(util));
	lab_add_file(lab, "rules/sub/deep.lua", "loaded = 1", 10);
	assert_int_equal(lab_open(lab, main_file), 0);
	lab_flow(lab, "10.0.0.1", 1, "10.0.0.2", 2, 6, 1, 1);
	assert_int_not_equal(lab_run(lab), 0);
	lab_expect(lab, XA_PLUGIN_ERROR,
		   "rules/test.lua:6: ", "require: 'later' was not loaded with the rule file");
	lab_free(lab);
}

static void test_log(void **state)
{
	struct lab *lab = lab_with("return {derive = function()\n"
				   "  xa.log('one') xa.log('warn', 2) print('a', 1, nil, true)\n"
				   "end}\n");

	(void)state;
	lab_judge(lab);
	assert_string_equal(lab->log, "info: one\nwarn: 2\ninfo: a\t1\tnil\ttrue\n");
	lab_free(lab);
}

/* --- what is refused when a rule is opened --- */

static const struct {
	const char *rule;
	enum xa_plugin_cause cause;
	const char *begin, *part;
} refused[] = {
	{"", XA_PLUGIN_INVALID, "rules/test.lua:0: ", "has to return a table, not a nil"},
	{"return 1", XA_PLUGIN_INVALID, "rules/test.lua:0: ", "not a number"},
	{"return {\n  labels = \n}", XA_PLUGIN_ERROR, "rules/test.lua:3: ", "unexpected symbol"},
	{"\n\nreturn {lables = {}}", XA_PLUGIN_INVALID,
	 "rules/test.lua:0: ", "unknown key 'lables' (did you mean 'labels'?)"},
	{"return {'a'}", XA_PLUGIN_INVALID, "", "a number is no key here"},
	{"return {api = 2}", XA_PLUGIN_INVALID, "", "written for API 2"},
	{"return {api = '1'}", XA_PLUGIN_INVALID, "", "'api' has to be a number, not a string"},
	{"return {filter = 1}", XA_PLUGIN_INVALID, "", "'filter' has to be a function"},
	{"return {init = {}}", XA_PLUGIN_INVALID, "", "'init' has to be a function"},
	{"return {keep_state = 1}", XA_PLUGIN_INVALID, "", "'keep_state' has to be a boolean"},
	{"return {labels = 'a'}", XA_PLUGIN_INVALID, "", "'labels' has to be a table"},
	{"return {labels = {a = 'b'}}", XA_PLUGIN_INVALID, "", "labels: has to be a list"},
	{"return {labels = {1}}", XA_PLUGIN_INVALID, "", "labels: names are strings, not a number"},
	{"return {labels = {'bytes'}}", XA_PLUGIN_INVALID, "", "flows have 'bytes' already"},
	{"return {labels = {'label'}}", XA_PLUGIN_INVALID, "", "flows have 'label' already"},
	{"return {labels = {'a', 'a'}}", XA_PLUGIN_INVALID, "", "the host refuses this label"},
	{"return {labels = {'1', '2', '3', '4', '5', '6', '7', '8', '9'}}", XA_PLUGIN_INVALID, "",
	 "labels: 8 at most, not 9"},
	{"return {label = function() end}", XA_PLUGIN_INVALID, "", "declares no labels"},
	{"return {metrics = {1}}", XA_PLUGIN_INVALID, "", "names are strings, not a number"},
	{"return {metrics = {m = 1}}", XA_PLUGIN_INVALID, "", "metric 'm': has to be a table"},
	{"return {metrics = {m = {}}}", XA_PLUGIN_INVALID, "", "metric 'm': 'type' is missing"},
	{"return {metrics = {m = {type = 'guage', help = 'h'}}}", XA_PLUGIN_INVALID, "",
	 "there is no type 'guage' (did you mean 'gauge'?)"},
	{"return {metrics = {m = {type = 'gauge'}}}", XA_PLUGIN_INVALID, "", "'help' is missing"},
	{"return {metrics = {m = {type = 'gauge', help = 'h', lable = {}}}}", XA_PLUGIN_INVALID, "",
	 "metric 'm': unknown key 'lable'"},
	{"return {metrics = {m = {type = 'histogram', help = 'h'}}}", XA_PLUGIN_INVALID, "",
	 "a histogram needs 'buckets'"},
	{"return {metrics = {m = {type = 'gauge', help = 'h', buckets = {1}}}}", XA_PLUGIN_INVALID,
	 "", "only a histogram has 'buckets'"},
	{"return {metrics = {m = {type = 'histogram', help = 'h', buckets = {2, 1}}}}",
	 XA_PLUGIN_INVALID, "", "have to be finite and to rise"},
	{"return {metrics = {m = {type = 'histogram', help = 'h', buckets = {1 / 0}}}}",
	 XA_PLUGIN_INVALID, "", "have to be finite and to rise"},
	{"return {metrics = {m = {type = 'histogram', help = 'h', buckets = {'1'}}}}",
	 XA_PLUGIN_INVALID, "", "buckets are numbers"},
	{"return {metrics = {m = {type = 'gauge', help = 'h',\n"
	 "labels = {'1', '2', '3', '4', '5', '6', '7'}}}}",
	 XA_PLUGIN_INVALID, "", "metric 'm': 6 at most, not 7"},
	{"return {metrics = {bad = {type = 'gauge', help = 'h'}}}", XA_PLUGIN_INVALID, "",
	 "the host refuses this metric"},
	{"local m = {}\nfor i = 1, 65 do m['m' .. i] = {} end\nreturn {metrics = m}",
	 XA_PLUGIN_INVALID, "", "metrics: 64 at most"},
	{"error('at the top')", XA_PLUGIN_ERROR,
	 "rules/test.lua:1: at the top\nstack traceback:", "rules/test.lua:1: in main chunk"},
	{"return {init = function()\n  error({})\nend}", XA_PLUGIN_ERROR,
	 "rules/test.lua:2: ", "table: 0x"},
	{"return {init = function()\n  error(setmetatable({},\n"
	 "{__tostring = function() return 'shown' end}))\nend}",
	 XA_PLUGIN_ERROR, "rules/test.lua:2: shown\n", "traceback"},
	{"return {init = function()\n  error(setmetatable({},\n"
	 "{__tostring = function() error('again') end}))\nend}",
	 XA_PLUGIN_ERROR, "rules/test.lua:2: raised a table that cannot be shown", "traceback"},
	{"return {init = function()\n  error()\nend}", XA_PLUGIN_ERROR, "rules/test.lua:2: nil",
	 ""},
	{"xa.now()", XA_PLUGIN_ERROR, "rules/test.lua:1: ", "there is no snapshot yet"},
	{"require('none')", XA_PLUGIN_ERROR, "rules/test.lua:1: ", "cannot read 'rules/none.lua'"},
	{"require('../none')", XA_PLUGIN_ERROR, "rules/test.lua:1: ", "is no name of a module"},
	{"require('/none')", XA_PLUGIN_ERROR, "rules/test.lua:1: ", "is no name of a module"},
	{"require('a..b')", XA_PLUGIN_ERROR, "rules/test.lua:1: ", "is no name of a module"},
	{"require('.a')", XA_PLUGIN_ERROR, "rules/test.lua:1: ", "is no name of a module"},
	{"require('a.')", XA_PLUGIN_ERROR, "rules/test.lua:1: ", "is no name of a module"},
	{"require('')", XA_PLUGIN_ERROR, "rules/test.lua:1: ", "is no name of a module"},
	{"require('a\\0b')", XA_PLUGIN_ERROR, "rules/test.lua:1: ", "is no name of a module"},
	{"require('test')", XA_PLUGIN_ERROR, "rules/test.lua:1: ", "is being loaded already"},
	{"undefined.field = 1", XA_PLUGIN_ERROR, "rules/test.lua:1: ", "global 'undefined'"},
	{"\x1bLua", XA_PLUGIN_ERROR, "rules/test.lua:0: ", "attempt to load a binary chunk"},
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct lab *lab = lab_new();

		if (lab_open(lab, refused[i].rule) == 0)
			fail_msg("was accepted: %s", refused[i].rule);
		lab_expect(lab, refused[i].cause, refused[i].begin, refused[i].part);
		assert_null(lab->state);
		lab_free(lab);
	}
}

static void expect_unread(int error, const char *part)
{
	struct lab *lab = lab_new();

	lab_add_file(lab, "rules/test.lua", "", 0);
	lab->files[0].error = error;
	assert_int_not_equal(lab_open_files(lab), 0);
	lab_expect(lab, XA_PLUGIN_ERROR, "rules/test.lua:0: cannot read 'rules/test.lua'", part);
	lab_free(lab);
}

static void test_unread(void **state)
{
	(void)state;
	expect_unread(-EFBIG, "larger than 1 MiB");
	expect_unread(-EINVAL, "not a regular file");
	expect_unread(-EACCES, "Permission denied");
}

/* An error in a module names the module. */
static void test_module_error(void **state)
{
	struct lab *lab = lab_new();

	(void)state;
	lab_add_file(lab, "rules/m.lua", "\n\nx = = 1", 9);
	assert_int_not_equal(lab_open(lab, "\nrequire('m')"), 0);
	lab_expect(lab, XA_PLUGIN_ERROR, "rules/m.lua:3: unexpected symbol",
		   "rules/test.lua:2: in");
	lab_free(lab);
}

/* --- what is refused when it runs --- */

static const struct {
	const char *function;
	enum xa_plugin_cause cause;
	const char *begin, *part;
} failing[] = {
	{"filter = function(flow) end", XA_PLUGIN_INVALID,
	 "rules/test.lua:2: ", "filter: returned nil, not true or false"},
	{"filter = function(flow)\n return 1 end", XA_PLUGIN_INVALID,
	 "rules/test.lua:2: ", "filter: returned number"},
	{"filter = function(flow)\n return flow.bites end", XA_PLUGIN_ERROR,
	 "rules/test.lua:3: ", "no field and no label 'bites' (did you mean 'bytes'?)"},
	{"filter = function(flow)\n return flow[1] end", XA_PLUGIN_ERROR,
	 "rules/test.lua:3: ", "is a string, not a number"},
	{"filter = function(flow) flow.bytes = 1 end", XA_PLUGIN_ERROR,
	 "rules/test.lua:2: ", "flows are read-only: 'bytes' cannot be set"},
	{"filter = function(flow) return flow:label('nope') end", XA_PLUGIN_ERROR,
	 "rules/test.lua:2: ", "no stage declared a label 'nope'"},
	{"filter = function(flow) return flow.label(xa, 'a') end", XA_PLUGIN_ERROR,
	 "rules/test.lua:2: ", "xa.flow expected, got table"},
	{"filter = function(flow) emit = flow.src return emit.x end", XA_PLUGIN_ERROR,
	 "rules/test.lua:2: ", "addresses have 'within' and 'family', no 'x'"},
	{"label = function(flow) return 1 end", XA_PLUGIN_INVALID,
	 "rules/test.lua:2: ", "label: returned a number, not a table or nil"},
	{"label = function(flow) return {servise = 'a'} end", XA_PLUGIN_INVALID,
	 "rules/test.lua:2: ", "'servise' is not in this rule's labels (did you mean 'service'?)"},
	{"label = function(flow) return {'a'} end", XA_PLUGIN_INVALID,
	 "rules/test.lua:2: ", "a number is no label's name"},
	{"label = function(flow) return {service = {}} end", XA_PLUGIN_INVALID,
	 "rules/test.lua:2: ", "'service' is a table, not a string, an integer or a boolean"},
	{"label = function(flow) return {service = 1.5} end", XA_PLUGIN_INVALID,
	 "rules/test.lua:2: ", "'service' is a fraction"},
	{"label = function(flow) return {service = 'a\\nb'} end", XA_PLUGIN_INVALID,
	 "rules/test.lua:2: ", "'service' is no valid text"},
	{"label = function(flow) return {service = 'a\\0b'} end", XA_PLUGIN_INVALID,
	 "rules/test.lua:2: ", "'service' is no valid text"},
	{"label = function(flow) return {service = ('a'):rep(256)} end", XA_PLUGIN_INVALID,
	 "rules/test.lua:2: ", "'service' is no valid text"},
	{"derive = function(s, emit) emit('byts', 1) end", XA_PLUGIN_INVALID,
	 "rules/test.lua:2: ", "emit: no metric 'byts' is declared"},
	{"derive = function(s, emit) emit('c', 1) emit('d', 1) end", XA_PLUGIN_INVALID,
	 "rules/test.lua:2: ", "emit: metric 'd': label 'service' is missing"},
	{"derive = function(s, emit) emit('d', 1, {x = 'a'}) end", XA_PLUGIN_INVALID,
	 "rules/test.lua:2: ", "emit: metric 'd' has no label 'x'"},
	{"derive = function(s, emit) emit('d', 1, {service = 'a', x = 'a'}) end", XA_PLUGIN_INVALID,
	 "rules/test.lua:2: ", "emit: metric 'd' has no label 'x'"},
	{"derive = function(s, emit) emit('d', 1, {service = print}) end", XA_PLUGIN_INVALID,
	 "rules/test.lua:2: ", "emit: metric 'd': label 'service' is a function"},
	{"derive = function(s, emit) emit('c', 0 / 0) end", XA_PLUGIN_INVALID,
	 "rules/test.lua:2: ", "emit: metric 'c': the number is not finite"},
	{"derive = function(s, emit) emit('c', 1 / 0) end", XA_PLUGIN_INVALID,
	 "rules/test.lua:2: ", "emit: metric 'c': the number is not finite"},
	{"derive = function(s, emit) emit('c', -1) end", XA_PLUGIN_INVALID,
	 "rules/test.lua:2: ", "emit: metric 'c': a counter cannot take -1"},
	{"derive = function(s, emit) emit('c', '1') end", XA_PLUGIN_INVALID,
	 "rules/test.lua:2: ", "emit: metric 'c': a string is no number"},
	{"derive = function(s, emit) emit('c') end", XA_PLUGIN_INVALID,
	 "rules/test.lua:2: ", "emit: metric 'c': a nil is no number"},
	{"derive = function(s, emit) emit(1, 1) end", XA_PLUGIN_ERROR,
	 "rules/test.lua:2: ", "string expected, got number"},
	{"derive = function(s, emit) emit('c', 1, 'a') end", XA_PLUGIN_ERROR,
	 "rules/test.lua:2: ", "table expected, got string"},
	{"derive = function(s, emit)\n  local function deep()\n    error('inner')\n  end\n  "
	 "deep()\n"
	 "end",
	 XA_PLUGIN_ERROR, "rules/test.lua:4: inner\nstack traceback:", "rules/test.lua:6: in"},
	{"derive = function(s, emit)\n  local function deep()\n    error('blamed', 2)\n  end\n"
	 "  deep()\nend",
	 XA_PLUGIN_ERROR, "rules/test.lua:6: blamed\nstack traceback:", ""},
	/* What was caught is forgotten: a later error is of its own cause. */
	{"derive = function(s, emit)\n  pcall(emit, 'x', 1)\n  error('other')\nend",
	 XA_PLUGIN_ERROR, "rules/test.lua:4: other", ""},
	/* What was caught and raised again is what it was. */
	{"derive = function(s, emit)\n  local _, e = pcall(emit, 'x', 1)\n  error(e, 0)\nend",
	 XA_PLUGIN_INVALID, "rules/test.lua:", "no metric 'x'"},
};

static void test_failing(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(failing) / sizeof(failing[0]); i++) {
		char rule[1024];
		struct lab *lab;

		(void)snprintf(rule, sizeof(rule),
			       "return {labels = {'service'}, metrics = {c = {type = 'counter', "
			       "help = 'h'}, d = {type = 'gauge', help = 'h', labels = "
			       "{'service'}}},\n%s}",
			       failing[i].function);
		lab = lab_with(rule);
		lab_flow(lab, "10.0.0.1", 1, "10.0.0.2", 2, 6, 1, 1);
		if (lab_run(lab) == 0)
			fail_msg("succeeded: %s", failing[i].function);
		lab_expect(lab, failing[i].cause, failing[i].begin, failing[i].part);
		lab_free(lab);
	}
}

/* A run that fails leaves nothing behind, and the next one works. */
static void test_undo(void **state)
{
	struct lab *lab = lab_with("local n = 0\n"
				   "return {labels = {'l'},\n"
				   "  label = function() return {l = 'set'} end,\n"
				   "  filter = function(flow) return flow.sport ~= 1 end,\n"
				   "  derive = function()\n"
				   "    n = n + 1\n"
				   "    if n == 1 then error('once') end\n"
				   "  end}");

	(void)state;
	lab_flow(lab, "10.0.0.1", 1, "10.0.0.2", 2, 6, 1, 1);
	lab_flow(lab, "10.0.0.1", 2, "10.0.0.2", 2, 6, 1, 1);
	assert_int_not_equal(lab_run(lab), 0);
	assert_string_equal(lab_label(lab, "l", 0), "");
	assert_int_equal(lab->hidden[0], 0);
	lab_judge(lab);
	assert_string_equal(lab_label(lab, "l", 0), "set");
	assert_int_equal(lab->hidden[0], 1);
	assert_int_equal(lab->hidden[1], 0);
	lab_free(lab);
}

/* What is hidden already is not asked about, and stays hidden when this stage fails. */
static void test_hidden_before(void **state)
{
	struct lab *lab = lab_with("return {labels = {'n'}, filter = function(flow)\n"
				   "  assert(flow.sport == 2)\n"
				   "  return true\n"
				   "end, derive = function(s)\n"
				   "  local n = 0\n"
				   "  for flow in s:flows() do n = n + 1 end\n"
				   "  assert(n == 1 and s:count_distinct('sport') == 1)\n"
				   "  assert(#s:top(9) == 1)\n"
				   "end}");
	struct xa_plugin_batch batch = {.count = 2, .now_ns = lab->now_ns};

	(void)state;
	lab_flow(lab, "10.0.0.1", 1, "10.0.0.2", 2, 6, 1, 1);
	lab_flow(lab, "10.0.0.1", 2, "10.0.0.2", 2, 6, 1, 1);
	batch.flows = lab->flows;
	lab->hidden[0] = 1;
	assert_int_equal(xa_plugin_lua.run(lab->state, &batch), 0);
	assert_int_equal(lab->hidden[0], 1);
	lab_free(lab);
}

static int reload(struct lab *lab, const char *rule)
{
	lab->kept_len = xa_plugin_lua.save(lab->state, lab->kept, sizeof(lab->kept));
	lab_close(lab);
	lab->file_count = 0;
	lab->label_count = lab->metric_count = 0;
	return lab_open(lab, rule);
}

static void test_state_kept(void **state)
{
	struct lab *lab = lab_with("return {keep_state = true, init = function()\n"
				   "  xa.state.n = 1 << 60 xa.state.list = {1.5, 'two', true}\n"
				   "  xa.state.no = print xa.state[{}] = 1\n"
				   "  xa.state.loop = xa.state\n"
				   "end}");

	(void)state;
	assert_int_equal(reload(lab, "local early = xa.state\n"
				     "return {keep_state = true, init = function()\n"
				     "  assert(early == xa.state and early.n == 1 << 60)\n"
				     "  assert(math.type(early.n) == 'integer')\n"
				     "  local l = early.list\n"
				     "  assert(l[1] == 1.5 and l[2] == 'two' and l[3] == true)\n"
				     "  assert(early.no == nil)\n"
				     "end}"),
			 0);
	/* Who does not ask for it gets nothing, and leaves nothing. */
	assert_int_equal(reload(lab, "return {init = function() assert(not next(xa.state)) end}"),
			 0);
	assert_int_equal(xa_plugin_lua.save(lab->state, lab->kept, sizeof(lab->kept)), 0);
	lab_free(lab);
}

static void test_state_too_large(void **state)
{
	struct lab *lab = lab_with("return {keep_state = true, init = function()\n"
				   "  xa.state.text = ('a'):rep(70000)\nend}");

	(void)state;
	assert_int_equal(xa_plugin_lua.save(lab->state, lab->kept, sizeof(lab->kept)), 0);
	assert_non_null(strstr(lab->log, "too large to be kept"));
	lab_free(lab);
	lab = lab_with("xa.state = 1 return {keep_state = true}");
	assert_int_equal(xa_plugin_lua.save(lab->state, lab->kept, sizeof(lab->kept)), 0);
	lab_free(lab);
}

/* Whatever comes back, the rule opens: each byte is damaged, the text is cut everywhere. */
static void test_state_damaged(void **state)
{
	static const char rule[] = "return {keep_state = true}";
	struct lab *lab = lab_with("return {keep_state = true, init = function()\n"
				   "  xa.state.a = {b = {1, 2.5}, ['c'] = 'd', [true] = false}\n"
				   "end}");
	size_t len;
	uint8_t good[256];

	(void)state;
	len = xa_plugin_lua.save(lab->state, good, sizeof(good));
	assert_true(len > 0 && len < sizeof(good));
	for (size_t i = 0; i < 2 * len; i++) {
		lab_close(lab);
		lab->file_count = 0;
		memcpy(lab->kept, good, len);
		lab->kept[i % len] ^= 0xff;
		lab->kept_len = i < len ? len : i % len;
		assert_int_equal(lab_open(lab, rule), 0);
	}
	lab_free(lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_example),	      cmocka_unit_test(test_empty_rule),
		cmocka_unit_test(test_fresh),	      cmocka_unit_test(test_values),
		cmocka_unit_test(test_other_labels),  cmocka_unit_test(test_options),
		cmocka_unit_test(test_require),	      cmocka_unit_test(test_log),
		cmocka_unit_test(test_refused),	      cmocka_unit_test(test_unread),
		cmocka_unit_test(test_module_error),  cmocka_unit_test(test_failing),
		cmocka_unit_test(test_undo),	      cmocka_unit_test(test_hidden_before),
		cmocka_unit_test(test_state_kept),    cmocka_unit_test(test_state_too_large),
		cmocka_unit_test(test_state_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
