/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What a rule costs for each of a million flows, without the worker around it: CPU time of one
 * snapshot through the stage. The canary is a loop in C that reads each flow once.
 */

#include "tests/bench/bench.h"
#include "tests/unit/lua_host.h"

#define FLOWS 1000000
#define HOSTS 50000

static const struct {
	const char *what, *rule;
	bool fresh;
	double goal; /* ns a flow; 0: to know */
} cases[] = {
	{"filter() that is true", "return {filter = function() return true end}", false, 100},
	{"filter() of two fields",
	 "return {filter = function(flow) return flow.bytes > 100 and flow.dport ~= 22 end}", false,
	 0},
	{"filter() of an address",
	 "return {filter = function(flow) return not flow.src:within('192.168.0.0/16') end}", false,
	 0},
	{"filter() of a set of 10,000 prefixes",
	 "local list = {}\n"
	 "for i = 0, 9999 do list[i + 1] = ('172.%d.%d.0/24'):format(i // 256, i % 256) end\n"
	 "local set = xa.cidr(list)\n"
	 "return {filter = function(flow) return not set:contains(flow.src) end}",
	 false, 0},
	{"filter() and sum_by()",
	 "return {filter = function(flow) return flow.bytes > 100 and flow.dport ~= 22 end,\n"
	 "derive = function(s) for k, sum in s:sum_by('dport') do end end}",
	 false, 1000},
	{"filter() of a table for each flow",
	 "return {filter = function(flow)\n"
	 "  local t = {src = tostring(flow.src), dst = tostring(flow.dst), sport = flow.sport,\n"
	 "    dport = flow.dport, proto = flow.proto, bytes = flow.bytes, packets = flow.packets}\n"
	 "  return t.bytes > 100 and t.dport ~= 22\n"
	 "end}",
	 false, 0},
	{"label() of a new flow",
	 "local names = {[0] = 'a', 'b', 'c', 'd'}\n"
	 "return {labels = {'l'}, label = function(flow)\n"
	 "  return {l = names[flow.dport & 3]}\n"
	 "end}",
	 true, 0},
	{"a loop over flows()",
	 "return {derive = function(s)\n"
	 "  local n = 0\n"
	 "  for flow in s:flows() do n = n + flow.bytes end\n"
	 "end}",
	 false, 0},
	{"sum_by('proto')", "return {derive = function(s) s:sum_by('proto') end}", false, 50},
	{"sum_by('dport')", "return {derive = function(s) s:sum_by('dport') end}", false, 50},
	{"sum_by('src') of 50,000", "return {derive = function(s) s:sum_by('src') end}", false, 0},
	{"sum_by('src') and its loop",
	 "return {derive = function(s) for src, sum in s:sum_by('src') do end end}", false, 0},
	{"count_distinct('src')", "return {derive = function(s) s:count_distinct('src') end}",
	 false, 0},
	{"count_distinct('dport', 'src')",
	 "return {derive = function(s) s:count_distinct('dport', 'src') end}", false, 0},
	{"top(100)", "return {derive = function(s) s:top(100) end}", false, 0},
};

#define CASES (sizeof(cases) / sizeof(cases[0]))
_Static_assert(CASES + 1 <= BENCH_VALUES_MAX, "room for the canary");

struct bench {
	struct xa_plugin_flow *flows;
	struct lab *labs[CASES];
};

static void make_flows(struct xa_plugin_flow *flows)
{
	uint64_t random = 1;

	for (uint32_t i = 0; i < FLOWS; i++) {
		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		flows[i] = (struct xa_plugin_flow){
			.src = {10, (uint8_t)(random >> 32) % 10, (uint8_t)(random >> 40),
				(uint8_t)(random >> 48)},
			.dst = {192, 0, 2, (uint8_t)(random >> 24)},
			.packets = 1 + (random >> 50),
			.bytes = 64 * (1 + (random >> 50)),
			.handle = i,
			.sport = (uint16_t)(random >> 20),
			.dport = (uint16_t)((random >> 36) % 1000),
			.family = 4,
			.proto = random >> 63 ? 6 : 17,
		};
		/* Sources are as many as HOSTS, evenly. */
		flows[i].src[1] = 0;
		flows[i].src[2] = (uint8_t)(i * 7 % HOSTS >> 8);
		flows[i].src[3] = (uint8_t)(i * 7 % HOSTS);
	}
}

static double canary(const struct xa_plugin_flow *flows)
{
	const uint64_t begin = bench_cpu_ns();
	uint64_t sum = 0;

	for (uint32_t i = 0; i < FLOWS; i++)
		sum += flows[i].bytes;
	__asm__ volatile("" ::"r"(sum)); /* or nothing is added */
	return (double)(bench_cpu_ns() - begin) / FLOWS;
}

static int measure(void *ctx, double *ret_values)
{
	struct bench *bench = ctx;

	ret_values[0] = canary(bench->flows);
	for (size_t i = 0; i < CASES; i++) {
		const uint64_t begin = bench_cpu_ns();

		if (lab_show(bench->labs[i], bench->flows, FLOWS, cases[i].fresh) != 0) {
			bench_note("%s: %s", cases[i].what, bench->labs[i]->complaint);
			return -EINVAL;
		}
		ret_values[i + 1] = (double)(bench_cpu_ns() - begin) / FLOWS;
	}
	return 0;
}

int main(void)
{
	struct bench bench = {.flows = calloc(FLOWS, sizeof(*bench.flows))};
	struct bench_rounds rounds;
	int error = -ENOMEM;

	if (!bench.flows)
		return EXIT_FAILURE;
	make_flows(bench.flows);
	for (size_t i = 0; i < CASES; i++) {
		bench.labs[i] = lab_new_sized(FLOWS);
		error = lab_open(bench.labs[i], cases[i].rule);
		if (error)
			bench_note("%s: %s", cases[i].what, bench.labs[i]->complaint);
	}
	if (!error)
		error = bench_measure(&rounds, BENCH_KEPT_FEW, measure, &bench);
	for (size_t i = 0; !error && i < CASES; i++)
		bench_row(&rounds, cases[i].what, i + 1, 0, "ns a flow", cases[i].goal);
	for (size_t i = 0; i < CASES; i++)
		lab_free(bench.labs[i]);
	free(bench.flows);
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}
