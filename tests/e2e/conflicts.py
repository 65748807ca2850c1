# SPDX-License-Identifier: GPL-2.0-or-later
"""The XDP hook is taken, or taken away: refused or noticed within one poll, the owner named in the
log, nobody else's program touched, and whatever was seen stays counted to the packet."""

import contextlib
import os
import re
import signal
import subprocess
import time

import lab
import lifecycle
import reload

PACKETS_PER_SECOND = 20000
DETACHMENTS = 5
TAKEN, LOST = "netflow_filter not attached to", "netflow_filter came off"


def named(line, program):
    """The line names the program: its id always, its name where the kernel still tells it."""
    assert re.search(rf"\bid {program}\b", line), f"program {program} is not named: {line}"
    return line


# --- taken when the daemon starts -------------------------------------------------------------

def refused(world, wire, mode, *words):
    """It ends, says who has the hook, and leaves the hook as it was; the line that says it."""
    before = wire.monitor.xdp(wire.monitor_if)
    assert before, "there is nothing on the hook"
    daemon = world.start(wire.monitor, world.config(wire.monitor_if, mode=mode))
    line = lifecycle.refused(daemon, lifecycle.FAILED, wire.monitor_if, "is taken", *words)
    lab.equal("what is on the hook", wire.monitor.xdp(wire.monitor_if), before)
    return named(line, before["prog"]["id"])


def by_netlink(world, theirs, ours):
    """A program that nobody holds, so that no process is named."""
    wire, foreign = world.wire(), world.foreign()
    foreign.put(wire.monitor, wire.monitor_if, theirs)
    foreign.close()
    line = refused(world, wire, ours, lab.Foreign.NAME, f"in mode {theirs}")
    assert "process" not in line, f"a process is named where none holds the program: {line}"


def native_against_drv(world):
    by_netlink(world, "drv", "drv")


def native_against_auto(world):
    by_netlink(world, "drv", "auto")


def generic_against_drv(world):
    by_netlink(world, "skb", "drv")


def generic_against_auto(world):
    by_netlink(world, "skb", "auto")


def native_against_skb(world):
    by_netlink(world, "drv", "skb")


def link_of_a_process(world):
    """The holder of a link is named with its number; its end makes the hook free."""
    wire, foreign = world.wire(), world.foreign()
    link = foreign.link(wire.monitor, wire.monitor_if, "drv")
    try:
        holder = world.process(lab.need_tool("sleep"), "1000", pass_fds=[link])
    finally:
        os.close(link)
    foreign.close()
    for mode in ("drv", "skb", "auto"):
        refused(world, wire, mode, lab.Foreign.NAME, f"process 'sleep' (pid {holder.pid})")
    holder.end()
    lifecycle.hook_is_free(wire.monitor, wire.monitor_if)
    world.daemon(wire.monitor, world.config(wire.monitor_if))


def one_of_two(world):
    """One of two is taken: the other is counted to the packet; the one is attached when free."""
    sender, monitor = world.netns("tx"), world.netns("mon")
    wires = [world.wire(f"tx{i}", f"mon{i}", sender, monitor) for i in range(2)]
    foreign = world.foreign()
    foreign.put(monitor, "mon0", "drv")
    daemon = world.start(monitor, world.config("[mon0, mon1]"))
    named(daemon.wait_line(f"{TAKEN} mon0"), foreign.id)
    lifecycle.not_ready(daemon, "mon0")
    with lab.Watch(daemon):
        report = world.send(wires[1], packets=20000, flows=100)
        scrape = daemon.wait_seen(report["packets"])
        assert foreign.is_on(monitor, "mon0"), "their program is gone"
        foreign.off(monitor, "mon0", "drv")
        daemon.wait_line(r"netflow_filter attached to mon0 \(mode=drv\)")
        lab.wait_for("ready", daemon.ready)
    lab.equal("flows on mon1", scrape.flows(interface="mon1"), lab.expected_flows(report))
    return f"{report['packets']} packets exact"


