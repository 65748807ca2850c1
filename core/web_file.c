/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The file is read by tables of its keys. What it cannot have here is refused by name rather than
 * left aside: somebody would rely on it.
 */

#include "core/web_file.h"

#include <string.h>

#include "config/options.h"
#include "config/path.h"
#include "config/text.h"
#include "config/tree_file.h"
#include "core/rule_tree.h"

#define SYSTEM_CIPHERS "(leave it out: what GnuTLS takes for secure is offered, and no more)"

#define KEY(draft, key, must) \
	{ \
		.name = #key, .read = xa_rule_read_tree, .required = (must), \
		.offset = offsetof(struct draft, key) \
	}

/* --- values --- */

static bool read_switch(struct xa_rule_reader *reader, const struct xa_tree *tree, const char *what,
			bool fallback)
{
	const char *text = tree ? xa_rule_text(reader, tree, what) : NULL;

	if (!text)
		return fallback;
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		xa_rule_refuse(reader, tree, "%s: expected true or false, not %s", what,
			       xa_quotes(text).text);
	return !strcmp(text, "true");
}

/* The index of the value in a list of names; `fallback` where there is none. */
static unsigned read_name(struct xa_rule_reader *reader, const struct xa_tree *tree,
			  const char *what, const char *const *names, unsigned count,
			  unsigned fallback)
{
	const char *text = tree ? xa_rule_text(reader, tree, what) : NULL;
	const char *near;

	if (!text)
		return fallback;
	for (unsigned i = 0; i < count; i++)
		if (!strcmp(names[i], text))
			return i;
	near = xa_suggest_name(text, names, count);
	xa_rule_refuse(reader, tree, "%s: %s is not offered (it can be %s%s%s)", what,
		       xa_quotes(text).text, near ? near : names[0], near ? "" : " to ",
		       near ? "" : names[count - 1]);
	return fallback;
}

static struct xa_tls_file read_path(struct xa_rule_reader *reader, const struct xa_tree *tree,
				    const char *what)
{
	const char *text = tree ? xa_rule_text(reader, tree, what) : NULL;
	struct xa_tls_file file = {0};

	if (!text)
		return file;
	file = (struct xa_tls_file){
		.path = xa_path_resolve(reader->arena, tree->file, text),
		.file = tree->file,
		.line = tree->line,
		.column = tree->column,
	};
	if (!file.path)
		reader->error = -ENOMEM;
	return file;
}

/* --- tls_server_config --- */

struct tls_draft {
	const struct xa_tree *cert_file, *key_file, *client_auth_type, *client_ca_file;
	const struct xa_tree *min_version, *max_version, *cipher_suites, *curve_preferences;
	const struct xa_tree *prefer_server_cipher_suites;
};

static const struct xa_rule_key tls_keys[] = {
	KEY(tls_draft, cert_file, true),
	KEY(tls_draft, key_file, true),
	KEY(tls_draft, client_auth_type, false),
	KEY(tls_draft, client_ca_file, false),
	KEY(tls_draft, min_version, false),
	KEY(tls_draft, max_version, false),
	KEY(tls_draft, cipher_suites, false),
	KEY(tls_draft, curve_preferences, false),
	KEY(tls_draft, prefer_server_cipher_suites, false),
};

static const char *const version_names[] = {"TLS12", "TLS13"};
enum {
	TLS12,
	TLS13
};

static const char *const client_auth_names[XA_CLIENT_AUTH_COUNT_] = {
	[XA_CLIENT_NONE] = "NoClientCert",
	[XA_CLIENT_REQUEST] = "RequestClientCert",
	[XA_CLIENT_REQUIRE_ANY] = "RequireAnyClientCert",
	[XA_CLIENT_VERIFY_GIVEN] = "VerifyClientCertIfGiven",
	[XA_CLIENT_REQUIRE_VERIFIED] = "RequireAndVerifyClientCert",
};

