# SPDX-License-Identifier: GPL-2.0-or-later
"""A reload during which one call fails for want of memory, descriptors, room or processes: each call
of the way in turn. Whatever it was, the daemon lives, the whole old or the whole new config is in
force, log and metrics say which and why, and nothing is left over."""

import errno
import mmap
import os
import pathlib
import re
import signal
import socket
import struct
import sys
import time

import lab
import policylab
from policylab import ZONES, lua, rule

# Kinds as tests/tools/xa_fault.c names them, and what their calls fail with.
FAULTS = (
    ("open", errno.EMFILE), ("read", errno.ENOMEM), ("memfd", errno.EMFILE),
    ("truncate", errno.ENOSPC), ("pwrite", errno.ENOSPC), ("mmap", errno.ENOMEM),
    ("mmap", errno.EAGAIN), ("fcntl", errno.EMFILE), ("socketpair", errno.EMFILE),
    ("spawn", errno.EAGAIN), ("spawn", errno.ENOMEM), ("message", errno.ENOBUFS),
    ("epoll", errno.ENOSPC), ("socket", errno.EMFILE), ("thread", errno.EAGAIN),
    ("timer", errno.ENOMEM), ("bpf", errno.ENOMEM), ("malloc", errno.ENOMEM),
)
CALLS_MAX = 1000  # of one kind in a reload: there are some 250 allocations
RSS_SLACK = 2 << 20  # an allocator's
FLOWS = 300
SECOND_PORT = lab.PORT + 1


class Shim:
    """The file that the daemon shares with this test: struct control."""

    LAYOUT = {"kind": (0, "16s"), "nth": (16, "Q"), "seen": (24, "Q"), "failed": (32, "Q"),
              "wild_closes": (40, "Q"), "blocks": (48, "q"), "error": (56, "i"), "armed": (60, "I")}
    SIZE = 64

    def __init__(self, world, library):
        path = world.dir / "fault"
        path.write_bytes(bytes(self.SIZE))
        with open(path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 0)
        self.environment = {**os.environ, "LD_PRELOAD": library, "XA_FAULT": str(path)}

    def _set(self, name, value):
        offset, kind = self.LAYOUT[name]
        struct.pack_into(f"={kind}", self.memory, offset, value)

    def _get(self, name):
        offset, kind = self.LAYOUT[name]
        return struct.unpack_from(f"={kind}", self.memory, offset)[0]

    def arm(self, kind, nth, error):
        self._set("kind", kind.encode())
        for name in ("seen", "failed", "wild_closes"):
            self._set(name, 0)
        self._set("nth", nth)
        self._set("error", error)
        self._set("armed", 1)

    def disarm(self):
        """How many calls of the kind there were, and whether one has failed."""
        self._set("armed", 0)
        return self._get("seen"), bool(self._get("failed"))

    @property
    def wild_closes(self):
        return self._get("wild_closes")

    @property
    def blocks(self):
        return self._get("blocks")


def label_rule(value):
    return rule(labels=["config"], label=f'return {{ config = "{value}" }}')


EVENTFD = "anon_inode:[eventfd]"


