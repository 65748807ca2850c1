/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The program is attached to the namespace's silent loopback for one reason: TEST_RUN with a repeat
 * count enters it into the XDP dispatcher and takes it out again, which waits for two grace periods
 * (24 ms a call, measured on 6.18). An attached program is in there already.
 */

#include "tests/bpf/lab.h"

#include <bpf/bpf.h>
#include <sched.h>
#include <string.h>

#define LOOPBACK_IFINDEX 1

int xa_lab_enter(void)
{
	if (!unshare(CLONE_NEWNET))
		return 0;
	printf("skipped: no network namespace of its own: %s\n", strerror(errno));
	return XA_LAB_SKIP;
}

void xa_lab_free(struct xa_lab *lab)
{
	if (!lab)
		return;
	if (lab->link_fd >= 0)
		(void)close(lab->link_fd);
	for (size_t link = 0; link < XA_LINK_COUNT_; link++)
		if (lab->prog_fds[link] >= 0)
			(void)close(lab->prog_fds[link]);
	xa_ledger_free(lab->ledger);
	xa_xdp_free(lab->xdp);
	free(lab);
}

static int programs_find(struct xa_lab *lab)
{
	for (enum xa_link link = 0; link < XA_LINK_COUNT_; link++) {
		bool link_header = link == XA_LINK_ETHERNET;

		lab->prog_fds[link] = bpf_prog_get_fd_by_id(xa_xdp_prog_id(lab->xdp, link_header));
		if (lab->prog_fds[link] < 0)
			return -errno;
	}
	return 0;
}

static int enter_dispatcher(struct xa_lab *lab)
{
	int error = xa_xdp_attach(lab->xdp, LOOPBACK_IFINDEX, true, XA_MODE_SKB, &lab->link_fd);

	return error == -EBUSY ? 0 : error;
}

static int tell(int error, const char *why)
{
	bool skipped = error == -EPERM || error == -ENOENT;

	printf("%s: %s\n", skipped ? "skipped" : "failed", why[0] ? why : strerror(-error));
	return skipped ? XA_LAB_SKIP : 1;
}

int xa_lab_new(struct xa_lab **ret, const struct xa_xdp_options *options)
{
	_cleanup_xa_lab_ struct xa_lab *lab = calloc(1, sizeof(*lab));
	struct xa_why why = {0};
	int error;

	if (!lab)
		return tell(-ENOMEM, "");
	lab->link_fd = -1;
	memset(lab->prog_fds, 0xff, sizeof(lab->prog_fds));
	error = xa_xdp_new(&lab->xdp, options, &why);
	if (!error)
		error = programs_find(lab);
	if (!error)
		error = enter_dispatcher(lab);
	if (!error)
		error = xa_ledger_new(&lab->ledger);
	if (error)
		return tell(error, why.text);
	*ret = take_ptr(lab);
	return 0;
}

int xa_lab_shoot(const struct xa_lab *lab, const struct xa_shot *shot, uint32_t *ret_verdict)
{
	struct xdp_md context = {.data_end = (__u32)shot->len, .ingress_ifindex = shot->ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = shot->frame,
		    .data_size_in = (__u32)shot->len, .data_out = shot->out,
		    .data_size_out = shot->out ? (__u32)shot->len : 0,
		    .repeat = shot->repeat ? (int)shot->repeat : 1);
	int error;

	if (shot->ifindex) {
		opts.ctx_in = &context;
		opts.ctx_size_in = sizeof(context);
	}
	error = bpf_prog_test_run_opts(lab->prog_fds[shot->link], &opts);
	if (!error)
		*ret_verdict = opts.retval;
	return error;
}

void xa_harvest_done(struct xa_harvest *harvest)
{
	free(harvest->readings);
	*harvest = (struct xa_harvest){0};
}

/* Without memory a test cannot go on, and a sink must not fail. */
static void harvest_take(void *ctx, const struct xa_reading *readings, size_t count,
			 bool *ret_forget)
{
	struct xa_harvest *harvest = ctx;

	if (!count)
		return;
	if (harvest->count + count > harvest->size) {
		harvest->size = 2 * harvest->size + count;
		harvest->readings = realloc(harvest->readings,
					    harvest->size * sizeof(*harvest->readings));
		if (!harvest->readings)
			abort();
	}
	memcpy(harvest->readings + harvest->count, readings, count * sizeof(*readings));
	harvest->count += count;
	memset(ret_forget, !harvest->keep, count);
}

static struct xa_count count_more(const struct xa_count *before, const struct xa_count *now)
{
	return (struct xa_count){now->packets - before->packets, now->bytes - before->bytes};
}

int xa_lab_collect(struct xa_lab *lab, uint8_t slot, struct xa_harvest *ret_harvest)
{
	const struct xa_account *account = xa_ledger_account(lab->ledger, slot);
	struct xa_account before = *account;
	struct xa_sink sink = {.ctx = ret_harvest, .take = harvest_take};
	struct xa_xdp_fill fill;
	unsigned side;
	int error = xa_xdp_swap(lab->xdp, &side);

	ret_harvest->count = 0;
	if (!error)
		error = xa_xdp_read_tally(lab->xdp, side, lab->ledger);
	if (!error)
		error = xa_xdp_drain(lab->xdp, side, xa_tick(xa_now_ns()), &sink, &fill);
	if (error)
		return error;
	ret_harvest->seen = count_more(&before.seen, &account->seen);
	for (size_t size = 0; size < XA_SIZE_COUNT_; size++)
		ret_harvest->sizes[size] = account->sizes[size] - before.sizes[size];
	for (size_t class = 0; class < XA_CLASS_COUNT_; class ++)
		ret_harvest->classes[class] = count_more(&before.reasons[class],
							 &account->reasons[class]);
	return 0;
}

int xa_lab_pin(unsigned n)
{
	cpu_set_t allowed, one;
	int last = -1;

	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		return -errno;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed))
			continue;
		last = cpu;
		if (!n--)
			break;
	}
	CPU_ZERO(&one);
	CPU_SET(last, &one);
	return sched_setaffinity(0, sizeof(one), &one) ? -errno : 0;
}

/* The kernel leaves out of the set the CPUs that the control group does not allow. */
int xa_lab_unpin(void)
{
	cpu_set_t all;

	memset(&all, 0xff, sizeof(all));
	return sched_setaffinity(0, sizeof(all), &all) ? -errno : 0;
}
