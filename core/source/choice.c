/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/source/choice.h"

#include <fnmatch.h>
#include <string.h>

bool xa_choice_is_auto(const struct xa_config *config)
{
	return !strcmp(config->interfaces[0], "auto");
}

bool xa_choice_is_pattern(const char *name)
{
	return strpbrk(name, "*?") != NULL;
}

const char *xa_choice_name(const struct xa_choice *choice, size_t i)
{
	const char *name = choice->config->interfaces[i];

	return strcmp(name, "auto") ? name : choice->default_name;
}

bool xa_choice_means(const char *name, const char *interface)
{
	return !strcmp(name, interface) ||
	       (xa_choice_is_pattern(name) && !fnmatch(name, interface, FNM_NOESCAPE));
}

bool xa_choice_has(const struct xa_choice *choice, const char *interface)
{
	for (size_t i = 0; i < choice->config->interface_count; i++)
		if (xa_choice_means(xa_choice_name(choice, i), interface))
			return true;
	return false;
}

bool xa_choice_names(const struct xa_choice *choice, const char *interface)
{
	for (size_t i = 0; i < choice->config->interface_count; i++)
		if (!strcmp(xa_choice_name(choice, i), interface))
			return true;
	return false;
}

int xa_choice_no_interface(struct xa_why *ret_why, const char *name)
{
	return xa_why_set(ret_why, -ENODEV,
			  "interface %s does not exist (ip link lists those that do)", name);
}

int xa_choice_no_default(struct xa_why *ret_why)
{
	return xa_why_set(ret_why, -ENODEV,
			  "interface: auto stands for the default route's, and there is no default "
			  "route (name an interface)");
}
