/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A response borrows the page's bytes and gives its reference back when libmicrohttpd is done with
 * them, so a scrape copies nothing and may outlive the page on the board. The config is one
 * response for all who ask, which libmicrohttpd counts itself.
 */

#include "core/http/server.h"

#include <microhttpd.h>
#include <string.h>

#include "core/http/waits.h"

#define CONNECTIONS_MAX	   128U
#define CONNECTION_MEMORY  16384UL
#define INACTIVITY_SECONDS 10U
#define OUTCOME_MAX	   8192UL
#define RETRY_SECONDS	   "5"

struct listener {
	struct listener *next;
	struct xa_listen listen; /* without its text, which is the config's */
	struct xa_server *server;
	struct xa_waits waits;
	struct MHD_Daemon *daemon;
};

struct xa_server {
	struct xa_board *board;
	struct xa_server_hooks hooks;
	struct listener *listeners;
	pthread_mutex_t lock; /* of what follows */
	bool reload; /* http.reload */
	struct MHD_Response *config; /* NULL: there was no memory for it */
};

struct request {
	struct listener *listener;
	struct MHD_Connection *connection;
	void **state; /* NULL: it is new; the listener: its head was heard; else the place where it
			 waits */
};

#define TYPE_TEXT    "text/plain; charset=utf-8"
#define TYPE_METRICS "text/plain; version=0.0.4; charset=utf-8"
#define TYPE_HTML    "text/html; charset=utf-8"

/* Takes the response over: what it returns is that, or NULL. */
static struct MHD_Response *with_headers(struct MHD_Response *response, const char *type)
{
	if (!response)
		return NULL;
	if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type) == MHD_YES &&
	    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") ==
		    MHD_YES &&
	    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff") == MHD_YES)
		return response;
	MHD_destroy_response(response);
	return NULL;
}

static enum MHD_Result respond(struct MHD_Connection *connection, unsigned status,
			       struct MHD_Response *response, const char *type)
{
	enum MHD_Result result;

