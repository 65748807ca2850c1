/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Which Host is ours, and which client is a scraper. */

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/http/access.h"

static struct xa_access access_of(const char *hosts, const char *scrapers)
{
	const char *settings[] = {hosts, scrapers};
	_cleanup_xa_config_ struct xa_config *config = NULL;
	struct xa_access access = {0};
	struct xa_whys whys;

	assert_int_equal(xa_config_load(&config, NULL, settings, array_size(settings), &whys), 0);
	xa_access_set(&access, config);
	return access;
}

static void test_hosts(void **state)
{
	static const struct {
		const char *host;
		enum xa_host_kind kind;
	} cases[] = {
		{"localhost", XA_HOST_OURS},
		{"LocalHost:9400", XA_HOST_OURS},
		{"localhost.", XA_HOST_OURS},
		{"localhost:", XA_HOST_OURS},
		{"127.0.0.1", XA_HOST_OURS},
		{"203.0.113.7:80", XA_HOST_OURS},
		{"[::1]", XA_HOST_OURS},
		{"[2001:db8::1]:9400", XA_HOST_OURS},
		{"monitor.example", XA_HOST_OURS},
		{"MONITOR.example.:9400", XA_HOST_OURS},
		{"xdp_auditor", XA_HOST_OURS},
		{"evil.example", XA_HOST_FOREIGN},
		{"localhost.evil.example", XA_HOST_FOREIGN},
		{"monitor.example.org", XA_HOST_FOREIGN},
		{"monitor", XA_HOST_FOREIGN},
		{"127.1", XA_HOST_FOREIGN},
		{"0x7f000001", XA_HOST_FOREIGN},
		{"1.2.3.4.5", XA_HOST_FOREIGN},
		{"", XA_HOST_MALFORMED},
		{":9400", XA_HOST_MALFORMED},
		{"localhost:94x", XA_HOST_MALFORMED},
		{"localhost:9400:1", XA_HOST_MALFORMED},
		{"user@localhost", XA_HOST_MALFORMED},
		{"localhost/", XA_HOST_MALFORMED},
		{"localhost, evil", XA_HOST_MALFORMED},
		{"::1", XA_HOST_MALFORMED},
		{"[::1", XA_HOST_MALFORMED},
		{"[]", XA_HOST_MALFORMED},
		{"[localhost]", XA_HOST_MALFORMED},
		{"[::1]x", XA_HOST_MALFORMED},
		{"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]", XA_HOST_MALFORMED},
		{"\xc3\xa9.example", XA_HOST_MALFORMED},
	};
	const struct xa_access access = access_of("http.hosts=monitor.example,xdp_auditor",
						  "http.scrapers=[]");

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++)
		if (xa_access_host(&access, cases[i].host) != cases[i].kind)
			fail_msg("%s is not of kind %d", cases[i].host, cases[i].kind);
}

static void test_this_host(void **state)
{
	const struct xa_access access = access_of("http.hosts=[]", "http.scrapers=[]");
	char name[XA_HOST_MAX + 1];

	(void)state;
	assert_int_equal(gethostname(name, sizeof(name)), 0);
	assert_int_equal(xa_access_host(&access, name), XA_HOST_OURS);
}

/* One character more than a name may have. */
static void test_long_host(void **state)
{
	const struct xa_access access = access_of("http.hosts=[]", "http.scrapers=[]");
	char name[XA_HOST_MAX + 2];

	(void)state;
	memset(name, 'a', sizeof(name));
	name[XA_HOST_MAX + 1] = '\0';
	assert_int_equal(xa_access_host(&access, name), XA_HOST_MALFORMED);
	name[XA_HOST_MAX] = '\0';
	assert_int_equal(xa_access_host(&access, name), XA_HOST_FOREIGN);
}

static bool is_scraper(const struct xa_access *access, const char *text)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	const bool ipv4 = inet_pton(AF_INET, text, &in.sin_addr) == 1;
	struct in6_addr peer;

	assert_true(ipv4 || inet_pton(AF_INET6, text, &in6.sin6_addr) == 1);
	peer = xa_access_peer(ipv4 ? (struct sockaddr *)&in : (struct sockaddr *)&in6);
	return xa_access_is_scraper(access, &peer);
}

static void test_scrapers(void **state)
{
	const struct xa_access some = access_of(
		"http.hosts=[]", "http.scrapers=10.128.0.0/9,192.0.2.7,2001:db8::/33");
	const struct xa_access ipv6 = access_of("http.hosts=[]", "http.scrapers=::/0");
	const struct xa_access ipv4 = access_of("http.hosts=[]", "http.scrapers=0.0.0.0/0");

	(void)state;
	assert_true(is_scraper(&some, "10.128.0.0"));
	assert_true(is_scraper(&some, "10.255.255.255"));
	assert_false(is_scraper(&some, "10.127.255.255"));
	assert_false(is_scraper(&some, "11.128.0.0"));
	assert_true(is_scraper(&some, "192.0.2.7"));
	assert_false(is_scraper(&some, "192.0.2.6"));
	assert_true(is_scraper(&some, "2001:db8:7fff::1"));
	assert_false(is_scraper(&some, "2001:db8:8000::1"));
	assert_true(is_scraper(&ipv6, "2001:db8::1"));
	assert_false(is_scraper(&ipv6, "192.0.2.7"));
	assert_true(is_scraper(&ipv4, "192.0.2.7"));
	assert_false(is_scraper(&ipv4, "2001:db8::1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_this_host),
		cmocka_unit_test(test_long_host),
		cmocka_unit_test(test_scrapers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
