/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A capture goes through the parser that live traffic goes through. Flows do not expire in it: a
 * test says with its snapshots what is over. */

#include "core/rule_capture.h"

#include <arpa/inet.h>
#include <search.h>
#include <string.h>

#include "config/path.h"
#include "core/source/pcap.h"

#define SLOT	   1 /* XA_RULE_INTERFACE */
#define TICK_NS(n) ((uint64_t)(n) << XA_TICK_SHIFT)

struct capture {
	struct xa_rule_reader *reader;
	const struct xa_tree *place;
	void *tree; /* of struct xa_reading, by key */
	struct xa_reading *readings;
	size_t count;
	uint64_t now_ns; /* the capture's clock */
};

static void keep(void *node)
{
	(void)node;
}

static void capture_done(struct capture *capture)
{
	tdestroy(capture->tree, keep);
	free(capture->readings);
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct xa_flow_key6));
}
_Static_assert(offsetof(struct xa_reading, key) == 0, "the key comes first");

/* The flow's reading, a new one if there was none; NULL without room or memory. */
static struct xa_reading *find_reading(struct capture *capture, const struct xa_reading *packet)
{
	struct xa_reading *unused = &capture->readings[capture->count];
	struct xa_reading **node;

	*unused = (struct xa_reading){.key = packet->key};
	node = tsearch(unused, &capture->tree, compare);
	if (!node) {
		capture->reader->error = -ENOMEM;
		return NULL;
	}
	if (*node == unused)
		capture->count++;
	return *node;
}

static bool take_packet(struct capture *capture, const struct xa_pcap_packet *packet)
{
	struct xa_reading *reading;

	if (packet->time_ns > capture->now_ns)
		capture->now_ns = packet->time_ns;
	if (packet->class != XA_CLASS_FLOW)
		return true;
	reading = find_reading(capture, &packet->reading);
	if (!reading)
		return false;
	xa_flow_value_add(&reading->value, &packet->reading.value, xa_tick(capture->now_ns));
	if (capture->count <= XA_RULE_FLOWS_MAX)
		return true;
	xa_rule_refuse(capture->reader, capture->place, "pcap: more than %d flows",
		       XA_RULE_FLOWS_MAX);
	return false;
}

static struct xa_rule_flow convert(const struct capture *capture, const struct xa_reading *reading)
{
	const struct xa_flow_tail *tail = &reading->key.tail;
	const struct xa_flow_value *value = &reading->value;
	const uint32_t now_tick = xa_tick(capture->now_ns);
	struct xa_rule_flow flow = {
		.place = capture->place,
		.first_age_ns = TICK_NS(xa_tick_age(value->first_tick, now_tick)),
		.last_age_ns = TICK_NS(xa_tick_age(value->last_tick, now_tick)),
		.flow =
			{
				.packets = value->packets,
				.bytes = value->bytes,
				.sport = ntohs(tail->sport),
				.dport = ntohs(tail->dport),
				.vlan = tail->tag & XA_TAG_VLAN,
				.interface = SLOT,
				.len_min = value->len_min,
				.len_max = value->len_max,
				.family = xa_flow_family(tail) == XA_IPV6 ? 6 : 4,
				.proto = tail->proto,
				.tcp_flags = value->tcp_flags,
				.tos = value->tos,
				.ttl_min = value->ttl_min,
				.ttl_max = value->ttl_max,
				.is_fragment = (tail->tag & XA_TAG_FRAGMENT) != 0,
			},
	};

	memcpy(flow.flow.src, reading->key.saddr, sizeof(flow.flow.src));
	memcpy(flow.flow.dst, reading->key.daddr, sizeof(flow.flow.dst));
	return flow;
}

static void keep_flows(const struct capture *capture, struct xa_rule_flows *ret)
{
	ret->flows = xa_rule_alloc(capture->reader, capture->count, sizeof(*ret->flows));
	if (!ret->flows)
		return;
	ret->count = capture->count;
	for (size_t i = 0; i < capture->count; i++)
		ret->flows[i] = convert(capture, &capture->readings[i]);
}

static int read_packets(struct capture *capture, const char *path, struct xa_why *why)
{
	_cleanup_xa_pcap_ struct xa_pcap *pcap = NULL;
	struct xa_pcap_packet packet;
	int status = xa_pcap_open(&pcap, path, why);

	while (!status) {
		status = xa_pcap_next(pcap, SLOT, &packet, why);
		if (status <= 0)
			return status;
		status = take_packet(capture, &packet) ? 0 : -ECANCELED;
	}
	return status;
}

void xa_rule_capture_read(struct xa_rule_reader *reader, const struct xa_tree *tree,
			  struct xa_rule_flows *ret)
{
	XA_CLEANUP(capture_done) struct capture capture = {.reader = reader, .place = tree};
	const char *text = xa_rule_text(reader, tree, "pcap");
	const char *path = text ? xa_path_resolve(reader->arena, tree->file, text) : NULL;
	struct xa_why why = {0};
	int status;

	capture.readings = calloc(XA_RULE_FLOWS_MAX + 1, sizeof(*capture.readings));
	if ((text && !path) || !capture.readings)
		reader->error = -ENOMEM;
	if (!path || !capture.readings)
		return;
	status = read_packets(&capture, path, &why);
	if (!status)
		keep_flows(&capture, ret);
	else if (status != -ECANCELED)
		xa_rule_refuse(reader, tree, "pcap: %s", why.text);
}
