/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The loop: which event leads to what. */

#include "core/auditor.h"

#include <limits.h>

#include "core/auditor_state.h"
#include "core/base/log.h"
#include "core/exit.h"

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
	xa_auditor_name_slots(auditor, names);
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

	xa_auditor_check_interfaces(auditor, false);
	if (xa_attach_is_complete(auditor->attach) != before)
		xa_auditor_tick(auditor);
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
		xa_auditor_tick(auditor);
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
		return auditor->reload_wanted ? 0 : watchdog;
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

		xa_auditor_reload(auditor);
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
	int status = xa_auditor_start(&auditor);

	return status == XA_EXIT_OK ? loop(&auditor) : status;
}
