/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The one function of base.h that is too long to be inline. */

#include "core/base/base.h"

#include <stdarg.h>

int xa_why_set(struct xa_why *why, int error, const char *format, ...)
{
	va_list args;

	if (!why)
		return error;
	va_start(args, format);
	(void)vsnprintf(why->text, sizeof(why->text), format, args);
	va_end(args);
	return error;
}
