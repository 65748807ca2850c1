# SPDX-License-Identifier: GPL-2.0-or-later
"""What stands around rules: the worker as the kernel shows it, a plugin of somebody else's, the
service's sandbox, and captures that are replayed through them by a user without rights."""

import ctypes
import errno
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import time

import lab
import policylab
from policylab import ZONES, gauge, lua, metric, rule

sys.path.insert(0, str(policylab.source_root() / "tests/plugins"))
import out_of_tree  # noqa: E402

NOBODY = 65534
BAD_CONFIG = 78

SERVICE = rule(
    gauge("test_service_bytes", ["service"]), labels=["service"],
    label='return { service = flow.dport == 443 and "https" or "other than https" }', derive="""
    for service, sum in snapshot:sum_by("service") do
        emit("test_service_bytes", sum.bytes, { service = service })
    end""")


# --- the worker -------------------------------------------------------------------------------

def status(pid, field):
    return lab.status_field(pid, field)


def facts(world):
    """No rights, no files, no way out, and no life after the daemon's."""
    rig = policylab.Rig(world, [ZONES, lua("service")], {"service": SERVICE})
    rig.send()
    worker = policylab.worker(rig.daemon)
    lab.equal("NoNewPrivs", status(worker, "NoNewPrivs"), "1")
    lab.equal("Seccomp", status(worker, "Seccomp"), "2")
    lab.equal("Threads", status(worker, "Threads"), "1")
    for field in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        lab.equal(field, lab.capabilities(worker, field), 0)
    # Taking away what it might be given takes a right that the daemon has given up: a worker never
    # gets more than the daemon could.
    bound = lab.capabilities(rig.daemon.pid, "CapBnd")
    lab.equal("CapBnd beyond the daemon's", lab.capabilities(worker, "CapBnd") & ~bound, 0)
    folder = pathlib.Path(f"/proc/{worker}/fd")
    opened = [os.readlink(link) for link in folder.iterdir()]
    assert len(opened) == 1 and opened[0].startswith("socket:"), f"open files: {opened}"
    lab.equal("environment", pathlib.Path(f"/proc/{worker}/environ").read_bytes(), b"")
    rig.daemon.signal(signal.SIGKILL)
    rig.daemon.wait()
    lab.wait_for("the worker to die", lambda: is_gone(worker), deadline=2)
    return f"CapBnd {lab.capabilities('self', 'CapBnd'):x} here, {bound:x} in the daemon"


def is_gone(pid):
    try:
        return status(pid, "State") in "ZX"
    except FileNotFoundError:
        return True


def ends_with_daemon(world):
    """Also by TERM, in good order, and while a rule loops."""
    rig = policylab.Rig(world, [lua("spin", "steps: 100000000000")], {"spin": rule(
        derive="while snapshot.count > 100 do end")}, keys={"deadline": "10s"})
    worker = policylab.worker(rig.daemon)
    rig.reports.append(world.send(rig.wire, **policylab.PATTERN))
    time.sleep(0.5)  # it loops now, or will in the next snapshot
    rig.daemon.signal(signal.SIGKILL)
    rig.daemon.wait()
    lab.wait_for("the worker to die", lambda: is_gone(worker), deadline=2)


# --- the service ------------------------------------------------------------------------------

def service_calls(analyze):
    """The system calls that the unit allows, by name."""
    unit = (policylab.source_root() / "packaging/xdp-auditor.service.in").read_text()
    allowed, *denied = re.findall(r"^SystemCallFilter=(.*)$", unit, re.M)
    assert all(line.startswith("~") for line in denied), denied
    names = calls_of(analyze, allowed)
    for line in denied:
        names -= calls_of(analyze, line[1:])
    assert len(names) > 200 and "MemoryDenyWriteExecute=yes" in unit, "the unit is read wrongly"
    return names


def calls_of(analyze, words):
    """The system calls that these words stand for, of which some are groups."""
    names, todo = set(), words.split()
    while todo:
        name = todo.pop()
        if name.startswith("@"):
            lines = lab.run(analyze, "syscall-filter", name).splitlines()[1:]
            todo += [line.strip() for line in lines if not line.strip().startswith("#")]
        else:
            names.add(name)
    return names


