/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the types mean: text -> member and member -> canonical text. The same code reads the
 * defaults, the file, the environment and the command line.
 */

#include "config/options.h"

/* Makes a list or set empty and ready for entries; nothing for other types. 0 or -ENOMEM. */
int xa_value_begin(struct xa_config *config, const struct xa_option *option);

/* Stores a value, or adds an entry to a list. -EINVAL says why in `why`, which begins with the key,
 * and changes nothing; or -ENOMEM. */
int xa_value_add(struct xa_config *config, const struct xa_option *option, const char *text,
		 struct xa_why *why);

/* Appends the value: canonical, in YAML, as it would stand behind "key:" and, unless it begins with
 * a line feed, a blank. */
void xa_value_format(const struct xa_config *config, const struct xa_option *option,
		     struct xa_buf *buf);

/* Appends what may be written, in words: "duration, 200ms to 1h". */
void xa_value_describe(const struct xa_option *option, struct xa_buf *buf);
