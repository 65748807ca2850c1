/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the daemon tells to programs other than Prometheus, as JSON: docs/api.md. Threads of the
 * listeners, which see the page alone.
 */

#include <microhttpd.h>

#include "core/metrics/board.h"

#define XA_API_STATUS "/api/v1/status"
#define XA_API_FLOWS  "/api/v1/flows"

enum MHD_Result xa_api_status(struct xa_board *board, struct MHD_Connection *connection);
enum MHD_Result xa_api_flows(struct xa_board *board, struct MHD_Connection *connection);
