# SPDX-License-Identifier: GPL-2.0-or-later
"""Start, refusal, loss and end: the daemon leaves every hook as it found it, says in one line why
it will not start and with which exit code, and keeps no right that it does not need."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import time

import lab

NOBODY = 65534
OK, FAILED, USAGE, NOT_PERMITTED, BAD_CONFIG = 0, 1, 2, 77, 78


def hook_is_free(netns, interface):
    lab.wait_for(f"{interface} to have no program", lambda: netns.xdp(interface) is None)


def refused(daemon, status, *words):
    """It ends by itself with this status; the line of its log that has all the words."""
    lab.equal("exit status", daemon.wait(), status)
    lines = [line for line in daemon.lines if all(word in line for word in words)]
    assert lines, f"no line with {words} in:\n{daemon.stderr()}"
    return lines[0]


# --- the end ----------------------------------------------------------------------------------

def ended_by(daemon, wire, number):
    assert wire.monitor.xdp(wire.monitor_if), "nothing attached"
    # A client that never asks must not keep the daemon from ending.
    with wire.monitor.entered(), socket.create_connection(("127.0.0.1", lab.PORT)):
        begin = time.monotonic()
        daemon.signal(number)
        lab.equal("exit status", daemon.wait(), OK)
    took = time.monotonic() - begin
    assert took < 5, f"it took {took:.1f} s"
    assert wire.monitor.xdp(wire.monitor_if) is None, "the program is still attached"


def term_under_traffic(world):
    wire = world.wire()
    daemon = world.daemon(wire.monitor, world.config(wire.monitor_if))
    world.sender(wire, packets=10**9, flows=50, rate=20000)
    daemon.wait_seen(1000)
    ended_by(daemon, wire, signal.SIGTERM)


def kill(world):
    """Killed outright, it leaves nothing behind, and the next one starts; INT ends that one."""
    wire = world.wire()
    config = world.config(wire.monitor_if)
    daemon = world.daemon(wire.monitor, config)
    daemon.signal(signal.SIGKILL)
    daemon.wait()
    hook_is_free(wire.monitor, wire.monitor_if)
    ended_by(world.daemon(wire.monitor, config), wire, signal.SIGINT)


# --- links that come and go -------------------------------------------------------------------

def not_ready(daemon, word):
    def answer():
        reply = daemon.get("/-/ready")
        lab.equal("status of /-/ready", reply.status, 503)
        assert word in reply.text, f"/-/ready does not say {word}: {reply.text!r}"
        return True
    lab.wait_for(f"/-/ready to say 503 and {word}", answer)
    lab.equal("status of /-/healthy", daemon.get("/-/healthy").status, 200)


def recreated(world):
    """The interface goes and comes back, twice, then goes down and up: attached again, and not one
    packet that was seen is forgotten."""
    wire = world.wire()
    daemon = world.daemon(wire.monitor, world.config(wire.monitor_if))
    with lab.Watch(daemon):
        reports = [world.send(wire, packets=20000, flows=100)]
        for seed in (1, 2):
            recreate(daemon, wire)
            reports.append(world.send(wire, packets=20000, flows=100, seed=seed))
        down_and_up(daemon, wire)
        reports.append(world.send(wire, packets=20000, flows=100))
        scrape = daemon.wait_seen(80000)
    lab.equal("seen", scrape.seen()[0], 80000)
    lab.check_exact(scrape, *reports)
    lab.equal("re-attachments", scrape.sum("xdp_auditor_reattaches_total"), 2)


def recreate(daemon, wire):
    log = len(daemon.lines)
    wire.delete()
    not_ready(daemon, wire.monitor_if)
    daemon.wait_line(wire.monitor_if, log)
    lab.equal("xdp_auditor_attached", daemon.scrape().sum(
        "xdp_auditor_attached", interface=wire.monitor_if), 0)
    log = len(daemon.lines)
    wire.create()
    daemon.wait_line(rf"netflow_filter attached to {wire.monitor_if} \(mode=drv\)", log)
    lab.wait_for("ready", daemon.ready)


def down_and_up(daemon, wire):
    wire.monitor.ip("link", "set", wire.monitor_if, "down")
    time.sleep(0.5)
    wire.monitor.ip("link", "set", wire.monitor_if, "up")
    lab.wait_for("the link to be up again",
                 lambda: "LOWER_UP" in wire.sender.link(wire.sender_if)["flags"])
    lab.wait_for("ready", daemon.ready)


def glob(world):
    """`mon*` is whatever fits, at any time: one that comes later is attached as it comes."""
    sender, monitor = world.netns("tx"), world.netns("mon")
    first = world.wire("tx0", "mon0", sender, monitor)
    daemon = world.daemon(monitor, world.config("mon*"))
    with lab.Watch(daemon):
        reports = [world.send(first, packets=10000, flows=100)]
        second = world.wire("tx1", "mon1", sender, monitor)
        daemon.wait_line(r"netflow_filter attached to mon1 \(mode=drv\)")
        reports.append(world.send(second, packets=10000, flows=100, seed=2))
        scrape = daemon.wait_seen(20000)
    for wire, report in zip((first, second), reports):
        lab.equal(f"flows on {wire.monitor_if}", scrape.flows(interface=wire.monitor_if),
                  lab.expected_flows(report))


def auto_interface(world):
    """`auto` is the default route's interface; without one there is nothing to start with."""
    wire = world.wire()
    config = world.config("auto")
    refused(world.start(wire.monitor, config), FAILED, "auto")
    wire.monitor.ip("route", "add", "default", "dev", wire.monitor_if)
    daemon = world.daemon(wire.monitor, config)
    daemon.wait_line(rf"netflow_filter attached to {wire.monitor_if} \(mode=drv\)")


