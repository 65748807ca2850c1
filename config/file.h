/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>

#include "core/base/base.h"

/* A config file is at most this large: a person writes it, and every pass over it is cheap. */
#define XA_FILE_BYTES_MAX 65536

/* The file's bytes, for the caller to free; a UTF-8 byte order mark is left out. -EINVAL if it
 * is too large, -ENOMEM, or the errno of opening or reading; `why` gets the text. */
int xa_file_read(const char *path, char **ret_text, size_t *ret_len, struct xa_why *why);

/* The same for a second look: only a regular file, for reading a pipe again would block. */
int xa_file_reread(const char *path, char **ret_text, size_t *ret_len);
