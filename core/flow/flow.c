/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Names of protocols and classes, addresses as text, the sum of two values. */

#include "core/flow/flow.h"

#include <arpa/inet.h>

const char *const xa_family_names[XA_FAMILY_COUNT_] = {
	[XA_IPV4] = "ipv4",
	[XA_IPV6] = "ipv6",
};

const char *const xa_class_names[] = {
	[XA_CLASS_FLOW] = "flow",
	[XA_CLASS_NON_IP] = "non_ip",
	[XA_CLASS_TRUNCATED] = "truncated",
	[XA_CLASS_VLAN_LIMIT] = "vlan_limit",
	[XA_CLASS_IP_VERSION] = "ip_version",
	[XA_CLASS_IP_HEADER_LEN] = "ip_header_len",
	[XA_CLASS_IP_TOTAL_LEN] = "ip_total_len",
	[XA_CLASS_EXT_LIMIT] = "ext_limit",
	[XA_CLASS_MAP_FULL_TCP] = "map_full_tcp",
	[XA_CLASS_MAP_FULL_UDP] = "map_full_udp",
	[XA_CLASS_MAP_FULL_ICMP] = "map_full_icmp",
	[XA_CLASS_MAP_FULL_OTHER] = "map_full_other",
	[XA_CLASS_MAP_ERROR] = "map_error",
};
_Static_assert(array_size(xa_class_names) == XA_CLASS_COUNT_, "a name for each class");

/* IANA, Assigned Internet Protocol Numbers: the keywords in lower case, of those in use. */
static const char *const proto_names[256] = {
	[0] = "hopopt",
	[1] = "icmp",
	[2] = "igmp",
	[3] = "ggp",
	[4] = "ipv4",
	[5] = "st",
	[6] = "tcp",
	[7] = "cbt",
	[8] = "egp",
	[9] = "igp",
	[12] = "pup",
	[17] = "udp",
	[20] = "hmp",
	[22] = "xns-idp",
	[27] = "rdp",
	[29] = "iso-tp4",
	[33] = "dccp",
	[35] = "idpr",
	[36] = "xtp",
	[37] = "ddp",
	[38] = "idpr-cmtp",
	[41] = "ipv6",
	[42] = "sdrp",
	[43] = "ipv6-route",
	[44] = "ipv6-frag",
	[45] = "idrp",
	[46] = "rsvp",
	[47] = "gre",
	[48] = "dsr",
	[50] = "esp",
	[51] = "ah",
	[54] = "narp",
	[57] = "skip",
	[58] = "ipv6-icmp",
	[59] = "ipv6-nonxt",
	[60] = "ipv6-opts",
	[73] = "cphb",
	[81] = "vmtp",
	[88] = "eigrp",
	[89] = "ospfigp",
	[93] = "ax.25",
	[94] = "ipip",
	[97] = "etherip",
	[98] = "encap",
	[103] = "pim",
	[108] = "ipcomp",
	[112] = "vrrp",
	[113] = "pgm",
	[115] = "l2tp",
	[124] = "isis",
	[132] = "sctp",
	[133] = "fc",
	[135] = "mobility-header",
	[136] = "udplite",
	[137] = "mpls-in-ip",
	[138] = "manet",
	[139] = "hip",
	[140] = "shim6",
	[141] = "wesp",
	[142] = "rohc",
	[143] = "ethernet",
};

const char *xa_proto_name(uint8_t proto)
{
	return proto_names[proto];
}

void xa_flow_value_add(struct xa_flow_value *into, const struct xa_flow_value *from)
{
	if (!from->packets)
		return;
	if (!into->packets) {
		*into = *from;
		return;
	}
	into->packets += from->packets;
	into->bytes += from->bytes;
	if (xa_ticks_since(from->first_tick, into->first_tick) > 0)
		into->first_tick = from->first_tick;
	if (xa_ticks_since(into->last_tick, from->last_tick) > 0) {
		into->last_tick = from->last_tick;
		into->tos = from->tos;
	}
	into->tcp_flags |= from->tcp_flags;
	if (from->ttl_min < into->ttl_min)
		into->ttl_min = from->ttl_min;
	if (from->ttl_max > into->ttl_max)
		into->ttl_max = from->ttl_max;
	if (from->len_min < into->len_min)
		into->len_min = from->len_min;
	if (from->len_max > into->len_max)
		into->len_max = from->len_max;
}

void xa_flow_add_address(struct xa_buf *buf, enum xa_family family, const uint8_t address[16])
{
	char text[INET6_ADDRSTRLEN];

	if (inet_ntop(family == XA_IPV6 ? AF_INET6 : AF_INET, address, text, sizeof(text)))
		xa_buf_adds(buf, text);
}

void xa_flow_add_proto(struct xa_buf *buf, uint8_t proto)
{
	if (proto_names[proto])
		xa_buf_adds(buf, proto_names[proto]);
	else
		xa_buf_add_u64(buf, proto);
}
