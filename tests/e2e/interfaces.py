# SPDX-License-Identifier: GPL-2.0-or-later
"""Several interfaces at once, of several kinds, that come, go and change their names: each one's
figures are exact by themselves, and none keeps another from being counted."""

import collections
import contextlib
import fcntl
import os
import random
import re
import socket
import struct
import time

import lab
import lifecycle

FAST_MS = 250  # what re-attachment is meant to take at most; asserted is a second
RECREATIONS = 5


def attached(daemon, interface, mode="drv", after=0):
    return daemon.wait_line(
        rf"netflow_filter attached to {interface} \(mode={mode}\)", after)


def check_by_interface(scrape, reports):
    """Every interface's flows and totals: nothing of one is counted under another."""
    for interface, report in reports.items():
        lab.equal(f"seen on {interface}", scrape.seen(interface=interface),
                  (report["packets"], report["bytes"]))
        lab.equal(f"flows on {interface}", scrape.flows(interface=interface),
                  lab.expected_flows(report))
        lab.equal(f"in no flow on {interface}", scrape.unattributed(interface=interface), (0, 0))


class Pairs:
    """Several links between the same two namespaces."""

    def __init__(self, world, *names):
        self.world = world
        self.sender, self.monitor = world.netns("tx"), world.netns("mon")
        self.wires = {}
        for name in names:
            self.add(name)

    def add(self, name):
        self.wires[name] = self.world.wire(f"tx_{name}", name, self.sender, self.monitor)

    def send(self, **packets):
        """The same flows at the same time on all of these; the reports by interface."""
        senders = {name: self.world.sender(self.wires[name], packets=count, flows=200,
                                           family="mixed", proto="mixed", rate=100000)
                   for name, count in packets.items()}
        return {name: self.world.report(sender) for name, sender in senders.items()}


# --- several at once --------------------------------------------------------------------------

def at_once(world):
    """Three interfaces, two of them by a pattern, with the same flows at the same time."""
    pairs = Pairs(world, "mon0", "xa0", "xa1", "other0")
    daemon = world.daemon(pairs.monitor, world.config("[mon0, 'xa*']"))
    with lab.Watch(daemon) as watch:
        reports = pairs.send(mon0=30000, xa0=20000, xa1=10000, other0=1000)
        del reports["other0"]
        scrape = daemon.wait_seen(60000)
    check_by_interface(scrape, reports)
    lab.equal("seen on all", scrape.seen()[0], 60000)
    assert pairs.monitor.xdp("other0") is None, "attached to what nobody named"
    return f"60000 packets, {watch.count} scrapes"


def later(world):
    """One that a list names and one that a pattern fits come when the daemon has no rights left."""
    pairs = Pairs(world, "mon0")
    daemon = world.start(pairs.monitor, world.config("[mon0, late0, 'xa*']"))
    attached(daemon, "mon0")
    lifecycle.not_ready(daemon, "late0")
    lifecycle.check_rights(daemon)
    with lab.Watch(daemon):
        reports = pairs.send(mon0=10000)
        for name in ("late0", "xa7"):
            pairs.add(name)
            attached(daemon, name)
            reports |= pairs.send(**{name: 20000})
        lab.wait_for("ready", daemon.ready)
        scrape = daemon.wait_seen(50000)
    check_by_interface(scrape, reports)
    return "50000 packets"


def one_fails(world):
    """lo has no native mode: it is named in the log and by /-/ready, the others are counted."""
    pairs = Pairs(world, "mon0", "mon1")
    daemon = world.start(pairs.monitor, world.config("[mon0, lo, mon1]"))
    line = daemon.wait_line("netflow_filter not attached to lo")
    assert "native" in line, f"the line does not say why: {line}"
    lifecycle.not_ready(daemon, "lo")
    with lab.Watch(daemon):
        reports = pairs.send(mon0=10000, mon1=20000)
        scrape = daemon.wait_seen(30000)
    check_by_interface(scrape, reports)
    lab.equal("xdp_auditor_attached of lo", scrape.sum("xdp_auditor_attached", interface="lo"), 0)
    return "30000 packets"


# --- coming, going, and other names -----------------------------------------------------------

