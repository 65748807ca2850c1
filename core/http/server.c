/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A response borrows the page's bytes and gives its reference back when libmicrohttpd is done with
 * them, so a scrape copies nothing and may outlive the page on the board.
 */

#include "core/http/server.h"

#include <microhttpd.h>
#include <string.h>
#include <sys/stat.h>

#define CONNECTIONS_MAX	   128U
#define CONNECTION_MEMORY  16384UL
#define INACTIVITY_SECONDS 10U

struct listener {
	struct listener *next;
	struct xa_listen listen; /* without its text, which is the config's */
	struct MHD_Daemon *daemon;
};

struct xa_server {
	struct xa_board *board;
	struct listener *listeners;
};

static enum MHD_Result respond(struct MHD_Connection *connection, unsigned status,
			       struct MHD_Response *response, const char *type)
{
	enum MHD_Result result = MHD_NO;

	if (!response)
		return MHD_NO;
	if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type) == MHD_YES &&
	    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") ==
		    MHD_YES &&
	    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff") == MHD_YES)
		result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

#define TYPE_TEXT    "text/plain; charset=utf-8"
#define TYPE_METRICS "text/plain; version=0.0.4; charset=utf-8"
#define TYPE_HTML    "text/html; charset=utf-8"

/* `text` is a literal; libmicrohttpd's parameter is not const, but persistent memory is only read.
 */
static struct MHD_Response *literal(const char *text)
{
	return MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text,
					       MHD_RESPMEM_PERSISTENT);
}

static void page_done(void *page)
{
	xa_page_unref(page);
}

/* Takes the reference over. */
static struct MHD_Response *page_part(struct xa_page *page, char *text, size_t len)
{
	struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback_cls(
		len, text, page_done, page);

	if (!response)
		xa_page_unref(page);
	return response;
}

static enum MHD_Result answer_metrics(struct xa_server *server, struct MHD_Connection *connection)
{
	struct xa_page *page = xa_board_take(server->board);

	if (!page)
		return respond(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
			       literal("no snapshot yet\n"), TYPE_TEXT);
	return respond(connection, MHD_HTTP_OK, page_part(page, page->metrics, page->metrics_len),
		       TYPE_METRICS);
}

static enum MHD_Result answer_landing(struct xa_server *server, struct MHD_Connection *connection)
{
	struct xa_page *page = xa_board_take(server->board);

	if (!page)
		return respond(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
			       literal("no snapshot yet\n"), TYPE_TEXT);
	return respond(connection, MHD_HTTP_OK, page_part(page, page->landing, page->landing_len),
		       TYPE_HTML);
}

static enum MHD_Result answer_ready(struct xa_server *server, struct MHD_Connection *connection)
{
	struct xa_page *page = xa_board_take(server->board);
	unsigned status;

	if (!page)
		return respond(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
			       literal("no snapshot yet\n"), TYPE_TEXT);
	if (xa_now_ns() > page->stale_after_ns) {
		xa_page_unref(page);
		return respond(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
			       literal("the last snapshot is overdue\n"), TYPE_TEXT);
	}
	status = page->attached ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
	return respond(connection, status, page_part(page, page->state, page->state_len),
		       TYPE_TEXT);
}

static enum MHD_Result answer_healthy(struct xa_server *server, struct MHD_Connection *connection)
{
	(void)server;
	return respond(connection, MHD_HTTP_OK, literal("healthy\n"), TYPE_TEXT);
}

static const struct {
	const char *path;
	enum MHD_Result (*answer)(struct xa_server *server, struct MHD_Connection *connection);
} routes[] = {
	{"/metrics", answer_metrics},
	{"/-/healthy", answer_healthy},
	{"/-/ready", answer_ready},
	{"/", answer_landing},
};

static enum MHD_Result refuse_method(struct MHD_Connection *connection)
{
	struct MHD_Response *response = literal("only GET and HEAD\n");

	if (response)
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	return respond(connection, MHD_HTTP_METHOD_NOT_ALLOWED, response, TYPE_TEXT);
}

/* Leaves the path as it was sent: what is escaped is not one of ours, whatever it would unescape
 * to. */
static size_t keep_escapes(void *ctx, struct MHD_Connection *connection, char *text)
{
	(void)ctx;
	(void)connection;
	return strlen(text);
}

/* The first call comes with the headers, the last with the end of a body, if there is one: an
 * answer before the last would cost the connection. */
