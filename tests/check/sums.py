# SPDX-License-Identifier: GPL-2.0-or-later
"""The sum that scripts/test ends in counts right, and is no success where nothing ran or one test
failed."""

import json
import os
import subprocess
import sys
import tempfile

SUMMARY = os.path.join(os.path.abspath(sys.argv[1]), "scripts", "summary.py")
CMOCKA = """[==========] Running 4 test(s).
[  SKIPPED ] test_c
[  PASSED  ] 2 test(s).
[  SKIPPED ] 1 test(s), listed below:
[  SKIPPED ] test_c
"""


def test(result, stdout="", stderr=""):
    return {"name": "a", "result": result, "duration": 1.0, "stdout": stdout, "stderr": stderr}


CASES = [
    ("nothing", [], [], "0 passed, 0 failed, 0 skipped", 1),
    ("a test that does not count", [test("OK")], [], "1 passed, 0 failed, 0 skipped", 0),
    ("no log", None, [], "0 passed, 1 failed, 0 skipped", 1),
    ("all skipped", [test("SKIP", "skipped: no root")], [], "0 passed, 0 failed, 1 skipped", 1),
    ("cases", [test("OK", "7 passed, 0 failed, 2 skipped")], [], "7 passed, 0 failed, 2 skipped", 0),
    ("cmocka", [test("OK", "", CMOCKA)], [], "2 passed, 0 failed, 1 skipped", 0),
    ("unittest", [test("OK", "", "Ran 9 tests in 1.0s\n")], [], "9 passed, 0 failed, 0 skipped", 0),
    ("golden", [test("FAIL", "9 cases, 2 failures\n")], [], "7 passed, 2 failed, 0 skipped", 1),
    ("a crash", [test("FAIL", "7 passed, 0 failed")], [], "7 passed, 1 failed, 0 skipped", 1),
    ("a timeout", [test("TIMEOUT"), test("OK")], [], "1 passed, 1 failed, 0 skipped", 1),
    ("cases fail", [test("FAIL", "1 passed, 3 failed")], [], "1 passed, 3 failed, 0 skipped", 1),
    ("a lie", [test("OK", "1 passed, 3 failed")], [], "1 passed, 3 failed, 0 skipped", 1),
    ("builds", [test("OK")], ["clang=failed", "x=ok"], "2 passed, 1 failed, 0 skipped", 1),
]


def wrong(log, arguments, last, code):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "log.json")
        if log is not None:
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(json.dumps(line) + "\n" for line in log)
        command = [sys.executable, "-B", SUMMARY, f"plain={path}", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = done.stdout.rstrip("\n").rpartition("\n")[2]
    return None if (said, done.returncode) == (last, code) else (said, done.returncode, done.stderr)


def main():
    failed = 0
    for label, *case in CASES:
        found = wrong(*case)
        if found:
            print(f"{label}: wanted {case[2:]}, got {found}")
            failed += 1
    print(f"{len(CASES) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
