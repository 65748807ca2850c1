/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The flows of a test of rules: read as they are written, then followed from snapshot to snapshot.
 */

#include "core/policy/region.h"
#include "core/rule_tree.h"

/* The interface of flows that name none. */
#define XA_RULE_INTERFACE "eth0"

/* Flows of one snapshot, and of one test. */
#define XA_RULE_FLOWS_MAX 65536

/* Names by the numbers that flows have; 0 is no interface. */
struct xa_rule_interfaces {
	const char *names[XA_POLICY_INTERFACES];
	size_t count;
};

struct xa_rule_flow {
	struct xa_plugin_flow flow;
	const struct xa_tree *place;
	uint64_t first_age_ns, last_age_ns; /* when its first and last packets were */
};

struct xa_rule_flows {
	struct xa_rule_flow *flows;
	size_t count;
	uint64_t now_ns; /* Unix time of the snapshot */
};

/* Reads a list of flows. */
void xa_rule_flows_read(struct xa_rule_reader *reader, const struct xa_tree *list,
			struct xa_rule_interfaces *interfaces, struct xa_rule_flows *ret);

/*
 * Follows the flows through snapshots in their order: a flow keeps its handle, what it has grown by
 * and when it was first and last seen come of the snapshot before. One that comes back is a new
 * flow. Flows that shrink, or are twice in one snapshot, are refused. Returns how many handles
 * there are.
 */
uint32_t xa_rule_flows_follow(struct xa_rule_reader *reader, struct xa_rule_flows *const *snapshots,
			      size_t count);
