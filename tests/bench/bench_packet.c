/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What a packet costs in netflow_filter, held against programs that do less. Arguments name
 * sections; none: all of them. `cost` prints bare figures for probes.py.
 */

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <pthread.h>
#include <string.h>

#include "bpf/flow_abi.h"
#include "core/exit.h"
#include "core/source/map_size.h"
#include "core/source/xdp.h"
#include "tests/bench/bench.h"
#include "tests/bench/reference.h"
#include "tests/bench/sender.h"

/* behind the types that it names */
#include "lean.skel.h"

#define IFINDEX_LO   1 /* where TEST_RUN says that its packets come from */
#define SLOT	     1
#define PACKETS_MIN  (1U << 19)
#define OVERLOAD_MAP (1U << 16)
#define THREADS	     2

static const uint32_t sizes[] = {1, 1U << 10, 1U << 16, 1U << 20};

/* One program under test with its maps, and who sends to it. */
struct lab {
	struct sender *sender;
	struct xa_xdp *xdp;
	struct xa_ledger *ledger;
	int filter_fd;
	struct lean_bpf *lean;
	struct sending sending;
};

static void lab_done(struct lab *lab)
{
	if (lab->filter_fd >= 0)
		(void)close(lab->filter_fd);
	lean_bpf__destroy(lab->lean);
	xa_xdp_free(lab->xdp);
	xa_ledger_free(lab->ledger);
	sender_free(lab->sender);
}
#define LAB(name) XA_CLEANUP(lab_done) struct lab name = {.filter_fd = -1}

static struct sending passes_over(enum xa_family family, uint32_t flows)
{
	return (struct sending){
		.family = family,
		.order = SENDER_FAR_APART,
		.flows = flows,
		.packets = flows > PACKETS_MIN ? flows : PACKETS_MIN,
	};
}

/* One pass, so that every flow has its entry. */
static int fill(const struct lab *lab, int program_fd)
{
	struct sending once = lab->sending;
	double ns;
	int error = sender_aim(lab->sender, program_fd);

	once.order = SENDER_IN_ORDER;
	once.packets = once.flows;
	return error ? error : sender_send(lab->sender, &once, &ns);
}

static int lab_load(struct lab *lab, const struct xa_xdp_options *options)
{
	struct xa_why why = {0};
	int error = sender_new(&lab->sender, xa_map_entries(options->max_flows));

	if (!error)
		error = xa_ledger_new(&lab->ledger);
	if (!error)
		error = xa_ledger_open(lab->ledger, SLOT);
	if (!error)
		error = xa_xdp_new(&lab->xdp, options, &why);
	if (error) {
		fprintf(stderr, "%s\n", why.text);
		return error;
	}
	lab->filter_fd = bpf_prog_get_fd_by_id(xa_xdp_prog_id(lab->xdp, true));
	if (lab->filter_fd < 0)
		return lab->filter_fd;
	return xa_xdp_map_ifindex(lab->xdp, IFINDEX_LO, SLOT);
}

static int lab_open(struct lab *lab, enum xa_family family, uint32_t flows, bool percpu)
{
	struct xa_xdp_options options = {.max_flows = flows, .percpu = percpu};
	int error = lab_load(lab, &options);

	lab->sending = passes_over(family, flows);
	return error ? error : fill(lab, lab->filter_fd);
}

/* --- a hit against the reference --- */

enum {
	CANARY,
	FILTER,
	OTHER,
};

static enum sender_program reference_of(const struct lab *lab)
{
	return lab->sending.family == XA_IPV6 ? SENDER_REFERENCE6 : SENDER_REFERENCE4;
}

static int hits_measure(void *ctx, double *ret_values)
{
	const struct lab *lab = ctx;
	int reference_fd = sender_program_fd(lab->sender, reference_of(lab));
	int error = sender_canary(lab->sender, &ret_values[CANARY]);

	if (!error)
		error = sender_cost(lab->sender, lab->filter_fd, &lab->sending,
				    &ret_values[FILTER]);
	if (!error)
		error = sender_cost(lab->sender, reference_fd, &lab->sending, &ret_values[OTHER]);
	return error;
}

