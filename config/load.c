/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Defaults, then the files, then the settings, all through the table and xa_value_add(). Whether
 * there was any reason against it decides in the end; only what makes going on impossible is
 * returned as an error on the way.
 */

#include "config/load.h"

#include <string.h>

#include "config/file.h"
#include "config/files.h"
#include "config/source.h"
#include "config/text.h"
#include "config/value.h"
#include "config/whys.h"

#define DEFAULTS_FILE "default"
#define SETTINGS_FILE "--set"
#define STDIN_FILE    "<stdin>"

void xa_source_refuse(const struct xa_source *source, const char *format, ...)
{
	struct xa_why why;
	va_list args;

	va_start(args, format);
	(void)vsnprintf(why.text, sizeof(why.text), format, args);
	va_end(args);
	(void)xa_whys_add(source->whys, source->file, source->line, source->column, "%s%s%s%s%s",
			  source->setting ? xa_quotes(source->setting).text : "",
			  source->setting ? ": " : "", why.text, source->written ? ", from " : "",
			  source->written ? xa_quotes(source->written).text : "");
}

int xa_source_begin(const struct xa_source *source, const struct xa_option *option)
{
	source->config->origins[option - xa_options] = (struct xa_origin){.file = source->file,
									  .line = source->line};
	return xa_value_begin(source->config, option);
}

int xa_source_add(const struct xa_source *source, const struct xa_option *option, const char *text)
{
	struct xa_why why = {0};
	const int r = xa_value_add(source->config, option, text, &why);

	if (r == -EINVAL)
		xa_source_refuse(source, "%s", why.text);
	return r == -EINVAL ? 0 : r;
}

static int add_entry(const struct xa_source *source, const struct xa_option *option,
		     const char *text, size_t len)
{
	_cleanup_free_ char *entry = NULL;

	for (; len && *text == ' '; len--)
		text++;
	while (len && text[len - 1] == ' ')
		len--;
	entry = strndup(text, len);
	return entry ? xa_source_add(source, option, entry) : -ENOMEM;
}

/* A list in one text: its entries stand between commas. */
static int add_entries(const struct xa_source *source, const struct xa_option *option,
		       const char *text)
{
	uint64_t entries = 0;
	int r;

	for (;; text++) {
		const size_t len = strcspn(text, ",");

		r = add_entry(source, option, text, len);
		text += len;
		if (r || !*text || ++entries > option->max)
			return r;
	}
}

int xa_source_set(const struct xa_source *source, const struct xa_option *option, const char *text)
{
	const int r = xa_source_begin(source, option);

	if (r || xa_option_is_empty_list(option, text))
		return r;
	return xa_option_is_list(option) && *text ? add_entries(source, option, text)
						  : xa_source_add(source, option, text);
}

static int set_defaults(const struct xa_source *source)
{
	int r = 0;

	for (size_t i = 0; !r && i < xa_option_count; i++)
		r = xa_source_set(source, &xa_options[i], xa_options[i].fallback);
	return r;
}

/* The settings */

static int refuse_setting(const struct xa_source *source, const char *key)
{
	_cleanup_xa_buf_ struct xa_buf hint = {0};
	const struct xa_option *section = xa_section_find(key);

	if (section) {
		xa_source_refuse(source, "'%s' is a section, name one of its keys such as '%s'",
				 key, section->key);
		return 0;
	}
	xa_option_suggest("", key, &hint);
	if (xa_buf_failed(&hint))
		return -ENOMEM;
	xa_source_refuse(source, "unknown key %s%s", xa_quotes(key).text,
			 hint.text ? hint.text : "");
	return 0;
}

static int apply_setting(const struct xa_source *source)
{
	const char *equals = strchr(source->setting, '=');
	_cleanup_free_ char *key = NULL;
	const struct xa_option *option;

	if (!equals || equals == source->setting) {
		xa_source_refuse(source, "expected key=value");
		return 0;
	}
	key = strndup(source->setting, (size_t)(equals - source->setting));
	if (!key)
		return -ENOMEM;
	option = xa_option_find(key);
	return option ? xa_source_set(source, option, equals + 1) : refuse_setting(source, key);
}

