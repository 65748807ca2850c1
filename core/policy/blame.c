/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Three in a row end it: a stage that fails now and then stays, one that cannot work costs a worker
 * three times. */

#include "core/policy/blame.h"

#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "config/path.h"
#include "config/titles.h"

const char *const xa_cause_names[] = {
	[XA_PLUGIN_ERROR] = "error",   [XA_PLUGIN_STEPS] = "steps",	[XA_PLUGIN_TIME] = "time",
	[XA_PLUGIN_MEMORY] = "memory", [XA_PLUGIN_INVALID] = "invalid", [XA_PLUGIN_CRASH] = "crash",
};
_Static_assert(array_size(xa_cause_names) == XA_PLUGIN_CAUSE_COUNT_, "a name for each cause");

/* --- files --- */

static const char *plugin_path(struct xa_arena *arena, const struct xa_config *config,
			       const struct xa_stage *stage)
{
	char path[4096];
	const int len = snprintf(path, sizeof(path), "%s/%s.so", config->policy.plugin_dir,
				 stage->name);

	return xa_arena_strndup(arena, path, len < (int)sizeof(path) ? (size_t)len : 0);
}

static int set_paths(struct xa_blame *blame, struct xa_arena *arena, const struct xa_config *config,
		     const struct xa_stage *stage)
{
	const char *file = xa_stage_file(stage);

	if (file) {
		blame->paths[0] = xa_path_resolve(arena, stage->file, file);
		if (!blame->paths[0])
			return -ENOMEM;
	}
	blame->paths[1] = plugin_path(arena, config, stage);
	return blame->paths[1] ? 0 : -ENOMEM;
}

static struct xa_file_id identify(const char *path)
{
	struct stat stat_of;

	if (!path || stat(path, &stat_of))
		return (struct xa_file_id){0};
	return (struct xa_file_id){
		.changed_ns = (int64_t)stat_of.st_mtim.tv_sec * (int64_t)XA_NS_PER_S +
			      stat_of.st_mtim.tv_nsec,
		.size = (uint64_t)stat_of.st_size,
		.inode = stat_of.st_ino,
	};
}

static bool are_equal(struct xa_file_id a, struct xa_file_id b)
{
	return a.changed_ns == b.changed_ns && a.size == b.size && a.inode == b.inode;
}

void xa_blame_look(struct xa_blame *blame)
{
	for (size_t i = 0; i < XA_BLAME_FILES; i++)
		blame->ids[i] = identify(blame->paths[i]);
}

static bool has_changed(const struct xa_blame *blame)
{
	for (size_t i = 0; i < XA_BLAME_FILES; i++)
		if (!are_equal(blame->ids[i], identify(blame->paths[i])))
			return true;
	return false;
}

/* --- all of them --- */

int xa_blames_init(struct xa_blame *blames, const struct xa_config *config, struct xa_arena *arena)
{
	struct xa_stage_title titles[XA_POLICY_STAGES_MAX];

	xa_stage_titles(titles, config->policy.stages, config->policy.stage_count);
	for (size_t i = 0; i < config->policy.stage_count; i++) {
		const struct xa_stage *stage = &config->policy.stages[i];

		(void)snprintf(blames[i].state.title, sizeof(blames[i].state.title), "%s",
			       titles[i].text);
		if (set_paths(&blames[i], arena, config, stage))
			return -ENOMEM;
		xa_blame_look(&blames[i]);
	}
	return 0;
}

void xa_blames_inherit(struct xa_blame *blames, size_t count, const struct xa_blame *before,
		       size_t before_count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < before_count; j++)
			if (!strcmp(blames[i].state.title, before[j].state.title))
				memcpy(blames[i].state.errors, before[j].state.errors,
				       sizeof(blames[i].state.errors));
}

/* --- one stage --- */

void xa_blame_disable(struct xa_blame *blame, const struct xa_policy_hooks *hooks,
		      enum xa_plugin_cause cause)
{
	if (blame->state.disabled)
		return;
	blame->state.disabled = true;
	if (hooks->disabled)
		hooks->disabled(hooks->ctx, blame->state.title, cause, blame->in_row);
}

void xa_blame_fail(struct xa_blame *blame, const struct xa_policy_hooks *hooks,
		   const struct xa_report *report)
{
	blame->state.last = *report;
	blame->state.errors[report->cause]++;
	if (!(blame->told & 1U << report->cause) && hooks->failed)
		hooks->failed(hooks->ctx, blame->state.title, report->cause, report);
	blame->told |= 1U << report->cause;
	if (!blame->failed)
		blame->in_row++;
	blame->failed = true;
	if (blame->in_row >= XA_POLICY_FAILURES_MAX)
		xa_blame_disable(blame, hooks, report->cause);
}

void xa_blame_failf(struct xa_blame *blame, const struct xa_policy_hooks *hooks,
		    enum xa_plugin_cause cause, const char *format, ...)
{
	struct xa_report report = {.failed = 1, .cause = cause};
	va_list args;

	va_start(args, format);
	(void)vsnprintf(report.text, sizeof(report.text), format, args);
	va_end(args);
	xa_blame_fail(blame, hooks, &report);
}

void xa_blame_clear(struct xa_blame *blame)
{
	blame->in_row = 0;
	blame->told = 0;
}

bool xa_blame_enable(struct xa_blame *blame, const struct xa_policy_hooks *hooks)
{
	if (!blame->state.disabled || !has_changed(blame))
		return false;
	blame->state.disabled = false;
	xa_blame_clear(blame);
	if (hooks->enabled)
		hooks->enabled(hooks->ctx, blame->state.title);
	return true;
}
