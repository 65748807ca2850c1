/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * netflow_filter and netflow_ip on frames made by hand, one for each class, protocol, extension
 * header, tag and fragment case. Each frame goes through both builds of the parser: the kernel's,
 * by BPF_PROG_TEST_RUN and a drain, and that of user space.
 */

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>

#include <cmocka.h>
#include <linux/bpf.h>

#include "tests/bpf/lab.h"

#define V6   XA_TAG_IPV6
#define FRAG XA_TAG_FRAGMENT
#define ETH  XA_LINK_ETHERNET
#define IP   XA_LINK_IP

/* All flows have these addresses, the class of service and hop counts of IPV4() and IPV6(). */
#define SRC4  "c0 00 02 01 "
#define DST4  "c6 33 64 02 "
#define SRC6  "20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 01 "
#define DST6  "20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 02 "
#define TOS   0xb9
#define TTL   64
#define SPORT 0xc001
#define DPORT 443

#define MAC(type) "02 00 00 00 00 02 02 00 00 00 00 01 " type " "
#define MAC4	  MAC("08 00")
#define MAC6	  MAC("86 dd")
#define TAG_8100  "81 00 60 64 " /* id 100, priority 3 */
#define TAG_88A8  "88 a8 00 07 "
#define TAG_9100  "91 00 0f ff "
#define MACS	  "02 00 00 00 00 02 02 00 00 00 00 01 "

#define IPV4_(first, len, fragment, proto) \
	first " b9 " len " 12 34 " fragment " 40 " proto " 00 00 " SRC4 DST4
#define IPV4(len, proto)	IPV4_("45", len, "00 00", proto)
#define IPV6_(first, len, next) first "b 91 23 45 " len " " next " 40 " SRC6 DST6
#define IPV6(len, next)		IPV6_("6", len, next)

#define PORTS		    "c0 01 01 bb "
#define TCP_13		    PORTS "00 00 00 01 00 00 00 02 50 "
#define TCP		    TCP_13 "92 10 00 00 00 00 00 " /* CWR, ACK, SYN */
#define UDP		    PORTS "00 08 00 00 "
#define ECHO		    "08 00 00 00 00 01 00 02 "
#define ECHO6		    "80 03 00 00 00 01 00 02 "
#define EXT(next)	    next " 00 00 00 00 00 00 00 "
#define EXT16(next)	    next " 01 00 00 00 00 00 00 01 02 03 04 05 06 07 08 "
#define AH(next)	    next " 01 00 00 00 00 00 01 00 00 00 02 "
#define FRAG6(next, offset) next " ff " offset " 00 00 00 01 "
#define FIVE_EXT	    EXT("3c") EXT("3c") EXT("3c") EXT("3c") EXT("3c")
#define PADDING		    "ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff "

struct row {
	const char *name;
	enum xa_link link;
	const char *hex;
	enum xa_class class;
	uint8_t proto;
	uint16_t sport;
	uint16_t dport;
	uint16_t tag;
	uint8_t tcp_flags;
};

/* A frame that is in no flow, and one that is. */
#define NONE(name_, link_, hex_, class_) \
	{ \
		.name = (name_), .link = (link_), .hex = hex_, .class = (class_) \
	}
#define FLOW(name_, link_, hex_, proto_, sport_, dport_, tag_, tcp_flags_) \
	{ \
		.name = (name_), .link = (link_), .hex = hex_, .class = XA_CLASS_FLOW, \
		.proto = (proto_), .sport = (sport_), .dport = (dport_), .tag = (tag_), \
		.tcp_flags = (tcp_flags_) \
	}

