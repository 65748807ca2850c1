/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Both sides are made equal in spelling before they are compared, so that a difference is one. */

#include "core/rule_expect.h"

#include <inttypes.h>
#include <string.h>

#include "config/options.h"
#include "config/text.h"
#include "core/flow/flow.h"
#include "core/policy/supervisor.h"
#include "core/rule_sample.h"

/* Reading */

struct draft {
	const struct xa_tree *labels, *hidden, *metrics, *errors;
};

static void read_tree(struct xa_rule_reader *reader, const struct xa_rule_key *key,
		      const struct xa_tree *value, void *to)
{
	(void)reader;
	memcpy((char *)to + key->offset, &value, sizeof(value));
}

/* The texts in `buf`, each ended by a NUL, in a list. */
static const char **keep_texts(struct xa_rule_reader *reader, const struct xa_buf *buf,
			       size_t count)
{
	const char **texts = xa_rule_alloc(reader, count, sizeof(*texts));
	char *copy = xa_rule_alloc(reader, buf->len + 1, 1);

	if (xa_buf_failed(buf))
		reader->error = -ENOMEM;
	if (!texts || !copy || xa_buf_failed(buf))
		return NULL;
	if (buf->len)
		memcpy(copy, buf->text, buf->len);
	for (size_t i = 0; i < count; i++) {
		texts[i] = copy;
		copy += strlen(copy) + 1;
	}
	return texts;
}

static void read_flow_labels(struct xa_rule_reader *reader, const struct xa_tree *map,
			     struct xa_buf *buf)
{
	struct xa_rule_labels labels = {0};

	if (map->kind != XA_TREE_MAP)
		xa_rule_refuse(reader, map,
			       "labels: expected the labels of a flow ({name: value}, or {} for "
			       "none), not a %s",
			       map->kind == XA_TREE_LIST ? "list" : "value");
	for (const struct xa_tree *child = map->kind == XA_TREE_MAP ? map->children : NULL; child;
	     child = child->next) {
		if (child->kind != XA_TREE_SCALAR)
			(void)xa_rule_text(reader, child, child->key);
		else if (!xa_rule_labels_add(&labels, child->key, child->text)) {
			xa_rule_refuse(reader, child, "labels: more than %d of a flow",
				       XA_RULE_LABELS_MAX);
			break;
		}
	}
	xa_rule_labels_format(&labels, buf);
	xa_buf_add(buf, "", 1);
}

static void read_labels(struct xa_rule_reader *reader, const struct xa_tree *list,
			size_t flow_count, struct xa_rule_expect *ret)
{
	_cleanup_xa_buf_ struct xa_buf buf = {0};
	size_t count;

	if (!xa_rule_list(reader, list, "labels", &count))
		return;
	if (count != flow_count) {
		xa_rule_refuse(reader, list,
			       "labels: %zu of them for %zu flows ({} for a flow without any)",
			       count, flow_count);
		return;
	}
	for (const struct xa_tree *child = list->children; child; child = child->next)
		read_flow_labels(reader, child, &buf);
	ret->labels = keep_texts(reader, &buf, count);
}

static void read_hidden(struct xa_rule_reader *reader, const struct xa_tree *list,
			size_t flow_count, struct xa_rule_expect *ret)
{
	bool *hidden = xa_rule_alloc(reader, flow_count, sizeof(*hidden));
	uint64_t position;
	size_t count;

	if (!hidden || !xa_rule_list(reader, list, "hidden", &count))
		return;
	for (const struct xa_tree *child = list->children; child; child = child->next) {
		if (!flow_count)
			xa_rule_refuse(reader, child, "hidden: this snapshot has no flows");
		else if (xa_rule_number(reader, child, "hidden", 1, flow_count, &position))
			hidden[position - 1] = true;
	}
	ret->hidden = hidden;
}

static void read_metric(struct xa_rule_reader *reader, const struct xa_tree *tree,
			struct xa_buf *buf)
{
	const char *line = xa_rule_text(reader, tree, "metrics"), *fault;

	if (line && xa_rule_sample_format(line, buf, &fault) == -EINVAL)
		xa_rule_refuse(reader, tree, "metrics: %s, in %s", fault, xa_quotes(line).text);
	xa_buf_add(buf, "", 1);
}

