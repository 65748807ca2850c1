/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The tree against a scan of all prefixes, with addresses that lie in them, just beside them and
 * anywhere; every length of both families; texts. XA_TEST_SEED=n repeats a run that failed. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/base.h"
#include "plugins/prefix.h"

#define PREFIXES 1000
#define LOOKUPS	 20000

/* What a set is, said plainly. */
struct scene {
	struct xa_prefix_tree *tree;
	struct xa_prefix prefixes[PREFIXES];
	uint32_t values[PREFIXES];
	uint32_t count;
	uint64_t seed, random;
};

/* splitmix64 */
static uint64_t draw(uint64_t *random)
{
	uint64_t z = *random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static uint64_t seed_of_run(void)
{
	const char *given = getenv("XA_TEST_SEED");

	return given ? strtoull(given, NULL, 10) : xa_wall_ns();
}

static unsigned width(uint8_t family)
{
	return family == 6 ? 128 : 32;
}

static unsigned bit(const uint8_t address[16], unsigned at)
{
	return address[at / 8] >> (7 - at % 8) & 1;
}

static void set_bit(uint8_t address[16], unsigned at, unsigned value)
{
	const uint8_t mask = (uint8_t)(0x80 >> at % 8);

	address[at / 8] = (uint8_t)(value ? address[at / 8] | mask : address[at / 8] & ~mask);
}

static bool covers(const struct xa_prefix *prefix, uint8_t family, const uint8_t address[16])
{
	if (prefix->family != family)
		return false;
	for (unsigned i = 0; i < prefix->len; i++)
		if (bit(prefix->address, i) != bit(address, i))
			return false;
	return true;
}

static uint32_t scan(const struct scene *scene, uint8_t family, const uint8_t address[16])
{
	uint32_t found = 0;
	int longest = -1;

	for (uint32_t i = 0; i < scene->count; i++) {
		const struct xa_prefix *prefix = &scene->prefixes[i];

		if (prefix->len > longest && covers(prefix, family, address)) {
			longest = prefix->len;
			found = scene->values[i];
		}
	}
	return found;
}

/* Few bits are drawn, the rest repeats: so networks nest and share their beginnings. */
static void draw_address(struct scene *scene, uint8_t family, uint8_t ret[16])
{
	uint64_t pattern = draw(&scene->random);

	memset(ret, 0, 16);
	for (unsigned i = 0; i < width(family); i++)
		set_bit(ret, i, pattern >> (i * 7 % 5) & (draw(&scene->random) % 4 != 0));
}

static struct xa_prefix draw_prefix(struct scene *scene)
{
	struct xa_prefix prefix = {.family = draw(&scene->random) % 2 ? 4 : 6};

	prefix.len = (uint8_t)(draw(&scene->random) % (width(prefix.family) + 1));
	draw_address(scene, prefix.family, prefix.address);
	for (unsigned i = prefix.len; i < width(prefix.family); i++)
		set_bit(prefix.address, i, 0);
	return prefix;
}

static void add(struct scene *scene, const struct xa_prefix *prefix, uint32_t value)
{
	const uint32_t there = xa_prefix_tree_get(scene->tree, prefix);

	for (uint32_t i = 0; i < scene->count; i++)
		if (!memcmp(&scene->prefixes[i], prefix, sizeof(*prefix))) {
			assert_int_equal(there, scene->values[i]);
			assert_int_equal(xa_prefix_tree_add(scene->tree, prefix, there), 0);
			assert_int_equal(xa_prefix_tree_add(scene->tree, prefix, there + 1),
					 -EEXIST);
			return;
		}
	assert_int_equal(there, 0);
	assert_int_equal(xa_prefix_tree_add(scene->tree, prefix, value), 0);
	assert_int_equal(xa_prefix_tree_get(scene->tree, prefix), value);
	scene->prefixes[scene->count] = *prefix;
	scene->values[scene->count++] = value;
}

static void look_up(const struct scene *scene, uint8_t family, const uint8_t address[16])
{
	const uint32_t found = xa_prefix_tree_find(scene->tree, family, address);
	const uint32_t wanted = scan(scene, family, address);

	if (found != wanted)
		fail_msg("XA_TEST_SEED=%llu: found %u, not %u", (unsigned long long)scene->seed,
			 found, wanted);
}

/* In a network, on its edges, and one bit beside it. */
static void look_around(struct scene *scene, const struct xa_prefix *prefix)
{
	uint8_t address[16];

	memcpy(address, prefix->address, sizeof(address));
	look_up(scene, prefix->family, address);
	for (unsigned i = prefix->len; i < width(prefix->family); i++)
		set_bit(address, i, 1);
	look_up(scene, prefix->family, address);
	for (unsigned i = prefix->len; i < width(prefix->family); i++)
		set_bit(address, i, draw(&scene->random) % 2);
	look_up(scene, prefix->family, address);
	if (prefix->len) {
		const unsigned at = (unsigned)(draw(&scene->random) % prefix->len);

		set_bit(address, at, !bit(address, at));
		look_up(scene, prefix->family, address);
	}
}

static void set_up(struct scene *scene, uint64_t seed)
{
	*scene = (struct scene){.seed = seed, .random = seed};
	assert_int_equal(xa_prefix_tree_new(&scene->tree), 0);
}

static void test_against_scan(void **state)
{
	_cleanup_free_ struct scene *scene = malloc(sizeof(*scene));
	uint8_t address[16];

	(void)state;
	assert_non_null(scene);
	set_up(scene, seed_of_run());
	for (uint32_t i = 1; i <= PREFIXES; i++) {
		struct xa_prefix prefix = draw_prefix(scene);

		add(scene, &prefix, i);
		look_around(scene, &prefix);
	}
	for (uint32_t i = 0; i < scene->count; i++)
		look_around(scene, &scene->prefixes[i]);
	for (unsigned i = 0; i < LOOKUPS; i++) {
		const uint8_t family = i % 2 ? 4 : 6;

		draw_address(scene, family, address);
		look_up(scene, family, address);
	}
	xa_prefix_tree_free(scene->tree);
}

/* The same way from the root, a prefix of every length on it: each bit that differs tells them
 * apart, whichever way round they came. */
static void nest(struct scene *scene, uint8_t family, bool longest_first)
{
	struct xa_prefix whole = {.family = family};

	draw_address(scene, family, whole.address);
	for (unsigned i = 0; i <= width(family); i++) {
		struct xa_prefix prefix = whole;

		prefix.len = (uint8_t)(longest_first ? width(family) - i : i);
		for (unsigned at = prefix.len; at < width(family); at++)
			set_bit(prefix.address, at, 0);
		add(scene, &prefix, prefix.len + 1U);
	}
	for (unsigned i = 0; i < width(family); i++) {
		uint8_t address[16];

		memcpy(address, whole.address, sizeof(address));
		set_bit(address, i, !bit(address, i));
		assert_int_equal(xa_prefix_tree_find(scene->tree, family, address), i + 1);
	}
	assert_int_equal(xa_prefix_tree_find(scene->tree, family, whole.address),
			 width(family) + 1);
}

static void test_every_length(void **state)
{
	_cleanup_free_ struct scene *scene = malloc(sizeof(*scene));
	const uint64_t seed = seed_of_run();

	(void)state;
	assert_non_null(scene);
	for (unsigned i = 0; i < 2; i++) {
		set_up(scene, seed);
		nest(scene, 4, i);
		nest(scene, 6, i);
		xa_prefix_tree_free(scene->tree);
	}
}

static struct xa_prefix parsed(const char *text)
{
	struct xa_prefix prefix;

	assert_int_equal(xa_prefix_parse(text, &prefix), 0);
	return prefix;
}

static uint32_t find(const struct xa_prefix_tree *tree, const char *text)
{
	const struct xa_prefix prefix = parsed(text);

	return xa_prefix_tree_find(tree, prefix.family, prefix.address);
}

static int add_text(struct xa_prefix_tree *tree, const char *text, uint32_t value)
{
	const struct xa_prefix prefix = parsed(text);

	return xa_prefix_tree_add(tree, &prefix, value);
}

static void test_default_routes(void **state)
{
	struct xa_prefix_tree *tree;

	(void)state;
	assert_int_equal(xa_prefix_tree_new(&tree), 0);
	assert_int_equal(find(tree, "192.0.2.1"), 0);
	assert_int_equal(find(tree, "::"), 0);
	assert_int_equal(add_text(tree, "::/0", 6), 0);
	assert_int_equal(find(tree, "192.0.2.1"), 0);
	assert_int_equal(find(tree, "2001:db8::1"), 6);
	assert_int_equal(add_text(tree, "0.0.0.0/0", 4), 0);
	assert_int_equal(add_text(tree, "128.0.0.0/1", 5), 0);
	assert_int_equal(find(tree, "0.0.0.0"), 4);
	assert_int_equal(find(tree, "127.255.255.255"), 4);
	assert_int_equal(find(tree, "255.255.255.255"), 5);
	assert_int_equal(find(tree, "::1"), 6);
	xa_prefix_tree_free(tree);
}

/* An IPv4 address is its first 4 bytes, whatever stands behind them. */
static void test_ipv4_alone(void **state)
{
	uint8_t address[16] = {10, 0, 0, 1, 0xff, 0xff};
	struct xa_prefix_tree *tree;

	(void)state;
	assert_int_equal(xa_prefix_tree_new(&tree), 0);
	assert_int_equal(add_text(tree, "10.0.0.1", 7), 0);
	assert_int_equal(xa_prefix_tree_find(tree, 4, address), 7);
	assert_int_equal(xa_prefix_tree_find(tree, 6, address), 0);
	xa_prefix_tree_free(tree);
}

static void test_refuses(void **state)
{
	const struct xa_prefix host_bits = {.family = 4, .len = 8, .address = {10, 0, 0, 1}};
	const struct xa_prefix too_long = {.family = 4, .len = 33};
	const struct xa_prefix no_family = {.family = 5};
	const struct xa_prefix good = {.family = 4, .len = 8, .address = {10}};
	struct xa_prefix_tree *tree;

	(void)state;
	xa_prefix_tree_free(NULL);
	assert_int_equal(xa_prefix_tree_new(&tree), 0);
	assert_int_equal(xa_prefix_tree_add(tree, &host_bits, 1), -EINVAL);
	assert_int_equal(xa_prefix_tree_add(tree, &too_long, 1), -EINVAL);
	assert_int_equal(xa_prefix_tree_add(tree, &no_family, 1), -EINVAL);
	assert_int_equal(xa_prefix_tree_add(tree, &good, 0), -EINVAL);
	assert_int_equal(xa_prefix_tree_add(tree, &good, 1), 0);
	assert_int_equal(xa_prefix_tree_add(tree, &good, 2), -EEXIST);
	assert_int_equal(xa_prefix_tree_get(tree, &good), 1);
	assert_int_equal(find(tree, "10.1.2.3"), 1);
	assert_int_equal(find(tree, "11.1.2.3"), 0);
	xa_prefix_tree_free(tree);
}

static void test_texts(void **state)
{
	static const struct {
		const char *text;
		int error;
		const char *format;
	} cases[] = {
		{"10.0.0.0/8", 0, "10.0.0.0/8"},
		{"192.0.2.1", 0, "192.0.2.1/32"},
		{"0.0.0.0/0", 0, "0.0.0.0/0"},
		{"255.255.255.255/32", 0, "255.255.255.255/32"},
		{"2001:db8::/32", 0, "2001:db8::/32"},
		{"2001:DB8:0:0::1", 0, "2001:db8::1/128"},
		{"::/0", 0, "::/0"},
		{"::ffff:192.0.2.1", 0, "::ffff:192.0.2.1/128"},
		{"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/128", 0,
		 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"},
		{"10.1.2.3/16", -EDOM, "10.1.0.0/16"},
		{"10.0.0.1/31", -EDOM, "10.0.0.0/31"},
		{"1.1.1.1/0", -EDOM, "0.0.0.0/0"},
		{"2001:db8::1/64", -EDOM, "2001:db8::/64"},
		{"2001:db8:8000::/32", -EDOM, "2001:db8::/32"},
		{"", -EINVAL, NULL},
		{"/8", -EINVAL, NULL},
		{"10.0.0.0/", -EINVAL, NULL},
		{"10.0.0.0/33", -EINVAL, NULL},
		{"10.0.0.0/08", -EINVAL, NULL},
		{"10.0.0.0/-8", -EINVAL, NULL},
		{"10.0.0.0/+8", -EINVAL, NULL},
		{"10.0.0.0/ 8", -EINVAL, NULL},
		{"10.0.0.0/8 ", -EINVAL, NULL},
		{"10.0.0.0/8/8", -EINVAL, NULL},
		{"10.0.0.0/4294967304", -EINVAL, NULL},
		{"10.0.0.0/255.0.0.0", -EINVAL, NULL},
		{"10.0.0/8", -EINVAL, NULL},
		{"10.0.0.256", -EINVAL, NULL},
		{"10", -EINVAL, NULL},
		{"0x0a.0.0.0/8", -EINVAL, NULL},
		{" 10.0.0.0/8", -EINVAL, NULL},
		{"2001:db8::/129", -EINVAL, NULL},
		{"2001:db8", -EINVAL, NULL},
		{"fe80::1%eth0", -EINVAL, NULL},
		{"example.com", -EINVAL, NULL},
		{"1111111111111111111111111111111111111111111111111111111:", -EINVAL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		const struct xa_prefix untouched = {.len = 99};
		struct xa_prefix prefix = untouched;
		char text[XA_PREFIX_TEXT_BYTES];

		if (xa_prefix_parse(cases[i].text, &prefix) != cases[i].error)
			fail_msg("'%s' is not %d", cases[i].text, cases[i].error);
		if (cases[i].format)
			assert_string_equal(xa_prefix_format(&prefix, text), cases[i].format);
		else
			assert_memory_equal(&prefix, &untouched, sizeof(prefix));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_scan),   cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_default_routes), cmocka_unit_test(test_ipv4_alone),
		cmocka_unit_test(test_refuses),	       cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
