/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Files that are meant to be slow are refused by name or taken, and soon. */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "config/load.h"
#include "tests/unit/worst_config.h"

/* Milliseconds in truth, see tests/bench: with sanitizers on a busy machine it may be this. */
#define DEADLINE_NS (2 * XA_NS_PER_S)

static struct xa_whys whys;

static void check_reason(const struct worst_input *input)
{
	assert_true(whys.count);
	if (!strncmp(whys.why[0].text, input->reason, strlen(input->reason)))
		return;
	fail_msg("%s: %s, not %s", input->name, whys.why[0].text, input->reason);
}

static void check_input(const struct worst_input *input)
{
	_cleanup_xa_config_ struct xa_config *config = NULL;
	_cleanup_xa_buf_ struct xa_buf text = {0}, printed = {0};
	const uint64_t start = xa_now_ns();
	uint64_t spent;
	int r;

	worst_text(input, &text);
	assert_false(xa_buf_failed(&text));
	assert_in_range(text.len, XA_FILE_BYTES_MAX - 128, XA_FILE_BYTES_MAX);
	r = xa_config_load_buffer(&config, "no such file", text.text, text.len, NULL, 0, &whys);
	if (r)
		xa_whys_print(&whys, &printed);
	else
		xa_config_dump(config, false, &printed);
	assert_false(xa_buf_failed(&printed));
	spent = xa_now_ns() - start;
	if (r != (input->reason ? -EINVAL : 0))
		fail_msg("%s: %d, %s", input->name, r, r ? whys.why[0].text : "taken");
	if (r)
		check_reason(input);
	if (spent > DEADLINE_NS)
		fail_msg("%s: took %llu ms", input->name,
			 (unsigned long long)(spent / XA_NS_PER_MS));
}

static void test_inputs(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(worst_inputs); i++)
		check_input(&worst_inputs[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inputs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
