/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Line by line, from what the host has read whole: no file can be read when flows come. A line is
 * looked over before it is taken apart, so that what is said of it is safe to print. */

#include "plugins/zones/list.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES (4 << 20) /* 50,000 of the longest networks with zones of 30 letters */
#define LINE_BYTES 1024
#define BLANKS	   " \t"

/* The line that is read. */
struct line {
	struct xa_networks *networks;
	const char *path;
	uint32_t number;
	char *text; /* NUL-terminated */
	size_t len;
};

/* Columns count characters, as those of the configuration do. */
static struct xa_plugin_place place_of(const struct line *line, const char *at)
{
	struct xa_plugin_place place = {.file = line->path, .line = line->number, .column = 1};

	for (const char *byte = line->text; byte < at; byte++)
		place.column += (*byte & 0xc0) != 0x80;
	return place;
}

/* --- is it text? --- */

/* Bytes of the character, by RFC 3629; 0: it is none. */
static size_t decode(const char *text, size_t len, uint32_t *ret)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *byte = (const unsigned char *)text;
	const size_t bytes = *byte < 0x80 ? 1 : *byte < 0xe0 ? 2 : *byte < 0xf0 ? 3 : 4;
	uint32_t c = bytes == 1 ? *byte : *byte & (0x7fU >> bytes);

	if ((*byte >= 0x80 && *byte < 0xc0) || *byte > 0xf4 || bytes > len)
		return 0;
	for (size_t i = 1; i < bytes; i++) {
		if ((byte[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (byte[i] & 0x3f);
	}
	if (c < smallest[bytes] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*ret = c;
	return bytes;
}

static bool is_control(uint32_t c)
{
	return (c < ' ' && c != '\t') || (c >= 0x7f && c < 0xa0);
}

/* What is wrong with the first character; NULL: nothing. */
static const char *fault_of(const char *text, size_t len, size_t *ret_bytes)
{
	uint32_t c;

	*ret_bytes = decode(text, len, &c);
	if (!*ret_bytes)
		return "this is not UTF-8: save the file as such";
	return is_control(c) ? "a control character: the file is to be plain text" : NULL;
}

static int refuse(const struct line *line, const char *at, const char *text)
{
	const struct xa_plugin_place place = place_of(line, at);

	return xa_networks_refuse(line->networks, &place, XA_PLUGIN_ERROR, "%s", text);
}

static int check_line(const struct line *line)
{
	if (line->len > LINE_BYTES)
		return refuse(line, line->text,
			      "a line of more than 1024 bytes: each network has its own");
	for (size_t at = 0, bytes; at < line->len; at += bytes) {
		const char *fault = fault_of(line->text + at, line->len - at, &bytes);

		if (fault)
			return refuse(line, line->text + at, fault);
	}
	return 0;
}

/* --- what it says --- */

/* As in YAML: "a#1" is a name. */
static void cut_comment(char *text)
{
	for (char *at = text; (at = strchr(at, '#')); at++)
		if (at == text || strchr(BLANKS, at[-1])) {
			*at = '\0';
			return;
		}
}

/* Returns the word behind this one, which then ends where it ends; "" if there is none. */
static char *end_word(char *word)
{
	char *end = word + strcspn(word, BLANKS);

	if (*end)
		*end++ = '\0';
	return end + strspn(end, BLANKS);
}

static int add_line(const struct line *line)
{
	char *network = line->text + strspn(line->text, BLANKS);
	struct xa_plugin_place place;
	char *zone, *more;
	uint32_t number;
	int error;

	cut_comment(network);
	if (!*network)
		return 0;
	zone = end_word(network);
	more = end_word(zone);
	if (!*zone)
		return refuse(line, network, "a network without a zone: a line is NETWORK ZONE");
	if (*more)
		return refuse(line, more,
			      "a line is NETWORK ZONE: a zone is one word here, and what is no "
			      "more than a remark stands behind a '#'");
	place = place_of(line, zone);
	error = xa_networks_name(line->networks, &place, zone, &number);
	place = place_of(line, network);
	return error ? error : xa_networks_add(line->networks, &place, network, zone, number);
}

/* --- the file --- */

static const char *why_unread(int error)
{
	switch (error) {
	case -EFBIG:
		return "larger than 4 MiB";
	case -EINVAL:
		return "not a regular file";
	case -EAGAIN:
		return "it grew meanwhile: write it elsewhere and rename it";
	default:
		return strerror(-error);
	}
}

/* Windows' line ends are no characters of the line. */
static size_t length_of(const char *text, const char *end)
{
	return (size_t)(end - text) - (end > text && end[-1] == '\r');
}

static int add_lines(struct xa_networks *networks, const char *path, char *text, size_t len)
{
	struct line line = {.networks = networks, .path = path};
	int error = 0;

	for (char *end = text + len, *next; !error && text < end; text = next + 1) {
		next = memchr(text, '\n', (size_t)(end - text));
		next = next ? next : end;
		line.number++;
		line.text = text;
		line.len = length_of(text, next);
		text[line.len] = '\0';
		error = check_line(&line);
		if (!error)
			error = add_line(&line);
	}
	return error;
}

/* The mark that some editors begin a file with. */
static size_t mark_of(const char *text)
{
	return strncmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

int xa_list_read(struct xa_networks *networks, const struct xa_plugin_place *option,
		 const char *path)
{
	const uint32_t before = networks->count;
	size_t len, mark;
	char *text;
	int error = networks->host->read_file(networks->host, path, FILE_BYTES, &text, &len);

	if (error)
		return xa_networks_refuse(networks, option,
					  error == -ENOMEM ? XA_PLUGIN_MEMORY : XA_PLUGIN_ERROR,
					  "cannot read '%s': %s", path, why_unread(error));
	mark = mark_of(text);
	error = add_lines(networks, path, text + mark, len - mark);
	free(text);
	if (!error && networks->count == before)
		error = xa_networks_refuse(networks, option, XA_PLUGIN_ERROR,
					   "no network stands in '%s': its lines are NETWORK ZONE, "
					   "one at least",
					   path);
	return error;
}
