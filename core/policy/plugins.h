/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Plugins by their names: compiled in, or NAME.so in the plugins' folder.
 */

#include <limits.h>

#include "core/policy/chain.h"

/* The one of that name that is compiled in; NULL if none is. */
const struct xa_plugin *xa_plugin_builtin(const struct xa_builtin_plugins *builtin,
					  const char *name);

struct xa_plugin_path {
	char text[PATH_MAX];
};

/* Where the shared object of a name stands, or would. */
struct xa_plugin_path xa_plugin_path(const char *dir, const char *name);

/* Finds a plugin and checks that it is one for this program. *ret_handle is to be closed by
 * dlclose(3) when the plugin is done with; NULL if it is compiled in. 0, or -EINVAL with a text. */
int xa_plugin_find(const struct xa_builtin_plugins *builtin, const char *dir, const char *name,
		   const struct xa_plugin **ret, void **ret_handle, struct xa_why *ret_why);
