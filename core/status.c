/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The same figures as in the metrics, for those who want one answer and no series. */

#include "core/status.h"

#include <inttypes.h>

#include "core/base/json.h"
#include "core/list.h"
#include "version.h"

static void open_in(struct xa_buf *buf, const char *name, const char *bracket)
{
	xa_json_add_name(buf, name);
	xa_buf_adds(buf, bracket);
}

static void add_totals(struct xa_buf *buf, const char *name, const struct xa_totals *totals)
{
	open_in(buf, name, "{");
	xa_json_add_u64(buf, "flows", totals->flows);
	xa_json_add_u64(buf, "packets", totals->packets);
	xa_json_add_u64(buf, "bytes", totals->bytes);
	xa_buf_adds(buf, "}");
}

/* The times are said of one moment, that of the rendering, by both clocks. */
static void add_times(struct xa_buf *buf, const struct xa_self *self)
{
	uint64_t now_ns = xa_now_ns();
	double now = xa_wall_seconds();
	double uptime = (double)(now_ns - self->started_ns) / 1e9;
	double stale_in = ((double)self->stale_after_ns - (double)now_ns) / 1e9;

	xa_json_add_fixed(buf, "start_time", now - uptime);
	xa_json_add_fixed(buf, "uptime", uptime);
	open_in(buf, "snapshot", "{");
	xa_json_add_fixed(buf, "time", self->snapshot_time);
	xa_json_add_fixed(buf, "interval", (double)self->interval_ns / 1e9);
	xa_json_add_fixed(buf, "stale_after", now + stale_in);
	xa_buf_adds(buf, "}");
}

static void add_interface_name(struct xa_buf *buf, const char *name)
{
	_cleanup_xa_buf_ struct xa_buf text = {0};

	xa_list_name(&text, name);
	buf->failed |= xa_buf_failed(&text);
	xa_json_add_text(buf, "name", text.text ? text.text : "");
}

static void add_account(struct xa_buf *buf, const struct xa_account *account)
{
	static const struct xa_account none;
	const struct xa_account *of = account ? account : &none;
	const struct xa_residual residual = xa_account_residual(of);

	open_in(buf, "seen", "{");
	xa_json_add_u64(buf, "packets", of->seen.packets);
	xa_json_add_u64(buf, "bytes", of->seen.bytes);
	xa_buf_adds(buf, "}");
	open_in(buf, "unaccounted", "{");
	xa_buf_addf(buf, "\"packets\":%" PRId64 ",\"bytes\":%" PRId64 "}", residual.packets,
		    residual.bytes);
}

static void add_interface(struct xa_buf *buf, const struct xa_traffic *traffic,
			  const struct xa_attachment *attachment, unsigned slot)
{
	const char *name = traffic->slot_names[slot] ? traffic->slot_names[slot] : attachment->name;
	enum xa_mode mode = attachment->attached ? attachment->mode : traffic->config->mode;

	xa_json_add_next(buf);
	xa_buf_adds(buf, "{");
	add_interface_name(buf, name);
	xa_json_add_bool(buf, "wanted", attachment->wanted);
	xa_json_add_bool(buf, "attached", attachment->attached);
	xa_json_add_text(buf, "mode", xa_mode_names[mode]);
	xa_json_add_text(buf, "why",
			 attachment->wanted && !attachment->attached ? attachment->why : "");
	add_account(buf, xa_ledger_account(traffic->ledger, (uint8_t)slot));
	xa_json_add_u64(buf, "reattaches", attachment->reattaches);
	xa_buf_adds(buf, "}");
}

/* Those that have counted and those that are still to. */
static void add_interfaces(struct xa_buf *buf, const struct xa_traffic *traffic,
			   const struct xa_self *self)
{
	open_in(buf, "interfaces", "[");
	for (unsigned slot = 0; slot < XA_SLOTS; slot++)
		if (traffic->slot_names[slot] || self->attachments[slot].wanted)
			add_interface(buf, traffic, &self->attachments[slot], slot);
	xa_buf_adds(buf, "]");
	xa_json_add_u64(buf, "slotless", self->slotless);
}

