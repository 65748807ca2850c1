# SPDX-License-Identifier: GPL-2.0-or-later
"""diag says what is, by trying it, and leaves everything as it was: modes that work and that do
not, hooks that are taken, no rights, no interface; as a table and as JSON alike."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess

import lab

NOBODY = 65534
VERDICTS = ("ok", "info", "warn", "fail")
MODES = ("mode_drv", "mode_skb", "mode_hw")
TRIED, NOT_PERMITTED, TAKEN = "tried: attached", "not permitted to try (needs", "the hook is taken"
ODD_NAMES = (b"a\xff\xfe", b"\x1b[31mred", b'q"uo\\te', "größe".encode())


class Findings:
    """{(check, interface or None): entry}, as JSON gives them, and the same run's exit status."""

    def __init__(self, output, status):
        checks = json.loads(output)["checks"]
        for entry in checks:
            lab.equal("members", list(entry), ["name", "interface", "verdict", "found", "remedy"])
            assert entry["verdict"] in VERDICTS, entry
            assert entry["found"], f"nothing found: {entry}"
            assert entry["remedy"] or entry["verdict"] not in ("warn", "fail"), (
                f"nothing to be done: {entry}")
            assert not entry["remedy"] or entry["verdict"] != "ok", f"ok, but: {entry}"
        self.by_name = {(entry["name"], entry["interface"]): entry for entry in checks}
        lab.equal("entries", len(self.by_name), len(checks))
        lab.equal("exit status", status, int(any(e["verdict"] == "fail" for e in checks)))
        self.passed = status == 0

    def entry(self, name, interface=None):
        assert (name, interface) in self.by_name, f"no {name} of {interface}"
        return self.by_name[(name, interface)]

    def has(self, verdict, text, name, interface=None):
        entry = self.entry(name, interface)
        assert entry["verdict"] == verdict and text in entry["found"], (
            f"want {verdict} and {text!r}: {entry}")

    def interfaces(self):
        return {interface for _, interface in self.by_name if interface}

    def verdicts(self):
        return {key: entry["verdict"] for key, entry in self.by_name.items()}


def command(world, netns, *arguments, binary=None, flows=1024, **options):
    """Large maps take their time; one case has them as large as the default."""
    sizes = ["--set", f"flows.max={flows}"] if flows else []
    with netns.entered():
        return subprocess.run([binary or world.auditor, "diag", *sizes, *arguments],
                              capture_output=True, timeout=60, check=False, **options)


def table(output):
    """{(check, interface or None): verdict} by the columns that the title names."""
    lines = output.decode("ascii").splitlines()
    starts = [lines[0].index(title) for title in ("CHECK", "INTERFACE", "VERDICT", "FOUND")]
    verdicts = {}
    for line in lines[1:]:
        assert all(line[at - 1] == " " and line[at] != " " for at in starts[1:]), line
        name, interface, verdict = (line[a:b].rstrip() for a, b in zip(starts, starts[1:]))
        verdicts[name, None if interface == "-" else interface] = verdict
    return verdicts


def diag(world, netns, *arguments, **options):
    """Both ways; they have to agree. What JSON said."""
    done = command(world, netns, "--json", *arguments, **options)
    lab.equal("stderr", done.stderr, b"")
    findings = Findings(done.stdout, done.returncode)
    text = command(world, netns, *arguments, **options)
    lab.equal("exit status of the table", text.returncode, done.returncode)
    # The table writes as \xNN what a terminal might not take, JSON only what is no text.
    want = {(name, interface and printable(interface)): verdict
            for (name, interface), verdict in findings.verdicts().items()}
    lab.equal("verdicts of the table", table(text.stdout), want)
    return findings


def printable(text):
    return "".join(chr(byte) if 0x20 <= byte < 0x7f else f"\\x{byte:02x}"
                   for byte in text.encode())


def clean(findings, interface):
    """What stands on this machine for every interface that is free."""
    for name in ("btf", "capabilities", "load", "drop_capabilities"):
        findings.has("ok", "", name)
    findings.has("ok", "free", "hook", interface)
    findings.has("ok", TRIED, "mode_skb", interface)


def free(netns, interface):
    lab.equal(f"what is on {interface}", netns.xdp(interface), None)


def veth(world):
    """Native mode works, which is tried, and nothing stays."""
    wire = world.wire(queues=3)
    findings = diag(world, wire.monitor, wire.monitor_if, flows=None)
    clean(findings, wire.monitor_if)
    findings.has("ok", "driver veth, up", "link", wire.monitor_if)
    findings.has("ok", TRIED, "mode_drv", wire.monitor_if)
    findings.has("info", "refused", "mode_hw", wire.monitor_if)
    findings.has("info", "3, for", "rx_queues", wire.monitor_if)
    lab.equal("interfaces", findings.interfaces(), {wire.monitor_if})
    assert findings.passed
    free(wire.monitor, wire.monitor_if)


