/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The loop, and the two things that it does: tick() takes a snapshot and pins its page; a reload
 * is built beside what runs, between one tick and another, and swapped in, or leaves everything as
 * it is.
 */

#include "core/auditor.h"

#include <limits.h>
#include <signal.h>
#include <string.h>

#include "config/whys.h"
#include "core/auditor_policy.h"
#include "core/base/log.h"
#include "core/exit.h"
#include "core/http/server.h"
#include "core/http/web.h"
#include "core/loop.h"
#include "core/notify.h"
#include "core/poll.h"
#include "core/privileges.h"
#include "core/reload.h"
#include "core/source/attach.h"
#include "core/watch.h"

/* A snapshot is overdue when two in a row are missing and some time for the work has passed. */
#define STALE_INTERVALS 3
#define STALE_GRACE_NS	(5 * XA_NS_PER_S)

struct xa_auditor {
	const struct xa_config_source *source;
	struct xa_running running;
	struct xa_reloading reload;
	bool reload_wanted; /* asked for since the last one began */
	struct xa_books books;
	struct xa_poll poll;
	struct xa_xdp *xdp;
	struct xa_attach *attach;
	struct xa_board *board;
	struct xa_server *server;
	struct xa_watch *watch; /* NULL: of no files */
	struct xa_self self;
	struct xa_self_stage stages[XA_POLICY_STAGES_MAX]; /* self.policy's */
	uint64_t judged_ns; /* when the policy saw a snapshot last; 0: never */
	struct xa_notify notify;
	uint64_t publish_cpu_ns; /* of the last snapshot */
	int last_tick_error;
	struct xa_loop loop;
};

static void auditor_done(struct xa_auditor *auditor)
{
	xa_notify_close(&auditor->notify);
	xa_watch_free(auditor->watch);
	xa_server_free(auditor->server);
	xa_board_free(auditor->board);
	xa_attach_free(auditor->attach);
	xa_xdp_free(auditor->xdp);
	xa_books_close(&auditor->books);
	xa_reload_end(&auditor->reload);
	xa_running_done(&auditor->running);
	xa_loop_close(&auditor->loop);
}

static double wall_seconds(void)
{
	return (double)xa_wall_ns() / 1e9;
}

/* --- snapshot --- */

/* Interfaces by slot; packets of none of them show only if there were any. */
static void name_slots(const struct xa_auditor *auditor, const char **ret_names)
{
	const struct xa_attachment *attachments = xa_attach_list(auditor->attach);

	for (unsigned slot = 0; slot < XA_SLOTS; slot++)
		ret_names[slot] = xa_attachment_has_counted(&attachments[slot])
					  ? attachments[slot].name
					  : NULL;
	if (xa_ledger_account(auditor->books.ledger, XA_SLOT_UNKNOWN)->seen.packets)
		ret_names[XA_SLOT_UNKNOWN] = XA_INTERFACE_OTHER;
}

/* The policy's turn: it is late at most by its deadline, and packets are counted meanwhile. */
static void judge(struct xa_auditor *auditor, const char *const *names)
{
	uint64_t now_ns = xa_now_ns();
	struct xa_view_time time = {
		.now_tick = auditor->poll.now_tick,
		.wall_ns = xa_wall_ns(),
		.interval_ns = auditor->judged_ns ? now_ns - auditor->judged_ns : 0,
	};

	xa_judge_flows(auditor->running.policy, &auditor->books, &time, names);
	/* without stages it saw none: deltas go on from where the marks stand */
	if (xa_policy_has_stages(auditor->running.policy))
		auditor->judged_ns = now_ns;
	auditor->self.policy = xa_policy_tell(auditor->running.policy, auditor->stages);
}

