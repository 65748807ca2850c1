/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The count is atomic because the last scrape of a page may outlive it on the board. */

#include "core/metrics/page.h"

int xa_page_new(struct xa_page **ret)
{
	struct xa_page *page = calloc(1, sizeof(*page));

	if (!page)
		return -ENOMEM;
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
	free(page->metrics);
	free(page->landing);
	free(page->state);
	free(page->status);
	xa_listing_free(page->listing);
	free(page);
}
