/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A wait belongs to the loop thread while its connection is suspended, and to the listener's thread
 * before and after. Both suspend and resume happen under the lock: to resume a connection that is
 * not suspended yet would be lost.
 */

#include "core/http/waits.h"

#include <microhttpd.h>
#include <string.h>

int xa_waits_init(struct xa_waits *waits)
{
	*waits = (struct xa_waits){0};
	return pthread_mutex_init(&waits->lock, NULL) ? -ENOMEM : 0;
}

void xa_waits_done(struct xa_waits *waits)
{
	(void)pthread_mutex_destroy(&waits->lock);
}

static struct xa_wait *free_place(struct xa_waits *waits)
{
	for (size_t i = 0; i < XA_WAITS_MAX; i++)
		if (waits->places[i].phase == XA_WAIT_NONE)
			return &waits->places[i];
	return NULL;
}

struct xa_wait *xa_waits_join(struct xa_waits *waits, struct MHD_Connection *connection)
{
	struct xa_wait *wait;

	(void)pthread_mutex_lock(&waits->lock);
	wait = waits->closed ? NULL : free_place(waits);
	if (wait) {
		*wait = (struct xa_wait){.phase = XA_WAIT_ASKED, .connection = connection};
		MHD_suspend_connection(connection);
	}
	(void)pthread_mutex_unlock(&waits->lock);
	return wait;
}

struct MHD_Response *xa_waits_leave(struct xa_waits *waits, struct xa_wait *wait,
				    unsigned *ret_status)
{
	struct MHD_Response *response;

	(void)pthread_mutex_lock(&waits->lock);
	response = wait->response;
	*ret_status = wait->status;
	*wait = (struct xa_wait){0};
	(void)pthread_mutex_unlock(&waits->lock);
	return response;
}

void xa_waits_begin(struct xa_waits *waits)
{
	(void)pthread_mutex_lock(&waits->lock);
	for (size_t i = 0; i < XA_WAITS_MAX; i++)
		if (waits->places[i].phase == XA_WAIT_ASKED)
			waits->places[i].phase = XA_WAIT_BEGUN;
	(void)pthread_mutex_unlock(&waits->lock);
}

static void end(struct xa_wait *wait, unsigned status, const char *text, size_t len)
{
	wait->phase = XA_WAIT_OVER;
	wait->status = status;
	/* the parameter is not const, but what is to be copied is only read */
	wait->response = MHD_create_response_from_buffer(len, (void *)(uintptr_t)text,
							 MHD_RESPMEM_MUST_COPY);
	MHD_resume_connection(wait->connection);
}

void xa_waits_end(struct xa_waits *waits, unsigned status, const char *text, size_t len)
{
	(void)pthread_mutex_lock(&waits->lock);
	for (size_t i = 0; i < XA_WAITS_MAX; i++)
		if (waits->places[i].phase == XA_WAIT_BEGUN)
			end(&waits->places[i], status, text, len);
	(void)pthread_mutex_unlock(&waits->lock);
}

void xa_waits_close(struct xa_waits *waits)
{
	static const char text[] = "this address is being closed\n";

	(void)pthread_mutex_lock(&waits->lock);
	waits->closed = true;
	for (size_t i = 0; i < XA_WAITS_MAX; i++)
		if (waits->places[i].phase == XA_WAIT_ASKED ||
		    waits->places[i].phase == XA_WAIT_BEGUN)
			end(&waits->places[i], MHD_HTTP_SERVICE_UNAVAILABLE, text, strlen(text));
	(void)pthread_mutex_unlock(&waits->lock);
}
