/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What a rule sees of a flow, of addresses, sets of them and services. Lua asserts, the host hears
 * of it. */

#include "tests/unit/lua_host.h"

static void add_flow(struct lab *lab)
{
	struct xa_plugin_flow *flow = lab_flow(lab, "10.1.2.3", 1234, "11.1.2.3", 443, 6,
					       1ULL << 60, 5000);

	flow->vlan = 7;
	flow->tcp_flags = 0x12;
	flow->tos = 184;
	flow->ttl_min = 60;
	flow->ttl_max = 64;
	flow->len_min = 60;
	flow->len_max = 1514;
	flow->is_fragment = 1;
}

/* The body of a filter() that has to hold. */
static void holds(const char *body)
{
	struct lab *lab;
	char rule[4096];

	(void)snprintf(rule, sizeof(rule),
		       "local kept\nreturn {filter = function(flow)\n%s\nreturn true end,\n"
		       "derive = function(snapshot) if kept then kept() end end}",
		       body);
	lab = lab_with(rule);
	add_flow(lab);
	lab_flow(lab, "2001:db8:0:0:1::ab", 1, "::ffff:1.2.3.4", 2, 17, 3, 200);
	lab_judge(lab);
	lab_free(lab);
}

static void test_fields(void **state)
{
	(void)state;
	holds("if flow.proto == 17 then return true end\n"
	      "assert(flow.sport == 1234 and flow.dport == 443 and flow.proto == 6)\n"
	      "assert(flow.family == 4 and flow.vlan == 7 and flow.interface == 'eth0')\n"
	      "assert(flow.tcp_flags == 0x12 and flow.tos == 184)\n"
	      "assert(flow.ttl_min == 60 and flow.ttl_max == 64)\n"
	      "assert(flow.len_min == 60 and flow.len_max == 1514)\n"
	      "assert(flow.fragment == true)\n"
	      "assert(flow.packets == 1 << 60 and math.type(flow.packets) == 'integer')\n"
	      "assert(flow.bytes == 5000)\n"
	      "assert(flow.packets_delta == 1 << 59 and flow.bytes_delta == 2500)\n"
	      "assert(flow.first_seen == 1699999996.5 and flow.last_seen == 1699999999.0)\n"
	      "assert(flow.duration == 2.5 and xa.now() == 1700000000.5)\n");
}

static void test_tostring(void **state)
{
	(void)state;
	holds("if flow.proto == 6 then return true end\n"
	      "assert(tostring(flow) ==\n"
	      "  '2001:db8::1:0:0:ab:1 > ::ffff:1.2.3.4:2 proto 17', tostring(flow))\n");
}

static void test_view_is_locked(void **state)
{
	(void)state;
	holds("assert(getmetatable(flow) == 'locked')\n"
	      "assert(not pcall(setmetatable, flow, {}))\n"
	      "assert(not pcall(function() flow.bytes = 1 end))\n"
	      "assert(not pcall(rawget, flow, 'bytes') and not pcall(next, flow))\n"
	      "assert(getmetatable(flow.src) == 'locked' and getmetatable('') == 'locked')\n"
	      "assert(getmetatable(xa.cidr{}) == 'locked')\n");
}

static void test_stale(void **state)
{
	(void)state;
	holds("kept = kept or function()\n"
	      "  for _, use in ipairs{\n"
	      "    function() return flow.bytes end, function() return flow:label('x') end,\n"
	      "    function() return tostring(flow) end, function() return flow.src end} do\n"
	      "    local good, why = pcall(use)\n"
	      "    assert(not good and why:find('flow view used after its call', 1, true), why)\n"
	      "  end\n"
	      "end\n");
}

/* An address is a copy. */
static void test_address_outlives(void **state)
{
	(void)state;
	holds("local src = flow.src\n"
	      "if flow.proto == 6 then kept = function()\n"
	      "  assert(tostring(src) == '10.1.2.3' and src:within('10.0.0.0/8'))\n"
	      "end end\n");
}

static void test_address(void **state)
{
	(void)state;
	holds("local src = flow.src\n"
	      "if flow.proto == 6 then\n"
	      "  assert(src.family == 4 and src == flow.src and src ~= flow.dst)\n"
	      "  assert(src < flow.dst and src <= src and not (src < src))\n"
	      "  assert(src ~= '10.1.2.3' and src .. '!' == '10.1.2.3!' and 'a' .. src)\n"
	      "  for _, p in ipairs{'10.0.0.0/8', '10.1.2.3', '10.1.2.3/32', '0.0.0.0/0',\n"
	      "                     '10.1.2.2/31', '10.1.2.0/25'} do\n"
	      "    assert(src:within(p) and src:within(p), p)\n"
	      "  end\n"
	      "  for _, p in ipairs{'11.0.0.0/8', '10.1.2.4/30', '::/0', '10.1.2.128/25'} do\n"
	      "    assert(not src:within(p), p)\n"
	      "  end\n"
	      "else\n"
	      "  assert(src.family == 6 and src:within('2001:db8::/32'))\n"
	      "  assert(not src:within('0.0.0.0/0') and src:within('::/0'))\n"
	      "end\n");
}

