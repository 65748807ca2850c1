/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Time is the thread's CPU time around the system call: TEST_RUN's own figure is cut to whole
 * nanoseconds, and wall time would count whoever else runs.
 */

#include "tests/bench/sender.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sched.h>
#include <string.h>

#include "bpf/parse.h"
#include "tests/bench/bench.h"
#include "tests/bench/reference.h"

/* behind the types that it names */
#include "reference.skel.h"

#define CANARY_PACKETS 500000
#define WARM_UP_MAX    65536

/* Numerical Recipes' generator; % 4 = 1 and odd, as bench_step wants it. */
#define FAR_MULTIPLIER 1664525
#define FAR_INCREMENT  1013904223

#define FRAME_BYTES_MAX 128
#define TCP_BYTES	20

struct sender {
	struct reference_bpf *skel;
};

void sender_free(struct sender *sender)
{
	if (!sender)
		return;
	reference_bpf__destroy(sender->skel);
	free(sender);
}

int sender_new(struct sender **ret, uint32_t entries)
{
	_cleanup_sender_ struct sender *sender = calloc(1, sizeof(*sender));
	int error;

	if (!sender)
		return -ENOMEM;
	sender->skel = reference_bpf__open();
	if (!sender->skel)
		return -errno;
	error = bpf_map__set_max_entries(sender->skel->maps.reference_map, entries);
	if (!error)
		error = bpf_map__set_max_entries(sender->skel->maps.reference_map6, entries);
	if (!error)
		error = reference_bpf__load(sender->skel);
	if (error)
		return error;
	*ret = take_ptr(sender);
	return 0;
}

int sender_program_fd(const struct sender *sender, enum sender_program program)
{
	switch (program) {
	case SENDER_REFERENCE4:
		return bpf_program__fd(sender->skel->progs.reference4);
	case SENDER_REFERENCE6:
		return bpf_program__fd(sender->skel->progs.reference6);
	default:
		return bpf_program__fd(sender->skel->progs.empty);
	}
}

int sender_aim(const struct sender *sender, int program_fd)
{
	__u32 zero = 0;

	return bpf_map_update_elem(bpf_map__fd(sender->skel->maps.under_test), &zero, &program_fd,
				   BPF_ANY);
}

static size_t frame4(uint8_t *frame)
{
	struct xa_eth_header *eth = (void *)frame;
	struct xa_ipv4_header *ip = (void *)(eth + 1);
	struct xa_ports_header *ports = (void *)(ip + 1);

	eth->type = htons(XA_ETHERTYPE_IPV4);
	ip->version_ihl = 0x45;
	ip->total_len = htons(sizeof(*ip) + TCP_BYTES);
	ip->ttl = 64;
	ip->proto = XA_PROTO_TCP;
	ip->daddr = htonl(0x0a000001);
	ports->sport = htons(40000);
	ports->dport = htons(443);
	return sizeof(*eth) + sizeof(*ip) + TCP_BYTES;
}

static size_t frame6(uint8_t *frame)
{
	struct xa_eth_header *eth = (void *)frame;
	struct xa_ipv6_header *ip = (void *)(eth + 1);
	struct xa_ports_header *ports = (void *)(ip + 1);

	eth->type = htons(XA_ETHERTYPE_IPV6);
	ip->version_class = 0x60;
	ip->payload_len = htons(TCP_BYTES);
	ip->hop_limit = 64;
	ip->next = XA_PROTO_TCP;
	memcpy(&ip->saddr, "\x20\x01\x0d\xb8", 4);
	memcpy(&ip->daddr, "\x20\x01\x0d\xb8\0\x01", 6);
	ports->sport = htons(40000);
	ports->dport = htons(443);
	return sizeof(*eth) + sizeof(*ip) + TCP_BYTES;
}

static size_t frame_make(enum xa_family family, uint8_t *frame)
{
	memset(frame, 0, FRAME_BYTES_MAX);
	return family == XA_IPV6 ? frame6(frame) : frame4(frame);
}

uint32_t sender_frame_bytes(enum xa_family family)
{
	uint8_t frame[FRAME_BYTES_MAX];

	return (uint32_t)frame_make(family, frame);
}

static int run(int program_fd, enum xa_family family, uint32_t packets, double *ret_ns)
{
	uint8_t frame[FRAME_BYTES_MAX];
	size_t len = frame_make(family, frame);
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = (__u32)len,
		    .repeat = (int)packets);
	uint64_t start = bench_cpu_ns();
	int error = bpf_prog_test_run_opts(program_fd, &opts);

	if (error)
		return error;
	if (opts.retval != XDP_PASS)
		return -EPROTO;
	*ret_ns = (double)(bench_cpu_ns() - start) / packets;
	return 0;
}

static struct bench_step step_of(const struct sending *sending)
{
	bool far = sending->order == SENDER_FAR_APART;

	return (struct bench_step){
		.multiplier = far ? FAR_MULTIPLIER : 1,
		.increment = far ? FAR_INCREMENT : 1,
		.mask = sending->flows - 1,
	};
}

int sender_send(const struct sender *sender, const struct sending *sending, double *ret_ns)
{
	const struct bpf_program *program = sending->family == XA_IPV6 ? sender->skel->progs.step6
								       : sender->skel->progs.step4;
	unsigned cpu;

	if (getcpu(&cpu, NULL))
		return -errno;
	sender->skel->bss->steps[cpu % BENCH_CPUS_MAX] = step_of(sending);
	return run(bpf_program__fd(program), sending->family, sending->packets, ret_ns);
}

int sender_canary(const struct sender *sender, double *ret_ns)
{
	return run(sender_program_fd(sender, SENDER_EMPTY), XA_IPV4, CANARY_PACKETS, ret_ns);
}

/* What fits a cache is in it before the clock starts; but flows in order may be their first
 * packets.
 */
static int sent_to(const struct sender *sender, int program_fd, const struct sending *sending,
		   double *ret_ns)
{
	struct sending warm_up = *sending;
	int error = sender_aim(sender, program_fd);

	warm_up.packets = sending->flows < WARM_UP_MAX ? sending->flows : WARM_UP_MAX;
	if (!error && sending->order == SENDER_FAR_APART)
		error = sender_send(sender, &warm_up, ret_ns);
	return error ? error : sender_send(sender, sending, ret_ns);
}

int sender_cost(const struct sender *sender, int program_fd, const struct sending *sending,
		double *ret_ns)
{
	double with, stepping, alone;
	int error = sender_canary(sender, &alone);

	if (!error)
		error = sent_to(sender, sender_program_fd(sender, SENDER_EMPTY), sending,
				&stepping);
	if (!error)
		error = sent_to(sender, program_fd, sending, &with);
	if (error)
		return error;
	*ret_ns = with - stepping + alone;
	return 0;
}
