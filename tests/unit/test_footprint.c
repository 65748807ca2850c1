/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What is said of the policy's memory against what the kernel maps and malloc(3) hands out, once
 * everything is as full as it may be. Its argument is the program, which is the worker too.
 */

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "config/load.h"
#include "core/policy/annotation.h"
#include "core/policy/chain.h"
#include "core/policy/families.h"
#include "core/policy/footprint.h"
#include "core/policy/supervisor.h"

#define FLOWS  (1 << 20)
#define VALUES 4096
#define SERIES 1000
#define SLACK  65536 /* structs, and what malloc(3) and pages round up to */

static const char *program;

/* Bytes of address space, which is what is reserved here, touched or not. */
static uint64_t mapped(void)
{
	_cleanup_file_ FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%lu", &pages), 1);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void assert_near(uint64_t said, uint64_t found)
{
	if (found < said || found > said + SLACK)
		fail_msg("%llu bytes were said, %llu are taken", (unsigned long long)said,
			 (unsigned long long)found);
}

static void test_annotations(void **state)
{
	const uint64_t before = mapped();
	struct xa_annotations *annotations;

	(void)state;
	assert_int_equal(xa_annotations_new(&annotations, FLOWS, VALUES), 0);
	assert_near(xa_annotations_memory_bytes(FLOWS, VALUES), mapped() - before);
	xa_annotations_free(annotations);
}

/* --- heap --- */

#ifdef __SANITIZE_ADDRESS__
static bool is_malloc_known(void)
{
	return false;
}
#else
static bool is_malloc_known(void)
{
	return mallinfo2().uordblks != 0;
}
#endif

static void need_malloc(void)
{
	if (is_malloc_known())
		return;
	print_message("skipped: this allocator does not tell what it has given out\n");
	skip();
}

static uint64_t allocated(void)
{
	const struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static void test_chain(void **state)
{
	const struct xa_region_layout layout = xa_region_layout(FLOWS, VALUES);
	const struct xa_setup setup = {.head = {.max_flows = FLOWS, .max_values = VALUES}};
	const struct xa_builtin_plugins none = {.count = 0};
	void *region = mmap(NULL, layout.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
	struct xa_chain *chain;
	uint64_t before;

	(void)state;
	need_malloc();
	assert_ptr_not_equal(region, MAP_FAILED);
	before = allocated();
	assert_int_equal(xa_chain_new(&chain, &setup, &none, region, -1), 0);
	assert_near(xa_chain_memory_bytes(FLOWS, VALUES), allocated() - before);
	xa_chain_free(chain);
	assert_int_equal(munmap(region, layout.size), 0);
}

/* The widest one there can be. */
static struct xa_region_metric widest(void)
{
	struct xa_region_metric metric = {
		.type = XA_PLUGIN_HISTOGRAM,
		.label_count = XA_PLUGIN_METRIC_LABELS_MAX,
		.bucket_count = XA_PLUGIN_BUCKETS_MAX,
		.name = "xa_test",
		.help = "For a test.",
	};

	for (uint32_t i = 0; i < metric.label_count; i++)
		(void)snprintf(metric.labels[i], sizeof(metric.labels[i]), "label%u", i);
	for (uint32_t i = 0; i < metric.bucket_count; i++)
		metric.buckets[i] = i;
	return metric;
}

/* One sample more than there is room for. */
static void fill(struct xa_families *families)
{
	char text[XA_PLUGIN_VALUE_BYTES];
	const char *values[XA_PLUGIN_METRIC_LABELS_MAX];

	for (size_t i = 0; i < array_size(values); i++)
		values[i] = text;
	for (uint32_t i = 0; i <= SERIES; i++) {
		(void)snprintf(text, sizeof(text), "%0*u", (int)sizeof(text) - 1, i);
		assert_int_equal(xa_families_add(families, 0, values, i), 0);
	}
	assert_int_equal(xa_families_folded(families, 0), 2);
}

static void test_family(void **state)
{
	const struct xa_region_metric metric = widest();
	struct xa_families *families;
	struct xa_why why;
	uint64_t before;

	(void)state;
	need_malloc();
	assert_int_equal(xa_families_new(&families, SERIES), 0);
	before = allocated();
	assert_int_equal(xa_families_declare(families, &metric, &why), 0);
	fill(families);
	assert_near(xa_family_memory_bytes(SERIES), allocated() - before);
	xa_families_free(families);
}

/* --- the whole --- */

static struct xa_config *load(void)
{
	static const char yaml[] = "flows: {max: 100000}\n"
				   "policy:\n"
				   "  max_values: 5000\n"
				   "  stages:\n"
				   "    - zones: {networks: {office: 10.0.0.0/8}}\n";
	struct xa_config *config;
	struct xa_whys whys = {0};

	if (xa_config_load_buffer(&config, "a.yaml", yaml, strlen(yaml), NULL, 0, &whys))
		fail_msg("%s", whys.why[0].text);
	return config;
}

/* Bytes of our memory files, as they are mapped here. */
static uint64_t shared(void)
{
	_cleanup_file_ FILE *file = fopen("/proc/self/maps", "re");
	char line[512];
	uint64_t sum = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		unsigned long begin, end;

		if (strstr(line, "memfd:xdp-auditor-") &&
		    sscanf(line, "%lx-%lx", &begin, &end) == 2)
			sum += end - begin;
	}
	return sum;
}

static void test_shared_and_worker(void **state)
{
	const struct xa_policy_hooks hooks = {.executable = program};
	struct xa_config *config = load();
	const struct xa_footprint footprint = xa_footprint_of(config);
	const uint32_t values = 5000 + XA_PLUGIN_VALUE_OTHER + 1;
	struct xa_whys whys = {0};
	struct xa_policy *policy;

	(void)state;
	if (xa_policy_new(&policy, config, config->flows.max, &hooks, &whys))
		fail_msg("%s", whys.why[0].text);
	assert_near(footprint.shared_bytes, shared());
	assert_int_equal(footprint.daemon_bytes, xa_annotations_memory_bytes(100000, values));
	assert_int_equal(footprint.worker_bytes,
			 config->policy.memory_bytes + xa_chain_memory_bytes(100000, values));
	assert_int_equal(footprint.metric_bytes, xa_family_memory_bytes(config->policy.max_series));
	xa_policy_free(policy);
	xa_config_free(config);
}

static void test_no_stages(void **state)
{
	struct xa_config *config = load();

	(void)state;
	config->policy.stage_count = 0;
	assert_int_equal(xa_footprint_of(config).shared_bytes, 0);
	assert_int_equal(xa_footprint_of(config).worker_bytes, 0);
	xa_config_free(config);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_annotations), cmocka_unit_test(test_chain),
		cmocka_unit_test(test_family),	    cmocka_unit_test(test_shared_and_worker),
		cmocka_unit_test(test_no_stages),
	};

	if (argc != 2)
		return EXIT_FAILURE;
	program = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