static int apply_settings(struct xa_source *source, const char *const *settings, size_t count)
{
	int r = 0;

	for (size_t i = 0; !r && i < count; i++) {
		source->setting = settings[i];
		r = apply_setting(source);
	}
	return r;
}

static int config_new(struct xa_config **ret)
{
	_cleanup_xa_arena_ struct xa_arena *arena = NULL;
	struct xa_config *config;
	const int r = xa_arena_new(&arena);

	if (r)
		return r;
	config = xa_arena_alloc(arena, sizeof(*config));
	if (!config)
		return -ENOMEM;
	config->origins = xa_arena_alloc(arena, xa_option_count * sizeof(*config->origins));
	if (!config->origins)
		return -ENOMEM;
	config->arena = take_ptr(arena);
	*ret = config;
	return 0;
}

void xa_config_free(struct xa_config *config)
{
	if (config)
		xa_arena_free(config->arena);
}

/* A config of defaults, and the source that has made it. */
static int begin(struct xa_config **ret, struct xa_source *source, struct xa_whys *whys)
{
	const int r = config_new(ret);

	*source = (struct xa_source){.config = *ret, .whys = whys, .file = DEFAULTS_FILE};
	return r ? r : set_defaults(source);
}

static int read_text(struct xa_source *source, const char *file, const char *text, size_t len)
{
	source->file = xa_arena_strndup(source->config->arena, file, strlen(file));
	return source->file ? xa_source_read(source, text, len) : -ENOMEM;
}

static int read_files(struct xa_source *source, const struct xa_files *files)
{
	int r = 0;

	for (size_t i = 0; !r && i < files->count; i++)
		if (files->files[i].text)
			r = read_text(source, files->files[i].name, files->files[i].text,
				      files->files[i].len);
	return r;
}

static int finish(struct xa_source *source, const char *const *settings, size_t count)
{
	int r;

	source->file = SETTINGS_FILE;
	r = apply_settings(source, settings, count);
	return r || !source->whys->count ? r : -EINVAL;
}

int xa_config_load_buffer(struct xa_config **ret, const char *file, const char *text, size_t len,
			  const char *const *settings, size_t count, struct xa_whys *ret_whys)
{
	_cleanup_xa_config_ struct xa_config *config = NULL;
	struct xa_source source;
	int r;

	ret_whys->count = 0;
	r = begin(&config, &source, ret_whys);
	if (!r && text)
		r = read_text(&source, file ? file : "", text, len);
	if (!r)
		r = finish(&source, settings, count);
	if (!r)
		*ret = take_ptr(config);
	return r;
}

int xa_config_load(struct xa_config **ret, const char *path, const char *const *settings,
		   size_t count, struct xa_whys *ret_whys)
{
	_cleanup_xa_config_ struct xa_config *config = NULL;
	_cleanup_xa_files_ struct xa_files files = {0};
	struct xa_source source;
	int r;

	ret_whys->count = 0;
	r = path ? xa_files_read(path, &files, ret_whys) : 0;
	if (!r)
		r = begin(&config, &source, ret_whys);
	if (!r)
		r = read_files(&source, &files);
	if (!r)
		r = finish(&source, settings, count);
	if (!r)
		*ret = take_ptr(config);
	return r;
}

int xa_config_load_stdin(struct xa_config **ret, struct xa_whys *ret_whys)
{
	_cleanup_free_ char *text = NULL;
	struct xa_why why = {0};
	size_t len = 0;
	int r = xa_file_read_fd(STDIN_FILENO, &text, &len, &why);

	ret_whys->count = 0;
	if (!r && !len)
		r = xa_why_set(&why, -EINVAL, "is empty");
	if (!r)
		return xa_config_load_buffer(ret, STDIN_FILE, text, len, NULL, 0, ret_whys);
	if (r != -ENOMEM)
		(void)xa_whys_add(ret_whys, STDIN_FILE, 0, 0, "%s", why.text);
	return r;
}
