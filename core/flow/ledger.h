/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The book of conservation, one account an interface slot:
 *
 *	seen = flows (by family and protocol) + classes (why a packet is in no flow) + residual
 *
 * `seen` and `classes` come from the kernel's tally, `flows` from what the flow table was told: two
 *counts of the same packets, so that the residual is a proof. All sums only rise, for the life of
 *the process, over expiry, reload and re-attachment. Loop thread only.
 */

#include "core/flow/flow.h"

/* Reasons why a packet is in no flow: the kernel's classes, and behind them the daemon's own. */
enum {
	XA_REASON_FLOW_LIMIT = XA_CLASS_COUNT_, /* the daemon's flow table was full */
	XA_REASON_COUNT_
};

/* Protocols that a metric shows alone beside the common ones, an interface and family: the first
 * that came. A forger of protocol numbers makes no series without bound. */
#define XA_RARE_MAX 4

struct xa_account {
	struct xa_count seen;
	uint64_t sizes[XA_SIZE_COUNT_]; /* how many of these packets are of which size */
	struct xa_count reasons[XA_REASON_COUNT_];
	struct xa_count flows[XA_FAMILY_COUNT_][256]; /* by IANA protocol number */
	/* Protocols that a metric shows alone. Never taken back, so that no series ends. */
	bool is_alone[XA_FAMILY_COUNT_][256];
	unsigned rare[XA_FAMILY_COUNT_];
};

struct xa_residual {
	int64_t packets;
	int64_t bytes;
};

struct xa_ledger;

int xa_ledger_new(struct xa_ledger **ret);
void xa_ledger_free(struct xa_ledger *ledger);
XA_DEFINE_CLEANUP(xa_ledger)
#define _cleanup_xa_ledger_ XA_CLEANUP(xa_ledger_cleanup)

/* Makes the slot's account, so that nothing below can fail for it. 0 or -ENOMEM; again is harmless.
 */
int xa_ledger_open(struct xa_ledger *ledger, uint8_t slot);

/* Moves the slot's sums to the account of XA_SLOT_UNKNOWN and leaves it at zero, for another
 * interface. */
void xa_ledger_fold(struct xa_ledger *ledger, uint8_t slot);

/* The slot's account, borrowed until the ledger goes; NULL if it was never opened. */
const struct xa_account *xa_ledger_account(const struct xa_ledger *ledger, uint8_t slot);

/* Adds to an opened slot's account; to an unopened one's, to that of XA_SLOT_UNKNOWN. */
void xa_ledger_add_seen(struct xa_ledger *ledger, uint8_t slot, unsigned size,
			struct xa_count more);
void xa_ledger_add_reason(struct xa_ledger *ledger, uint8_t slot, unsigned reason,
			  struct xa_count more);
void xa_ledger_add_flow(struct xa_ledger *ledger, const struct xa_flow_tail *tail,
			struct xa_count more);

/* Adds all sums of one account to another. */
void xa_account_add(struct xa_account *into, const struct xa_account *from);

/* What is seen and stands in neither flows nor reasons: 0, or a bug. */
struct xa_residual xa_account_residual(const struct xa_account *account);

const char *xa_reason_name(unsigned reason);
