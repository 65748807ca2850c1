/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A capture file as a source: each packet goes through the parser that the kernel program is made
 * of. Needs no privilege.
 */

#include "core/flow/ledger.h"

struct xa_pcap;

/* Opens a pcap or pcapng file of Ethernet frames or bare IP packets. 0 or -EINVAL with a reason. */
int xa_pcap_open(struct xa_pcap **ret, const char *path, struct xa_why *ret_why);
void xa_pcap_free(struct xa_pcap *pcap);
XA_DEFINE_CLEANUP(xa_pcap)
#define _cleanup_xa_pcap_ XA_CLEANUP(xa_pcap_cleanup)

struct xa_pcap_packet {
	enum xa_class class; /* XA_CLASS_FLOW: `reading` is set */
	struct xa_reading reading; /* one packet; ticks of the capture's clock */
	uint64_t bytes; /* on the wire, also where the capture cut it */
	uint64_t time_ns; /* the capture's clock */
};

/* 1 and a packet, 0 at the end, or -EIO with a reason where the file is damaged. */
int xa_pcap_next(struct xa_pcap *pcap, uint8_t slot, struct xa_pcap_packet *ret_packet,
		 struct xa_why *ret_why);
