/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * How long a start or a reload reads a config that is as bad as can be: the wall time of reading
 * the text and of printing what comes of it, the median of some rounds.
 */

#include "config/load.h"
#include "core/exit.h"
#include "tests/bench/bench.h"
#include "tests/unit/worst_config.h"

#define GOAL_MS 50.0

struct job {
	const struct xa_buf *text;
	struct xa_whys whys;
};

/* The canary is the empty file. */
static int measure(void *ctx, double *ret_values)
{
	struct job *job = ctx;
	const size_t lens[] = {0, job->text->len};

	for (size_t i = 0; i < array_size(lens); i++) {
		_cleanup_xa_config_ struct xa_config *config = NULL;
		_cleanup_xa_buf_ struct xa_buf printed = {0};
		const uint64_t start = xa_now_ns();
		const int r = xa_config_load_buffer(&config, "no such file", job->text->text,
						    lens[i], NULL, 0, &job->whys);

		if (r && r != -EINVAL)
			return r;
		if (config)
			xa_config_dump(config, false, &printed);
		else
			xa_whys_print(&job->whys, &printed);
		ret_values[i] = (double)(xa_now_ns() - start) / XA_NS_PER_MS;
	}
	return 0;
}

static int run(const struct worst_input *input)
{
	_cleanup_xa_buf_ struct xa_buf text = {0};
	struct job job = {.text = &text};
	struct bench_rounds rounds;
	char what[96];
	int error;

	worst_text(input, &text);
	if (xa_buf_failed(&text))
		return -ENOMEM;
	error = bench_measure(&rounds, BENCH_KEPT, measure, &job);
	if (error)
		return error;
	(void)snprintf(what, sizeof(what), "config of 64 KiB: %s", input->name);
	bench_row_value(what, bench_median(&rounds, 1), "ms", GOAL_MS);
	return 0;
}

int main(void)
{
	int error = bench_pin(0);

	for (size_t i = 0; !error && i < array_size(worst_inputs); i++)
		error = run(&worst_inputs[i]);
	if (!error)
		return XA_EXIT_OK;
	(void)fprintf(stderr, "config: %s\n", strerror(-error));
	return XA_EXIT_FAILURE;
}
