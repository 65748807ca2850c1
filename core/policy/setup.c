/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Records of a fixed size, each followed by its texts: a length and as many bytes. A node is
 * followed by its children. The two sides are one program, so that the layout is the compiler's.
 */

#include "core/policy/setup.h"

#include <string.h>

/* More than the configuration allows, and little enough for the stack. */
#define DEPTH_MAX 32

struct stage_record {
	uint32_t disabled;
	uint32_t line, column;
	uint32_t kept_len;
};

struct node_record {
	uint32_t kind;
	uint32_t quoted;
	uint32_t line, column;
	uint32_t key_line, key_column;
	uint32_t has_key, has_text;
	uint32_t child_count;
};

/* Writing */

static void add_bytes(struct xa_buf *buf, const void *bytes, size_t len)
{
	xa_buf_add(buf, bytes, len);
}

static void add_text(struct xa_buf *buf, const char *text)
{
	const uint32_t len = (uint32_t)strlen(text);

	add_bytes(buf, &len, sizeof(len));
	add_bytes(buf, text, len);
}

static uint32_t count_children(const struct xa_tree *tree)
{
	uint32_t count = 0;

	for (const struct xa_tree *child = tree->children; child; child = child->next)
		count++;
	return count;
}

static void add_node(struct xa_buf *buf, const struct xa_tree *tree)
{
	static const uint32_t kinds[] = {
		[XA_TREE_SCALAR] = XA_PLUGIN_SCALAR,
		[XA_TREE_LIST] = XA_PLUGIN_LIST,
		[XA_TREE_MAP] = XA_PLUGIN_MAP,
	};
	const struct node_record record = {
		.kind = kinds[tree->kind],
		.quoted = tree->quoted,
		.line = tree->line,
		.column = tree->column,
		.key_line = tree->key_line,
		.key_column = tree->key_column,
		.has_key = tree->key != NULL,
		.has_text = tree->text != NULL,
		.child_count = count_children(tree),
	};

	add_bytes(buf, &record, sizeof(record));
	if (tree->key)
		add_text(buf, tree->key);
	if (tree->text)
		add_text(buf, tree->text);
	for (const struct xa_tree *child = tree->children; child; child = child->next)
		add_node(buf, child);
}

/* A stage stands in one file, with all its options. */
static void add_stage(struct xa_buf *buf, const struct xa_stage *stage,
		      const struct xa_setup_stage *known)
{
	const struct stage_record record = {
		.disabled = known->disabled,
		.line = stage->line,
		.column = stage->column,
		.kept_len = (uint32_t)known->kept_len,
	};

	add_bytes(buf, &record, sizeof(record));
	add_text(buf, stage->name);
	add_text(buf, stage->path);
	add_text(buf, known->title);
	add_text(buf, stage->file);
	if (known->kept_len)
		add_bytes(buf, known->kept, known->kept_len);
	add_node(buf, stage->options);
}

void xa_setup_write(struct xa_buf *buf, const struct xa_config *config, uint32_t max_flows,
		    const struct xa_setup_stage *stages)
{
	struct xa_setup_head head = {
		.memory_bytes = config->policy.memory_bytes,
		.max_flows = max_flows,
		.max_values = config->policy.max_values + XA_PLUGIN_VALUE_OTHER + 1,
		.stage_count = (uint32_t)config->policy.stage_count,
		.log_level = XA_PLUGIN_LOG_DEBUG,
	};
	const size_t len = strlen(config->policy.plugin_dir);

	if (len >= sizeof(head.plugin_dir)) {
		buf->failed = true;
		return;
	}
	memcpy(head.plugin_dir, config->policy.plugin_dir, len);
	add_bytes(buf, &head, sizeof(head));
	for (size_t i = 0; i < config->policy.stage_count; i++)
		add_stage(buf, &config->policy.stages[i], &stages[i]);
}

/* Reading */

/* What is left of the bytes. */
struct reader {
	struct xa_arena *arena;
	const char *at;
	size_t left;
};

static int read_bytes(struct reader *reader, void *to, size_t len)
{
	if (len > reader->left)
		return -EBADMSG;
	memcpy(to, reader->at, len);
	reader->at += len;
	reader->left -= len;
	return 0;
}

/* A copy of the next `len` bytes, a NUL behind them. */
static int read_copy(struct reader *reader, size_t len, const char **ret)
{
	char *copy;

	if (len > reader->left)
		return -EBADMSG;
	copy = xa_arena_strndup(reader->arena, reader->at, len);
	if (!copy)
		return -ENOMEM;
	reader->at += len;
	reader->left -= len;
	*ret = copy;
	return 0;
}

