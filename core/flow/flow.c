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

/* IANA, Assigned Internet Protocol Numbers: the keywords in lower case. */
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
	[10] = "bbn-rcc-mon",
	[11] = "nvp-ii",
	[12] = "pup",
	[13] = "argus",
	[14] = "emcon",
	[15] = "xnet",
	[16] = "chaos",
	[17] = "udp",
	[18] = "mux",
	[19] = "dcn-meas",
	[20] = "hmp",
	[21] = "prm",
	[22] = "xns-idp",
	[23] = "trunk-1",
	[24] = "trunk-2",
	[25] = "leaf-1",
	[26] = "leaf-2",
	[27] = "rdp",
	[28] = "irtp",
	[29] = "iso-tp4",
	[30] = "netblt",
	[31] = "mfe-nsp",
	[32] = "merit-inp",
	[33] = "dccp",
	[34] = "3pc",
	[35] = "idpr",
	[36] = "xtp",
	[37] = "ddp",
	[38] = "idpr-cmtp",
	[39] = "tp++",
	[40] = "il",
	[41] = "ipv6",
	[42] = "sdrp",
	[43] = "ipv6-route",
	[44] = "ipv6-frag",
	[45] = "idrp",
	[46] = "rsvp",
	[47] = "gre",
	[48] = "dsr",
	[49] = "bna",
	[50] = "esp",
	[51] = "ah",
	[52] = "i-nlsp",
	[53] = "swipe",
	[54] = "narp",
	[55] = "min-ipv4",
	[56] = "tlsp",
	[57] = "skip",
	[58] = "ipv6-icmp",
	[59] = "ipv6-nonxt",
	[60] = "ipv6-opts",
	[62] = "cftp",
	[64] = "sat-expak",
	[65] = "kryptolan",
	[66] = "rvd",
	[67] = "ippc",
	[69] = "sat-mon",
	[70] = "visa",
	[71] = "ipcv",
	[72] = "cpnx",
	[73] = "cphb",
	[74] = "wsn",
	[75] = "pvp",
	[76] = "br-sat-mon",
	[77] = "sun-nd",
	[78] = "wb-mon",
	[79] = "wb-expak",
	[80] = "iso-ip",
	[81] = "vmtp",
	[82] = "secure-vmtp",
	[83] = "vines",
	[84] = "iptm",
	[85] = "nsfnet-igp",
	[86] = "dgp",
	[87] = "tcf",
	[88] = "eigrp",
	[89] = "ospfigp",
	[90] = "sprite-rpc",
	[91] = "larp",
	[92] = "mtp",
	[93] = "ax.25",
	[94] = "ipip",
	[95] = "micp",
	[96] = "scc-sp",
	[97] = "etherip",
	[98] = "encap",
	[100] = "gmtp",
	[101] = "ifmp",
	[102] = "pnni",
	[103] = "pim",
	[104] = "aris",
	[105] = "scps",
	[106] = "qnx",
	[107] = "a/n",
	[108] = "ipcomp",
	[109] = "snp",
	[110] = "compaq-peer",
	[111] = "ipx-in-ip",
	[112] = "vrrp",
	[113] = "pgm",
	[115] = "l2tp",
	[116] = "ddx",
	[117] = "iatp",
	[118] = "stp",
	[119] = "srp",
	[120] = "uti",
	[121] = "smp",
	[122] = "sm",
	[123] = "ptp",
	[124] = "isis over ipv4",
	[125] = "fire",
	[126] = "crtp",
	[127] = "crudp",
	[128] = "sscopmce",
	[129] = "iplt",
	[130] = "sps",
	[131] = "pipe",
	[132] = "sctp",
	[133] = "fc",
	[134] = "rsvp-e2e-ignore",
	[135] = "mobility-header",
	[136] = "udplite",
	[137] = "mpls-in-ip",
	[138] = "manet",
	[139] = "hip",
	[140] = "shim6",
	[141] = "wesp",
	[142] = "rohc",
	[143] = "ethernet",
	[144] = "aggfrag",
	[145] = "nsh",
	[146] = "homa",
};

const char *xa_proto_name(uint8_t proto)
{
	return proto_names[proto];
}

void xa_flow_value_add(struct xa_flow_value *into, const struct xa_flow_value *from,
		       uint32_t now_tick)
{
	if (!from->packets)
		return;
	if (!into->packets) {
		*into = *from;
		return;
	}
	into->packets += from->packets;
	into->bytes += from->bytes;
	if (xa_tick_age(from->first_tick, now_tick) > xa_tick_age(into->first_tick, now_tick))
		into->first_tick = from->first_tick;
	if (xa_tick_age(from->last_tick, now_tick) < xa_tick_age(into->last_tick, now_tick)) {
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
