/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Whatever is taken is copied once, then checked; what is wrong with it is held against the stage
 * that it belongs to. */

#include "core/policy/policy.h"

#include <math.h>
#include <string.h>

#include "core/base/text.h"
#include "core/policy/memory.h"

static const struct xa_region_head *head_of(const struct xa_policy *policy)
{
	return policy->child.region.bytes;
}

/* --- reports --- */

bool xa_policy_report(const struct xa_policy *policy, size_t stage, struct xa_report *ret_report)
{
	struct xa_report report;

	xa_copy_once(&report, &head_of(policy)->stages[stage].report, sizeof(report));
	if (!report.failed)
		return false;
	report.failed = 1;
	/* of these two the auditor itself is the judge */
	if (report.cause >= XA_PLUGIN_CAUSE_COUNT_ || report.cause == XA_PLUGIN_TIME ||
	    report.cause == XA_PLUGIN_CRASH)
		report.cause = XA_PLUGIN_ERROR;
	xa_text_clean(report.file, sizeof(report.file), false);
	xa_text_clean(report.text, sizeof(report.text), true);
	if (!report.text[0])
		(void)snprintf(report.text, sizeof(report.text), "failed without a reason");
	*ret_report = report;
	return true;
}

static void take_reports(struct xa_policy *policy, bool *failed, uint64_t duration_ns)
{
	for (size_t i = 0; i < policy->stage_count; i++) {
		struct xa_blame *blame = &policy->blames[i];
		struct xa_report report;
		uint64_t took_ns;

		if (blame->state.disabled)
			continue;
		xa_copy_once(&took_ns, &head_of(policy)->stages[i].duration_ns, sizeof(took_ns));
		blame->state.duration_ns = took_ns < duration_ns ? took_ns : duration_ns;
		failed[i] = xa_policy_report(policy, i, &report);
		if (failed[i])
			xa_blame_fail(blame, &policy->hooks, &report);
	}
}

/* --- annotations --- */

static void take_annotations(struct xa_policy *policy)
{
	const struct xa_snapshot_head *snapshot = policy->snapshot.bytes;
	const size_t count = snapshot->count < policy->max_flows ? snapshot->count
								 : policy->max_flows;

	xa_annotations_take(policy->annotations, policy->child.region.bytes, &policy->layout,
			    xa_policy_flows(policy), count);
	for (size_t i = 0; i < policy->first.label_count; i++) {
		const size_t invalid = xa_annotations_invalid(policy->annotations, i);
		struct xa_blame *blame = &policy->blames[policy->first.labels[i].stage];

		if (invalid)
			xa_blame_failf(blame, &policy->hooks, XA_PLUGIN_INVALID,
				       "label '%s': %zu flows have values that are not valid",
				       policy->first.labels[i].name, invalid);
	}
}

/* --- samples --- */

/* Where the samples of one run go, and how many of each stage are not valid. */
struct intake {
	const bool *failed; /* by stage */
	size_t invalid[XA_POLICY_STAGES_MAX];
};

static int add_sample(struct xa_policy *policy, size_t family,
		      const struct xa_region_sample *sample)
{
	const size_t labels = policy->first.metrics[family].label_count;
	const char *values[XA_PLUGIN_METRIC_LABELS_MAX];

	for (size_t i = 0; i < labels; i++) {
		values[i] = xa_annotations_value(policy->annotations, policy->child.region.bytes,
						 &policy->layout, sample->values[i]);
		if (!values[i])
			return -EINVAL;
	}
	if (sample->is_u64)
		return xa_families_add_u64(policy->families, family, values, sample->count);
	return xa_families_add(policy->families, family, values, sample->number);
}

static int take_sample(struct xa_policy *policy, struct intake *intake,
		       const struct xa_region_sample *from)
{
	struct xa_region_sample sample;
	uint32_t family, stage;

	xa_copy_once(&sample, from, sizeof(sample));
	if (sample.metric >= policy->places.metric_count)
		return -EBADMSG;
	family = policy->places.families[sample.metric];
	stage = policy->first.metrics[family].stage;
	if (!intake->failed[stage] && add_sample(policy, family, &sample) == -EINVAL)
		intake->invalid[stage]++;
	return 0;
}

static int take_samples(struct xa_policy *policy, const bool *failed)
{
	const struct xa_region_sample *samples =
		(const void *)((const char *)policy->child.region.bytes + policy->layout.samples);
	struct intake intake = {.failed = failed};
	uint32_t count, refused;
	int r = 0;

	xa_copy_once(&count, &head_of(policy)->sample_count, sizeof(count));
	xa_copy_once(&refused, &head_of(policy)->samples_refused, sizeof(refused));
	if (count > XA_POLICY_SAMPLES_MAX)
		return -EBADMSG;
	policy->samples_refused += refused;
	for (uint32_t i = 0; i < count && !r; i++)
		r = take_sample(policy, &intake, &samples[i]);
	for (size_t i = 0; i < policy->stage_count; i++)
		if (intake.invalid[i])
			xa_blame_failf(&policy->blames[i], &policy->hooks, XA_PLUGIN_INVALID,
				       "%zu samples are not valid", intake.invalid[i]);
	return r;
}

int xa_policy_take(struct xa_policy *policy, uint64_t duration_ns)
{
	bool failed[XA_POLICY_STAGES_MAX] = {0};

	take_reports(policy, failed, duration_ns);
	take_annotations(policy);
	return take_samples(policy, failed);
}
