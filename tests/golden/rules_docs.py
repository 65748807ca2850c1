# SPDX-License-Identifier: GPL-2.0-or-later
"""The commands of docs/rules.md print what the page says that they print; files are those of the
page, in front of the command.

    rules_docs.py [--update] XDP_AUDITOR
"""

import os
import pathlib
import sys
import tempfile

from config_docs import BLOCK, ROOT, Case, clean_environment, console

PAGE = ROOT / "docs/rules.md"


def commands(case, folder):
    """The page, with what its commands print now."""
    text = PAGE.read_text()
    environment = clean_environment(case, folder)
    new, at = "", 0
    for match in BLOCK.finditer(text):
        language, name, body = match.groups()
        if name:
            (folder / name).write_text(body)
        if language == "console":
            place = f"docs/rules.md:{text.count(chr(10), 0, match.start()) + 1}"
            new += text[at : match.start(3)] + console(case, place, body, folder, environment)
            at = match.end(3)
    return new + text[at:]


def main(arguments):
    case = Case(os.path.realpath(arguments[-1]), "--update" in arguments)
    with tempfile.TemporaryDirectory() as name:
        page = commands(case, pathlib.Path(name))
    if case.update:
        PAGE.write_text(page)
    return case.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
