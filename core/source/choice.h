/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Which interfaces a config asks for: by name, by pattern, or as the default route's. */

#include <net/if.h>

#include "config/config.h"

struct xa_choice {
	const struct xa_config *config;
	char default_name[IF_NAMESIZE]; /* what `auto` stands for; "": not known */
};

bool xa_choice_is_auto(const struct xa_config *config);
bool xa_choice_is_pattern(const char *name);

/* The config's name at `i`, or what `auto` stands for. */
const char *xa_choice_name(const struct xa_choice *choice, size_t i);

/* Whether that name of a config means the interface. */
bool xa_choice_means(const char *name, const char *interface);

/* Whether the interface is asked for; by its name, and not by a pattern alone. */
bool xa_choice_has(const struct xa_choice *choice, const char *interface);
bool xa_choice_names(const struct xa_choice *choice, const char *interface);

/* Why there is none: -ENODEV with the reason. */
int xa_choice_no_interface(struct xa_why *ret_why, const char *name);
int xa_choice_no_default(struct xa_why *ret_why);
