/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the plugin ABI lends to a stage: the functions of struct xa_plugin_host, over the region.
 */

#include <stdbool.h>

#include "core/policy/setup.h"
#include "core/policy/values.h"

/* Lines of a stage's log in one run, and while it is opened. */
#define XA_HOST_LINES_MAX 100

/* The hosts' common ground: one a worker. */
struct xa_ground {
	int socket; /* borrowed */
	uint64_t memory_bytes;
	uint32_t log_level;
	struct xa_region_head *head;
	struct xa_region_layout layout;
	uint32_t *columns; /* where layout says, as the next two */
	uint8_t *hidden;
	struct xa_region_sample *samples;
	struct xa_values *values;
	const struct xa_setup_stage *stages;
	/* Counts of the head, out of the reach of a stage that writes where it may not. */
	uint32_t label_count, metric_count;
	uint32_t sample_count, samples_refused;
};

/* `region` is zeroed memory of layout.size bytes, `setup` lives longer. Errors are those of
 * xa_values_new(). End it by xa_ground_done(). */
int xa_ground_init(struct xa_ground *ground, void *region, const struct xa_region_layout *layout,
		   const struct xa_setup *setup, int socket);
void xa_ground_done(struct xa_ground *ground);

enum xa_host_phase {
	XA_HOST_IDLE, /* between runs, and while the stage is closed */
	XA_HOST_OPENING,
	XA_HOST_RUNNING,
};

struct xa_host {
	struct xa_plugin_host lent; /* has to come first */
	struct xa_ground *ground;
	uint32_t stage; /* from 0 */
	enum xa_host_phase phase;
	uint32_t lines, lines_cut; /* of the log, in this phase */
	uint32_t samples_before; /* counts when the run began */
	uint32_t refused_before;
};

void xa_host_init(struct xa_host *host, struct xa_ground *ground, uint32_t stage);

/* Before open() or run(): an empty report. */
void xa_host_begin(struct xa_host *host, enum xa_host_phase phase);

/* After it, with what it returned: whether the stage did its work. If not, the report says why, a
 * reason was sent if the stage was being opened, and its samples are gone. */
bool xa_host_end(struct xa_host *host, int error);

/* The values of a label, by handle. */
uint32_t *xa_ground_column(const struct xa_ground *ground, uint32_t label);
