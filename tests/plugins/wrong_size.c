/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Has the right ABI number and a descriptor of another size, as from a header that was changed. */

#include "tests/plugins/bad.h"

__attribute__((visibility("default"))) extern const struct xa_plugin xa_plugin;
const struct xa_plugin xa_plugin = {
	.abi = XA_PLUGIN_ABI,
	.size = sizeof(struct xa_plugin) - sizeof(void *),
	.name = "wrong_size",
	.help = "has a descriptor of another size",
	.open = bad_open,
	.run = bad_run,
	.close = bad_close,
};
