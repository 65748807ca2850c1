/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A policy worker for the supervisor's test: it speaks the protocol, and breaks it as its stages'
 * options ask for:
 *	mode: what to do wrong (see the table at the end); absent: nothing
 *	at:   in which run, from 1 (default: each)
 *	life: in which worker's life, from 1 (default: each)
 *	lives: a file that grows by a byte with each life
 * Stage N declares the label lN and the metrics xa_test_gN, xa_test_cN_total, xa_test_hN.
 */

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "core/policy/setup.h"

enum {
	EVEN = 2,
	ODD,
	BROKEN,
	VALUE_COUNT
};

struct worker {
	struct xa_setup setup;
	struct xa_region_layout layout;
	const char *snapshot;
	char *region;
	unsigned life, runs;
	uint64_t number; /* of the order */
};

struct mode {
	const char *name;
	void (*in_open)(struct worker *worker, unsigned stage);
	void (*in_run)(struct worker *worker, unsigned stage);
};

static struct xa_region_head *head_of(struct worker *worker)
{
	return (void *)worker->region;
}

static const char *option(const struct worker *worker, unsigned stage, const char *name)
{
	const struct xa_plugin_node *node = worker->setup.stages[stage].options->children;

	for (; node; node = node->next)
		if (!strcmp(node->key, name))
			return node->text;
	return NULL;
}

/* --- what it says --- */

static void say(const void *message, size_t len)
{
	(void)send(XA_WORKER_SOCKET, message, len, MSG_NOSIGNAL);
}

static void answer(enum xa_answer_kind kind, uint64_t number)
{
	const struct xa_answer message = {.kind = kind, .number = number};

	say(&message, offsetof(struct xa_answer, log));
}

static void say_log(unsigned stage, const char *text)
{
	struct xa_answer message = {.kind = XA_ANSWER_LOG, .stage = stage};

	message.log.level = XA_PLUGIN_LOG_WARN;
	(void)snprintf(message.log.text, sizeof(message.log.text), "%s", text);
	say(&message, offsetof(struct xa_answer, log.text) + strlen(text) + 1);
}

static void say_why(unsigned stage, const char *text)
{
	struct xa_answer message = {.kind = XA_ANSWER_WHY, .stage = stage};

	message.why.line = 7;
	message.why.column = 3;
	(void)snprintf(message.why.file, sizeof(message.why.file), "rule.lua");
	(void)snprintf(message.why.text, sizeof(message.why.text), "%s", text);
	say(&message, offsetof(struct xa_answer, why.text) + strlen(text) + 1);
}

/* --- what it does right --- */

static struct xa_region_value *value_at(struct worker *worker, uint32_t value)
{
	struct xa_region_value *values = (void *)(worker->region + worker->layout.values);

	return &values[value];
}

static void set_value(struct worker *worker, uint32_t value, const char *text, size_t len)
{
	struct xa_region_value *entry = value_at(worker, value);

	entry->len = (uint32_t)len;
	memcpy(entry->text, text, len);
	entry->text[len] = '\0';
}

static void declare_metric(struct worker *worker, unsigned stage, enum xa_plugin_metric_type type,
			   const char *format)
{
	struct xa_region_head *head = head_of(worker);
	struct xa_region_metric *metric = &head->metrics[head->metric_count++];

	metric->stage = stage;
	metric->type = type;
	metric->label_count = 1;
	if (type == XA_PLUGIN_HISTOGRAM) {
		metric->bucket_count = 2;
		metric->buckets[0] = 0.5;
		metric->buckets[1] = 10;
	}
	(void)snprintf(metric->name, sizeof(metric->name), "xa_test_%c%u%s", format[0], stage,
		       format + 1);
	(void)snprintf(metric->help, sizeof(metric->help), "Of a test.");
	(void)snprintf(metric->labels[0], sizeof(metric->labels[0]), "parity");
}

static void declare(struct worker *worker, unsigned stage)
{
	struct xa_region_head *head = head_of(worker);
	struct xa_region_label *label = &head->labels[head->label_count++];

	label->stage = stage;
	(void)snprintf(label->name, sizeof(label->name), "l%u", stage);
	declare_metric(worker, stage, XA_PLUGIN_GAUGE, "g");
	declare_metric(worker, stage, XA_PLUGIN_COUNTER, "c_total");
	declare_metric(worker, stage, XA_PLUGIN_HISTOGRAM, "h");
}

