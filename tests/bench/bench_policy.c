/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What a policy costs the daemon and its worker, by the real supervisor over a real worker: CPU
 * time of both for one snapshot. The first argument is the program to run as the worker. The canary
 * is a loop in C that reads each flow once.
 */

#include "tests/bench/bench.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <string.h>

#include "config/load.h"
#include "core/policy/supervisor.h"
#include "core/policy/view.h"

#define FLOWS  1000000U
#define HOSTS  50000U
#define SLOT   1
#define MEMORY "1GiB"

/* --- rules --- */

#define PLAIN_FILTER \
	"local sums = {}\n" \
	"return {\n" \
	"  filter = function(flow)\n" \
	"    local t = {src = tostring(flow.src), dst = tostring(flow.dst), sport = flow.sport,\n" \
	"      dport = flow.dport, proto = flow.proto, bytes = flow.bytes, packets = " \
	"flow.packets}\n" \
	"    local shown = t.bytes > 100 and t.dport ~= 22\n" \
	"    if shown then sums[t.dport] = (sums[t.dport] or 0) + t.bytes end\n" \
	"    return shown\n" \
	"  end,\n" \
	"  derive = function() sums = {} end,\n" \
	"}\n"

enum part {
	CANARY,
	COPY_1K,
	COPY_64K,
	COPY_1M,
	SWEEP,
	VIEW,
	FIRST_CASE_,
	EMPTY_1K = FIRST_CASE_,
	EMPTY_64K,
	EMPTY_1M,
	ZONES_FIRST,
	ZONES_LATER,
	FILTER_SUM,
	TABLES,
	PART_COUNT_
};
_Static_assert(PART_COUNT_ <= BENCH_VALUES_MAX, "room for all");

enum stage {
	STAGE_EMPTY,
	STAGE_ZONES,
	STAGE_FILTER_SUM,
	STAGE_TABLES,
	STAGE_COUNT_
};

/* Files of rules, by stage; the zones' is a list that is made. */
static const char *const rules[STAGE_COUNT_] = {
	[STAGE_EMPTY] = "return {}\n",
	[STAGE_FILTER_SUM] =
		"return {\n"
		"  filter = function(flow) return flow.bytes > 100 and flow.dport ~= 22 end,\n"
		"  derive = function(s) for port, sum in s:sum_by('dport') do end end,\n"
		"}\n",
	[STAGE_TABLES] = PLAIN_FILTER,
};

static const struct {
	enum stage stage;
	uint32_t flows;
	bool fresh;
	bool repeats; /* short ones are done many times */
} cases[PART_COUNT_ - FIRST_CASE_] = {
	[EMPTY_1K - FIRST_CASE_] = {STAGE_EMPTY, 1 << 10, false, true},
	[EMPTY_64K - FIRST_CASE_] = {STAGE_EMPTY, 1 << 16, false, true},
	[EMPTY_1M - FIRST_CASE_] = {STAGE_EMPTY, FLOWS, false, false},
	[ZONES_FIRST - FIRST_CASE_] = {STAGE_ZONES, FLOWS, true, false},
	[ZONES_LATER - FIRST_CASE_] = {STAGE_ZONES, FLOWS, false, false},
	[FILTER_SUM - FIRST_CASE_] = {STAGE_FILTER_SUM, FLOWS, false, false},
	[TABLES - FIRST_CASE_] = {STAGE_TABLES, FLOWS, false, false},
};

#define REPEATS 50

/* --- the bench --- */

#define ZONES	 10
#define NETWORKS 10000

struct bench {
	char folder[64];
	struct xa_plugin_flow *flows, *copy;
	struct xa_config *configs[STAGE_COUNT_];
	struct xa_policy *policies[STAGE_COUNT_];
	struct xa_ledger *ledger;
	struct xa_table *table;
	struct xa_snapshot_head *head; /* of the views */
	uint32_t serial; /* of the flows now */
	uint32_t tick;
};

static int remove_one(const char *path, const struct stat *stat_of, int kind, struct FTW *at)
{
	(void)stat_of;
	(void)kind;
	(void)at;
	return remove(path);
}

