/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What a snapshot costs: the parts that the daemon's tick is made of, over flows that the real
 * program counted, held against bare reads of the same map. Costs are CPU time of the thread, so
 * that waiting for the grace period is none; wall time is said beside it. Arguments name sections.
 */

#include <bpf/bpf.h>
#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "core/exit.h"
#include "core/policy/judgement.h"
#include "core/policy/view.h"
#include "core/render.h"
#include "core/source/xdp.h"
#include "tests/bench/bench.h"
#include "tests/bench/sender.h"

#define IFINDEX_LO 1 /* where TEST_RUN says that its packets come from */
#define SLOT	   1
#define BATCH	   4096
#define TOP_K	   "top_k=100"
#define MEMORY_MAX 128.0 /* bytes a flow */

extern char **environ;

/* The daemon without its edges. */
struct lab {
	struct sender *sender;
	struct xa_config *config;
	struct xa_ledger *ledger;
	struct xa_table *table;
	struct xa_xdp *xdp;
	struct xa_rows *rows;
	struct xa_topk *top;
	struct xa_table_read read;
	struct xa_buf page;
	int filter_fd;
	int side_fds[XA_SIDES]; /* the IPv4 maps */
	uint32_t flows;
	void *keys;
	void *values;
};

static void lab_done(struct lab *lab)
{
	int fds[] = {lab->filter_fd, lab->side_fds[0], lab->side_fds[1]};

	for (size_t i = 0; i < array_size(fds); i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
	free(lab->keys);
	free(lab->values);
	xa_buf_done(&lab->page);
	xa_topk_free(lab->top);
	xa_rows_free(lab->rows);
	xa_xdp_free(lab->xdp);
	xa_table_free(lab->table);
	xa_ledger_free(lab->ledger);
	xa_config_free(lab->config);
	sender_free(lab->sender);
}
#define LAB(name) XA_CLEANUP(lab_done) struct lab name = {.filter_fd = -1, .side_fds = {-1, -1}}

/* --- opening --- */

static int map_info(int fd, struct bpf_map_info *ret_info)
{
	__u32 len = sizeof(*ret_info);

	memset(ret_info, 0, sizeof(*ret_info));
	return bpf_obj_get_info_by_fd(fd, ret_info, &len);
}

/* The daemon keeps its maps to itself; but of all IPv4 flow maps those are ours that this process
 * has open. Their ids rise in the order in which the sides were made. */
static int sides_find(struct lab *lab)
{
	DIR *dir = opendir("/proc/self/fd");
	__u32 ids[XA_SIDES] = {UINT32_MAX, UINT32_MAX};

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		struct bpf_map_info info;
		char *end;
		long fd = strtol(entry->d_name, &end, 10);

		if (*end || fd == dirfd(dir) || map_info((int)fd, &info) ||
		    strcmp(info.name, "flow_map") || info.type != BPF_MAP_TYPE_PERCPU_HASH)
			continue;
		if (info.id < ids[0]) {
			ids[1] = ids[0];
			ids[0] = info.id;
		} else if (info.id < ids[1]) {
			ids[1] = info.id;
		}
	}
	if (dir)
		(void)closedir(dir);
	for (size_t side = 0; side < XA_SIDES; side++) {
		lab->side_fds[side] = bpf_map_get_fd_by_id(ids[side]);
		if (lab->side_fds[side] < 0)
			return lab->side_fds[side];
	}
	return 0;
}

static int table_renew(struct lab *lab)
{
	struct xa_table_limits limits = {.max = lab->flows, .idle_ticks = INT32_MAX};

	xa_table_free(take_ptr(lab->table));
	xa_ledger_free(take_ptr(lab->ledger));
	if (xa_ledger_new(&lab->ledger) || xa_ledger_open(lab->ledger, SLOT) ||
	    xa_table_new(&lab->table, &limits, lab->ledger))
		return -ENOMEM;
	return 0;
}

static int xdp_open(struct lab *lab)
{
	struct xa_xdp_options options = {.max_flows = lab->flows, .percpu = true};
	struct xa_why why = {0};
	int error = xa_xdp_new(&lab->xdp, &options, &why);

	if (error) {
		fprintf(stderr, "%s\n", why.text);
		return error;
	}
	lab->filter_fd = bpf_prog_get_fd_by_id(xa_xdp_prog_id(lab->xdp, true));
	if (lab->filter_fd < 0)
		return lab->filter_fd;
	error = xa_xdp_map_ifindex(lab->xdp, IFINDEX_LO, SLOT);
	return error ? error : sides_find(lab);
}