static struct xa_region_sample *sample_add(struct worker *worker)
{
	struct xa_region_sample *samples = (void *)(worker->region + worker->layout.samples);
	struct xa_region_sample *sample = &samples[head_of(worker)->sample_count++];

	memset(sample, 0, sizeof(*sample));
	return sample;
}

/* Which of the declared it is: stages that are left out declare nothing. */
static uint32_t rank_of(const struct worker *worker, unsigned stage)
{
	uint32_t rank = 0;

	for (unsigned i = 0; i < stage; i++)
		rank += !worker->setup.stages[i].disabled;
	return rank;
}

static uint32_t *column_of(struct worker *worker, unsigned stage)
{
	uint32_t *columns = (void *)(worker->region + worker->layout.columns);

	return columns + (size_t)rank_of(worker, stage) * worker->layout.max_flows;
}

static void label_flows(struct worker *worker, unsigned stage)
{
	const struct xa_snapshot_head *snapshot = (const void *)worker->snapshot;
	const struct xa_plugin_flow *flows = (const void *)(worker->snapshot + XA_SNAPSHOT_FLOWS);
	uint8_t *hidden = (void *)(worker->region + worker->layout.hidden);
	uint32_t *column = column_of(worker, stage);

	for (uint64_t i = 0; i < snapshot->count; i++) {
		column[flows[i].handle] = flows[i].handle % 2 ? ODD : EVEN;
		hidden[flows[i].handle] = flows[i].handle % 7 == 0;
	}
}

static void derive(struct worker *worker, unsigned stage)
{
	const struct xa_snapshot_head *snapshot = (const void *)worker->snapshot;
	const uint32_t first = 3 * rank_of(worker, stage);
	struct xa_region_sample *sample;

	sample = sample_add(worker);
	sample->metric = first;
	sample->values[0] = EVEN;
	sample->number = 0.1;
	sample = sample_add(worker);
	sample->metric = first + 1;
	sample->is_u64 = 1;
	sample->values[0] = ODD;
	sample->count = snapshot->count;
	sample = sample_add(worker);
	sample->metric = first + 2;
	sample->number = 4;
}

/* --- what it does wrong --- */

static void wait_forever(struct worker *worker, unsigned stage)
{
	(void)worker;
	(void)stage;
	for (;;)
		(void)pause();
}

static void stop_itself(struct worker *worker, unsigned stage)
{
	(void)kill(getpid(), SIGSTOP);
	wait_forever(worker, stage);
}

static void end_itself(struct worker *worker, unsigned stage)
{
	(void)worker;
	(void)stage;
	_exit(3);
}

static void kill_itself(struct worker *worker, unsigned stage)
{
	(void)kill(getpid(), SIGTERM);
	wait_forever(worker, stage);
}

static void close_socket(struct worker *worker, unsigned stage)
{
	(void)close(XA_WORKER_SOCKET);
	wait_forever(worker, stage);
}

static void say_garbage(struct worker *worker, unsigned stage)
{
	(void)worker;
	(void)stage;
	say("garbage", 7);
}

static void say_unknown(struct worker *worker, unsigned stage)
{
	(void)stage;
	answer(77, worker->number);
}

static void say_nothing(struct worker *worker, unsigned stage)
{
	(void)worker;
	(void)stage;
	say("", 0);
}

static void say_long(struct worker *worker, unsigned stage)
{
	char text[16384] = {XA_ANSWER_DONE};

	(void)worker;
	(void)stage;
	say(text, sizeof(text));
}

static void say_wrong_number(struct worker *worker, unsigned stage)
{
	(void)stage;
	answer(XA_ANSWER_DONE, worker->number + 1);
}

static void say_twice(struct worker *worker, unsigned stage)
{
	(void)stage;
	answer(XA_ANSWER_DONE, worker->number);
}

static void say_opened(struct worker *worker, unsigned stage)
{
	(void)stage;
	answer(XA_ANSWER_OPENED, worker->number);
}

static void say_why_now(struct worker *worker, unsigned stage)
{
	(void)worker;
	say_why(stage, "not now");
}

static void log_of_nobody(struct worker *worker, unsigned stage)
{
	(void)worker;
	(void)stage;
	say_log(99, "who am I");
}