static void add_flows(struct xa_buf *buf, const struct xa_traffic *traffic,
		      const struct xa_self *self)
{
	open_in(buf, "flows", "{");
	add_totals(buf, "active", &traffic->totals);
	add_totals(buf, "hidden", &traffic->hidden);
	xa_json_add_u64(buf, "capacity", traffic->config->flows.max);
	xa_buf_adds(buf, "}");
	open_in(buf, "flow_map", "{");
	open_in(buf, "entries", "{");
	for (enum xa_family family = 0; family < XA_FAMILY_COUNT_; family++)
		xa_json_add_u64(buf, xa_family_names[family], self->fill.entries[family]);
	xa_buf_adds(buf, "}");
	xa_json_add_u64(buf, "capacity", self->capacity);
	xa_json_add_u64(buf, "bytes", self->map_bytes);
	xa_buf_adds(buf, "}");
}

static void add_polls(struct xa_buf *buf, const struct xa_self *self)
{
	uint64_t count = 0;

	for (size_t i = 0; i <= xa_poll_bounds.count; i++)
		count += self->poll_durations.counts[i];
	open_in(buf, "polls", "{");
	xa_json_add_u64(buf, "count", count);
	xa_json_add_u64(buf, "failures", self->poll_failures);
	xa_json_add_fixed(buf, "last_duration", (double)self->last_poll_ns / 1e9);
	xa_buf_adds(buf, "}");
}

static void add_complaint(struct xa_buf *buf, const struct xa_self_stage *stage)
{
	if (!stage->complaint[0]) {
		xa_json_add_name(buf, "complaint");
		xa_buf_adds(buf, "null");
		return;
	}
	open_in(buf, "complaint", "{");
	xa_json_add_text(buf, "file", stage->file);
	xa_json_add_u64(buf, "line", stage->line);
	xa_json_add_text(buf, "text", stage->complaint);
	xa_buf_adds(buf, "}");
}

static void add_stage(struct xa_buf *buf, const struct xa_self_stage *stage,
		      const char *const *cause_names)
{
	xa_json_add_next(buf);
	xa_buf_adds(buf, "{");
	xa_json_add_text(buf, "title", stage->title);
	xa_json_add_bool(buf, "disabled", stage->disabled);
	add_complaint(buf, stage);
	open_in(buf, "errors", "{");
	for (size_t cause = 0; cause < XA_PLUGIN_CAUSE_COUNT_; cause++)
		xa_json_add_u64(buf, cause_names[cause], stage->errors[cause]);
	xa_buf_adds(buf, "}");
	xa_json_add_fixed(buf, "duration", (double)stage->duration_ns / 1e9);
	xa_buf_adds(buf, "}");
}

static void add_policy(struct xa_buf *buf, const struct xa_self_policy *policy)
{
	open_in(buf, "policy", "{");
	open_in(buf, "stages", "[");
	for (size_t i = 0; i < policy->stage_count; i++)
		add_stage(buf, &policy->stages[i], policy->cause_names);
	xa_buf_adds(buf, "]");
	xa_json_add_u64(buf, "worker_restarts", policy->restarts);
	xa_json_add_u64(buf, "samples_refused", policy->samples_refused);
	xa_buf_adds(buf, "}");
}

static void add_reload(struct xa_buf *buf, const struct xa_reload_stats *reload)
{
	open_in(buf, "reload", "{");
	xa_json_add_bool(buf, "ok", reload->last_ok);
	xa_json_add_text(buf, "phase",
			 reload->last_ok ? "" : xa_reload_phase_names[reload->last_phase]);
	xa_json_add_fixed(buf, "success_time", reload->success_time);
	xa_json_add_u64(buf, "count", reload->count);
	open_in(buf, "failures", "{");
	for (size_t phase = 0; phase < XA_RELOAD_PHASE_COUNT_; phase++)
		xa_json_add_u64(buf, xa_reload_phase_names[phase], reload->failures[phase]);
	xa_buf_adds(buf, "}");
	xa_json_add_text(buf, "config_sha256", reload->hash);
	xa_json_add_bool(buf, "restart_required", reload->needs_restart);
	xa_buf_adds(buf, "}");
}

void xa_status_render(struct xa_buf *buf, const struct xa_traffic *traffic,
		      const struct xa_self *self)
{
	xa_json_add_text(buf, "version", XA_VERSION);
	add_times(buf, self);
	add_interfaces(buf, traffic, self);
	add_flows(buf, traffic, self);
	add_polls(buf, self);
	add_policy(buf, &self->policy);
	add_reload(buf, &self->reload);
}
