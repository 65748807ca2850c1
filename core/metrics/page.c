/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The count is atomic because the last scrape of a page may outlive it on the board. */

#include "core/metrics/page.h"

#include <zlib.h>

int xa_page_new(struct xa_page **ret)
{
	struct xa_page *page = calloc(1, sizeof(*page));

	if (!page)
		return -ENOMEM;
	if (pthread_mutex_init(&page->zip_lock, NULL)) {
		free(page);
		return -ENOMEM;
	}
	page->refs = 1;
	*ret = page;
	return 0;
}

struct xa_page *xa_page_ref(struct xa_page *page)
{
	__atomic_add_fetch(&page->refs, 1, __ATOMIC_RELAXED);
	return page;
}

void xa_page_unref(struct xa_page *page)
{
	if (!page || __atomic_sub_fetch(&page->refs, 1, __ATOMIC_ACQ_REL))
		return;
	for (size_t format = 0; format < XA_FORMAT_COUNT_; format++) {
		free(page->metrics[format].text);
		free(page->zipped[format].text);
	}
	free(page->landing);
	free(page->state);
	free(page->status);
	xa_listing_free(page->listing);
	(void)pthread_mutex_destroy(&page->zip_lock);
	free(page);
}

/* A page is full of repetition: the fastest level makes a tenth of it. */
#define LEVEL	  Z_BEST_SPEED
#define GZIP_BITS (MAX_WBITS + 16) /* zlib.h: a gzip header instead of zlib's */
#define MEM_LEVEL 8 /* zlib.h: the default */

static int zip(z_stream *stream, const struct xa_body *body, struct xa_body *ret)
{
	const size_t size = deflateBound(stream, body->len);
	char *text = malloc(size);

	if (!text)
		return -ENOMEM;
	stream->next_in = (Bytef *)body->text;
	stream->avail_in = (uInt)body->len;
	stream->next_out = (Bytef *)text;
	stream->avail_out = (uInt)size;
	if (deflate(stream, Z_FINISH) != Z_STREAM_END) {
		free(text);
		return -EIO;
	}
	*ret = (struct xa_body){text, size - stream->avail_out};
	return 0;
}

static int zip_whole(const struct xa_body *body, struct xa_body *ret)
{
	z_stream stream = {0};
	int error;

	if (body->len > UINT32_MAX / 2)
		return -EFBIG;
	if (deflateInit2(&stream, LEVEL, Z_DEFLATED, GZIP_BITS, MEM_LEVEL, Z_DEFAULT_STRATEGY) !=
	    Z_OK)
		return -ENOMEM;
	error = zip(&stream, body, ret);
	(void)deflateEnd(&stream);
	return error;
}

const struct xa_body *xa_page_zipped(struct xa_page *page, enum xa_format format)
{
	struct xa_body *zipped = &page->zipped[format];
	int error = 0;

	(void)pthread_mutex_lock(&page->zip_lock);
	if (!zipped->text)
		error = zip_whole(&page->metrics[format], zipped);
	(void)pthread_mutex_unlock(&page->zip_lock);
	return error ? NULL : zipped;
}
