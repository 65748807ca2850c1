/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The configuration beyond its golden files: the table's own soundness, layers, places of reasons,
 * round trips of what is shipped, and memory that runs out at every single allocation. Runs in the
 * source tree's root.
 */

#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "config/files.h"
#include "config/load.h"
#include "config/options.h"
#include "config/value.h"
#include "version.h"

/*
 * Memory that runs out: the program's own allocator stands in front of the C library's, for libyaml
 * as well. Sanitizers bring their own and can't be combined with this.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OWN_ALLOCATOR 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
	__has_feature(memory_sanitizer)
#define OWN_ALLOCATOR 0
#endif
#endif
#ifndef OWN_ALLOCATOR
#define OWN_ALLOCATOR 1
#endif

#if OWN_ALLOCATOR
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void __libc_free(void *memory);

struct shortage {
	bool on, forever;
	long countdown; /* allocations that still work */
	long living;
};

static struct shortage shortage;

#define SEEN_BY_LIBRARIES __attribute__((visibility("default")))

static bool runs_out(void)
{
	if (!shortage.on)
		return false;
	if (shortage.countdown-- == 0 || (shortage.forever && shortage.countdown < 0)) {
		errno = ENOMEM;
		return true;
	}
	shortage.living++;
	return false;
}

SEEN_BY_LIBRARIES void *malloc(size_t size)
{
	return runs_out() ? NULL : __libc_malloc(size);
}

SEEN_BY_LIBRARIES void *calloc(size_t count, size_t size)
{
	return runs_out() ? NULL : __libc_calloc(count, size);
}

SEEN_BY_LIBRARIES void *realloc(void *memory, size_t size)
{
	if (runs_out())
		return NULL;
	if (shortage.on && memory)
		shortage.living--;
	return __libc_realloc(memory, size);
}

SEEN_BY_LIBRARIES void free(void *memory)
{
	if (shortage.on && memory)
		shortage.living--;
	__libc_free(memory);
}
#endif

static struct xa_whys whys;

static int load_text(struct xa_config **ret, const char *text)
{
	return xa_config_load_buffer(ret, "a.yaml", text, strlen(text), NULL, 0, &whys);
}

static int load_setting(struct xa_config **ret, const char *setting)
{
	return xa_config_load(ret, NULL, &setting, 1, &whys);
}

static void assert_refused(const char *text, unsigned line, unsigned column, const char *reason)
{
	struct xa_config *config = NULL;

	assert_int_equal(load_text(&config, text), -EINVAL);
	assert_null(config);
	assert_int_equal(whys.count, 1);
	assert_string_equal(whys.why[0].file, "a.yaml");
	assert_int_equal(whys.why[0].line, line);
	assert_int_equal(whys.why[0].column, column);
	assert_string_equal(whys.why[0].text, reason);
}

static void assert_setting_refused(const char *setting, const char *reason)
{
	struct xa_config *config = NULL;

	assert_int_equal(load_setting(&config, setting), -EINVAL);
	assert_null(config);
	assert_int_equal(whys.count, 1);
	assert_string_equal(whys.why[0].file, "--set");
	assert_int_equal(whys.why[0].line, 0);
	assert_string_equal(whys.why[0].text, reason);
}

static char *dump(const struct xa_config *config, bool comments)
{
	struct xa_buf buf = {0};

	xa_config_dump(config, comments, &buf);
	assert_false(xa_buf_failed(&buf));
	return xa_buf_take(&buf);
}

static char *diff(const struct xa_config *old, const struct xa_config *new)
{
	struct xa_buf buf = {0};

	xa_config_diff(old, new, &buf);
	assert_false(xa_buf_failed(&buf));
	return xa_buf_take(&buf);
}

static void assert_round_trip(const struct xa_config *config, bool comments)
{
	_cleanup_xa_config_ struct xa_config *again = NULL;
	_cleanup_free_ char *text = dump(config, comments);
	_cleanup_free_ char *text_again = NULL;

	assert_int_equal(load_text(&again, text), 0);
	text_again = dump(again, comments);
	assert_string_equal(text, text_again);
	assert_null(diff(config, again));
	assert_int_equal(xa_config_changes(config, again), 0);
}

static bool same_section(const struct xa_option *a, const struct xa_option *b)
{
	const size_t len = strcspn(a->key, ".");

	return a->key[len] && !strncmp(a->key, b->key, len + 1);
}

