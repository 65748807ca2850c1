/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * One pass makes things as they should be: look which links still hold, list the interfaces, drop
 * what is no longer wanted, attach what is missing. The same pass serves the start, a reload and
 * the netlink bell.
 */

#include "core/source/attach.h"

#include <bpf/bpf.h>
#include <string.h>

#include "core/source/choice.h"
#include "core/source/hook.h"
#include "core/source/refusal.h"

struct xa_attach {
	struct xa_xdp *xdp;
	struct xa_ledger *ledger;
	struct xa_attach_hooks hooks;
	struct xa_choice choice; /* borrows the config; NULL: there is none yet */
	size_t slotless; /* interfaces that are wanted and found no slot in the last pass */
	struct xa_attachment slots[XA_SLOTS];
};

int xa_attach_new(struct xa_attach **ret, struct xa_xdp *xdp, struct xa_ledger *ledger,
		  const struct xa_attach_hooks *hooks)
{
	struct xa_attach *attach = calloc(1, sizeof(*attach));

	if (!attach)
		return -ENOMEM;
	attach->xdp = xdp;
	attach->ledger = ledger;
	attach->hooks = *hooks;
	for (size_t slot = 0; slot < XA_SLOTS; slot++)
		attach->slots[slot].link_fd = -1;
	*ret = attach;
	return 0;
}

void xa_attach_free(struct xa_attach *attach)
{
	if (!attach)
		return;
	for (size_t slot = 0; slot < XA_SLOTS; slot++)
		if (attach->slots[slot].link_fd >= 0)
			(void)close(attach->slots[slot].link_fd);
	free(attach);
}

const struct xa_attachment *xa_attach_list(const struct xa_attach *attach)
{
	return attach->slots;
}

bool xa_attach_is_complete(const struct xa_attach *attach)
{
	bool any = false;

	if (attach->slotless)
		return false;
	for (size_t slot = 1; slot < XA_SLOTS; slot++) {
		if (attach->slots[slot].wanted && !attach->slots[slot].attached)
			return false;
		any |= attach->slots[slot].attached;
	}
	return any;
}

size_t xa_attach_slotless(const struct xa_attach *attach)
{
	return attach->slotless;
}

static void report(struct xa_attach *attach, enum xa_attach_event event,
		   const struct xa_attachment *attachment, uint64_t gap_ns)
{
	attach->hooks.event(attach->hooks.ctx, event, attachment, gap_ns);
}

static struct xa_attachment *find_name(struct xa_attach *attach, const char *name)
{
	for (size_t slot = 1; slot < XA_SLOTS; slot++)
		if (!strcmp(attach->slots[slot].name, name))
			return &attach->slots[slot];
	return NULL;
}

static uint8_t slot_of(const struct xa_attach *attach, const struct xa_attachment *attachment)
{
	return (uint8_t)(attachment - attach->slots);
}

/* Gives back the slots of interfaces that nobody wants and nothing refers to any more. */
static void release_slots(struct xa_attach *attach)
{
	for (size_t slot = 1; slot < XA_SLOTS; slot++) {
		struct xa_attachment *attachment = &attach->slots[slot];

		if (!attachment->name[0] || attachment->wanted || attachment->attached ||
		    !attach->hooks.is_slot_free(attach->hooks.ctx, (uint8_t)slot))
			continue;
		xa_ledger_fold(attach->ledger, (uint8_t)slot);
		attach->slots[XA_SLOT_UNKNOWN].reattaches += attachment->reattaches;
		attach->slots[XA_SLOT_UNKNOWN].detached_ns += attachment->detached_ns;
		*attachment = (struct xa_attachment){.link_fd = -1};
	}
}

/* The slot of the name, a free one if it has none; NULL if there is none left. */
static struct xa_attachment *slot_for(struct xa_attach *attach, const char *name)
{
	struct xa_attachment *found = find_name(attach, name);

	if (found)
		return found;
	found = find_name(attach, "");
	if (!found || xa_ledger_open(attach->ledger, slot_of(attach, found)))
		return NULL;
	(void)snprintf(found->name, sizeof(found->name), "%s", name);
	return found;
}

static void detach(struct xa_attach *attach, struct xa_attachment *attachment, uint64_t since_ns)
{
	(void)close(take_fd(attachment->link_fd));
	(void)xa_xdp_map_ifindex(attach->xdp, attachment->ifindex, XA_SLOT_UNKNOWN);
	attachment->attached = false;
	attachment->detached_since_ns = since_ns;
}

static int attach_link(struct xa_attach *attach, const struct xa_iface *iface, enum xa_mode mode,
		       int *ret_fd, struct xa_why *why)
{
	bool link_header = xa_iface_has_link_header(iface->type);
	int error = xa_xdp_attach(attach->xdp, iface->ifindex, link_header, mode, ret_fd);

	return error ? xa_refusal_set(why, iface, mode, error) : 0;
}

