# SPDX-License-Identifier: GPL-2.0-or-later
"""What every end-to-end test is made of: network namespaces, veth pairs, a real daemon on them,
known traffic from xa_send, and scrapes read by a strict parser of the text format.

Everything that a case makes belongs to its Lab and is undone when the case ends, whichever way it
ends; what is still there afterwards fails the test. Only the standard library is used.
"""

import contextlib
import ctypes
import http.client
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1

PREFIX = f"xae2e{os.getpid()}"
DEADLINE = 20  # seconds for anything that has to happen; tests assert behaviour, not speed
PORT = 9400
EXIT_SKIPPED = 77

RESIDUALS = ("xdp_auditor_unaccounted_packets", "xdp_auditor_unaccounted_bytes")
FLOW_LABELS = ("src", "dst", "proto", "sport", "dport")
OTHER = "other"
UNITS = ("packets", "bytes")


class Skip(Exception):
    """The machine cannot run this case; the text says why."""


def need(condition, reason):
    if not condition:
        raise Skip(reason)


def need_tool(name):
    path = shutil.which(name)
    need(path, f"no {name} on this machine")
    return path


def equal(what, got, want):
    assert got == want, f"{what}: got {got!r}, want {want!r}"


def wait_for(what, predicate, deadline=DEADLINE, pause=0.05):
    """Returns the predicate's first true value; its AssertionErrors count as not yet."""
    end = time.monotonic() + deadline
    reason = ""
    while True:
        try:
            value = predicate()
            if value:
                return value
        except (AssertionError, OSError) as error:
            reason = f" (last: {error})"
        assert time.monotonic() < end, f"waited {deadline} s for {what}{reason}"
        time.sleep(pause)


