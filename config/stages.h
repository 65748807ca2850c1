/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The list of the policy's stages: reading, writing back, describing. */

#include "config/source.h"
#include "config/yaml.h"

/* The current node is the value of `option`, which the file calls `key`. 0 also where a reason has
 * been given; -EINVAL if there is no going on in this file, or -ENOMEM. */
int xa_stages_read(struct xa_yaml *yaml, const struct xa_source *source,
		   const struct xa_option *option, const char *key);

/* From one text there is only the empty list: "[]". */
int xa_stages_set(struct xa_config *config, const struct xa_option *option, const char *text,
		  struct xa_why *why);

/* "[]", or a line for each stage. */
void xa_stages_format(const struct xa_config *config, const struct xa_option *option,
		      struct xa_buf *buf);

void xa_stages_describe(const struct xa_option *option, struct xa_buf *buf);
