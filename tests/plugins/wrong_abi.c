/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Was built for another version of the header. */

#include "tests/plugins/bad.h"

__attribute__((visibility("default"))) extern const struct xa_plugin xa_plugin;
const struct xa_plugin xa_plugin = {
	.abi = XA_PLUGIN_ABI + 1,
	.size = sizeof(struct xa_plugin),
	.name = "wrong_abi",
	.help = "has another ABI number",
	.open = bad_open,
	.run = bad_run,
	.close = bad_close,
};
