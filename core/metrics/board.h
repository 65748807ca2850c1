/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The one pointer that the loop and the HTTP threads share: the latest page. Reading the pointer
 * and taking the reference happen under one lock; apart they would be a use after free.
 */

#include "core/metrics/page.h"

struct xa_board;

int xa_board_new(struct xa_board **ret);
void xa_board_free(struct xa_board *board);
XA_DEFINE_CLEANUP(xa_board)
#define _cleanup_xa_board_ XA_CLEANUP(xa_board_cleanup)

/* Pins the page in place of the one before. Takes over the caller's reference. Loop thread. */
void xa_board_pin(struct xa_board *board, struct xa_page *page);

/* A reference to the page of now, to be given back by xa_page_unref(); NULL before the first. Any
 * thread. */
struct xa_page *xa_board_take(struct xa_board *board);
