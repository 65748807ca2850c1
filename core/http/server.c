/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Listeners, each with a daemon of libmicrohttpd's, and what they share. */

#include "core/http/server.h"

#include <string.h>

#include "core/http/door.h"
#include "core/http/gate.h"
#include "core/http/guest.h"
#include "core/http/response.h"
#include "core/http/routes.h"
#include "core/http/sockets.h"
#include "core/http/web.h"

#define CONNECTION_MEMORY  16384UL
#define INACTIVITY_SECONDS 10U
#define OUTCOME_MAX	   8192UL

int xa_server_new(struct xa_server **ret, struct xa_board *board,
		  const struct xa_server_hooks *hooks)
{
	struct xa_server *server = calloc(1, sizeof(*server));

	if (!server)
		return -ENOMEM;
	if (pthread_mutex_init(&server->lock, NULL)) {
		free(server);
		return -ENOMEM;
	}
	server->board = board;
	server->hooks = *hooks;
	*ret = server;
	return 0;
}

static int listener_new(struct xa_listener **ret, struct xa_server *server,
			const struct xa_listen *listen_on, bool tls)
{
	struct xa_listener *listener = calloc(1, sizeof(*listener));
	int error;

	if (!listener)
		return -ENOMEM;
	if (xa_waits_init(&listener->waits)) {
		free(listener);
		return -ENOMEM;
	}
	error = xa_guard_start(&listener->guard);
	if (error) {
		xa_waits_done(&listener->waits);
		free(listener);
		return error;
	}
	listener->server = server;
	listener->listen = *listen_on;
	listener->listen.text = NULL;
	listener->tls = tls;
	*ret = listener;
	return 0;
}

static void listener_free(struct xa_listener *listener)
{
	xa_waits_close(&listener->waits);
	if (listener->daemon)
		MHD_stop_daemon(listener->daemon);
	xa_guard_stop(&listener->guard);
	xa_socket_file_remove(&listener->file, &listener->listen);
	xa_waits_done(&listener->waits);
	free(listener);
}

void xa_server_free(struct xa_server *server)
{
	if (!server)
		return;
	while (server->listeners) {
		struct xa_listener *next = server->listeners->next;

		listener_free(server->listeners);
		server->listeners = next;
	}
	MHD_destroy_response(server->config);
	xa_web_unref(server->web);
	(void)pthread_mutex_destroy(&server->lock);
	free(server);
}

static int listener_start(struct xa_listener *listener)
{
	const unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;
	struct stat as;
	int fd = -1, error = xa_socket_get(listener, &fd, &as);

	if (error)
		return error;
	errno = 0;
	listener->daemon = MHD_start_daemon(
		flags | (listener->tls ? MHD_USE_TLS : 0U), 0, xa_door_admits, listener,
		xa_http_handle, listener, MHD_OPTION_NOTIFY_COMPLETED, xa_http_over, listener,
		MHD_OPTION_NOTIFY_CONNECTION, xa_guest_notify, listener,
		MHD_OPTION_HTTPS_CERT_CALLBACK2, xa_gate_no_certificate, MHD_OPTION_LISTEN_SOCKET,
		fd, MHD_OPTION_UNESCAPE_CALLBACK, xa_http_unescape, NULL,
		MHD_OPTION_CONNECTION_LIMIT, XA_DOOR_CONNECTIONS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY,
		MHD_OPTION_CONNECTION_TIMEOUT, INACTIVITY_SECONDS, MHD_OPTION_END);
	if (listener->daemon)
		return 0;
	error = errno ? -errno : -ENOMEM;
	xa_socket_close_left(fd, &as);
	return error;
}

static bool server_listens_on(const struct xa_server *server, const struct xa_listen *listen_on,
			      bool tls)
{
	for (const struct xa_listener *l = server->listeners; l; l = l->next)
		if (l->tls == tls && xa_is_same_address(l, listen_on))
			return true;
	return false;
}

static bool config_listens_on(const struct xa_config *config, const struct xa_listener *listener)
{
	for (size_t i = 0; i < config->listen_count; i++)
		if (xa_is_same_address(listener, &config->listen[i]))
			return true;
	return false;
}

static bool has_tls(const struct xa_web *web)
{
	return web && web->tls;
}

static int listener_add(struct xa_server *server, const struct xa_listen *listen_on, bool tls,
			struct xa_why *why)
{
	struct xa_listener *listener;
	int error = listener_new(&listener, server, listen_on, tls);

