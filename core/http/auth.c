/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Secrets are compared by their HMAC-SHA256 under a key that is made at each load: equal length,
 * equal time. bcrypt is the one thing that is dear. One at a time is computed, and a bucket of its
 * time holds all of them together, in the long run, to a quarter of one CPU: beyond that a password
 * that is not known yet is turned away unseen. Waiting instead would keep the thread, and with it
 * those who are known, waiting too.
 */

#include "core/http/auth.h"

#include <crypt.h>
#include <nettle/base64.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>

#include "core/http/secret_file.h"

#define KNOWN_MAX     16
#define TOKEN_MAX     4096
#define PAIR_MAX      512 /* user:password */
#define HASH_LEN      60
#define COST_AT	      4 /* in "$2b$10$..." */
#define SALT_AT	      7
#define SALT_LEN      22
#define BUCKET_NS     XA_NS_PER_S
#define REFILL_EVERY  4
#define BASIC	      "Basic "
#define BEARER	      "Bearer "
#define BCRYPT_DIGITS "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

struct digest {
	uint8_t bytes[SHA256_DIGEST_SIZE];
};

struct xa_auth {
	const struct xa_auth_settings *settings;
	uint8_t key[SHA256_DIGEST_SIZE];
	char nobody[SALT_AT + SALT_LEN + 1]; /* what the password of an unknown user is held to */
	pthread_mutex_t lock; /* of what follows, up to the next one */
	struct digest known[KNOWN_MAX]; /* pairs that were right */
	size_t known_count, known_next;
	bool has_token;
	struct digest token;
	struct xa_file_state token_state;
	pthread_mutex_t bcrypt_lock; /* of what follows */
	int64_t left_ns; /* in the bucket, as of then */
	uint64_t left_at_ns;
	struct crypt_data scratch;
};

static struct digest digest_of(const struct xa_auth *auth, const void *bytes, size_t len)
{
	struct hmac_sha256_ctx hmac;
	struct digest digest;

	hmac_sha256_set_key(&hmac, sizeof(auth->key), auth->key);
	hmac_sha256_update(&hmac, len, bytes);
	hmac_sha256_digest(&hmac, sizeof(digest.bytes), digest.bytes);
	return digest;
}

static bool is_same(const struct digest *a, const struct digest *b)
{
	return memeql_sec(a->bytes, b->bytes, sizeof(a->bytes));
}

/* --- hashes --- */

static unsigned cost_of(const char *hash)
{
	return (unsigned)(hash[COST_AT] - '0') * 10 + (unsigned)(hash[COST_AT + 1] - '0');
}

bool xa_auth_is_hash(const char *text)
{
	if (strlen(text) != HASH_LEN || strncmp(text, "$2", 2) != 0 || !strchr("aby", text[2]) ||
	    text[3] != '$' || text[SALT_AT - 1] != '$')
		return false;
	if (strspn(text + COST_AT, "0123456789") != 2 ||
	    strspn(text + SALT_AT, BCRYPT_DIGITS) != HASH_LEN - SALT_AT)
		return false;
	return cost_of(text) >= XA_AUTH_COST_MIN && cost_of(text) <= XA_AUTH_COST_MAX;
}

/* As dear as the dearest of the hashes. */
static void set_nobody(struct xa_auth *auth)
{
	unsigned cost = XA_AUTH_COST_MIN;

	for (size_t i = 0; i < auth->settings->user_count; i++)
		if (cost_of(auth->settings->users[i].hash) > cost)
			cost = cost_of(auth->settings->users[i].hash);
	memcpy(auth->nobody, "$2b$..$......................", sizeof(auth->nobody));
	auth->nobody[COST_AT] = (char)('0' + cost / 10);
	auth->nobody[COST_AT + 1] = (char)('0' + cost % 10);
}

/* --- passwords --- */

static bool is_known(struct xa_auth *auth, const struct digest *pair)
{
	bool known = false;

	(void)pthread_mutex_lock(&auth->lock);
	for (size_t i = 0; i < auth->known_count; i++)
		known |= is_same(&auth->known[i], pair);
	(void)pthread_mutex_unlock(&auth->lock);
	return known;
}