static void log_dirt(struct worker *worker, unsigned stage)
{
	(void)worker;
	say_log(stage, "one\ntwo\xff\x1b[31m");
}

static void log_forever(struct worker *worker, unsigned stage)
{
	(void)worker;
	for (;;)
		say_log(stage, "again");
}

static void log_much(struct worker *worker, unsigned stage)
{
	(void)worker;
	for (int i = 0; i < 2000; i++)
		say_log(stage, "again");
}

static void set_column(struct worker *worker, unsigned stage, uint32_t value)
{
	for (uint32_t i = 0; i < worker->layout.max_flows; i++)
		column_of(worker, stage)[i] = value;
}

static void value_out_of_range(struct worker *worker, unsigned stage)
{
	set_column(worker, stage, UINT32_MAX);
}

static void value_not_utf8(struct worker *worker, unsigned stage)
{
	set_value(worker, BROKEN, "a\xff", 2);
	set_column(worker, stage, BROKEN);
}

static void value_with_newline(struct worker *worker, unsigned stage)
{
	set_value(worker, BROKEN, "a\nb", 3);
	set_column(worker, stage, BROKEN);
}

static void value_without_end(struct worker *worker, unsigned stage)
{
	memset(value_at(worker, BROKEN)->text, 'a', sizeof(value_at(worker, BROKEN)->text));
	value_at(worker, BROKEN)->len = sizeof(value_at(worker, BROKEN)->text);
	set_column(worker, stage, BROKEN);
}

static void value_of_any_length(struct worker *worker, unsigned stage)
{
	value_at(worker, BROKEN)->len = UINT32_MAX;
	set_column(worker, stage, BROKEN);
}

static void sample_of_nobody(struct worker *worker, unsigned stage)
{
	(void)stage;
	sample_add(worker)->metric = UINT32_MAX;
}

static void sample_of_no_value(struct worker *worker, unsigned stage)
{
	struct xa_region_sample *sample = sample_add(worker);

	sample->metric = 3 * rank_of(worker, stage);
	sample->values[0] = UINT32_MAX;
}

static void sample_not_finite(struct worker *worker, unsigned stage)
{
	struct xa_region_sample *sample = sample_add(worker);

	sample->metric = 3 * rank_of(worker, stage);
	sample->number = NAN;
}

static void sample_negative(struct worker *worker, unsigned stage)
{
	struct xa_region_sample *sample = sample_add(worker);

	sample->metric = 3 * rank_of(worker, stage) + 1;
	sample->number = -1;
}

static void samples_too_many(struct worker *worker, unsigned stage)
{
	(void)stage;
	head_of(worker)->sample_count = UINT32_MAX;
}

static void report(struct worker *worker, unsigned stage, uint32_t cause, const char *text)
{
	struct xa_report *to = &head_of(worker)->stages[stage].report;

	to->failed = 1;
	to->cause = cause;
	to->line = 12;
	(void)snprintf(to->file, sizeof(to->file), "rule.lua");
	(void)snprintf(to->text, sizeof(to->text), "%s", text);
}

static void report_error(struct worker *worker, unsigned stage)
{
	report(worker, stage, XA_PLUGIN_STEPS, "too many steps\nin function 'a'\x1b\xff");
}

static void report_wild(struct worker *worker, unsigned stage)
{
	struct xa_report *to = &head_of(worker)->stages[stage].report;

	memset(to, 0xff, sizeof(*to));
}

static void report_memory(struct worker *worker, unsigned stage)
{
	report(worker, stage, XA_PLUGIN_MEMORY, "not enough memory");
	_exit(1);
}

/* In both places, as the true worker does it. */
static void set_running(struct worker *worker, uint32_t running)
{
	uint32_t *again = (void *)((char *)worker->region + worker->layout.running);

	*again = running;
	head_of(worker)->running = running;
}

static void blame_nobody(struct worker *worker, unsigned stage)
{
	(void)stage;
	set_running(worker, 0);
	_exit(1);
}

static void blame_wildly(struct worker *worker, unsigned stage)
{
	(void)stage;
	set_running(worker, UINT32_MAX);
	_exit(1);
}

/* As a stage does that writes out of bounds, downwards. */
static void overwrite_head(struct worker *worker, unsigned stage)
{
	(void)stage;
	memset(head_of(worker), 0xa5, sizeof(*head_of(worker)));
	_exit(1);
}