static enum MHD_Result handle(void *ctx, struct MHD_Connection *connection, const char *path,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_len, void **state)
{
	(void)version;
	(void)upload;
	for (size_t i = 0; i < array_size(routes); i++) {
		if (strcmp(path, routes[i].path))
			continue;
		if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
			return refuse_method(connection);
		if (!*state || *upload_len) {
			*state = ctx;
			*upload_len = 0;
			return MHD_YES;
		}
		return routes[i].answer(ctx, connection);
	}
	return respond(connection, MHD_HTTP_NOT_FOUND,
		       literal("not found; there are / /metrics /-/healthy /-/ready\n"), TYPE_TEXT);
}

int xa_server_new(struct xa_server **ret, struct xa_board *board)
{
	struct xa_server *server = calloc(1, sizeof(*server));

	if (!server)
		return -ENOMEM;
	server->board = board;
	*ret = server;
	return 0;
}

static void listener_free(struct listener *listener)
{
	if (listener->daemon)
		MHD_stop_daemon(listener->daemon);
	free(listener);
}

void xa_server_free(struct xa_server *server)
{
	if (!server)
		return;
	while (server->listeners) {
		struct listener *next = server->listeners->next;

		listener_free(server->listeners);
		server->listeners = next;
	}
	free(server);
}

static int socket_open(const struct xa_listen *listen_on, int *ret_fd, struct stat *ret_as)
{
	int family = listen_on->address.ss_family, on = 1;
	_cleanup_close_ int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
					IPPROTO_TCP);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)))
		return -errno;
	if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)))
		return -errno;
	if (bind(fd, (const struct sockaddr *)&listen_on->address, listen_on->address_len) ||
	    listen(fd, SOMAXCONN) || fstat(fd, ret_as))
		return -errno;
	*ret_fd = take_fd(fd);
	return 0;
}

/* Where libmicrohttpd does not start, whether it has closed the socket depends on how far it came;
 * the number may be that of a connection of another thread by then. */
static void socket_close_left(int fd, const struct stat *as)
{
	struct stat now;

	if (!fstat(fd, &now) && now.st_dev == as->st_dev && now.st_ino == as->st_ino)
		(void)close(fd);
}

static int listener_start(struct listener *listener, struct xa_server *server)
{
	struct stat as;
	int fd = -1, error = socket_open(&listener->listen, &fd, &as);

	if (error)
		return error;
	errno = 0;
	listener->daemon = MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, handle, server,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
		MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		CONNECTION_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT, INACTIVITY_SECONDS,
		MHD_OPTION_END);
	if (listener->daemon)
		return 0;
	error = errno ? -errno : -ENOMEM;
	socket_close_left(fd, &as);
	return error;
}

static bool listens_on(const struct listener *listener, const struct xa_listen *listen_on)
{
	return listener->listen.address_len == listen_on->address_len &&
	       !memcmp(&listener->listen.address, &listen_on->address, listen_on->address_len);
}

static bool server_listens_on(const struct xa_server *server, const struct xa_listen *listen_on)
{
	for (const struct listener *l = server->listeners; l; l = l->next)
		if (listens_on(l, listen_on))
			return true;
	return false;
}

static bool config_listens_on(const struct xa_config *config, const struct listener *listener)
{
	for (size_t i = 0; i < config->listen_count; i++)
		if (listens_on(listener, &config->listen[i]))
			return true;
	return false;
}

static int listener_add(struct xa_server *server, const struct xa_listen *listen_on,
			struct xa_why *why)
{
	struct listener *listener = calloc(1, sizeof(*listener));
	int error;

	if (!listener)
		return -ENOMEM;
	listener->listen = *listen_on;
	listener->listen.text = NULL;
	error = listener_start(listener, server);
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
static void listeners_undo(struct xa_server *server, const struct listener *end)
{
	while (server->listeners != end) {
		struct listener *next = server->listeners->next;

		listener_free(server->listeners);
		server->listeners = next;
	}
}

int xa_server_listen(struct xa_server *server, const struct xa_config *config,
		     struct xa_why *ret_why)
{
	struct listener *before = server->listeners;

	for (size_t i = 0; i < config->listen_count; i++) {
		int error = server_listens_on(server, &config->listen[i])
				    ? 0
				    : listener_add(server, &config->listen[i], ret_why);

		if (error) {
			listeners_undo(server, before);
			return error;
		}
	}
	return 0;
}

void xa_server_keep(struct xa_server *server, const struct xa_config *config)
{
	struct listener **link = &server->listeners;

	while (*link) {
		struct listener *listener = *link;

		if (config_listens_on(config, listener)) {
			link = &listener->next;
			continue;
		}
		*link = listener->next;
		listener_free(listener);
	}
}
