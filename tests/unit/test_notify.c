/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The service manager's end of the socket: a real one, in the file system and in the abstract
 * namespace, and what happens when there is none, or none any more. */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

#include "core/notify.h"

struct manager {
	int fd;
	char folder[32];
	char name[sizeof(((struct sockaddr_un *)0)->sun_path) + 64]; /* as in NOTIFY_SOCKET */
	struct xa_notify notify;
};

static int setup(void **state)
{
	struct manager *manager = calloc(1, sizeof(*manager));

	if (!manager)
		return -1;
	manager->fd = -1;
	manager->notify.fd = -1;
	(void)snprintf(manager->folder, sizeof(manager->folder), "/tmp/xa-notify-XXXXXX");
	*state = manager;
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unsetenv("WATCHDOG_USEC");
	(void)unsetenv("WATCHDOG_PID");
	return mkdtemp(manager->folder) ? 0 : -1;
}

static int teardown(void **state)
{
	struct manager *manager = *state;

	xa_notify_close(&manager->notify);
	if (manager->fd >= 0)
		(void)close(manager->fd);
	if (manager->name[0] == '/')
		(void)unlink(manager->name);
	(void)rmdir(manager->folder);
	free(manager);
	return 0;
}

static void manager_listen(struct manager *manager, const char *prefix)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const struct timeval patience = {.tv_sec = 10};
	int len = snprintf(manager->name, sizeof(manager->name), "%s%s/socket", prefix,
			   manager->folder);

	assert_true(len > 0 && (size_t)len < sizeof(address.sun_path));
	memcpy(address.sun_path, manager->name, (size_t)len);
	if (manager->name[0] == '@')
		address.sun_path[0] = '\0';
	manager->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(manager->fd, (const struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len)),
			 0);
	assert_int_equal(
		setsockopt(manager->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", manager->name, 1), 0);
}

static void assert_told(const struct manager *manager, const char *message)
{
	char got[1024] = "";

	assert_true(recv(manager->fd, got, sizeof(got) - 1, 0) >= 0);
	assert_string_equal(got, message);
}

static void assert_told_no_more(const struct manager *manager)
{
	char got[16];

	assert_int_equal(recv(manager->fd, got, sizeof(got), MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

static void talk(struct manager *manager)
{
	assert_int_equal(xa_notify_open(&manager->notify), 0);
	assert_true(manager->notify.fd >= 0);
	assert_int_equal(manager->notify.watchdog_ns, 0);
	xa_notify_send(&manager->notify, "READY=1\nSTATUS=%s, %d interfaces", "attached", 2);
	xa_notify_send(&manager->notify, "WATCHDOG=1");
	assert_told(manager, "READY=1\nSTATUS=attached, 2 interfaces");
	assert_told(manager, "WATCHDOG=1");
	assert_told_no_more(manager);
}

static void test_path(void **state)
{
	manager_listen(*state, "");
	talk(*state);
}

static void test_abstract(void **state)
{
	manager_listen(*state, "@");
	talk(*state);
}

/* Nobody to tell: no error, no watchdog, and nothing to be heard. */
static void test_no_manager(void **state)
{
	struct manager *manager = *state;

	assert_int_equal(setenv("WATCHDOG_USEC", "5000000", 1), 0);
	assert_int_equal(xa_notify_open(&manager->notify), 0);
	assert_int_equal(manager->notify.fd, -1);
	assert_int_equal(manager->notify.watchdog_ns, 0);
	xa_notify_send(&manager->notify, "READY=1");
	xa_notify_close(&manager->notify);
	xa_notify_close(&manager->notify);
}

static void test_unreachable(void **state)
{
	static const struct {
		const char *name;
		int error;
	} cases[] = {
		{"/nonexistent/socket", -ENOENT},
		{"@xdp-auditor-test-of-nobody", -ECONNREFUSED},
		{"relative/socket", -EINVAL},
		{"vsock:2:1234", -EINVAL},
		{"", -EINVAL},
	};
	struct manager *manager = *state;

	assert_int_equal(setenv("WATCHDOG_USEC", "5000000", 1), 0);
	for (size_t i = 0; i < array_size(cases); i++) {
		assert_int_equal(setenv("NOTIFY_SOCKET", cases[i].name, 1), 0);
		assert_int_equal(xa_notify_open(&manager->notify), cases[i].error);
		assert_int_equal(manager->notify.fd, -1);
		assert_int_equal(manager->notify.watchdog_ns, 0);
		xa_notify_send(&manager->notify, "READY=1");
	}
}

static void test_name_too_long(void **state)
{
	struct manager *manager = *state;

	memset(manager->name, 'x', sizeof(manager->name) - 1);
	for (size_t i = 0; i < 2; i++) {
		manager->name[0] = "/@"[i];
		assert_int_equal(setenv("NOTIFY_SOCKET", manager->name, 1), 0);
		assert_int_equal(xa_notify_open(&manager->notify), -EINVAL);
		assert_int_equal(manager->notify.fd, -1);
	}
}

static uint64_t watchdog_of(struct manager *manager, const char *microseconds, const char *pid)
{
	assert_int_equal(setenv("WATCHDOG_USEC", microseconds, 1), 0);
	(void)unsetenv("WATCHDOG_PID");
	if (pid)
		assert_int_equal(setenv("WATCHDOG_PID", pid, 1), 0);
	xa_notify_close(&manager->notify);
	assert_int_equal(xa_notify_open(&manager->notify), 0);
	return manager->notify.watchdog_ns;
}

/* The environment is inherited: the pid says whether it is this process that is watched. */
static void test_watchdog(void **state)
{
	struct manager *manager = *state;
	char own[32], parents[32];

	manager_listen(manager, "@");
	(void)snprintf(own, sizeof(own), "%d", getpid());
	(void)snprintf(parents, sizeof(parents), "%d", getppid());
	assert_int_equal(watchdog_of(manager, "30000000", own), 30 * XA_NS_PER_S);
	assert_int_equal(watchdog_of(manager, "1500", NULL), 1500000);
	assert_int_equal(watchdog_of(manager, "30000000", parents), 0);
	assert_int_equal(watchdog_of(manager, "30000000", ""), 0);
	assert_int_equal(watchdog_of(manager, "0", own), 0);
	assert_int_equal(watchdog_of(manager, "", own), 0);
}

static void test_long_message_is_cut(void **state)
{
	struct manager *manager = *state;
	char got[1024] = "", text[900];
	ssize_t len;

	manager_listen(manager, "@");
	assert_int_equal(xa_notify_open(&manager->notify), 0);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	xa_notify_send(&manager->notify, "STATUS=%s", text);
	len = recv(manager->fd, got, sizeof(got), 0);
	assert_in_range(len, 500, 512);
	assert_int_equal(strlen(got), len);
	assert_memory_equal(got, "STATUS=xxx", 10);
}

/* A manager that does not read, and one that is gone: the daemon neither waits nor dies. */
static void test_deaf_manager(void **state)
{
	struct manager *manager = *state;

	manager_listen(manager, "");
	assert_int_equal(xa_notify_open(&manager->notify), 0);
	for (unsigned i = 0; i < 5000; i++)
		xa_notify_send(&manager->notify, "STATUS=%u", i);
	assert_told(manager, "STATUS=0");
	(void)close(take_fd(manager->fd));
	xa_notify_send(&manager->notify, "STOPPING=1");
}

#define notify_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		notify_test(test_path),
		notify_test(test_abstract),
		notify_test(test_no_manager),
		notify_test(test_unreachable),
		notify_test(test_name_too_long),
		notify_test(test_watchdog),
		notify_test(test_long_message_is_cut),
		notify_test(test_deaf_manager),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
