/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A small capture from file to text: the families of living flows exactly, expiry by the capture's
 * clock, and what is said of a file that ends early. */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "core/replay.h"

struct capture {
	int fd;
	char path[64];
};

static void capture_done(struct capture *capture)
{
	(void)close(capture->fd);
}
#define _cleanup_capture_ XA_CLEANUP(capture_done)

static void capture_begin(struct capture *capture)
{
	static const uint32_t head[] = {0xa1b2c3d4, 4 << 16 | 2, 0, 0, 262144, 1};

	capture->fd = memfd_create("capture", MFD_CLOEXEC);
	assert_true(capture->fd >= 0);
	(void)snprintf(capture->path, sizeof(capture->path), "/proc/self/fd/%d", capture->fd);
	assert_int_equal(write(capture->fd, head, sizeof(head)), sizeof(head));
}

static void capture_frame(struct capture *capture, uint32_t seconds, const uint8_t *frame,
			  uint32_t caplen, uint32_t len)
{
	const uint32_t head[] = {seconds, 0, caplen, len};

	assert_int_equal(write(capture->fd, head, sizeof(head)), sizeof(head));
	assert_int_equal(write(capture->fd, frame, caplen), caplen);
}

/* UDP 10.0.0.`host` :5353 -> 10.0.0.2 :53, of `len` bytes of which 60 were kept. */
static void capture_udp(struct capture *capture, uint32_t seconds, uint8_t host, uint32_t len)
{
	uint8_t frame[60] = {
		2, 0, 0,  0,  0, 1, 2,	0, 0, 0,    0,	2, 8, 0, 0x45, 0,    0, 46, 0, 1,
		0, 0, 64, 17, 0, 0, 10, 0, 0, host, 10, 0, 0, 2, 0x14, 0xe9, 0, 53, 0, 26,
	};

	capture_frame(capture, seconds, frame, sizeof(frame), len);
}

/* TCP [2001:db8::1]:443 -> [2001:db8::2]:50000 in VLAN 5. */
static void capture_tcp6(struct capture *capture, uint32_t seconds)
{
	static const uint8_t frame[78] = {
		2,    0,    0,	  0,	0, 1, 2, 0, 0,	0, 0,	 2,    0x81, 0,	   0,
		5,    0x86, 0xdd, 0x60, 0, 0, 0, 0, 20, 6, 64,	 0x20, 0x01, 0x0d, 0xb8,
		0,    0,    0,	  0,	0, 0, 0, 0, 0,	0, 0,	 1,    0x20, 0x01, 0x0d,
		0xb8, 0,    0,	  0,	0, 0, 0, 0, 0,	0, 0,	 0,    2,    1,	   0xbb,
		0xc3, 0x50, 0,	  0,	0, 0, 0, 0, 0,	0, 0x50, 0x10,
	};

	capture_frame(capture, seconds, frame, sizeof(frame), sizeof(frame));
}

static void capture_arp(struct capture *capture, uint32_t seconds)
{
	static const uint8_t frame[42] = {[12] = 8, [13] = 6};

	capture_frame(capture, seconds, frame, sizeof(frame), 60);
}

static struct xa_config *config_of(const char *setting)
{
	struct xa_config *config = NULL;
	struct xa_whys whys;

	assert_int_equal(xa_config_load(&config, NULL, &setting, 1, &whys), 0);
	return config;
}

static bool has(const struct xa_buf *buf, const char *line)
{
	for (const char *at = buf->text; (at = strstr(at, line)); at++)
		if ((at == buf->text || at[-1] == '\n') && at[strlen(line)] == '\n')
			return true;
	return false;
}

#define OTHER "src=\"other\",dst=\"other\",proto=\"other\",sport=\"other\",dport=\"other\"}"