/* auto: what keeps drv from working is the driver; a taken hook or a missing right is the same in
 * skb. */
static int attach_any_mode(struct xa_attach *attach, const struct xa_iface *iface,
			   enum xa_mode mode, int *ret_fd, struct xa_why *why)
{
	int error;

	if (mode != XA_MODE_AUTO)
		return attach_link(attach, iface, mode, ret_fd, why);
	error = attach_link(attach, iface, XA_MODE_DRV, ret_fd, why);
	if (!error || error == -EBUSY || error == -EPERM || error == -ENODEV)
		return error;
	return attach_link(attach, iface, XA_MODE_SKB, ret_fd, why);
}

static int attach_to(struct xa_attach *attach, struct xa_attachment *attachment,
		     const struct xa_iface *iface, enum xa_mode mode, struct xa_why *why)
{
	bool link_header = xa_iface_has_link_header(iface->type);
	_cleanup_close_ int fd = -1;
	int error = xa_xdp_map_ifindex(attach->xdp, iface->ifindex, slot_of(attach, attachment));

	if (error)
		return xa_why_set(why, error, "too many interfaces at once to attach to %s",
				  iface->name);
	error = attach_any_mode(attach, iface, mode, &fd, why);
	if (!error)
		error = xa_hook_mode(iface->ifindex, xa_xdp_prog_id(attach->xdp, link_header),
				     &attachment->mode);
	if (error) {
		(void)xa_xdp_map_ifindex(attach->xdp, iface->ifindex, XA_SLOT_UNKNOWN);
		return error;
	}
	attachment->link_fd = take_fd(fd);
	attachment->ifindex = iface->ifindex;
	attachment->link_header = link_header;
	attachment->attached = true;
	attachment->why[0] = '\0';
	return 0;
}

/* Says so once for each reason that is another than the one before. */
static void report_failure(struct xa_attach *attach, struct xa_attachment *attachment,
			   const char *text)
{
	if (!strcmp(attachment->why, text))
		return;
	(void)snprintf(attachment->why, sizeof(attachment->why), "%s", text);
	report(attach, XA_ATTACH_FAILED, attachment, 0);
}

static void report_success(struct xa_attach *attach, struct xa_attachment *attachment)
{
	uint64_t gap;

	if (!attachment->detached_since_ns) {
		report(attach, XA_ATTACHED, attachment, 0);
		return;
	}
	gap = xa_now_ns() - attachment->detached_since_ns;
	attachment->reattaches++;
	attachment->detached_ns += gap;
	report(attach, XA_REATTACHED, attachment, gap);
}

/*
 * A link whose interface went away, or that somebody detached, says ifindex 0. One whose interface
 * was moved to another network namespace keeps the number, which an interface here may get
 * meanwhile: so the hook here has to have the program as well.
 */
static bool link_holds(const struct xa_attach *attach, const struct xa_attachment *attachment,
		       const struct xa_iface *iface)
{
	static const enum xa_iface_xdp hooks[XA_MODE_COUNT_] = {
		[XA_MODE_DRV] = XA_IFACE_XDP_DRV,
		[XA_MODE_SKB] = XA_IFACE_XDP_SKB,
		[XA_MODE_HW] = XA_IFACE_XDP_HW,
	};
	struct bpf_link_info info = {0};
	__u32 len = sizeof(info);

	/* for want of memory the kernel may not tell: then the hook alone does */
	if (bpf_obj_get_info_by_fd(attachment->link_fd, &info, &len))
		info.xdp.ifindex = attachment->ifindex;
	return info.xdp.ifindex == attachment->ifindex &&
	       iface->xdp_progs[hooks[attachment->mode]] ==
		       xa_xdp_prog_id(attach->xdp, attachment->link_header);
}

static const struct xa_iface *find_ifindex(const struct xa_iface *ifaces, size_t count,
					   unsigned ifindex)
{
	for (size_t i = 0; i < count; i++)
		if (ifaces[i].ifindex == ifindex)
			return &ifaces[i];
	return NULL;
}

static bool mode_fits(const struct xa_attach *attach, const struct xa_attachment *attachment)
{
	enum xa_mode mode = attach->choice.config->mode;

	return mode == XA_MODE_AUTO || mode == attachment->mode;
}

/* `since_ns`: from when on packets may have gone uncounted. */
static void lose(struct xa_attach *attach, struct xa_attachment *attachment, uint64_t since_ns,
		 const char *why)
{
	detach(attach, attachment, since_ns);
	(void)snprintf(attachment->why, sizeof(attachment->why), "%s", why);
	report(attach, XA_ATTACH_LOST, attachment, 0);
}

