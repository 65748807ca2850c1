/* SPDX-License-Identifier: GPL-2.0-or-later */

/* netflow_filter itself, built to keep packets, bytes and times of a flow and nothing else. */

#define XA_DETAILS 0
#include "bpf/netflow_filter.bpf.c"