def run(*command, **options):
    """Runs a command that has to succeed; its stdout."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, **options)
    assert done.returncode == 0, (
        f"{' '.join(command)}: exit {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


# --- text format 0.0.4 ------------------------------------------------------------------------

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (\S+)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)')
TYPES = {"counter", "gauge", "histogram", "summary", "untyped"}
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("", "_sum", "_count")}


def parse_labels(text):
    labels = {}
    at = 0
    while at < len(text):
        match = LABEL.match(text, at)
        assert match, f"bad labels: {text!r}"
        name, value, _ = match.groups()
        assert name not in labels, f"label twice: {text!r}"
        labels[name] = re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], value)
        at = match.end()
    assert not text.endswith(","), f"bad labels: {text!r}"
    return labels


def parse_value(text):
    """Integers stay integers: a figure has to be exact."""
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    if text in ("NaN", "+Inf", "-Inf"):
        return float(text)
    assert re.fullmatch(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", text), f"bad value: {text!r}"
    return float(text)


class Scrape:
    """One page: refuses what Prometheus would refuse, and what it would only put up with."""

    def __init__(self, text):
        self.text = text
        self.types = {}
        self.helps = {}
        self.series = {}
        self.family = None
        self.by_name = {}
        assert text.endswith("\n"), "the page does not end in a newline"
        for line in text.split("\n")[:-1]:
            self._line(line)

    def _line(self, line):
        if line.startswith("# HELP ") or line.startswith("# TYPE "):
            self._comment(*line[2:].split(" ", 2))
        elif not line.startswith("#"):
            self._sample(line)

    def _comment(self, kind, name, rest):
        assert re.fullmatch(NAME, name), f"bad name: {name!r}"
        table = self.helps if kind == "HELP" else self.types
        assert name not in table, f"# {kind} twice: {name}"
        assert kind == "HELP" or rest in TYPES, f"bad type: {name} {rest}"
        assert self.family == name or (name not in self.types and name not in self.helps), (
            f"family in two places: {name}")
        table[name] = rest
        self.family = name

    def _sample(self, line):
        match = SAMPLE.fullmatch(line)
        assert match, f"bad line: {line!r}"
        name, labels, value = match[1], parse_labels(match[2] or ""), parse_value(match[3])
        kind = self.types.get(self.family)
        assert kind, f"sample before its type: {line!r}"
        names = [self.family + suffix for suffix in SUFFIXES.get(kind, ("",))]
        assert name in names, f"sample {name} inside family {self.family}"
        key = (name, frozenset(labels.items()))
        assert key not in self.series, f"series twice: {line!r}"
        self.series[key] = value
        self.by_name.setdefault(name, []).append((labels, value))

    def samples(self, name, **match):
        return [(labels, value) for labels, value in self.by_name.get(name, [])
                if all(labels.get(key) == text for key, text in match.items())]

    def sum(self, name, **match):
        return sum(value for _, value in self.samples(name, **match))

    def value(self, name, **match):
        found = self.samples(name, **match)
        equal(f"number of series {name}{match or ''}", len(found), 1)
        return found[0][1]

    def counters(self):
        """Every series that may never fall: counters, and a histogram's buckets and count."""
        for (name, labels), value in self.series.items():
            base = re.sub(r"_(bucket|count)$", "", name)
            if self.types.get(name) == "counter" or self.types.get(base) == "histogram":
                yield (name, labels), value

    def rows(self, unit, **match):
        """The samples of single flows, without the sum of the others."""
        return [(labels, value)
                for labels, value in self.samples(f"xdp_netflow_flow_{unit}", **match)
                if any(labels.get(key, OTHER) != OTHER for key in FLOW_LABELS)]

    def others(self, names=FLOW_LABELS):
        """(packets, bytes) of the flows that have no sample of their own."""
        return tuple(self.value(f"xdp_netflow_flow_{unit}", **{key: OTHER for key in names})
                     for unit in UNITS)

    def flows(self, names=FLOW_LABELS, **match):
        """{5-tuple: (packets, bytes)} of the per-flow gauges, or by those labels alone."""
        packets = {tuple(labels[key] for key in names): value
                   for labels, value in self.rows("packets", **match)}
        octets = {tuple(labels[key] for key in names): value
                  for labels, value in self.rows("bytes", **match)}
        equal("flows with only packets or only bytes", packets.keys() ^ octets.keys(), set())
        return {key: (packets[key], octets[key]) for key in packets}

    def seen(self, **match):
        return (self.sum("xdp_auditor_seen_packets_total", **match),
                self.sum("xdp_auditor_seen_bytes_total", **match))

    def attributed(self, **match):
        return (self.sum("xdp_netflow_packets_total", **match),
                self.sum("xdp_netflow_bytes_total", **match))

    def unattributed(self, **match):
        return (self.sum("xdp_netflow_unattributed_packets_total", **match),
                self.sum("xdp_netflow_unattributed_bytes_total", **match))


def check_conservation(scrape):
    """The promise itself, once as the daemon states it and once worked out from its counters."""
    for name in RESIDUALS:
        found = scrape.samples(name)
        assert found, f"no {name} on the page"
        for labels, value in found:
            equal(f"{name} {labels}", value, 0)
    for labels, _ in scrape.samples("xdp_auditor_seen_packets_total"):
        at = {"interface": labels["interface"]}
        parts = zip(scrape.attributed(**at), scrape.unattributed(**at))
        equal(f"flows + classes on {labels['interface']}", tuple(a + b for a, b in parts),
              scrape.seen(**at))
        equal(f"sizes on {labels['interface']}",
              (scrape.value("xdp_netflow_packet_size_bytes_count", **at),
               scrape.value("xdp_netflow_packet_size_bytes_sum", **at)), scrape.seen(**at))
    for unit in UNITS:
        equal(f"{unit} of flows, shown, others and hidden", scrape.sum(f"xdp_netflow_flow_{unit}") +
              scrape.value(f"xdp_netflow_hidden_{unit}"),
              scrape.value(f"xdp_netflow_{unit}_total_snapshot"))