static const struct row rows[] = {
	/* link */
	NONE("nothing", ETH, "", XA_CLASS_TRUNCATED),
	NONE("13 bytes", ETH, "02 00 00 00 00 02 02 00 00 00 00 01 08", XA_CLASS_TRUNCATED),
	NONE("ARP", ETH, MAC("08 06") PADDING, XA_CLASS_NON_IP),
	NONE("LLDP without a byte", ETH, MAC("88 cc"), XA_CLASS_NON_IP),
	NONE("802.3 length", ETH, MAC("00 26") "42 42 03 " PADDING, XA_CLASS_NON_IP),
	NONE("MPLS", ETH, MAC("88 47") PADDING, XA_CLASS_NON_IP),
	NONE("PPPoE session", ETH, MAC("88 64") PADDING, XA_CLASS_NON_IP),
	/* VLAN */
	FLOW("802.1Q", ETH, MACS TAG_8100 "08 00 " IPV4("00 28", "06") TCP, 6, SPORT, DPORT, 100,
	     0x92),
	FLOW("802.1ad, the outer id", ETH, MACS TAG_88A8 TAG_8100 "08 00 " IPV4("00 1c", "11") UDP,
	     17, SPORT, DPORT, 7, 0),
	FLOW("0x9100", ETH, MACS TAG_9100 "86 dd " IPV6("00 08", "11") UDP, 17, SPORT, DPORT,
	     V6 | 4095, 0),
	FLOW("priority tag", ETH, MACS "81 00 e0 00 08 00 " IPV4("00 1c", "11") UDP, 17, SPORT,
	     DPORT, 0, 0),
	FLOW("priority tag and id", ETH,
	     MACS "81 00 e0 00 " TAG_8100 "08 00 " IPV4("00 1c", "11") UDP, 17, SPORT, DPORT, 0, 0),
	FLOW("four tags", ETH,
	     MACS TAG_8100 TAG_88A8 TAG_9100 TAG_8100 "86 dd " IPV6("00 08", "11") UDP, 17, SPORT,
	     DPORT, V6 | 100, 0),
	NONE("five tags", ETH,
	     MACS TAG_8100 TAG_88A8 TAG_9100 TAG_8100 TAG_8100 "08 00 " IPV4("00 1c", "11") UDP,
	     XA_CLASS_VLAN_LIMIT),
	NONE("fifth tag cut", ETH, MACS TAG_8100 TAG_8100 TAG_8100 TAG_8100 "81 00 ",
	     XA_CLASS_VLAN_LIMIT),
	NONE("tag cut", ETH, MACS "81 00 00 64 08", XA_CLASS_TRUNCATED),
	NONE("second tag cut", ETH, MACS TAG_88A8 "81 00 00 ", XA_CLASS_TRUNCATED),
	NONE("tagged ARP", ETH, MACS TAG_8100 "08 06 " PADDING, XA_CLASS_NON_IP),
	NONE("tagged, no IP header", ETH, MACS TAG_8100 "08 00 ", XA_CLASS_TRUNCATED),
	/* IPv4 header */
	NONE("no IPv4 header", ETH, MAC4, XA_CLASS_TRUNCATED),
	NONE("19 bytes of IPv4", ETH,
	     MAC4 "45 b9 00 28 12 34 00 00 40 06 00 00 c0 00 02 01 c6 33 64 ", XA_CLASS_TRUNCATED),
	NONE("version 6 as IPv4", ETH, MAC4 IPV4_("65", "00 28", "00 00", "06") TCP,
	     XA_CLASS_IP_VERSION),
	NONE("version 0 as IPv4", ETH, MAC4 IPV4_("05", "00 28", "00 00", "06") TCP,
	     XA_CLASS_IP_VERSION),
	NONE("IHL 4", ETH, MAC4 IPV4_("44", "00 28", "00 00", "06") TCP, XA_CLASS_IP_HEADER_LEN),
	NONE("IHL 0", ETH, MAC4 IPV4_("40", "00 28", "00 00", "06") TCP, XA_CLASS_IP_HEADER_LEN),
	FLOW("IHL 6", ETH, MAC4 IPV4_("46", "00 20", "00 00", "11") "94 04 00 00 " UDP, 17, SPORT,
	     DPORT, 0, 0),
	FLOW("IHL 15", ETH,
	     MAC4 IPV4_("4f", "00 44", "00 00", "11") PADDING PADDING
	     "01 01 01 01 01 01 01 00 " UDP,
	     17, SPORT, DPORT, 0, 0),
	NONE("options cut", ETH, MAC4 IPV4_("46", "00 20", "00 00", "11") "94 04 00 ",
	     XA_CLASS_TRUNCATED),
	NONE("total length 19", ETH, MAC4 IPV4("00 13", "11") UDP, XA_CLASS_IP_TOTAL_LEN),
	NONE("total length in the options", ETH,
	     MAC4 IPV4_("46", "00 17", "00 00", "11") "94 04 00 00 " UDP, XA_CLASS_IP_TOTAL_LEN),
	FLOW("total length 0: TSO", ETH, MAC4 IPV4("00 00", "06") TCP, 6, SPORT, DPORT, 0, 0x92),
	FLOW("total length over the frame", ETH, MAC4 IPV4("ff ff", "06") TCP, 6, SPORT, DPORT, 0,
	     0x92),
	NONE("padding is no UDP", ETH, MAC4 IPV4("00 14", "11") PADDING, XA_CLASS_TRUNCATED),
	NONE("padding is no port", ETH, MAC4 IPV4("00 17", "11") UDP PADDING, XA_CLASS_TRUNCATED),
	FLOW("padding is no flags", ETH, MAC4 IPV4("00 21", "06") TCP PADDING, 6, SPORT, DPORT, 0,
	     0),
	FLOW("header alone, no ports wanted", ETH, MAC4 IPV4("00 14", "2f"), 47, 0, 0, 0, 0),
	/* fragments of IPv4 */
	FLOW("first fragment", ETH, MAC4 IPV4_("45", "00 28", "20 00", "06") TCP, 6, SPORT, DPORT,
	     0, 0x92),
	FLOW("do not fragment", ETH, MAC4 IPV4_("45", "00 28", "40 00", "06") TCP, 6, SPORT, DPORT,
	     0, 0x92),
	FLOW("reserved flag", ETH, MAC4 IPV4_("45", "00 28", "80 00", "06") TCP, 6, SPORT, DPORT, 0,
	     0x92),
	FLOW("later fragment", ETH, MAC4 IPV4_("45", "00 28", "20 01", "06") TCP, 6, 0, 0, FRAG, 0),
	FLOW("last fragment, empty", ETH, MAC4 IPV4_("45", "00 14", "1f ff", "11"), 17, 0, 0, FRAG,
	     0),
	FLOW("later fragment, tagged", ETH,
	     MACS TAG_8100 "08 00 " IPV4_("45", "00 1c", "10 00", "01") ECHO, 1, 0, 0, FRAG | 100,
	     0),
	/* transport over IPv4 */
	FLOW("TCP", ETH, MAC4 IPV4("00 28", "06") TCP, 6, SPORT, DPORT, 0, 0x92),
	FLOW("TCP, 14 bytes", ETH, MAC4 IPV4("00 28", "06") TCP_13 "92 ", 6, SPORT, DPORT, 0, 0x92),
	FLOW("TCP, 13 bytes", ETH, MAC4 IPV4("00 28", "06") TCP_13, 6, SPORT, DPORT, 0, 0),
	FLOW("TCP, 4 bytes", ETH, MAC4 IPV4("00 18", "06") PORTS, 6, SPORT, DPORT, 0, 0),
	NONE("TCP, 3 bytes", ETH, MAC4 IPV4("00 28", "06") "c0 01 01 ", XA_CLASS_TRUNCATED),
	FLOW("UDP", ETH, MAC4 IPV4("00 1c", "11") UDP, 17, SPORT, DPORT, 0, 0),
	FLOW("UDP-Lite", ETH, MAC4 IPV4("00 1c", "88") UDP, 136, SPORT, DPORT, 0, 0),
	FLOW("SCTP", ETH, MAC4 IPV4("00 20", "84") PORTS "00 00 00 01 00 00 00 00 ", 132, SPORT,
	     DPORT, 0, 0),
	FLOW("DCCP", ETH, MAC4 IPV4("00 20", "21") PORTS "03 00 00 00 01 00 00 00 ", 33, SPORT,
	     DPORT, 0, 0),
	FLOW("ICMP", ETH, MAC4 IPV4("00 1c", "01") ECHO, 1, 8, 0, 0, 0),
	FLOW("ICMP, code", ETH, MAC4 IPV4("00 16", "01") "03 0d ", 1, 3, 13, 0, 0),
	NONE("ICMP, 1 byte", ETH, MAC4 IPV4("00 15", "01") "08 00 ", XA_CLASS_TRUNCATED),
	FLOW("ICMPv6 over IPv4", ETH, MAC4 IPV4("00 1c", "3a") ECHO6, 58, 0, 0, 0, 0),
	FLOW("IPv6 in IPv4", ETH, MAC4 IPV4("00 3c", "29") IPV6("00 00", "3b"), 41, 0, 0, 0, 0),
	FLOW("GRE", ETH, MAC4 IPV4("00 1c", "2f") "00 00 08 00 45 00 00 00 ", 47, 0, 0, 0, 0),
	FLOW("ESP", ETH, MAC4 IPV4("00 1c", "32") UDP, 50, 0, 0, 0, 0),
	FLOW("AH over IPv4", ETH, MAC4 IPV4("00 28", "33") AH("11") UDP, 51, 0, 0, 0, 0),
	FLOW("protocol 0 over IPv4", ETH, MAC4 IPV4("00 1c", "00") EXT("11"), 0, 0, 0, 0, 0),
	FLOW("protocol 255", ETH, MAC4 IPV4("00 1c", "ff") UDP, 255, 0, 0, 0, 0),
	/* IPv6 header */
	NONE("no IPv6 header", ETH, MAC6, XA_CLASS_TRUNCATED),
	NONE("39 bytes of IPv6", ETH,
	     MAC6 "6b 91 23 45 00 08 11 40 " SRC6 "20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 ",
	     XA_CLASS_TRUNCATED),
	NONE("version 4 as IPv6", ETH, MAC6 IPV6_("4", "00 08", "11") UDP, XA_CLASS_IP_VERSION),
	FLOW("payload length 0", ETH, MAC6 IPV6("00 00", "06") TCP, 6, SPORT, DPORT, V6, 0x92),
	FLOW("payload length 0 with jumbo option", ETH,
	     MAC6 IPV6("00 00", "00") "06 00 c2 04 00 01 00 00 " TCP, 6, SPORT, DPORT, V6, 0x92),
	FLOW("payload length over the frame", ETH, MAC6 IPV6("ff ff", "11") UDP, 17, SPORT, DPORT,
	     V6, 0),
	NONE("padding is no port of UDP", ETH, MAC6 IPV6("00 03", "11") UDP, XA_CLASS_TRUNCATED),
	FLOW("padding is no flags of TCP", ETH, MAC6 IPV6("00 0d", "06") TCP, 6, SPORT, DPORT, V6,
	     0),
	/* transport over IPv6 */
	FLOW("TCP6", ETH, MAC6 IPV6("00 14", "06") TCP, 6, SPORT, DPORT, V6, 0x92),
	FLOW("UDP6", ETH, MAC6 IPV6("00 08", "11") UDP, 17, SPORT, DPORT, V6, 0),
	FLOW("UDP-Lite 6", ETH, MAC6 IPV6("00 08", "88") UDP, 136, SPORT, DPORT, V6, 0),
	FLOW("SCTP6", ETH, MAC6 IPV6("00 0c", "84") PORTS "00 00 00 01 00 00 00 00 ", 132, SPORT,
	     DPORT, V6, 0),
	FLOW("DCCP6", ETH, MAC6 IPV6("00 0c", "21") PORTS "03 00 00 00 01 00 00 00 ", 33, SPORT,
	     DPORT, V6, 0),
	FLOW("ICMPv6", ETH, MAC6 IPV6("00 08", "3a") ECHO6, 58, 128, 3, V6, 0),
	NONE("ICMPv6, 1 byte", ETH, MAC6 IPV6("00 01", "3a") ECHO6, XA_CLASS_TRUNCATED),
	FLOW("ICMP over IPv6", ETH, MAC6 IPV6("00 08", "01") ECHO, 1, 0, 0, V6, 0),
	FLOW("IPv4 in IPv6", ETH, MAC6 IPV6("00 14", "04") IPV4("00 14", "3b"), 4, 0, 0, V6, 0),
	FLOW("no next header", ETH, MAC6 IPV6("00 00", "3b"), 59, 0, 0, V6, 0),
	FLOW("ESP6", ETH, MAC6 IPV6("00 08", "32") UDP, 50, 0, 0, V6, 0),
	FLOW("HIP ends the walk", ETH, MAC6 IPV6("00 10", "8b") EXT("11") UDP, 139, 0, 0, V6, 0),
	/* extension headers */
	FLOW("hop-by-hop", ETH, MAC6 IPV6("00 10", "00") EXT("11") UDP, 17, SPORT, DPORT, V6, 0),
	FLOW("routing", ETH, MAC6 IPV6("00 18", "2b") EXT16("11") UDP, 17, SPORT, DPORT, V6, 0),
	FLOW("destination options", ETH, MAC6 IPV6("00 10", "3c") EXT("11") UDP, 17, SPORT, DPORT,
	     V6, 0),
	FLOW("mobility", ETH, MAC6 IPV6("00 10", "87") EXT("11") UDP, 17, SPORT, DPORT, V6, 0),
	FLOW("AH", ETH, MAC6 IPV6("00 14", "33") AH("11") UDP, 17, SPORT, DPORT, V6, 0),
	FLOW("hop-by-hop to ICMPv6", ETH, MAC6 IPV6("00 10", "00") EXT("3a") ECHO6, 58, 128, 3, V6,
	     0),
	FLOW("one of each", ETH,
	     MAC6 IPV6("00 3c", "00") EXT("3c") EXT("2b") EXT("2c") FRAG6("33", "00 01") AH("87")
		     EXT("11") UDP,
	     17, SPORT, DPORT, V6, 0),
	FLOW("eight", ETH, MAC6 IPV6("00 54", "3c") FIVE_EXT EXT("3c") EXT("3c") EXT("06") TCP, 6,
	     SPORT, DPORT, V6, 0x92),
	NONE("nine", ETH,
	     MAC6 IPV6("00 50", "3c") FIVE_EXT EXT("3c") EXT("3c") EXT("3c") EXT("11") UDP,
	     XA_CLASS_EXT_LIMIT),
	NONE("ninth is a later fragment", ETH,
	     MAC6 IPV6("00 50", "3c") FIVE_EXT EXT("3c") EXT("3c") EXT("2c") FRAG6("11", "00 08")
		     UDP,
	     XA_CLASS_EXT_LIMIT),
	NONE("eighth cut, ninth would follow", ETH,
	     MAC6 IPV6("00 47", "3c") FIVE_EXT EXT("3c") EXT("3c") EXT16("3c"), XA_CLASS_TRUNCATED),
	NONE("7 bytes of a header", ETH, MAC6 IPV6("00 08", "3c") "11 00 00 00 00 00 00 ",
	     XA_CLASS_TRUNCATED),
	NONE("header longer than the frame", ETH,
	     MAC6 IPV6("00 10", "3c") "3b 01 00 00 00 00 00 00 00 ", XA_CLASS_TRUNCATED),
	NONE("header longer than the packet", ETH, MAC6 IPV6("00 0f", "3c") EXT16("3b"),
	     XA_CLASS_TRUNCATED),
	NONE("header, then nothing", ETH, MAC6 IPV6("00 08", "3c") EXT("11"), XA_CLASS_TRUNCATED),
	FLOW("header, then no next header", ETH, MAC6 IPV6("00 08", "3c") EXT("3b"), 59, 0, 0, V6,
	     0),
	NONE("padding is no header", ETH, MAC6 IPV6("00 07", "3c") EXT("11") UDP,
	     XA_CLASS_TRUNCATED),
	/* fragments of IPv6 */
	FLOW("first fragment 6", ETH, MAC6 IPV6("00 1c", "2c") FRAG6("06", "00 01") TCP, 6, SPORT,
	     DPORT, V6, 0x92),
	FLOW("atomic fragment", ETH, MAC6 IPV6("00 10", "2c") FRAG6("11", "00 00") UDP, 17, SPORT,
	     DPORT, V6, 0),
	FLOW("reserved bits", ETH, MAC6 IPV6("00 10", "2c") FRAG6("11", "00 06") UDP, 17, SPORT,
	     DPORT, V6, 0),
	FLOW("later fragment 6", ETH, MAC6 IPV6("00 10", "2c") FRAG6("11", "00 09") UDP, 17, 0, 0,
	     V6 | FRAG, 0),
	FLOW("last fragment 6", ETH, MAC6 IPV6("00 08", "2c") FRAG6("3a", "ff f8"), 58, 0, 0,
	     V6 | FRAG, 0),
	FLOW("later fragment of options", ETH,
	     MAC6 IPV6("00 10", "2c") FRAG6("3c", "00 08") EXT("11"), 60, 0, 0, V6 | FRAG, 0),
	FLOW("later fragment behind options, tagged", ETH,
	     MACS TAG_8100 "86 dd " IPV6("00 10", "00") EXT("2c") FRAG6("06", "00 08"), 6, 0, 0,
	     V6 | FRAG | 100, 0),
	NONE("fragment header cut", ETH, MAC6 IPV6("00 08", "2c") "11 00 00 08 00 00 00 ",
	     XA_CLASS_TRUNCATED),
	/* without a link header */
	NONE("bare nothing", IP, "", XA_CLASS_TRUNCATED),
	NONE("bare version alone", IP, "45 ", XA_CLASS_TRUNCATED),
	FLOW("bare TCP", IP, IPV4("00 28", "06") TCP, 6, SPORT, DPORT, 0, 0x92),
	FLOW("bare UDP6", IP, IPV6("00 08", "11") UDP, 17, SPORT, DPORT, V6, 0),
	FLOW("bare later fragment", IP, IPV4_("45", "00 1c", "00 01", "11") UDP, 17, 0, 0, FRAG, 0),
	NONE("bare version 5", IP, IPV4_("55", "00 1c", "00 00", "11") UDP, XA_CLASS_IP_VERSION),
	NONE("bare Ethernet", IP, MAC4 IPV4("00 1c", "11") UDP, XA_CLASS_IP_VERSION),
	NONE("bare IHL 4", IP, IPV4_("44", "00 1c", "00 00", "11") UDP, XA_CLASS_IP_HEADER_LEN),
	NONE("bare IPv6 cut", IP, "60 00 00 00 00 08 11 40 " SRC6, XA_CLASS_TRUNCATED),
};

