/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>

#include "core/base/base.h"

/* A config file is at most this large: a person writes it, and every pass over it is cheap. */
#define XA_FILE_BYTES_MAX 65536

/* The bytes of an open file, for the caller to free; a UTF-8 byte order mark is left out. -EINVAL
 * if it is too large, -ENOMEM, or the errno of reading; `why` gets the text. */
int xa_file_read_fd(int fd, char **ret_text, size_t *ret_len, struct xa_why *why);

/* A second look at a file by its name: only a regular one, for reading a pipe again would block. */
int xa_file_reread(const char *path, char **ret_text, size_t *ret_len);
