/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Takes memory and touches it until there is none, keeps all of it, and says that it has done well.
 * The list's head is lost, but the blocks stay linked, so that nothing is optimised away. */

#include <stdlib.h>
#include <string.h>

#include "tests/plugins/bad.h"

#define BLOCK_BYTES (1UL << 20)

struct block {
	struct block *next;
	char bytes[BLOCK_BYTES];
};

static int leak_run(void *state, const struct xa_plugin_batch *batch)
{
	const struct bad *bad = state;
	struct block *volatile blocks = NULL;
	struct block *block;

	if (bad_is_spared(batch, bad->spare_trial))
		return 0;
	while ((block = malloc(sizeof(*block)))) {
		memset(block->bytes, 1, sizeof(block->bytes));
		block->next = blocks;
		blocks = block;
	}
	return 0;
}

XA_PLUGIN(leak_run, .help = "takes all memory in run()", .options = bad_options, .option_count = 1,
	  .open = bad_open_spared, .run = leak_run, .close = bad_close_spared);
