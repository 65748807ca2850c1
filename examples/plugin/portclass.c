/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A policy stage of one's own: labels each flow `port_class` by the range that its destination port
 * is in (RFC 6335, section 6): system, registered or dynamic. */

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include <xdp-auditor/xa_plugin.h>

#define REGISTERED_FROM 1024
#define DYNAMIC_FROM	49152

struct portclass {
	const struct xa_plugin_host *host;
	int label;
	uint32_t system, registered, dynamic; /* the host's numbers of the label's values */
};

/* These few names are always taken: no error that an option could mend. */
static int name_classes(struct portclass *own)
{
	const struct xa_plugin_host *host = own->host;
	int error = host->value(host, "system", 6, &own->system);

	if (!error)
		error = host->value(host, "registered", 10, &own->registered);
	if (!error)
		error = host->value(host, "dynamic", 7, &own->dynamic);
	return error;
}

static int portclass_open(const struct xa_plugin_host *host, const struct xa_plugin_value *options,
			  void **ret_state)
{
	struct portclass *own = calloc(1, sizeof(*own));
	int error;

	(void)options;
	if (!own)
		return -ENOMEM;
	own->host = host;
	own->label = host->declare_label(host, "port_class");
	error = own->label < 0 ? own->label : name_classes(own);
	if (error) {
		free(own);
		return error;
	}
	*ret_state = own;
	return 0;
}

static uint32_t class_of(const struct portclass *own, const struct xa_plugin_flow *flow)
{
	if (flow->proto != IPPROTO_TCP && flow->proto != IPPROTO_UDP)
		return XA_PLUGIN_VALUE_NONE;
	if (flow->dport < REGISTERED_FROM)
		return own->system;
	return flow->dport < DYNAMIC_FROM ? own->registered : own->dynamic;
}

static int portclass_run(void *state, const struct xa_plugin_batch *batch)
{
	const struct portclass *own = state;
	uint32_t *column = own->host->column(own->host, own->label);

	for (size_t i = 0; i < batch->fresh_count; i++) {
		const struct xa_plugin_flow *flow = &batch->flows[batch->fresh[i]];

		column[flow->handle] = class_of(own, flow);
	}
	return 0;
}

static void portclass_close(void *state)
{
	free(state);
}

XA_PLUGIN(portclass, .help = "labels flows by the range of their destination port",
	  .open = portclass_open, .run = portclass_run, .close = portclass_close);
