/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * "Did you mean": the optimal string alignment distance (Damerau-Levenshtein in which no piece is
 * edited twice), letter case ignored. Names over NAME_BYTES are never near to anything, which
 * bounds the work for any input.
 */

#include "config/options.h"

#include <ctype.h>
#include <string.h>

#define NAME_BYTES 64

static unsigned min2(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static unsigned distance(const char *a, const char *b, size_t b_len)
{
	const size_t a_len = strlen(a);
	unsigned row[3][NAME_BYTES + 1];
	unsigned *last2 = row[0], *last = row[1], *now = row[2];

	for (unsigned j = 0; j <= b_len; j++)
		last[j] = j;
	for (unsigned i = 1; i <= a_len; i++) {
		unsigned *spare = last2;

		now[0] = i;
		for (unsigned j = 1; j <= b_len; j++) {
			now[j] = min2(last[j - 1] + !same(a[i - 1], b[j - 1]),
				      min2(last[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				now[j] = min2(now[j], last2[j - 2] + 1);
		}
		last2 = last;
		last = now;
		now = spare;
	}
	return last[b_len];
}

/* Edits between a misspelt and a right name; a huge number when they are too many for a guess. */
static unsigned edits(const char *wrong, const char *right, size_t right_len)
{
	const unsigned far = ~0U / 4;
	const size_t len = strlen(wrong);
	const size_t shorter = len < right_len ? len : right_len;
	unsigned n;

	if (len > NAME_BYTES || right_len > NAME_BYTES)
		return far;
	n = distance(wrong, right, right_len);
	return n <= (len / 3 > 2 ? len / 3 : 2) && n < shorter ? n : far;
}

const char *xa_suggest_name(const char *name, const char *const *names, size_t count)
{
	const char *nearest = NULL;
	unsigned best = ~0U / 4;

	for (size_t i = 0; i < count; i++) {
		const unsigned n = edits(name, names[i], strlen(names[i]));

		if (n < best) {
			best = n;
			nearest = names[i];
		}
	}
	return nearest;
}

struct guess {
	unsigned cost;
	const char *text;
	size_t len;
	bool top; /* stands at the top level, while the wrong key is in a section */
};

static void consider(struct guess *guess, unsigned cost, const char *text, size_t len, bool top)
{
	if (cost < guess->cost)
		*guess = (struct guess){cost, text, len, top};
}

/* A key of the same section is the better guess at the same distance, but the very name in another
 * section beats any misspelling. From other sections only a slip of one letter counts, or the whole
 * key where a whole key was written. */
static void consider_option(struct guess *guess, const struct xa_option *option,
			    const char *section, const char *name)
{
	const char *key = option->key;
	const char *dot = strrchr(key, '.');
	const char *last = dot ? dot + 1 : key;
	const size_t len = strlen(section);
	const unsigned slips = edits(name, last, strlen(last));

	if (!len || (!strncmp(key, section, len) && key[len] == '.')) {
		const char *here = len ? key + len + 1 : key;
		const size_t here_len = strcspn(here, ".");

		consider(guess, 2 * edits(name, here, here_len), here, here_len, false);
	}
	if (slips <= 1)
		consider(guess, 2 * slips + 1, key, strlen(key), len && !dot);
	if (dot && strchr(name, '.'))
		consider(guess, 2 * edits(name, key, strlen(key)) + 1, key, strlen(key), false);
}

void xa_option_suggest(const char *section, const char *name, struct xa_buf *buf)
{
	struct guess guess = {.cost = ~0U / 4};

	for (size_t i = 0; i < xa_option_count; i++)
		consider_option(&guess, &xa_options[i], section, name);
	if (guess.text)
		xa_buf_addf(buf, " (did you mean '%.*s'%s?)", (int)guess.len, guess.text,
			    guess.top ? " at the top level" : "");
}
