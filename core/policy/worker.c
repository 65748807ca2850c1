/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What is shared is mapped and all else is taken before any rights are given up; rights are given
 * up before code of others runs. Whatever goes wrong is said over the socket: there is no other
 * way out.
 */

#include "core/policy/worker.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "core/policy/answers.h"
#include "core/policy/chain.h"
#include "core/policy/reach.h"
#include "core/policy/sandbox.h"

struct worker {
	struct xa_setup setup;
	struct xa_chain *chain;
	const char *snapshot; /* mapped until the process ends, as is the region */
	void *region;
};

static void worker_done(struct worker *worker)
{
	xa_chain_free(worker->chain);
	xa_arena_free(worker->setup.arena);
}

/* Maps `size` bytes of the descriptor, or all of it for 0; there may be more of it, not less. */
static int map(int fd, int protection, size_t size, void **ret, size_t *ret_size)
{
	struct stat status;
	void *memory;

	if (fstat(fd, &status))
		return -errno;
	if (!size)
		size = (size_t)status.st_size;
	if ((uintmax_t)status.st_size < size)
		return -EBADMSG;
	memory = mmap(NULL, size, protection, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	*ret = memory;
	*ret_size = size;
	return 0;
}

static int read_setup(struct xa_setup *setup)
{
	void *bytes;
	size_t size;
	int error = map(XA_WORKER_SETUP, PROT_READ, 0, &bytes, &size);

	if (error)
		return error;
	error = xa_setup_read(setup, bytes, size);
	(void)munmap(bytes, size);
	return error;
}

static int map_shared(struct worker *worker)
{
	const struct xa_setup_head *head = &worker->setup.head;
	const struct xa_region_layout layout = xa_region_layout(head->max_flows, head->max_values);
	void *snapshot;
	size_t size;
	int error = map(XA_WORKER_SNAPSHOT, PROT_READ, xa_snapshot_size(head->max_flows), &snapshot,
			&size);

	if (error)
		return error;
	worker->snapshot = snapshot;
	return map(XA_WORKER_REGION, PROT_READ | PROT_WRITE, layout.size, &worker->region, &size);
}

static int prepare(struct worker *worker, const struct xa_builtin_plugins *builtin,
		   struct xa_why *why)
{
	const char *const *readable = NULL;
	int error = read_setup(&worker->setup);

	if (error)
		return xa_why_set(why, error, "the policy worker cannot read its setup: %s",
				  strerror(-error));
	error = map_shared(worker);
	if (!error)
		error = xa_chain_new(&worker->chain, &worker->setup, builtin, worker->region,
				     XA_WORKER_SOCKET);
	if (!error)
		error = xa_reach_find(&readable, &worker->setup, builtin);
	if (error)
		return xa_why_set(why, error, "the policy worker cannot begin: %s",
				  strerror(-error));
	return xa_sandbox_enter(XA_WORKER_SOCKET, worker->setup.head.memory_bytes, readable, why);
}

static int refuse(const struct xa_why *why)
{
	if (why->text[0])
		xa_answer_send_why(XA_WORKER_SOCKET, 0, why);
	xa_answer_send(XA_WORKER_SOCKET, XA_ANSWER_REFUSED, 0);
	return EXIT_FAILURE;
}

/* 1: an order, 0: nobody is there any more, or -errno. */
static int receive(struct xa_order *ret)
{
	ssize_t got;

	do {
		got = recv(XA_WORKER_SOCKET, ret, sizeof(*ret), 0);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	if (!got)
		return 0;
	return got == sizeof(*ret) ? 1 : -EBADMSG;
}

static int obey(const struct worker *worker, const struct xa_order *order)
{
	const char *flows = worker->snapshot + XA_SNAPSHOT_FLOWS;
	int error;

	switch (order->kind) {
	case XA_ORDER_RUN:
		error = xa_chain_run(
			worker->chain,
			(const struct xa_snapshot_head *)(const void *)worker->snapshot,
			(const struct xa_plugin_flow *)(const void *)flows);
		if (!error)
			xa_answer_send(XA_WORKER_SOCKET, XA_ANSWER_DONE, order->number);
		return error;
	case XA_ORDER_SAVE:
		xa_chain_save(worker->chain);
		xa_answer_send(XA_WORKER_SOCKET, XA_ANSWER_SAVED, order->number);
		return 0;
	default:
		return -EBADMSG;
	}
}

static int work(const struct worker *worker)
{
	struct xa_order order;
	int got;

	while ((got = receive(&order)) > 0) {
		if (order.kind == XA_ORDER_STOP)
			return EXIT_SUCCESS;
		if (obey(worker, &order))
			return EXIT_FAILURE;
	}
	return got ? EXIT_FAILURE : EXIT_SUCCESS;
}

bool xa_worker_is_wanted(void)
{
	int type;
	socklen_t len = sizeof(type);

	return !getsockopt(XA_WORKER_SOCKET, SOL_SOCKET, SO_TYPE, &type, &len) &&
	       type == SOCK_SEQPACKET;
}

int xa_worker_main(const struct xa_plugin *const *builtin, size_t count)
{
	XA_CLEANUP(worker_done) struct worker worker = {.chain = NULL};
	const struct xa_builtin_plugins plugins = {.plugins = builtin, .count = count};
	struct xa_why why = {.line = 0};

	if (prepare(&worker, &plugins, &why) || xa_chain_open(worker.chain) ||
	    xa_sandbox_tighten(&why))
		return refuse(&why);
	xa_answer_send(XA_WORKER_SOCKET, XA_ANSWER_OPENED, 0);
	return work(&worker);
}
