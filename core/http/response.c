/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/http/response.h"

#include <string.h>

#include "core/http/door.h"
#include "core/http/gate.h"

/* Those of browsers: nothing that is answered here loads, runs, frames or tells anything. */
static const char *const headers[][2] = {
	{MHD_HTTP_HEADER_CACHE_CONTROL, "no-store"},
	{"X-Content-Type-Options", "nosniff"},
	{"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
	{"X-Frame-Options", "DENY"},
	{"Referrer-Policy", "no-referrer"},
	{"Cross-Origin-Resource-Policy", "same-origin"},
};

static bool add_headers(struct MHD_Response *response, const char *type)
{
	enum MHD_Result added = MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
							type);

	for (size_t i = 0; added == MHD_YES && i < array_size(headers); i++)
		added = MHD_add_response_header(response, headers[i][0], headers[i][1]);
	return added == MHD_YES;
}

struct MHD_Response *xa_response_with(struct MHD_Response *response, const char *type)
{
	if (!response)
		return NULL;
	if (add_headers(response, type))
		return response;
	MHD_destroy_response(response);
	return NULL;
}

enum MHD_Result xa_respond(struct MHD_Connection *connection, unsigned status,
			   struct MHD_Response *response, const char *type)
{
	enum MHD_Result result;

	response = xa_response_with(response, type);
	if (!response)
		return MHD_NO;
	if (!xa_gate_dress_for(connection, response)) {
		MHD_destroy_response(response);
		return MHD_NO;
	}
	if (xa_door_closes(connection))
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
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

enum MHD_Result xa_say(struct MHD_Connection *connection, unsigned status, const char *text)
{
	return xa_respond(connection, status, literal(text), XA_TYPE_TEXT);
}

enum MHD_Result xa_say_with(struct MHD_Connection *connection, unsigned status, const char *text,
			    const char *header, const char *value)
{
	struct MHD_Response *response = literal(text);

	if (response)
		(void)MHD_add_response_header(response, header, value);
	return xa_respond(connection, status, response, XA_TYPE_TEXT);
}
