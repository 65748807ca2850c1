/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What this kernel's verifier says: each program alone, with either kind of flow map, loaded with
 * the rights that the process has. One line a load; where one is refused, the end of the verifier's
 * log follows it. Exit code 0 only if all were accepted.
 */

#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <string.h>

#include "bpf/flow_abi.h"
#include "core/base/base.h"
#include "core/source/skeleton.h"

#define LOG_SIZE  ((1U << 24) - 1) /* the most that 5.10 takes; it keeps the log's begin */
#define LOG_STEPS 1
#define LOG_STATS 4
#define LAST	  10

static const char *const programs[] = {"netflow_filter", "netflow_ip", "netflow_clock"};

struct attempt {
	const char *program;
	bool percpu;
	bool frags;
	bool sees_buff;
	__u32 log_level;
	char *log;
};

static void skeleton_cleanup(struct netflow_filter_bpf **skel)
{
	netflow_filter_bpf__destroy(*skel);
}

static void select_program(const struct netflow_filter_bpf *skel, const struct attempt *attempt)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, skel->obj)
	{
		bool wanted = !strcmp(bpf_program__name(program), attempt->program);

		(void)bpf_program__set_autoload(program, wanted);
		if (!wanted)
			continue;
		if (bpf_program__type(program) == BPF_PROG_TYPE_XDP)
			(void)bpf_program__set_flags(program,
						     attempt->frags ? BPF_F_XDP_HAS_FRAGS : 0);
		(void)bpf_program__set_log_buf(program, attempt->log, LOG_SIZE);
		(void)bpf_program__set_log_level(program, attempt->log_level);
	}
}

static int load(const struct attempt *attempt)
{
	XA_CLEANUP(skeleton_cleanup)
	struct netflow_filter_bpf *skel = xa_skeleton_open(attempt->sees_buff);
	enum bpf_map_type type = attempt->percpu ? BPF_MAP_TYPE_PERCPU_HASH : BPF_MAP_TYPE_HASH;

	if (!skel)
		return -errno;
	skel->rodata->percpu = attempt->percpu;
	(void)bpf_map__set_type(bpf_map__inner_map(skel->maps.flow_sides), type);
	(void)bpf_map__set_type(bpf_map__inner_map(skel->maps.flow_sides6), type);
	select_program(skel, attempt);
	attempt->log[0] = '\0';
	return netflow_filter_bpf__load(skel);
}

static void print_last(const char *log)
{
	const char *line = log + strlen(log);

	for (unsigned lines = 0; line > log && lines <= LAST; line--)
		lines += line[-1] == '\n';
	for (size_t len; *line; line += len + (line[len] == '\n')) {
		len = strcspn(line, "\n");
		printf("    %.*s\n", (int)len, line);
	}
}

/* "processed 5,000 insns (limit …", which kernels say at the level of statistics. */
static unsigned long processed(const char *log)
{
	const char *at = strstr(log, "processed ");

	return at ? strtoul(at + strlen("processed "), NULL, 10) : 0;
}

static bool is_accepted(const struct attempt *attempt, const char *rights)
{
	struct attempt again = *attempt;
	const char *map = attempt->percpu ? "a value a CPU" : "one value";
	int error = load(attempt);

	if (error) {
		again.sees_buff = false; /* as the daemon does: 6.2 and CAP_PERFMON */
		error = load(&again);
	}
	if (error == -EINVAL) {
		again.frags = false; /* 5.18 brought the flag */
		error = load(&again);
	}
	if (!error) {
		printf("ok verifier: %s, %s, %s: %lu instructions, frags %s, lengths by %s\n",
		       again.program, map, rights, processed(again.log), again.frags ? "yes" : "no",
		       again.sees_buff ? "pointers" : "a call");
		return true;
	}
	printf("failed verifier: %s, %s, %s: %s\n", again.program, map, rights, strerror(-error));
	again.log_level = LOG_STEPS;
	(void)load(&again);
	print_last(again.log);
	return false;
}

static int silence(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

int main(int argc, char **argv)
{
	_cleanup_free_ char *log = malloc(LOG_SIZE);
	bool all = true;

	if (argc != 2 || !log) {
		(void)fputs("usage: verify WITH-WHICH-RIGHTS\n", stderr);
		return 2;
	}
	(void)libbpf_set_print(silence);
	for (size_t i = 0; i < array_size(programs); i++)
		for (unsigned percpu = 0; percpu < 2; percpu++)
			all &= is_accepted(&(struct attempt){.program = programs[i],
							     .percpu = percpu,
							     .frags = true,
							     .sees_buff = true,
							     .log_level = LOG_STATS,
							     .log = log},
					   argv[1]);
	return all ? 0 : 1;
}
