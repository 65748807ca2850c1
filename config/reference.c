/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The table as the manuals have it: rows of a Markdown table, entries of a scdoc list. Both
 * documents hold this text between two marks, and a test holds them to it.
 */

#include "config/value.h"

const char *const xa_markup_names[XA_MARKUP_COUNT_] = {
	[XA_MARKUP_MARKDOWN] = "markdown",
	[XA_MARKUP_SCDOC] = "scdoc",
};

/* Prose in which neither markup sees anything but prose: a '_' inside a word is none. */
static void add_prose(const char *text, struct xa_buf *buf)
{
	for (; *text; text++) {
		if (strchr("*\\`<|", *text))
			xa_buf_adds(buf, "\\");
		xa_buf_add(buf, text, 1);
	}
}

static void add_type(const struct xa_option *option, struct xa_buf *buf)
{
	_cleanup_xa_buf_ struct xa_buf type = {0};

	xa_value_describe(option, &type);
	if (xa_buf_failed(&type))
		buf->failed = true;
	else
		add_prose(type.text, buf);
}

static void add_row(const struct xa_option *option, struct xa_buf *buf)
{
	xa_buf_addf(buf, "| `%s` | ", option->key);
	add_type(option, buf);
	xa_buf_addf(buf, " | `%s` | %s | ", xa_option_shown(option),
		    xa_reload_texts[option->reload]);
	add_prose(option->help, buf);
	xa_buf_adds(buf, " |\n");
}

static void add_item(const struct xa_option *option, struct xa_buf *buf)
{
	xa_buf_addf(buf, "*%s*\n\t", option->key);
	add_prose(option->help, buf);
	xa_buf_adds(buf, "\n\n\tValue: ");
	add_type(option, buf);
	xa_buf_addf(buf, ". Default: *%s*. A change %s.\n\n", xa_option_shown(option),
		    xa_reload_texts[option->reload]);
}

void xa_config_reference(enum xa_markup markup, struct xa_buf *buf)
{
	if (markup == XA_MARKUP_MARKDOWN)
		xa_buf_adds(buf, "| Key | Value | Default | A change | Meaning |\n"
				 "|---|---|---|---|---|\n");
	for (size_t i = 0; i < xa_option_count; i++)
		(markup == XA_MARKUP_MARKDOWN ? add_row : add_item)(&xa_options[i], buf);
}

void xa_config_keys(struct xa_buf *buf)
{
	for (size_t i = 0; i < xa_option_count; i++)
		xa_buf_addf(buf, "%s\n", xa_options[i].key);
}
