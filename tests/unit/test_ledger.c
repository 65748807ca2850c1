/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The book of conservation: each sum in its account, the residual exact in both directions. */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/flow/ledger.h"

static struct xa_count count(uint64_t packets, uint64_t bytes)
{
	return (struct xa_count){packets, bytes};
}

static struct xa_flow_tail tail(uint8_t slot, uint8_t proto, bool is_ipv6)
{
	return (struct xa_flow_tail){
		.slot = slot, .proto = proto, .tag = is_ipv6 ? XA_TAG_IPV6 | 5 : 5};
}

static void assert_count(const struct xa_count *is, uint64_t packets, uint64_t bytes)
{
	assert_int_equal(is->packets, packets);
	assert_int_equal(is->bytes, bytes);
}

static void assert_residual(const struct xa_ledger *ledger, uint8_t slot, int64_t packets,
			    int64_t bytes)
{
	struct xa_residual residual = xa_account_residual(xa_ledger_account(ledger, slot));

	assert_true(residual.packets == packets);
	assert_true(residual.bytes == bytes);
}

static int setup(void **state)
{
	struct xa_ledger *ledger;

	if (xa_ledger_new(&ledger))
		return -1;
	*state = ledger;
	return 0;
}

static int teardown(void **state)
{
	xa_ledger_free(*state);
	return 0;
}

static void test_accounts(void **state)
{
	struct xa_ledger *ledger = *state;
	const struct xa_account *account;

	assert_non_null(xa_ledger_account(ledger, XA_SLOT_UNKNOWN));
	assert_null(xa_ledger_account(ledger, 1));
	assert_null(xa_ledger_account(ledger, 255));
	assert_int_equal(xa_ledger_open(ledger, 255), 0);
	account = xa_ledger_account(ledger, 255);
	assert_non_null(account);
	xa_ledger_add_seen(ledger, 255, 0, count(2, 100));
	xa_ledger_add_seen(ledger, 255, 7, count(1, 200));
	assert_int_equal(xa_ledger_open(ledger, 255), 0);
	assert_ptr_equal(xa_ledger_account(ledger, 255), account);
	assert_count(&account->seen, 3, 300);
	assert_int_equal(account->sizes[0], 2);
	assert_int_equal(account->sizes[7], 1);
	xa_ledger_free(NULL);
}

static void test_each_in_its_place(void **state)
{
	struct xa_flow_tail tcp4 = tail(1, 6, false), tcp6 = tail(1, 6, true);
	const struct xa_account *account;
	struct xa_ledger *ledger = *state;

	assert_int_equal(xa_ledger_open(ledger, 1), 0);
	account = xa_ledger_account(ledger, 1);
	xa_ledger_add_seen(ledger, 1, 0, count(100, 10000));
	xa_ledger_add_flow(ledger, &tcp4, count(40, 4000));
	xa_ledger_add_flow(ledger, &tcp4, count(2, 200));
	xa_ledger_add_flow(ledger, &tcp6, count(8, 800));
	xa_ledger_add_reason(ledger, 1, XA_CLASS_NON_IP, count(5, 60));
	xa_ledger_add_reason(ledger, 1, XA_REASON_FLOW_LIMIT, count(1, 40));
	assert_count(&account->seen, 100, 10000);
	assert_count(&account->flows[XA_IPV4][6], 42, 4200);
	assert_count(&account->flows[XA_IPV6][6], 8, 800);
	assert_count(&account->flows[XA_IPV4][17], 0, 0);
	assert_count(&account->reasons[XA_CLASS_NON_IP], 5, 60);
	assert_count(&account->reasons[XA_REASON_FLOW_LIMIT], 1, 40);
	assert_residual(ledger, 1, 44, 4900);
	assert_residual(ledger, XA_SLOT_UNKNOWN, 0, 0);
}

