/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Tells the service manager how the daemon is doing: sd_notify(3)'s datagrams, which are plain text
 * on a unix socket and need no library. Without a manager everything here does nothing. Loop thread
 * only.
 */

#include "core/base/base.h"

struct xa_notify {
	int fd; /* -1: nobody to tell */
	uint64_t watchdog_ns; /* a sign of life is due this often; 0: none is */
};

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID of the environment. 0, or -errno where there
 * is a socket that cannot be reached; *ret_notify is usable, and silent, then as well. */
int xa_notify_open(struct xa_notify *ret_notify);
void xa_notify_close(struct xa_notify *notify);

/* One or several assignments, a line each: "READY=1\nSTATUS=…". A message that is lost is not
 * missed. */
XA_PRINTF(2, 3) void xa_notify_send(const struct xa_notify *notify, const char *format, ...);
