# SPDX-License-Identifier: GPL-2.0-or-later
"""The same frames from a capture file: replay needs no rights and comes to the same figures as the
daemon did on the wire, and as what was sent."""

import os
import shutil

import lab

NOBODY = 65534
PATTERN = {"packets": 50000, "flows": 700, "family": "mixed", "proto": "mixed", "sizes": "82-1500"}


def replay(world, capture, status=0):
    """Runs replay as nobody; its page (or its complaint, if it has to fail)."""
    binary = world.dir / "xdp-auditor"
    if not binary.exists():  # where it was built may be closed to others
        shutil.copy(world.auditor, binary)
    config = world.config("eth0", name="replay.yaml")
    process = world.process(binary, "replay", "-c", config, capture, user=NOBODY, group=NOBODY,
                            extra_groups=[])
    got = process.wait(60)
    lab.equal(f"exit status of replay, which says: {process.stderr()}", got, status)
    if status:
        return process.stderr()
    return lab.Scrape("\n".join(process.output) + "\n")


def check(scrape, *reports):
    lab.check_conservation(scrape)
    lab.check_exact(scrape, *reports)
    lab.equal("seen", scrape.seen(), (sum(report["packets"] for report in reports),
                                      sum(report["bytes"] for report in reports)))


def readable(path):
    os.chmod(path, 0o644)
    return path


def capture(world, name="sent.pcap", **pattern):
    path = world.dir / name
    report = world.send(None, pcap=path, **{**PATTERN, **pattern})
    return readable(path), report


def plain(world):
    path, report = capture(world)
    check(replay(world, path), report)


def tagged(world):
    path, report = capture(world, vlan=42)
    check(replay(world, path), report)


def same_as_live(world):
    """One xa_send feeds the wire and the file; both paths have to agree in every flow."""
    wire = world.wire()
    daemon = world.daemon(wire.monitor, world.config(wire.monitor_if))
    path = world.dir / "live.pcap"
    report = world.send(wire, pcap=path, **PATTERN)
    live = daemon.wait_seen(report["packets"])
    offline = replay(world, readable(path))
    check(live, report)
    check(offline, report)
    lab.equal("flows live and replayed", live.flows(), offline.flows())
    for name in ("xdp_netflow_packets_total", "xdp_netflow_bytes_total"):
        lab.equal(name, *[sorted((labels["family"], labels["proto"], value)
                                 for labels, value in page.samples(name))
                          for page in (live, offline)])


def pcapng(world):
    editcap = lab.need_tool("editcap")
    path, report = capture(world)
    lab.run(editcap, "-F", "pcapng", str(path), str(world.dir / "sent.pcapng"))
    check(replay(world, readable(world.dir / "sent.pcapng")), report)


def nanoseconds(world):
    editcap = lab.need_tool("editcap")
    path, report = capture(world)
    lab.run(editcap, "-F", "nsecpcap", str(path), str(world.dir / "ns.pcap"))
    check(replay(world, readable(world.dir / "ns.pcap")), report)


def merged(world):
    mergecap = lab.need_tool("mergecap")
    first, one = capture(world, "one.pcap", seed=1)
    second, two = capture(world, "two.pcap", seed=2, vlan=9)
    lab.run(mergecap, "-w", str(world.dir / "both.pcapng"), str(first), str(second))
    check(replay(world, readable(world.dir / "both.pcapng")), one, two)


def cut_short(world):
    """A capture that kept 96 bytes of each frame still knows how long each one was."""
    editcap = lab.need_tool("editcap")
    path, report = capture(world)
    lab.run(editcap, "-F", "pcap", "-s", "96", str(path), str(world.dir / "short.pcap"))
    check(replay(world, readable(world.dir / "short.pcap")), report)


def not_a_capture(world):
    path = world.dir / "text.pcap"
    path.write_text("this is no capture\n" * 10)
    text = replay(world, path, status=1)
    assert "text.pcap" in text, f"the complaint does not name the file: {text!r}"


def no_such_capture(world):
    text = replay(world, world.dir / "nowhere.pcap", status=1)
    assert "nowhere.pcap" in text, f"the complaint does not name the file: {text!r}"


if __name__ == "__main__":
    lab.main(plain, tagged, same_as_live, pcapng, nanoseconds, merged, cut_short, not_a_capture,
             no_such_capture)
