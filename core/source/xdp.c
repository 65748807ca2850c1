/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Life of the skeleton: open, set sizes, load, put the maps in place, run, destroy. The two sides
 * of each family are maps of their own that stand in the outer arrays for good; the epoch is one
 * word in .bss.
 */

#include "core/source/xdp.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <string.h>
#include <sys/resource.h>

#include "core/source/drain.h"
#include "core/source/map_size.h"
#include "core/source/skeleton.h"

/* libbpf's bpf_link_create() and map names: kernel 5.9 and 4.15. */
static const char *const map_names[XA_FAMILY_COUNT_] = {
	[XA_IPV4] = "flow_map",
	[XA_IPV6] = "flow_map6",
};

struct xa_xdp {
	struct netflow_filter_bpf *skel;
	uint32_t capacity;
	bool percpu;
	bool frags;
	bool sees_buff;
	int cpus; /* possible ones: the kernel copies a value for each */
	unsigned epoch;
	int flow_fds[XA_FAMILY_COUNT_][XA_SIDES];
	struct xa_program programs[XA_PROGRAM_COUNT_];
	struct xa_drain *drain;
	struct xa_tally *tally_read; /* what was read last, by the tally's index */
	struct xa_tally *tally_cpus; /* one read: a tally a CPU */
};

void xa_xdp_free(struct xa_xdp *xdp)
{
	if (!xdp)
		return;
	for (size_t family = 0; family < XA_FAMILY_COUNT_; family++)
		for (size_t side = 0; side < XA_SIDES; side++)
			if (xdp->flow_fds[family][side] >= 0)
				(void)close(xdp->flow_fds[family][side]);
	xa_drain_free(xdp->drain);
	free(xdp->tally_read);
	free(xdp->tally_cpus);
	netflow_filter_bpf__destroy(xdp->skel);
	free(xdp);
}

static int why_load(struct xa_why *why, int error)
{
	switch (error) {
	case -EPERM:
		return xa_why_set(why, error,
				  "not permitted to load netflow_filter: needs CAP_BPF and "
				  "CAP_NET_ADMIN (run as root, or grant both)");
	case -EACCES: /* the verifier's word; what it lacks is nearly always this */
		return xa_why_set(
			why, -EPERM,
			"the kernel's verifier refused netflow_filter: before 6.18 it needs "
			"CAP_PERFMON beside CAP_BPF and CAP_NET_ADMIN");
	case -ENOMEM:
		return xa_why_set(why, error,
				  "not enough memory for the flow maps: lower flows.max");
	default:
		return xa_why_set(why, error, "the kernel refused netflow_filter: %s",
				  strerror(-error));
	}
}

static enum bpf_map_type map_type(bool percpu)
{
	return percpu ? BPF_MAP_TYPE_PERCPU_HASH : BPF_MAP_TYPE_HASH;
}

static int flow_maps_create(struct xa_xdp *xdp, struct xa_why *why)
{
	for (size_t family = 0; family < XA_FAMILY_COUNT_; family++) {
		for (size_t side = 0; side < XA_SIDES; side++) {
			int fd = bpf_map_create(map_type(xdp->percpu), map_names[family],
						xa_map_key_size(family),
						sizeof(struct xa_flow_value), xdp->capacity, NULL);

			if (fd < 0)
				return why_load(why, fd);
			xdp->flow_fds[family][side] = fd;
		}
	}
	return 0;
}

static int outer_fd(const struct xa_xdp *xdp, enum xa_family family)
{
	return bpf_map__fd(family == XA_IPV6 ? xdp->skel->maps.flow_sides6
					     : xdp->skel->maps.flow_sides);
}

/* Waits for all programs that may still use the map before: kernel commit 1ae80cf31938. */
static int flow_map_place(const struct xa_xdp *xdp, enum xa_family family, __u32 side)
{
	return bpf_map_update_elem(outer_fd(xdp, family), &side, &xdp->flow_fds[family][side],
				   BPF_ANY);
}