# --- somebody else's program ------------------------------------------------------------------

SOURCE = f"""
__attribute__((section("xdp"), used)) int {lab.Foreign.NAME}(void *context)
{{
	(void)context;
	return 2;
}}
char _license[] __attribute__((section("license"), used)) = "GPL";
"""


def foreign_link(world, wire):
    """A program that this test holds on the hook by a BPF link."""
    link = world.foreign().link(wire.monitor, wire.monitor_if, "skb")
    world.stack.callback(os.close, link)


def foreign_netlink(world, wire):
    """A program that nobody holds: put there by iproute2, as an administrator would."""
    clang = lab.need_tool("clang")
    source = world.dir / "foreign.c"
    source.write_text(SOURCE)
    lab.run(clang, "-O2", "-target", "bpf", "-c", str(source), "-o", str(world.dir / "foreign.o"))
    wire.monitor.ip("link", "set", "dev", wire.monitor_if, "xdpdrv", "obj",
                    str(world.dir / "foreign.o"), "sec", "xdp")


def foreign(world, attach, *modes):
    wire = world.wire()
    attach(world, wire)
    before = wire.monitor.xdp(wire.monitor_if)
    assert before, "the foreign program is not attached"
    for mode in modes:
        daemon = world.start(wire.monitor, world.config(wire.monitor_if, mode=mode))
        refused(daemon, FAILED, wire.monitor_if, lab.Foreign.NAME)
        after = wire.monitor.xdp(wire.monitor_if)
        lab.equal("what is on the hook", after, before)


def foreign_by_link(world):
    foreign(world, foreign_link, "drv", "skb")


def foreign_by_netlink(world):
    foreign(world, foreign_netlink, "auto")


def second_daemon(world):
    """Two on one interface: the second is refused and the first does not notice."""
    wire = world.wire()
    first = world.daemon(wire.monitor, world.config(wire.monitor_if))
    config = world.config(wire.monitor_if, name="second.yaml")
    config.write_text(config.read_text().replace(str(lab.PORT), str(lab.PORT + 1)))
    refused(world.start(wire.monitor, config), FAILED, wire.monitor_if, "netflow_filter")
    report = world.send(wire, packets=10000, flows=100)
    scrape = first.wait_seen(report["packets"])
    lab.check_exact(scrape, report)


# --- refusals at the start --------------------------------------------------------------------

def missing_interface(world):
    netns = world.netns()
    refused(world.start(netns, world.config("nosuch0")), FAILED, "nosuch0")


