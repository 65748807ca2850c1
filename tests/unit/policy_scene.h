/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A worker's surroundings without the process: a setup made of YAML, a region and a snapshot in
 * plain memory, and the auditor's end of the socket.
 */

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "config/load.h"
#include "core/policy/setup.h"

#define SCENE_FLOWS 64
#define SCENE_FILE  "tests/unit/scene.yaml"

struct scene {
	struct xa_config *config;
	struct xa_buf bytes; /* of the setup */
	struct xa_setup setup;
	struct xa_region_layout layout;
	char *region;
	struct xa_snapshot_head *head;
	struct xa_plugin_flow *flows;
	int worker, auditor; /* ends of the socket */
	char said[16384]; /* the texts of answers: "KIND STAGE file:line:column: text", one a line
			   */
};

static inline struct xa_config *scene_config(const char *yaml)
{
	struct xa_whys whys = {.count = 0};
	struct xa_config *config = NULL;

	if (xa_config_load_buffer(&config, SCENE_FILE, yaml, strlen(yaml), NULL, 0, &whys))
		fail_msg("%u:%u: %s", whys.why[0].line, whys.why[0].column, whys.why[0].text);
	return config;
}

/* `known` may be NULL: then a stage's title is its name. */
static inline void scene_write(struct scene *scene, const struct xa_setup_stage *known)
{
	struct xa_setup_stage stages[XA_POLICY_STAGES_MAX] = {{0}};

	for (size_t i = 0; i < scene->config->policy.stage_count; i++) {
		if (known)
			stages[i] = known[i];
		else
			stages[i].title = scene->config->policy.stages[i].name;
	}
	xa_setup_write(&scene->bytes, scene->config, SCENE_FLOWS, stages);
	assert_false(xa_buf_failed(&scene->bytes));
}

static inline void scene_begin_with(struct scene *scene, const char *yaml,
				    const struct xa_setup_stage *known)
{
	int ends[2];

	*scene = (struct scene){.config = scene_config(yaml)};
	scene_write(scene, known);
	assert_int_equal(xa_setup_read(&scene->setup, scene->bytes.text, scene->bytes.len), 0);
	scene->layout = xa_region_layout(SCENE_FLOWS, scene->setup.head.max_values);
	scene->region = calloc(1, scene->layout.size);
	scene->head = calloc(1, xa_snapshot_size(SCENE_FLOWS));
	assert_non_null(scene->region);
	assert_non_null(scene->head);
	scene->flows = (struct xa_plugin_flow *)(void *)((char *)scene->head + XA_SNAPSHOT_FLOWS);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	scene->worker = ends[0];
	scene->auditor = ends[1];
}

static inline void scene_begin(struct scene *scene, const char *yaml)
{
	scene_begin_with(scene, yaml, NULL);
}

static inline void scene_end(struct scene *scene)
{
	xa_arena_free(scene->setup.arena);
	xa_buf_done(&scene->bytes);
	xa_config_free(scene->config);
	free(scene->region);
	free(scene->head);
	(void)close(scene->worker);
	(void)close(scene->auditor);
}

static inline const struct xa_region_head *scene_region(const struct scene *scene)
{
	return (const struct xa_region_head *)(const void *)scene->region;
}

static inline uint32_t scene_column(const struct scene *scene, uint32_t label, uint32_t handle)
{
	const uint32_t *columns = (const uint32_t *)(const void *)(scene->region +
								   scene->layout.columns);

	return columns[(size_t)label * SCENE_FLOWS + handle];
}

/* The text of a flow's label, by the label's name. */
static inline const char *scene_label(const struct scene *scene, const char *name, uint32_t handle)
{
	const struct xa_region_head *region = scene_region(scene);
	const struct xa_region_value *values =
		(const struct xa_region_value *)(const void *)(scene->region +
							       scene->layout.values);

	for (uint32_t i = 0; i < region->label_count; i++)
		if (!strcmp(region->labels[i].name, name))
			return values[scene_column(scene, i, handle)].text;
	fail_msg("no label %s", name);
	return "";
}

static inline bool scene_hidden(const struct scene *scene, uint32_t handle)
{
	return scene->region[scene->layout.hidden + handle];
}

static inline const struct xa_region_sample *scene_samples(const struct scene *scene)
{
	return (const struct xa_region_sample *)(const void *)(scene->region +
							       scene->layout.samples);
}

/* One flow more, with the next handle. */
static inline struct xa_plugin_flow *scene_flow(struct scene *scene, const char *src,
						const char *dst, uint16_t dport)
{
	const uint32_t handle = (uint32_t)scene->head->count++;
	struct xa_plugin_flow *flow = &scene->flows[handle];

	assert_true(handle < SCENE_FLOWS);
	*flow = (struct xa_plugin_flow){.packets = 2,
					.bytes = 200,
					.handle = handle,
					.serial = 1,
					.sport = 40000,
					.dport = dport,
					.family = 4,
					.proto = 6};
	assert_int_equal(inet_pton(AF_INET, src, flow->src), 1);
	assert_int_equal(inet_pton(AF_INET, dst, flow->dst), 1);
	scene->head->packets += 2;
	scene->head->bytes += 200;
	return flow;
}

static inline void scene_say(struct scene *scene, const struct xa_answer *answer)
{
	const size_t len = strlen(scene->said);
	char *to = scene->said + len;
	const size_t room = sizeof(scene->said) - len;

	if (answer->kind == XA_ANSWER_WHY)
		(void)snprintf(to, room, "why %u %s:%u:%u: %s\n", answer->stage, answer->why.file,
			       answer->why.line, answer->why.column, answer->why.text);
	else if (answer->kind == XA_ANSWER_LOG)
		(void)snprintf(to, room, "log %u %u %s\n", answer->stage, answer->log.level,
			       answer->log.text);
	else
		(void)snprintf(to, room, "answer %u %u\n", answer->kind, (unsigned)answer->number);
}

/* What was said since the last call. */
static inline const char *scene_listen(struct scene *scene)
{
	struct xa_answer answer = {.kind = 0};

	scene->said[0] = '\0';
	while (recv(scene->auditor, &answer, sizeof(answer), MSG_DONTWAIT) > 0)
		scene_say(scene, &answer);
	return scene->said;
}

static inline void assert_said(const char *said, const char *part)
{
	if (!strstr(said, part))
		fail_msg("'%s' is not in '%s'", part, said);
}
