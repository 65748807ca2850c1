/* SPDX-License-Identifier: GPL-2.0-or-later */

/* libpcap reads both formats and tells the link type; bpf/parse.h does the rest. */

#include "core/source/pcap.h"

#include <pcap/pcap.h>

#include "bpf/parse.h"

struct xa_pcap {
	pcap_t *handle;
	enum xa_link link;
};

void xa_pcap_free(struct xa_pcap *pcap)
{
	if (!pcap)
		return;
	if (pcap->handle)
		pcap_close(pcap->handle);
	free(pcap);
}

static int link_of(int linktype, enum xa_link *ret_link)
{
	switch (linktype) {
	case DLT_EN10MB:
		*ret_link = XA_LINK_ETHERNET;
		return 0;
	case DLT_RAW:
	case DLT_IPV4:
	case DLT_IPV6:
		*ret_link = XA_LINK_IP;
		return 0;
	default:
		return -EINVAL;
	}
}

int xa_pcap_open(struct xa_pcap **ret, const char *path, struct xa_why *ret_why)
{
	_cleanup_xa_pcap_ struct xa_pcap *pcap = calloc(1, sizeof(*pcap));
	char error[PCAP_ERRBUF_SIZE];
	int linktype;

	if (!pcap)
		return -ENOMEM;
	pcap->handle = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO,
							       error);
	if (!pcap->handle)
		return xa_why_set(ret_why, -EINVAL, "%s: %s", path, error);
	linktype = pcap_datalink(pcap->handle);
	if (link_of(linktype, &pcap->link)) {
		const char *name = pcap_datalink_val_to_name(linktype);

		return xa_why_set(
			ret_why, -EINVAL,
			"%s: link type %s (%d) is not supported: only Ethernet and raw IP", path,
			name ? name : "unknown", linktype);
	}
	*ret = take_ptr(pcap);
	return 0;
}

static struct xa_flow_value value_of(const struct xa_headers *headers, uint32_t len, uint32_t tick)
{
	uint16_t short_len = len > UINT16_MAX ? UINT16_MAX : (uint16_t)len;

	return (struct xa_flow_value){
		.packets = 1,
		.bytes = len,
		.first_tick = tick,
		.last_tick = tick,
		.tcp_flags = headers->tcp_flags,
		.tos = headers->tos,
		.ttl_min = headers->ttl,
		.ttl_max = headers->ttl,
		.len_min = short_len,
		.len_max = short_len,
	};
}

/* The classic format has 32 bits without a sign, which libpcap takes for some with one: until 2106.
 */
static uint64_t seconds_of(const struct pcap_pkthdr *header)
{
	return header->ts.tv_sec < 0 ? (uint32_t)header->ts.tv_sec : (uint64_t)header->ts.tv_sec;
}

int xa_pcap_next(struct xa_pcap *pcap, uint8_t slot, struct xa_pcap_packet *ret_packet,
		 struct xa_why *ret_why)
{
	struct xa_packet parsed;
	struct pcap_pkthdr *header;
	const u_char *data;
	int status = pcap_next_ex(pcap->handle, &header, &data);

	if (status == PCAP_ERROR_BREAK)
		return 0;
	if (status != 1)
		return xa_why_set(ret_why, -EIO, "%s", pcap_geterr(pcap->handle));
	*ret_packet = (struct xa_pcap_packet){
		.class = xa_parse(pcap->link, data, data + header->caplen, slot, &parsed),
		.bytes = header->len,
		/* at nanosecond precision libpcap keeps nanoseconds in tv_usec */
		.time_ns = seconds_of(header) * XA_NS_PER_S + (uint64_t)header->ts.tv_usec,
	};
	if (ret_packet->class != XA_CLASS_FLOW)
		return 1;
	ret_packet->reading.key = parsed.headers.is_ipv6 ? parsed.key.v6
							 : xa_flow_key_widen(&parsed.key.v4);
	ret_packet->reading.value = value_of(&parsed.headers, header->len,
					     xa_tick(ret_packet->time_ns));
	return 1;
}
