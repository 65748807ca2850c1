/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Capture files that the test writes itself, byte by byte: both byte orders, both precisions,
 * pcapng, cut packets, cut files. They live in memory and are opened by their descriptor's path.
 */

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "core/source/pcap.h"

#define MAGIC_US 0xa1b2c3d4U
#define MAGIC_NS 0xa1b23c4dU

enum {
	ETHERNET = 1,
	RAW_IP = 101,
	IPV4 = 228,
	IPV6 = 229,
	LINUX_SLL = 113,
};

struct file {
	int fd;
	bool swapped; /* the other byte order than this machine's */
	char path[64];
};

static void file_done(struct file *file)
{
	(void)close(file->fd);
}
#define _cleanup_capture_ XA_CLEANUP(file_done)

static void put(struct file *file, const void *bytes, size_t len)
{
	assert_int_equal(write(file->fd, bytes, len), len);
}

static void put16(struct file *file, uint16_t value)
{
	value = file->swapped ? __builtin_bswap16(value) : value;
	put(file, &value, sizeof(value));
}

static void put32(struct file *file, uint32_t value)
{
	value = file->swapped ? __builtin_bswap32(value) : value;
	put(file, &value, sizeof(value));
}

static void file_open(struct file *file, bool swapped)
{
	file->swapped = swapped;
	file->fd = memfd_create("capture", MFD_CLOEXEC);
	assert_true(file->fd >= 0);
	(void)snprintf(file->path, sizeof(file->path), "/proc/self/fd/%d", file->fd);
}

static void pcap_begin(struct file *file, bool swapped, uint32_t magic, uint32_t linktype)
{
	file_open(file, swapped);
	put32(file, magic);
	put16(file, 2);
	put16(file, 4);
	put32(file, 0);
	put32(file, 0);
	put32(file, 262144);
	put32(file, linktype);
}

static void pcap_packet(struct file *file, uint32_t seconds, uint32_t fraction, const void *bytes,
			uint32_t caplen, uint32_t len)
{
	put32(file, seconds);
	put32(file, fraction);
	put32(file, caplen);
	put32(file, len);
	put(file, bytes, caplen);
}

/* Ethernet, IPv4 10.0.0.1 -> 10.0.0.2, TTL 64, TOS 0x10, TCP 4711 -> 443, SYN. */
static const uint8_t frame[54] = {
	2,    0,    0, 0, 0,  1, 2, 0, 0,  0, 0,    2,	  0x08, 0x00, 0x45, 0x10, 0,	40,
	0,    1,    0, 0, 64, 6, 0, 0, 10, 0, 0,    1,	  10,	0,    0,    2,	  0x12, 0x67,
	0x01, 0xbb, 0, 0, 0,  0, 0, 0, 0,  0, 0x50, 0x02, 0,	0,    0,    0,	  0,	0,
};
#define IP_OFFSET 14

static const uint8_t ipv6_packet[48] = {
	0x60, 0, 0, 0, 0, 8, 17, 63, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0,
	0,    0, 0, 0, 0, 0, 0,	 1,  0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0,
	0,    0, 0, 0, 0, 0, 0,	 2,  0,	   53,	 0x30, 0x39, 0, 8, 0, 0,
};

static struct xa_pcap *opened(const struct file *file)
{
	struct xa_pcap *pcap = NULL;
	struct xa_why why = {0};

	if (xa_pcap_open(&pcap, file->path, &why))
		fail_msg("%s", why.text);
	return pcap;
}

static void assert_frame(const struct xa_pcap_packet *packet, uint64_t time_ns, uint64_t len)
{
	const struct xa_flow_key6 key = {
		.saddr = {10, 0, 0, 1},
		.daddr = {10, 0, 0, 2},
		.tail = {.sport = htons(4711), .dport = htons(443), .proto = 6, .slot = 9},
	};
	const struct xa_flow_value *value = &packet->reading.value;

	assert_int_equal(packet->class, XA_CLASS_FLOW);
	assert_int_equal(packet->bytes, len);
	assert_int_equal(packet->time_ns, time_ns);
	assert_memory_equal(&packet->reading.key, &key, sizeof(key));
	assert_int_equal(value->packets, 1);
	assert_int_equal(value->bytes, len);
	assert_int_equal(value->first_tick, xa_tick(time_ns));
	assert_int_equal(value->last_tick, xa_tick(time_ns));
	assert_int_equal(value->tcp_flags, 0x02);
	assert_int_equal(value->tos, 0x10);
	assert_int_equal(value->ttl_min, 64);
	assert_int_equal(value->ttl_max, 64);
	assert_int_equal(value->len_min, len > 65535 ? 65535 : len);
	assert_int_equal(value->len_max, len > 65535 ? 65535 : len);
}

