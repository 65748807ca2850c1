/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Who may talk to the server: what a web configuration may hold and how it is refused, and real
 * clients (curl) on the loopback against it. Certificates are openssl's, made once for all cases.
 */

#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "core/http/server.h"
#include "core/web_file.h"
#include "tests/unit/free_port.h"

/* Of "secret". */
#define HASH  "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"
#define TLS   "tls_server_config: {cert_file: cert.pem, key_file: key.pem"
#define USERS "basic_auth_users: {alice: '" HASH "'}\n"

struct scene {
	char folder[64];
	struct xa_board *board;
	struct xa_server *server;
	struct xa_whys whys;
	unsigned warnings;
	unsigned port;
};

/* Its exit status; what it says on stdout goes to `fd`. */
static int run_shell(const struct scene *scene, const char *command, int fd)
{
	int status = -1;
	const pid_t pid = fork();

	if (!pid) {
		if (chdir(scene->folder) || dup2(fd, STDOUT_FILENO) < 0)
			_exit(127);
		(void)execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void shell(const struct scene *scene, const char *command)
{
	_cleanup_close_ int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (run_shell(scene, command, fd))
		fail_msg("failed: %s", command);
}

static void write_file(const struct scene *scene, const char *name, const char *text, mode_t mode)
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", scene->folder, name);
	(void)unlink(path);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void note_warning(void *ctx, const struct xa_why *why)
{
	struct scene *scene = ctx;

	assert_true(why->text[0]);
	__atomic_add_fetch(&scene->warnings, 1, __ATOMIC_RELAXED);
}

static void not_asked(void *ctx)
{
	(void)ctx;
}

static void make_certificates(const struct scene *scene)
{
	shell(scene,
	      "exec 2>&1; umask 077; make() { openssl req -x509 -newkey rsa:2048 -nodes -days 2 "
	      "-subj /CN=$1 "
	      "-addext subjectAltName=IP:127.0.0.1 -keyout $1.key -out $1.crt; }\n"
	      "make one; make two; make ca\n"
	      "openssl req -newkey rsa:2048 -nodes -keyout client.key -subj /CN=client -out csr\n"
	      "openssl x509 -req -in csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 "
	      "-out client.crt\n"
	      "cp one.crt cert.pem && cp one.key key.pem");
}

static int group_setup(void **state)
{
	static struct scene scene;

	scene = (struct scene){.folder = "/tmp/test-web-XXXXXX"};
	assert_non_null(mkdtemp(scene.folder));
	make_certificates(&scene);
	*state = &scene;
	return 0;
}

static int group_teardown(void **state)
{
	const struct scene *scene = *state;

	shell(scene, "rm -rf \"$PWD\"");
	return 0;
}

static int setup(void **state)
{
	struct scene *scene = *state;
	const struct xa_server_hooks hooks = {scene, not_asked, note_warning};

	scene->warnings = 0;
	shell(scene, "cp one.crt cert.pem && cp one.key key.pem && rm -f token");
	return xa_board_new(&scene->board) || xa_server_new(&scene->server, scene->board, &hooks);
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	xa_server_free(take_ptr(scene->server));
	xa_board_free(take_ptr(scene->board));
	return 0;
}

/* --- loading --- */

static struct xa_config *config_of(struct scene *scene, const char *listen, bool has_file,
				   bool has_token, bool insecure)
{
	struct xa_buf texts[4] = {0};
	struct xa_config *config = NULL;
	const char *settings[4];

	xa_buf_addf(&texts[0], "listen=%s", listen);
	xa_buf_addf(&texts[1], "http.web_config_file=%s%s", has_file ? scene->folder : "",
		    has_file ? "/web.yml" : "");
	xa_buf_addf(&texts[2], "http.bearer_token_file=%s%s", has_token ? scene->folder : "",
		    has_token ? "/token" : "");
	xa_buf_addf(&texts[3], "http.insecure=%s", insecure ? "true" : "false");
	for (size_t i = 0; i < array_size(settings); i++)
		settings[i] = texts[i].text;
	assert_int_equal(
		xa_config_load(&config, NULL, settings, array_size(settings), &scene->whys), 0);
	for (size_t i = 0; i < array_size(settings); i++)
		xa_buf_done(&texts[i]);
	return config;
}

static int load_with(struct scene *scene, struct xa_web **ret, const char *text, const char *listen,
		     bool has_token, bool insecure)
{
	_cleanup_xa_config_ struct xa_config *config = config_of(scene, listen, text, has_token,
								 insecure);

	if (text)
		write_file(scene, "web.yml", text, 0644);
	scene->whys.count = 0;
	return xa_web_load(ret, config, &scene->whys);
}

static int load(struct scene *scene, struct xa_web **ret, const char *text)
{
	return load_with(scene, ret, text, "127.0.0.1:9400", false, false);
}

static void assert_refused(struct scene *scene, const char *text, unsigned line, unsigned column,
			   const char *says)
{
	_cleanup_xa_web_ struct xa_web *web = NULL;
	_cleanup_xa_buf_ struct xa_buf shown = {0};

	assert_int_equal(load(scene, &web, text), -EINVAL);
	assert_null(web);
	assert_true(scene->whys.count >= 1);
	if (!strstr(scene->whys.why[0].text, says))
		fail_msg("'%s' is not in '%s'", says, scene->whys.why[0].text);
	assert_int_equal(scene->whys.why[0].line, line);
	assert_int_equal(scene->whys.why[0].column, column);
	xa_whys_print(&scene->whys, &shown);
	assert_null(strstr(shown.text, "hunter2"));
	assert_null(strstr(shown.text, HASH));
}

static void test_refusals(void **state)
{
	static const struct {
		const char *text;
		unsigned line, column;
		const char *says;
	} cases[] = {
		{"tls_server_confg: {}\n", 1, 1, "did you mean 'tls_server_config'?"},
		{TLS ", x: y}\n", 1, 61, "unknown key 'x'"},
		{"tls_server_config: {cert_file: cert.pem}\n", 1, 20, "'key_file' is missing"},
		{"tls_server_config:\n  cert_file: none.pem\n  key_file: key.pem\n", 2, 14,
		 "No such file"},
		{"tls_server_config:\n  cert_file: cert.pem\n  key_file: none.pem\n", 3, 13,
		 "No such file"},
		{"tls_server_config:\n  cert_file: cert.pem\n  key_file: two.key\n", 2, 14,
		 "is not that of the key"},
		{"tls_server_config:\n  cert_file: cert.pem\n  key_file: open.key\n", 3, 13,
		 "chmod o="},
		{"tls_server_config:\n  cert_file: cert.pem\n  key_file: junk\n", 3, 13,
		 "no private key in PEM"},
		{TLS ", client_ca_file: ca.crt}\n", 1, 77, "RequireAndVerifyClientCert"},
		{TLS ", client_auth_type: RequireAndVerifyClientCert}\n", 1, 79,
		 "needs a client_ca_file"},
		{TLS ", client_auth_type: Require}\n", 1, 79, "'Require' is not offered"},
		{TLS ", min_version: TLS11}\n", 1, 74, "'TLS11' is not offered"},
		{TLS ", min_version: TLS13, max_version: TLS12}\n", 1, 94, "below min_version"},
		{TLS ", cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]}\n", 1, 76,
		 "cannot be chosen here"},
		{TLS ", curve_preferences: [X25519]}\n", 1, 80, "cannot be chosen here"},
		{"http_server_config: {http2: maybe}\n", 1, 29, "true or false"},
		{"http_server_config: {headers: {Server: x}}\n", 1, 32, "'Server' is not one of"},
		{"http_server_config: {headers: {X-Frame-Options: allow}}\n", 1, 49,
		 "cannot be 'allow'"},
		{"basic_auth_users: {alice: hunter2}\n", 1, 27, "not a bcrypt hash"},
		{"basic_auth_users: {alice: '$2b$31$hunter2defghijklmnopqeLz8y/EAjyzUIURUfA"
		 "LmFWvlTM6sNjWu'}\n",
		 1, 27, "not a bcrypt hash of cost 4 to 14"},
		{"basic_auth_users: {'a:b': '" HASH "'}\n", 1, 20, "no ':'"},
		{"basic_auth_users: [hunter2]\n", 1, 19, "expected a mapping"},
		{"[]\n", 1, 1, "expected keys"},
	};

	shell(*state, "cp key.pem open.key && chmod 644 open.key && echo junk >junk && "
		      "chmod 600 junk");
	for (size_t i = 0; i < array_size(cases); i++)
		assert_refused(*state, cases[i].text, cases[i].line, cases[i].column,
			       cases[i].says);
}

static void test_taken(void **state)
{
	_cleanup_xa_web_ struct xa_web *web = NULL;

	assert_int_equal(
		load(*state, &web,
		     TLS
		     ", min_version: TLS13, max_version: TLS13, cipher_suites: [], "
		     "curve_preferences: [], prefer_server_cipher_suites: false, "
		     "client_auth_type: VerifyClientCertIfGiven, client_ca_file: ca.crt}\n"
		     "http_server_config: {http2: true, headers: {X-Frame-Options: deny}}\n" USERS),
		0);
	assert_non_null(web->tls);
	assert_non_null(web->auth);
	assert_int_equal(web->header_count, 1);
	assert_null(web->missing);
}

/* An address that is not the loopback's wants both, or a word that none is meant. */
static void test_exposure(void **state)
{
	static const char must[] = "client_auth_type: RequireAndVerifyClientCert, client_ca_file: "
				   "ca.crt}\n";
	static const struct {
		const char *text, *listen, *missing; /* NULL: taken */
	} cases[] = {
		{NULL, "127.0.0.1:1,127.9.9.9:1,[::1]:1", NULL},
		{NULL, "0.0.0.0:9400", "TLS and authentication"},
		{NULL, "127.0.0.1:9400,[::]:9400", "TLS and authentication"},
		{USERS, "192.0.2.1:9400", "TLS"},
		{TLS "}\n", "192.0.2.1:9400", "authentication"},
		{TLS "}\n" USERS, "192.0.2.1:9400", NULL},
		{TLS ", %s", "192.0.2.1:9400", NULL},
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		_cleanup_xa_web_ struct xa_web *web = NULL, *insecure = NULL;
		struct scene *scene = *state;
		char text[512], says[64];
		const char *file = cases[i].text;

		if (file && strstr(file, "%s")) {
			(void)snprintf(text, sizeof(text), TLS ", %s", must);
			file = text;
		}
		assert_int_equal(load_with(scene, &web, file, cases[i].listen, false, false),
				 cases[i].missing ? -EINVAL : 0);
		if (!cases[i].missing)
			continue;
		(void)snprintf(says, sizeof(says), ", and %s is missing", cases[i].missing);
		assert_non_null(strstr(scene->whys.why[0].text, says));
		assert_non_null(strstr(scene->whys.why[0].text, "http.insecure"));
		assert_string_equal(scene->whys.why[0].file, "--set");
		assert_int_equal(load_with(scene, &insecure, file, cases[i].listen, false, true),
				 0);
		assert_string_equal(insecure->missing, cases[i].missing);
	}
}

/* --- authentication --- */

static struct xa_auth *auth_of(const struct xa_auth_settings *settings)
{
	struct xa_auth *auth = NULL;
	struct xa_why why = {0};

	assert_int_equal(xa_auth_new(&auth, settings, &why), 0);
	return auth;
}

static enum xa_auth_verdict check(struct xa_auth *auth, const char *authorization)
{
	struct xa_why why = {0};

	return xa_auth_check(auth, authorization, &why);
}

static void test_passwords(void **state)
{
	const struct xa_auth_user user = {"alice", HASH};
	const struct xa_auth_settings settings = {&user, 1, NULL};
	_cleanup_xa_auth_ struct xa_auth *auth = auth_of(&settings);

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(check(auth, "Basic YWxpY2U6c2VjcmV0"), XA_AUTH_ALLOWED);
		assert_int_equal(check(auth, "bAsIc  YWxpY2U6c2VjcmV0"), XA_AUTH_ALLOWED);
		assert_int_equal(check(auth, "Basic YWxpY2U6c2VjcmV1"), XA_AUTH_REFUSED);
		assert_int_equal(check(auth, "Basic Ym9iOnNlY3JldA=="), XA_AUTH_REFUSED);
		assert_int_equal(check(auth, "Basic YWxpY2U="), XA_AUTH_REFUSED);
		assert_int_equal(check(auth, "Basic YWxpY2U6c2VjcmV0AHg="), XA_AUTH_REFUSED);
		assert_int_equal(check(auth, "Basic !"), XA_AUTH_REFUSED);
		assert_int_equal(check(auth, "Basic "), XA_AUTH_REFUSED);
		assert_int_equal(check(auth, "Bearer YWxpY2U6c2VjcmV0"), XA_AUTH_REFUSED);
		assert_int_equal(check(auth, NULL), XA_AUTH_REFUSED);
	}
}

static uint64_t time_of(struct xa_auth *auth, const char *authorization)
{
	const uint64_t begin_ns = xa_now_ns();

	assert_int_equal(check(auth, authorization), XA_AUTH_REFUSED);
	return xa_now_ns() - begin_ns;
}

/* A hash of cost 10 makes a guess dear: an unknown name costs as much, what is known costs nothing,
 * and guess after guess ends in being turned away, which those who are known do not feel. */
static void test_cost(void **state)
{
	/* nobody's password: the salt of HASH with other bytes behind it */
	const struct xa_auth_user users[] = {
		{"alice", HASH},
		{"bob", "$2b$10$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"},
	};
	const struct xa_auth_settings settings = {users, 2, NULL};
	_cleanup_xa_auth_ struct xa_auth *auth = auth_of(&settings);
	uint64_t known_ns, unknown_ns, begin_ns;
	unsigned tried = 0;

	(void)state;
	assert_int_equal(check(auth, "Basic YWxpY2U6c2VjcmV0"), XA_AUTH_ALLOWED);
	known_ns = time_of(auth, "Basic Ym9iOng="); /* bob:x */
	unknown_ns = time_of(auth, "Basic ZXZlOng="); /* eve:x */
	assert_true(unknown_ns > known_ns / 4 && unknown_ns < known_ns * 4);
	while (check(auth, "Basic ZXZlOng=") == XA_AUTH_REFUSED)
		assert_true(++tried < 1000);
	begin_ns = xa_now_ns();
	for (int i = 0; i < 1000; i++)
		assert_int_equal(check(auth, "Basic YWxpY2U6c2VjcmV0"), XA_AUTH_ALLOWED);
	assert_true(xa_now_ns() - begin_ns < XA_NS_PER_S);
}

static void test_token(void **state)
{
	struct scene *scene = *state;
	char path[128];
	const struct xa_auth_settings settings = {NULL, 0, path};
	XA_CLEANUP(xa_auth_cleanup) struct xa_auth *auth = NULL;
	struct xa_why why = {0};

	(void)snprintf(path, sizeof(path), "%s/token", scene->folder);
	write_file(scene, "token", "tok en\n", 0600);
	assert_int_equal(xa_auth_new(&auth, &settings, &why), -EINVAL);
	assert_null(strstr(why.text, "tok en"));
	write_file(scene, "token", "token\n", 0644);
	assert_int_equal(xa_auth_new(&auth, &settings, &why), -EINVAL);
	write_file(scene, "token", "token\n", 0600);
	assert_int_equal(xa_auth_new(&auth, &settings, &why), 0);
	assert_int_equal(check(auth, "Bearer token"), XA_AUTH_ALLOWED);
	assert_int_equal(check(auth, "Bearer token2"), XA_AUTH_REFUSED);
	assert_int_equal(check(auth, "Bearer "), XA_AUTH_REFUSED);
	assert_int_equal(check(auth, "Basic token"), XA_AUTH_REFUSED);
	write_file(scene, "token", "another", 0600);
	assert_int_equal(check(auth, "Bearer token"), XA_AUTH_REFUSED);
	assert_int_equal(check(auth, "Bearer another"), XA_AUTH_ALLOWED);
	assert_int_equal(unlink(path), 0);
	why.text[0] = '\0';
	assert_int_equal(xa_auth_check(auth, "Bearer another", &why), XA_AUTH_REFUSED);
	assert_non_null(strstr(why.text, "No such file"));
	why.text[0] = '\0';
	assert_int_equal(xa_auth_check(auth, "Bearer another", &why), XA_AUTH_REFUSED);
	assert_string_equal(why.text, "");
}

/* --- with a server --- */

/* As a reload does, on a port of the scene's. */
static void serve(struct scene *scene, const char *text, bool has_token)
{
	_cleanup_xa_config_ struct xa_config *config = NULL;
	_cleanup_xa_web_ struct xa_web *web = NULL;
	struct xa_why why = {0};
	char listen[32];

	(void)snprintf(listen, sizeof(listen), "127.0.0.1:%u", scene->port);
	if (load_with(scene, &web, text, listen, has_token, false))
		fail_msg("%s", scene->whys.why[0].text);
	config = config_of(scene, listen, text, has_token, false);
	assert_int_equal(xa_server_listen(scene->server, config, web, &why), 0);
	xa_server_keep(scene->server, config, web);
}

static void begin(struct scene *scene, const char *text, bool has_token)
{
	scene->port = free_port();
	serve(scene, text, has_token);
}

/* The status that curl gets, 0 where there is no answer. */
static unsigned curl(const struct scene *scene, const char *arguments, const char *path)
{
	_cleanup_xa_buf_ struct xa_buf line = {0};
	char text[16] = "";
	int pipe[2];

	xa_buf_addf(&line,
		    "curl -qs -m 20 --noproxy '*' -o body -D head -w '%%{http_code}' %s "
		    "%s://127.0.0.1:%u%s",
		    arguments, strstr(arguments, "--cacert") ? "https" : "http", scene->port, path);
	assert_int_equal(pipe2(pipe, O_CLOEXEC), 0);
	(void)run_shell(scene, line.text, pipe[1]);
	assert_true(read(pipe[0], text, sizeof(text) - 1) >= 0);
	(void)close(pipe[0]);
	(void)close(pipe[1]);
	return (unsigned)strtoul(text, NULL, 10);
}

static void test_paths(void **state)
{
	struct scene *scene = *state;

	begin(scene, USERS, false);
	assert_int_equal(curl(scene, "", "/-/healthy"), 200);
	assert_int_equal(curl(scene, "", "/-/ready"), 503);
	assert_int_equal(curl(scene, "", "/config"), 401);
	shell(scene, "grep -i '^WWW-Authenticate: Basic realm=' head");
	assert_int_equal(curl(scene, "", "/nothing"), 401);
	assert_int_equal(curl(scene, "-X POST", "/-/reload"), 401);
	assert_int_equal(curl(scene, "-d x", "/-/reload"), 400); /* a body is refused unread */
	assert_int_equal(curl(scene, "-u alice:wrong", "/config"), 401);
	assert_int_equal(curl(scene, "-u alice:secret", "/config"), 200);
	shell(scene, "! grep -F '$2b' body && grep web_config_file body");
	assert_int_equal(curl(scene, "-u alice:secret", "/nothing"), 404);
	serve(scene, NULL, false);
	assert_int_equal(curl(scene, "", "/config"), 200);
}

/* An address of a reload that may yet be refused is not served by what holds for the others. */
static void test_not_kept(void **state)
{
	struct scene *scene = *state;
	_cleanup_xa_config_ struct xa_config *config = NULL;
	struct xa_why why = {0};
	char listen[32];

	begin(scene, NULL, false);
	assert_int_equal(curl(scene, "", "/config"), 200);
	scene->port = free_port();
	(void)snprintf(listen, sizeof(listen), "127.0.0.1:%u", scene->port);
	config = config_of(scene, listen, false, false, false);
	assert_int_equal(xa_server_listen(scene->server, config, NULL, &why), 0);
	assert_int_equal(curl(scene, "", "/config"), 503);
	assert_int_equal(curl(scene, "", "/-/healthy"), 200);
	xa_server_keep(scene->server, config, NULL);
	assert_int_equal(curl(scene, "", "/config"), 200);
}

static void test_bearer(void **state)
{
	struct scene *scene = *state;

	write_file(scene, "token", "abc\n", 0600);
	begin(scene, NULL, true);
	assert_int_equal(curl(scene, "-H 'Authorization: Bearer abc'", "/config"), 200);
	assert_int_equal(curl(scene, "-H 'Authorization: Bearer abd'", "/config"), 401);
	shell(scene, "grep -i '^WWW-Authenticate: Bearer' head");
	shell(scene, "rm token");
	assert_int_equal(curl(scene, "-H 'Authorization: Bearer abc'", "/config"), 401);
	assert_int_equal(__atomic_load_n(&scene->warnings, __ATOMIC_RELAXED), 1);
}

static void test_tls(void **state)
{
	struct scene *scene = *state;

	begin(scene, TLS "}\nhttp_server_config: {headers: {X-Frame-Options: deny}}\n" USERS,
	      false);
	assert_int_equal(curl(scene, "--cacert one.crt -u alice:secret", "/config"), 200);
	shell(scene, "grep -i '^X-Frame-Options: deny' head");
	assert_int_equal(curl(scene, "--cacert one.crt", "/-/healthy"), 200);
	shell(scene, "grep -i '^X-Frame-Options: deny' head");
	assert_int_equal(curl(scene, "--cacert one.crt", "/config"), 401);
	assert_int_equal(curl(scene, "--cacert two.crt", "/-/healthy"), 0);
	assert_int_equal(curl(scene, "", "/-/healthy"), 0);
	assert_int_equal(curl(scene, "--cacert one.crt --tls-max 1.2", "/-/healthy"), 200);
	assert_int_equal(curl(scene,
			      "--cacert one.crt --tls-max 1.1 --tlsv1.0 "
			      "--ciphers DEFAULT@SECLEVEL=0",
			      "/-/healthy"),
			 0);
	serve(scene, TLS ", min_version: TLS13}\n", false);
	assert_int_equal(curl(scene, "--cacert one.crt --tls-max 1.2", "/-/healthy"), 0);
	assert_int_equal(curl(scene, "--cacert one.crt", "/config"), 200);
}

/* To TLS and back on the same socket: nobody else may take the port in between. */
static void test_switch(void **state)
{
	struct scene *scene = *state;

	begin(scene, NULL, false);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(curl(scene, "", "/-/healthy"), 200);
		serve(scene, TLS "}\n", false);
		assert_int_equal(curl(scene, "", "/-/healthy"), 0);
		assert_int_equal(curl(scene, "--cacert one.crt", "/-/healthy"), 200);
		serve(scene, NULL, false);
		assert_int_equal(curl(scene, "--cacert one.crt", "/-/healthy"), 0);
	}
}

