# SPDX-License-Identifier: GPL-2.0-or-later
"""check says what this host makes of a config, and what a reload would change: no more than a start
or a reload then shows, and without leaving a trace."""

import os
import re
import socket
import subprocess

import lab

NOBODY = 65534


class Said:
    """The lines of one run, sorted by kind."""

    def __init__(self, done):
        self.status, self.stderr = done.returncode, done.stderr
        lines = done.stdout.splitlines()
        self.warnings = [line for line in lines if line.startswith("warning: ")]
        self.notes = [line for line in lines if line.startswith("note: ")]
        self.host = [line for line in lines if line.startswith("this host: ")]
        self.changes = lines[lines.index(self.host[0]) + 1:] if self.host else []

    def quiet(self, host):
        """All is well: nothing but what sums up."""
        lab.equal("exit status", self.status, 0)
        lab.equal("lines", (self.warnings, self.notes, self.host, self.stderr),
                  ([], [], [f"this host: {host}"], ""))


def check(world, netns, config, *arguments, **options):
    with netns.entered():
        return Said(subprocess.run([world.auditor, "check", "-c", config, *arguments], text=True,
                                   capture_output=True, timeout=60, check=False, **options))


def one(lines, pattern):
    assert len(lines) == 1 and re.search(pattern, lines[0]), f"want one /{pattern}/: {lines}"


def well(world):
    """The mode that the daemon then has; and the hook is free again."""
    wire = world.wire()
    wire.monitor.ip("link", "set", "lo", "up")
    config = world.config(f"[lo, {wire.monitor_if}]", mode="auto")
    check(world, wire.monitor, config).quiet(f"lo (skb), {wire.monitor_if} (drv)")
    lab.equal("what is on the hook", wire.monitor.xdp(wire.monitor_if), None)
    daemon = world.daemon(wire.monitor, config)
    for name, mode in (("lo", "skb"), (wire.monitor_if, "drv")):
        daemon.wait_line(rf"attached to {name} \(mode={mode}\)")


def waits(world):
    """One name that is not there, beside one that is: a warning, for the daemon starts."""
    wire = world.wire()
    said = check(world, wire.monitor, world.config('["later*"]'))
    lab.equal("exit status of a pattern", said.status, 0)
    one(said.notes, r"no interface matches later\*")
    config = world.config(f"[{wire.monitor_if}, later0]")
    said = check(world, wire.monitor, config)
    lab.equal("exit status", said.status, 0)
    one(said.warnings, "interface later0 does not exist .* => ")
    lab.equal("host", said.host, [f"this host: {wire.monitor_if} (drv)"])
    daemon = world.start(wire.monitor, config)
    daemon.wait_line("interface later0 does not exist")
    daemon.wait_line(f"attached to {wire.monitor_if}")


def nothing_there(world):
    """The daemon would end: check fails with the line that the daemon says."""
    netns = world.netns()
    for name, interface in (("name", "none0"), ("names", "[none1, none0]"), ("auto", "auto")):
        config = world.config(interface)
        said = check(world, netns, config)
        lab.equal(f"{name}: exit status", said.status, 1)
        text = said.stderr.removeprefix("xdp-auditor: ").strip()
        daemon = world.start(netns, config)
        lab.equal(f"{name}: exit status of run", daemon.wait(), 1)
        assert text and text in daemon.stderr(), f"{text!r} is not in\n{daemon.stderr()}"


def modes(world):
    """What the driver refuses, the daemon does not get either; a file cannot tell that."""
    netns = world.netns()
    for mode, found in (("drv", "no native XDP"), ("hw", "refused")):
        said = check(world, netns, world.config("lo", mode=mode))
        lab.equal("exit status", said.status, 0)
        one(said.warnings, f"lo: mode: .*{found}.* => mode: ")
        lab.equal("host", said.host, ["this host: lo (mode not known)"])


def taken(world):
    """A hook that is another program's is named and left alone."""
    wire, foreign = world.wire(), world.foreign()
    foreign.put(wire.monitor, wire.monitor_if, "skb")
    before = wire.monitor.xdp(wire.monitor_if)
    said = check(world, wire.monitor, world.config(wire.monitor_if))
    lab.equal("exit status", said.status, 0)
    one(said.warnings, rf"hook: taken by program '{foreign.NAME}' \(id {foreign.id}\)")
    lab.equal("what is on the hook", wire.monitor.xdp(wire.monitor_if), before)


