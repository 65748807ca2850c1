/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Hands in what cannot be exported: numbers of values that nobody gave, numbers that are none,
 * texts that are no UTF-8, labels and metrics that are not there. It cares for no answer. */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/plugins/bad.h"

struct bad_values {
	const struct xa_plugin_host *host;
	bool spare_trial;
	int label, gauge, counter;
};

static const char *const metric_labels[] = {"kind"};

static int bad_values_open(const struct xa_plugin_host *host, const struct xa_plugin_value *options,
			   void **ret_state)
{
	const struct xa_plugin_metric gauge = {.name = "xdp_netflow_bad_gauge",
					       .help = "Numbers that are none",
					       .type = XA_PLUGIN_GAUGE,
					       .labels = metric_labels,
					       .label_count = 1};
	const struct xa_plugin_metric counter = {.name = "xdp_netflow_bad_total",
						 .help = "Counts that fall",
						 .type = XA_PLUGIN_COUNTER,
						 .labels = metric_labels,
						 .label_count = 1};
	struct bad_values *bad = calloc(1, sizeof(*bad));

	if (!bad)
		return -ENOMEM;
	bad->host = host;
	bad->spare_trial = options[0].number;
	bad->label = host->declare_label(host, "bad");
	bad->gauge = host->declare_metric(host, &gauge);
	bad->counter = host->declare_metric(host, &counter);
	*ret_state = bad;
	return 0;
}

static void bad_texts(const struct xa_plugin_host *host)
{
	static const char *const texts[] = {
		"\xff", /* no UTF-8 */
		"\xc0\x80", /* NUL, the long way */
		"\xed\xa0\x80", /* half a surrogate */
		"\xf4\x90\x80\x80", /* behind the last character */
		"\xe2\x82", /* cut off */
		"a\nb",
		"\x1b[2J",
	};
	static const char with_nul[] = "a\0b";
	uint32_t value;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		(void)host->value(host, texts[i], strlen(texts[i]), &value);
	(void)host->value(host, with_nul, sizeof(with_nul) - 1, &value);
}

static void bad_samples(const struct bad_values *bad)
{
	static const double numbers[] = {NAN, INFINITY, -INFINITY, -1, 1e308};
	static const int nowhere[] = {-1, XA_PLUGIN_METRICS_MAX, 1000000000};
	const uint32_t none = XA_PLUGIN_VALUE_NONE, wild = UINT32_MAX;
	const struct xa_plugin_host *host = bad->host;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		(void)host->sample(host, bad->gauge, &none, numbers[i]);
		(void)host->sample(host, bad->counter, &none, numbers[i]);
	}
	(void)host->sample_u64(host, bad->counter, &none, UINT64_MAX);
	(void)host->sample_u64(host, bad->counter, &none, UINT64_MAX);
	(void)host->sample(host, bad->gauge, &wild, 1);
	for (size_t i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++)
		(void)host->sample(host, nowhere[i], &none, 1);
}

static int bad_values_run(void *state, const struct xa_plugin_batch *batch)
{
	const struct bad_values *bad = state;
	uint32_t *column = bad->host->column(bad->host, bad->label);
	uint8_t *hidden = bad->host->hidden(bad->host);

	if (bad_is_spared(batch, bad->spare_trial))
		return 0;
	bad_texts(bad->host);
	bad_samples(bad);
	for (size_t i = 0; i < batch->count; i++) {
		column[batch->flows[i].handle] = UINT32_MAX - (uint32_t)i;
		hidden[batch->flows[i].handle] = 0xff;
	}
	return 0;
}

static void bad_values_close(void *state)
{
	free(state);
}

XA_PLUGIN(bad_values, .help = "hands in what cannot be exported", .options = bad_options,
	  .option_count = 1, .open = bad_values_open, .run = bad_values_run,
	  .close = bad_values_close);
