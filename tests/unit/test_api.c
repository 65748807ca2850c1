/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The API by real sockets on the loopback: bodies whole and to the byte, whatever texts stand on
 * the page, and requests as clients send them.
 */

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/http/server.h"
#include "tests/unit/free_port.h"
#include "tests/unit/strict_json.h"

#define FLOWS 1200

struct scene {
	struct xa_board *board;
	struct xa_server *server;
	uint16_t port;
};

struct answer {
	int status;
	char text[1 << 20];
	const char *body;
};

static void no_reload(void *ctx)
{
	(void)ctx;
}

static int setup(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	_cleanup_xa_config_ struct xa_config *config = NULL;
	const struct xa_server_hooks hooks = {.ctx = scene, .reload = no_reload};
	const char *settings[1];
	struct xa_whys whys = {0};
	struct xa_why why = {0};
	char listen[40];

	if (!scene || xa_board_new(&scene->board) ||
	    xa_server_new(&scene->server, scene->board, &hooks))
		return -1;
	scene->port = free_port();
	(void)snprintf(listen, sizeof(listen), "listen=127.0.0.1:%u", scene->port);
	settings[0] = listen;
	if (xa_config_load(&config, NULL, settings, 1, &whys) ||
	    xa_server_listen(scene->server, config, NULL, &why))
		return -1;
	xa_server_keep(scene->server, config, NULL);
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

static void ask(const struct scene *scene, const char *method, const char *path, struct answer *ret)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(scene->port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct timeval patience = {.tv_sec = 10};
	_cleanup_xa_buf_ struct xa_buf request = {0};
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t len = 0;
	ssize_t got;

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	xa_buf_addf(&request, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
		    method, path);
	assert_int_equal(send(fd, request.text, request.len, MSG_NOSIGNAL), request.len);
	while ((got = recv(fd, ret->text + len, sizeof(ret->text) - 1 - len, 0)) > 0)
		len += (size_t)got;
	ret->text[len] = '\0';
	ret->status = (int)strtol(ret->text + strlen("HTTP/1.1 "), NULL, 10);
	ret->body = strstr(ret->text, "\r\n\r\n");
	assert_non_null(ret->body);
	ret->body += 4;
}

/* Asks for JSON. */
static const char *get(const struct scene *scene, const char *path, int status, struct answer *ret)
{
	ask(scene, "GET", path, ret);
	assert_int_equal(ret->status, status);
	assert_non_null(strstr(ret->text, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(ret->text, "\r\nCache-Control: no-store\r\n"));
	assert_true(json_is_valid(ret->body));
	return ret->body;
}

/* Of each flow, packets are fewer and bytes more than of the one before. All began 10 s ago. */
static struct xa_page *page_of(size_t flows, size_t labels)
{
	static const char status[] = "\"version\":\"1\"";
	struct xa_listing *listing;
	struct xa_page *page;

	assert_int_equal(xa_page_new(&page), 0);
	page->status = strdup(status);
	page->status_len = strlen(status);
	page->attached = true;
	page->stale_after_ns = xa_now_ns() + 3600 * XA_NS_PER_S;
	assert_int_equal(xa_listing_new(&page->listing, flows, labels), 0);
	listing = page->listing;
	listing->snapshot_time = 1000;
	listing->fields = ~0U;
	for (size_t i = 0; i < flows; i++)
		listing->flows[i] = (struct xa_listed_flow){
			.packets = flows - i,
			.bytes = i + 1,
			.first_seen = 990,
			.last_seen = 999.75,
			.proto = "udp",
			.proto_number = 17,
			.labels = listing->flows[i].labels,
			.src = {10, 0, (uint8_t)(i >> 8), (uint8_t)i},
		};
	return page;
}

static void test_before_the_first(void **state)
{
	struct answer answer;

	assert_string_equal(get(*state, "/api/v1/status", 503, &answer),
			    "{\"error\":\"no snapshot yet\"}\n");
	assert_string_equal(get(*state, "/api/v1/flows", 503, &answer),
			    "{\"error\":\"no snapshot yet\"}\n");
}

static void test_status(void **state)
{
	struct xa_page *stale = page_of(0, 0), *detached = page_of(0, 0);
	struct scene *scene = *state;
	struct answer answer;

	xa_board_pin(scene->board, page_of(0, 0));
	assert_string_equal(get(scene, "/api/v1/status", 200, &answer),
			    "{\"ready\":true,\"stale\":false,\"version\":\"1\"}\n");
	stale->stale_after_ns = xa_now_ns() - 1;
	xa_board_pin(scene->board, stale);
	assert_string_equal(get(scene, "/api/v1/status", 200, &answer),
			    "{\"ready\":false,\"stale\":true,\"version\":\"1\"}\n");
	detached->attached = false;
	xa_board_pin(scene->board, detached);
	assert_string_equal(get(scene, "/api/v1/status", 200, &answer),
			    "{\"ready\":false,\"stale\":false,\"version\":\"1\"}\n");
}

static void test_no_flows(void **state)
{
	struct scene *scene = *state;
	struct xa_page *page = page_of(0, 0);
	struct answer answer;

	page->listing->total = (struct xa_listed_sum){3, 30, 18446744073709551615ULL};
	page->listing->hidden = (struct xa_listed_sum){1, 2, 4};
	xa_board_pin(scene->board, page);
	assert_string_equal(get(scene, "/api/v1/flows", 200, &answer),
			    "{\"snapshot\":1000.000,"
			    "\"total\":{\"flows\":3,\"packets\":30,\"bytes\":18446744073709551615},"
			    "\"hidden\":{\"flows\":1,\"packets\":2,\"bytes\":4},"
			    "\"flows\":[],\"shown\":0,\"of\":0}\n");
}

/* Labels of any text, and the two shapes of a flow. */
static void test_flow(void **state)
{
	struct scene *scene = *state;
	struct xa_page *page = page_of(2, 2);
	struct xa_listing *listing = page->listing;
	struct answer answer;
	const char *body;

	listing->label_names[0] = "zone";
	listing->label_names[1] = "what";
	listing->flows[0].labels[0] = "a\"b\\c\n\x01</script>\xff";
	listing->flows[0].interface = "e\"0:ff";
	listing->flows[0].first_seen = 999.5; /* young: its rate is that of a second */
	listing->flows[0].dport = (struct xa_listed_ports){53, 53};
	listing->flows[0].tcp_flags = 27;
	listing->flows[1].is_ipv6 = true;
	xa_board_pin(scene->board, page);
	body = get(scene, "/api/v1/flows", 200, &answer);
	assert_non_null(strstr(
		body, "\"flows\":["
		      "{\"src\":\"10.0.0.0\",\"dst\":\"0.0.0.0\",\"proto\":\"udp\",\"sport\":0,"
		      "\"dport\":53,\"interface\":\"e\\\"0:ff\",\"family\":\"ipv4\","
		      "\"labels\":{\"zone\":\"a\\\"b\\\\c\\n\\u0001</script>\\\\xff\"},"
		      "\"packets\":2,\"bytes\":1,\"packets_rate\":2.000,\"bytes_rate\":1.000,"
		      "\"first_seen\":999.500,\"last_seen\":999.750,\"tcp_flags\":27},"
		      "{\"src\":\"a00:1::\",\"dst\":\"::\",\"proto\":\"udp\",\"sport\":0,"
		      "\"dport\":0,\"family\":\"ipv6\",\"labels\":{},"
		      "\"packets\":1,\"bytes\":2,\"packets_rate\":0.100,\"bytes_rate\":0.200,"
		      "\"first_seen\":990.000,\"last_seen\":999.750,\"tcp_flags\":0}],"
		      "\"shown\":2,\"of\":2}\n"));
}

/* Only what labels tell, and all ports of a range. */
static void test_flow_of_fewer_labels(void **state)
{
	struct scene *scene = *state;
	struct xa_page *page = page_of(1, 0);
	struct answer answer;

	page->listing->fields = XA_LISTED_SPORT | XA_LISTED_DPORT;
	page->listing->flows[0].sport = (struct xa_listed_ports){32768, 60999};
	xa_board_pin(scene->board, page);
	assert_non_null(strstr(get(scene, "/api/v1/flows", 200, &answer),
			       "\"flows\":[{\"sport\":32768,\"sport_last\":60999,\"dport\":0,"
			       "\"labels\":{},"));
}

static size_t count_of(const char *text, const char *what)
{
	size_t count = 0;

	for (; (text = strstr(text, what)); text++)
		count++;
	return count;
}

static void test_top(void **state)
{
	static const struct {
		const char *path;
		size_t shown, of;
	} cases[] = {
		{"/api/v1/flows", 50, FLOWS},
		{"/api/v1/flows?top=1", 1, FLOWS},
		{"/api/v1/flows?top=1000", 1000, FLOWS},
		{"/api/v1/flows?match=src%3D10.0.1.0%2F24&top=1000", 256, 256},
		{"/api/v1/flows?top=10&match=src=10.0.1.0/24,proto=udp", 10, 256},
		{"/api/v1/flows?match=port=1", 0, 0},
	};
	struct scene *scene = *state;
	struct answer answer;
	char end[64];

	xa_board_pin(scene->board, page_of(FLOWS, 0));
	for (size_t i = 0; i < array_size(cases); i++) {
		const char *body = get(scene, cases[i].path, 200, &answer);

		(void)snprintf(end, sizeof(end), "],\"shown\":%zu,\"of\":%zu}\n", cases[i].shown,
			       cases[i].of);
		assert_int_equal(count_of(body, "\"src\""), cases[i].shown);
		assert_non_null(strstr(body, end));
	}
}

/* The first by each figure. By rate it is the one that has just begun. */
static void test_by(void **state)
{
	static const struct {
		const char *by, *first;
	} cases[] = {
		{"packets", "{\"src\":\"10.0.0.0\""},
		{"bytes", "{\"src\":\"10.0.0.9\""},
		{"packets_rate", "{\"src\":\"10.0.0.1\""},
		{"bytes_rate", "{\"src\":\"10.0.0.1\""},
	};
	struct scene *scene = *state;
	struct xa_page *page = page_of(10, 0);
	struct answer answer;

	page->listing->flows[1].first_seen = 999.5;
	xa_board_pin(scene->board, page);
	for (size_t i = 0; i < array_size(cases); i++) {
		const char *first;
		char path[64];

		(void)snprintf(path, sizeof(path), "/api/v1/flows?by=%s", cases[i].by);
		first = strchr(get(scene, path, 200, &answer), '[') + 1;
		assert_int_equal(strncmp(first, cases[i].first, strlen(cases[i].first)), 0);
	}
}

/* Each names what is wrong. */
static void test_refusals(void **state)
{
	static const char *const cases[][2] = {
		{"?", NULL},
		{"?top=1&top=1", "top: comes twice"},
		{"?top=1&limit=2", "\\\"limit\\\""},
		{"?by", "by:"},
		{"?top=", "top:"},
		{"?&top=3", "\\\"\\\""},
		{"?match=zone=a", "\\\"zone\\\""},
		{"?match=port%3d1%2cport%3d2", "\\\"port\\\" comes twice"},
		{"?match=src=%ff", "match:"},
		{"?match=src=%00", "match:"},
		{"?%ff=1", "%ff"},
		{"?\"<\x7f>=1", "\\\"\\\"<\x7f>\\\""},
		{"?top=1%26by=bytes", "top:"},
		{"?top=1;by=bytes", "top:"},
	};
	struct scene *scene = *state;
	struct answer answer;

	xa_board_pin(scene->board, page_of(1, 0));
	for (size_t i = 0; i < array_size(cases); i++) {
		char path[128];
		const char *body;

		(void)snprintf(path, sizeof(path), "/api/v1/flows%s", cases[i][0]);
		body = get(scene, path, cases[i][1] ? 400 : 200, &answer);
		assert_true(!cases[i][1] || strstr(body, cases[i][1]));
	}
}

/* As everywhere: paths as they stand, GET and HEAD. */
static void test_methods(void **state)
{
	struct scene *scene = *state;
	struct answer answer;

	xa_board_pin(scene->board, page_of(1, 0));
	ask(scene, "HEAD", "/api/v1/flows?top=1", &answer);
	assert_int_equal(answer.status, 200);
	assert_string_equal(answer.body, "");
	ask(scene, "POST", "/api/v1/status", &answer);
	assert_int_equal(answer.status, 405);
	ask(scene, "GET", "/api/v1/flow%73", &answer);
	assert_int_equal(answer.status, 404);
	assert_non_null(strstr(answer.body, " /api/v1/status /api/v1/flows\n"));
}

#define scene_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		scene_test(test_before_the_first),
		scene_test(test_status),
		scene_test(test_no_flows),
		scene_test(test_flow),
		scene_test(test_flow_of_fewer_labels),
		scene_test(test_top),
		scene_test(test_by),
		scene_test(test_refusals),
		scene_test(test_methods),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
