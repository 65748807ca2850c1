# SPDX-License-Identifier: GPL-2.0-or-later
"""The same again, many times: interfaces that come and go, reloads, deaths; more flows than there
is room for, two CPUs on one flow. Nothing is lost or leaks, every scrape keeps the promise.

    endurance.py XDP-AUDITOR XA_SEND [--whole]    --whole: a million 5-tuples, not a tenth
"""

import contextlib
import json
import os
import random
import signal
import socket
import sys
import time

import lab
import lifecycle
import reload

RECREATIONS, WARM_UP, FRAMES_EACH = 200, 20, 50
RELOADS, BAD_EACH = 1000, 10
KILLS, AT_ONCE, LONGEST_LIFE = 50, 2, 1.0
TUPLES, TUPLES_SHORT = 1_000_000, 100_000
TUPLES_FIRST, TUPLES_FILL, TUPLES_RATE = 100, 40_000, 10_000
TOP_K, HYSTERESIS = 50, 10
RSS_SLACK = 1 << 20  # an allocator's: a leak is told from it by 180 re-creations of 6 kB each


# --- interfaces that come and go --------------------------------------------------------------

class Belongings:
    """What a process holds that it could leak; while nobody asks it, but a connection of before
    may not be closed yet: hence several looks."""

    def __init__(self, pid):
        self.fds = min(map(len, self.looks(pid)))
        self.rss = int(lab.status_field(pid, "VmRSS")) * 1024

    @staticmethod
    def looks(pid):
        for _ in range(5):
            yield os.listdir(f"/proc/{pid}/fd")
            time.sleep(0.05)

    def check(self, before):
        lab.equal("file descriptors", self.fds, before.fds)
        assert self.rss <= before.rss + RSS_SLACK, f"RSS rose from {before.rss} to {self.rss}"


def received(wire):
    """Packets that came in, the XDP program's share included."""
    links = json.loads(wire.monitor.ip("-j", "-s", "link", "show", "dev", wire.monitor_if))
    return links[0]["stats64"]["rx"]["packets"]


def send_frames(wire):
    """A few frames that have arrived when this returns: what is deleted then takes none along."""
    frame = bytes(12) + b"\x08\x00" + b"\x45" + bytes(49)
    with wire.sender.entered():
        packet = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        with packet:
            packet.bind((wire.sender_if, 0))
            for _ in range(FRAMES_EACH):
                packet.send(frame)
    lab.wait_for("the frames to arrive", lambda: received(wire) >= FRAMES_EACH, pause=0.002)


def recreate(daemon, wire):
    """How long it took until the interface was attached again."""
    log = len(daemon.lines)
    wire.monitor.batch(f"link del {wire.monitor_if}",
                       f"link add {wire.monitor_if} type veth peer name {wire.sender_if} netns "
                       f"{wire.sender.name}", f"link set {wire.monitor_if} up")
    since = time.monotonic()
    wire.sender.ip("link", "set", wire.sender_if, "up")
    daemon.wait_line(f"attached to {wire.monitor_if} .* again", log)
    return time.monotonic() - since


def recreate_often(daemon, wire, times):
    def once():
        took = recreate(daemon, wire)
        send_frames(wire)
        return took
    return max(once() for _ in range(times))


def recreations(world):
    wire = world.wire()
    daemon = world.daemon(wire.monitor, world.config(wire.monitor_if))
    recreate_often(daemon, wire, WARM_UP)
    before = Belongings(daemon.pid)
    with lab.Watch(daemon) as watch:
        slowest = recreate_often(daemon, wire, RECREATIONS - WARM_UP)
        scrape = daemon.wait_seen(RECREATIONS * FRAMES_EACH)
    after = Belongings(daemon.pid)
    after.check(before)
    lab.equal("seen", scrape.seen()[0], RECREATIONS * FRAMES_EACH)
    lab.equal("re-attachments", scrape.sum("xdp_auditor_reattaches_total"), RECREATIONS)
    assert wire.monitor.xdp(wire.monitor_if), "not attached at the end"
    assert daemon.ready()
    gap = scrape.sum("xdp_auditor_detached_seconds_total") / RECREATIONS
    return (f"{scrape.seen()[0]} packets, {watch.count} scrapes, {after.fds} descriptors, RSS "
            f"{before.rss // 1024} -> {after.rss // 1024} kB, detached {gap * 1000:.0f} ms each, "
            f"attached {slowest * 1000:.0f} ms after the return at the latest")


# --- reloads ----------------------------------------------------------------------------------