static const char flow_families[] =
	"# HELP xdp_netflow_active_flows Living flows.\n"
	"# TYPE xdp_netflow_active_flows gauge\n"
	"xdp_netflow_active_flows 3\n"
	"# HELP xdp_netflow_packets_total_snapshot Packets of the living flows, hidden ones "
	"included.\n"
	"# TYPE xdp_netflow_packets_total_snapshot gauge\n"
	"xdp_netflow_packets_total_snapshot 6\n"
	"# HELP xdp_netflow_bytes_total_snapshot L2 bytes of the living flows, hidden ones "
	"included.\n"
	"# TYPE xdp_netflow_bytes_total_snapshot gauge\n"
	"xdp_netflow_bytes_total_snapshot 1854\n"
	"# HELP xdp_netflow_hidden_flows Living flows that rules hide.\n"
	"# TYPE xdp_netflow_hidden_flows gauge\n"
	"xdp_netflow_hidden_flows 0\n"
	"# HELP xdp_netflow_hidden_packets Packets of the living flows that rules hide.\n"
	"# TYPE xdp_netflow_hidden_packets gauge\n"
	"xdp_netflow_hidden_packets 0\n"
	"# HELP xdp_netflow_hidden_bytes L2 bytes of the living flows that rules hide.\n"
	"# TYPE xdp_netflow_hidden_bytes gauge\n"
	"xdp_netflow_hidden_bytes 0\n"
	"# HELP xdp_netflow_flow_packets Packets of a living flow since it began: the largest, "
	"and the sum of the others.\n"
	"# TYPE xdp_netflow_flow_packets gauge\n"
	"xdp_netflow_flow_packets{src=\"10.0.0.1\",dst=\"10.0.0.2\",proto=\"udp\",sport=\"5353\","
	"dport=\"53\"} 3\n"
	"xdp_netflow_flow_packets{src=\"2001:db8::1\",dst=\"2001:db8::2\",proto=\"tcp\","
	"sport=\"443\",dport=\"50000\"} 2\n"
	"xdp_netflow_flow_packets{" OTHER " 1\n"
	"# HELP xdp_netflow_flow_bytes L2 bytes of a living flow since it began: the largest, "
	"and the sum of the others.\n"
	"# TYPE xdp_netflow_flow_bytes gauge\n"
	"xdp_netflow_flow_bytes{src=\"10.0.0.1\",dst=\"10.0.0.2\",proto=\"udp\",sport=\"5353\","
	"dport=\"53\"} 1634\n"
	"xdp_netflow_flow_bytes{src=\"2001:db8::1\",dst=\"2001:db8::2\",proto=\"tcp\","
	"sport=\"443\",dport=\"50000\"} 156\n"
	"xdp_netflow_flow_bytes{" OTHER " 64\n";

static void test_text(void **state)
{
	_cleanup_xa_config_ struct xa_config *config = config_of("top_k=2");
	_cleanup_capture_ struct capture capture = {0};
	_cleanup_xa_buf_ struct xa_buf buf = {0};
	struct xa_whys whys = {0};
	const char *flows;

	(void)state;
	capture_begin(&capture);
	capture_udp(&capture, 1700000000, 1, 60);
	capture_tcp6(&capture, 1700000000);
	capture_arp(&capture, 1700000001);
	capture_udp(&capture, 1700000001, 1, 60);
	capture_udp(&capture, 1700000002, 3, 64);
	capture_tcp6(&capture, 1700000002);
	capture_udp(&capture, 1700000003, 1, 1514);
	assert_int_equal(xa_replay(config, capture.path, &buf, &whys), 0);
	flows = strstr(buf.text, "# HELP xdp_netflow_active_flows");
	assert_non_null(flows);
	assert_string_equal(flows, flow_families);
	assert_true(has(&buf, "xdp_netflow_packets_total{interface=\"replay\",family=\"ipv4\","
			      "proto=\"udp\"} 4"));
	assert_true(has(&buf, "xdp_netflow_bytes_total{interface=\"replay\",family=\"ipv6\","
			      "proto=\"tcp\"} 156"));
	assert_true(has(&buf, "xdp_netflow_unattributed_packets_total{interface=\"replay\","
			      "reason=\"non_ip\"} 1"));
	assert_true(has(&buf, "xdp_auditor_seen_packets_total{interface=\"replay\"} 7"));
	assert_true(has(&buf, "xdp_auditor_seen_bytes_total{interface=\"replay\"} 1914"));
	assert_true(has(
		&buf, "xdp_netflow_packet_size_bytes_bucket{interface=\"replay\",le=\"64.0\"} 4"));
	assert_true(has(
		&buf, "xdp_netflow_packet_size_bytes_bucket{interface=\"replay\",le=\"128.0\"} 6"));
	assert_true(has(&buf, "xdp_netflow_packet_size_bytes_sum{interface=\"replay\"} 1914"));
	assert_true(has(&buf, "xdp_auditor_unaccounted_packets{interface=\"replay\"} 0"));
	assert_true(has(&buf, "xdp_auditor_unaccounted_bytes{interface=\"replay\"} 0"));
}

