/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The status is a text of the page with what changes in front. Flows are chosen, sorted and written
 * for each request: at most XA_QUERY_TOP_MAX of the top_k that the page has. */

#include "core/http/api.h"

#include <arpa/inet.h>
#include <string.h>

#include "core/base/json.h"
#include "core/http/match.h"
#include "core/http/query.h"
#include "core/http/response.h"

#define TYPE_JSON "application/json"

/* --- answers --- */

/* What the buffer holds; without memory the connection is closed. */
static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status,
			      struct xa_buf *body)
{
	const size_t len = body->len;
	struct MHD_Response *response;
	char *text = xa_buf_take(body);

	if (!text)
		return MHD_NO;
	response = MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE);
	if (!response)
		free(text);
	return xa_respond(connection, status, response, TYPE_JSON);
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status, const char *why)
{
	_cleanup_xa_buf_ struct xa_buf body = {0};

	xa_buf_adds(&body, "{");
	xa_json_add_text(&body, "error", why);
	xa_buf_adds(&body, "}\n");
	return answer(connection, status, &body);
}

enum MHD_Result xa_api_status(struct xa_board *board, struct MHD_Connection *connection)
{
	_cleanup_xa_page_ struct xa_page *page = xa_board_take(board);
	_cleanup_xa_buf_ struct xa_buf body = {0};
	bool stale;

	if (!page)
		return refuse(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "no snapshot yet");
	stale = xa_now_ns() > page->stale_after_ns;
	xa_buf_adds(&body, "{");
	xa_json_add_bool(&body, "ready", page->attached && !stale);
	xa_json_add_bool(&body, "stale", stale);
	xa_json_add_next(&body);
	xa_buf_add(&body, page->status, page->status_len);
	xa_buf_adds(&body, "}\n");
	return answer(connection, MHD_HTTP_OK, &body);
}

/* --- flows: which, and in which order --- */

struct pick {
	const struct xa_listed_flow *flow;
	double rate; /* 0 where the order is not by rate */
	uint64_t count;
};

/* The mean since the flow began; one that has just begun is not taken for a fast one. */
static double rate_of(const struct xa_listing *listing, const struct xa_listed_flow *flow,
		      uint64_t count)
{
	const double age = listing->snapshot_time - flow->first_seen;

	return (double)count / (age > 1 ? age : 1);
}

static struct pick pick_of(const struct xa_listing *listing, const struct xa_listed_flow *flow,
			   enum xa_query_by by)
{
	const bool bytes = by == XA_BY_BYTES || by == XA_BY_BYTES_RATE;
	struct pick pick = {.flow = flow, .count = bytes ? flow->bytes : flow->packets};

	if (by == XA_BY_PACKETS_RATE || by == XA_BY_BYTES_RATE)
		pick.rate = rate_of(listing, flow, pick.count);
	return pick;
}

/* Equal ones stay in the order of the page. */
static int pick_compare(const void *a, const void *b)
{
	const struct pick *left = a, *right = b;

	if (left->rate != right->rate)
		return left->rate < right->rate ? 1 : -1;
	if (left->count != right->count)
		return left->count < right->count ? 1 : -1;
	return left->flow < right->flow ? -1 : left->flow > right->flow;
}

static size_t pick_flows(const struct xa_listing *listing, const struct xa_query *query,
			 const struct xa_match *match, struct pick *ret_picks)
{
	size_t count = 0;

	for (size_t i = 0; i < listing->count; i++)
		if (xa_match_holds(match, &listing->flows[i]))
			ret_picks[count++] = pick_of(listing, &listing->flows[i], query->by);
	qsort(ret_picks, count, sizeof(*ret_picks), pick_compare);
	return count;
}

/* --- flows: as text --- */

static void add_sum(struct xa_buf *body, const char *name, const struct xa_listed_sum *sum)
{
	xa_json_add_name(body, name);
	xa_buf_adds(body, "{");
	xa_json_add_u64(body, "flows", sum->flows);
	xa_json_add_u64(body, "packets", sum->packets);
	xa_json_add_u64(body, "bytes", sum->bytes);
	xa_buf_adds(body, "}");
}

static void add_address(struct xa_buf *body, const char *name, bool is_ipv6,
			const uint8_t address[16])
{
	char text[INET6_ADDRSTRLEN] = "";

	(void)inet_ntop(is_ipv6 ? AF_INET6 : AF_INET, address, text, sizeof(text));
	xa_json_add_text(body, name, text);
}

static void add_labels(struct xa_buf *body, const struct xa_listing *listing,
		       const struct xa_listed_flow *flow)
{
	xa_json_add_name(body, "labels");
	xa_buf_adds(body, "{");
	for (size_t i = 0; i < listing->label_count; i++)
		if (flow->labels[i])
			xa_json_add_text(body, listing->label_names[i], flow->labels[i]);
	xa_buf_adds(body, "}");
}

