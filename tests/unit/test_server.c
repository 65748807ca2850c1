/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The server by real sockets on the loopback: what each path answers, what becomes of connections
 * when the listening addresses change, and of a page when another takes its place under a reader;
 * and who waits for which reload, with the test as the loop thread.
 */

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "core/http/server.h"
#include "core/http/waits.h"
#include "tests/unit/free_port.h"

struct scene {
	struct xa_board *board;
	struct xa_server *server;
	unsigned asked; /* how many reloads; by the server's threads */
};

struct answer {
	int status; /* 0: none came */
	char head[4096];
	char body[16384];
	size_t body_len;
};

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

static void send_with(int fd, const char *method, const char *path, const char *headers)
{
	_cleanup_xa_buf_ struct xa_buf request = {0};

	xa_buf_addf(&request, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", method, path, headers);
	assert_int_equal(send(fd, request.text, request.len, MSG_NOSIGNAL), request.len);
}

static void send_request(int fd, const char *method, const char *path)
{
	send_with(fd, method, path, strcmp(method, "POST") ? "" : "Content-Length: 0\r\n");
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

static struct answer *ask_with(uint16_t port, const char *method, const char *path,
			       const char *headers, struct answer *ret_answer)
{
	_cleanup_close_ int fd = connected(port);

	send_with(fd, method, path, headers);
	read_answer(fd, true, ret_answer);
	return ret_answer;
}

static struct xa_page *page_of(const char *metrics)
{
	struct xa_page *page;

	assert_int_equal(xa_page_new(&page), 0);
	page->metrics[XA_FORMAT_TEXT] = (struct xa_body){strdup(metrics), strlen(metrics)};
	page->landing = strdup("<!doctype html>\n");
	page->landing_len = strlen(page->landing);
	page->state = strdup("ready\n");
	page->state_len = strlen(page->state);
	page->attached = true;
	page->stale_after_ns = xa_now_ns() + 3600 * XA_NS_PER_S;
	return page;
}

static struct xa_config *config_with(const char *const *addresses, size_t count,
				     const char *http_reload)
{
	_cleanup_xa_buf_ struct xa_buf setting = {0};
	struct xa_config *config = NULL;
	const char *settings[2];
	struct xa_whys whys;

	xa_buf_adds(&setting, "listen=");
	for (size_t i = 0; i < count; i++)
		xa_buf_addf(&setting, "%s%s", i ? "," : "", addresses[i]);
	settings[0] = setting.text;
	settings[1] = http_reload;
	assert_int_equal(xa_config_load(&config, NULL, settings, 2, &whys), 0);
	return config;
}

static struct xa_config *config_of(const char *const *addresses, size_t count)
{
	return config_with(addresses, count, "http.reload=false");
}

/* On 127.0.0.1, at these ports and no others. */
static int listen_with(struct scene *scene, const uint16_t *ports, size_t count,
		       const char *http_reload, struct xa_why *ret_why)
{
	_cleanup_xa_config_ struct xa_config *config = NULL;
	int error;
	const char *addresses[4];
	char texts[4][32];

	for (size_t i = 0; i < count; i++) {
		(void)snprintf(texts[i], sizeof(texts[i]), "127.0.0.1:%u", ports[i]);
		addresses[i] = texts[i];
	}
	config = config_with(addresses, count, http_reload);
	error = xa_server_listen(scene->server, config, NULL, ret_why);
	if (!error)
		xa_server_keep(scene->server, config, NULL);
	return error;
}

static int listen_on(struct scene *scene, const uint16_t *ports, size_t count,
		     struct xa_why *ret_why)
{
	return listen_with(scene, ports, count, "http.reload=false", ret_why);
}

static void reload_asked(void *ctx)
{
	struct scene *scene = ctx;

	__atomic_add_fetch(&scene->asked, 1, __ATOMIC_RELEASE);
}

static int setup(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	if (!scene || xa_board_new(&scene->board) ||
	    xa_server_new(&scene->server, scene->board,
			  &(struct xa_server_hooks){.ctx = scene, .reload = reload_asked}))
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
	assert_int_equal(ask(port, "POST", "/-/reload/", &answer)->status, 404);
	assert_int_equal(ask(port, "GET", "/config/", &answer)->status, 404);
}

static void test_methods(void **state)
{
	static const char *const paths[] = {"/metrics", "/config", "/", "/-/ready", "/-/healthy"};
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

static void test_reload_methods(void **state)
{
	static const char *const methods[] = {"GET", "HEAD", "PUT", "OPTIONS", "post"};
	struct scene *scene = *state;
	uint16_t port = listening(scene);
	struct answer answer;

	for (size_t i = 0; i < array_size(methods); i++) {
		(void)ask(port, methods[i], "/-/reload", &answer);
		assert_int_equal(answer.status, 405);
		assert_true(header_is(&answer, "Allow", "POST"));
	}
	assert_int_equal(scene->asked, 0);
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

/* A body that nobody asked for is refused by the head alone, and ends the connection: what follows
 * is not taken for a request. */
static void test_get_with_body(void **state)
{
	static const char request[] = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n"
				      "Content-Length: 6\r\n\r\n";
	struct scene *scene = *state;
	_cleanup_close_ int fd = connected(listening(scene));
	struct answer answer;

	xa_board_pin(scene->board, page_of("a 1\n"));
	assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
	read_answer(fd, true, &answer);
	assert_int_equal(answer.status, 400);
	assert_true(header_is(&answer, "Connection", "close"));
	assert_true(recv(fd, answer.body, 1, 0) <= 0);
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
	assert_int_equal(xa_server_listen(scene->server, before, NULL, &why), 0);
	assert_int_equal(xa_server_listen(scene->server, after, NULL, &why), 0);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(ask(ports[i], "GET", "/-/healthy", &answer)->status, 200);
	xa_server_keep(scene->server, before, NULL);
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

	assert_int_equal(xa_server_listen(scene->server, config, NULL, &why), -EADDRNOTAVAIL);
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

/* --- config --- */

static void check_config(uint16_t port, const struct xa_config *config)
{
	_cleanup_xa_buf_ struct xa_buf dump = {0};
	struct answer answer;

	xa_config_dump(config, false, &dump);
	assert_int_equal(ask(port, "GET", "/config", &answer)->status, 200);
	assert_string_equal(answer.body, dump.text);
	assert_true(header_is(&answer, "Content-Type", "text/plain; charset=utf-8"));
	assert_true(header_is(&answer, "Cache-Control", "no-store"));
	assert_int_equal(ask(port, "HEAD", "/config", &answer)->status, 200);
	assert_int_equal(strtoul(header(&answer, "Content-Length"), NULL, 10), dump.len);
}

/* It is the one that is kept, not one that was only tried; and it is not borrowed. */
static void test_config(void **state)
{
	struct scene *scene = *state;
	uint16_t port = free_port();
	const char *address;
	_cleanup_xa_config_ struct xa_config *first = NULL, *second = NULL, *gone = NULL;
	struct answer answer;
	struct xa_why why;
	char text[32];

	(void)snprintf(text, sizeof(text), "127.0.0.1:%u", port);
	address = text;
	first = config_of(&address, 1);
	gone = config_of(&address, 1);
	second = config_with(&address, 1, "http.reload=true");
	assert_int_equal(xa_server_listen(scene->server, gone, NULL, &why), 0);
	assert_int_equal(ask(port, "GET", "/config", &answer)->status, 503);
	xa_server_keep(scene->server, gone, NULL);
	xa_config_free(take_ptr(gone));
	check_config(port, first);
	assert_int_equal(xa_server_listen(scene->server, second, NULL, &why), 0);
	check_config(port, first);
	xa_server_keep(scene->server, second, NULL);
	check_config(port, second);
}

/* --- reload --- */

static uint16_t reloading(struct scene *scene)
{
	uint16_t port = free_port();
	struct xa_why why = {0};

	if (listen_with(scene, &port, 1, "http.reload=true", &why))
		fail_msg("%s", why.text);
	return port;
}

static void wait_asked(struct scene *scene, unsigned count)
{
	const struct timespec pause = {.tv_nsec = 1000000};

	for (int i = 0; i < 10000 && __atomic_load_n(&scene->asked, __ATOMIC_ACQUIRE) < count; i++)
		(void)nanosleep(&pause, NULL);
	assert_int_equal(__atomic_load_n(&scene->asked, __ATOMIC_ACQUIRE), count);
}

/* A request that waits, as the `count`th of the scene's. */
static int posted(struct scene *scene, uint16_t port, unsigned count)
{
	int fd = connected(port);

	send_request(fd, "POST", "/-/reload");
	wait_asked(scene, count);
	return fd;
}

/* Nothing has come by now; and the server, asked for something else, has had the time. */
static void check_waits(int fd, uint16_t port)
{
	struct answer answer;
	char byte;

	for (int i = 0; i < 20; i++)
		assert_int_equal(ask(port, "GET", "/-/healthy", &answer)->status, 200);
	assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK), -1);
	assert_int_equal(errno, EAGAIN);
}

static void check_answer(int fd, int status, const char *body)
{
	struct answer answer;

	read_answer(fd, true, &answer);
	assert_int_equal(answer.status, status);
	assert_string_equal(answer.body, body);
	assert_true(header_is(&answer, "Content-Type", "text/plain; charset=utf-8"));
}

static void test_reload_off(void **state)
{
	struct scene *scene = *state;
	uint16_t port = listening(scene);
	struct answer answer;
	struct xa_why why;

	assert_int_equal(ask(port, "POST", "/-/reload", &answer)->status, 403);
	assert_non_null(strstr(answer.body, "http.reload"));
	assert_ptr_equal(strchr(answer.body, '\n'), answer.body + answer.body_len - 1);
	assert_int_equal(listen_with(scene, &port, 1, "http.reload=true", &why), 0);
	_cleanup_close_ int fd = posted(scene, port, 1);
	assert_int_equal(listen_on(scene, &port, 1, &why), 0);
	assert_int_equal(ask(port, "POST", "/-/reload", &answer)->status, 403);
	assert_int_equal(scene->asked, 1);
	/* the reload that switches it off is one like others */
	xa_server_reload_begins(scene->server);
	xa_server_reloaded(scene->server, true, "fine\n");
	check_answer(fd, 200, "fine\n");
}

/* The connection goes on afterwards, and can ask again. */
static void test_reload(void **state)
{
	struct scene *scene = *state;
	uint16_t port = reloading(scene);
	_cleanup_close_ int fd = posted(scene, port, 1);

	check_waits(fd, port);
	xa_server_reload_begins(scene->server);
	check_waits(fd, port);
	xa_server_reloaded(scene->server, true, "config reloaded\n");
	check_answer(fd, 200, "config reloaded\n");
	send_request(fd, "POST", "/-/reload");
	wait_asked(scene, 2);
	xa_server_reload_begins(scene->server);
	xa_server_reloaded(scene->server, false, "a.yaml:1:2: no\nnot reloaded\n");
	check_answer(fd, 500, "a.yaml:1:2: no\nnot reloaded\n");
	send_with(fd, "POST", "/-/reload", ""); /* as curl -X POST */
	wait_asked(scene, 3);
	xa_server_reload_begins(scene->server);
	xa_server_reloaded(scene->server, false, NULL);
	check_answer(fd, 500, "");
}

/* Whoever comes while one runs cannot know what that one has read: it waits for the next. */
static void test_reload_in_between(void **state)
{
	struct scene *scene = *state;
	uint16_t port = reloading(scene);
	_cleanup_close_ int early = posted(scene, port, 1), late = -1;

	xa_server_reload_begins(scene->server);
	late = posted(scene, port, 2);
	xa_server_reloaded(scene->server, false, "first\n");
	check_answer(early, 500, "first\n");
	check_waits(late, port);
	xa_server_reloaded(scene->server, false, "nobody's\n");
	check_waits(late, port);
	xa_server_reload_begins(scene->server);
	xa_server_reloaded(scene->server, true, "second\n");
	check_answer(late, 200, "second\n");
}

/* Whole lines as far as they go; a line without an end is cut. */
static void test_reload_long_text(void **state)
{
	struct scene *scene = *state;
	uint16_t port = reloading(scene);
	_cleanup_close_ int fd = posted(scene, port, 1);
	_cleanup_xa_buf_ struct xa_buf text = {0};
	struct answer answer;

	while (text.len < 12000)
		xa_buf_addf(&text, "line %zu\n", text.len);
	xa_server_reload_begins(scene->server);
	xa_server_reloaded(scene->server, false, text.text);
	read_answer(fd, true, &answer);
	assert_in_range(answer.body_len, 8192 - 16, 8192);
	assert_memory_equal(answer.body, text.text, answer.body_len);
	assert_int_equal(answer.body[answer.body_len - 1], '\n');
	memset(text.text, 'x', text.len);
	send_request(fd, "POST", "/-/reload");
	wait_asked(scene, 2);
	xa_server_reload_begins(scene->server);
	xa_server_reloaded(scene->server, false, text.text);
	read_answer(fd, true, &answer);
	assert_int_equal(answer.body_len, 8192);
}

#define PLACES XA_WAITS_MAX

static void test_reload_crowd(void **state)
{
	struct scene *scene = *state;
	uint16_t port = reloading(scene);
	struct answer answer;
	int fds[PLACES];

	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < PLACES; i++)
			fds[i] = posted(scene, port, round * PLACES + i + 1);
		assert_int_equal(ask(port, "POST", "/-/reload", &answer)->status, 503);
		assert_true(strtoul(header(&answer, "Retry-After"), NULL, 10) > 0);
		xa_server_reload_begins(scene->server);
		xa_server_reloaded(scene->server, true, "fine\n");
		for (unsigned i = 0; i < PLACES; i++) {
			check_answer(fds[i], 200, "fine\n");
			(void)close(fds[i]);
		}
	}
	assert_int_equal(scene->asked, 2 * PLACES);
}

/* No page of another origin gets through, nor one that only seems to be of this one. */
static void test_reload_from_pages(void **state)
{
	static const char *const bad[] = {
		"Origin: https://example.org\r\n",	 "Origin: null\r\n",
		"Origin: http://localhost\r\n",		 "Sec-Fetch-Site: cross-site\r\n",
		"Sec-Fetch-Site: same-site\r\n",	 "sec-fetch-site: CROSS-SITE\r\n",
		"Sec-Fetch-Site: none\r\nOrigin: x\r\n",
	};
	static const char *const good[] = {"Sec-Fetch-Site: none\r\n",
					   "Sec-Fetch-Site: same-origin\r\n"};
	struct scene *scene = *state;
	uint16_t port = reloading(scene);
	struct answer answer;

	for (size_t i = 0; i < array_size(bad); i++)
		assert_int_equal(ask_with(port, "POST", "/-/reload", bad[i], &answer)->status, 403);
	assert_int_equal(scene->asked, 0);
	for (unsigned i = 0; i < array_size(good); i++) {
		_cleanup_close_ int fd = connected(port);

		send_with(fd, "POST", "/-/reload", good[i]);
		wait_asked(scene, i + 1);
		xa_server_reload_begins(scene->server);
		xa_server_reloaded(scene->server, true, "fine\n");
		check_answer(fd, 200, "fine\n");
	}
}

/* Refused by the head alone: of the body not a byte is sent. */
static void test_reload_with_body(void **state)
{
	static const char *const heads[] = {"Content-Length: 1\r\n",
					    "Content-Length: 99999999999\r\n",
					    "Transfer-Encoding: chunked\r\n"};
	struct scene *scene = *state;
	uint16_t port = reloading(scene);
	struct answer answer;

	for (size_t i = 0; i < array_size(heads); i++)
		assert_int_equal(ask_with(port, "POST", "/-/reload", heads[i], &answer)->status,
				 400);
	assert_int_equal(scene->asked, 0);
}

/* As posted(), but the places of before may only just be given back. */
static int posted_at_last(struct scene *scene, uint16_t port, unsigned count)
{
	for (int tries = 0; tries < 1000; tries++) {
		int fd = connected(port);
		struct pollfd refused = {fd, POLLIN, 0};

		send_request(fd, "POST", "/-/reload");
		while (!poll(&refused, 1, 1))
			if (__atomic_load_n(&scene->asked, __ATOMIC_ACQUIRE) == count)
				return fd;
		(void)close(fd);
	}
	fail_msg("no place was given back");
	return -1;
}

/* Each gives its place back when the reload has ended. */
static void test_reload_nobody_waits(void **state)
{
	struct scene *scene = *state;
	uint16_t port = reloading(scene);

	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < PLACES; i++)
			(void)close(posted_at_last(scene, port, round * PLACES + i + 1));
		xa_server_reload_begins(scene->server);
		xa_server_reloaded(scene->server, true, "fine\n");
	}
}

