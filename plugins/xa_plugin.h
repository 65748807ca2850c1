/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The ABI of policy stages. A stage judges flows: it gives them labels, hides them from the export,
 * and derives metrics from them. It runs in the policy worker, a process without rights that sees a
 * read-only snapshot; what it does wrong costs its own labels and metrics, never a packet or a
 * poll.
 *
 * A plugin is one object, defined by XA_PLUGIN(). It links against nothing of xdp-auditor: whatever
 * it needs from there is lent as functions in struct xa_plugin_host. The same source is compiled in
 * or built as NAME.so, which is loaded by its bare name from the configured plugin directory.
 *
 * Life: open() once with the stage's options; run() once a snapshot, one after the other; close()
 * before the worker ends in good order. One thread. A stage that returns an error from run() is
 * skipped for this snapshot; one that is killed for its time or its memory, or that crashes, takes
 * the worker with it, which is started anew.
 *
 * Every pointer that is handed over is borrowed for the call, but for the host and what is said to
 * live longer. Functions return 0 or -errno unless something else is said.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Has to match exactly; it rises with each change of this file that old plugins would not survive.
 */
#define XA_PLUGIN_ABI 1

/* Names of labels, of metrics and of their labels have to be shorter, their end included. */
#define XA_PLUGIN_NAME_BYTES 128
/* A label's value has fewer bytes than this, valid UTF-8 without control characters. */
#define XA_PLUGIN_VALUE_BYTES	    256
#define XA_PLUGIN_LABELS_MAX	    8 /* of flows, over all stages */
#define XA_PLUGIN_METRICS_MAX	    64 /* over all stages */
#define XA_PLUGIN_METRIC_LABELS_MAX 6
#define XA_PLUGIN_BUCKETS_MAX	    32

/* --- what a stage is given --- */

/* One flow of a snapshot. Numbers are in host byte order. */
struct xa_plugin_flow {
	uint8_t src[16]; /* network byte order; IPv4 stands in the first 4, the rest is 0 */
	uint8_t dst[16];
	uint64_t packets; /* since the flow began */
	uint64_t bytes; /* L2 bytes */
	uint64_t packets_delta; /* since the snapshot before */
	uint64_t bytes_delta;
	uint64_t first_seen_ns; /* Unix time, to some milliseconds */
	uint64_t last_seen_ns;
	uint32_t handle; /* the flow's place in columns while it lives; another flow's afterwards */
	uint32_t serial; /* tells the flows apart that have had one handle */
	uint16_t sport; /* ICMP and ICMPv6: type; 0 without ports */
	uint16_t dport; /* ICMP and ICMPv6: code */
	uint16_t vlan; /* outer id; 0: none */
	uint16_t interface; /* index into the batch's names */
	uint16_t len_min; /* L2 bytes of one packet, 65535 for longer ones */
	uint16_t len_max;
	uint8_t family; /* 4 or 6 */
	uint8_t proto; /* IANA protocol number */
	uint8_t tcp_flags; /* of all packets, ORed */
	uint8_t tos; /* DSCP and ECN of the last packet */
	uint8_t ttl_min;
	uint8_t ttl_max;
	uint8_t is_fragment; /* later fragments, which have no ports */
	uint8_t reserved[5];
};
_Static_assert(sizeof(struct xa_plugin_flow) == 112, "no padding at the end");

/* A snapshot: all living flows, in no order. Read-only memory. */
struct xa_plugin_batch {
	const struct xa_plugin_flow *flows;
	size_t count;
	/* Positions in `flows` of those that have no labels yet: new ones, or all after the worker
	 * was started anew. The others keep what they were given, for as long as they live. */
	const uint32_t *fresh;
	size_t fresh_count;
	uint64_t packets; /* sums over all flows */
	uint64_t bytes;
	uint64_t now_ns; /* Unix time */
	uint64_t interval_ns; /* since the snapshot before; 0: there is none */
	const char *const *interfaces;
	size_t interface_count;
};

/* --- options --- */

enum xa_plugin_option_type {
	XA_PLUGIN_TEXT,
	XA_PLUGIN_FILE, /* a path; relative ones are taken from the configuration file's folder.
			   What is not named in the configuration, a default too, may not be
			   readable. */
	XA_PLUGIN_INTEGER,
	XA_PLUGIN_DURATION, /* nanoseconds */
	XA_PLUGIN_SIZE, /* bytes */
	XA_PLUGIN_SWITCH, /* 0 or 1 */
	XA_PLUGIN_TREE, /* whatever stands there: the plugin reads it itself */
	XA_PLUGIN_OPTION_TYPE_COUNT_
};