def no_native_mode(world):
    netns = world.netns()
    daemon = world.start(netns, world.config("lo", mode="drv"))
    refused(daemon, FAILED, "lo", "native")
    assert netns.xdp("lo") is None, "something is attached to lo"


def auto_falls_back(world):
    """auto takes skb where the driver has no native mode, and says so; lo's traffic is counted."""
    netns = world.netns()
    daemon = world.daemon(netns, world.config("lo", mode="auto"))
    daemon.wait_line(r"netflow_filter attached to lo \(mode=skb\)")
    daemon.wait_seen(1)
    assert "came off" not in daemon.stderr(), daemon.stderr()
    with lab.Watch(daemon):
        daemon.wait_seen(20)
    lab.equal("xdp_auditor_attached", daemon.scrape().value(
        "xdp_auditor_attached", interface="lo", mode="skb"), 1)


def hw_mode(world):
    wire = world.wire()
    daemon = world.start(wire.monitor, world.config(wire.monitor_if, mode="hw"))
    refused(daemon, FAILED, "hw")
    assert wire.monitor.xdp(wire.monitor_if) is None, "something is attached"


def missing_capabilities(world):
    """Refused by name: 77, and the line says which capability is missing."""
    setpriv = lab.need_tool("setpriv")
    wire = world.wire()
    config = world.config(wire.monitor_if)
    # CAP_SYS_ADMIN stands in for both where the kernel looks.
    for dropped, name in (("-net_admin,-sys_admin", "CAP_NET_ADMIN"),
                          ("-bpf,-sys_admin", "CAP_BPF")):
        daemon = world.start(wire.monitor, config,
                             prefix=[setpriv, "--bounding-set", dropped, "--"])
        refused(daemon, NOT_PERMITTED, name)
        assert wire.monitor.xdp(wire.monitor_if) is None, "something is attached"


def missing_btf(world):
    """A kernel without type information: a mount namespace whose /sys/kernel/btf is empty."""
    unshare = lab.need_tool("unshare")
    wire = world.wire()
    hide = 'mount -t tmpfs none /sys/kernel/btf && exec "$@"'
    daemon = world.start(wire.monitor, world.config(wire.monitor_if),
                         prefix=[unshare, "--mount", "sh", "-c", hide, "sh"])
    refused(daemon, FAILED, "/sys/kernel/btf/vmlinux", "CONFIG_DEBUG_INFO_BTF")
    assert wire.monitor.xdp(wire.monitor_if) is None, "something is attached"


def without_root(world):
    wire = world.wire()
    binary = world.dir / "xdp-auditor"
    binary.write_bytes(pathlib.Path(world.auditor).read_bytes())
    binary.chmod(0o755)
    world.auditor = str(binary)
    daemon = world.start(wire.monitor, world.config(wire.monitor_if), user=NOBODY, group=NOBODY,
                         extra_groups=[])
    refused(daemon, NOT_PERMITTED, "CAP_")


def bad_config(world):
    netns = world.netns()
    config = world.config("eth0")
    good = config.read_text()
    for old, new, place in (("top_k", "topk", "4:1"), ("drv", "fast", "2:7"),
                            ("200ms", "0s", "3:16")):
        config.write_text(good.replace(old, new))
        daemon = world.start(netns, config)
        refused(daemon, BAD_CONFIG, f"{config}:{place}")


def no_config(world):
    netns = world.netns()
    daemon = world.start(netns, world.dir / "nowhere.yaml")
    status = daemon.wait()
    assert status in (FAILED, BAD_CONFIG), f"exit status {status}"
    assert "nowhere.yaml" in daemon.stderr(), f"the file is not named:\n{daemon.stderr()}"


def usage(world):
    for arguments in (["--nonsense"], ["nonsense"], ["run", "--nonsense"], ["run", "-c"],
                      ["replay", "-c", "/dev/null"]):
        process = world.process(world.auditor, *arguments)
        lab.equal(f"exit status of {arguments}", process.wait(), USAGE)
        assert process.stderr(), f"{arguments}: not a word"