def one_of_two_deleted(world):
    """What one interface's deletion does to the other one's figures: nothing."""
    pairs = Pairs(world, "mon0", "mon1")
    daemon = world.daemon(pairs.monitor, world.config("[mon0, mon1]"))
    with lab.Watch(daemon):
        reports = pairs.send(mon0=10000)
        sender = world.sender(pairs.wires["mon1"], packets=60000, flows=200, rate=40000)
        pairs.wires["mon0"].delete()
        lifecycle.not_ready(daemon, "mon0")
        reports["mon1"] = world.report(sender)
        check_by_interface(daemon.wait_seen(70000), reports)
        pairs.wires["mon0"].create()
        lab.wait_for("ready", daemon.ready)
        check_by_interface(daemon.scrape(), reports)
    return "70000 packets"


def recreated_at_once(world):
    """Gone and back in one breath: attached again fast, and the counters go on under the name."""
    pairs = Pairs(world, "mon0", "mon1")
    daemon = world.daemon(pairs.monitor, world.config("mon*"))
    reports, gaps, waits = [], [], []
    with lab.Watch(daemon):
        for number in range(RECREATIONS):
            log = len(daemon.lines)
            pairs.monitor.batch("link del mon0", "link add mon0 type veth peer name tx_mon0 netns "
                                + pairs.sender.name, "link set mon0 up")
            pairs.sender.ip("link", "set", "tx_mon0", "up")
            since = time.monotonic()
            line = attached(daemon, "mon0", after=log)
            waits.append((time.monotonic() - since) * 1000)
            gaps.append(int(re.search(r"unseen_ms=(\d+)", line)[1]))
            reports.append(world.send(pairs.wires["mon0"], packets=5000, flows=100, seed=number))
        scrape = daemon.wait_seen(5000 * RECREATIONS)
    lab.equal("seen on mon0", scrape.seen(interface="mon0")[0], 5000 * RECREATIONS)
    lab.equal("flows on mon0", scrape.flows(interface="mon0"), lab.expected_flows(*reports))
    lab.equal("re-attachments", scrape.value("xdp_auditor_reattaches_total", interface="mon0"),
              RECREATIONS)
    assert max(waits) < 1000, f"attached {max(waits):.0f} ms after it was back"
    told = scrape.value("xdp_auditor_detached_seconds_total", interface="mon0") * 1000
    assert abs(told - sum(gaps)) <= RECREATIONS, f"{told:.0f} ms by the counter, the log: {gaps}"
    verdict = "within" if max(gaps) <= FAST_MS else "beyond"
    return f"unseen_ms {gaps}: {verdict} {FAST_MS}"


def rename(netns, old, new):
    """Kernels before 6.2 rename only what is down."""
    try:
        netns.ip("link", "set", old, "name", new)
    except AssertionError:
        netns.batch(f"link set {old} down", f"link set {old} name {new}", f"link set {new} up")


def renamed(world):
    """A name is what is counted under: the new one from now on, the old one's figures stay."""
    pairs = Pairs(world, "mon0", "mon1")
    daemon = world.daemon(pairs.monitor, world.config("mon*"))
    with lab.Watch(daemon):
        reports = pairs.send(mon0=10000, mon1=10000)
        daemon.wait_seen(20000)
        log = len(daemon.lines)
        rename(pairs.monitor, "mon0", "mon9")
        attached(daemon, "mon9", after=log)
        pairs.wires["mon9"] = pairs.wires["mon0"]
        reports |= pairs.send(mon9=20000)
        check_by_interface(daemon.wait_seen(40000), reports)
        lab.equal("readiness", daemon.ready(), True)
        rename(pairs.monitor, "mon9", "unnamed0")
        lifecycle.hook_is_free(pairs.monitor, "unnamed0")
        rename(pairs.monitor, "unnamed0", "mon0")
        attached(daemon, "mon0", after=log)
        again = pairs.send(mon0=10000)["mon0"]
        scrape = daemon.wait_seen(50000)
    lab.equal("flows on mon0", scrape.flows(interface="mon0"),
              lab.expected_flows(reports["mon0"], again))
    return "50000 packets"


