/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Opens the parts, in the order in which rights are needed, and drops those rights. */

#include "core/auditor_state.h"

#include <signal.h>
#include <string.h>

#include "core/auditor_log.h"
#include "core/auditor_policy.h"
#include "core/base/log.h"
#include "core/exit.h"
#include "core/http/web.h"
#include "core/privileges.h"
#include "core/source/attach.h"

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

int xa_auditor_start(struct xa_auditor *auditor)
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
		xa_auditor_watch_files(auditor);
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
	xa_auditor_in_force(auditor);
	xa_auditor_tick(auditor);
	for (size_t i = 0; i < auditor->running.config->listen_count; i++)
		log_serving(&auditor->running.config->listen[i], auditor->running.web->tls);
	xa_notify_send(&auditor->notify, "READY=1\nSTATUS=counting");
	return XA_EXIT_OK;
}
