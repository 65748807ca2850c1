/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The stage's struct is the host's first member, so that what a plugin is lent leads back to the
 * rest. Checks here keep a plugin's slips from the auditor, which checks everything again.
 */

#include "core/policy/host.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "core/policy/answers.h"
#include "core/policy/regular_file.h"

/* It was made by xa_host_init(), so that it may be written to. */
static struct xa_host *host_of(const struct xa_plugin_host *lent)
{
	return (struct xa_host *)(uintptr_t)lent;
}

static struct xa_report *report_of(const struct xa_host *host)
{
	return &host->ground->head->stages[host->stage].report;
}

/* Complaints */

static void copy_text(char *to, size_t size, const char *text)
{
	(void)snprintf(to, size, "%s", text ? text : "");
}

/* The first line tells it all; a reason has no other. Without a line in the rule's file the place
 * is the stage's in the configuration. */
static void send_why(const struct xa_host *host)
{
	const struct xa_setup_stage *stage = &host->ground->stages[host->stage];
	const struct xa_report *report = report_of(host);
	const bool placed = report->file[0] && report->line;
	const bool named = placed || !report->file[0] || strstr(report->text, report->file);
	struct xa_why why = {
		.line = placed ? report->line : stage->line,
		.column = placed ? report->column : stage->column,
	};

	copy_text(why.file, sizeof(why.file), placed ? report->file : stage->file);
	(void)xa_why_set(&why, 0, "%s: %s%s%.*s", stage->path, named ? "" : report->file,
			 named ? "" : ": ", (int)strcspn(report->text, "\n"), report->text);
	xa_answer_send_why(host->ground->socket, host->stage, &why);
}

static void host_fail(const struct xa_plugin_host *lent, enum xa_plugin_cause cause,
		      const struct xa_plugin_place *place, const char *text)
{
	const struct xa_host *host = host_of(lent);
	struct xa_report *report = report_of(host);

	if (host->phase == XA_HOST_IDLE || report->failed)
		return;
	report->failed = 1;
	report->cause = (unsigned)cause < XA_PLUGIN_CAUSE_COUNT_ ? cause : XA_PLUGIN_ERROR;
	report->line = place ? place->line : 0;
	report->column = place ? place->column : 0;
	copy_text(report->file, sizeof(report->file), place ? place->file : NULL);
	copy_text(report->text, sizeof(report->text), text);
	if (host->phase == XA_HOST_OPENING)
		send_why(host);
}

/* Fails the stage for a name or a number; returns the error. */
XA_PRINTF(3, 4)
static int refuse(const struct xa_host *host, int error, const char *format, ...)
{
	char text[XA_POLICY_TEXT_BYTES];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	host_fail(&host->lent, XA_PLUGIN_INVALID, NULL, text);
	return error;
}

static void host_log(const struct xa_plugin_host *lent, enum xa_plugin_log_level level,
		     const char *text)
{
	struct xa_host *host = host_of(lent);
	const struct xa_ground *ground = host->ground;

	if ((unsigned)level > ground->log_level)
		return;
	if (host->lines >= XA_HOST_LINES_MAX ||
	    !xa_answer_send_log(ground->socket, host->stage, level, text))
		host->lines_cut++;
	else
		host->lines++;
}

static void say_cut(struct xa_host *host)
{
	char text[64];

	if (!host->lines_cut)
		return;
	(void)snprintf(text, sizeof(text), "%u more lines were left out", host->lines_cut);
	(void)xa_answer_send_log(host->ground->socket, host->stage, XA_PLUGIN_LOG_WARN, text);
}

/* Declarations */

static const char *title_of(const struct xa_host *host, uint32_t stage)
{
	return host->ground->stages[stage].title;
}

static int check_declaration(const struct xa_host *host, const char *what, const char *name)
{
	if (host->phase != XA_HOST_OPENING)
		return refuse(host, -EINVAL, "a %s can be declared in open() only", what);
	if (!name || !*name)
		return refuse(host, -EINVAL, "a %s has no name", what);
	if (strlen(name) >= XA_PLUGIN_NAME_BYTES)
		return refuse(host, -EINVAL, "the name of %s '%.32s...' is longer than %d bytes",
			      what, name, XA_PLUGIN_NAME_BYTES - 1);
	return 0;
}

