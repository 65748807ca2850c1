# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules on live traffic: what they say shows, what they hide is counted, what they derive goes on,
and one that is late, loops or dies costs its labels and nothing else."""

import os
import signal

import lab
import policylab
from policylab import ZONES, gauge, lua, metric, rule

TOTALS = ("xdp_netflow_active_flows", "xdp_netflow_packets_total_snapshot",
          "xdp_netflow_bytes_total_snapshot")
HIDDEN = ("xdp_netflow_hidden_flows", "xdp_netflow_hidden_packets", "xdp_netflow_hidden_bytes")

SERVICE = rule(labels=["service"], label="""
    return { service = flow.dport == 443 and "https" or "port " .. flow.dport }""")
PATH = rule(gauge("test_paths", ["path"]), labels=["path"], label="""
    return { path = flow.src_zone .. " to " .. flow.dst_zone .. ": " .. flow.service }""", derive="""
    for path, sum in snapshot:sum_by("path") do emit("test_paths", sum.packets, { path = path }) end
    """)


def sent(world):
    rig = policylab.Rig(world)
    rig.send()
    lab.check_exact(rig.daemon.scrape(), *rig.reports)
    return rig


def counted(scrape):
    """All that no rule may touch."""
    figures = {name: scrape.value(name) for name in TOTALS}
    return figures, scrape.seen(), scrape.attributed(), scrape.unattributed()


# --- labels and hiding ------------------------------------------------------------------------

def service_of(flow):
    return "https" if flow[4] == "443" else f"port {flow[4]}"


def path_of(flow):
    zones = [policylab.zone_of(address, "clients", "servers") for address in flow[:2]]
    return f"{zones[0]} to {zones[1]}: {service_of(flow)}"


def chain(rig):
    """Zones, then a rule, then a rule that reads what both have said, of all flows."""
    before = rig.daemon.scrape()
    page = rig.take([ZONES, lua("service"), lua("path")], {"service": SERVICE, "path": PATH})
    got = policylab.labels_of(page, "src_zone", "dst_zone", "service", "path")
    want = {flow: ("clients", "servers", service_of(flow), path_of(flow)) for flow in rig.flows()}
    lab.equal("labels", got, want)
    sums = {}
    for flow, (packets, _) in rig.flows().items():
        sums[path_of(flow)] = sums.get(path_of(flow), 0) + packets
    lab.equal("sums by path", {labels["path"]: value for labels, value in page.samples(
        "test_paths")}, sums)
    lab.equal("what is counted", counted(page), counted(before))


def hidden(rig):
    """The three largest flows are hidden: the top ten are the ten behind them."""
    before = rig.daemon.scrape()
    ranked = sorted((packets for packets, _ in rig.flows().values()), reverse=True)
    over = ranked[2] - 1
    gone = [figures for figures in rig.flows().values() if figures[0] > over]
    page = rig.take([ZONES, lua("large", f"options: {{over: {over}}}")], {"large": rule(
        before="local over", init="over = options.over", filter="return flow.packets <= over")},
        top_k=10)
    shown = page.flows()
    lab.equal("figures of the top ten", sorted((f[0] for f in shown.values()), reverse=True),
              ranked[len(gone):len(gone) + 10])
    for flow, figures in shown.items():
        lab.equal(f"flow {flow}", figures, rig.flows()[flow])
    lab.equal("zones of the top ten", set(policylab.labels_of(page, "src_zone").values()),
              {("clients",)})
    lab.equal("hidden", [page.value(name) for name in HIDDEN],
              [len(gone), sum(f[0] for f in gone), sum(f[1] for f in gone)])
    lab.equal("what is counted", counted(page), counted(before))
    lab.check_conservation(page)


def all_hidden(rig):
    """Nothing is left to show, all of it is counted."""
    before = rig.daemon.scrape()
    page = rig.take([lua("none")], {"none": rule(filter="return false")})
    lab.equal("flows shown", page.flows(), {})
    lab.equal("hidden", [page.value(name) for name in HIDDEN],
              [page.value(name) for name in TOTALS])
    lab.equal("what is counted", counted(page), counted(before))
    page = rig.take()
    lab.equal("hidden without rules", [page.value(name) for name in HIDDEN], [0, 0, 0])
    lab.check_exact(page, *rig.reports)


EVERYTHING = rule(
    metric("test_level", "gauge", ["text"]), metric("test_things_total", "counter"),
    metric("test_sizes", "histogram", ["dport"], ", buckets = { 100, 1000.5, 1e6 }"),
    labels=["odd"], label=r"""return { odd = 'a "quoted" \\ back, é' .. flow.dport % 2 }""",
    derive=r"""
    emit("test_level", 0.5, { text = 'x"y\\z' })
    emit("test_things_total", 3)
    for flow in snapshot:flows() do emit("test_sizes", flow.bytes, { dport = flow.dport }) end""")


def linted(rig):
    """What Prometheus' own tool says of a page with labels and every type of metric: nothing."""
    page = rig.take([ZONES, lua("everything")], {"everything": EVERYTHING})
    lab.equal("odd labels", set(policylab.labels_of(page, "odd").values()),
              {('a "quoted" \\ back, é0',), ('a "quoted" \\ back, é1',)})
    sizes = [value for labels, value in page.samples("test_sizes_count")]
    lab.equal("observations", sum(sizes), len(rig.flows()))
    lab.equal("their sum", page.sum("test_sizes_sum"), sum(f[1] for f in rig.flows().values()))
    for bound in ("100.0", "1000.5", "1e+06", "+Inf"):
        below = sum(figures[1] <= float(bound) for figures in rig.flows().values())
        lab.equal(f"flows up to {bound}", page.sum("test_sizes_bucket", le=bound), below)
    policylab.lint(page.text)
    lab.check_openmetrics(rig.daemon)


