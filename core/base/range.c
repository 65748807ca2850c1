/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Binary search. */

#include "core/base/range.h"

const struct xa_range *xa_range_find(const struct xa_range *ranges, size_t count, uint16_t number)
{
	size_t from = 0;

	while (from < count) {
		const size_t middle = from + (count - from) / 2;

		if (number < ranges[middle].low)
			count = middle;
		else if (number > ranges[middle].high)
			from = middle + 1;
		else
			return &ranges[middle];
	}
	return NULL;
}

void xa_range_add(struct xa_buf *buf, const struct xa_range *range)
{
	xa_buf_add_u64(buf, range->low);
	if (range->high == range->low)
		return;
	xa_buf_adds(buf, "-");
	xa_buf_add_u64(buf, range->high);
}
