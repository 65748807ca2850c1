/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/http/web.h"

struct xa_web *xa_web_ref(struct xa_web *web)
{
	__atomic_add_fetch(&web->refs, 1, __ATOMIC_RELAXED);
	return web;
}

void xa_web_unref(struct xa_web *web)
{
	if (!web || __atomic_sub_fetch(&web->refs, 1, __ATOMIC_ACQ_REL))
		return;
	xa_auth_free(web->auth);
	xa_tls_free(web->tls);
	free(web->token_file);
	xa_config_free(web->file);
	free(web);
}
