# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules that ship reach for nothing that a rule cannot reach, as luacheck sees it, and each has its
tests."""

import os
import re
import shutil
import subprocess
import sys

from checklib import Missing, Tree, run

CONFIG = os.path.join(os.path.abspath(sys.argv[1]), "lua", ".luacheckrc")
TYPES = "lua/xa.d.lua"


def rules(tree):
    return [p for p in tree.select(".lua", under=("lua/",)) if p.count("/") == 1 and p != TYPES]


def tested(tree):
    """Rule files that tests name."""
    named = set()
    for path in tree.select(".yaml", under=("lua/tests/",)):
        for name in re.findall(r"\bfile: \.\./([\w/]+\.lua)\b", tree.text(path)):
            named.add(f"lua/{name}")
    return named


def check(tree: Tree):
    if not shutil.which("luacheck"):
        raise Missing("no luacheck (lua-check)")
    command = ["luacheck", "--config", CONFIG, "--formatter", "plain", "--codes", "lua"]
    done = subprocess.run(command, cwd=tree.root, capture_output=True, text=True, check=False)
    yield from (line for line in (done.stdout + done.stderr).splitlines() if line)
    there = tested(tree)
    for path in rules(tree):
        if path not in there:
            yield f"{path}: no file in lua/tests names it"


TEST = {"lua/tests/a.yaml": "stages:\n  - lua: {file: ../a.lua}\n"}
FIXTURES = [
    ("a library", {"lua/a.lua": "return os\n"} | TEST, r"a\.lua:1:8: .*'os'"),
    ("a word of its own", {"lua/a.lua": "count = 1\nreturn {}\n"} | TEST, "global.*'count'"),
    ("nothing like it in xa", {"lua/a.lua": "return xa.cird\n"} | TEST, "field 'cird'"),
    ("no test", {"lua/a.lua": "return {}\n"}, r"lua/a\.lua: no file"),
    (
        "as it should be",
        {"lua/a.lua": "xa.state.a = xa.now()\nreturn {}\n", "lua/lib/b.lua": "return {}\n"} | TEST,
        None,
    ),
]

if __name__ == "__main__":
    sys.exit(run(check, FIXTURES))