static int lab_open(struct lab *lab, uint32_t flows)
{
	static const char *const settings[] = {TOP_K};
	struct xa_whys whys = {0};
	int error = sender_new(&lab->sender, 1);

	lab->flows = flows;
	lab->keys = calloc(BATCH, sizeof(struct xa_flow_key4));
	lab->values = calloc((size_t)BATCH * (size_t)sysconf(_SC_NPROCESSORS_CONF),
			     sizeof(struct xa_flow_value));
	if (!lab->keys || !lab->values)
		return -ENOMEM;
	if (!error)
		error = xa_config_load(&lab->config, NULL, settings, array_size(settings), &whys);
	if (!error)
		error = xa_topk_new(&lab->top, lab->config->top_k, false);
	if (!error)
		error = xa_rows_new(&lab->rows, flows);
	if (!error)
		error = table_renew(lab);
	return error ? error : xdp_open(lab);
}

/* One packet for each flow, on the side that is written to. */
static int traffic(const struct lab *lab)
{
	struct sending once = {
		.family = XA_IPV4,
		.order = SENDER_IN_ORDER,
		.flows = lab->flows,
		.packets = lab->flows,
	};
	double ns;
	int error = sender_aim(lab->sender, lab->filter_fd);

	return error ? error : sender_send(lab->sender, &once, &ns);
}

/* --- a snapshot --- */

/* Thread CPU nanoseconds, but for the wall times. */
struct cost {
	double swap;
	double drain; /* and the flow table */
	double sweep; /* and the largest */
	double render;
	double wall; /* all of it without the swap */
	double swap_wall;
};

static void take(void *ctx, const struct xa_reading *readings, size_t count, bool *ret_forget)
{
	struct lab *lab = ctx;

	xa_table_apply(lab->table, &lab->read, readings, count, ret_forget);
}

static void forget(void *ctx, const struct xa_reading *readings, size_t count,
		   const bool *forgotten)
{
	struct lab *lab = ctx;

	xa_table_forget(lab->table, lab->read.side, readings, count, forgotten);
}

static double lap(uint64_t *since)
{
	uint64_t now = bench_cpu_ns(), spent = now - *since;

	*since = now;
	return (double)spent;
}

static int collect(struct lab *lab, struct cost *ret_cost)
{
	struct xa_sink sink = {lab, take, forget};
	struct xa_xdp_fill filled;
	uint64_t cpu = bench_cpu_ns(), wall = xa_now_ns();
	unsigned side;
	int error = xa_xdp_swap(lab->xdp, &side);

	if (error)
		return error;
	ret_cost->swap = lap(&cpu);
	ret_cost->swap_wall = (double)(xa_now_ns() - wall);
	lab->read.side = side;
	lab->read.now_tick = xa_tick(xa_now_ns());
	error = xa_xdp_read_tally(lab->xdp, side, lab->ledger);
	if (!error)
		error = xa_xdp_drain(lab->xdp, side, lab->read.now_tick, &sink, &filled);
	ret_cost->drain = lap(&cpu);
	return error;
}

static int publish(struct lab *lab, struct cost *ret_cost)
{
	const char *names[XA_SLOTS] = {[SLOT] = "lo"};
	struct xa_exposition expo = {.buf = &lab->page};
	struct xa_traffic traffic = {
		.config = lab->config, .ledger = lab->ledger, .slot_names = names};
	struct xa_ranking ranking = {.now_tick = lab->read.now_tick};
	struct xa_left_out left_out;
	uint64_t cpu = bench_cpu_ns();

	traffic.totals = xa_rows_rank(lab->rows, lab->table, &ranking, lab->top, &traffic.hidden);
	traffic.top = xa_topk_sorted(lab->top, &traffic.top_count);
	ret_cost->sweep = lap(&cpu);
	xa_buf_reset(&lab->page);
	xa_render_traffic(&expo, &traffic, &left_out);
	ret_cost->render = lap(&cpu);
	return traffic.totals.flows == lab->flows && !xa_buf_failed(&lab->page) ? 0 : -EBADMSG;
}

static int snapshot(struct lab *lab, struct cost *ret_cost)
{
	uint64_t start = xa_now_ns();
	int error = collect(lab, ret_cost);

	if (!error)
		error = publish(lab, ret_cost);
	ret_cost->wall = (double)(xa_now_ns() - start) - ret_cost->swap_wall;
	return error;
}

