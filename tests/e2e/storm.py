# SPDX-License-Identifier: GPL-2.0-or-later
"""A thousand SIGHUPs, in bursts, while the config that they speak of is written, half written,
renamed, swapped and broken without regard for who reads it. What is in force is always one whole
config that somebody wrote; everything is counted; nothing is left over. XA_SEED repeats a storm."""

import hashlib
import os
import pathlib
import random
import re
import shutil
import signal
import time

import lab
import policylab
from endurance import Belongings
from policylab import ZONES, rule

SIGNALS, WARM_UP = 1000, 50
FLOWS = 300
PATTERN = {"packets": 10**9, "flows": FLOWS, "family": "mixed", "proto": "mixed", "rate": 5000}
CALM = 1900  # the config before and after: it shows all flows
NUMBERS = 100  # those of the storm's configs; each shows another number of flows, fewer than all
RSS_SLACK = 2 << 20  # an allocator's
HANG_SECONDS = 2  # as long as a stage that hangs is waited for
TAKEN_PORT = lab.PORT + 2
ENDLESS = ", steps: 100000000000"


# --- configs ----------------------------------------------------------------------------------
#
# One file is one mapping in braces, so that no part of it is a config; one that is written in place
# ends up as what it was begun as. So a mix of two would be the daemon's own. What a directory adds
# is no config by itself.

BASE = "interface: nosuch0\nflows: {max: 4096, idle_timeout: 10m}\n"


def has_more(number):
    """Whether it has a second interface, and a second port."""
    return number % 2 == 1


def stages_of(number, folder):
    """None; a rule; a rule and zones."""
    stages = [f"lua: {{file: {folder}/{number}.lua}}", ZONES]
    return [f"{{{stage}}}" for stage in stages[:number % 3]]


def text_of(number, stages, **keys):
    ports = [lab.PORT, lab.PORT + 1][:1 + has_more(number)]
    keys = {
        "interface": "[mon0, mon1]" if has_more(number) else "mon0",
        "mode": "auto",
        "poll_interval": "200ms",
        "top_k": 100 + number,
        "listen": f"[{', '.join(f'127.0.0.1:{port}' for port in ports)}]",
        "metrics": f"{{max_series: {5000 + number}, hysteresis: 0}}",
        "policy": f"{{deadline: 2s, stages: [{', '.join(stages)}]}}",
        **keys,
    }
    return "{" + ",\n ".join(f"{key}: {value}" for key, value in keys.items()) + "}\n"


def rule_of(number):
    return rule(labels=["config"], label=f'return {{ config = "{number}" }}')


def bad_texts(number, folder):
    """By where the daemon finds out."""
    good = stages_of(number, folder)
    return (
        text_of(number, good, top_k="zero"),
        text_of(number, good, top_kk=7),
        text_of(number, good)[:-10],
        text_of(number, ["{zonez: {}}"]),
        text_of(number, [f"{{lua: {{file: {folder}/nowhere.lua}}}}"]),
        text_of(number, [f"{{lua: {{file: {folder}/broken.lua}}}}"]),
        text_of(number, [f"{{lua: {{file: {folder}/failing.lua}}}}"]),
        text_of(number, good, listen=f"[127.0.0.1:{lab.PORT}, 127.0.0.1:{TAKEN_PORT}]"),
        text_of(number, good, mode="hw"),
        text_of(number, good, interface="nosuch1"),
    )


BAD_RULES = {
    "broken": "return {\n\n\tlabels = = 1,\n}\n",
    "failing": rule(derive="local nothing\nnothing()"),
    "opens_never": rule(init="while true do end"),
    "ends_never": rule(derive="while true do end"),
}


# --- what is in force -------------------------------------------------------------------------

def number_of(page):
    shown = len(page.flows())
    return CALM if shown == FLOWS else shown - 100


def check_in_force(page, offered):
    """Everything that the page tells of the config is that of one that was offered."""
    number = number_of(page)
    assert number in offered, f"config {number} was never written"
    labels = policylab.labels_of(page, "config", "src_zone").values()
    count = number % 3
    lab.equal(f"labels of config {number}", {label for label, _ in labels},
              {str(number)} if count else {""})
    lab.equal(f"zones of config {number}", {bool(zone) for _, zone in labels}, {count == 2})
    lab.equal(f"config {number} and mon1", page.sum("xdp_auditor_attached", interface="mon1"),
              int(has_more(number)))


class Eye(lab.Watch):
    """Looks at each page, and at how far snapshots are apart."""


    def __init__(self, daemon, offered):
        super().__init__(daemon, 0.03)
        self.offered = offered
        self.times = set()

    @staticmethod
    def may_go(name, labels):
        """What there is of stages alone goes with them."""
        return re.match(r"xdp_auditor_(rule|policy)_", name) or labels.get("family") == "derived"

    def look(self):
        super().look()
        check_in_force(self.last, self.offered)
        self.times.add(self.last.value("xdp_auditor_last_snapshot_timestamp_seconds"))

    def widest(self):
        times = sorted(self.times)
        return max(b - a for a, b in zip(times, times[1:]))


