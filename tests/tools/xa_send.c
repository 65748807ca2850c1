/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Sends a known pattern of packets and says, as one JSON object, what it sent: the truth that the
 * daemon's figures are held against. The same arguments make the same frames, on an interface, in
 * a pcap file, or both. A frame that the kernel refuses (ENOBUFS: the peer's ring is full) is sent
 * again; the interface's own count is asked at the end, so that nothing is lost without a word.
 * INT and TERM end it early, with exact figures of what has left until then.
 */

#include <arpa/inet.h>
#include <getopt.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "core/base/base.h"

#define BATCH	   64
#define FRAME_MAX  9280
#define HEADER_MAX (14 + 4 + 40 + 20)
#define SETTLE_NS  (2 * XA_NS_PER_S)

enum family {
	FAMILY_4,
	FAMILY_6,
	FAMILY_MIXED
};

enum proto {
	PROTO_UDP,
	PROTO_TCP,
	PROTO_MIXED
};

struct options {
	const char *interface;
	const char *pcap;
	uint64_t packets;
	uint32_t flows;
	enum family family;
	enum proto proto;
	unsigned size_min;
	unsigned size_max;
	unsigned vlan;
	unsigned char dst_mac[ETH_ALEN];
	unsigned char src_mac[ETH_ALEN];
	uint64_t rate;
	uint64_t seed;
};

/* One flow: its headers with lengths and checksums left 0, the sums of what stands there, and what
 * has been sent. Payload is zeros, so a packet's checksum needs nothing but its length. */
struct flow {
	unsigned char header[HEADER_MAX];
	uint8_t l3;
	uint8_t l4;
	bool ipv6;
	bool tcp;
	uint32_t l3_sum;
	uint32_t l4_sum;
	uint64_t packets;
	uint64_t bytes;
};

struct batch {
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	uint32_t flow[BATCH];
	unsigned char frames[BATCH][FRAME_MAX];
	unsigned count;
};

struct sender {
	struct options options;
	struct flow *flows;
	struct batch *batch;
	FILE *pcap;
	int fd;
	uint64_t random;
	uint64_t built; /* packets drawn from the pattern */
	uint64_t packets;
	uint64_t bytes;
	uint64_t retries;
	uint64_t start_ns;
	sigset_t stop_signals;
	bool stopped;
};

/* INT and TERM are blocked and asked for between batches: no handler, so no state outside. */
static void poll_signals(struct sender *sender)
{
	const struct timespec at_once = {0};

	if (sigtimedwait(&sender->stop_signals, NULL, &at_once) > 0)
		sender->stopped = true;
}

static void block_signals(struct sender *sender)
{
	sigemptyset(&sender->stop_signals);
	sigaddset(&sender->stop_signals, SIGINT);
	sigaddset(&sender->stop_signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &sender->stop_signals, NULL);
}

static void put16(unsigned char *to, unsigned value)
{
	to[0] = (unsigned char)(value >> 8);
	to[1] = (unsigned char)value;
}

static void put32(unsigned char *to, uint32_t value)
{
	put16(to, value >> 16);
	put16(to + 2, value & 0xffff);
}

static uint32_t sum16(const unsigned char *bytes, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	return sum;
}

static unsigned checksum(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

/* splitmix64: the whole state is one word, and every seed is a good one. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static void write_link(struct flow *flow, const struct options *options)
{
	unsigned char *at = flow->header;

	memcpy(at, options->dst_mac, ETH_ALEN);
	memcpy(at + ETH_ALEN, options->src_mac, ETH_ALEN);
	at += 2 * ETH_ALEN;
	if (options->vlan) {
		put16(at, ETH_P_8021Q);
		put16(at + 2, options->vlan);
		at += 4;
	}
	put16(at, flow->ipv6 ? ETH_P_IPV6 : ETH_P_IP);
	flow->l3 = (uint8_t)(at + 2 - flow->header);
	flow->l4 = (uint8_t)(flow->l3 + (flow->ipv6 ? 40 : 20));
}

/* Source and destination come from the two halves of 198.18.0.0/15, the benchmark network. */
static void write_ipv4(struct flow *flow, uint32_t index)
{
	unsigned char *ip = flow->header + flow->l3;

	ip[0] = 0x45;
	put16(ip + 4, index & 0xffff);
	put16(ip + 6, 0x4000);
	ip[8] = 64;
	ip[9] = flow->tcp ? IPPROTO_TCP : IPPROTO_UDP;
	put32(ip + 12, 0xc6120000 | (index & 0xffff));
	put32(ip + 16, 0xc6130000 | (index * 40503 & 0xffff));
	flow->l3_sum = sum16(ip, 20);
	flow->l4_sum = sum16(ip + 12, 8) + ip[9];
}

static void write_ipv6(struct flow *flow, uint32_t index)
{
	unsigned char *ip = flow->header + flow->l3;

	ip[0] = 0x60;
	ip[6] = flow->tcp ? IPPROTO_TCP : IPPROTO_UDP;
	ip[7] = 64;
	put32(ip + 8, 0x20010db8);
	put32(ip + 20, index & 0xffff);
	put32(ip + 24, 0x20010db8);
	put16(ip + 28, 1);
	put32(ip + 36, index * 40503 & 0xffff);
	flow->l4_sum = sum16(ip + 8, 32) + ip[6];
}

/* The address repeats after 65,536 flows; the source port then tells them apart. */
static void write_ports(struct flow *flow, uint32_t index)
{
	static const uint16_t services[] = {7, 80, 123, 443, 993, 3478, 5060, 8080, 51820};
	unsigned char *l4 = flow->header + flow->l4;

	put16(l4, 1024 + (index >> 16) * 8 + (index & 7));
	put16(l4 + 2, services[index % array_size(services)]);
	if (flow->tcp) {
		put32(l4 + 4, index);
		l4[12] = 5 << 4;
		l4[13] = 0x18; /* PSH, ACK */
		put16(l4 + 14, 65535);
	}
	flow->l4_sum += sum16(l4, flow->tcp ? 20 : 8);
}

static void flow_init(struct flow *flow, const struct options *options, uint32_t index)
{
	flow->ipv6 = options->family == FAMILY_6 || (options->family == FAMILY_MIXED && index & 1);
	flow->tcp = options->proto == PROTO_TCP || (options->proto == PROTO_MIXED && index & 2);
	write_link(flow, options);
	if (flow->ipv6)
		write_ipv6(flow, index);
	else
		write_ipv4(flow, index);
	write_ports(flow, index);
}

static void write_frame(const struct flow *flow, unsigned char *frame, unsigned len)
{
	unsigned l4_len = len - flow->l4;
	unsigned udp_sum = checksum(flow->l4_sum + 2 * l4_len);

	memcpy(frame, flow->header, HEADER_MAX);
	if (flow->ipv6) {
		put16(frame + flow->l3 + 4, l4_len);
	} else {
		put16(frame + flow->l3 + 2, len - flow->l3);
		put16(frame + flow->l3 + 10, checksum(flow->l3_sum + len - flow->l3));
	}
	if (flow->tcp) {
		put16(frame + flow->l4 + 16, checksum(flow->l4_sum + l4_len));
	} else {
		put16(frame + flow->l4 + 4, l4_len);
		put16(frame + flow->l4 + 6, udp_sum ? udp_sum : 0xffff);
	}
}

/* Every flow gets its first packet in turn, what is left over is dealt by chance, so that no two
 * flows have to have the same figures. */
static void build_packet(struct sender *sender)
{
	const struct options *options = &sender->options;
	struct batch *batch = sender->batch;
	unsigned i = batch->count++;
	uint64_t number = sender->built++;
	uint64_t draw = next_random(&sender->random);
	unsigned span = options->size_max - options->size_min + 1;

	batch->flow[i] = (uint32_t)(number < options->flows ? number
							    : (draw >> 32) % options->flows);
	batch->parts[i].iov_len = options->size_min + (uint32_t)draw % span;
	write_frame(&sender->flows[batch->flow[i]], batch->frames[i],
		    (unsigned)batch->parts[i].iov_len);
}

static bool is_full(int error)
{
	return error == ENOBUFS || error == EAGAIN || error == EINTR;
}

/* Sends messages from `from` on; -errno or how many have left, which may be 0. The peer's ring is
 * emptied by a softirq that can run on this very CPU: so yield, never spin. */
static int send_some(struct sender *sender, unsigned from)
{
	struct batch *batch = sender->batch;
	int sent = sendmmsg(sender->fd, batch->messages + from, batch->count - from, 0);

	if (sent >= 0)
		return sent;
	if (!is_full(errno))
		return -errno;
	sender->retries++;
	sched_yield();
	poll_signals(sender);
	return 0;
}

static int write_record(struct sender *sender, unsigned i)
{
	uint64_t us = sender->packets;
	const struct iovec *part = &sender->batch->parts[i];
	uint32_t head[4] = {1700000000 + (uint32_t)(us / 1000000), (uint32_t)(us % 1000000),
			    (uint32_t)part->iov_len, (uint32_t)part->iov_len};

	if (fwrite(head, sizeof(head), 1, sender->pcap) != 1 ||
	    fwrite(part->iov_base, part->iov_len, 1, sender->pcap) != 1)
		return -EIO;
	return 0;
}

static int account(struct sender *sender, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		struct flow *flow = &sender->flows[sender->batch->flow[i]];
		size_t len = sender->batch->parts[i].iov_len;

		if (sender->pcap && write_record(sender, i) < 0)
			return -EIO;
		flow->packets++;
		flow->bytes += len;
		sender->packets++;
		sender->bytes += len;
	}
	return 0;
}

static int flush_batch(struct sender *sender)
{
	struct batch *batch = sender->batch;

	for (unsigned done = 0; done < batch->count;) {
		int sent = (int)batch->count;
		int r;

		if (sender->stopped)
			break;
		if (sender->fd >= 0)
			sent = send_some(sender, done);
		if (sent < 0)
			return sent;
		r = account(sender, done, done + (unsigned)sent);
		if (r < 0)
			return r;
		done += (unsigned)sent;
	}
	batch->count = 0;
	return 0;
}

static void keep_rate(const struct sender *sender)
{
	uint64_t due_ns;
	struct timespec due;

	if (!sender->options.rate)
		return;
	due_ns = sender->start_ns +
		 (uint64_t)((double)sender->packets * 1e9 / (double)sender->options.rate);
	due.tv_sec = (time_t)(due_ns / XA_NS_PER_S);
	due.tv_nsec = (long)(due_ns % XA_NS_PER_S);
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
}

static unsigned batch_size(uint64_t rate)
{
	if (!rate || rate / 100 >= BATCH)
		return BATCH;
	return rate < 100 ? 1 : (unsigned)(rate / 100);
}

static int send_all(struct sender *sender)
{
	unsigned size = batch_size(sender->options.rate);
	int r = 0;

	sender->start_ns = xa_now_ns();
	while (!r && !sender->stopped && sender->built < sender->options.packets) {
		while (sender->batch->count < size && sender->built < sender->options.packets)
			build_packet(sender);
		r = flush_batch(sender);
		keep_rate(sender);
		poll_signals(sender);
	}
	return r;
}

/* What the interface says that it has transmitted; 32 bits, enough for a difference. */
static int read_transmitted(const char *interface, uint32_t *ret_packets)
{
	struct ifaddrs *list;
	int r = -ENODEV;

	if (getifaddrs(&list) < 0)
		return -errno;
	for (const struct ifaddrs *at = list; at; at = at->ifa_next) {
		struct rtnl_link_stats stats;

		if (!at->ifa_addr || at->ifa_addr->sa_family != AF_PACKET || !at->ifa_data ||
		    strcmp(at->ifa_name, interface) != 0)
			continue;
		memcpy(&stats, at->ifa_data, sizeof(stats));
		*ret_packets = stats.tx_packets;
		r = 0;
	}
	freeifaddrs(list);
	return r;
}

/* Packets that the interface never transmitted, after time for its queues to run empty. */
static uint64_t count_lost(const struct sender *sender, uint32_t before)
{
	uint64_t end_ns = xa_now_ns() + SETTLE_NS;
	const struct timespec pause = {.tv_nsec = 5 * (long)XA_NS_PER_MS};
	uint32_t now = before;

	for (;;) {
		if (read_transmitted(sender->options.interface, &now) < 0 ||
		    now - before >= (uint32_t)sender->packets)
			return 0;
		if (xa_now_ns() >= end_ns)
			return (uint32_t)sender->packets - (now - before);
		nanosleep(&pause, NULL);
	}
}

/* The queueing discipline is passed by: a drop is then an error here, not a silent success. */
static int open_interface(struct sender *sender)
{
	_cleanup_close_ int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	struct sockaddr_ll address = {.sll_family = AF_PACKET};
	struct ifreq request = {0};
	const int on = 1;

	if (fd < 0)
		return -errno;
	if (strlen(sender->options.interface) >= sizeof(request.ifr_name))
		return -ENODEV;
	memcpy(request.ifr_name, sender->options.interface, strlen(sender->options.interface));
	if (ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		return -errno;
	memcpy(sender->options.src_mac, request.ifr_hwaddr.sa_data, ETH_ALEN);
	if (ioctl(fd, SIOCGIFINDEX, &request) < 0)
		return -errno;
	address.sll_ifindex = request.ifr_ifindex;
	if (setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	sender->fd = take_fd(fd);
	return 0;
}

static int open_pcap(struct sender *sender)
{
	static const uint32_t head[6] = {0xa1b2c3d4, 4 << 16 | 2, 0, 0, 65535, 1};

	sender->pcap = fopen(sender->options.pcap, "we");
	if (!sender->pcap)
		return -errno;
	return fwrite(head, sizeof(head), 1, sender->pcap) == 1 ? 0 : -EIO;
}

static int make_pattern(struct sender *sender)
{
	const struct options *options = &sender->options;
	struct batch *batch = calloc(1, sizeof(*batch));

	sender->batch = batch;
	sender->flows = calloc(options->flows, sizeof(*sender->flows));
	if (!batch || !sender->flows)
		return -ENOMEM;
	sender->random = options->seed;
	for (uint32_t i = 0; i < options->flows; i++)
		flow_init(&sender->flows[i], options, i);
	for (unsigned i = 0; i < BATCH; i++) {
		batch->parts[i].iov_base = batch->frames[i];
		batch->messages[i].msg_hdr.msg_iov = &batch->parts[i];
		batch->messages[i].msg_hdr.msg_iovlen = 1;
	}
	return 0;
}

static void print_flow(const struct flow *flow, unsigned vlan)
{
	const unsigned char *l3 = flow->header + flow->l3;
	const unsigned char *l4 = flow->header + flow->l4;
	int family = flow->ipv6 ? AF_INET6 : AF_INET;
	char src[INET6_ADDRSTRLEN];
	char dst[INET6_ADDRSTRLEN];

	inet_ntop(family, l3 + (flow->ipv6 ? 8 : 12), src, sizeof(src));
	inet_ntop(family, l3 + (flow->ipv6 ? 24 : 16), dst, sizeof(dst));
	printf("{\"src\":\"%s\",\"dst\":\"%s\",\"proto\":\"%s\",\"sport\":%d,\"dport\":%d,"
	       "\"vlan\":%u,\"packets\":%" PRIu64 ",\"bytes\":%" PRIu64 "}",
	       src, dst, flow->tcp ? "tcp" : "udp", l4[0] << 8 | l4[1], l4[2] << 8 | l4[3], vlan,
	       flow->packets, flow->bytes);
}

static void print_report(const struct sender *sender, uint64_t elapsed_ns, uint64_t lost)
{
	const char *comma = "";

	printf("{\"packets\":%" PRIu64 ",\"bytes\":%" PRIu64
	       ",\"seconds\":%.6f,\"retries\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"flows\":[",
	       sender->packets, sender->bytes, (double)elapsed_ns / 1e9, sender->retries, lost);
	for (uint32_t i = 0; i < sender->options.flows; i++) {
		if (!sender->flows[i].packets)
			continue;
		fputs(comma, stdout);
		print_flow(&sender->flows[i], sender->options.vlan);
		comma = ",\n";
	}
	puts("]}");
}

static int complain(const char *what, int error)
{
	fprintf(stderr, "xa_send: %s: %s\n", what, strerror(-error));
	return 1;
}

static int close_pcap(struct sender *sender)
{
	FILE *pcap = take_ptr(sender->pcap);

	return pcap && fclose(pcap) != 0 ? -errno : 0;
}

static int run(struct sender *sender)
{
	const char *interface = sender->options.interface;
	uint32_t before = 0;
	uint64_t elapsed_ns, lost;
	int r;

	if (interface && (r = open_interface(sender)) < 0)
		return complain(interface, r);
	if (sender->options.pcap && (r = open_pcap(sender)) < 0)
		return complain(sender->options.pcap, r);
	if ((r = make_pattern(sender)) < 0)
		return complain("pattern", r);
	if (interface && (r = read_transmitted(interface, &before)) < 0)
		return complain(interface, r);
	r = send_all(sender);
	elapsed_ns = xa_now_ns() - sender->start_ns;
	lost = interface ? count_lost(sender, before) : 0;
	print_report(sender, elapsed_ns, lost);
	if (r < 0)
		return complain("send", r);
	if ((r = close_pcap(sender)) < 0)
		return complain(sender->options.pcap, r);
	return lost ? complain("the interface transmitted less than was sent", -EIO) : 0;
}

static void sender_done(struct sender *sender)
{
	if (sender->pcap)
		(void)fclose(sender->pcap);
	if (sender->fd >= 0)
		(void)close(sender->fd);
	free(sender->flows);
	free(sender->batch);
}

/* Digits only, between the bounds. */
static int parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value)
{
	char *end;
	unsigned long long value;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || *end || value < min || value > max)
		return -EINVAL;
	*ret_value = value;
	return 0;
}

static int parse_unsigned(const char *text, unsigned min, unsigned max, unsigned *ret_value)
{
	uint64_t value;
	int r = parse_number(text, min, max, &value);

	if (r < 0)
		return r;
	*ret_value = (unsigned)value;
	return 0;
}

static int parse_sizes(const char *text, struct options *options)
{
	char first[16];
	const char *dash = strchr(text, '-');
	size_t len = dash ? (size_t)(dash - text) : sizeof(first);

	if (len >= sizeof(first))
		return -EINVAL;
	memcpy(first, text, len);
	first[len] = '\0';
	if (parse_unsigned(first, 1, FRAME_MAX, &options->size_min) < 0)
		return -EINVAL;
	return parse_unsigned(dash + 1, options->size_min, FRAME_MAX, &options->size_max);
}

static int parse_mac(const char *text, unsigned char *ret_mac)
{
	unsigned octets[ETH_ALEN];
	char end;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &octets[0], &octets[1], &octets[2],
		   &octets[3], &octets[4], &octets[5], &end) != ETH_ALEN)
		return -EINVAL;
	for (int i = 0; i < ETH_ALEN; i++)
		ret_mac[i] = (unsigned char)octets[i];
	return 0;
}