def as_the_daemon_does(world):
    """What diag says of a mode is what the daemon comes to. It tries where it is asked to, only."""
    wire = world.wire()
    findings = diag(world, wire.monitor)
    lab.equal("interfaces", findings.interfaces(), {"lo", wire.monitor_if})
    for interface in findings.interfaces():
        findings.has("info", "not tried", "mode_drv", interface)
        named = diag(world, wire.monitor, interface)
        works = named.entry("mode_drv", interface)["verdict"] == "ok"
        daemon = world.start(wire.monitor, world.config(interface, mode="auto"))
        daemon.wait_line(rf"attached to {interface} \(mode={'drv' if works else 'skb'}\)")
        daemon.end()


def loopback(world):
    """Its driver has no native mode: a warning, no failure."""
    netns = world.netns()
    findings = diag(world, netns, "lo")
    clean(findings, "lo")
    findings.has("info", "beyond one page", "mtu", "lo")
    findings.has("warn", "the driver has no native XDP", "mode_drv", "lo")
    assert findings.passed
    free(netns, "lo")


def jumbo(world):
    wire = world.wire()
    for end, name in ((wire.sender, wire.sender_if), (wire.monitor, wire.monitor_if)):
        end.ip("link", "set", name, "mtu", "9000")
    findings = diag(world, wire.monitor, wire.monitor_if)
    findings.has("info", "9000: a frame is beyond one page", "mtu", wire.monitor_if)
    if findings.entry("multi_buffer")["verdict"] == "ok":
        findings.has("ok", TRIED, "mode_drv", wire.monitor_if)


def down(world):
    wire = world.wire()
    wire.monitor.ip("link", "set", wire.monitor_if, "down")
    lab.equal("interfaces", diag(world, wire.monitor).interfaces(), {"lo"})
    findings = diag(world, wire.monitor, wire.monitor_if)
    findings.has("warn", "down", "link", wire.monitor_if)
    assert findings.passed
    wire.monitor.ip("link", "set", "lo", "down")
    diag(world, wire.monitor).has("warn", "no interface is up", "link")


def taken(world):
    """The owner is named, in each mode, and its program is as it was; fatal if it was asked for."""
    wire, foreign = world.wire(), world.foreign()
    for mode in ("drv", "skb"):
        foreign.put(wire.monitor, wire.monitor_if, mode)
        before = wire.monitor.xdp(wire.monitor_if)
        for arguments, verdict in (((wire.monitor_if,), "fail"), ((), "warn")):
            findings = diag(world, wire.monitor, *arguments)
            findings.has(verdict, f"'{foreign.NAME}' (id {foreign.id})", "hook", wire.monitor_if)
            findings.has(verdict, f"in mode {mode}", "hook", wire.monitor_if)
            for name in MODES:
                findings.has("info", TAKEN, name, wire.monitor_if)
            assert findings.passed == (verdict == "warn")
        lab.equal("what is on the hook", wire.monitor.xdp(wire.monitor_if), before)
        foreign.off(wire.monitor, wire.monitor_if, mode)


def taken_by_us(world):
    """Beside a daemon at work: no failure, and the daemon loses nothing."""
    wire = world.wire()
    daemon = world.daemon(wire.monitor, world.config(wire.monitor_if))
    with lab.Watch(daemon), world.sender(wire, packets=40000, flows=100, rate=20000) as sender:
        findings = diag(world, wire.monitor, wire.monitor_if)
        report = world.report(sender)
        scrape = daemon.wait_seen(report["packets"])
    lab.check_exact(scrape, report)
    findings.has("info", f"(pid {daemon.pid})", "hook", wire.monitor_if)
    assert findings.passed


def while_it_flows(world):
    """The trying passes packets on; what a driver drops while it switches modes is told."""
    wire = world.wire()
    before = received(wire)
    with world.sender(wire, packets=40000, flows=10, rate=20000) as sender:
        for _ in range(3):
            diag(world, wire.monitor, wire.monitor_if)
        report = world.report(sender)
    lost = before + report["packets"] - received(wire)
    free(wire.monitor, wire.monitor_if)
    assert lost < report["packets"] / 10, f"{lost} of {report['packets']} frames did not arrive"
    return f"{lost} of {report['packets']} frames fell to the switching"


def received(wire):
    links = json.loads(wire.monitor.ip("-s", "-j", "link", "show", wire.monitor_if))
    return links[0]["stats64"]["rx"]["packets"]


def nobody(world):
    """Without rights it says so, and what can be read is told all the same."""
    wire, foreign = world.wire(), world.foreign()
    binary = world.dir / "xdp-auditor"
    shutil.copy(world.auditor, binary)  # where it was built may be closed to others
    options = {"binary": str(binary), "user": NOBODY, "group": NOBODY, "extra_groups": []}
    findings = diag(world, wire.monitor, wire.monitor_if, **options)
    findings.has("fail", "missing: CAP_BPF, CAP_NET_ADMIN", "capabilities")
    for name in ("load", "multi_buffer", "drop_capabilities"):
        findings.has("info", NOT_PERMITTED, name)
    for name in MODES:
        findings.has("info", NOT_PERMITTED, name, wire.monitor_if)
    findings.has("ok", "driver veth", "link", wire.monitor_if)
    findings.has("ok", "free", "hook", wire.monitor_if)
    lab.equal("failures", list(findings.verdicts().values()).count("fail"), 1)
    foreign.put(wire.monitor, wire.monitor_if, "drv")
    findings = diag(world, wire.monitor, wire.monitor_if, **options)
    findings.has("fail", f"id {foreign.id}", "hook", wire.monitor_if)


