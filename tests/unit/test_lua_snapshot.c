/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The snapshot's sums, rankings and counts, against the same done in Lua over snapshot:flows(). And
 * what they are made of: groups, the heap, the HyperLogLog. */

#include "tests/unit/lua_host.h"

#include "plugins/lua/groups.h"
#include "plugins/lua/hll.h"
#include "plugins/lua/top.h"

#define METRICS \
	"metrics = {m = {type = 'gauge', help = 'h', labels = {'k'}}, n = {type = 'gauge', " \
	"help = 'h'}}"

/* splitmix64 */
static uint64_t draw(uint64_t *random)
{
	uint64_t z = *random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

/* Runs a derive() over a few flows. */
static struct lab *derived(const char *body)
{
	char rule[4096];
	struct lab *lab;

	(void)snprintf(
		rule, sizeof(rule),
		"local kept\nreturn {%s, labels = {'side'},\n"
		"label = function(flow) if flow.sport < 3 then return {side = 'low'} end end,\n"
		"filter = function(flow) return flow.sport ~= 5 end,\n"
		"derive = function(snapshot, emit)\n%s\nend}",
		METRICS, body);
	lab = lab_with(rule);
	lab_flow(lab, "10.0.0.1", 1, "10.0.0.9", 443, 6, 10, 100);
	lab_flow(lab, "10.0.0.2", 2, "10.0.0.9", 443, 6, 20, 300);
	lab_flow(lab, "10.0.0.1", 3, "10.0.0.9", 53, 17, 30, 200);
	lab_flow(lab, "2001:db8::1", 4, "2001:db8::2", 53, 17, 40, 300);
	lab_flow(lab, "10.0.0.1", 5, "10.0.0.9", 443, 6, 1000, 100000);
	return lab;
}

static void gives(const char *body, const char *samples)
{
	struct lab *lab = derived(body);

	lab_judge(lab);
	assert_string_equal(lab->samples, samples);
	lab_free(lab);
}

static void fails(const char *body, const char *part)
{
	struct lab *lab = derived(body);

	assert_int_not_equal(lab_run(lab), 0);
	lab_expect(lab, XA_PLUGIN_ERROR, "rules/test.lua:", part);
	lab_free(lab);
}

static void test_members(void **state)
{
	(void)state;
	/* sums over all flows, hidden ones too */
	gives("assert(snapshot.packets == 1100 and snapshot.bytes == 100900)\n"
	      "assert(snapshot.count == 5 and snapshot.interval == 10.0)\n"
	      "assert(snapshot.now == xa.now() and getmetatable(snapshot) == 'locked')\n",
	      "");
	fails("return snapshot.paket", "snapshots have no 'paket' (did you mean 'packets'?)");
	fails("snapshot.count = 1", "snapshots are read-only");
	fails("snapshot.flows()", "xa.snapshot expected");
	fails("snapshot.flows(emit)", "xa.snapshot expected");
}

static void test_sum_by(void **state)
{
	(void)state;
	gives("for k, sum in snapshot:sum_by('side') do emit('m', sum.bytes, {k = k}) end",
	      "m{k=\"low\"} 400\nm{k=\"\"} 500\n");
	gives("for a, b, sum in snapshot:sum_by('src', 'dport') do\n"
	      "  emit('m', sum.packets, {k = a .. ' ' .. b})\n"
	      "end",
	      "m{k=\"10.0.0.1 443\"} 10\nm{k=\"10.0.0.2 443\"} 20\n"
	      "m{k=\"10.0.0.1 53\"} 30\nm{k=\"2001:db8::1 53\"} 40\n");
	gives("for k, sum in snapshot:sum_by('proto') do\n"
	      "  assert(math.type(k) == 'integer')\n"
	      "  emit('m', sum.flows, {k = k})\n"
	      "  emit('m', sum.packets_delta, {k = k}) emit('m', sum.bytes_delta, {k = k})\n"
	      "end",
	      "m{k=\"6\"} 2\nm{k=\"6\"} 15\nm{k=\"6\"} 200\n"
	      "m{k=\"17\"} 2\nm{k=\"17\"} 35\nm{k=\"17\"} 250\n");
	gives("for i, f, sum in snapshot:sum_by('interface', 'fragment') do\n"
	      "  emit('m', sum.flows, {k = i .. tostring(f)})\n"
	      "end",
	      "m{k=\"eth0false\"} 4\n");
	fails("snapshot:sum_by()", "the name of a field or label is missing");
	fails("snapshot:sum_by('a')", "no field and no label 'a'");
	fails("snapshot:sum_by(1)", "is a string, not a number");
	fails("snapshot:sum_by('first_seen')", "cannot be grouped by 'first_seen'");
	fails("snapshot:sum_by('label')", "cannot be grouped by 'label'");
	fails("snapshot:sum_by('src', 'dst', 'sport', 'dport', 'proto', 'vlan', 'tos')",
	      "6 fields at most");
}

static void test_top(void **state)
{
	(void)state;
	/* of equals, the first */
	gives("local top = snapshot:top(2)\n"
	      "assert(#top == 2 and top[1].bytes == 300 and top[2].bytes == 300)\n"
	      "assert(top[1].sport == 2 and top[2].sport == 4 and top[1].side == 'low')\n"
	      "assert(tostring(top[2].src) == '2001:db8::1' and top[1].duration == 2.5)\n"
	      "assert(top[1].label == nil)\n"
	      "top = snapshot:top(100, 'packets')\n"
	      "assert(#top == 4 and top[1].packets == 40 and top[4].packets == 10)\n"
	      "assert(#snapshot:top(1, 'last_seen') == 1)\n",
	      "");
	fails("snapshot:top(0)", "from 1 to 10000");
	fails("snapshot:top(10001)", "from 1 to 10000");
	fails("snapshot:top(1.5)", "no integer representation");
	fails("snapshot:top(1, 'src')", "cannot be ranked by 'src'");
	fails("snapshot:top(1, 'side')", "cannot be ranked by 'side'");
	fails("snapshot:top()", "number expected");
}

static void test_flows(void **state)
{
	(void)state;
	gives("for flow in snapshot:flows() do emit('m', flow.bytes, {k = flow.sport}) end",
	      "m{k=\"1\"} 100\nm{k=\"2\"} 300\nm{k=\"3\"} 200\nm{k=\"4\"} 300\n");
	/* loops inside of loops have views of their own */
	gives("local n = 0\n"
	      "for a in snapshot:flows() do for b in snapshot:flows() do\n"
	      "  if a.sport == b.sport then n = n + 1 end\n"
	      "end end\n"
	      "emit('n', n)",
	      "n{} 4\n");
	fails("local f for flow in snapshot:flows() do f = flow end\nreturn f.bytes",
	      "flow view used after its call");
	fails("local next = snapshot:flows()\nnext(snapshot)", "xa.flow expected");
}

static void test_count_distinct(void **state)
{
	(void)state;
	gives("emit('n', snapshot:count_distinct('dport'))\n"
	      "emit('n', snapshot:count_distinct('src'))\n"
	      "emit('n', snapshot:count_distinct('side'))\n"
	      "for k, n in snapshot:count_distinct('dport', 'src') do emit('m', n, {k = k}) end",
	      "n{} 2\nn{} 3\nn{} 2\n"
	      "m{k=\"10.0.0.1\"} 2\nm{k=\"10.0.0.2\"} 1\nm{k=\"2001:db8::1\"} 1\n");
	fails("snapshot:count_distinct()", "is a string, not a no value");
	fails("snapshot:count_distinct('duration')", "cannot be grouped by 'duration'");
}

/* Whatever a rule keeps of a snapshot is of no use in the next. */
static void test_stale(void **state)
{
	static const char *const kept[] = {
		"snapshot.count", "snapshot:sum_by('src')", "snapshot:top(1)",
		"next_sum()",	  "next_flow(view)",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		struct lab *lab;
		char body[512];

		(void)snprintf(body, sizeof(body),
			       "if kept then kept() end\nlocal next_sum = snapshot:sum_by('src')\n"
			       "local next_flow, view = snapshot:flows()\n"
			       "kept = function() return %s end",
			       kept[i]);
		lab = derived(body);
		lab_judge(lab);
		assert_int_not_equal(lab_run(lab), 0);
		lab_expect(lab, XA_PLUGIN_ERROR, "rules/test.lua:", "used after its call");
		lab_free(lab);
	}
}

static struct xa_plugin_flow *many_flows(size_t count, uint64_t spread)
{
	struct xa_plugin_flow *flows = calloc(count, sizeof(*flows));
	uint64_t random = 1;

	assert_non_null(flows);
	for (size_t i = 0; i < count; i++) {
		const uint32_t host = (uint32_t)(draw(&random) % spread);

		flows[i].family = 4;
		flows[i].proto = 6;
		memcpy(flows[i].src, &host, sizeof(host));
		flows[i].sport = (uint16_t)draw(&random);
		flows[i].dport = (uint16_t)(draw(&random) % 16);
		flows[i].packets = 1 + draw(&random) % 1000;
		flows[i].bytes = 64 * flows[i].packets;
		flows[i].handle = (uint32_t)i;
	}
	return flows;
}

/* The same numbers as a loop in Lua over all flows finds. */
static void test_against_lua(void **state)
{
	struct lab *lab = lab_with(
		"return {derive = function(s)\n"
		"  local sums, ports, n = {}, {}, 0\n"
		"  for f in s:flows() do\n"
		"    local k = tostring(f.src)\n"
		"    sums[k] = (sums[k] or 0) + f.bytes\n"
		"    ports[k] = ports[k] or {}\n"
		"    ports[k][f.dport] = true\n"
		"    n = n + 1\n"
		"  end\n"
		"  assert(n == s.count)\n"
		"  local groups = 0\n"
		"  for k, sum in s:sum_by('src') do\n"
		"    groups = groups + 1\n"
		"    assert(sums[k] == sum.bytes and sum.bytes == 64 * sum.packets)\n"
		"  end\n"
		"  for k, n in s:count_distinct('dport', 'src') do\n"
		"    groups = groups - 1\n"
		"    for _ in pairs(ports[k]) do n = n - 1 end\n"
		"    assert(n == 0)\n"
		"  end\n"
		"  assert(groups == 0)\n"
		"end}");
	struct xa_plugin_flow *flows = many_flows(20000, 5000);

	(void)state;
	if (lab_show(lab, flows, 20000, true) != 0)
		fail_msg("%s", lab->complaint);
	free(flows);
	lab_free(lab);
}

/* More groups than there may be: the rest is one, and nothing is lost. */
static void test_too_many_groups(void **state)
{
	const size_t count = 100000;
	struct lab *lab = lab_new_sized(count);
	struct xa_plugin_flow *flows = calloc(count, sizeof(*flows));

	(void)state;
	assert_non_null(flows);
	for (size_t i = 0; i < count; i++) {
		flows[i].packets = i;
		flows[i].handle = (uint32_t)i;
	}
	assert_int_equal(lab_open(lab, "return {derive = function(s)\n"
				       "  local groups, packets, last, other = 0, 0\n"
				       "  for k, sum in s:sum_by('packets') do\n"
				       "    groups = groups + 1\n"
				       "    packets = packets + sum.packets\n"
				       "    last, other = k, sum.flows\n"
				       "  end\n"
				       "  assert(groups == 65537 and packets == s.packets)\n"
				       "  assert(last == 'other' and other == 100000 - 65536)\n"
				       "  local rest\n"
				       "  for k, n in s:count_distinct('packets', 'packets') do\n"
				       "    rest = n\n"
				       "  end\n"
				       "  assert(math.abs(rest / other - 1) < 0.1)\n"
				       "  local n = s:count_distinct('packets')\n"
				       "  assert(math.abs(n / 100000 - 1) < 0.04)\n"
				       "end}"),
			 0);
	if (lab_show(lab, flows, count, true) != 0)
		fail_msg("%s", lab->complaint);
	free(flows);
	lab_free(lab);
}

/* --- the parts --- */

static void *test_alloc(void *ctx, size_t bytes)
{
	void **blocks = ctx;

	for (size_t i = 0; i < 32; i++) {
		if (!blocks[i])
			return blocks[i] = calloc(1, bytes);
	}
	return NULL;
}

/* The error that is promised, over three of its deviations, and none where the set still counts. */
static void test_hll(void **state)
{
	static const unsigned bits[] = {4, 11, 14, 16};

	(void)state;
	for (size_t b = 0; b < 4; b++) {
		const double allowed = 4 * 1.04 / sqrt((double)(1U << bits[b]));
		const uint64_t exact = 3 * (1ULL << bits[b]) / 16;
		struct xa_lua_hll hll = {0};
		void *blocks[32] = {NULL};
		uint64_t random = bits[b];

		for (uint64_t n = 1; n <= 300000; n++) {
			const uint32_t hash = (uint32_t)(draw(&random) >> 32);
			double error;

			assert_true(xa_lua_hll_add(&hll, bits[b], hash, test_alloc, blocks));
			assert_true(xa_lua_hll_add(&hll, bits[b], hash, test_alloc, blocks));
			if (n > exact && n % 1000)
				continue;
			error = (double)xa_lua_hll_count(&hll, bits[b]) / (double)n - 1;
			if (fabs(error) > (n <= exact ? 0.001 : allowed))
				fail_msg("bits %u, n %llu: %f", bits[b], (unsigned long long)n,
					 error);
		}
		for (size_t i = 0; i < 32; i++)
			free(blocks[i]);
	}
}

static void *no_memory(void *ctx, size_t bytes)
{
	(void)ctx;
	(void)bytes;
	return NULL;
}

static void test_hll_edges(void **state)
{
	struct xa_lua_hll hll = {0};

	(void)state;
	assert_int_equal(xa_lua_hll_count(&hll, 11), 0);
	assert_false(xa_lua_hll_add(&hll, 11, 5, no_memory, NULL));
	assert_int_equal(xa_lua_hll_count(&hll, 11), 0);
}

static void test_groups(void **state)
{
	struct xa_lua_groups *small = malloc(xa_lua_groups_bytes(4, 2, 1));
	struct xa_lua_groups *large = malloc(xa_lua_groups_bytes(8, 2, 1));

	(void)state;
	assert_non_null(small);
	assert_non_null(large);
	xa_lua_groups_init(small, 4, 2, 1, 9);
	for (uint64_t i = 0; i < 4; i++)
		*xa_lua_groups_get(small, (uint64_t[]){i, 7}) = 10 + i;
	assert_null(xa_lua_groups_get(small, (uint64_t[]){4, 7}));
	assert_int_equal(*xa_lua_groups_get(small, (uint64_t[]){2, 7}), 12);
	*xa_lua_groups_rest(small) = 99;
	assert_true(small->has_rest);
	xa_lua_groups_init(large, 8, 2, 1, 9);
	xa_lua_groups_move(large, small);
	assert_int_equal(large->count, 4);
	assert_int_equal(*xa_lua_groups_get(large, (uint64_t[]){3, 7}), 13);
	assert_int_equal(*xa_lua_groups_get(large, (uint64_t[]){4, 7}), 0);
	assert_int_equal(xa_lua_groups_at(large, 4)[0], 4);
	free(small);
	free(large);
}

static int by_rank(const void *a, const void *b)
{
	const struct xa_lua_ranked *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank > y->rank ? -1 : 1;
	return x->position < y->position ? -1 : 1;
}

static void test_top_heap(void **state)
{
	struct xa_lua_ranked all[200], heap[200];
	uint64_t random = 3;

	(void)state;
	for (size_t k = 1; k <= 200; k++) {
		struct xa_lua_top top = {.heap = heap, .max = k};

		for (uint32_t i = 0; i < 150; i++) {
			all[i] = (struct xa_lua_ranked){draw(&random) % (k + 1), i};
			xa_lua_top_add(&top, all[i].rank, i);
		}
		xa_lua_top_sort(&top);
		qsort(all, 150, sizeof(*all), by_rank);
		assert_int_equal(top.count, k < 150 ? k : 150);
		for (size_t i = 0; i < top.count; i++) {
			assert_int_equal(heap[i].rank, all[i].rank);
			assert_int_equal(heap[i].position, all[i].position);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_sum_by),
		cmocka_unit_test(test_top),
		cmocka_unit_test(test_flows),
		cmocka_unit_test(test_count_distinct),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_against_lua),
		cmocka_unit_test(test_too_many_groups),
		cmocka_unit_test(test_hll),
		cmocka_unit_test(test_hll_edges),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_top_heap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
