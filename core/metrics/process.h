/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The process_* families, as every Prometheus client has them, from proc(5). */

#include "core/metrics/exposition.h"

/* Writes those that could be read. */
void xa_process_render(struct xa_exposition *expo);
