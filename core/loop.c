/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Everything is a descriptor: timerfd, signalfd, netlink; one epoll over them. */

#include "core/loop.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "core/source/iface.h"

void xa_loop_close(struct xa_loop *loop)
{
	const int fds[] = {loop->epoll_fd, loop->timer_fd, loop->signal_fd, loop->iface_fd};

	for (size_t i = 0; i < array_size(fds); i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
}

/* A stderr that nobody reads any more is no reason to end: PIPE is ignored. */
static int open_signals(int *ret_fd)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t signals;
	int fd;

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGHUP);
	(void)sigaddset(&signals, SIGINT);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGUSR1);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) || sigaction(SIGPIPE, &ignore, NULL))
		return -errno;
	fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

static int watch(const struct xa_loop *loop, int fd, enum xa_event event)
{
	struct epoll_event what = {.events = EPOLLIN, .data.u32 = event};

	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &what) ? -errno : 0;
}

int xa_loop_open(struct xa_loop *ret_loop)
{
	int error;

	*ret_loop = (struct xa_loop)XA_LOOP_CLOSED;
	error = open_signals(&ret_loop->signal_fd);
	if (error)
		return error;
	ret_loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	ret_loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (ret_loop->timer_fd < 0 || ret_loop->epoll_fd < 0)
		return -errno;
	error = xa_iface_watch(&ret_loop->iface_fd);
	if (!error)
		error = watch(ret_loop, ret_loop->signal_fd, XA_EVENT_SIGNAL);
	if (!error)
		error = watch(ret_loop, ret_loop->timer_fd, XA_EVENT_TIMER);
	return error ? error : watch(ret_loop, ret_loop->iface_fd, XA_EVENT_IFACE);
}

int xa_loop_await(struct xa_loop *loop, int fd)
{
	/* one that was closed is forgotten already */
	if (loop->awaited_fd >= 0)
		(void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, loop->awaited_fd, NULL);
	loop->awaited_fd = fd;
	return fd < 0 ? 0 : watch(loop, fd, XA_EVENT_AWAITED);
}

int xa_loop_set_timer(const struct xa_loop *loop, uint64_t interval_ns)
{
	struct timespec interval = {(time_t)(interval_ns / XA_NS_PER_S),
				    (long)(interval_ns % XA_NS_PER_S)};
	struct itimerspec spec = {.it_interval = interval, .it_value = interval};

	return timerfd_settime(loop->timer_fd, 0, &spec, NULL) ? -errno : 0;
}

/* A bell that has fallen silent again, as a timer that was set anew, is no event. */
static enum xa_event take_off(const struct xa_loop *loop, enum xa_event event)
{
	uint64_t expirations;

	if (event == XA_EVENT_TIMER)
		return read(loop->timer_fd, &expirations, sizeof(expirations)) > 0 ? event
										   : XA_EVENT_NONE;
	if (event == XA_EVENT_IFACE)
		return xa_iface_changed(loop->iface_fd) ? event : XA_EVENT_NONE;
	return event;
}

int xa_loop_wait(const struct xa_loop *loop, int timeout_ms, enum xa_event *ret_event)
{
	struct epoll_event event;
	int count = epoll_wait(loop->epoll_fd, &event, 1, timeout_ms);

	if (count < 0 && errno != EINTR)
		return -errno;
	*ret_event = count < 1 ? XA_EVENT_NONE : take_off(loop, (enum xa_event)event.data.u32);
	return 0;
}

struct xa_signals xa_loop_signals(const struct xa_loop *loop)
{
	struct xa_signals signals = {0};
	struct signalfd_siginfo info;

	while (read(loop->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		signals.reload |= info.ssi_signo == SIGHUP;
		signals.dump |= info.ssi_signo == SIGUSR1;
		signals.stop |= info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT;
	}
	return signals;
}
