/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Credentials never change once they are made: sessions share them, and the last one ends them. */

#include "core/http/tls.h"

#include <gnutls/x509.h>
#include <pthread.h>
#include <string.h>

#include "core/http/secret_file.h"

/* New files are looked for once in this time at most, however many connections come. */
#define LOOK_NS XA_NS_PER_S

struct xa_credentials {
	unsigned refs;
	gnutls_certificate_credentials_t x509;
	gnutls_priority_t priorities;
	enum xa_client_auth client_auth;
};

struct xa_tls {
	const struct xa_tls_settings *settings;
	pthread_mutex_t lock; /* of what follows */
	struct xa_credentials *now;
	struct xa_file_state states[XA_TLS_FILES];
	uint64_t looked_ns;
};

static struct xa_credentials *credentials_ref(struct xa_credentials *credentials)
{
	__atomic_add_fetch(&credentials->refs, 1, __ATOMIC_RELAXED);
	return credentials;
}

void xa_credentials_unref(struct xa_credentials *credentials)
{
	if (!credentials || __atomic_sub_fetch(&credentials->refs, 1, __ATOMIC_ACQ_REL))
		return;
	if (credentials->x509)
		gnutls_certificate_free_credentials(credentials->x509);
	if (credentials->priorities)
		gnutls_priority_deinit(credentials->priorities);
	free(credentials);
}

static void credentials_cleanup(struct xa_credentials **credentials)
{
	xa_credentials_unref(*credentials);
}

/* --- files --- */

static int refuse(const struct xa_tls_file *file, struct xa_why *why, int error)
{
	(void)snprintf(why->file, sizeof(why->file), "%s", file->file);
	why->line = file->line;
	why->column = file->column;
	return error;
}

static int read_file(struct xa_secret *ret, const struct xa_tls_file *file, bool only_ours,
		     struct xa_why *why)
{
	const int error = xa_secret_read(ret, file->path, only_ours, why);

	return error ? refuse(file, why, error) : 0;
}

static gnutls_datum_t datum_of(const struct xa_secret *secret)
{
	return (gnutls_datum_t){(unsigned char *)secret->text, (unsigned)secret->len};
}

static bool is_key(const gnutls_datum_t *text)
{
	gnutls_x509_privkey_t key;
	int error = gnutls_x509_privkey_init(&key);

	if (error)
		return true;
	error = gnutls_x509_privkey_import2(key, text, GNUTLS_X509_FMT_PEM, NULL, 0);
	gnutls_x509_privkey_deinit(key);
	return !error;
}

/* Which of the two is at fault GnuTLS does not tell. */
static int refuse_pair(const struct xa_tls_file *files, const gnutls_datum_t *key, int error,
		       struct xa_why *why)
{
	const struct xa_tls_file *cert = &files[XA_TLS_CERT];

	if (error == GNUTLS_E_MEMORY_ERROR)
		return -ENOMEM;
	if (error == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
		return refuse(cert, why,
			      xa_why_set(why, -EINVAL,
					 "cert_file: the certificate in %s is not that of the key "
					 "in %s",
					 cert->path, files[XA_TLS_KEY].path));
	if (!is_key(key))
		return refuse(&files[XA_TLS_KEY], why,
			      xa_why_set(why, -EINVAL,
					 "key_file: %s has no private key in PEM that is not "
					 "encrypted",
					 files[XA_TLS_KEY].path));
	return refuse(
		cert, why,
		xa_why_set(why, -EINVAL, "cert_file: %s: %s", cert->path, gnutls_strerror(error)));
}

static int load_pair(struct xa_credentials *credentials, const struct xa_tls_file *files,
		     struct xa_why *why)
{
	_cleanup_xa_secret_ struct xa_secret cert = {0}, key = {0};
	gnutls_datum_t cert_text, key_text;
	int error = read_file(&cert, &files[XA_TLS_CERT], false, why);

	if (!error)
		error = read_file(&key, &files[XA_TLS_KEY], true, why);
	if (error)
		return error;
	cert_text = datum_of(&cert);
	key_text = datum_of(&key);
	error = gnutls_certificate_set_x509_key_mem2(credentials->x509, &cert_text, &key_text,
						     GNUTLS_X509_FMT_PEM, NULL, 0);
	return error < 0 ? refuse_pair(files, &key_text, error, why) : 0;
}

static int load_client_ca(struct xa_credentials *credentials, const struct xa_tls_file *file,
			  struct xa_why *why)
{
	_cleanup_xa_secret_ struct xa_secret text = {0};
	gnutls_datum_t datum;
	int count, error = read_file(&text, file, false, why);

	if (error)
		return error;
	datum = datum_of(&text);
	count = gnutls_certificate_set_x509_trust_mem(credentials->x509, &datum,
						      GNUTLS_X509_FMT_PEM);
	if (count > 0)
		return 0;
	return refuse(file, why,
		      xa_why_set(why, -EINVAL, "client_ca_file: %s has no certificate in PEM",
				 file->path));
}

static int credentials_load(struct xa_credentials **ret, const struct xa_tls_settings *settings,
			    struct xa_why *why)
{
	XA_CLEANUP(credentials_cleanup)
	struct xa_credentials *credentials = calloc(1, sizeof(*credentials));
	const struct xa_tls_file *client_ca = &settings->files[XA_TLS_CLIENT_CA];
	int error;

