/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The part of `diag` that is about one interface: its driver, its settings, its XDP hook.
 */

#include "core/diag_host.h"
#include "core/findings.h"
#include "core/source/iface.h"

/*
 * `named`: the user asked for this one, so what keeps `run` from it is fatal; of one among all it
 * is a warning. Borrows the interface's name for the findings' life. 0 or -errno.
 */
int xa_diag_iface(const struct xa_diag_host *host, const struct xa_iface *iface, bool named,
		  struct xa_findings *findings);

/*
 * Adds what there is to say of its hook and of the mode that a daemon with `mode` would come to,
 * which is tried like a named one's. *ret_mode: that mode; XA_MODE_AUTO where it cannot be told.
 * Borrows as above. 0 or -ENOMEM.
 */
int xa_diag_iface_mode(const struct xa_diag_host *host, const struct xa_iface *iface,
		       enum xa_mode mode, struct xa_findings *findings, enum xa_mode *ret_mode);

/* Whether it is up; false as well if it cannot be told. */
bool xa_diag_iface_is_up(const struct xa_iface *iface);