static int refuse_twice(const struct xa_host *host, const char *what, const char *name,
			uint32_t first)
{
	if (first == host->stage)
		return refuse(host, -EEXIST, "%s '%s' is declared twice", what, name);
	return refuse(host, -EEXIST, "%s '%s' is declared by %s already, %s needs another name",
		      what, name, title_of(host, first), title_of(host, host->stage));
}

static int host_declare_label(const struct xa_plugin_host *lent, const char *name)
{
	const struct xa_host *host = host_of(lent);
	struct xa_ground *ground = host->ground;
	struct xa_region_label *labels = ground->head->labels;
	const int error = check_declaration(host, "label", name);

	if (error)
		return error;
	for (uint32_t i = 0; i < ground->label_count; i++)
		if (!strcmp(labels[i].name, name))
			return refuse_twice(host, "label", name, labels[i].stage);
	if (ground->label_count == XA_PLUGIN_LABELS_MAX)
		return refuse(host, -ENOSPC, "label '%s' is one too many: %d in all stages", name,
			      XA_PLUGIN_LABELS_MAX);
	labels[ground->label_count].stage = host->stage;
	copy_text(labels[ground->label_count].name, XA_PLUGIN_NAME_BYTES, name);
	ground->head->label_count = ++ground->label_count;
	return (int)ground->label_count - 1;
}

static int check_metric(const struct xa_host *host, const struct xa_plugin_metric *metric)
{
	const int error = check_declaration(host, "metric", metric->name);

	if (error)
		return error;
	if (!metric->help || strlen(metric->help) >= XA_POLICY_HELP_BYTES)
		return refuse(host, -EINVAL, "the help of metric '%s' is %s", metric->name,
			      metric->help ? "too long" : "missing");
	if ((unsigned)metric->type > XA_PLUGIN_HISTOGRAM)
		return refuse(host, -EINVAL, "metric '%s' has no type that is known", metric->name);
	if (metric->label_count > XA_PLUGIN_METRIC_LABELS_MAX)
		return refuse(host, -ENOSPC, "metric '%s' has more than %d labels", metric->name,
			      XA_PLUGIN_METRIC_LABELS_MAX);
	if (metric->bucket_count > XA_PLUGIN_BUCKETS_MAX)
		return refuse(host, -ENOSPC, "metric '%s' has more than %d buckets", metric->name,
			      XA_PLUGIN_BUCKETS_MAX);
	for (size_t i = 0; i < metric->label_count; i++)
		if (!metric->labels[i] || strlen(metric->labels[i]) >= XA_PLUGIN_NAME_BYTES)
			return refuse(host, -EINVAL,
				      "a label of metric '%s' has no name, or one "
				      "that is too long",
				      metric->name);
	return 0;
}

static void copy_metric(struct xa_region_metric *to, uint32_t stage,
			const struct xa_plugin_metric *metric)
{
	to->stage = stage;
	to->type = metric->type;
	to->label_count = (uint32_t)metric->label_count;
	to->bucket_count = (uint32_t)metric->bucket_count;
	copy_text(to->name, sizeof(to->name), metric->name);
	copy_text(to->help, sizeof(to->help), metric->help);
	for (size_t i = 0; i < metric->label_count; i++)
		copy_text(to->labels[i], sizeof(to->labels[i]), metric->labels[i]);
	if (metric->bucket_count)
		memcpy(to->buckets, metric->buckets, metric->bucket_count * sizeof(double));
}

static int host_declare_metric(const struct xa_plugin_host *lent,
			       const struct xa_plugin_metric *metric)
{
	const struct xa_host *host = host_of(lent);
	struct xa_ground *ground = host->ground;
	struct xa_region_metric *metrics = ground->head->metrics;
	const int error = check_metric(host, metric);

	if (error)
		return error;
	for (uint32_t i = 0; i < ground->metric_count; i++)
		if (!strcmp(metrics[i].name, metric->name))
			return refuse_twice(host, "metric", metric->name, metrics[i].stage);
	if (ground->metric_count == XA_PLUGIN_METRICS_MAX)
		return refuse(host, -ENOSPC, "metric '%s' is one too many: %d in all stages",
			      metric->name, XA_PLUGIN_METRICS_MAX);
	copy_metric(&metrics[ground->metric_count], host->stage, metric);
	ground->head->metric_count = ++ground->metric_count;
	return (int)ground->metric_count - 1;
}

