/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the daemon waits for: the poll timer, signals, changes of interfaces. One thread.
 */

#include <stdbool.h>

#include "core/base/base.h"

struct xa_loop {
	int epoll_fd;
	int timer_fd;
	int signal_fd;
	int iface_fd;
	int awaited_fd; /* -1: none */
};

#define XA_LOOP_CLOSED \
	{ \
		-1, -1, -1, -1, -1 \
	}

enum xa_event {
	XA_EVENT_NONE, /* the time to wait is over */
	XA_EVENT_TIMER,
	XA_EVENT_SIGNAL, /* xa_loop_signals() */
	XA_EVENT_IFACE,
	XA_EVENT_AWAITED, /* xa_loop_await() */
};

/* What signals ask for, several of a kind once. */
struct xa_signals {
	bool stop; /* TERM, INT */
	bool reload; /* HUP */
	bool dump; /* USR1 */
};

/* Blocks those signals for the process, and ignores PIPE: call it before threads are made. 0 or
 * -errno; close it either way. */
int xa_loop_open(struct xa_loop *ret_loop);
void xa_loop_close(struct xa_loop *loop);

/* Rings every `interval_ns`, first after that time. 0 or -errno. */
int xa_loop_set_timer(const struct xa_loop *loop, uint64_t interval_ns);

/* Waits for news on that descriptor too, instead of the one before; -1: on none. It is not read
 * from, and is to be open until the next call or closed for good. 0 or -errno. */
int xa_loop_await(struct xa_loop *loop, int fd);

/* Waits for one of the events, `timeout_ms` at most (-1: for ever), and takes it off. 0 or -errno.
 */
int xa_loop_wait(const struct xa_loop *loop, int timeout_ms, enum xa_event *ret_event);

/* Takes off the signals that have come. */
struct xa_signals xa_loop_signals(const struct xa_loop *loop);
