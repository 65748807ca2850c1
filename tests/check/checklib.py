# SPDX-License-Identifier: GPL-2.0-or-later
"""What the checks share: the files of a tree, C text without comments, and the run itself.

A check is a function from a Tree to findings, one text each, "path:line: what". run() holds it
first against small trees that it has to refuse or accept, then against the real one, so that a
check which can no longer fail fails.
"""

import bisect
import os
import re
import subprocess
import sys
import tempfile

PRODUCT = ("bpf/", "core/", "config/", "plugins/")


class Missing(Exception):
    """A tool that the check needs is not there: the reason to skip."""


class Tree:
    def __init__(self, root, walk=False):
        self.root = root
        self.paths = sorted(set(self._walk() if walk else self._listed() or self._walk()))

    def _listed(self):
        """Tracked files and new ones that are not ignored; nothing where git does not answer."""
        if not os.path.exists(os.path.join(self.root, ".git")):
            return []
        command = ["git", "-c", "safe.directory=*", "-C", self.root, "ls-files", "-z"]
        command += ["--cached", "--others", "--exclude-standard"]
        try:
            out = subprocess.run(command, capture_output=True, check=True).stdout
        except (OSError, subprocess.CalledProcessError):
            return []
        names = [os.fsdecode(name) for name in out.split(b"\0") if name]
        return [name for name in names if os.path.isfile(os.path.join(self.root, name))]

    def _walk(self):
        for folder, folders, files in os.walk(self.root):
            folders[:] = [
                name
                for name in folders
                if name not in (".git", "__pycache__")
                and not os.path.exists(os.path.join(folder, name, "meson-private"))
            ]
            for name in files:
                full = os.path.join(folder, name)
                if os.path.isfile(full):
                    yield os.path.relpath(full, self.root)

    def select(self, *suffixes, under=("",)):
        return [p for p in self.paths if p.endswith(suffixes) and p.startswith(tuple(under))]

    def has(self, path):
        at = bisect.bisect_left(self.paths, path)
        return at < len(self.paths) and self.paths[at] == path

    def text(self, path):
        full = os.path.join(self.root, path)
        with open(full, encoding="utf-8", errors="replace", newline="") as file:
            return file.read()


_C_TOKEN = re.compile(
    r"""//(?:[^\n\\]|\\.)*|/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'""", re.S
)


def _blank(text):
    return re.sub(r"[^\n]", " ", text)


def c_code(text, strings=False):
    """C text of the same shape with its comments, and its literals' contents too, made blank."""

    def replace(match):
        token = match.group()
        if token[0] == "/":
            return _blank(token)
        return token if strings else token[0] + _blank(token[1:-1]) + token[0]

    return _C_TOKEN.sub(replace, text)


def c_without_directives(code):
    """The same shape again, without what the preprocessor reads."""
    return re.sub(r"^[ \t]*#(?:[^\n\\]|\\.)*", lambda m: _blank(m.group()), code, flags=re.M | re.S)


class Unit:
    """A statement at file scope: its text with bodies as {}, and the last body's place and text."""

    def __init__(self, line):
        self.line = line
        self.text = ""
        self.body = ""
        self.first = self.last = 0

    def is_function(self):
        head = self.text.removesuffix("{}").rstrip()
        return head != self.text and head.endswith(")") and "=" not in head

    def name(self):
        names = re.findall(r"\b(\w+)\s*\(", self.text)
        return next((n for n in names if not n.isupper() and n != "__attribute__"), "?")


def c_units(text):
    """The statements at file scope, in order."""
    unit, depth, line = Unit(1), 0, 1
    for char in c_without_directives(c_code(text)):
        if char == "{":
            if depth == 0:
                unit.text += "{"
                unit.first, unit.body = line, ""
            depth += 1
        elif char == "}":
            depth -= 1
            if depth == 0:
                unit.text += "}"
                unit.last = line
        if depth > 0:
            unit.body += char
        elif char not in "{}":
            if not unit.text and not char.isspace():
                unit.line = line
            if unit.text or not char.isspace():
                unit.text += " " if char.isspace() else char
        if depth == 0 and (char == ";" or (char == "}" and unit.is_function())):
            yield unit
            unit = Unit(line)
        line += char == "\n"


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def _plant(folder, files):
    for path, text in files.items():
        full = os.path.join(folder, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        if text is None:
            os.symlink("nowhere", full)
            continue
        with open(full, "w", encoding="utf-8", newline="") as file:
            file.write(text)


def _on_fixture(check, files):
    with tempfile.TemporaryDirectory() as folder:
        _plant(folder, files)
        return list(check(Tree(folder, walk=True)))


def _self_test(check, label, files, wanted):
    """One text that says what went wrong, or None. `wanted` None: nothing may be found."""
    found = _on_fixture(check, files)
    if wanted is None:
        return f"self-test '{label}': refuses what is right: {found}" if found else None
    if len(found) == 1 and re.search(wanted, found[0]):
        return None
    return f"self-test '{label}': has to find just /{wanted}/, found {found}"


def run(check, fixtures):
    """Exit code of the whole check. `fixtures`: (label, {path: text, or None for a link that
    leads nowhere}, pattern of the one finding or None)."""
    passed = failed = 0
    try:
        for label, files, wanted in fixtures:
            wrong = _self_test(check, label, files, wanted)
            if wrong:
                print(wrong)
            passed, failed = passed + (not wrong), failed + bool(wrong)
        findings = list(check(Tree(os.path.abspath(sys.argv[1]))))
    except Missing as reason:
        print(f"skipped: {reason}")
        return 77
    for finding in findings:
        print(finding)
    passed, failed = passed + (not findings), failed + bool(findings)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0
