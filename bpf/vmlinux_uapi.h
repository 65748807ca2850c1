/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What takes the place of vmlinux.h on a build machine without BTF: see meson.build. */

#include <linux/bpf.h>
#include <linux/types.h>

#include <stdbool.h>