static int hits_at(enum xa_family family, uint32_t flows)
{
	LAB(lab);
	struct bench_rounds rounds;
	char what[64];
	int error = lab_open(&lab, family, flows, true);

	if (!error)
		error = fill(&lab, sender_program_fd(lab.sender, reference_of(&lab)));
	if (!error)
		error = bench_measure(&rounds, BENCH_KEPT, hits_measure, &lab);
	if (error)
		return error;
	(void)snprintf(what, sizeof(what), "1 hit / reference, %s, %s flows",
		       xa_family_names[family], bench_flows_name(flows));
	bench_row(&rounds, what, FILTER, OTHER, "ns/packet", 1.10);
	if (family == XA_IPV4 && flows == sizes[array_size(sizes) - 1])
		bench_row(&rounds, "5 IPv4 with IPv6 built in / IPv4 reference, 1M flows", FILTER,
			  OTHER, "ns/packet", 1.15);
	return 0;
}

static int hits(void)
{
	for (enum xa_family family = 0; family < XA_FAMILY_COUNT_; family++) {
		for (size_t i = 0; i < array_size(sizes); i++) {
			int error = hits_at(family, sizes[i]);

			if (error)
				return error;
		}
	}
	return 0;
}

/* --- the extra fields --- */

static int lean_place(int outer_fd, enum xa_family family, uint32_t entries)
{
	for (__u32 side = 0; side < XA_SIDES; side++) {
		_cleanup_close_ int fd = bpf_map_create(
			BPF_MAP_TYPE_PERCPU_HASH, "lean", xa_map_key_size(family),
			sizeof(struct xa_flow_value), entries, NULL);
		int error = fd < 0 ? fd : bpf_map_update_elem(outer_fd, &side, &fd, BPF_ANY);

		if (error)
			return error;
	}
	return 0;
}

/* With the daemon's constants. Its clock has no offset: an addition costs the same with 0. */
static int lean_load(struct lab *lab)
{
	uint32_t entries = xa_map_entries(lab->sending.flows);
	struct lean_bpf *lean;
	struct timespec jiffy;
	int error;

	lab->lean = lean = lean_bpf__open();
	if (!lean)
		return -errno;
	/* as the daemon loads it, and as a program that the sender jumps to has to be */
	(void)bpf_program__set_flags(lean->progs.netflow_filter, BPF_F_XDP_HAS_FRAGS);
	if (!clock_getres(CLOCK_MONOTONIC_COARSE, &jiffy))
		lean->rodata->jiffy_ns = (__u32)jiffy.tv_nsec;
	error = lean_bpf__load(lean);
	if (error)
		return error;
	lean->bss->ifindex_slots[IFINDEX_LO] = (struct xa_ifindex_slot){IFINDEX_LO, SLOT};
	error = lean_place(bpf_map__fd(lean->maps.flow_sides), XA_IPV4, entries);
	if (!error)
		error = lean_place(bpf_map__fd(lean->maps.flow_sides6), XA_IPV6, entries);
	return error;
}

static int fields_measure(void *ctx, double *ret_values)
{
	const struct lab *lab = ctx;
	int lean_fd = bpf_program__fd(lab->lean->progs.netflow_filter);
	int error = sender_canary(lab->sender, &ret_values[CANARY]);

	if (!error)
		error = sender_cost(lab->sender, lab->filter_fd, &lab->sending,
				    &ret_values[FILTER]);
	if (!error)
		error = sender_cost(lab->sender, lean_fd, &lab->sending, &ret_values[OTHER]);
	return error;
}

static int fields(void)
{
	LAB(lab);
	struct bench_rounds rounds;
	int error = lab_open(&lab, XA_IPV4, 1U << 10, true);

	if (!error)
		error = lean_load(&lab);
	if (!error)
		error = fill(&lab, bpf_program__fd(lab.lean->progs.netflow_filter));
	if (!error)
		error = bench_measure(&rounds, BENCH_KEPT, fields_measure, &lab);
	if (error)
		return error;
	bench_row(&rounds, "2 extra fields on / off, 1k flows", FILTER, OTHER, "ns/packet", 1.15);
	return 0;
}

