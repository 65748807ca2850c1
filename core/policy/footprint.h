/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "config/config.h"

/* Bytes that the policy of a config takes at most, when flows.max flows live; the programs
 * themselves come on top. While a reload tries another policy, both are there. */
struct xa_footprint {
	uint64_t daemon_bytes; /* of what the daemon has for itself, without derived metrics */
	uint64_t metric_bytes; /* of each derived metric, in the daemon */
	uint64_t shared_bytes; /* snapshot and region, which stand in both processes, but once */
	uint64_t worker_bytes; /* of what the worker has for itself */
};

/* All 0 without stages. */
struct xa_footprint xa_footprint_of(const struct xa_config *config);