/* The program's clock steps with the scheduler's tick, 10 ms at 100 Hz: between two ticks it is
 * late, and where a tick came late while the clock was set it is early by as much. */
#define CLOCK_SLACK 50

static uint8_t nibble(char digit)
{
	return (uint8_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

static size_t from_hex(const char *hex, uint8_t *ret_bytes)
{
	size_t len = 0;

	for (; *hex; hex++) {
		if (*hex == ' ')
			continue;
		ret_bytes[len++] = (uint8_t)(nibble(hex[0]) << 4 | nibble(hex[1]));
		hex++;
	}
	return len;
}

static struct xa_flow_key6 key_of(const struct row *row)
{
	struct xa_flow_key6 key = {
		.tail = {.sport = htons(row->sport),
			 .dport = htons(row->dport),
			 .proto = row->proto,
			 .tag = row->tag},
	};

	(void)from_hex(row->tag & XA_TAG_IPV6 ? SRC6 : SRC4, key.saddr);
	(void)from_hex(row->tag & XA_TAG_IPV6 ? DST6 : DST4, key.daddr);
	return key;
}

static void expect_parsed(const struct row *row, const struct xa_packet *packet)
{
	struct xa_flow_key6 wanted = key_of(row);
	struct xa_flow_key6 key = packet->headers.is_ipv6 ? packet->key.v6
							  : xa_flow_key_widen(&packet->key.v4);

	assert_int_equal(packet->headers.is_ipv6, !!(row->tag & XA_TAG_IPV6));
	assert_memory_equal(&key, &wanted, sizeof(key));
	assert_int_equal(packet->headers.tos, TOS);
	assert_int_equal(packet->headers.ttl, TTL);
	assert_int_equal(packet->headers.tcp_flags, row->tcp_flags);
}

static void check_value(const struct row *row, const struct xa_flow_value *value, size_t len)
{
	assert_int_equal(value->packets, 1);
	assert_int_equal(value->bytes, len);
	assert_int_equal(value->first_tick, value->last_tick);
	assert_int_equal(value->tcp_flags, row->tcp_flags);
	assert_int_equal(value->tos, TOS);
	assert_int_equal(value->ttl_min, TTL);
	assert_int_equal(value->ttl_max, TTL);
	assert_int_equal(value->len_min, len);
	assert_int_equal(value->len_max, len);
}

/* `class` has these packets, all other classes none. */
static void expect_class(const struct xa_harvest *harvest, enum xa_class class, uint64_t packets,
			 uint64_t bytes)
{
	for (enum xa_class other = 0; other < XA_CLASS_COUNT_; other++) {
		bool counted = other == class && class != XA_CLASS_FLOW;

		assert_int_equal(harvest->classes[other].packets, counted ? packets : 0);
		assert_int_equal(harvest->classes[other].bytes, counted ? bytes : 0);
	}
}

static void expect_seen(const struct xa_harvest *harvest, uint64_t packets, uint64_t bytes)
{
	assert_int_equal(harvest->seen.packets, packets);
	assert_int_equal(harvest->seen.bytes, bytes);
}

/* Runs the program and holds it to its two promises about the frame: passed on, and unchanged. */
static void shoot(const struct xa_lab *lab, const struct xa_shot *shot)
{
	uint8_t *out = malloc(shot->len);
	struct xa_shot with_out = *shot;
	uint32_t verdict;

	assert_non_null(out);
	with_out.out = out;
	assert_int_equal(xa_lab_shoot(lab, &with_out, &verdict), 0);
	assert_int_equal(verdict, XDP_PASS);
	assert_memory_equal(out, shot->frame, shot->len);
	free(out);
}

static void collect(struct xa_lab *lab, uint8_t slot, struct xa_harvest *harvest)
{
	assert_int_equal(xa_lab_collect(lab, slot, harvest), 0);
}

static void check_user_space(const struct row *row, const uint8_t *frame, size_t len)
{
	uint8_t *exact = malloc(len ? len : 1);
	struct xa_packet packet;

	assert_non_null(exact);
	memcpy(exact, frame, len);
	assert_int_equal(xa_parse(row->link, exact, exact + len, 0, &packet), row->class);
	if (row->class == XA_CLASS_FLOW)
		expect_parsed(row, &packet);
	free(exact);
}

static void check_kernel(struct xa_lab *lab, const struct row *row, const uint8_t *frame,
			 size_t len)
{
	_cleanup_xa_harvest_ struct xa_harvest harvest = {0};
	uint32_t before = xa_tick(xa_now_ns());
	struct xa_flow_key6 key = key_of(row);
	const struct xa_reading *reading;

	shoot(lab, &(struct xa_shot){.link = row->link, .frame = frame, .len = len});
	collect(lab, XA_SLOT_UNKNOWN, &harvest);
	expect_seen(&harvest, 1, len);
	expect_class(&harvest, row->class, 1, len);
	assert_int_equal(harvest.count, row->class == XA_CLASS_FLOW);
	if (row->class != XA_CLASS_FLOW)
		return;
	reading = &harvest.readings[0];
	assert_memory_equal(&reading->key, &key, sizeof(key));
	check_value(row, &reading->value, len);
	assert_in_range(reading->value.last_tick, before - CLOCK_SLACK,
			xa_tick(xa_now_ns()) + CLOCK_SLACK);
}

static void test_frames(void **state)
{
	struct xa_lab *lab = *state;
	bool reached[XA_CLASS_COUNT_] = {0};

	for (size_t i = 0; i < array_size(rows); i++) {
		uint8_t frame[512];
		size_t len = from_hex(rows[i].hex, frame);

		print_message("%s: %s\n", rows[i].name, xa_class_names[rows[i].class]);
		check_user_space(&rows[i], frame, len);
		if (len >= XA_LAB_FRAME_MIN)
			check_kernel(lab, &rows[i], frame, len);
		reached[rows[i].class] = true;
	}
	for (enum xa_class class = 0; class <= XA_CLASS_EXT_LIMIT; class ++)
		assert_true(reached[class]);
}

/* ---- what a flow's entry says of several packets --------------------------------------------- */

#define TCP_FRAME MAC4 IPV4("00 28", "06") TCP
enum {
	AT_TOS = 15,
	AT_TTL = 22,
	AT_FLAGS = 47,
};

static void test_value_sums_packets(void **state)
{
	static const struct {
		size_t len;
		uint8_t tos, ttl, flags;
	} packets[] = {{60, 0, 64, 0x02}, {1514, 0x2e, 1, 0x10}, {54, 8, 255, 0x01}, {90, 3, 9, 0}};
	struct xa_lab *lab = *state;
	_cleanup_xa_harvest_ struct xa_harvest harvest = {0};
	uint8_t frame[1514] = {0};
	const struct xa_flow_value *value;

	(void)from_hex(TCP_FRAME, frame);
	(void)xa_lab_pin(
		0); /* "last" is the last of one CPU; of several, that with the later tick */
	for (size_t i = 0; i < array_size(packets); i++) {
		frame[AT_TOS] = packets[i].tos;
		frame[AT_TTL] = packets[i].ttl;
		frame[AT_FLAGS] = packets[i].flags;
		shoot(lab, &(struct xa_shot){.frame = frame, .len = packets[i].len, .repeat = 2});
	}
	assert_int_equal(xa_lab_unpin(), 0);
	collect(lab, XA_SLOT_UNKNOWN, &harvest);
	assert_int_equal(harvest.count, 1);
	value = &harvest.readings[0].value;
	assert_int_equal(value->packets, 8);
	assert_int_equal(value->bytes, 2 * (60 + 1514 + 54 + 90));
	expect_seen(&harvest, value->packets, value->bytes);
	assert_int_equal(value->tcp_flags, 0x13);
	assert_int_equal(value->tos, 3);
	assert_int_equal(value->ttl_min, 1);
	assert_int_equal(value->ttl_max, 255);
	assert_int_equal(value->len_min, 54);
	assert_int_equal(value->len_max, 1514);
}

/* The second CPU finds the entry that the first has made, and its own part of it empty. */
static void test_value_sums_cpus(void **state)
{
	struct xa_lab *lab = *state;
	_cleanup_xa_harvest_ struct xa_harvest harvest = {0};
	uint32_t before = xa_tick(xa_now_ns());
	uint8_t frame[64] = {0};
	size_t len = from_hex(TCP_FRAME, frame);
	const struct xa_flow_value *value;

	for (unsigned cpu = 0; cpu < 2; cpu++) {
		assert_int_equal(xa_lab_pin(cpu), 0);
		frame[AT_TTL] = (uint8_t)(TTL - cpu);
		frame[AT_FLAGS] = (uint8_t)(1 << cpu);
		shoot(lab, &(struct xa_shot){.frame = frame, .len = len + cpu, .repeat = 2});
		assert_int_equal(xa_lab_unpin(), 0);
	}
	collect(lab, XA_SLOT_UNKNOWN, &harvest);
	assert_int_equal(harvest.count, 1);
	value = &harvest.readings[0].value;
	assert_int_equal(value->packets, 4);
	assert_int_equal(value->bytes, 4 * len + 2);
	assert_int_equal(value->tcp_flags, 3);
	assert_int_equal(value->ttl_min, TTL - 1);
	assert_int_equal(value->ttl_max, TTL);
	assert_int_equal(value->len_min, len);
	assert_int_equal(value->len_max, len + 1);
	assert_in_range(value->first_tick, before - CLOCK_SLACK, value->last_tick);
}

static void test_value_dates_packets(void **state)
{
	struct timespec nap = {.tv_nsec = 50 * (long)XA_NS_PER_MS};
	struct xa_lab *lab = *state;
	_cleanup_xa_harvest_ struct xa_harvest harvest = {0};
	uint8_t frame[64] = {0};
	struct xa_shot shot = {.frame = frame, .len = from_hex(TCP_FRAME, frame)};
	const struct xa_flow_value *value;

	shoot(lab, &shot);
	nanosleep(&nap, NULL);
	shoot(lab, &shot);
	collect(lab, XA_SLOT_UNKNOWN, &harvest);
	assert_int_equal(harvest.count, 1);
	value = &harvest.readings[0].value;
	/* 50 ms are 47.7 ticks; the clock's steps are up to 10 ms */
	assert_in_range(value->last_tick - value->first_tick, 37, 5000);
}

static void test_entry_goes_on_until_it_is_forgotten(void **state)
{
	struct xa_lab *lab = *state;
	_cleanup_xa_harvest_ struct xa_harvest harvest = {.keep = true};
	uint8_t frame[64] = {0};
	struct xa_shot shot = {.frame = frame, .len = from_hex(TCP_FRAME, frame)};
	static const uint64_t standing[] = {1, 1, 2, 2, 3, 3};

	for (size_t epoch = 0; epoch < array_size(standing) + XA_SIDES; epoch++) {
		bool forget = epoch >= array_size(standing) - XA_SIDES;

		harvest.keep = !forget;
		if (epoch < array_size(standing))
			shoot(lab, &shot);
		collect(lab, XA_SLOT_UNKNOWN, &harvest);
		expect_seen(&harvest, epoch < array_size(standing), harvest.seen.bytes);
		assert_int_equal(harvest.count, epoch < array_size(standing));
		if (harvest.count)
			assert_int_equal(harvest.readings[0].value.packets, standing[epoch]);
	}
	shoot(lab, &shot);
	collect(lab, XA_SLOT_UNKNOWN, &harvest);
	assert_int_equal(harvest.readings[0].value.packets, 1);
}

/* TEST_RUN puts the rest of a longer frame in further buffers: a page without headroom and
 * skb_shared_info. */
#define PAGE_LINEAR 3520

static void test_bytes_are_the_frames(void **state)
{
	static const size_t lengths[] = {42,   60,    1514,  PAGE_LINEAR, PAGE_LINEAR + 1,
					 9014, 65535, 65536, 70000};
	struct xa_lab *lab = *state;
	uint8_t *frame = calloc(1, 70000);

	assert_non_null(frame);
	(void)from_hex(MAC4 IPV4("00 00", "11") UDP, frame);
	for (size_t i = 0; i < array_size(lengths); i++) {
		_cleanup_xa_harvest_ struct xa_harvest harvest = {0};
		size_t len = lengths[i];

		if (len > PAGE_LINEAR && !xa_xdp_has_frags(lab->xdp))
			break;
		shoot(lab, &(struct xa_shot){.frame = frame, .len = len, .repeat = 3});
		collect(lab, XA_SLOT_UNKNOWN, &harvest);
		expect_seen(&harvest, 3, 3 * len);
		assert_int_equal(harvest.count, 1);
		assert_int_equal(harvest.readings[0].value.bytes, 3 * len);
		assert_int_equal(harvest.readings[0].value.len_min, len > 65535 ? 65535 : len);
		assert_int_equal(harvest.readings[0].value.len_max, len > 65535 ? 65535 : len);
	}
	free(frame);
}

/* The packets of this size, and none of any other. */
static void expect_size(const struct xa_harvest *harvest, unsigned size, uint64_t packets)
{
	for (unsigned other = 0; other < XA_SIZE_COUNT_; other++)
		assert_int_equal(harvest->sizes[other], other == size ? packets : 0);
}

/* Each size by the lengths that it begins and ends with, in a flow and in none, by both programs:
 * counted before anything is parsed. */
static void test_sizes(void **state)
{
	static const size_t ends[XA_SIZE_COUNT_] = {64, 128, 256, 512, 1024, 1518, 9216, 70000};
	struct xa_lab *lab = *state;
	uint8_t *frame = calloc(1, 70000);
	size_t begin = XA_LAB_FRAME_MIN;

	assert_non_null(frame);
	(void)from_hex(MAC4 IPV4("00 00", "11") UDP, frame);
	for (unsigned size = 0; size < XA_SIZE_COUNT_; begin = ends[size++] + 1) {
		const size_t lengths[] = {begin, ends[size]};

		for (unsigned i = 0; i < 2 * XA_LINK_COUNT_; i++) {
			_cleanup_xa_harvest_ struct xa_harvest harvest = {0};
			struct xa_shot shot = {.link = i / 2,
					       .frame = frame,
					       .len = lengths[i % 2],
					       .repeat = i + 2};

			if (shot.len > PAGE_LINEAR && !xa_xdp_has_frags(lab->xdp))
				continue;
			shoot(lab, &shot);
			collect(lab, XA_SLOT_UNKNOWN, &harvest);
			expect_seen(&harvest, i + 2, (i + 2) * shot.len);
			expect_size(&harvest, size, i + 2);
		}
	}
	free(frame);
}

/* Extension headers of 2 KiB each: the ports stand in the frame's second buffer. */
static void test_headers_in_a_later_buffer(void **state)
{
	static const struct row row = FLOW("long", ETH, "", XA_PROTO_UDP, SPORT, DPORT, V6, 0);
	struct xa_lab *lab = *state;
	uint8_t frame[6000] = {0};
	size_t at = from_hex(MAC6 IPV6("10 08", "3c"), frame);

	if (!xa_xdp_has_frags(lab->xdp)) {
		print_message("skipped: no frames in several buffers before Linux 5.18\n");
		skip();
	}
	(void)from_hex("3c ff ", frame + at);
	(void)from_hex("11 ff ", frame + at + 2048);
	at += 2 * 2048;
	assert_true(at > PAGE_LINEAR);
	at += from_hex(UDP, frame + at);
	check_user_space(&row, frame, at);
	check_kernel(lab, &row, frame, at);
}

/* ---- interfaces ------------------------------------------------------------------------------ */

enum {
	LOOPBACK = 1, /* and the taps below: all have the same home bucket in the ifindex table */
	TAP_A = LOOPBACK + XA_SLOTS,
	TAP_B = LOOPBACK + 2 * XA_SLOTS,
};

static int tap_new(unsigned ifindex)
{
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, TUNSETIFINDEX, &ifindex) || ioctl(fd, TUNSETIFF, &request)) {
		print_message("skipped: no tap interface: %s\n", strerror(errno));
		skip();
	}
	return fd;
}

