# SPDX-License-Identifier: GPL-2.0-or-later
"""Prometheus itself as the judge: promtool finds nothing to say about the page, and a real server
scrapes it, is content, and answers a query with the figure that was sent."""

import json
import subprocess
import urllib.parse

import lab

PATTERN = {"packets": 20000, "flows": 100, "family": "mixed", "proto": "mixed", "sizes": "78-1500"}
PROMETHEUS_PORT = 9390


class Rig:
    """A daemon, known traffic, and a page that shows it; with two interfaces, one label more."""

    def __init__(self, world, interfaces):
        self.world = world
        sender, self.monitor = world.netns("tx"), world.netns("mon")
        wires = [world.wire(f"tx{i}", f"mon{i}", sender, self.monitor) for i in range(interfaces)]
        names = ", ".join(wire.monitor_if for wire in wires)
        self.daemon = world.daemon(self.monitor, world.config(f"[{names}]"))
        self.reports = [world.send(wire, **PATTERN) for wire in wires]
        self.packets = sum(report["packets"] for report in self.reports)
        self.scrape = self.daemon.wait_seen(self.packets)


def one_interface(world):
    return Rig(world, 1)


def two_interfaces(world):
    return Rig(world, 2)


def lint(promtool, text):
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 0 and not done.stdout.strip() and not done.stderr.strip(), (
        f"promtool: exit {done.returncode}: {done.stdout}{done.stderr}")


def promtool(rig):
    tool = lab.need_tool("promtool")
    lint(tool, rig.scrape.text)
    assert rig.daemon.reload(), "a reload of the same config was refused"
    lint(tool, rig.daemon.scrape().text)
    lab.check_openmetrics(rig.daemon)


def start_prometheus(world, netns):
    binary = lab.need_tool("prometheus")
    config = world.dir / "prometheus.yml"
    config.write_text("global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
                      "scrape_configs:\n"
                      "  - job_name: xdp-auditor\n"
                      f"    static_configs: [{{targets: ['127.0.0.1:{lab.PORT}']}}]\n")
    return world.process(binary, f"--config.file={config}",
                         f"--storage.tsdb.path={world.dir / 'data'}",
                         f"--web.listen-address=127.0.0.1:{PROMETHEUS_PORT}", "--log.level=warn",
                         netns=netns, cwd=world.dir)


def query(netns, text):
    """The result vector of an instant query: [(labels, value)]."""
    reply = lab.request(netns, PROMETHEUS_PORT,
                        f"/api/v1/query?query={urllib.parse.quote(text)}")
    lab.equal(f"status of the query, which says {reply.text}", reply.status, 200)
    return [(result["metric"], float(result["value"][1]))
            for result in json.loads(reply.text)["data"]["result"]]


def server(rig):
    """up is 1; figures by query; no error on the target, a sample for each series."""
    start_prometheus(rig.world, rig.monitor)

    def up():
        found = query(rig.monitor, 'up{job="xdp-auditor"}')
        lab.equal("up", [value for _, value in found], [1])
        return True
    lab.wait_for("Prometheus to have scraped", up, deadline=60, pause=0.2)

    for flow in rig.reports[0]["flows"][:4]:
        labels = ",".join(f'{name}="{flow[name]}"' for name in lab.FLOW_LABELS)
        for unit in ("packets", "bytes"):
            check_query(rig, f"xdp_netflow_flow_{unit}{{{labels}}}", flow[unit])
    check_query(rig, "sum(xdp_netflow_packets_total)", rig.packets)
    check_query(rig, "sum(xdp_netflow_flow_bytes)", rig.reports[0]["bytes"])
    check_query(rig, "xdp_auditor_unaccounted_packets", 0)
    check_query(rig, "count(xdp_netflow_flow_packets)", PATTERN["flows"] + 1)
    check_query(rig, "scrape_samples_scraped", len(rig.daemon.scrape().series))
    reply = lab.request(rig.monitor, PROMETHEUS_PORT, "/api/v1/targets")
    target = json.loads(reply.text)["data"]["activeTargets"][0]
    lab.equal("the target's last error", target["lastError"], "")


def check_query(rig, text, want):
    lab.equal(text, [value for _, value in query(rig.monitor, text)], [want])


if __name__ == "__main__":
    lab.main(lab.Group(one_interface, promtool, server), lab.Group(two_interfaces, promtool))