static int publish(struct xa_auditor *auditor)
{
	const char *names[XA_SLOTS];
	struct xa_traffic traffic = {
		.config = auditor->running.config,
		.slot_names = names,
	};
	struct xa_page *page;
	int error;

	name_slots(auditor, names);
	judge(auditor, names);
	xa_judge_rank(auditor->running.policy, &auditor->books, auditor->poll.now_tick,
		      auditor->running.top, &traffic);
	auditor->self.fill = auditor->poll.fill;
	auditor->self.attachments = xa_attach_list(auditor->attach);
	auditor->self.attached = xa_attach_is_complete(auditor->attach);
	auditor->self.snapshot_time = wall_seconds();
	auditor->self.stale_after_ns = xa_now_ns() + STALE_INTERVALS * auditor->self.interval_ns +
				       STALE_GRACE_NS;
	error = xa_snapshot_page(&page, &traffic, &auditor->self);
	if (error)
		return error;
	xa_board_pin(auditor->board, page);
	return 0;
}

/* CPU time of this thread: waiting for the grace period is none. */
static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * XA_NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* Interfaces without a slot are blind spots: said once for each number of them. */
static void check_interfaces(struct xa_auditor *auditor, bool retry)
{
	size_t slotless;

	xa_attach_check(auditor->attach, retry);
	slotless = xa_attach_slotless(auditor->attach);
	if (slotless && slotless != auditor->self.slotless)
		xa_log_error("no slot left for %zu interfaces, %d at most: their packets are not "
			     "seen",
			     slotless, XA_SLOTS - 1);
	auditor->self.slotless = slotless;
}

/* No snapshot is so dear that the next has to wait longer than poll_interval may be. */
#define INTERVAL_MAX_NS (3600 * XA_NS_PER_S)

/* The interval at which a snapshot that costs so much stays within the budget; not shorter than the
 * config's. It follows a rise at once and a fall when it is a clear one, so that the timer is not
 * set each time. */
static void pace(struct xa_auditor *auditor, uint64_t spent_ns)
{
	const struct xa_config *config = auditor->running.config;
	uint64_t wanted = spent_ns * 100 / config->flows.cpu_budget;
	uint64_t kept = auditor->self.interval_ns;

	if (wanted > INTERVAL_MAX_NS)
		wanted = INTERVAL_MAX_NS;
	if (wanted < config->poll_interval_ns)
		wanted = config->poll_interval_ns;
	else if (wanted <= kept && wanted > kept / 4 * 3)
		return;
	if (wanted != kept && !xa_loop_set_timer(&auditor->loop, wanted))
		auditor->self.interval_ns = wanted;
}

static int snapshot(struct xa_auditor *auditor)
{
	uint64_t start = xa_now_ns(), cpu_start = cpu_ns(), collected;
	int error = xa_poll_collect(&auditor->poll, auditor->xdp, &auditor->books);

	if (error)
		return error;
	/* before the page, which tells the interval: what publishing costs is taken from the last
	 */
	collected = cpu_ns();
	pace(auditor, collected - cpu_start + auditor->publish_cpu_ns);
	error = publish(auditor);
	auditor->publish_cpu_ns = cpu_ns() - collected;
	if (error)
		return error;
	auditor->self.last_poll_ns = xa_now_ns() - start;
	xa_histogram_observe(&auditor->self.poll_durations, &xa_poll_bounds,
			     auditor->self.last_poll_ns);
	return 0;
}

static void tick(struct xa_auditor *auditor)
{
	int error;

	check_interfaces(auditor, true);
	error = snapshot(auditor);
	if (error)
		auditor->self.poll_failures++;
	if (error && error != auditor->last_tick_error)
		xa_log_error("snapshot failed error=\"%s\", keeping the last page",
			     strerror(-error));
	auditor->last_tick_error = error;
}

/* --- interfaces --- */