# --- while we are attached --------------------------------------------------------------------

class Rig(reload.Rig):
    """One daemon on mon0 of three links; and a program of somebody else."""

    def __init__(self, world):
        super().__init__(world)
        self.wires.append(world.wire("tx2", "mon2", self.wires[0].sender, self.monitor))
        self.foreign = world.foreign()
        self.other = world.netns("other")

    def hook(self, interface="mon0"):
        return self.monitor.xdp(interface)

    def page_after_poll(self):
        """A page of a poll that began after now: the one after the poll that may be under way.
        The page itself does not count its own poll yet."""
        first = self.polls(self.daemon.scrape())

        def page():
            scrape = self.daemon.scrape()
            return scrape if self.polls(scrape) >= first + 2 else None
        return lab.wait_for("two polls", page, pause=0.01)

    @staticmethod
    def polls(scrape):
        return scrape.value("xdp_auditor_poll_duration_seconds_count")

    @contextlib.contextmanager
    def blind(self):
        """What happens meanwhile happens at once for the daemon: it does not run."""
        self.daemon.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.daemon.signal(signal.SIGCONT)

    @contextlib.contextmanager
    def stays(self):
        """Whatever is tried, our program stays on the hook and counts every packet."""
        before = self.hook()
        with self.exact_traffic(PACKETS_PER_SECOND):
            yield
            self.wait_growth()
        lab.equal("what is on mon0", self.hook(), before)
        lab.equal("re-attachments", self.reattaches(self.daemon.scrape()), 0)
        assert self.daemon.ready()

    @staticmethod
    def reattaches(scrape, interface="mon0"):
        return scrape.value("xdp_auditor_reattaches_total", interface=interface)

    @staticmethod
    def is_attached(scrape, interface="mon0"):
        return scrape.sum("xdp_auditor_attached", interface=interface) == 1

    def link_id(self, interface="mon0"):
        """The number of the daemon's link, as its descriptors tell it."""
        program = str(self.hook(interface)["prog"]["id"])
        for fd in os.listdir(f"/proc/{self.daemon.pid}/fdinfo"):
            with contextlib.suppress(FileNotFoundError):
                info = lab.fdinfo(fd, self.daemon.pid)
                if info.get("link_type") == "xdp" and info.get("prog_id") == program:
                    return info["link_id"]
        raise AssertionError(f"the daemon holds no link of program {program}")

    def detach(self):
        lab.run(lab.need_tool("bpftool"), "link", "detach", "id", self.link_id())

    def lost_to(self, log, text="mon0"):
        """The log says that it is lost, and to whom; ready says so too."""
        self.daemon.wait_line(f"{LOST} mon0", log)
        named(self.daemon.wait_line(f"{TAKEN} {text}", log), self.foreign.id)
        lifecycle.not_ready(self.daemon, str(self.foreign.id))

    def back(self, log, since):
        """Attached again, and how long that took."""
        line = self.daemon.wait_line(r"netflow_filter attached to mon0 \(mode=drv\) again", log)
        took = time.monotonic() - since
        lab.wait_for("ready", self.daemon.ready)
        return f"again after {took * 1000:.0f} ms, {line.split(', ')[-1].strip(chr(34))}"


def attached(world):
    return Rig(world)


def denied(rig, *arguments):
    """iproute2 is refused by the kernel."""
    done = subprocess.run(["ip", "-n", rig.monitor.name, *arguments], capture_output=True,
                          text=True, check=False, timeout=60)
    assert done.returncode, f"{' '.join(arguments)} was not refused"


def not_put(rig, mode, flags=0):
    """The same without iproute2, so that nothing but the kernel can be what refuses."""
    with rig.monitor.entered():
        index = lab.socket.if_nametoindex("mon0")
        try:
            lab.set_xdp(index, rig.foreign.fd, lab.XDP_FLAGS[mode] | flags)
        except OSError:
            return
    raise AssertionError(f"a program was put on mon0 in mode {mode}")


