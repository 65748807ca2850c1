/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Numbers are read by hand: strtoul() takes signs, blanks and octal. */

#include "config/units.h"

#include <inttypes.h>
#include <string.h>

#include "config/text.h"

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit durations[] = {
	{"h", 3600 * XA_NS_PER_S},
	{"m", 60 * XA_NS_PER_S},
	{"s", XA_NS_PER_S},
	{"ms", XA_NS_PER_MS},
};

static const struct unit sizes[] = {
	{"GiB", 1 << 30},
	{"MiB", 1 << 20},
	{"KiB", 1 << 10},
	{"B", 1},
};

static uint64_t mul_add(uint64_t sum, uint64_t factor, uint64_t more)
{
	uint64_t result;

	if (__builtin_mul_overflow(sum, factor, &result) ||
	    __builtin_add_overflow(result, more, &result))
		return UINT64_MAX;
	return result;
}

/* Index of the unit that the `len` letters name, not before `first`: units descend, each once. */
static size_t find_duration(const char *name, size_t len, size_t first)
{
	while (first < array_size(durations) && (strlen(durations[first].name) != len ||
						 strncmp(durations[first].name, name, len) != 0))
		first++;
	return first;
}

int xa_duration_parse(const char *text, uint64_t *ret_ns)
{
	uint64_t ns = 0;
	size_t unit = 0;

	do {
		uint64_t number;
		const char *name = xa_digits_read(text, &number);
		const size_t len = name ? strspn(name, "abcdefghijklmnopqrstuvwxyz") : 0;

		unit = len ? find_duration(name, len, unit) : array_size(durations);
		if (unit == array_size(durations))
			return -EINVAL;
		ns = mul_add(number, durations[unit++].factor, ns);
		text = name + len;
	} while (*text);
	*ret_ns = ns;
	return 0;
}

int xa_size_parse(const char *text, uint64_t *ret_bytes)
{
	uint64_t number;
	const char *name = xa_digits_read(text, &number);

	for (size_t i = 0; name && i < array_size(sizes); i++) {
		if (strcmp(sizes[i].name, name) != 0)
			continue;
		*ret_bytes = mul_add(number, sizes[i].factor, 0);
		return 0;
	}
	return -EINVAL;
}

struct xa_quantity xa_duration_text(uint64_t ns)
{
	struct xa_quantity quantity = {.text = "0s"};
	size_t used = 0;

	for (size_t i = 0; i < array_size(durations); i++) {
		const uint64_t number = ns / durations[i].factor;

		if (!number)
			continue;
		used += (size_t)snprintf(quantity.text + used, sizeof(quantity.text) - used,
					 "%" PRIu64 "%s", number, durations[i].name);
		ns %= durations[i].factor;
	}
	return quantity;
}

struct xa_quantity xa_size_text(uint64_t bytes)
{
	struct xa_quantity quantity;
	size_t unit = 0;

	while (!bytes || bytes % sizes[unit].factor) {
		if (++unit == array_size(sizes) - 1)
			break;
	}
	(void)snprintf(quantity.text, sizeof(quantity.text), "%" PRIu64 "%s",
		       bytes / sizes[unit].factor, sizes[unit].name);
	return quantity;
}

/* The unit of which `wrong` is the letter, the decimal sister, or another case. */
static const char *unit_meant(const char *wrong)
{
	if (!*wrong)
		return "MiB";
	for (size_t i = 0; i < array_size(sizes); i++) {
		const char *name = sizes[i].name;
		const char letter[] = {name[0], '\0'}, decimal[] = {name[0], 'B', '\0'};

		if (!strcasecmp(wrong, name) || !strcasecmp(wrong, letter) ||
		    !strcasecmp(wrong, decimal))
			return name;
	}
	return NULL;
}

struct xa_quantity xa_size_meant(const char *text)
{
	struct xa_quantity quantity = {0};
	uint64_t number;
	const char *wrong = xa_digits_read(text, &number);
	const char *unit = wrong ? unit_meant(wrong + strspn(wrong, " ")) : NULL;

	if (unit && number < UINT64_MAX)
		(void)snprintf(quantity.text, sizeof(quantity.text), "%" PRIu64 "%s", number, unit);
	return quantity;
}
