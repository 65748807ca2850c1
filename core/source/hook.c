/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The kernel tells the program's id to anyone; its name to CAP_SYS_ADMIN; its holder to nobody:
 * that is found by looking for a descriptor of the program, or of a link of it, under
 * /proc/PID/fdinfo.
 */

#include "core/source/hook.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <ctype.h>
#include <dirent.h>
#include <linux/if_link.h>
#include <string.h>

#include "core/base/buf.h"

static int query(unsigned ifindex, struct bpf_xdp_query_opts *ret_opts)
{
	*ret_opts = (struct bpf_xdp_query_opts){.sz = sizeof(*ret_opts)};
	return bpf_xdp_query((int)ifindex, 0, ret_opts);
}

int xa_hook_mode(unsigned ifindex, __u32 prog_id, enum xa_mode *ret_mode)
{
	struct bpf_xdp_query_opts opts;
	int error = query(ifindex, &opts);

	if (error)
		return error;
	if (prog_id == opts.drv_prog_id)
		*ret_mode = XA_MODE_DRV;
	else if (prog_id == opts.skb_prog_id)
		*ret_mode = XA_MODE_SKB;
	else if (prog_id == opts.hw_prog_id)
		*ret_mode = XA_MODE_HW;
	else
		return -ENOENT;
	return 0;
}

static bool fdinfo_has_prog(const char *path, __u32 prog_id)
{
	_cleanup_file_ FILE *file = fopen(path, "re");
	char line[256];
	unsigned id;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "prog_id:%u", &id) == 1 && id == prog_id)
			return true;
	return false;
}

static bool process_has_prog(const char *pid, __u32 prog_id)
{
	char path[64];
	bool found = false;
	DIR *fds;

	(void)snprintf(path, sizeof(path), "/proc/%.20s/fdinfo", pid);
	fds = opendir(path);
	if (!fds)
		return false;
	for (struct dirent *fd; !found && (fd = readdir(fds));) {
		char file[128];

		(void)snprintf(file, sizeof(file), "%s/%.20s", path, fd->d_name);
		found = isdigit((unsigned char)fd->d_name[0]) && fdinfo_has_prog(file, prog_id);
	}
	(void)closedir(fds);
	return found;
}

static void add_process(struct xa_buf *owner, const char *pid)
{
	char path[64], name[64] = "";

	(void)snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	{
		_cleanup_file_ FILE *file = fopen(path, "re");

		if (file && fgets(name, sizeof(name), file))
			name[strcspn(name, "\n")] = '\0';
	}
	xa_buf_addf(owner, ", held by process '%s' (pid %s)", name, pid);
}

static void add_holder(struct xa_buf *owner, __u32 prog_id)
{
	DIR *proc = opendir("/proc");

	if (!proc)
		return;
	for (struct dirent *process; (process = readdir(proc));) {
		if (!isdigit((unsigned char)process->d_name[0]) ||
		    !process_has_prog(process->d_name, prog_id))
			continue;
		add_process(owner, process->d_name);
		break;
	}
	(void)closedir(proc);
}

static void add_program(struct xa_buf *owner, __u32 prog_id)
{
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(prog_id);
	struct bpf_prog_info info = {0};
	__u32 len = sizeof(info);

	if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len))
		xa_buf_addf(owner, "program '%.16s' (id %u)", info.name, prog_id);
	else
		xa_buf_addf(owner, "program id %u", prog_id);
}

static __u32 holder_of(const struct bpf_xdp_query_opts *opts)
{
	if (opts->drv_prog_id)
		return opts->drv_prog_id;
	return opts->skb_prog_id ? opts->skb_prog_id : opts->hw_prog_id;
}

int xa_hook_query(unsigned ifindex, struct xa_hook *ret_hook)
{
	_cleanup_xa_buf_ struct xa_buf owner = {0};
	struct bpf_xdp_query_opts opts;
	struct xa_hook hook = {0};
	int error = query(ifindex, &opts);

	if (error)
		return error;
	hook.mode = opts.drv_prog_id ? XA_MODE_DRV : opts.skb_prog_id ? XA_MODE_SKB : XA_MODE_HW;
	hook.prog_id = holder_of(&opts);
	if (hook.prog_id) {
		add_program(&owner, hook.prog_id);
		add_holder(&owner, hook.prog_id);
		if (xa_buf_failed(&owner))
			return -ENOMEM;
		(void)snprintf(hook.owner, sizeof(hook.owner), "%s", owner.text);
	}
	*ret_hook = hook;
	return 0;
}
