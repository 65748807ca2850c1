# SPDX-License-Identifier: GPL-2.0-or-later
"""The API on live traffic: its figures are those of the scrape of the same snapshot, what is asked
for is what comes, the manual's commands print what the manual says (XA_UPDATE=1 writes it there),
and who asks a lot holds up nobody."""

import contextlib
import ipaddress
import json
import os
import pathlib
import sys
import threading
import time
import urllib.parse

import lab
import policylab

ROOT = policylab.source_root()
sys.path.insert(0, str(ROOT / "tests/golden"))
import config_docs  # noqa: E402

MANUAL = ROOT / "docs/api.md"
PATTERN = {"packets": 20000, "flows": 300, "family": "mixed", "proto": "mixed", "sizes": "82-400"}
STATUS, FLOWS = "/api/v1/status", "/api/v1/flows"
LABELS = ("src_zone", "dst_zone", "hostile")
TEXT = 'a "b" \\ <c> \'ü\' €&=;%41'

# A label of any text, and flows that do not show.
RULE = policylab.rule(labels=["hostile"], label="""
    if flow.dport == 443 then return { hostile = 'a "b" \\\\ <c> \\'ü\\' €&=;%41' } end""",
                      filter="return flow.dport ~= 123")


def strict(pairs):
    """An object in which no name comes twice."""
    lab.equal("names that come twice", len(pairs), len(dict(pairs)))
    return dict(pairs)


def get(daemon, path, status=200):
    reply = daemon.get(path)
    lab.equal(f"status of {path}, which says {reply.text[:200]}", reply.status, status)
    lab.equal("type", reply.headers["Content-Type"], "application/json")
    lab.equal("caching", reply.headers["Cache-Control"], "no-store")
    return json.loads(reply.text, object_pairs_hook=strict)


def ask(daemon, **parameters):
    return get(daemon, f"{FLOWS}?{urllib.parse.urlencode(parameters)}" if parameters else FLOWS)


def match_text(pairs):
    return ",".join(f"{key}={value}" for key, value in pairs.items())


class Rig(policylab.Rig):
    """Zones, a hostile label, hidden flows, and traffic of a known time."""

    def __init__(self, world):
        super().__init__(world, [policylab.ZONES, policylab.lua("hostile")], {"hostile": RULE})
        self.began = time.time()
        self.send(**PATTERN)
        self.ended = time.time()

    def same(self, *paths):
        """Answers to the paths and a scrape of one and the same snapshot."""
        def taken():
            before = get(self.daemon, STATUS)
            answers = [get(self.daemon, path) for path in paths]
            scrape = self.daemon.scrape()
            after = get(self.daemon, STATUS)
            same = before["snapshot"]["time"] == after["snapshot"]["time"]
            return (after, *answers, scrape) if same else None
        return lab.wait_for("answers of one snapshot", taken, pause=0)


def sent(world):
    return Rig(world)


# --- status -----------------------------------------------------------------------------------

def totals(scrape, kind, suffix=""):
    names = ("flows", f"packets{suffix}", f"bytes{suffix}")
    return [scrape.value(f"xdp_netflow_{kind}{name}") for name in names]


def status_is_the_scrape(rig):
    status, scrape = rig.same()
    lab.equal("ready and stale", (status["ready"], status["stale"]), (True, False))
    for interface in status["interfaces"]:
        at = {"interface": interface["name"]}
        lab.equal(f"seen {at}", tuple(interface["seen"].values()), scrape.seen(**at))
        lab.equal(f"unaccounted {at}", list(interface["unaccounted"].values()),
                  [scrape.value(name, **at) for name in lab.RESIDUALS])
        lab.equal(f"attached {at}", interface["attached"],
                  bool(scrape.value("xdp_auditor_attached", mode=interface["mode"], **at)))
        lab.equal(f"reattaches {at}", interface["reattaches"],
                  scrape.value("xdp_auditor_reattaches_total", **at))
    lab.equal("interfaces", [one["name"] for one in status["interfaces"]], [rig.wire.monitor_if])
    lab.equal("hidden", list(status["flows"]["hidden"].values()), [
        scrape.value(f"xdp_netflow_hidden_{name}") for name in ("flows", "packets", "bytes")])
    lab.equal("active flows", status["flows"]["active"]["flows"],
              scrape.value("xdp_netflow_active_flows"))
    lab.equal("capacity", status["flows"]["capacity"], 16384)
    for family, entries in status["flow_map"]["entries"].items():
        lab.equal(f"entries of {family}", entries,
                  scrape.value("xdp_auditor_flow_map_entries", family=family))
    lab.equal("polls", status["polls"]["count"],
              scrape.value("xdp_auditor_poll_duration_seconds_count"))
    assert 0 < status["polls"]["last_duration"] < lab.DEADLINE
    lab.equal("hash", status["reload"]["config_sha256"],
              scrape.samples("xdp_auditor_config_hash_info")[0][0]["sha256"])


