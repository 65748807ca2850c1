/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A message ends behind the last byte that it uses. */

#include "core/policy/answers.h"

#include <string.h>
#include <sys/socket.h>

static bool send_answer(int fd, const struct xa_answer *answer, size_t len, int flags)
{
	ssize_t sent;

	do {
		sent = send(fd, answer, len, flags | MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent >= 0;
}

void xa_answer_send(int fd, enum xa_answer_kind kind, uint64_t number)
{
	const struct xa_answer answer = {.kind = kind, .number = number};

	(void)send_answer(fd, &answer, offsetof(struct xa_answer, log), 0);
}

void xa_answer_send_why(int fd, uint32_t stage, const struct xa_why *why)
{
	const struct xa_answer answer = {.kind = XA_ANSWER_WHY, .stage = stage, .why = *why};

	(void)send_answer(fd, &answer, offsetof(struct xa_answer, why.text) + strlen(why->text) + 1,
			  0);
}

bool xa_answer_send_log(int fd, uint32_t stage, enum xa_plugin_log_level level, const char *text)
{
	struct xa_answer answer = {.kind = XA_ANSWER_LOG, .stage = stage, .log = {.level = level}};
	const size_t len = strnlen(text, sizeof(answer.log.text) - 1);

	memcpy(answer.log.text, text, len);
	return send_answer(fd, &answer, offsetof(struct xa_answer, log.text) + len + 1,
			   MSG_DONTWAIT);
}
