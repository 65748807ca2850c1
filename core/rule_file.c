/* SPDX-License-Identifier: GPL-2.0-or-later */

/* From the file's tree to tests that are ready to run: whatever can be wrong with a file is found
 * here, before the first test runs. */

#include "core/rule_file.h"

#include <string.h>

#include "config/stages_file.h"
#include "config/text.h"
#include "config/units.h"
#include "core/rule_capture.h"

/* The clock of every test begins here: 2024-01-01 00:00:00 UTC. */
#define BEGINNING_NS (1704067200 * XA_NS_PER_S)

#define INTERVAL_NS	(10 * XA_NS_PER_S) /* the default of poll_interval */
#define INTERVAL_MAX_NS (7 * 86400 * XA_NS_PER_S)

/* Snapshots */

struct snapshot_draft {
	const struct xa_tree *flows, *pcap, *interval, *expect;
};

static const struct xa_rule_key snapshot_keys[] = {
	{.name = "flows",
	 .read = xa_rule_read_tree,
	 .offset = offsetof(struct snapshot_draft, flows)},
	{.name = "pcap",
	 .read = xa_rule_read_tree,
	 .offset = offsetof(struct snapshot_draft, pcap)},
	{.name = "interval",
	 .read = xa_rule_read_tree,
	 .offset = offsetof(struct snapshot_draft, interval)},
	{.name = "expect",
	 .read = xa_rule_read_tree,
	 .required = true,
	 .offset = offsetof(struct snapshot_draft, expect)},
};

static void read_interval(struct xa_rule_reader *reader, const struct xa_tree *tree,
			  uint64_t *interval_ns)
{
	const char *text = xa_rule_text(reader, tree, "interval");
	uint64_t ns;

	if (!text)
		return;
	if (xa_duration_parse(text, &ns) || !ns || ns > INTERVAL_MAX_NS)
		xa_rule_refuse(reader, tree,
			       "interval: expected a duration up to 168h, such as '10s', not %s",
			       xa_quotes(text).text);
	else
		*interval_ns = ns;
}

static void read_flows(struct xa_rule_reader *reader, const struct snapshot_draft *draft,
		       struct xa_rule_file *file, struct xa_rule_snapshot *snapshot)
{
	if (draft->flows && draft->pcap)
		xa_rule_refuse(reader, draft->pcap, "a snapshot has 'flows' or 'pcap', not both");
	else if (draft->flows)
		xa_rule_flows_read(reader, draft->flows, &file->interfaces, &snapshot->flows);
	else if (draft->pcap)
		xa_rule_capture_read(reader, draft->pcap, &snapshot->flows);
	else
		xa_rule_refuse(reader, snapshot->place, "a snapshot: 'flows' is missing");
}

/* What is expected of flows is not looked at if these are wrong: it would be wrong too. */
static void read_snapshot(struct xa_rule_reader *reader, const struct xa_tree *tree,
			  struct xa_rule_file *file, struct xa_rule_snapshot *ret)
{
	const size_t before = reader->whys->count;
	struct snapshot_draft draft = {0};

	ret->place = tree;
	if (!xa_rule_read_map(reader, tree, "a snapshot", snapshot_keys, array_size(snapshot_keys),
			      &draft))
		return;
	if (draft.interval)
		read_interval(reader, draft.interval, &ret->interval_ns);
	read_flows(reader, &draft, file, ret);
	if (draft.expect && reader->whys->count == before)
		xa_rule_expect_read(reader, draft.expect, ret->flows.count, &ret->expect);
}

/* Tests */

struct case_draft {
	const char *name;
	const struct xa_tree *snapshots;
};

static const struct xa_rule_key case_keys[] = {
	{.name = "name",
	 .read = xa_rule_read_text,
	 .required = true,
	 .offset = offsetof(struct case_draft, name)},
	{.name = "snapshots",
	 .read = xa_rule_read_tree,
	 .required = true,
	 .offset = offsetof(struct case_draft, snapshots)},
};

static void set_clock(struct xa_rule_case *test)
{
	uint64_t now_ns = BEGINNING_NS;

	for (size_t i = 0; i < test->snapshot_count; i++) {
		struct xa_rule_snapshot *snapshot = &test->snapshots[i];

		if (i && !snapshot->interval_ns)
			snapshot->interval_ns = INTERVAL_NS;
		now_ns += snapshot->interval_ns;
		snapshot->flows.now_ns = now_ns;
	}
}

