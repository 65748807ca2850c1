/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A shared object that is no plugin: what a plugin brings along. */

#include "tests/plugins/dependency.h"

__attribute__((visibility("default"))) const char *dependency_name(void)
{
	return "dependency";
}