def check_rising(before, after, may_go=lambda name, labels: False):
    """No counter falls or goes, but those that may."""
    now = dict(after.counters())
    for key, value in before.counters():
        if may_go(key[0], dict(key[1])):
            continue
        name = f"{key[0]}{dict(key[1])}"
        assert key in now, f"counter gone: {name} was {value}"
        assert now[key] >= value, f"counter fell: {name} {value} -> {now[key]}"


# --- expected figures -------------------------------------------------------------------------

def expected_flows(*reports, labels=FLOW_LABELS):
    """xa_send's figures, added up per 5-tuple as the daemon labels it."""
    flows = {}
    for report in reports:
        for flow in report["flows"]:
            key = tuple(str(flow[name]) for name in labels)
            packets, octets = flows.get(key, (0, 0))
            flows[key] = (packets + flow["packets"], octets + flow["bytes"])
    return flows


def expected_families(*reports):
    """{(family, proto): (packets, bytes)} of what was sent."""
    families = {}
    for report in reports:
        for flow in report["flows"]:
            key = ("ipv6" if ":" in flow["src"] else "ipv4", flow["proto"])
            packets, octets = families.get(key, (0, 0))
            families[key] = (packets + flow["packets"], octets + flow["bytes"])
    return families


def check_exact_flows(scrape, *reports):
    """Every flow sent, to the packet and the byte."""
    got, want = scrape.flows(), expected_flows(*reports)
    missing = want.keys() - got.keys()
    assert not missing, f"{len(missing)} of {len(want)} flows missing, one is {min(missing)}"
    wrong = {key for key in want if got[key] != want[key]}
    if wrong:
        one = min(wrong)
        raise AssertionError(f"{len(wrong)} of {len(want)} flows wrong, "
                             f"one is {one}: got {got[one]}, want {want[one]}")


def check_exact(scrape, *reports):
    """Every flow, and the totals by family and protocol."""
    check_exact_flows(scrape, *reports)
    for (family, proto), figures in expected_families(*reports).items():
        equal(f"total of {family} {proto}", scrape.attributed(family=family, proto=proto), figures)


# --- namespaces and links ---------------------------------------------------------------------

def sysctl(key, value):
    with contextlib.suppress(FileNotFoundError):
        pathlib.Path("/proc/sys", key).write_text(value)


