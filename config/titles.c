/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "config/titles.h"

#include <string.h>

#include "core/base/text.h"

/* A rule is its file. The file of the zones is no more than a long option; and there is one such
 * stage, for a label has one owner. */
static const char *file_in_title(const struct xa_stage *stage)
{
	return strcmp(stage->name, "zones") != 0 ? xa_stage_file(stage) : NULL;
}

static void name_stage(char *title, size_t size, const struct xa_stage *stage)
{
	const char *file = file_in_title(stage), *base;
	size_t len;

	(void)snprintf(title, size, "%s", stage->name);
	if (!file)
		return;
	base = strrchr(file, '/');
	base = base ? base + 1 : file;
	len = strlen(base);
	if (len > 4 && !strcmp(base + len - 4, ".lua"))
		len -= 4;
	(void)snprintf(title, size, "%s:%.*s", stage->name, (int)len, base);
}

static bool is_taken(const struct xa_stage_title *titles, size_t count, const char *title)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(titles[i].text, title))
			return true;
	return false;
}

/* With room for the longest "#NN". */
static void set_title(struct xa_stage_title *titles, size_t at, const struct xa_stage *stage)
{
	char *title = titles[at].text;
	char plain[sizeof(titles[at].text) - 4];

	name_stage(plain, sizeof(plain), stage);
	xa_text_clean(plain, sizeof(plain), false);
	(void)snprintf(title, sizeof(titles[at].text), "%s", plain);
	for (unsigned n = 2; is_taken(titles, at, title) && n < 100; n++)
		(void)snprintf(title, sizeof(titles[at].text), "%s#%u", plain, n);
}

void xa_stage_titles(struct xa_stage_title *ret, const struct xa_stage *stages, size_t count)
{
	for (size_t i = 0; i < count; i++)
		set_title(ret, i, &stages[i]);
}