static int flow_maps_place(const struct xa_xdp *xdp, struct xa_why *why)
{
	for (enum xa_family family = 0; family < XA_FAMILY_COUNT_; family++) {
		for (__u32 side = 0; side < XA_SIDES; side++) {
			int error = flow_map_place(xdp, family, side);

			if (error)
				return why_load(why, error);
		}
	}
	return 0;
}

static const struct bpf_program *program_of(const struct xa_xdp *xdp, size_t index)
{
	const struct bpf_program *programs[XA_PROGRAM_COUNT_] = {
		[XA_PROGRAM_FILTER] = xdp->skel->progs.netflow_filter,
		[XA_PROGRAM_IP] = xdp->skel->progs.netflow_ip,
		[XA_PROGRAM_CLOCK] = xdp->skel->progs.netflow_clock,
	};

	return programs[index];
}

static int program_ask(const struct bpf_program *program, struct bpf_prog_info *ret_info)
{
	__u32 len = sizeof(*ret_info);

	*ret_info = (struct bpf_prog_info){0};
	return bpf_obj_get_info_by_fd(bpf_program__fd(program), ret_info, &len);
}

/* The wall time of a moment by CLOCK_BOOTTIME, which goes on in a suspended machine. */
static double wall_of(uint64_t boot_ns)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	boot_ns -= (uint64_t)now.tv_sec * XA_NS_PER_S + (uint64_t)now.tv_nsec;
	return (double)(xa_wall_ns() + boot_ns) / 1e9;
}

static int programs_describe(struct xa_xdp *xdp)
{
	for (size_t i = 0; i < XA_PROGRAM_COUNT_; i++) {
		const struct bpf_program *program = program_of(xdp, i);
		struct xa_program *described = &xdp->programs[i];
		struct bpf_prog_info info;
		int error = program_ask(program, &info);

		if (error)
			return error;
		described->name = bpf_program__name(program);
		described->id = info.id;
		for (size_t byte = 0; byte < sizeof(info.tag); byte++)
			(void)snprintf(&described->tag[2 * byte], 3, "%02x", info.tag[byte]);
		described->instructions = info.verified_insns;
		described->load_time = wall_of(info.load_time);
	}
	return 0;
}

static int programs_read(struct xa_xdp *xdp)
{
	for (size_t i = 0; i < XA_PROGRAM_COUNT_; i++) {
		struct bpf_prog_info info;
		int error = program_ask(program_of(xdp, i), &info);

		if (error)
			return error;
		xdp->programs[i].runs = info.run_cnt;
		xdp->programs[i].run_ns = info.run_time_ns;
	}
	return 0;
}

/*
 * Jiffies count ticks of CLOCK_MONOTONIC, so both go at one pace; where they stand to each other is
 * asked again with each epoch, for what a kernel without high-resolution timers may lose.
 */
static int clock_set(struct xa_xdp *xdp)
{
	uint8_t frame[64] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame));
	int error = bpf_prog_test_run_opts(bpf_program__fd(xdp->skel->progs.netflow_clock), &run);

	if (error)
		return error;
	__atomic_store_n(&xdp->skel->bss->jiffies_epoch_ns,
			 xdp->skel->bss->clock_pair.monotonic_ns -
				 xdp->skel->bss->clock_pair.jiffies * xdp->skel->rodata->jiffy_ns,
			 __ATOMIC_RELAXED);
	return 0;
}

/* What a program may be loaded with, where the kernel and the capabilities allow it. */
struct ability {
	bool frags; /* multi-buffer frames: 5.18 */
	bool sees_buff; /* 6.2 and CAP_PERFMON */
};

/* TICK_NSEC, by the clock that is as fine. */
static __u32 jiffy_ns(void)
{
	struct timespec tick;

	return clock_getres(CLOCK_MONOTONIC_COARSE, &tick) ? XA_NS_PER_S / 250
							   : (__u32)tick.tv_nsec;
}

