/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A host for one Lua stage, in memory: files, labels with their columns, metrics, samples as text,
 * the first complaint. And small helpers that open a rule, show it flows and close it.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/xa_plugin.h"

extern const struct xa_plugin xa_plugin_lua;

#define LAB_FILES   4
#define LAB_HANDLES 65536
#define LAB_VALUES  1024
#define LAB_FLOWS   64

struct lab_file {
	const char *path, *text;
	size_t len;
	int error; /* what reading it gives */
};

struct lab {
	struct xa_plugin_host lent; /* has to come first */
	struct lab_file files[LAB_FILES];
	size_t file_count;
	bool is_open; /* open() has returned */

	char labels[XA_PLUGIN_LABELS_MAX][XA_PLUGIN_NAME_BYTES];
	size_t label_count;
	uint32_t *columns[XA_PLUGIN_LABELS_MAX];
	uint8_t *hidden;
	size_t handles;
	char values[LAB_VALUES][XA_PLUGIN_VALUE_BYTES];
	uint32_t value_count;

	struct {
		char name[XA_PLUGIN_NAME_BYTES];
		char labels[XA_PLUGIN_METRIC_LABELS_MAX][XA_PLUGIN_NAME_BYTES];
		size_t label_count, bucket_count;
		enum xa_plugin_metric_type type;
	} metrics[XA_PLUGIN_METRICS_MAX];
	size_t metric_count;
	char samples[65536]; /* name{label="value"} number, one a line */
	size_t samples_len;

	unsigned failures;
	enum xa_plugin_cause cause;
	char complaint[8192]; /* file:line: text */
	char log[8192]; /* level: text, one a line */
	uint8_t kept[XA_PLUGIN_KEPT_BYTES];
	size_t kept_len;

	struct xa_plugin_value options[3]; /* file, options, steps */
	void *state;
	struct xa_plugin_flow flows[LAB_FLOWS];
	size_t flow_count;
	uint64_t now_ns;
};

static inline struct lab *lab_of(const struct xa_plugin_host *host)
{
	/* It was made by lab_new(), so that it may be written to. */
	return (struct lab *)(uintptr_t)host;
}

static inline void lab_log(const struct xa_plugin_host *host, enum xa_plugin_log_level level,
			   const char *text)
{
	static const char *const levels[] = {"error", "warn", "info", "debug"};
	struct lab *lab = lab_of(host);
	const size_t len = strlen(lab->log);

	(void)snprintf(lab->log + len, sizeof(lab->log) - len, "%s: %s\n", levels[level], text);
}

static inline void lab_fail(const struct xa_plugin_host *host, enum xa_plugin_cause cause,
			    const struct xa_plugin_place *place, const char *text)
{
	struct lab *lab = lab_of(host);

	if (lab->failures++)
		return;
	lab->cause = cause;
	(void)snprintf(lab->complaint, sizeof(lab->complaint), "%s:%u: %s",
		       place && place->file ? place->file : "", place ? place->line : 0, text);
}

static inline int lab_find_label(const struct xa_plugin_host *host, const char *name)
{
	const struct lab *lab = lab_of(host);

	for (size_t i = 0; i < lab->label_count; i++) {
		if (strcmp(lab->labels[i], name) == 0)
			return (int)i;
	}
	return -ENOENT;
}

static inline int lab_declare_label(const struct xa_plugin_host *host, const char *name)
{
	struct lab *lab = lab_of(host);

	assert_false(lab->is_open);
	if (lab_find_label(host, name) >= 0 || lab->label_count == XA_PLUGIN_LABELS_MAX) {
		lab_fail(host, XA_PLUGIN_INVALID, NULL, "the host refuses this label");
		return -EEXIST;
	}
	(void)snprintf(lab->labels[lab->label_count], XA_PLUGIN_NAME_BYTES, "%s", name);
	return (int)lab->label_count++;
}

static inline int lab_declare_metric(const struct xa_plugin_host *host,
				     const struct xa_plugin_metric *metric)
{
	struct lab *lab = lab_of(host);

	assert_false(lab->is_open);
	if (strncmp(metric->name, "bad", 3) == 0) {
		lab_fail(host, XA_PLUGIN_INVALID, NULL, "the host refuses this metric");
		return -EINVAL;
	}
	(void)snprintf(lab->metrics[lab->metric_count].name, XA_PLUGIN_NAME_BYTES, "%s",
		       metric->name);
	for (size_t i = 0; i < metric->label_count; i++)
		(void)snprintf(lab->metrics[lab->metric_count].labels[i], XA_PLUGIN_NAME_BYTES,
			       "%s", metric->labels[i]);
	lab->metrics[lab->metric_count].label_count = metric->label_count;
	lab->metrics[lab->metric_count].bucket_count = metric->bucket_count;
	lab->metrics[lab->metric_count].type = metric->type;
	return (int)lab->metric_count++;
}

