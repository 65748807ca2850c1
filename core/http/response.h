/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Answers with the headers that all of them have. Any thread. */

#include <microhttpd.h>

#include "core/base/base.h"

#define XA_TYPE_TEXT "text/plain; charset=utf-8"
#define XA_TYPE_HTML "text/html; charset=utf-8"

/* Adds the headers. Takes the response over: what it returns is that, or NULL. */
struct MHD_Response *xa_response_with(struct MHD_Response *response, const char *type);

/* Queues the response, which may be NULL, and takes it over. */
enum MHD_Result xa_respond(struct MHD_Connection *connection, unsigned status,
			   struct MHD_Response *response, const char *type);

/* `text` is a literal. */
enum MHD_Result xa_say(struct MHD_Connection *connection, unsigned status, const char *text);

/* The same with one more header. */
enum MHD_Result xa_say_with(struct MHD_Connection *connection, unsigned status, const char *text,
			    const char *header, const char *value);