static void bench_done(struct bench *bench)
{
	for (size_t i = 0; i < STAGE_COUNT_; i++) {
		xa_policy_free(bench->policies[i]);
		xa_config_free(bench->configs[i]);
	}
	xa_table_free(bench->table);
	xa_ledger_free(bench->ledger);
	free(bench->flows);
	free(bench->copy);
	free(bench->head);
	if (bench->folder[0])
		(void)nftw(bench->folder, remove_one, 4, FTW_DEPTH | FTW_PHYS);
}

static struct xa_plugin_flow make_flow(uint32_t i, uint64_t *random)
{
	*random = *random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (struct xa_plugin_flow){
		.src = {10, 0, (uint8_t)(i * 7 % HOSTS >> 8), (uint8_t)(i * 7 % HOSTS)},
		.dst = {172, 16 + i % 16, (uint8_t)(*random >> 24), 1},
		.packets = 1 + (*random >> 50),
		.bytes = 64 * (1 + (*random >> 50)),
		.handle = i,
		.sport = (uint16_t)(*random >> 20),
		.dport = (uint16_t)((*random >> 36) % 1000),
		.interface = SLOT,
		.family = 4,
		.proto = *random >> 63 ? 6 : 17,
	};
}

/* The same flows for the table; the number as port and VLAN tells them apart. */
static struct xa_reading make_reading(uint32_t i)
{
	struct xa_reading reading = {
		.key = {.saddr = {10, 0, (uint8_t)(i * 7 % HOSTS >> 8), (uint8_t)(i * 7 % HOSTS)},
			.daddr = {172, 16, 0, 1},
			.tail = {.sport = htons((uint16_t)i),
				 .dport = htons((uint16_t)(i >> 16)),
				 .proto = 17,
				 .slot = SLOT}},
		.value = {.packets = 1, .bytes = 100},
	};

	return reading;
}

static int open_table(struct bench *bench)
{
	const struct xa_table_limits limits = {.max = FLOWS, .idle_ticks = INT32_MAX};
	int error = xa_ledger_new(&bench->ledger);

	if (!error)
		error = xa_ledger_open(bench->ledger, SLOT);
	if (!error)
		error = xa_table_new(&bench->table, &limits, bench->ledger);
	if (!error)
		error = xa_table_mark(bench->table);
	for (uint32_t i = 0; i < FLOWS && !error; i++) {
		const struct xa_reading reading = make_reading(i);

		xa_table_add(bench->table, &reading, ++bench->tick);
	}
	return error;
}

/* --- policies --- */

/* 10,000 networks of 256 addresses each, in ten zones. */
static bool write_networks(FILE *file)
{
	for (unsigned i = 0; i < NETWORKS; i++)
		if (fprintf(file, "%s%u.%u.0/24 zone%u\n", i < NETWORKS / 2 ? "10." : "172.",
			    i / 256, i % 256, i % ZONES) < 0)
			return false;
	return true;
}

static int write_file(const struct bench *bench, enum stage stage)
{
	char path[96];
	FILE *file;
	bool written;

	(void)snprintf(path, sizeof(path), "%s/%d", bench->folder, (int)stage);
	file = fopen(path, "we");
	if (!file)
		return -errno;
	written = rules[stage] ? fputs(rules[stage], file) >= 0 : write_networks(file);
	return fclose(file) == 0 && written ? 0 : -EIO;
}

static void add_config(struct xa_buf *yaml, enum stage stage)
{
	xa_buf_adds(yaml, "policy:\n  deadline: 10s\n  memory: " MEMORY "\n  stages:\n");
	if (rules[stage])
		xa_buf_addf(yaml, "    - lua: {file: \"%d\", steps: 2000000000}\n", (int)stage);
	else
		xa_buf_addf(yaml, "    - zones: {file: \"%d\"}\n", (int)stage);
}

static int load(struct bench *bench, enum stage stage, const char *executable, struct xa_whys *whys)
{
	const struct xa_policy_hooks hooks = {.executable = executable};
	_cleanup_xa_buf_ struct xa_buf yaml = {0};
	char name[96];
	int error = write_file(bench, stage);

	add_config(&yaml, stage);
	(void)snprintf(name, sizeof(name), "%s/bench.yaml", bench->folder);
	if (!error)
		error = xa_buf_failed(&yaml)
				? -ENOMEM
				: xa_config_load_buffer(&bench->configs[stage], name, yaml.text,
							yaml.len, NULL, 0, whys);
	if (!error)
		error = xa_policy_new(&bench->policies[stage], bench->configs[stage], FLOWS, &hooks,
				      whys);
	if (!error)
		memcpy(xa_policy_flows(bench->policies[stage]), bench->flows,
		       FLOWS * sizeof(*bench->flows));
	return error;
}