def status_of_a_refused_reload(rig):
    good = rig.daemon.config.read_text()
    rig.daemon.config.write_text(good + "nonsense: 1\n")
    try:
        assert not rig.daemon.reload(), "nonsense was taken"
        reload = get(rig.daemon, STATUS)["reload"]
        lab.equal("reload", (reload["ok"], reload["phase"]), (False, "config"))
        lab.equal("failures", reload["failures"]["config"], 1)
    finally:
        rig.daemon.config.write_text(good)
    assert rig.daemon.reload(), "what was good is refused"
    reload = get(rig.daemon, STATUS)["reload"]
    lab.equal("reload", (reload["ok"], reload["phase"]), (True, ""))


def status_of_a_failing_stage(rig):
    """The stage that fails is named, with its complaint and its errors."""
    good = [policylab.ZONES, policylab.lua("hostile")]
    bad = policylab.rule(labels=["bad"], before=policylab.LIVE, derive="""
        if is_live(snapshot) then error("no \\"luck\\"") end""")
    rig.take([*good, policylab.lua("bad")], {"hostile": RULE, "bad": bad})
    try:
        def failing():
            stage = get(rig.daemon, STATUS)["policy"]["stages"][2]
            return stage if stage["errors"]["error"] else None
        stage = lab.wait_for("the stage's error", failing)
        lab.equal("title", stage["title"], "lua:bad")
        assert 'no "luck"' in stage["complaint"]["text"], stage
        assert stage["complaint"]["file"].endswith("bad.lua"), stage
    finally:
        rig.take(good, {"hostile": RULE})


# --- flows ------------------------------------------------------------------------------------

def key_of(flow):
    return tuple(str(flow[name]) for name in lab.FLOW_LABELS)


def flows_are_the_scrape(rig):
    status, answer, scrape = rig.same(f"{FLOWS}?top=1000")
    lab.equal("snapshot", answer["snapshot"], status["snapshot"]["time"])
    got = {key_of(flow): (flow["packets"], flow["bytes"]) for flow in answer["flows"]}
    lab.equal("flows twice", len(got), len(answer["flows"]))
    lab.equal("flows", got, scrape.flows())
    lab.equal("shown and of", (answer["shown"], answer["of"]), (len(got), len(got)))
    lab.equal("sums", (answer["total"], answer["hidden"]),
              (status["flows"]["active"], status["flows"]["hidden"]))
    labels = {key_of(flow): tuple(flow["labels"].get(name, "") for name in LABELS)
              for flow in answer["flows"]}
    lab.equal("labels", labels, policylab.labels_of(scrape, *LABELS))


def flows_are_what_was_sent(rig):
    answer = ask(rig.daemon, top=1000)
    want = {key: figures for key, figures in rig.flows().items() if key[4] != "123"}
    lab.equal("flows", {key_of(flow): (flow["packets"], flow["bytes"])
                        for flow in answer["flows"]}, want)
    lab.equal("hidden", answer["hidden"]["flows"], len(rig.flows()) - len(want))
    assert answer["hidden"]["flows"], "none is hidden"
    for flow in answer["flows"]:
        lab.equal("interface", flow["interface"], rig.wire.monitor_if)
        lab.equal("family", flow["family"], "ipv6" if ":" in flow["src"] else "ipv4")
        lab.equal("TCP flags", flow["tcp_flags"], 24 if flow["proto"] == "tcp" else 0)
        lab.equal("label", flow["labels"].get("hostile"), TEXT if flow["dport"] == 443 else None)
        assert rig.began - 1 < flow["first_seen"] <= flow["last_seen"] < rig.ended + 1, flow


def is_in(network):
    network = ipaddress.ip_network(network)
    return lambda text: ipaddress.ip_address(text) in network