def names_exchanged(world):
    """Two interfaces swap their names before the daemon looks: it goes by the names."""
    pairs = Pairs(world, "mon0", "mon1")
    daemon = world.daemon(pairs.monitor, world.config("[mon0, mon1]"))
    with lab.Watch(daemon):
        reports = pairs.send(mon0=10000, mon1=20000)
        daemon.wait_seen(30000)
        log = len(daemon.lines)
        daemon.signal(lab.signal.SIGSTOP)
        for old, new in (("mon0", "swap"), ("mon1", "mon0"), ("swap", "mon1")):
            rename(pairs.monitor, old, new)
        daemon.signal(lab.signal.SIGCONT)
        for name in ("mon0", "mon1"):
            attached(daemon, name, after=log)
        pairs.wires["mon0"], pairs.wires["mon1"] = pairs.wires["mon1"], pairs.wires["mon0"]
        again = pairs.send(mon0=1000, mon1=2000)
        scrape = daemon.wait_seen(33000)
    for name in ("mon0", "mon1"):
        lab.equal(f"flows on {name}", scrape.flows(interface=name),
                  lab.expected_flows(reports[name], again[name]))
    return "33000 packets"


# --- where the default route leads ------------------------------------------------------------

class Routed(Pairs):
    """Two links, and a daemon that follows the default route, which leads to mon0 at first."""

    def __init__(self, world, metric=100):
        super().__init__(world, "mon0", "mon1")
        self.ip("add", "mon0", metric)
        self.daemon = world.daemon(self.monitor, world.config("auto"))
        self.sent = {}

    def ip(self, verb, interface, metric=100, *family):
        self.monitor.ip(*family, "route", verb, "default", "dev", interface, "metric", str(metric))

    def count(self, **packets):
        """Every packet of them is counted, and so is all that was sent before."""
        for name, report in self.send(**packets).items():
            self.sent.setdefault(name, []).append(report)
        total = sum(report["packets"] for reports in self.sent.values() for report in reports)
        scrape = self.daemon.wait_seen(total)
        for name, reports in self.sent.items():
            lab.equal(f"seen on {name}", scrape.seen(interface=name)[0],
                      sum(report["packets"] for report in reports))
            # flows have the label where there are those of several interfaces
            at = {"interface": name} if len(self.sent) > 1 else {}
            assert scrape.flows(**at) == lab.expected_flows(*reports), f"flows on {name} are wrong"

    def polls(self):
        return self.daemon.scrape().value("xdp_auditor_poll_duration_seconds_count")

    def moved(self, old, new, after):
        """The new one first, then the old one, a line each."""
        self.daemon.wait_line(f"netflow_filter detached from {old}", after)
        lines = [line for line in self.daemon.lines[after:] if "netflow_filter" in line]
        assert len(lines) == 2 and f"attached to {new}" in lines[0], f"lines: {lines}"
        lab.wait_for("ready", self.daemon.ready)
        assert self.monitor.xdp(new) and not self.monitor.xdp(old)


def route_moves(world):
    """There and back; what was counted before stays on the page and goes on."""
    routed = Routed(world)
    with lab.Watch(routed.daemon):
        for old, new in (("mon0", "mon1"), ("mon1", "mon0")):
            routed.count(**{old: 10000})
            log = len(routed.daemon.lines)
            routed.ip("replace", new)
            routed.moved(old, new, log)
            routed.count(**{new: 5000})
    return "30000 packets"


def route_by_metric(world):
    """A better one comes, and goes again; then the interface of the only one left goes down, of
    which there is no word but the link's."""
    routed = Routed(world)
    for command, old, new in ((("add", "mon1", 50), "mon0", "mon1"),
                              (("del", "mon1", 50), "mon1", "mon0"),
                              (("add", "mon1", 200), None, None)):
        log = len(routed.daemon.lines)
        routed.ip(*command)
        if old:
            routed.moved(old, new, log)
    routed.count(mon0=5000)
    log = len(routed.daemon.lines)
    routed.monitor.ip("link", "set", "mon0", "down")
    routed.moved("mon0", "mon1", log)
    routed.count(mon1=5000)
    return "10000 packets"


def route_vanishes(world):
    """The host stays where it was, over a reload too, until a route of either family comes."""
    routed = Routed(world)
    with lab.Watch(routed.daemon):
        routed.ip("del", "mon0")
        routed.count(mon0=5000)
        assert routed.daemon.reload(), routed.daemon.stderr()
        routed.count(mon0=5000)
        log = len(routed.daemon.lines)
        with routed.monitor.entered():
            lab.sysctl("net/ipv6/conf/mon1/disable_ipv6", "0")
        routed.ip("add", "mon1", 100, "-6")
        routed.moved("mon0", "mon1", log)
        routed.count(mon1=5000)
        log = len(routed.daemon.lines)
        routed.ip("add", "mon0")
        routed.moved("mon1", "mon0", log)
        routed.count(mon0=5000)
    return "20000 packets"