static int read_text(struct reader *reader, const char **ret)
{
	uint32_t len;
	int error = read_bytes(reader, &len, sizeof(len));

	if (!error)
		error = read_copy(reader, len, ret);
	if (!error && strlen(*ret) != len)
		error = -EBADMSG;
	return error;
}

/* A scalar has text and no children; the others have no text. */
static bool is_sound(const struct node_record *record)
{
	const bool scalar = record->kind == XA_PLUGIN_SCALAR;

	return record->kind <= XA_PLUGIN_MAP && scalar == (record->has_text != 0) &&
	       (!scalar || !record->child_count);
}

static int read_node(struct reader *reader, const char *file, bool in_map, unsigned depth,
		     const struct xa_plugin_node **ret);

static int read_children(struct reader *reader, struct xa_plugin_node *node, uint32_t count,
			 unsigned depth)
{
	const struct xa_plugin_node **end = &node->children;
	int error = 0;

	for (uint32_t i = 0; i < count && !error; i++) {
		struct xa_plugin_node *child;

		error = read_node(reader, node->file, node->kind == XA_PLUGIN_MAP, depth, end);
		if (error)
			return error;
		/* It stands in the arena and nobody else has it yet. */
		child = (struct xa_plugin_node *)(uintptr_t)*end;
		end = &child->next;
	}
	return error;
}

static int read_node(struct reader *reader, const char *file, bool in_map, unsigned depth,
		     const struct xa_plugin_node **ret)
{
	struct node_record record;
	struct xa_setup_node *fresh;
	int error = read_bytes(reader, &record, sizeof(record));

	if (error || !is_sound(&record) || in_map != (record.has_key != 0) || depth == DEPTH_MAX)
		return -EBADMSG;
	fresh = xa_arena_alloc(reader->arena, sizeof(*fresh));
	if (!fresh)
		return -ENOMEM;
	*fresh = (struct xa_setup_node){
		.node = {.kind = record.kind,
			 .quoted = record.quoted,
			 .file = file,
			 .line = record.line,
			 .column = record.column},
		.key_line = record.key_line,
		.key_column = record.key_column,
	};
	if (record.has_key)
		error = read_text(reader, &fresh->node.key);
	if (!error && record.has_text)
		error = read_text(reader, &fresh->node.text);
	if (!error)
		error = read_children(reader, &fresh->node, record.child_count, depth + 1);
	if (!error)
		*ret = &fresh->node;
	return error;
}

static int read_kept(struct reader *reader, size_t len, struct xa_setup_stage *stage)
{
	const char *kept;
	int error;

	if (len > XA_PLUGIN_KEPT_BYTES)
		return -EBADMSG;
	error = len ? read_copy(reader, len, &kept) : 0;
	if (error || !len)
		return error;
	stage->kept = kept;
	stage->kept_len = len;
	return 0;
}

static int read_stage(struct reader *reader, struct xa_setup_stage *stage)
{
	struct stage_record record;
	int error = read_bytes(reader, &record, sizeof(record));

	if (error)
		return error;
	stage->disabled = record.disabled;
	stage->line = record.line;
	stage->column = record.column;
	error = read_text(reader, &stage->name);
	if (!error)
		error = read_text(reader, &stage->path);
	if (!error)
		error = read_text(reader, &stage->title);
	if (!error)
		error = read_text(reader, &stage->file);
	if (!error)
		error = read_kept(reader, record.kept_len, stage);
	if (!error)
		error = read_node(reader, stage->file, false, 0, &stage->options);
	if (!error && stage->options->kind != XA_PLUGIN_MAP)
		error = -EBADMSG;
	return error;
}

static bool head_is_sound(const struct xa_setup_head *head)
{
	return head->stage_count <= XA_POLICY_STAGES_MAX && head->max_flows &&
	       head->max_values > XA_PLUGIN_VALUE_OTHER + 1 &&
	       memchr(head->plugin_dir, '\0', sizeof(head->plugin_dir));
}

int xa_setup_read(struct xa_setup *ret, const void *bytes, size_t len)
{
	struct reader reader = {.at = bytes, .left = len};
	int error = xa_arena_new(&ret->arena);

	if (error)
		return error;
	reader.arena = ret->arena;
	error = read_bytes(&reader, &ret->head, sizeof(ret->head));
	if (error || !head_is_sound(&ret->head))
		return -EBADMSG;
	ret->stages = xa_arena_alloc(ret->arena, ret->head.stage_count * sizeof(*ret->stages));
	if (!ret->stages)
		return -ENOMEM;
	for (uint32_t i = 0; i < ret->head.stage_count && !error; i++)
		error = read_stage(&reader, &ret->stages[i]);
	if (!error && reader.left)
		error = -EBADMSG;
	return error;
}
