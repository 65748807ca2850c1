/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A response borrows the page's bytes and gives its reference back when libmicrohttpd is done with
 * them, so a scrape copies nothing and may outlive the page on the board. The config is one
 * response for all who ask, which libmicrohttpd counts itself.
 */

#include "core/http/routes.h"

#include <string.h>

#include "core/http/api.h"
#include "core/http/door.h"
#include "core/http/gate.h"
#include "core/http/negotiate.h"
#include "core/http/request.h"
#include "core/http/response.h"

#define RETRY_SECONDS "5"

struct request {
	struct xa_listener *listener;
	struct MHD_Connection *connection;
	void **state; /* NULL: it is new; the listener: its head was heard; else the place where it
			 waits */
};

static const char *header_of(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
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

static const char *const metrics_types[] = {
	[XA_FORMAT_TEXT] = "text/plain; version=0.0.4; charset=utf-8",
	[XA_FORMAT_OPENMETRICS] = "application/openmetrics-text; version=1.0.0; charset=utf-8",
};
_Static_assert(array_size(metrics_types) == XA_FORMAT_COUNT_, "a type for each format");

/* Takes the page over. Where there is no memory to compress it, it goes as it is. */
static struct MHD_Response *metrics_of(struct xa_page *page, enum xa_format format, bool gzip)
{
	const struct xa_body *zipped = gzip ? xa_page_zipped(page, format) : NULL;
	const struct xa_body *body = zipped ? zipped : &page->metrics[format];
	struct MHD_Response *response = page_part(page, body->text, body->len);

	if (!response)
		return NULL;
	if ((!zipped || MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING,
						"gzip") == MHD_YES) &&
	    MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, "Accept, Accept-Encoding") ==
		    MHD_YES)
		return response;
	MHD_destroy_response(response);
	return NULL;
}

static enum MHD_Result answer_metrics(const struct request *request)
{
	struct MHD_Connection *connection = request->connection;
	const enum xa_format format = xa_negotiate_format(
		header_of(connection, MHD_HTTP_HEADER_ACCEPT));
	const bool gzip = xa_negotiate_gzip(header_of(connection, MHD_HTTP_HEADER_ACCEPT_ENCODING));
	struct xa_page *page = xa_board_take(request->listener->server->board);

	if (!page)
		return xa_say(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "no snapshot yet\n");
	return xa_respond(connection, MHD_HTTP_OK, metrics_of(page, format, gzip),
			  metrics_types[format]);
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

static enum MHD_Result answer_status(const struct request *request)
{
	return xa_api_status(request->listener->server->board, request->connection);
}

static enum MHD_Result answer_flows(const struct request *request)
{
	return xa_api_flows(request->listener->server->board, request->connection);
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
	xa_door_waits(listener, request->connection);
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
	{XA_API_STATUS, answer_status, false}, {XA_API_FLOWS, answer_flows, false},
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

/* Leaves the path as it was sent: what is escaped is not one of ours, whatever it would unescape
 * to. Arguments are left too, see query.h. */
size_t xa_http_unescape(void *ctx, struct MHD_Connection *connection, char *text)
{
	(void)ctx;
	(void)connection;
	return strlen(text);
}

static struct xa_fault fault_of(const struct request *request, const char *version)
{
	struct xa_server *server = request->listener->server;
	struct xa_fault fault;

	(void)pthread_mutex_lock(&server->lock);
	fault = xa_request_fault(request->connection, version,
				 xa_listener_is_file(request->listener) ? NULL : &server->access);
	(void)pthread_mutex_unlock(&server->lock);
	return fault;
}

/* The first call comes with the headers, the second when there is no body to come. One more comes
 * when a wait is over. */
enum MHD_Result xa_http_handle(void *ctx, struct MHD_Connection *connection, const char *path,
			       const char *method, const char *version, const char *upload,
			       size_t *upload_len, void **state)
{
	const struct request request = {ctx, connection, state};
	const struct route *route = route_of(path);
	const struct xa_fault fault = *state ? (struct xa_fault){0} : fault_of(&request, version);
	enum MHD_Result result;

	(void)upload;
	(void)upload_len;
	xa_door_answers(ctx, connection);
	if (fault.status)
		return xa_say_with(connection, fault.status, fault.text, MHD_HTTP_HEADER_CONNECTION,
				   "close");
	if (!*state && !xa_gate_passes(ctx, connection, path, &result))
		return result;
	if (!route)
		return xa_say(connection, MHD_HTTP_NOT_FOUND,
			      "not found; there are / /metrics /config /-/healthy /-/ready "
			      "/-/reload " XA_API_STATUS " " XA_API_FLOWS "\n");
	if (!is_allowed(route, method))
		return refuse_method(route, connection);
	if (*state && *state != ctx)
		return answer_waited(&request);
	if (!*state) {
		*state = ctx;
		return MHD_YES;
	}
	return route->answer(&request);
}

/* A wait whose connection ended before its answer was sent is over as well. */
void xa_http_over(void *ctx, struct MHD_Connection *connection, void **state,
		  enum MHD_RequestTerminationCode how)
{
	struct xa_listener *listener = ctx;
	unsigned status;

	(void)how;
	if (*state && *state != listener)
		MHD_destroy_response(xa_waits_leave(&listener->waits, *state, &status));
	xa_door_answered(listener, connection);
}
