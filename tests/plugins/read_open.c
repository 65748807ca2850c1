/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Reads in open(), where files may be read, what is its own and what is not, and logs what it got:
 * "NAME was read", "NAME was refused", or what else was wrong. Option `file` names a file in a
 * folder of its own, beside which a file `secret` stands; `parent` is the auditor. */

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/plugins/bad.h"
#include "tests/plugins/dependency.h"

static void say(const struct xa_plugin_host *host, const char *what, int error)
{
	char line[128];

	if (error == EACCES)
		(void)snprintf(line, sizeof(line), "%s was refused", what);
	else
		(void)snprintf(line, sizeof(line), "%s was %s", what,
			       error ? strerror(error) : "read");
	host->log(host, XA_PLUGIN_LOG_WARN, line);
}

static int read_file(const char *path)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	char byte;
	int error;

	if (fd < 0)
		return errno;
	error = read(fd, &byte, 1) == 1 ? 0 : EIO;
	(void)close(fd);
	return error;
}

static int list_folder(const char *path)
{
	DIR *folder = opendir(path);

	return folder ? closedir(folder) : errno;
}

/* One of the system's that nothing else here needs. */
static int load_library(void)
{
	void *library = dlopen("libresolv.so.2", RTLD_NOW);

	return library ? dlclose(library) : ENOENT;
}

static void try_all(const struct xa_plugin_host *host, const char *file, int64_t parent)
{
	char beside[4096], environment[64];

	(void)snprintf(beside, sizeof(beside), "%.*s/../secret", (int)(strrchr(file, '/') - file),
		       file);
	(void)snprintf(environment, sizeof(environment), "/proc/%lld/environ", (long long)parent);
	say(host, "file", read_file(file));
	say(host, "library", load_library());
	say(host, dependency_name(), 0);
	say(host, "passwd", read_file("/etc/passwd"));
	say(host, "shadow", read_file("/etc/shadow"));
	say(host, "secret", read_file(beside));
	say(host, "environment", read_file(environment));
	say(host, "root", list_folder("/"));
}

static int read_open_open(const struct xa_plugin_host *host, const struct xa_plugin_value *options,
			  void **ret_state)
{
	try_all(host, options[0].text, options[1].number);
	return bad_open(host, options, ret_state);
}

static const struct xa_plugin_option read_open_options[] = {
	{.name = "file",
	 .type = XA_PLUGIN_FILE,
	 .required = true,
	 .help = "beside whose folder stands what may not be read"},
	{.name = "parent",
	 .type = XA_PLUGIN_INTEGER,
	 .fallback = "1",
	 .help = "process whose environment is tried"},
};

XA_PLUGIN(read_open, .help = "tries to read in open() what is not its own",
	  .options = read_open_options, .option_count = 2, .open = read_open_open, .run = bad_run,
	  .close = bad_close);
