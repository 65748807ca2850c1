/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A shared object is looked at before it is loaded, so that "there is none" is not one of the many
 * things that dlopen() says. Names are those of stages in the configuration: no path can be made of
 * one.
 */

#include "core/policy/plugins.h"

#include <dirent.h>
#include <dlfcn.h>
#include <string.h>

#include "config/options.h"

/* Of a folder that is listed for a person. */
#define NAMES_MAX 64
#define SUFFIX	  ".so"

struct names {
	char texts[NAMES_MAX][XA_STAGE_NAME_BYTES + 1];
	const char *list[NAMES_MAX];
	size_t count;
};

static void add_name(struct names *names, const char *name, size_t len)
{
	if (names->count == NAMES_MAX || !len || len > XA_STAGE_NAME_BYTES)
		return;
	memcpy(names->texts[names->count], name, len);
	names->texts[names->count][len] = '\0';
	names->list[names->count] = names->texts[names->count];
	names->count++;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_folder(struct names *names, const char *dir)
{
	DIR *folder = opendir(dir);
	const struct dirent *entry;

	if (!folder)
		return;
	while ((entry = readdir(folder))) {
		const size_t len = strlen(entry->d_name);

		if (len > strlen(SUFFIX) && !strcmp(entry->d_name + len - strlen(SUFFIX), SUFFIX))
			add_name(names, entry->d_name, len - strlen(SUFFIX));
	}
	(void)closedir(folder);
}

static void add_names(const struct names *names, struct xa_buf *buf)
{
	for (size_t i = 0; i < names->count; i++)
		if (!i || strcmp(names->list[i], names->list[i - 1]) != 0)
			xa_buf_addf(buf, "%s%s", i ? ", " : "", names->list[i]);
}

static int refuse_name(const struct xa_builtin_plugins *builtin, const char *dir, const char *name,
		       struct xa_why *why)
{
	_cleanup_xa_buf_ struct xa_buf known = {0};
	struct names names = {.count = 0};
	const char *near;

	for (size_t i = 0; i < builtin->count; i++)
		add_name(&names, builtin->plugins[i]->name, strlen(builtin->plugins[i]->name));
	add_folder(&names, dir);
	qsort(names.list, names.count, sizeof(*names.list), by_name);
	near = xa_suggest_name(name, names.list, names.count);
	add_names(&names, &known);
	return xa_why_set(why, -EINVAL,
			  "there is no such stage, built in or as %.160s/%s.so%s%s%s; there are: "
			  "%.160s",
			  dir, name, near ? " (did you mean '" : "", near ? near : "",
			  near ? "'?)" : "", xa_buf_failed(&known) ? "" : known.text);
}

static int check(const struct xa_plugin *plugin, const char *name, const char *path,
		 struct xa_why *why)
{
	if (plugin->abi != XA_PLUGIN_ABI)
		return xa_why_set(why, -EINVAL,
				  "%s was built for ABI %u and this program has %u: build it anew "
				  "with the xa_plugin.h of this version",
				  path, plugin->abi, XA_PLUGIN_ABI);
	if (plugin->size != sizeof(*plugin))
		return xa_why_set(why, -EINVAL,
				  "%s has a descriptor of %u bytes, not %zu: build it anew with "
				  "the xa_plugin.h of this version",
				  path, plugin->size, sizeof(*plugin));
	if (!plugin->name || strcmp(plugin->name, name) != 0)
		return xa_why_set(why, -EINVAL,
				  "%s is the plugin '%.64s': name the file after it, or give "
				  "XA_PLUGIN() the name '%s'",
				  path, plugin->name ? plugin->name : "", name);
	if (!plugin->open || !plugin->run || !plugin->close)
		return xa_why_set(why, -EINVAL,
				  "%s lacks one of open(), run() and close(): give XA_PLUGIN() all "
				  "three",
				  path);
	return 0;
}

/* What dlerror() says begins with the path. */
static int load(const char *name, const char *path, const struct xa_plugin **ret, void **ret_handle,
		struct xa_why *why)
{
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	const struct xa_plugin *plugin;
	int error;

	if (!handle)
		return xa_why_set(why, -EINVAL, "cannot load %s: mend or remove it", dlerror());
	plugin = dlsym(handle, "xa_plugin");
	error = plugin ? check(plugin, name, path, why)
		       : xa_why_set(why, -EINVAL,
				    "%s is no plugin, it has no symbol 'xa_plugin': define it by "
				    "XA_PLUGIN() and build with -DXA_PLUGIN_SHARED",
				    path);
	if (error) {
		(void)dlclose(handle);
		return error;
	}
	*ret = plugin;
	*ret_handle = handle;
	return 0;
}

const struct xa_plugin *xa_plugin_builtin(const struct xa_builtin_plugins *builtin,
					  const char *name)
{
	for (size_t i = 0; i < builtin->count; i++)
		if (!strcmp(builtin->plugins[i]->name, name))
			return builtin->plugins[i];
	return NULL;
}

struct xa_plugin_path xa_plugin_path(const char *dir, const char *name)
{
	struct xa_plugin_path path;

	(void)snprintf(path.text, sizeof(path.text), "%s/%s" SUFFIX, dir, name);
	return path;
}

int xa_plugin_find(const struct xa_builtin_plugins *builtin, const char *dir, const char *name,
		   const struct xa_plugin **ret, void **ret_handle, struct xa_why *ret_why)
{
	const struct xa_plugin *plugin = xa_plugin_builtin(builtin, name);
	const struct xa_plugin_path path = xa_plugin_path(dir, name);

	if (plugin) {
		*ret = plugin;
		*ret_handle = NULL;
		return 0;
	}
	if (access(path.text, F_OK))
		return refuse_name(builtin, dir, name, ret_why);
	return load(name, path.text, ret, ret_handle, ret_why);
}
