/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/base/arena.h"

/* The path to use for the path `text` that stands in `file`: a relative one is taken from the
 * folder of that file, or from the working directory if `file` names none, as "--set" does not.
 * Lives as long as the arena; NULL without memory. */
const char *xa_path_resolve(struct xa_arena *arena, const char *file, const char *text);