/* Labels */

static int host_find_label(const struct xa_plugin_host *lent, const char *name)
{
	const struct xa_host *host = host_of(lent);
	const struct xa_region_label *labels = host->ground->head->labels;

	for (uint32_t i = 0; i < host->ground->label_count; i++)
		if (labels[i].stage <= host->stage && !strcmp(labels[i].name, name))
			return (int)i;
	return -ENOENT;
}

uint32_t *xa_ground_column(const struct xa_ground *ground, uint32_t label)
{
	return ground->columns + (size_t)label * ground->layout.max_flows;
}

static uint32_t *host_column(const struct xa_plugin_host *lent, int label)
{
	const struct xa_ground *ground = host_of(lent)->ground;

	if (label < 0 || (uint32_t)label >= ground->label_count)
		return NULL;
	return xa_ground_column(ground, (uint32_t)label);
}

static uint8_t *host_hidden(const struct xa_plugin_host *lent)
{
	return host_of(lent)->ground->hidden;
}

static int host_value(const struct xa_plugin_host *lent, const char *text, size_t len,
		      uint32_t *ret_value)
{
	const struct xa_ground *ground = host_of(lent)->ground;
	const int error = xa_values_get(ground->values, text, len, ret_value);

	if (!error)
		ground->head->value_count = xa_values_count(ground->values);
	return error;
}

static const char *host_value_text(const struct xa_plugin_host *lent, uint32_t value,
				   size_t *ret_len)
{
	return xa_values_text(host_of(lent)->ground->values, value, ret_len);
}

/* Samples */

static bool values_are_valid(const struct xa_ground *ground, const uint32_t *values, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (values[i] >= xa_values_count(ground->values))
			return false;
	return true;
}

/* Adds a sample whose number is still to be written. */
static int add_sample(const struct xa_host *host, int metric, const uint32_t *values,
		      struct xa_region_sample **ret)
{
	struct xa_ground *ground = host->ground;
	const struct xa_region_metric *declared = &ground->head->metrics[metric];
	struct xa_region_sample *sample;

	if (!values_are_valid(ground, values, declared->label_count))
		return -EINVAL;
	if (ground->sample_count == XA_POLICY_SAMPLES_MAX) {
		ground->head->samples_refused = ++ground->samples_refused;
		return -ENOSPC;
	}
	sample = &ground->samples[ground->sample_count];
	*sample = (struct xa_region_sample){.metric = (uint32_t)metric};
	for (uint32_t i = 0; i < declared->label_count; i++)
		sample->values[i] = values[i];
	ground->head->sample_count = ++ground->sample_count;
	*ret = sample;
	return 0;
}

static bool may_sample(const struct xa_host *host, int metric)
{
	const struct xa_ground *ground = host->ground;

	return host->phase == XA_HOST_RUNNING && metric >= 0 &&
	       (uint32_t)metric < ground->metric_count &&
	       ground->head->metrics[metric].stage == host->stage;
}

static int host_sample(const struct xa_plugin_host *lent, int metric, const uint32_t *values,
		       double number)
{
	const struct xa_host *host = host_of(lent);
	struct xa_region_sample *sample;
	int error;

	if (!may_sample(host, metric) || !isfinite(number))
		return -EINVAL;
	if (number < 0 && host->ground->head->metrics[metric].type == XA_PLUGIN_COUNTER)
		return -EINVAL;
	error = add_sample(host, metric, values, &sample);
	if (!error)
		sample->number = number;
	return error;
}

static int host_sample_u64(const struct xa_plugin_host *lent, int metric, const uint32_t *values,
			   uint64_t number)
{
	const struct xa_host *host = host_of(lent);
	struct xa_region_sample *sample;
	int error;

	if (!may_sample(host, metric))
		return -EINVAL;
	error = add_sample(host, metric, values, &sample);
	if (error)
		return error;
	sample->is_u64 = 1;
	sample->count = number;
	return 0;
}