# --- what is kept -----------------------------------------------------------------------------

CALLS = rule(metric("test_calls_total", "counter"), metric("test_runs_total", "counter"),
             before="local calls = 0", labels=["seen"],
             label='calls = calls + 1\nreturn { seen = "yes" }',
             derive="""emit("test_calls_total", calls)
             emit("test_runs_total", 1)
             calls = 0""")


def kill_worker(rig):
    """Kills it, and waits until another one has judged a snapshot."""
    restarts = rig.daemon.scrape().value("xdp_auditor_policy_worker_restarts_total")
    os.kill(policylab.worker(rig.daemon), signal.SIGKILL)
    page = rig.wait_value("xdp_auditor_policy_worker_restarts_total", restarts + 1)
    runs = page.value("test_runs_total")  # of the snapshot that found it dead
    return rig.wait_for("another worker", lambda s: s.value("test_runs_total") > runs)


def cached(rig):
    """`label` is called once for each flow, and anew by a worker that was started anew."""
    page = rig.take([lua("calls")], {"calls": CALLS})
    begin, flows = page.value("test_calls_total") - len(rig.flows()), len(rig.flows())
    lab.equal("calls before", begin, 0)
    page = rig.wait_snapshots(5)
    lab.equal("calls after snapshots", page.value("test_calls_total"), flows)
    lab.equal("labels", set(policylab.labels_of(page, "seen").values()), {("yes",)})
    rig.send(flows=400, seed=2)  # a hundred of them are new
    page = rig.wait_snapshots(2)
    lab.equal("calls after new flows", page.value("test_calls_total"), flows + 100)
    page = kill_worker(rig)
    lab.equal("calls after kill -9", page.value("test_calls_total"), flows + 100 + 400)
    page = rig.take([lua("calls")])
    lab.equal("calls after a reload", page.value("test_calls_total"), flows + 100 + 800)


def counters_go_on(rig):
    """Over kill -9 and HUP alike, while pages are held against each other all the time."""
    rig.take([ZONES, lua("calls"), lua("everything")], {"calls": CALLS, "everything": EVERYTHING})
    with lab.Watch(rig.daemon) as watch:
        for _ in range(3):
            rig.wait_snapshots(2)
            kill_worker(rig)
            before = watch.last.value("test_runs_total")
            page = rig.take([lua("everything"), lua("calls"), ZONES])
            assert page.value("test_runs_total") > before, "the counter did not go on"
    # one that was killed at work is a crash of the stage that was at work
    assert set(rig.errors("lua:calls")) <= {"crash"}, rig.errors("lua:calls")
    return f"{watch.count} scrapes"


def gauges_vanish(rig):
    """A snapshot without a worker has no gauges; the one after has them again."""
    page = rig.take([lua("gauge"), lua("calls")], {"calls": CALLS, "gauge": rule(
        gauge("test_flows"), derive='emit("test_flows", snapshot.count)')}, poll_interval="1s")
    lab.equal("gauge", page.value("test_flows"), len(rig.flows()))
    total = page.value("test_runs_total")
    os.kill(policylab.worker(rig.daemon), signal.SIGKILL)
    page = rig.wait_for("a page without gauges", lambda s: not s.samples("test_flows"))
    assert page.value("test_runs_total") >= total, "the counter went with the gauge"
    lab.equal("labels", set(policylab.labels_of(page, "seen").values()), {("",)})
    lab.check_exact_flows(page, *rig.reports)
    page = rig.wait_for("gauges", lambda s: s.samples("test_flows"))
    lab.equal("gauge", page.value("test_flows"), len(rig.flows()))