def replaced(rig):
    """Somebody's program in our place, politely and by force."""
    clang = lab.need_tool("clang")
    source = rig.world.dir / "foreign.c"
    source.write_text(lifecycle.SOURCE)
    program = str(source.with_suffix(".o"))
    lab.run(clang, "-O2", "-target", "bpf", "-c", str(source), "-o", program)
    with rig.stays():
        for force in ([], ["-force"]):
            for mode in ("xdp", "xdpdrv"):
                denied(rig, *force, "link", "set", "dev", "mon0", mode, "obj", program, "sec",
                       "xdp")
        not_put(rig, "drv")
        not_put(rig, "drv", 1)  # XDP_FLAGS_UPDATE_IF_NOEXIST


def switched_off(rig):
    with rig.stays():
        for mode in ("xdp", "xdpdrv"):
            denied(rig, "link", "set", "dev", "mon0", mode, "off")


def generic_beside_native(rig):
    """The other mode's hook is not free either while ours is on."""
    with rig.stays():
        not_put(rig, "skb")
        try:
            os.close(rig.foreign.link(rig.monitor, "mon0", "skb"))
        except OSError:
            return
        raise AssertionError("a link was made in mode skb beside ours in drv")


def detached(rig):
    """An administrator takes our link off: attached again by the next poll, and the gap is told."""
    rig.take()
    before = rig.daemon.scrape()
    with (rig.world.sender(rig.wires[0], rate=PACKETS_PER_SECOND, **reload.PATTERN) as sender,
          lab.Watch(rig.daemon)):
        for number in range(1, DETACHMENTS + 1):
            rig.wait_growth()
            log = len(rig.daemon.lines)
            rig.detach()
            page = rig.page_after_poll()
            assert rig.is_attached(page), "not attached again by the next poll"
            lab.equal("re-attachments", rig.reattaches(page) - rig.reattaches(before), number)
            rig.daemon.wait_line(f"{LOST} mon0: somebody detached", log)
            rig.daemon.wait_line("attached to mon0 .* again, unseen_ms=", log)
        sender.signal(signal.SIGTERM)
        sent = rig.world.report(sender)["packets"]
    return check_gap(rig, before, sent)


def check_gap(rig, before, sent):
    """What was not seen, in time, is what the daemon says it was blind for: a lower bound would be
    a lie about lost traffic."""
    def risen(name):
        return page.sum(name, interface="mon0") - before.sum(name, interface="mon0")
    page = rig.page_after_poll()
    unseen = sent - risen("xdp_auditor_seen_packets_total")
    gap, told = unseen / PACKETS_PER_SECOND, risen("xdp_auditor_detached_seconds_total")
    text = f"{unseen} of {sent} packets unseen, {gap:.3f} s; told: {told:.3f} s"
    assert told >= gap * 0.8, f"the gap is larger than told: {text}"
    return text


def detached_and_taken(rig):
    """Our link is taken off and somebody is faster: theirs stays until they take it off."""
    return taken_over(rig, "drv")


def detached_and_taken_generic(rig):
    return taken_over(rig, "skb")


def taken_over(rig, mode):
    rig.take()
    log = len(rig.daemon.lines)
    with lab.Watch(rig.daemon):
        with rig.blind():
            rig.detach()
            rig.foreign.put(rig.monitor, "mon0", mode)
        page = rig.page_after_poll()
        assert not rig.is_attached(page), "xdp_auditor_attached is 1, the hook is somebody else's"
        rig.lost_to(log)
        rig.page_after_poll()
        assert rig.foreign.is_on(rig.monitor, "mon0"), "their program is gone"
        log = len(rig.daemon.lines)
        rig.foreign.off(rig.monitor, "mon0", mode)
        since = time.monotonic()
        assert rig.is_attached(rig.page_after_poll()), "not attached again by the next poll"
        text = rig.back(log, since)
    with rig.exact_traffic(PACKETS_PER_SECOND):
        rig.wait_growth()
    return text