static void check_option(const struct xa_option *option)
{
	assert_non_null(option->fallback);
	assert_in_range(strlen(option->help), 1, 90);
	assert_in_range(option->reload, 0, XA_RELOAD_COUNT_ - 1);
	assert_ptr_equal(xa_option_find(option->key), option);
	if (option->type == XA_OPTION_ENUM)
		assert_true(option->names && option->name_count);
	else
		assert_true(option->min <= option->max && option->max);
	if (option->type == XA_OPTION_UINT) {
		assert_non_null(option->unit);
		assert_true(option->max <= UINT32_MAX);
	}
}

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < xa_option_count; i++) {
		bool left = false;

		check_option(&xa_options[i]);
		/* A section's keys stand side by side: once left, it does not come again. */
		for (size_t j = i + 1; j < xa_option_count; j++) {
			const bool same = same_section(&xa_options[i], &xa_options[j]);

			assert_false(left && same);
			left = !same;
		}
	}
}

static void test_defaults(void **state)
{
	_cleanup_xa_config_ struct xa_config *config = NULL;
	const struct sockaddr_in *in;

	(void)state;
	assert_int_equal(xa_config_load(&config, NULL, NULL, 0, &whys), 0);
	assert_int_equal(config->interface_count, 1);
	assert_string_equal(config->interfaces[0], "auto");
	assert_int_equal(config->mode, XA_MODE_AUTO);
	assert_int_equal(config->poll_interval_ns, 10 * XA_NS_PER_S);
	assert_int_equal(config->top_k, 50);
	assert_int_equal(config->listen_count, 1);
	assert_string_equal(config->listen[0].text, "127.0.0.1:9400");
	in = (const struct sockaddr_in *)&config->listen[0].address;
	assert_int_equal(config->listen[0].address_len, sizeof(*in));
	assert_int_equal(in->sin_family, AF_INET);
	assert_int_equal(in->sin_port, htons(9400));
	assert_int_equal(in->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	assert_int_equal(config->flows.max, 131072);
	assert_int_equal(config->flows.idle_timeout_ns, 60 * XA_NS_PER_S);
	assert_int_equal(config->flows.rank_by, XA_RANK_PACKETS);
	assert_int_equal(config->metrics.max_series, 5000);
	assert_int_equal(config->policy.deadline_ns, 100 * XA_NS_PER_MS);
	assert_int_equal(config->policy.memory_bytes, 64 << 20);
	assert_string_equal(config->policy.plugin_dir_text, "auto");
	assert_string_equal(config->policy.plugin_dir, XA_PLUGIN_DIR);
	assert_int_equal(config->policy.stage_count, 0);
}

static void test_values(void **state)
{
	_cleanup_xa_config_ struct xa_config *config = NULL;
	const struct sockaddr_in6 *in6;

	(void)state;
	assert_int_equal(load_text(&config, "interface: [eth0, 'wlan*']\nmode: hw\n"
					    "listen: ['127.0.0.1:1', '[::1]:9400']\n"
					    "poll_interval: 1m500ms\n"
					    "flows: {rank_by: bytes, idle_timeout: 1h30m}\n"),
			 0);
	assert_int_equal(config->interface_count, 2);
	assert_string_equal(config->interfaces[1], "wlan*");
	assert_int_equal(config->mode, XA_MODE_HW);
	assert_int_equal(config->poll_interval_ns, 60 * XA_NS_PER_S + 500 * XA_NS_PER_MS);
	assert_int_equal(config->flows.rank_by, XA_RANK_BYTES);
	assert_int_equal(config->flows.idle_timeout_ns, 5400 * XA_NS_PER_S);
	assert_int_equal(config->listen_count, 2);
	in6 = (const struct sockaddr_in6 *)&config->listen[1].address;
	assert_int_equal(config->listen[1].address_len, sizeof(*in6));
	assert_int_equal(in6->sin6_port, htons(9400));
	assert_memory_equal(&in6->sin6_addr, &in6addr_loopback, sizeof(in6addr_loopback));
	assert_round_trip(config, false);
	assert_round_trip(config, true);
}

static void test_reasons(void **state)
{
	(void)state;
	assert_refused("flows:\n  intervall: 5\n", 2, 3, "unknown key 'intervall' in 'flows'");
	assert_refused("flows:\n  mxa: 5\n", 2, 3,
		       "unknown key 'mxa' in 'flows' (did you mean 'max'?)");
	assert_refused("idle_timeout: 5s\n", 1, 1,
		       "unknown key 'idle_timeout' (did you mean 'flows.idle_timeout'?)");
	assert_refused("\n  \npoll_interval:   50ms\n", 3, 18,
		       "poll_interval: '50ms' is out of range (200ms to 1h)");
	assert_refused("top_k: 1\ntop_k: 1\n", 2, 1, "duplicate key 'top_k' (first in line 1)");
}

static void test_all_reasons_are_counted(void **state)
{
	_cleanup_xa_buf_ struct xa_buf text = {0};
	struct xa_config *config = NULL;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		xa_buf_addf(&text, "k%u: 1\n", i);
	assert_int_equal(load_text(&config, text.text), -EINVAL);
	assert_int_equal(whys.count, 100);
	assert_int_equal(whys.why[XA_WHYS_MAX - 1].line, XA_WHYS_MAX);
	xa_buf_reset(&text);
	xa_whys_print(&whys, &text);
	assert_non_null(strstr(text.text, "\na.yaml: error: 68 more errors\n"));
}

static void assert_huge_refused(const char *piece, const char *reason)
{
	_cleanup_xa_buf_ struct xa_buf text = {0};
	struct xa_config *config = NULL;
	const uint64_t start = xa_now_ns();

	while (text.len + strlen(piece) <= 65536)
		xa_buf_adds(&text, piece);
	assert_int_equal(load_text(&config, text.text), -EINVAL);
	assert_non_null(strstr(whys.why[whys.count - 1].text, reason));
	/* Milliseconds in truth; what this is to find takes libyaml half a minute. */
	assert_in_range(xa_now_ns() - start, 0, 2 * XA_NS_PER_S);
}

static void test_depth_is_cheap(void **state)
{
	static const char *const pieces[] = {"[", "{", "- ", "? ", "[\n", "{\n", "[[]:", "{a: "};

	(void)state;
	for (size_t i = 0; i < array_size(pieces); i++)
		assert_huge_refused(pieces[i], "nested more than 16 levels deep");
}

/* A file without a name but with a path, for what only a real file can show. */
static int file_of(const char *text, size_t len, char ret_path[static 32])
{
	char name[] = "/tmp/xa-config-XXXXXX";
	const int fd = mkstemp(name);

	assert_true(fd >= 0);
	assert_int_equal(unlink(name), 0);
	assert_int_equal(write(fd, text, len), len);
	(void)snprintf(ret_path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

static void test_file_errors(void **state)
{
	struct xa_config *config = NULL;

	(void)state;
	assert_int_equal(xa_config_load(&config, "no/such.yaml", NULL, 0, &whys), -ENOENT);
	assert_int_equal(whys.count, 1);
	assert_string_equal(whys.why[0].file, "no/such.yaml");
	assert_int_equal(whys.why[0].line, 0);
	assert_string_equal(whys.why[0].text, "cannot open: No such file or directory");
	assert_null(config);
}

static void test_file_size(void **state)
{
	_cleanup_xa_config_ struct xa_config *config = NULL;
	_cleanup_close_ int fits = -1, too_large = -1;
	char text[65537], path[32];

	(void)state;
	memset(text, '#', sizeof(text));
	fits = file_of(text, 65536, path);
	assert_int_equal(xa_config_load(&config, path, NULL, 0, &whys), 0);
	xa_config_free(take_ptr(config));
	too_large = file_of(text, 65537, path);
	assert_int_equal(xa_config_load(&config, path, NULL, 0, &whys), -EINVAL);
	assert_string_equal(whys.why[0].text, "larger than 64 KiB");
}

static void test_pipe(void **state)
{
	_cleanup_xa_config_ struct xa_config *config = NULL;
	_cleanup_xa_buf_ struct xa_buf printed = {0};
	char path[32];
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "top_k: 0\n", 9), 9);
	assert_int_equal(close(ends[1]), 0);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
	assert_int_equal(xa_config_load(&config, path, NULL, 0, &whys), -EINVAL);
	assert_int_equal(whys.why[0].line, 1);
	/* What cannot be read twice is printed without its line. */
	xa_why_print(&whys.why[0], &printed);
	assert_non_null(strstr(printed.text, ":1:8: error: top_k: '0' is out of range"));
	assert_null(strchr(printed.text, '^'));
	assert_int_equal(close(ends[0]), 0);
}

/* A directory that goes with the scope. */
struct folder {
	char path[32];
	int fd;
};

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
	(void)status;
	(void)kind;
	(void)walk;
	return remove(path);
}

