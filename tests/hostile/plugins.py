# SPDX-License-Identifier: GPL-2.0-or-later
"""C plugins that mean harm, or are none, in the real daemon, under traffic: one clear line each, the
daemon unharmed, every packet counted."""

import os
import pathlib
import sys

import siege
from siege import lab

DIR = pathlib.Path(sys.argv[3] if len(sys.argv) > 3 else ".").resolve()


def start(world):
    lab.need(b"__asan_init" not in pathlib.Path(world.auditor).read_bytes(),
             "a sanitizer's own answer to a crash is another one")
    lab.need((DIR / "crash_run.so").exists(), f"no plugins in {DIR}")
    return siege.Rig(world, f"  plugin_dir: {DIR}\n")


def yaml(name, **options):
    inner = ", ".join(f"{key}: {value}" for key, value in options.items())
    return f"{name}: {{{inner}}}" if inner else name


def named(case, name):
    case.__name__ = name
    return case


# --- refused ----------------------------------------------------------------------------------

def refused(name, *parts, label=None, **options):
    """At a reload and by `check`."""
    label = label or f"{name}_refused"
    return named(lambda rig: rig.refused(label, yaml(name, **options), name, *parts), label)


REFUSED = [
    refused("no_symbol", "it has no symbol 'xa_plugin'"),
    refused("wrong_abi", "was built for ABI 2 and this program has 1"),
    refused("wrong_size", "has a descriptor of"),
    refused("wrong_name", "is the plugin 'somebody_else'"),
    refused("crash_rum", "there is no such stage", "did you mean 'crash_run'?", label="no_such"),
    refused("crash_open", "was killed by SIGSEGV while the stage was opened"),
    refused("crash_run", "failed on a trial run", "was killed by SIGSEGV while the stage ran"),
    refused("spin_run", "failed on a trial run", "took longer than 2000ms while the stage ran"),
    refused("noisy", "failed on a trial run", "took longer than 2000ms while the stage ran"),
    refused("bad_values", "failed on a trial run", "values that are not valid"),
    refused("wild_write", "failed on a trial run", "was killed by SIG"),
    refused("crash_run", "unknown key 'spare'", label="unknown_option", spare="true"),
]


# --- taken, for they behave on the trial run --------------------------------------------------

def left_out(rig, stage):
    def done(watch, _):
        def is_left_out():
            watch.check()
            scrape = rig.daemon.scrape()
            assert rig.is_disabled(scrape, stage), f"{stage} is not left out"
            return rig.check_healthy(scrape)
        lab.wait_for(f"{stage} to be left out and the others to work", is_left_out, pause=0.03)
    return done


def polls(rig, log_line=None):
    """Some polls pass."""
    def done(watch, reloads):
        log = len(rig.daemon.lines)
        if log_line:
            rig.daemon.wait_line(log_line)
        first = rig.daemon.scrape().value("xdp_auditor_poll_duration_seconds_count")
        lab.wait_for("polls", lambda: watch.check() or rig.daemon.scrape().value(
            "xdp_auditor_poll_duration_seconds_count") >= first + 3)
        assert len(rig.daemon.lines) - log < 400, "too much log"
        assert watch.pages[-1][1]["reloads"] >= reloads
    return done


def attack(rig, label, name, cause, text, options):
    def once():
        outcome = rig.attack(yaml(name, spare_trial="true", **options), left_out(rig, name))
        outcome.check_on_time()
        lab.equal("errors", rig.errors(outcome.scrape, name),
                  before | {cause: before[cause] + 3})
        failures = outcome.lines(f"stage {name} failed cause=")
        lab.equal("complaints", len(failures), 1)
        assert f"cause={cause}, ignoring: " in failures[0] and text in failures[0], failures[0]
        lab.equal("last words", len(outcome.lines(f"stage {name} failed 3 times in a row")), 1)
        assert len(outcome.log) < 450, f"{len(outcome.log)} lines of log"
        return outcome
    rig.reload()  # what a stage of this name did before is forgotten
    before = dict.fromkeys(siege.CAUSES, 0)
    outcome = rig.patiently(once)
    rig.check_unharmed()
    return rig.row(label, cause, outcome.judged, outcome.poll)


def live(name, cause, text, label=None, **options):
    label = label or name
    return named(lambda rig: attack(rig, label, name, cause, text, options), label)


SEGV = "the policy worker was killed by SIGSEGV while the stage ran"
LATE = "the policy worker took longer than 100ms while the stage ran"
LIVE = [
    live("crash_run", "crash", SEGV),
    live("spin_run", "time", LATE),
    live("noisy", "time", LATE),
    live("bad_values", "invalid", "flows have values that are not valid"),
]
LIVE += [live("wild_write", "crash", "the policy worker was killed by SIG",
              label=f"wild_write_{where.replace('-', '_')}", where=where)
         for where in ("column", "before-column", "hidden", "before-hidden", "flows")]