static void attach_event(void *ctx, enum xa_attach_event event,
			 const struct xa_attachment *attachment, uint64_t gap_ns)
{
	const char *name = attachment->name, *mode = xa_mode_names[attachment->mode];

	(void)ctx;
	switch (event) {
	case XA_ATTACHED:
		xa_log_info("netflow_filter attached to %s (mode=%s)", name, mode);
		break;
	case XA_REATTACHED:
		xa_log_info("netflow_filter attached to %s (mode=%s) again, unseen_ms=%llu", name,
			    mode, (unsigned long long)(gap_ns / XA_NS_PER_MS));
		break;
	case XA_ATTACH_FAILED:
		xa_log_warn("netflow_filter not attached to %s: %s", name, attachment->why);
		break;
	case XA_ATTACH_LOST:
		xa_log_warn("netflow_filter came off %s: %s", name, attachment->why);
		break;
	case XA_DETACHED:
		xa_log_info("netflow_filter detached from %s", name);
		break;
	}
}

/* An interface that nobody wants any more keeps its counters on the page for as long as a flow. */
static bool is_slot_free(void *ctx, uint8_t slot)
{
	const struct xa_auditor *auditor = ctx;
	uint64_t since = xa_attach_list(auditor->attach)[slot].detached_since_ns;

	return xa_now_ns() - since >= auditor->running.config->flows.idle_timeout_ns &&
	       xa_poll_is_slot_free(&auditor->poll, &auditor->books, slot, since);
}

/* --- config --- */

/* What is new first, and what would be missed most last: an interface that is let go of loses
 * packets. */
static int running_try(struct xa_auditor *auditor, const struct xa_running *next,
		       enum xa_reload_phase *phase, struct xa_why *why)
{
	int error = xa_server_listen(auditor->server, next->config, next->web, why);
	const struct xa_running *kept;

	*phase = XA_RELOAD_PHASE_LISTEN;
	if (error)
		return error;
	*phase = XA_RELOAD_PHASE_ATTACH;
	error = xa_attach_configure(auditor->attach, next->config, why);
	kept = error ? &auditor->running : next;
	xa_server_keep(auditor->server, kept->config, kept->web);
	return error;
}

/* As it is in force, so after a start or a reload has succeeded. */
static void note_config(struct xa_auditor *auditor)
{
	struct xa_reload_stats *stats = &auditor->self.reload;

	if (xa_config_hash(auditor->running.config, stats->hash))
		stats->hash[0] = '\0';
}

/* At each start and each reload: it is easily forgotten. */
static void warn_exposed(const struct xa_web *web)
{
	if (web->missing)
		xa_log_warn("http.insecure: whoever reaches the listen addresses is answered, %s "
			    "is missing",
			    web->missing);
}

/* What a reload gives up: it stands in files of its own, of which no change of the config tells. */
static void warn_opened(const struct xa_web *before, const struct xa_web *after)
{
	if (before->auth && !after->auth)
		xa_log_warn("no password and no token is asked for any more: http.web_config_file "
			    "and http.bearer_token_file have none");
	if (before->tls && !after->tls)
		xa_log_warn("no TLS any more: http.web_config_file has no tls_server_config");
}

static void log_diff(const struct xa_config *before, const struct xa_config *after)
{
	_cleanup_xa_buf_ struct xa_buf diff = {0};
	char *line, *rest;

	xa_config_diff(before, after, &diff);
	if (xa_buf_failed(&diff) || !diff.text)
		return;
	for (rest = diff.text; (line = strsep(&rest, "\n"));)
		if (*line)
			xa_log_info("config: %s", line);
}

static int watch_open(struct xa_auditor *auditor)
{
	_cleanup_xa_watch_ struct xa_watch *watch = NULL;
	int error = xa_watch_new(&watch);

	if (!error)
		error = xa_loop_add(&auditor->loop, xa_watch_fd(watch), XA_EVENT_WATCH);
	if (!error)
		auditor->watch = take_ptr(watch);
	return error;
}

/* After each load: of the files that the config which runs is made of. */
static void watch_files(struct xa_auditor *auditor)
{
	const struct xa_config *config = auditor->running.config;
	const char *path = auditor->source->path;
	int error = 0;

	if (config->watch == XA_OFF || !path) {
		xa_watch_free(take_ptr(auditor->watch));
		return;
	}
	if (!auditor->watch)
		error = watch_open(auditor);
	if (!error)
		error = xa_watch_set(auditor->watch, path, config);
	if (error)
		xa_log_warn("the files of the configuration are not watched: %s%s, ignoring",
			    strerror(-error),
			    error == -EMFILE ? " (raise fs.inotify.max_user_instances)" : "");
}