/* One packet from the interface counts under `slot`, in key and tally. */
static void expect_slot(struct xa_lab *lab, unsigned ifindex, uint8_t slot)
{
	_cleanup_xa_harvest_ struct xa_harvest harvest = {0};
	uint8_t frame[64];
	struct xa_shot shot = {.frame = frame, .len = from_hex(TCP_FRAME, frame)};

	shot.ifindex = ifindex == LOOPBACK ? 0 : ifindex; /* where packets come from unasked */
	shoot(lab, &shot);
	collect(lab, slot, &harvest);
	expect_seen(&harvest, 1, shot.len);
	assert_int_equal(harvest.count, 1);
	assert_int_equal(harvest.readings[0].key.tail.slot, slot);
}

/* Before taps are made, which a skipped test would leave behind. */
static void need_context(struct xa_lab *lab)
{
	uint8_t frame[64];
	struct xa_shot shot = {.frame = frame, .len = from_hex(TCP_FRAME, frame)};
	_cleanup_xa_harvest_ struct xa_harvest harvest = {0};
	uint32_t verdict;

	shot.ifindex = LOOPBACK;
	if (xa_lab_shoot(lab, &shot, &verdict) == -EINVAL) {
		print_message("skipped: no packet from a chosen interface (before 5.14)\n");
		skip();
	}
	collect(lab, XA_SLOT_UNKNOWN, &harvest);
}

