/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The stages in their order: opened together, shown one snapshot after the other, closed.
 */

#include <stdbool.h>

#include "core/policy/setup.h"

struct xa_chain;

/* The plugins that are compiled in. */
struct xa_builtin_plugins {
	const struct xa_plugin *const *plugins;
	size_t count;
};

/* Bytes that a chain takes, without what its stages do. */
uint64_t xa_chain_memory_bytes(uint32_t max_flows, uint32_t max_values);

/* A chain of the setup's stages over a region of zeroed memory; nothing is opened yet. Borrows all
 * that it is given until it is freed. 0, -ENOMEM, or -EIO without randomness. */
int xa_chain_new(struct xa_chain **ret, const struct xa_setup *setup,
		 const struct xa_builtin_plugins *builtin, void *region, int socket);

/* Closes the stages that are open. */
void xa_chain_free(struct xa_chain *chain);
XA_DEFINE_CLEANUP(xa_chain)
#define _cleanup_xa_chain_ XA_CLEANUP(xa_chain_cleanup)

/* Opens the stages, all of them, whether one fails or not. 0, or -EINVAL with a message
 * XA_ANSWER_WHY for each reason that was found. */
int xa_chain_open(struct xa_chain *chain);

/* Shows a snapshot to the stages. What they say stands in the region; a stage that fails is left
 * out of it. -EBADMSG: there are more flows than the setup has room for, or a handle is too large;
 * then nothing was shown. */
int xa_chain_run(struct xa_chain *chain, const struct xa_snapshot_head *head,
		 const struct xa_plugin_flow *flows);

/* Leaves in the region what the stages keep. */
void xa_chain_save(struct xa_chain *chain);
