# SPDX-License-Identifier: GPL-2.0-or-later
"""Every header compiles alone, included first; those under bpf/ for the kernel as well."""

import functools
import glob
import os
import shutil
import subprocess
import sys

from checklib import Missing, Tree, run

FLAGS = ["-fsyntax-only", "-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-x", "c"]
LIBRARIES = "gnutls libbpf libcap-ng libmicrohttpd libpcap libseccomp lua5.4 lua nettle yaml-0.1 zlib cmocka".split()
KERNEL_ONLY = ("bpf/bpf_helpers.h", "vmlinux.h")


@functools.cache
def library_flags():
    flags = []
    for library in LIBRARIES:
        command = ["pkg-config", "--cflags", library]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        flags += done.stdout.split() if done.returncode == 0 else []
    return flags


def worlds(tree, path):
    """The compilers that this header is for; none where it needs what the build makes."""
    if ".skel.h" in tree.text(path):
        return
    if not (path.startswith("bpf/") and any(name in tree.text(path) for name in KERNEL_ONLY)):
        yield ["gcc", *library_flags()]
    if path.startswith("bpf/"):
        # asm/types.h stands in the folder of the host's architecture, which this target has not.
        asm = os.path.dirname(os.path.dirname(glob.glob("/usr/include/*/asm/types.h")[0]))
        yield ["clang", "-target", "bpf", "-D__BPF__", "-O2", "-I", asm]


def check(tree: Tree):
    for tool in ("gcc", "clang", "pkg-config"):
        if not shutil.which(tool):
            raise Missing(f"no {tool}")
    for path in tree.select(".h", under=("bpf/", "core/", "config/", "plugins/", "tests/")):
        for compiler in worlds(tree, path):
            done = subprocess.run(
                [*compiler, *FLAGS, "-I", tree.root, "-"],
                input=f'#include "{path}"\n',
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                yield f"{path}: does not compile alone ({compiler[0]}):\n{done.stderr}"


FIXTURES = [
    ("needs another", {"core/a.h": "size_t a(void);\n"}, r"core/a\.h: .*\(gcc\)"),
    ("needs an order", {"config/a.h": "struct a { struct b b; };\n"}, r"config/a\.h"),
    (
        "not for the kernel",
        {"bpf/a.h": "#ifdef __BPF__\n#error no\n#endif\n"},
        r"bpf/a\.h: .*\(clang\)",
    ),
    (
        "stand alone",
        {
            "core/a.h": '#pragma once\n#include "bpf/b.h"\nstruct a { __u32 b; };\n',
            "bpf/b.h": "#pragma once\n#include <linux/types.h>\n",
        },
        None,
    ),
]

if __name__ == "__main__":
    sys.exit(run(check, FIXTURES))
