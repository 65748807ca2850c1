/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A reload is built beside what runs, between one tick and another, and swapped in, or leaves
 * everything as it is.
 */

#include "core/auditor_state.h"

#include <string.h>

#include "config/whys.h"
#include "core/auditor_log.h"
#include "core/auditor_policy.h"
#include "core/base/log.h"
#include "core/http/web.h"
#include "core/source/attach.h"

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

void xa_auditor_watch_files(struct xa_auditor *auditor)
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
	xa_auditor_watch_files(auditor);
	if (!xa_loop_set_timer(&auditor->loop, auditor->running.config->poll_interval_ns))
		auditor->self.interval_ns = auditor->running.config->poll_interval_ns;
	return 0;
}

/* A pattern, or names of which none is there: nothing else says that nothing is counted. */
static void warn_waiting(const struct xa_attach *attach)
{
	const struct xa_attachment *attachments = xa_attach_list(attach);

	for (unsigned slot = 1; slot < XA_SLOTS; slot++)
		if (attachments[slot].wanted)
			return;
	xa_log_warn(
		"no interface is there that the config asks for: one that comes is attached to");
}

void xa_auditor_in_force(struct xa_auditor *auditor)
{
	struct xa_reload_stats *stats = &auditor->self.reload;

	stats->last_ok = true;
	stats->needs_restart = auditor->reload.needs_restart;
	stats->success_time = xa_wall_seconds();
	if (xa_config_hash(auditor->running.config, stats->hash))
		stats->hash[0] = '\0';
	warn_exposed(auditor->running.web);
	warn_waiting(auditor->attach);
}

static void reload_tell(struct xa_auditor *auditor, int error)
{
	static const char refused[] = "config not reloaded, the one before runs on";
	static const char taken[] = "config reloaded";
	struct xa_reload_stats *stats = &auditor->self.reload;
	_cleanup_xa_buf_ struct xa_buf outcome = {0};

	stats->count++;
	if (error) {
		stats->last_ok = false;
		stats->failures[auditor->reload.phase]++;
		stats->last_phase = auditor->reload.phase;
		xa_log_whys(&auditor->reload.whys);
		xa_log_error("%s", refused);
	} else {
		xa_log_info("%s", taken);
		xa_auditor_in_force(auditor);
	}
	xa_auditor_tick(auditor); /* the page shows the outcome now, not an interval later */
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

void xa_auditor_reload(struct xa_auditor *auditor)
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
