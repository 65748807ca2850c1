/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Arguments of a request for flows: what is taken, what is refused and by which name, and what a
 * match lets through. */

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/http/match.h"
#include "core/http/query.h"

static void test_unescape(void **state)
{
	static const struct {
		const char *sent, *text; /* NULL: refused */
	} cases[] = {
		{"", ""},	  {"a b", "a b"},	 {"%41%6a", "Aj"},    {"%2c%3D%25", ",=%"},
		{"%2541", "%41"}, {"gr%C3%bcn", "grün"}, {"%", NULL},	      {"a%4", NULL},
		{"%4g", NULL},	  {"%%41", NULL},	 {"%00", NULL},	      {"%0a", NULL},
		{"%ff", NULL},	  {"%c3", NULL},	 {"%ed%a0%80", NULL}, {"\xff", NULL},
		{"%u0041", NULL}, {"% 41", NULL},	 {"%+1", NULL},	      {"%7f", NULL},
	};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		char text[32];
		bool taken;

		(void)snprintf(text, sizeof(text), "%s", cases[i].sent);
		taken = xa_query_unescape(text);
		assert_int_equal(taken, cases[i].text != NULL);
		if (taken)
			assert_string_equal(text, cases[i].text);
	}
}

static void test_number(void **state)
{
	static const char *const wrong[] = {"",	   "-1",  "+1",	 "01",	"1 ",	      " 1",
					    "1.0", "1e2", "0x1", "257", "4294967297", "٣"};
	unsigned number = 77;

	(void)state;
	for (size_t i = 0; i < array_size(wrong); i++)
		assert_false(xa_query_number(wrong[i], 0, 256, &number));
	assert_false(xa_query_number("0", 1, 256, &number));
	assert_int_equal(number, 77);
	assert_true(xa_query_number("0", 0, 256, &number));
	assert_int_equal(number, 0);
	assert_true(xa_query_number("256", 1, 256, &number));
	assert_int_equal(number, 256);
}

