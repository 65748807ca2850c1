/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The arguments of a request for flows, strictly: none unknown, none twice, none that is nearly
 * right. Any thread.
 */

#include <stdbool.h>

#include "core/base/base.h"

#define XA_QUERY_TOP_MAX 1000

enum xa_query_by {
	XA_BY_PACKETS,
	XA_BY_BYTES,
	XA_BY_PACKETS_RATE,
	XA_BY_BYTES_RATE,
	XA_BY_COUNT_
};

struct xa_query {
	unsigned top;
	enum xa_query_by by;
	char *match; /* "a=b,c=d"; NULL: all */
	unsigned given; /* query.c's */
};

/* With the defaults. */
#define XA_QUERY_DEFAULT ((struct xa_query){.top = 50, .by = XA_BY_PACKETS})

void xa_query_done(struct xa_query *query);
#define _cleanup_xa_query_ XA_CLEANUP(xa_query_done)

/* Takes one argument as it was sent; `value` is NULL where there was no '='. 0, -EINVAL with a text
 * that names the argument, or -ENOMEM. */
int xa_query_take(struct xa_query *query, const char *name, const char *value,
		  struct xa_why *ret_why);

/* Undoes %XX in place. False: a '%' without two hex digits, or what comes out is not UTF-8 without
 * control characters. */
bool xa_query_unescape(char *text);

/* Whether it is a decimal number from min to max, digits alone, and no zero before others. */
bool xa_query_number(const char *text, unsigned min, unsigned max, unsigned *ret);
