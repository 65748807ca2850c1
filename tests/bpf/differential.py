# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes frames, asks the reference about them, and has `differential` compare that with the kernel
program and with the user-space parser; then the same for captures that nobody here made."""

import argparse
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../reference"))
import frames

SKIPPED = 77


class Bench:
    """The program that compares, and a folder for what it reads."""

    def __init__(self, program, folder):
        self.program = program
        self.corpus = os.path.join(folder, "frames")
        self.expected = os.path.join(folder, "expected")

    def compare(self, title, made):
        """The program's exit code, and the number of frames."""
        begin = time.monotonic()
        count = frames.both_files(self.corpus, self.expected, made)
        middle = time.monotonic()
        done = subprocess.run([self.program, self.corpus, self.expected], check=False)
        print(
            f"{title}: exit code {done.returncode}; reference {middle - begin:.1f} s, "
            f"comparison {time.monotonic() - middle:.1f} s",
            flush=True,
        )
        return done.returncode, count


def readable(folder):
    """(name, frames) of each capture in the folder that the reference can read."""
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".pcap"):
            continue
        try:
            yield name, list(frames.read_pcap(os.path.join(folder, name)))
        except ValueError as error:
            print(f"not compared: {name}: {str(error).rpartition(': ')[2]}")


def compare_captures(bench, folder):
    """All in one go; where that fails, one by one, to name the capture."""
    captures = list(readable(folder))
    every = [frame for _, found in captures for frame in found]
    code, _ = bench.compare(f"{len(captures)} captures", every)
    if code:
        for name, found in captures:
            bench.compare(name, found)
    return code


def main():
    options = argparse.ArgumentParser(description="Compares three parsers of frames.")
    options.add_argument("program", help="the built `differential`")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--count", type=int, default=1000000)
    options.add_argument("--captures", metavar="FOLDER")
    args = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(args.program, folder)
        code, _ = bench.compare("no frames", [])
        if code == SKIPPED:
            return SKIPPED
        codes = [code]
        made = frames.generate(args.seed, args.count)
        code, count = bench.compare(f"{args.count} frames of seed {args.seed}", made)
        codes += [code, int(count != args.count)]
        skipped = 0
        if args.captures and os.path.isdir(args.captures):
            codes.append(compare_captures(bench, args.captures))
        elif args.captures:
            print(f"skipped: no captures at {args.captures}")
            skipped = 1
    failed = sum(code != 0 for code in codes)
    print(f"{len(codes) - failed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
