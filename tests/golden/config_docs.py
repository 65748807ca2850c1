# SPDX-License-Identifier: GPL-2.0-or-later
"""What documents say of the configuration is what the program says.

    config_docs.py [--update] XDP_AUDITOR	generated texts, and every command of the manual
    config_docs.py --daemon XDP_AUDITOR	the reloads of the manual, with a daemon of its own

In docs/configuration.md a block `yaml NAME` is a file, a block `console` is commands behind `$ `
with their outcome, and a block `console daemon` is a daemon, what is done to it, and lines that its
log gets. All run in one folder, in their order. --update writes what is generated, and the outcomes.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
MANUAL = ROOT / "docs/configuration.md"
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.M | re.S)
GENERATED = [
    ("config/xdp-auditor.schema.json", ["--schema"], None, None),
    (MANUAL, ["--reference"], "<!-- keys: ", "<!-- end of keys"),
    ("docs/xdp-auditor.yaml.5.scd", ["--reference=scdoc"], "; keys: ", "; end of keys"),
]
LOG_SECONDS = 20


class Case:
    """The program under test and the tally."""

    def __init__(self, program, update):
        self.program, self.update = program, update
        self.passed = self.failed = self.skipped = 0

    def check(self, label, fault):
        self.passed, self.failed = self.passed + (not fault), self.failed + bool(fault)
        if fault:
            print(f"FAIL {label}: {fault}")

    def config(self, *options):
        command = [self.program, "config", *options]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def end(self):
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        return 1 if self.failed else 0 if self.passed else 77


def between(text, first, last):
    """Offsets of what stands between the lines that begin with the two marks."""
    start = re.search(rf"^{re.escape(first)}.*\n", text, re.M).end()
    return start, re.compile(rf"^{re.escape(last)}", re.M).search(text, start).start()


def generated(case):
    for path, options, first, last in GENERATED:
        text = (ROOT / path).read_text()
        start, end = between(text, first, last) if first else (0, len(text))
        want = case.config(*options)
        if case.update:
            (ROOT / path).write_text(text[:start] + want + text[end:])
        same = case.update or text[start:end] == want
        case.check(path, not same and f"is not what config {' '.join(options)} prints")


def yaml_keys(text):
    """Full keys of a file that is laid out like the shipped one."""
    section = ""
    for line in text.splitlines():
        match = re.match(r"( *)(\w+):(.*)", line)
        if match and not match[1]:
            section = "" if match[3].strip() else match[2] + "."
        if match and (match[1] or match[3].strip()):
            yield (section if match[1] else "") + match[2]


def keys(case):
    """Every key that there is stands in all that claims to have all."""
    want = case.config("--keys").split()
    shipped = (ROOT / "config/xdp-auditor.yaml").read_text()
    found = {
        "config --defaults": list(yaml_keys(case.config("--defaults"))),
        "config --effective": list(yaml_keys(case.config("--effective"))),
        "config/xdp-auditor.yaml": list(yaml_keys(shipped)),
        "docs/configuration.md": re.findall(r"^\| `([\w.]+)` \|", MANUAL.read_text(), re.M),
        "docs/xdp-auditor.yaml.5.scd": re.findall(
            r"^\*([\w.]+)\*$", (ROOT / "docs/xdp-auditor.yaml.5.scd").read_text(), re.M
        ),
    }
    for label, have in found.items():
        case.check(label, have != want and f"has the keys {have}, not {want}")


def clean_environment(case, folder):
    """Nothing of the caller's but the path, the program in front of it, and the sanitizers' options."""
    tools = folder / ".bin"
    tools.mkdir()
    (tools / "xdp-auditor").symlink_to(case.program)
    kept = {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
    return kept | {"PATH": f"{tools}:{os.environ['PATH']}", "LC_ALL": "C"}


def shell(command, folder, environment):
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, text=True, check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return done.stdout


def steps(body, prompt):
    """Pairs of a command and the text below it."""
    for part in re.split(rf"^{re.escape(prompt)} ", body, flags=re.M)[1:]:
        command, _, below = part.partition("\n")
        yield command, below


def console(case, place, body, folder, environment):
    made = ""
    for command, want in steps(body, "$"):
        out = shell(command, folder, environment)
        made += f"$ {command}\n{out}"
        fault = out != want and not case.update and f"{command}\nprints\n{out}not\n{want}"
        case.check(place, fault)
    return made


def blocks(text, folder):
    """The console blocks; files are written on the way."""
    for match in BLOCK.finditer(text):
        language, name, body = match.groups()
        if language == "yaml":
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(body)
        elif language == "console":
            yield match, text.count("\n", 0, match.start()) + 1, name == "daemon"


def commands(case):
    text = MANUAL.read_text()
    new, at = "", 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        environment = clean_environment(case, folder)
        for match, line, daemon in blocks(text, folder):
            if daemon:
                continue
            place = f"docs/configuration.md:{line}"
            made = console(case, place, match[3], folder, environment)
            new += text[at : match.start(3)] + made
            at = match.end(3)
    if case.update:
        MANUAL.write_text(new + text[at:])


class Daemon:
    """A daemon in a network namespace of its own, which ends with it."""

    def __init__(self, command, folder, environment):
        self.log = folder / "log"
        inside = f"ip link set lo up && exec {command.removesuffix('&')}"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                ["unshare", "--net", "--", "bash", "-c", inside],
                cwd=folder, env=environment, stdin=subprocess.DEVNULL, stderr=log, stdout=log,
            )  # fmt: skip
        self.read = 0

    def wait_for(self, wanted):
        """None once all lines have come in their order, else what came instead."""
        deadline = time.monotonic() + LOG_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            lines = [line.partition(" ")[2] for line in self.log.read_text().splitlines()]
            rest = iter(lines[self.read :])
            if all(line in rest for line in wanted):
                self.read = len(lines)
                return None
            time.sleep(0.02)
        return f"the log never has {wanted} behind line {self.read}:\n{self.log.read_text()}"

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(LOG_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def reloads(case, line, body, folder, environment):
    daemon = None
    try:
        for command, below in steps(body, "#"):
            if daemon is None:
                daemon = Daemon(command, folder, environment)
            else:
                shell(command.replace("%1", str(daemon.process.pid)), folder, environment)
            if below:
                case.check(f"docs/configuration.md:{line}", daemon.wait_for(below.splitlines()))
    finally:
        if daemon:
            daemon.end()


def missing_rights():
    """What a daemon of its own lacks here; None if nothing."""
    if os.geteuid():
        return "not root"
    for tool in "unshare", "ip":
        if not shutil.which(tool):
            return f"no {tool}"
    done = subprocess.run(["unshare", "--net", "true"], capture_output=True, text=True, check=False)
    return done.stderr.strip() if done.returncode else None


def with_daemon(case):
    reason = missing_rights()
    if reason:
        print(f"skipped: {reason}")
        case.skipped += 1
        return
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        environment = clean_environment(case, folder)
        for match, line, daemon in blocks(MANUAL.read_text(), folder):
            if daemon:
                reloads(case, line, match[3], folder, environment)


def main(arguments):
    update, daemon = "--update" in arguments, "--daemon" in arguments
    case = Case(os.path.realpath(arguments[-1]), update)
    if daemon:
        with_daemon(case)
    else:
        generated(case)
        keys(case)
        commands(case)
    return case.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