static inline uint32_t *lab_column(const struct xa_plugin_host *host, int label)
{
	return lab_of(host)->columns[label];
}

static inline uint8_t *lab_hidden(const struct xa_plugin_host *host)
{
	return lab_of(host)->hidden;
}

static inline int lab_value(const struct xa_plugin_host *host, const char *text, size_t len,
			    uint32_t *ret_value)
{
	struct lab *lab = lab_of(host);

	if (len >= XA_PLUGIN_VALUE_BYTES || strlen(text) != len || strpbrk(text, "\n\r\x1b\xff"))
		return -EINVAL;
	for (uint32_t i = 0; i < lab->value_count; i++) {
		if (strcmp(lab->values[i], text) == 0) {
			*ret_value = i;
			return 0;
		}
	}
	*ret_value = XA_PLUGIN_VALUE_OTHER;
	if (lab->value_count < LAB_VALUES) {
		memcpy(lab->values[lab->value_count], text, len + 1);
		*ret_value = lab->value_count++;
	}
	return 0;
}

static inline const char *lab_value_text(const struct xa_plugin_host *host, uint32_t value,
					 size_t *ret_len)
{
	const char *text = lab_of(host)->values[value];

	*ret_len = strlen(text);
	return text;
}

static inline void lab_add_sample(struct lab *lab, int metric, const uint32_t *values,
				  const char *number)
{
	char line[1024];
	size_t len = (size_t)snprintf(line, sizeof(line), "%s{", lab->metrics[metric].name);

	for (size_t i = 0; i < lab->metrics[metric].label_count; i++)
		len += (size_t)snprintf(line + len, sizeof(line) - len, "%s%s=\"%s\"", i ? "," : "",
					lab->metrics[metric].labels[i], lab->values[values[i]]);
	len += (size_t)snprintf(line + len, sizeof(line) - len, "} %s\n", number);
	assert_true(lab->samples_len + len < sizeof(lab->samples));
	memcpy(lab->samples + lab->samples_len, line, len + 1);
	lab->samples_len += len;
}

static inline int lab_sample(const struct xa_plugin_host *host, int metric, const uint32_t *values,
			     double number)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "%.10g", number);
	lab_add_sample(lab_of(host), metric, values, text);
	return 0;
}

static inline int lab_sample_u64(const struct xa_plugin_host *host, int metric,
				 const uint32_t *values, uint64_t number)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	lab_add_sample(lab_of(host), metric, values, text);
	return 0;
}

static inline int lab_read_file(const struct xa_plugin_host *host, const char *path, size_t max,
				char **ret_text, size_t *ret_len)
{
	const struct lab *lab = lab_of(host);

	assert_false(lab->is_open);
	for (size_t i = 0; i < lab->file_count; i++) {
		const struct lab_file *file = &lab->files[i];

		if (strcmp(file->path, path) != 0)
			continue;
		if (file->error || file->len > max)
			return file->error ? file->error : -EFBIG;
		*ret_text = malloc(file->len + 1);
		assert_non_null(*ret_text);
		memcpy(*ret_text, file->text, file->len);
		(*ret_text)[file->len] = '\0';
		*ret_len = file->len;
		return 0;
	}
	return -ENOENT;
}

static inline const void *lab_kept(const struct xa_plugin_host *host, size_t *ret_len)
{
	*ret_len = lab_of(host)->kept_len;
	return *ret_len ? lab_of(host)->kept : NULL;
}

static inline struct lab *lab_new_sized(size_t handles)
{
	struct lab *lab = calloc(1, sizeof(*lab));

	assert_non_null(lab);
	lab->lent = (struct xa_plugin_host){
		.size = sizeof(lab->lent),
		.stage = "lua",
		.memory_bytes = 64 << 20,
		.log = lab_log,
		.fail = lab_fail,
		.declare_label = lab_declare_label,
		.declare_metric = lab_declare_metric,
		.find_label = lab_find_label,
		.column = lab_column,
		.hidden = lab_hidden,
		.value = lab_value,
		.value_text = lab_value_text,
		.sample = lab_sample,
		.sample_u64 = lab_sample_u64,
		.read_file = lab_read_file,
		.kept = lab_kept,
	};
	lab->handles = handles;
	lab->hidden = calloc(handles, 1);
	assert_non_null(lab->hidden);
	for (size_t i = 0; i < XA_PLUGIN_LABELS_MAX; i++) {
		lab->columns[i] = calloc(handles, sizeof(**lab->columns));
		assert_non_null(lab->columns[i]);
	}
	(void)snprintf(lab->values[XA_PLUGIN_VALUE_OTHER], XA_PLUGIN_VALUE_BYTES, "other");
	lab->value_count = 2;
	lab->options[0].text = "rules/test.lua";
	lab->options[2].number = 50000000;
	lab->now_ns = 1700000000500000000ULL;
	return lab;
}

static inline struct lab *lab_new(void)
{
	return lab_new_sized(LAB_HANDLES);
}

