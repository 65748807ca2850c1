/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>

/* Reads a file whole, a NUL behind it; the caller frees it. -EFBIG: larger than `max`; -EINVAL: not
 * a regular file; -EAGAIN: it grew meanwhile; or what opening and reading it gives. */
int xa_regular_file_read(const char *path, size_t max, char **ret_text, size_t *ret_len);