class Rig:
    """A daemon that goes from one config to another in which everything differs, and back."""

    OLD = {"interface": "mon0", "mode": "drv", "top_k": 100, "listen": f"127.0.0.1:{lab.PORT}"}
    NEW = {"interface": "[mon0, mon1]", "mode": "skb", "top_k": 120,
           "listen": f"[127.0.0.1:{lab.PORT}, 127.0.0.1:{SECOND_PORT}]"}

    def __init__(self, world, library):
        self.world = world
        self.shim = Shim(world, library)
        sender, self.monitor = world.netns("tx"), world.netns("mon")
        self.wires = [world.wire(f"tx{i}", f"mon{i}", sender, self.monitor) for i in range(2)]
        self.path = world.dir / "config.yaml"
        policylab.write_rules(world, {"old": label_rule("old"), "new": label_rule("new")})
        self.write("old")
        self.daemon = world.daemon(self.monitor, self.path, env=self.shim.environment)
        self.sender = world.sender(self.wires[0], packets=10**9, flows=FLOWS, rate=2000,
                                   family="mixed", proto="mixed")
        self.reloads = 0
        lab.wait_for("all flows", lambda: self.reload("new") and len(
            self.daemon.scrape().flows()) == self.NEW["top_k"])
        assert self.reload("old"), "a good config was refused"
        self.belongings = self.settled()
        self.rss_before = self.rss()

    def lines(self, pattern, after=0):
        return [line for line in self.daemon.lines[after:] if re.search(pattern, line)]

    def write(self, name):
        keys = {"old": self.OLD, "new": self.NEW}[name]
        stages = [lua(name), *([ZONES] if name == "new" else [])]
        self.path.write_text(
            "".join(f"{key}: {value}\n" for key, value in keys.items()) + "poll_interval: 10s\n"
            "flows: {max: 4096, idle_timeout: 10m}\nmetrics: {hysteresis: 0}\n" + policylab.policy(stages))

    def reload(self, name):
        """Whether it was taken, by the log; when this returns, its snapshot is over as well."""
        self.write(name)
        log = len(self.daemon.lines)
        self.daemon.signal(signal.SIGHUP)
        line = self.daemon.wait_line("config (not )?reloaded", log)
        self.reloads += 1
        lab.wait_for("its snapshot", lambda: self.daemon.scrape().value(
            "xdp_auditor_config_reloads_total") == self.reloads or self.daemon.wait_line(
                "snapshot failed", log, 0.01), pause=0.005)
        return "not reloaded" not in line

    # --- what is in force ---

    def is_listening(self):
        with self.monitor.entered(), socket.socket() as client:
            return client.connect_ex(("127.0.0.1", SECOND_PORT)) == 0

    def modes(self):
        xdps = [self.monitor.xdp(f"mon{i}") for i in range(2)]
        return [lab.XDP_MODES[xdp["mode"]] if xdp else None for xdp in xdps]

    def state(self, page):
        """Of everything that a config stands for, what is to be seen of it."""
        return {
            "flows shown": len(page.flows()),
            "labels": {label for label, in policylab.labels_of(page, "config").values()},
            "stages": len(page.samples("xdp_auditor_rule_stage_disabled")),
            "second port": self.is_listening(),
            "modes": self.modes(),
        }

    WHOLE = {
        "old": {"flows shown": 100, "labels": {"old"}, "stages": 1, "second port": False,
                "modes": ["drv", None]},
        "new": {"flows shown": 120, "labels": {"new"}, "stages": 2, "second port": True,
                "modes": ["skb", "skb"]},
    }

    # --- what is held ---

    def rss(self):
        return int(lab.status_field(self.daemon.pid, "VmRSS")) * 1024

    def held(self):
        """Kinds of descriptors, children, and blocks of memory."""
        folder = pathlib.Path(f"/proc/{self.daemon.pid}/fd")
        kinds = sorted(re.sub(r"\d+", "N", os.readlink(fd)) for fd in folder.iterdir())
        return kinds, len(policylab.children(self.daemon.pid)), self.shim.blocks

    def settled(self):
        """The same when asked again: connections of scrapes are closed a little later."""
        def same():
            first = self.held()
            time.sleep(0.02)
            return first if first == self.held() else None
        return lab.wait_for("the daemon to settle", same)

    def forgive(self):
        """libmicrohttpd 0.9.75 loses an eventfd of its own where it finds no memory to start with;
        what is lost once is not held against the next fault."""
        kinds, children, blocks = self.belongings
        more = sorted([*kinds, EVENTFD])
        if self.held()[0] == more and self.lines("cannot listen on .*: Cannot allocate memory"):
            self.belongings = more, children, blocks

    def check_belongings(self):
        def same():
            self.forgive()
            for what, now, before in zip(("descriptors", "children", "blocks"), self.held(),
                                         self.belongings):
                lab.equal(what, now, before)
            return True
        lab.wait_for("as much to be held as before", same, deadline=3, pause=0.005)