MATCHES = [
    ({"src": "198.18.0.0/16"}, lambda f: is_in("198.18.0.0/16")(f["src"])),
    ({"src": "198.18.0.0/27"}, lambda f: is_in("198.18.0.0/27")(f["src"])),
    ({"dst": "2001:db8:1::/113"}, lambda f: is_in("2001:db8:1::/113")(f["dst"])),
    ({"proto": "tcp"}, lambda f: f["proto"] == "tcp"),
    ({"proto": 17}, lambda f: f["proto"] == "udp"),
    ({"dport": 443}, lambda f: f["dport"] == 443),
    ({"sport": 1030}, lambda f: f["sport"] == 1030),
    ({"port": 80}, lambda f: 80 in (f["sport"], f["dport"])),
    ({"interface": "mon0"}, lambda f: True),
    ({"interface": "mon1"}, lambda f: False),
    ({"src_zone": "clients"}, lambda f: True),
    ({"hostile": TEXT}, lambda f: f["dport"] == 443),
    ({"hostile": ""}, lambda f: f["dport"] != 443),
    ({"proto": "udp", "src": "::/0", "dport": 80},
     lambda f: f["proto"] == "udp" and ":" in f["src"] and f["dport"] == 80),
]


def matches(rig):
    every = ask(rig.daemon, top=1000)["flows"]
    for pairs, holds in MATCHES:
        answer = ask(rig.daemon, top=1000, match=match_text(pairs))
        want = {key_of(flow) for flow in every if holds(flow)}
        lab.equal(f"flows of {pairs}", {key_of(flow) for flow in answer["flows"]}, want)
        lab.equal(f"of {pairs}", answer["of"], len(want))
    one = every[7]
    pairs = {name: one[name] for name in lab.FLOW_LABELS}
    lab.equal("one flow", [key_of(flow) for flow in
                           ask(rig.daemon, match=match_text(pairs))["flows"]], [key_of(one)])


def orders(rig):
    for by in "packets", "bytes", "packets_rate", "bytes_rate":
        answer = ask(rig.daemon, by=by, top=1000)
        figures = [flow[by] for flow in answer["flows"]]
        lab.equal(f"order by {by}", figures, sorted(figures, reverse=True))
        few = ask(rig.daemon, by=by, top=10)
        lab.equal("ten of them", (few["shown"], few["of"]), (10, answer["of"]))
        for flow in few["flows"]:
            unit = by.removesuffix("_rate")
            rate = flow[unit] / max(1, few["snapshot"] - flow["first_seen"])
            assert abs(flow[f"{unit}_rate"] - rate) < 0.01 * rate, (flow, few["snapshot"])
    lab.equal("ten by packets", [flow["packets"] for flow in ask(rig.daemon, top=10)["flows"]],
              sorted((figures[0] for key, figures in rig.flows().items() if key[4] != "123"),
                     reverse=True)[:10])


def refusals(rig):
    for query, name in (("limit=1", "limit"), ("top=0", "top"), ("top=1&top=1", "top"),
                        ("by=size", "by"), ("match=srcc=1", "srcc"), ("match=", "match"),
                        ("match=dport=http", "dport"), ("match=src=%ff", "match")):
        answer = get(rig.daemon, f"{FLOWS}?{query}", 400)
        lab.equal("members", list(answer), ["error"])
        assert name in answer["error"], answer


# --- who asks a lot ---------------------------------------------------------------------------

class Asker:
    """Asks for all that there is, as fast as it goes, on one connection."""

    def __init__(self, rig, stop):
        self.count = 0
        self.failure = None
        self.rig, self.stop = rig, stop
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            with contextlib.closing(lab.Connection(self.rig.daemon.netns, lab.PORT, 10)) as one:
                while not self.stop.is_set():
                    path = (f"{FLOWS}?top=1000", f"{FLOWS}?top=5&match=port%3D443", STATUS)
                    one.request("GET", path[self.count % 3])
                    lab.equal("status", lab.Reply(one.getresponse()).status, 200)
                    self.count += 1
        except Exception as error:  # any: it is raised again where the case waits
            self.failure = error