/* All over the region, but for what would end it at once. */
static void *scribble_forever(void *ctx)
{
	struct worker *worker = ctx;
	uint64_t random = 88172645463325252ULL;

	for (;;) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		worker->region[random % worker->layout.size] = (char)(random >> 56);
		value_at(worker, EVEN)->text[random % 8] = (char)(random >> 48);
		value_at(worker, EVEN)->len = (uint32_t)(random >> 40) % 300;
		column_of(worker, 0)[random % worker->layout.max_flows] = (uint32_t)(random >> 60);
	}
	return NULL;
}

static void scribble(struct worker *worker, unsigned stage)
{
	pthread_t thread;

	(void)stage;
	if (worker->runs == 1)
		(void)pthread_create(&thread, NULL, scribble_forever, worker);
}

static void write_snapshot(struct worker *worker, unsigned stage)
{
	const size_t size = xa_snapshot_size(worker->setup.head.max_flows);
	void *memory;

	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, XA_WORKER_SNAPSHOT, 0);
	if (memory != MAP_FAILED || pwrite(XA_WORKER_SNAPSHOT, "x", 1, 0) >= 0 ||
	    !ftruncate(XA_WORKER_SNAPSHOT, 0) || !ftruncate(XA_WORKER_REGION, 0) ||
	    pwrite(XA_WORKER_SETUP, "x", 1, 0) >= 0 ||
	    !mprotect((void *)(uintptr_t)worker->snapshot, size, PROT_READ | PROT_WRITE))
		report(worker, stage, XA_PLUGIN_ERROR, "a seal is missing");
}

