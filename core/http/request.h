/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What is wrong with the head of a request, before any path is looked at. Any thread. */

#include <microhttpd.h>

#include "core/http/access.h"

struct xa_fault {
	unsigned status; /* 0: nothing is wrong */
	const char *text; /* a line, a literal */
};

/* NULL as the rules: no Host is looked at. A head that could be read in two ways (RFC 9112, 3.2 and
 * 6.3) is refused, and so is any body. */
struct xa_fault xa_request_fault(struct MHD_Connection *connection, const char *version,
				 const struct xa_access *access);