static void read_metrics(struct xa_rule_reader *reader, const struct xa_tree *list,
			 struct xa_rule_expect *ret)
{
	_cleanup_xa_buf_ struct xa_buf buf = {0};

	if (!xa_rule_list(reader, list, "metrics", &ret->metric_count))
		return;
	for (const struct xa_tree *child = list->children; child; child = child->next)
		read_metric(reader, child, &buf);
	ret->metrics = keep_texts(reader, &buf, ret->metric_count);
	if (ret->metrics)
		xa_rule_sort(ret->metrics, ret->metric_count);
}

static void refuse_cause(struct xa_rule_reader *reader, const struct xa_tree *value)
{
	const char *near = xa_suggest_name(value->text, xa_cause_names, XA_PLUGIN_CAUSE_COUNT_);
	char list[128] = "";
	size_t len = 0;

	for (size_t i = 0; i < XA_PLUGIN_CAUSE_COUNT_ && len < sizeof(list); i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", i ? ", " : "",
					xa_cause_names[i]);
	xa_rule_refuse(reader, value, "cause: %s is none of %s%s%s%s", xa_quotes(value->text).text,
		       list, near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}

static void read_cause(struct xa_rule_reader *reader, const struct xa_rule_key *key,
		       const struct xa_tree *value, void *to)
{
	const char *text = xa_rule_text(reader, value, key->name);

	if (!text)
		return;
	for (size_t i = 0; i < XA_PLUGIN_CAUSE_COUNT_; i++)
		if (!strcmp(text, xa_cause_names[i])) {
			((struct xa_rule_error *)to)->cause = text;
			return;
		}
	refuse_cause(reader, value);
}

static const struct xa_rule_key error_keys[] = {
	{.name = "stage",
	 .read = xa_rule_read_text,
	 .offset = offsetof(struct xa_rule_error, stage)},
	{.name = "cause", .read = read_cause},
	{.name = "text", .read = xa_rule_read_text, .offset = offsetof(struct xa_rule_error, text)},
};

static void read_errors(struct xa_rule_reader *reader, const struct xa_tree *list,
			struct xa_rule_expect *ret)
{
	struct xa_rule_error *error;

	if (!xa_rule_list(reader, list, "errors", &ret->error_count))
		return;
	ret->errors = xa_rule_alloc(reader, ret->error_count, sizeof(*ret->errors));
	error = ret->errors;
	for (const struct xa_tree *child = list->children; error && child; child = child->next)
		(void)xa_rule_read_map(reader, child, "an error", error_keys,
				       array_size(error_keys), error++);
}

static const struct xa_rule_key keys[] = {
	{.name = "labels", .read = read_tree, .offset = offsetof(struct draft, labels)},
	{.name = "hidden", .read = read_tree, .offset = offsetof(struct draft, hidden)},
	{.name = "metrics", .read = read_tree, .offset = offsetof(struct draft, metrics)},
	{.name = "errors", .read = read_tree, .offset = offsetof(struct draft, errors)},
};

void xa_rule_expect_read(struct xa_rule_reader *reader, const struct xa_tree *tree,
			 size_t flow_count, struct xa_rule_expect *ret)
{
	struct draft draft = {0};

	if (!xa_rule_read_map(reader, tree, "expect", keys, array_size(keys), &draft))
		return;
	if (draft.labels)
		read_labels(reader, draft.labels, flow_count, ret);
	if (draft.hidden)
		read_hidden(reader, draft.hidden, flow_count, ret);
	if (draft.metrics)
		read_metrics(reader, draft.metrics, ret);
	if (draft.errors)
		read_errors(reader, draft.errors, ret);
}

/* Comparing */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void xa_rule_sort(const char **texts, size_t count)
{
	if (count)
		qsort(texts, count, sizeof(*texts), by_text);
}

static void add_flow(const struct xa_plugin_flow *flow, size_t position, struct xa_buf *buf)
{
	const enum xa_family family = flow->family == 6 ? XA_IPV6 : XA_IPV4;

	xa_buf_addf(buf, "  flow %zu: ", position);
	xa_flow_add_address(buf, family, flow->src);
	xa_buf_addf(buf, " %u -> ", flow->sport);
	xa_flow_add_address(buf, family, flow->dst);
	xa_buf_addf(buf, " %u ", flow->dport);
	xa_flow_add_proto(buf, flow->proto);
	xa_buf_adds(buf, "\n");
}

static void compare_flow(const struct xa_rule_expect *expect, const struct xa_rule_outcome *outcome,
			 size_t i, struct xa_buf *buf)
{
	const bool labels = expect->labels && strcmp(expect->labels[i], outcome->labels[i]) != 0;
	const bool hidden = expect->hidden && expect->hidden[i] != outcome->hidden[i];

	if (labels || hidden)
		add_flow(&outcome->flows[i], i + 1, buf);
	if (labels)
		xa_buf_addf(buf, "  - %s\n  + %s\n", expect->labels[i], outcome->labels[i]);
	if (hidden)
		xa_buf_addf(buf, "  - %s\n  + %s\n", expect->hidden[i] ? "hidden" : "not hidden",
			    outcome->hidden[i] ? "hidden" : "not hidden");
}

/* Two sorted lists, the lines of which may repeat. */
static void compare_metrics(const struct xa_rule_expect *expect,
			    const struct xa_rule_outcome *outcome, struct xa_buf *buf)
{
	size_t i = 0, j = 0;

	while (i < expect->metric_count || j < outcome->metric_count) {
		const int order = i == expect->metric_count ? 1
				  : j == outcome->metric_count
					  ? -1
					  : strcmp(expect->metrics[i], outcome->metrics[j]);

		if (order < 0)
			xa_buf_addf(buf, "  - %s\n", expect->metrics[i]);
		else if (order > 0)
			xa_buf_addf(buf, "  + %s\n", outcome->metrics[j]);
		i += order <= 0;
		j += order >= 0;
	}
}

static bool matches(const struct xa_rule_error *error, const struct xa_rule_complaint *complaint)
{
	return (!error->stage || !strcmp(error->stage, complaint->stage)) &&
	       (!error->cause || !strcmp(error->cause, complaint->cause)) &&
	       (!error->text || strstr(complaint->text, error->text));
}

static bool is_expected(const struct xa_rule_expect *expect,
			const struct xa_rule_complaint *complaint)
{
	for (size_t i = 0; i < expect->error_count; i++)
		if (matches(&expect->errors[i], complaint))
			return true;
	return false;
}

static bool has_come(const struct xa_rule_outcome *outcome, const struct xa_rule_error *error)
{
	for (size_t i = 0; i < outcome->complaint_count; i++)
		if (matches(error, &outcome->complaints[i]))
			return true;
	return false;
}

static void add_error(const struct xa_rule_error *error, struct xa_buf *buf)
{
	xa_buf_adds(buf, "  - error");
	if (error->stage)
		xa_buf_addf(buf, " of %s", error->stage);
	if (error->cause)
		xa_buf_addf(buf, " (%s)", error->cause);
	if (error->text)
		xa_buf_addf(buf, ": ...%s...", error->text);
	xa_buf_adds(buf, "\n");
}

/* The lines behind the first one, a traceback, are indented further. */
static void add_complaint(const struct xa_rule_complaint *complaint, struct xa_buf *buf)
{
	const char *line = complaint->text;

	xa_buf_addf(buf, "  + error of %s (%s): ", complaint->stage, complaint->cause);
	for (;;) {
		const size_t len = strcspn(line, "\n");

		xa_buf_add(buf, line, len);
		xa_buf_adds(buf, "\n");
		if (!line[len] || !line[len + 1])
			return;
		xa_buf_adds(buf, "    ");
		line += len + 1;
	}
}

void xa_rule_compare(const struct xa_rule_expect *expect, const struct xa_rule_outcome *outcome,
		     struct xa_buf *buf)
{
	for (size_t i = 0; i < expect->error_count; i++)
		if (!has_come(outcome, &expect->errors[i]))
			add_error(&expect->errors[i], buf);
	for (size_t i = 0; i < outcome->complaint_count; i++)
		if (!is_expected(expect, &outcome->complaints[i]))
			add_complaint(&outcome->complaints[i], buf);
	for (size_t i = 0; i < outcome->flow_count; i++)
		compare_flow(expect, outcome, i, buf);
	if (expect->metrics)
		compare_metrics(expect, outcome, buf);
}