static void read_versions(struct xa_rule_reader *reader, const struct tls_draft *draft,
			  struct xa_tls_settings *settings)
{
	/* PROFILE_MEDIUM: clients may have keys of RSA with 2048 bits */
	static const char *const priorities[2][2][2] = {
#define SECURE "SECURE128:-VERS-ALL:%PROFILE_MEDIUM"
#define FIRST  ":%SERVER_PRECEDENCE"
		[TLS12][TLS12] = {SECURE ":+VERS-TLS1.2", SECURE ":+VERS-TLS1.2" FIRST},
		[TLS12][TLS13] = {SECURE ":+VERS-TLS1.3:+VERS-TLS1.2",
				  SECURE ":+VERS-TLS1.3:+VERS-TLS1.2" FIRST},
		[TLS13][TLS13] = {SECURE ":+VERS-TLS1.3", SECURE ":+VERS-TLS1.3" FIRST},
	};
	const unsigned min = read_name(reader, draft->min_version, "min_version", version_names,
				       array_size(version_names), TLS12);
	const unsigned max = read_name(reader, draft->max_version, "max_version", version_names,
				       array_size(version_names), TLS13);
	const bool first = read_switch(reader, draft->prefer_server_cipher_suites,
				       "prefer_server_cipher_suites", true);

	settings->priorities = priorities[min][max][first];
	if (min > max)
		xa_rule_refuse(reader, draft->max_version, "max_version: is below min_version");
}

/* To leave a choice aside would offer what somebody meant to have taken out. */
static void refuse_choice(struct xa_rule_reader *reader, const struct xa_tree *tree,
			  const char *what)
{
	size_t count;

	if (tree && xa_rule_list(reader, tree, what, &count) && count)
		xa_rule_refuse(reader, tree, "%s: cannot be chosen here " SYSTEM_CIPHERS, what);
}

static void read_client_auth(struct xa_rule_reader *reader, const struct tls_draft *draft,
			     struct xa_tls_settings *settings)
{
	const bool has_ca = settings->files[XA_TLS_CLIENT_CA].path;

	settings->client_auth = read_name(reader, draft->client_auth_type, "client_auth_type",
					  client_auth_names, XA_CLIENT_AUTH_COUNT_, XA_CLIENT_NONE);
	if (has_ca && settings->client_auth == XA_CLIENT_NONE)
		xa_rule_refuse(reader, draft->client_ca_file,
			       "client_ca_file: nobody is asked for a certificate (set "
			       "client_auth_type: RequireAndVerifyClientCert)");
	if (!has_ca && settings->client_auth >= XA_CLIENT_VERIFY_GIVEN)
		xa_rule_refuse(reader, draft->client_auth_type,
			       "client_auth_type: %s needs a client_ca_file",
			       client_auth_names[settings->client_auth]);
}

static void read_tls(struct xa_rule_reader *reader, const struct xa_tree *tree, struct xa_web *web)
{
	struct xa_tls_settings *settings = &web->tls_settings;
	struct tls_draft draft = {0};

	if (!xa_rule_read_map(reader, tree, "tls_server_config", tls_keys, array_size(tls_keys),
			      &draft))
		return;
	settings->files[XA_TLS_CERT] = read_path(reader, draft.cert_file, "cert_file");
	settings->files[XA_TLS_KEY] = read_path(reader, draft.key_file, "key_file");
	settings->files[XA_TLS_CLIENT_CA] = read_path(reader, draft.client_ca_file,
						      "client_ca_file");
	read_client_auth(reader, &draft, settings);
	read_versions(reader, &draft, settings);
	refuse_choice(reader, draft.cipher_suites, "cipher_suites");
	refuse_choice(reader, draft.curve_preferences, "curve_preferences");
}

/* --- http_server_config --- */

struct http_draft {
	const struct xa_tree *http2, *headers;
};

static const struct xa_rule_key http_keys[] = {
	KEY(http_draft, http2, false),
	KEY(http_draft, headers, false),
};

/* Those that the format has, with the values that it allows. */
static const struct header {
	const char *name, *values[3];
} headers[XA_WEB_HEADERS_MAX] = {
	{"Strict-Transport-Security", {NULL}},	     {"X-Content-Type-Options", {"nosniff"}},
	{"X-Frame-Options", {"deny", "sameorigin"}}, {"X-XSS-Protection", {NULL}},
	{"Content-Security-Policy", {NULL}},
};

static const struct header *header_find(const char *name)
{
	for (size_t i = 0; i < array_size(headers); i++)
		if (!strcmp(headers[i].name, name))
			return &headers[i];
	return NULL;
}

/* Of a value: all that is said of a connection has 16 KiB. */
#define HEADER_MAX 1024

static bool may_be(const struct header *header, const char *value)
{
	bool any = !header->values[0] && strlen(value) <= HEADER_MAX;

	for (size_t i = 0; header->values[i]; i++)
		any |= !strcasecmp(header->values[i], value);
	for (; *value; value++)
		any &= *value >= ' ' && *value <= '~';
	return any;
}