	response = with_headers(response, type);
	if (!response)
		return MHD_NO;
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

/* `text` is a literal; libmicrohttpd's parameter is not const, but persistent memory is only read.
 */
static struct MHD_Response *literal(const char *text)
{
	return MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text,
					       MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result say(struct MHD_Connection *connection, unsigned status, const char *text)
{
	return respond(connection, status, literal(text), TYPE_TEXT);
}

/* The same with one more header. */
static enum MHD_Result say_with(struct MHD_Connection *connection, unsigned status,
				const char *text, const char *header, const char *value)
{
	struct MHD_Response *response = literal(text);

	if (response)
		(void)MHD_add_response_header(response, header, value);
	return respond(connection, status, response, TYPE_TEXT);
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

static enum MHD_Result answer_metrics(const struct request *request)
{
	struct xa_page *page = xa_board_take(request->listener->server->board);

	if (!page)
		return say(request->connection, MHD_HTTP_SERVICE_UNAVAILABLE, "no snapshot yet\n");
	return respond(request->connection, MHD_HTTP_OK,
		       page_part(page, page->metrics, page->metrics_len), TYPE_METRICS);
}

static enum MHD_Result answer_landing(const struct request *request)
{
	struct xa_page *page = xa_board_take(request->listener->server->board);

	if (!page)
		return say(request->connection, MHD_HTTP_SERVICE_UNAVAILABLE, "no snapshot yet\n");
	return respond(request->connection, MHD_HTTP_OK,
		       page_part(page, page->landing, page->landing_len), TYPE_HTML);
}

static enum MHD_Result answer_ready(const struct request *request)
{
	struct xa_page *page = xa_board_take(request->listener->server->board);
	unsigned status;

	if (!page)
		return say(request->connection, MHD_HTTP_SERVICE_UNAVAILABLE, "no snapshot yet\n");
	if (xa_now_ns() > page->stale_after_ns) {
		xa_page_unref(page);
		return say(request->connection, MHD_HTTP_SERVICE_UNAVAILABLE,
			   "the last snapshot is overdue\n");
	}
	status = page->attached ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
	return respond(request->connection, status, page_part(page, page->state, page->state_len),
		       TYPE_TEXT);
}

static enum MHD_Result answer_healthy(const struct request *request)
{
	return say(request->connection, MHD_HTTP_OK, "healthy\n");
}

static enum MHD_Result answer_config(const struct request *request)
{
	struct xa_server *server = request->listener->server;
	enum MHD_Result result = MHD_NO;
	bool shown;

	(void)pthread_mutex_lock(&server->lock);
	shown = server->config;
	if (shown)
		result = MHD_queue_response(request->connection, MHD_HTTP_OK, server->config);
	(void)pthread_mutex_unlock(&server->lock);
	return shown ? result
		     : say(request->connection, MHD_HTTP_SERVICE_UNAVAILABLE,
			   "no config to show\n");
}

/* --- reload --- */

static bool takes_reloads(struct xa_server *server)
{
	bool reload;

	(void)pthread_mutex_lock(&server->lock);
	reload = server->reload;
	(void)pthread_mutex_unlock(&server->lock);
	return reload;
}

static const char *header_of(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* Browsers send an Origin with every POST that a page makes. None of our pages makes any, and one
 * whose name was turned to this host's address (DNS rebinding) would look like ours: none is good.
 */
static bool is_from_page(struct MHD_Connection *connection)
{
	const char *site = header_of(connection, "Sec-Fetch-Site");

	if (header_of(connection, MHD_HTTP_HEADER_ORIGIN))
		return true;
	return site && strcmp(site, "none") != 0 && strcmp(site, "same-origin") != 0;
}

/* It waits from before the hook is called: a reload that begins by that answers it. */
static enum MHD_Result answer_reload(const struct request *request)
{
	struct listener *listener = request->listener;
	const struct xa_server_hooks *hooks = &listener->server->hooks;
	struct xa_wait *wait;

	if (!takes_reloads(listener->server))
		return say(request->connection, MHD_HTTP_FORBIDDEN,
			   "reloads over HTTP are off: http.reload is false\n");
	if (is_from_page(request->connection))
		return say(request->connection, MHD_HTTP_FORBIDDEN,
			   "reloads are not for web pages\n");
	wait = xa_waits_join(&listener->waits, request->connection);
	if (!wait)
		return say_with(request->connection, MHD_HTTP_SERVICE_UNAVAILABLE,
				"too many wait for a reload already\n", MHD_HTTP_HEADER_RETRY_AFTER,
				RETRY_SECONDS);
	*request->state = wait;
	hooks->reload(hooks->ctx);
	return MHD_YES;
}

static enum MHD_Result answer_waited(const struct request *request)
{
	unsigned status;
	struct MHD_Response *response = xa_waits_leave(&request->listener->waits, *request->state,
						       &status);

	*request->state = request->listener; /* the place may be another's from now on */
	return respond(request->connection, status, response, TYPE_TEXT);
}

/* --- routes --- */

struct route {
	const char *path;
	enum MHD_Result (*answer)(const struct request *request);
	bool posts; /* POST alone; else GET and HEAD */
};

static const struct route routes[] = {
	{"/metrics", answer_metrics, false},   {"/config", answer_config, false},
	{"/-/healthy", answer_healthy, false}, {"/-/ready", answer_ready, false},
	{"/-/reload", answer_reload, true},    {"/", answer_landing, false},
};

static const struct route *route_of(const char *path)
{
	for (size_t i = 0; i < array_size(routes); i++)
		if (!strcmp(path, routes[i].path))
			return &routes[i];
	return NULL;
}

static bool is_allowed(const struct route *route, const char *method)
{
	if (route->posts)
		return !strcmp(method, MHD_HTTP_METHOD_POST);
	return !strcmp(method, MHD_HTTP_METHOD_GET) || !strcmp(method, MHD_HTTP_METHOD_HEAD);
}

static enum MHD_Result refuse_method(const struct route *route, struct MHD_Connection *connection)
{
	return say_with(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
			route->posts ? "only POST\n" : "only GET and HEAD\n", MHD_HTTP_HEADER_ALLOW,
			route->posts ? "POST" : "GET, HEAD");
}

static bool has_body(struct MHD_Connection *connection)
{
	const char *length = header_of(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return header_of(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING) ||
	       (length && length[strspn(length, "0")]);
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
 * answer before the last would cost the connection. One more comes when a wait is over. */
static enum MHD_Result handle(void *ctx, struct MHD_Connection *connection, const char *path,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_len, void **state)
{
	const struct request request = {ctx, connection, state};
	const struct route *route = route_of(path);

	(void)version;
	(void)upload;
	if (!route)
		return say(connection, MHD_HTTP_NOT_FOUND,
			   "not found; there are / /metrics /config /-/healthy /-/ready "
			   "/-/reload\n");
	if (!is_allowed(route, method))
		return refuse_method(route, connection);
	if (*state && *state != ctx)
		return answer_waited(&request);
	if (!*state && route->posts && has_body(connection))
		return say(connection, MHD_HTTP_BAD_REQUEST, "only without a body\n");
	if (!*state || *upload_len) {
		*state = ctx;
		*upload_len = 0;
		return MHD_YES;
	}
	return route->answer(&request);
}

/* Of a wait whose connection ended before its answer was sent. */
static void request_over(void *ctx, struct MHD_Connection *connection, void **state,
			 enum MHD_RequestTerminationCode how)
{
	struct listener *listener = ctx;
	unsigned status;

	(void)connection;
	(void)how;
	if (*state && *state != listener)
		MHD_destroy_response(xa_waits_leave(&listener->waits, *state, &status));
}

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

static int listener_new(struct listener **ret, struct xa_server *server,
			const struct xa_listen *listen_on)
{
	struct listener *listener = calloc(1, sizeof(*listener));

	if (!listener)
		return -ENOMEM;
	if (xa_waits_init(&listener->waits)) {
		free(listener);
		return -ENOMEM;
	}
	listener->server = server;
	listener->listen = *listen_on;
	listener->listen.text = NULL;
	*ret = listener;
	return 0;
}

static void listener_free(struct listener *listener)
{
	xa_waits_close(&listener->waits);
	if (listener->daemon)
		MHD_stop_daemon(listener->daemon);
	xa_waits_done(&listener->waits);
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
	MHD_destroy_response(server->config);
	(void)pthread_mutex_destroy(&server->lock);
	free(server);
}

static int socket_open(const struct xa_listen *listen_on, int *ret_fd)
{
	int family = listen_on->address.ss_family, on = 1;
	_cleanup_close_ int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
					IPPROTO_TCP);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)))
		return -errno;
	if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)))
		return -errno;
	if (bind(fd, (const struct sockaddr *)&listen_on->address, listen_on->address_len) ||
	    listen(fd, SOMAXCONN))
		return -errno;
	*ret_fd = take_fd(fd);
	return 0;
}