def leak_run(rig):
    """Takes all memory that the worker may have and says that all went well: neither the daemon nor
    the stages beside it run short of any."""
    outcome = rig.attack(yaml("leak_run", spare_trial="true"), polls(rig))
    outcome.check_on_time()
    rig.check_healthy(outcome.scrape)
    rig.check_unharmed()
    return rig.row("leak_run", "none", outcome.judged, outcome.poll)


def crash_close(rig):
    """Crashes where its worker ends in good order, which is when the next reload took over."""
    outcome = rig.attack(yaml("crash_close"), polls(rig))
    rig.check_healthy(outcome.scrape)
    lab.equal("errors", sum(rig.errors(outcome.scrape, "crash_close").values()), 0)
    log = len(rig.daemon.lines)
    rig.reload()
    line = rig.daemon.wait_line("stage crash_close failed cause=crash, ignoring: ", log)
    assert "was killed by SIGSEGV while the stage was closed" in line, line
    rig.check_unharmed()
    return rig.row("crash_close", "crash", outcome.judged, outcome.poll)


def attempt(name):
    def case(rig):
        log = len(rig.daemon.lines)
        outcome = rig.attack(yaml("fork_exec", attempt=name),
                             polls(rig, f"stage fork_exec says: {name} was|fork_exec says"))
        outcome.check_on_time()
        said = {text for _, text in map(siege.message, rig.daemon.lines[log:])
                if "fork_exec says: " in text}
        # the attempt before may still be heard
        assert f"fork_exec says: {name} was refused" in said, said
        assert all(text.endswith(" was refused") for text in said), said
        lab.equal("errors", sum(rig.errors(outcome.scrape, "fork_exec").values()), 0)
        rig.check_healthy(outcome.scrape)
        assert not pathlib.Path("/tmp/xdp-auditor-was-here").exists(), "it wrote a file"
        rig.check_unharmed()
        return rig.row(f"fork_exec_{name}", "none", outcome.judged, outcome.poll)
    return named(case, f"fork_exec_{name}")


ATTEMPTS = [attempt(name) for name in ("fork", "exec", "socket", "open", "create", "kill")]


READER = "read_open:file"
# What it may read, then what it may not.
READ = ("file", "library", "dependency")
UNREAD = ("passwd", "shadow", "secret", "environment", "root")


def what_was_read(rig, log):
    """Of what read_open tried to read: {(name, outcome)}."""
    says = (text.partition(f"{READER} says: ") for _, text in map(siege.message,
                                                                  rig.daemon.lines[log:]))
    return {tuple(said.split(" was ")) for _, found, said in says if found}


def read_open(rig):
    """Reads what is not its own while it is opened, as root, and again in a worker that is started
    anew; what it depends on and what its options name, by a link, it can read."""
    siege.need_landlock()
    (rig.world.dir / "own").mkdir()
    (rig.world.dir / "own/file").write_text("text")
    (rig.world.dir / "link").symlink_to("own")
    secret = rig.world.dir / "secret"
    secret.write_text("text")
    secret.chmod(0o600)
    expected = {(name, "read") for name in READ} | {(name, "refused") for name in UNREAD}
    log = len(rig.daemon.lines)
    outcome = rig.attack(yaml("read_open", file=rig.world.dir / "link/file",
                              parent=rig.daemon.pid), polls(rig, f"{READER} says: root was"))
    outcome.check_on_time()
    lab.equal("what was read", what_was_read(rig, log), expected)
    lab.equal("errors", sum(rig.errors(outcome.scrape, READER).values()), 0)
    log = len(rig.daemon.lines)
    os.kill(siege.workers(rig.daemon)[0], 9)
    rig.daemon.wait_line(f"{READER} says: root was", log)
    lab.wait_for("the others to work", lambda: rig.check_healthy(rig.daemon.scrape()))
    lab.equal("what was read anew", what_was_read(rig, log), expected)
    rig.check_unharmed()
    return rig.row("read_open", "none", outcome.judged, outcome.poll)


def table(rig):
    return rig.table("plugin")


def stop(rig):
    rig.reload()
    rig.check_healthy(rig.settled())
    rig.check_unharmed()
    rig.stop()
    return f"{rig.packets} packets, each counted"


if __name__ == "__main__":
    lab.main(lab.Group(start, *REFUSED, *LIVE, leak_run, crash_close, *ATTEMPTS, read_open, table, stop))