static void test_slots_by_ifindex(void **state)
{
	struct xa_lab *lab = *state;
	_cleanup_close_ int tap_a = -1;
	_cleanup_close_ int tap_b = -1;

	need_context(lab);
	tap_a = tap_new(TAP_A);
	tap_b = tap_new(TAP_B);
	assert_int_equal(xa_ledger_open(lab->ledger, 7), 0);
	assert_int_equal(xa_ledger_open(lab->ledger, 255), 0);
	expect_slot(lab, LOOPBACK, XA_SLOT_UNKNOWN);
	assert_int_equal(xa_xdp_map_ifindex(lab->xdp, LOOPBACK, 7), 0);
	expect_slot(lab, LOOPBACK, 7);
	expect_slot(lab, TAP_A, XA_SLOT_UNKNOWN);
	assert_int_equal(xa_xdp_map_ifindex(lab->xdp, TAP_A, 255), 0);
	expect_slot(lab, TAP_A, 255);
	expect_slot(lab, TAP_B, XA_SLOT_UNKNOWN);
	expect_slot(lab, LOOPBACK, 7);
	/* a hole in front does not hide what stands behind it */
	assert_int_equal(xa_xdp_map_ifindex(lab->xdp, LOOPBACK, XA_SLOT_UNKNOWN), 0);
	expect_slot(lab, LOOPBACK, XA_SLOT_UNKNOWN);
	expect_slot(lab, TAP_A, 255);
	assert_int_equal(xa_xdp_map_ifindex(lab->xdp, TAP_A, 7), 0);
	expect_slot(lab, TAP_A, 7);
}