static int skeleton_load(struct xa_xdp *xdp, const struct ability *ability)
{
	__u32 flags = ability->frags ? BPF_F_XDP_HAS_FRAGS : 0;

	netflow_filter_bpf__destroy(take_ptr(xdp->skel));
	xdp->skel = xa_skeleton_open(ability->sees_buff);
	if (!xdp->skel)
		return -errno;
	(void)bpf_program__set_flags(xdp->skel->progs.netflow_filter, flags);
	(void)bpf_program__set_flags(xdp->skel->progs.netflow_ip, flags);
	xdp->frags = ability->frags;
	xdp->sees_buff = ability->sees_buff;
	xdp->skel->rodata->percpu = xdp->percpu;
	xdp->skel->rodata->jiffy_ns = jiffy_ns();
	(void)bpf_map__set_type(bpf_map__inner_map(xdp->skel->maps.flow_sides),
				map_type(xdp->percpu));
	(void)bpf_map__set_type(bpf_map__inner_map(xdp->skel->maps.flow_sides6),
				map_type(xdp->percpu));
	return netflow_filter_bpf__load(xdp->skel);
}

/* The best that the verifier takes; the error of the least. What a kernel does not know it refuses
 * by EINVAL, what rights are lacking for by EACCES or EPERM: nothing else is tried again. */
static int skeleton_load_best(struct xa_xdp *xdp)
{
	static const struct ability abilities[] = {{true, true}, {true, false}, {false, false}};
	int error = 0;

	for (size_t i = 0; i < array_size(abilities); i++) {
		error = skeleton_load(xdp, &abilities[i]);
		if (!error || error == -ENOMEM)
			break;
	}
	return error;
}

static int program_load(struct xa_xdp *xdp, struct xa_why *why)
{
	int error;

	if (access("/sys/kernel/btf/vmlinux", R_OK))
		return xa_why_set(why, -ENOENT,
				  "the kernel has no type information (/sys/kernel/btf/vmlinux): "
				  "needs one built with CONFIG_DEBUG_INFO_BTF");
	error = skeleton_load_best(xdp);
	if (error)
		return why_load(why, error);
	error = programs_describe(xdp);
	if (!error)
		error = clock_set(xdp);
	return error ? why_load(why, error) : 0;
}

/* Before 5.11 maps count against RLIMIT_MEMLOCK, afterwards against the control group: try, and go
 * on. */
static void memlock_raise(void)
{
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};

	(void)setrlimit(RLIMIT_MEMLOCK, &limit);
}

