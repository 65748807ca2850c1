/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The server by real sockets on the loopback: what each path answers, what becomes of connections
 * when the listening addresses change, and of a page when another takes its place under a reader.
 */

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/http/server.h"

struct scene {
	struct xa_board *board;
	struct xa_server *server;
};

struct answer {
	int status; /* 0: none came */
	char head[4096];
	char body[8192];
	size_t body_len;
};

/* A port that nobody has: asked of the kernel, and given back just before it is used. */
static uint16_t free_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	return ntohs(address.sin_port);
}

static void two_ports(uint16_t ret_ports[2])
{
	ret_ports[0] = free_port();
	do
		ret_ports[1] = free_port();
	while (ret_ports[1] == ret_ports[0]);
}

/* -1 where nobody listens. */
static int try_connect(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct timeval patience = {.tv_sec = 10};
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return -1;
	return take_fd(fd);
}

static int connected(uint16_t port)
{
	int fd = try_connect(port);

	assert_true(fd >= 0);
	return fd;
}

static void send_request(int fd, const char *method, const char *path)
{
	_cleanup_xa_buf_ struct xa_buf request = {0};

	xa_buf_addf(&request, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", method, path,
		    strcmp(method, "POST") ? "" : "Content-Length: 0\r\n");
	assert_int_equal(send(fd, request.text, request.len, MSG_NOSIGNAL), request.len);
}

static const char *header(const struct answer *answer, const char *name)
{
	static const char none[] = "";
	size_t len = strlen(name);

	for (const char *line = answer->head; (line = strstr(line, "\r\n")); line += 2)
		if (!strncasecmp(line + 2, name, len) && line[2 + len] == ':')
			return line + 2 + len + 2;
	return none;
}

static bool header_is(const struct answer *answer, const char *name, const char *value)
{
	const char *is = header(answer, name);

	return !strncmp(is, value, strlen(value)) && !strncmp(is + strlen(value), "\r\n", 2);
}

/* Up to and with the empty line, byte by byte: what follows belongs to the body. */
static void read_head(int fd, struct answer *answer)
{
	size_t len = 0;

	while (len < sizeof(answer->head) - 1 && recv(fd, answer->head + len, 1, 0) == 1) {
		len++;
		if (len >= 4 && !memcmp(answer->head + len - 4, "\r\n\r\n", 4)) {
			answer->status = (int)strtol(answer->head + strlen("HTTP/1.1 "), NULL, 10);
			return;
		}
	}
}

static void read_answer(int fd, bool has_body, struct answer *ret_answer)
{
	size_t len;

	*ret_answer = (struct answer){0};
	read_head(fd, ret_answer);
	len = strtoul(header(ret_answer, "Content-Length"), NULL, 10);
	assert_true(len < sizeof(ret_answer->body));
	while (has_body && ret_answer->body_len < len) {
		ssize_t got = recv(fd, ret_answer->body + ret_answer->body_len,
				   len - ret_answer->body_len, 0);

		if (got <= 0)
			return;
		ret_answer->body_len += (size_t)got;
	}
}

static struct answer *ask(uint16_t port, const char *method, const char *path,
			  struct answer *ret_answer)
{
	_cleanup_close_ int fd = connected(port);

	send_request(fd, method, path);
	read_answer(fd, strcmp(method, "HEAD") != 0, ret_answer);
	return ret_answer;
}

static struct xa_page *page_of(const char *metrics)
{
	struct xa_page *page;

	assert_int_equal(xa_page_new(&page), 0);
	page->metrics = strdup(metrics);
	page->metrics_len = strlen(metrics);
	page->landing = strdup("<!doctype html>\n");
	page->landing_len = strlen(page->landing);
	page->state = strdup("ready\n");
	page->state_len = strlen(page->state);
	page->attached = true;
	page->stale_after_ns = xa_now_ns() + 3600 * XA_NS_PER_S;
	return page;
}

static struct xa_config *config_of(const char *const *addresses, size_t count)
{
	_cleanup_xa_buf_ struct xa_buf setting = {0};
	struct xa_config *config = NULL;
	const char *text;
	struct xa_whys whys;

	xa_buf_adds(&setting, "listen=");
	for (size_t i = 0; i < count; i++)
		xa_buf_addf(&setting, "%s%s", i ? "," : "", addresses[i]);
	text = setting.text;
	assert_int_equal(xa_config_load(&config, NULL, &text, 1, &whys), 0);
	return config;
}

