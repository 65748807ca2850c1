/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A thread sleeps until the first connection is due. It holds the lock while it shuts a socket
 * down, and a connection takes the lock to leave before its socket is closed: so the number is that
 * connection's still.
 */

#include "core/http/guard.h"

#include <string.h>
#include <sys/socket.h>

/* Cuts off who is overdue; the time when the next one will be. */
static uint64_t cut_off(struct xa_guard *guard, uint64_t now_ns)
{
	uint64_t next_ns = XA_GUARD_NEVER;

	for (size_t i = 0; i < XA_GUARD_PLACES; i++) {
		struct xa_guard_place *place = &guard->places[i];

		if (place->fd < 0)
			continue;
		if (place->due_ns <= now_ns) {
			(void)shutdown(place->fd, SHUT_RDWR);
			place->due_ns = XA_GUARD_NEVER;
		}
		if (place->due_ns < next_ns)
			next_ns = place->due_ns;
	}
	return next_ns;
}

static void sleep_until(struct xa_guard *guard, uint64_t due_ns)
{
	const struct timespec due = {.tv_sec = (time_t)(due_ns / XA_NS_PER_S),
				     .tv_nsec = (long)(due_ns % XA_NS_PER_S)};

	guard->sleeps_until_ns = due_ns;
	if (due_ns == XA_GUARD_NEVER)
		(void)pthread_cond_wait(&guard->wake, &guard->lock);
	else
		(void)pthread_cond_timedwait(&guard->wake, &guard->lock, &due);
}

static void *watch(void *arg)
{
	struct xa_guard *guard = arg;

	(void)pthread_mutex_lock(&guard->lock);
	while (!guard->over)
		sleep_until(guard, cut_off(guard, xa_now_ns()));
	(void)pthread_mutex_unlock(&guard->lock);
	return NULL;
}

static int wake_init(pthread_cond_t *wake)
{
	pthread_condattr_t attributes;
	int error = pthread_condattr_init(&attributes);

	if (error)
		return error;
	error = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	if (!error)
		error = pthread_cond_init(wake, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	return error;
}

int xa_guard_start(struct xa_guard *guard)
{
	int error;

	*guard = (struct xa_guard){0};
	for (size_t i = 0; i < XA_GUARD_PLACES; i++)
		guard->places[i].fd = -1;
	error = pthread_mutex_init(&guard->lock, NULL);
	if (error)
		return -error;
	error = wake_init(&guard->wake);
	if (error)
		goto no_wake;
	error = pthread_create(&guard->thread, NULL, watch, guard);
	if (!error)
		return 0;
	(void)pthread_cond_destroy(&guard->wake);
no_wake:
	(void)pthread_mutex_destroy(&guard->lock);
	return -error;
}

void xa_guard_stop(struct xa_guard *guard)
{
	(void)pthread_mutex_lock(&guard->lock);
	guard->over = true;
	(void)pthread_cond_signal(&guard->wake);
	(void)pthread_mutex_unlock(&guard->lock);
	(void)pthread_join(guard->thread, NULL);
	(void)pthread_cond_destroy(&guard->wake);
	(void)pthread_mutex_destroy(&guard->lock);
}

static struct in6_addr counted(const struct in6_addr *peer)
{
	struct in6_addr network = *peer;

	if (!IN6_IS_ADDR_V4MAPPED(peer))
		memset(&network.s6_addr[8], 0, 8);
	return network;
}

bool xa_guard_admits(struct xa_guard *guard, const struct in6_addr *peer, bool scraper)
{
	const struct in6_addr network = counted(peer);
	unsigned all = 0, others = 0, same = 0;

	(void)pthread_mutex_lock(&guard->lock);
	for (size_t i = 0; i < XA_GUARD_PLACES; i++) {
		const struct xa_guard_place *place = &guard->places[i];

		if (place->fd < 0)
			continue;
		all++;
		if (place->scraper)
			continue;
		others++;
		same += IN6_ARE_ADDR_EQUAL(&place->peer, &network);
	}
	(void)pthread_mutex_unlock(&guard->lock);
	if (scraper)
		return all < XA_GUARD_PLACES;
	return all < XA_GUARD_PLACES && others < XA_GUARD_PLACES - XA_GUARD_KEPT &&
	       same < XA_GUARD_SHARE;
}

struct xa_guard_place *xa_guard_enter(struct xa_guard *guard, int fd, const struct in6_addr *peer,
				      bool scraper)
{
	struct xa_guard_place *place = NULL;

	(void)pthread_mutex_lock(&guard->lock);
	for (size_t i = 0; !place && i < XA_GUARD_PLACES; i++)
		if (guard->places[i].fd < 0)
			place = &guard->places[i];
	if (place)
		*place = (struct xa_guard_place){.fd = fd,
						 .scraper = scraper,
						 .peer = counted(peer),
						 .due_ns = XA_GUARD_NEVER};
	(void)pthread_mutex_unlock(&guard->lock);
	return place;
}

void xa_guard_leave(struct xa_guard *guard, struct xa_guard_place *place)
{
	(void)pthread_mutex_lock(&guard->lock);
	place->fd = -1;
	(void)pthread_mutex_unlock(&guard->lock);
}

void xa_guard_due(struct xa_guard *guard, struct xa_guard_place *place, uint64_t due_ns)
{
	(void)pthread_mutex_lock(&guard->lock);
	place->due_ns = due_ns;
	if (due_ns < guard->sleeps_until_ns)
		(void)pthread_cond_signal(&guard->wake);
	(void)pthread_mutex_unlock(&guard->lock);
}
