/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The arena's promises: zeroed, aligned, apart from each other, and a large one does not hurt. */

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/arena.h"

static void fill(unsigned char *memory, size_t size, unsigned char byte)
{
	for (size_t i = 0; i < size; i++)
		assert_int_equal(memory[i], 0);
	memset(memory, byte, size);
}

static void test_zeroed_aligned_apart(void **state)
{
	_cleanup_xa_arena_ struct xa_arena *arena = NULL;
	unsigned char *memory[300];

	(void)state;
	assert_int_equal(xa_arena_new(&arena), 0);
	for (size_t i = 0; i < array_size(memory); i++) {
		memory[i] = xa_arena_alloc(arena, i);
		assert_non_null(memory[i]);
		assert_int_equal((uintptr_t)memory[i] % alignof(max_align_t), 0);
		fill(memory[i], i, (unsigned char)i);
	}
	for (size_t i = 0; i < array_size(memory); i++)
		for (size_t j = 0; j < i; j++)
			assert_int_equal(memory[i][j], (unsigned char)i);
}

static void test_sizes(void **state)
{
	_cleanup_xa_arena_ struct xa_arena *arena = NULL;
	char *first, *second;

	(void)state;
	assert_int_equal(xa_arena_new(&arena), 0);
	fill(xa_arena_alloc(arena, 1000000), 1000000, 1);
	fill(xa_arena_alloc(arena, 4096), 4096, 2);
	first = xa_arena_alloc(arena, 0);
	second = xa_arena_alloc(arena, 0);
	assert_non_null(first);
	assert_ptr_not_equal(first, second);
	assert_null(xa_arena_alloc(arena, SIZE_MAX));
	assert_null(xa_arena_alloc(arena, PTRDIFF_MAX));
	assert_non_null(xa_arena_alloc(arena, 16));
}

static void test_strndup(void **state)
{
	_cleanup_xa_arena_ struct xa_arena *arena = NULL;
	char *copy;

	(void)state;
	assert_int_equal(xa_arena_new(&arena), 0);
	copy = xa_arena_strndup(arena, "flow table", 4);
	assert_string_equal(copy, "flow");
	assert_string_equal(xa_arena_strndup(arena, "x", 0), "");
	assert_null(xa_arena_strndup(arena, "x", SIZE_MAX));
	assert_string_equal(copy, "flow");
}

static void test_free_null(void **state)
{
	(void)state;
	xa_arena_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zeroed_aligned_apart),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_strndup),
		cmocka_unit_test(test_free_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
