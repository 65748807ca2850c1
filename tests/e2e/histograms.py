# SPDX-License-Identifier: GPL-2.0-or-later
"""Sizes of packets, exactly as they were sent, and durations of flows that lived as long as known."""

import lab

SIZES = "xdp_netflow_packet_size_bytes"
LIVES = "xdp_netflow_flow_duration_seconds"
BOUNDS = (64, 128, 256, 512, 1024, 1518, 9216)


def expected_buckets(sent):
    """{le: packets} of {size: packets}."""
    buckets = {f"{bound}.0": sum(packets for size, packets in sent.items() if size <= bound)
               for bound in BOUNDS}
    return {**buckets, "+Inf": sum(sent.values())}


def buckets(scrape, family, **match):
    return {labels["le"]: value for labels, value in scrape.samples(f"{family}_bucket", **match)}


def send_sizes(world, wire, sizes, sent):
    """Each size as often as no other of them, so that no mix-up adds up."""
    for packets, size in enumerate(sizes, 100):
        lab.equal("bytes", world.send(wire, packets=packets, flows=3, size=size)["bytes"],
                  packets * size)
        sent[size] = sent.get(size, 0) + packets


def check_sizes(daemon, sent, **match):
    scrape = daemon.wait_seen(sum(sent.values()))
    lab.check_conservation(scrape)
    lab.equal("sizes", buckets(scrape, SIZES, **match), expected_buckets(sent))
    lab.equal("sum", scrape.sum(f"{SIZES}_sum", **match),
              sum(size * packets for size, packets in sent.items()))


def edges():
    """Of each size the first and the last frame that belongs to it; the largest fill a veth."""
    yield 60
    for bound in BOUNDS:
        yield from (bound, bound + 1)


def sizes_of(world, mode):
    wire = world.wire()
    for netns, interface in ((wire.sender, wire.sender_if), (wire.monitor, wire.monitor_if)):
        netns.ip("link", "set", interface, "mtu", "9300")
    daemon = world.daemon(wire.monitor, world.config(wire.monitor_if, mode=mode))
    sent = {}
    with lab.Watch(daemon):
        send_sizes(world, wire, edges(), sent)
        check_sizes(daemon, sent, interface=wire.monitor_if)


def sizes_drv(world):
    sizes_of(world, "drv")


def sizes_skb(world):
    sizes_of(world, "skb")


def attached(daemon):
    return daemon.scrape().sum("xdp_auditor_attached")


def sizes_outlive_the_interface(world):
    """Counted on over a reload, and over a new interface of the same name."""
    wire = world.wire()
    config = world.config(wire.monitor_if)
    daemon = world.daemon(wire.monitor, config)
    sent = {}
    with lab.Watch(daemon):
        send_sizes(world, wire, (64, 65, 1514), sent)
        check_sizes(daemon, sent)
        config.write_text(config.read_text().replace("10m", "9m"))
        assert daemon.reload(), "the reload was refused"
        send_sizes(world, wire, (64, 1514), sent)
        check_sizes(daemon, sent)
        wire.delete()
        lab.wait_for("the interface to be missed", lambda: not attached(daemon))
        wire.create()
        lab.wait_for("the new interface", lambda: attached(daemon))
        send_sizes(world, wire, (65, 1200), sent)
        check_sizes(daemon, sent)


def durations(world):
    """Three flows of one packet each, and one that is sent to for two seconds, then all idle."""
    wire = world.wire()
    config = world.config(wire.monitor_if)
    config.write_text(config.read_text().replace("idle_timeout: 10m", "idle_timeout: 1s"))
    daemon = world.daemon(wire.monitor, config)
    with lab.Watch(daemon):
        world.send(wire, packets=3, flows=3)
        long = world.send(wire, packets=400, flows=1, rate=200, family=6)
        assert 1.5 < long["seconds"] < 9, f"sent in {long['seconds']} s, where 2 were meant"
        living = buckets(daemon.wait_seen(403), LIVES)
        assert living["+Inf"] <= 3, f"a flow that has just been sent to is over: {living}"
        lab.wait_for("all flows to be over", lambda: daemon.scrape().value(
            f"{LIVES}_count") == 4)
        scrape = daemon.scrape()
    found = buckets(scrape, LIVES)
    lab.equal("flows of one packet", found["0.01"], 3)
    lab.equal("flows up to a second", found["1.0"], 3)
    lab.equal("flows up to ten", found["10.0"], 4)
    total = scrape.value(f"{LIVES}_sum")
    assert abs(total - long["seconds"]) < 0.5, f"{total} s, where {long['seconds']} were sent"
    return f"{total:.2f} s counted, {long['seconds']:.2f} s sent"


def active_timeout(world):
    """A flow that is cut is counted with each of its lives."""
    wire = world.wire()
    config = world.config(wire.monitor_if)
    config.write_text(config.read_text().replace(
        "idle_timeout: 10m", "idle_timeout: 10m, active_timeout: 1s"))
    daemon = world.daemon(wire.monitor, config)
    with lab.Watch(daemon):
        world.send(wire, packets=1000, flows=1, rate=200)
        scrape = daemon.wait_seen(1000)
    lives = scrape.value(f"{LIVES}_count")
    assert 2 <= lives <= 5, f"{lives} lives of about a second in five seconds"
    lab.equal("of less than a tenth of a second", buckets(scrape, LIVES)["0.1"], 0)


if __name__ == "__main__":
    lab.main(sizes_drv, sizes_skb, sizes_outlive_the_interface, durations, active_timeout)
