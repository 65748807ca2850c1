/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A page: the metrics, the landing page, the reason why it is not ready, the status and the flows.
 */

#include "core/snapshot.h"

#include "core/list.h"
#include "core/metrics/process.h"
#include "core/programs.h"
#include "core/status.h"
#include "version.h"

const struct xa_histogram_bounds xa_poll_bounds = {
	.count = 11,
	.upper_ns = {5 * XA_NS_PER_MS, 10 * XA_NS_PER_MS, 25 * XA_NS_PER_MS, 50 * XA_NS_PER_MS,
		     100 * XA_NS_PER_MS, 250 * XA_NS_PER_MS, 500 * XA_NS_PER_MS, XA_NS_PER_S,
		     5 * XA_NS_PER_S / 2, 5 * XA_NS_PER_S, 10 * XA_NS_PER_S},
};

const char *const xa_reload_phase_names[] = {
	[XA_RELOAD_PHASE_CONFIG] = "config",
	[XA_RELOAD_PHASE_POLICY] = "policy",
	[XA_RELOAD_PHASE_LISTEN] = "listen",
	[XA_RELOAD_PHASE_ATTACH] = "attach",
};
_Static_assert(array_size(xa_reload_phase_names) == XA_RELOAD_PHASE_COUNT_,
	       "a name for each phase");

static void sample_u64(struct xa_exposition *expo, enum xa_metric metric, uint64_t value)
{
	xa_exposition_begin(expo, metric);
	xa_exposition_u64(expo, NULL, value);
}

static void sample_double(struct xa_exposition *expo, enum xa_metric metric, double value)
{
	xa_exposition_begin(expo, metric);
	xa_exposition_double(expo, NULL, value);
}

/* What is said of the attachments that have no series of their own. */
struct rest {
	size_t count;
	bool attached; /* all that are wanted */
	uint64_t reattaches;
	uint64_t detached_ns;
};

static struct rest rest_of(const struct xa_self *self, const struct xa_config *config)
{
	const struct xa_attachment *gone = &self->attachments[XA_SLOT_UNKNOWN];
	struct rest rest = {
		.attached = !self->slotless,
		.count = self->slotless + (gone->reattaches || gone->detached_ns),
		.reattaches = gone->reattaches,
		.detached_ns = gone->detached_ns,
	};

	for (unsigned slot = 1; slot < XA_SLOTS; slot++) {
		const struct xa_attachment *attachment = &self->attachments[slot];

		if (!attachment->name[0] || xa_is_shown_alone(config, slot))
			continue;
		rest.count++;
		rest.attached &= !attachment->wanted || attachment->attached;
		rest.reattaches += attachment->reattaches;
		rest.detached_ns += attachment->detached_ns;
	}
	return rest;
}

static void render_attached(struct xa_exposition *expo, const struct xa_self *self,
			    const struct xa_config *config, const struct rest *rest)
{
	const char *values[XA_LABELS_MAX] = {XA_INTERFACE_OTHER, xa_mode_names[config->mode]};

	xa_exposition_begin(expo, XA_METRIC_ATTACHED);
	if (rest->count)
		xa_exposition_u64(expo, values, rest->attached);
	for (unsigned slot = 1; slot < XA_SLOTS; slot++) {
		const struct xa_attachment *attachment = &self->attachments[slot];

		if (!(attachment->wanted || attachment->attached) ||
		    !xa_is_shown_alone(config, slot))
			continue;
		values[0] = attachment->name;
		values[1] = xa_mode_names[attachment->attached ? attachment->mode : config->mode];
		xa_exposition_u64(expo, values, attachment->attached);
	}
}

static void render_gaps(struct xa_exposition *expo, const struct xa_self *self,
			const struct xa_config *config, const struct rest *rest)
{
	static const char *const other = XA_INTERFACE_OTHER;

	xa_exposition_begin(expo, XA_METRIC_REATTACHES_TOTAL);
	if (rest->count)
		xa_exposition_u64(expo, &other, rest->reattaches);
	for (unsigned slot = 1; slot < XA_SLOTS; slot++) {
		const char *name = self->attachments[slot].name;

		if (xa_attachment_has_counted(&self->attachments[slot]) &&
		    xa_is_shown_alone(config, slot))
			xa_exposition_u64(expo, &name, self->attachments[slot].reattaches);
	}
	xa_exposition_begin(expo, XA_METRIC_DETACHED_SECONDS_TOTAL);
	if (rest->count)
		xa_exposition_double(expo, &other, (double)rest->detached_ns / 1e9);
	for (unsigned slot = 1; slot < XA_SLOTS; slot++) {
		const char *name = self->attachments[slot].name;

		if (xa_attachment_has_counted(&self->attachments[slot]) &&
		    xa_is_shown_alone(config, slot))
			xa_exposition_double(expo, &name,
					     (double)self->attachments[slot].detached_ns / 1e9);
	}
}

