/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * One source of values: the defaults, a file, a setting. What is wrong with a value is a reason
 * and not an error, so that reading goes on and a person sees all reasons: functions here return 0
 * or -ENOMEM.
 */

#include "config/options.h"

/* Where a text comes from, and where its reasons go. */
struct xa_source {
	struct xa_config *config;
	struct xa_whys *whys;
	const char *file; /* lives as long as the config: values remember it */
	unsigned line, column;
	const char *setting; /* the whole of it, or NULL */
	const char *written; /* what the text was before its variables were replaced, or NULL */
};

XA_PRINTF(2, 3) void xa_source_refuse(const struct xa_source *source, const char *format, ...);

/* A value is about to be stored: where it stands is noted, and a list becomes empty. */
int xa_source_begin(const struct xa_source *source, const struct xa_option *option);

/* Stores one value, or adds one entry to a list that has been begun. */
int xa_source_add(const struct xa_source *source, const struct xa_option *option, const char *text);

/* Stores one text: a value, or a whole list with commas between its entries. */
int xa_source_set(const struct xa_source *source, const struct xa_option *option, const char *text);

/* Reads a whole YAML file. */
int xa_source_read(const struct xa_source *source, const char *text, size_t len);