def check_log(lines, offered):
    """As the log tells it: with each reload that is taken, numbers that belong together go
    together."""
    now = {"top_k": 100 + CALM, "metrics.max_series": 5000 + CALM}
    taken = 0
    for line in lines:
        change = re.search(r'msg="config: (top_k|metrics\.max_series): (\d+) -> (\d+)"', line)
        if change:
            lab.equal(change[1], int(change[2]), now[change[1]])
            now[change[1]] = int(change[3])
        elif 'msg="config reloaded"' in line:
            taken += 1
            number = now["top_k"] - 100
            lab.equal(f"max_series of config {number}", now["metrics.max_series"] - 5000, number)
            assert number in offered, f"config {number} was never written"
    return taken


# --- the writers ------------------------------------------------------------------------------

class Storm:
    def __init__(self, world, seed):
        self.random = random.Random(seed)
        self.world = world
        sender, self.monitor = world.netns("tx"), world.netns("mon")
        self.wires = [world.wire(f"tx{i}", f"mon{i}", sender, self.monitor) for i in range(2)]
        self.offered = {CALM}
        self.signals = self.versions = 0
        self.path = world.dir / "current"
        self.rules = world.dir / "rules"
        self.rules.mkdir()
        for name, text in BAD_RULES.items():
            (self.rules / f"{name}.lua").write_text(text)
        self.single = world.dir / "single.yaml"
        self.folder = world.dir / "config.d"
        self.folder.mkdir()
        (self.folder / "00-base.yaml").write_text(BASE)
        self.kube = world.dir / "kube"
        self.kube.mkdir()
        self.write(self.single, self.good(CALM))
        self.lead_to(self.single)
        self.daemon = world.daemon(self.monitor, self.path)

    # --- texts ---

    def good(self, number=None, folder=None):
        """The text of a good config, whose rule is there."""
        number = self.random.randrange(NUMBERS) if number is None else number
        folder = folder or self.rules
        self.offered.add(number)
        self.write(folder / f"{number}.lua", rule_of(number))
        return text_of(number, stages_of(number, folder))

    def bad(self):
        return self.random.choice(bad_texts(self.random.randrange(NUMBERS), self.rules))

    # --- ways to write ---

    @staticmethod
    def write(path, text):
        other = path.with_name(path.name + "~")
        other.write_text(text)
        os.replace(other, path)

    def write_slowly(self, path, text):
        """In place; whoever reads it meanwhile has half of it."""
        at = self.random.randrange(len(text))
        with open(path, "w", encoding="ascii") as file:
            for part in (text[:at], text[at:]):
                file.write(part)
                file.flush()
                self.burst(2)

    def lead_to(self, target):
        other = self.path.with_name("current~")
        other.symlink_to(target)
        os.replace(other, self.path)

    def new_version(self, text, number=None):
        """As Kubernetes does it: a new folder, and a link to it that takes the place of the one
        before, whose folder is then deleted."""
        self.versions += 1
        version = self.kube / f"..v{self.versions}"
        version.mkdir()
        (version / "00-base.yaml").write_text(BASE)
        if number is not None:
            self.offered.add(number)
            (version / f"{number}.lua").write_text(rule_of(number))
            text = text_of(number, stages_of(number, "..data"))
        (version / "50-main.yaml").write_text(text)
        before = os.readlink(self.kube / "..data") if self.versions > 1 else None
        (self.kube / "..data~").symlink_to(version.name)
        os.replace(self.kube / "..data~", self.kube / "..data")
        for name in ("00-base.yaml", "50-main.yaml"):
            if not (self.kube / name).is_symlink():
                (self.kube / name).symlink_to(f"..data/{name}")
        if before:
            self.burst(2)
            shutil.rmtree(self.kube / before)

    def main_file(self):
        return self.random.choice((self.single, self.folder / "50-main.yaml"))

    def lead_to_any(self):
        if self.versions:
            self.lead_to(self.random.choice((self.single, self.folder, self.kube)))

    # --- what happens ---

    def renamed(self):
        self.write(self.main_file(), self.good())

    def renamed_bad(self):
        self.write(self.main_file(), self.bad())

    def in_place(self):
        path = self.main_file()
        self.write(path, self.good())
        self.burst(1)
        self.write_slowly(path, self.good())

    def half(self):
        """And left so, until somebody renames another over it."""
        path, text = self.main_file(), self.good()
        self.write_slowly(path, text[:self.random.randrange(1, len(text) - 2)])
        self.burst(2)
        self.write(path, text)

    def half_rule(self):
        number = self.random.randrange(NUMBERS)
        self.write(self.main_file(), self.good(number))
        self.write_slowly(self.rules / f"{number}.lua", rule_of(number))

    def swapped(self):
        self.lead_to_any()

    def version(self):
        self.new_version("", self.random.randrange(NUMBERS))

    def version_bad(self):
        self.new_version(self.bad())

    def gone(self):
        self.path.unlink()
        self.burst(1)
        self.lead_to(self.single)

    KINDS = (renamed, renamed, renamed_bad, in_place, half, half_rule, swapped, swapped, version,
             version_bad, gone)

    def burst(self, most):
        for _ in range(self.random.randint(0, most)):
            if self.signals < SIGNALS:
                self.daemon.signal(signal.SIGHUP)
                self.signals += 1
        time.sleep(self.random.choice((0, 0.001, 0.01, 0.1)))

    def blow(self, until):
        while not until():
            self.random.choice(self.KINDS)(self)
            self.burst(3)
            assert self.daemon.alive(), f"the daemon ended:\n{self.daemon.stderr()[-3000:]}"

    def each_bad(self):
        """Whatever comes later, each way to be refused has been gone; to its end, so the rule that
        those of a good policy name is there."""
        self.write(self.rules / "1.lua", rule_of(1))
        for text in bad_texts(1, self.rules):
            self.write(self.single, text)
            self.signals += 1
            assert not self.daemon.reload(), f"a bad config was taken:\n{text}"

    def hang(self, name):
        """A stage that hangs, while signals come and other files change."""
        log = len(self.daemon.lines)
        stage = f"{{lua: {{file: {self.rules}/{name}.lua{ENDLESS}}}}}"
        self.write(self.single, text_of(1, [stage]))
        self.lead_to(self.single)
        self.daemon.signal(signal.SIGHUP)
        self.signals += 1
        for _ in range(10):
            self.version()
            self.burst(3)
        self.daemon.wait_line(f"lua:{name}: .*longer than {HANG_SECONDS * 1000}ms", log)
        self.write(self.single, self.good())

    def calm(self):
        """A good reload after all that is under way; what the daemon holds then."""
        self.write(self.single, self.good(CALM))
        self.lead_to(self.single)

        def is_calm():
            taken = self.daemon.reload()
            return taken and number_of(self.daemon.scrape()) == CALM
        lab.wait_for("a last good reload", is_calm)
        self.check_hash()
        return Belongings(self.daemon.pid), len(policylab.children(self.daemon.pid))

    def check_hash(self):
        """Where the page names the config by its hash, it is that of the files."""
        found = self.daemon.scrape().samples("xdp_auditor_config_hash_info")
        text = lab.run(self.world.auditor, "config", "--effective", "-c", str(self.path))
        for labels, _ in found:
            lab.equal("hash", labels["sha256"], hashlib.sha256(text.encode()).hexdigest())


