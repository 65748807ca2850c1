/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the worker says to the auditor, a message each. That there is nobody to hear it shows when
 * the next order is waited for.
 */

#include <stdbool.h>

#include "core/policy/region.h"

/* OPENED, REFUSED, DONE or SAVED. */
void xa_answer_send(int fd, enum xa_answer_kind kind, uint64_t number);

void xa_answer_send_why(int fd, uint32_t stage, const struct xa_why *why);

/* Whether the line was taken: one that would have to wait is not. */
bool xa_answer_send_log(int fd, uint32_t stage, enum xa_plugin_log_level level, const char *text);
