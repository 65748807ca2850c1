# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon as a service: what it tells its manager, a log that nobody reads any more, a default
route that moves, and more interfaces than there are slots."""

import os
import signal
import socket

import lab

NOBODY = 65534

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


CAPABILITIES = "+bpf,+net_admin,+perfmon"


def under_the_units_proc(world):
    """The unit's ProcSubset and ProtectProc, a user of no name and its three capabilities: the daemon
    starts, drops what it has, is reloaded, and `check` finds nothing amiss."""
    setpriv = lab.need_tool("setpriv")
    wire = world.wire()
    os.chmod(world.dir, 0o755)
    prefix = ["unshare", "--mount", "sh", "-c",
              'mount -t proc -o subset=pid,hidepid=invisible proc /proc && exec "$@"', "sh",
              setpriv, "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups",
              "--no-new-privs", "--inh-caps", f"-all,{CAPABILITIES}",
              "--bounding-set", f"-all,{CAPABILITIES}", "--ambient-caps", f"-all,{CAPABILITIES}"]
    hidden = lab.subprocess.run([*prefix, "ls", "/proc/sys"], capture_output=True, check=False)
    if b"No such file" not in hidden.stderr:
        raise lab.Skip("/proc cannot be mounted with subset=pid here")
    config = world.config(wire.monitor_if)
    checking = world.process(*prefix, world.auditor, "check", "-c", config, netns=wire.monitor)
    lab.equal(f"exit status of check, which says {checking.stderr()}", checking.wait(), 0)
    daemon = world.daemon(wire.monitor, config, prefix=prefix)
    daemon.wait_line("dropped all capabilities")
    lab.equal("capabilities", lab.capabilities(daemon.pid, "CapEff"), 0)
    assert daemon.scrape().value("process_resident_memory_bytes") > 0
    world.config(wire.monitor_if, top_k=7)
    assert daemon.reload(), daemon.stderr()


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
    lab.main(notifies, under_the_units_proc, watchdog_of_another, log_without_reader,
             default_route_moves, no_way_out, too_many_interfaces)
