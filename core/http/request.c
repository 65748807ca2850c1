/* SPDX-License-Identifier: GPL-2.0-or-later */

/* libmicrohttpd takes the first or the last of headers that stand there twice; a proxy in front may
 * have taken the other. So all are looked at. */

#include "core/http/request.h"

#include <string.h>

#define FOREIGN_HOST \
	"the name in Host is not one of this server's: http.hosts lists what is taken\n"

struct head {
	const char *host, *length;
	unsigned hosts, lengths, encodings;
	bool malformed;
};

/* RFC 9110, 5.6.2. A blank in front of the colon is the one that matters: libmicrohttpd takes it as
 * part of the name, others read over it. */
static bool is_token(const char *text)
{
	static const char chars[] = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz";

	return *text && !text[strspn(text, chars)];
}

static enum MHD_Result look(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct head *head = ctx;

	(void)kind;
	head->malformed |= !is_token(name);
	if (!strcasecmp(name, MHD_HTTP_HEADER_HOST)) {
		head->host = value;
		head->hosts++;
	} else if (!strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH)) {
		head->length = value;
		head->lengths++;
	} else if (!strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING)) {
		head->encodings++;
	}
	return MHD_YES;
}

static struct xa_fault host_fault(const struct head *head, const char *version,
				  const struct xa_access *access)
{
	if (head->hosts > 1)
		return (struct xa_fault){MHD_HTTP_BAD_REQUEST, "more than one Host\n"};
	if (!head->hosts && strcmp(version, MHD_HTTP_VERSION_1_0) != 0)
		return (struct xa_fault){MHD_HTTP_BAD_REQUEST, "no Host\n"};
	if (!head->hosts)
		return (struct xa_fault){0};
	switch (xa_access_host(access, head->host ? head->host : "")) {
	case XA_HOST_OURS:
		return (struct xa_fault){0};
	case XA_HOST_FOREIGN:
		return (struct xa_fault){MHD_HTTP_MISDIRECTED_REQUEST, FOREIGN_HOST};
	default:
		return (struct xa_fault){MHD_HTTP_BAD_REQUEST, "no host and port in Host\n"};
	}
}

static struct xa_fault body_fault(const struct head *head)
{
	if (head->lengths > 1 || head->encodings > 1 || (head->lengths && head->encodings))
		return (struct xa_fault){MHD_HTTP_BAD_REQUEST,
					 "more than one Content-Length or Transfer-Encoding\n"};
	if (head->encodings || (head->length && head->length[strspn(head->length, "0")]))
		return (struct xa_fault){MHD_HTTP_BAD_REQUEST, "only without a body\n"};
	return (struct xa_fault){0};
}

struct xa_fault xa_request_fault(struct MHD_Connection *connection, const char *version,
				 const struct xa_access *access)
{
	struct head head = {0};
	struct xa_fault fault;

	(void)MHD_get_connection_values(connection, MHD_HEADER_KIND, look, &head);
	if (head.malformed)
		return (struct xa_fault){MHD_HTTP_BAD_REQUEST,
					 "the name of a header is malformed\n"};
	fault = body_fault(&head);
	return fault.status || !access ? fault : host_fault(&head, version, access);
}