static void folder_done(struct folder *folder)
{
	(void)close(folder->fd);
	assert_int_equal(nftw(folder->path, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static struct folder folder_new(void)
{
	struct folder folder = {.path = "/tmp/xa-config-XXXXXX"};

	assert_non_null(mkdtemp(folder.path));
	folder.fd = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(folder.fd >= 0);
	return folder;
}

static void put_file(int folder, const char *name, const char *text, size_t len)
{
	_cleanup_close_ int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
					0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
}

static void put_text(const struct folder *folder, const char *name, const char *text)
{
	put_file(folder->fd, name, text, strlen(text));
}

static void assert_folder_refused(const struct folder *folder, int error, const char *name,
				  const char *reason)
{
	struct xa_config *config = NULL;
	char file[64];

	(void)snprintf(file, sizeof(file), "%s%s", folder->path, name);
	assert_int_equal(xa_config_load(&config, folder->path, NULL, 0, &whys), error);
	assert_null(config);
	assert_int_equal(whys.count, 1);
	assert_string_equal(whys.why[0].file, file);
	assert_int_equal(whys.why[0].line, 0);
	assert_string_equal(whys.why[0].text, reason);
}

static void test_folder_errors(void **state)
{
	XA_CLEANUP(folder_done) struct folder folder = folder_new();
	static char large[65537];

	(void)state;
	assert_folder_refused(&folder, -EINVAL, "", "no file *.yaml in this directory");
	put_text(&folder, ".yaml", "");
	put_text(&folder, ".a.yaml", "");
	assert_folder_refused(&folder, -EINVAL, "", "no file *.yaml in this directory");
	assert_int_equal(mkfifoat(folder.fd, "a.yaml", 0600), 0);
	assert_folder_refused(&folder, -EINVAL, "/a.yaml", "not a regular file");
	assert_int_equal(unlinkat(folder.fd, "a.yaml", 0), 0);
	memset(large, '#', sizeof(large));
	put_file(folder.fd, "b.yaml", large, sizeof(large));
	assert_folder_refused(&folder, -EINVAL, "/b.yaml", "larger than 64 KiB");
}

static void test_folder_is_bounded(void **state)
{
	XA_CLEANUP(folder_done) struct folder folder = folder_new();
	_cleanup_xa_config_ struct xa_config *config = NULL;

	(void)state;
	for (unsigned i = 0; i < XA_FILES_MAX; i++) {
		char name[16], text[16];

		(void)snprintf(name, sizeof(name), "%02u.yaml", i);
		(void)snprintf(text, sizeof(text), "top_k: %u\n", i + 1);
		put_text(&folder, name, text);
	}
	assert_int_equal(xa_config_load(&config, folder.path, NULL, 0, &whys), 0);
	assert_int_equal(config->top_k, XA_FILES_MAX);
	put_text(&folder, "x.yaml", "");
	assert_folder_refused(&folder, -EINVAL, "", "more than 64 files *.yaml");
}

static void assert_origin(const struct xa_config *config, const char *key, const char *file,
			  unsigned line)
{
	const struct xa_origin *origin = &config->origins[xa_option_find(key) - xa_options];

	assert_string_equal(origin->file, file);
	assert_int_equal(origin->line, line);
}

static void test_origins(void **state)
{
	static const char text[] =
		"\nmode: drv\ninterface:\n  - a\nflows:\n  max: 2048\ntop_k: 5\n";
	static const char *const setting = "top_k=6";
	_cleanup_xa_config_ struct xa_config *config = NULL;
	_cleanup_xa_buf_ struct xa_buf dumped = {0};

	(void)state;
	assert_int_equal(
		xa_config_load_buffer(&config, "x\ny", text, strlen(text), &setting, 1, &whys), 0);
	assert_origin(config, "mode", "x\ny", 2);
	assert_origin(config, "interface", "x\ny", 4);
	assert_origin(config, "flows.max", "x\ny", 6);
	assert_origin(config, "top_k", "--set", 0);
	assert_origin(config, "listen", "default", 0);
	/* A line feed in a file's name ends no comment. */
	xa_config_dump_origins(config, &dumped);
	assert_non_null(strstr(dumped.text, "\nmode: drv  # x?y:2\n"));
}

#define VERSIONS 1000

/* What kubelet does, in its order, with two files that have to fit each other. */
static void swap_version(int folder, unsigned version)
{
	char name[16], old[16], text[32];
	_cleanup_close_ int fd = -1;

	(void)snprintf(name, sizeof(name), "..v%u", version);
	(void)snprintf(old, sizeof(old), "..v%u", version - 1);
	(void)snprintf(text, sizeof(text), "top_k: %u\n", version);
	(void)mkdirat(folder, name, 0700);
	fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put_file(fd, "a.yaml", text, strlen(text));
	(void)snprintf(text, sizeof(text), "metrics: {max_series: %u}\n", 1000 + version);
	put_file(fd, "b.yaml", text, strlen(text));
	if (symlinkat(name, folder, "..data_tmp") ||
	    renameat(folder, "..data_tmp", folder, "..data"))
		return;
	(void)close(take_fd(fd));
	fd = openat(folder, old, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)unlinkat(fd, "a.yaml", 0);
	(void)unlinkat(fd, "b.yaml", 0);
	(void)unlinkat(folder, old, AT_REMOVEDIR);
}

static bool load_swapped(const char *path)
{
	_cleanup_xa_config_ struct xa_config *config = NULL;
	const int r = xa_config_load(&config, path, NULL, 0, &whys);

	if (r) {
		assert_int_equal(r, -EAGAIN);
		assert_int_equal(whys.count, 1);
		return false;
	}
	assert_int_equal(config->metrics.max_series, 1000 + config->top_k);
	return true;
}

static void test_swaps(void **state)
{
	XA_CLEANUP(folder_done) struct folder folder = folder_new();
	unsigned loads = 0;
	pid_t child;

	(void)state;
	swap_version(folder.fd, 1);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		for (unsigned version = 2; version < VERSIONS; version++)
			swap_version(folder.fd, version);
		_exit(0);
	}
	while (!waitpid(child, NULL, WNOHANG))
		loads += load_swapped(folder.path);
	assert_true(load_swapped(folder.path));
	assert_true(loads > 0);
}

static void test_environment(void **state)
{
	_cleanup_xa_config_ struct xa_config *config = NULL;

	(void)state;
	assert_int_equal(setenv("XA_TEST", "7", 1), 0);
	assert_int_equal(unsetenv("XA_TEST_UNSET"), 0);
	assert_int_equal(load_text(&config, "top_k: ${XA_TEST}\n"
					    "interface: 'a$$${XA_TEST_UNSET:-b}${XA_TEST}'\n"),
			 0);
	assert_int_equal(config->top_k, 7);
	assert_string_equal(config->interfaces[0], "a$b7");
	assert_round_trip(config, false);
	assert_refused("top_k: ${XA_TEST_UNSET}\n", 1, 8,
		       "top_k: the environment variable 'XA_TEST_UNSET' is not set (a default: "
		       "'${XA_TEST_UNSET:-...}')");
	assert_refused(
		"top_k: x${XA_TEST}\n", 1, 8,
		"top_k: 'x7' is not a whole number (decimal digits only, no leading 0), from "
		"'x${XA_TEST}'");
}

/* 16384 times 100 kB would be 1.6 GB. */
static void test_environment_is_bounded(void **state)
{
	_cleanup_xa_buf_ struct xa_buf text = {0};
	struct xa_config *config = NULL;
	char value[100000];

	(void)state;
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	assert_int_equal(setenv("X", value, 1), 0);
	xa_buf_adds(&text, "mode: ");
	while (text.len + 4 <= 65536)
		xa_buf_adds(&text, "${X}");
	assert_int_equal(load_text(&config, text.text), -EINVAL);
	assert_string_equal(whys.why[0].text, "mode: the value is longer than 4096 bytes");
	assert_int_equal(unsetenv("X"), 0);
}

static void test_settings(void **state)
{
	static const char *const settings[] = {
		"top_k=5", "flows.max=2048", "interface=eth0,eth1", "top_k=6", "listen=[::1]:80",
	};
	_cleanup_xa_config_ struct xa_config *config = NULL;

	(void)state;
	assert_int_equal(xa_config_load_buffer(&config, "a.yaml", "top_k: 4\nmode: drv\n", 19,
					       settings, array_size(settings), &whys),
			 0);
	assert_int_equal(config->top_k, 6);
	assert_int_equal(config->mode, XA_MODE_DRV);
	assert_int_equal(config->flows.max, 2048);
	assert_int_equal(config->interface_count, 2);
	assert_string_equal(config->interfaces[1], "eth1");
	assert_string_equal(config->listen[0].text, "[::1]:80");
}

static void test_settings_refused(void **state)
{
	(void)state;
	assert_setting_refused("top_k=0",
			       "'top_k=0': top_k: '0' is out of range (1 to 10000 flows)");
	assert_setting_refused("top_k", "'top_k': expected key=value");
	assert_setting_refused("=5", "'=5': expected key=value");
	assert_setting_refused("top_k=", "'top_k=': top_k: the value is empty");
	assert_setting_refused("interface=", "'interface=': interface: the value is empty");
	assert_setting_refused("max=5000", "'max=5000': unknown key 'max' (did you mean "
					   "'flows.max'?)");
	assert_setting_refused("flows.mx=5000", "'flows.mx=5000': unknown key 'flows.mx' (did you "
						"mean 'flows.max'?)");
	assert_setting_refused("flows=5", "'flows=5': 'flows' is a section, name one of its keys "
					  "such as 'flows.max'");
	assert_setting_refused("mode=${HOME}",
			       "'mode=${HOME}': mode: '${HOME}' is not one of auto, "
			       "drv, skb, hw");
	assert_setting_refused("policy.memory=64M", "'policy.memory=64M': policy.memory: '64M' is "
						    "not a size (did you mean '64MiB'?)");
	assert_setting_refused("policy.stages=zones",
			       "'policy.stages=zones': policy.stages: only a file can hold stages "
			       "('[]' leaves them out)");
	assert_setting_refused("policy.stages=", "'policy.stages=': policy.stages: the value is "
						 "empty");
	assert_setting_refused("interface=\xff", "'interface=\\xff': interface: '\\xff' is not "
						 "UTF-8");
}

static void test_settings_come_after_the_file(void **state)
{
	static const char *const settings[] = {"top_k=0", "nonsense=1"};
	struct xa_config *config = NULL;

	(void)state;
	assert_int_equal(xa_config_load_buffer(&config, "a.yaml", "mode: x\nmode: [", 15, settings,
					       array_size(settings), &whys),
			 -EINVAL);
	assert_int_equal(whys.count, 5);
	assert_int_equal(whys.why[0].line, 1);
	assert_int_equal(whys.why[1].line, 2);
	assert_string_equal(whys.why[2].file, "a.yaml");
	assert_string_equal(whys.why[3].file, "--set");
	assert_string_equal(whys.why[4].text, "'nonsense=1': unknown key 'nonsense'");
}

static void test_diff(void **state)
{
	_cleanup_xa_config_ struct xa_config *old = NULL;
	_cleanup_xa_config_ struct xa_config *new = NULL;
	_cleanup_free_ char *text = NULL;

	(void)state;
	assert_int_equal(load_text(&old, "listen: '[::1]:1'\npoll_interval: 60s\n"), 0);
	assert_int_equal(load_text(&new, "listen: '[0::1]:1'\ninterface: [a, '*']\n"
					 "poll_interval: 90s\nflows: {max: 1024}\n"),
			 0);
	text = diff(old, new);
	assert_string_equal(text, "interface: auto -> [a, \"*\"]\n"
				  "poll_interval: 1m -> 1m30s\n"
				  "flows.max: 131072 -> 1024\n");
	assert_int_equal(xa_config_changes(old, new),
			 1U << XA_RELOAD_ATTACH | 1U << XA_RELOAD_LIVE | 1U << XA_RELOAD_RESTART);
	assert_null(diff(new, new));
}

static void test_diff_effects(void **state)
{
	_cleanup_xa_config_ struct xa_config *old = NULL;
	_cleanup_xa_config_ struct xa_config *new = NULL;
	_cleanup_xa_buf_ struct xa_buf buf = {0};

	(void)state;
	assert_int_equal(load_text(&old, ""), 0);
	assert_int_equal(load_text(&new, "interface: a\ntop_k: 5\nlisten: '[::1]:1'\n"
					 "flows: {max: 1024}\npolicy: {stages: [x]}\n"),
			 0);
	xa_config_diff_effects(old, new, &buf);
	assert_false(xa_buf_failed(&buf));
	assert_string_equal(buf.text,
			    "interface: auto -> a (attaches anew)\n"
			    "top_k: 50 -> 5 (takes effect at once)\n"
			    "listen: 127.0.0.1:9400 -> \"[::1]:1\" (listens anew)\n"
			    "flows.max: 131072 -> 1024 (needs a restart)\n"
			    "policy.stages: x: none -> {} (starts the policy worker anew)\n");
}

static void test_print(void **state)
{
	static const char text[] = "mode: drv\n{a\t:\tb}\n";
	_cleanup_xa_buf_ struct xa_buf printed = {0};
	char expected[320];
	struct xa_why why = {.line = 2, .column = 6, .text = "no"};
	_cleanup_close_ int fd = file_of(text, sizeof(text) - 1, why.file);

	(void)fd;
	(void)state;
	xa_why_print(&why, &printed);
	(void)snprintf(expected, sizeof(expected), "%s:2:6: error: no\n{a\t:\tb}\n  \t \t^\n",
		       why.file);
	assert_string_equal(printed.text, expected);
	xa_buf_reset(&printed);
	why.line = 9;
	xa_why_print(&why, &printed);
	(void)snprintf(expected, sizeof(expected), "%s:9:6: error: no\n", why.file);
	assert_string_equal(printed.text, expected);
	xa_buf_reset(&printed);
	xa_why_print(&(struct xa_why){.file = "--set", .text = "no"}, &printed);
	xa_why_print(&(struct xa_why){.text = "no"}, &printed);
	assert_string_equal(printed.text, "--set: error: no\nerror: no\n");
}

static void assert_shipped(const char *path)
{
	_cleanup_xa_config_ struct xa_config *config = NULL;

	if (xa_config_load(&config, path, NULL, 0, &whys))
		fail_msg("%s:%u: %s", path, whys.why[0].line, whys.why[0].text);
	assert_round_trip(config, false);
	assert_round_trip(config, true);
}

static void test_shipped(void **state)
{
	_cleanup_xa_config_ struct xa_config *defaults = NULL;
	_cleanup_xa_config_ struct xa_config *shipped = NULL;
	glob_t examples;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(
			unsetenv((const char *[]){"XDP_INTERFACE", "XDP_MODE",
						  "NETFLOW_POLL_INTERVAL", "NETFLOW_TOPK"}[i]),
			0);
	assert_int_equal(xa_config_load(&defaults, NULL, NULL, 0, &whys), 0);
	assert_int_equal(xa_config_load(&shipped, "config/xdp-auditor.yaml", NULL, 0, &whys), 0);
	assert_null(diff(defaults, shipped));
	assert_int_equal(setenv("XDP_INTERFACE", "eth0,eth1", 1), 0);
	assert_shipped("config/xdp-auditor.yaml");
	assert_int_equal(glob("config/examples/*.yaml", 0, NULL, &examples), 0);
	for (size_t i = 0; i < examples.gl_pathc; i++)
		assert_shipped(examples.gl_pathv[i]);
	globfree(&examples);
	assert_int_equal(unsetenv("XDP_INTERFACE"), 0);
}

#if OWN_ALLOCATOR
/* Loads while the allocation number `works` fails, or all from there on; whether it came that far.
 */
static bool load_in_shortage(long works, bool forever, const char *path, int expected)
{
	static const char *const settings[] = {"interface=a,b", "flows.max=4096", "top_k=9"};
	struct xa_config *config = NULL;
	bool short_of_memory;
	int r;

	shortage = (struct shortage){.on = true, .forever = forever, .countdown = works};
	r = xa_config_load(&config, path, settings, array_size(settings), &whys);
	short_of_memory = shortage.countdown < 0;
	xa_config_free(config);
	shortage.on = false;
	assert_int_equal(shortage.living, 0);
	assert_int_equal(r, short_of_memory ? -ENOMEM : expected);
	if (r)
		assert_null(config);
	return short_of_memory;
}

static void check_shortage_at(const char *path, int expected)
{
	for (int forever = 0; forever < 2; forever++)
		for (long works = 0; load_in_shortage(works, forever, path, expected); works++)
			assert_in_range(works, 0, 10000);
}

static void check_shortage(const char *text, int expected)
{
	char path[32];
	_cleanup_close_ int fd = file_of(text, strlen(text), path);

	(void)fd;
	check_shortage_at(path, expected);
}

static void test_shortage_of_memory(void **state)
{
	(void)state;
	check_shortage("interface: [eth0, 'wlan*', \"\\u00e9\"]\nlisten: '[::1]:9400'\nmode: drv\n"
		       "flows:\n  max: 2048\n  rank_by: ${NOT_SET:-bytes}\n",
		       0);
	check_shortage("interface: [[eth0, a b\nmode: dvr\nflow: {a: [b, c]}\nlisten: *a\n---\n",
		       -EINVAL);
	check_shortage("policy:\n  plugin_dir: p\n  memory: 1GiB\n  stages:\n"
		       "    - zones: {n: {o: [10.1.0.0/16, '${NOT_SET:-x}'], \"\\u00e9\": ~}}\n"
		       "    - lua\n",
		       0);
	check_shortage("policy:\n  memory: 64\n  stages:\n    - Zones: {a: 1, a: 2}\n"
		       "    - lua: {a: [$], a: {b: 1, b: 2}, [c]: d, '': e}\n      file: x\n",
		       -EINVAL);
	check_shortage("mode: dvr\ntopk: 5\nflows: {mx: 5, max: ${NOT_SET}}\n? [a]\n: b\n",
		       -EINVAL);
}

static void test_shortage_of_memory_in_folder(void **state)
{
	XA_CLEANUP(folder_done) struct folder folder = folder_new();

	(void)state;
	put_text(&folder, "a.yaml", "interface: [eth0, eth1]\nflows: {max: 2048}\n");
	put_text(&folder, "b.yaml", "interface: eth2\n");
	check_shortage_at(folder.path, 0);
	put_text(&folder, "a.yaml", "mode: dvr\n");
	assert_int_equal(mkfifoat(folder.fd, "c.yaml", 0600), 0);
	check_shortage_at(folder.path, -EINVAL);
}

static void test_shortage_in_output(void **state)
{
	_cleanup_xa_config_ struct xa_config *old = NULL;
	_cleanup_xa_config_ struct xa_config *new = NULL;
	bool failed = true;

	(void)state;
	assert_int_equal(
		load_text(&old, "interface: [a, '*']\npolicy:\n  stages: [a, {b: {c: d}}]\n"), 0);
	assert_int_equal(
		load_text(&new, "top_k: 5\npolicy:\n  stages: [{b: {c: e, d: f}}, g, a]\n"), 0);
	for (long works = 0; failed; works++) {
		struct xa_buf buf = {0};

		shortage = (struct shortage){.on = true, .countdown = works};
		xa_config_dump(old, true, &buf);
		xa_config_dump_origins(old, &buf);
		xa_config_schema(&buf);
		xa_config_reference(XA_MARKUP_MARKDOWN, &buf);
		xa_config_reference(XA_MARKUP_SCDOC, &buf);
		xa_config_keys(&buf);
		xa_config_diff(old, new, &buf);
		failed = xa_buf_failed(&buf);
		xa_buf_done(&buf);
		shortage.on = false;
		assert_int_equal(shortage.living, 0);
		assert_in_range(works, 0, 1000);
	}
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_all_reasons_are_counted),
		cmocka_unit_test(test_depth_is_cheap),
		cmocka_unit_test(test_file_errors),
		cmocka_unit_test(test_file_size),
		cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_folder_errors),
		cmocka_unit_test(test_folder_is_bounded),
		cmocka_unit_test(test_origins),
		cmocka_unit_test(test_swaps),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_environment_is_bounded),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_settings_refused),
		cmocka_unit_test(test_settings_come_after_the_file),
		cmocka_unit_test(test_diff),
		cmocka_unit_test(test_diff_effects),
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_shipped),
#if OWN_ALLOCATOR
		cmocka_unit_test(test_shortage_of_memory),
		cmocka_unit_test(test_shortage_of_memory_in_folder),
		cmocka_unit_test(test_shortage_in_output),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