/* Files */

static int host_read_file(const struct xa_plugin_host *lent, const char *path, size_t max,
			  char **ret_text, size_t *ret_len)
{
	if (host_of(lent)->phase != XA_HOST_OPENING)
		return -EPERM;
	return xa_regular_file_read(path, max, ret_text, ret_len);
}

static const void *host_kept(const struct xa_plugin_host *lent, size_t *ret_len)
{
	const struct xa_host *host = host_of(lent);
	const struct xa_setup_stage *stage = &host->ground->stages[host->stage];
	const bool lends = host->phase == XA_HOST_OPENING && stage->kept_len;

	*ret_len = lends ? stage->kept_len : 0;
	return lends ? stage->kept : NULL;
}

/* Life */

int xa_ground_init(struct xa_ground *ground, void *region, const struct xa_region_layout *layout,
		   const struct xa_setup *setup, int socket)
{
	char *const bytes = region;
	struct xa_values *values;
	int error;

	error = xa_values_new(&values, (struct xa_region_value *)(void *)(bytes + layout->values),
			      layout->max_values);
	if (error)
		return error;
	*ground = (struct xa_ground){
		.socket = socket,
		.memory_bytes = setup->head.memory_bytes,
		.log_level = setup->head.log_level,
		.head = region,
		.layout = *layout,
		.columns = (uint32_t *)(void *)(bytes + layout->columns),
		.hidden = (uint8_t *)bytes + layout->hidden,
		.samples = (struct xa_region_sample *)(void *)(bytes + layout->samples),
		.values = values,
		.stages = setup->stages,
	};
	ground->head->value_count = xa_values_count(values);
	return 0;
}

void xa_ground_done(struct xa_ground *ground)
{
	xa_values_free(ground->values);
	ground->values = NULL;
}

void xa_host_init(struct xa_host *host, struct xa_ground *ground, uint32_t stage)
{
	*host = (struct xa_host){
		.lent = {.size = sizeof(host->lent),
			 .stage = ground->stages[stage].title,
			 .memory_bytes = ground->memory_bytes,
			 .log = host_log,
			 .fail = host_fail,
			 .declare_label = host_declare_label,
			 .declare_metric = host_declare_metric,
			 .find_label = host_find_label,
			 .column = host_column,
			 .hidden = host_hidden,
			 .value = host_value,
			 .value_text = host_value_text,
			 .sample = host_sample,
			 .sample_u64 = host_sample_u64,
			 .read_file = host_read_file,
			 .kept = host_kept},
		.ground = ground,
		.stage = stage,
	};
}

void xa_host_begin(struct xa_host *host, enum xa_host_phase phase)
{
	struct xa_report *report = report_of(host);

	host->phase = phase;
	host->lines = host->lines_cut = 0;
	host->samples_before = host->ground->sample_count;
	host->refused_before = host->ground->samples_refused;
	report->failed = report->cause = report->line = report->column = 0;
	report->file[0] = report->text[0] = '\0';
}

static void drop_samples(const struct xa_host *host)
{
	struct xa_ground *ground = host->ground;

	ground->head->sample_count = ground->sample_count = host->samples_before;
	ground->head->samples_refused = ground->samples_refused = host->refused_before;
}

static void fail_silent(const struct xa_host *host, int error)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "%s() failed and did not say why: %s",
		       host->phase == XA_HOST_OPENING ? "open" : "run", strerror(-error));
	if (error == -ENOMEM)
		host_fail(&host->lent, XA_PLUGIN_MEMORY, NULL, "not enough memory");
	else
		host_fail(&host->lent, XA_PLUGIN_ERROR, NULL, text);
}

bool xa_host_end(struct xa_host *host, int error)
{
	bool worked;

	if (error)
		fail_silent(host, error);
	worked = !report_of(host)->failed;
	if (!worked)
		drop_samples(host);
	say_cut(host);
	host->phase = XA_HOST_IDLE;
	return worked;
}