/* A row of the plugin's own option table. Names, types and bounds are checked before open(). */
struct xa_plugin_option {
	const char *name;
	enum xa_plugin_option_type type;
	bool required;
	const char *fallback; /* the default, as a person would write it; NULL: none */
	int64_t min, max; /* of numbers; both 0: no bounds */
	const char *help; /* one line */
};

enum xa_plugin_node_kind {
	XA_PLUGIN_SCALAR,
	XA_PLUGIN_LIST,
	XA_PLUGIN_MAP,
};

/* A piece of the configuration as it was written, `${...}` replaced. Lives as long as the worker.
 */
struct xa_plugin_node {
	enum xa_plugin_node_kind kind;
	const char *key; /* inside a map; else NULL */
	const char *text; /* of a scalar; else NULL */
	bool quoted; /* the scalar is text, whatever it looks like */
	const struct xa_plugin_node *children; /* the first one */
	const struct xa_plugin_node *next;
	const char *file;
	uint32_t line, column; /* from 1; 0: outside of files */
};

/* What an option was set to; in the order of the plugin's table. Lives as long as the worker. */
struct xa_plugin_value {
	const struct xa_plugin_node *node; /* NULL: not in the configuration */
	const char *text; /* of TEXT and FILE; NULL without value and default */
	int64_t number; /* of the others but TREE */
};

/* --- what the host lends --- */

/* Why a stage could not do its work: the label `cause` of xdp_auditor_rule_errors_total. */
enum xa_plugin_cause {
	XA_PLUGIN_ERROR, /* what is in none of the others */
	XA_PLUGIN_STEPS, /* too much work, counted in steps */
	XA_PLUGIN_TIME, /* the deadline passed: told by the auditor alone */
	XA_PLUGIN_MEMORY,
	XA_PLUGIN_INVALID, /* a name, a value or a number that cannot be exported */
	XA_PLUGIN_CRASH, /* told by the auditor alone */
	XA_PLUGIN_CAUSE_COUNT_
};

enum xa_plugin_log_level {
	XA_PLUGIN_LOG_ERROR,
	XA_PLUGIN_LOG_WARN,
	XA_PLUGIN_LOG_INFO,
	XA_PLUGIN_LOG_DEBUG,
};

enum xa_plugin_metric_type {
	XA_PLUGIN_GAUGE, /* a sample is its value in this snapshot; a later one replaces it */
	XA_PLUGIN_COUNTER, /* a sample is added to what the auditor keeps; not negative */
	XA_PLUGIN_HISTOGRAM, /* a sample is one observation */
};

struct xa_plugin_metric {
	const char *name;
	const char *help; /* one line */
	enum xa_plugin_metric_type type;
	const char *const *labels;
	size_t label_count;
	const double *buckets; /* upper bounds of a histogram, rising, +Inf not included */
	size_t bucket_count;
};

/* Where something is wrong; `file` NULL, `line` and `column` 0 where there is no such place. */
struct xa_plugin_place {
	const char *file;
	uint32_t line, column;
};

/* Values of labels are numbers while a stage works: equal texts have equal numbers. */
#define XA_PLUGIN_VALUE_NONE  0 /* no label */
#define XA_PLUGIN_VALUE_OTHER 1 /* "other": there were too many */

struct xa_plugin_host;

struct xa_plugin_host {
	size_t size; /* of this struct */
	const char *stage; /* the stage's name, for messages */
	uint64_t memory_bytes; /* that the whole worker may take */

	/* One line to the auditor's log; a stage that says too much is cut off. */
	void (*log)(const struct xa_plugin_host *host, enum xa_plugin_log_level level,
		    const char *text);

	/* Says why open() or run() fails, which then return an error. `text` may have several lines
	 * (a traceback); the first one tells it all. The first call counts. */
	void (*fail)(const struct xa_plugin_host *host, enum xa_plugin_cause cause,
		     const struct xa_plugin_place *place, const char *text);

	/* In open() only. The label's number from 0, or -EEXIST, -EINVAL or -ENOSPC, which fail()
	 * was told of already. */
	int (*declare_label)(const struct xa_plugin_host *host, const char *name);

