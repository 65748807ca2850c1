/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/running.h"

#include <string.h>

#include "config/whys.h"
#include "core/web_file.h"

int xa_running_load(struct xa_running *ret, const struct xa_config_source *source,
		    struct xa_whys *ret_whys)
{
	struct xa_running running = {0};
	int error = xa_config_load(&running.config, source->path, source->settings,
				   source->setting_count, ret_whys);

	if (error) {
		if (!ret_whys->count)
			xa_whys_add(ret_whys, "", 0, 0, "cannot load the configuration: %s",
				    strerror(-error));
		return error;
	}
	error = xa_web_load(&running.web, running.config, ret_whys);
	if (error) {
		xa_running_done(&running);
		if (!ret_whys->count)
			xa_whys_add(ret_whys, "", 0, 0, "cannot set up the server: %s",
				    strerror(-error));
		return error;
	}
	error = xa_topk_new(&running.top, running.config->top_k, running.config->metrics.hysteresis,
			    running.config->flows.rank_by == XA_RANK_BYTES);
	if (error) {
		xa_running_done(&running);
		xa_whys_add(ret_whys, "", 0, 0, "cannot rank flows: %s", strerror(-error));
		return error;
	}
	*ret = running;
	return 0;
}

void xa_running_done(struct xa_running *running)
{
	xa_policy_free(running->policy);
	xa_topk_free(running->top);
	xa_web_unref(running->web);
	xa_config_free(running->config);
	*running = (struct xa_running){0};
}
