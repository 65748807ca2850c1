/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What is answered to which path and method. The functions are libmicrohttpd's: called in the
 * threads of the listeners, with the listener as `ctx`.
 */

#include "core/http/serving.h"

enum MHD_Result xa_http_handle(void *ctx, struct MHD_Connection *connection, const char *path,
			       const char *method, const char *version, const char *upload,
			       size_t *upload_len, void **state);
void xa_http_over(void *ctx, struct MHD_Connection *connection, void **state,
		  enum MHD_RequestTerminationCode how);
size_t xa_http_unescape(void *ctx, struct MHD_Connection *connection, char *text);