/* Told why, or cut off, as the server's thread is quick or not; but neither is left to wait. */
static void check_ended(int fd)
{
	struct answer answer;

	read_answer(fd, true, &answer);
	assert_true(!answer.status || answer.status == 503);
	(void)close(fd);
}

static void test_free_while_waiting(void **state)
{
	struct scene *scene = *state;
	uint16_t port = reloading(scene);
	int fds[4];

	for (unsigned i = 0; i < 4; i++) {
		if (i == 2)
			xa_server_reload_begins(scene->server);
		fds[i] = posted(scene, port, i + 1);
	}
	(void)close(fds[0]);
	xa_server_free(take_ptr(scene->server));
	for (unsigned i = 1; i < 4; i++)
		check_ended(fds[i]);
}

/* Of two addresses the reload gives one up: who waits there is let go, who waits at the other gets
 * the answer. */
static void test_address_goes_while_waiting(void **state)
{
	struct scene *scene = *state;
	_cleanup_close_ int stays = -1;
	struct xa_why why;
	uint16_t ports[2];
	int goes;

	two_ports(ports);
	assert_int_equal(listen_with(scene, ports, 2, "http.reload=true", &why), 0);
	stays = posted(scene, ports[0], 1);
	goes = posted(scene, ports[1], 2);
	xa_server_reload_begins(scene->server);
	assert_int_equal(listen_with(scene, ports, 1, "http.reload=true", &why), 0);
	check_ended(goes);
	xa_server_reloaded(scene->server, true, "fine\n");
	check_answer(stays, 200, "fine\n");
}

