/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* From http.web_config_file and http.bearer_token_file to what the server goes by. */

#include "core/http/web.h"

/* What the config asks for. It is refused if it listens on other addresses than the loopback's
 * without TLS and authentication, unless http.insecure is on. Borrows nothing. 0, -EINVAL with at
 * least one reason, or -ENOMEM. Loop thread. */
int xa_web_load(struct xa_web **ret, const struct xa_config *config, struct xa_whys *ret_whys);
