/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Versions lie: distributions carry features back, containers take them away. So program and maps
 * are loaded as `run` loads them and looked at; only what cannot be tried is read from the kernel's
 * files.
 */

#include "core/diag_host.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cap-ng.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include "core/books.h"
#include "core/flow/table.h"
#include "core/privileges.h"

#define BTF_PATH	"/sys/kernel/btf/vmlinux"
#define INIT_USER_NS	"user:[4026531837]" /* PROC_USER_INIT_INO, include/linux/proc_ns.h */
#define FLOWS_REDUCED	1024
#define CPUS_MANY	32
#define CGROUP_NO_LIMIT (1ULL << 62) /* version 1 writes a number where version 2 writes max */
#define NOT_PERMITTED	"not permitted to try (needs CAP_BPF and CAP_NET_ADMIN)"
#define NOT_LOADED	"not to be tried: netflow_filter is not loaded"
#define PROC_SYS	"/proc/sys/"

static double mebibytes(uint64_t bytes)
{
	return (double)bytes / (1 << 20);
}

static bool read_number(const char *path, uint64_t *ret)
{
	_cleanup_file_ FILE *file = fopen(path, "re");
	unsigned long long number;

	if (!file || fscanf(file, "%llu", &number) != 1)
		return false;
	*ret = number;
	return true;
}

/* The lowest limit from the group up to the root; groups that are not to be seen from here, as in a
 * container, have none. */
static uint64_t cgroup_limit(const char *root, const char *group, const char *name)
{
	uint64_t lowest = UINT64_MAX, limit;
	char folder[2048], path[2304];

	(void)snprintf(folder, sizeof(folder), "%s%s", root, group);
	for (;;) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
		if (read_number(path, &limit) && limit < lowest && limit < CGROUP_NO_LIMIT)
			lowest = limit;
		if (strlen(folder) <= strlen(root))
			return lowest;
		*strrchr(folder, '/') = '\0';
	}
}

/* cgroups(7): "0::/group" is version 2, "4:memory:/group" version 1. */
static uint64_t memory_limit(void)
{
	_cleanup_file_ FILE *file = fopen("/proc/self/cgroup", "re");
	char line[2048], controllers[256], group[1536];
	uint64_t lowest = UINT64_MAX, limit = UINT64_MAX;

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "0::%1535[^\n]", group) == 1)
			limit = cgroup_limit("/sys/fs/cgroup", group, "memory.max");
		else if (sscanf(line, "%*u:%255[^:]:%1535[^\n]", controllers, group) == 2 &&
			 !strcmp(controllers, "memory"))
			limit = cgroup_limit("/sys/fs/cgroup/memory", group,
					     "memory.limit_in_bytes");
		lowest = limit < lowest ? limit : lowest;
	}
	return lowest;
}

static uint64_t machine_memory(void)
{
	return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* CAP_SYS_ADMIN stands in for the capabilities that were split from it: bpf_capable(). */
static bool has_cap(unsigned cap)
{
	return capng_have_capability(CAPNG_EFFECTIVE, cap) ||
	       capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN);
}

void xa_diag_host_probe(const struct xa_config *config, struct xa_diag_host *ret_host)
{
	struct xa_diag_host host = {
		.options = {.max_flows = config->flows.max,
			    .percpu = config->flows.percpu == XA_ON},
		.memory_bytes = memory_limit(),
	};
	struct xa_xdp_options options = host.options;
	uint64_t daemon = xa_books_memory_bytes(config);

	host.need_bytes = xa_xdp_memory_bytes(&host.options);
	(void)getrlimit(RLIMIT_MEMLOCK, &host.memlock);
	host.may_load = !capng_get_caps_process() && has_cap(CAP_BPF) && has_cap(CAP_NET_ADMIN);
	/* what does not fit would end this process too, and not by an error code */
	host.reduced = host.need_bytes + daemon > host.memory_bytes ||
		       host.need_bytes + daemon > machine_memory();
	if (host.reduced)
		options.max_flows = FLOWS_REDUCED;
	if (host.may_load && xa_xdp_new(&host.xdp, &options, &host.why) && !host.why.text[0])
		(void)xa_why_set(&host.why, 0, "out of memory");
	*ret_host = host;
}

