# SPDX-License-Identifier: GPL-2.0-or-later
"""What the hostile tests share: a daemon with a hostile stage between two healthy ones, an observer
that holds every page against the promises while it is attacked, and what has to be as it was
afterwards: memory, descriptors, processes, and every packet."""

import contextlib
import os
import pathlib
import re
import signal
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

import lab  # noqa: E402  (found by the line above)

SOURCE = HERE.parent.parent
RULES = HERE / "rules"
SERVICES = SOURCE / "lua" / "services.lua"

INTERVAL = 0.2
DEADLINE = 0.1
# Asserted with room for a machine that does other things; the tables show what it really took.
JUDGED_MAX = DEADLINE + 0.15
POLL_MAX = DEADLINE + 0.5
GAP_MAX = 1.0
# A reload opens the stages and tries them, two seconds each at most; nothing is polled meanwhile.
RELOAD_MAX = 5.0
MEMORY_MAX = 16 << 20

PATTERN = {"packets": 3000, "flows": 100, "rate": 5000, "family": "mixed", "proto": "mixed"}
CAUSES = ("error", "steps", "time", "memory", "invalid", "crash")
HEALTHY = ("zones", "lua:services")
LANDLOCK_CREATE_RULESET = 444  # on all architectures but alpha
RAW = ("xdp_netflow_packets_total", "xdp_netflow_bytes_total", "xdp_auditor_seen_packets_total",
       "xdp_auditor_seen_bytes_total", "xdp_netflow_unattributed_packets_total",
       "xdp_netflow_unattributed_bytes_total")


def raw(scrape):
    """The counters that no rule may touch, by name and labels."""
    return {key: value for key, value in scrape.series.items() if key[0] in RAW}


def grown(before, after):
    return {key: value - before.get(key, 0) for key, value in after.items()}


def children(pid):
    """{process: state} of a daemon's children."""
    found = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            stat = pathlib.Path(f"/proc/{child}/stat")
            if stat.exists():
                found[int(child)] = stat.read_text().rpartition(")")[2].split()[0]
    return found


def workers(daemon):
    return [pid for pid, state in children(daemon.pid).items() if state != "Z"]


def memory(daemon):
    return int(lab.status_field(daemon.pid, "VmRSS").split()[0]) * 1024


def descriptors(daemon):
    return len(os.listdir(f"/proc/{daemon.pid}/fd"))


def need_landlock():
    version = lab.LIBC.syscall(LANDLOCK_CREATE_RULESET, None, 0, 1)
    lab.need(version > 0, "this kernel has no Landlock")


def message(line):
    """What a line of the log says; every line has to be one of the daemon's own."""
    match = re.fullmatch(r'time=\S+Z level=(\w+) msg="((?:[^"\\\x00-\x1f]|\\.)*)"', line)
    assert match, f"not a line of the log: {line!r}"
    return match[1], match[2]


class Late(AssertionError):
    """Something that took longer than it should."""


class Observer(lab.Watch):
    """Scrapes all the time: the promise on every page, what was raw never falling, and when and for
    how long it was polled and judged."""

    def __init__(self, daemon, pause=0.02):
        super().__init__(daemon, pause)
        self.pages = []

    def look(self):
        scrape = self.daemon.scrape()
        lab.check_conservation(scrape)
        now = raw(scrape)
        for key, value in raw(self.last).items() if self.last else ():
            assert now.get(key, -1) >= value, f"fell: {key} {value} -> {now.get(key)}"
        taken = scrape.value("xdp_auditor_last_snapshot_timestamp_seconds")
        if not self.pages or taken != self.pages[-1][0]:
            self.pages.append((taken, self._figures(scrape)))
        self.last = scrape
        self.count += 1

    @staticmethod
    def _figures(scrape):
        figures = {"reloads": scrape.value("xdp_auditor_config_reloads_total")}
        for name in ("poll", "rule"):
            for part in ("sum", "count"):
                figures[f"{name}_{part}"] = scrape.sum(
                    f"xdp_auditor_{name}_duration_seconds_{part}")
        return figures

    def _steps(self, reloads):
        """Pages in pairs, from the first one of a reload on."""
        for (before, old), (after, new) in zip(self.pages, self.pages[1:]):
            if new["reloads"] >= reloads:
                yield before, old, after, new

    def gap(self, reloads):
        """The longest time between two pages, the reload itself left out."""
        return max((after - before for before, old, after, new in self._steps(reloads)
                    if old["reloads"] == new["reloads"]), default=0)

    def reload_gap(self, reloads):
        return max((after - before for before, old, after, new in self._steps(reloads)
                    if old["reloads"] != new["reloads"]), default=0)

    def longest(self, name, reloads):
        """Seconds of the longest poll, or of the longest run of the stages."""
        return max((new[f"{name}_sum"] - old[f"{name}_sum"]
                    for _, old, _, new in self._steps(reloads)), default=0)