static void read_header(struct xa_rule_reader *reader, const struct xa_tree *tree,
			struct xa_web *web)
{
	const struct header *header = header_find(tree->key);
	const char *value;

	if (!header) {
		(void)xa_whys_add(reader->whys, tree->file, tree->key_line, tree->key_column,
				  "headers: %s is not one of Strict-Transport-Security, "
				  "X-Content-Type-Options, X-Frame-Options, X-XSS-Protection, "
				  "Content-Security-Policy",
				  xa_quotes(tree->key).text);
		return;
	}
	value = xa_rule_text(reader, tree, header->name);
	if (value && !may_be(header, value))
		xa_rule_refuse(reader, tree, "%s: cannot be %s", header->name,
			       xa_quotes(value).text);
	else if (value)
		web->headers[web->header_count++] = (struct xa_web_header){.name = header->name,
									   .value = value};
}

static bool is_map(struct xa_rule_reader *reader, const struct xa_tree *tree, const char *what)
{
	if (tree->kind == XA_TREE_MAP)
		return true;
	xa_rule_refuse(reader, tree, "%s: expected a mapping, not a %s", what,
		       tree->kind == XA_TREE_LIST ? "list" : "value");
	return false;
}

/* http2 has nothing to switch: the server speaks HTTP/1.1. */
static void read_http(struct xa_rule_reader *reader, const struct xa_tree *tree, struct xa_web *web)
{
	struct http_draft draft = {0};

	if (!xa_rule_read_map(reader, tree, "http_server_config", http_keys, array_size(http_keys),
			      &draft))
		return;
	(void)read_switch(reader, draft.http2, "http2", true);
	if (!draft.headers || !is_map(reader, draft.headers, "headers"))
		return;
	for (const struct xa_tree *child = draft.headers->children; child; child = child->next)
		if (web->header_count < XA_WEB_HEADERS_MAX)
			read_header(reader, child, web);
}

/* --- basic_auth_users --- */

static void read_user(struct xa_rule_reader *reader, const struct xa_tree *tree,
		      struct xa_auth_user *ret)
{
	const char *hash = xa_rule_text(reader, tree, "basic_auth_users");

	*ret = (struct xa_auth_user){.name = tree->key, .hash = hash};
	if (strchr(tree->key, ':'))
		(void)xa_whys_add(reader->whys, tree->file, tree->key_line, tree->key_column,
				  "basic_auth_users: no ':' may stand in a name");
	if (hash && !xa_auth_is_hash(hash))
		xa_rule_refuse(reader, tree,
			       "basic_auth_users: what stands for %s is not a bcrypt hash of cost "
			       "%d to %d (htpasswd -nBC 10 NAME makes one)",
			       xa_quotes(tree->key).text, XA_AUTH_COST_MIN, XA_AUTH_COST_MAX);
}

static void read_users(struct xa_rule_reader *reader, const struct xa_tree *tree,
		       struct xa_web *web)
{
	struct xa_auth_user *users;
	size_t count = 0;

	if (tree->kind == XA_TREE_SCALAR) {
		xa_rule_refuse(reader, tree,
			       "basic_auth_users: expected a mapping (NAME: HASH, with a blank "
			       "behind the colon)");
		return;
	}
	if (!is_map(reader, tree, "basic_auth_users"))
		return;
	for (const struct xa_tree *child = tree->children; child; child = child->next)
		count++;
	users = xa_rule_alloc(reader, count, sizeof(*users));
	if (!users)
		return;
	web->auth_settings.users = users;
	web->auth_settings.user_count = count;
	for (const struct xa_tree *child = tree->children; child; child = child->next)
		read_user(reader, child, users++);
}

/* --- the file --- */

struct file_draft {
	const struct xa_tree *tls_server_config, *http_server_config, *basic_auth_users;
};

static const struct xa_rule_key file_keys[] = {
	KEY(file_draft, tls_server_config, false),
	KEY(file_draft, http_server_config, false),
	KEY(file_draft, basic_auth_users, false),
};

