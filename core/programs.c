/* SPDX-License-Identifier: GPL-2.0-or-later */

/* All that are loaded, attached or not: so no series comes and goes with an interface. */

#include "core/programs.h"

static void render_info(struct xa_exposition *expo, const struct xa_program *programs)
{
	xa_exposition_begin(expo, XA_METRIC_BPF_PROGRAM_INFO);
	for (size_t i = 0; i < XA_PROGRAM_COUNT_; i++) {
		char id[16];
		const char *values[XA_LABELS_MAX] = {programs[i].name, id, programs[i].tag};

		(void)snprintf(id, sizeof(id), "%u", programs[i].id);
		xa_exposition_u64(expo, values, 1);
	}
}

static void render_instructions(struct xa_exposition *expo, const struct xa_program *programs)
{
	xa_exposition_begin(expo, XA_METRIC_BPF_PROGRAM_INSTRUCTIONS);
	for (size_t i = 0; i < XA_PROGRAM_COUNT_; i++)
		if (programs[i].instructions)
			xa_exposition_u64(expo, &programs[i].name, programs[i].instructions);
}

static void render_load_time(struct xa_exposition *expo, const struct xa_program *programs)
{
	xa_exposition_begin(expo, XA_METRIC_BPF_PROGRAM_LOAD_TIME);
	for (size_t i = 0; i < XA_PROGRAM_COUNT_; i++)
		xa_exposition_double(expo, &programs[i].name, programs[i].load_time);
}

/* One that never ran says 0 as soon as another was counted: netflow_clock runs with each poll. */
static bool are_runs_counted(const struct xa_program *programs)
{
	for (size_t i = 0; i < XA_PROGRAM_COUNT_; i++)
		if (programs[i].runs)
			return true;
	return false;
}

static void render_runs(struct xa_exposition *expo, const struct xa_program *programs)
{
	xa_exposition_begin(expo, XA_METRIC_BPF_RUNS_TOTAL);
	for (size_t i = 0; i < XA_PROGRAM_COUNT_; i++)
		xa_exposition_u64(expo, &programs[i].name, programs[i].runs);
	xa_exposition_begin(expo, XA_METRIC_BPF_RUN_SECONDS_TOTAL);
	for (size_t i = 0; i < XA_PROGRAM_COUNT_; i++)
		xa_exposition_double(expo, &programs[i].name, (double)programs[i].run_ns / 1e9);
}

void xa_programs_render(struct xa_exposition *expo, const struct xa_program *programs)
{
	if (!programs)
		return;
	render_info(expo, programs);
	render_instructions(expo, programs);
	render_load_time(expo, programs);
	if (are_runs_counted(programs))
		render_runs(expo, programs);
}