static void test_clients(void **state)
{
	static const struct {
		const char *type;
		bool ca;
		unsigned none, ours, theirs; /* statuses by the client's certificate */
	} cases[] = {
		{"NoClientCert", false, 200, 200, 200},
		{"RequestClientCert", false, 200, 200, 200},
		{"RequireAnyClientCert", false, 0, 200, 200},
		{"VerifyClientCertIfGiven", true, 200, 200, 0},
		{"RequireAndVerifyClientCert", true, 0, 200, 0},
	};
	struct scene *scene = *state;

	for (size_t i = 0; i < array_size(cases); i++) {
		char text[256];

		(void)snprintf(text, sizeof(text), "%s, client_auth_type: %s%s}\n", TLS,
			       cases[i].type, cases[i].ca ? ", client_ca_file: ca.crt" : "");
		begin(scene, text, false);
		assert_int_equal(curl(scene, "--cacert one.crt", "/-/healthy"), cases[i].none);
		assert_int_equal(curl(scene, "--cacert one.crt --cert client.crt --key client.key",
				      "/-/healthy"),
				 cases[i].ours);
		assert_int_equal(
			curl(scene, "--cacert one.crt --cert two.crt --key two.key", "/-/healthy"),
			cases[i].theirs);
	}
}

static unsigned until(const struct scene *scene, const char *arguments, unsigned status)
{
	const uint64_t end_ns = xa_now_ns() + 20 * XA_NS_PER_S;

	while (xa_now_ns() < end_ns)
		if (curl(scene, arguments, "/-/healthy") == status)
			return status;
	return curl(scene, arguments, "/-/healthy");
}