static void render_maps(struct xa_exposition *expo, const struct xa_self *self)
{
	xa_exposition_begin(expo, XA_METRIC_FLOW_MAP_ENTRIES);
	for (enum xa_family family = 0; family < XA_FAMILY_COUNT_; family++)
		xa_exposition_u64(expo, &xa_family_names[family], self->fill.entries[family]);
	xa_exposition_begin(expo, XA_METRIC_FLOW_MAP_CAPACITY);
	for (enum xa_family family = 0; family < XA_FAMILY_COUNT_; family++)
		xa_exposition_u64(expo, &xa_family_names[family], self->capacity);
	sample_u64(expo, XA_METRIC_FLOW_MAP_BYTES, self->map_bytes);
}

static void render_stages(struct xa_exposition *expo, const struct xa_self_policy *policy)
{
	xa_exposition_begin(expo, XA_METRIC_RULE_ERRORS_TOTAL);
	for (size_t i = 0; i < policy->stage_count; i++) {
		for (size_t cause = 0; cause < XA_PLUGIN_CAUSE_COUNT_; cause++) {
			const char *values[XA_LABELS_MAX] = {policy->stages[i].title,
							     policy->cause_names[cause]};

			xa_exposition_u64(expo, values, policy->stages[i].errors[cause]);
		}
	}
	xa_exposition_begin(expo, XA_METRIC_RULE_STAGE_DURATION);
	for (size_t i = 0; i < policy->stage_count; i++)
		xa_exposition_double(expo, &policy->stages[i].title,
				     (double)policy->stages[i].duration_ns / 1e9);
	xa_exposition_begin(expo, XA_METRIC_RULE_STAGE_DISABLED);
	for (size_t i = 0; i < policy->stage_count; i++)
		xa_exposition_u64(expo, &policy->stages[i].title, policy->stages[i].disabled);
}

static void render_policy(struct xa_exposition *expo, const struct xa_self_policy *policy)
{
	if (!policy->stage_count)
		return;
	render_stages(expo, policy);
	xa_exposition_begin(expo, XA_METRIC_RULE_DURATION);
	xa_exposition_histogram(expo, policy->durations, policy->bounds);
	sample_u64(expo, XA_METRIC_RULE_SAMPLES_REFUSED_TOTAL, policy->samples_refused);
	sample_u64(expo, XA_METRIC_WORKER_RESTARTS_TOTAL, policy->restarts);
}

static void render_reload(struct xa_exposition *expo, const struct xa_reload_stats *reload)
{
	const char *hash = reload->hash;

	if (*hash) {
		xa_exposition_begin(expo, XA_METRIC_CONFIG_HASH);
		xa_exposition_u64(expo, &hash, 1);
	}
	sample_u64(expo, XA_METRIC_RELOAD_SUCCESSFUL, reload->last_ok);
	sample_double(expo, XA_METRIC_RELOAD_SUCCESS_TIME, reload->success_time);
	sample_u64(expo, XA_METRIC_RELOADS_TOTAL, reload->count);
	xa_exposition_begin(expo, XA_METRIC_RELOAD_FAILURES_TOTAL);
	for (size_t phase = 0; phase < XA_RELOAD_PHASE_COUNT_; phase++)
		xa_exposition_u64(expo, &xa_reload_phase_names[phase], reload->failures[phase]);
	sample_u64(expo, XA_METRIC_RESTART_REQUIRED, reload->needs_restart);
}

static void render_self(struct xa_exposition *expo, const struct xa_self *self,
			const struct xa_traffic *traffic)
{
	static const char *const version = XA_VERSION;
	const struct xa_config *config = traffic->config;
	struct rest rest = rest_of(self, config);

	xa_exposition_begin(expo, XA_METRIC_BUILD_INFO);
	xa_exposition_u64(expo, &version, 1);
	render_attached(expo, self, config, &rest);
	render_gaps(expo, self, config, &rest);
	xa_exposition_begin(expo, XA_METRIC_POLL_DURATION);
	xa_exposition_histogram(expo, &self->poll_durations, &xa_poll_bounds);
	sample_double(expo, XA_METRIC_POLL_INTERVAL, (double)self->interval_ns / 1e9);
	sample_u64(expo, XA_METRIC_POLL_FAILURES_TOTAL, self->poll_failures);
	sample_double(expo, XA_METRIC_LAST_SNAPSHOT, self->snapshot_time);
	render_maps(expo, self);
	xa_programs_render(expo, self->programs);
	xa_render_folded(expo, traffic->families, &self->folded);
	render_reload(expo, &self->reload);
	render_policy(expo, &self->policy);
	xa_process_render(expo);
}

/* The daemon is ready all the same. */
static void render_disabled(struct xa_buf *buf, const struct xa_self_policy *policy)
{
	for (size_t i = 0; i < policy->stage_count; i++) {
		const struct xa_self_stage *stage = &policy->stages[i];

		if (!stage->disabled)
			continue;
		xa_buf_addf(buf, "stage %s is disabled: ", stage->title);
		if (stage->file[0])
			xa_buf_addf(buf, "%s:%u: ", stage->file, stage->line);
		xa_buf_addf(buf, "%.*s\n", (int)strcspn(stage->complaint, "\n"), stage->complaint);
	}
}