static int open_policies(struct bench *bench, const char *executable)
{
	struct xa_whys whys = {0};
	int error = 0;

	for (enum stage stage = 0; stage < STAGE_COUNT_ && !error; stage++)
		error = load(bench, stage, executable, &whys);
	for (size_t i = 0; i < whys.count && i < XA_WHYS_MAX; i++)
		bench_note("%s:%u: %s", whys.why[i].file, whys.why[i].line, whys.why[i].text);
	return error;
}

static int bench_open(struct bench *bench, const char *executable)
{
	uint64_t random = 1;

	(void)snprintf(bench->folder, sizeof(bench->folder), "/tmp/xa-bench-policy-XXXXXX");
	if (!mkdtemp(bench->folder)) {
		bench->folder[0] = '\0';
		return -errno;
	}
	bench->flows = calloc(FLOWS, sizeof(*bench->flows));
	bench->copy = calloc(FLOWS, sizeof(*bench->copy));
	bench->head = calloc(1, sizeof(*bench->head));
	if (!bench->flows || !bench->copy || !bench->head)
		return -ENOMEM;
	for (uint32_t i = 0; i < FLOWS; i++)
		bench->flows[i] = make_flow(i, &random);
	return open_policies(bench, executable);
}

/* --- measuring: nanoseconds a flow --- */

static uint64_t worker_cpu_ns(const struct xa_policy *policy)
{
	struct timespec ts = {0};
	clockid_t clock;

	if (!clock_getcpuclockid(xa_policy_pid(policy), &clock))
		(void)clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * XA_NS_PER_S + (uint64_t)ts.tv_nsec;
}

static double canary(const struct bench *bench)
{
	const uint64_t begin = bench_cpu_ns();
	uint64_t sum = 0;

	for (uint32_t i = 0; i < FLOWS; i++)
		sum += bench->flows[i].bytes;
	__asm__ volatile("" ::"r"(sum)); /* or nothing is added */
	return (double)(bench_cpu_ns() - begin) / FLOWS;
}

/* What handing flows over by writing them somewhere would cost at the least. */
static double copy(const struct bench *bench, uint32_t flows)
{
	const unsigned repeats = flows < FLOWS ? REPEATS : 1;
	const uint64_t begin = bench_cpu_ns();

	for (unsigned i = 0; i < repeats; i++) {
		memcpy(bench->copy, bench->flows, flows * sizeof(*bench->flows));
		__asm__ volatile("" : : "r"(bench->copy) : "memory");
	}
	return (double)(bench_cpu_ns() - begin) / repeats / flows;
}

static void visit(void *ctx, const struct xa_flow *flow)
{
	*(uint64_t *)ctx += flow->bytes;
}

static double sweep(struct bench *bench)
{
	const uint64_t begin = bench_cpu_ns();
	uint64_t sum = 0;

	(void)xa_table_sweep(bench->table, bench->tick, visit, &sum);
	return (double)(bench_cpu_ns() - begin) / FLOWS;
}

static double view(struct bench *bench)
{
	static const char *const names[XA_SLOTS] = {[SLOT] = "lo"};
	const struct xa_view_time time = {.now_tick = bench->tick, .wall_ns = XA_NS_PER_S};
	const uint64_t begin = bench_cpu_ns();

	(void)xa_view_write(bench->head, bench->copy, bench->table, &time, names);
	return (double)(bench_cpu_ns() - begin) / FLOWS;
}

static void renew(struct bench *bench, struct xa_policy *policy)
{
	struct xa_plugin_flow *flows = xa_policy_flows(policy);

	bench->serial++;
	for (uint32_t i = 0; i < FLOWS; i++)
		flows[i].serial = bench->serial;
}

struct spent {
	double daemon, worker, wall;
};