static const struct xa_iface *find_iface(const struct xa_iface *ifaces, size_t count,
					 const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(ifaces[i].name, name))
			return &ifaces[i];
	return NULL;
}

/* Lets go of what does not hold, is renamed, is wanted in another mode or, unless told to keep it,
 * is no longer wanted. */
static void drop_stale(struct xa_attach *attach, const struct xa_iface *ifaces, size_t count,
		       bool keep)
{
	for (size_t slot = 1; slot < XA_SLOTS; slot++) {
		struct xa_attachment *attachment = &attach->slots[slot];
		const struct xa_iface *iface;

		attachment->wanted = xa_choice_names(&attach->choice, attachment->name) ||
				     (xa_choice_has(&attach->choice, attachment->name) &&
				      find_iface(ifaces, count, attachment->name));
		if (!attachment->attached)
			continue;
		iface = find_ifindex(ifaces, count, attachment->ifindex);
		if (!iface || strcmp(iface->name, attachment->name)) {
			lose(attach, attachment, xa_now_ns(), "the interface is gone");
		} else if (!link_holds(attach, attachment, iface)) {
			lose(attach, attachment, attachment->held_ns,
			     "somebody detached the program");
		} else if (attachment->wanted ? !mode_fits(attach, attachment) : !keep) {
			detach(attach, attachment, xa_now_ns());
			report(attach, XA_DETACHED, attachment, 0);
		} else {
			attachment->held_ns = xa_now_ns();
		}
	}
}

/* What a pass is to do beside its work: see xa_attach_check() and xa_attach_configure(). */
struct pass {
	bool trial;
	bool keep; /* what is no longer wanted stays attached for now */
	bool retry;
	struct xa_why *why; /* of the first error */
	int error;
};

static void pass_fail(struct pass *pass, int error, const struct xa_why *why)
{
	if (pass->error)
		return;
	pass->error = error;
	*pass->why = *why;
}

static __u32 holder_of(const struct xa_iface *iface)
{
	for (size_t i = 0; i < XA_IFACE_XDP_COUNT_; i++)
		if (iface->xdp_progs[i])
			return iface->xdp_progs[i];
	return 0;
}

/* A hook that the same program holds as before is not worth a look at every process again. */
static bool is_known_refusal(const struct xa_attachment *attachment, const struct xa_iface *iface)
{
	return attachment->refused_ifindex == iface->ifindex && attachment->why[0] &&
	       attachment->holder_id && attachment->holder_id == holder_of(iface);
}

static int try_attach(struct xa_attach *attach, struct xa_attachment *attachment,
		      const struct xa_iface *iface, struct xa_why *why)
{
	int error;

	if (is_known_refusal(attachment, iface))
		return xa_why_set(why, -EBUSY, "%s", attachment->why);
	error = attach_to(attach, attachment, iface, attach->choice.config->mode, why);
	attachment->refused_ifindex = error ? iface->ifindex : 0;
	attachment->holder_id = error == -EBUSY ? holder_of(iface) : 0;
	return error;
}

/* `iface` is NULL where the config names one that does not exist. */
static void attach_wanted(struct xa_attach *attach, const char *name, const struct xa_iface *iface,
			  struct pass *pass)
{
	struct xa_attachment *attachment = slot_for(attach, name);
	struct xa_why why = {0};
	int error;

	if (!attachment) {
		attach->slotless++;
		error = xa_why_set(&why, -ENOSPC, "no slot left for %s: %d interfaces at most",
				   name, XA_SLOTS - 1);
		pass_fail(pass, error, &why);
		return;
	}
	attachment->wanted = true;
	if (attachment->attached ||
	    (iface && !pass->retry && attachment->refused_ifindex == iface->ifindex))
		return;
	error = iface ? try_attach(attach, attachment, iface, &why)
		      : xa_choice_no_interface(&why, name);
	if (!error) {
		report_success(attach, attachment);
		return;
	}
	if (!pass->trial)
		report_failure(attach, attachment, why.text);
	pass_fail(pass, error, &why);
}

/* Keeps the first error, goes on to the other interfaces. */
static void attach_missing(struct xa_attach *attach, const struct xa_iface *ifaces, size_t count,
			   struct pass *pass)
{
	attach->slotless = 0;
	for (size_t i = 0; i < attach->choice.config->interface_count; i++) {
		const char *name = xa_choice_name(&attach->choice, i);

		if (!xa_choice_is_pattern(name) && !find_iface(ifaces, count, name))
			attach_wanted(attach, name, NULL, pass);
	}
	for (size_t i = 0; i < count; i++)
		if (xa_choice_has(&attach->choice, ifaces[i].name))
			attach_wanted(attach, ifaces[i].name, &ifaces[i], pass);
}