def recreated_and_taken(rig):
    """The interface goes, and when it is back somebody has been faster."""
    rig.take()
    log = len(rig.daemon.lines)
    with lab.Watch(rig.daemon):
        with rig.blind():
            rig.wires[0].delete()
            rig.wires[0].create()
            rig.foreign.put(rig.monitor, "mon0", "drv")
        assert not rig.is_attached(rig.page_after_poll()), "attached to a hook that is taken"
        rig.lost_to(log)
        assert rig.foreign.is_on(rig.monitor, "mon0"), "their program is gone"
        log = len(rig.daemon.lines)
        rig.foreign.off(rig.monitor, "mon0", "drv")
        return rig.back(log, time.monotonic())


# --- reloads ----------------------------------------------------------------------------------

@contextlib.contextmanager
def somebody_on(rig, interface, mode="drv"):
    rig.foreign.put(rig.monitor, interface, mode)
    try:
        yield
        assert rig.foreign.is_on(rig.monitor, interface), "their program is gone"
    finally:
        rig.foreign.off(rig.monitor, interface, mode)


def reload_to_taken(rig):
    """Refused whole, in every mode: the old interface goes on without losing a packet."""
    for mode in ("drv", "auto", "skb"):
        with somebody_on(rig, "mon1"), rig.exact_traffic(PACKETS_PER_SECOND):
            log = len(rig.daemon.lines)
            rig.world.config("mon1", mode=mode)
            assert not rig.daemon.reload(), f"mon1 was taken over in mode {mode}"
            named(rig.daemon.wait_line("mon1 is taken", log), rig.foreign.id)
            rig.check_outcome(0)
            rig.wait_attached("mon0", "drv")
            rig.wait_growth()


def reload_to_one_of_two(rig):
    """mon0 stays, mon1 is taken: nothing is lost on mon0, ready says why not of mon1; when it is
    free it is attached."""
    with rig.exact_traffic(PACKETS_PER_SECOND):
        with somebody_on(rig, "mon1"):
            log = len(rig.daemon.lines)
            rig.take("[mon0, mon1]")
            named(rig.daemon.wait_line(f"{TAKEN} mon1", log, deadline=5), rig.foreign.id)
            lifecycle.not_ready(rig.daemon, "mon1")
            assert not rig.is_attached(rig.page_after_poll(), "mon1")
            rig.wait_growth()
        rig.wait_attached("mon1", "drv")
        lab.wait_for("ready", rig.daemon.ready)


def reload_to_two_others(rig):
    """From mon0 to mon1 and mon2 of which mon1 is taken: mon2 is counted, mon0 is left. The last
    case: from now on there are flows of two interfaces, which the others do not tell apart."""
    rig.take()
    with lab.Watch(rig.daemon), somebody_on(rig, "mon1"):
        rig.take("[mon1, mon2]")
        rig.wait_attached("mon2", "drv")
        lifecycle.not_ready(rig.daemon, "mon1")
        lifecycle.hook_is_free(rig.monitor, "mon0")
        before = rig.daemon.scrape()
        report = rig.world.send(rig.wires[2], packets=20000, flows=100)
        want = before.seen(interface="mon2")[0] + report["packets"]
        scrape = rig.daemon.wait_seen(want, interface="mon2")
        lab.equal("flows on mon2", scrape.flows(interface="mon2"), lab.expected_flows(report))
    rig.wait_attached("mon1", "drv")
    rig.take()
    return f"{report['packets']} packets exact on mon2"


# --- a second daemon --------------------------------------------------------------------------

