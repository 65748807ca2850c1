/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What a client would rather have, by its Accept and Accept-Encoding (RFC 9110, 12.4 and 12.5).
 * Headers that are not well-formed are read as far as they are; nobody is refused for them.
 */

#include <stdbool.h>

#include "core/metrics/board.h"

/* The header's value, or NULL where it is not sent. OpenMetrics is only for who names it, at least
 * as gladly as the text format. */
enum xa_format xa_negotiate_format(const char *accept);

/* Whether gzip is welcome: named with a weight, or meant by "*". */
bool xa_negotiate_gzip(const char *accept_encoding);
