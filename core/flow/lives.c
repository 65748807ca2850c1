/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Sums are in ticks, bounds in seconds: a life of just a bound is no life that ticks can measure.
 */

#include "core/flow/lives.h"

void xa_lives_add(struct xa_lives *lives, const struct xa_life *life)
{
	static const double bounds[] = {XA_LIFE_BOUNDS_S};
	size_t i = 0;

	while (i < array_size(bounds) && life->ticks * XA_TICK_S > bounds[i])
		i++;
	lives->counts[i]++;
	lives->sum_ticks += life->ticks;
	lives->last[i] = *life;
}
