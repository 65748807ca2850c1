# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls that nothing here may make, and calls that only the edge of the program may make."""

import re
import sys

from checklib import PRODUCT, Tree, c_code, line_of, run

UNBOUNDED = "strcpy strcat sprintf vsprintf gets strncpy strncat alloca"
SILENT = "atoi atol atoll atof"
SHARED_STATE = "strtok asctime ctime gmtime localtime rand srand"
UNCLEAN = "system popen signal setjmp longjmp usleep sleep"
EVERYWHERE = " ".join((UNBOUNDED, SILENT, SHARED_STATE, UNCLEAN)).split()
PRODUCT_ONLY = ["assert"]
LOG = re.compile(r"\b(xa_log(?:_(?:error|warn|info|debug))?)\s*\(")
PRINT = re.compile(r"\b(perror\s*\(|v?printf\s*\(|puts\s*\(|v?fprintf\s*\(\s*stderr\b)")
MAY_LOG = re.compile(r"core/(main|auditor\w*|replay)\.c|core/base/log\.[ch]")


def calls(names):
    return re.compile(rf"(?<![\w.>])({'|'.join(names)})\s*\(")


BANNED = calls(EVERYWHERE)
BANNED_IN_PRODUCT = calls(EVERYWHERE + PRODUCT_ONLY)


def check(tree: Tree):
    for path in tree.select(".c", ".h", under=(*PRODUCT, "tests/")):
        product = path.startswith(PRODUCT)
        code = c_code(tree.text(path))
        for match in (BANNED_IN_PRODUCT if product else BANNED).finditer(code):
            yield f"{path}:{line_of(code, match.start())}: calls {match.group(1)}()"
        if not product or MAY_LOG.fullmatch(path):
            continue
        for pattern in (LOG, PRINT):
            for match in pattern.finditer(code):
                name = match.group(1).partition("(")[0]
                yield f"{path}:{line_of(code, match.start())}: {name}() is for the program's edge"


def calling(name, path="core/flow/a.c"):
    return {path: f"static void f(void)\n{{\n\t{name}(0);\n}}\n"}


FIXTURES = [(name, calling(name), rf"a\.c:3: calls {name}\(") for name in EVERYWHERE]
FIXTURES += [(name, calling(name), rf"a\.c:3: calls {name}\(") for name in PRODUCT_ONLY]
FIXTURES += [
    ("in a test", calling("strcpy", "tests/unit/test_a.c"), "calls strcpy"),
    ("spaced", calling("rand ", "bpf/a.h"), "calls rand"),
    ("log from a library", calling("xa_log_warn", "core/source/a.c"), "xa_log_warn.*edge"),
    ("log from config", calling("xa_log", "config/a.c"), "xa_log.*edge"),
    ("log from beside main", calling("xa_log_info", "core/privileges.c"), "edge"),
    ("perror", calling("perror"), "perror.*edge"),
    ("stderr", {"config/a.c": 'int f(void)\n{\n\treturn fprintf(stderr, "x");\n}\n'}, "edge"),
    (
        "what is allowed",
        {
            "core/main.c": 'void f(void)\n{\n\txa_log_info("x");\n\tprintf("x");\n}\n',
            "core/auditor_reload.c": "void f(void)\n{\n\txa_log(0, 0);\n}\n",
            "core/a.c": "/* strcpy(a, b) */\n__attribute__((format(printf, 1, 2)))\n_Static_assert(1, \"gets(\");\nint f(void)\n{\n"
            "\txa_signal(1);\n\tlocaltime_r(0, 0);\n\treturn snprintf(0, 0, \"rand(\") + s->system(1);\n}\n",
            "tests/unit/test_a.c": "void f(void)\n{\n\tassert(1);\n\txa_log(0, 0);\n}\n",
        },
        None,
    ),
]

if __name__ == "__main__":
    sys.exit(run(check, FIXTURES))