static void log_fixed(const struct xa_config *config)
{
	xa_log_warn("flows.max and flows.percpu cannot change while the daemon runs: flows.max=%u "
		    "and flows.percpu=%s stay until a restart",
		    config->flows.max, xa_switch_names[config->flows.percpu]);
}

/* Between two polls, so that no snapshot is judged by halves of two. */
static int swap(struct xa_auditor *auditor)
{
	struct xa_running *next = &auditor->reload.next, before = auditor->running;
	struct xa_why why = {0};
	int error = xa_judge_prepare(next->policy, &auditor->books);

	if (!error)
		error = running_try(auditor, next, &auditor->reload.phase, &why);
	if (error) {
		xa_whys_add(&auditor->reload.whys, "", 0, 0, "%s",
			    why.text[0] ? why.text : strerror(-error));
		return error;
	}
	xa_books_configure(&auditor->books, next->config);
	auditor->running = *next;
	*next = (struct xa_running){0};
	auditor->self.policy = xa_policy_tell(auditor->running.policy, auditor->stages);
	log_diff(before.config, auditor->running.config);
	warn_opened(before.web, auditor->running.web);
	if (auditor->reload.needs_restart)
		log_fixed(auditor->running.config);
	xa_running_done(&before);
	watch_files(auditor);
	if (!xa_loop_set_timer(&auditor->loop, auditor->running.config->poll_interval_ns))
		auditor->self.interval_ns = auditor->running.config->poll_interval_ns;
	return 0;
}

static void reload_tell(struct xa_auditor *auditor, int error)
{
	static const char refused[] = "config not reloaded, the one before runs on";
	static const char taken[] = "config reloaded";
	struct xa_reload_stats *stats = &auditor->self.reload;
	_cleanup_xa_buf_ struct xa_buf outcome = {0};

	stats->count++;
	stats->last_ok = !error;
	if (error) {
		stats->failures[auditor->reload.phase]++;
		stats->last_phase = auditor->reload.phase;
		xa_log_whys(&auditor->reload.whys);
		xa_log_error("%s", refused);
	} else {
		stats->needs_restart = auditor->reload.needs_restart;
		stats->success_time = wall_seconds();
		note_config(auditor);
		xa_log_info("%s", taken);
		warn_exposed(auditor->running.web);
	}
	tick(auditor); /* the page shows the outcome now, not an interval later */
	xa_whys_lines(&auditor->reload.whys, &outcome);
	xa_buf_addf(&outcome, "%s\n", error ? refused : taken);
	xa_server_reloaded(auditor->server, !error, outcome.text);
	xa_notify_send(&auditor->notify, "READY=1\nSTATUS=%s",
		       error ? "the last reload was refused" : "reloaded");
}

static int reload_begin(struct xa_auditor *auditor)
{
	auditor->reload_wanted = false;
	xa_notify_send(&auditor->notify, "RELOADING=1\nMONOTONIC_USEC=%llu",
		       (unsigned long long)(xa_now_ns() / 1000));
	xa_server_reload_begins(auditor->server);
	xa_watch_take(auditor->watch);
	return xa_reload_begin(&auditor->reload, auditor->source, &auditor->running);
}

/* Whether there is a worker to wait for; else *ret_error is the outcome. */
static bool reload_goes_on(struct xa_auditor *auditor, int *ret_error)
{
	const struct xa_policy *awaited;

	*ret_error = xa_reload_step(&auditor->reload, &auditor->running);
	if (*ret_error != -EAGAIN)
		return false;
	awaited = xa_reload_awaits(&auditor->reload);
	*ret_error = xa_loop_await(&auditor->loop, xa_policy_fd(awaited));
	if (*ret_error)
		xa_whys_add(&auditor->reload.whys, "", 0, 0,
			    "cannot wait for the policy worker: %s", strerror(-*ret_error));
	return !*ret_error;
}

