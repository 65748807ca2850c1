/* SPDX-License-Identifier: GPL-2.0-or-later */

/* posix_spawn(3) instead of fork(2): nothing of the auditor's memory is copied, however large. */

#include "core/policy/child.h"

#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "core/policy/channel.h"
#include "core/policy/region.h"

#define HANDED (XA_WORKER_FDS_END_ - XA_WORKER_SOCKET)

/* Out of the way of the numbers that they get in the worker, and of the standard ones. */
#define FDS_FROM (XA_WORKER_FDS_END_ + 4)

static int move_up(const int *fds, int *moved)
{
	for (size_t i = 0; i < HANDED; i++) {
		moved[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, FDS_FROM);
		if (moved[i] < 0)
			return -errno;
	}
	return 0;
}

static int add_actions(posix_spawn_file_actions_t *actions, const int *fds)
{
	int error = 0;

	for (int fd = 0; fd < XA_WORKER_SOCKET && !error; fd++)
		error = posix_spawn_file_actions_addopen(actions, fd, "/dev/null", O_RDWR, 0);
	for (int i = 0; i < HANDED && !error; i++)
		error = posix_spawn_file_actions_adddup2(actions, fds[i], XA_WORKER_SOCKET + i);
	/* what the auditor itself was started with may be anything */
	if (!error)
		error = posix_spawn_file_actions_addclosefrom_np(actions, XA_WORKER_FDS_END_);
	return error;
}

/* The auditor blocks the signals that it takes by signalfd(2); a worker that blocked them as well
 * could not be told to end by anybody else. */
static int set_signals(posix_spawnattr_t *attributes)
{
	sigset_t none, all;
	int error;

	sigemptyset(&none);
	sigfillset(&all);
	error = posix_spawnattr_setflags(attributes,
					 POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (!error)
		error = posix_spawnattr_setsigmask(attributes, &none);
	if (!error)
		error = posix_spawnattr_setsigdefault(attributes, &all);
	return error;
}

static int spawn_with(pid_t *ret_pid, const char *executable, const int *fds,
		      posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes)
{
	char name[] = "xdp-auditor", role[] = "policy-worker";
	char *const arguments[] = {name, role, NULL}, *const environment[] = {NULL};
	int error;

	error = add_actions(actions, fds);
	if (!error)
		error = set_signals(attributes);
	if (!error)
		error = posix_spawn(ret_pid, executable, actions, attributes, arguments,
				    environment);
	return -error;
}

static int spawn_moved(pid_t *ret_pid, const char *executable, const int *fds)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int r;

	r = -posix_spawn_file_actions_init(&actions);
	if (r)
		return r;
	r = -posix_spawnattr_init(&attributes);
	if (!r) {
		r = spawn_with(ret_pid, executable, fds, &actions, &attributes);
		(void)posix_spawnattr_destroy(&attributes);
	}
	(void)posix_spawn_file_actions_destroy(&actions);
	return r;
}

static int spawn(pid_t *ret_pid, const char *executable, const int *fds)
{
	int moved[HANDED] = {-1, -1, -1, -1};
	int r;

	_Static_assert(HANDED == 4, "as many as there are to close");
	r = move_up(fds, moved);
	if (!r)
		r = spawn_moved(ret_pid, executable, moved);
	for (size_t i = 0; i < HANDED; i++)
		xa_cleanup_fd(&moved[i]);
	return r;
}

static int spawn_child(struct xa_child *child, const char *executable, const struct xa_buf *setup,
		       int snapshot)
{
	_cleanup_close_ int setup_fd = xa_memory_seal_copy(setup->text, setup->len);
	_cleanup_close_ int theirs = -1;
	int sockets[2];

	if (setup_fd < 0)
		return setup_fd;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		return -errno;
	child->socket = sockets[0];
	theirs = sockets[1];
	return spawn(&child->pid, executable,
		     (const int[HANDED]){theirs, setup_fd, snapshot, child->region.fd});
}

int xa_child_start(struct xa_child *ret, const char *executable, const struct xa_buf *setup,
		   int snapshot, size_t region_size)
{
	struct xa_child child = XA_CHILD_NONE;
	int r;

	child.started_ns = xa_now_ns();
	r = xa_memory_new_theirs(&child.region, region_size);
	if (!r)
		r = spawn_child(&child, executable, setup, snapshot);
	if (r) {
		xa_child_done(&child);
		return r;
	}
	*ret = child;
	return 0;
}

bool xa_child_has_ended(const struct xa_child *child)
{
	const struct timespec nap = {.tv_nsec = XA_NS_PER_MS};
	siginfo_t end = {0};

	for (int naps = 0; child->pid && naps < 20; naps++) {
		if (waitid(P_PID, (id_t)child->pid, &end, WEXITED | WNOHANG | WNOWAIT) ||
		    end.si_pid)
			return true;
		(void)nanosleep(&nap, NULL);
	}
	return !child->pid;
}

void xa_child_kill(struct xa_child *child, siginfo_t *ret_end)
{
	siginfo_t end = {0};

	if (!child->pid)
		return;
	(void)kill(child->pid, SIGKILL);
	while (waitid(P_PID, (id_t)child->pid, &end, WEXITED) && errno == EINTR)
		continue;
	child->pid = 0;
	if (ret_end)
		*ret_end = end;
}

void xa_child_done(struct xa_child *child)
{
	xa_child_kill(child, NULL);
	xa_cleanup_fd(&child->socket);
	xa_memory_done(&child->region);
	*child = (struct xa_child)XA_CHILD_NONE;
}

int xa_child_stop(const struct xa_child *child, uint64_t patience_ns)
{
	const uint64_t until_ns = xa_now_ns() + patience_ns;
	struct xa_answer answer;
	int r = xa_channel_send(child->socket, XA_ORDER_STOP, 0);

	while (!r && xa_now_ns() < until_ns)
		r = xa_channel_receive(child->socket, until_ns, &answer);
	return r ? r : -ETIMEDOUT;
}

void xa_child_add_end(const siginfo_t *end, struct xa_buf *buf)
{
	const char *name = end->si_code == CLD_EXITED ? NULL : sigabbrev_np(end->si_status);

	if (end->si_code == CLD_EXITED)
		xa_buf_addf(buf, "ended with code %d", end->si_status);
	else if (name)
		xa_buf_addf(buf, "was killed by SIG%s", name);
	else
		xa_buf_addf(buf, "was killed by signal %d", end->si_status);
}