# --- one fault --------------------------------------------------------------------------------

# The worker that is taken over may be lost in its first run: that costs the labels of one snapshot.
LOST = r"policy worker lost|stage \S+ failed cause=invalid(?!.*while the stage was closed)"
REFUSED = "config not reloaded"


def reasons(rig, log):
    """Lines that say why; each says something."""
    lines = [line for line in rig.lines("level=(error|warn)", log) if REFUSED not in line]
    assert not any(line.endswith('msg=""') for line in lines), "a line that says nothing"
    return lines


def check_outcome(page, before, taken):
    failures = "xdp_auditor_config_reload_failures_total"
    lab.equal("last_reload_successful", page.value("xdp_auditor_config_last_reload_successful"),
              int(taken))
    lab.equal("failures", page.sum(failures) - before.sum(failures), int(not taken))


def check_in_force(rig, page, name, has_lost=False):
    want = dict(rig.WHOLE[name], labels={""} if has_lost else rig.WHOLE[name]["labels"])
    lab.equal("in force", rig.state(page), want)


def check_fault(rig, before, taken, log):
    page = rig.daemon.scrape()
    lab.check_conservation(page)
    assert taken or reasons(rig, log), "refused without a reason"
    lab.equal("lines of links that are lost", rig.lines("netflow_filter came off", log), [])
    lab.equal("closes of what is not open", rig.shim.wild_closes, 0)
    if page.value("xdp_auditor_config_reloads_total") < rig.reloads:
        assert rig.lines("snapshot failed", log), "an old page without a reason"
        return
    check_outcome(page, before, taken)
    check_in_force(rig, page, "new" if taken else "old", bool(rig.lines(LOST, log)))


def check_after(rig):
    assert rig.reload("old"), "a plain reload was refused"
    page = rig.daemon.scrape()
    lab.check_conservation(page)
    check_in_force(rig, page, "old")
    rig.check_belongings()


def try_one(rig, kind, nth, error):
    """How many calls of the kind there are in a reload whose nth fails, and whether it came to it."""
    log, before = len(rig.daemon.lines), rig.daemon.scrape()
    rig.shim.arm(kind, nth, error)
    try:
        taken = rig.reload("new")
        calls, failed = rig.shim.disarm()
        check_fault(rig, before, taken, log)
        check_after(rig)
    except (AssertionError, OSError) as problem:
        rig.shim.disarm()
        text = "\n".join(rig.daemon.lines[log:])
        raise AssertionError(f"{kind} {nth}, {errno.errorcode[error]}: {problem}\n{text}") from None
    return calls, failed


def case_of(kind, error):
    def case(rig):
        """Until one ends without having come to the call that was to fail."""
        for nth in range(1, CALLS_MAX):
            calls, failed = try_one(rig, kind, nth, error)
            if not failed:
                break
        assert not failed, f"more than {CALLS_MAX} calls"
        assert nth > 1, f"no call of the kind {kind} in a reload"
        return f"{nth - 1} failed in turn, {calls} in the reload after"
    case.__name__ = f"{kind}_{errno.errorcode[error]}"
    return case


def flat(rig):
    """As large as after the first faults: a leak would have shown in blocks; this is all the rest."""
    rss = rig.rss()
    assert rss <= rig.rss_before + RSS_SLACK, f"RSS rose from {rig.rss_before} to {rss}"
    return f"{rig.reloads} reloads, RSS {rig.rss_before // 1024} -> {rss // 1024} kB"


def start(world):
    lab.need(b"__asan_init" not in pathlib.Path(world.auditor).read_bytes(),
             "an allocator that fails and a sanitizer's exclude each other")
    lab.need(len(sys.argv) > 3, "no xa_fault.so was given")
    return Rig(world, os.path.abspath(sys.argv[3]))


if __name__ == "__main__":
    lab.main(lab.Group(start, *(case_of(*fault) for fault in FAULTS), flat))
