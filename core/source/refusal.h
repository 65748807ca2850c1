/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Why an interface did not take the program, in words.
 */

#include "config/config.h"
#include "core/source/iface.h"

/* Says it for the kernel's error at an attempt in `mode`; names the owner of a hook that is taken,
 * which reads /proc. Returns the error: -EBUSY for every kind of taken, -EOPNOTSUPP for every kind
 * of offload. */
int xa_refusal_set(struct xa_why *why, const struct xa_iface *iface, enum xa_mode mode, int error);