class Rig:
    """One daemon for all attacks, and what it has to know of the traffic."""

    def __init__(self, world, settings="", name="config.yaml"):
        self.world = world
        self.name = name
        self.settings = settings
        self.wire = world.wire()
        self.packets = self.octets = 0
        self.rows = []
        self.write("")
        self.daemon = world.daemon(self.wire.monitor, self.config)
        self.usual = None
        for _ in range(3):  # all memory that honest work takes is taken by then
            before = raw(self.daemon.scrape())
            self.sent(self.world.send(self.wire, **PATTERN))
            self.usual = grown(before, raw(self.settled()))
            self.reload()
        self.check_healthy(self.daemon.scrape())
        self.memory = memory(self.daemon)
        self.descriptors = self.quiet_descriptors()

    def write(self, stage):
        """The config with a stage, written as YAML, between the healthy ones."""
        stages = ("    - zones: {networks: {ipv4: 0.0.0.0/0, ipv6: \"::/0\"}}\n"
                  f"{'    - ' + stage if stage else ''}\n    - lua: {{file: {SERVICES}}}\n")
        self.config = self.world.config(
            self.wire.monitor_if, name=self.name,
            extra=f"policy:\n  deadline: {int(DEADLINE * 1000)}ms\n{self.settings}"
                  f"  stages:\n{stages}")
        return self.config

    def reload(self, stage=""):
        self.write(stage)
        assert self.daemon.reload(), f"refused:\n{self.daemon.stderr()}"

    def sent(self, report):
        self.packets += report["packets"]
        self.octets += report["bytes"]

    @contextlib.contextmanager
    def traffic(self):
        """Known packets on the wire meanwhile; what was sent is booked also if the case fails."""
        sender = self.world.sender(self.wire, **PATTERN)
        try:
            with Observer(self.daemon) as watch:
                yield watch
                self.sent(self.world.report(sender))
                sender = None
                watch.final = self.settled()
        finally:
            if sender:
                self.sent(self.world.report(sender))

    def settled(self):
        """A page with all that was sent, to the packet and the byte."""
        scrape = self.daemon.wait_seen(self.packets)
        lab.equal("seen", scrape.seen(), (self.packets, self.octets))
        lab.equal("in flows", scrape.attributed(), (self.packets, self.octets))
        lab.equal("in no flow", scrape.unattributed(), (0, 0))
        return scrape

    @staticmethod
    def check_healthy(scrape):
        """Both healthy stages have done their work."""
        flows = scrape.rows("packets")
        assert flows, "no flows on the page"
        for labels, _ in flows:
            zone = "ipv6" if ":" in labels["src"] else "ipv4"
            lab.equal("src_zone", labels.get("src_zone"), zone)
            assert labels.get("service"), f"no service: {labels}"
        assert scrape.samples("xdp_netflow_service_bytes"), "no sums by service"
        return True

    @staticmethod
    def errors(scrape, stage):
        return {cause: scrape.sum("xdp_auditor_rule_errors_total", stage=stage, cause=cause)
                for cause in CAUSES}

    @staticmethod
    def is_disabled(scrape, stage):
        return scrape.sum("xdp_auditor_rule_stage_disabled", stage=stage) == 1

    def quiet_descriptors(self):
        """Their number once the scraper's connections are closed."""
        counts = []

        def steady():
            counts.append(descriptors(self.daemon))
            return len(counts) > 3 and len(set(counts[-4:])) == 1
        lab.wait_for("descriptors to settle", steady, pause=0.02)
        return counts[-1]

    def check_unharmed(self):
        """The daemon is what it was before: one worker, no zombie, no descriptor, no memory more."""
        lab.wait_for("one worker and no zombie", lambda: list(
            children(self.daemon.pid).values()) in (["S"], ["R"]))
        lab.wait_for("no descriptor more", lambda: descriptors(self.daemon) <= self.descriptors,
                     pause=0.02)
        more = memory(self.daemon) - self.memory
        assert more < MEMORY_MAX, f"{more >> 10} KiB of memory more than before"
        assert self.daemon.ready()

    def attack(self, stage, finish):
        """Traffic, a reload with the stage, then whatever `finish` waits for; (page, observer,
        number of the reload, figures of the errors before)."""
        before = self.daemon.scrape()
        reloads = self.daemon.reload_figures()[0] + 1
        log = len(self.daemon.lines)
        with self.traffic() as watch:
            self.reload(stage)
            finish(watch, reloads)
        after = watch.final
        lab.equal("counters with the script against those without", grown(raw(before), raw(after)),
                  self.usual)
        for name in HEALTHY:
            more = grown(self.errors(before, name), self.errors(after, name))
            if more.pop("time"):
                raise Late(f"{name} was late, which is healthy")
            assert not any(more.values()), f"errors of {name}, which is healthy: {more}"
        return Outcome(after, watch, reloads, [message(line) for line in self.daemon.lines[log:]])

    def refused(self, name, stage, *parts):
        """A reload that is refused by one clear line, while the config before runs on; `check` says
        the same with exit code 78."""
        before = self.daemon.scrape()
        reloads = self.daemon.reload_figures()[0] + 1
        log = len(self.daemon.lines)
        with self.traffic() as watch:
            self.write(stage)
            assert not self.daemon.reload(), "a hostile stage was taken"
            self.daemon.wait_line("config not reloaded", log)
        after = watch.final
        lab.equal("counters with the script against those without", grown(raw(before), raw(after)),
                  self.usual)
        self.check_healthy(after)
        says = [text for level, text in map(message, self.daemon.lines[log:]) if level == "error"]
        lab.equal("lines of level error, the last saying that the config before runs on",
                  [len(says), says[-1]], [2, "config not reloaded, the one before runs on"])
        for part in parts:
            assert part in says[0], f"no {part!r} in {says[0]!r}"
        gap = watch.reload_gap(reloads)
        assert gap < RELOAD_MAX, f"{gap:.2f} s without a page during the reload"
        self.check_78(says[0], parts)
        self.write("")
        self.check_unharmed()
        self.rows.append((name, "refused", gap, watch.longest("poll", reloads)))
        return f"refused, {gap * 1000:.0f} ms between two pages"

    def check_78(self, said, parts):
        process = self.world.process(self.world.auditor, "check", "-c", self.config)
        lab.equal("exit status of check", process.wait(), 78)
        text = process.stderr() + "\n".join(process.output)
        for part in parts:
            assert part in text, f"check does not say {part!r}, as the reload ({said}):\n{text}"
        process.end()

    def patiently(self, attack):
        """A machine that is busy with other things may be late once, and not three times."""
        for last in (False, False, True):
            try:
                return attack()
            except Late:
                if last:
                    raise
                self.reload()  # what was counted under the stage is forgotten
        return None

    def row(self, name, cause, judged, poll):
        self.rows.append((name, cause, judged, poll))
        return f"{cause}, contained in {judged * 1000:.0f} ms, page in {poll * 1000:.0f} ms"

    def table(self, title):
        rows = [f"{title:34} {'cause':8} {'ms to containment':>18} {'longest poll, ms':>17}"]
        for name, cause, judged, poll in self.rows:
            rows.append(f"{name:34} {cause:8} {judged * 1000:18.1f} {poll * 1000:17.1f}")
        return "\n" + "\n".join(rows)

    def stop(self):
        self.daemon.signal(signal.SIGTERM)
        lab.equal("exit status", self.daemon.wait(), 0)
        for line in self.daemon.lines:
            message(line)


class Outcome:
    def __init__(self, scrape, watch, reloads, log):
        self.scrape = scrape
        self.log = log
        self.judged = watch.longest("rule", reloads)
        self.poll = watch.longest("poll", reloads)
        self.gap = watch.gap(reloads)

    def check_on_time(self):
        for what, took, most in (("judged", self.judged, JUDGED_MAX), ("polled", self.poll, POLL_MAX),
                                 ("no page", self.gap, GAP_MAX)):
            if took > most:
                raise Late(f"{what} for {took:.3f} s")

    def lines(self, *parts):
        return [text for _, text in self.log if all(part in text for part in parts)]
