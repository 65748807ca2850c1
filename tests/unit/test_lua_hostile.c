/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Scripts that mean harm. Each ends by itself, with its cause, within what a budget of 2,000,000
 * steps and 48 MiB allow, and leaves a stage that works. What one call into C takes too long for is
 * not here: that is what the worker's deadline is for.
 */

#include "tests/unit/lua_host.h"

#define STEPS 2000000

struct hostile {
	const char *name, *body;
	enum xa_plugin_cause cause;
	const char *part;
};

/* Bodies of derive(snapshot, emit). */
static const struct hostile scripts[] = {
	{"loop", "while true do end", XA_PLUGIN_STEPS, "took more than 2000000 steps"},
	{"goto", "::top:: goto top", XA_PLUGIN_STEPS, "steps"},
	{"repeat", "repeat until false", XA_PLUGIN_STEPS, "steps"},
	{"numeric for", "for i = 1, math.huge do end", XA_PLUGIN_STEPS, "steps"},
	{"loop in pcall", "pcall(function() while true do end end)", XA_PLUGIN_STEPS, "steps"},
	{"pcall in loop", "while true do pcall(function() while true do end end) end",
	 XA_PLUGIN_STEPS, "steps"},
	{"pcall of pcall", "local function f() while true do pcall(f) end end f()", XA_PLUGIN_STEPS,
	 "steps"},
	{"pcall(pcall, ...)", "while true do pcall(pcall, pcall, error) end", XA_PLUGIN_STEPS,
	 "steps"},
	{"xpcall", "while true do xpcall(function() while true do end end, function() end) end",
	 XA_PLUGIN_STEPS, "steps"},
	{"loop in handler", "xpcall(error, function() while true do end end)", XA_PLUGIN_STEPS,
	 "steps"},
	{"handler of steps",
	 "xpcall(function() while true do end end, function() while true do end end)",
	 XA_PLUGIN_STEPS, ""},
	{"handler that fails",
	 "local function h() error('x') end xpcall(error, h) while true do end", XA_PLUGIN_STEPS,
	 ""},
	{"close",
	 "local x <close> = setmetatable({}, {__close = function() while true do end end})\n"
	 "while true do end",
	 XA_PLUGIN_STEPS, "steps"},
	{"close after error",
	 "local x <close> = setmetatable({}, {__close = function() while true do end end})\n"
	 "error('first')",
	 XA_PLUGIN_STEPS, "steps"},
	{"__index",
	 "local t = setmetatable({}, {__index = function() while true do end end})\n"
	 "return t.x",
	 XA_PLUGIN_STEPS, "steps"},
	{"__newindex", "setmetatable({}, {__newindex = function() while true do end end}).x = 1",
	 XA_PLUGIN_STEPS, "steps"},
	{"__add", "return setmetatable({}, {__add = function() while true do end end}) + 1",
	 XA_PLUGIN_STEPS, "steps"},
	{"__eq",
	 "local m = {__eq = function() while true do end end}\n"
	 "return setmetatable({}, m) == setmetatable({}, m)",
	 XA_PLUGIN_STEPS, "steps"},
	{"__tostring",
	 "tostring(setmetatable({}, {__tostring = function() while true do end end}))",
	 XA_PLUGIN_STEPS, "steps"},
	{"__tostring of an error",
	 "error(setmetatable({}, {__tostring = function() while true do end end}))",
	 XA_PLUGIN_STEPS, ""},
	{"__name", "error(setmetatable({}, {__name = ('x'):rep(100000)}))", XA_PLUGIN_ERROR, "xxx"},
	{"__len", "return #setmetatable({}, {__len = function() while true do end end})",
	 XA_PLUGIN_STEPS, "steps"},
	{"__concat", "return setmetatable({}, {__concat = function() while true do end end}) .. ''",
	 XA_PLUGIN_STEPS, "steps"},
	{"__call", "setmetatable({}, {__call = function() while true do end end})()",
	 XA_PLUGIN_STEPS, "steps"},
	{"__pairs", "pairs(setmetatable({}, {__pairs = function() while true do end end}))",
	 XA_PLUGIN_STEPS, "steps"},
	{"__lt", "return setmetatable({}, {__lt = function() while true do end end}) < 1",
	 XA_PLUGIN_STEPS, "steps"},
	{"sort", "table.sort({1, 2, 3}, function() while true do end end)", XA_PLUGIN_STEPS,
	 "steps"},
	{"inconsistent sort",
	 "local t = {} for i = 1, 1000 do t[i] = i end\n"
	 "while true do pcall(table.sort, t, function() return true end) end",
	 XA_PLUGIN_STEPS, "steps"},
	{"gsub", "('x'):gsub('.', function() while true do end end)", XA_PLUGIN_STEPS, "steps"},
	{"gsub on itself", "local s = 'x' while true do s = s:gsub('.', '%0%0') end",
	 XA_PLUGIN_MEMORY, "memory"},
	{"flows in flows", "while true do for f in snapshot:flows() do local _ = f.bytes end end",
	 XA_PLUGIN_STEPS, "steps"},
	{"sums without end", "while true do snapshot:sum_by('src') end", XA_PLUGIN_STEPS, ""},
	{"counts without end", "while true do snapshot:count_distinct('src', 'dst') end",
	 XA_PLUGIN_STEPS, ""},
	{"empty rep", "return ('').rep('', 1 << 62)", XA_PLUGIN_STEPS, "steps"},
	{"empty rep of string", "return string.rep('', 1 << 62)", XA_PLUGIN_STEPS, "steps"},
	{"move", "table.move({}, 1, 1 << 40, 2)", XA_PLUGIN_STEPS, "steps"},
	{"move in pcall", "while true do pcall(table.move, {}, 1, 1 << 40, 2) end", XA_PLUGIN_STEPS,
	 "steps"},
	{"move from afar", "table.move({}, math.mininteger, math.mininteger + (1 << 40), 2)",
	 XA_PLUGIN_STEPS, "steps"},
	{"insert by length",
	 "table.insert(setmetatable({}, {__len = function() return 1 << 60 end}),"
	 " 1, 'x')",
	 XA_PLUGIN_STEPS, "steps"},
	{"remove by length",
	 "table.remove(setmetatable({}, {__len = function() return 1 << 60 end}), 1)",
	 XA_PLUGIN_STEPS, "steps"},
	{"concat by length",
	 "local m = {__len = function() return 1 << 60 end, __index = function() return '' end}\n"
	 "table.concat(setmetatable({}, m))",
	 XA_PLUGIN_STEPS, "steps"},
	{"sort by length", "table.sort(setmetatable({}, {__len = function() return 1 << 30 end}))",
	 XA_PLUGIN_STEPS, ""},
	{"unpack", "table.unpack({}, 1, 1 << 40)", XA_PLUGIN_ERROR, "too many results to unpack"},
	{"rep", "return ('x'):rep(1 << 30)", XA_PLUGIN_STEPS, "steps"},
	{"large rep", "return ('x'):rep(1 << 20):rep(100)", XA_PLUGIN_MEMORY,
	 "wants more than 50331648 bytes of memory"},
	{"huge rep", "return ('xx'):rep(math.maxinteger)", XA_PLUGIN_STEPS, "steps"},
	{"doubling", "local s = 'x' while true do s = s .. s end", XA_PLUGIN_MEMORY, "memory"},
	{"table of strings", "local t = {} while true do t[#t + 1] = ('0123456789'):rep(6000) end",
	 XA_PLUGIN_MEMORY, "memory"},
	{"table of tables",
	 "local t = {} while true do t = {t, {}, {}, {}, {}, {}, {}, {}, {}} end", XA_PLUGIN_MEMORY,
	 "memory"},
	{"closures",
	 "local t = {} while true do local n = #t t[n + 1] = function() return n end end",
	 XA_PLUGIN_STEPS, "steps"},
	{"sets",
	 "local t, p = {}, {} for i = 0, 255 do p[i + 1] = i .. '.0.0.0/8' end\n"
	 "while true do t[#t + 1] = xa.cidr(p) end",
	 XA_PLUGIN_MEMORY, "memory"},
	{"concat",
	 "local t = {} for i = 1, 1000 do t[i] = ('0123456789'):rep(10000) end\n"
	 "return table.concat(t)",
	 XA_PLUGIN_MEMORY, "memory"},
	{"format", "local s = ('x'):rep(64):rep(1 << 18) return ('%s%s%s%s'):format(s, s, s, s)",
	 XA_PLUGIN_MEMORY, "memory"},
	{"wide format", "return ('%99999d'):format(1)", XA_PLUGIN_ERROR, "invalid conversion"},
	{"pack", "return string.pack('!16 i17', 1)", XA_PLUGIN_ERROR, "out of limits"},
	{"recursion", "local function f() return 1 + f() end f()", XA_PLUGIN_MEMORY, "memory"},
	{"recursion through C", "local function f() ('x'):gsub('.', f) end f()", XA_PLUGIN_ERROR,
	 "C stack overflow"},
	{"recursion in pcall",
	 "local function f() pcall(f) return f() end while true do pcall(f) end", XA_PLUGIN_STEPS,
	 "steps"},
	{"recursion in __index",
	 "local t = {} setmetatable(t, {__index = function(t, k) return t[k + 1] end}) return t[1]",
	 XA_PLUGIN_ERROR, "overflow"},
	{"__index in a ring", "local t = {} setmetatable(t, {__index = t}) return t.x.y",
	 XA_PLUGIN_ERROR, "loop"},
	{"deep pattern", "return ('x'):rep(300000):find(('x?'):rep(1000) .. ('('):rep(40))",
	 XA_PLUGIN_ERROR, ""},
	{"finalizer", "setmetatable({}, {__gc = function() while true do end end})",
	 XA_PLUGIN_ERROR, "rules have no finalizers"},
	{"late finalizer",
	 "local m = {} setmetatable({}, m) m.__gc = function() error('ran') end\n"
	 "for i = 1, 100000 do local _ = {} end error('not run')",
	 XA_PLUGIN_ERROR, "not run"},
	{"weak tables", "local t = setmetatable({}, {__mode = 'k'}) while true do t[{}] = {} end",
	 XA_PLUGIN_STEPS, "steps"},
	{"error of an error", "error(error)", XA_PLUGIN_ERROR, "function"},
	{"error without end",
	 "local e = {} e.__tostring = function() error(setmetatable({}, e)) end\n"
	 "error(setmetatable({}, e))",
	 XA_PLUGIN_ERROR, "cannot be shown"},
	{"__tostring of another type", "error(setmetatable({}, {__tostring = function() end}))",
	 XA_PLUGIN_ERROR, "cannot be shown"},
	{"long message", "error(('x'):rep(1 << 20))", XA_PLUGIN_ERROR, "xxx"},
	{"message of colons", "error((':1: '):rep(100000), 0)", XA_PLUGIN_ERROR, ":1: :1: "},
	{"no coroutines", "coroutine.wrap(function() while true do end end)()", XA_PLUGIN_ERROR,
	 "global 'coroutine'"},
	{"no load", "load('while true do end')()", XA_PLUGIN_ERROR, "global 'load'"},
	{"no dofile", "dofile('/etc/passwd')", XA_PLUGIN_ERROR, "global 'dofile'"},
	{"no io", "io.open('/etc/passwd')", XA_PLUGIN_ERROR, "global 'io'"},
	{"no os", "os.exit()", XA_PLUGIN_ERROR, "global 'os'"},
	{"no debug", "debug.getregistry()", XA_PLUGIN_ERROR, "global 'debug'"},
	{"no package", "package.loadlib('x', '*')", XA_PLUGIN_ERROR, "global 'package'"},
	{"no collectgarbage", "collectgarbage('stop')", XA_PLUGIN_ERROR, "global 'collectgarbage'"},
	{"no dump", "string.dump(function() end)", XA_PLUGIN_ERROR, "field 'dump'"},
	{"no dump of strings", "(''):dump()", XA_PLUGIN_ERROR, "method 'dump'"},
	{"no randomseed", "math.randomseed(1)", XA_PLUGIN_ERROR, "field 'randomseed'"},
	{"emit without end", "while true do pcall(emit, 'none', 1) end", XA_PLUGIN_STEPS, "steps"},
	{"require without end", "while true do pcall(require, 'x') end", XA_PLUGIN_STEPS, "steps"},
	{"log without end", "while true do xa.log('') end", XA_PLUGIN_STEPS, "steps"},
	{"print of a bomb", "print(setmetatable({}, {__tostring = function() return t end}))",
	 XA_PLUGIN_ERROR, "'__tostring' must return a string"},
	{"nan as a key", "({})[0 / 0] = 1", XA_PLUGIN_ERROR, "NaN"},
	{"nan in a set", "xa.cidr{['10.0.0.0/8'] = 0 / 0}", XA_PLUGIN_ERROR, "NaN"},
	{"locked string", "getmetatable('').__index = nil", XA_PLUGIN_ERROR, "string value"},
	{"metatable of a string", "setmetatable('', {})", XA_PLUGIN_ERROR, "table expected"},
	{"metatable of a view", "for f in snapshot:flows() do setmetatable(f, nil) end",
	 XA_PLUGIN_ERROR, "table expected"},
	{"protected metatable", "setmetatable(setmetatable({}, {__metatable = 1}), {})",
	 XA_PLUGIN_ERROR, "protected"},
	{"flow as __index",
	 "local t for f in snapshot:flows() do t = setmetatable({}, {__index = f}) end return "
	 "t.bytes",
	 XA_PLUGIN_ERROR, "flow view used after its call"},
	{"method on another", "return snapshot.sum_by(xa.cidr{}, 'src')", XA_PLUGIN_ERROR,
	 "xa.snapshot expected"},
};

