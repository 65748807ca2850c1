# SPDX-License-Identifier: GPL-2.0-or-later
"""What the daemon says of its BPF programs, against what the kernel says of them."""

import contextlib
import json
import pathlib

import lab

PROGRAMS = {"netflow_filter", "netflow_ip", "netflow_clock"}
INFO = "xdp_auditor_bpf_program_info"
RUNS, SECONDS = "xdp_auditor_bpf_runs_total", "xdp_auditor_bpf_run_seconds_total"
STATS = pathlib.Path("/proc/sys/kernel/bpf_stats_enabled")
PACKETS = 20000


def by_program(scrape, family):
    return {labels["program"]: value for labels, value in scrape.samples(family)}


@contextlib.contextmanager
def stats_restored():
    """The machine's setting is afterwards what it was, however the case ends."""
    lab.need(STATS.exists(), "no kernel.bpf_stats_enabled before Linux 5.1")
    before = STATS.read_text()
    try:
        yield
    finally:
        STATS.write_text(before)


def runs(world):
    """Nothing is said until the kernel counts; then a run for each packet, and they stay."""
    wire = world.wire()
    with stats_restored():
        STATS.write_text("0")
        daemon = world.daemon(wire.monitor, world.config(wire.monitor_if))
        world.send(wire, packets=PACKETS, flows=100)
        scrape = daemon.wait_seen(PACKETS)
        lab.equal("runs that nobody counted", by_program(scrape, RUNS), {})
        lab.equal("their time", by_program(scrape, SECONDS), {})
        with lab.Watch(daemon):
            STATS.write_text("1")
            seen = daemon.scrape().seen()[0]
            world.send(wire, packets=PACKETS, flows=100)
            scrape = daemon.wait_seen(seen + PACKETS)
            counted, seconds = by_program(scrape, RUNS), by_program(scrape, SECONDS)
            STATS.write_text("0")
            world.send(wire, packets=PACKETS, flows=100)
            scrape = daemon.wait_seen(seen + 2 * PACKETS)
    lab.equal("programs", (counted.keys(), seconds.keys()), (PROGRAMS, PROGRAMS))
    assert PACKETS <= counted["netflow_filter"] < 2 * PACKETS, f"{PACKETS} packets: {counted}"
    lab.equal("runs of what is not attached", counted["netflow_ip"], 0)
    assert counted["netflow_clock"] > 0, f"no run of netflow_clock: {counted}"
    each = seconds["netflow_filter"] / counted["netflow_filter"]
    assert 1e-9 < each < 1e-3, f"{each} s a packet"
    after = by_program(scrape, RUNS)["netflow_filter"]
    lab.equal("runs after the count", after, counted["netflow_filter"])
    return f"{each * 1e9:.0f} ns a packet"


def identity(world):
    """Id, tag and time of loading as the kernel has them, and the attached one's among them."""
    bpftool = lab.need_tool("bpftool")
    wire = world.wire()
    daemon = world.daemon(wire.monitor, world.config(wire.monitor_if))
    scrape = daemon.scrape()
    described = {labels["program"]: labels for labels, _ in scrape.samples(INFO)}
    lab.equal("programs", described.keys(), PROGRAMS)
    lab.equal("attached", described["netflow_filter"]["id"],
              str(wire.monitor.xdp(wire.monitor_if)["prog"]["id"]))
    loaded = by_program(scrape, "xdp_auditor_bpf_program_load_timestamp_seconds")
    for name, labels in described.items():
        kernel = json.loads(lab.run(bpftool, "-j", "prog", "show", "id", labels["id"]))
        lab.equal(f"tag of {name}", labels["tag"], kernel["tag"])
        assert abs(loaded[name] - kernel["loaded_at"]) < 3, (
            f"{name} loaded at {loaded[name]}, the kernel says {kernel['loaded_at']}")
    walked = by_program(scrape, "xdp_auditor_bpf_program_instructions")
    if walked:  # Linux 5.16
        assert walked.keys() == PROGRAMS and walked["netflow_filter"] > 500, walked


if __name__ == "__main__":
    lab.main(runs, identity)