/* Goes on with the reload that is under way, or begins the one that is wanted. However many were
 * asked for meanwhile, one follows, by the files as they are then. */
static void reload(struct xa_auditor *auditor)
{
	int error = 0;

	if (!auditor->reload.is_under_way) {
		if (!auditor->reload_wanted)
			return;
		error = reload_begin(auditor);
	}
	if (!error && reload_goes_on(auditor, &error))
		return;
	(void)xa_loop_await(&auditor->loop, -1);
	if (!error)
		error = swap(auditor);
	xa_reload_end(&auditor->reload);
	reload_tell(auditor, error);
}

/* --- start --- */

static bool poll_works(void *ctx)
{
	return xa_xdp_is_permitted(ctx);
}

static int drop_privileges(struct xa_auditor *auditor)
{
	struct xa_why why = {0};
	bool kept;
	int error = xa_privileges_drop(poll_works, auditor->xdp, &kept, &why);

	if (error)
		xa_log_error("%s", why.text);
	else if (kept)
		xa_log_warn(
			"keeping CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON: this kernel wants them "
			"for each use of a BPF map (before 5.19)");
	else
		xa_log_info("dropped all capabilities");
	return error;
}

/* What the kernel made of it, where that is not what was meant. */
static void note_kernel(struct xa_auditor *auditor, const struct xa_xdp_options *options)
{
	uint64_t computed = xa_xdp_memory_bytes(options), used = xa_xdp_memory_used(auditor->xdp);

	auditor->self.capacity = xa_xdp_capacity(auditor->xdp);
	auditor->self.map_bytes = used ? used : computed;
	xa_log_info("flow maps take %llu bytes of kernel memory (computed: %llu)",
		    (unsigned long long)used, (unsigned long long)computed);
	if (!xa_xdp_sees_buff(auditor->xdp))
		xa_log_info("frame lengths by a call for each packet: before 6.2, or without "
			    "CAP_PERFMON, there is no cheaper way");
	if (!xa_xdp_has_frags(auditor->xdp))
		xa_log_warn("this kernel has no multi-buffer XDP (before 5.18): interfaces with "
			    "jumbo frames may need mode: skb");
}

static int open_kernel(struct xa_auditor *auditor)
{
	const struct xa_config *config = auditor->running.config;
	struct xa_attach_hooks hooks = {auditor, attach_event, is_slot_free};
	struct xa_xdp_options options = {
		.max_flows = config->flows.max,
		.percpu = config->flows.percpu == XA_ON,
	};
	struct xa_why why = {0};
	int error = xa_books_open(&auditor->books, config);

	if (!error)
		error = xa_xdp_new(&auditor->xdp, &options, &why);
	if (!error)
		note_kernel(auditor, &options);
	if (!error)
		error = xa_attach_new(&auditor->attach, auditor->xdp, auditor->books.ledger,
				      &hooks);
	if (!error)
		error = xa_attach_configure(auditor->attach, config, &why);
	if (error)
		xa_log_error("%s", why.text[0] ? why.text : strerror(-error));
	return error;
}

/* As HUP does, so that all who ask while one runs get one reload together. To the process, not to
 * the server's thread that calls: there it would stay pending, where the loop does not look. */
static void ask_reload(void *ctx)
{
	(void)ctx;
	(void)kill(getpid(), SIGHUP);
}

static void warn_file(void *ctx, const struct xa_why *why)
{
	(void)ctx;
	xa_log_warn("a file of the web configuration has changed and is no good: %s", why->text);
}

