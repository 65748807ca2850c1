/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A number that `config --effective | sha256sum` gives as well. */

#include <nettle/base16.h>
#include <nettle/sha2.h>

#include "config/config.h"

_Static_assert(BASE16_ENCODE_LENGTH(SHA256_DIGEST_SIZE) + 1 == XA_CONFIG_HASH_BYTES,
	       "two digits a byte, and the NUL");

int xa_config_hash(const struct xa_config *config, char ret_hash[static XA_CONFIG_HASH_BYTES])
{
	_cleanup_xa_buf_ struct xa_buf text = {0};
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx sha256;

	xa_config_dump(config, false, &text);
	if (xa_buf_failed(&text))
		return -ENOMEM;
	sha256_init(&sha256);
	sha256_update(&sha256, text.len, (const uint8_t *)text.text);
	sha256_digest(&sha256, sizeof(digest), digest);
	base16_encode_update(ret_hash, sizeof(digest), digest);
	ret_hash[XA_CONFIG_HASH_BYTES - 1] = '\0';
	return 0;
}
