/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The rules of docs/rules.md open, and judge flows without an error. */

#include "tests/unit/lua_host.h"

#define PAGE  "docs/rules.md"
#define FENCE "\n```lua "

static char *read_page(void)
{
	FILE *file = fopen(PAGE, "r");
	char *text = calloc(1, 1 << 20);

	assert_non_null(file);
	assert_non_null(text);
	assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
	(void)fclose(file);
	return text;
}

static void try_rule(const char *rule, size_t len)
{
	struct lab *lab = lab_new();

	lab_add_file(lab, "rules/test.lua", rule, len);
	if (lab_open_files(lab) != 0)
		fail_msg("%s\n%.*s", lab->complaint, (int)len, rule);
	for (uint16_t i = 0; i < 60; i++)
		lab_flow(lab, i % 2 ? "10.0.0.1" : "2001:db8::1", i,
			 i % 2 ? "127.0.0.2" : "2001:db8::2", 440 + i, i % 2 ? 6 : 17, i, 64 * i);
	lab_judge(lab);
	lab_judge(lab);
	lab_free(lab);
}

static void test_examples(void **state)
{
	char *page = read_page();
	unsigned count = 0;

	(void)state;
	for (char *at = page; (at = strstr(at, FENCE)) != NULL; count++) {
		const char *rule = strchr(at + strlen(FENCE), '\n') + 1;
		char *end = strstr(at + 1, "\n```\n");

		assert_non_null(end);
		try_rule(rule, (size_t)(end + 1 - rule));
		at = end;
	}
	assert_int_equal(count, 4);
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_examples)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