def thousand_reloads(world):
    """In groups of ten, the last of each bad: a thousand outcomes, and every packet counted."""
    rig = reload.Rig(world)
    with rig.exact_traffic(rate=10000):  # as large as its pages make it
        rig.take(top_k=1000)
    before = Belongings(rig.daemon.pid)
    with rig.exact_traffic(rate=10000) as watch:
        begin = time.monotonic()
        figures = rig.daemon.reload_figures()
        for group in range(RELOADS // BAD_EACH):
            reload_group(rig, group)
            figures = figures[0] + BAD_EACH, figures[1] + 1
            lab.wait_for("the last reload's page", lambda: rig.daemon.reload_figures() >= figures)
            lab.equal("reloads, and failures", rig.daemon.reload_figures(), figures)
        took = time.monotonic() - begin
    after = Belongings(rig.daemon.pid)
    after.check(before)
    return (f"{RELOADS} reloads in {took:.0f} s, {watch.count} scrapes, RSS "
            f"{before.rss // 1024} -> {after.rss // 1024} kB")


def reload_group(rig, group):
    for number in range(BAD_EACH):
        rig.world.config("mon0", top_k=1000 + number + group % 2,
                         mode="dvr" if number == BAD_EACH - 1 else "drv")
        log = len(rig.daemon.lines)
        rig.daemon.signal(signal.SIGHUP)
        rig.daemon.wait_line("config (not )?reloaded", log)


# --- deaths -----------------------------------------------------------------------------------

def kills(world):
    """Killed outright at any time of its life, while it starts too: nothing stays attached, and
    the next one starts as if nothing had been."""
    sender, monitor = world.netns("tx"), world.netns("mon")
    wires = [world.wire(f"tx{i}", f"mon{i}", sender, monitor) for i in range(AT_ONCE)]
    configs = [config_for(world, number, wire) for number, wire in enumerate(wires)]
    random_ = random.Random(1)
    attached = 0
    with contextlib.ExitStack() as stack:
        for wire in wires:
            stack.enter_context(world.sender(wire, packets=10**9, flows=50, rate=10000))
        for _ in range(KILLS // AT_ONCE):
            daemons = [world.start(monitor, config) for config in configs]
            lives = sorted(random_.uniform(0, LONGEST_LIFE) for _ in daemons)
            attached += sum([kill_after(*pair) for pair in zip(daemons, lives)])
            for wire in wires:
                lifecycle.hook_is_free(monitor, wire.monitor_if)
    daemon = world.daemon(monitor, configs[0])
    report = world.send(wires[0], packets=20000, flows=100)
    lab.check_exact(daemon.wait_seen(report["packets"]), report)
    return f"{KILLS} killed, {attached} of them when attached; {report['packets']} packets exact"


def kill_after(daemon, life):
    """Whether it was attached when it died."""
    time.sleep(max(0, daemon.since + life - time.monotonic()))
    daemon.signal(signal.SIGKILL)
    daemon.wait()
    return "attached to" in daemon.stderr()


def config_for(world, number, wire):
    config = world.config(wire.monitor_if, name=f"{wire.monitor_if}.yaml")
    config.write_text(config.read_text().replace(str(lab.PORT), str(lab.PORT + number)))
    return config


# --- more than there is room for --------------------------------------------------------------

FULL = {"map_full_tcp", "map_full_udp", "flow_limit"}


def ten_times_too_many(world):
    """10,240 flows where 1,024 may live: each packet is in a flow or in a reason, whichever."""
    wire = world.wire()
    config = world.config(wire.monitor_if, top_k=10000)
    config.write_text(config.read_text().replace("max: 16384", "max: 1024"))
    daemon = world.daemon(wire.monitor, config)
    with lab.Watch(daemon) as watch:
        report = world.send(wire, packets=200000, flows=10240, family="mixed", proto="mixed",
                            sizes="78-1514")
        scrape = daemon.wait_seen(report["packets"])
    total = report["packets"], report["bytes"]
    lab.equal("seen", scrape.seen(), total)
    flows, refused = scrape.attributed(), scrape.unattributed()
    lab.equal("flows and reasons", tuple(map(sum, zip(flows, refused))), total)
    check_reasons(scrape)
    check_living(scrape, report, flows)
    return (f"{flows[0]} packets in {len(scrape.flows())} flows, {refused[0]} in none, "
            f"{watch.count} scrapes")


def check_reasons(scrape):
    reasons = {labels["reason"] for labels, value in scrape.samples(
        "xdp_netflow_unattributed_packets_total") if value}
    assert reasons and reasons <= FULL, f"packets are in no flow because of {reasons}"


def check_living(scrape, report, attributed):
    """No flow has more than was sent of it, and together they are what is attributed."""
    living, sent = scrape.flows(), lab.expected_flows(report)
    assert len(living) <= 1024, f"{len(living)} flows where 1024 are allowed"
    for key, figures in living.items():
        assert figures <= sent[key], f"flow {key}: {figures}, sent {sent[key]}"
    lab.equal("sum of all flows", tuple(map(sum, zip(*living.values()))), attributed)


class SeriesWatch(lab.Watch):
    """Holds every page to the bound of single flows, and collects all other series."""

    def __init__(self, daemon):
        super().__init__(daemon)
        self.most = 0
        self.always = None
        self.sometimes = set()

    def look(self):
        super().look()
        rows = len(self.last.rows("packets"))
        assert rows <= TOP_K + HYSTERESIS, f"{rows} flows on a page"
        self.most = max(self.most, rows)
        rest = {key for key in self.last.series if not key[0].startswith("xdp_netflow_flow_")}
        self.always = rest if self.always is None else self.always & rest
        self.sometimes |= rest


def many_tuples(world):
    """Each 5-tuple is sent once: however many there are, the page does not grow, nor does the
    process once its flow table has been full."""
    wire = world.wire()
    config = world.config(wire.monitor_if, top_k=TOP_K)
    config.write_text(config.read_text().replace("idle_timeout: 10m", "idle_timeout: 1s")
                      .replace("hysteresis: 0", f"hysteresis: {HYSTERESIS}"))
    daemon = world.daemon(wire.monitor, config)
    tuples = TUPLES if "--whole" in sys.argv else TUPLES_SHORT
    fill = send_tuples(world, wire, TUPLES_FIRST)  # or IPv6 might find a full table
    daemon.wait_seen(fill)
    fill += send_tuples(world, wire, TUPLES_FILL)
    check_reasons(daemon.wait_seen(fill))
    before = Belongings(daemon.pid)
    with SeriesWatch(daemon) as watch:
        packets = send_tuples(world, wire, tuples, rate=TUPLES_RATE) + fill
        scrape = daemon.wait_seen(packets)
    after = Belongings(daemon.pid)
    after.check(before)
    lab.equal("seen", scrape.seen()[0], packets)
    lab.equal("other series that come and go", watch.sometimes - watch.always, set())
    assert watch.most >= TOP_K, f"{watch.most} flows on a page at most"
    return (f"{tuples} 5-tuples, {watch.most} flows on a page at most and {len(watch.always)} other "
            f"series, {watch.count} scrapes, RSS {before.rss // 1024} -> {after.rss // 1024} kB")


def send_tuples(world, wire, tuples, **pattern):
    return world.send(wire, packets=tuples, flows=tuples, family="mixed", proto="mixed",
                      **pattern)["packets"]


# --- two CPUs, and a million ------------------------------------------------------------------

def two_senders(world, percpu):
    """Two CPUs send the same flows at the same time, through a queue each: first one flow, whose
    value both want at once, then many, whose entries both make."""
    cpus = sorted(os.sched_getaffinity(0))[:2]
    lab.need(len(cpus) == 2, "needs two CPUs")
    wire = world.wire(queues=2)
    config = world.config(wire.monitor_if)
    config.write_text(config.read_text().replace("rank_by", f"percpu: {percpu}, rank_by"))
    daemon = world.daemon(wire.monitor, config)
    with lab.Watch(daemon) as watch:
        reports = (pinned(world, wire, cpus, packets=200000, flows=1) +
                   pinned(world, wire, cpus, packets=100000, flows=500, family="mixed",
                          proto="mixed", sizes="78-1514"))
        scrape = daemon.wait_seen(600000)
    lab.check_exact(scrape, *reports)
    lab.equal("seen", scrape.seen(), tuple(sum(report[unit] for report in reports)
                                           for unit in ("packets", "bytes")))
    lab.equal("in no flow", scrape.unattributed(), (0, 0))
    return f"600000 packets exact, {watch.count} scrapes"


def pinned(world, wire, cpus, **pattern):
    senders = []
    for cpu in cpus:
        senders.append(world.sender(wire, seed=cpu, **pattern))
        os.sched_setaffinity(senders[-1].pid, {cpu})
    return [world.report(sender) for sender in senders]


def shared_values(world):
    return two_senders(world, "false")


def values_per_cpu(world):
    return two_senders(world, "true")


def million(world):
    """Sizes at random, families and protocols mixed, scraped once a poll."""
    wire = world.wire()
    daemon = world.daemon(wire.monitor, world.config(wire.monitor_if))
    with lab.Watch(daemon, pause=0.2) as watch:
        report = world.send(wire, packets=1000000, flows=2000, family="mixed", proto="mixed",
                            sizes="78-1514", seed=3)
        scrape = daemon.wait_seen(report["packets"])
    lab.check_exact(scrape, report)
    lab.equal("seen", scrape.seen(), (report["packets"], report["bytes"]))
    return f"{report['packets']} packets, {report['bytes']} bytes, {watch.count} scrapes"


if __name__ == "__main__":
    lab.main(recreations, thousand_reloads, kills, ten_times_too_many, many_tuples,
             shared_values, values_per_cpu, million)
