/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/base/base.h"
#include "core/base/buf.h"

/* A value is at most this long after expansion, or a small file could ask for gigabytes. */
#define XA_VALUE_BYTES_MAX 4096

/*
 * Puts `text` into the emptied `buf` with ${NAME}, ${NAME:-default}, ${NAME:?message} and $$
 * replaced, once: what comes in is not looked at again. 0, -EINVAL with the text of `why` set, or
 * -ENOMEM.
 */
int xa_expand(const char *text, struct xa_buf *buf, struct xa_why *why);