/* On 127.0.0.1, at these ports and no others. */
static int listen_on(struct scene *scene, const uint16_t *ports, size_t count,
		     struct xa_why *ret_why)
{
	_cleanup_xa_config_ struct xa_config *config = NULL;
	int error;
	const char *addresses[4];
	char texts[4][32];

	for (size_t i = 0; i < count; i++) {
		(void)snprintf(texts[i], sizeof(texts[i]), "127.0.0.1:%u", ports[i]);
		addresses[i] = texts[i];
	}
	config = config_of(addresses, count);
	error = xa_server_listen(scene->server, config, ret_why);
	if (!error)
		xa_server_keep(scene->server, config);
	return error;
}

static int setup(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	if (!scene || xa_board_new(&scene->board) || xa_server_new(&scene->server, scene->board))
		return -1;
	*state = scene;
	return 0;
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	xa_server_free(scene->server);
	xa_board_free(scene->board);
	free(scene);
	return 0;
}

static uint16_t listening(struct scene *scene)
{
	uint16_t port = free_port();
	struct xa_why why = {0};

	if (listen_on(scene, &port, 1, &why))
		fail_msg("%s", why.text);
	return port;
}

static void test_before_the_first_page(void **state)
{
	uint16_t port = listening(*state);
	struct answer answer;

	assert_int_equal(ask(port, "GET", "/metrics", &answer)->status, 503);
	assert_int_equal(ask(port, "GET", "/", &answer)->status, 503);
	assert_int_equal(ask(port, "GET", "/-/ready", &answer)->status, 503);
	assert_true(answer.body_len > 0);
	assert_int_equal(ask(port, "GET", "/-/healthy", &answer)->status, 200);
}

static void test_routes(void **state)
{
	struct scene *scene = *state;
	uint16_t port = listening(scene);
	struct answer answer;

	xa_board_pin(scene->board, page_of("a 1\n"));
	assert_int_equal(ask(port, "GET", "/metrics", &answer)->status, 200);
	assert_string_equal(answer.body, "a 1\n");
	assert_true(header_is(&answer, "Content-Type", "text/plain; version=0.0.4; charset=utf-8"));
	assert_int_equal(ask(port, "GET", "/metrics?collect=x", &answer)->status, 200);
	assert_int_equal(ask(port, "GET", "/", &answer)->status, 200);
	assert_string_equal(answer.body, "<!doctype html>\n");
	assert_true(header_is(&answer, "Content-Type", "text/html; charset=utf-8"));
	assert_int_equal(ask(port, "GET", "/-/ready", &answer)->status, 200);
	assert_string_equal(answer.body, "ready\n");
	assert_int_equal(ask(port, "GET", "/-/healthy", &answer)->status, 200);
	assert_true(header_is(&answer, "Cache-Control", "no-store"));
}

static void test_not_found(void **state)
{
	static const char *const paths[] = {"/metric",	      "/metrics/",  "//metrics",
					    "/Metrics",	      "/-/",	    "/index.html",
					    "/../etc/passwd", "/%2e%2e/x",  "/metrics.gz",
					    "/metrics%00x",   "/%6detrics", "/metrics%"};
	struct scene *scene = *state;
	uint16_t port = listening(scene);
	struct answer answer;

	xa_board_pin(scene->board, page_of("a 1\n"));
	for (size_t i = 0; i < array_size(paths); i++)
		assert_int_equal(ask(port, "GET", paths[i], &answer)->status, 404);
	assert_int_equal(ask(port, "POST", "/nothing", &answer)->status, 404);
}

static void test_methods(void **state)
{
	static const char *const paths[] = {"/metrics", "/", "/-/ready", "/-/healthy"};
	static const char *const methods[] = {"POST", "PUT", "DELETE", "OPTIONS", "get"};
	struct scene *scene = *state;
	uint16_t port = listening(scene);
	struct answer answer;

	xa_board_pin(scene->board, page_of("a 1\n"));
	for (size_t i = 0; i < array_size(paths) * array_size(methods); i++) {
		(void)ask(port, methods[i % array_size(methods)], paths[i / array_size(methods)],
			  &answer);
		assert_int_equal(answer.status, 405);
		assert_true(header_is(&answer, "Allow", "GET, HEAD"));
	}
}