static int open_http(struct xa_auditor *auditor)
{
	const struct xa_server_hooks hooks = {.reload = ask_reload, .warn = warn_file};
	struct xa_why why = {0};
	int error = xa_board_new(&auditor->board);

	if (!error)
		error = xa_server_new(&auditor->server, auditor->board, &hooks);
	if (!error)
		error = xa_server_listen(auditor->server, auditor->running.config,
					 auditor->running.web, &why);
	if (!error)
		xa_server_keep(auditor->server, auditor->running.config, auditor->running.web);
	if (error)
		xa_log_error("%s", why.text[0] ? why.text : strerror(-error));
	return error;
}

static int open_loop(struct xa_auditor *auditor)
{
	int error = xa_loop_open(&auditor->loop);

	if (error)
		xa_log_error("cannot set up the loop: %s", strerror(-error));
	return error;
}

static void log_serving(const struct xa_listen *listen, bool tls)
{
	if (listen->address.ss_family == AF_UNIX)
		xa_log_info("serving /metrics at %s", listen->text);
	else
		xa_log_info("serving http%s://%s/metrics", tls ? "s" : "", listen->text);
}

static int start(struct xa_auditor *auditor)
{
	struct xa_whys whys = {0};
	int error = xa_notify_open(&auditor->notify);

	if (error)
		xa_log_warn("cannot reach NOTIFY_SOCKET: %s, ignoring", strerror(-error));
	error = xa_running_load(&auditor->running, auditor->source, &whys);
	xa_log_whys(&whys);
	if (error)
		return error == -ENOMEM ? XA_EXIT_FAILURE : XA_EXIT_CONFIG;
	error = open_loop(auditor);
	if (!error)
		watch_files(auditor);
	if (!error)
		error = open_kernel(auditor);
	if (!error)
		error = drop_privileges(auditor);
	if (error)
		return error == -EPERM ? XA_EXIT_NOT_PERMITTED : XA_EXIT_FAILURE;
	/* after it: a process and a thread have the rights of their making */
	error = xa_policy_load(&auditor->running.policy, auditor->running.config);
	if (!error)
		error = xa_judge_prepare(auditor->running.policy, &auditor->books);
	if (error)
		return error == -EINVAL ? XA_EXIT_CONFIG : XA_EXIT_FAILURE;
	error = open_http(auditor);
	auditor->self.interval_ns = auditor->running.config->poll_interval_ns;
	if (!error)
		error = xa_loop_set_timer(&auditor->loop, auditor->self.interval_ns);
	if (error)
		return XA_EXIT_FAILURE;
	auditor->self.reload.last_ok = true;
	auditor->self.reload.success_time = wall_seconds();
	note_config(auditor);
	tick(auditor);
	for (size_t i = 0; i < auditor->running.config->listen_count; i++)
		log_serving(&auditor->running.config->listen[i], auditor->running.web->tls);
	warn_exposed(auditor->running.web);
	xa_notify_send(&auditor->notify, "READY=1\nSTATUS=counting");
	return XA_EXIT_OK;
}

/* --- loop --- */

static void dump_account(const struct xa_auditor *auditor, unsigned slot, const char *name)
{
	const struct xa_attachment *attachment = &xa_attach_list(auditor->attach)[slot];
	const struct xa_account *account = xa_ledger_account(auditor->books.ledger, (uint8_t)slot);
	struct xa_residual residual = xa_account_residual(account);

	xa_log_info("state interface=%s attached=%d mode=%s seen_packets=%llu "
		    "unaccounted_packets=%lld why=\"%s\"",
		    name, attachment->attached, xa_mode_names[attachment->mode],
		    (unsigned long long)account->seen.packets, (long long)residual.packets,
		    attachment->why);
}

static void dump_state(const struct xa_auditor *auditor)
{
	const char *names[XA_SLOTS];

	xa_log_info(
		"state flows=%zu map_entries_ipv4=%llu map_entries_ipv6=%llu poll_failures=%llu "
		"reloads=%llu",
		xa_table_count(auditor->books.table),
		(unsigned long long)auditor->self.fill.entries[XA_IPV4],
		(unsigned long long)auditor->self.fill.entries[XA_IPV6],
		(unsigned long long)auditor->self.poll_failures,
		(unsigned long long)auditor->self.reload.count);
	name_slots(auditor, names);
	for (unsigned slot = 0; slot < XA_SLOTS; slot++)
		if (names[slot])
			dump_account(auditor, slot, names[slot]);
}

