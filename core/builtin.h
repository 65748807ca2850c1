/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The plugins that are compiled in, by name alone: nothing here knows what they do.
 */

#include <stddef.h>

#include "plugins/xa_plugin.h"

extern const struct xa_plugin *const xa_builtin[];
extern const size_t xa_builtin_count;
