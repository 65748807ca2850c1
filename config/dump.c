/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A config back to text, in the table's order. Two configs are equal where their texts are, so that
 * what a diff shows is never an empty change.
 */

#include <string.h>

#include "config/config.h"
#include "config/value.h"

static const char *const reload_texts[XA_RELOAD_COUNT_] = {
	[XA_RELOAD_LIVE] = "takes effect at once",
	[XA_RELOAD_ATTACH] = "attaches anew",
	[XA_RELOAD_LISTEN] = "listens anew",
	[XA_RELOAD_RESTART] = "needs a restart",
};

static size_t section_length(const char *key)
{
	const char *dot = strrchr(key, '.');

	return dot ? (size_t)(dot - key) : 0;
}

static bool starts_section(const struct xa_option *option)
{
	const size_t len = section_length(option->key);

	return len && (option == xa_options || section_length(option[-1].key) != len ||
		       strncmp(option->key, option[-1].key, len) != 0);
}

static void add_comments(const struct xa_option *option, const char *indent, struct xa_buf *buf)
{
	xa_buf_addf(buf, "%s# %s\n%s# ", indent, option->help, indent);
	xa_value_describe(option, buf);
	xa_buf_addf(buf, "; default %s; a change %s\n", option->fallback,
		    reload_texts[option->reload]);
}

void xa_config_dump(const struct xa_config *config, bool comments, struct xa_buf *buf)
{
	for (size_t i = 0; i < xa_option_count; i++) {
		const struct xa_option *option = &xa_options[i];
		const size_t len = section_length(option->key);
		const char *indent = len ? "  " : "";

		if (comments && i && (!len || starts_section(option)))
			xa_buf_adds(buf, "\n");
		if (starts_section(option))
			xa_buf_addf(buf, "%.*s:\n", (int)len, option->key);
		if (comments)
			add_comments(option, indent, buf);
		xa_buf_addf(buf, "%s%s: ", indent, option->key + (len ? len + 1 : 0));
		xa_value_format(config, option, buf);
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

void xa_config_diff(const struct xa_config *old, const struct xa_config *new, struct xa_buf *buf)
{
	XA_CLEANUP(pair_done) struct pair pair = {0};

	for (size_t i = 0; i < xa_option_count; i++) {
		if (!differs(old, new, &xa_options[i], &pair))
			continue;
		if (xa_buf_failed(&pair.from) || xa_buf_failed(&pair.to)) {
			buf->failed = true;
			return;
		}
		xa_buf_addf(buf, "%s: %s -> %s\n", xa_options[i].key, pair.from.text, pair.to.text);
	}
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