static void test_byte_orders_and_precisions(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		uint32_t magic = i & 2 ? MAGIC_NS : MAGIC_US;
		uint64_t fraction = i & 2 ? 123456789 : 123456, unit = i & 2 ? 1 : 1000;
		_cleanup_capture_ struct file file = {0};
		_cleanup_xa_pcap_ struct xa_pcap *pcap = NULL;
		struct xa_pcap_packet packet;

		pcap_begin(&file, i & 1, magic, ETHERNET);
		pcap_packet(&file, 1700000000, (uint32_t)fraction, frame, 54, 54);
		pcap_packet(&file, 2100000000U, 0, frame, 54, 54);
		pcap = opened(&file);
		assert_int_equal(xa_pcap_next(pcap, 9, &packet, NULL), 1);
		assert_frame(&packet, 1700000000 * XA_NS_PER_S + fraction * unit, 54);
		assert_int_equal(xa_pcap_next(pcap, 9, &packet, NULL), 1);
		assert_frame(&packet, 2100000000U * XA_NS_PER_S, 54);
		assert_int_equal(xa_pcap_next(pcap, 9, &packet, NULL), 0);
		assert_int_equal(xa_pcap_next(pcap, 9, &packet, NULL), 0);
	}
}

/* 32 bits without a sign: the last second is in 2106. */
static void test_times_to_2106(void **state)
{
	static const uint32_t times[] = {INT32_MAX, (uint32_t)INT32_MAX + 1, 3000000000U,
					 UINT32_MAX};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		uint32_t magic = i & 2 ? MAGIC_NS : MAGIC_US, last = i & 2 ? 999999999 : 999999;
		_cleanup_capture_ struct file file = {0};
		_cleanup_xa_pcap_ struct xa_pcap *pcap = NULL;
		struct xa_pcap_packet packet;

		pcap_begin(&file, i & 1, magic, ETHERNET);
		for (size_t at = 0; at < array_size(times); at++)
			pcap_packet(&file, times[at], last, frame, 54, 54);
		pcap = opened(&file);
		for (size_t at = 0; at < array_size(times); at++) {
			assert_int_equal(xa_pcap_next(pcap, 9, &packet, NULL), 1);
			assert_frame(&packet,
				     times[at] * XA_NS_PER_S + (uint64_t)last * (i & 2 ? 1 : 1000),
				     54);
		}
		assert_int_equal(xa_pcap_next(pcap, 9, &packet, NULL), 0);
	}
}

/* The blocks of a pcapng file: section header, interface, one enhanced packet (microseconds). */
static void put_pcapng(struct file *file, uint64_t microseconds)
{
	put32(file, 0x0a0d0d0a);
	put32(file, 28);
	put32(file, 0x1a2b3c4d);
	put16(file, 1);
	put16(file, 0);
	put32(file, UINT32_MAX);
	put32(file, UINT32_MAX);
	put32(file, 28);
	put32(file, 1);
	put32(file, 20);
	put16(file, ETHERNET);
	put16(file, 0);
	put32(file, 0);
	put32(file, 20);
	put32(file, 6);
	put32(file, 88);
	put32(file, 0);
	put32(file, (uint32_t)(microseconds >> 32));
	put32(file, (uint32_t)microseconds);
	put32(file, sizeof(frame));
	put32(file, 1514);
	put(file, frame, sizeof(frame));
	put16(file, 0);
	put32(file, 88);
}

static void test_pcapng(void **state)
{
	(void)state;
	for (int swapped = 0; swapped < 2; swapped++) {
		_cleanup_capture_ struct file file = {0};
		_cleanup_xa_pcap_ struct xa_pcap *pcap = NULL;
		struct xa_pcap_packet packet;

		file_open(&file, swapped);
		put_pcapng(&file, 1700000000123456ULL);
		pcap = opened(&file);
		assert_int_equal(xa_pcap_next(pcap, 9, &packet, NULL), 1);
		assert_frame(&packet, 1700000000123456000ULL, 1514);
		assert_int_equal(xa_pcap_next(pcap, 9, &packet, NULL), 0);
	}
}

/* What was on the wire counts, not what the capture kept; longer than 16 bits, too. */
static void test_cut_packets(void **state)
{
	_cleanup_capture_ struct file file = {0};
	_cleanup_xa_pcap_ struct xa_pcap *pcap = NULL;
	struct xa_pcap_packet packet;

	(void)state;
	pcap_begin(&file, false, MAGIC_US, ETHERNET);
	pcap_packet(&file, 1, 0, frame, 54, 1514);
	pcap_packet(&file, 1, 0, frame, 54, 70000);
	pcap_packet(&file, 1, 0, frame, 36, 1514);
	pcap_packet(&file, 1, 0, frame, 0, 60);
	pcap = opened(&file);
	assert_int_equal(xa_pcap_next(pcap, 9, &packet, NULL), 1);
	assert_frame(&packet, XA_NS_PER_S, 1514);
	assert_int_equal(xa_pcap_next(pcap, 9, &packet, NULL), 1);
	assert_frame(&packet, XA_NS_PER_S, 70000);
	assert_int_equal(xa_pcap_next(pcap, 9, &packet, NULL), 1);
	assert_int_equal(packet.class, XA_CLASS_TRUNCATED);
	assert_int_equal(packet.bytes, 1514);
	assert_int_equal(xa_pcap_next(pcap, 9, &packet, NULL), 1);
	assert_int_equal(packet.class, XA_CLASS_TRUNCATED);
	assert_int_equal(packet.bytes, 60);
	assert_int_equal(xa_pcap_next(pcap, 9, &packet, NULL), 0);
}

