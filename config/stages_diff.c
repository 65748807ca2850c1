/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Stages are paired by their titles, as the running policy pairs them, and the options of a pair by
 * their keys. Whatever differs in the text makes at least one line.
 */

#include "config/stages_diff.h"

#include <string.h>

#include "config/titles.h"
#include "config/whys.h"

/* Of a value or a path: the bytes that are shown, and those of them before what differs. */
#define SHOWN_BYTES  80
#define SHOWN_BEFORE 24

/* Changes that are shown of one stage. */
#define LINES_MAX 16

struct diff {
	struct xa_buf *buf;
	const char *key;
	const char *title;
	const char *ending;
	struct xa_buf path; /* of the option, inside its stage */
	size_t lines; /* of the stage, shown or not */
};

/* Titles */

static struct xa_stage_title *titles_of(const struct xa_config *config)
{
	const size_t count = config->policy.stage_count;
	struct xa_stage_title *titles = calloc(count + 1, sizeof(*titles));

	if (titles)
		xa_stage_titles(titles, config->policy.stages, count);
	return titles;
}

/* The stage of that title, or `count`. */
static size_t find_title(const struct xa_stage_title *titles, size_t count, const char *text)
{
	size_t i = 0;

	while (i < count && strcmp(titles[i].text, text) != 0)
		i++;
	return i;
}

/* Lines */

/* The piece of a text around the byte `at`. */
static void add_piece(const char *text, size_t at, struct xa_buf *buf)
{
	const size_t len = strlen(text);
	const size_t first = len > SHOWN_BYTES && at > SHOWN_BEFORE ? at - SHOWN_BEFORE : 0;
	const size_t shown = len - first < SHOWN_BYTES ? len - first : SHOWN_BYTES;

	xa_buf_adds(buf, first ? "..." : "");
	xa_buf_add(buf, text + first, shown);
	xa_buf_adds(buf, first + shown < len ? "..." : "");
}

static void add_head(const struct diff *diff)
{
	const size_t len = diff->path.len;

	xa_buf_addf(diff->buf, "%s: ", diff->key);
	xa_shown_add(diff->title, diff->buf);
	xa_buf_adds(diff->buf, ": ");
	if (len > SHOWN_BYTES)
		xa_buf_addf(diff->buf, "...%s: ", diff->path.text + len - SHOWN_BYTES);
	else if (len)
		xa_buf_addf(diff->buf, "%s: ", diff->path.text);
}

static void add_change(struct diff *diff, const struct xa_buf *from, const struct xa_buf *to)
{
	size_t at = 0;

	if (xa_buf_failed(from) || xa_buf_failed(to) || xa_buf_failed(&diff->path)) {
		diff->buf->failed = true;
		return;
	}
	while (from->text[at] && from->text[at] == to->text[at])
		at++;
	add_head(diff);
	add_piece(from->text, at, diff->buf);
	xa_buf_adds(diff->buf, " -> ");
	add_piece(to->text, at, diff->buf);
	xa_buf_addf(diff->buf, "%s\n", diff->ending);
}

static void format(const struct xa_tree *tree, struct xa_buf *buf)
{
	if (tree)
		xa_tree_format(tree, buf);
	else
		xa_buf_adds(buf, "none");
}

/* NULL: there is none. */
static void report(struct diff *diff, const struct xa_tree *from, const struct xa_tree *to)
{
	_cleanup_xa_buf_ struct xa_buf old = {0}, new = {0};

	if (++diff->lines > LINES_MAX)
		return;
	format(from, &old);
	format(to, &new);
	add_change(diff, &old, &new);
}

/* Options */

static bool is_equal(const struct xa_tree *a, const struct xa_tree *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == XA_TREE_SCALAR)
		return a->quoted == b->quoted && !strcmp(a->text, b->text);
	for (a = a->children, b = b->children; a && b; a = a->next, b = b->next)
		if ((a->key && strcmp(a->key, b->key) != 0) || !is_equal(a, b))
			return false;
	return a == b; /* both at their ends */
}

/* Keys mostly stand in the same order, so the search begins at `next`. */
static const struct xa_tree *find_key(const struct xa_tree *map, const struct xa_tree *next,
				      const char *key)
{
	const struct xa_tree *child;

	for (child = next; child; child = child->next)
		if (!strcmp(child->key, key))
			return child;
	for (child = map->children; child != next; child = child->next)
		if (!strcmp(child->key, key))
			return child;
	return NULL;
}