def second(rig, interface, port):
    config = rig.world.config(interface, name="second.yaml")
    config.write_text(config.read_text().replace(str(lab.PORT), str(port)))
    return rig.world.start(rig.monitor, config)


def second_daemon(rig):
    """On the same interface: refused, and the first is named."""
    with rig.stays():
        line = lifecycle.refused(second(rig, "mon0", lab.PORT + 1), lifecycle.FAILED, "mon0",
                                 "netflow_filter", f"(pid {rig.daemon.pid})")
        named(line, rig.hook()["prog"]["id"])


def second_on_same_port(rig):
    """On another interface, but with the first one's port: refused, and nothing stays attached."""
    with rig.stays():
        lifecycle.refused(second(rig, "mon1", lab.PORT), lifecycle.FAILED, str(lab.PORT))
        lifecycle.hook_is_free(rig.monitor, "mon1")


def two_daemons(rig):
    """On different interfaces and ports they do not know of each other."""
    with rig.stays():
        other = second(rig, "mon1", lab.PORT + 1)
        other.wait_line(r"netflow_filter attached to mon1 \(mode=drv\)")
        other.signal(signal.SIGTERM)
        lab.equal("exit status", other.wait(), lifecycle.OK)
        lifecycle.hook_is_free(rig.monitor, "mon1")


# --- another network namespace ----------------------------------------------------------------

def move(source, target):
    source.ip("link", "set", "mon0", "netns", target.name)
    target.ip("link", "set", "mon0", "up")


def moved(rig):
    """The interface leaves with our program on it: noticed, taken off there, counted no more; when
    it comes back it is attached again."""
    rig.take()
    log = len(rig.daemon.lines)
    with lab.Watch(rig.daemon):
        move(rig.monitor, rig.other)
        page = rig.page_after_poll()
        assert not rig.is_attached(page), "xdp_auditor_attached is 1 of an interface that left"
        rig.daemon.wait_line(f"{LOST} mon0", log)
        lifecycle.not_ready(rig.daemon, "mon0")
        lab.equal("what is on mon0 in the other namespace", rig.other.xdp("mon0"), None)
        rig.world.send(rig.wires[0], packets=1000, flows=10)
        lab.equal("seen", rig.page_after_poll().seen(), page.seen())
        log = len(rig.daemon.lines)
        move(rig.other, rig.monitor)
        text = rig.back(log, time.monotonic())
    with rig.exact_traffic(PACKETS_PER_SECOND):
        rig.wait_growth()
    return text


def impostor(rig):
    """The interface leaves, another gets its name and its number: that one is what is counted."""
    rig.take()
    index = rig.monitor.link("mon0")["ifindex"]
    log = len(rig.daemon.lines)
    with lab.Watch(rig.daemon):
        with rig.blind():
            move(rig.monitor, rig.other)
            lab.equal("number in the other namespace", rig.other.link("mon0")["ifindex"], index)
            rig.monitor.ip("link", "add", "mon0", "index", str(index), "type", "veth", "peer",
                           "name", "tx9", "netns", rig.wires[0].sender.name)
        rig.page_after_poll()
        left, come = rig.other.xdp("mon0"), rig.hook()
        rig.other.ip("link", "del", "mon0")
        rig.monitor.ip("link", "del", "mon0")
        rig.wires[0].create()
        text = rig.back(log, time.monotonic())
    lab.equal("what was left on the one that left", left, None)
    assert come, "nothing was attached to the one that came"
    return text


if __name__ == "__main__":
    lab.main(native_against_drv, native_against_auto, generic_against_drv, generic_against_auto,
             native_against_skb, link_of_a_process, one_of_two,
             lab.Group(attached, replaced, switched_off, generic_beside_native, second_daemon,
                       second_on_same_port, two_daemons, reload_to_taken, reload_to_one_of_two,
                       detached, detached_and_taken, detached_and_taken_generic,
                       recreated_and_taken, moved, impostor, reload_to_two_others))
