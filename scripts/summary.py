# SPDX-License-Identifier: GPL-2.0-or-later
"""What scripts/test prints at its end, from meson's logs of the runs and from single results:

    summary.py LABEL=testlog.json... LABEL=ok|failed|skipped[:REASON]...

A table of the tests, why something was skipped, and as its last line the sum. What counts is the
cases of a test where it says their number, else the test. Exit code 0 only if something passed and
nothing failed.
"""

import json
import re
import sys

CLOSING = re.compile(r"^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.M)
GOLDEN = re.compile(r"^(\d+) cases, (\d+) failures$", re.M)
CMOCKA = {
    "ok": re.compile(r"^\[  PASSED  \] (\d+) test", re.M),
    "failed": re.compile(r"^\[  FAILED  \] [^\n]*?(\d+) test", re.M),
    "skipped": re.compile(r"^\[  SKIPPED \] [^\n]*?(\d+) test", re.M),
}
UNITTEST = re.compile(r"^Ran (\d+) tests? in ", re.M)
UNITTEST_SKIPPED = re.compile(r"^OK \(.*?skipped=(\d+)", re.M)
REASON = re.compile(r"^skip(?:ped|ping)?\b[: ]*(.+)$", re.M | re.I)
RESULTS = {"OK": "ok", "EXPECTEDFAIL": "ok", "SKIP": "skipped"}


class Result:
    def __init__(self, label, outcome, seconds=0.0, text=""):
        self.label = label
        self.outcome = outcome
        self.seconds = seconds
        self.reasons = REASON.findall(text)
        self.cases = self._cases(text)

    def _said(self, text):
        """Passed, failed and skipped, as the test says; zeros where it says nothing."""
        closing = CLOSING.findall(text)
        if closing:
            return [int(number or 0) for number in closing[-1]]
        golden = GOLDEN.findall(text)
        if golden:
            cases, failed = (int(number) for number in golden[-1])
            return [cases - failed, failed, 0]
        ran = sum(int(number) for number in UNITTEST.findall(text))
        if ran:
            skipped = sum(int(number) for number in UNITTEST_SKIPPED.findall(text))
            return [ran - skipped, 0, skipped]
        return [sum(int(n) for n in pattern.findall(text)) for pattern in CMOCKA.values()]

    def _cases(self, text):
        passed, failed, skipped = self._said(text)
        if self.outcome == "ok":
            return (passed, failed, skipped) if passed else (1, failed, skipped)
        if self.outcome == "skipped":
            return (0, 0, skipped or 1)
        return (passed, failed or 1, skipped)

    def row(self):
        cases = "/".join(str(number) for number in self.cases)
        return f"{self.outcome:8} {self.seconds:7.1f} s  {cases:>12}  {self.label}"


def from_log(label, path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            test = json.loads(line)
            text = (test.get("stdout") or "") + "\n" + (test.get("stderr") or "")
            outcome = RESULTS.get(test["result"], "failed")
            name = test["name"].removeprefix("xdp-auditor:")
            yield Result(f"{label}: {name}", outcome, test["duration"], text)


def results(arguments):
    for argument in arguments:
        label, _, value = argument.partition("=")
        outcome, _, reason = value.partition(":")
        if outcome in ("ok", "failed", "skipped"):
            yield Result(label, outcome, text=f"skipped: {reason}" if reason else "")
            continue
        try:
            yield from from_log(label, value)
        except (OSError, ValueError) as error:
            yield Result(f"{label}: no results: {error}", "failed")


def main():
    done = list(results(sys.argv[1:]))
    print(f"\n{'result':8} {'time':>9}  {'ok/bad/skip':>12}  test")
    for result in done:
        print(result.row())
    skipping = [result for result in done if result.cases[2]]
    if skipping:
        print("\nskipped:")
    for result in skipping:
        for reason in result.reasons or ["it gives no reason"]:
            print(f"  {result.label}: {reason}")
    passed, failed, skipped = (sum(result.cases[i] for result in done) for i in range(3))
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
