/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Places and deadlines, with pairs of sockets as connections. */

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "core/http/guard.h"

/* Not waited out: what happens within it happens because of something else. */
#define LONG_MS	 20000
#define SHORT_MS 50

static struct in6_addr ipv4(unsigned last)
{
	return (struct in6_addr){
		.s6_addr = {[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = (uint8_t)last}};
}

static struct in6_addr ipv6(unsigned network, unsigned host)
{
	return (struct in6_addr){
		.s6_addr = {0x20, 0x01, [7] = (uint8_t)network, [15] = (uint8_t)host}};
}

static int setup(void **state)
{
	struct xa_guard *guard = malloc(sizeof(*guard));

	*state = guard;
	return guard ? xa_guard_start(guard) : -1;
}

static int teardown(void **state)
{
	xa_guard_stop(*state);
	free(*state);
	return 0;
}

/* The number of a descriptor is all that counts here. */
static unsigned fill(struct xa_guard *guard, const struct in6_addr *peer, bool scraper)
{
	unsigned count = 0;

	while (count < 1000 && xa_guard_admits(guard, peer, scraper)) {
		assert_non_null(xa_guard_enter(guard, 1000, peer, scraper));
		count++;
	}
	return count;
}

static void test_share(void **state)
{
	struct xa_guard *guard = *state;
	const struct in6_addr one = ipv4(1), two = ipv4(2), six = ipv6(1, 1), near = ipv6(1, 2),
			      far = ipv6(2, 1);

	assert_int_equal(fill(guard, &one, false), XA_GUARD_SHARE);
	assert_int_equal(fill(guard, &two, false), XA_GUARD_SHARE);
	assert_int_equal(fill(guard, &six, false), XA_GUARD_SHARE);
	assert_int_equal(fill(guard, &near, false), 0);
	assert_int_equal(fill(guard, &far, false), XA_GUARD_SHARE);
	xa_guard_leave(guard, &guard->places[0]);
	assert_int_equal(fill(guard, &two, false), 0);
	assert_int_equal(fill(guard, &one, false), 1);
}

static void test_kept(void **state)
{
	struct xa_guard *guard = *state;
	const struct in6_addr scraper = ipv4(0);
	unsigned count = 0;

	for (unsigned i = 1; i <= 20; i++) {
		const struct in6_addr peer = ipv4(i);

		count += fill(guard, &peer, false);
	}
	assert_int_equal(count, XA_GUARD_PLACES - XA_GUARD_KEPT);
	assert_int_equal(fill(guard, &scraper, true), XA_GUARD_KEPT);
	assert_null(xa_guard_enter(guard, 1000, &scraper, true));
}

static void test_scrapers_take_all(void **state)
{
	const struct in6_addr scraper = ipv4(0), other = ipv4(1);

	assert_int_equal(fill(*state, &scraper, true), XA_GUARD_PLACES);
	assert_false(xa_guard_admits(*state, &other, false));
}

static bool is_cut_off(int fd, int timeout_ms)
{
	struct pollfd ends = {.fd = fd, .events = POLLRDHUP};

	return poll(&ends, 1, timeout_ms) == 1;
}

static uint64_t in_ms(uint64_t ms)
{
	return xa_now_ns() + ms * XA_NS_PER_MS;
}

static struct xa_guard_place *entered(struct xa_guard *guard, int pair[2])
{
	const struct in6_addr peer = ipv4(1);

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	return xa_guard_enter(guard, pair[0], &peer, false);
}

static void close_pair(const int pair[2])
{
	(void)close(pair[0]);
	(void)close(pair[1]);
}

/* Each by its own time, in whatever order they came; the socket itself is left open. */
static void test_due(void **state)
{
	struct xa_guard *guard = *state;
	int late[2], early[2], never[2];
	struct xa_guard_place *late_place = entered(guard, late),
			      *early_place = entered(guard, early);

	assert_non_null(entered(guard, never));
	xa_guard_due(guard, late_place, in_ms(3600000));
	xa_guard_due(guard, early_place, in_ms(SHORT_MS));
	assert_true(is_cut_off(early[1], LONG_MS));
	assert_false(is_cut_off(late[1], 0));
	xa_guard_due(guard, late_place, in_ms(0));
	assert_true(is_cut_off(late[1], LONG_MS));
	assert_false(is_cut_off(never[1], SHORT_MS));
	assert_int_equal(write(never[0], "x", 1), 1);
	assert_int_not_equal(fcntl(early[0], F_GETFD), -1);
	close_pair(late);
	close_pair(early);
	close_pair(never);
}

/* Put off, or gone with its descriptor already another's: it is not cut off. */
static void test_not_due(void **state)
{
	struct xa_guard *guard = *state;
	int later[2], gone[2], mark[2];
	struct xa_guard_place *later_place = entered(guard, later),
			      *gone_place = entered(guard, gone);

	xa_guard_due(guard, later_place, in_ms(SHORT_MS));
	xa_guard_due(guard, gone_place, in_ms(SHORT_MS));
	xa_guard_due(guard, later_place, XA_GUARD_NEVER);
	xa_guard_leave(guard, gone_place);
	xa_guard_due(guard, entered(guard, mark), in_ms(2ULL * SHORT_MS));
	assert_true(is_cut_off(mark[1], LONG_MS));
	assert_false(is_cut_off(later[1], 0));
	assert_false(is_cut_off(gone[1], 0));
	close_pair(later);
	close_pair(gone);
	close_pair(mark);
}

#define guard_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		guard_test(test_share),
		guard_test(test_kept),
		guard_test(test_scrapers_take_all),
		guard_test(test_due),
		guard_test(test_not_due),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
