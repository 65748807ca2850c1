/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Each part is asked what it reserves for so many flows, values and series. */

#include "core/policy/footprint.h"

#include "core/policy/annotation.h"
#include "core/policy/chain.h"
#include "core/policy/families.h"

struct xa_footprint xa_footprint_of(const struct xa_config *config)
{
	const uint32_t flows = config->flows.max;
	const uint32_t values = config->policy.max_values + XA_PLUGIN_VALUE_OTHER + 1;

	if (!config->policy.stage_count)
		return (struct xa_footprint){0};
	return (struct xa_footprint){
		.daemon_bytes = xa_annotations_memory_bytes(flows, values),
		.metric_bytes = xa_family_memory_bytes(config->policy.max_series),
		.shared_bytes = xa_snapshot_size(flows) + xa_region_layout(flows, values).size,
		.worker_bytes = config->policy.memory_bytes + xa_chain_memory_bytes(flows, values),
	};
}