	if (!credentials)
		return -ENOMEM;
	credentials->refs = 1;
	credentials->client_auth = settings->client_auth;
	if (gnutls_certificate_allocate_credentials(&credentials->x509) ||
	    gnutls_priority_init(&credentials->priorities, settings->priorities, NULL))
		return -ENOMEM;
	error = load_pair(credentials, settings->files, why);
	if (!error && client_ca->path)
		error = load_client_ca(credentials, client_ca, why);
	if (!error)
		*ret = take_ptr(credentials);
	return error;
}

/* --- renewal --- */

static bool has_changed(struct xa_tls *tls)
{
	bool changed = false;

	for (size_t i = 0; i < XA_TLS_FILES; i++)
		if (tls->settings->files[i].path)
			changed |= xa_file_state_renew(&tls->states[i],
						       tls->settings->files[i].path);
	return changed;
}

/* Looks first and reads then: what changes in between is another file at the next look. */
static void renew(struct xa_tls *tls, struct xa_why *why)
{
	struct xa_credentials *next;
	const uint64_t now_ns = xa_now_ns();
	int error;

	if (now_ns - tls->looked_ns < LOOK_NS)
		return;
	tls->looked_ns = now_ns;
	if (!has_changed(tls))
		return;
	error = credentials_load(&next, tls->settings, why);
	/* what a want of memory or descriptors has kept from being read is read at the next look */
	if (error == -ENOMEM || error == -EMFILE || error == -ENFILE || error == -EIO)
		memset(tls->states, 0, sizeof(tls->states));
	if (error)
		return;
	xa_credentials_unref(tls->now);
	tls->now = next;
}

int xa_tls_new(struct xa_tls **ret, const struct xa_tls_settings *settings,
	       struct xa_whys *ret_whys)
{
	_cleanup_xa_tls_ struct xa_tls *tls = calloc(1, sizeof(*tls));
	struct xa_why why = {0};
	int error;

	if (!tls)
		return -ENOMEM;
	if (pthread_mutex_init(&tls->lock, NULL)) {
		free(take_ptr(tls));
		return -ENOMEM;
	}
	tls->settings = settings;
	tls->looked_ns = xa_now_ns();
	(void)has_changed(tls);
	error = credentials_load(&tls->now, settings, &why);
	if (!error)
		*ret = take_ptr(tls);
	else if (error != -ENOMEM)
		error = xa_whys_add(ret_whys, why.file, why.line, why.column, "%s", why.text);
	return error;
}

void xa_tls_free(struct xa_tls *tls)
{
	if (!tls)
		return;
	xa_credentials_unref(tls->now);
	(void)pthread_mutex_destroy(&tls->lock);
	free(tls);
}

/* --- sessions --- */

/* Whether one has to be given, GnuTLS sees to. */
static int verify_client(gnutls_session_t session)
{
	char purpose[] = GNUTLS_KP_TLS_WWW_CLIENT;
	gnutls_typed_vdata_st data = {
		.type = GNUTLS_DT_KEY_PURPOSE_OID,
		.data = (unsigned char *)purpose,
	};
	unsigned count = 0, status = 0;

	if (!gnutls_certificate_get_peers(session, &count) || !count)
		return 0;
	return gnutls_certificate_verify_peers(session, &data, 1, &status) || status ? -1 : 0;
}

static void ask_client(const struct xa_credentials *credentials, gnutls_session_t session)
{
	static const struct {
		gnutls_certificate_request_t request;
		bool verify;
	} kinds[XA_CLIENT_AUTH_COUNT_] = {
		[XA_CLIENT_NONE] = {GNUTLS_CERT_IGNORE, false},
		[XA_CLIENT_REQUEST] = {GNUTLS_CERT_REQUEST, false},
		[XA_CLIENT_REQUIRE_ANY] = {GNUTLS_CERT_REQUIRE, false},
		[XA_CLIENT_VERIFY_GIVEN] = {GNUTLS_CERT_REQUEST, true},
		[XA_CLIENT_REQUIRE_VERIFIED] = {GNUTLS_CERT_REQUIRE, true},
	};

	gnutls_certificate_server_set_request(session, kinds[credentials->client_auth].request);
	if (kinds[credentials->client_auth].verify)
		gnutls_session_set_verify_function(session, verify_client);
}

struct xa_credentials *xa_tls_begin(struct xa_tls *tls, gnutls_session_t session,
				    struct xa_why *why)
{
	struct xa_credentials *credentials;

	(void)pthread_mutex_lock(&tls->lock);
	renew(tls, why);
	credentials = credentials_ref(tls->now);
	(void)pthread_mutex_unlock(&tls->lock);
	if (gnutls_priority_set(session, credentials->priorities) ||
	    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials->x509)) {
		xa_credentials_unref(credentials);
		return NULL;
	}
	ask_client(credentials, session);
	return credentials;
}