static double cost_sum(const struct cost *cost)
{
	return cost->swap + cost->drain + cost->sweep + cost->render;
}

/* --- bare reads --- */

static int read_batches(const struct lab *lab, int map_fd, uint64_t *ret_entries)
{
	__u32 position, *from = NULL;

	*ret_entries = 0;
	for (;;) {
		__u32 next, count = BATCH;
		int end = bpf_map_lookup_batch(map_fd, from, &next, lab->keys, lab->values, &count,
					       NULL);

		if (end && end != -ENOENT)
			return end;
		*ret_entries += count;
		if (end)
			return 0;
		position = next;
		from = &position;
	}
}

static int read_keys(const struct lab *lab, int map_fd, uint64_t *ret_entries)
{
	struct xa_flow_key4 key, *from = NULL;
	int end;

	*ret_entries = 0;
	while (!(end = bpf_map_get_next_key(map_fd, from, &key))) {
		int error = bpf_map_lookup_elem(map_fd, &key, lab->values);

		if (error)
			return error;
		from = &key;
		++*ret_entries;
	}
	return end == -ENOENT ? 0 : end;
}

/* Reads the side that is written to, and that the next snapshot will drain, right after traffic:
 * as near to a cache as the snapshot will find it. */
static int timed(const struct lab *lab,
		 int (*read)(const struct lab *lab, int map_fd, uint64_t *ret_entries),
		 double *ret_ns)
{
	uint64_t entries, start;
	int error = traffic(lab);

	if (error)
		return error;
	start = bench_cpu_ns();
	error = read(lab, lab->side_fds[1 - lab->read.side], &entries);
	*ret_ns = (double)(bench_cpu_ns() - start);
	return error || entries == lab->flows ? error : -EBADMSG;
}

static double cpu_ns_of(const struct rusage *usage)
{
	return ((double)usage->ru_utime.tv_sec + (double)usage->ru_stime.tv_sec) * 1e9 +
	       ((double)usage->ru_utime.tv_usec + (double)usage->ru_stime.tv_usec) * 1e3;
}

