/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Only workers are waited for; whatever else a config takes is made at once. */

#include "core/reload.h"

#include "core/auditor_policy.h"

/* Whether there were any to keep. */
static bool keep_fixed(const struct xa_config *now, struct xa_config *next)
{
	const bool differ = xa_config_changes(now, next) & 1U << XA_RELOAD_RESTART;

	next->flows.max = now->flows.max;
	next->flows.percpu = now->flows.percpu;
	return differ;
}

int xa_reload_begin(struct xa_reloading *reload, const struct xa_config_source *source,
		    const struct xa_running *now)
{
	int error;

	reload->is_under_way = true;
	reload->whys = (struct xa_whys){0};
	reload->phase = XA_RELOAD_PHASE_CONFIG;
	error = xa_running_load(&reload->next, source, &reload->whys);
	if (error)
		return error;
	reload->needs_restart = keep_fixed(now->config, reload->next.config);
	reload->phase = XA_RELOAD_PHASE_POLICY;
	return xa_trial_begin(&reload->trial, reload->next.config, now->policy,
			      &(struct xa_policy_hooks){0}, &reload->whys);
}

static int try_stages(struct xa_reloading *reload, const struct xa_running *now)
{
	int error = xa_trial_step(reload->trial, &reload->whys);

	if (error)
		return error;
	xa_trial_free(take_ptr(reload->trial));
	return xa_policy_begin(&reload->next.policy, reload->next.config,
			       reload->next.config->flows.max, now->policy, &xa_policy_loggers,
			       &reload->whys);
}

int xa_reload_step(struct xa_reloading *reload, const struct xa_running *now)
{
	int error = reload->trial ? try_stages(reload, now) : 0;

	return error ? error : xa_policy_opened(reload->next.policy, now->policy, &reload->whys);
}

const struct xa_policy *xa_reload_awaits(const struct xa_reloading *reload)
{
	return reload->trial ? xa_trial_policy(reload->trial) : reload->next.policy;
}

void xa_reload_end(struct xa_reloading *reload)
{
	xa_trial_free(take_ptr(reload->trial));
	xa_running_done(&reload->next);
	reload->is_under_way = false;
}