void xa_diag_host_done(struct xa_diag_host *host)
{
	xa_xdp_free(take_ptr(host->xdp));
}

static void check_kernel(const struct xa_diag_host *host, struct xa_finding *finding)
{
	struct utsname name;

	(void)host;
	if (uname(&name))
		xa_found(finding, XA_VERDICT_INFO, "unknown: %s", strerror(errno));
	else
		xa_found(finding, XA_VERDICT_INFO, "%s %s, %s", name.sysname, name.release,
			 name.machine);
}

static void check_btf(const struct xa_diag_host *host, struct xa_finding *finding)
{
	(void)host;
	if (!access(BTF_PATH, R_OK)) {
		xa_found(finding, XA_VERDICT_OK, "%s is there", BTF_PATH);
		return;
	}
	xa_found(finding, XA_VERDICT_FAIL, "%s: %s", BTF_PATH, strerror(errno));
	xa_remedy(finding, "a kernel with CONFIG_DEBUG_INFO_BTF; in a container, a /sys with it");
}

static void add_cap(struct xa_buf *text, unsigned cap, const char *name, bool held)
{
	if (has_cap(cap) == held)
		xa_buf_addf(text, "%s%s", text->len ? ", " : "", name);
}

static char *list_caps(bool held)
{
	struct xa_buf text = {0};

	add_cap(&text, CAP_BPF, "CAP_BPF", held);
	add_cap(&text, CAP_NET_ADMIN, "CAP_NET_ADMIN", held);
	add_cap(&text, CAP_PERFMON, "CAP_PERFMON", held);
	return xa_buf_take(&text);
}

/* There, capabilities are held over the namespace alone, which BPF does not ask. */
static bool in_user_namespace(void)
{
	char name[64];
	ssize_t len = readlink("/proc/self/ns/user", name, sizeof(name) - 1);

	name[len > 0 ? len : 0] = '\0';
	return len > 0 && strcmp(name, INIT_USER_NS) != 0;
}

static enum xa_verdict judge_capabilities(const struct xa_diag_host *host, bool foreign,
					  bool complete)
{
	if (host->xdp)
		return XA_VERDICT_OK;
	if (!host->may_load || foreign)
		return XA_VERDICT_FAIL;
	return complete ? XA_VERDICT_OK : XA_VERDICT_WARN;
}

static void check_capabilities(const struct xa_diag_host *host, struct xa_finding *finding)
{
	_cleanup_free_ char *held = list_caps(true), *missing = list_caps(false);
	bool foreign = in_user_namespace();
	enum xa_verdict verdict = judge_capabilities(host, foreign, !missing);

	xa_found(finding, verdict, "in force: %s%s%s%s", held ? held : "none",
		 missing ? "; missing: " : "", missing ? missing : "",
		 foreign ? "; in a user namespace of its own, where they do not count for BPF"
			 : "");
	if (verdict == XA_VERDICT_FAIL)
		xa_remedy(finding, "run as root%s, or grant CAP_BPF and CAP_NET_ADMIN%s",
			  foreign ? " of the host" : "", foreign ? " there" : "");
	else if (verdict == XA_VERDICT_WARN)
		xa_remedy(finding, "grant CAP_PERFMON as well: needed before kernel 6.18");
}

static void check_unprivileged_bpf(const struct xa_diag_host *host, struct xa_finding *finding)
{
	static const char key[] = "kernel.unprivileged_bpf_disabled";
	uint64_t disabled;

	(void)host;
	if (!read_number(PROC_SYS "kernel/unprivileged_bpf_disabled", &disabled)) {
		xa_found(finding, XA_VERDICT_INFO, "%s cannot be read here", key);
	} else if (disabled) {
		xa_found(finding, XA_VERDICT_OK, "%s=%u: users without rights cannot load programs",
			 key, (unsigned)disabled);
	} else {
		xa_found(finding, XA_VERDICT_WARN, "%s=0: every user may load programs", key);
		xa_remedy(finding, "sysctl %s=2", key);
	}
}

