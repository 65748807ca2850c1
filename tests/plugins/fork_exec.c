/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Tries what the worker has no right to, and logs what it got: option `attempt` says which, for a
 * worker that dies of the first would not come to the others. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/plugins/bad.h"

struct attempt {
	const char *name;
	int (*run)(void); /* negative: refused */
};

static int try_fork(void)
{
	const pid_t child = fork();

	if (!child)
		_exit(0);
	return child;
}

/* Does not return if it is allowed. */
static int try_exec(void)
{
	static char program[] = "/bin/true";
	char *const arguments[] = {program, NULL};

	return execv(program, arguments);
}

static int try_socket(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int try_open(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static int try_create(void)
{
	return open("/tmp/xdp-auditor-was-here", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

static int try_kill(void)
{
	return kill(getppid(), 0);
}

static const struct attempt attempts[] = {
	{"fork", try_fork}, {"exec", try_exec},	    {"socket", try_socket},
	{"open", try_open}, {"create", try_create}, {"kill", try_kill},
};
#define ATTEMPTS (sizeof(attempts) / sizeof(attempts[0]))

struct fork_exec {
	const struct xa_plugin_host *host;
	const char *attempt;
};

static int fork_exec_open(const struct xa_plugin_host *host, const struct xa_plugin_value *options,
			  void **ret_state)
{
	struct fork_exec *own = calloc(1, sizeof(*own));

	if (!own)
		return -ENOMEM;
	*own = (struct fork_exec){.host = host, .attempt = options[0].text};
	*ret_state = own;
	return 0;
}

static int fork_exec_run(void *state, const struct xa_plugin_batch *batch)
{
	const struct fork_exec *own = state;
	char line[128];

	(void)batch;
	for (size_t i = 0; i < ATTEMPTS; i++) {
		if (strcmp(own->attempt, "all") != 0 && strcmp(own->attempt, attempts[i].name) != 0)
			continue;
		const bool allowed = attempts[i].run() >= 0;

		(void)snprintf(line, sizeof(line), "%s was %s", attempts[i].name,
			       allowed ? "allowed" : "refused");
		own->host->log(own->host, XA_PLUGIN_LOG_WARN, line);
	}
	return 0;
}

static void fork_exec_close(void *state)
{
	free(state);
}

static const struct xa_plugin_option fork_exec_options[] = {
	{.name = "attempt",
	 .type = XA_PLUGIN_TEXT,
	 .fallback = "all",
	 .help = "fork, exec, socket, open, create, kill or all"},
};

XA_PLUGIN(fork_exec, .help = "tries to leave the worker in run()", .options = fork_exec_options,
	  .option_count = 1, .open = fork_exec_open, .run = fork_exec_run,
	  .close = fork_exec_close);