PR_SET_NO_NEW_PRIVS, PR_SET_MDWE = 38, 65
SCMP_ACT_ALLOW, SCMP_ACT_KILL = 0x7fff0000, 0x80000000


def restrict(seccomp, names):
    """As systemd does it for the unit: what is not allowed kills."""
    lab.LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    lab.LIBC.prctl(PR_SET_MDWE, 1, 0, 0, 0)  # from Linux 6.3 on
    seccomp.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(seccomp.seccomp_init(ctypes.c_uint32(SCMP_ACT_KILL)))
    for name in names:
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:
            seccomp.seccomp_rule_add_array(context, ctypes.c_uint32(SCMP_ACT_ALLOW), number, 0,
                                           None)
    if seccomp.seccomp_load(context) != 0:
        os._exit(99)


def under_the_units_filter(world):
    """The unit's SystemCallFilter, MemoryDenyWriteExecute and NoNewPrivileges, without systemd: the
    worker starts, rules and a shared object load, and another worker follows one that was killed.
    """
    analyze = lab.need_tool("systemd-analyze")
    try:
        seccomp = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        raise lab.Skip("no libseccomp.so.2 on this machine") from None
    names = service_calls(analyze)
    plugins = plugin(world)
    wire = world.wire()
    policylab.write_rules(world, {"service": SERVICE})
    config = world.config(wire.monitor_if, extra=policylab.policy(
        [ZONES, lua("service"), "portclass"], plugin_dir=plugins))
    program = lab.os.path.abspath(world.auditor)

    def start(*command):
        def prepare():
            lab.die_with_parent()
            restrict(seccomp, names)
        with wire.monitor.entered():
            return subprocess.Popen([program, *command, "-c", str(config)], preexec_fn=prepare,
                                    stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                    stdout=subprocess.DEVNULL, text=True)

    checking = start("check")
    lab.equal(f"exit status of check, which says {checking.communicate()[1]}",
              checking.returncode, 0)
    daemon = start("run")
    try:
        unharmed = 'xdp_auditor_rule_errors_total{stage="portclass",cause="crash"} 0'
        lab.wait_for("a page", lambda: unharmed in lab.request(
            wire.monitor, lab.PORT, "/metrics").text)
        assert daemon.poll() is None, daemon.stderr.read()
        first = policylab.children(daemon.pid)[0]
        os.kill(first, signal.SIGKILL)
        lab.wait_for("another worker", lambda: first not in policylab.children(daemon.pid)
                     and policylab.children(daemon.pid))
        restarted = 'xdp_auditor_policy_worker_restarts_total 1'
        lab.wait_for("its first snapshot", lambda: restarted in lab.request(
            wire.monitor, lab.PORT, "/metrics").text)
        time.sleep(0.5)
        assert daemon.poll() is None and policylab.children(daemon.pid), "no worker stays"
    finally:
        daemon.terminate()
        lab.equal("exit status", daemon.wait(lab.DEADLINE), 0)
        daemon.stderr.close()
    return f"{len(names)} system calls allowed"


SCMP_ACT_ENOSYS = 0x00050000 | errno.ENOSYS


def without_landlock(world):
    """As on a kernel that has none: rules run, and a start says so, once."""
    try:
        seccomp = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        raise lab.Skip("no libseccomp.so.2 on this machine") from None
    policylab.write_rules(world, {"service": SERVICE})
    config = world.config("lo", extra=policylab.policy([ZONES, lua("service")]))

    def take_away():
        seccomp.seccomp_init.restype = ctypes.c_void_p
        context = ctypes.c_void_p(seccomp.seccomp_init(ctypes.c_uint32(SCMP_ACT_ALLOW)))
        number = seccomp.seccomp_syscall_resolve_name(b"landlock_create_ruleset")
        if seccomp.seccomp_rule_add_array(context, ctypes.c_uint32(SCMP_ACT_ENOSYS), number, 0,
                                          None) or seccomp.seccomp_load(context):
            os._exit(99)

    def run(command, path, prepare):
        done = subprocess.run([world.auditor, command, "-c", path], preexec_fn=prepare,
                              capture_output=True, text=True, timeout=lab.DEADLINE, check=False)
        return done.returncode, done.stderr.count("no Landlock here")
    missing = world.dir / "missing.yaml"
    lab.equal("check", run("check", config, take_away), (0, 0))
    lab.equal("run", run("run", missing, take_away), (BAD_CONFIG, 1))
    has = lab.LIBC.syscall(444, None, 0, 1) > 0
    lab.equal("run as it is", run("run", missing, None), (BAD_CONFIG, int(not has)))