/* --- the first packet of a flow --- */

static void forget_all(void *ctx, const struct xa_reading *readings, size_t count, bool *ret_forget)
{
	(void)ctx;
	(void)readings;
	memset(ret_forget, true, count * sizeof(*ret_forget));
}

/* After it the other side is written to, which is empty. */
static int sides_turn(struct lab *lab)
{
	struct xa_sink sink = {.take = forget_all};
	struct xa_xdp_fill entries;
	unsigned side;
	int error = xa_xdp_swap(lab->xdp, &side);

	return error ? error : xa_xdp_drain(lab->xdp, side, xa_tick(xa_now_ns()), &sink, &entries);
}

static int first_measure(void *ctx, double *ret_values)
{
	struct lab *lab = ctx;
	struct sending firsts = lab->sending;
	int error = sides_turn(lab);

	firsts.order = SENDER_IN_ORDER;
	if (!error)
		error = sender_canary(lab->sender, &ret_values[CANARY]);
	if (!error)
		error = sender_cost(lab->sender, lab->filter_fd, &firsts, &ret_values[FILTER]);
	if (!error)
		error = sender_cost(lab->sender, lab->filter_fd, &lab->sending, &ret_values[OTHER]);
	return error;
}

static int first(void)
{
	LAB(lab);
	struct bench_rounds rounds;
	int error = lab_open(&lab, XA_IPV4, 1U << 20, true);

	if (!error)
		error = bench_measure(&rounds, BENCH_KEPT, first_measure, &lab);
	if (error)
		return error;
	bench_row(&rounds, "3 first packet of a flow / hit, 1M flows", FILTER, OTHER, "ns/packet",
		  2.5);
	return 0;
}

/* --- more flows than the map holds --- */

static int overload_measure(void *ctx, double *ret_values)
{
	const struct lab *lab = ctx;
	struct sending flood = passes_over(XA_IPV4, 16 * OVERLOAD_MAP);
	int error = sender_canary(lab->sender, &ret_values[CANARY]);

	if (!error)
		error = sender_cost(lab->sender, lab->filter_fd, &flood, &ret_values[FILTER]);
	if (!error)
		error = sender_cost(lab->sender, lab->filter_fd, &lab->sending, &ret_values[OTHER]);
	return error;
}

struct book {
	struct xa_ledger *ledger;
};

static void book_all(void *ctx, const struct xa_reading *readings, size_t count, bool *ret_forget)
{
	struct book *book = ctx;

	for (size_t i = 0; i < count; i++)
		xa_ledger_add_flow(
			book->ledger, &readings[i].key.tail,
			(struct xa_count){readings[i].value.packets, readings[i].value.bytes});
	memset(ret_forget, true, count * sizeof(*ret_forget));
}

/* Everything went to one side, and nothing was read of it before. */
static int residual_of(struct lab *lab, struct xa_residual *ret_residual, struct xa_count *ret_seen)
{
	struct book book = {lab->ledger};
	struct xa_sink sink = {.ctx = &book, .take = book_all};
	struct xa_xdp_fill entries;
	unsigned side;
	int error = xa_xdp_swap(lab->xdp, &side);

	if (!error)
		error = xa_xdp_read_tally(lab->xdp, side, lab->ledger);
	if (!error)
		error = xa_xdp_drain(lab->xdp, side, xa_tick(xa_now_ns()), &sink, &entries);
	if (error)
		return error;
	*ret_residual = xa_account_residual(xa_ledger_account(lab->ledger, SLOT));
	*ret_seen = xa_ledger_account(lab->ledger, SLOT)->seen;
	return 0;
}

static int overload(void)
{
	LAB(lab);
	struct bench_rounds rounds;
	struct xa_residual residual;
	struct xa_count seen;
	int error = lab_open(&lab, XA_IPV4, OVERLOAD_MAP, true);

	if (!error)
		error = bench_measure(&rounds, BENCH_KEPT, overload_measure, &lab);
	if (!error)
		error = residual_of(&lab, &residual, &seen);
	if (error)
		return error;
	bench_row(&rounds, "4 16 times the flows that fit / hit, 64k map", FILTER, OTHER,
		  "ns/packet", 2.0);
	bench_row_value("4 packets unaccounted for after it", (double)residual.packets, "packets",
			0);
	bench_note("overload: %llu packets seen, %lld packets and %lld bytes unaccounted for",
		   (unsigned long long)seen.packets, (long long)residual.packets,
		   (long long)residual.bytes);
	return residual.packets || residual.bytes ? -EBADMSG : 0;
}

