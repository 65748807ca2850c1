/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Is a shared object and no plugin. */

__attribute__((visibility("default"))) extern const int no_plugin;
const int no_plugin = 1;