def figures_of(storm, eye, page):
    reloads = page.value("xdp_auditor_config_reloads_total")
    refused = {labels["phase"]: value for labels, value in page.samples(
        "xdp_auditor_config_reload_failures_total")}
    taken = check_log(storm.daemon.lines, storm.offered)
    lab.equal("reloads taken, by the log", taken, reloads - sum(refused.values()))
    for phase, count in refused.items():
        assert count, f"nothing was refused in phase {phase}"
    assert eye.widest() < HANG_SECONDS, f"snapshots {eye.widest():.2f} s apart"
    told = ", ".join(f"{count} {phase}" for phase, count in refused.items())
    return (f"{storm.signals} signals, {reloads} reloads: {taken} taken, refused: {told}; snapshots "
            f"{eye.widest():.2f} s apart at most, {eye.count} scrapes")


def storm(world):
    seed = int(os.environ.get("XA_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
    print(f"seed {seed} (XA_SEED={seed} repeats it)", flush=True)
    blown = Storm(world, seed)
    with blown.monitor.entered():
        held = lab.socket.create_server(("127.0.0.1", TAKEN_PORT))
    with held, world.sender(blown.wires[0], **PATTERN) as sender:
        daemon = blown.daemon
        lab.wait_for("all flows", lambda: len(daemon.scrape().flows()) == FLOWS)
        with Eye(daemon, blown.offered) as eye:
            blown.each_bad()
            blown.blow(lambda: daemon.reload_figures()[0] >= WARM_UP)
            before = blown.calm()
            for share, name in enumerate(("opens_never", "ends_never"), 1):
                blown.blow(lambda share=share: blown.signals >= SIGNALS * share // 3)
                blown.hang(name)
            blown.blow(lambda: blown.signals >= SIGNALS)
            after = blown.calm()
        sender.signal(signal.SIGTERM)
        report = world.report(sender)
    page = daemon.wait_seen(report["packets"])
    lab.check_exact(page, report)
    lab.equal("number of children", after[1], before[1])
    lab.equal("file descriptors", after[0].fds, before[0].fds)
    # a sanitizer keeps for a while what was freed
    sanitized = b"__asan_init" in pathlib.Path(world.auditor).read_bytes()
    assert sanitized or after[0].rss <= before[0].rss + RSS_SLACK, (
        f"RSS rose from {before[0].rss} to {after[0].rss}")
    return (f"{figures_of(blown, eye, page)}; RSS {before[0].rss // 1024} -> "
            f"{after[0].rss // 1024} kB, {report['packets']} packets exact")


if __name__ == "__main__":
    lab.main(storm)