/* What it finds open besides what it was handed. */
static void look_around(struct worker *worker, unsigned stage)
{
	sigset_t blocked;

	for (int fd = XA_WORKER_FDS_END_; fd < 256; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			report(worker, stage, XA_PLUGIN_ERROR, "a descriptor too many");
	if (environ && environ[0])
		report(worker, stage, XA_PLUGIN_ERROR, "an environment");
	if (sigprocmask(SIG_BLOCK, NULL, &blocked) || !sigisemptyset(&blocked))
		report(worker, stage, XA_PLUGIN_ERROR, "blocked signals");
}

static void keep(struct worker *worker, unsigned stage)
{
	const struct xa_setup_stage *setup = &worker->setup.stages[stage];
	struct xa_region_stage *region = &head_of(worker)->stages[stage];

	if (setup->kept_len == 4 && !memcmp(setup->kept, "kept", 4))
		say_log(stage, "found what was kept");
	memcpy(region->kept, "kept", 4);
	region->kept_len = 4;
}

static void keep_too_much(struct worker *worker, unsigned stage)
{
	if (worker->setup.stages[stage].kept_len)
		say_log(stage, "found what was kept");
	head_of(worker)->stages[stage].kept_len = UINT32_MAX;
}

/* --- while it opens --- */

static void refuse(struct worker *worker, unsigned stage)
{
	(void)worker;
	say_why(stage, "no such thing");
	answer(XA_ANSWER_REFUSED, 0);
	_exit(1);
}

static void refuse_silently(struct worker *worker, unsigned stage)
{
	(void)worker;
	(void)stage;
	answer(XA_ANSWER_REFUSED, 0);
	_exit(1);
}

static void many_labels(struct worker *worker, unsigned stage)
{
	(void)stage;
	head_of(worker)->label_count = UINT32_MAX;
}

static void many_metrics(struct worker *worker, unsigned stage)
{
	(void)stage;
	head_of(worker)->metric_count = XA_PLUGIN_METRICS_MAX + 1;
}

static struct xa_region_label *own_label(struct worker *worker, unsigned stage)
{
	return &head_of(worker)->labels[rank_of(worker, stage)];
}

static struct xa_region_metric *own_metric(struct worker *worker, unsigned stage)
{
	return &head_of(worker)->metrics[3 * rank_of(worker, stage)];
}

static void label_without_end(struct worker *worker, unsigned stage)
{
	memset(own_label(worker, stage)->name, 'a', XA_PLUGIN_NAME_BYTES);
}

static void label_of_flows(struct worker *worker, unsigned stage)
{
	(void)snprintf(own_label(worker, stage)->name, XA_PLUGIN_NAME_BYTES, "src");
}

static void label_of_nobody(struct worker *worker, unsigned stage)
{
	own_label(worker, stage)->stage = XA_POLICY_STAGES_MAX;
}

static void metric_of_nobody(struct worker *worker, unsigned stage)
{
	own_metric(worker, stage)->stage = UINT32_MAX;
}

static void metric_without_end(struct worker *worker, unsigned stage)
{
	memset(own_metric(worker, stage)->name, 'a', XA_PLUGIN_NAME_BYTES);
}

static void metric_of_no_type(struct worker *worker, unsigned stage)
{
	own_metric(worker, stage)->type = UINT32_MAX;
}

static void metric_many_labels(struct worker *worker, unsigned stage)
{
	own_metric(worker, stage)->label_count = UINT32_MAX;
}

static void metric_many_buckets(struct worker *worker, unsigned stage)
{
	own_metric(worker, stage)->bucket_count = UINT32_MAX;
}

static void metric_built_in(struct worker *worker, unsigned stage)
{
	(void)snprintf(own_metric(worker, stage)->name, XA_PLUGIN_NAME_BYTES,
		       "xdp_netflow_active_flows");
}

static void metric_changed(struct worker *worker, unsigned stage)
{
	(void)snprintf(own_metric(worker, stage)->help, XA_POLICY_HELP_BYTES, "Of another test.");
}

static const struct mode modes[] = {
	{"late", wait_forever, wait_forever},
	{"stop", stop_itself, stop_itself},
	{"end", end_itself, end_itself},
	{"killed", kill_itself, kill_itself},
	{"close", close_socket, close_socket},
	{"garbage", say_garbage, say_garbage},
	{"unknown", say_unknown, say_unknown},
	{"nothing", say_nothing, say_nothing},
	{"long", say_long, say_long},
	{"log_of_nobody", log_of_nobody, log_of_nobody},
	{"log_forever", log_forever, log_forever},
	{"blame_nobody", blame_nobody, blame_nobody},
	{"blame_wildly", blame_wildly, blame_wildly},
	{"overwrite_head", NULL, overwrite_head},
	{"memory", report_memory, report_memory},
	{"log_dirt", NULL, log_dirt},
	{"log_much", log_much, log_much},
	{"wrong_number", NULL, say_wrong_number},
	{"twice", NULL, say_twice},
	{"opened", NULL, say_opened},
	{"why", NULL, say_why_now},
	{"value_out_of_range", NULL, value_out_of_range},
	{"value_not_utf8", NULL, value_not_utf8},
	{"value_with_newline", NULL, value_with_newline},
	{"value_without_end", NULL, value_without_end},
	{"value_of_any_length", NULL, value_of_any_length},
	{"sample_of_nobody", NULL, sample_of_nobody},
	{"sample_of_no_value", NULL, sample_of_no_value},
	{"sample_not_finite", NULL, sample_not_finite},
	{"sample_negative", NULL, sample_negative},
	{"samples_too_many", NULL, samples_too_many},
	{"report", NULL, report_error},
	{"report_wild", NULL, report_wild},
	{"scribble", NULL, scribble},
	{"write_snapshot", NULL, write_snapshot},
	{"look_around", NULL, look_around},
	{"keep", keep, NULL},
	{"keep_too_much", keep_too_much, NULL},
	{"refuse", refuse, NULL},
	{"refuse_silently", refuse_silently, NULL},
	{"many_labels", many_labels, NULL},
	{"many_metrics", many_metrics, NULL},
	{"label_without_end", label_without_end, NULL},
	{"label_of_flows", label_of_flows, NULL},
	{"label_of_nobody", label_of_nobody, NULL},
	{"metric_of_nobody", metric_of_nobody, NULL},
	{"metric_without_end", metric_without_end, NULL},
	{"metric_of_no_type", metric_of_no_type, NULL},
	{"metric_many_labels", metric_many_labels, NULL},
	{"metric_many_buckets", metric_many_buckets, NULL},
	{"metric_built_in", metric_built_in, NULL},
	{"metric_changed", metric_changed, NULL},
};

/* --- life --- */

/* "open" in front of a mode's name: while the stage is opened. */
static void misbehave(struct worker *worker, unsigned stage, bool in_open)
{
	const char *name = option(worker, stage, "mode"), *at = option(worker, stage, "at");
	const char *life = option(worker, stage, "life");
	bool wants_open;

	if (!name || (life && strtoul(life, NULL, 10) != worker->life) ||
	    (!in_open && at && strtoul(at, NULL, 10) != worker->runs))
		return;
	wants_open = !strncmp(name, "open_", 5);
	name += wants_open ? 5 : 0;
	for (size_t i = 0; wants_open == in_open && i < array_size(modes); i++) {
		if (strcmp(name, modes[i].name) != 0)
			continue;
		(in_open ? modes[i].in_open : modes[i].in_run)(worker, stage);
		return;
	}
	if (wants_open == in_open && !strstr(name, "_in_close"))
		_exit(99);
}

static void each_stage(struct worker *worker, bool in_open)
{
	for (unsigned i = 0; i < worker->setup.head.stage_count; i++) {
		if (worker->setup.stages[i].disabled)
			continue;
		set_running(worker, i + 1);
		if (in_open) {
			declare(worker, i);
		} else {
			label_flows(worker, i);
			derive(worker, i);
		}
		misbehave(worker, i, in_open);
	}
	set_running(worker, 0);
}

static unsigned count_life(const struct worker *worker)
{
	for (unsigned i = 0; i < worker->setup.head.stage_count; i++) {
		const char *path = option(worker, i, "lives");
		_cleanup_close_ int fd = path ? open(path, O_WRONLY | O_APPEND) : -1;

		if (fd >= 0 && write(fd, "x", 1) == 1)
			return (unsigned)lseek(fd, 0, SEEK_END);
	}
	return 1;
}

static bool begin(struct worker *worker)
{
	struct stat status;
	void *setup;

	if (fstat(XA_WORKER_SETUP, &status))
		return false;
	setup = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, XA_WORKER_SETUP, 0);
	if (setup == MAP_FAILED || xa_setup_read(&worker->setup, setup, (size_t)status.st_size))
		return false;
	worker->layout = xa_region_layout(worker->setup.head.max_flows,
					  worker->setup.head.max_values);
	worker->snapshot = mmap(NULL, xa_snapshot_size(worker->setup.head.max_flows), PROT_READ,
				MAP_SHARED, XA_WORKER_SNAPSHOT, 0);
	worker->region = mmap(NULL, worker->layout.size, PROT_READ | PROT_WRITE, MAP_SHARED,
			      XA_WORKER_REGION, 0);
	worker->life = count_life(worker);
	return worker->snapshot != MAP_FAILED && worker->region != MAP_FAILED;
}

