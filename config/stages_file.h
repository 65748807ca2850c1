/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Files that are no configuration but have stages, such as tests of rules. */

#include "config/config.h"

/*
 * Reads the file `path`, whose key `stages` is what `policy.stages` is in a configuration. All else
 * in the config is the default. *ret_top is the whole file as it was written, a map that belongs to
 * the config; there `stages` is empty. Holds the file to what holds for a configuration; its other
 * keys are the caller's to check. Returns like xa_config_load(), also without `stages`.
 */
int xa_stages_file_load(struct xa_config **ret, const struct xa_tree **ret_top, const char *path,
			struct xa_whys *ret_whys);