/* True: to be stopped. However many came of one kind, it is done once, by the state of then. */
static bool handle_signals(struct xa_auditor *auditor)
{
	struct xa_signals signals = xa_loop_signals(&auditor->loop);

	if (signals.dump)
		dump_state(auditor);
	if (signals.stop)
		xa_log_info("stopping, as asked by a signal");
	else if (signals.reload)
		auditor->reload_wanted = true;
	return signals.stop;
}

/* A change of what is attached makes a page at once: readiness does not wait for the next poll. */
static void handle_ifaces(struct xa_auditor *auditor)
{
	bool before = xa_attach_is_complete(auditor->attach);

	check_interfaces(auditor, false);
	if (xa_attach_is_complete(auditor->attach) != before)
		tick(auditor);
}

static void handle_watch(struct xa_auditor *auditor)
{
	if (!xa_watch_read(auditor->watch))
		return;
	xa_log_info("the files of the configuration have changed");
	auditor->reload_wanted = true;
}

/* Twice as often as the manager wants a sign of life; -1: it wants none. */
static int watchdog_ms(const struct xa_notify *notify)
{
	uint64_t half_ms = notify->watchdog_ns / XA_NS_PER_MS / 2;

	if (!notify->watchdog_ns)
		return -1;
	return half_ms < 1 ? 1 : half_ms > INT_MAX ? INT_MAX : (int)half_ms;
}

/* True: to be stopped. */
static bool handle(struct xa_auditor *auditor, enum xa_event event)
{
	switch (event) {
	case XA_EVENT_SIGNAL:
		return handle_signals(auditor);
	case XA_EVENT_TIMER:
		tick(auditor);
		return false;
	case XA_EVENT_IFACE:
		handle_ifaces(auditor);
		return false;
	case XA_EVENT_WATCH:
		handle_watch(auditor);
		return false;
	case XA_EVENT_AWAITED:
	case XA_EVENT_NONE:
		return false;
	}
	return false;
}

/* Until something has to be looked at that no descriptor tells; -1: nothing has. */
static int timeout_ms(const struct xa_auditor *auditor)
{
	const int watchdog = watchdog_ms(&auditor->notify);
	uint64_t now_ns, until_ns, left_ms;

	if (!auditor->reload.is_under_way)
		return watchdog;
	now_ns = xa_now_ns();
	until_ns = xa_policy_until_ns(xa_reload_awaits(&auditor->reload));
	left_ms = until_ns > now_ns ? (until_ns - now_ns) / XA_NS_PER_MS + 1 : 0;
	return watchdog >= 0 && (uint64_t)watchdog < left_ms ? watchdog : (int)left_ms;
}

static int loop(struct xa_auditor *auditor)
{
	enum xa_event event = XA_EVENT_NONE;

	while (!handle(auditor, event)) {
		int error;

		reload(auditor);
		error = xa_loop_wait(&auditor->loop, timeout_ms(auditor), &event);

		if (error) {
			xa_log_error("cannot wait for events: %s", strerror(-error));
			return XA_EXIT_FAILURE;
		}
		if (auditor->notify.watchdog_ns)
			xa_notify_send(&auditor->notify, "WATCHDOG=1");
	}
	xa_notify_send(&auditor->notify, "STOPPING=1");
	return XA_EXIT_OK;
}

int xa_auditor_run(const struct xa_config_source *source)
{
	XA_CLEANUP(auditor_done)
	struct xa_auditor auditor = {
		.source = source,
		.loop = XA_LOOP_CLOSED,
		.notify = {.fd = -1},
		.self.started_ns = xa_now_ns(),
	};
	int status = start(&auditor);

	return status == XA_EXIT_OK ? loop(&auditor) : status;
}
