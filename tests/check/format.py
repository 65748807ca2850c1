# SPDX-License-Identifier: GPL-2.0-or-later
"""clang-format 14 leaves every C file as it is. Other versions lay out some things otherwise, so
that only this one may judge."""

import os
import re
import shutil
import subprocess
import sys

from checklib import Missing, Tree, run

VERSION = "14"
STYLE = os.path.join(os.path.abspath(sys.argv[1]), ".clang-format")
FIRST = re.compile(r"^(?P<path>[^:\n]+):(?P<line>\d+):\d+: error: ", re.M)


def formatter():
    seen = []
    for name in (f"clang-format-{VERSION}", "clang-format"):
        if not shutil.which(name):
            continue
        out = subprocess.run([name, "--version"], capture_output=True, text=True, check=True).stdout
        version = re.search(r"version (\d+)", out).group(1)
        if version == VERSION:
            return name
        seen.append(version)
    raise Missing(f"clang-format {VERSION} decides, found {' '.join(seen) or 'none'}")


def check(tree: Tree):
    files = tree.select(".c", ".h")
    if not files:
        return
    command = [formatter(), f"--style=file:{STYLE}", "--dry-run", "-Werror", *files]
    done = subprocess.run(command, cwd=tree.root, capture_output=True, text=True, check=False)
    lines = {}
    for match in FIRST.finditer(done.stderr):
        lines.setdefault(match["path"], []).append(match["line"])
    for path, at in lines.items():
        yield f"{path}:{at[0]}: clang-format -i would change {len(at)} places"
    if done.returncode and not lines:
        yield f"clang-format: {done.stderr}"


FIXTURES = [
    ("spaces", {"core/a.c": "int f(void)\n{\n    return 0;\n}\n"}, r"core/a\.c:2: .*1 places"),
    ("brace", {"core/a.h": "int f(void) {\n\treturn 0;\n}\n"}, r"core/a\.h:1: "),
    ("long", {"core/a.c": f"int f(int a, int b);\nint {'a' * 60}(int {'b' * 60});\n"}, ":2: "),
    ("well laid out", {"core/a.c": "int f(void)\n{\n\treturn 0;\n}\n"}, None),
]

if __name__ == "__main__":
    sys.exit(run(check, FIXTURES))
