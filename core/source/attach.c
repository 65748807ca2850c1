/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * One pass makes things as they should be: look which links still hold, list the interfaces, drop
 * what is no longer wanted, attach what is missing. The same pass serves the start, a reload and
 * the netlink bell.
 */

#include "core/source/attach.h"

#include <bpf/bpf.h>
#include <fnmatch.h>
#include <string.h>

#include "core/source/hook.h"

struct xa_attach {
	struct xa_xdp *xdp;
	struct xa_ledger *ledger;
	struct xa_attach_hooks hooks;
	const struct xa_config *config;
	char default_name[IF_NAMESIZE]; /* what `auto` stands for, as of the last configure */
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

	for (size_t slot = 1; slot < XA_SLOTS; slot++) {
		if (attach->slots[slot].wanted && !attach->slots[slot].attached)
			return false;
		any |= attach->slots[slot].attached;
	}
	return any;
}

static void report(struct xa_attach *attach, enum xa_attach_event event,
		   const struct xa_attachment *attachment, uint64_t gap_ns)
{
	attach->hooks.event(attach->hooks.ctx, event, attachment, gap_ns);
}

static bool is_pattern(const char *name)
{
	return strpbrk(name, "*?") != NULL;
}

/* A configured name as it stands now: `auto` is the default route's. */
static const char *name_at(const struct xa_attach *attach, size_t i)
{
	const char *name = attach->config->interfaces[i];

	return strcmp(name, "auto") ? name : attach->default_name;
}

static bool is_named(const struct xa_attach *attach, const char *name)
{
	for (size_t i = 0; i < attach->config->interface_count; i++)
		if (!strcmp(name_at(attach, i), name))
			return true;
	return false;
}