/* --- interfaces --- */

/* `others` interfaces before lo in the table; `collide`: in lo's own bucket and those behind it. */
static int interfaces_register(struct lab *lab, unsigned others, bool collide)
{
	int error = xa_xdp_map_ifindex(lab->xdp, IFINDEX_LO, XA_SLOT_UNKNOWN);

	for (unsigned i = 1; !error && i <= others; i++)
		error = xa_xdp_map_ifindex(lab->xdp,
					   collide ? IFINDEX_LO + i * XA_SLOTS : IFINDEX_LO + i,
					   (uint8_t)(SLOT + i));
	return error ? error : xa_xdp_map_ifindex(lab->xdp, IFINDEX_LO, SLOT);
}

static int interfaces_measure(void *ctx, double *ret_values)
{
	struct lab *labs = ctx;
	int error = sender_canary(labs[0].sender, &ret_values[CANARY]);

	for (size_t i = 0; !error && i < 4; i++)
		error = sender_cost(labs[0].sender, labs[i].filter_fd, &labs[0].sending,
				    &ret_values[1 + i]);
	return error;
}

static void labs_done(struct lab (*labs)[4])
{
	for (size_t i = 0; i < 4; i++)
		lab_done(&(*labs)[i]);
}

static int interfaces(void)
{
	static const unsigned others[] = {0, 15, 254, XA_IFINDEX_PROBES - 1};
	XA_CLEANUP(labs_done)
	struct lab labs[4] = {
		{.filter_fd = -1}, {.filter_fd = -1}, {.filter_fd = -1}, {.filter_fd = -1}};
	struct bench_rounds rounds;
	int error = 0;

	for (size_t i = 0; !error && i < 4; i++) {
		error = lab_open(&labs[i], XA_IPV4, 1U << 10, true);
		if (!error)
			error = interfaces_register(&labs[i], others[i], i == 3);
	}
	if (!error)
		error = bench_measure(&rounds, BENCH_KEPT, interfaces_measure, labs);
	if (error)
		return error;
	bench_row(&rounds, "16 interfaces / 1, 1k flows", 2, 1, "ns/packet", 0);
	bench_row(&rounds, "255 interfaces / 1, 1k flows", 3, 1, "ns/packet", 0);
	bench_row(&rounds, "an interface that stands 7 buckets from home / 1, 1k flows", 4, 1,
		  "ns/packet", 0);
	return 0;
}

/* --- CPUs, and one value a flow instead of one a CPU --- */

struct thread {
	pthread_t id;
	const struct lab *lab;
	pthread_barrier_t *start;
	unsigned cpu;
	double ns;
	int error;
};

static void *thread_send(void *ctx)
{
	struct thread *thread = ctx;

	thread->error = bench_pin(thread->cpu);
	(void)pthread_barrier_wait(thread->start);
	if (!thread->error)
		thread->error = sender_send(thread->lab->sender, &thread->lab->sending,
					    &thread->ns);
	return NULL;
}

/* CPU time a packet, over all threads, the sender's own included. */
static int together(const struct lab *lab, unsigned count, double *ret_ns)
{
	struct thread threads[THREADS];
	pthread_barrier_t start;
	int error = sender_aim(lab->sender, lab->filter_fd);
	unsigned made = 0;

	*ret_ns = 0;
	if (error || pthread_barrier_init(&start, NULL, count))
		return error ? error : -ENOMEM;
	for (; made < count; made++) {
		threads[made] = (struct thread){.lab = lab, .start = &start, .cpu = made};
		if (pthread_create(&threads[made].id, NULL, thread_send, &threads[made]))
			exit(XA_EXIT_FAILURE); /* the others wait at the barrier for good */
	}
	for (unsigned i = 0; i < made; i++) {
		(void)pthread_join(threads[i].id, NULL);
		error = threads[i].error ? threads[i].error : error;
		*ret_ns += threads[i].ns / count;
	}
	(void)pthread_barrier_destroy(&start);
	return error;
}