/* Only what is right is remembered: guesses push nobody out. */
static void remember(struct xa_auth *auth, const struct digest *pair)
{
	(void)pthread_mutex_lock(&auth->lock);
	auth->known[auth->known_next] = *pair;
	auth->known_next = (auth->known_next + 1) % KNOWN_MAX;
	if (auth->known_count < KNOWN_MAX)
		auth->known_count++;
	(void)pthread_mutex_unlock(&auth->lock);
}

static const char *hash_of(const struct xa_auth *auth, const char *user)
{
	const char *hash = NULL;

	for (size_t i = 0; i < auth->settings->user_count; i++)
		if (!strcmp(auth->settings->users[i].name, user))
			hash = auth->settings->users[i].hash;
	return hash;
}

/* Whether there is time in the bucket, which fills slowly. Under its lock. */
static bool has_time(struct xa_auth *auth)
{
	const uint64_t now_ns = xa_now_ns();
	const uint64_t more_ns = (now_ns - auth->left_at_ns) / REFILL_EVERY;

	auth->left_ns = more_ns >= BUCKET_NS ? (int64_t)BUCKET_NS
					     : auth->left_ns + (int64_t)more_ns;
	if (auth->left_ns > (int64_t)BUCKET_NS)
		auth->left_ns = (int64_t)BUCKET_NS;
	auth->left_at_ns = now_ns;
	return auth->left_ns > 0;
}

static bool is_right(struct xa_auth *auth, const char *hash, const char *password)
{
	const char *made = crypt_rn(password, hash ? hash : auth->nobody, &auth->scratch,
				    (int)sizeof(auth->scratch));
	const bool right = made && hash && strlen(made) == HASH_LEN &&
			   memeql_sec(made, hash, HASH_LEN);

	explicit_bzero(&auth->scratch, sizeof(auth->scratch));
	return right;
}

static enum xa_auth_verdict try_password(struct xa_auth *auth, const char *user,
					 const char *password)
{
	enum xa_auth_verdict verdict = XA_AUTH_BUSY;

	(void)pthread_mutex_lock(&auth->bcrypt_lock);
	if (has_time(auth)) {
		const uint64_t begin_ns = xa_now_ns();

		verdict = is_right(auth, hash_of(auth, user), password) ? XA_AUTH_ALLOWED
									: XA_AUTH_REFUSED;
		auth->left_ns -= (int64_t)(xa_now_ns() - begin_ns);
	}
	(void)pthread_mutex_unlock(&auth->bcrypt_lock);
	return verdict;
}

/* The pair in place, NUL in the place of its colon. */
static enum xa_auth_verdict check_pair(struct xa_auth *auth, char *pair, size_t len)
{
	const struct digest digest = digest_of(auth, pair, len);
	char *colon = strchr(pair, ':');
	enum xa_auth_verdict verdict;

	if (!colon || strlen(pair) != len)
		return XA_AUTH_REFUSED;
	if (is_known(auth, &digest))
		return XA_AUTH_ALLOWED;
	*colon = '\0';
	verdict = try_password(auth, pair, colon + 1);
	if (verdict == XA_AUTH_ALLOWED)
		remember(auth, &digest);
	return verdict;
}

static enum xa_auth_verdict check_basic(struct xa_auth *auth, const char *encoded)
{
	const size_t encoded_len = strlen(encoded);
	uint8_t pair[BASE64_DECODE_LENGTH(BASE64_ENCODE_RAW_LENGTH(PAIR_MAX)) + 1];
	struct base64_decode_ctx base64;
	size_t len = sizeof(pair) - 1;
	enum xa_auth_verdict verdict = XA_AUTH_REFUSED;

	if (encoded_len > BASE64_ENCODE_RAW_LENGTH(PAIR_MAX))
		return XA_AUTH_REFUSED;
	base64_decode_init(&base64);
	if (base64_decode_update(&base64, &len, pair, encoded_len, encoded) &&
	    base64_decode_final(&base64)) {
		pair[len] = '\0';
		verdict = check_pair(auth, (char *)pair, len);
	}
	explicit_bzero(pair, sizeof(pair));
	return verdict;
}

/* --- token --- */

static bool is_token(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return len && len <= TOKEN_MAX;
}

