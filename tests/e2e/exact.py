# SPDX-License-Identifier: GPL-2.0-or-later
"""A million packets, and not one too many or too few: every figure that the daemon serves is held
against what was sent, to the packet and the byte; every scrape on the way against the promise."""

import lab

FOLDED = ((0, 100), (400, 8080), (1024 * 50, 65535))


def check_mode(daemon, netns, interface, mode):
    """The mode as the log says it, the metric exports it and the kernel has it."""
    daemon.wait_line(rf"netflow_filter attached to {interface} \(mode={mode}\)")
    xdp = netns.xdp(interface)
    assert xdp, f"no XDP program on {interface}"
    lab.equal("mode in ip link", lab.XDP_MODES.get(xdp["mode"]), mode)
    attached = daemon.scrape().value("xdp_auditor_attached", interface=interface, mode=mode)
    lab.equal("xdp_auditor_attached", attached, 1)


class Rig:
    """One daemon that sees one pattern after the other; what it has to know adds up."""

    def __init__(self, world, mode):
        self.world = world
        self.wire = world.wire()
        for netns, interface in ((self.wire.sender, self.wire.sender_if),
                                 (self.wire.monitor, self.wire.monitor_if)):
            netns.ip("link", "set", interface, "mtu", "9000")
        self.daemon = world.daemon(self.wire.monitor, world.config(
            self.wire.monitor_if, mode=mode, top_k=10000))
        self.reports = []
        check_mode(self.daemon, self.wire.monitor, self.wire.monitor_if, mode)

    def exact(self, **pattern):
        """Traffic of one pattern, scraped all the time; then every figure of all until now."""
        with lab.Watch(self.daemon) as watch:
            report = self.world.send(self.wire, **pattern)
            self.reports.append(report)
            self.check()
        rate = report["packets"] / report["seconds"] / 1000
        return f"{rate:.0f} packets a ms, {watch.count} scrapes"

    def check(self):
        sent = tuple(sum(report[unit] for report in self.reports) for unit in ("packets", "bytes"))
        scrape = self.daemon.wait_seen(sent[0])
        lab.check_exact(scrape, *self.reports)
        lab.equal("seen", scrape.seen(), sent)
        lab.equal("in no flow", scrape.unattributed(), (0, 0))
        lab.equal("snapshot", (scrape.value("xdp_netflow_packets_total_snapshot"),
                               scrape.value("xdp_netflow_bytes_total_snapshot")), sent)
        lab.equal("active flows", scrape.value("xdp_netflow_active_flows"),
                  len(lab.expected_flows(*self.reports, labels=(*lab.FLOW_LABELS, "vlan"))))


def drv(world):
    return Rig(world, "drv")


def skb(world):
    return Rig(world, "skb")


def million(rig):
    return rig.exact(packets=1000000, flows=1000)


def ipv6(rig):
    return rig.exact(packets=60000, flows=500, family=6, proto="mixed")


def mixed_sizes(rig):
    return rig.exact(packets=60000, flows=1500, family="mixed", proto="mixed", sizes="78-1514",
                     seed=7)


def vlan(rig):
    """A VLAN sets flows apart but is no label: one series holds the sum of tagged and untagged."""
    rig.exact(packets=30000, flows=500, family="mixed", proto="mixed", vlan=42, sizes="82-1518")
    return rig.exact(packets=20000, flows=100, vlan=43)


def jumbo(rig):
    """A frame of 9,014 bytes is counted as one packet of 9,014 bytes."""
    return rig.exact(packets=5000, flows=50, sizes="1500-9014", seed=9)


def two_interfaces(world):
    """With several interfaces the series carry the name, and each is exact by itself."""
    sender, monitor = world.netns("tx"), world.netns("mon")
    wires = [world.wire("tx0", "mon0", sender, monitor), world.wire("tx1", "mon1", sender, monitor)]
    daemon = world.daemon(monitor, world.config("[mon0, mon1]"))
    with lab.Watch(daemon):
        reports = [world.send(wire, packets=20000 + 10000 * i, flows=100, seed=i)
                   for i, wire in enumerate(wires)]
        scrape = daemon.wait_seen(50000)
    for wire, report in zip(wires, reports):
        name = wire.monitor_if
        lab.equal(f"seen on {name}", scrape.seen(interface=name),
                  (report["packets"], report["bytes"]))
        lab.equal(f"flows on {name}", scrape.flows(interface=name), lab.expected_flows(report))