static void test_bad_prefixes(void **state)
{
	(void)state;
	holds("local function fails(part, ...)\n"
	      "  local good, why = pcall(...)\n"
	      "  assert(not good and why:find(part, 1, true), why)\n"
	      "end\n"
	      "local src = flow.src\n"
	      "fails('is no address and no prefix', src.within, src, 'x')\n"
	      "fails('is no address and no prefix', src.within, src, '10.0.0.0/33')\n"
	      "fails(\"(did you mean '10.0.0.0/8'?)\", src.within, src, '10.0.0.1/8')\n"
	      "fails('string expected', src.within, src, {})\n"
	      "fails('xa.address expected', src.within, flow, '10.0.0.0/8')\n"
	      "fails('is no address and no prefix', xa.cidr, {'10.0.0.0/8', 'nope'})\n"
	      "fails('number in the list', xa.cidr, {1})\n"
	      "fails('is there twice', xa.cidr, {'10.0.0.0/8', ['10.0.0.0/8'] = 'a'})\n"
	      "fails('table expected', xa.cidr, '10.0.0.0/8')\n"
	      "fails('is no address', xa.cidr{}.contains, xa.cidr{}, '10.0.0.0/8')\n"
	      "fails('is no address', xa.cidr{}.lookup, xa.cidr{}, 'a')\n");
}

static void test_cidr(void **state)
{
	(void)state;
	holds("local list = xa.cidr{'10.0.0.0/8', '2001:db8::/32', '10.0.0.0/8'}\n"
	      "local map = xa.cidr{['10.0.0.0/8'] = 'all', ['10.1.0.0/16'] = 'some',\n"
	      "                    ['10.9.0.0/16'] = 'all', ['::/0'] = 6, '1.0.0.0/8'}\n"
	      "assert(#list == 3 and #map == 5 and #xa.cidr{} == 0)\n"
	      "assert(list:contains(flow.src) and flow.src:within(list))\n"
	      "assert(map:lookup(flow.src) == (flow.proto == 6 and 'some' or 6))\n"
	      "assert(map:lookup('10.200.0.1') == 'all' and map:lookup('10.9.0.1') == 'all')\n"
	      "assert(map:lookup('1.2.3.4') == true and map:lookup('2.2.3.4') == nil)\n"
	      "assert(list:lookup('10.0.0.1') == true and not list:contains('11.0.0.1'))\n"
	      "assert(not xa.cidr{}:contains(flow.src))\n");
}

/* 10,000 prefixes, and sets that come and go: garbage is given back. */
static void test_large_sets(void **state)
{
	(void)state;
	holds("if flow.proto == 17 then return true end\n"
	      "local list = {}\n"
	      "for i = 0, 9999 do\n"
	      "  list[#list + 1] = ('10.%d.%d.0/24'):format(i // 256, i % 256)\n"
	      "end\n"
	      "for _ = 1, 100 do assert(xa.cidr(list):contains('10.39.15.77')) end\n");
}

static void test_services(void **state)
{
	(void)state;
	holds("assert(xa.service(443, 'tcp') == 'https' and xa.service(443, 6) == 'https')\n"
	      "assert(xa.service(53, 'udp') == 'domain' and xa.service(22, 'udp') == nil)\n"
	      "assert(xa.service(51820, 17) == 'wireguard' and xa.service(7, 'tcp') == 'echo')\n"
	      "assert(xa.service(443, 132) == nil and xa.service(443, 'sctp') == nil)\n"
	      "assert(xa.service(-1, 'tcp') == nil and xa.service(65536 + 22, 'tcp') == nil)\n"
	      "assert(not pcall(xa.service, 443) and not pcall(xa.service))\n"
	      "assert(xa.proto(6) == 'tcp' and xa.proto(58) == 'ipv6-icmp')\n"
	      "assert(xa.api == 1 and xa.proto(253) == '253' and not pcall(xa.proto, 256))\n");
}

/* Every service is found: the table is in order. */
static void test_all_services(void **state)
{
	(void)state;
	holds("local n = 0\n"
	      "for port = 0, 65535 do\n"
	      "  n = n + ((xa.service(port, 6) or xa.service(port, 17)) and 1 or 0)\n"
	      "end\n"
	      "assert(n == 109, n)\n");
}

/* Names longer than those that Lua keeps once. */
static void test_long_label(void **state)
{
	static const char name[] = "a_label_whose_name_is_longer_than_forty_characters";
	struct lab *lab;
	char rule[1024];

	(void)state;
	(void)snprintf(rule, sizeof(rule),
		       "return {labels = {'%s'}, label = function() return {%s = 'x'} end,\n"
		       "metrics = {m = {type = 'gauge', help = 'h', labels = {'%s'}}},\n"
		       "derive = function(s, emit)\n"
		       "  for x in s:sum_by('%s') do emit('m', 1, {%s = x}) end\n"
		       "  for f in s:flows() do assert(f.%s == 'x' and f:label('%s') == 'x') end\n"
		       "end}",
		       name, name, name, name, name, name, name);
	lab = lab_with(rule);
	add_flow(lab);
	lab_judge(lab);
	assert_string_equal(lab_label(lab, name, 0), "x");
	lab_free(lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),		 cmocka_unit_test(test_tostring),
		cmocka_unit_test(test_view_is_locked),	 cmocka_unit_test(test_stale),
		cmocka_unit_test(test_address_outlives), cmocka_unit_test(test_address),
		cmocka_unit_test(test_bad_prefixes),	 cmocka_unit_test(test_cidr),
		cmocka_unit_test(test_large_sets),	 cmocka_unit_test(test_services),
		cmocka_unit_test(test_all_services),	 cmocka_unit_test(test_long_label),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
