/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The server on a socket that stands in the file system: what it does to what stands there already,
 * and what it leaves. */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cmocka.h>

#include "core/http/server.h"

struct scene {
	char folder[32];
	char path[48];
	struct xa_board *board;
	struct xa_server *server;
};

static int setup(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	if (!scene)
		return -1;
	*state = scene;
	(void)snprintf(scene->folder, sizeof(scene->folder), "/tmp/xa-socket-XXXXXX");
	if (!mkdtemp(scene->folder) || xa_board_new(&scene->board))
		return -1;
	(void)snprintf(scene->path, sizeof(scene->path), "%s/sock", scene->folder);
	return xa_server_new(&scene->server, scene->board, &(struct xa_server_hooks){0});
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	xa_server_free(scene->server);
	xa_board_free(scene->board);
	(void)unlink(scene->path);
	(void)rmdir(scene->folder);
	free(scene);
	return 0;
}

static int serve(struct scene *scene, struct xa_server *server, struct xa_why *ret_why)
{
	_cleanup_xa_config_ struct xa_config *config = NULL;
	char listen[64];
	const char *setting = listen;
	struct xa_whys whys;
	int error;

	(void)snprintf(listen, sizeof(listen), "listen=unix:%s", scene->path);
	assert_int_equal(xa_config_load(&config, NULL, &setting, 1, &whys), 0);
	error = xa_server_listen(server, config, NULL, ret_why);
	if (!error)
		xa_server_keep(server, config, NULL);
	return error;
}

static struct sockaddr_un address_of(const struct scene *scene)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", scene->path);
	return un;
}

/* The status; 0: nobody answers. */
static int ask(const struct scene *scene, const char *request)
{
	const struct sockaddr_un un = address_of(scene);
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char answer[16] = "";

	if (connect(fd, (const struct sockaddr *)&un, sizeof(un)))
		return 0;
	assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
	assert_int_equal(recv(fd, answer, sizeof(answer) - 1, MSG_WAITALL), sizeof(answer) - 1);
	return (int)strtol(answer + strlen("HTTP/1.1 "), NULL, 10);
}

static bool is_there(const struct scene *scene)
{
	return !access(scene->path, F_OK);
}

/* No name in Host is another's here, and none has to be there. */
static void test_answers(void **state)
{
	struct scene *scene = *state;
	struct xa_why why;

	assert_int_equal(serve(scene, scene->server, &why), 0);
	assert_int_equal(ask(scene, "GET /-/healthy HTTP/1.1\r\nHost: evil.example\r\n\r\n"), 200);
	assert_int_equal(ask(scene, "GET /-/healthy HTTP/1.1\r\n\r\n"), 200);
	assert_int_equal(ask(scene, "GET /nothing HTTP/1.0\r\n\r\n"), 404);
}

static void test_mode(void **state)
{
	struct scene *scene = *state;
	const mode_t before = umask(0077);
	struct xa_why why;
	struct stat made;

	assert_int_equal(serve(scene, scene->server, &why), 0);
	(void)umask(before);
	assert_int_equal(stat(scene->path, &made), 0);
	assert_int_equal(made.st_mode, S_IFSOCK | 0660);
}

static void test_removed(void **state)
{
	struct scene *scene = *state;
	struct xa_why why;

	assert_int_equal(serve(scene, scene->server, &why), 0);
	assert_true(is_there(scene));
	xa_server_free(take_ptr(scene->server));
	assert_false(is_there(scene));
}

/* As a daemon that was killed leaves it. */
static void test_stale(void **state)
{
	struct scene *scene = *state;
	const struct sockaddr_un un = address_of(scene);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct xa_why why;

	assert_int_equal(bind(fd, (const struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(fd, 1), 0);
	(void)close(fd);
	assert_int_equal(serve(scene, scene->server, &why), 0);
	assert_int_equal(ask(scene, "GET /-/healthy HTTP/1.0\r\n\r\n"), 200);
}

/* It is refused with its name, and the one that lives goes on. */
static void test_living(void **state)
{
	struct scene *scene = *state;
	_cleanup_xa_server_ struct xa_server *second = NULL;
	struct xa_why why = {0};

	assert_int_equal(serve(scene, scene->server, &why), 0);
	assert_int_equal(xa_server_new(&second, scene->board, &(struct xa_server_hooks){0}), 0);
	assert_int_equal(serve(scene, second, &why), -EADDRINUSE);
	assert_non_null(strstr(why.text, scene->path));
	assert_int_equal(ask(scene, "GET /-/healthy HTTP/1.0\r\n\r\n"), 200);
}

static void test_no_socket(void **state)
{
	struct scene *scene = *state;
	_cleanup_file_ FILE *file = fopen(scene->path, "w");
	struct xa_why why = {0};

	assert_non_null(file);
	assert_int_equal(serve(scene, scene->server, &why), -EEXIST);
	assert_true(is_there(scene));
}

/* What another has put there meanwhile is the other's. */
static void test_replaced(void **state)
{
	struct scene *scene = *state;
	_cleanup_file_ FILE *file = NULL;
	struct xa_why why = {0};

	assert_int_equal(serve(scene, scene->server, &why), 0);
	assert_int_equal(unlink(scene->path), 0);
	file = fopen(scene->path, "w");
	assert_non_null(file);
	xa_server_free(take_ptr(scene->server));
	assert_true(is_there(scene));
}

#define socket_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		socket_test(test_answers),  socket_test(test_mode),   socket_test(test_removed),
		socket_test(test_stale),    socket_test(test_living), socket_test(test_no_socket),
		socket_test(test_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
