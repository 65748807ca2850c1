/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Options of what is compiled in have types. Those of a shared object are known only when its code
 * has run, which is too late: there each text that names a file counts. Folders are allowed and not
 * the files alone, because a rule reads what it requires; where a file really is counts as well,
 * because a folder of symbolic links may be all that is named.
 */

#include "core/policy/reach.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "config/path.h"
#include "core/policy/plugins.h"

/* Where ld.so looks for what a shared object needs; a machine has not all of them. */
static const char *const of_system[] = {
	"/etc/ld.so.cache", "/lib",	      "/lib64",		  "/usr/lib",
	"/usr/lib64",	    "/usr/local/lib", "/usr/local/lib64",
};

struct reach {
	struct xa_arena *arena;
	const char **paths; /* has room for all */
	size_t count;
};

/* The first `len` bytes of a path. */
static int add(struct reach *reach, const char *path, size_t len)
{
	const char *copy = xa_arena_strndup(reach->arena, path, len);

	if (!copy)
		return -ENOMEM;
	reach->paths[reach->count++] = copy;
	return 0;
}

static int add_folder_of(struct reach *reach, const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? add(reach, path, (size_t)(slash + 1 - path)) : add(reach, ".", 1);
}

static bool is_regular(const char *path)
{
	struct stat status;

	return !stat(path, &status) && S_ISREG(status.st_mode);
}

/* What is no regular file is allowed by itself, so that its reader can say that it is none. */
static int add_file(struct reach *reach, const char *path)
{
	_cleanup_free_ char *real = realpath(path, NULL);
	const int error = add_folder_of(reach, path);

	if (error || !real)
		return error;
	return is_regular(real) ? add_folder_of(reach, real) : add(reach, real, strlen(real));
}

static bool is_file_option(const struct xa_plugin *plugin, const char *name)
{
	for (size_t i = 0; i < plugin->option_count; i++)
		if (!strcmp(plugin->options[i].name, name))
			return plugin->options[i].type == XA_PLUGIN_FILE;
	return false;
}

/* `plugin` is NULL for a shared object. */
static int add_option(struct reach *reach, const struct xa_plugin *plugin,
		      const struct xa_plugin_node *node)
{
	const char *path;

	if (node->kind != XA_PLUGIN_SCALAR || !*node->text)
		return 0;
	path = xa_path_resolve(reach->arena, node->file, node->text);
	if (!path)
		return -ENOMEM;
	return (plugin ? is_file_option(plugin, node->key) : is_regular(path))
		       ? add_file(reach, path)
		       : 0;
}

static int add_stage(struct reach *reach, const struct xa_setup *setup,
		     const struct xa_setup_stage *stage, const struct xa_builtin_plugins *builtin)
{
	const struct xa_plugin *plugin = xa_plugin_builtin(builtin, stage->name);
	int error = 0;

	if (!plugin)
		error = add_file(reach, xa_plugin_path(setup->head.plugin_dir, stage->name).text);
	for (const struct xa_plugin_node *node = stage->options->children; node && !error;
	     node = node->next)
		error = add_option(reach, plugin, node);
	return error;
}

static int add_system(struct reach *reach)
{
	int error = 0;

	for (size_t i = 0; i < array_size(of_system) && !error; i++)
		error = add(reach, of_system[i], strlen(of_system[i]));
	return error;
}

/* Two for each file, and the NULL. */
static size_t count_most(const struct xa_setup *setup)
{
	size_t count = array_size(of_system) + 1;

	for (uint32_t i = 0; i < setup->head.stage_count; i++) {
		count += 2;
		for (const struct xa_plugin_node *node = setup->stages[i].options->children; node;
		     node = node->next)
			count += 2;
	}
	return count;
}

int xa_reach_find(const char *const **ret, const struct xa_setup *setup,
		  const struct xa_builtin_plugins *builtin)
{
	struct reach reach = {.arena = setup->arena};
	int error;

	reach.paths = xa_arena_alloc(reach.arena, count_most(setup) * sizeof(*reach.paths));
	if (!reach.paths)
		return -ENOMEM;
	error = add_system(&reach);
	for (uint32_t i = 0; i < setup->head.stage_count && !error; i++)
		if (!setup->stages[i].disabled)
			error = add_stage(&reach, setup, &setup->stages[i], builtin);
	if (error)
		return error;
	reach.paths[reach.count] = NULL;
	*ret = reach.paths;
	return 0;
}