/* The index of `text` among `count` names, or -EINVAL. */
static int parse_name(const char *text, const char *const *names, int count)
{
	for (int i = 0; i < count; i++)
		if (strcmp(text, names[i]) == 0)
			return i;
	return -EINVAL;
}

static int parse_family(const char *text, enum family *ret_family)
{
	static const char *const names[] = {"4", "6", "mixed"};
	int found = parse_name(text, names, (int)array_size(names));

	if (found < 0)
		return found;
	*ret_family = (enum family)found;
	return 0;
}

static int parse_proto(const char *text, enum proto *ret_proto)
{
	static const char *const names[] = {"udp", "tcp", "mixed"};
	int found = parse_name(text, names, (int)array_size(names));

	if (found < 0)
		return found;
	*ret_proto = (enum proto)found;
	return 0;
}

static int parse_size(const char *text, struct options *options)
{
	int r = parse_unsigned(text, 1, FRAME_MAX, &options->size_min);

	if (r == 0)
		options->size_max = options->size_min;
	return r;
}

static int parse_flows(const char *text, struct options *options)
{
	/* Above this the source port would wrap and two flows be one. */
	return parse_unsigned(text, 1, 1U << 24, &options->flows);
}

static const struct option long_options[] = {
	{"interface", required_argument, NULL, 'i'},
	{"packets", required_argument, NULL, 'n'},
	{"flows", required_argument, NULL, 'm'},
	{"family", required_argument, NULL, 'f'},
	{"proto", required_argument, NULL, 'p'},
	{"size", required_argument, NULL, 's'},
	{"sizes", required_argument, NULL, 'S'},
	{"vlan", required_argument, NULL, 'v'},
	{"dst-mac", required_argument, NULL, 'd'},
	{"pcap", required_argument, NULL, 'w'},
	{"rate", required_argument, NULL, 'r'},
	{"seed", required_argument, NULL, 'x'},
	{NULL, 0, NULL, 0},
};