class Netns:
    def __init__(self, name):
        self.name = name
        self.fd = -1

    def create(self):
        run("ip", "netns", "add", self.name)
        self.fd = os.open(f"/run/netns/{self.name}", os.O_RDONLY | os.O_CLOEXEC)
        self.ip("link", "set", "lo", "up")
        with self.entered():
            # Router solicitations and MLD would be traffic that nobody sent.
            for scope in ("all", "default"):
                sysctl(f"net/ipv6/conf/{scope}/disable_ipv6", "1")
        return self

    @contextlib.contextmanager
    def entered(self):
        """This thread's sockets and children are made in the namespace meanwhile."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._set(self.fd)
            try:
                yield
            finally:
                self._set(home)
        finally:
            os.close(home)

    @staticmethod
    def _set(fd):
        if LIBC.setns(fd, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    def ip(self, *command):
        return run("ip", "-n", self.name, *command)

    def batch(self, *commands):
        """Several commands of ip(8) by one process: as little time as possible between them."""
        return run("ip", "-n", self.name, "-batch", "-", input="\n".join(commands) + "\n")

    def link(self, interface):
        """What `ip -j link` says; None if there is no such interface."""
        links = json.loads(self.ip("-j", "link", "show") or "[]")
        return next((link for link in links if link["ifname"] == interface), None)

    def xdp(self, interface):
        """The XDP program on the hook as `ip -j link` tells it, or None."""
        link = self.link(interface)
        return link.get("xdp") if link else None

    def delete(self):
        if self.fd >= 0:
            os.close(self.fd)
        if os.path.exists(f"/run/netns/{self.name}"):
            run("ip", "netns", "del", self.name)


XDP_MODES = {1: "drv", 2: "skb", 3: "hw"}


class Wire:
    """A veth pair: traffic leaves at one end and is seen at the other."""

    def __init__(self, sender, sender_if, monitor, monitor_if, queues=1):
        self.sender, self.sender_if = sender, sender_if
        self.monitor, self.monitor_if = monitor, monitor_if
        self.queues = ("numtxqueues", str(queues), "numrxqueues", str(queues))
        self.create()

    def create(self):
        self.sender.ip("link", "add", self.sender_if, *self.queues, "type", "veth", "peer", "name",
                       self.monitor_if, *self.queues, "netns", self.monitor.name)
        self.sender.ip("link", "set", self.sender_if, "up")
        self.monitor.ip("link", "set", self.monitor_if, "up")
        wait_for("the link to come up", lambda: all(
            "LOWER_UP" in end.link(name)["flags"] for end, name in (
                (self.sender, self.sender_if), (self.monitor, self.monitor_if))))

    def delete(self):
        self.monitor.ip("link", "del", self.monitor_if)


# --- processes --------------------------------------------------------------------------------

class Process:
    """A child whose stdout and stderr are read line by line while it runs."""

    def __init__(self, command, netns=None, **options):
        self.since = time.monotonic()
        self.lines = []
        self.output = []
        self.arrived = threading.Condition()
        with netns.entered() if netns else contextlib.nullcontext():
            self.popen = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                          stderr=subprocess.PIPE, text=True, errors="replace",
                                          preexec_fn=die_with_parent, **options)
        self.readers = [threading.Thread(target=self._read, args=pair, daemon=True) for pair in (
            (self.popen.stdout, self.output), (self.popen.stderr, self.lines))]
        for reader in self.readers:
            reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def _read(self, stream, lines):
        for line in stream:
            with self.arrived:
                lines.append(line.rstrip("\n"))
                self.arrived.notify_all()

    @property
    def pid(self):
        return self.popen.pid

    def signal(self, number):
        self.popen.send_signal(number)

    def wait(self, deadline=DEADLINE):
        """The exit status, once every line has been read."""
        try:
            status = self.popen.wait(deadline)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.popen.args[0]} still runs after {deadline} s") from None
        for reader in self.readers:
            reader.join(DEADLINE)
        return status

    def alive(self):
        return self.popen.poll() is None

    def stderr(self):
        with self.arrived:
            return "\n".join(self.lines)

    def wait_line(self, pattern, after=0, deadline=DEADLINE):
        """Waits for a line of stderr that matches, from line number `after` on; the line."""
        end = time.monotonic() + deadline
        with self.arrived:
            while True:
                for line in self.lines[after:]:
                    if re.search(pattern, line):
                        return line
                left = end - time.monotonic()
                text = "\n".join(self.lines[-10:])
                assert left > 0 and (self.alive() or left > deadline - 1), (
                    f"no line like {pattern!r} in the log, which ends in:\n{text}")
                self.arrived.wait(min(left, 0.5))

    def end(self):
        """Whatever state it is in: TERM first, so that a daemon can detach."""
        if self.alive():
            self.popen.terminate()
            try:
                self.popen.wait(8)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait(DEADLINE)
        for reader in self.readers:
            reader.join(2)
        self.popen.stdout.close()
        self.popen.stderr.close()


class Connection(http.client.HTTPConnection):
    def __init__(self, netns, port, timeout):
        super().__init__("127.0.0.1", port, timeout=timeout)
        self.netns = netns

    def connect(self):
        with self.netns.entered():
            super().connect()


class Reply:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def text(self):
        return self.body.decode()


def request(netns, port, path, method="GET", headers=None, timeout=10):
    connection = Connection(netns, port, timeout)
    try:
        connection.request(method, path, headers=headers or {})
        return Reply(connection.getresponse())
    except http.client.HTTPException as error:
        raise AssertionError(f"{method} {path}: {error!r}") from None
    finally:
        connection.close()


OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def strict_parser():
    """The strict OpenMetrics parser of Debian's python3-prometheus-client, whichever Python runs."""
    try:
        from prometheus_client.openmetrics import parser
    except ImportError:
        sys.path.append("/usr/lib/python3/dist-packages")
        try:
            from prometheus_client.openmetrics import parser
        except ImportError:
            raise Skip("no prometheus_client on this machine") from None
    return parser.text_string_to_metric_families


