/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Lines of Prometheus' text format 0.0.4, read strictly: a person wrote them. */

#include "core/rule_sample.h"

#include <math.h>

#include "core/base/json.h"

#define DIGITS	   "0123456789"
#define NAME_FIRST "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_:"
#define NAME_CHARS NAME_FIRST DIGITS

bool xa_rule_labels_add(struct xa_rule_labels *labels, const char *name, const char *value)
{
	if (!*value)
		return true;
	if (labels->count == array_size(labels->labels))
		return false;
	labels->labels[labels->count].name = name;
	labels->labels[labels->count++].value = value;
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void xa_rule_labels_format(struct xa_rule_labels *labels, struct xa_buf *buf)
{
	qsort(labels->labels, labels->count, sizeof(labels->labels[0]), by_name);
	xa_buf_adds(buf, "{");
	for (size_t i = 0; i < labels->count; i++) {
		xa_buf_addf(buf, "%s%s=", i ? ", " : "", labels->labels[i].name);
		xa_json_add_string(buf, labels->labels[i].value);
	}
	xa_buf_adds(buf, "}");
}

/* A copy of the line that is cut into its pieces. */
struct reading {
	char *at;
	const char *name, *number;
	struct xa_rule_labels labels;
};

/* Ends the name that stands here; NULL if there is none. */
static const char *read_name(struct reading *reading, char *ret_behind)
{
	const char *name = reading->at;
	const size_t len = strchr(DIGITS, *name) ? 0 : strspn(name, NAME_CHARS);

	reading->at += len;
	*ret_behind = *reading->at;
	if (*reading->at)
		*reading->at++ = '\0';
	return len ? name : NULL;
}

/* Unescapes the text behind the opening quote, in place; NULL without the closing one. */
static const char *read_value(struct reading *reading)
{
	const char *value = reading->at;
	char *to = reading->at;

	for (; *reading->at && *reading->at != '"'; reading->at++) {
		const bool escaped = *reading->at == '\\' && reading->at[1];

		reading->at += escaped;
		*to++ = escaped && *reading->at == 'n' ? '\n' : *reading->at;
	}
	if (!*reading->at)
		return NULL;
	reading->at++;
	*to = '\0';
	return value;
}

/* Behind the opening brace: a label and what follows it, or the closing brace. NULL, or the fault.
 */
static const char *read_labels(struct reading *reading)
{
	const char *name, *value;
	char behind;

	while (*reading->at != '}') {
		reading->at += strspn(reading->at, " ");
		name = read_name(reading, &behind);
		if (!name || behind != '=' || *reading->at != '"')
			return "expected a label (name=\"value\")";
		reading->at++;
		value = read_value(reading);
		if (!value)
			return "a label's value does not end in '\"'";
		if (!xa_rule_labels_add(&reading->labels, name, value))
			return "too many labels";
		if (*reading->at == ',')
			reading->at++;
		else if (*reading->at != '}')
			return "expected ',' or '}' behind a label";
	}
	reading->at++;
	return NULL;
}

static const char *read_line(struct reading *reading)
{
	const char *fault = NULL;
	char behind;

	reading->name = read_name(reading, &behind);
	if (!reading->name)
		return "expected a metric's name";
	if (behind == '{')
		fault = read_labels(reading);
	else if (behind != ' ')
		return "expected '{' or a blank behind the metric's name";
	if (fault)
		return fault;
	reading->at += strspn(reading->at, " ");
	reading->number = reading->at;
	return *reading->number ? NULL : "expected a number behind the metric";
}

/* Whole numbers keep every digit; others are as short as they are read back the same. */
static bool add_number(const char *text, struct xa_buf *buf)
{
	char shortest[32], *end;
	double number;

	if (text[strspn(text, DIGITS)] == '\0' && (*text != '0' || !text[1])) {
		xa_buf_adds(buf, text);
		return true;
	}
	number = strtod(text, &end);
	if (end == text || *end)
		return false;
	if (fabs(number) < 0x1p64 && number == floor(number)) {
		xa_buf_addf(buf, "%.0f", number == 0 ? 0.0 : number);
		return true;
	}
	for (int digits = 1; digits <= 17; digits++) {
		(void)snprintf(shortest, sizeof(shortest), "%.*g", digits, number);
		if (strtod(shortest, NULL) == number)
			break;
	}
	xa_buf_adds(buf, shortest);
	return true;
}

int xa_rule_sample_format(const char *line, struct xa_buf *buf, const char **ret_fault)
{
	_cleanup_free_ char *copy = strdup(line);
	struct reading reading = {.at = copy};
	const size_t len = buf->len;
	const char *fault;

	if (!copy)
		return -ENOMEM;
	fault = read_line(&reading);
	if (!fault) {
		xa_buf_adds(buf, reading.name);
		if (reading.labels.count)
			xa_rule_labels_format(&reading.labels, buf);
		xa_buf_adds(buf, " ");
		if (!add_number(reading.number, buf))
			fault = "what stands behind the metric is no number";
	}
	if (xa_buf_failed(buf))
		return -ENOMEM;
	if (!fault)
		return 0;
	buf->len = len;
	if (buf->text)
		buf->text[len] = '\0';
	*ret_fault = fault;
	return -EINVAL;
}
