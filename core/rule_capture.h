/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/rule_flow.h"

/* Reads the capture file that `tree` names, relative to the folder of the test: its flows, in the
 * order of their first packets, as they are when it ends. What is in no flow is left out. */
void xa_rule_capture_read(struct xa_rule_reader *reader, const struct xa_tree *tree,
			  struct xa_rule_flows *ret);
