/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * libmicrohttpd's own timeout is of silence: a client that sends or takes a byte now and then would
 * keep its place for ever. Here each step has an end.
 */

#include "core/http/door.h"

/* For the head of a request, from when the connection is free for it; so it is also how long an
 * idle connection stays. */
#define HEAD_NS (10 * XA_NS_PER_S)

/* For taking the answer. Prometheus gives up after 10 s, unless it is told otherwise. */
#define ANSWER_NS (10 * XA_NS_PER_S)

/* Of one connection: two hours at a scrape every 10 s would be 720. */
#define REQUESTS_MAX 1000U

static bool is_scraper(struct xa_listener *listener, const struct in6_addr *peer)
{
	struct xa_server *server = listener->server;
	bool scraper;

	if (xa_listener_is_file(listener))
		return true;
	(void)pthread_mutex_lock(&server->lock);
	scraper = xa_access_is_scraper(&server->access, peer);
	(void)pthread_mutex_unlock(&server->lock);
	return scraper;
}

enum MHD_Result xa_door_admits(void *ctx, const struct sockaddr *address, socklen_t len)
{
	struct xa_listener *listener = ctx;
	const struct in6_addr peer = xa_access_peer(address);

	(void)len;
	return xa_guard_admits(&listener->guard, &peer, is_scraper(listener, &peer)) ? MHD_YES
										     : MHD_NO;
}

static struct xa_guard_place *place_of(struct MHD_Connection *connection)
{
	const struct xa_guest *guest = xa_guest_of(connection);

	return guest ? guest->place : NULL;
}

static void set_due(struct xa_listener *listener, struct xa_guard_place *place, uint64_t due_ns)
{
	if (place)
		xa_guard_due(&listener->guard, place, due_ns);
}

void xa_door_enter(struct xa_guest *guest, struct MHD_Connection *connection)
{
	struct xa_listener *listener = guest->listener;
	const struct in6_addr peer = xa_access_peer(
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)
			->client_addr);
	const int fd =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;

	guest->place = xa_guard_enter(&listener->guard, fd, &peer, is_scraper(listener, &peer));
	set_due(listener, guest->place, xa_now_ns() + HEAD_NS);
}

void xa_door_leave(struct xa_guest *guest)
{
	if (guest->place)
		xa_guard_leave(&guest->listener->guard, guest->place);
}

void xa_door_answers(struct xa_listener *listener, struct MHD_Connection *connection)
{
	set_due(listener, place_of(connection), xa_now_ns() + ANSWER_NS);
}

void xa_door_waits(struct xa_listener *listener, struct MHD_Connection *connection)
{
	set_due(listener, place_of(connection), XA_GUARD_NEVER);
}

/* A last answer that could not say that it is one ends the connection all the same. */
void xa_door_answered(struct xa_listener *listener, struct MHD_Connection *connection)
{
	struct xa_guard_place *place = place_of(connection);

	if (place)
		set_due(listener, place,
			++place->requests < REQUESTS_MAX ? xa_now_ns() + HEAD_NS : 0);
}

bool xa_door_closes(struct MHD_Connection *connection)
{
	const struct xa_guard_place *place = place_of(connection);

	return place && place->requests + 1 >= REQUESTS_MAX;
}