/* One line a reason why not, or "ready"; then what is amiss all the same: the last reload, and the
 * stages of rules that are left out. */
static void render_state(struct xa_buf *buf, const struct xa_self *self)
{
	bool any = false;

	for (unsigned slot = 0; slot < XA_SLOTS; slot++) {
		const struct xa_attachment *attachment = &self->attachments[slot];

		if (attachment->wanted && !attachment->attached)
			xa_buf_addf(buf, "not attached to %s: %s\n", attachment->name,
				    attachment->why);
		any |= attachment->wanted;
	}
	if (self->slotless)
		xa_buf_addf(buf, "no slot left for %zu interfaces: %d at most\n", self->slotless,
			    XA_SLOTS - 1);
	if (!any)
		xa_buf_adds(buf, "waiting for an interface that the config names\n");
	else if (self->attached)
		xa_buf_adds(buf, "ready\n");
	if (!self->reload.last_ok)
		xa_buf_addf(buf, "last reload refused: %s\n",
			    xa_reload_phase_names[self->reload.last_phase]);
	render_disabled(buf, &self->policy);
}

static void render_landing(struct xa_buf *buf, const struct xa_traffic *traffic,
			   const struct xa_self *self)
{
	xa_buf_adds(buf, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
			 "<title>xdp-auditor</title></head>\n<body><h1>xdp-auditor " XA_VERSION
			 "</h1>\n<p>");
	xa_buf_addf(buf, "%llu living flows, %llu packets, %llu bytes; %s.</p>\n<ul>\n",
		    (unsigned long long)traffic->totals.flows,
		    (unsigned long long)traffic->totals.packets,
		    (unsigned long long)traffic->totals.bytes,
		    self->attached ? "attached" : "not attached");
	for (unsigned slot = 0; slot < XA_SLOTS; slot++) {
		const struct xa_attachment *attachment = &self->attachments[slot];

		/* the kernel lets an interface's name have any byte but '/', ':' and space */
		if (attachment->wanted && !strpbrk(attachment->name, "<>&\""))
			xa_buf_addf(buf, "<li>%s: %s</li>\n", attachment->name,
				    attachment->attached ? xa_mode_names[attachment->mode]
							 : "not attached");
	}
	xa_buf_adds(buf, "</ul>\n<p><a href=\"/metrics\">/metrics</a> "
			 "<a href=\"/-/healthy\">/-/healthy</a> "
			 "<a href=\"/-/ready\">/-/ready</a> "
			 "<a href=\"/config\">/config</a> "
			 "<a href=\"/api/v1/status\">/api/v1/status</a> "
			 "<a href=\"/api/v1/flows\">/api/v1/flows</a></p>\n</body></html>\n");
}

static char *take_text(struct xa_buf *buf, size_t *ret_len)
{
	*ret_len = buf->len;
	return xa_buf_take(buf);
}

static struct xa_body take_body(struct xa_buf *buf)
{
	struct xa_body body;

	body.text = take_text(buf, &body.len);
	return body;
}

int xa_snapshot_page(struct xa_page **ret, const struct xa_traffic *traffic, struct xa_self *self)
{
	_cleanup_xa_buf_ struct xa_buf metrics = {0}, openmetrics = {0}, landing = {0};
	_cleanup_xa_buf_ struct xa_buf state = {0}, status = {0};
	_cleanup_xa_page_ struct xa_page *page = NULL;
	struct xa_exposition expo = {.buf = &metrics, .openmetrics = &openmetrics};
	struct xa_left_out left_out;
	int error = xa_page_new(&page);

	if (error)
		return error;
	render_self(&expo, self, traffic);
	xa_render_traffic(&expo, traffic, &left_out);
	xa_exposition_end(&expo);
	render_landing(&landing, traffic, self);
	render_state(&state, self);
	xa_status_render(&status, traffic, self);
	page->metrics[XA_FORMAT_TEXT] = take_body(&metrics);
	page->metrics[XA_FORMAT_OPENMETRICS] = take_body(&openmetrics);
	page->landing = take_text(&landing, &page->landing_len);
	page->state = take_text(&state, &page->state_len);
	page->status = take_text(&status, &page->status_len);
	if (!page->metrics[XA_FORMAT_TEXT].text || !page->metrics[XA_FORMAT_OPENMETRICS].text ||
	    !page->landing || !page->state || !page->status)
		return -ENOMEM;
	error = xa_list_flows(&page->listing, traffic, self->snapshot_time);
	if (error)
		return error;
	page->attached = self->attached;
	page->stale_after_ns = self->stale_after_ns;
	self->folded.flows += left_out.flows;
	*ret = take_ptr(page);
	return 0;
}
