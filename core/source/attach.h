/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Keeps netflow_filter attached to the interfaces that the config asks for: at start, over a
 * reload, and when interfaces come and go. Gives each interface name a slot, which it keeps over
 * re-creation, so that its flows and counters go on. Never replaces a foreign program. Loop thread
 * only; reports instead of logging.
 */

#include "core/source/iface.h"
#include "core/source/xdp.h"

/* What one slot's interface is like now. */
struct xa_attachment {
	char name[IF_NAMESIZE]; /* empty: the slot was never used */
	bool wanted; /* the config asks for it and it exists, or existed while it was asked for */
	bool attached;
	enum xa_mode mode; /* in force, while attached */
	unsigned ifindex; /* while attached */
	char why[512]; /* while wanted and not attached */
	uint64_t reattaches;
	uint64_t detached_ns; /* sum of the gaps between two attachments, ended ones only */
	uint64_t detached_since_ns;
	uint64_t held_ns; /* when the link was last seen to hold */
	unsigned refused_ifindex; /* the interface that could not be attached to; 0: none */
	__u32 holder_id; /* and the program that is in the way there; 0: none */
	int link_fd;
	bool link_header;
};

/* Whether packets of it were ever counted: only then has it counters to show. */
static inline bool xa_attachment_has_counted(const struct xa_attachment *attachment)
{
	return attachment->attached || attachment->detached_since_ns;
}

enum xa_attach_event {
	XA_ATTACHED,
	XA_REATTACHED, /* gap_ns: how long it was off */
	XA_ATTACH_FAILED,
	XA_ATTACH_LOST,
	XA_DETACHED, /* as asked for */
};

struct xa_attach_hooks {
	void *ctx;
	/* Told of each change, with the attachment as it is after it. */
	void (*event)(void *ctx, enum xa_attach_event event, const struct xa_attachment *attachment,
		      uint64_t gap_ns);
	/* Whether nothing refers to the slot any more, so that another interface may have it. */
	bool (*is_slot_free)(void *ctx, uint8_t slot);
};

struct xa_attach;

/* Borrows xdp, ledger and hooks' ctx for its life. 0 or -ENOMEM. */
int xa_attach_new(struct xa_attach **ret, struct xa_xdp *xdp, struct xa_ledger *ledger,
		  const struct xa_attach_hooks *hooks);

/* Detaches all. */
void xa_attach_free(struct xa_attach *attach);
XA_DEFINE_CLEANUP(xa_attach)
#define _cleanup_xa_attach_ XA_CLEANUP(xa_attach_cleanup)

/*
 * Attaches to what the config asks for and detaches from the rest. Borrows the config until the
 * next call. Fails, with a reason and everything as it was, if not one of the named interfaces
 * could be attached, or if one that was attached cannot be in the new mode: -ENODEV (no such
 * interface), -EBUSY (taken; names the owner), -EOPNOTSUPP (mode), -EPERM, -ENOSPC or another
 * -errno. A pattern that matches nothing waits for its interface; so does a name beside others that
 * are there.
 */
int xa_attach_configure(struct xa_attach *attach, const struct xa_config *config,
			struct xa_why *ret_why);

/* Looks whether the links still hold, whether interfaces have come, and where the default route
 * leads: when it has moved, the new interface is attached to before the old one is let go of, which
 * stays if the new one cannot be attached to, or if no other route came. Once a poll with `retry`;
 * when xa_iface_changed() without: an interface that has refused is then left alone, since trying
 * it may be what made it change. */
void xa_attach_check(struct xa_attach *attach, bool retry);

/* Interfaces that are wanted and for which there is no slot: packets of theirs are not seen. */
size_t xa_attach_slotless(const struct xa_attach *attach);

/* By slot; XA_SLOTS of them, borrowed until the next call. That of XA_SLOT_UNKNOWN has no name, and
 * the sums of the slots that were given back. */
const struct xa_attachment *xa_attach_list(const struct xa_attach *attach);

/* Whether all that is wanted is attached, and something is. */
bool xa_attach_is_complete(const struct xa_attach *attach);