/* Whichever worker it is, the first snapshot of so many flows is over. */
static int judge(struct bench *bench, size_t which, struct spent *ret)
{
	struct xa_policy *policy = bench->policies[cases[which].stage];
	struct xa_snapshot_head *head = xa_policy_head(policy);
	const unsigned repeats = cases[which].repeats ? REPEATS : 1;
	uint64_t daemon, worker, wall;
	bool judged = true;

	*head = (struct xa_snapshot_head){.count = cases[which].flows, .now_ns = xa_wall_ns()};
	if (cases[which].fresh)
		renew(bench, policy);
	else
		judged = xa_policy_judge(policy);
	daemon = bench_cpu_ns();
	worker = worker_cpu_ns(policy);
	wall = xa_now_ns();
	for (unsigned i = 0; i < repeats && judged; i++)
		judged = xa_policy_judge(policy);
	ret->wall = (double)(xa_now_ns() - wall) / repeats;
	ret->worker = (double)(worker_cpu_ns(policy) - worker) / repeats;
	ret->daemon = (double)(bench_cpu_ns() - daemon) / repeats;
	if (!judged)
		bench_note("case %zu: %s", which, xa_policy_stage(policy, 0)->last.text);
	return judged ? 0 : -EIO;
}

static int measure_cases(void *ctx, double *ret_values)
{
	struct bench *bench = ctx;

	ret_values[CANARY] = canary(bench);
	ret_values[COPY_1K] = copy(bench, 1 << 10);
	ret_values[COPY_64K] = copy(bench, 1 << 16);
	ret_values[COPY_1M] = copy(bench, FLOWS);
	for (size_t i = FIRST_CASE_; i < PART_COUNT_; i++) {
		struct spent spent;
		int error = judge(bench, i - FIRST_CASE_, &spent);

		if (error)
			return error;
		ret_values[i] = (spent.daemon + spent.worker) / cases[i - FIRST_CASE_].flows;
	}
	return 0;
}

static int measure_views(void *ctx, double *ret_values)
{
	struct bench *bench = ctx;

	ret_values[CANARY] = canary(bench);
	ret_values[SWEEP] = sweep(bench);
	ret_values[VIEW] = view(bench);
	return 0;
}

/* --- rows --- */

static void tell(const struct bench_rounds *rounds)
{
	static const struct {
		const char *what;
		enum part part, of;
		double goal;
	} rows[] = {
		{"empty rule, 1k flows / a copy of them", EMPTY_1K, COPY_1K, 0},
		{"empty rule, 64k flows / a copy of them", EMPTY_64K, COPY_64K, 0},
		{"empty rule, 1M flows / a copy of them", EMPTY_1M, COPY_1M, 0},
		{"zones of 10,000 networks, 1M new flows / empty rule", ZONES_FIRST, EMPTY_1M, 0},
		{"zones of 10,000 networks, the same flows / empty rule", ZONES_LATER, EMPTY_1M, 0},
		{"filter() and sum_by(), 1M flows / a table for each flow", FILTER_SUM, TABLES,
		 0.5},
	};

	for (size_t i = 0; i < array_size(rows); i++)
		bench_row(rounds, rows[i].what, rows[i].part, rows[i].of, "ns a flow",
			  rows[i].goal);
	bench_row_value("empty rule, 1k flows: one snapshot",
			bench_median(rounds, EMPTY_1K) * (1 << 10) / 1000, "us", 0);
	bench_row_value("filter() and sum_by(), 1M flows: one snapshot",
			bench_median(rounds, FILTER_SUM) * FLOWS / XA_NS_PER_S, "s", 1);
}

static int measure_all(struct bench *bench, const char *executable)
{
	struct bench_rounds rounds;
	int error = bench_open(bench, executable);

	if (!error)
		error = bench_measure(&rounds, BENCH_KEPT, measure_cases, bench);
	if (error)
		return error;
	tell(&rounds);
	error = open_table(bench);
	if (!error)
		error = bench_measure(&rounds, BENCH_KEPT, measure_views, bench);
	if (!error)
		bench_row(&rounds, "snapshot of 1M flows in shared memory / sweep", VIEW, SWEEP,
			  "ns a flow", 0);
	return error;
}

int main(int argc, char **argv)
{
	struct bench *bench;
	int error;

	if (argc != 2) {
		(void)fprintf(stderr, "usage: %s XDP-AUDITOR\n", argv[0]);
		return 2;
	}
	bench = calloc(1, sizeof(*bench));
	if (!bench)
		return EXIT_FAILURE;
	error = measure_all(bench, argv[1]);
	if (error)
		bench_note("cannot measure the policy: %s", strerror(-error));
	bench_done(bench);
	free(bench);
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}