static void test_residual_has_a_sign(void **state)
{
	struct xa_flow_tail gre = tail(2, 47, false);
	struct xa_ledger *ledger = *state;

	assert_int_equal(xa_ledger_open(ledger, 2), 0);
	xa_ledger_add_seen(ledger, 2, 0, count(10, 50));
	xa_ledger_add_flow(ledger, &gre, count(11, 40));
	assert_residual(ledger, 2, -1, 10);
	xa_ledger_add_reason(ledger, 2, XA_CLASS_MAP_ERROR, count(5, 10));
	assert_residual(ledger, 2, -6, 0);
	xa_ledger_add_seen(ledger, 2, 0, count(6, 0));
	assert_residual(ledger, 2, 0, 0);
}

/* Beyond 2^53, where a sum in floating point would round, and beyond 2^63. */
static void test_residual_is_exact(void **state)
{
	struct xa_flow_tail udp = tail(3, 17, true);
	struct xa_ledger *ledger = *state;

	assert_int_equal(xa_ledger_open(ledger, 3), 0);
	xa_ledger_add_seen(ledger, 3, 0, count((1ULL << 60) + 1, 3ULL << 62));
	xa_ledger_add_flow(ledger, &udp, count(1ULL << 60, (3ULL << 62) + 1));
	assert_residual(ledger, 3, 1, -1);
}

/* Every protocol of both families and every reason counts, each once. */
static void test_residual_is_complete(void **state)
{
	struct xa_ledger *ledger = *state;
	uint64_t given = 0;

	assert_int_equal(xa_ledger_open(ledger, 4), 0);
	for (unsigned proto = 0; proto < 256; proto++) {
		for (int family = 0; family < XA_FAMILY_COUNT_; family++) {
			struct xa_flow_tail one = tail(4, (uint8_t)proto, family == XA_IPV6);

			xa_ledger_add_flow(ledger, &one, count(1 + proto, 1000 + proto));
			given += 1 + proto;
		}
	}
	for (unsigned reason = XA_CLASS_FLOW + 1; reason < XA_REASON_COUNT_; reason++) {
		xa_ledger_add_reason(ledger, 4, reason, count(reason, 999 + reason));
		given += reason;
	}
	assert_residual(ledger, 4, -(int64_t)given,
			-(int64_t)(given + 999ULL * (512 + XA_REASON_COUNT_ - 1)));
	xa_ledger_add_seen(ledger, 4, 0,
			   count(given, given + 999ULL * (512 + XA_REASON_COUNT_ - 1)));
	assert_residual(ledger, 4, 0, 0);
}

static void test_unopened_slot(void **state)
{
	struct xa_flow_tail udp = tail(77, 17, false);
	const struct xa_account *unknown;
	struct xa_ledger *ledger = *state;

	unknown = xa_ledger_account(ledger, XA_SLOT_UNKNOWN);
	xa_ledger_add_seen(ledger, 77, 0, count(9, 900));
	xa_ledger_add_flow(ledger, &udp, count(4, 400));
	xa_ledger_add_reason(ledger, 77, XA_CLASS_TRUNCATED, count(5, 500));
	assert_null(xa_ledger_account(ledger, 77));
	assert_count(&unknown->seen, 9, 900);
	assert_count(&unknown->flows[XA_IPV4][17], 4, 400);
	assert_count(&unknown->reasons[XA_CLASS_TRUNCATED], 5, 500);
	assert_residual(ledger, XA_SLOT_UNKNOWN, 0, 0);
}

