# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon as a service: what it tells its manager, a log that nobody reads any more, a default
route that moves, and more interfaces than there are slots."""

import os
import signal
import socket

import lab


# --- the service manager ----------------------------------------------------------------------

class Manager:
    """A notify socket in the abstract namespace of a network namespace, as systemd offers one."""

    def __init__(self, world, netns):
        self.name = f"xa-{os.getpid()}-notify"
        with netns.entered():
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        world.stack.callback(self.socket.close)
        self.socket.bind("\0" + self.name)
        self.socket.settimeout(lab.DEADLINE)

    def environment(self, **more):
        return dict(os.environ, NOTIFY_SOCKET="@" + self.name, **more)

    def expect(self, assignment):
        """Waits for a message with that line; the message as a dict."""
        while True:
            lines = self.socket.recv(4096).decode().splitlines()
            if any(line.startswith(assignment) for line in lines):
                return dict(line.split("=", 1) for line in lines)


def notifies(world):
    wire = world.wire()
    manager = Manager(world, wire.monitor)
    daemon = world.start(wire.monitor, world.config(wire.monitor_if),
                         env=manager.environment(WATCHDOG_USEC="400000"))
    manager.expect("READY=1")
    daemon.wait_ready()
    manager.expect("WATCHDOG=1")
    daemon.signal(signal.SIGHUP)
    reloading = manager.expect("RELOADING=1")
    assert int(reloading["MONOTONIC_USEC"]) > 0, reloading
    assert "reloaded" in manager.expect("READY=1")["STATUS"]
    daemon.signal(signal.SIGTERM)
    manager.expect("STOPPING=1")
    lab.equal("exit status", daemon.wait(), 0)


def watchdog_of_another(world):
    """WATCHDOG_PID that is not ours asks nothing of us; neither does a socket that is not there."""
    wire = world.wire()
    daemon = world.start(wire.monitor, world.config(wire.monitor_if),
                         env=dict(os.environ, NOTIFY_SOCKET="@nobody-listens-here"))
    daemon.wait_line("NOTIFY_SOCKET")
    daemon.wait_ready()


# --- the log ----------------------------------------------------------------------------------

def log_without_reader(world):
    wire = world.wire()
    reader, writer = os.pipe()
    with wire.monitor.entered():
        daemon = lab.subprocess.Popen(
            [world.auditor, "run", "-c", world.config(wire.monitor_if)], stderr=writer,
            stdin=lab.subprocess.DEVNULL, preexec_fn=lab.die_with_parent)
    os.close(writer)
    try:
        get = lambda: lab.request(wire.monitor, lab.PORT, "/-/ready").status == 200
        lab.wait_for("the daemon to be ready", get)
        os.close(reader)
        daemon.send_signal(signal.SIGHUP)
        lab.wait_for("the reload", lambda: lab.Scrape(
            lab.request(wire.monitor, lab.PORT, "/metrics").text).value(
                "xdp_auditor_config_reloads_total") == 1)
        assert daemon.poll() is None, "it ended with its log"
    finally:
        daemon.terminate()
        lab.equal("exit status", daemon.wait(lab.DEADLINE), 0)


# --- interfaces -------------------------------------------------------------------------------

def default_route_moves(world):
    """A reload of `auto` onto an interface that is taken changes nothing."""
    wire = world.wire()
    wire.monitor.ip("link", "add", "other0", "type", "veth", "peer", "name", "other1")
    for name in ("other0", "other1"):
        wire.monitor.ip("link", "set", name, "up")
    wire.monitor.ip("route", "add", "default", "dev", wire.monitor_if)
    daemon = world.daemon(wire.monitor, world.config("auto"))
    link = world.foreign().link(wire.monitor, "other0", "drv")
    world.stack.callback(os.close, link)
    wire.monitor.ip("route", "replace", "default", "dev", "other0")
    assert not daemon.reload(), "a hook that is taken was taken"
    lab.equal("xdp_auditor_attached", daemon.scrape().value(
        "xdp_auditor_attached", interface=wire.monitor_if, mode="drv"), 1)
    assert "netflow_filter detached" not in daemon.stderr(), daemon.stderr()


def no_way_out(world):
    """A default route that leads nowhere is none."""
    for kind in ("blackhole", "throw", "unreachable"):
        netns = world.netns()
        netns.ip("route", "add", kind, "default", "metric", "5")
        daemon = world.start(netns, world.config("auto"))
        lab.equal(f"exit status with a {kind} route", daemon.wait(), 1)
        assert "no default route" in daemon.stderr(), daemon.stderr()


def too_many_interfaces(world):
    """There are 255 slots: what finds none is told, and counts as not ready."""
    netns = world.netns()
    pairs = 129
    netns.batch(*(f"link add many{i} type veth peer name too{i}" for i in range(pairs)),
                *(f"link set {end}{i} up" for i in range(pairs) for end in ("many", "too")))
    config = world.config('["many*", "too*"]', mode="skb")
    daemon = world.start(netns, config, "--set", "flows.idle_timeout=1s")
    daemon.wait_line("no slot left for 3 interfaces")
    reply = lab.wait_for("a page", lambda: lab.request(netns, lab.PORT, "/-/ready"))
    lab.wait_for("/-/ready to tell", lambda: "no slot left" in lab.request(
        netns, lab.PORT, "/-/ready").text)
    lab.equal("status of /-/ready", reply.status, 503)
    netns.ip("link", "del", "many0")
    netns.ip("link", "del", "many1")
    lab.wait_for("the slots to be given on",
                 lambda: lab.request(netns, lab.PORT, "/-/ready").status == 200, 60)


if __name__ == "__main__":
    lab.main(notifies, watchdog_of_another, log_without_reader, default_route_moves, no_way_out,
             too_many_interfaces)
