/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "config/config.h"

/* xa_config_load() with the file's bytes at hand; `file` is only its name. NULL text: no file. */
int xa_config_load_buffer(struct xa_config **ret, const char *file, const char *text, size_t len,
			  const char *const *settings, size_t count, struct xa_whys *ret_whys);