def crowd(rig):
    """Thousands of requests: each is answered, and twenty polls more are taken and none fails."""
    before = get(rig.daemon, STATUS)["polls"]
    stop = threading.Event()
    askers = [Asker(rig, stop) for _ in range(8)]
    try:
        lab.wait_for("polls to go on", lambda: get(rig.daemon, STATUS)["polls"]["count"]
                     >= before["count"] + 20)
        lab.wait_for("thousands of answers", lambda: sum(one.count for one in askers) >= 2000)
    finally:
        stop.set()
        for asker in askers:
            asker.thread.join(lab.DEADLINE)
    for asker in askers:
        assert not asker.failure, repr(asker.failure)
    status = get(rig.daemon, STATUS)
    lab.equal("failures", status["polls"]["failures"], before["failures"])
    assert not status["stale"]
    lab.check_conservation(rig.daemon.scrape())


# --- alone ------------------------------------------------------------------------------------

def odd_interface(world):
    """A name that is no UTF-8 stands in both answers as it stands in the scrape."""
    wire = world.wire()
    config = world.config('"[m-z]*"')
    with wire.monitor.entered():
        lab.run("ip", "link", "set", "mon0", "down")
        lab.run("ip", "link", "set", "mon0", "name", b'm"\xff\\')
        lab.run("ip", "link", "set", b'm"\xff\\', "up")
    daemon = world.daemon(wire.monitor, config)
    report = world.send(wire, packets=100, flows=1)
    scrape = daemon.wait_seen(report["packets"])
    name = 'm":ff\\'
    assert scrape.value("xdp_auditor_seen_packets_total", interface=name)
    lab.equal("interfaces", [one["name"] for one in get(daemon, STATUS)["interfaces"]], [name])
    answer = ask(daemon, match=f"interface={name}")
    lab.equal("packets", [flow["packets"] for flow in answer["flows"]], [report["packets"]])


def ports_text(flow, name):
    last = flow.get(f"{name}_last")
    return f"{flow[name]}-{last}" if last else str(flow[name])


def fewer_labels(world):
    """A flow has what labels tell, and folded ports are a range: as in the scrape."""
    wire = world.wire()
    daemon = world.daemon(wire.monitor, world.config(wire.monitor_if), "--set",
                          "metrics.labels=src,sport,dport", "--set", "metrics.fold_ports=1026-65535")
    report = world.send(wire, **PATTERN)
    scrape = daemon.wait_seen(report["packets"])
    want = {(labels["src"], labels["sport"], labels["dport"]): value for labels, value in
            scrape.samples("xdp_netflow_flow_packets") if labels["src"] != "other"}
    flows = ask(daemon, top=1000)["flows"]
    lab.equal("flows", {(flow["src"], ports_text(flow, "sport"), ports_text(flow, "dport")):
                        flow["packets"] for flow in flows}, want)
    assert {"1024", "1026-65535"} <= {sport for _, sport, _ in want}, want
    assert not any("dst" in flow or "proto" in flow for flow in flows)
    lab.equal("found by a folded port", ask(daemon, match="sport=40000")["of"],
              sum(sport == "1026-65535" for _, sport, _ in want))
    get(daemon, f"{FLOWS}?match=dst=10.0.0.1", 400)


def manual(world):
    """The commands of the manual, with the daemon and the traffic that it speaks of."""
    lab.need_tool("curl")
    lab.need_tool("jq")
    text = MANUAL.read_text()
    wire = world.wire(monitor_if="eth0")
    config = world.dir / "config.yaml"
    config.write_text(next(match[3] for match in config_docs.BLOCK.finditer(text)
                           if match[1] == "yaml"))
    daemon = world.daemon(wire.monitor, config)
    world.send(wire, packets=1000, flows=20, family="mixed", proto="mixed", sizes="100-400", seed=1)
    daemon.wait_seen(1000)
    case = config_docs.Case(world.auditor, bool(os.environ.get("XA_UPDATE")))
    new, at = "", 0
    with wire.monitor.entered():
        for match in config_docs.BLOCK.finditer(text):
            if match[1] == "console":
                made = config_docs.console(case, "docs/api.md", match[3], world.dir, os.environ)
                new += text[at:match.start(3)] + made
                at = match.end(3)
    if case.update:
        pathlib.Path(MANUAL).write_text(new + text[at:])
    assert case.passed and not case.failed, f"{case.failed} commands print something else"


if __name__ == "__main__":
    lab.main(manual, odd_interface, fewer_labels,
             lab.Group(sent, status_is_the_scrape, flows_are_the_scrape, flows_are_what_was_sent,
                       matches, orders, refusals, crowd, status_of_a_failing_stage,
                       status_of_a_refused_reload))
