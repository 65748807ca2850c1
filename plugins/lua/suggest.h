/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* "Did you mean": the nearest of some right names to a wrong one. */

#include <stddef.h>

/* One of `names`, which may have NULLs; NULL if none is near. */
const char *xa_lua_suggest(const char *wrong, const char *const *names, size_t count);
