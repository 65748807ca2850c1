/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A mutex held for two instructions; the page before is dropped outside it. */

#include "core/metrics/board.h"

#include <pthread.h>

struct xa_board {
	pthread_mutex_t lock;
	struct xa_page *page;
};

int xa_board_new(struct xa_board **ret)
{
	struct xa_board *board = calloc(1, sizeof(*board));

	if (!board)
		return -ENOMEM;
	if (pthread_mutex_init(&board->lock, NULL)) {
		free(board);
		return -ENOMEM;
	}
	*ret = board;
	return 0;
}

void xa_board_free(struct xa_board *board)
{
	if (!board)
		return;
	xa_page_unref(board->page);
	(void)pthread_mutex_destroy(&board->lock);
	free(board);
}

void xa_board_pin(struct xa_board *board, struct xa_page *page)
{
	struct xa_page *before;

	(void)pthread_mutex_lock(&board->lock);
	before = board->page;
	board->page = page;
	(void)pthread_mutex_unlock(&board->lock);
	xa_page_unref(before);
}

struct xa_page *xa_board_take(struct xa_board *board)
{
	struct xa_page *page;

	(void)pthread_mutex_lock(&board->lock);
	page = board->page ? xa_page_ref(board->page) : NULL;
	(void)pthread_mutex_unlock(&board->lock);
	return page;
}
