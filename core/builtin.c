/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A plugin that is to be compiled in has its line here and its library in meson.build. */

#include "core/builtin.h"

#include "core/base/base.h"

extern const struct xa_plugin xa_plugin_lua, xa_plugin_zones;

const struct xa_plugin *const xa_builtin[] = {&xa_plugin_lua, &xa_plugin_zones};
const size_t xa_builtin_count = array_size(xa_builtin);