static int parse_option(int option, struct options *options)
{
	switch (option) {
	case 'i':
		options->interface = optarg;
		return 0;
	case 'w':
		options->pcap = optarg;
		return 0;
	case 'n':
		return parse_number(optarg, 1, UINT64_MAX, &options->packets);
	case 'm':
		return parse_flows(optarg, options);
	case 'f':
		return parse_family(optarg, &options->family);
	case 'p':
		return parse_proto(optarg, &options->proto);
	case 's':
		return parse_size(optarg, options);
	case 'S':
		return parse_sizes(optarg, options);
	case 'v':
		return parse_unsigned(optarg, 1, 4094, &options->vlan);
	case 'd':
		return parse_mac(optarg, options->dst_mac);
	case 'r':
		return parse_number(optarg, 1, 1000000000, &options->rate);
	case 'x':
		return parse_number(optarg, 0, UINT64_MAX, &options->seed);
	default:
		return -EINVAL;
	}
}

/* The longest headers that the pattern can hold: no frame may end inside them. */
static unsigned size_floor(const struct options *options)
{
	return 14U + (options->vlan ? 4 : 0) + (options->family == FAMILY_4 ? 20 : 40) +
	       (options->proto == PROTO_UDP ? 8 : 20);
}

static int parse_arguments(int argc, char **argv, struct options *options)
{
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (parse_option(option, options) == 0)
			continue;
		if (option != '?')
			fprintf(stderr, "xa_send: bad value: %s\n", optarg);
		return -EINVAL;
	}
	if (optind < argc || !options->packets || !options->flows ||
	    (!options->interface && !options->pcap)) {
		fprintf(stderr,
			"usage: xa_send --packets N --flows M (--interface IF | --pcap FILE)"
			" [--family 4|6|mixed] [--proto udp|tcp|mixed]\n"
			"\t[--size BYTES | --sizes MIN-MAX] [--vlan ID] [--dst-mac MAC]"
			" [--rate PPS] [--seed S]\n");
		return -EINVAL;
	}
	if (options->size_min < size_floor(options)) {
		fprintf(stderr, "xa_send: these headers need at least %u bytes\n",
			size_floor(options));
		return -EINVAL;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct sender sender = {
		.options = {.size_min = 128,
			    .size_max = 128,
			    .dst_mac = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
			    .src_mac = {0x02, 0, 0, 0, 0, 1}},
		.fd = -1,
	};
	int status;

	if (parse_arguments(argc, argv, &sender.options) < 0)
		return 2;
	block_signals(&sender);
	status = run(&sender);
	sender_done(&sender);
	return status;
}
