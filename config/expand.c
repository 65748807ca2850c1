/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The environment inside values. The shell's rules as far as they go, and everything else that
 * starts with a dollar is an error: a typing mistake must not become part of a name.
 */

#include "config/expand.h"

#include <stdlib.h>
#include <string.h>

#include "config/text.h"

#define NAME_FIRST "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
#define NAME_CHARS NAME_FIRST "0123456789"

enum otherwise {
	REFUSE,
	USE,
	SAY
};

/* ${name}, or with `:-` or `:?` and what follows it. */
struct reference {
	const char *whole;
	size_t whole_len;
	char name[128];
	enum otherwise otherwise;
	const char *word;
	size_t word_len;
};

/* Fills in the reference that starts at `text`; NULL, or what is wrong with it. */
static const char *parse(const char *text, struct reference *ref)
{
	const char *name = text + 2;
	const size_t name_len = strspn(name, NAME_CHARS);
	const char *p = name + name_len;

	if (!name_len || !strchr(NAME_FIRST, *name) || name_len >= sizeof(ref->name))
		return "expected a variable's name behind '${'";
	memcpy(ref->name, name, name_len);
	ref->name[name_len] = '\0';
	if (p[0] == ':' && (p[1] == '-' || p[1] == '?')) {
		ref->otherwise = p[1] == '-' ? USE : SAY;
		ref->word = p + 2;
		ref->word_len = strcspn(ref->word, "}$");
		p = ref->word + ref->word_len;
		if (*p == '$')
			return "no '$' may stand inside '${...}'";
	}
	if (!*p)
		return "'${' without '}'";
	if (*p != '}')
		return "expected '}', ':-' or ':?' behind the variable's name";
	ref->whole = text;
	ref->whole_len = (size_t)(p + 1 - text);
	return NULL;
}

static int put(const char *text, size_t len, struct xa_buf *buf, struct xa_why *why)
{
	if (len > XA_VALUE_BYTES_MAX - buf->len)
		return xa_why_set(why, -EINVAL, "the value is longer than %d bytes",
				  XA_VALUE_BYTES_MAX);
	xa_buf_add(buf, text, len);
	return xa_buf_failed(buf) ? -ENOMEM : 0;
}

static int put_variable(const struct reference *ref, struct xa_buf *buf, struct xa_why *why)
{
	const char *value = getenv(ref->name);

	if (value && (*value || ref->otherwise == REFUSE))
		return put(value, strlen(value), buf, why);
	if (ref->otherwise == USE)
		return put(ref->word, ref->word_len, buf, why);
	if (ref->otherwise == SAY && ref->word_len)
		return xa_why_set(why, -EINVAL, "the environment variable '%s' is not set: %s",
				  ref->name, xa_quote(ref->word, ref->word_len).text);
	return xa_why_set(why, -EINVAL,
			  "the environment variable '%s' is not set (a default: '${%s:-...}')",
			  ref->name, ref->name);
}

/* Handles the dollar that `*text` points to and moves behind what it begins. */
static int put_dollar(const char **text, struct xa_buf *buf, struct xa_why *why)
{
	struct reference ref = {0};
	const char *fault;

	if ((*text)[1] == '$') {
		*text += 2;
		return put("$", 1, buf, why);
	}
	if (!(*text)[1])
		return xa_why_set(why, -EINVAL,
				  "lone '$' at the end (write '$$'; inside [ ] and { "
				  "} a '${NAME}' has to stand in quotes)");
	if ((*text)[1] != '{')
		return xa_why_set(why, -EINVAL, "lone '$' in front of %s (write '${NAME}' or '$$')",
				  xa_quotes(*text + 1).text);
	fault = parse(*text, &ref);
	if (fault)
		return xa_why_set(why, -EINVAL, "%s in %s", fault, xa_quotes(*text).text);
	*text += ref.whole_len;
	return put_variable(&ref, buf, why);
}

int xa_expand(const char *text, struct xa_buf *buf, struct xa_why *why)
{
	int r;

	xa_buf_reset(buf);
	r = put("", 0, buf, why);
	while (!r && *text) {
		const size_t plain = strcspn(text, "$");

		r = put(text, plain, buf, why);
		text += plain;
		if (!r && *text)
			r = put_dollar(&text, buf, why);
	}
	return r;
}