static void test_parameters(void **state)
{
	static const struct {
		const char *name, *value, *refusal; /* NULL: taken */
	} cases[] = {
		{"top", "1", NULL},
		{"top", "1000", NULL},
		{"top", "%31%30", NULL},
		{"top", "0", "top: \"0\" is not a number from 1 to 1000"},
		{"top", "1001", "top: \"1001\" is not a number from 1 to 1000"},
		{"top", NULL, "top: \"\" is not a number from 1 to 1000"},
		{"top", "%3", "top: \"%3\" does not unescape to UTF-8 without control characters"},
		{"by", "bytes_rate", NULL},
		{"by", "Bytes", "by: \"Bytes\" is none of packets bytes packets_rate bytes_rate"},
		{"match", "src=10.0.0.1", NULL},
		{"Top", "1", "no parameter is called \"Top\"; there are top by match"},
		{"", "1", "no parameter is called \"\"; there are top by match"},
		{"t%6fp", "1", "no parameter is called \"t%6fp\"; there are top by match"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		_cleanup_xa_query_ struct xa_query query = XA_QUERY_DEFAULT;
		struct xa_why why = {0};
		int error = xa_query_take(&query, cases[i].name, cases[i].value, &why);

		assert_int_equal(error, cases[i].refusal ? -EINVAL : 0);
		assert_string_equal(why.text, cases[i].refusal ? cases[i].refusal : "");
	}
}

static void test_parameters_together(void **state)
{
	_cleanup_xa_query_ struct xa_query query = XA_QUERY_DEFAULT;
	struct xa_why why = {0};

	(void)state;
	assert_int_equal(query.top, 50);
	assert_int_equal(query.by, XA_BY_PACKETS);
	assert_null(query.match);
	assert_int_equal(xa_query_take(&query, "match", "zone%3Da,port=1", &why), 0);
	assert_int_equal(xa_query_take(&query, "by", "packets_rate", &why), 0);
	assert_int_equal(xa_query_take(&query, "top", "7", &why), 0);
	assert_int_equal(query.top, 7);
	assert_int_equal(query.by, XA_BY_PACKETS_RATE);
	assert_string_equal(query.match, "zone=a,port=1");
	assert_int_equal(xa_query_take(&query, "match", "port=2", &why), -EINVAL);
	assert_string_equal(why.text, "match: comes twice");
	assert_string_equal(query.match, "zone=a,port=1");
}

/* --- match --- */

/* Two labels, the second named like a key; a flow of IPv4 and one of IPv6. */
struct scene {
	const char *names[2];
	const char *labels[2][2];
	struct xa_listed_flow flows[2];
	struct xa_listing listing;
};

static void scene_begin(struct scene *scene)
{
	*scene = (struct scene){
		.names = {"zone", "port"},
		.labels = {{"office", "x"}, {NULL, NULL}},
		.flows = {{.proto = "tcp",
			   .proto_number = 6,
			   .interface = "eth0",
			   .src = {10, 1, 2, 3},
			   .dst = {192, 0, 2, 130},
			   .sport = {32768, 60999},
			   .dport = {443, 443}},
			  {.proto = "253", .proto_number = 253, .is_ipv6 = true}},
		.listing = {.fields = ~0U, .label_count = 2, .count = 2},
	};
	assert_int_equal(inet_pton(AF_INET6, "2001:db8::1", scene->flows[1].src), 1);
	assert_int_equal(inet_pton(AF_INET6, "a01:203::", scene->flows[1].dst), 1);
	for (size_t i = 0; i < 2; i++)
		scene->flows[i].labels = scene->labels[i];
	scene->listing.flows = scene->flows;
	scene->listing.label_names = scene->names;
}

static int parse(struct scene *scene, struct xa_match *match, char *text, struct xa_why *why)
{
	return xa_match_parse(match, text, &scene->listing, why);
}

static void test_match_holds(void **state)
{
	static const struct {
		const char *text;
		bool holds[2];
	} cases[] = {
		{"src=10.1.2.3", {true, false}},
		{"src=10.1.2.4", {false, false}},
		{"src=10.1.2.0/24", {true, false}},
		{"src=10.1.2.2/31", {true, false}},
		{"src=10.1.2.0/31", {false, false}},
		{"src=10.1.2.3/32", {true, false}},
		{"src=0.0.0.0/0", {true, false}},
		{"src=::/0", {false, true}},
		{"src=2001:db8::/32", {false, true}},
		{"src=2001:db8::/127", {false, true}},
		{"src=2001:db8::1/128", {false, true}},
		{"src=2001:db8::2/127", {false, false}},
		{"src=2001:0DB8:0:0::1", {false, true}},
		{"dst=10.1.2.3", {false, false}}, /* the bytes of the other's IPv6 address */
		{"dst=192.0.2.128/25", {true, false}},
		{"dst=192.0.2.0/25", {false, false}},
		{"sport=40000", {true, false}},
		{"sport=32768", {true, false}},
		{"sport=32767", {false, false}},
		{"sport=60999", {true, false}},
		{"sport=61000", {false, false}},
		{"dport=443", {true, false}},
		{"dport=0", {false, true}},
		{"port=443", {true, false}},
		{"port=40000", {true, false}},
		{"proto=tcp", {true, false}},
		{"proto=6", {true, false}},
		{"proto=253", {false, true}},
		{"proto=TCP", {false, false}},
		{"interface=eth0", {true, false}},
		{"interface=", {false, true}},
		{"interface=eth", {false, false}},
		{"zone=office", {true, false}},
		{"zone=", {false, true}},
		{"zone=a=b", {false, false}},
		{"zone=office,src=10.0.0.0/8,port=443", {true, false}},
		{"zone=office,src=10.0.0.0/8,port=444", {false, false}},
	};
	struct scene scene;

	(void)state;
	scene_begin(&scene);
	for (size_t i = 0; i < array_size(cases); i++) {
		struct xa_why why = {0};
		struct xa_match match;
		char text[64];

		(void)snprintf(text, sizeof(text), "%s", cases[i].text);
		assert_int_equal(parse(&scene, &match, text, &why), 0);
		for (size_t flow = 0; flow < 2; flow++)
			assert_int_equal(xa_match_holds(&match, &scene.flows[flow]),
					 cases[i].holds[flow]);
	}
}

static void test_match_all(void **state)
{
	const struct xa_match all = {.count = 0};
	struct scene scene;

	(void)state;
	scene_begin(&scene);
	assert_true(xa_match_holds(&all, &scene.flows[0]));
}

#define NO_NETWORK "is not an address or a network without bits behind its length"
#define NO_PORT	   "is not a port, 0 to 65535"
#define NO_PROTO   "is not a protocol's name or number, 0 to 255"

static void test_match_refusals(void **state)
{
	static const struct {
		const char *text, *refusal;
	} cases[] = {
		{"", "match: \"\" is no KEY=VALUE"},
		{"src", "match: \"src\" is no KEY=VALUE"},
		{"port=1,", "match: \"\" is no KEY=VALUE"},
		{"port=1,,sport=1", "match: \"\" is no KEY=VALUE"},
		{"=1",
		 "match: no key is called \"\"; there are src dst sport dport port proto interface "
		 "zone port"},
		{"Src=1",
		 "match: no key is called \"Src\"; there are src dst sport dport port proto "
		 "interface zone port"},
		{"port=1,port=2", "match: the key \"port\" comes twice"},
		{"zone=a,zone=a", "match: the key \"zone\" comes twice"},
		{"src=", "match: src= " NO_NETWORK},
		{"src=10.0.0", "match: src=10.0.0 " NO_NETWORK},
		{"src=10.0.0.256", "match: src=10.0.0.256 " NO_NETWORK},
		{"src=10.0.0.1/", "match: src=10.0.0.1/ " NO_NETWORK},
		{"src=10.0.0.0/33", "match: src=10.0.0.0/33 " NO_NETWORK},
		{"src=10.0.0.0/08", "match: src=10.0.0.0/08 " NO_NETWORK},
		{"src=10.0.0.1/8", "match: src=10.0.0.1/8 " NO_NETWORK},
		{"dst=2001:db8::1/64", "match: dst=2001:db8::1/64 " NO_NETWORK},
		{"dst=::/129", "match: dst=::/129 " NO_NETWORK},
		{"dst=fe80::1%eth0", "match: dst=fe80::1%eth0 " NO_NETWORK},
		{"dst=localhost", "match: dst=localhost " NO_NETWORK},
		{"dport=65536", "match: dport=65536 " NO_PORT},
		{"dport=http", "match: dport=http " NO_PORT},
		{"sport=-1", "match: sport=-1 " NO_PORT},
		{"proto=", "match: proto= " NO_PROTO},
		{"proto=256", "match: proto=256 " NO_PROTO},
		{"proto=06", "match: proto=06 " NO_PROTO},
	};
	struct scene scene;

	(void)state;
	scene_begin(&scene);
	for (size_t i = 0; i < array_size(cases); i++) {
		struct xa_why why = {0};
		struct xa_match match;
		char text[64];

		(void)snprintf(text, sizeof(text), "%s", cases[i].text);
		assert_int_equal(parse(&scene, &match, text, &why), -EINVAL);
		assert_string_equal(why.text, cases[i].refusal);
	}
}

/* An address as long as an argument may be. */
static void test_match_long(void **state)
{
	static char text[20000];
	struct xa_why why = {0};
	struct xa_match match;
	struct scene scene;

	(void)state;
	scene_begin(&scene);
	memset(text, '1', sizeof(text) - 1);
	memcpy(text, "src=", 4);
	assert_int_equal(parse(&scene, &match, text, &why), -EINVAL);
	memcpy(text, "zone=", 5);
	assert_int_equal(parse(&scene, &match, text, &why), 0);
	assert_false(xa_match_holds(&match, &scene.flows[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unescape),       cmocka_unit_test(test_number),
		cmocka_unit_test(test_parameters),     cmocka_unit_test(test_parameters_together),
		cmocka_unit_test(test_match_holds),    cmocka_unit_test(test_match_all),
		cmocka_unit_test(test_match_refusals), cmocka_unit_test(test_match_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
