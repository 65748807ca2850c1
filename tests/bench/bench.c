/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Rows are for a program to read: tests/bench/run makes the table. */

#include "tests/bench/bench.h"

#include <math.h>
#include <sched.h>
#include <stdarg.h>

#define CANARY_MOVES_AT_MOST 0.3

static int double_cmp(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
	if (!count)
		return NAN;
	qsort(values, count, sizeof(*values), double_cmp);
	return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static void rounds_judge(struct bench_rounds *rounds)
{
	double canaries[BENCH_ROUNDS_MAX], usual;

	for (size_t i = 0; i < rounds->count; i++)
		canaries[i] = rounds->rounds[i].values[0];
	usual = median(canaries, rounds->count);
	rounds->kept = 0;
	for (size_t i = 0; i < rounds->count; i++) {
		struct bench_round *round = &rounds->rounds[i];

		round->kept = fabs(round->values[0] / usual - 1) <= CANARY_MOVES_AT_MOST;
		rounds->kept += round->kept;
	}
}

int bench_measure(struct bench_rounds *ret, size_t kept,
		  int (*measure)(void *ctx, double *ret_values), void *ctx)
{
	struct bench_rounds rounds = {0};

	while (rounds.count < BENCH_ROUNDS_MAX && rounds.kept < kept) {
		int error = measure(ctx, rounds.rounds[rounds.count].values);

		if (error)
			return error;
		rounds.count++;
		rounds_judge(&rounds);
	}
	*ret = rounds;
	return 0;
}

/* `of` 0: the value itself, for nothing is measured against the canary. */
static double median_of(const struct bench_rounds *rounds, size_t value, size_t of)
{
	double values[BENCH_ROUNDS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < rounds->count; i++) {
		const struct bench_round *round = &rounds->rounds[i];

		if (round->kept)
			values[count++] = round->values[value] / (of ? round->values[of] : 1);
	}
	return median(values, count);
}

double bench_median(const struct bench_rounds *rounds, size_t value)
{
	return median_of(rounds, value, 0);
}

double bench_ratio(const struct bench_rounds *rounds, size_t value, size_t of)
{
	return median_of(rounds, value, of);
}

void bench_row(const struct bench_rounds *rounds, const char *what, size_t value, size_t of,
	       const char *unit, double goal)
{
	printf("row\t%s\t%.4g\t%.4g\t%s\t%.3f\t%.2f\t%zu/%zu\n", what, bench_median(rounds, value),
	       bench_median(rounds, of), unit, bench_ratio(rounds, value, of), goal, rounds->kept,
	       rounds->count);
	(void)fflush(stdout);
}

void bench_row_value(const char *what, double value, const char *unit, double goal)
{
	printf("row\t%s\t%.4g\t-\t%s\t%.3f\t%.2f\t-\n", what, value, unit, value, goal);
	(void)fflush(stdout);
}

void bench_note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)printf("note\t");
	(void)vprintf(format, args);
	(void)printf("\n");
	va_end(args);
	(void)fflush(stdout);
}

int bench_pin(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

uint64_t bench_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * XA_NS_PER_S + (uint64_t)ts.tv_nsec;
}

const char *bench_flows_name(uint32_t flows)
{
	switch (flows) {
	case 1U << 10:
		return "1k";
	case 1U << 13:
		return "8k";
	case 1U << 16:
		return "64k";
	case 1U << 20:
		return "1M";
	default:
		return "1";
	}
}