static int silence(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

int xa_xdp_new(struct xa_xdp **ret, const struct xa_xdp_options *options, struct xa_why *ret_why)
{
	_cleanup_xa_xdp_ struct xa_xdp *xdp = calloc(1, sizeof(*xdp));
	int error;

	if (!xdp)
		return -ENOMEM;
	memset(xdp->flow_fds, 0xff, sizeof(xdp->flow_fds));
	xdp->capacity = xa_map_entries(options->max_flows);
	xdp->percpu = options->percpu;
	xdp->cpus = libbpf_num_possible_cpus();
	if (xdp->cpus < 0)
		return xa_why_set(ret_why, xdp->cpus, "cannot tell the number of CPUs");
	xdp->tally_read = calloc(XA_SIDES * XA_SLOTS, sizeof(*xdp->tally_read));
	xdp->tally_cpus = calloc((size_t)xdp->cpus, sizeof(*xdp->tally_cpus));
	if (!xdp->tally_read || !xdp->tally_cpus)
		return -ENOMEM;
	error = xa_drain_new(&xdp->drain, xdp->percpu ? (size_t)xdp->cpus : 1);
	if (error)
		return error;
	(void)libbpf_set_print(silence);
	memlock_raise();
	error = program_load(xdp, ret_why);
	if (!error)
		error = flow_maps_create(xdp, ret_why);
	if (!error)
		error = flow_maps_place(xdp, ret_why);
	if (error)
		return error;
	*ret = take_ptr(xdp);
	return 0;
}

int xa_xdp_map_ifindex(struct xa_xdp *xdp, unsigned ifindex, uint8_t slot)
{
	volatile struct xa_ifindex_slot *buckets = xdp->skel->bss->ifindex_slots,
					*free_bucket = NULL;

	for (unsigned i = 0; i < XA_IFINDEX_PROBES; i++) {
		volatile struct xa_ifindex_slot *bucket = &buckets[(ifindex + i) % XA_SLOTS];

		if (bucket->ifindex == ifindex) {
			if (slot == XA_SLOT_UNKNOWN)
				bucket->ifindex = 0;
			bucket->slot = slot;
			return 0;
		}
		if (!bucket->ifindex && !free_bucket)
			free_bucket = bucket;
	}
	if (slot == XA_SLOT_UNKNOWN)
		return 0;
	if (!free_bucket)
		return -ENOSPC;
	free_bucket->slot = slot;
	__atomic_store_n(&free_bucket->ifindex, ifindex, __ATOMIC_RELEASE);
	return 0;
}

static size_t program_for(bool link_header)
{
	return link_header ? XA_PROGRAM_FILTER : XA_PROGRAM_IP;
}

int xa_xdp_attach(struct xa_xdp *xdp, unsigned ifindex, bool link_header, enum xa_mode mode,
		  int *ret_link_fd)
{
	static const __u32 flags[XA_MODE_COUNT_] = {
		[XA_MODE_DRV] = XDP_FLAGS_DRV_MODE,
		[XA_MODE_SKB] = XDP_FLAGS_SKB_MODE,
		[XA_MODE_HW] = XDP_FLAGS_HW_MODE,
	};
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags[mode]);
	int fd = bpf_link_create(bpf_program__fd(program_of(xdp, program_for(link_header))),
				 (int)ifindex, BPF_XDP, &opts);

	if (fd < 0)
		return fd;
	*ret_link_fd = fd;
	return 0;
}

const struct xa_program *xa_xdp_programs(const struct xa_xdp *xdp)
{
	return xdp->programs;
}

__u32 xa_xdp_prog_id(const struct xa_xdp *xdp, bool link_header)
{
	return xdp->programs[program_for(link_header)].id;
}

/*
 * One rewrite of any outer slot waits for every program that runs, whichever map it uses; the epoch
 * was written before, so whoever starts after the wait counts on the new side.
 */
int xa_xdp_swap(struct xa_xdp *xdp, unsigned *ret_side)
{
	unsigned before = xdp->epoch;
	int error = clock_set(xdp);

	if (error)
		return error;
	xdp->epoch = (before + 1) % XA_SIDES;
	__atomic_store_n(&xdp->skel->bss->epoch, xdp->epoch, __ATOMIC_SEQ_CST);
	error = flow_map_place(xdp, XA_IPV4, before);
	if (error) {
		xdp->epoch = before;
		__atomic_store_n(&xdp->skel->bss->epoch, before, __ATOMIC_SEQ_CST);
		return error;
	}
	*ret_side = before;
	return 0;
}

static void count_take(struct xa_count *last, const struct xa_count *now, struct xa_count *ret_more)
{
	*ret_more = (struct xa_count){now->packets - last->packets, now->bytes - last->bytes};
	*last = *now;
}

static void count_sum(struct xa_count *into, const struct xa_count *more)
{
	into->packets += more->packets;
	into->bytes += more->bytes;
}

static struct xa_tally tally_sum(const struct xa_tally *tallies, size_t cpus)
{
	struct xa_tally sum = {0};

