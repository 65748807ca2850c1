/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Tries in open(), where more is allowed than in run(), to have the kernel send a signal to
 * somebody for each message on the socket; and logs what it got. */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>

#include "tests/plugins/bad.h"

#define SOCKET 3

static void say(const struct xa_plugin_host *host, const char *what, int got)
{
	char line[64];

	(void)snprintf(line, sizeof(line), "%s was %s", what, got < 0 ? "refused" : "allowed");
	host->log(host, XA_PLUGIN_LOG_WARN, line);
}

static int signal_open_open(const struct xa_plugin_host *host,
			    const struct xa_plugin_value *options, void **ret_state)
{
	say(host, "owner", fcntl(SOCKET, F_SETOWN, 1));
	say(host, "signal", fcntl(SOCKET, F_SETSIG, SIGKILL));
	say(host, "async", fcntl(SOCKET, F_SETFL, O_ASYNC));
	return bad_open(host, options, ret_state);
}

XA_PLUGIN(signal_open, .help = "tries to have signals sent", .open = signal_open_open,
	  .run = bad_run, .close = bad_close);
