# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules for text as text: nothing left over, nothing of one machine, licensed, and scripts parse.
The words that are looked for stand here in pieces, so that this file may pass its own check."""

import os
import re
import shutil
import subprocess
import sys

from checklib import Missing, Tree, run

MARKERS = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK|TB" r"D)\b|not imple" r"mented")
ONE_MACHINE = re.compile(r"(?:^|[^\w.~}\])])(/(?:work|root|farm|home|Users)/[\w.])")
SPDX = "SPDX-License-Identifier: GPL-2.0-or-later"
LICENSED = (".c", ".h", ".py", ".sh", ".lua", "meson.build", "meson_options.txt")
# Data of tests: bytes as they have to be.
DATA = ("tests/golden/", "tests/fuzz/")
NO_DATA = (".py", ".sh", ".c", ".h", ".build")
VERBATIM = ("LICENSE",)


def is_binary(tree, path):
    with open(os.path.join(tree.root, path), "rb") as file:
        return b"\0" in file.read(8192)


def is_data(path):
    return path in VERBATIM or (path.startswith(DATA) and not path.endswith(NO_DATA))


def in_lines(path, lines):
    for number, line in enumerate(lines, 1):
        if MARKERS.search(line):
            yield f"{path}:{number}: left over: {MARKERS.search(line).group()}"
        if ONE_MACHINE.search(line):
            yield f"{path}:{number}: a path of one machine: {ONE_MACHINE.search(line).group(1)}"
        if line != line.rstrip():
            yield f"{path}:{number}: trailing whitespace"


def licence(path, text):
    if not (path.endswith(LICENSED) or text.startswith("#!")):
        return
    if not any(SPDX in line for line in text.split("\n")[:3]):
        yield f"{path}:1: the first lines do not say {SPDX}"


def syntax(tree, path, text):
    if re.match(r"#!.*\b(ba)?sh\b", text) or path.endswith(".sh"):
        done = subprocess.run(
            ["bash", "-n", path], cwd=tree.root, capture_output=True, text=True, check=False
        )
        if done.returncode:
            yield f"{path}: bash -n: {done.stderr.strip()}"
    if path.endswith(".py"):
        try:
            compile(text, path, "exec")
        except (SyntaxError, ValueError) as error:
            yield f"{path}:{getattr(error, 'lineno', 1)}: {error}"


def check(tree: Tree):
    if not shutil.which("bash"):
        raise Missing("no bash")
    for path in tree.paths:
        if is_binary(tree, path) or is_data(path):
            continue
        text = tree.text(path)
        yield from in_lines(path, text.split("\n"))
        if text and not text.endswith("\n"):
            yield f"{path}: the last line does not end"
        yield from licence(path, text)
        yield from syntax(tree, path, text)


C = f"/* {SPDX} */\n"
PY = f"# {SPDX}\n"
FIXTURES = [
    (f"marker {word}", {"core/a.c": f"{C}/* {word}: later */\n"}, r"a\.c:2: left over")
    for word in ("TO" "DO", "FIX" "ME", "XX" "X", "HA" "CK", "not imple" "mented")
]
FIXTURES += [
    (f"path in {name}", {"docs/a.md": f"see `/{name}/x`\n"}, r"a\.md:1: a path of one machine")
    for name in ("work", "root", "home", "farm")
]
FIXTURES += [
    ("blank at the end", {"README.md": "a \nb\n"}, r"README\.md:1: trailing"),
    ("tab at the end", {"config/a.yaml": "a:\t\n"}, "trailing"),
    ("carriage return", {"docs/a.md": "a\r\n"}, "trailing"),
    ("no end", {"docs/a.md": "a"}, "does not end"),
    ("no licence in C", {"core/a.h": "int a;\n"}, r"a\.h:1: the first lines"),
    ("no licence in Python", {"tests/a.py": "a = 1\n"}, "first lines"),
    ("no licence in meson", {"core/meson.build": "a = 1\n"}, "first lines"),
    ("no licence in a script", {"scripts/a": "#!/usr/bin/env bash\n:\n"}, "first lines"),
    ("another licence", {"lua/a.lua": f"-- {SPDX[:-12]}3.0-only\n"}, "first lines"),
    ("late licence", {"core/a.c": f"\n\n\n{C}"}, "first lines"),
    ("link to nowhere", {"docs/a.md": None}, None),
    ("bash", {"scripts/a": f"#!/bin/bash\n{PY}if true; then\n"}, "scripts/a: bash -n"),
    ("sh", {"tests/golden/a.sh": f"#!/bin/sh\n{PY}echo 'a\n"}, r"golden/a\.sh: bash -n"),
    ("python", {"tests/e2e/a.py": f"{PY}def a(:\n"}, r"a\.py:2: "),
    (
        "right",
        {
            "core/a.c": C + '/* a XX" "X of mktemp XXXXXX */\n',
            "scripts/a": f"#!/usr/bin/env bash\n{PY}echo a/work/b ~/home/x $HOME/root/ /proc/1/root/\n",
            "tests/golden/config/tabs.yaml": "a:\t \n",
            "lua/a.lua": f"-- {SPDX}\n",
            "a.bin": "\0 ",
            "docs/a.md": "a\n",
        },
        None,
    ),
]

if __name__ == "__main__":
    sys.exit(run(check, FIXTURES))