	for (size_t cpu = 0; cpu < cpus; cpu++) {
		for (size_t size = 0; size < XA_SIZE_COUNT_; size++)
			count_sum(&sum.seen[size], &tallies[cpu].seen[size]);
		for (size_t class = 0; class < XA_CLASS_COUNT_; class ++)
			count_sum(&sum.classes[class], &tallies[cpu].classes[class]);
	}
	return sum;
}

static void tally_book(struct xa_tally *last, const struct xa_tally *now, uint8_t slot,
		       struct xa_ledger *ledger)
{
	struct xa_count more;

	for (unsigned size = 0; size < XA_SIZE_COUNT_; size++) {
		count_take(&last->seen[size], &now->seen[size], &more);
		xa_ledger_add_seen(ledger, slot, size, more);
	}
	for (unsigned class = 0; class < XA_CLASS_COUNT_; class ++) {
		count_take(&last->classes[class], &now->classes[class], &more);
		xa_ledger_add_reason(ledger, slot, class, more);
	}
}

int xa_xdp_read_tally(struct xa_xdp *xdp, unsigned side, struct xa_ledger *ledger)
{
	int fd = bpf_map__fd(xdp->skel->maps.tally);

	for (__u32 slot = 0; slot < XA_SLOTS; slot++) {
		__u32 index = side * XA_SLOTS + slot;
		struct xa_tally now;
		int error;

		if (!xa_ledger_account(ledger, (uint8_t)slot))
			continue;
		error = bpf_map_lookup_elem(fd, &index, xdp->tally_cpus);
		if (error)
			return error;
		now = tally_sum(xdp->tally_cpus, (size_t)xdp->cpus);
		tally_book(&xdp->tally_read[index], &now, (uint8_t)slot, ledger);
	}
	return 0;
}

int xa_xdp_drain(struct xa_xdp *xdp, unsigned side, uint32_t now_tick, const struct xa_sink *sink,
		 struct xa_xdp_fill *ret_fill)
{
	struct xa_xdp_fill fill = {0};
	int error = programs_read(xdp);

	if (error)
		return error;
	for (enum xa_family family = 0; family < XA_FAMILY_COUNT_; family++) {
		struct xa_drain_side of = {.family = family, .now_tick = now_tick};

		error = xa_drain_map(xdp->drain, xdp->flow_fds[family][side], &of, sink,
				     &fill.entries[family]);
		if (error)
			return error;
	}
	*ret_fill = fill;
	return 0;
}

uint32_t xa_xdp_capacity(const struct xa_xdp *xdp)
{
	return xdp->capacity;
}

uint64_t xa_xdp_memory_used(const struct xa_xdp *xdp)
{
	uint64_t bytes = 0;

	for (size_t family = 0; family < XA_FAMILY_COUNT_; family++)
		for (size_t side = 0; side < XA_SIDES; side++)
			bytes += xa_map_memlock(xdp->flow_fds[family][side]);
	return bytes;
}

uint64_t xa_xdp_memory_bytes(const struct xa_xdp_options *options)
{
	int cpus = libbpf_num_possible_cpus();
	uint64_t bytes = 0;

	for (enum xa_family family = 0; family < XA_FAMILY_COUNT_; family++)
		bytes += XA_SIDES * xa_map_bytes(family, xa_map_entries(options->max_flows),
						 options->percpu, cpus > 0 ? (uint64_t)cpus : 1);
	return bytes;
}

bool xa_xdp_has_frags(const struct xa_xdp *xdp)
{
	return xdp->frags;
}

bool xa_xdp_sees_buff(const struct xa_xdp *xdp)
{
	return xdp->sees_buff;
}

bool xa_xdp_is_permitted(const struct xa_xdp *xdp)
{
	__u32 index = 0;

	return !bpf_map_lookup_elem(bpf_map__fd(xdp->skel->maps.tally), &index, xdp->tally_cpus) &&
	       !flow_map_place(xdp, XA_IPV4, xdp->epoch);
}