static int spawn_dump(const char *id, pid_t *ret_pid)
{
	char program[] = "bpftool", json[] = "-j", map[] = "map", dump[] = "dump", by[] = "id",
	     number[16];
	char *argv[] = {program, json, map, dump, by, number, NULL};
	posix_spawn_file_actions_t actions;
	int error;

	(void)snprintf(number, sizeof(number), "%s", id);
	error = posix_spawn_file_actions_init(&actions);
	if (error)
		return -error;
	error = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	if (!error)
		error = posix_spawnp(ret_pid, program, &actions, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	return -error;
}

/* User and system time of `bpftool -j map dump`. */
static int read_bpftool(const struct lab *lab, double *ret_ns)
{
	struct bpf_map_info info;
	struct rusage usage;
	char id[16];
	pid_t pid;
	int status, error = map_info(lab->side_fds[0], &info);

	(void)snprintf(id, sizeof(id), "%u", info.id);
	if (!error)
		error = spawn_dump(id, &pid);
	if (error)
		return error;
	if (wait4(pid, &status, 0, &usage) < 0)
		return -errno;
	*ret_ns = cpu_ns_of(&usage);
	return status ? -EIO : 0;
}

/* --- sections --- */

enum {
	CANARY,
	SNAPSHOT,
	BATCHES,
	KEYS,
	BPFTOOL,
	FIRST,
	SWAP,
	DRAIN,
	SWEEP,
	RENDER,
	WALL,
	SWAP_WALL,
};

static void cost_store(const struct cost *cost, double *ret_values)
{
	ret_values[SNAPSHOT] = cost_sum(cost);
	ret_values[SWAP] = cost->swap;
	ret_values[DRAIN] = cost->drain;
	ret_values[SWEEP] = cost->sweep;
	ret_values[RENDER] = cost->render;
	ret_values[WALL] = cost->wall;
	ret_values[SWAP_WALL] = cost->swap_wall;
}

/* Entries stand on both sides and their flows in the table, all with traffic since the last read of
 * their side. */
static int steady_snapshot(struct lab *lab, struct cost *ret_cost)
{
	int error = traffic(lab);

	return error ? error : snapshot(lab, ret_cost);
}

static int snapshot_measure(void *ctx, double *ret_values)
{
	struct lab *lab = ctx;
	struct cost first, steady;
	int error = table_renew(lab);

	if (!error)
		error = steady_snapshot(lab, &first);
	if (!error)
		error = steady_snapshot(lab, &steady);
	if (!error)
		error = sender_canary(lab->sender, &ret_values[CANARY]);
	if (!error)
		error = timed(lab, read_batches, &ret_values[BATCHES]);
	if (!error)
		error = steady_snapshot(lab, &steady);
	if (error)
		return error;
	ret_values[FIRST] = cost_sum(&first);
	cost_store(&steady, ret_values);
	return 0;
}

static void row(const struct bench_rounds *rounds, uint32_t flows, const char *name, size_t value,
		size_t of, double goal)
{
	char what[96];

	(void)snprintf(what, sizeof(what), "%s, %s flows", name, bench_flows_name(flows));
	bench_row(rounds, what, value, of, "ns", goal);
}

static void part(const struct bench_rounds *rounds, uint32_t flows, const char *name, size_t value)
{
	bench_note("snapshot of %s flows: %s %.1f ns a flow, %.3f ms", bench_flows_name(flows),
		   name, bench_median(rounds, value) / flows, bench_median(rounds, value) / 1e6);
}

/* With entries on both sides. */
static int lab_open_filled(struct lab *lab, uint32_t flows)
{
	struct cost cost;
	int error = lab_open(lab, flows);

	for (size_t side = 0; !error && side < XA_SIDES; side++)
		error = steady_snapshot(lab, &cost);
	return error;
}

static int snapshot_at(uint32_t flows, double goal)
{
	LAB(lab);
	struct bench_rounds rounds;
	int error = lab_open_filled(&lab, flows);

	if (!error)
		error = bench_measure(&rounds, BENCH_KEPT, snapshot_measure, &lab);
	if (error)
		return error;
	row(&rounds, flows, "6 snapshot / bare batch read", SNAPSHOT, BATCHES, goal);
	row(&rounds, flows, "6 first snapshot, all flows new / bare batch read", FIRST, BATCHES, 0);
	part(&rounds, flows, "swap", SWAP);
	part(&rounds, flows, "drain and flow table", DRAIN);
	part(&rounds, flows, "sweep and top 100", SWEEP);
	part(&rounds, flows, "render", RENDER);
	part(&rounds, flows, "wall time without the swap", WALL);
	part(&rounds, flows, "wall time of the swap", SWAP_WALL);
	return 0;
}

static int snapshots(void)
{
	int error = snapshot_at(1U << 20, 1.15);

	if (!error)
		error = snapshot_at(1U << 13, 1.30);
	if (!error)
		error = snapshot_at(1U << 16, 0);
	return error ? error : snapshot_at(1U << 10, 0);
}

static int others_measure(void *ctx, double *ret_values)
{
	struct lab *lab = ctx;
	struct cost steady;
	int error = sender_canary(lab->sender, &ret_values[CANARY]);

	if (!error)
		error = timed(lab, read_keys, &ret_values[KEYS]);
	if (!error)
		error = steady_snapshot(lab, &steady);
	if (!error)
		error = read_bpftool(lab, &ret_values[BPFTOOL]);
	ret_values[SNAPSHOT] = cost_sum(&steady);
	return error;
}

/* Against those who read key by key; they take long, so there are fewer rounds. */
static int others_at(uint32_t flows)
{
	LAB(lab);
	struct bench_rounds rounds;
	int error = lab_open_filled(&lab, flows);

	if (!error)
		error = bench_measure(&rounds, BENCH_KEPT_FEW, others_measure, &lab);
	if (error == -ENOENT) {
		bench_note("no bpftool in the path: nothing about those who read key by key");
		return 0;
	}
	if (error)
		return error;
	row(&rounds, flows, "7 snapshot / read key by key", SNAPSHOT, KEYS, 0.40);
	row(&rounds, flows, "7 snapshot / bpftool -j map dump", SNAPSHOT, BPFTOOL, 0.10);
	return 0;
}

static int others(void)
{
	int error = others_at(1U << 16);

	return error ? error : others_at(1U << 20);
}

/* --- the largest of them --- */

struct heap {
	struct sender *sender;
	struct xa_ledger *ledger;
	struct xa_table *table;
	struct xa_rows *rows;
	struct xa_topk *top;
	struct xa_snapshot_head
		*head; /* and behind it the flows, as the policy's worker sees them */
	struct xa_region_head *region; /* that it writes */
	struct xa_region_layout layout;
	struct xa_annotations *annotations;
};

static void heap_done(struct heap *heap)
{
	xa_annotations_free(heap->annotations);
	free(heap->region);
	free(heap->head);
	xa_topk_free(heap->top);
	xa_rows_free(heap->rows);
	xa_table_free(heap->table);
	xa_ledger_free(heap->ledger);
	sender_free(heap->sender);
}

enum shape {
	SHAPE_ZIPF,
	SHAPE_EQUAL, /* a flood: nothing tells the largest but their keys */
	SHAPE_VLAN, /* Zipf, each flow in a VLAN: rows have to be found */
	SHAPE_COUNT_
};

/* Zipf's law by hand: the flow at rank r has flows / r packets; a multiplication by an odd number
 * puts the ranks in no order. */
static struct xa_reading reading_of(uint32_t index, uint32_t flows, enum shape shape)
{
	uint32_t rank = (index * 2654435761U) % flows;
	struct xa_reading reading = {
		.key = {.tail = {.proto = 6, .slot = SLOT, .tag = shape == SHAPE_VLAN ? 7 : 0}},
		.value = {.packets = shape == SHAPE_EQUAL ? 1 : flows / (rank + 1), .bytes = 64},
	};

	memcpy(reading.key.saddr, &index, sizeof(index));
	return reading;
}

static int heap_open(struct heap *heap, uint32_t flows, enum shape shape)
{
	struct xa_table_limits limits = {.max = flows, .idle_ticks = INT32_MAX};
	int error = sender_new(&heap->sender, 1);

	if (error)
		return error;
	if (xa_ledger_new(&heap->ledger) || xa_ledger_open(heap->ledger, SLOT) ||
	    xa_table_new(&heap->table, &limits, heap->ledger) || xa_rows_new(&heap->rows, flows) ||
	    xa_topk_new(&heap->top, 100, false))
		return -ENOMEM;
	for (uint32_t i = 0; i < flows; i++) {
		struct xa_reading reading = reading_of(i, flows, shape);

		xa_table_add(heap->table, &reading, reading.value.last_tick);
	}
	return 0;
}

static struct xa_plugin_flow *heap_flows(const struct heap *heap)
{
	return (void *)((char *)heap->head + XA_SNAPSHOT_FLOWS);
}

/* A region as of two labels, of which each flow has one, with every fourth flow hidden. */
static int heap_open_policy(struct heap *heap, uint32_t flows)
{
	static const struct xa_region_label labels[] = {{.name = "service"}, {.name = "zone"}};
	uint32_t *columns;

	heap->layout = xa_region_layout(flows, XA_PLUGIN_VALUE_OTHER + 1);
	heap->head = calloc(1, xa_snapshot_size(flows));
	heap->region = calloc(1, heap->layout.size);
	if (!heap->head || !heap->region || xa_table_mark(heap->table) ||
	    xa_annotations_new(&heap->annotations, flows, heap->layout.max_values))
		return -ENOMEM;
	xa_annotations_set_labels(heap->annotations, labels, array_size(labels));
	heap->region->value_count = heap->layout.max_values;
	columns = (void *)((char *)heap->region + heap->layout.columns);
	for (uint32_t i = 0; i < flows; i++) {
		((char *)heap->region)[heap->layout.hidden + i] = i % 4 == 0;
		columns[(i % 2) * flows + i] = XA_PLUGIN_VALUE_OTHER;
	}
	return 0;
}

enum {
	SUM = 1,
	TOP,
	RANK,
	VIEW,
	TAKE,
	JUDGED,
};

static void heap_measure_policy(struct heap *heap, uint64_t *cpu, double *ret_values)
{
	static const char *const names[XA_SLOTS] = {[SLOT] = "lo"};
	const struct xa_view_time time = {.wall_ns = xa_wall_ns()};
	const struct xa_judgement judgement = xa_judgement_of(heap->annotations);
	const struct xa_ranking ranking = {.judgement = &judgement};
	struct xa_totals totals, hidden;
	size_t count;

	totals = xa_view_write(heap->head, heap_flows(heap), heap->table, &time, names);
	ret_values[VIEW] = lap(cpu);
	(void)xa_annotations_take(heap->annotations, heap->region, &heap->layout, heap_flows(heap),
				  totals.flows);
	ret_values[TAKE] = lap(cpu);
	(void)xa_rows_rank(heap->rows, heap->table, &ranking, heap->top, &hidden);
	(void)xa_topk_sorted(heap->top, &count);
	ret_values[JUDGED] = lap(cpu);
}

static int heap_measure(void *ctx, double *ret_values)
{
	struct heap *heap = ctx;
	struct xa_ranking ranking = {0};
	struct xa_totals hidden;
	int error = sender_canary(heap->sender, &ret_values[CANARY]);
	uint64_t cpu = bench_cpu_ns();
	size_t count;

	(void)xa_table_sweep(heap->table, 0, NULL, NULL);
	ret_values[SUM] = lap(&cpu);
	xa_topk_reset(heap->top);
	(void)xa_table_sweep(heap->table, 0, xa_topk_visit, heap->top);
	(void)xa_topk_sorted(heap->top, &count);
	ret_values[TOP] = lap(&cpu);
	(void)xa_rows_rank(heap->rows, heap->table, &ranking, heap->top, &hidden);
	(void)xa_topk_sorted(heap->top, &count);
	ret_values[RANK] = lap(&cpu);
	heap_measure_policy(heap, &cpu, ret_values);
	return error;
}

static int largest_of(enum shape shape)
{
	static const char *const names[SHAPE_COUNT_] = {
		[SHAPE_ZIPF] = "1M flows by Zipf's law",
		[SHAPE_EQUAL] = "1M flows of one packet",
		[SHAPE_VLAN] = "1M flows in a VLAN",
	};
	XA_CLEANUP(heap_done) struct heap heap = {0};
	struct bench_rounds rounds;
	char what[96];
	int error = heap_open(&heap, 1U << 20, shape);

	if (!error)
		error = heap_open_policy(&heap, 1U << 20);
	if (!error)
		error = bench_measure(&rounds, BENCH_KEPT, heap_measure, &heap);
	if (error)
		return error;
	(void)snprintf(what, sizeof(what), "8 top 100 / sum, %s", names[shape]);
	bench_row(&rounds, what, TOP, SUM, "ns", shape == SHAPE_ZIPF ? 1.5 : 0);
	(void)snprintf(what, sizeof(what), "8 top 100 of rows / sum, %s", names[shape]);
	bench_row(&rounds, what, RANK, SUM, "ns", shape == SHAPE_ZIPF ? 1.5 : 0);
	(void)snprintf(what, sizeof(what), "8 what the policy sees / sum, %s", names[shape]);
	bench_row(&rounds, what, VIEW, SUM, "ns", 0);
	(void)snprintf(what, sizeof(what), "8 what it says, taken over / sum, %s", names[shape]);
	bench_row(&rounds, what, TAKE, SUM, "ns", 0);
	(void)snprintf(what, sizeof(what), "8 top 100 of what it shows / sum, %s", names[shape]);
	bench_row(&rounds, what, JUDGED, SUM, "ns", 0);
	return 0;
}

static int largest(void)
{
	int error = 0;

	for (enum shape shape = 0; !error && shape < SHAPE_COUNT_; shape++)
		error = largest_of(shape);
	return error;
}

/* --- memory --- */

static double resident_bytes(void)
{
	unsigned long long total, resident = 0;
	_cleanup_file_ FILE *file = fopen("/proc/self/statm", "re");

	if (file && fscanf(file, "%llu %llu", &total, &resident) != 2)
		resident = 0;
	return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static int memory(void)
{
	LAB(lab);
	struct xa_xdp_options options = {.max_flows = 1U << 20, .percpu = true};
	double before = resident_bytes();
	int error = lab_open_filled(&lab, options.max_flows);

	if (error)
		return error;
	bench_row_value("9 daemon's memory a living flow, 1M flows",
			(resident_bytes() - before) / lab.flows, "bytes", MEMORY_MAX);
	bench_note("the kernel's maps beside it: %.0f bytes a flow, both families and sides",
		   (double)xa_xdp_memory_bytes(&options) / lab.flows);
	return 0;
}

static const struct section {
	const char *name;
	int (*run)(void);
} sections[] = {
	{"memory", memory},
	{"snapshots", snapshots},
	{"others", others},
	{"largest", largest},
};

static bool is_wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return argc < 2;
}

int main(int argc, char **argv)
{
	int error = bench_pin(0);

	for (size_t i = 0; !error && i < array_size(sections); i++) {
		if (is_wanted(sections[i].name, argc, argv))
			error = sections[i].run();
		if (error)
			fprintf(stderr, "%s: %s\n", sections[i].name, strerror(-error));
	}
	if (error == -EPERM)
		return XA_EXIT_NOT_PERMITTED;
	return error ? XA_EXIT_FAILURE : 0;
}