# --- a plugin ---------------------------------------------------------------------------------

def plugin(world):
    """The folder of the example, built as its README says: against what is installed alone."""
    for tool in ("meson", "make", "pkg-config", "cc"):
        lab.need_tool(tool)
    build = pathlib.Path(world.auditor).parent
    lab.need((build / "meson-info").is_dir(), f"{build} is no build folder to install from")
    pc = out_of_tree.install(build, world.dir / "staged")
    prefix = next((world.dir / "staged").rglob("xa_plugin.h")).parents[2]
    environment = out_of_tree.without_the_tree(pc, prefix)
    shutil.copytree(policylab.source_root() / "examples/plugin", world.dir / "portclass")
    folder = pathlib.Path(out_of_tree.variable(environment, "plugindir"))
    assert world.dir in folder.parents, f"it would be installed outside of the test, in {folder}"
    lab.run("make", "-C", str(world.dir / "portclass"), "install", env=environment)
    return folder


def class_of(flow):
    port = int(flow[4])
    return "system" if port < 1024 else "registered" if port < 49152 else "dynamic"


def example_plugin(world):
    """Loaded by its bare name, it labels live flows between a zone and a rule, which reads it."""
    folder = plugin(world)
    reads = rule(labels=["twice"], label='return { twice = flow.port_class .. "!" }')
    rig = policylab.Rig(world, [ZONES, "portclass", lua("reads")], {"reads": reads},
                        keys={"plugin_dir": folder})
    rig.send()
    page = rig.daemon.scrape()
    lab.equal("labels", policylab.labels_of(page, "src_zone", "port_class", "twice"),
              {flow: ("clients", class_of(flow), class_of(flow) + "!") for flow in rig.flows()})
    lab.equal("classes", {class_of(flow) for flow in rig.flows()},
              {"system", "registered", "dynamic"})
    lab.check_exact(page, *rig.reports)


def by_bare_name_alone(world):
    """A path is no name; and a file beside the folder is not in it."""
    inside, beside = world.dir / "in", world.dir / "in" / "sub"
    beside.mkdir(parents=True)
    for name in ("portclass.so", "sub/portclass.so"):
        (inside / name).write_bytes(b"")
    for stage in ("../portclass", "sub/portclass", "./portclass", "/portclass", "portclass.so",
                  ".."):
        config = world.config("lo", extra=policylab.policy([f"{stage}: {{}}"], plugin_dir=inside))
        process = world.process(world.auditor, "check", "-c", config)
        lab.equal(f"exit status with {stage}", process.wait(), BAD_CONFIG)
        assert "no name of a stage" in process.stderr(), f"{stage}: {process.stderr()}"


# --- replay -----------------------------------------------------------------------------------

