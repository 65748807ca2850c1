/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Annotations as the ranking of flows asks for them.
 */

#include "core/flow/rows.h"
#include "core/policy/annotation.h"

/* Borrows the annotations for as long as it is used. */
struct xa_judgement xa_judgement_of(const struct xa_annotations *annotations);