	/* In open() only. The metric's number from 0, or an error as above. Everything is copied.
	 */
	int (*declare_metric)(const struct xa_plugin_host *host,
			      const struct xa_plugin_metric *metric);

	/* The number of a label that a stage before this one, or this one, declared; -ENOENT. */
	int (*find_label)(const struct xa_plugin_host *host, const char *name);

	/* The values of a label by flow->handle; lives as long as the worker. The stage that
	 * declared the label writes, of flows in the batch; the stages behind read. */
	uint32_t *(*column)(const struct xa_plugin_host *host, int label);

	/* The flows that are hidden from the export, by flow->handle: 0 or 1. All 0 when the first
	 * stage begins; lives as long as the worker. */
	uint8_t *(*hidden)(const struct xa_plugin_host *host);

	/* The number of a text; XA_PLUGIN_VALUE_NONE for an empty one, XA_PLUGIN_VALUE_OTHER if
	 * there are too many. -EINVAL: too long, not UTF-8, or with control characters. Numbers got
	 * in open() hold for good, those got in run() until it returns, and in a column. */
	int (*value)(const struct xa_plugin_host *host, const char *text, size_t len,
		     uint32_t *ret_value);

	/* The text of a number, NUL-terminated; "" for XA_PLUGIN_VALUE_NONE. Lives as the number.
	 */
	const char *(*value_text)(const struct xa_plugin_host *host, uint32_t value,
				  size_t *ret_len);

	/* In run() only. One sample of a metric; a value for each of its labels. -EINVAL: no finite
	 * number, a negative one for a counter. -ENOSPC: too many; the rest of the run's samples is
	 * counted as folded and returns the same. */
	int (*sample)(const struct xa_plugin_host *host, int metric, const uint32_t *values,
		      double number);

	/* The same for what a double cannot hold: a count over 2^53. */
	int (*sample_u64)(const struct xa_plugin_host *host, int metric, const uint32_t *values,
			  uint64_t number);

	/* In open() only: reads a file whole, `max` bytes at most, a NUL behind them. The caller
	 * frees it by free(3). -EFBIG: larger; -EINVAL: not a regular file. */
	int (*read_file)(const struct xa_plugin_host *host, const char *path, size_t max,
			 char **ret_text, size_t *ret_len);

	/* In open() only: what save() of the worker before has left; NULL: nothing. */
	const void *(*kept)(const struct xa_plugin_host *host, size_t *ret_len);
};

/* --- the plugin --- */

struct xa_plugin {
	uint32_t abi; /* XA_PLUGIN_ABI */
	uint32_t size; /* of this struct */
	const char *name; /* of the stage in the configuration, and of NAME.so */
	const char *help; /* one line */
	const struct xa_plugin_option *options;
	size_t option_count;

	/* Takes the options, `option_count` of them, and declares what run() will give. *ret_state
	 * is handed to the others. The host lives until close() has returned. */
	int (*open)(const struct xa_plugin_host *host, const struct xa_plugin_value *options,
		    void **ret_state);

	/* Judges one snapshot. */
	int (*run)(void *state, const struct xa_plugin_batch *batch);

	/* Frees what open() made. */
	void (*close)(void *state);

	/* May be NULL. Before a reload: writes up to `size` bytes of what the stage that is opened
	 * next from the same options' file shall find by kept(); returns how many. */
	size_t (*save)(void *state, void *to, size_t size);
};

/* Bytes that save() may write. */
#define XA_PLUGIN_KEPT_BYTES 65536

/*
 * Defines the plugin: XA_PLUGIN(zones, .help = "...", .open = zones_open, ...). Built as a shared
 * object (XA_PLUGIN_SHARED) it is the one exported symbol `xa_plugin`, compiled in it is
 * `xa_plugin_zones`.
 */
#ifdef XA_PLUGIN_SHARED
#define XA_PLUGIN_SYMBOL(plugin) xa_plugin
#else
#define XA_PLUGIN_SYMBOL(plugin) xa_plugin_##plugin
#endif
#define XA_PLUGIN(plugin, ...) \
	__attribute__((visibility("default"))) extern const struct xa_plugin XA_PLUGIN_SYMBOL( \
		plugin); \
	const struct xa_plugin XA_PLUGIN_SYMBOL(plugin) = {.abi = XA_PLUGIN_ABI, \
							   .size = sizeof(struct xa_plugin), \
							   .name = #plugin, \
							   __VA_ARGS__}