/* As GET, without the body: the next answer on the connection starts right behind the head. */
static void test_head(void **state)
{
	struct scene *scene = *state;
	_cleanup_close_ int fd = connected(listening(scene));
	struct answer answer;

	xa_board_pin(scene->board, page_of("a 1\n"));
	send_request(fd, "HEAD", "/metrics");
	read_answer(fd, false, &answer);
	assert_int_equal(answer.status, 200);
	assert_true(header_is(&answer, "Content-Length", "4"));
	assert_true(header_is(&answer, "Content-Type", "text/plain; version=0.0.4; charset=utf-8"));
	send_request(fd, "GET", "/metrics");
	read_answer(fd, true, &answer);
	assert_int_equal(answer.status, 200);
	assert_string_equal(answer.body, "a 1\n");
}

/* A body that nobody asked for is read past, in front of the next request. */
static void test_get_with_body(void **state)
{
	static const char request[] = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n"
				      "Content-Length: 6\r\n\r\n";
	struct scene *scene = *state;
	_cleanup_close_ int fd = connected(listening(scene));
	struct answer answer;

	xa_board_pin(scene->board, page_of("a 1\n"));
	assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
	assert_int_equal(send(fd, "foobar", 6, MSG_NOSIGNAL), 6);
	read_answer(fd, true, &answer);
	assert_int_equal(answer.status, 200);
	assert_string_equal(answer.body, "a 1\n");
	send_request(fd, "GET", "/-/healthy");
	read_answer(fd, true, &answer);
	assert_int_equal(answer.status, 200);
}

static void test_not_ready(void **state)
{
	struct xa_page *stale = page_of("a 1\n"), *detached = page_of("a 2\n");
	struct scene *scene = *state;
	uint16_t port = listening(scene);
	struct answer answer;

	stale->stale_after_ns = xa_now_ns() - 1;
	xa_board_pin(scene->board, stale);
	assert_int_equal(ask(port, "GET", "/-/ready", &answer)->status, 503);
	assert_non_null(strstr(answer.body, "overdue"));
	assert_int_equal(ask(port, "GET", "/metrics", &answer)->status, 200);
	free(detached->state);
	detached->state = strdup("not attached to eth0: taken\n");
	detached->state_len = strlen(detached->state);
	detached->attached = false;
	xa_board_pin(scene->board, detached);
	assert_int_equal(ask(port, "GET", "/-/ready", &answer)->status, 503);
	assert_string_equal(answer.body, "not attached to eth0: taken\n");
	assert_int_equal(ask(port, "GET", "/metrics", &answer)->status, 200);
}

/* A connection over one listening socket sees each page as it is pinned. */
static void test_next_page(void **state)
{
	struct scene *scene = *state;
	_cleanup_close_ int fd = connected(listening(scene));
	struct answer answer;
	char text[32];

	for (int i = 0; i < 50; i++) {
		(void)snprintf(text, sizeof(text), "a %d\n", i);
		xa_board_pin(scene->board, page_of(text));
		send_request(fd, "GET", "/metrics");
		read_answer(fd, true, &answer);
		assert_string_equal(answer.body, text);
	}
}

/* More than the sockets hold, read only after the page has left the board. */
static void test_page_outlives_the_board(void **state)
{
	const size_t size = 16 << 20;
	_cleanup_free_ char *large = malloc(size + 1);
	struct scene *scene = *state;
	_cleanup_close_ int fd = connected(listening(scene));
	struct answer answer = {0};
	size_t len = 0, right = 0;
	char part[65536];
	ssize_t got;

	assert_non_null(large);
	memset(large, 'x', size);
	large[size] = '\0';
	xa_board_pin(scene->board, page_of(large));
	send_request(fd, "GET", "/metrics");
	read_head(fd, &answer);
	for (int i = 0; i < 3; i++)
		xa_board_pin(scene->board, page_of("a 1\n"));
	while (len < size && (got = recv(fd, part, sizeof(part), 0)) > 0) {
		len += (size_t)got;
		for (ssize_t i = 0; i < got; i++)
			right += part[i] == 'x';
	}
	assert_int_equal(answer.status, 200);
	assert_int_equal(len, size);
	assert_int_equal(right, size);
}