static void test_slots_share_a_bucket_until_it_is_full(void **state)
{
	struct xa_lab *lab = *state;

	for (unsigned i = 0; i < XA_IFINDEX_PROBES; i++)
		assert_int_equal(xa_xdp_map_ifindex(lab->xdp, LOOPBACK + (7 - i) * XA_SLOTS, 9), 0);
	assert_int_equal(xa_xdp_map_ifindex(lab->xdp, LOOPBACK + 8 * XA_SLOTS, 9), -ENOSPC);
	assert_int_equal(xa_ledger_open(lab->ledger, 9), 0);
	expect_slot(lab, LOOPBACK, 9); /* in the last bucket that is looked at */
	for (unsigned i = 0; i < XA_IFINDEX_PROBES; i++)
		assert_int_equal(xa_xdp_map_ifindex(lab->xdp, LOOPBACK + i * XA_SLOTS, 0), 0);
	expect_slot(lab, LOOPBACK, XA_SLOT_UNKNOWN);
}

/* ---- a full map ------------------------------------------------------------------------------ */

#define SMALL 4

/* `proto` in front of bytes that are a header of any, with an address that makes a flow of its own.
 */
static size_t numbered_frame(uint8_t frame[128], bool is_ipv6, uint8_t proto, uint16_t number)
{
	size_t len = from_hex(is_ipv6 ? MAC6 IPV6("00 14", "06") TCP : MAC4 IPV4("00 28", "06") TCP,
			      frame);

	frame[is_ipv6 ? 20 : 23] = proto;
	frame[is_ipv6 ? 36 : 28] = (uint8_t)(number >> 8);
	frame[is_ipv6 ? 37 : 29] = (uint8_t)number;
	return len;
}

