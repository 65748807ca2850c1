/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Of the shared object that read_open needs. */
const char *dependency_name(void);
