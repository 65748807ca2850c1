/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What `diag` found, one check a line, for people as a table and for programs as JSON.
 */

#include <stdbool.h>

#include "core/base/buf.h"

enum xa_verdict {
	XA_VERDICT_OK,
	XA_VERDICT_INFO, /* to know, not to mend */
	XA_VERDICT_WARN, /* it works, but not as well as it could */
	XA_VERDICT_FAIL, /* `run` cannot work */
	XA_VERDICT_COUNT_
};

struct xa_finding {
	const char *name; /* of the check: constant, for programs to go by */
	const char *interface; /* NULL: the host; borrowed, any bytes */
	enum xa_verdict verdict;
	char found[768];
	char remedy[256];
};

struct xa_findings {
	struct xa_finding *list;
	size_t count;
	size_t size;
};

void xa_findings_done(struct xa_findings *findings);
#define _cleanup_xa_findings_ XA_CLEANUP(xa_findings_done)

/* A new one, ok and empty, which is borrowed until the next is added; NULL without memory. */
struct xa_finding *xa_findings_add(struct xa_findings *findings, const char *name,
				   const char *interface);

/* Set verdict and text, or the remedy, of one; cut if too long. */
XA_PRINTF(3, 4)
void xa_found(struct xa_finding *finding, enum xa_verdict verdict, const char *format, ...);
XA_PRINTF(2, 3) void xa_remedy(struct xa_finding *finding, const char *format, ...);

/* Whether none is fatal. */
bool xa_findings_passed(const struct xa_findings *findings);

/* Appends an aligned table, printable ASCII whatever the findings hold. */
void xa_findings_table(const struct xa_findings *findings, struct xa_buf *buf);

/* Appends one JSON object and a newline. */
void xa_findings_json(const struct xa_findings *findings, struct xa_buf *buf);
