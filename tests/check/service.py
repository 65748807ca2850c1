# SPDX-License-Identifier: GPL-2.0-or-later
"""The systemd unit is as closed as it was: `systemd-analyze security` rates it, offline."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

from checklib import Missing, Tree, run

UNIT = "packaging/xdp-auditor.service.in"
EXPOSURE_MAX = 1.6
RATING = re.compile(r"Overall exposure level for \S+: ([0-9.]+)")


def rate(text):
    """The exposure. The program need not be installed."""
    text = re.sub(r"^(Exec\w+)=.*", r"\1=/bin/true", text, flags=re.M)
    text = re.sub(r"@\w+@", "/usr", text)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "xdp-auditor.service")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        command = ["systemd-analyze", "security", "--offline=true", "--no-pager", path]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    match = RATING.search(done.stdout)
    if not match:
        raise Missing(f"systemd-analyze rates no unit offline: {done.stderr.strip()}")
    return float(match.group(1))


def check(tree: Tree):
    if not shutil.which("systemd-analyze"):
        raise Missing("no systemd-analyze")
    exposure = rate(tree.text(UNIT))
    if exposure > EXPOSURE_MAX:
        yield f"{UNIT}: exposure is {exposure}, {EXPOSURE_MAX} at most"


FIXTURES = [
    ("open", {UNIT: "[Service]\nExecStart=/bin/true\n"}, r"exposure is 9\.\d, 1\.6 at most"),
]

if __name__ == "__main__":
    sys.exit(run(check, FIXTURES))
