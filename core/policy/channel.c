/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A message has at least a head; what is missing of a text reads as zeroes. */

#include "core/policy/channel.h"

#include <string.h>
#include <sys/poll.h>
#include <sys/socket.h>

#include "core/base/text.h"

int xa_channel_send(int socket, enum xa_order_kind kind, uint64_t number)
{
	const struct xa_order order = {.kind = kind, .number = number};
	ssize_t sent;

	do {
		sent = send(socket, &order, sizeof(order), MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return errno == ECONNRESET || errno == ENOTCONN ? -EPIPE : -errno;
	return 0;
}

static int check(struct xa_answer *answer, size_t len)
{
	if (len > sizeof(*answer) || len < offsetof(struct xa_answer, log) ||
	    answer->kind > XA_ANSWER_LOG)
		return -EBADMSG;
	if (answer->kind == XA_ANSWER_LOG) {
		if (answer->log.level > XA_PLUGIN_LOG_DEBUG)
			return -EBADMSG;
		xa_text_clean(answer->log.text, sizeof(answer->log.text), false);
	} else if (answer->kind == XA_ANSWER_WHY) {
		xa_text_clean(answer->why.file, sizeof(answer->why.file), false);
		xa_text_clean(answer->why.text, sizeof(answer->why.text), false);
	}
	return 0;
}

/* -EAGAIN: nothing is there. An empty message looks like the end, and is treated like it. */
static int receive_now(int socket, struct xa_answer *answer)
{
	ssize_t len;

	memset(answer, 0, sizeof(*answer));
	do {
		len = recv(socket, answer, sizeof(*answer), MSG_DONTWAIT | MSG_TRUNC);
	} while (len < 0 && errno == EINTR);
	if (len < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	return len == 0 ? -EPIPE : check(answer, (size_t)len);
}

static int wait_for(int socket, uint64_t until_ns)
{
	const uint64_t now_ns = xa_now_ns();
	const uint64_t left_ns = until_ns > now_ns ? until_ns - now_ns : 0;
	const struct timespec left = {
		.tv_sec = (time_t)(left_ns / XA_NS_PER_S),
		.tv_nsec = (long)(left_ns % XA_NS_PER_S),
	};
	struct pollfd poll = {.fd = socket, .events = POLLIN};

	if (!left_ns)
		return -ETIMEDOUT;
	if (ppoll(&poll, 1, &left, NULL) < 0 && errno != EINTR)
		return -errno;
	return 0;
}

int xa_channel_receive(int socket, uint64_t until_ns, struct xa_answer *ret_answer)
{
	struct xa_answer answer;
	int r;

	for (;;) {
		r = receive_now(socket, &answer);
		if (r != -EAGAIN)
			break;
		r = wait_for(socket, until_ns);
		if (r)
			return r;
	}
	if (!r)
		*ret_answer = answer;
	return r;
}
