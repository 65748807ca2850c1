/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The configuration: YAML text -> struct xa_config, by one option table (options.c) that also makes
 * the defaults, the bounds, the suggestions for misspelt keys, the dump, the JSON Schema and the
 * manual's key list. Layers, later wins: defaults, the files in their order, the command line's
 * `key=value` settings. Nothing here logs or has state.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "config/tree.h"
#include "core/base/arena.h"
#include "core/base/base.h"
#include "core/base/buf.h"
#include "core/base/range.h"

enum xa_mode {
	XA_MODE_AUTO, /* drv, else skb */
	XA_MODE_DRV,
	XA_MODE_SKB,
	XA_MODE_HW,
	XA_MODE_COUNT_
};

enum xa_rank {
	XA_RANK_PACKETS,
	XA_RANK_BYTES,
	XA_RANK_COUNT_
};

/* The labels of flows that a config may do without. */
enum xa_flow_label {
	XA_LABEL_SRC,
	XA_LABEL_DST,
	XA_LABEL_PROTO,
	XA_LABEL_SPORT,
	XA_LABEL_DPORT,
	XA_FLOW_LABEL_COUNT_
};

/* What has to happen for a change of a key to take effect. */
enum xa_reload {
	XA_RELOAD_LIVE, /* nothing: the next snapshot goes by it */
	XA_RELOAD_ATTACH, /* programs are detached, attached, or both */
	XA_RELOAD_LISTEN, /* listening sockets are opened, closed, or both */
	XA_RELOAD_POLICY, /* a new policy worker takes the place of the old one */
	XA_RELOAD_RESTART, /* a new start of the daemon: it cannot change while it runs */
	XA_RELOAD_COUNT_
};

enum xa_switch {
	XA_OFF,
	XA_ON,
	XA_SWITCH_COUNT_
};

struct xa_listen {
	struct sockaddr_storage
		address; /* AF_INET or AF_INET6, port in network byte order; or AF_UNIX */
	socklen_t address_len;
	const char *text; /* as written */
};

/* An address alone has the whole length. */
struct xa_network {
	struct in6_addr address; /* of IPv4 in its mapped form; 0 behind the length */
	unsigned len; /* bits, of IPv4 96 to 128 */
};

/* The longest name of a host: RFC 1035, 2.3.4, without the dot at its end. */
#define XA_HOST_MAX 253

/* Entries of http.hosts and of http.scrapers at most. */
#define XA_HTTP_HOSTS_MAX    32
#define XA_HTTP_SCRAPERS_MAX 64

/* Where a value stands. */
struct xa_origin {
	const char *file; /* its path, "--set" or "default" */
	unsigned line; /* 0 outside of files */
};

struct xa_config {
	struct xa_arena *arena; /* owns everything that the members below point to */
	struct xa_origin *origins; /* one an option, in the table's order */

	const char **interfaces; /* names, or the one word "auto": the default route's */
	size_t interface_count;
	enum xa_mode mode;
	uint64_t poll_interval_ns;
	unsigned top_k;
	struct xa_listen *listen;
	size_t listen_count;
	enum xa_switch watch; /* of the configuration's files */
	struct {
		enum xa_switch reload;
		const char **hosts; /* in small letters */
		size_t host_count;
		struct xa_network *scrapers;
		size_t scraper_count;
		enum xa_switch insecure; /* other addresses than the loopback's may be open */
		const char *web_config_file, *web_config_file_text; /* empty: none */
		const char *bearer_token_file, *bearer_token_file_text; /* empty: none */
	} http;
	struct {
		uint32_t max; /* living flows at most, per address family in the kernel, in all in
				 the daemon */
		uint64_t idle_timeout_ns;
		uint64_t active_timeout_ns; /* 0: never */
		enum xa_rank rank_by;
		enum xa_switch percpu;
		uint32_t cpu_budget; /* percent of one core */
	} flows;
	struct {
		uint32_t max_series;
		unsigned labels; /* a bit for each enum xa_flow_label, at least one */
		struct xa_range *fold_ports;
		size_t fold_port_count;
		uint32_t min_rate; /* of what flows are ranked by, a second; 0: none */
		uint32_t hysteresis; /* ranks behind top_k */
	} metrics;
	struct {
		uint64_t deadline_ns; /* of all stages together, at each snapshot */
		uint64_t memory_bytes; /* of the worker */
		uint32_t max_series; /* of one derived metric */
		uint32_t max_values; /* distinct ones, of all labels that stages make */
		const char *plugin_dir; /* ready for use */
		const char *plugin_dir_text; /* as written */
		struct xa_stage *stages; /* in their order; a name may come several times */
		size_t stage_count;
	} policy;
};

