/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What a worker is told before it starts: sizes, and the stages with their options and what they
 * kept. One block of bytes, written by the auditor, which the worker reads and trusts.
 */

#include "config/config.h"
#include "core/policy/region.h"

/* Numbers that both sides need. */
struct xa_setup_head {
	uint64_t memory_bytes; /* policy.memory */
	uint32_t max_flows;
	uint32_t max_values; /* of the region: the configured number and the two fixed ones */
	uint32_t stage_count;
	uint32_t log_level; /* enum xa_plugin_log_level: what is less is not sent */
	char plugin_dir[1024];
};

/* A piece of the options with what the plugin does not see of it. Every node that a stage's
 * options lead to is the first member of one. */
struct xa_setup_node {
	struct xa_plugin_node node; /* has to come first */
	uint32_t key_line, key_column; /* inside a map, else 0 */
};

/* One stage. */
struct xa_setup_stage {
	const char *name; /* in the configuration: which plugin */
	const char *path; /* there: "policy.stages[1].lua" */
	const char *title; /* in messages and metrics: "zones", "lua:services", "lua:services#2" */
	bool disabled; /* not opened, not run */
	const struct xa_plugin_node *options; /* a map */
	const char *file;
	uint32_t line, column;
	const void *kept;
	size_t kept_len;
};

/* Appends a whole setup for the config's policy. `stages` has config->policy.stage_count entries,
 * of which title, disabled and kept are taken; all else comes from the config. Errors are the
 * buffer's, a plugin_dir that is too long among them. */
void xa_setup_write(struct xa_buf *buf, const struct xa_config *config, uint32_t max_flows,
		    const struct xa_setup_stage *stages);

struct xa_setup {
	struct xa_arena *arena; /* owns the rest */
	struct xa_setup_head head;
	struct xa_setup_stage *stages;
};

/* Reads what xa_setup_write() wrote; nothing points into the bytes afterwards. 0, -ENOMEM, or
 * -EBADMSG. Free the arena either way. */
int xa_setup_read(struct xa_setup *ret, const void *bytes, size_t len);