/* The second name is for what is folded. */
static void add_ports(struct xa_buf *body, const char *name, const char *last,
		      struct xa_listed_ports ports)
{
	xa_json_add_u64(body, name, ports.first);
	if (ports.last != ports.first)
		xa_json_add_u64(body, last, ports.last);
}

static void add_key(struct xa_buf *body, unsigned fields, const struct xa_listed_flow *flow)
{
	if (fields & XA_LISTED_SRC)
		add_address(body, "src", flow->is_ipv6, flow->src);
	if (fields & XA_LISTED_DST)
		add_address(body, "dst", flow->is_ipv6, flow->dst);
	if (fields & XA_LISTED_PROTO)
		xa_json_add_text(body, "proto", flow->proto);
	if (fields & XA_LISTED_SPORT)
		add_ports(body, "sport", "sport_last", flow->sport);
	if (fields & XA_LISTED_DPORT)
		add_ports(body, "dport", "dport_last", flow->dport);
	if (flow->interface)
		xa_json_add_text(body, "interface", flow->interface);
	if (fields & (XA_LISTED_SRC | XA_LISTED_DST))
		xa_json_add_text(body, "family", flow->is_ipv6 ? "ipv6" : "ipv4");
}

static void add_flow(struct xa_buf *body, const struct xa_listing *listing,
		     const struct xa_listed_flow *flow)
{
	xa_json_add_next(body);
	xa_buf_adds(body, "{");
	add_key(body, listing->fields, flow);
	add_labels(body, listing, flow);
	xa_json_add_u64(body, "packets", flow->packets);
	xa_json_add_u64(body, "bytes", flow->bytes);
	xa_json_add_fixed(body, "packets_rate", rate_of(listing, flow, flow->packets));
	xa_json_add_fixed(body, "bytes_rate", rate_of(listing, flow, flow->bytes));
	xa_json_add_fixed(body, "first_seen", flow->first_seen);
	xa_json_add_fixed(body, "last_seen", flow->last_seen);
	xa_json_add_u64(body, "tcp_flags", flow->tcp_flags);
	xa_buf_adds(body, "}");
}

static void add_flows(struct xa_buf *body, const struct xa_listing *listing,
		      const struct pick *picks, size_t shown, size_t of)
{
	xa_buf_adds(body, "{");
	xa_json_add_fixed(body, "snapshot", listing->snapshot_time);
	add_sum(body, "total", &listing->total);
	add_sum(body, "hidden", &listing->hidden);
	xa_json_add_name(body, "flows");
	xa_buf_adds(body, "[");
	for (size_t i = 0; i < shown; i++)
		add_flow(body, listing, picks[i].flow);
	xa_buf_adds(body, "]");
	xa_json_add_u64(body, "shown", shown);
	xa_json_add_u64(body, "of", of);
	xa_buf_adds(body, "}\n");
}

/* --- flows: the request --- */

static enum MHD_Result answer_query(struct MHD_Connection *connection,
				    const struct xa_listing *listing, const struct xa_query *query,
				    const struct xa_match *match)
{
	_cleanup_free_ struct pick *picks = calloc(listing->count + 1, sizeof(*picks));
	_cleanup_xa_buf_ struct xa_buf body = {0};
	size_t of;

	if (!picks)
		return MHD_NO;
	of = pick_flows(listing, query, match, picks);
	add_flows(&body, listing, picks, of < query->top ? of : query->top, of);
	return answer(connection, MHD_HTTP_OK, &body);
}

struct asking {
	struct xa_query query;
	struct xa_why why;
	int error;
};

static enum MHD_Result take_argument(void *ctx, enum MHD_ValueKind kind, const char *name,
				     const char *value)
{
	struct asking *asking = ctx;

	(void)kind;
	asking->error = xa_query_take(&asking->query, name, value, &asking->why);
	return asking->error ? MHD_NO : MHD_YES;
}

static void asking_done(struct asking *asking)
{
	xa_query_done(&asking->query);
}

enum MHD_Result xa_api_flows(struct xa_board *board, struct MHD_Connection *connection)
{
	_cleanup_xa_page_ struct xa_page *page = xa_board_take(board);
	XA_CLEANUP(asking_done) struct asking asking = {.query = XA_QUERY_DEFAULT};
	struct xa_match match = {.count = 0};

	if (!page)
		return refuse(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "no snapshot yet");
	(void)MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, take_argument, &asking);
	if (!asking.error && asking.query.match)
		asking.error = xa_match_parse(&match, asking.query.match, page->listing,
					      &asking.why);
	if (asking.error == -ENOMEM)
		return MHD_NO;
	if (asking.error)
		return refuse(connection, MHD_HTTP_BAD_REQUEST, asking.why.text);
	return answer_query(connection, page->listing, &asking.query, &match);
}