/* Between the last look for those who wait and the listener's end nobody may begin to. */
static void test_closed_to_waits(void **state)
{
	struct xa_waits waits;

	(void)state;
	assert_int_equal(xa_waits_init(&waits), 0);
	xa_waits_close(&waits);
	assert_null(xa_waits_join(&waits, NULL));
	xa_waits_done(&waits);
}

struct storm {
	uint16_t port;
	bool over;
	unsigned answers;
};

/* Asks again and again until it is told to stop; the last one of each may be cut off. */
static void *storm(void *arg)
{
	static const char request[] = "POST /-/reload HTTP/1.1\r\nHost: localhost\r\n\r\n";
	struct storm *storm = arg;
	struct answer answer;
	int fd;

	while (!__atomic_load_n(&storm->over, __ATOMIC_ACQUIRE) &&
	       (fd = try_connect(storm->port)) >= 0) {
		(void)send(fd, request, strlen(request), MSG_NOSIGNAL);
		read_answer(fd, true, &answer);
		__atomic_add_fetch(&storm->answers, answer.status == 200, __ATOMIC_RELAXED);
		(void)close(fd);
	}
	return NULL;
}

/* Requests come at every moment of a reload, and of the server's end: none is forgotten, for then
 * its thread would wait for ever. */
static void test_reload_storm(void **state)
{
	struct scene *scene = *state;
	struct storm wild = {.port = reloading(scene)};
	pthread_t threads[4];
	unsigned taken = 0;

	for (size_t i = 0; i < array_size(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, storm, &wild), 0);
	while (__atomic_load_n(&wild.answers, __ATOMIC_RELAXED) < 2000) {
		unsigned asked = __atomic_load_n(&scene->asked, __ATOMIC_ACQUIRE);

		if (asked == taken)
			continue;
		taken = asked;
		xa_server_reload_begins(scene->server);
		xa_server_reloaded(scene->server, true, "fine\n");
	}
	__atomic_store_n(&wild.over, true, __ATOMIC_RELEASE);
	xa_server_free(take_ptr(scene->server));
	for (size_t i = 0; i < array_size(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

#define server_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		server_test(test_before_the_first_page),
		server_test(test_routes),
		server_test(test_not_found),
		server_test(test_methods),
		server_test(test_reload_methods),
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
		server_test(test_config),
		server_test(test_reload_off),
		server_test(test_reload),
		server_test(test_reload_in_between),
		server_test(test_reload_long_text),
		server_test(test_reload_crowd),
		server_test(test_reload_from_pages),
		server_test(test_reload_with_body),
		server_test(test_reload_nobody_waits),
		server_test(test_free_while_waiting),
		server_test(test_address_goes_while_waiting),
		cmocka_unit_test(test_closed_to_waits),
		server_test(test_reload_storm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