/* Under the lock, or where nobody else has it yet. */
static int token_read(struct xa_auth *auth, struct xa_why *why)
{
	_cleanup_xa_secret_ struct xa_secret text = {0};
	const char *path = auth->settings->token_file;
	size_t len;
	int error;

	auth->has_token = false;
	error = xa_secret_read(&text, path, true, why);
	if (error)
		return error;
	len = text.len;
	while (len && strchr(" \t\r\n", text.text[len - 1]))
		len--;
	if (!is_token(text.text, len))
		return xa_why_set(why, -EINVAL,
				  "%s does not hold a token: one line of 1 to %d characters of "
				  "ASCII, without blanks",
				  path, TOKEN_MAX);
	auth->token = digest_of(auth, text.text, len);
	auth->has_token = true;
	return 0;
}

/* What a want of memory or descriptors has kept from being read is read at the next look. */
static bool is_final(int error)
{
	return !error || error == -EINVAL || error == -ENOENT || error == -EACCES;
}

static enum xa_auth_verdict check_bearer(struct xa_auth *auth, const char *token,
					 struct xa_why *why)
{
	const struct digest digest = digest_of(auth, token, strlen(token));
	bool right;

	(void)pthread_mutex_lock(&auth->lock);
	if (xa_file_state_renew(&auth->token_state, auth->settings->token_file) &&
	    !is_final(token_read(auth, why)))
		auth->token_state = (struct xa_file_state){0};
	right = auth->has_token && is_same(&auth->token, &digest);
	(void)pthread_mutex_unlock(&auth->lock);
	return right ? XA_AUTH_ALLOWED : XA_AUTH_REFUSED;
}

/* --- both --- */

static int locks_init(struct xa_auth *auth)
{
	if (pthread_mutex_init(&auth->lock, NULL))
		return -ENOMEM;
	if (!pthread_mutex_init(&auth->bcrypt_lock, NULL))
		return 0;
	(void)pthread_mutex_destroy(&auth->lock);
	return -ENOMEM;
}

int xa_auth_new(struct xa_auth **ret, const struct xa_auth_settings *settings, struct xa_why *why)
{
	struct xa_auth *auth = calloc(1, sizeof(*auth));
	int error = 0;

	if (!auth || locks_init(auth)) {
		free(auth);
		return -ENOMEM;
	}
	auth->settings = settings;
	auth->left_ns = BUCKET_NS;
	auth->left_at_ns = xa_now_ns();
	set_nobody(auth);
	if (getrandom(auth->key, sizeof(auth->key), 0) != sizeof(auth->key))
		error = xa_why_set(why, -EIO, "no random numbers to be had");
	if (!error && settings->token_file) {
		(void)xa_file_state_renew(&auth->token_state, settings->token_file);
		error = token_read(auth, why);
	}
	if (error)
		xa_auth_free(auth);
	else
		*ret = auth;
	return error;
}

void xa_auth_free(struct xa_auth *auth)
{
	if (!auth)
		return;
	(void)pthread_mutex_destroy(&auth->bcrypt_lock);
	(void)pthread_mutex_destroy(&auth->lock);
	explicit_bzero(auth, sizeof(*auth));
	free(auth);
}

/* Behind the scheme, whose case does not matter (RFC 9110, 11.1), and blanks; NULL: another. */
static const char *credentials_of(const char *authorization, const char *scheme)
{
	const size_t len = strlen(scheme);

	if (!authorization || strncasecmp(authorization, scheme, len) != 0)
		return NULL;
	return authorization + len + strspn(authorization + len, " ");
}

enum xa_auth_verdict xa_auth_check(struct xa_auth *auth, const char *authorization,
				   struct xa_why *why)
{
	const char *pair = credentials_of(authorization, BASIC);
	const char *token = credentials_of(authorization, BEARER);

	if (pair && auth->settings->user_count)
		return check_basic(auth, pair);
	if (token && auth->settings->token_file)
		return check_bearer(auth, token, why);
	return XA_AUTH_REFUSED;
}

const char *xa_auth_challenge(const struct xa_auth *auth)
{
	return auth->settings->user_count ? "Basic realm=\"xdp-auditor\", charset=\"UTF-8\""
					  : "Bearer realm=\"xdp-auditor\"";
}