static void expect_full(struct xa_lab *lab, bool is_ipv6, uint8_t proto, enum xa_class class)
{
	_cleanup_xa_harvest_ struct xa_harvest harvest = {.keep = true};
	uint8_t frame[128];
	struct xa_shot shot = {.frame = frame, .repeat = 5};
	uint32_t capacity = xa_xdp_capacity(lab->xdp);

	shot.len = numbered_frame(frame, is_ipv6, proto, 1);
	shoot(lab, &shot);
	collect(lab, XA_SLOT_UNKNOWN, &harvest);
	expect_seen(&harvest, 5, 5 * shot.len);
	expect_class(&harvest, class, 5, 5 * shot.len);
	assert_int_equal(harvest.count, is_ipv6 ? 2 * capacity : capacity);
}

static void fill(struct xa_lab *lab, bool is_ipv6)
{
	_cleanup_xa_harvest_ struct xa_harvest harvest = {.keep = true};
	uint8_t frame[128];
	struct xa_shot shot = {.frame = frame};

	for (unsigned side = 0; side < XA_SIDES; side++) {
		for (uint32_t i = 0; i < xa_xdp_capacity(lab->xdp); i++) {
			shot.len = numbered_frame(frame, is_ipv6, XA_PROTO_UDP,
						  (uint16_t)(100 + i));
			shoot(lab, &shot);
		}
		collect(lab, XA_SLOT_UNKNOWN, &harvest);
		expect_class(&harvest, XA_CLASS_FLOW, 0, 0);
	}
}