/* Where the maps stand under a limit that they are beyond, the kernel does not count them by it. */
static void check_memlock(const struct xa_diag_host *host, struct xa_finding *finding)
{
	uint64_t limit = host->memlock.rlim_cur;

	if (limit == RLIM_INFINITY) {
		xa_found(finding, XA_VERDICT_OK, "unlimited");
	} else if (host->xdp || limit >= host->need_bytes) {
		xa_found(finding, XA_VERDICT_OK, "%.1f MiB, which does not stand against the maps",
			 mebibytes(limit));
	} else if (!host->may_load || in_user_namespace()) {
		xa_found(finding, XA_VERDICT_INFO, "%.1f MiB; before kernel 5.11 the maps count",
			 mebibytes(limit));
	} else {
		xa_found(finding, XA_VERDICT_WARN,
			 "%.1f MiB, less than the maps' %.1f MiB, which count before kernel 5.11",
			 mebibytes(limit), mebibytes(host->need_bytes));
		xa_remedy(finding, "ulimit -l unlimited (systemd: LimitMEMLOCK=infinity)");
	}
}

static void check_cpus(const struct xa_diag_host *host, struct xa_finding *finding)
{
	int possible = libbpf_num_possible_cpus();
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	if (possible < 0) {
		xa_found(finding, XA_VERDICT_FAIL, "the possible ones cannot be told: %s",
			 strerror(-possible));
		xa_remedy(finding, "a /sys with devices/system/cpu");
		return;
	}
	xa_found(finding, XA_VERDICT_INFO, "%d possible, %ld online", possible, online);
	if (!host->options.percpu || possible < CPUS_MANY)
		return;
	finding->verdict = XA_VERDICT_WARN;
	xa_remedy(finding, "flows.percpu: false takes one value a flow instead of %d", possible);
}

static void check_memory(const struct xa_diag_host *host, struct xa_finding *finding)
{
	uint64_t maps = host->need_bytes, table = xa_table_memory_bytes(host->options.max_flows);
	uint64_t machine = machine_memory();
	bool limited = host->memory_bytes < machine;
	uint64_t limit = limited ? host->memory_bytes : machine;
	enum xa_verdict verdict = XA_VERDICT_OK;

	if (maps > limit)
		verdict = XA_VERDICT_FAIL;
	else if (maps + table > limit)
		verdict = XA_VERDICT_WARN;
	xa_found(finding, verdict,
		 "%s %.1f MiB; %u flows take %.1f MiB in the kernel and up to %.1f MiB in the "
		 "daemon",
		 limited ? "the control group may have" : "no lower limit than the machine's",
		 mebibytes(limit), host->options.max_flows, mebibytes(maps), mebibytes(table));
	if (verdict != XA_VERDICT_OK)
		xa_remedy(finding, "lower flows.max%s", limited ? ", or raise the limit" : "");
}

static void check_bpffs(const struct xa_diag_host *host, struct xa_finding *finding)
{
	struct statfs info;
	bool mounted = !statfs("/sys/fs/bpf", &info) && (__u32)info.f_type == BPF_FS_MAGIC;

	(void)host;
	xa_found(finding, XA_VERDICT_INFO, "%s at /sys/fs/bpf, which only pins would need",
		 mounted ? "mounted" : "not mounted");
}

static void check_load(const struct xa_diag_host *host, struct xa_finding *finding)
{
	if (!host->may_load) {
		xa_found(finding, XA_VERDICT_INFO, NOT_PERMITTED);
	} else if (!host->xdp) {
		xa_found(finding, XA_VERDICT_FAIL, "%s", host->why.text);
		xa_remedy(finding, "the lines above name what is missing, if anything is");
	} else {
		xa_found(finding, XA_VERDICT_OK,
			 "netflow_filter and its maps loaded, %.1f MiB by the kernel's account%s",
			 mebibytes(xa_xdp_memory_used(host->xdp)),
			 host->reduced ? " (maps made small, for lack of memory)" : "");
	}
}

static bool not_loaded(const struct xa_diag_host *host, struct xa_finding *finding)
{
	if (!host->xdp)
		xa_found(finding, XA_VERDICT_INFO, "%s",
			 host->may_load ? NOT_LOADED : NOT_PERMITTED);
	return !host->xdp;
}

