# SPDX-License-Identifier: GPL-2.0-or-later
"""Every test that is written is run: what meson says that it runs, held against the files that
are there. Fuzz targets are built on request only and have to be named in their folder's
meson.build."""

import fnmatch
import json
import os
import sys

from checklib import Missing, Tree, run

# Programs: a test's command has to name them. Sources: a test has to run what is built of them.
PROGRAMS = """
tests/bpf/*.py tests/bpf/*.sh tests/check/*.py tests/e2e/*.py tests/golden/*.py tests/golden/*.sh
tests/hostile/*.py tests/plugins/*.py tests/reference/test_*.py
""".split()
SOURCES = ["tests/bpf/*.c", "tests/golden/*.c", "tests/hostile/*.c", "tests/unit/*.c"]
NAMED = ["tests/fuzz/fuzz_*.c"]
LIBRARIES = (
    "tests/check/checklib.py",
    "tests/e2e/lab.py",
    "tests/e2e/policylab.py",
    "tests/golden/lib.sh",
    "tests/hostile/siege.py",
    "tests/plugins/pluginlib.py",
)


def matching(tree, patterns):
    names = [p for p in tree.paths if any(fnmatch.fnmatchcase(p, pattern) for pattern in patterns)]
    return [name for name in names if name not in LIBRARIES]


def build_folder(tree):
    if os.path.realpath(tree.root) != os.path.realpath(sys.argv[1]):
        return os.path.join(tree.root, "build")
    if len(sys.argv) < 3:
        raise Missing("needs the build folder as its second argument")
    return sys.argv[2]


def introspected(tree, name):
    with open(os.path.join(build_folder(tree), "meson-info", f"intro-{name}.json")) as file:
        return json.load(file)


def run_by_tests(tree):
    """Paths of the tree that a test's command names, and the sources of the programs in them."""

    def full(path):
        return os.path.realpath(os.path.join(tree.root, path))

    words = {full(word) for test in introspected(tree, "tests") for word in test["cmd"]}
    for target in introspected(tree, "targets"):
        if words & {full(name) for name in target["filename"]}:
            words |= {full(s) for part in target["target_sources"] for s in part.get("sources", ())}
    root = os.path.realpath(tree.root)
    return {os.path.relpath(word, root) for word in words}


def check(tree: Tree):
    there = run_by_tests(tree)
    for path in matching(tree, PROGRAMS + SOURCES):
        if path not in there:
            yield f"{path}: no test runs it: register it in the meson.build beside it"
    for path in matching(tree, NAMED):
        folder, _, name = path.rpartition("/")
        beside = f"{folder}/meson.build"
        if not tree.has(beside) or name.removesuffix(".c") not in tree.text(beside):
            yield f"{path}: not named in {beside}"


def house(tests, targets, *paths, **texts):
    targets = [
        {"filename": [name], "target_sources": [{"sources": sources}, {}]}
        for name, sources in targets.items()
    ]
    files = {path: "" for path in paths} | {
        "build/meson-info/intro-tests.json": json.dumps([{"cmd": command} for command in tests]),
        "build/meson-info/intro-targets.json": json.dumps(targets),
    }
    return files | {name.replace("__", "/") + "/meson.build": text for name, text in texts.items()}


UNIT = {"build/test_a": ["tests/unit/test_a.c", "core/a.c"]}
FIXTURES = [
    ("not built", house([], {}, "tests/unit/test_a.c"), r"tests/unit/test_a\.c: no test"),
    ("built, not run", house([["build/other"]], UNIT, "tests/unit/test_a.c"), r"unit/test_a\.c"),
    ("bpf", house([], {}, "tests/bpf/test_filter.c"), r"tests/bpf/test_filter\.c"),
    ("e2e", house([["python3", "tests/e2e/a.py"]], {}, "tests/e2e/b.py"), r"e2e/b\.py"),
    ("golden", house([], {}, "tests/golden/run_config.sh"), r"run_config\.sh"),
    ("check", house([], {}, "tests/check/new.py"), r"check/new\.py"),
    ("fuzz, nowhere", house([], {}, "tests/fuzz/fuzz_a.c"), r"fuzz_a\.c: not named"),
    (
        "fuzz, another",
        house([], {}, "tests/fuzz/fuzz_a.c", tests__fuzz="fuzz_b"),
        r"fuzz_a\.c: not named",
    ),
    (
        "all there",
        house(
            [["python3", "-B", "tests/e2e/a.py", "build/x"], ["build/test_a"]],
            UNIT,
            "tests/e2e/a.py",
            "tests/e2e/lab.py",
            "tests/unit/test_a.c",
            "tests/fuzz/fuzz_a.c",
            "tests/reference/frames.py",
            tests__fuzz="fuzz_a",
        ),
        None,
    ),
]

if __name__ == "__main__":
    sys.exit(run(check, FIXTURES))
