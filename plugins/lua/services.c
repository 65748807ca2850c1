/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * After IANA's "Service Name and Transport Protocol Port Number Registry" (RFC 6335) and its
 * "Assigned Internet Protocol Numbers". Where the registry's name is one that nobody knows the
 * service by, the usual one stands here.
 */

#include "plugins/lua/services.h"

#include <stddef.h>

#define TCP  1
#define UDP  2
#define BOTH (TCP | UDP)

struct service {
	uint16_t port;
	uint8_t on;
	const char *name;
};

/* By port. */
static const struct service services[] = {
	{7, BOTH, "echo"},
	{9, BOTH, "discard"},
	{13, BOTH, "daytime"},
	{19, BOTH, "chargen"},
	{20, TCP, "ftp-data"},
	{21, TCP, "ftp"},
	{22, TCP, "ssh"},
	{23, TCP, "telnet"},
	{25, TCP, "smtp"},
	{37, BOTH, "time"},
	{43, TCP, "whois"},
	{49, TCP, "tacacs"},
	{53, BOTH, "domain"},
	{67, UDP, "bootps"},
	{68, UDP, "bootpc"},
	{69, UDP, "tftp"},
	{70, TCP, "gopher"},
	{79, TCP, "finger"},
	{80, BOTH, "http"},
	{88, BOTH, "kerberos"},
	{110, TCP, "pop3"},
	{111, BOTH, "sunrpc"},
	{113, TCP, "auth"},
	{119, TCP, "nntp"},
	{123, UDP, "ntp"},
	{135, TCP, "epmap"},
	{137, UDP, "netbios-ns"},
	{138, UDP, "netbios-dgm"},
	{139, TCP, "netbios-ssn"},
	{143, TCP, "imap"},
	{161, UDP, "snmp"},
	{162, UDP, "snmptrap"},
	{179, TCP, "bgp"},
	{194, TCP, "irc"},
	{389, BOTH, "ldap"},
	{443, BOTH, "https"},
	{445, TCP, "microsoft-ds"},
	{464, BOTH, "kpasswd"},
	{465, TCP, "submissions"},
	{500, UDP, "isakmp"},
	{514, UDP, "syslog"},
	{515, TCP, "printer"},
	{520, UDP, "rip"},
	{546, UDP, "dhcpv6-client"},
	{547, UDP, "dhcpv6-server"},
	{554, BOTH, "rtsp"},
	{587, TCP, "submission"},
	{623, UDP, "ipmi"},
	{631, BOTH, "ipp"},
	{636, TCP, "ldaps"},
	{646, BOTH, "ldp"},
	{853, BOTH, "domain-s"},
	{873, TCP, "rsync"},
	{989, TCP, "ftps-data"},
	{990, TCP, "ftps"},
	{993, TCP, "imaps"},
	{995, TCP, "pop3s"},
	{1080, TCP, "socks"},
	{1194, BOTH, "openvpn"},
	{1433, TCP, "ms-sql-s"},
	{1521, TCP, "oracle"},
	{1701, UDP, "l2tp"},
	{1723, TCP, "pptp"},
	{1812, UDP, "radius"},
	{1813, UDP, "radius-acct"},
	{1883, TCP, "mqtt"},
	{1900, UDP, "ssdp"},
	{2049, BOTH, "nfs"},
	{2055, UDP, "netflow"},
	{2181, TCP, "zookeeper"},
	{2379, TCP, "etcd-client"},
	{2380, TCP, "etcd-server"},
	{3128, TCP, "squid"},
	{3260, TCP, "iscsi"},
	{3268, TCP, "msft-gc"},
	{3306, TCP, "mysql"},
	{3389, BOTH, "ms-wbt-server"},
	{3478, BOTH, "stun"},
	{4500, UDP, "ipsec-nat-t"},
	{4739, BOTH, "ipfix"},
	{4789, UDP, "vxlan"},
	{5060, BOTH, "sip"},
	{5061, TCP, "sips"},
	{5222, TCP, "xmpp-client"},
	{5269, TCP, "xmpp-server"},
	{5353, UDP, "mdns"},
	{5355, BOTH, "llmnr"},
	{5432, TCP, "postgresql"},
	{5671, TCP, "amqps"},
	{5672, TCP, "amqp"},
	{5900, TCP, "rfb"},
	{5985, TCP, "winrm"},
	{6081, UDP, "geneve"},
	{6343, UDP, "sflow"},
	{6379, TCP, "redis"},
	{6443, TCP, "kubernetes-api"},
	{6514, TCP, "syslog-tls"},
	{6667, TCP, "ircu"},
	{8080, TCP, "http-alt"},
	{8443, TCP, "https-alt"},
	{8883, TCP, "secure-mqtt"},
	{9090, TCP, "prometheus"},
	{9092, TCP, "kafka"},
	{9100, TCP, "node-exporter"},
	{9200, TCP, "elasticsearch"},
	{9418, TCP, "git"},
	{11211, BOTH, "memcache"},
	{27017, TCP, "mongodb"},
	{51820, UDP, "wireguard"},
};

#define SERVICE_COUNT (sizeof(services) / sizeof(services[0]))

const char *xa_lua_service_name(uint16_t port, uint8_t proto)
{
	const unsigned on = proto == 6 ? TCP : proto == 17 ? UDP : 0;
	size_t low = 0, high = SERVICE_COUNT;

	while (low < high) {
		const size_t middle = (low + high) / 2;

		if (services[middle].port == port)
			return services[middle].on & on ? services[middle].name : NULL;
		if (services[middle].port < port)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const char *xa_lua_proto_name(uint8_t proto)
{
	static const struct {
		uint8_t proto;
		const char *name;
	} names[] = {
		{1, "icmp"},   {2, "igmp"},	  {4, "ipv4"},	 {6, "tcp"},	   {17, "udp"},
		{33, "dccp"},  {41, "ipv6"},	  {46, "rsvp"},	 {47, "gre"},	   {50, "esp"},
		{51, "ah"},    {58, "ipv6-icmp"}, {88, "eigrp"}, {89, "ospfigp"},  {103, "pim"},
		{112, "vrrp"}, {115, "l2tp"},	  {132, "sctp"}, {136, "udplite"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].proto == proto)
			return names[i].name;
	}
	return NULL;
}