/* Modes of their own: what they do, they do here. */
static void end_in_order(struct worker *worker)
{
	for (unsigned i = 0; i < worker->setup.head.stage_count; i++) {
		const char *mode = option(worker, i, "mode");

		set_running(worker, i + 1);
		if (mode && !strcmp(mode, "crash_in_close")) {
			(void)signal(SIGSEGV, SIG_DFL); /* a sanitizer's takes its time */
			(void)raise(SIGSEGV);
		}
		if (mode && !strcmp(mode, "wait_in_close"))
			wait_forever(worker, i);
	}
	_exit(0);
}

static void obey(struct worker *worker, const struct xa_order *order)
{
	worker->number = order->number;
	if (order->kind == XA_ORDER_STOP)
		end_in_order(worker);
	if (order->kind == XA_ORDER_SAVE) {
		answer(XA_ANSWER_SAVED, order->number);
		return;
	}
	worker->runs++;
	head_of(worker)->sample_count = 0;
	for (unsigned i = 0; i < XA_POLICY_STAGES_MAX; i++)
		head_of(worker)->stages[i].report.failed = 0;
	each_stage(worker, false);
	answer(XA_ANSWER_DONE, order->number);
}

int main(void)
{
	struct worker worker = {0};
	struct xa_order order;

	if (!begin(&worker))
		_exit(98);
	set_value(&worker, XA_PLUGIN_VALUE_OTHER, "other", 5);
	set_value(&worker, EVEN, "even", 4);
	set_value(&worker, ODD, "odd", 3);
	head_of(&worker)->value_count = VALUE_COUNT;
	each_stage(&worker, true);
	answer(XA_ANSWER_OPENED, 0);
	while (recv(XA_WORKER_SOCKET, &order, sizeof(order), 0) == sizeof(order))
		obey(&worker, &order);
	_exit(0);
}