def check_openmetrics(daemon):
    """A page as OpenMetrics, which the strict parser takes; its families."""
    families = strict_parser()
    reply = daemon.get("/metrics", headers={"Accept": OPENMETRICS})
    equal("type", reply.headers["Content-Type"], OPENMETRICS)
    return list(families(reply.text))


class Daemon(Process):
    def __init__(self, binary, netns, config, *arguments, prefix=(), **options):
        self.netns = netns
        self.config = config
        super().__init__([*prefix, binary, "run", "-c", str(config), *arguments], netns, **options)

    def get(self, path, **options):
        return request(self.netns, PORT, path, **options)

    def ready(self):
        assert self.alive(), f"the daemon has ended with {self.popen.returncode}:\n{self.stderr()}"
        reply = self.get("/-/ready")
        assert reply.status == 200, f"/-/ready: {reply.status} {reply.text.strip()}"
        return True

    def wait_ready(self, deadline=DEADLINE):
        end = time.monotonic() + deadline
        while True:
            with contextlib.suppress(OSError):
                if self.alive() and self.get("/-/ready").status == 200:
                    return self
            assert self.alive(), f"the daemon ended with {self.wait()}:\n{self.stderr()}"
            assert time.monotonic() < end, f"not ready after {deadline} s:\n{self.stderr()}"
            time.sleep(0.05)

    def scrape(self):
        reply = self.get("/metrics")
        equal("status of /metrics", reply.status, 200)
        return Scrape(reply.text)

    def wait_seen(self, packets, deadline=DEADLINE, **match):
        """A scrape that has seen at least so many packets, whose conservation holds."""
        def enough():
            scrape = self.scrape()
            seen = scrape.seen(**match)[0]
            assert seen >= packets, f"seen {seen} of {packets}"
            return scrape
        scrape = wait_for(f"{packets} packets to be seen", enough, deadline)
        check_conservation(scrape)
        return scrape

    def reload(self, **figures):
        """HUP, then waits until this reload has been judged: True if it was taken."""
        before = self.reload_figures()
        self.signal(signal.SIGHUP)
        def judged():
            now = self.reload_figures()
            return now if now != before else None
        good, bad = wait_for("the reload's outcome", judged, **figures)
        return good > before[0] and bad == before[1]

    def reload_figures(self):
        scrape = self.scrape()
        return (scrape.value("xdp_auditor_config_reloads_total"),
                scrape.sum("xdp_auditor_config_reload_failures_total"))


class Watch:
    """Scrapes all the time and holds every page against the promise and the page before it."""

    def __init__(self, daemon, pause=0.05):
        self.daemon = daemon
        self.pause = pause
        self.count = 0
        self.last = None
        self.failure = None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    @staticmethod
    def may_go(_name, _labels):
        return False

    def look(self):
        scrape = self.daemon.scrape()
        check_conservation(scrape)
        if self.last:
            check_rising(self.last, scrape, self.may_go)
        self.last = scrape
        self.count += 1

    def _run(self):
        try:
            while not self.stopping.is_set():
                self.look()
                self.stopping.wait(self.pause)
        except Exception as error:  # any: it is raised again where the case waits
            self.failure = error

    def __enter__(self):
        self.thread.start()
        return self

    def check(self):
        if self.failure:
            raise AssertionError(f"scrape {self.count + 1}: {self.failure}") from self.failure

    def __exit__(self, kind, value, trace):
        self.stopping.set()
        self.thread.join(DEADLINE)
        if kind is None:
            self.check()
            self.look()