struct pair {
	struct lab percpu;
	struct lab shared;
};

static void pair_done(struct pair *pair)
{
	lab_done(&pair->percpu);
	lab_done(&pair->shared);
}

static int cpus_measure(void *ctx, double *ret_values)
{
	struct pair *pair = ctx;
	int error = sender_canary(pair->percpu.sender, &ret_values[CANARY]);

	for (unsigned count = 1; !error && count <= THREADS; count++) {
		error = together(&pair->percpu, count, &ret_values[count]);
		if (!error)
			error = together(&pair->shared, count, &ret_values[THREADS + count]);
	}
	return error;
}

static int cpus_at(uint32_t flows)
{
	XA_CLEANUP(pair_done)
	struct pair pair = {.percpu = {.filter_fd = -1}, .shared = {.filter_fd = -1}};
	struct bench_rounds rounds;
	char what[96];
	int error = lab_open(&pair.percpu, XA_IPV4, flows, true);

	if (!error)
		error = lab_open(&pair.shared, XA_IPV4, flows, false);
	if (!error)
		error = bench_measure(&rounds, BENCH_KEPT, cpus_measure, &pair);
	if (error)
		return error;
	(void)snprintf(what, sizeof(what), "2 CPUs sending / 1, %s flows", bench_flows_name(flows));
	bench_row(&rounds, what, 2, 1, "ns/packet", 0);
	(void)snprintf(what, sizeof(what), "percpu: false / true, %s flows, 1 CPU",
		       bench_flows_name(flows));
	bench_row(&rounds, what, 3, 1, "ns/packet", 0);
	(void)snprintf(what, sizeof(what), "percpu: false / true, %s flows, 2 CPUs",
		       bench_flows_name(flows));
	bench_row(&rounds, what, 4, 2, "ns/packet", 0);
	return 0;
}

static int cpus(void)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < THREADS) {
		bench_note("one CPU only: nothing about several");
		return 0;
	}
	for (size_t i = 0; i < array_size(sizes); i++) {
		int error = cpus_at(sizes[i]);

		if (error)
			return error;
	}
	return 0;
}

/* --- for probes.py --- */

static int cost_measure(void *ctx, double *ret_values)
{
	const struct lab *lab = ctx;
	int error = sender_canary(lab->sender, &ret_values[CANARY]);

	return error ? error
		     : sender_cost(lab->sender, lab->filter_fd, &lab->sending, &ret_values[FILTER]);
}

/* netflow_filter minus the empty program. Few rounds, for who asks has rounds of its own. */
static int cost(void)
{
	for (size_t i = 1; i <= 2; i++) {
		LAB(lab);
		struct bench_rounds rounds;
		int error = lab_open(&lab, XA_IPV4, sizes[i], true);

		if (!error)
			error = bench_measure(&rounds, BENCH_KEPT_FEW, cost_measure, &lab);
		if (error)
			return error;
		printf("cost\t%u\t%.3f\n", sizes[i],
		       bench_median(&rounds, FILTER) - bench_median(&rounds, CANARY));
	}
	return 0;
}

static const struct section {
	const char *name;
	int (*run)(void);
} sections[] = {
	{"hits", hits},		{"fields", fields},	    {"first", first},
	{"overload", overload}, {"interfaces", interfaces}, {"cpus", cpus},
};

static bool is_wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return argc < 2;
}

static int run_sections(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "cost"))
		return cost();
	for (size_t i = 0; i < array_size(sections); i++) {
		int error = is_wanted(sections[i].name, argc, argv) ? sections[i].run() : 0;

		if (error) {
			fprintf(stderr, "%s: %s\n", sections[i].name, strerror(-error));
			return error;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	int error = bench_pin(0);

	if (!error)
		error = run_sections(argc, argv);
	if (error == -EPERM)
		return XA_EXIT_NOT_PERMITTED;
	return error ? XA_EXIT_FAILURE : 0;
}