static bool is_matched(const struct xa_attach *attach, const char *name)
{
	for (size_t i = 0; i < attach->config->interface_count; i++)
		if (!fnmatch(name_at(attach, i), name, 0))
			return true;
	return false;
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

static bool can_recycle(const struct xa_attach *attach, const struct xa_attachment *attachment)
{
	return !attachment->wanted && !attachment->attached &&
	       attach->hooks.is_slot_free(attach->hooks.ctx, slot_of(attach, attachment));
}

/* The slot of the name; a fresh one, or one that an interface long gone has left. */
static struct xa_attachment *slot_for(struct xa_attach *attach, const char *name)
{
	struct xa_attachment *found = find_name(attach, name);

	for (size_t slot = 1; !found && slot < XA_SLOTS; slot++)
		if (!attach->slots[slot].name[0])
			found = &attach->slots[slot];
	for (size_t slot = 1; !found && slot < XA_SLOTS; slot++)
		if (can_recycle(attach, &attach->slots[slot]))
			found = &attach->slots[slot];
	if (!found || !strcmp(found->name, name))
		return found;
	if (xa_ledger_open(attach->ledger, slot_of(attach, found)))
		return NULL;
	if (found->name[0])
		xa_ledger_fold(attach->ledger, slot_of(attach, found));
	*found = (struct xa_attachment){.link_fd = -1};
	(void)snprintf(found->name, sizeof(found->name), "%s", name);
	return found;
}

static void detach(struct xa_attach *attach, struct xa_attachment *attachment)
{
	(void)close(take_fd(attachment->link_fd));
	(void)xa_xdp_map_ifindex(attach->xdp, attachment->ifindex, XA_SLOT_UNKNOWN);
	attachment->attached = false;
	attachment->detached_since_ns = xa_now_ns();
}

static int why_hook_taken(const char *name, unsigned ifindex, int error, struct xa_why *why)
{
	struct xa_hook hook;

	if (xa_hook_query(ifindex, &hook) || !hook.prog_id)
		return xa_why_set(why, -EBUSY, "the XDP hook of %s is taken (%s)", name,
				  strerror(-error));
	return xa_why_set(
		why, -EBUSY,
		"the XDP hook of %s is taken by %s in mode %s: detach that program first, or "
		"leave this interface out",
		name, hook.owner, xa_mode_names[hook.mode]);
}

static int why_attach(const char *name, unsigned ifindex, enum xa_mode mode, int error,
		      struct xa_why *why)
{
	if (error == -EBUSY || error == -EEXIST)
		return why_hook_taken(name, ifindex, error, why);
	if (mode == XA_MODE_HW)
		return xa_why_set(why, -EOPNOTSUPP,
				  "%s cannot take netflow_filter in mode hw: a per-CPU hash map "
				  "cannot be offloaded to a device (use mode: auto)",
				  name);
	switch (error) {
	case -EPERM:
		return xa_why_set(why, error,
				  "not permitted to attach to %s: needs CAP_NET_ADMIN (and before "
				  "kernel 5.19 CAP_BPF)",
				  name);
	case -EOPNOTSUPP:
		return xa_why_set(why, error,
				  "the driver of %s has no native XDP (use mode: skb, or auto)",
				  name);
	case -ENODEV:
		return xa_why_set(why, error, "interface %s went away", name);
	default:
		return xa_why_set(why, error, "%s refused netflow_filter in mode %s: %s", name,
				  xa_mode_names[mode], strerror(-error));
	}
}

static int attach_link(struct xa_attach *attach, const struct xa_iface *iface, enum xa_mode mode,
		       int *ret_fd, struct xa_why *why)
{
	bool link_header = xa_iface_has_link_header(iface->type);
	int error = xa_xdp_attach(attach->xdp, iface->ifindex, link_header, mode, ret_fd);

	return error ? why_attach(iface->name, iface->ifindex, mode, error, why) : 0;
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

/* A link whose interface went away, or that somebody detached, says ifindex 0. */
static bool link_holds(const struct xa_attachment *attachment)
{
	struct bpf_link_info info = {0};
	__u32 len = sizeof(info);

	return !bpf_obj_get_info_by_fd(attachment->link_fd, &info, &len) &&
	       info.xdp.ifindex == attachment->ifindex;
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
	enum xa_mode mode = attach->config->mode;

	return mode == XA_MODE_AUTO || mode == attachment->mode;
}

static void lose(struct xa_attach *attach, struct xa_attachment *attachment, const char *why)
{
	detach(attach, attachment);
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

/* Lets go of what does not hold, is renamed, is wanted in another mode or, unless a config is still
 * on trial, is no longer wanted. */
static void drop_stale(struct xa_attach *attach, const struct xa_iface *ifaces, size_t count,
		       bool trial)
{
	for (size_t slot = 1; slot < XA_SLOTS; slot++) {
		struct xa_attachment *attachment = &attach->slots[slot];
		const struct xa_iface *iface;

		attachment->wanted = is_named(attach, attachment->name) ||
				     (is_matched(attach, attachment->name) &&
				      find_iface(ifaces, count, attachment->name));
		if (!attachment->attached)
			continue;
		iface = find_ifindex(ifaces, count, attachment->ifindex);
		if (!iface || strcmp(iface->name, attachment->name)) {
			lose(attach, attachment, "the interface is gone");
		} else if (!link_holds(attachment)) {
			lose(attach, attachment, "somebody detached the program");
		} else if (attachment->wanted ? !mode_fits(attach, attachment) : !trial) {
			detach(attach, attachment);
			report(attach, XA_DETACHED, attachment, 0);
		}
	}
}

/* `iface` is NULL where the config names one that does not exist. */
static int attach_wanted(struct xa_attach *attach, const char *name, const struct xa_iface *iface,
			 struct xa_why *why)
{
	struct xa_attachment *attachment = slot_for(attach, name);
	int error;

	if (!attachment)
		return xa_why_set(why, -ENOSPC, "no slot left for %s: %d interfaces at most", name,
				  XA_SLOTS - 1);
	attachment->wanted = true;
	if (attachment->attached)
		return 0;
	error = iface ? attach_to(attach, attachment, iface, attach->config->mode, why)
		      : xa_why_set(why, -ENODEV,
				   "interface %s does not exist (ip link lists those that do)",
				   name);
	if (error)
		report_failure(attach, attachment, why->text);
	else
		report_success(attach, attachment);
	return error;
}

/* Keeps the first error, goes on to the other interfaces. */
static int attach_missing(struct xa_attach *attach, const struct xa_iface *ifaces, size_t count,
			  struct xa_why *ret_why)
{
	struct xa_why why = {0};
	int first = 0, error;

	for (size_t i = 0; i < attach->config->interface_count; i++) {
		const char *name = name_at(attach, i);

		if (is_pattern(name) || find_iface(ifaces, count, name))
			continue;
		error = attach_wanted(attach, name, NULL, first ? &why : ret_why);
		first = first ? first : error;
	}
	for (size_t i = 0; i < count; i++) {
		if (!is_matched(attach, ifaces[i].name))
			continue;
		error = attach_wanted(attach, ifaces[i].name, &ifaces[i], first ? &why : ret_why);
		first = first ? first : error;
	}
	return first;
}

static int pass(struct xa_attach *attach, bool trial, struct xa_why *why)
{
	_cleanup_free_ struct xa_iface *ifaces = NULL;
	size_t count;
	int error = xa_iface_list(&ifaces, &count);

	if (error)
		return xa_why_set(why, error, "cannot list the interfaces: %s", strerror(-error));
	drop_stale(attach, ifaces, count, trial);
	return attach_missing(attach, ifaces, count, why);
}

void xa_attach_check(struct xa_attach *attach)
{
	struct xa_why why = {0};

	(void)pass(attach, false, &why);
}

static int resolve_default(struct xa_attach *attach, const struct xa_config *config,
			   struct xa_why *why)
{
	if (strcmp(config->interfaces[0], "auto"))
		return 0;
	if (!xa_iface_default(attach->default_name))
		return 0;
	return xa_why_set(why, -ENODEV,
			  "interface: auto stands for the default route's, and there is no default "
			  "route (name an interface)");
}

static bool has_any(const struct xa_attach *attach)
{
	for (size_t slot = 1; slot < XA_SLOTS; slot++)
		if (attach->slots[slot].wanted && attach->slots[slot].attached)
			return true;
	return false;
}

/* An interface that was attached, is still wanted, and could not be attached again: the new mode's
 * fault. */
static int check_losses(const struct xa_attach *attach, const bool *was_attached,
			struct xa_why *why)
{
	for (size_t slot = 1; slot < XA_SLOTS; slot++) {
		const struct xa_attachment *attachment = &attach->slots[slot];

		if (was_attached[slot] && attachment->wanted && !attachment->attached)
			return xa_why_set(why, -EIO, "%s", attachment->why);
	}
	return 0;
}

/* Mode hw can stand beside the others, so it is tried before anything is let go of. */
static int try_offload(struct xa_attach *attach, const struct xa_config *config, struct xa_why *why)
{
	for (size_t slot = 1; config->mode == XA_MODE_HW && slot < XA_SLOTS; slot++) {
		const struct xa_attachment *attachment = &attach->slots[slot];
		_cleanup_close_ int fd = -1;
		int error;

		if (!attachment->attached || attachment->mode == XA_MODE_HW)
			continue;
		error = xa_xdp_attach(attach->xdp, attachment->ifindex, attachment->link_header,
				      XA_MODE_HW, &fd);
		if (error)
			return why_attach(attachment->name, attachment->ifindex, XA_MODE_HW, error,
					  why);
	}
	return 0;
}

/* First what the new config adds, on trial; then what it leaves out, or, if it failed, what it
 * added. */
int xa_attach_configure(struct xa_attach *attach, const struct xa_config *config,
			struct xa_why *ret_why)
{
	const struct xa_config *before = attach->config;
	bool was_attached[XA_SLOTS];
	int error = resolve_default(attach, config, ret_why);

	if (!error)
		error = try_offload(attach, config, ret_why);
	if (error)
		return error;
	for (size_t slot = 0; slot < XA_SLOTS; slot++)
		was_attached[slot] = attach->slots[slot].attached;
	attach->config = config;
	error = pass(attach, true, ret_why);
	if (has_any(attach))
		error = check_losses(attach, was_attached, ret_why);
	if (error)
		attach->config = before;
	if (attach->config)
		xa_attach_check(attach);
	return error;
}