static struct lab *hostile_lab(const char *body)
{
	struct lab *lab = lab_new();
	char rule[2048];

	lab->options[2].number = STEPS;
	(void)snprintf(rule, sizeof(rule),
		       "local n = 0\n"
		       "return {labels = {'l'},\n"
		       "label = function() return {l = ('x'):rep(3)} end,\n"
		       "filter = function(flow) return flow.bytes > 0 end,\n"
		       "derive = function(snapshot, emit)\n"
		       "n = n + 1 if n == 2 then return end\n%s\nend}",
		       body);
	if (lab_open(lab, rule) != 0)
		fail_msg("%s", lab->complaint);
	lab_flow(lab, "10.0.0.1", 1, "10.0.0.2", 2, 6, 1, 1);
	return lab;
}

/* Attacked, unharmed, attacked again. True if it went as it should. */
static bool attack(const struct hostile *script)
{
	struct lab *lab = hostile_lab(script->body);
	bool good = true;

	for (int turn = 0; turn < 2; turn++) {
		good = good && lab_run(lab) != 0 && lab->cause == script->cause &&
		       strstr(lab->complaint, script->part) && !*lab_label(lab, "l", 0);
		if (!good)
			print_error("%s: cause %d, '%.500s'\n", script->name, lab->cause,
				    lab->complaint);
		if (!turn)
			lab_judge(lab);
	}
	lab_free(lab);
	return good;
}