/* Without a reload: a pair that does not fit changes nothing and is told of once. */
static void test_renewal(void **state)
{
	struct scene *scene = *state;

	begin(scene, TLS "}\n", false);
	assert_int_equal(curl(scene, "--cacert one.crt", "/-/healthy"), 200);
	shell(scene, "cp two.crt new && mv new cert.pem && sleep 1.1");
	for (int i = 0; i < 3; i++)
		assert_int_equal(curl(scene, "--cacert one.crt", "/-/healthy"), 200);
	assert_int_equal(__atomic_load_n(&scene->warnings, __ATOMIC_RELAXED), 1);
	shell(scene, "cp two.key new && mv new key.pem");
	assert_int_equal(until(scene, "--cacert two.crt", 200), 200);
	assert_int_equal(curl(scene, "--cacert one.crt", "/-/healthy"), 0);
	assert_int_equal(__atomic_load_n(&scene->warnings, __ATOMIC_RELAXED), 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_refusals), CASE(test_taken), CASE(test_exposure), CASE(test_passwords),
		CASE(test_cost),     CASE(test_token), CASE(test_paths),    CASE(test_not_kept),
		CASE(test_bearer),   CASE(test_tls),   CASE(test_switch),   CASE(test_clients),
		CASE(test_renewal),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