static void diff_values(struct diff *diff, const struct xa_tree *from, const struct xa_tree *to);

static void diff_option(struct diff *diff, const char *key, const struct xa_tree *from,
			const struct xa_tree *to)
{
	const size_t len = diff->path.len;

	xa_buf_adds(&diff->path, len ? "." : "");
	xa_tree_add_key(key, &diff->path);
	diff_values(diff, from, to);
	if (diff->path.text) {
		diff->path.len = len;
		diff->path.text[len] = '\0';
	}
}

static void diff_maps(struct diff *diff, const struct xa_tree *from, const struct xa_tree *to)
{
	const struct xa_tree *next = to->children;
	const size_t before = diff->lines;

	for (const struct xa_tree *a = from->children; a; a = a->next) {
		const struct xa_tree *b = find_key(to, next, a->key);

		diff_option(diff, a->key, a, b);
		next = b ? b->next : next;
	}
	next = from->children;
	for (const struct xa_tree *b = to->children; b; b = b->next) {
		const struct xa_tree *a = find_key(from, next, b->key);

		if (!a)
			diff_option(diff, b->key, NULL, b);
		next = a ? a->next : next;
	}
	if (diff->lines == before) /* the order of their keys alone */
		report(diff, from, to);
}

static void diff_values(struct diff *diff, const struct xa_tree *from, const struct xa_tree *to)
{
	if (!from || !to)
		report(diff, from, to);
	else if (is_equal(from, to))
		return;
	else if (from->kind == XA_TREE_MAP && to->kind == XA_TREE_MAP)
		diff_maps(diff, from, to);
	else
		report(diff, from, to);
}

/* Stages */

static void diff_stage(struct diff *diff, const char *title, const struct xa_stage *from,
		       const struct xa_stage *to)
{
	diff->title = title;
	diff->lines = 0;
	diff_values(diff, from ? from->options : NULL, to ? to->options : NULL);
	if (diff->lines <= LINES_MAX)
		return;
	add_head(diff);
	xa_buf_addf(diff->buf, "%zu more changes%s\n", diff->lines - LINES_MAX, diff->ending);
}

static void add_titles(const struct xa_stage_title *titles, size_t count, struct xa_buf *buf)
{
	for (size_t i = 0; i < count; i++) {
		xa_buf_adds(buf, i ? ", " : "");
		xa_shown_add(titles[i].text, buf);
	}
}

struct lists {
	const struct xa_stage_title *from, *to;
	size_t from_count, to_count;
};

static bool is_reordered(const struct lists *lists)
{
	size_t last = 0;

	for (size_t i = 0; i < lists->from_count; i++) {
		const size_t at = find_title(lists->to, lists->to_count, lists->from[i].text);

		if (at < last)
			return true;
		last = at < lists->to_count ? at : last;
	}
	return false;
}

static void diff_order(struct diff *diff, const struct lists *lists)
{
	_cleanup_xa_buf_ struct xa_buf old = {0}, new = {0};

	if (!is_reordered(lists))
		return;
	add_titles(lists->from, lists->from_count, &old);
	add_titles(lists->to, lists->to_count, &new);
	diff->title = "order";
	add_change(diff, &old, &new);
}

static void diff_lists(struct diff *diff, const struct xa_stage *from, const struct xa_stage *to,
		       const struct lists *lists)
{
	for (size_t i = 0; i < lists->from_count; i++) {
		const char *title = lists->from[i].text;
		const size_t at = find_title(lists->to, lists->to_count, title);

		diff_stage(diff, title, &from[i], at < lists->to_count ? &to[at] : NULL);
	}
	for (size_t i = 0; i < lists->to_count; i++) {
		const char *title = lists->to[i].text;

		if (find_title(lists->from, lists->from_count, title) == lists->from_count)
			diff_stage(diff, title, NULL, &to[i]);
	}
	diff_order(diff, lists);
}

void xa_stages_diff(const struct xa_config *old, const struct xa_config *new,
		    const struct xa_option *option, const char *ending, struct xa_buf *buf)
{
	_cleanup_free_ struct xa_stage_title *from = titles_of(old);
	_cleanup_free_ struct xa_stage_title *to = titles_of(new);
	const struct lists lists = {from, to, old->policy.stage_count, new->policy.stage_count};
	struct diff diff = {.buf = buf, .key = option->key, .ending = ending};

	if (from && to)
		diff_lists(&diff, old->policy.stages, new->policy.stages, &lists);
	else
		buf->failed = true;
	xa_buf_done(&diff.path);
}
