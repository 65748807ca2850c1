/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A growing text buffer. An append that cannot get memory leaves the text as it was and marks the
 * buffer failed; check xa_buf_failed() once, at the end. `text` is NUL-terminated whenever it is
 * not NULL.
 */

#include <stdbool.h>
#include <string.h>

#include "core/base/base.h"

struct xa_buf {
	char *text;
	size_t len;
	size_t size;
	bool failed;
	bool fixed; /* `text` is memory of `size` bytes that stays its owner's: it does not grow,
		     * and is neither taken nor freed */
};

#define _cleanup_xa_buf_ XA_CLEANUP(xa_buf_done)

/* Frees what the buffer holds and makes it empty and usable again. */
void xa_buf_done(struct xa_buf *buf);

/* Makes room for `more` bytes and the NUL: 0 or -ENOMEM. */
int xa_buf_reserve(struct xa_buf *buf, size_t more);

void xa_buf_add(struct xa_buf *buf, const char *text, size_t len);
void xa_buf_add_u64(struct xa_buf *buf, uint64_t value);
XA_PRINTF(2, 3) void xa_buf_addf(struct xa_buf *buf, const char *format, ...);

static inline void xa_buf_adds(struct xa_buf *buf, const char *text)
{
	xa_buf_add(buf, text, strlen(text));
}

static inline bool xa_buf_failed(const struct xa_buf *buf)
{
	return buf->failed;
}

/* Empties the text, keeps the memory, forgets a failure. */
static inline void xa_buf_reset(struct xa_buf *buf)
{
	buf->len = 0;
	buf->failed = false;
	if (buf->text)
		buf->text[0] = '\0';
}

/* Hands the text to the caller, who frees it; the buffer is empty afterwards. NULL if it failed or
 * nothing was ever added. */
char *xa_buf_take(struct xa_buf *buf);
