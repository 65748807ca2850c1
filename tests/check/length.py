# SPDX-License-Identifier: GPL-2.0-or-later
"""No function has more than 80 lines from its opening brace to its closing one. How long they are
on the whole (half under 15, nine in ten under 60) is said and has to hold as well."""

import sys

from checklib import PRODUCT, Tree, c_units, run

LONGEST = 80
# Of that part of all functions, none may be longer. A handful of functions proves no habit.
HABIT = ((0.5, 15), (0.9, 60))
ENOUGH = 20


def functions(tree):
    for path in tree.select(".c", ".h", under=PRODUCT):
        for unit in c_units(tree.text(path)):
            if unit.is_function():
                yield unit.last - unit.first + 1, path, unit


def check(tree: Tree):
    lengths = []
    for length, path, unit in functions(tree):
        lengths.append(length)
        if length > LONGEST:
            yield f"{path}:{unit.line}: {unit.name()}() has {length} lines, {LONGEST} at most"
    lengths.sort()
    for part, limit in HABIT if len(lengths) >= ENOUGH else ():
        length = lengths[int(len(lengths) * part)]
        if length > limit:
            yield f"{part:.0%} of the functions are to have {limit} lines at most, not {length}"


def function(name, length):
    return f"static int {name}(int a)\n{{\n" + "\ta++;\n" * (length - 2) + "}\n\n"


FIXTURES = [
    ("too long", {"core/a.c": function("f", 80) + function("g", 81)}, r"a\.c:83: g\(\) has 81"),
    ("in a header", {"bpf/a.h": function("f", 200)}, r"f\(\) has 200 lines"),
    (
        "with macros",
        {"core/a.c": 'SEC("xdp") int f(void *a) __attribute__((x))\n{\n' + "\n" * 90 + "}\n"},
        r"f\(\) has 92 lines",
    ),
    ("half are long", {"core/a.c": function("f", 16) * 20}, "50% of .* 15 lines at most, not 16"),
    ("a tenth is long", {"core/a.c": function("f", 9) * 27 + function("g", 61) * 3}, "90% of"),
    ("as it should be", {"core/a.c": function("f", 15) * 20 + function("g", 80)}, None),
]

if __name__ == "__main__":
    sys.exit(run(check, FIXTURES))