STATE = rule(gauge("test_kept"), gauge("test_upvalue"), keep=True, before="local runs = 0", derive="""
    runs = runs + 1
    xa.state.runs = (xa.state.runs or 0) + 1
    emit("test_kept", xa.state.runs)
    emit("test_upvalue", runs)""")


def state(rig):
    rig.take([lua("state")], {"state": STATE})
    page = rig.wait_for("10 snapshots", lambda s: s.value("test_upvalue") >= 10)
    lab.equal("kept and upvalue", page.value("test_kept"), page.value("test_upvalue"))
    page = rig.take([lua("state")])
    assert page.value("test_kept") > 10, f"xa.state is {page.value('test_kept')}"
    assert page.value("test_upvalue") < 10, "the upvalue has survived"
    page = rig.take([lua("state")], {"state": STATE.replace("keep_state = true", "")})
    assert page.value("test_kept") < 10, "state was kept that nobody asked for"


# --- how many series --------------------------------------------------------------------------

BY_SRC = rule(gauge("test_by_src", ["src"]), metric("test_by_src_total", "counter", ["src"]),
              derive="""
    for src, sum in snapshot:sum_by("src") do
        emit("test_by_src", sum.packets, { src = src })
        emit("test_by_src_total", 1, { src = src })
    end""")


def folded(rig):
    """policy.max_series: the rest is one series more, `other`, and the sum is right."""
    packets = sum(figures[0] for figures in rig.flows().values())
    sources = len({flow[0] for flow in rig.flows()})
    page = rig.take([lua("src")], {"src": BY_SRC}, keys={"max_series": 20})
    lab.equal("series", len(page.samples("test_by_src")), 20)
    lab.equal("sum", page.sum("test_by_src"), packets)
    assert page.value("test_by_src", src="other") > 0
    lab.equal("folded", page.value("xdp_auditor_series_folded_total", family="test_by_src"),
              sources - 19)
    page = rig.wait_snapshots(2)
    lab.equal("counters", len(page.samples("test_by_src_total")), 20)
    lab.equal("their sum", page.sum("test_by_src_total") % sources, 0)


def all_series(rig):
    """metrics.max_series is over everything that is on a page."""
    rig.config = None
    policylab.write_rules(rig.world, {"src": BY_SRC})
    path = rig.world.config(rig.wire.monitor_if, extra=policylab.policy([lua("src")]))
    path.write_text(path.read_text().replace("max_series: 100000", "max_series: 500"))
    before = rig.daemon.scrape().sum("xdp_auditor_series_folded_total")
    assert rig.daemon.reload(), rig.daemon.stderr()
    page = rig.wait_snapshots(2)
    assert len(page.series) <= 500, f"{len(page.series)} series on a page"
    assert page.sum("xdp_auditor_series_folded_total") > before, "nothing was folded"
    for family in ("flow", "test_by_src"):
        assert page.value("xdp_auditor_series_folded_total", family=family), f"nothing of {family}"
    lab.check_conservation(page)
    return f"{len(page.series)} series"


MILLION = rule(metric("test_each_total", "counter", ["flow"]), labels=["each"],
               before="local n = 0", label='n = n + 1\nreturn { each = "flow " .. n }', derive="""
    for flow in snapshot:flows() do emit("test_each_total", 1, { flow = flow.each }) end""")


def a_million(world):
    """A label value of its own for each of a million flows."""
    flows = 1_000_000
    free = int(policylab.meminfo("MemAvailable")) >> 10
    lab.need(free > 4096, f"wants 4 GiB of memory, {free} MiB are free")
    rig = policylab.Rig(world, [lua("each", "steps: 2000000000")], {"each": MILLION},
                        keys={"deadline": "10s", "memory": "512MiB"}, top_k=1000,
                        arguments=["--set", "flows.max=1048576", "--set", "flows.cpu_budget=100"])
    rig.send(packets=flows, flows=flows, sizes="82-82", family="4", proto="udp")
    def labelled(scrape):
        equal = scrape.value("xdp_netflow_active_flows") == flows
        return equal and scrape.samples("xdp_netflow_flow_packets", each="other")
    page = rig.wait_for("all flows to be labelled", labelled, deadline=120)
    lab.equal("errors", rig.errors("lua:each"), {})
    values = {labels["each"] for labels, _ in page.rows("packets")}
    assert len(values) <= 4097, f"{len(values)} values"
    lab.equal("series", len(page.samples("test_each_total")), 1000)
    assert len(page.series) < 5000, f"{len(page.series)} series"
    lab.check_conservation(page)
    took = page.value("xdp_auditor_rule_stage_duration_seconds", stage="lua:each")
    return f"{len(page.series)} series, {took:.1f} s a snapshot"


if __name__ == "__main__":
    lab.main(lab.Group(sent, chain, hidden, all_hidden, linted, cached, counters_go_on,
                       gauges_vanish, state, folded, all_series), a_million)
