/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The table itself. It is text and numbers only: value.c knows what a type means, load.c where the
 * text comes from, dump.c how it is written back.
 */

#include "config/options.h"

#include "version.h"

#define MEMBER_SIZE(member) sizeof(((struct xa_config *)NULL)->member)

/* The offset of a member, refused by the compiler unless the member has the size that its type is
 * stored with. */
#define PLACE(member, size) \
	(offsetof(struct xa_config, member) + \
	 0 * sizeof(struct { \
		 _Static_assert(MEMBER_SIZE(member) == (size), #member); \
		 int unused; \
	 }))

#define DURATION(member) .type = XA_OPTION_DURATION, .offset = PLACE(member, sizeof(uint64_t))
#define UINT(member)	 .type = XA_OPTION_UINT, .offset = PLACE(member, sizeof(uint32_t))
#define SIZE(member)	 .type = XA_OPTION_SIZE, .offset = PLACE(member, sizeof(uint64_t))
#define PATH(member) \
	.type = XA_OPTION_PATH, .offset = PLACE(member, sizeof(char *)), \
	.text_offset = PLACE(member##_text, sizeof(char *))
#define ENUM(member, list) \
	.type = XA_OPTION_ENUM, .offset = PLACE(member, sizeof(unsigned)), .names = (list), \
	.name_count = array_size(list)
#define SET(member, list) \
	.type = XA_OPTION_SET, .offset = PLACE(member, sizeof(unsigned)), .names = (list), \
	.name_count = array_size(list), .min = 1, .max = array_size(list)
#define LIST(kind, member, counter) \
	.type = XA_OPTION_##kind, .offset = PLACE(member, sizeof(void *)), \
	.count_offset = PLACE(counter, sizeof(size_t))

const char *const xa_mode_names[XA_MODE_COUNT_] = {
	[XA_MODE_AUTO] = "auto",
	[XA_MODE_DRV] = "drv",
	[XA_MODE_SKB] = "skb",
	[XA_MODE_HW] = "hw",
};

const char *const xa_rank_names[XA_RANK_COUNT_] = {
	[XA_RANK_PACKETS] = "packets",
	[XA_RANK_BYTES] = "bytes",
};

const char *const xa_flow_label_names[XA_FLOW_LABEL_COUNT_] = {
	[XA_LABEL_SRC] = "src",	    [XA_LABEL_DST] = "dst",	[XA_LABEL_PROTO] = "proto",
	[XA_LABEL_SPORT] = "sport", [XA_LABEL_DPORT] = "dport",
};

const char *const xa_switch_names[XA_SWITCH_COUNT_] = {
	[XA_OFF] = "false",
	[XA_ON] = "true",
};

const char *const xa_reload_texts[XA_RELOAD_COUNT_] = {
	[XA_RELOAD_LIVE] = "takes effect at once",
	[XA_RELOAD_ATTACH] = "attaches anew",
	[XA_RELOAD_LISTEN] = "listens anew",
	[XA_RELOAD_POLICY] = "starts the policy worker anew",
	[XA_RELOAD_RESTART] = "needs a restart",
};

/* clang-format off */
const struct xa_option xa_options[] = {
	{ "interface", LIST(INTERFACES, interfaces, interface_count), .min = 1, .max = 255,
	  .fallback = "auto", .reload = XA_RELOAD_ATTACH,
	  .help = "Where packets are counted; auto is the interface of the default route." },
	{ "mode", ENUM(mode, xa_mode_names),
	  .fallback = "auto", .reload = XA_RELOAD_ATTACH,
	  .help = "How the XDP program is attached; auto is drv, else skb, and the log says which." },
	{ "poll_interval", DURATION(poll_interval_ns),
	  .min = 200 * XA_NS_PER_MS, .max = 3600 * XA_NS_PER_S,
	  .fallback = "10s", .reload = XA_RELOAD_LIVE,
	  .help = "Time between two snapshots of all flows." },
	{ "top_k", UINT(top_k), .min = 1, .max = 10000, .unit = "flows",
	  .fallback = "50", .reload = XA_RELOAD_LIVE,
	  .help = "How many of the largest flows are exported one by one." },
	{ "listen", LIST(LISTEN, listen, listen_count), .min = 1, .max = 16,
	  .fallback = "127.0.0.1:9400", .reload = XA_RELOAD_LISTEN,
	  .help = "Where the HTTP server answers." },
	{ "watch", ENUM(watch, xa_switch_names),
	  .fallback = "false", .reload = XA_RELOAD_LIVE,
	  .help = "Whether a change of the configuration's files is loaded without being asked to." },
	{ "http.reload", ENUM(http.reload, xa_switch_names),
	  .fallback = "false", .reload = XA_RELOAD_LIVE,
	  .help = "POST /-/reload reads the configuration again, whoever asks; false: it is refused." },
	{ "http.hosts", LIST(HOSTS, http.hosts, http.host_count),
	  .max = XA_HTTP_HOSTS_MAX, .fallback = "[]", .reload = XA_RELOAD_LIVE,
	  .help = "Names that requests may have in Host, beside localhost and this host's name." },
	{ "http.scrapers", LIST(NETWORKS, http.scrapers, http.scraper_count),
	  .max = XA_HTTP_SCRAPERS_MAX, .fallback = "127.0.0.0/8,::1", .reload = XA_RELOAD_LIVE,
	  .help = "Clients that connections are kept free for, and which may have any number of them." },
	{ "http.insecure", ENUM(http.insecure, xa_switch_names),
	  .fallback = "false", .reload = XA_RELOAD_LIVE,
	  .help = "Whether other addresses than the loopback's may go without TLS or authentication." },
	{ "http.web_config_file", PATH(http.web_config_file), .max = 1023,
	  .fallback = "", .reload = XA_RELOAD_LISTEN,
	  .help = "TLS, passwords and headers, in the format of Prometheus' exporters." },
	{ "http.bearer_token_file", PATH(http.bearer_token_file), .max = 1023,
	  .fallback = "", .reload = XA_RELOAD_LIVE,
	  .help = "A file with the token that lets clients in; it is read anew when it changes." },
	{ "flows.max", UINT(flows.max), .min = 1024, .max = 16777216, .unit = "flows",
	  .fallback = "131072", .reload = XA_RELOAD_RESTART,
	  .help = "Living flows at most; the packets of further ones are counted as unattributed." },
	{ "flows.idle_timeout", DURATION(flows.idle_timeout_ns),
	  .min = XA_NS_PER_S, .max = 24 * 3600 * XA_NS_PER_S,
	  .fallback = "60s", .reload = XA_RELOAD_LIVE,
	  .help = "A flow without packets for this long is retired." },
	{ "flows.active_timeout", DURATION(flows.active_timeout_ns),
	  .min = 0, .max = 24 * 3600 * XA_NS_PER_S,
	  .fallback = "0s", .reload = XA_RELOAD_LIVE,
	  .help = "A flow that has lived this long is retired and begins anew; 0s: never." },
	{ "flows.rank_by", ENUM(flows.rank_by, xa_rank_names),
	  .fallback = "packets", .reload = XA_RELOAD_LIVE,
	  .help = "What makes a flow large when the top_k largest are chosen." },
	{ "flows.percpu", ENUM(flows.percpu, xa_switch_names),
	  .fallback = "true", .reload = XA_RELOAD_RESTART,
	  .help = "A value a CPU for each flow; false: one for all, which many CPUs can afford." },
	{ "flows.cpu_budget", UINT(flows.cpu_budget), .min = 1, .max = 100,
	  .unit = "percent of one core",
	  .fallback = "10", .reload = XA_RELOAD_LIVE,
	  .help = "CPU that snapshots may take; beyond it poll_interval is stretched." },
	{ "metrics.max_series", UINT(metrics.max_series), .min = 500, .max = 1000000, .unit = "series",
	  .fallback = "5000", .reload = XA_RELOAD_LIVE,
	  .help = "Series exported at most; what does not fit is folded into 'other'." },
	{ "metrics.labels", SET(metrics.labels, xa_flow_label_names),
	  .fallback = "src, dst, proto, sport, dport", .reload = XA_RELOAD_LIVE,
	  .help = "Labels that tell flows apart; flows that differ in none of them are summed." },
	{ "metrics.fold_ports", LIST(PORTS, metrics.fold_ports, metrics.fold_port_count), .max = 64,
	  .fallback = "[]", .reload = XA_RELOAD_LIVE,
	  .help = "Ports shown as the range that they are in; flows are summed accordingly." },
	{ "metrics.min_rate", UINT(metrics.min_rate), .max = 1000000000,
	  .unit = "packets or bytes a second",
	  .fallback = "0", .reload = XA_RELOAD_LIVE,
	  .help = "Flows that are slower, by flows.rank_by, since they began have no sample; 0: none." },
	{ "metrics.hysteresis", UINT(metrics.hysteresis), .max = 10000, .unit = "flows",
	  .fallback = "10", .reload = XA_RELOAD_LIVE,
	  .help = "Ranks behind top_k that a flow may fall to before its samples end." },
	{ "policy.deadline", DURATION(policy.deadline_ns),
	  .min = 10 * XA_NS_PER_MS, .max = 10 * XA_NS_PER_S,
	  .fallback = "100ms", .reload = XA_RELOAD_POLICY,
	  .help = "Time of all stages for one snapshot, which goes out without them once it has passed." },
	{ "policy.memory", SIZE(policy.memory_bytes), .min = 16 << 20, .max = 4ULL << 30,
	  .fallback = "64MiB", .reload = XA_RELOAD_POLICY,
	  .help = "Memory that the policy worker, in which all stages run, may take." },
	{ "policy.max_series", UINT(policy.max_series), .min = 1, .max = 100000, .unit = "series",
	  .fallback = "1000", .reload = XA_RELOAD_POLICY,
	  .help = "Series of one derived metric at most; the rest is folded into 'other'." },
	{ "policy.max_values", UINT(policy.max_values), .min = 16, .max = 1000000, .unit = "values",
	  .fallback = "4096", .reload = XA_RELOAD_POLICY,
	  .help = "Distinct values of labels that stages may make; further ones are 'other'." },
	{ "policy.plugin_dir", PATH(policy.plugin_dir), .automatic = XA_PLUGIN_DIR, .min = 1, .max = 1023,
	  .fallback = "auto", .reload = XA_RELOAD_POLICY,
	  .help = "Where the NAME.so of a stage is loaded from; auto is where they are installed." },
	{ "policy.stages", LIST(STAGES, policy.stages, policy.stage_count), .max = 16,
	  .fallback = "[]", .reload = XA_RELOAD_POLICY,
	  .help = "What labels flows, hides them, and derives metrics from them, in this order." },
};
/* clang-format on */

_Static_assert(array_size(xa_options) <= XA_OPTIONS_MAX, "option table");
const size_t xa_option_count = array_size(xa_options);

static bool shares_section(const struct xa_option *a, const struct xa_option *b)
{
	const size_t len = xa_option_section(a);

	return xa_option_section(b) == len && !strncmp(a->key, b->key, len);
}

bool xa_option_begins_section(const struct xa_option *option)
{
	return xa_option_section(option) &&
	       (option == xa_options || !shares_section(option, option - 1));
}

bool xa_option_ends_section(const struct xa_option *option)
{
	return xa_option_section(option) &&
	       (option == &xa_options[xa_option_count - 1] || !shares_section(option, option + 1));
}

const struct xa_option *xa_option_find(const char *key)
{
	for (size_t i = 0; i < xa_option_count; i++)
		if (!strcmp(xa_options[i].key, key))
			return &xa_options[i];
	return NULL;
}

const struct xa_option *xa_section_find(const char *section)
{
	const size_t len = strlen(section);

	for (size_t i = 0; len && i < xa_option_count; i++) {
		const char *key = xa_options[i].key;

		if (!strncmp(key, section, len) && key[len] == '.')
			return &xa_options[i];
	}
	return NULL;
}
