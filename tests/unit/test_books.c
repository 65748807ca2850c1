/* SPDX-License-Identifier: GPL-2.0-or-later */

/* From a config to the families' input: limits are the config's, another config changes timeouts
 * only, and ranking fills in all that belongs together. */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/books.h"

#define MAX 1024

struct scene {
	struct xa_config *config, *other;
	struct xa_books books;
	struct xa_topk *top;
	struct xa_traffic traffic;
};

static struct xa_config *config_of(const char *interface, const char *idle)
{
	const char *const settings[] = {interface, "flows.max=1024", idle};
	struct xa_config *config = NULL;
	struct xa_whys whys;

	assert_int_equal(xa_config_load(&config, NULL, settings, 3, &whys), 0);
	return config;
}

static int setup(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	if (!scene)
		return -1;
	scene->config = config_of("interface=eth0", "flows.idle_timeout=60s");
	scene->other = config_of("interface=eth0,eth1", "flows.idle_timeout=10s");
	scene->traffic.config = scene->config;
	*state = scene;
	return xa_books_open(&scene->books, scene->config) || xa_topk_new(&scene->top, 2, 0, false);
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	xa_topk_free(scene->top);
	xa_books_close(&scene->books);
	xa_config_free(scene->config);
	xa_config_free(scene->other);
	free(scene);
	return 0;
}

static void add(struct scene *scene, uint8_t slot, uint16_t host, uint64_t packets)
{
	struct xa_reading reading = {
		.key.tail = {.proto = 17, .slot = slot},
		.value = {.packets = packets, .bytes = packets * 60},
	};

	reading.key.saddr[2] = (uint8_t)(host >> 8);
	reading.key.saddr[3] = (uint8_t)host;
	xa_table_add(scene->books.table, &reading, reading.value.last_tick);
}

static void rank(struct scene *scene, uint64_t seconds)
{
	xa_books_rank(&scene->books, xa_tick(seconds * XA_NS_PER_S), NULL, scene->top,
		      &scene->traffic);
}

static void test_rank(void **state)
{
	struct scene *scene = *state;

	add(scene, 1, 1, 5);
	add(scene, 1, 2, 9);
	add(scene, 1, 3, 7);
	rank(scene, 1);
	assert_ptr_equal(scene->traffic.ledger, scene->books.ledger);
	assert_false(scene->traffic.interface_label);
	assert_int_equal(scene->traffic.totals.flows, 3);
	assert_int_equal(scene->traffic.totals.packets, 21);
	assert_int_equal(scene->traffic.totals.bytes, 1260);
	assert_int_equal(scene->traffic.top_count, 2);
	assert_int_equal(scene->traffic.top[0].packets, 9);
	assert_int_equal(scene->traffic.top[1].packets, 7);
}

/* Rows of two interfaces are apart as soon as there are flows of two. */
static void test_interface_label(void **state)
{
	struct scene *scene = *state;

	add(scene, 1, 1, 5);
	rank(scene, 1);
	assert_int_equal(scene->traffic.top[0].key.tail.slot, XA_SLOT_UNKNOWN);
	add(scene, 2, 1, 4);
	rank(scene, 1);
	assert_true(scene->traffic.interface_label);
	assert_int_equal(scene->traffic.top_count, 2);
	assert_int_equal(scene->traffic.top[0].key.tail.slot, 1);
	assert_int_equal(scene->traffic.top[1].key.tail.slot, 2);
}

/* Nothing of a key has a label but the port, and what is in no key's label comes to one. */
static void test_labels(void **state)
{
	static const struct {
		unsigned labels;
		size_t rows;
	} cases[] = {
		{1U << XA_LABEL_SRC, 2},
		{1U << XA_LABEL_DST, 2},
		{1U << XA_LABEL_PROTO, 1},
		{1U << XA_LABEL_SPORT, 1},
		{1U << XA_LABEL_DPORT, 1},
		{3U, 2},
		{~0U, 2},
	};
	struct scene *scene = *state;
	struct xa_reading six = {
		.key.tail = {.proto = 17, .slot = 1, .tag = XA_TAG_IPV6},
		.value = {.packets = 3, .bytes = 180},
	};

	add(scene, 1, 0, 5);
	xa_table_add(scene->books.table, &six, 0);
	for (size_t i = 0; i < array_size(cases); i++) {
		scene->config->metrics.labels = cases[i].labels;
		rank(scene, 1);
		assert_int_equal(scene->traffic.top_count, cases[i].rows);
		assert_int_equal(scene->traffic.top[0].packets, cases[i].rows == 1 ? 8 : 5);
	}
}

static void test_idle_timeout(void **state)
{
	struct scene *scene = *state;

	add(scene, 1, 1, 5);
	rank(scene, 59);
	assert_int_equal(scene->traffic.totals.flows, 1);
	rank(scene, 61);
	assert_int_equal(scene->traffic.totals.flows, 0);
	assert_int_equal(scene->traffic.top_count, 0);
}

static void test_configure(void **state)
{
	struct scene *scene = *state;

	add(scene, 1, 1, 5);
	xa_books_configure(&scene->books, scene->other);
	scene->traffic.config = scene->other;
	rank(scene, 9);
	assert_int_equal(scene->traffic.totals.flows, 1);
	assert_true(scene->traffic.interface_label);
	rank(scene, 11);
	assert_int_equal(scene->traffic.totals.flows, 0);
}

static void test_max(void **state)
{
	struct scene *scene = *state;

	for (uint16_t host = 0; host < MAX + 6; host++)
		add(scene, 1, host, 2);
	rank(scene, 1);
	assert_int_equal(scene->traffic.totals.flows, MAX);
	assert_int_equal(xa_ledger_account(scene->books.ledger, XA_SLOT_UNKNOWN)
				 ->reasons[XA_REASON_FLOW_LIMIT]
				 .packets,
			 12);
}

/* Marks are for those who have rules. */
static void test_memory(void **state)
{
	struct scene *scene = *state;
	uint64_t without = xa_books_memory_bytes(scene->config);

	assert_int_equal(without, xa_table_memory_bytes(MAX) + xa_rows_memory_bytes(MAX));
	scene->config->policy.stage_count = 1;
	assert_int_equal(xa_books_memory_bytes(scene->config), without + xa_table_marks_bytes(MAX));
}

/* What was never opened can be closed. */
static void test_close_nothing(void **state)
{
	struct xa_books books = {0};

	(void)state;
	xa_books_close(&books);
}

#define books_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		books_test(test_rank),	    books_test(test_interface_label),
		books_test(test_labels),    books_test(test_idle_timeout),
		books_test(test_configure), books_test(test_max),
		books_test(test_memory),    cmocka_unit_test(test_close_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
