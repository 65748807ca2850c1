/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Orders to the worker and answers from it, over one SOCK_SEQPACKET socket.
 */

#include "core/policy/region.h"

/* Never waits. 0; -EPIPE: the worker is gone; another -errno. */
int xa_channel_send(int socket, enum xa_order_kind kind, uint64_t number);

/* Waits until `until_ns` (xa_now_ns()); a time that has passed: takes what is there already. The
 * answer's kind is known, its texts are clean (text.h) and end. 0; -ETIMEDOUT; -EPIPE: the worker
 * is gone; -EBADMSG: not an answer; another -errno. */
int xa_channel_receive(int socket, uint64_t until_ns, struct xa_answer *ret_answer);