def stretched(path, seconds):
    """The same packets, evenly over so many seconds."""
    data = bytearray(path.read_bytes())
    starts, at = [], 24
    while at < len(data):
        starts.append(at)
        at += 16 + struct.unpack_from("<I", data, at + 8)[0]
    for i, start in enumerate(starts):
        us = i * seconds * 10**6 // len(starts)
        struct.pack_into("<II", data, start, 1700000000 + us // 10**6, us % 10**6)
    path.write_bytes(data)
    path.chmod(0o644)
    return path


def replay(world, config, capture):
    process = world.process(policylab.copy_for_all(world), "replay", "-c", config, capture,
                            user=NOBODY, group=NOBODY, extra_groups=[])
    lab.equal(f"exit status of replay, which says {process.stderr()}", process.wait(60), 0)
    return lab.Scrape("\n".join(process.output) + "\n")


COUNTING = rule(
    metric("test_snapshots_total", "counter"), metric("test_packets_total", "counter"),
    metric("test_seconds_total", "counter"), gauge("test_flows"), labels=["seen"],
    label="return { seen = math.tointeger(xa.now() // 1) }", derive="""
    local packets = 0
    for _, sum in snapshot:sum_by("proto") do packets = packets + sum.packets_delta end
    emit("test_snapshots_total", 1)
    emit("test_packets_total", packets)
    emit("test_seconds_total", snapshot.interval)
    emit("test_flows", snapshot.count)""")


def replayed(world):
    """Labels, hidden flows and what is derived, over twenty intervals of the capture's own time."""
    path = world.dir / "sent.pcap"
    report = world.send(None, pcap=path, **policylab.PATTERN)
    stretched(path, 20)
    hide = rule(filter="return flow.dport ~= 7")
    policylab.write_rules(world, {"service": SERVICE, "counting": COUNTING, "hide": hide})
    config = world.config("eth0", poll_interval="1s", extra=policylab.policy(
        [ZONES, lua("service"), lua("counting"), lua("hide")]))
    page = replay(world, config, path)
    flows = lab.expected_flows(report)
    shown = {flow: figures for flow, figures in flows.items() if flow[4] != "7"}
    lab.equal("flows shown", page.flows(), shown)
    lab.equal("labels", policylab.labels_of(page, "src_zone", "service"),
              {flow: ("clients", "https" if flow[4] == "443" else "other than https")
               for flow in shown})
    lab.equal("hidden", page.value("xdp_netflow_hidden_flows"), len(flows) - len(shown))
    lab.equal("bytes of https", page.value("test_service_bytes", service="https"),
              sum(figures[1] for flow, figures in flows.items() if flow[4] == "443"))
    lab.equal("snapshots", page.value("test_snapshots_total"), 20)
    lab.equal("packets in all deltas", page.value("test_packets_total"), report["packets"])
    assert 19 < page.value("test_seconds_total") < 20, page.value("test_seconds_total")
    lab.equal("flows", page.value("test_flows"), len(flows))
    lab.check_conservation(page)
    again = replay(world, config, path)
    lab.equal("the page of another run", again.series, page.series)
    policylab.lint(page.text)


def found_captures():
    """Beside the repository, where they are handed out with it."""
    folder = policylab.source_root().parent / "shared/captures"
    lab.need(folder.is_dir(), "no ../shared/captures")
    found = sorted(path for path in folder.iterdir() if path.suffix in (".pcap", ".cap"))
    lab.need(found, f"no capture in {folder}")
    return found


def captures(world):
    """Of other people's captures too every flow is labelled, and no rule changes a figure."""
    all_captures = found_captures()
    chosen = all_captures[::max(1, len(all_captures) // 12)]
    shown = rule(gauge("test_flows"), labels=["size"],
                 label='return { size = flow.bytes > 1000 and "large" or "small" }',
                 derive='emit("test_flows", snapshot.count)')
    policylab.write_rules(world, {"size": shown})
    total = 0
    for path in chosen:
        copy = world.dir / "one.pcap"
        copy.write_bytes(path.read_bytes())
        copy.chmod(0o644)
        plain = replay(world, world.config("eth0"), copy)
        page = replay(world, world.config("eth0", extra=policylab.policy(
            [ZONES, lua("size")], deadline="10s")), copy)
        lab.equal(f"flows of {path.name}", page.flows(), plain.flows())
        lab.equal(f"seen of {path.name}", page.seen(), plain.seen())
        lab.equal(f"flows that the rule saw of {path.name}", page.value("test_flows"),
                  plain.value("xdp_netflow_active_flows"))
        sizes = set(policylab.labels_of(page, "size").values())
        assert sizes <= {("large",), ("small",)}, f"{path.name}: {sizes}"
        total += len(page.flows())
    return f"{len(chosen)} captures, {total} flows"


if __name__ == "__main__":
    lab.main(facts, ends_with_daemon, under_the_units_filter, without_landlock, example_plugin,
             by_bare_name_alone, replayed, captures)