/* The capture's clock decides: what idled in it is over, its packets stay counted. */
static void test_expiry(void **state)
{
	_cleanup_xa_config_ struct xa_config *config = config_of("flows.idle_timeout=5s");
	_cleanup_capture_ struct capture capture = {0};
	_cleanup_xa_buf_ struct xa_buf buf = {0};
	struct xa_whys whys = {0};

	(void)state;
	capture_begin(&capture);
	capture_udp(&capture, 1000, 1, 60);
	capture_udp(&capture, 1004, 3, 60);
	capture_udp(&capture, 1008, 4, 60);
	assert_int_equal(xa_replay(config, capture.path, &buf, &whys), 0);
	assert_true(has(&buf, "xdp_netflow_active_flows 2"));
	assert_true(has(&buf, "xdp_netflow_flow_duration_seconds_count 1"));
	assert_null(strstr(buf.text, "src=\"10.0.0.1\""));
	assert_non_null(strstr(buf.text, "src=\"10.0.0.3\""));
	assert_true(has(&buf, "xdp_netflow_packets_total{interface=\"replay\",family=\"ipv4\","
			      "proto=\"udp\"} 3"));
}

/* What was over in the middle of the capture begins anew. */
static void test_revival(void **state)
{
	_cleanup_xa_config_ struct xa_config *config = config_of("flows.idle_timeout=5s");
	_cleanup_capture_ struct capture capture = {0};
	_cleanup_xa_buf_ struct xa_buf buf = {0};
	struct xa_whys whys = {0};

	(void)state;
	capture_begin(&capture);
	capture_udp(&capture, 1000, 1, 60);
	capture_udp(&capture, 1020, 1, 60);
	assert_int_equal(xa_replay(config, capture.path, &buf, &whys), 0);
	assert_true(has(&buf, "xdp_netflow_packets_total_snapshot 1"));
	assert_true(has(&buf, "xdp_netflow_packets_total{interface=\"replay\",family=\"ipv4\","
			      "proto=\"udp\"} 2"));
}

static void test_damaged(void **state)
{
	_cleanup_xa_config_ struct xa_config *config = config_of("top_k=2");
	_cleanup_capture_ struct capture capture = {0};
	_cleanup_xa_buf_ struct xa_buf buf = {0};
	struct xa_whys whys = {0};

	(void)state;
	capture_begin(&capture);
	capture_udp(&capture, 1000, 1, 60);
	capture_udp(&capture, 1000, 1, 60);
	assert_int_equal(ftruncate(capture.fd, lseek(capture.fd, 0, SEEK_CUR) - 1), 0);
	assert_int_equal(xa_replay(config, capture.path, &buf, &whys), -EIO);
	assert_string_not_equal(whys.why[0].text, "");
	assert_true(has(&buf, "xdp_auditor_seen_packets_total{interface=\"replay\"} 1"));
	assert_true(has(&buf, "xdp_netflow_active_flows 1"));
}

static void test_empty_and_absent(void **state)
{
	_cleanup_xa_config_ struct xa_config *config = config_of("top_k=2");
	_cleanup_capture_ struct capture capture = {0};
	_cleanup_xa_buf_ struct xa_buf buf = {0};
	struct xa_whys whys = {0};

	(void)state;
	capture_begin(&capture);
	assert_int_equal(xa_replay(config, capture.path, &buf, &whys), 0);
	assert_true(has(&buf, "xdp_netflow_active_flows 0"));
	assert_true(has(&buf, "xdp_auditor_seen_packets_total{interface=\"replay\"} 0"));
	xa_buf_reset(&buf);
	assert_int_equal(xa_replay(config, "/nonexistent", &buf, &whys), -EINVAL);
	assert_int_equal(buf.len, 0);
	assert_non_null(strstr(whys.why[0].text, "/nonexistent"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_revival),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_empty_and_absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