static void expect_all_full(struct xa_lab *lab, bool is_ipv6)
{
	expect_full(lab, is_ipv6, XA_PROTO_TCP, XA_CLASS_MAP_FULL_TCP);
	expect_full(lab, is_ipv6, XA_PROTO_UDP, XA_CLASS_MAP_FULL_UDP);
	expect_full(lab, is_ipv6, XA_PROTO_ICMP, XA_CLASS_MAP_FULL_ICMP);
	expect_full(lab, is_ipv6, XA_PROTO_ICMPV6, XA_CLASS_MAP_FULL_ICMP);
	expect_full(lab, is_ipv6, XA_PROTO_SCTP, XA_CLASS_MAP_FULL_OTHER);
	expect_full(lab, is_ipv6, 47, XA_CLASS_MAP_FULL_OTHER);
}

static void test_full_map_names_the_protocol(void **state)
{
	struct xa_xdp_options options = {.max_flows = SMALL, .percpu = *(bool *)*state};
	_cleanup_xa_lab_ struct xa_lab *lab = NULL;
	_cleanup_xa_harvest_ struct xa_harvest harvest = {0};
	uint8_t frame[128];
	struct xa_shot shot = {.frame = frame, .repeat = 3};

	assert_int_equal(xa_lab_new(&lab, &options), 0);
	fill(lab, false);
	expect_all_full(lab, false);
	fill(lab, true); /* IPv6 has a map of its own, with room */
	expect_all_full(lab, true);
	/* who is in goes on being counted */
	shot.len = numbered_frame(frame, true, XA_PROTO_UDP, 100);
	shoot(lab, &shot);
	collect(lab, XA_SLOT_UNKNOWN, &harvest);
	expect_seen(&harvest, 3, 3 * shot.len);
	expect_class(&harvest, XA_CLASS_FLOW, 0, 0);
	/* and once entries are forgotten there is room again */
	collect(lab, XA_SLOT_UNKNOWN, &harvest);
	shot.len = numbered_frame(frame, true, XA_PROTO_TCP, 1);
	shoot(lab, &shot);
	collect(lab, XA_SLOT_UNKNOWN, &harvest);
	expect_class(&harvest, XA_CLASS_FLOW, 0, 0);
	assert_int_equal(harvest.count, 1);
}

/* Each test finds both sides empty. */
static int sides_empty(void **state)
{
	_cleanup_xa_harvest_ struct xa_harvest harvest = {0};

	for (unsigned side = 0; side < XA_SIDES; side++)
		if (xa_lab_collect(*state, XA_SLOT_UNKNOWN, &harvest))
			return -1;
	return 0;
}

#define TEST(name) cmocka_unit_test_prestate_setup_teardown(name, NULL, sides_empty, lab)

static int run(bool percpu)
{
	_cleanup_xa_lab_ struct xa_lab *lab = NULL;
	int status = xa_lab_new(&lab,
				&(struct xa_xdp_options){.max_flows = 1024, .percpu = percpu});

	if (status)
		return status;

	const struct CMUnitTest tests[] = {
		TEST(test_frames),
		TEST(test_value_sums_packets),
		TEST(test_value_sums_cpus),
		TEST(test_value_dates_packets),
		TEST(test_entry_goes_on_until_it_is_forgotten),
		TEST(test_bytes_are_the_frames),
		TEST(test_sizes),
		TEST(test_headers_in_a_later_buffer),
		TEST(test_slots_by_ifindex),
		TEST(test_slots_share_a_bucket_until_it_is_full),
	};
	const struct CMUnitTest small_tests[] = {
		cmocka_unit_test_prestate(test_full_map_names_the_protocol, &percpu),
	};
	status = cmocka_run_group_tests_name(percpu ? "a value a CPU" : "one value", tests, NULL,
					     NULL);
	return status + cmocka_run_group_tests_name("a full map", small_tests, NULL, NULL);
}

int main(void)
{
	int status = xa_lab_enter();

	if (!status)
		status = run(true);
	return status == XA_LAB_SKIP ? status : status + run(false);
}