/* 1 or 0 as the loaded program is compiled or not, -errno if that cannot be told. */
static int is_compiled(const struct xa_diag_host *host)
{
	_cleanup_close_ int fd = host->xdp ? bpf_prog_get_fd_by_id(xa_xdp_prog_id(host->xdp, true))
					   : -ENOENT;
	struct bpf_prog_info info = {0};
	__u32 len = sizeof(info);
	int error = fd < 0 ? fd : bpf_obj_get_info_by_fd(fd, &info, &len);

	return error ? error : info.jited_prog_len > 0;
}

/* The file is there in the first network namespace only; so the program itself is asked first. */
static void check_jit(const struct xa_diag_host *host, struct xa_finding *finding)
{
	int compiled = is_compiled(host);
	uint64_t enabled;

	if (compiled < 0 && read_number(PROC_SYS "net/core/bpf_jit_enable", &enabled))
		compiled = enabled != 0;
	if (compiled < 0) {
		xa_found(finding, XA_VERDICT_INFO, "cannot be told here");
	} else if (compiled) {
		xa_found(finding, XA_VERDICT_OK, "programs are compiled");
	} else {
		xa_found(finding, XA_VERDICT_WARN,
			 "programs are interpreted, several times slower");
		xa_remedy(finding, "sysctl net.core.bpf_jit_enable=1");
	}
}

static void check_multi_buffer(const struct xa_diag_host *host, struct xa_finding *finding)
{
	if (not_loaded(host, finding))
		return;
	if (xa_xdp_has_frags(host->xdp)) {
		xa_found(finding, XA_VERDICT_OK, "frames beyond one page can be had in mode drv");
		return;
	}
	xa_found(finding, XA_VERDICT_WARN, "frames beyond one page cannot be had in mode drv");
	xa_remedy(finding, "kernel 5.18, a lower MTU, or mode: skb");
}

static bool is_permitted(void *ctx)
{
	return xa_xdp_is_permitted(ctx);
}

/* In a child, which takes to its end what it gives up: 1 and 0 as capabilities are kept or not. */
static int try_drop(struct xa_xdp *xdp)
{
	pid_t child = fork();
	int status;

	if (!child) {
		struct xa_why why;
		bool kept = false;
		int error = xa_privileges_drop(is_permitted, xdp, &kept, &why);

		_exit(error ? 2 : kept);
	}
	if (child < 0)
		return -errno;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) < 2 ? WEXITSTATUS(status) : -EPERM;
}

static void check_drop(const struct xa_diag_host *host, struct xa_finding *finding)
{
	int kept;

	if (not_loaded(host, finding))
		return;
	kept = try_drop(host->xdp);
	if (kept < 0) {
		xa_found(finding, XA_VERDICT_FAIL, "the capabilities cannot be dropped: %s",
			 strerror(-kept));
		xa_remedy(finding, "do not forbid capset(2) and prctl(2) to the daemon");
	} else if (kept) {
		xa_found(finding, XA_VERDICT_WARN,
			 "maps need capabilities to be read: the daemon keeps CAP_BPF, "
			 "CAP_NET_ADMIN and CAP_PERFMON");
		xa_remedy(finding, "kernel 5.19 needs none of them after the start");
	} else {
		xa_found(finding, XA_VERDICT_OK, "maps can be read without any capability");
	}
}

/* In the order in which what follows depends on what was before. */
static const struct {
	const char *name;
	void (*check)(const struct xa_diag_host *host, struct xa_finding *finding);
} checks[] = {
	{"kernel", check_kernel},
	{"btf", check_btf},
	{"capabilities", check_capabilities},
	{"unprivileged_bpf", check_unprivileged_bpf},
	{"memlock", check_memlock},
	{"cpus", check_cpus},
	{"memory", check_memory},
	{"bpffs", check_bpffs},
	{"load", check_load},
	{"jit", check_jit},
	{"multi_buffer", check_multi_buffer},
	{"drop_capabilities", check_drop},
};

int xa_diag_host(const struct xa_diag_host *host, struct xa_findings *findings)
{
	for (size_t i = 0; i < array_size(checks); i++) {
		struct xa_finding *finding = xa_findings_add(findings, checks[i].name, NULL);

		if (!finding)
			return -ENOMEM;
		checks[i].check(host, finding);
	}
	return 0;
}
