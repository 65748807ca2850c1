# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules that mean harm, in the real daemon, under traffic: each is contained, counted under its
cause, left out after three failures, and costs no packet, no poll, no scrape. The first line of a
script names its cause and, where it is refused, what has to be said of it."""

import os
import pathlib
import re

import siege
from siege import lab

STEPS = 500000
ALL_STEPS = 10**12
# Found where a script is sooner through with its time than with what it is named for; which comes
# first is a matter of the machine.
OR_TIME = ("steps", "memory", "time")
POLLS = 5  # that a harmless script lives through
NEVER_IN_A_ROW = "now_and_then"


class Script:
    def __init__(self, path):
        first = path.read_text(encoding="utf-8").split("\n")[0]
        match = re.fullmatch(r"-- (\w+): (.*?)(?:: ([^:]+))?", first)
        assert match, f"{path}: the first line names no cause"
        self.path = path
        self.name = path.stem
        self.stage = f"lua:{path.stem}"
        self.cause, self.reason = match[1], match[3]
        self.seen = self.cause

    def yaml(self):
        steps = ALL_STEPS if self.cause in ("time", "memory") else STEPS
        return f"lua: {{file: {self.path}, steps: {steps}}}"


def start(world):
    return siege.Rig(world, "  memory: 32MiB\n")


def finish_of(rig, script):
    """What ends an attack: the stage is left out and the healthy ones work, or some polls passed."""
    def polls(watch, reloads):
        first = next(page[1]["poll_count"] for page in watch.pages
                     if page[1]["reloads"] >= reloads)
        return watch.pages[-1][1]["poll_count"] - first

    def passed(watch, reloads):
        lab.wait_for("polls", lambda: watch.check() or (
            watch.pages[-1][1]["reloads"] >= reloads and polls(watch, reloads) >= POLLS))

    def left_out(watch, _):
        def done():
            watch.check()
            scrape = rig.daemon.scrape()
            assert rig.is_disabled(scrape, script.stage), "the stage is not left out"
            return rig.check_healthy(scrape)
        lab.wait_for(f"{script.stage} to be left out and the others to work", done, pause=0.03)
    return passed if script.cause == "none" or script.name == NEVER_IN_A_ROW else left_out


def attack(rig, script):
    return rig.patiently(lambda: attack_once(rig, script))


def attack_once(rig, script):
    outcome = rig.attack(script.yaml(), finish_of(rig, script))
    outcome.check_on_time()
    errors = rig.errors(outcome.scrape, script.stage)
    failures = outcome.lines(f"stage {script.stage} failed cause=")
    last = outcome.lines(f"stage {script.stage} failed 3 times in a row")
    if errors["time"] and script.cause not in OR_TIME:
        raise siege.Late(f"errors: {errors}")
    if script.cause == "none":
        lab.equal("errors", sum(errors.values()), 0)
        lab.equal("complaints", failures + last, [])
    elif script.name == NEVER_IN_A_ROW:
        assert errors.pop("error") >= 2 and not any(errors.values()), f"errors: {errors}"
        assert not rig.is_disabled(outcome.scrape, script.stage), "left out too early"
    else:
        # On a busy machine a bomb may be late before it is out of memory, and a worker's first
        # snapshot, on which scripts behave, comes between.
        known = {script.cause, "time"} if script.cause in OR_TIME else {script.cause}
        count = sum(errors[cause] for cause in known)
        assert count == sum(errors.values()), f"errors: {errors}"
        assert count >= 3 if len(known) > 1 else count == 3, f"errors: {errors}"
        causes = [cause for cause in siege.CAUSES if errors[cause]]
        lab.equal("number of last words", len(last), 1)
        lab.equal("causes in the log", {cause for cause in siege.CAUSES for line in failures
                                        if f"cause={cause}," in line}, set(causes))
        assert len(failures) == len(causes) or count > 3, failures
        script.seen = "/".join(causes)
    assert len(outcome.log) < 1500, f"{len(outcome.log)} lines of log"
    rig.check_unharmed()
    return rig.row(script.name, script.seen, outcome.judged, outcome.poll)


def refuse(rig, script):
    return rig.refused(script.name, script.yaml(), script.name, script.reason)


def case_of(path):
    script = Script(path)

    def case(rig):
        return (refuse if script.cause == "refused" else attack)(rig, script)
    case.__name__ = script.name
    return case


# --- files that are none ----------------------------------------------------------------------

def make_fifo(path):
    os.mkfifo(path)


def make_device(path):
    path.symlink_to("/dev/zero")


def make_folder(path):
    path.mkdir()


def make_nothing(_):
    pass


def make_empty(path):
    path.touch()


def make_binary(path):
    path.write_bytes(bytes(range(256)) * 64)


def make_bytecode(path):
    path.write_bytes(b"\x1bLuaT\x00\x19\x93\r\n\x1a\n\x04\x08\x08" + bytes(200))


def make_large(path):
    path.write_text("return {} --" + "x" * (10 << 20))


FILES = {
    "fifo": (make_fifo, "not a regular file"), "device": (make_device, "not a regular file"),
    "folder": (make_folder, "not a regular file"), "missing": (make_nothing, "No such file"),
    "empty": (make_empty, "has to return a table"), "binary": (make_binary, "file_binary.lua"),
    "bytecode": (make_bytecode, "binary chunk"), "10_megabytes": (make_large, "larger than 1 MiB"),
}


def file_case(name, make, reason):
    def case(rig):
        path = rig.world.dir / f"file_{name}.lua"
        make(path)
        return rig.refused(path.stem, f"lua: {{file: {path}}}", path.stem, reason)
    case.__name__ = f"file_{name}"
    return case


# --- links ------------------------------------------------------------------------------------

LINKED = """local module = require("{}")
return {{ labels = {{ "linked" }}, label = function() return {{ linked = module.text }} end }}
"""


def make_linked(rig, name, module):
    """A rule behind a linked folder, which calls for a module when it is read; its folder."""
    folder = rig.world.dir / f"real_{name}"
    (folder / "lib").mkdir(parents=True)
    (folder / f"{name}.lua").write_text(LINKED.format(module))
    (rig.world.dir / name).symlink_to(folder.name)
    return folder


def link_case(name, target):
    """A module that is a link out of the rule's folder: nothing of its target is read, and so
    nothing of it is in what Lua says."""
    def case(rig):
        siege.need_landlock()
        path = pathlib.Path(target(rig))
        folder = make_linked(rig, f"link_to_{name}", "leak")
        (folder / "leak.lua").symlink_to(path)
        file = rig.world.dir / f"link_to_{name}" / f"link_to_{name}.lua"
        return rig.refused(f"link_to_{name}", f"lua: {{file: {file}}}", "leak.lua",
                           "Permission denied")
    case.__name__ = f"link_to_{name}"
    return case


def secret_of(rig):
    path = rig.world.dir / "secret"
    path.write_text("return 1")
    path.chmod(0o600)
    return path


LINKS = {
    "passwd": lambda _: "/etc/passwd", "shadow": lambda _: "/etc/shadow", "secret": secret_of,
    "environment": lambda rig: f"/proc/{rig.daemon.pid}/environ", "root": lambda _: "/",
}


def is_linked(scrape, text):
    flows = scrape.rows("packets")
    return flows and all(labels.get("linked") == text for labels, _ in flows)


def linked(rig):
    """A rule and its module behind a linked folder whose files are links that are swapped, as
    Kubernetes does it: both are read, also by a worker that is started anew."""
    folder = make_linked(rig, "linked", "lib.part")
    (folder / "lib").rmdir()
    rule = (folder / "linked.lua").rename(rig.world.dir / "linked.lua")
    for version in ("1", "2"):
        (folder / f"..{version}/lib").mkdir(parents=True)
        (folder / f"..{version}/lib/part.lua").write_text(f'return {{ text = "{version}" }}')
        (folder / f"..{version}/linked.lua").write_text(rule.read_text())
    (folder / "..data").symlink_to("..1")
    (folder / "lib").symlink_to("..data/lib")
    (folder / "linked.lua").symlink_to("..data/linked.lua")
    with siege.Observer(rig.daemon):
        rig.reload(f"lua: {{file: {rig.world.dir / 'linked/linked.lua'}}}")
        lab.wait_for("its labels", lambda: is_linked(rig.daemon.scrape(), "1"))
        (folder / "..new").symlink_to("..2")
        (folder / "..new").rename(folder / "..data")
        os.kill(siege.workers(rig.daemon)[0], 9)
        lab.wait_for("its new labels", lambda: is_linked(rig.daemon.scrape(), "2"))
    rig.check_unharmed()


# --- files that change ------------------------------------------------------------------------

GOOD = 'return { labels = { "mended" }, label = function(flow) return { mended = "yes" } end }\n'
BAD = "local trial\n" + GOOD.replace(
    'return { mended = "yes" }',
    'trial = trial or flow.interface == "trial" if not trial then error("bad") end')


def is_mended(scrape):
    flows = scrape.rows("packets")
    return flows and all(labels.get("mended") == "yes" for labels, _ in flows)


def mended(rig):
    """Left out until its file changes, and no longer."""
    path = rig.world.dir / "mended.lua"
    path.write_text(BAD)
    with siege.Observer(rig.daemon):
        rig.reload(f"lua: {{file: {path}}}")
        lab.wait_for("it to be left out", lambda: rig.is_disabled(
            rig.daemon.scrape(), "lua:mended"))
        ready = rig.daemon.get("/-/ready")
        assert ready.status == 200 and "stage lua:mended is disabled: " in ready.text, ready.text
        log = len(rig.daemon.lines)
        path.write_text(GOOD)
        rig.daemon.wait_line("stage lua:mended is tried again: its file has changed", log)
        lab.wait_for("its labels", lambda: is_mended(rig.daemon.scrape()))
        assert not rig.is_disabled(rig.daemon.scrape(), "lua:mended")
    rig.check_unharmed()


def swapped(rig):
    """A file that becomes a FIFO while it runs: the worker that is started next does not wait."""
    path = rig.world.dir / "swapped.lua"
    path.write_text(GOOD.replace("mended", "swapped"))
    rig.reload(f"lua: {{file: {path}}}")
    with siege.Observer(rig.daemon) as watch:
        log = len(rig.daemon.lines)
        path.unlink()
        os.mkfifo(path)
        os.kill(siege.workers(rig.daemon)[0], 9)
        rig.daemon.wait_line("stage lua:swapped failed 3 times in a row cause=error", log)
        lab.wait_for("the others to work", lambda: rig.check_healthy(rig.daemon.scrape()))
    gap = watch.gap(0)
    assert gap < siege.GAP_MAX, f"{gap:.3f} s from one page to the next"
    rig.check_unharmed()


def start_refused(rig):
    """A start with a bad rule ends with 78 and one line, and leaves nothing on the hook."""
    world, wire = rig.world, rig.world.wire("tx1", "mon1")
    for name in ("at_load_loop", "at_trial_pattern"):
        script = Script(siege.RULES / f"{name}.lua")
        config = world.config("mon1", name="start.yaml",
                              extra=f"policy:\n  stages:\n    - {script.yaml()}\n")
        daemon = world.start(wire.monitor, config)
        lab.equal("exit status", daemon.wait(), 78)
        errors = [line for line in daemon.lines if "level=error" in line]
        lab.equal("lines of level error", len(errors), 1)
        assert script.reason in errors[0], errors[0]
        assert wire.monitor.xdp("mon1") is None, "something is attached"


def table(rig):
    return rig.table("script")


def stop(rig):
    """After all of it: every packet, and an end in good order."""
    rig.reload()
    rig.check_healthy(rig.settled())
    rig.check_unharmed()
    more = (siege.memory(rig.daemon) - rig.memory) >> 10
    rig.stop()
    return f"{rig.packets} packets, each counted; {more} KiB of memory more than at the beginning"


CASES = [case_of(path) for path in sorted(siege.RULES.glob("*.lua"))]
CASES += [file_case(name, *how) for name, how in FILES.items()]
CASES += [link_case(name, target) for name, target in LINKS.items()]

if __name__ == "__main__":
    lab.main(lab.Group(start, *CASES, linked, mended, swapped, start_refused, table, stop))
