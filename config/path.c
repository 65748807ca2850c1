/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Paths are joined as text: nothing is looked up, so that a link that is swapped later is followed
 * then. */

#include "config/path.h"

#include <string.h>

const char *xa_path_resolve(struct xa_arena *arena, const char *file, const char *text)
{
	const char *slash = strrchr(file, '/');
	const size_t folder = slash && text[0] != '/' ? (size_t)(slash + 1 - file) : 0;
	char *path = xa_arena_alloc(arena, folder + strlen(text) + 1);

	if (!path)
		return NULL;
	memcpy(path, file, folder);
	memcpy(path + folder, text, strlen(text));
	return path;
}