static void test_scripts(void **state)
{
	unsigned failed = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++)
		failed += !attack(&scripts[i]);
	assert_int_equal(failed, 0);
}

/* The line that asked for too much is named, though Lua has no traceback for it. */
static void test_places(void **state)
{
	struct lab *lab = hostile_lab("local s = 'x'\nwhile true do\ns = s .. s\nend");

	(void)state;
	assert_int_not_equal(lab_run(lab), 0);
	lab_expect(lab, XA_PLUGIN_MEMORY, "rules/test.lua:9: wants more than 50331648 bytes", "");
	lab_free(lab);
	lab = hostile_lab("local s = 'x'\nwhile true do\nend");
	assert_int_not_equal(lab_run(lab), 0);
	lab_expect(lab, XA_PLUGIN_STEPS, "rules/test.lua:8: took more than 2000000 steps\nstack",
		   "");
	lab_free(lab);
}

/* A megabyte of a message is cut, wherever the place stands in it. */
static void test_long_message(void **state)
{
	struct lab *lab = hostile_lab("error(('0123456789'):rep(100000))");

	(void)state;
	assert_int_not_equal(lab_run(lab), 0);
	lab_expect(lab, XA_PLUGIN_ERROR, "rules/test.lua:7: 0123456789012",
		   "...\nstack traceback:");
	assert_true(strlen(lab->complaint) < 2048);
	lab_free(lab);
}