/* Several reasons at once: a person mends a file in one go. At most XA_WHYS_MAX are kept, all are
 * counted. */
#define XA_WHYS_MAX 32
struct xa_whys {
	struct xa_why why[XA_WHYS_MAX];
	size_t count;
};

/*
 * Reads `path` (NULL: defaults only) and applies `count` settings "key=value" or
 * "section.key=value" on top. A directory stands for its files *.yaml in the order of their names:
 * sections merge, a later value or list takes the place of an earlier one. Returns 0, -EINVAL with
 * at least one reason in `ret_whys` (files that cannot be read, then the order of the files, then
 * of the settings), -ENOMEM, or the errno of opening or reading `path` (with a reason as well).
 * *ret is untouched on failure.
 */
int xa_config_load(struct xa_config **ret, const char *path, const char *const *settings,
		   size_t count, struct xa_whys *ret_whys);

/* The same of standard input and without settings; an empty one is refused, for it comes of a
 * command that failed. Reasons name it "<stdin>". */
int xa_config_load_stdin(struct xa_config **ret, struct xa_whys *ret_whys);

void xa_config_free(struct xa_config *config);
XA_DEFINE_CLEANUP(xa_config)
#define _cleanup_xa_config_ XA_CLEANUP(xa_config_cleanup)

/* Appends the config as YAML that loads to an equal config; for `--defaults` with the help text as
 * comments. */
void xa_config_dump(const struct xa_config *config, bool comments, struct xa_buf *buf);

/* The same with each value's origin as a comment behind it: "# FILE:LINE", "# --set", "# default".
 */
void xa_config_dump_origins(const struct xa_config *config, struct xa_buf *buf);

/* Bytes of a hash in hexadecimal digits, the NUL included. */
#define XA_CONFIG_HASH_BYTES 65

/* The SHA-256 of what xa_config_dump() makes of the config without comments: two configs have the
 * same if they are equal. 0 or -ENOMEM. */
int xa_config_hash(const struct xa_config *config, char ret_hash[static XA_CONFIG_HASH_BYTES]);

/* Appends the JSON Schema (draft 07) of a config file. */
void xa_config_schema(struct xa_buf *buf);

enum xa_markup {
	XA_MARKUP_MARKDOWN,
	XA_MARKUP_SCDOC,
	XA_MARKUP_COUNT_
};

/* Appends what there is to say of each key, as documents have it. */
void xa_config_reference(enum xa_markup markup, struct xa_buf *buf);

/* Appends the full keys, one a line. */
void xa_config_keys(struct xa_buf *buf);

/* Appends "key: old -> new" for each key that differs, one a line, in the table's order; nothing if
 * equal. Of stages it is a line for each option that differs: see xa_stages_diff(). */
void xa_config_diff(const struct xa_config *old, const struct xa_config *new, struct xa_buf *buf);

/* The same with what a change of the key does behind it: "top_k: 5 -> 6 (takes effect at once)". */
void xa_config_diff_effects(const struct xa_config *old, const struct xa_config *new,
			    struct xa_buf *buf);

/* The set of enum xa_reload of all keys that differ, as bits 1 << XA_RELOAD_...; 0 if equal.
 * Without memory to compare a key it counts as changed. */
unsigned xa_config_changes(const struct xa_config *old, const struct xa_config *new);

/* Appends `file:line:column: error: text`, the source line and a caret under the column (both left
 * out when the place has none or the file cannot be read again). */
void xa_why_print(const struct xa_why *why, struct xa_buf *buf);

/* Appends all reasons by xa_why_print(), and how many more there were where not all were kept. */
void xa_whys_print(const struct xa_whys *whys, struct xa_buf *buf);

extern const char *const xa_mode_names[XA_MODE_COUNT_]; /* "auto", "drv", "skb", "hw" */
extern const char *const xa_rank_names[XA_RANK_COUNT_]; /* "packets", "bytes" */
extern const char *const xa_switch_names[XA_SWITCH_COUNT_]; /* "false", "true" */
extern const char *const xa_markup_names[XA_MARKUP_COUNT_]; /* "markdown", "scdoc" */
