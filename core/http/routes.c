/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A response borrows the page's bytes and gives its reference back when libmicrohttpd is done with
 * them, so a scrape copies nothing and may outlive the page on the board. The config is one
 * response for all who ask, which libmicrohttpd counts itself.
 */

#include "core/http/routes.h"

#include <string.h>

#include "core/http/gate.h"
#include "core/http/response.h"

#define TYPE_METRICS  "text/plain; version=0.0.4; charset=utf-8"
#define RETRY_SECONDS "5"

struct request {
	struct xa_listener *listener;
	struct MHD_Connection *connection;
	void **state; /* NULL: it is new; the listener: its head was heard; else the place where it
			 waits */
};

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
		return xa_say(request->connection, MHD_HTTP_SERVICE_UNAVAILABLE,
			      "no snapshot yet\n");
	return xa_respond(request->connection, MHD_HTTP_OK,
			  page_part(page, page->metrics, page->metrics_len), TYPE_METRICS);
}

static enum MHD_Result answer_landing(const struct request *request)
{
	struct xa_page *page = xa_board_take(request->listener->server->board);

	if (!page)
		return xa_say(request->connection, MHD_HTTP_SERVICE_UNAVAILABLE,
			      "no snapshot yet\n");
	return xa_respond(request->connection, MHD_HTTP_OK,
			  page_part(page, page->landing, page->landing_len), XA_TYPE_HTML);
}

static enum MHD_Result answer_ready(const struct request *request)
{
	struct xa_page *page = xa_board_take(request->listener->server->board);
	unsigned status;

	if (!page)
		return xa_say(request->connection, MHD_HTTP_SERVICE_UNAVAILABLE,
			      "no snapshot yet\n");
	if (xa_now_ns() > page->stale_after_ns) {
		xa_page_unref(page);
		return xa_say(request->connection, MHD_HTTP_SERVICE_UNAVAILABLE,
			      "the last snapshot is overdue\n");
	}
	status = page->attached ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
	return xa_respond(request->connection, status,
			  page_part(page, page->state, page->state_len), XA_TYPE_TEXT);
}

static enum MHD_Result answer_healthy(const struct request *request)
{
	return xa_say(request->connection, MHD_HTTP_OK, "healthy\n");
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
		     : xa_say(request->connection, MHD_HTTP_SERVICE_UNAVAILABLE,
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
	struct xa_listener *listener = request->listener;
	const struct xa_server_hooks *hooks = &listener->server->hooks;
	struct xa_wait *wait;

	if (!takes_reloads(listener->server))
		return xa_say(request->connection, MHD_HTTP_FORBIDDEN,
			      "reloads over HTTP are off: http.reload is false\n");
	if (is_from_page(request->connection))
		return xa_say(request->connection, MHD_HTTP_FORBIDDEN,
			      "reloads are not for web pages\n");
	wait = xa_waits_join(&listener->waits, request->connection);
	if (!wait)
		return xa_say_with(request->connection, MHD_HTTP_SERVICE_UNAVAILABLE,
				   "too many wait for a reload already\n",
				   MHD_HTTP_HEADER_RETRY_AFTER, RETRY_SECONDS);
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
	return xa_respond(request->connection, status, response, XA_TYPE_TEXT);
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
	return xa_say_with(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
			   route->posts ? "only POST\n" : "only GET and HEAD\n",
			   MHD_HTTP_HEADER_ALLOW, route->posts ? "POST" : "GET, HEAD");
}

static bool has_body(struct MHD_Connection *connection)
{
	const char *length = header_of(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return header_of(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING) ||
	       (length && length[strspn(length, "0")]);
}

/* Leaves the path as it was sent: what is escaped is not one of ours, whatever it would unescape
 * to. */
size_t xa_http_unescape(void *ctx, struct MHD_Connection *connection, char *text)
{
	(void)ctx;
	(void)connection;
	return strlen(text);
}

/* The first call comes with the headers, the last with the end of a body, if there is one: an
 * answer before the last would cost the connection. One more comes when a wait is over. */
enum MHD_Result xa_http_handle(void *ctx, struct MHD_Connection *connection, const char *path,
			       const char *method, const char *version, const char *upload,
			       size_t *upload_len, void **state)
{
	const struct request request = {ctx, connection, state};
	const struct route *route = route_of(path);
	enum MHD_Result result;

	(void)version;
	(void)upload;
	if (!*state && !xa_gate_passes(ctx, connection, path, &result))
		return result;
	if (!route)
		return xa_say(connection, MHD_HTTP_NOT_FOUND,
			      "not found; there are / /metrics /config /-/healthy /-/ready "
			      "/-/reload\n");
	if (!is_allowed(route, method))
		return refuse_method(route, connection);
	if (*state && *state != ctx)
		return answer_waited(&request);
	if (!*state && route->posts && has_body(connection))
		return xa_say(connection, MHD_HTTP_BAD_REQUEST, "only without a body\n");
	if (!*state || *upload_len) {
		*state = ctx;
		*upload_len = 0;
		return MHD_YES;
	}
	return route->answer(&request);
}

/* Of a wait whose connection ended before its answer was sent. */
void xa_http_over(void *ctx, struct MHD_Connection *connection, void **state,
		  enum MHD_RequestTerminationCode how)
{
	struct xa_listener *listener = ctx;
	unsigned status;

	(void)connection;
	(void)how;
	if (*state && *state != listener)
		MHD_destroy_response(xa_waits_leave(&listener->waits, *state, &status));
}