static int read_file(struct xa_web *web, const char *path, struct xa_whys *whys)
{
	const struct xa_tree_file file = {.path = path, .key = file_keys[0].name, .verbatim = true};
	struct xa_rule_reader reader = {.whys = whys};
	struct file_draft draft = {0};
	const struct xa_tree *top;
	int error = xa_tree_file_load(&web->file, &top, &file, whys);

	if (error)
		return error;
	reader.arena = web->file->arena;
	/* as half of a file that is being written would be */
	if (top->kind != XA_TREE_MAP || !top->children)
		return xa_whys_add(whys, path, 0, 0,
				   "has no keys, and would let everybody in (leave out "
				   "http.web_config_file if that is meant)");
	(void)xa_rule_read_map(&reader, top, "a web configuration", file_keys,
			       array_size(file_keys), &draft);
	if (draft.tls_server_config)
		read_tls(&reader, draft.tls_server_config, web);
	if (draft.http_server_config)
		read_http(&reader, draft.http_server_config, web);
	if (draft.basic_auth_users)
		read_users(&reader, draft.basic_auth_users, web);
	if (reader.error || whys->count)
		return reader.error ? reader.error : -EINVAL;
	return draft.tls_server_config ? xa_tls_new(&web->tls, &web->tls_settings, whys) : 0;
}

/* Of such a file no line is shown: it may hold what somebody took for a hash. */
static int load_file(struct xa_web *web, const char *path, struct xa_whys *whys)
{
	int error;

	whys->count = 0;
	error = read_file(web, path, whys);
	for (size_t i = 0; i < whys->count && i < XA_WHYS_MAX; i++)
		whys->why[i].is_secret = true;
	return error;
}

/* --- authentication --- */

static const struct xa_origin *origin_of(const struct xa_config *config, const char *key)
{
	return &config->origins[xa_option_find(key) - xa_options];
}

static int load_auth(struct xa_web *web, const struct xa_config *config, struct xa_whys *whys)
{
	const struct xa_origin *origin = origin_of(config, "http.bearer_token_file");
	struct xa_auth_settings *settings = &web->auth_settings;
	struct xa_why why = {0};
	int error;

	if (*config->http.bearer_token_file) {
		web->token_file = strdup(config->http.bearer_token_file);
		if (!web->token_file)
			return -ENOMEM;
		settings->token_file = web->token_file;
	}
	if (!settings->user_count && !settings->token_file)
		return 0;
	error = xa_auth_new(&web->auth, settings, &why);
	if (error && error != -ENOMEM)
		error = xa_whys_add(whys, origin->file, origin->line, 0,
				    "http.bearer_token_file: %s", why.text);
	return error;
}

/* --- exposure --- */

/* Or closer still: a socket in the file system. */
static bool is_loopback(const struct xa_listen *listen)
{
	const struct sockaddr_in *in = (const void *)&listen->address;
	const struct sockaddr_in6 *in6 = (const void *)&listen->address;

	if (listen->address.ss_family == AF_UNIX)
		return true;
	if (listen->address.ss_family == AF_INET)
		return ntohl(in->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

static const char *missing_in(const struct xa_web *web)
{
	const bool has_auth = web->auth || (web->tls && web->tls_settings.client_auth ==
								XA_CLIENT_REQUIRE_VERIFIED);

	if (!web->tls)
		return has_auth ? "TLS" : "TLS and authentication";
	return has_auth ? NULL : "authentication";
}

static const struct xa_listen *exposed(const struct xa_config *config)
{
	for (size_t i = 0; i < config->listen_count; i++)
		if (!is_loopback(&config->listen[i]))
			return &config->listen[i];
	return NULL;
}

static int check_exposure(struct xa_web *web, const struct xa_config *config, struct xa_whys *whys)
{
	const struct xa_origin *origin = origin_of(config, "listen");
	const struct xa_listen *listen = exposed(config);

	web->missing = listen ? missing_in(web) : NULL;
	if (!web->missing || config->http.insecure == XA_ON)
		return 0;
	return xa_whys_add(whys, origin->file, origin->line, 0,
			   "listen: %s is not a loopback address, and %s is missing (give it in "
			   "http.web_config_file, or set http.insecure: true)",
			   listen->text, web->missing);
}

/* --- the whole --- */

int xa_web_load(struct xa_web **ret, const struct xa_config *config, struct xa_whys *ret_whys)
{
	_cleanup_xa_web_ struct xa_web *web = calloc(1, sizeof(*web));
	int error = 0;

	if (!web)
		return -ENOMEM;
	web->refs = 1;
	if (*config->http.web_config_file)
		error = load_file(web, config->http.web_config_file, ret_whys);
	if (!error)
		error = load_auth(web, config, ret_whys);
	if (!error)
		error = check_exposure(web, config, ret_whys);
	if (!error)
		*ret = take_ptr(web);
	return error && error != -ENOMEM ? -EINVAL : error;
}