def few_rights(world):
    """CAP_BPF and CAP_NET_ADMIN are enough for all of it."""
    setpriv = lab.need_tool("setpriv")
    wire = world.wire()
    with wire.monitor.entered():
        done = subprocess.run(
            [setpriv, "--bounding-set=-all,+bpf,+net_admin", "--inh-caps=-all", world.auditor,
             "diag", "--json", wire.monitor_if], capture_output=True, timeout=60, check=False)
    findings = Findings(done.stdout, done.returncode)
    lab.need(findings.entry("multi_buffer")["verdict"] == "ok", "older than 5.18: CAP_PERFMON too")
    findings.has("ok", "missing: CAP_PERFMON", "capabilities")
    clean(findings, wire.monitor_if)
    findings.has("ok", TRIED, "mode_drv", wire.monitor_if)


def user_namespace(world):
    """There all capabilities are in force and none counts."""
    unshare = lab.need_tool("unshare")
    lab.need(subprocess.run([unshare, "-U", "-r", "true"], check=False).returncode == 0,
             "no user namespaces here")
    netns = world.netns()
    with netns.entered():
        done = subprocess.run([unshare, "-U", "-r", world.auditor, "diag", "--json", "lo"],
                              capture_output=True, timeout=60, check=False)
    findings = Findings(done.stdout, done.returncode)
    findings.has("fail", "in a user namespace", "capabilities")
    findings.has("fail", "not permitted", "load")


def no_such_interface(world):
    """One line more than the host's, and the name that was asked for, however long."""
    netns = world.netns()
    for name in ("nowhere", "x" * 200, "lo0"):
        findings = diag(world, netns, name)
        findings.has("fail", "no such interface", "link", name)
        assert not findings.passed
    text = command(world, netns, "nowhere").stdout.decode()
    assert re.search(r"^link +nowhere +fail +there is no such interface => ", text, re.M), text


def odd_names(world):
    """Names of any bytes: the table is plain ASCII, JSON is JSON."""
    netns = world.netns()
    for name in ODD_NAMES:
        with netns.entered():
            subprocess.run(["ip", "link", "add", name, "type", "veth"], check=True)
        try:
            clean(diag(world, netns, name), shown(name))
        finally:
            with netns.entered():
                subprocess.run(["ip", "link", "del", name], check=True)


def shown(name):
    """As JSON shows it: bytes that are no UTF-8 as \\xNN."""
    return name.decode("utf-8", errors="backslashreplace")


@contextlib.contextmanager
def memory_group(world, limit):
    """A control group of the memory controller, of version 2 or 1, below our own."""
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        _, controller, path = line.split(":", 2)
        root, file = (("/sys/fs/cgroup/memory", "memory.limit_in_bytes") if controller == "memory"
                      else ("/sys/fs/cgroup", "memory.max"))
        folder = pathlib.Path(root + path) / world.name("mem")
        if controller not in ("", "memory") or not (folder.parent / "cgroup.procs").exists():
            continue
        folder.mkdir()
        try:
            if (folder / file).exists():
                (folder / file).write_text(str(limit))
                yield folder
                return
        finally:
            lab.wait_for("the group to be empty", lambda folder=folder: remove(folder))
    raise lab.Skip("no control group of memory can be made here")


def remove(folder):
    os.rmdir(folder)
    return True


def too_little_memory(world):
    """Said before the kernel's killer says it."""
    netns = world.netns()
    with memory_group(world, 48 << 20) as group:
        def join():
            (group / "cgroup.procs").write_text(str(os.getpid()))
        findings = diag(world, netns, "lo", flows=None, preexec_fn=join)
        findings.has("fail", "the control group may have 48.0 MiB", "memory")
        findings.has("ok", "maps made small", "load")
        findings.has("ok", TRIED, "mode_skb", "lo")
        assert diag(world, netns, "lo", preexec_fn=join).passed


def wrong_usage(world):
    netns = world.netns()
    lab.equal("two interfaces", command(world, netns, "lo", "lo").returncode, 2)
    lab.equal("bad setting", command(world, netns, "--set", "flows.max=x", "lo").returncode, 78)


if __name__ == "__main__":
    lab.main(veth, as_the_daemon_does, loopback, jumbo, down, taken, taken_by_us, while_it_flows,
             nobody, few_rights, user_namespace, no_such_interface, odd_names, too_little_memory,
             wrong_usage)
