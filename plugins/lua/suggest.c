/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Levenshtein's distance, over one row; a third of the letters may be wrong, or two. */

#include "plugins/lua/suggest.h"

#include <stdbool.h>
#include <string.h>

#define NAME_BYTES 64

static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t row[NAME_BYTES + 1];

	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			const size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
			const size_t other = row[j] < row[j - 1] ? row[j] : row[j - 1];

			diagonal = row[j];
			row[j] = replaced <= other ? replaced : other + 1;
		}
	}
	return row[b_len];
}

static bool is_near(size_t edits, size_t wrong_len, size_t right_len)
{
	const size_t most = wrong_len / 3 > 2 ? wrong_len / 3 : 2;

	return edits <= most && edits < wrong_len && edits < right_len;
}

const char *xa_lua_suggest(const char *wrong, const char *const *names, size_t count)
{
	const size_t len = strlen(wrong);
	const char *nearest = NULL;
	size_t best = NAME_BYTES;

	for (size_t i = 0; len <= NAME_BYTES && i < count; i++) {
		const size_t right_len = names[i] ? strlen(names[i]) : 0;
		size_t edits;

		if (!right_len || right_len > NAME_BYTES)
			continue;
		edits = distance(wrong, len, names[i], right_len);
		if (edits < best && is_near(edits, len, right_len)) {
			best = edits;
			nearest = names[i];
		}
	}
	return nearest;
}