static void follow_flows(struct xa_rule_reader *reader, struct xa_rule_case *test)
{
	struct xa_rule_flows **flows = xa_rule_alloc(reader, test->snapshot_count,
						     sizeof(struct xa_rule_flows *));

	if (!flows)
		return;
	for (size_t i = 0; i < test->snapshot_count; i++)
		flows[i] = &test->snapshots[i].flows;
	test->handles = xa_rule_flows_follow(reader, flows, test->snapshot_count);
}

static void read_snapshots(struct xa_rule_reader *reader, const struct xa_tree *list,
			   struct xa_rule_file *file, struct xa_rule_case *ret)
{
	const size_t before = reader->whys->count;
	struct xa_rule_snapshot *snapshot;

	if (!xa_rule_list(reader, list, "snapshots", &ret->snapshot_count))
		return;
	if (!ret->snapshot_count)
		xa_rule_refuse(reader, list, "snapshots: the list is empty");
	ret->snapshots = xa_rule_alloc(reader, ret->snapshot_count, sizeof(*ret->snapshots));
	snapshot = ret->snapshots;
	if (!snapshot)
		return;
	for (const struct xa_tree *child = list->children; child; child = child->next)
		read_snapshot(reader, child, file, snapshot++);
	set_clock(ret);
	if (reader->whys->count == before)
		follow_flows(reader, ret);
}

static void read_case(struct xa_rule_reader *reader, const struct xa_tree *tree,
		      struct xa_rule_file *file, struct xa_rule_case *ret)
{
	struct case_draft draft = {0};

	ret->place = tree;
	if (!xa_rule_read_map(reader, tree, "a test", case_keys, array_size(case_keys), &draft))
		return;
	ret->name = draft.name;
	if (draft.snapshots)
		read_snapshots(reader, draft.snapshots, file, ret);
}

static void read_cases(struct xa_rule_reader *reader, const struct xa_tree *list,
		       struct xa_rule_file *file)
{
	struct xa_rule_case *test;

	if (!xa_rule_list(reader, list, "tests", &file->case_count))
		return;
	if (!file->case_count)
		xa_rule_refuse(reader, list, "tests: the list is empty");
	file->cases = xa_rule_alloc(reader, file->case_count, sizeof(*file->cases));
	test = file->cases;
	for (const struct xa_tree *child = list->children; test && child; child = child->next)
		read_case(reader, child, file, test++);
}

/* The file */

struct file_draft {
	const struct xa_tree *stages, *tests;
};

static const struct xa_rule_key file_keys[] = {
	{.name = "stages",
	 .read = xa_rule_read_tree,
	 .required = true,
	 .offset = offsetof(struct file_draft, stages)},
	{.name = "tests",
	 .read = xa_rule_read_tree,
	 .required = true,
	 .offset = offsetof(struct file_draft, tests)},
};

static void read_file(struct xa_rule_reader *reader, const struct xa_tree *top,
		      struct xa_rule_file *file)
{
	struct file_draft draft = {0};

	(void)xa_rule_read_map(reader, top, "a file of tests", file_keys, array_size(file_keys),
			       &draft);
	if (draft.stages && !file->config->policy.stage_count)
		xa_rule_refuse(reader, draft.stages, "stages: the list is empty");
	if (draft.tests)
		read_cases(reader, draft.tests, file);
}

int xa_rule_file_load(struct xa_rule_file *ret, const char *path, struct xa_whys *ret_whys)
{
	_cleanup_xa_rule_file_ struct xa_rule_file file = {
		.interfaces = {.names = {"", XA_RULE_INTERFACE}, .count = 1}};
	struct xa_rule_reader reader = {.whys = ret_whys};
	const struct xa_tree *top;
	int r = xa_stages_file_load(&file.config, &top, path, ret_whys);

	if (r)
		return r;
	reader.arena = file.config->arena;
	read_file(&reader, top, &file);
	if (reader.error || ret_whys->count)
		return reader.error ? reader.error : -EINVAL;
	*ret = file;
	file.config = NULL;
	return 0;
}

void xa_rule_file_done(struct xa_rule_file *file)
{
	xa_config_free(file->config);
	file->config = NULL;
}
