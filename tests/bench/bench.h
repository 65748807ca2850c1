/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Rounds, medians and rows. Whatever is compared is measured in turns, round by round, and compared
 * within a round: other work on the machine then slows both. A round counts only if its canary, the
 * cost of the empty program, is near the canary's median.
 */

#include <stdbool.h>

#include "core/base/base.h"

#define BENCH_KEPT	 7
#define BENCH_KEPT_FEW	 3 /* where a round takes half a minute */
#define BENCH_ROUNDS_MAX 21
#define BENCH_VALUES_MAX 16

/* values[0] is the canary. */
struct bench_round {
	double values[BENCH_VALUES_MAX];
	bool kept;
};

struct bench_rounds {
	struct bench_round rounds[BENCH_ROUNDS_MAX];
	size_t count;
	size_t kept;
};

/* Measures until `kept` rounds are good ones, or BENCH_ROUNDS_MAX are over. 0 or what `measure`
 * returns. */
int bench_measure(struct bench_rounds *ret, size_t kept,
		  int (*measure)(void *ctx, double *ret_values), void *ctx);

/* Medians over the good rounds: of a value, and of a ratio of two values. */
double bench_median(const struct bench_rounds *rounds, size_t value);
double bench_ratio(const struct bench_rounds *rounds, size_t value, size_t of);

/* One line of the table that tests/bench/run prints. `goal` 0: a figure to know, not to reach. */
void bench_row(const struct bench_rounds *rounds, const char *what, size_t value, size_t of,
	       const char *unit, double goal);
void bench_row_value(const char *what, double value, const char *unit, double goal);
XA_PRINTF(1, 2) void bench_note(const char *format, ...);

/* Keeps this thread on a CPU. 0 or -errno. */
int bench_pin(unsigned cpu);

/* CPU time of this thread. */
uint64_t bench_cpu_ns(void);

/* "1", "1k", "64k", "1M". */
const char *bench_flows_name(uint32_t flows);
