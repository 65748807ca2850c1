/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * libmicrohttpd has split the arguments at '&' and the first '=', and made a '+' a space, but
 * undone no escape (xa_http_unescape()).
 */

#include "core/http/query.h"

#include <string.h>

#include "core/base/text.h"

static const char *const by_names[] = {
	[XA_BY_PACKETS] = "packets",
	[XA_BY_BYTES] = "bytes",
	[XA_BY_PACKETS_RATE] = "packets_rate",
	[XA_BY_BYTES_RATE] = "bytes_rate",
};
_Static_assert(array_size(by_names) == XA_BY_COUNT_, "a name for each order");

void xa_query_done(struct xa_query *query)
{
	free(query->match);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool xa_query_unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		int high, low;

		if (*from != '%') {
			*to++ = *from;
			continue;
		}
		high = hex_digit(from[1]);
		low = high < 0 ? -1 : hex_digit(from[2]);
		if (low < 0)
			return false;
		*to++ = (char)(high << 4 | low);
		from += 2;
	}
	*to = '\0';
	return xa_text_is_clean(text, (size_t)(to - text));
}

bool xa_query_number(const char *text, unsigned min, unsigned max, unsigned *ret)
{
	unsigned number = 0;

	if (!*text || (*text == '0' && text[1]))
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		number = number * 10 + (unsigned)(*text - '0');
		if (number > max)
			return false;
	}
	if (number < min)
		return false;
	*ret = number;
	return true;
}

static int take_top(struct xa_query *query, char *value, struct xa_why *why)
{
	if (xa_query_number(value, 1, XA_QUERY_TOP_MAX, &query->top))
		return 0;
	return xa_why_set(why, -EINVAL, "top: \"%.64s\" is not a number from 1 to %d", value,
			  XA_QUERY_TOP_MAX);
}

static int take_by(struct xa_query *query, char *value, struct xa_why *why)
{
	for (size_t i = 0; i < array_size(by_names); i++) {
		if (strcmp(value, by_names[i]) != 0)
			continue;
		query->by = (enum xa_query_by)i;
		return 0;
	}
	return xa_why_set(why, -EINVAL,
			  "by: \"%.64s\" is none of packets bytes packets_rate bytes_rate", value);
}

static int take_match(struct xa_query *query, char *value, struct xa_why *why)
{
	query->match = strdup(value);
	return query->match ? 0 : xa_why_set(why, -ENOMEM, "out of memory");
}

static const struct parameter {
	const char *name;
	int (*take)(struct xa_query *query, char *value, struct xa_why *why);
} parameters[] = {{"top", take_top}, {"by", take_by}, {"match", take_match}};

static const struct parameter *parameter_of(const char *name)
{
	for (size_t i = 0; i < array_size(parameters); i++)
		if (!strcmp(name, parameters[i].name))
			return &parameters[i];
	return NULL;
}

int xa_query_take(struct xa_query *query, const char *name, const char *value,
		  struct xa_why *ret_why)
{
	const struct parameter *parameter = parameter_of(name);
	_cleanup_free_ char *text = strdup(value ? value : "");
	unsigned bit;

	if (!parameter)
		return xa_why_set(ret_why, -EINVAL,
				  "no parameter is called \"%.64s\"; there are top by match", name);
	bit = 1U << (parameter - parameters);
	if (query->given & bit)
		return xa_why_set(ret_why, -EINVAL, "%s: comes twice", name);
	query->given |= bit;
	if (!text)
		return xa_why_set(ret_why, -ENOMEM, "out of memory");
	if (!xa_query_unescape(text))
		return xa_why_set(ret_why, -EINVAL,
				  "%s: \"%.64s\" does not unescape to UTF-8 without control "
				  "characters",
				  name, value);
	return parameter->take(query, text, ret_why);
}