def flood(world):
    """More flows than the table and the page have room for: what does not fit is classed, never
    lost, and makes no series."""
    wire = world.wire()
    config = world.config(wire.monitor_if, top_k=10000)
    config.write_text(config.read_text().replace("max: 16384", "max: 1024")
                      .replace("max_series: 100000", "max_series: 500"))
    daemon = world.daemon(wire.monitor, config)
    with lab.Watch(daemon):
        report = world.send(wire, packets=100000, flows=20000, family="mixed", proto="mixed")
        scrape = daemon.wait_seen(report["packets"])
    lab.equal("seen", scrape.seen(), (report["packets"], report["bytes"]))
    series = len(scrape.series)
    assert series <= 500, f"{series} series where 500 are allowed"
    flows = scrape.value("xdp_netflow_active_flows")
    assert flows <= 1024, f"{flows} living flows where 1024 are allowed"
    refused = scrape.unattributed()[0]
    assert refused > 0, "20,000 flows fitted into 1,024"
    lab.equal("snapshot", scrape.value("xdp_netflow_packets_total_snapshot"),
              report["packets"] - refused)
    return f"{refused} packets in no flow, by reason"


def vlan_under_the_cut(world):
    """A 5-tuple's figure is that of all its VLANs also where top_k has no room for all of them."""
    wire = world.wire()
    daemon = world.daemon(wire.monitor, world.config(wire.monitor_if, top_k=100))
    reports = [world.send(wire, packets=20000, flows=100),
               world.send(wire, packets=10000, flows=100, vlan=7)]
    lab.check_exact(daemon.wait_seen(30000), *reports)


def take_metrics(world, daemon, wire, keys):
    """Reloads with these keys under `metrics`; the page after it."""
    config = world.config(wire.monitor_if)
    config.write_text(config.read_text().replace("hysteresis: 0", f"hysteresis: 0, {keys}"))
    assert daemon.reload(), daemon.stderr()
    return daemon.scrape()


def folded(port):
    return next((f"{low}-{high}" for low, high in FOLDED if low <= port <= high), port)


def rows(world):
    """Flows that labels and folded ports do not tell apart are one sample, their exact sum."""
    wire = world.wire()
    daemon = world.daemon(wire.monitor, world.config(wire.monitor_if))
    report = world.send(wire, packets=20000, flows=3000, family="mixed", proto="mixed",
                        sizes="78-1514")
    daemon.wait_seen(report["packets"])
    with lab.Watch(daemon):
        for names in (("src", "dst"), ("proto",), ("src", "dport"), lab.FLOW_LABELS):
            page = take_metrics(world, daemon, wire, f"labels: [{', '.join(names)}]")
            got, want = page.flows(names), lab.expected_flows(report, labels=names)
            lab.equal(f"samples by {names}", len(got), min(len(want), 2000))
            wrong = [row for row, figures in got.items() if figures != want.get(row)]
            lab.equal(f"samples by {names} that are wrong", wrong[:1], [])
        for flow in report["flows"]:
            flow.update({port: folded(flow[port]) for port in ("sport", "dport")})
        names = ("sport", "dport", "proto")
        page = take_metrics(world, daemon, wire, "labels: [sport, dport, proto], fold_ports: "
                            f"[{', '.join(f'{low}-{high}' for low, high in FOLDED)}]")
        lab.equal("samples by folded ports", page.flows(names),
                  lab.expected_flows(report, labels=names))
        page = take_metrics(world, daemon, wire, "min_rate: 1000000000")
    lab.equal("samples that are fast enough", page.flows(), {})
    lab.equal("all others", page.others(), (report["packets"], report["bytes"]))


def expiry(world):
    """Flows that fall silent leave the page, their packets stay in the totals; the same flows come
    back as new ones."""
    wire = world.wire()
    config = world.config(wire.monitor_if)
    config.write_text(config.read_text().replace("idle_timeout: 10m", "idle_timeout: 1s"))
    daemon = world.daemon(wire.monitor, config)
    packets = 0
    with lab.Watch(daemon):
        for seed in (1, 2):
            report = world.send(wire, packets=20000, flows=500, family="mixed", seed=seed)
            packets += report["packets"]
            lab.check_exact_flows(daemon.wait_seen(packets), report)
            lab.wait_for("the flows to expire", lambda: daemon.scrape().value(
                "xdp_netflow_active_flows") == 0)
        scrape = daemon.scrape()
    lab.equal("flows shown", scrape.flows(), {})
    lab.equal("all others", scrape.others(), (0, 0))
    lab.equal("snapshot", scrape.value("xdp_netflow_packets_total_snapshot"), 0)
    lab.equal("attributed", scrape.attributed()[0], packets)


if __name__ == "__main__":
    lab.main(lab.Group(drv, million, ipv6, mixed_sizes, vlan, jumbo),
             lab.Group(skb, million, mixed_sizes, vlan, jumbo),
             vlan_under_the_cut, rows, two_interfaces, flood, expiry)
