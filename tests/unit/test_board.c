/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Pages and the board that they are pinned on. The readers of the last test hold pages while the
 * loop pins others: a page that went too early has other bytes, and the sanitizers say more.
 */

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

#include "core/metrics/board.h"

#define READERS	 3
#define PAGES	 200000
#define PAGE_LEN 64

static struct xa_page *page_of(char fill)
{
	struct xa_page *page;

	assert_int_equal(xa_page_new(&page), 0);
	page->metrics[XA_FORMAT_TEXT].text = malloc(PAGE_LEN + 1);
	assert_non_null(page->metrics[XA_FORMAT_TEXT].text);
	memset(page->metrics[XA_FORMAT_TEXT].text, fill, PAGE_LEN);
	page->metrics[XA_FORMAT_TEXT].text[PAGE_LEN] = '\0';
	page->metrics[XA_FORMAT_TEXT].len = PAGE_LEN;
	return page;
}

static void test_new_page_is_empty(void **state)
{
	_cleanup_xa_page_ struct xa_page *page = NULL;

	(void)state;
	assert_int_equal(xa_page_new(&page), 0);
	assert_null(page->metrics[XA_FORMAT_TEXT].text);
	assert_null(page->landing);
	assert_null(page->state);
	assert_null(page->status);
	assert_null(page->listing);
	assert_int_equal(page->metrics[XA_FORMAT_TEXT].len + page->landing_len + page->state_len,
			 0);
	assert_false(page->attached);
	assert_ptr_equal(xa_page_ref(page), page);
	xa_page_unref(page);
	assert_null(page->metrics[XA_FORMAT_TEXT].text);
	xa_page_unref(NULL);
}

static void test_board_before_the_first(void **state)
{
	_cleanup_xa_board_ struct xa_board *board = NULL;

	(void)state;
	assert_int_equal(xa_board_new(&board), 0);
	assert_null(xa_board_take(board));
	xa_board_free(NULL);
}

/* Whoever took a page keeps it: over the next pin, and over the board's own end. */
static void test_reference_outlives(void **state)
{
	_cleanup_xa_page_ struct xa_page *first = NULL, *second = NULL;
	struct xa_board *board;

	(void)state;
	assert_int_equal(xa_board_new(&board), 0);
	xa_board_pin(board, page_of('a'));
	first = xa_board_take(board);
	assert_int_equal(first->metrics[XA_FORMAT_TEXT].text[0], 'a');
	xa_board_pin(board, page_of('b'));
	second = xa_board_take(board);
	assert_int_equal(first->metrics[XA_FORMAT_TEXT].text[PAGE_LEN - 1], 'a');
	assert_int_equal(second->metrics[XA_FORMAT_TEXT].text[0], 'b');
	xa_board_free(board);
	assert_int_equal(second->metrics[XA_FORMAT_TEXT].text[PAGE_LEN - 1], 'b');
}

struct readers {
	struct xa_board *board;
	bool stop;
	unsigned long taken, bad;
};

static bool is_whole(const struct xa_page *page)
{
	return page->metrics[XA_FORMAT_TEXT].len == PAGE_LEN &&
	       strspn(page->metrics[XA_FORMAT_TEXT].text,
		      (char[]){page->metrics[XA_FORMAT_TEXT].text[0], '\0'}) == PAGE_LEN;
}

static void *read_pages(void *ctx)
{
	struct readers *readers = ctx;
	unsigned long bad = 0;

	while (!__atomic_load_n(&readers->stop, __ATOMIC_ACQUIRE)) {
		_cleanup_xa_page_ struct xa_page *page = xa_board_take(readers->board);
		struct xa_page *again;

		if (!page)
			continue;
		again = xa_page_ref(page);
		bad += !is_whole(page);
		xa_page_unref(again);
		bad += !is_whole(page);
		__atomic_add_fetch(&readers->taken, 1, __ATOMIC_RELAXED);
	}
	__atomic_add_fetch(&readers->bad, bad, __ATOMIC_RELAXED);
	return NULL;
}

static unsigned long taken_of(const struct readers *readers)
{
	return __atomic_load_n(&readers->taken, __ATOMIC_RELAXED);
}

static void test_take_while_pinning(void **state)
{
	_cleanup_xa_board_ struct xa_board *board = NULL;
	struct readers readers = {0};
	pthread_t threads[READERS];
	int started = 0;

	(void)state;
	assert_int_equal(xa_board_new(&board), 0);
	readers.board = board;
	while (started < READERS && !pthread_create(&threads[started], NULL, read_pages, &readers))
		started++;
	for (int i = 0; started && (i < PAGES || taken_of(&readers) < PAGES); i++)
		xa_board_pin(board, page_of((char)('a' + i % 26)));
	__atomic_store_n(&readers.stop, true, __ATOMIC_RELEASE);
	for (int i = 0; i < started; i++)
		(void)pthread_join(threads[i], NULL);
	assert_int_equal(started, READERS);
	assert_int_equal(readers.bad, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_page_is_empty),
		cmocka_unit_test(test_board_before_the_first),
		cmocka_unit_test(test_reference_outlives),
		cmocka_unit_test(test_take_while_pinning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