def beside_the_daemon(world):
    """Its hook and its port are notes, with rights and without, and it loses nothing."""
    wire = world.wire()
    config = world.config(wire.monitor_if)
    daemon = world.daemon(wire.monitor, config)
    os.chmod(world.dir, 0o755)
    with lab.Watch(daemon), world.sender(wire, packets=40000, flows=100, rate=20000) as sender:
        for options in ({}, {"user": NOBODY, "group": NOBODY, "extra_groups": []}):
            said = check(world, wire.monitor, config, **options)
            lab.equal("exit status and warnings", (said.status, said.warnings), (0, []))
            assert any(re.search("hook: taken by .*auditor", line) for line in said.notes), said.notes
            assert any(f"127.0.0.1:{lab.PORT} is in use" in line for line in said.notes), said.notes
        report = world.report(sender)
        scrape = daemon.wait_seen(report["packets"])
    lab.check_exact(scrape, report)


def no_rights(world):
    """What can be said is said, and what could not be tried."""
    wire = world.wire()
    config = world.config(wire.monitor_if)
    os.chmod(world.dir, 0o755)
    said = check(world, wire.monitor, config, user=NOBODY, group=NOBODY, extra_groups=[])
    lab.equal("exit status and warnings", (said.status, said.warnings), (0, []))
    one(said.notes, r"not permitted to try \(needs CAP_BPF and CAP_NET_ADMIN\)")
    lab.equal("host", said.host, [f"this host: {wire.monitor_if} (mode not known)"])


def addresses(world):
    """As the daemon will listen, which has no rights any more by then."""
    wire = world.wire()
    config = world.config(wire.monitor_if, extra="http: {insecure: true}\n")
    for address, found in (("192.0.2.1:9400", "Cannot assign requested address"),
                           ("127.0.0.1:80", "Permission denied")):
        said = check(world, wire.monitor, config, "--set", f"listen={address}")
        lab.equal("exit status", said.status, 0)
        one(said.warnings, f"cannot listen on {address}: {found} => ")
        daemon = world.start(wire.monitor, config, "--set", f"listen={address}")
        lab.equal("exit status of run", daemon.wait(), 1)
        assert f"cannot listen on {address}: {found}" in daemon.stderr(), daemon.stderr()
    with wire.monitor.entered():
        listener = socket.create_server(("127.0.0.1", lab.PORT))
    with listener:
        said = check(world, wire.monitor, config)
    lab.equal("exit status", said.status, 0)
    one(said.notes, f"127.0.0.1:{lab.PORT} is in use")


def against(world):
    """What it says a reload would change is what the log of the reload says, and nothing after it."""
    zones = "policy: {{stages: [zones: {{networks: {{a: {}}}}}]}}\n"
    wire = world.wire()
    config = world.config(wire.monitor_if, extra=zones.format("10.0.0.0/8"))
    daemon = world.daemon(wire.monitor, config)
    running = subprocess.run([world.auditor, "config", "--effective", "-c", config],
                             capture_output=True, text=True, check=True).stdout
    said = check(world, wire.monitor, config, "--against", "-", input=running)
    lab.equal("changes of the same", said.changes, ["a reload would change nothing"])
    world.config(wire.monitor_if, poll_interval="1s", extra=zones.format("10.0.0.0/16"))
    said = check(world, wire.monitor, config, "--against", "-", input=running)
    lab.equal("changes", said.changes, [
        "poll_interval: 200ms -> 1s (takes effect at once)",
        "policy.stages: zones: networks.a: 10.0.0.0/8 -> 10.0.0.0/16 "
        "(starts the policy worker anew)"])
    assert daemon.reload(), daemon.stderr()
    for line in said.changes:
        daemon.wait_line(re.escape("config: " + line.rpartition(" (")[0]))


if __name__ == "__main__":
    lab.main(well, waits, nothing_there, modes, taken, beside_the_daemon, no_rights, addresses,
             against)