static inline void lab_close(struct lab *lab)
{
	if (lab->state)
		xa_plugin_lua.close(lab->state);
	lab->state = NULL;
	lab->is_open = false;
}

static inline void lab_free(struct lab *lab)
{
	lab_close(lab);
	for (size_t i = 0; i < XA_PLUGIN_LABELS_MAX; i++)
		free(lab->columns[i]);
	free(lab->hidden);
	free(lab);
}

static inline void lab_add_file(struct lab *lab, const char *path, const char *text, size_t len)
{
	assert_true(lab->file_count < LAB_FILES);
	lab->files[lab->file_count++] = (struct lab_file){path, text, len, 0};
}

/* Opens what stands in the files. */
static inline int lab_open_files(struct lab *lab)
{
	const int error = xa_plugin_lua.open(&lab->lent, lab->options, &lab->state);

	lab->is_open = !error;
	assert_int_equal(lab->failures != 0, error != 0);
	return error;
}

static inline int lab_open(struct lab *lab, const char *rule)
{
	lab_add_file(lab, lab->options[0].text, rule, strlen(rule));
	return lab_open_files(lab);
}

/* A lab whose rule has to open. */
static inline struct lab *lab_with(const char *rule)
{
	struct lab *lab = lab_new();

	if (lab_open(lab, rule) != 0)
		fail_msg("%s", lab->complaint);
	return lab;
}

/* One flow more, with the lab's next handle. */
static inline struct xa_plugin_flow *lab_flow(struct lab *lab, const char *src, uint16_t sport,
					      const char *dst, uint16_t dport, uint8_t proto,
					      uint64_t packets, uint64_t bytes)
{
	struct xa_plugin_flow *flow = &lab->flows[lab->flow_count];
	const int family = strchr(src, ':') ? AF_INET6 : AF_INET;

	assert_true(lab->flow_count < LAB_FLOWS);
	*flow = (struct xa_plugin_flow){
		.packets = packets,
		.bytes = bytes,
		.packets_delta = packets / 2,
		.bytes_delta = bytes / 2,
		.first_seen_ns = lab->now_ns - 4000000000ULL,
		.last_seen_ns = lab->now_ns - 1500000000ULL,
		.handle = (uint32_t)lab->flow_count++,
		.sport = sport,
		.dport = dport,
		.family = family == AF_INET6 ? 6 : 4,
		.proto = proto,
		.interface = 1,
	};
	assert_int_equal(inet_pton(family, src, flow->src), 1);
	assert_int_equal(inet_pton(family, dst, flow->dst), 1);
	return flow;
}

/* Shows the flows, all of them fresh, as a new snapshot; what the one before said is forgotten. */
static inline int lab_show(struct lab *lab, const struct xa_plugin_flow *flows, size_t count,
			   bool fresh)
{
	static const char *const interfaces[] = {"lo", "eth0"};
	struct xa_plugin_batch batch = {
		.flows = flows,
		.count = count,
		.now_ns = lab->now_ns,
		.interval_ns = 10000000000ULL,
		.interfaces = interfaces,
		.interface_count = 2,
	};
	uint32_t *positions = calloc(count + 1, sizeof(*positions));
	int error;

	assert_non_null(positions);
	for (size_t i = 0; i < count; i++) {
		positions[i] = (uint32_t)i;
		batch.packets += flows[i].packets;
		batch.bytes += flows[i].bytes;
	}
	batch.fresh = positions;
	batch.fresh_count = fresh ? count : 0;
	memset(lab->hidden, 0, lab->handles);
	lab->failures = 0;
	lab->complaint[0] = lab->log[0] = lab->samples[0] = '\0';
	lab->samples_len = 0;
	error = xa_plugin_lua.run(lab->state, &batch);
	assert_int_equal(lab->failures != 0, error != 0);
	free(positions);
	return error;
}

static inline int lab_run(struct lab *lab)
{
	return lab_show(lab, lab->flows, lab->flow_count, true);
}

/* A run that has to succeed. */
static inline void lab_judge(struct lab *lab)
{
	if (lab_run(lab) != 0)
		fail_msg("%s", lab->complaint);
}

static inline const char *lab_label(const struct lab *lab, const char *name, size_t flow)
{
	const int label = lab_find_label(&lab->lent, name);

	assert_true(label >= 0);
	return lab->values[lab->columns[label][lab->flows[flow].handle]];
}

/* What was said begins with this place and contains this text. */
static inline void lab_expect(const struct lab *lab, enum xa_plugin_cause cause, const char *begin,
			      const char *part)
{
	if (strncmp(lab->complaint, begin, strlen(begin)) != 0 || !strstr(lab->complaint, part) ||
	    lab->cause != cause)
		fail_msg("wanted cause %d, '%s' ... '%s'; got cause %d, '%s'", cause, begin, part,
			 lab->cause, lab->complaint);
}
