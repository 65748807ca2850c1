/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Any bytes as a config file. What is refused has to come with reasons of one printable line; what
 * is accepted has to come back from its own dump as an equal config. A '!' in front is left out and
 * makes the last line a setting as well. The golden cases are a good corpus.
 */

#include <string.h>

#include "config/load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool fact)
{
	if (!fact)
		__builtin_trap();
}

static void check_whys(int r, const struct xa_whys *whys)
{
	_cleanup_xa_buf_ struct xa_buf text = {0};

	expect(r == -EINVAL && whys->count);
	for (size_t i = 0; i < whys->count && i < XA_WHYS_MAX; i++)
		for (const char *c = whys->why[i].text; *c; c++)
			expect((unsigned char)*c >= ' ');
	xa_whys_print(whys, &text);
	expect(!xa_buf_failed(&text));
}

static void check_round_trip(const struct xa_config *config, bool comments)
{
	_cleanup_xa_config_ struct xa_config *again = NULL;
	_cleanup_xa_buf_ struct xa_buf text = {0};
	_cleanup_xa_buf_ struct xa_buf difference = {0};
	static struct xa_whys whys;

	xa_config_dump(config, comments, &text);
	expect(!xa_buf_failed(&text));
	expect(!xa_config_load_buffer(&again, "dump", text.text, text.len, NULL, 0, &whys));
	xa_config_diff(config, again, &difference);
	expect(!difference.len);
	expect(!xa_config_changes(config, again));
}

static char *last_line(const char *text, size_t size)
{
	size_t start = size;

	while (start && text[start - 1] != '\n')
		start--;
	return strndup(text + start, size - start);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_xa_config_ struct xa_config *config = NULL;
	_cleanup_free_ char *setting = NULL;
	static struct xa_whys whys;
	const char *text = (const char *)data;
	bool with_setting;
	int r;

	if (!size)
		return 0;
	with_setting = text[0] == '!';
	text += with_setting;
	size -= with_setting;
	setting = last_line(text, size);
	r = xa_config_load_buffer(&config, "no such file", text, size,
				  (const char *const *)&setting, with_setting, &whys);
	if (r) {
		check_whys(r, &whys);
		return 0;
	}
	check_round_trip(config, false);
	check_round_trip(config, true);
	return 0;
}