def bad_setting(world):
    config = world.config("eth0")
    refused(world.start(world.netns(), config, "--set", "topk=7"), BAD_CONFIG, "topk", "top_k")


def port_taken(world):
    """Another program has the port: refused, and nothing stays on the hook."""
    wire = world.wire()
    with wire.monitor.entered():
        listener = socket.create_server(("127.0.0.1", lab.PORT))
    with listener:
        daemon = world.start(wire.monitor, world.config(wire.monitor_if))
        refused(daemon, FAILED, str(lab.PORT))
    assert wire.monitor.xdp(wire.monitor_if) is None, "something is attached"


# --- rights, settings, signals ----------------------------------------------------------------

def two_capabilities(world):
    """CAP_BPF and CAP_NET_ADMIN are all that a start takes; afterwards there are none."""
    setpriv = lab.need_tool("setpriv")
    wire = world.wire()
    daemon = world.daemon(wire.monitor, world.config(wire.monitor_if),
                          prefix=[setpriv, "--bounding-set", "-all,+bpf,+net_admin", "--"])
    check_rights(daemon)
    report = world.send(wire, packets=10000, flows=100)
    lab.check_exact(daemon.wait_seen(report["packets"]), report)


class Rig:
    def __init__(self, world):
        self.world = world
        self.wire = world.wire()
        self.daemon = world.daemon(
            self.wire.monitor, world.config(self.wire.monitor_if, mode="skb"), "--set", "top_k=7",
            "--set", "mode=drv", "--log-format=json")


def running(world):
    return Rig(world)


def settings(rig):
    """--set wins over the file."""
    xdp = rig.wire.monitor.xdp(rig.wire.monitor_if)
    lab.equal("mode", lab.XDP_MODES.get(xdp["mode"]), "drv")
    report = rig.world.send(rig.wire, packets=10000, flows=100)
    rig.daemon.wait_seen(report["packets"])
    lab.equal("flows shown", len(rig.daemon.scrape().flows()), 7)


def family_of(pid):
    """The process and its children, if it has any: those need rights even less."""
    pids = [pid]
    with contextlib.suppress(OSError):
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            pids += [int(child) for child in (task / "children").read_text().split()]
    return pids


def no_rights(rig):
    check_rights(rig.daemon)


def check_rights(daemon):
    for pid in family_of(daemon.pid):
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            name = f"{pid}/task/{task.name}"
            for field in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
                lab.equal(f"{field} of {name}", lab.capabilities(name, field), 0)
            lab.equal(f"NoNewPrivs of {name}", lab.status_field(name, "NoNewPrivs"), "1")


def reload_without_rights(rig):
    """A reload has to do without what the start was allowed; --set wins over the new file too."""
    rig.world.config(rig.wire.monitor_if, top_k=3)
    assert rig.daemon.reload(), f"refused:\n{rig.daemon.stderr()}"
    counts_from = rig.daemon.scrape().seen()[0]
    report = rig.world.send(rig.wire, packets=1000, flows=10)
    rig.daemon.wait_seen(counts_from + report["packets"])
    lab.equal("flows shown, --set still winning", len(rig.daemon.scrape().flows()), 7)


def usr1(rig):
    log = len(rig.daemon.lines)
    rig.daemon.signal(signal.SIGUSR1)
    rig.daemon.wait_line(rig.wire.monitor_if, log)
    assert rig.daemon.ready()


def log_json(rig):
    rig.daemon.signal(signal.SIGTERM)
    lab.equal("exit status", rig.daemon.wait(), OK)
    said = f"netflow_filter attached to {rig.wire.monitor_if} (mode=drv)"
    messages = [json.loads(line)["msg"] for line in rig.daemon.lines]
    assert said in messages, rig.daemon.stderr()


if __name__ == "__main__":
    lab.main(term_under_traffic, kill, recreated, glob, auto_interface, foreign_by_link,
             foreign_by_netlink, second_daemon, missing_interface, no_native_mode,
             auto_falls_back, hw_mode, missing_capabilities, missing_btf, without_root, bad_config, no_config,
             usage, bad_setting, port_taken, two_capabilities,
             lab.Group(running, settings, no_rights, reload_without_rights, usr1, log_json))