static void test_bare_ip(void **state)
{
	static const uint32_t ipv4_types[] = {RAW_IP, IPV4}, ipv6_types[] = {RAW_IP, IPV6};
	struct xa_pcap_packet packet;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		_cleanup_capture_ struct file file4 = {0}, file6 = {0};
		_cleanup_xa_pcap_ struct xa_pcap *pcap4 = NULL, *pcap6 = NULL;

		pcap_begin(&file4, false, MAGIC_US, ipv4_types[i]);
		pcap_packet(&file4, 5, 0, frame + IP_OFFSET, 40, 40);
		pcap4 = opened(&file4);
		assert_int_equal(xa_pcap_next(pcap4, 9, &packet, NULL), 1);
		assert_frame(&packet, 5 * XA_NS_PER_S, 40);
		pcap_begin(&file6, false, MAGIC_US, ipv6_types[i]);
		pcap_packet(&file6, 5, 0, ipv6_packet, 48, 48);
		pcap6 = opened(&file6);
		assert_int_equal(xa_pcap_next(pcap6, 9, &packet, NULL), 1);
		assert_int_equal(packet.class, XA_CLASS_FLOW);
		assert_int_equal(xa_flow_family(&packet.reading.key.tail), XA_IPV6);
		assert_memory_equal(packet.reading.key.saddr, ipv6_packet + 8, 16);
		assert_int_equal(packet.reading.key.tail.sport, htons(53));
		assert_int_equal(packet.reading.key.tail.slot, 9);
	}
}

static void test_other_classes(void **state)
{
	_cleanup_capture_ struct file file = {0};
	_cleanup_xa_pcap_ struct xa_pcap *pcap = NULL;
	struct xa_pcap_packet packet;
	uint8_t arp[60] = {0};

	(void)state;
	arp[12] = 0x08;
	arp[13] = 0x06;
	pcap_begin(&file, false, MAGIC_US, ETHERNET);
	pcap_packet(&file, 7, 1, arp, 60, 60);
	pcap = opened(&file);
	assert_int_equal(xa_pcap_next(pcap, 1, &packet, NULL), 1);
	assert_int_equal(packet.class, XA_CLASS_NON_IP);
	assert_int_equal(packet.bytes, 60);
	assert_int_equal(packet.time_ns, 7 * XA_NS_PER_S + 1000);
}

static void test_truncated_file(void **state)
{
	/* in the first packet's bytes, in the second's header */
	static const off_t ends[] = {24 + 16 + 53, 24 + 16 + 54 + 7};

	(void)state;
	for (size_t i = 0; i < array_size(ends); i++) {
		_cleanup_capture_ struct file file = {0};
		_cleanup_xa_pcap_ struct xa_pcap *pcap = NULL;
		struct xa_pcap_packet packet;
		struct xa_why why = {0};

		pcap_begin(&file, false, MAGIC_US, ETHERNET);
		pcap_packet(&file, 1, 0, frame, 54, 54);
		pcap_packet(&file, 1, 0, frame, 54, 54);
		assert_int_equal(ftruncate(file.fd, ends[i]), 0);
		pcap = opened(&file);
		if (i)
			assert_int_equal(xa_pcap_next(pcap, 1, &packet, &why), 1);
		assert_int_equal(xa_pcap_next(pcap, 1, &packet, &why), -EIO);
		assert_string_not_equal(why.text, "");
		assert_null(strchr(why.text, '\n'));
	}
}

static void assert_refused(const char *path, const char *reason)
{
	struct xa_pcap *pcap = NULL;
	struct xa_why why = {0};

	assert_int_equal(xa_pcap_open(&pcap, path, &why), -EINVAL);
	assert_null(pcap);
	assert_non_null(strstr(why.text, reason));
	assert_null(strchr(why.text, '\n'));
	assert_int_equal(xa_pcap_open(&pcap, path, NULL), -EINVAL);
}

static void test_refused(void **state)
{
	_cleanup_capture_ struct file sll = {0}, empty = {0}, text = {0}, head = {0};

	(void)state;
	pcap_begin(&sll, false, MAGIC_US, LINUX_SLL);
	assert_refused(sll.path, "LINUX_SLL (113) is not supported");
	file_open(&empty, false);
	assert_refused(empty.path, "");
	file_open(&text, false);
	put(&text, "interface: eth0\nmode: drv\npoll: 10s\n", 36);
	assert_refused(text.path, "");
	pcap_begin(&head, false, MAGIC_US, ETHERNET);
	assert_int_equal(ftruncate(head.fd, 20), 0);
	assert_refused(head.path, "");
	assert_refused("/nonexistent/capture.pcap", "/nonexistent/capture.pcap");
	xa_pcap_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_byte_orders_and_precisions),
		cmocka_unit_test(test_times_to_2106),
		cmocka_unit_test(test_pcapng),
		cmocka_unit_test(test_cut_packets),
		cmocka_unit_test(test_bare_ip),
		cmocka_unit_test(test_other_classes),
		cmocka_unit_test(test_truncated_file),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