# --- somebody else's program ------------------------------------------------------------------

BPF_PROG_LOAD, BPF_LINK_CREATE = 5, 28
BPF_PROG_TYPE_XDP, BPF_XDP = 6, 37
RETURN_PASS = struct.pack("<BBhiBBhi", 0xb7, 0, 0, 2, 0x95, 0, 0, 0)
RTM_SETLINK, NLMSG_ERROR, NLM_F_REQUEST_ACK = 19, 2, 5
IFLA_XDP, IFLA_XDP_FD, IFLA_XDP_FLAGS, NLA_F_NESTED = 43, 1, 3, 0x8000
XDP_FLAGS = {"skb": 1 << 1, "drv": 1 << 2}


def bpf(command, attributes):
    number = {"x86_64": 321, "aarch64": 280}.get(platform.machine())
    need(number, "no number of bpf(2) for this machine")
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    fd = LIBC.syscall(number, command, buffer, len(attributes))
    if fd < 0:
        raise OSError(ctypes.get_errno(), f"bpf({command})")
    return fd


def fdinfo(fd, pid="self"):
    """proc_pid_fdinfo(5): what the kernel tells of a descriptor, as text by name."""
    lines = pathlib.Path(f"/proc/{pid}/fdinfo/{fd}").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def set_xdp(ifindex, fd, flags):
    """netlink(7), as iproute2 does it; -1 takes the program off. An OSError if it is refused."""
    nested = struct.pack("<HHiHHI", 8, IFLA_XDP_FD, fd, 8, IFLA_XDP_FLAGS, flags)
    body = struct.pack("<BxHiIIHH", socket.AF_UNSPEC, 0, ifindex, 0, 0, 4 + len(nested),
                       IFLA_XDP | NLA_F_NESTED) + nested
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as netlink:
        netlink.send(struct.pack("<IHHII", 16 + len(body), RTM_SETLINK, NLM_F_REQUEST_ACK, 1, 0)
                     + body)
        kind, error = struct.unpack_from("<4xH10xi", netlink.recv(65536))
    equal("netlink's answer", kind, NLMSG_ERROR)
    if error:
        raise OSError(-error, "RTM_SETLINK")


class Foreign:
    """A program of somebody else, which passes everything on."""

    NAME = "foreign_pass"

    def __init__(self):
        instructions = ctypes.create_string_buffer(RETURN_PASS)
        text = ctypes.create_string_buffer(b"GPL")
        self.fd = bpf(BPF_PROG_LOAD, struct.pack(
            "<IIQQIIQII16s", BPF_PROG_TYPE_XDP, 2, ctypes.addressof(instructions),
            ctypes.addressof(text), 0, 0, 0, 0, 0, self.NAME.encode()))
        self.id = int(fdinfo(self.fd)["prog_id"])

    def put(self, netns, interface, mode):
        """On the hook by netlink: it stays there when nobody holds it any more."""
        with netns.entered():
            set_xdp(socket.if_nametoindex(interface), self.fd, XDP_FLAGS[mode])

    @staticmethod
    def off(netns, interface, mode):
        with netns.entered():
            set_xdp(socket.if_nametoindex(interface), -1, XDP_FLAGS[mode])

    def link(self, netns, interface, mode):
        """On the hook by a BPF link, for as long as the descriptor lives; the descriptor."""
        with netns.entered():
            return bpf(BPF_LINK_CREATE, struct.pack(
                "<IIII", self.fd, socket.if_nametoindex(interface), BPF_XDP, XDP_FLAGS[mode]))

    def is_on(self, netns, interface):
        xdp = netns.xdp(interface)
        return bool(xdp) and xdp["prog"]["id"] == self.id

    def close(self):
        """Lets go of the program; may be called twice."""
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1