def route_recreated(world):
    """Its interface is deleted and made again: attached again without a route, and with one."""
    routed = Routed(world)
    for _ in range(2):
        log = len(routed.daemon.lines)
        routed.wires["mon0"].delete()
        routed.daemon.wait_line("netflow_filter came off mon0", log)
        routed.wires["mon0"].create()
        attached(routed.daemon, "mon0", after=log)
        routed.count(mon0=5000)
        routed.ip("add", "mon0")
    return "10000 packets"


def route_to_taken_hook(world):
    """The old interface is counted for as long as the new one cannot be: no blind moment."""
    routed = Routed(world)
    foreign = world.foreign()
    foreign.put(routed.monitor, "mon1", "drv")
    with lab.Watch(routed.daemon):
        log = len(routed.daemon.lines)
        routed.ip("replace", "mon1")
        line = routed.daemon.wait_line("netflow_filter not attached to mon1", log)
        assert f"id {foreign.id}" in line, f"the line does not name the program: {line}"
        lifecycle.not_ready(routed.daemon, "mon1")
        routed.count(mon0=10000)
        log = len(routed.daemon.lines)
        foreign.off(routed.monitor, "mon1", "drv")
        routed.moved("mon0", "mon1", log)
        routed.count(mon1=10000)
    return "20000 packets"


def route_flaps(world):
    """However often it moves: in the end the program is where the route is, and there alone."""
    routed = Routed(world)
    with lab.Watch(routed.daemon):
        for number in range(200):
            routed.ip("replace", f"mon{number % 2}")
        lab.wait_for("one interface", lambda: routed.monitor.xdp("mon1")
                     and not routed.monitor.xdp("mon0"))
        lab.wait_for("ready", routed.daemon.ready)
        routed.count(mon1=10000)
    return "10000 packets"


MANY_ROUTES = 10000


def other_routes(world):
    """Routes that are no default ones do not even wake the daemon."""
    routed = Routed(world)
    commands = [f"route add 10.{i >> 8}.{i & 255}.0/24 dev mon0" for i in range(MANY_ROUTES)]

    def wakes():
        return int(lab.status_field(routed.daemon.pid, "voluntary_ctxt_switches"))
    before, polls = wakes(), routed.polls()
    routed.monitor.batch(*commands)
    woken, polls = wakes() - before, routed.polls() - polls
    assert woken < 50 + 20 * polls, f"woken {woken} times by {MANY_ROUTES} routes, {polls} polls"
    log = len(routed.daemon.lines)
    routed.ip("replace", "mon1")
    routed.moved("mon0", "mon1", log)
    return f"woken {woken} times, {polls} polls"


# --- frames of our own making -----------------------------------------------------------------

IPV4, IPV6, ARP, VLAN, QINQ, QINQ_OLD = 0x0800, 0x86dd, 0x0806, 0x8100, 0x88a8, 0x9100
UDP = 17


def udp(sport, dport, size):
    return struct.pack("!HHHH", sport, dport, 8 + size, 0) + bytes(size)


def ipv4(src, dst, payload):
    return struct.pack("!BBHHHBBH", 4 << 4 | 5, 0, 20 + len(payload), 0, 0, 64, UDP, 0) + (
        socket.inet_aton(src) + socket.inet_aton(dst) + payload)


def ipv6(src, dst, payload):
    return struct.pack("!IHBB", 6 << 28, len(payload), UDP, 64) + (
        socket.inet_pton(socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, dst) + payload)


def ethernet(kind, payload, *tags):
    """`tags` are (TPID, VLAN) from the outside in; what is too short is padded as wires do it."""
    head = b"\x02\0\0\0\0\2" + b"\x02\0\0\0\0\1"
    for tpid, vlan in tags:
        head += struct.pack("!HH", tpid, vlan)
    return (head + struct.pack("!H", kind) + payload).ljust(60, b"\0")