/* The same while the file is run. */
static void test_open(void **state)
{
	static const struct hostile opening[] = {
		{"loop", "while true do end", XA_PLUGIN_STEPS, "steps"},
		{"memory", "local s = 'x' while true do s = s .. s end", XA_PLUGIN_MEMORY,
		 "memory"},
		{"init", "return {init = function() while true do end end}", XA_PLUGIN_STEPS,
		 "steps"},
		{"emit early", "return {init = function() return derive.x end}", XA_PLUGIN_ERROR,
		 ""},
		{"__index of the rule",
		 "return setmetatable({}, {__index = function() while true do end end})",
		 XA_PLUGIN_CAUSE_COUNT_, ""},
		{"__pairs of the rule",
		 "return setmetatable({}, {__pairs = function() while true do end end})",
		 XA_PLUGIN_CAUSE_COUNT_, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(opening) / sizeof(opening[0]); i++) {
		struct lab *lab = lab_new();
		const bool opens = opening[i].cause == XA_PLUGIN_CAUSE_COUNT_;

		lab->options[2].number = STEPS;
		assert_int_equal(lab_open(lab, opening[i].body) == 0, opens);
		if (!opens)
			lab_expect(lab, opening[i].cause, "rules/test.lua:1: ", opening[i].part);
		lab_free(lab);
	}
}

/* What is wrapped does for honest rules what Lua's own does. */
static void test_wrapped(void **state)
{
	struct lab *lab = lab_with(
		"local function all(...) return select('#', ...), ... end\n"
		"local n, good, a, b, c = all(pcall(function(...) return ... end, 1, nil, 3))\n"
		"assert(n == 4 and good == true and a == 1 and b == nil and c == 3)\n"
		"local e = {}\n"
		"n, good, a = all(pcall(error, e))\n"
		"assert(n == 2 and good == false and a == e)\n"
		"n, good, a = all(pcall(error))\n"
		"assert(n == 2 and good == false and a == nil)\n"
		"n, good, a, b = all(xpcall(function(...) return ... end, print, 7, 8))\n"
		"assert(n == 3 and good and a == 7 and b == 8)\n"
		"n, good, a = all(xpcall(error, function(x) return x .. '!', 2 end, 'hm', 0))\n"
		"assert(n == 2 and good == false and a == 'hm!')\n"
		"assert(not pcall(pcall) and not pcall(xpcall, print) and not pcall(xpcall, print, "
		"1))\n"
		"assert(string.rep('ab', 3, '-') == 'ab-ab-ab' and ('x'):rep(-1) == '')\n"
		"assert(('x'):rep(2.0) == 'xx' and not pcall(string.rep, 'x', 1.5))\n"
		"local t = table.move({1, 2, 3}, 2, 3, 1)\n"
		"assert(t[1] == 2 and t[2] == 3 and t[3] == 3 and #table.move(t, 2, 1, 5) == 3)\n"
		"table.insert(t, 4) table.insert(t, 1, 0)\n"
		"assert(table.concat(t, ',') == '0,2,3,3,4' and table.remove(t) == 4)\n"
		"assert(table.remove(t, 1) == 0 and #t == 3 and not pcall(table.insert))\n"
		"table.sort(t, function(x, y) return x > y end)\n"
		"assert(t[1] == 3 and t[3] == 2)\n"
		"local m = {__index = {x = 1}}\n"
		"local o = setmetatable({}, m)\n"
		"assert(o.x == 1 and getmetatable(o) == m and setmetatable(o, nil) == o)\n"
		"assert(getmetatable(o) == nil and not pcall(setmetatable, o))\n"
		"assert(math.random(1 << 30) ~= math.random(1 << 30) and not math.randomseed)\n"
		"assert(utf8.char(8364) == '€' and _VERSION == 'Lua 5.4' and _G.xa == xa)\n"
		"return {}");

	(void)state;
	lab_free(lab);
}

/* The same random numbers after each start: a replay shows what happened. */
static void test_random(void **state)
{
	struct lab *lab = lab_with("xa.state.n = math.random(0) return {keep_state = true}");
	uint8_t first[64], second[64];
	size_t len = xa_plugin_lua.save(lab->state, first, sizeof(first));

	(void)state;
	lab_free(lab);
	lab = lab_with("xa.state.n = math.random(0) return {keep_state = true}");
	assert_int_equal(xa_plugin_lua.save(lab->state, second, sizeof(second)), len);
	assert_memory_equal(first, second, len);
	lab_free(lab);
}

/* emit() that was kept is of no use outside of derive(). */
static void test_kept_emit(void **state)
{
	struct lab *lab = lab_with(
		"local kept\n"
		"return {metrics = {m = {type = 'gauge', help = 'h'}},\n"
		"filter = function() if kept then kept('m', 1) end return true end,\n"
		"derive = function(s, emit) kept = emit emit('m', 1) end}");

	(void)state;
	lab_flow(lab, "10.0.0.1", 1, "10.0.0.2", 2, 6, 1, 1);
	lab_judge(lab);
	assert_string_equal(lab->samples, "m{} 1\n");
	assert_int_not_equal(lab_run(lab), 0);
	lab_expect(lab, XA_PLUGIN_ERROR, "rules/test.lua:3: ", "only derive() may call it");
	lab_free(lab);
}

/* A rule's own tables are its own: what it breaks there, it breaks for itself. */
static void test_tampering(void **state)
{
	struct lab *lab = lab_with("string.rep = nil table.sort = nil pcall = nil xa.cidr = nil\n"
				   "_G.tostring = nil setmetatable(_G, nil)\n"
				   "rule = {labels = {'l'}, metrics = {}}\n"
				   "rule.label = function(flow)\n"
				   "  rule.labels[1] = 'other' rule.label = 1\n"
				   "  assert(('x'):rep(2) == 'xx' and not string.rep)\n"
				   "  return {l = flow.src .. ''}\n"
				   "end\n"
				   "return rule");

	(void)state;
	lab_flow(lab, "10.0.0.1", 1, "10.0.0.2", 2, 6, 1, 1);
	lab_judge(lab);
	lab_judge(lab);
	assert_string_equal(lab_label(lab, "l", 0), "10.0.0.1");
	lab_free(lab);
}

/* Files of any bytes are refused or opened. */
static void test_bytes(void **state)
{
	uint64_t random = 7;

	(void)state;
	for (size_t i = 0; i < 2000; i++) {
		struct lab *lab = lab_new();
		char bytes[256];
		const size_t len = i % sizeof(bytes);

		for (size_t at = 0; at < len; at++) {
			random = random * 6364136223846793005ULL + 1442695040888963407ULL;
			bytes[at] = (char)(i % 2 ? random >> 56 : 32 + (random >> 56) % 95);
		}
		lab_add_file(lab, "rules/test.lua", bytes, len);
		(void)lab_open_files(lab);
		lab_free(lab);
	}
}

/* With little memory a stage says so, wherever it runs out of it. */
static void test_little_memory(void **state)
{
	(void)state;
	for (uint64_t bytes = 0; bytes < 400000; bytes += 1009) {
		struct lab *lab = lab_new();

		lab->lent.memory_bytes = bytes;
		if (lab_open(lab, "local t = {} for i = 1, 100 do t[i] = 'x' .. i end\n"
				  "local set = xa.cidr{'10.0.0.0/8', ['11.0.0.0/8'] = 'x'}\n"
				  "return {labels = {'l'}, label = function(flow)\n"
				  "  return {l = tostring(flow.src)}\n"
				  "end, derive = function(s)\n"
				  "  for k, sum in s:sum_by('src') do local _ = s:top(10) end\n"
				  "  s:count_distinct('dport', 'src')\n"
				  "end}") == 0) {
			lab_flow(lab, "10.0.0.1", 1, "10.0.0.2", 2, 6, 1, 1);
			if (lab_run(lab) != 0)
				assert_int_equal(lab->cause, XA_PLUGIN_MEMORY);
		} else {
			assert_int_equal(lab->cause, XA_PLUGIN_MEMORY);
		}
		lab_free(lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scripts),	     cmocka_unit_test(test_places),
		cmocka_unit_test(test_long_message), cmocka_unit_test(test_open),
		cmocka_unit_test(test_tampering),    cmocka_unit_test(test_wrapped),
		cmocka_unit_test(test_random),	     cmocka_unit_test(test_kept_emit),
		cmocka_unit_test(test_bytes),	     cmocka_unit_test(test_little_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
