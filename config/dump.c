/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A config back to text, in the table's order. Two configs are equal where their texts are, so that
 * what a diff shows is never an empty change.
 */

#include "config/stages_diff.h"
#include "config/value.h"
#include "config/whys.h"

static void add_comments(const struct xa_option *option, const char *indent, struct xa_buf *buf)
{
	xa_buf_addf(buf, "%s# %s\n%s# ", indent, option->help, indent);
	xa_value_describe(option, buf);
	xa_buf_addf(buf, "; default %s; a change %s\n", xa_option_shown(option),
		    xa_reload_texts[option->reload]);
}

/* What stands in front of a value, up to the key. */
static void add_head(const struct xa_option *option, bool comments, struct xa_buf *buf)
{
	const size_t len = xa_option_section(option);
	const char *indent = len ? "  " : "";
	const bool begins = xa_option_begins_section(option);

	if (comments && option != xa_options && (!len || begins))
		xa_buf_adds(buf, "\n");
	if (begins)
		xa_buf_addf(buf, "%.*s:\n", (int)len, option->key);
	if (comments)
		add_comments(option, indent, buf);
	xa_buf_addf(buf, "%s%s:", indent, xa_option_name(option));
}

static bool has_lines(const struct xa_config *config, const struct xa_option *option)
{
	return option->type == XA_OPTION_STAGES && config->policy.stage_count;
}

static void add_value(const struct xa_config *config, const struct xa_option *option,
		      struct xa_buf *buf)
{
	xa_buf_adds(buf, has_lines(config, option) ? "" : " ");
	xa_value_format(config, option, buf);
}

static void add_origin(const struct xa_origin *origin, struct xa_buf *buf)
{
	xa_buf_adds(buf, "  # ");
	xa_shown_add(origin->file, buf);
	if (origin->line)
		xa_buf_addf(buf, ":%u", origin->line);
}

void xa_config_dump(const struct xa_config *config, bool comments, struct xa_buf *buf)
{
	for (size_t i = 0; i < xa_option_count; i++) {
		add_head(&xa_options[i], comments, buf);
		add_value(config, &xa_options[i], buf);
		xa_buf_adds(buf, "\n");
	}
}

void xa_config_dump_origins(const struct xa_config *config, struct xa_buf *buf)
{
	for (size_t i = 0; i < xa_option_count; i++) {
		const bool lines = has_lines(config, &xa_options[i]);

		/* Of a value of several lines the origin stands behind the key. */
		add_head(&xa_options[i], false, buf);
		if (lines)
			add_origin(&config->origins[i], buf);
		add_value(config, &xa_options[i], buf);
		if (!lines)
			add_origin(&config->origins[i], buf);
		xa_buf_adds(buf, "\n");
	}
}

struct pair {
	struct xa_buf from, to;
};

static void pair_done(struct pair *pair)
{
	xa_buf_done(&pair->from);
	xa_buf_done(&pair->to);
}

/* Puts both values into the pair; whether they differ. Without memory they do. */
static bool differs(const struct xa_config *old, const struct xa_config *new,
		    const struct xa_option *option, struct pair *pair)
{
	xa_buf_reset(&pair->from);
	xa_buf_reset(&pair->to);
	xa_value_format(old, option, &pair->from);
	xa_value_format(new, option, &pair->to);
	return xa_buf_failed(&pair->from) || xa_buf_failed(&pair->to) ||
	       strcmp(pair->from.text, pair->to.text) != 0;
}

/* One option, which differs. `ending` stands behind each of its lines. */
static void add_difference(const struct xa_config *old, const struct xa_config *new,
			   const struct xa_option *option, const struct pair *pair,
			   const char *ending, struct xa_buf *buf)
{
	if (xa_buf_failed(&pair->from) || xa_buf_failed(&pair->to))
		buf->failed = true;
	else if (option->type == XA_OPTION_STAGES)
		xa_stages_diff(old, new, option, ending, buf);
	else
		xa_buf_addf(buf, "%s: %s -> %s%s\n", option->key, pair->from.text, pair->to.text,
			    ending);
}

static void add_differences(const struct xa_config *old, const struct xa_config *new, bool effects,
			    struct xa_buf *buf)
{
	XA_CLEANUP(pair_done) struct pair pair = {0};

	for (size_t i = 0; i < xa_option_count; i++) {
		const struct xa_option *option = &xa_options[i];
		char ending[64] = "";

		if (!differs(old, new, option, &pair))
			continue;
		if (effects)
			(void)snprintf(ending, sizeof(ending), " (%s)",
				       xa_reload_texts[option->reload]);
		add_difference(old, new, option, &pair, ending, buf);
	}
}

void xa_config_diff(const struct xa_config *old, const struct xa_config *new, struct xa_buf *buf)
{
	add_differences(old, new, false, buf);
}

void xa_config_diff_effects(const struct xa_config *old, const struct xa_config *new,
			    struct xa_buf *buf)
{
	add_differences(old, new, true, buf);
}

unsigned xa_config_changes(const struct xa_config *old, const struct xa_config *new)
{
	XA_CLEANUP(pair_done) struct pair pair = {0};
	unsigned changes = 0;

	for (size_t i = 0; i < xa_option_count; i++)
		if (differs(old, new, &xa_options[i], &pair))
			changes |= 1U << xa_options[i].reload;
	return changes;
}