static int listener_start(struct listener *listener)
{
	_cleanup_close_ int fd = -1;
	int error = socket_open(&listener->listen, &fd);

	if (error)
		return error;
	listener->daemon = MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handle,
		listener, MHD_OPTION_NOTIFY_COMPLETED, request_over, listener,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
		MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		CONNECTION_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT, INACTIVITY_SECONDS,
		MHD_OPTION_END);
	if (!listener->daemon)
		return -ENOMEM;
	(void)take_fd(fd); /* libmicrohttpd's now */
	return 0;
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
	struct listener *listener;
	int error = listener_new(&listener, server, listen_on);

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

static struct MHD_Response *response_of(const struct xa_config *config)
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
	return with_headers(response, TYPE_TEXT);
}

static void show(struct xa_server *server, const struct xa_config *config)
{
	struct MHD_Response *before, *response = response_of(config);

	(void)pthread_mutex_lock(&server->lock);
	before = server->config;
	server->config = response;
	server->reload = config->http.reload == XA_ON;
	(void)pthread_mutex_unlock(&server->lock);
	MHD_destroy_response(before);
}

void xa_server_keep(struct xa_server *server, const struct xa_config *config)
{
	struct listener **link = &server->listeners;

	show(server, config);
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

void xa_server_reload_begins(struct xa_server *server)
{
	for (struct listener *l = server->listeners; l; l = l->next)
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

	for (struct listener *l = server->listeners; l; l = l->next)
		xa_waits_end(&l->waits, status, text, len);
}
