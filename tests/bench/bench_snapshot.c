/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What a snapshot costs: the daemon's own poll, ranking and rendering, over flows that the real
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
#include "core/list.h"
#include "core/poll.h"
#include "tests/bench/bench.h"
#include "tests/bench/sender.h"

#define IFINDEX_LO   1 /* where TEST_RUN says that its packets come from */
#define SLOT	     1
#define BATCH	     4096
#define MEMORY_MAX   128.0 /* bytes a flow */
#define REPEAT_UNTIL (1U << 16)

extern char **environ;

/* The daemon without its edges. */
struct lab {
	struct sender *sender;
	struct xa_config *config;
	struct xa_books books;
	struct xa_poll poll;
	struct xa_xdp *xdp;
	struct xa_topk *top;
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
	xa_xdp_free(lab->xdp);
	xa_books_close(&lab->books);
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

/* Books in which nothing stands, whatever the maps hold. */
static int books_renew(struct lab *lab)
{
	int error;

	xa_books_close(&lab->books);
	lab->books = (struct xa_books){0};
	error = xa_books_open(&lab->books, lab->config);
	return error ? error : xa_ledger_open(lab->books.ledger, SLOT);
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

static int config_load(struct lab *lab)
{
	char max[32];
	const char *const settings[] = {"top_k=100", "flows.idle_timeout=1h", max};
	struct xa_whys whys = {0};

	(void)snprintf(max, sizeof(max), "flows.max=%u", lab->flows);
	return xa_config_load(&lab->config, NULL, settings, array_size(settings), &whys);
}

static int lab_open(struct lab *lab, uint32_t flows)
{
	int error = sender_new(&lab->sender, 1);

	lab->flows = flows;
	lab->keys = calloc(BATCH, sizeof(struct xa_flow_key4));
	lab->values = calloc((size_t)BATCH * (size_t)sysconf(_SC_NPROCESSORS_CONF),
			     sizeof(struct xa_flow_value));
	if (!lab->keys || !lab->values)
		return -ENOMEM;
	if (!error)
		error = config_load(lab);
	if (!error)
		error = xa_topk_new(&lab->top, lab->config->top_k, 0, false);
	if (!error)
		error = books_renew(lab);
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
	double poll; /* swap, tally, drain, flow table */
	double rank; /* sweep and the largest */
	double render;
	double list;
	double wall; /* all of it without the swap */
	double swap_wall;
};

static double lap(uint64_t *since)
{
	uint64_t now = bench_cpu_ns(), spent = now - *since;

	*since = now;
	return (double)spent;
}

static int snapshot(struct lab *lab, struct cost *ret_cost)
{
	const char *names[XA_SLOTS] = {[SLOT] = "lo"};
	struct xa_exposition expo = {.buf = &lab->page};
	struct xa_traffic traffic = {.config = lab->config, .slot_names = names};
	_cleanup_xa_listing_ struct xa_listing *listing = NULL;
	struct xa_left_out left_out;
	uint64_t cpu = bench_cpu_ns(), start = xa_now_ns();
	int error = xa_poll_collect(&lab->poll, lab->xdp, &lab->books);

	ret_cost->poll = lap(&cpu);
	if (error)
		return error;
	xa_books_rank(&lab->books, lab->poll.now_tick, NULL, lab->top, &traffic);
	ret_cost->rank = lap(&cpu);
	xa_buf_reset(&lab->page);
	xa_render_traffic(&expo, &traffic, &left_out);
	ret_cost->render = lap(&cpu);
	error = xa_list_flows(&listing, &traffic, 0);
	if (error)
		return error;
	ret_cost->list = lap(&cpu);
	ret_cost->wall = (double)(xa_now_ns() - lab->poll.swapped_ns);
	ret_cost->swap_wall = (double)(lab->poll.swapped_ns - start);
	return traffic.totals.flows == lab->flows && !xa_buf_failed(&lab->page) ? 0 : -EBADMSG;
}

static double cost_sum(const struct cost *cost)
{
	return cost->poll + cost->rank + cost->render + cost->list;
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
	error = read(lab, lab->side_fds[1 - lab->poll.side], &entries);
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
	POLL,
	RANK,
	RENDER,
	LIST,
	WALL,
	SWAP_WALL,
};

static void cost_add(const struct cost *cost, double *values)
{
	values[SNAPSHOT] += cost_sum(cost);
	values[POLL] += cost->poll;
	values[RANK] += cost->rank;
	values[RENDER] += cost->render;
	values[LIST] += cost->list;
	values[WALL] += cost->wall;
	values[SWAP_WALL] += cost->swap_wall;
}

/* Entries stand on both sides and their flows in the table, all with traffic since the last read of
 * their side. */
static int steady_snapshot(struct lab *lab, struct cost *ret_cost)
{
	int error = traffic(lab);

	return error ? error : snapshot(lab, ret_cost);
}

/* A snapshot of few flows is over in less time than an interrupt may take: so many in turns make a
 * round. */
static unsigned repeats_of(const struct lab *lab)
{
	return lab->flows < REPEAT_UNTIL ? REPEAT_UNTIL / lab->flows : 1;
}

static int steady_measure(struct lab *lab, double *values)
{
	struct cost steady;
	double batches;
	int error = timed(lab, read_batches, &batches);

	if (!error)
		error = steady_snapshot(lab, &steady);
	if (error)
		return error;
	values[BATCHES] += batches;
	cost_add(&steady, values);
	return 0;
}

static int first_measure(struct lab *lab, double *ret_ns)
{
	struct cost first, second;
	int error = books_renew(lab);

	if (!error)
		error = steady_snapshot(lab, &first);
	if (!error)
		error = steady_snapshot(lab, &second); /* the other side's first read */
	if (!error)
		*ret_ns = cost_sum(&first);
	return error;
}

static int snapshot_measure(void *ctx, double *ret_values)
{
	struct lab *lab = ctx;
	unsigned repeats = repeats_of(lab);
	double values[BENCH_VALUES_MAX] = {0};
	int error = first_measure(lab, &values[FIRST]);

	for (unsigned i = 0; !error && i < repeats; i++)
		error = steady_measure(lab, values);
	for (size_t i = 0; i < BENCH_VALUES_MAX; i++)
		ret_values[i] = i == FIRST ? values[i] : values[i] / repeats;
	return error ? error : sender_canary(lab->sender, &ret_values[CANARY]);
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
	part(&rounds, flows, "bare batch read", BATCHES);
	part(&rounds, flows, "swap, drain and flow table", POLL);
	part(&rounds, flows, "sweep and top 100", RANK);
	part(&rounds, flows, "render", RENDER);
	part(&rounds, flows, "listing for the API", LIST);
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

/* --- entries that stand, against entries that go --- */

enum {
	STANDS = 1,
	GOES,
	AGAIN, /* the packets into entries that stand */
	ANEW, /* into none */
};

/* As xa_sink.take; `ctx`: whether all go. */
static void take_all(void *ctx, const struct xa_reading *readings, size_t count, bool *ret_forget)
{
	(void)readings;
	memset(ret_forget, *(const bool *)ctx, count * sizeof(*ret_forget));
}

/* A packet for each flow, and a drain of the side that they went to. */
static int drain_side(struct lab *lab, bool delete, double *ret_traffic_ns, double *ret_drain_ns)
{
	struct xa_sink sink = {.ctx = &delete, .take = take_all};
	uint64_t cpu = bench_cpu_ns();
	struct xa_xdp_fill fill;
	unsigned side;
	int error = traffic(lab);

	*ret_traffic_ns = lap(&cpu);
	if (!error)
		error = xa_xdp_swap(lab->xdp, &side);
	cpu = bench_cpu_ns();
	if (!error)
		error = xa_xdp_drain(lab->xdp, side, xa_tick(xa_now_ns()), &sink, &fill);
	*ret_drain_ns = lap(&cpu);
	return error || fill.entries[XA_IPV4] == lab->flows ? error : -EBADMSG;
}

/* One side's entries stand, those of the other go each time. */
static int emptying_measure(void *ctx, double *ret_values)
{
	struct lab *lab = ctx;
	int error = sender_canary(lab->sender, &ret_values[CANARY]);

	if (!error)
		error = drain_side(lab, false, &ret_values[AGAIN], &ret_values[STANDS]);
	if (!error)
		error = drain_side(lab, true, &ret_values[ANEW], &ret_values[GOES]);
	return error;
}

static int emptying_at(uint32_t flows)
{
	LAB(lab);
	struct bench_rounds rounds;
	double first_round[BENCH_VALUES_MAX];
	int error = lab_open(&lab, flows);

	if (!error)
		error = emptying_measure(&lab, first_round);
	if (!error)
		error = bench_measure(&rounds, BENCH_KEPT, emptying_measure, &lab);
	if (error)
		return error;
	row(&rounds, flows, "6 drain that deletes / that lets stand", GOES, STANDS, 0);
	row(&rounds, flows, "6 packets into the emptied side / into what stands", ANEW, AGAIN, 0);
	return 0;
}

static int emptying(void)
{
	int error = emptying_at(1U << 16);

	return error ? error : emptying_at(1U << 20);
}

/* --- the largest of them --- */

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

/* The parts of a lab that need no kernel. */
static int heap_open(struct lab *lab, uint32_t flows, enum shape shape)
{
	int error = sender_new(&lab->sender, 1);

	lab->flows = flows;
	if (!error)
		error = config_load(lab);
	if (!error)
		error = xa_topk_new(&lab->top, lab->config->top_k, 0, false);
	if (!error)
		error = books_renew(lab);
	for (uint32_t i = 0; !error && i < flows; i++) {
		struct xa_reading reading = reading_of(i, flows, shape);

		xa_table_add(lab->books.table, &reading, reading.value.last_tick);
	}
	return error;
}

enum {
	SUM = 1,
	TOP,
	RANKED,
	MERGED,
};

static int heap_measure(void *ctx, double *ret_values)
{
	struct lab *lab = ctx;
	struct xa_traffic traffic = {.config = lab->config};
	int error = sender_canary(lab->sender, &ret_values[CANARY]);
	uint64_t cpu = bench_cpu_ns();
	size_t count;

	(void)xa_table_sweep(lab->books.table, 0, NULL, NULL);
	ret_values[SUM] = lap(&cpu);
	xa_topk_reset(lab->top);
	(void)xa_table_sweep(lab->books.table, 0, xa_topk_visit, lab->top);
	(void)xa_topk_sorted(lab->top, &count);
	ret_values[TOP] = lap(&cpu);
	xa_books_rank(&lab->books, 0, NULL, lab->top, &traffic);
	ret_values[RANKED] = lap(&cpu);
	return error;
}

/* In rounds of their own: what a branch learns from the one slows the other down. */
static int merged_measure(void *ctx, double *ret_values)
{
	struct lab *lab = ctx;
	struct xa_traffic traffic = {.config = lab->config};
	const unsigned all = lab->config->metrics.labels;
	int error = sender_canary(lab->sender, &ret_values[CANARY]);
	uint64_t cpu = bench_cpu_ns();

	xa_books_rank(&lab->books, 0, NULL, lab->top, &traffic);
	ret_values[RANKED] = lap(&cpu);
	lab->config->metrics.labels = 1U << XA_LABEL_SRC | 1U << XA_LABEL_DST;
	xa_books_rank(&lab->books, 0, NULL, lab->top, &traffic);
	ret_values[MERGED] = lap(&cpu);
	lab->config->metrics.labels = all;
	return error;
}

static int largest_of(enum shape shape)
{
	static const char *const names[SHAPE_COUNT_] = {
		[SHAPE_ZIPF] = "1M flows by Zipf's law",
		[SHAPE_EQUAL] = "1M flows of one packet",
		[SHAPE_VLAN] = "1M flows in a VLAN",
	};
	LAB(lab);
	struct bench_rounds rounds;
	char what[96];
	int error = heap_open(&lab, 1U << 20, shape);

	if (!error)
		error = bench_measure(&rounds, BENCH_KEPT, heap_measure, &lab);
	if (error)
		return error;
	(void)snprintf(what, sizeof(what), "8 top 100 / sum, %s", names[shape]);
	bench_row(&rounds, what, TOP, SUM, "ns", shape == SHAPE_ZIPF ? 1.5 : 0);
	(void)snprintf(what, sizeof(what), "8 top 100 of rows / sum, %s", names[shape]);
	bench_row(&rounds, what, RANKED, SUM, "ns", shape == SHAPE_ZIPF ? 1.5 : 0);
	error = bench_measure(&rounds, BENCH_KEPT, merged_measure, &lab);
	if (error)
		return error;
	(void)snprintf(what, sizeof(what), "8 rows by src and dst / rows, %s", names[shape]);
	bench_row(&rounds, what, MERGED, RANKED, "ns", 0);
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
	{"memory", memory}, {"snapshots", snapshots}, {"emptying", emptying},
	{"others", others}, {"largest", largest},
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