static void pass_run(struct xa_attach *attach, const struct xa_iface *ifaces, size_t count,
		     struct pass *pass)
{
	drop_stale(attach, ifaces, count, pass->keep);
	attach_missing(attach, ifaces, count, pass);
	release_slots(attach);
}

/* The default route has moved, and where it leads now nothing is attached yet. */
static bool is_moving(struct xa_attach *attach)
{
	const struct xa_attachment *attachment = find_name(attach, attach->choice.default_name);

	return xa_choice_is_auto(attach->choice.config) && !(attachment && attachment->attached);
}

static void check(struct xa_attach *attach, bool retry)
{
	_cleanup_free_ struct xa_iface *ifaces = NULL;
	struct xa_why why = {0};
	struct pass pass = {.keep = is_moving(attach), .retry = retry, .why = &why};
	size_t count;

	if (!xa_iface_list(&ifaces, &count))
		pass_run(attach, ifaces, count, &pass);
}

/* A host that has lost its default route is where it was, until another comes. */
void xa_attach_check(struct xa_attach *attach, bool retry)
{
	bool moving;

	if (xa_choice_is_auto(attach->choice.config))
		(void)xa_iface_default(attach->choice.default_name);
	moving = is_moving(attach);
	check(attach, retry);
	if (moving && !is_moving(attach))
		check(attach, retry); /* the new one holds: lets go of the old one */
}

/* The route may be away just when the config is read again: as above. */
static int resolve_default(struct xa_attach *attach, const struct xa_config *config,
			   struct xa_why *why)
{
	if (!xa_choice_is_auto(config) || !xa_iface_default(attach->choice.default_name))
		return 0;
	if (attach->choice.config && xa_choice_is_auto(attach->choice.config))
		return 0;
	return xa_choice_no_default(why);
}

static bool has_any(const struct xa_attach *attach)
{
	for (size_t slot = 1; slot < XA_SLOTS; slot++)
		if (attach->slots[slot].wanted && attach->slots[slot].attached)
			return true;
	return false;
}

/* Whether an interface that was attached, and still is wanted, could not be attached again: the new
 * mode's fault. */
static bool has_lost(const struct xa_attach *attach, const bool *was_attached)
{
	for (size_t slot = 1; slot < XA_SLOTS; slot++)
		if (was_attached[slot] && attach->slots[slot].wanted &&
		    !attach->slots[slot].attached)
			return true;
	return false;
}

/* Mode hw can stand beside the others, so it is tried before anything is let go of. */
static int try_offload(struct xa_attach *attach, const struct xa_config *config, struct xa_why *why)
{
	for (size_t slot = 1; config->mode == XA_MODE_HW && slot < XA_SLOTS; slot++) {
		const struct xa_attachment *attachment = &attach->slots[slot];
		struct xa_iface iface = {.ifindex = attachment->ifindex};
		_cleanup_close_ int fd = -1;
		int error;

		if (!attachment->attached || attachment->mode == XA_MODE_HW)
			continue;
		(void)snprintf(iface.name, sizeof(iface.name), "%s", attachment->name);
		error = xa_xdp_attach(attach->xdp, attachment->ifindex, attachment->link_header,
				      XA_MODE_HW, &fd);
		if (error)
			return xa_refusal_set(why, &iface, XA_MODE_HW, error);
	}
	return 0;
}

/* First what the new config adds, on trial; then what it leaves out, or, if it failed, what it
 * added. */
static int configure(struct xa_attach *attach, const struct xa_config *config,
		     const struct xa_iface *ifaces, size_t count, struct xa_why *why)
{
	const struct xa_choice before = attach->choice;
	struct pass trial = {.trial = true, .keep = true, .retry = true, .why = why};
	bool was_attached[XA_SLOTS];

	trial.error = resolve_default(attach, config, why);
	if (!trial.error)
		trial.error = try_offload(attach, config, why);
	if (trial.error) {
		attach->choice = before;
		return trial.error;
	}
	for (size_t slot = 0; slot < XA_SLOTS; slot++)
		was_attached[slot] = attach->slots[slot].attached;
	attach->choice.config = config;
	pass_run(attach, ifaces, count, &trial);
	if (has_any(attach) && !has_lost(attach, was_attached))
		trial.error = 0;
	if (trial.error)
		attach->choice = before;
	if (attach->choice.config)
		xa_attach_check(attach,
				true); /* by a fresh list: the old one knows no new program */
	return trial.error;
}

int xa_attach_configure(struct xa_attach *attach, const struct xa_config *config,
			struct xa_why *ret_why)
{
	_cleanup_free_ struct xa_iface *ifaces = NULL;
	size_t count;
	int error = xa_iface_list(&ifaces, &count);

	if (error)
		return xa_why_set(ret_why, error, "cannot list the interfaces: %s",
				  strerror(-error));
	return configure(attach, config, ifaces, count, ret_why);
}
