/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* How reasons are collected. */

#include <stdarg.h>

#include "config/config.h"

/* Adds a reason, or only counts it if too many are there; returns -EINVAL. */
XA_PRINTF(5, 6)
int xa_whys_add(struct xa_whys *whys, const char *file, unsigned line, unsigned column,
		const char *format, ...);
XA_PRINTF(5, 0)
int xa_whys_addv(struct xa_whys *whys, const char *file, unsigned line, unsigned column,
		 const char *format, va_list args);

/* Appends text as it is safe in one line on a terminal: '?' for what is not. */
void xa_shown_add(const char *text, struct xa_buf *buf);

/* Whether a further reason would still be kept: if not, spare the work on its text. */
static inline bool xa_whys_room(const struct xa_whys *whys)
{
	return whys->count < XA_WHYS_MAX;
}