class Truth:
    """What was sent on one interface: by flow, and by the reason why it is in none."""

    def __init__(self, interface):
        self.interface = interface
        self.flows = collections.defaultdict(lambda: (0, 0))
        self.reasons = collections.defaultdict(lambda: (0, 0))

    @staticmethod
    def _add(sums, key, frame):
        packets, octets = sums[key]
        sums[key] = (packets + 1, octets + len(frame))

    def flow(self, frame, *key):
        self._add(self.flows, tuple(map(str, key)), frame)
        return frame

    def reason(self, frame, reason):
        self._add(self.reasons, reason, frame)
        return frame

    def total(self):
        return tuple(map(sum, zip(*self.flows.values(), *self.reasons.values())))

    def check(self, scrape):
        at = {"interface": self.interface}
        lab.equal(f"seen on {self.interface}", scrape.seen(**at), self.total())
        lab.equal(f"flows on {self.interface}", scrape.flows(**at), dict(self.flows))
        reasons = {labels["reason"]: (value, scrape.value(
            "xdp_netflow_unattributed_bytes_total", **labels)) for labels, value in scrape.samples(
                "xdp_netflow_unattributed_packets_total", **at) if value}
        lab.equal(f"in no flow on {self.interface}", reasons, dict(self.reasons))


TUNSETIFF = 0x400454ca
IFF_TUN, IFF_TAP, IFF_NO_PI = 1, 2, 0x1000


def tun(world, netns, name, flags):
    """A tun or tap device; the descriptor to which its frames are written."""
    lab.need(os.path.exists("/dev/net/tun"), "no /dev/net/tun on this machine")
    with netns.entered():
        try:
            fd = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
            world.stack.callback(os.close, fd)
            fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
        except OSError as error:
            raise lab.Skip(f"no tun device to be had: {error.strerror}") from None
    netns.ip("link", "set", name, "mtu", "9000", "up")
    return fd


class Kinds:
    """A daemon that watches a veth, a tap and two tun devices, all in one namespace."""

    def __init__(self, world, mode, ethernet_mode):
        self.world = world
        netns = world.netns("mon")
        wire = world.wire("tx0", "mon0", monitor=netns)
        self.fds = {name: tun(world, netns, name, flags) for name, flags in (
            ("tap0", IFF_TAP | IFF_NO_PI), ("tun0", IFF_TUN | IFF_NO_PI), ("tun1", IFF_TUN))}
        with wire.sender.entered():
            packet = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            world.stack.callback(packet.close)
            packet.bind((wire.sender_if, 0))
        self.fds["mon0"] = packet.fileno()
        self.truths = {name: Truth(name) for name in self.fds}
        self.daemon = world.daemon(netns, world.config("[mon0, 'tap*', tun0, tun1]", mode=mode,
                                                       top_k=10000))
        for name in ("mon0", "tap0"):
            attached(self.daemon, name, ethernet_mode)
        for name in ("tun0", "tun1"):
            attached(self.daemon, name, "skb")

    def send(self, interface, frames, head=b""):
        """As a driver would, or as a program with a packet socket at a link's other end."""
        for frame in frames:
            lab.equal("bytes written", os.write(self.fds[interface], head + frame),
                      len(head) + len(frame))

    def check(self):
        total = sum(truth.total()[0] for truth in self.truths.values() if truth.total())
        scrape = self.daemon.wait_seen(total)
        sent = {name: truth for name, truth in self.truths.items() if truth.total()}
        for truth in sent.values():
            truth.check(scrape)
        return ", ".join(f"{name}: {truth.total()[0]} packets, {len(truth.flows)} flows"
                         for name, truth in sent.items())


def native(world):
    """Native where the driver can: a tun cannot."""
    return Kinds(world, "auto", "drv")


def generic(world):
    return Kinds(world, "skb", "skb")


def plain(truth, frame_of, seed):
    """Frames of random sizes and flows, both families; the truth learns of each."""
    random_ = random.Random(seed)
    for _ in range(3000):
        sport, size = random_.randrange(1, 200), random_.randrange(0, 1400)
        payload = udp(sport, 53, size)
        if random_.randrange(2):
            frame = frame_of(IPV4, ipv4("10.0.0.1", "10.0.0.2", payload))
            yield truth.flow(frame, "10.0.0.1", "10.0.0.2", "udp", sport, 53)
        else:
            frame = frame_of(IPV6, ipv6("2001:db8::1", "2001:db8::2", payload))
            yield truth.flow(frame, "2001:db8::1", "2001:db8::2", "udp", sport, 53)