/* An address that stays goes on without a gap: even its open connections do. */
static void test_listen_set_changes(void **state)
{
	struct scene *scene = *state;
	struct answer answer;
	struct xa_why why;
	uint16_t ports[2];
	int kept;

	two_ports(ports);
	assert_int_equal(listen_on(scene, ports, 1, &why), 0);
	kept = connected(ports[0]);
	assert_int_equal(listen_on(scene, ports, 2, &why), 0);
	assert_int_equal(ask(ports[1], "GET", "/-/healthy", &answer)->status, 200);
	send_request(kept, "GET", "/-/healthy");
	read_answer(kept, true, &answer);
	assert_int_equal(answer.status, 200);
	(void)close(kept);
	kept = connected(ports[1]);
	assert_int_equal(listen_on(scene, ports + 1, 1, &why), 0);
	assert_int_equal(try_connect(ports[0]), -1);
	send_request(kept, "GET", "/-/healthy");
	read_answer(kept, true, &answer);
	assert_int_equal(answer.status, 200);
	(void)close(kept);
}

/* A reload opens what is new before it is sure to go through, and closes the old when it is. */
static void test_listen_closes_nothing(void **state)
{
	struct scene *scene = *state;
	_cleanup_xa_config_ struct xa_config *before = NULL, *after = NULL;
	const char *addresses[2];
	char texts[2][32];
	struct answer answer;
	struct xa_why why;
	uint16_t ports[2];

	two_ports(ports);
	for (size_t i = 0; i < 2; i++) {
		(void)snprintf(texts[i], sizeof(texts[i]), "127.0.0.1:%u", ports[i]);
		addresses[i] = texts[i];
	}
	before = config_of(&addresses[0], 1);
	after = config_of(&addresses[1], 1);
	assert_int_equal(xa_server_listen(scene->server, before, &why), 0);
	assert_int_equal(xa_server_listen(scene->server, after, &why), 0);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(ask(ports[i], "GET", "/-/healthy", &answer)->status, 200);
	xa_server_keep(scene->server, before);
	assert_int_equal(ask(ports[0], "GET", "/-/healthy", &answer)->status, 200);
	assert_int_equal(try_connect(ports[1]), -1);
}

static int occupied(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* Of three new addresses the last is taken: none of them is opened, and the old one is not closed.
 */
static void test_address_in_use(void **state)
{
	struct scene *scene = *state;
	struct xa_why why = {0};
	struct answer answer;
	uint16_t before, ports[2];
	char text[32];
	int other;

	before = listening(scene);
	two_ports(ports);
	other = occupied(ports[1]);
	assert_int_equal(listen_on(scene, ports, 2, &why), -EADDRINUSE);
	(void)snprintf(text, sizeof(text), "127.0.0.1:%u", ports[1]);
	assert_non_null(strstr(why.text, text));
	assert_null(strchr(why.text, '\n'));
	assert_int_equal(try_connect(ports[0]), -1);
	assert_int_equal(ask(before, "GET", "/-/healthy", &answer)->status, 200);
	(void)close(other);
	assert_int_equal(listen_on(scene, ports, 2, &why), 0);
	assert_int_equal(ask(ports[1], "GET", "/-/healthy", &answer)->status, 200);
	assert_int_equal(try_connect(before), -1);
}

static void test_address_not_here(void **state)
{
	static const char *const address = "192.0.2.1:9400";
	_cleanup_xa_config_ struct xa_config *config = config_of(&address, 1);
	struct scene *scene = *state;
	struct xa_why why = {0};

	assert_int_equal(xa_server_listen(scene->server, config, &why), -EADDRNOTAVAIL);
	assert_non_null(strstr(why.text, address));
}

static void test_free_ends_connections(void **state)
{
	struct scene *scene = *state;
	uint16_t port = listening(scene);
	_cleanup_close_ int fd = connected(port);
	struct answer answer;
	char byte;

	send_request(fd, "GET", "/-/healthy");
	read_answer(fd, true, &answer);
	assert_int_equal(answer.status, 200);
	xa_server_free(scene->server);
	scene->server = NULL;
	assert_true(recv(fd, &byte, 1, 0) <= 0);
	assert_int_equal(try_connect(port), -1);
	xa_server_free(NULL);
}

#define server_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		server_test(test_before_the_first_page),
		server_test(test_routes),
		server_test(test_not_found),
		server_test(test_methods),
		server_test(test_head),
		server_test(test_get_with_body),
		server_test(test_not_ready),
		server_test(test_next_page),
		server_test(test_page_outlives_the_board),
		server_test(test_listen_set_changes),
		server_test(test_listen_closes_nothing),
		server_test(test_address_in_use),
		server_test(test_address_not_here),
		server_test(test_free_ends_connections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