static void test_fold(void **state)
{
	struct xa_flow_tail tcp = tail(5, 6, false), sctp = tail(0, 132, true);
	const struct xa_account *unknown, *account;
	struct xa_ledger *ledger = *state;

	unknown = xa_ledger_account(ledger, XA_SLOT_UNKNOWN);
	assert_int_equal(xa_ledger_open(ledger, 5), 0);
	account = xa_ledger_account(ledger, 5);
	xa_ledger_add_seen(ledger, XA_SLOT_UNKNOWN, 0, count(2, 20));
	xa_ledger_add_flow(ledger, &sctp, count(2, 20));
	xa_ledger_add_seen(ledger, 5, 3, count(10, 100));
	xa_ledger_add_flow(ledger, &tcp, count(6, 60));
	xa_ledger_add_reason(ledger, 5, XA_REASON_FLOW_LIMIT, count(1, 10));
	xa_ledger_fold(ledger, 5);
	assert_count(&unknown->seen, 12, 120);
	assert_int_equal(unknown->sizes[0], 2);
	assert_int_equal(unknown->sizes[3], 10);
	assert_count(&unknown->flows[XA_IPV4][6], 6, 60);
	assert_count(&unknown->flows[XA_IPV6][132], 2, 20);
	assert_count(&unknown->reasons[XA_REASON_FLOW_LIMIT], 1, 10);
	assert_residual(ledger, XA_SLOT_UNKNOWN, 3, 30);
	assert_ptr_equal(xa_ledger_account(ledger, 5), account);
	assert_memory_equal(account, &(struct xa_account){0}, sizeof(*account));
	xa_ledger_add_seen(ledger, 5, 0, count(1, 1));
	assert_count(&account->seen, 1, 1);
	assert_count(&unknown->seen, 12, 120);
}

static void test_fold_of_nothing(void **state)
{
	const struct xa_account *unknown;
	struct xa_ledger *ledger = *state;

	unknown = xa_ledger_account(ledger, XA_SLOT_UNKNOWN);
	xa_ledger_add_seen(ledger, XA_SLOT_UNKNOWN, 0, count(7, 70));
	xa_ledger_fold(ledger, XA_SLOT_UNKNOWN);
	xa_ledger_fold(ledger, 8);
	assert_null(xa_ledger_account(ledger, 8));
	assert_count(&unknown->seen, 7, 70);
}

static bool is_alone(const struct xa_account *account, uint8_t proto, bool is_ipv6)
{
	return account->is_alone[is_ipv6 ? XA_IPV6 : XA_IPV4][proto];
}

static size_t alone_count(const struct xa_account *account, enum xa_family family)
{
	size_t alone = 0;

	for (unsigned proto = 0; proto < 256; proto++)
		alone += account->is_alone[family][proto];
	return alone;
}

static const uint8_t common[] = {1, 2, 6, 17, 47, 50, 58, 132};

/* The common ones always, of the rest the first that came, a family; once shown, for good. */
static void test_shown_alone(void **state)
{
	const struct xa_account *account;
	struct xa_ledger *ledger = *state;

	assert_int_equal(xa_ledger_open(ledger, 6), 0);
	account = xa_ledger_account(ledger, 6);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned proto = 255; proto < 256; proto--) {
			struct xa_flow_tail one = tail(6, (uint8_t)proto, false);

			xa_ledger_add_flow(ledger, &one, count(1, 60));
		}
		for (size_t i = 0; i < array_size(common); i++)
			assert_true(is_alone(account, common[i], false));
		for (unsigned i = 0; i < XA_RARE_MAX; i++)
			assert_true(is_alone(account, (uint8_t)(255 - i), false));
		assert_int_equal(alone_count(account, XA_IPV4), array_size(common) + XA_RARE_MAX);
		assert_int_equal(alone_count(account, XA_IPV6), 0);
	}
}

static void test_nothing_is_not_shown(void **state)
{
	struct xa_flow_tail rare = tail(0, 253, true), tcp = tail(0, 6, true);
	const struct xa_account *account;
	struct xa_ledger *ledger = *state;

	account = xa_ledger_account(ledger, XA_SLOT_UNKNOWN);
	for (unsigned i = 0; i < 2 * XA_RARE_MAX; i++)
		xa_ledger_add_flow(ledger, &rare, count(0, 0));
	xa_ledger_add_flow(ledger, &tcp, count(0, 0));
	assert_int_equal(alone_count(account, XA_IPV6), 0);
	for (unsigned i = 0; i < 2 * XA_RARE_MAX; i++)
		xa_ledger_add_flow(ledger, &rare, count(1, 60));
	assert_true(is_alone(account, 253, true));
	assert_int_equal(account->rare[XA_IPV6], 1);
}