	if (error)
		return error;
	error = listener_start(listener);
	if (error) {
		listener_free(listener);
		return xa_why_set(why, error, "cannot listen on %s: %s", listen_on->text,
				  strerror(-error));
	}
	listener->next = server->listeners;
	server->listeners = listener;
	return 0;
}

/* New listeners are put in front, so that up to `end` are those of this call. */
static void listeners_undo(struct xa_server *server, const struct xa_listener *end)
{
	while (server->listeners != end) {
		struct xa_listener *next = server->listeners->next;

		listener_free(server->listeners);
		server->listeners = next;
	}
}

int xa_server_listen(struct xa_server *server, const struct xa_config *config,
		     const struct xa_web *web, struct xa_why *ret_why)
{
	struct xa_listener *before = server->listeners;

	for (size_t i = 0; i < config->listen_count; i++) {
		const struct xa_listen *listen_on = &config->listen[i];
		int error = server_listens_on(server, listen_on, has_tls(web))
				    ? 0
				    : listener_add(server, listen_on, has_tls(web), ret_why);

		if (error) {
			listeners_undo(server, before);
			return error;
		}
	}
	return 0;
}

static struct MHD_Response *response_of(const struct xa_config *config, const struct xa_web *web)
{
	_cleanup_xa_buf_ struct xa_buf buf = {0};
	struct MHD_Response *response;
	char *text;
	size_t len;

	xa_config_dump(config, false, &buf);
	len = buf.len;
	text = xa_buf_take(&buf);
	if (!text)
		return NULL;
	response = MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE);
	if (!response)
		free(text);
	response = xa_response_with(response, XA_TYPE_TEXT);
	if (response && !xa_gate_dress(web, response))
		MHD_destroy_response(take_ptr(response));
	return response;
}

static void show(struct xa_server *server, const struct xa_config *config, struct xa_web *web)
{
	struct MHD_Response *before, *response = response_of(config, web);
	struct xa_web *web_before;

	(void)pthread_mutex_lock(&server->lock);
	before = server->config;
	server->config = response;
	server->reload = config->http.reload == XA_ON;
	xa_access_set(&server->access, config);
	web_before = server->web;
	server->web = web ? xa_web_ref(web) : NULL;
	/* at once with it: whoever goes answers nothing by what was meant for the others */
	for (struct xa_listener *l = server->listeners; l; l = l->next)
		l->kept = l->tls == has_tls(web) && config_listens_on(config, l);
	(void)pthread_mutex_unlock(&server->lock);
	MHD_destroy_response(before);
	xa_web_unref(web_before);
}

/* A socket in the file system is removed by the last who listens on it. */
static void file_hand_over(const struct xa_server *server, struct xa_listener *from)
{
	for (struct xa_listener *l = server->listeners; l && from->file.made; l = l->next) {
		if (l == from || !xa_is_same_address(l, &from->listen))
			continue;
		l->file = from->file;
		from->file.made = false;
	}
}

void xa_server_keep(struct xa_server *server, const struct xa_config *config, struct xa_web *web)
{
	struct xa_listener **link = &server->listeners;

	show(server, config, web);
	while (*link) {
		struct xa_listener *listener = *link;

		if (listener->kept) {
			link = &listener->next;
			continue;
		}
		*link = listener->next;
		file_hand_over(server, listener);
		listener_free(listener);
	}
}

void xa_server_reload_begins(struct xa_server *server)
{
	for (struct xa_listener *l = server->listeners; l; l = l->next)
		xa_waits_begin(&l->waits);
}

/* Of whole lines, as many as may be sent. */
static size_t outcome_len(const char *text)
{
	const size_t len = strnlen(text, OUTCOME_MAX + 1);
	const char *last;

	if (len <= OUTCOME_MAX)
		return len;
	last = memrchr(text, '\n', OUTCOME_MAX);
	return last ? (size_t)(last - text) + 1 : OUTCOME_MAX;
}

void xa_server_reloaded(struct xa_server *server, bool ok, const char *text)
{
	const unsigned status = ok ? MHD_HTTP_OK : MHD_HTTP_INTERNAL_SERVER_ERROR;
	const size_t len = text ? outcome_len(text) : 0;

	for (struct xa_listener *l = server->listeners; l; l = l->next)
		xa_waits_end(&l->waits, status, text, len);
}
