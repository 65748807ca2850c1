/* SPDX-License-Identifier: GPL-2.0-or-later */

/* One line for each kind of refusal: the interface, the reason, the remedy. */

#include "core/source/refusal.h"

#include <string.h>

#include "core/source/hook.h"

static int refuse_taken(struct xa_why *why, const struct xa_iface *iface, int error)
{
	struct xa_hook hook;

	if (xa_hook_query(iface->ifindex, &hook) || !hook.prog_id)
		return xa_why_set(why, -EBUSY, "the XDP hook of %s is taken (%s)", iface->name,
				  strerror(-error));
	return xa_why_set(
		why, -EBUSY,
		"the XDP hook of %s is taken by %s in mode %s: detach that program first, "
		"or leave this interface out",
		iface->name, hook.owner, xa_mode_names[hook.mode]);
}

int xa_refusal_set(struct xa_why *why, const struct xa_iface *iface, enum xa_mode mode, int error)
{
	if (error == -EBUSY || error == -EEXIST)
		return refuse_taken(why, iface, error);
	if (mode == XA_MODE_HW)
		return xa_why_set(
			why, -EOPNOTSUPP,
			"%s cannot take netflow_filter in mode hw: its flow maps cannot be "
			"offloaded to a device (use mode: auto)",
			iface->name);
	switch (error) {
	case -EPERM:
		return xa_why_set(why, error,
				  "not permitted to attach to %s: needs CAP_NET_ADMIN (and before "
				  "kernel 5.19 CAP_BPF)",
				  iface->name);
	case -EOPNOTSUPP:
		return xa_why_set(why, error,
				  "the driver of %s has no native XDP (use mode: skb, or auto)",
				  iface->name);
	case -ENODEV:
		return xa_why_set(why, error, "interface %s went away", iface->name);
	default:
		return xa_why_set(why, error, "%s refused netflow_filter in mode %s: %s",
				  iface->name, xa_mode_names[mode], strerror(-error));
	}
}