def bare_ip(kinds):
    """Packets without a link header: bytes are those of the IP packet. The device itself refuses
    what is no IP; with a protocol beside the packet it lets a wrong version through, and that one
    is counted by its reason."""
    truth = kinds.truths["tun0"]
    with lab.Watch(kinds.daemon):
        kinds.send("tun0", plain(truth, lambda _kind, packet: packet, 1))
        with contextlib.suppress(OSError):
            os.write(kinds.fds["tun0"], b"\x55" + bytes(40))
            raise AssertionError("tun took a packet of IP version 5")
        bare_ip_with_protocol(kinds, kinds.truths["tun1"])
        return kinds.check()


def bare_ip_with_protocol(kinds, truth):
    def write(kind, packet):
        kinds.send("tun1", [packet], struct.pack("!HH", 0, kind))
    for packet in plain(truth, lambda _kind, packet: packet, 2):
        write(IPV6 if packet[0] >> 4 == 6 else IPV4, packet)
    wrong = ipv4("10.0.0.1", "10.0.0.2", udp(7, 8, 90))
    for version in (0, 5, 15):
        packet = bytes([version << 4 | 5]) + wrong[1:]
        write(IPV4, truth.reason(packet, "ip_version"))
    write(IPV4, truth.reason(wrong[:19], "truncated"))


def tap(kinds):
    """A tap takes what a driver would: plain, tagged, large, and no IP at all."""
    truth = kinds.truths["tap0"]
    with lab.Watch(kinds.daemon):
        kinds.send("tap0", plain(truth, ethernet, 3))
        kinds.send("tap0", tagged(truth))
        kinds.send("tap0", large(truth))
        return kinds.check()


def veth(kinds):
    """The same frames by a packet socket."""
    truth = kinds.truths["mon0"]
    with lab.Watch(kinds.daemon):
        kinds.send("mon0", plain(truth, ethernet, 4))
        kinds.send("mon0", tagged(truth))
        return kinds.check()


def large(truth):
    for size in (1400, 3000, 4000, 8000, 8900):
        packet = ipv4("10.0.0.3", "10.0.0.4", udp(9, 9, size - 28))
        yield truth.flow(ethernet(IPV4, packet), "10.0.0.3", "10.0.0.4", "udp", 9, 9)


def tagged(truth):
    """Up to four tags are looked behind, whichever they are; five are a reason of their own."""
    stacks = [[(VLAN, 5)], [(VLAN, 5), (VLAN, 6)], [(QINQ, 100), (VLAN, 6)],
              [(QINQ_OLD, 100), (VLAN, 6)], [(QINQ, 1), (QINQ, 2), (VLAN, 3)],
              [(VLAN, 0xe000)], [(VLAN, vlan) for vlan in range(1, 5)]]
    for number, tags in enumerate(stacks * 20):
        sport = 1000 + number % 11
        payload = udp(sport, 80, number)
        packet = ipv4("10.1.0.1", "10.1.0.2", payload)
        yield truth.flow(ethernet(IPV4, packet, *tags), "10.1.0.1", "10.1.0.2", "udp", sport, 80)
        packet = ipv6("2001:db8::1", "2001:db8::2", payload)
        yield truth.flow(ethernet(IPV6, packet, *tags), "2001:db8::1", "2001:db8::2", "udp", sport,
                         80)
    five = [(VLAN, vlan) for vlan in range(1, 6)]
    packet = ipv4("10.1.0.1", "10.1.0.2", udp(1, 2, 3))
    yield truth.reason(ethernet(IPV4, packet, *five), "vlan_limit")
    yield truth.reason(ethernet(ARP, bytes(28), (QINQ, 1), (VLAN, 2)), "non_ip")
    yield truth.reason(ethernet(IPV6, packet, (VLAN, 2)), "ip_version")


if __name__ == "__main__":
    lab.main(at_once, later, one_fails, one_of_two_deleted, recreated_at_once, renamed,
             names_exchanged, route_moves, route_by_metric, route_vanishes, route_recreated,
             route_to_taken_hook, route_flaps, other_routes, lab.Group(native, bare_ip, tap, veth),
             lab.Group(generic, bare_ip, tap, veth))