# --- one case's world -------------------------------------------------------------------------

class Lab:
    def __init__(self, auditor, xa_send):
        self.auditor = auditor
        self.xa_send = xa_send
        self.stack = contextlib.ExitStack()
        self.names = 0
        self.processes = []
        # Readable for all: replay runs as nobody.
        directory = tempfile.TemporaryDirectory(prefix=PREFIX)
        self.dir = pathlib.Path(self.stack.enter_context(directory))
        self.dir.chmod(0o755)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()

    def name(self, stem):
        self.names += 1
        return f"{PREFIX}{stem}{self.names}"

    def netns(self, stem="n"):
        netns = Netns(self.name(stem))
        self.stack.callback(netns.delete)
        return netns.create()

    def wire(self, sender_if="tx0", monitor_if="mon0", sender=None, monitor=None, **options):
        return Wire(sender or self.netns("tx"), sender_if, monitor or self.netns("mon"), monitor_if,
                    **options)

    def config(self, interface, mode="drv", poll_interval="200ms", top_k=2000, extra="",
               name="config.yaml"):
        path = self.dir / name
        path.write_text(
            f"interface: {interface}\nmode: {mode}\npoll_interval: {poll_interval}\n"
            f"top_k: {top_k}\nlisten: 127.0.0.1:{PORT}\n"
            "flows: {max: 16384, idle_timeout: 10m, rank_by: packets}\n"
            f"metrics: {{max_series: 100000, hysteresis: 0}}\n{extra}")
        return path

    def foreign(self):
        foreign = Foreign()
        self.stack.callback(foreign.close)
        return foreign

    def own(self, process):
        self.processes.append(process)
        self.stack.callback(process.end)
        return process

    def process(self, *command, netns=None, **options):
        return self.own(Process([str(part) for part in command], netns, **options))

    def start(self, netns, config, *arguments, **options):
        return self.own(Daemon(self.auditor, netns, config, *arguments, **options))

    def daemon(self, netns, config, *arguments, **options):
        return self.start(netns, config, *arguments, **options).wait_ready()

    def sender(self, wire, **pattern):
        """A running xa_send; its report comes from report()."""
        return self.process(self.xa_send, *(["--interface", wire.sender_if] if wire else []),
                            *(part for key, value in pattern.items()
                              for part in (f"--{key.replace('_', '-')}", str(value))),
                            netns=wire.sender if wire else None)

    def report(self, sender, deadline=120):
        status = sender.wait(deadline)
        assert status == 0, f"xa_send: exit {status}: {sender.stderr()}"
        report = json.loads("\n".join(sender.output))
        equal("frames that the interface lost", report["lost"], 0)
        return report

    def send(self, wire, **pattern):
        return self.report(self.sender(wire, **pattern))

    def leftovers(self):
        left = [f"process {process.pid}" for process in self.processes if process.alive()]
        left += [f"namespace {name}" for name in os.listdir("/run/netns") if name.startswith(PREFIX)
                 ] if os.path.isdir("/run/netns") else []
        left += [f"directory {self.dir}"] if self.dir.exists() else []
        return left


# --- the program ------------------------------------------------------------------------------

CAP_NET_ADMIN, CAP_SYS_ADMIN, CAP_BPF = 12, 21, 39


def capabilities(pid="self", field="CapEff"):
    return int(status_field(pid, field), 16)


def status_field(pid, field):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return line.split()[1]
    raise AssertionError(f"no {field} in the status of process {pid}")


def why_not_here():
    if os.geteuid() != 0:
        return "needs root"
    held = capabilities()
    for bit, name in ((CAP_NET_ADMIN, "CAP_NET_ADMIN"), (CAP_SYS_ADMIN, "CAP_SYS_ADMIN"),
                      (CAP_BPF, "CAP_BPF")):
        if not held >> bit & 1:
            return f"needs {name}"
    if not shutil.which("ip"):
        return "needs iproute2"
    return None