/* Sums of both, residuals too; what is shown alone of the first stays so. */
static void test_account_add(void **state)
{
	struct xa_flow_tail udp1 = tail(1, 17, false), udp2 = tail(2, 17, false);
	struct xa_flow_tail gre6 = tail(2, 47, true);
	struct xa_ledger *ledger = *state;
	struct xa_account sum = {0};

	assert_int_equal(xa_ledger_open(ledger, 1), 0);
	assert_int_equal(xa_ledger_open(ledger, 2), 0);
	xa_ledger_add_seen(ledger, 1, 0, count(10, 1000));
	xa_ledger_add_flow(ledger, &udp1, count(9, 900));
	xa_ledger_add_seen(ledger, 2, 6, count(20, 2000));
	xa_ledger_add_flow(ledger, &udp2, count(7, 700));
	xa_ledger_add_flow(ledger, &gre6, count(2, 200));
	xa_ledger_add_reason(ledger, 2, XA_CLASS_NON_IP, count(4, 40));
	xa_account_add(&sum, xa_ledger_account(ledger, 1));
	xa_account_add(&sum, xa_ledger_account(ledger, 2));
	assert_count(&sum.seen, 30, 3000);
	assert_int_equal(sum.sizes[0], 10);
	assert_int_equal(sum.sizes[6], 20);
	assert_count(&sum.flows[XA_IPV4][17], 16, 1600);
	assert_count(&sum.flows[XA_IPV6][47], 2, 200);
	assert_count(&sum.reasons[XA_CLASS_NON_IP], 4, 40);
	assert_int_equal(xa_account_residual(&sum).packets, 8);
	assert_int_equal(xa_account_residual(&sum).bytes, 1160);
	assert_int_equal(alone_count(&sum, XA_IPV4), 1);
	assert_int_equal(alone_count(&sum, XA_IPV6), 1);
	assert_count(&xa_ledger_account(ledger, 2)->seen, 20, 2000);
}

/* However many accounts with other rare protocols each are added: no more are shown alone. */
static void test_account_add_is_bounded(void **state)
{
	struct xa_ledger *ledger = *state;
	struct xa_account sum = {0};
	uint64_t given = 0;

	for (unsigned slot = 1; slot <= 60; slot++) {
		assert_int_equal(xa_ledger_open(ledger, (uint8_t)slot), 0);
		for (unsigned i = 0; i < XA_RARE_MAX; i++) {
			struct xa_flow_tail rare = tail((uint8_t)slot,
							(uint8_t)(slot * XA_RARE_MAX + i), false);

			xa_ledger_add_flow(ledger, &rare, count(slot, 60));
			given += slot;
		}
		xa_account_add(&sum, xa_ledger_account(ledger, (uint8_t)slot));
	}
	assert_true(alone_count(&sum, XA_IPV4) <= array_size(common) + XA_RARE_MAX);
	assert_int_equal(xa_account_residual(&sum).packets, -(int64_t)given);
}

static void test_reason_names(void **state)
{
	(void)state;
	for (unsigned reason = 0; reason < XA_CLASS_COUNT_; reason++)
		assert_string_equal(xa_reason_name(reason), xa_class_names[reason]);
	assert_string_equal(xa_reason_name(XA_REASON_FLOW_LIMIT), "flow_limit");
}

#define ledger_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ledger_test(test_accounts),
		ledger_test(test_each_in_its_place),
		ledger_test(test_residual_has_a_sign),
		ledger_test(test_residual_is_exact),
		ledger_test(test_residual_is_complete),
		ledger_test(test_unopened_slot),
		ledger_test(test_fold),
		ledger_test(test_fold_of_nothing),
		ledger_test(test_shown_alone),
		ledger_test(test_nothing_is_not_shown),
		ledger_test(test_account_add),
		ledger_test(test_account_add_is_bounded),
		cmocka_unit_test(test_reason_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
