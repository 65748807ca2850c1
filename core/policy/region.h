/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What auditor and policy worker share: two pieces of memory and one socket.
 *
 * The snapshot is written by the auditor and sealed against everybody else's writing. The region is
 * written by the worker; the auditor reads it and trusts nothing in it: whatever it takes is copied
 * once, then checked. Both have their final size from the start and are sealed against another.
 * Orders and answers go over the socket, a message each.
 */

#include "core/base/base.h"
#include "plugins/xa_plugin.h"

/* Descriptors that the worker finds open; it has no others. */
enum {
	XA_WORKER_SOCKET = 3, /* SOCK_SEQPACKET */
	XA_WORKER_SETUP, /* struct xa_setup_head and what follows it: setup.h */
	XA_WORKER_SNAPSHOT,
	XA_WORKER_REGION,
	XA_WORKER_FDS_END_
};

#define XA_POLICY_STAGES_MAX	16
#define XA_POLICY_INTERFACES	256 /* slots: flow_abi.h */
#define XA_POLICY_INTERFACE_LEN 64 /* of a name as it is exported, the NUL included */
#define XA_POLICY_SAMPLES_MAX	65536 /* a run */
#define XA_POLICY_TEXT_BYTES	2048 /* of a complaint, several lines, the NUL included */
#define XA_POLICY_PATH_BYTES	256
#define XA_POLICY_HELP_BYTES	256
#define XA_POLICY_LOG_BYTES	512

/* --- the snapshot --- */

/* At the beginning of the memory; the flows follow at XA_SNAPSHOT_FLOWS. */
struct xa_snapshot_head {
	uint64_t count;
	uint64_t packets; /* sums over all of them */
	uint64_t bytes;
	uint64_t now_ns; /* Unix time */
	uint64_t interval_ns; /* 0: the first one */
	char interfaces[XA_POLICY_INTERFACES][XA_POLICY_INTERFACE_LEN]; /* by slot; "": none */
};
#define XA_SNAPSHOT_FLOWS 20480
_Static_assert(sizeof(struct xa_snapshot_head) <= XA_SNAPSHOT_FLOWS, "head of the snapshot");

static inline size_t xa_snapshot_size(uint32_t max_flows)
{
	return XA_SNAPSHOT_FLOWS + (size_t)max_flows * sizeof(struct xa_plugin_flow);
}

/* --- the region --- */

/* What a stage complains of. */
struct xa_report {
	uint32_t failed; /* 0 or 1 */
	uint32_t cause; /* enum xa_plugin_cause */
	uint32_t line, column;
	char file[XA_POLICY_PATH_BYTES];
	char text[XA_POLICY_TEXT_BYTES];
};

struct xa_region_stage {
	struct xa_report report; /* of the last open or run */
	uint64_t duration_ns; /* of the last run */
	uint32_t kept_len; /* of what save() has left */
	uint8_t kept[XA_PLUGIN_KEPT_BYTES];
};

struct xa_region_label {
	uint32_t stage; /* that declared it */
	char name[XA_PLUGIN_NAME_BYTES];
};

struct xa_region_metric {
	uint32_t stage;
	uint32_t type; /* enum xa_plugin_metric_type */
	uint32_t label_count;
	uint32_t bucket_count;
	double buckets[XA_PLUGIN_BUCKETS_MAX];
	char name[XA_PLUGIN_NAME_BYTES];
	char help[XA_POLICY_HELP_BYTES];
	char labels[XA_PLUGIN_METRIC_LABELS_MAX][XA_PLUGIN_NAME_BYTES];
};

struct xa_region_value {
	uint32_t len; /* 0: free */
	char text[XA_PLUGIN_VALUE_BYTES]; /* NUL-terminated */
};

struct xa_region_sample {
	uint32_t metric;
	uint32_t is_u64; /* which of the two */
	uint32_t values[XA_PLUGIN_METRIC_LABELS_MAX];
	union {
		double number;
		uint64_t count;
	};
};

/* The head. Behind it, at the offsets of struct xa_region_layout: values, hidden, columns, samples,
 * running. */
struct xa_region_head {
	uint32_t running; /* the stage that is at work, from 1; 0: none. For who is to blame. */
	uint32_t label_count;
	uint32_t metric_count;
	uint32_t value_count; /* numbers in use are below it */
	uint32_t sample_count;
	uint32_t samples_refused; /* in this run: over XA_POLICY_SAMPLES_MAX */
	struct xa_region_label labels[XA_PLUGIN_LABELS_MAX];
	struct xa_region_metric metrics[XA_PLUGIN_METRICS_MAX];
	struct xa_region_stage stages[XA_POLICY_STAGES_MAX];
};

/* Where things stand in the region; the same sizes give the same places on both sides. */
struct xa_region_layout {
	uint32_t max_flows; /* handles are below it */
	uint32_t max_values; /* value numbers are below it; the first two are NONE and OTHER */
	size_t values; /* struct xa_region_value[max_values] */
	size_t hidden; /* uint8_t[max_flows] */
	size_t columns; /* uint32_t[XA_PLUGIN_LABELS_MAX][max_flows] */
	size_t samples; /* struct xa_region_sample[XA_POLICY_SAMPLES_MAX] */
	size_t running; /* uint32_t: the head's again, for who writes out of bounds hits one of
			   them sooner than both */
	size_t size;
};

static inline size_t xa_region_align(size_t offset)
{
	return (offset + 4095) & ~(size_t)4095;
}

static inline struct xa_region_layout xa_region_layout(uint32_t max_flows, uint32_t max_values)
{
	struct xa_region_layout layout = {.max_flows = max_flows, .max_values = max_values};

	layout.values = xa_region_align(sizeof(struct xa_region_head));
	layout.hidden = xa_region_align(layout.values +
					(size_t)max_values * sizeof(struct xa_region_value));
	layout.columns = xa_region_align(layout.hidden + max_flows);
	layout.samples = xa_region_align(layout.columns + (size_t)XA_PLUGIN_LABELS_MAX * max_flows *
								  sizeof(uint32_t));
	layout.running = xa_region_align(layout.samples +
					 XA_POLICY_SAMPLES_MAX * sizeof(struct xa_region_sample));
	layout.size = xa_region_align(layout.running + sizeof(uint32_t));
	return layout;
}

/* --- messages --- */

enum xa_order_kind {
	XA_ORDER_RUN, /* judge the snapshot: answered by XA_ANSWER_DONE */
	XA_ORDER_SAVE, /* write what stages keep: answered by XA_ANSWER_SAVED */
	XA_ORDER_STOP, /* close the stages and exit: no answer */
};

struct xa_order {
	uint32_t kind;
	uint32_t unused;
	uint64_t number; /* given back by the answer */
};

enum xa_answer_kind {
	XA_ANSWER_OPENED, /* the first answer, unasked: all stages are open, the schema stands in
			     the region */
	XA_ANSWER_REFUSED, /* or: at least one is not; the reasons came as XA_ANSWER_WHY */
	XA_ANSWER_WHY, /* one reason why the stages' configuration is refused */
	XA_ANSWER_DONE,
	XA_ANSWER_SAVED,
	XA_ANSWER_LOG, /* one line for the log */
};

/* A message is as long as what it uses of the union. */
struct xa_answer {
	uint32_t kind;
	uint32_t stage; /* of LOG and WHY, from 0 */
	uint64_t number; /* of DONE and SAVED */
	union {
		struct {
			uint32_t level; /* enum xa_plugin_log_level */
			char text[XA_POLICY_LOG_BYTES];
		} log;
		struct xa_why why;
	};
};