def find_programs():
    given = sys.argv[1:3] + [None, None]
    paths = [given[0] or os.environ.get("XA_BIN"), given[1] or os.environ.get("XA_SEND")]
    for path, name in zip(paths, ("xdp-auditor (XA_BIN)", "xa_send (XA_SEND)")):
        if not path or not os.access(path, os.X_OK):
            print(f"usage: {sys.argv[0]} XDP-AUDITOR XA_SEND\nno program: {name}", file=sys.stderr)
            sys.exit(2)
    return [os.path.abspath(path) for path in paths]


INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def interrupted(number, _frame):
    for other in INTERRUPTS:  # the clean-up that follows is not to be interrupted
        signal.signal(other, signal.SIG_IGN)
    raise SystemExit(128 + number)


def innermost_line(error):
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{frame.lineno} of {os.path.basename(frame.filename)}"


class Group:
    """Cases that share what `setup(world)` makes: a start of the daemon costs seconds."""

    def __init__(self, setup, *cases):
        self.setup = setup
        self.cases = cases


def judge(call):
    """'passed', 'failed' or 'skipped', and what to say of it."""
    try:
        return "passed", call() or ""
    except Skip as reason:
        return "skipped", str(reason)
    except AssertionError as error:
        return "failed", str(error)
    except Exception as error:  # a case that stumbles has failed; the others go on
        return "failed", f"{error!r} in line {innermost_line(error)}"


class Tally:
    def __init__(self):
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}
        self.wanted = os.environ.get("XA_CASE", "")

    def wants(self, case):
        return self.wanted in case.__name__

    def case(self, name, call):
        start = time.monotonic()
        outcome, text = judge(call)
        self.counts[outcome] += 1
        print(f"{outcome:8}{name} ({time.monotonic() - start:.1f} s){': ' + text if text else ''}",
              flush=True)
        return outcome == "passed"

    def leftovers(self, name, world):
        left = world.leftovers()
        if left:
            self.counts["failed"] += 1
            print(f"failed  {name} left over: {', '.join(left)}", flush=True)


def run_alone(case, programs, tally):
    world = Lab(*programs)

    def call():
        with world:
            return case(world)
    tally.case(case.__name__, call)
    tally.leftovers(case.__name__, world)


def run_group(group, programs, tally):
    """Where the set-up fails, that is one failure, and its cases did not run."""
    name = group.setup.__name__
    world = Lab(*programs)
    made = []
    with world:
        if tally.case(name, lambda: made.append(group.setup(world))):
            for case in filter(tally.wants, group.cases):
                tally.case(case.__name__, lambda case=case: case(made[0]))
    tally.leftovers(name, world)


def sweep():
    """Namespaces of a run that was killed outright: its number is in their names."""
    for name in os.listdir("/run/netns") if os.path.isdir("/run/netns") else []:
        owner = re.fullmatch(r"xae2e(\d+)[a-z]+\d+", name)
        if owner and not os.path.exists(f"/proc/{owner[1]}"):
            run("ip", "netns", "del", name)


def main(*cases):
    """Runs a file's cases: exit 0 if all that ran passed, 1 if one failed, 77 if none could run."""
    reason = why_not_here()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(EXIT_SKIPPED)
    programs = find_programs()
    sweep()
    for number in INTERRUPTS:
        signal.signal(number, interrupted)
    tally = Tally()
    for case in cases:
        if isinstance(case, Group):
            if any(map(tally.wants, case.cases)):
                run_group(case, programs, tally)
        elif tally.wants(case):
            run_alone(case, programs, tally)
    print(", ".join(f"{count} {outcome}" for outcome, count in tally.counts.items()))
    if tally.counts["failed"]:
        sys.exit(1)
    sys.exit(0 if tally.counts["passed"] else EXIT_SKIPPED)
