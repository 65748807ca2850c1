# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules that are late, wrong or refused, on live traffic: snapshots stay on time, what was counted
stays exact, the log names file and line once, and what ran before runs on."""

import contextlib
import os
import re
import signal
import threading
import time

import lab
import policylab
from policylab import LIVE, ZONES, gauge, lua, metric, rule

BAD_CONFIG = 78

SPIN = rule(labels=["mood"], before=LIVE + "local function spin() while true do end end",
            label='return { mood = "fine" }',
            derive="if is_live(snapshot) then spin() end")
CALM = rule(labels=["mood"], before=LIVE + "local function spin() while true do end end",
            label='return { mood = "calm" }', derive="return")


def empty(world):
    return policylab.Rig(world, keys={"deadline": "100ms"})


class Clock:
    """Scrapes all the time: how long the slowest scrape took, and how far snapshots were apart."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.slowest = 0
        self.times = []
        self.failure = None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        try:
            while not self.stopping.wait(0.02):
                begin = time.monotonic()
                page = self.daemon.scrape()
                self.slowest = max(self.slowest, time.monotonic() - begin)
                lab.check_conservation(page)
                self.times.append(page.value("xdp_auditor_last_snapshot_timestamp_seconds"))
        except Exception as error:  # any: it is raised again where the case waits
            self.failure = error

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, *_):
        self.stopping.set()
        self.thread.join(lab.DEADLINE)
        if kind is None and self.failure:
            raise AssertionError(f"scrape {len(self.times) + 1}: {self.failure}")

    def widest(self):
        times = sorted(set(self.times))
        return max(b - a for a, b in zip(times, times[1:]))


def disabled(rig, stage, cause, count=3):
    """Waits until the stage is left out, and holds against it what has to be known of that."""
    page = rig.wait_value("xdp_auditor_rule_stage_disabled", 1, stage=stage)
    lab.equal("errors", rig.errors(stage, page), {cause: count})
    ready = rig.daemon.get("/-/ready")
    lab.equal("status of /-/ready", ready.status, 200)
    assert f"stage {stage} is disabled: " in ready.text, ready.text
    return page


def on_time(clock, interval, deadline):
    """Generous to a busy machine, but less than two intervals that a rule could have held up."""
    widest = clock.widest()
    assert widest < 2 * (interval + deadline) + 0.5, f"snapshots {widest:.2f} s apart"
    assert clock.slowest < 1, f"a scrape took {clock.slowest:.2f} s"
    return f"snapshots {widest:.2f} s apart at most, scrapes {clock.slowest * 1000:.0f} ms"


def late(rig):
    """It loops from the first traffic on: three snapshots without labels, on time, then it is out,
    and the stage beside it labels again."""
    log = len(rig.daemon.lines)
    rig.take([ZONES, lua("spin", "steps: 100000000000")], {"spin": SPIN},
             keys={"deadline": "100ms"})
    with Clock(rig.daemon) as clock:
        if not rig.reports:
            rig.send()
        page = disabled(rig, "lua:spin", "time")
        rig.wait_for("zones of the other stage", lambda s: ("clients",) in set(
            policylab.labels_of(s, "src_zone").values()))
        rig.wait_snapshots(5)
    lab.check_exact(rig.daemon.scrape(), *rig.reports)
    lab.equal("lines of the cause", len(rig.lines("stage lua:spin failed cause=time", log)), 1)
    lab.equal("lines of the end", len(rig.lines("stage lua:spin failed 3 times", log)), 1)
    assert page.sum("xdp_auditor_rule_errors_total", stage="zones") == 0, "zones is blamed"
    return on_time(clock, 0.2, 0.1)


def edited(rig):
    """Edited in place or by rename, it is tried again without a reload."""
    path = rig.world.dir / "spin.lua"
    for text, mood, edit in ((CALM, "calm", path.write_text),
                             (CALM.replace("calm", "calmer"), "calmer", lambda text: renamed(
                                 path, text))):
        log = len(rig.daemon.lines)
        edit(text)
        page = rig.wait_for(f"labels of the mood {mood}", lambda s, mood=mood: set(
            policylab.labels_of(s, "mood").values()) == {(mood,)})
        lab.equal("disabled", page.value("xdp_auditor_rule_stage_disabled", stage="lua:spin"), 0)
        assert "disabled" not in rig.daemon.get("/-/ready").text
        lab.equal("lines", len(rig.lines("stage lua:spin is tried again", log)), 1)
        path.write_text(SPIN)
        assert rig.daemon.reload(), "a rule that passes its trial was refused"
        rig.wait_value("xdp_auditor_rule_stage_disabled", 1, stage="lua:spin")


def renamed(path, text):
    other = path.with_suffix(".new")
    other.write_text(text)
    os.replace(other, path)


def edited_badly(rig):
    """What was edited has to declare what it declared; else a reload is asked for."""
    path = rig.world.dir / "spin.lua"
    rig.wait_value("xdp_auditor_rule_stage_disabled", 1, stage="lua:spin")
    log = len(rig.daemon.lines)
    path.write_text(CALM.replace("mood", "temper"))
    rig.daemon.wait_line("lua:spin.*reload the configuration", log)
    rig.wait_value("xdp_auditor_rule_stage_disabled", 1, stage="lua:spin")
    path.write_text("return {\n\tlabels = {\n")
    rig.daemon.wait_line(r"lua:spin failed cause=error.*spin\.lua:\d+", log)
    rig.wait_snapshots(5)
    lab.check_exact(rig.daemon.scrape(), *rig.reports)
    assert rig.daemon.alive()


def steps(rig):
    """Ended by its steps, it costs no worker and no other stage anything."""
    restarts = rig.daemon.scrape().value("xdp_auditor_policy_worker_restarts_total")
    page = rig.take([ZONES, lua("loop", "steps: 200000")], {"loop": SPIN})
    lab.equal("zones", set(policylab.labels_of(page, "src_zone").values()), {("clients",)})
    lab.equal("moods", set(policylab.labels_of(page, "mood").values()), {("",)})
    page = disabled(rig, "lua:loop", "steps")
    after = rig.wait_snapshots(3).value("xdp_auditor_policy_worker_restarts_total")
    assert after <= restarts + 1, f"{after - restarts} workers for an error of Lua"


def raised(rig):
    """An error names file and line with a traceback, once, and takes this stage's labels back."""
    log = len(rig.daemon.lines)
    text = rule(labels=["half"], label='return { half = "done" }', before=LIVE,
                derive='if is_live(snapshot) then\nlocal no = nil\nreturn no.thing\nend')
    page = rig.take([lua("raise"), lua("calm")], {"raise": text, "calm": CALM})
    lab.equal("labels", set(policylab.labels_of(page, "half", "mood").values()), {("", "calm")})
    disabled(rig, "lua:raise", "error")
    lines = rig.lines("stage lua:raise failed cause=error", log)
    lab.equal("lines", len(lines), 1)
    number = text[:text.index("no.thing")].count("\n") + 1
    assert f"raise.lua:{number}" in lines[0], lines[0]
    lab.check_exact(rig.daemon.scrape(), *rig.reports)


def each_second(rig):
    """One that loops in every second snapshot is never three times wrong in a row: it costs labels,
    and time within the deadline."""
    text = rule(gauge("test_runs"), before="local runs = 0", derive=f"""
        runs = runs + 1
        emit("test_runs", runs)
        while runs > 1 do end""")
    rig.take([lua("second", "steps: 100000000000")], {"second": text}, keys={"deadline": "100ms"})
    with Clock(rig.daemon) as clock:
        rig.wait_for("two failures", lambda s: rig.errors("lua:second", s).get("time", 0) >= 2)
        rig.wait_for("a good snapshot", lambda s: s.samples("test_runs"))
    lab.check_exact(rig.daemon.scrape(), *rig.reports)
    return on_time(clock, 0.2, 0.1)


# --- reloads ----------------------------------------------------------------------------------

GOOD = rule(gauge("test_good"), labels=["good"], label='return { good = "yes" }',
            derive='emit("test_good", snapshot.count)')


def line_of(text, word):
    return text[:text.index(word)].count("\n") + 1


def refusals():
    """(stages, text of the second rule, file:line that has to be named, a word of the reason)."""
    good, bad = lua("good"), lua("bad")
    trial = rule(derive="local nothing\nnothing()")
    syntax = "return {\n\n\tlabels = = 1,\n}\n"
    label = rule(labels=["good"], label="return nil")
    flow_label = rule(labels=["dport"], label="return nil")
    metric_twice = rule(gauge("test_good"))
    builtin = rule(gauge("xdp_netflow_active_flows"))
    counter = rule(metric("test_things", "counter"))
    init = rule(init='error("options: nothing fits")')
    return (
        ("trial", [good, bad], trial, f"bad.lua:{line_of(trial, 'nothing()')}", "trial"),
        ("syntax", [good, bad], syntax, "bad.lua:3", "="),
        ("label_twice", [good, bad], label, "", "good"),
        ("label_of_flows", [good, bad], flow_label, "bad.lua:", "dport"),
        ("metric_twice", [good, bad], metric_twice, "", "test_good"),
        ("metric_of_ours", [good, bad], builtin, "", "xdp_netflow_active_flows"),
        ("counter_name", [good, bad], counter, "", "_total"),
        ("init", [good, bad], init, f"bad.lua:{line_of(init, 'error')}", "nothing fits"),
        ("file", [good, lua("nowhere")], "", "nowhere.lua", "No such file"),
        ("lua_option", [good, lua("bad", "stepps: 5")], GOOD, "", "stepps"),
        ("zones_option", [good, "zones: {netwroks: {a: 10.0.0.0/8}}"], GOOD, "", "netwroks"),
        ("network", [good, "zones: {networks: {a: 10.0.0.0/33}}"], GOOD, "", "10.0.0.0/33"),
        ("zones_file", [good, "zones: {file: bad.lua}"], "# all\n10.0.0.0/33 a\n", "bad.lua:2",
         "10.0.0.0/33"),
        ("stage", [good, "zonez: {}"], GOOD, "", "zonez"),
        ("path", [good, "../zones: {}"], GOOD, "", "../zones"),
        ("slash", [good, "sub/zones: {}"], GOOD, "", "sub/zones"),
    )


def stage_line(config, stage):
    lines = config.read_text().splitlines()
    return next(i + 1 for i, line in enumerate(lines) if line.strip() == f"- {stage}")


def refused(rig):
    """All of these leave the policy before at work, and say where the fault is."""
    rig.take([ZONES, lua("good")], {"good": GOOD})
    with (rig.world.sender(rig.wire, **{**policylab.PATTERN, "packets": 10**9, "rate": 20000})
          as sender, lab.Watch(rig.daemon)):
        for case in refusals():
            refused_one(rig, *case)
        sender.signal(signal.SIGTERM)
        rig.reports.append(rig.world.report(sender))
        page = rig.wait_sent()
    lab.check_exact(page, *rig.reports)
    return f"{len(refusals())} bad policies"


def refused_one(rig, name, stages, text, place, word):
    before, log = rig.daemon.scrape(), len(rig.daemon.lines)
    phase = "config" if name in ("path", "slash") else "policy"
    rig.write([ZONES, *stages] if "zones" not in stages[1] else stages, {"bad": text})
    place = place or f"config.yaml:{stage_line(rig.config, stages[1])}"
    assert not rig.daemon.reload(), f"{name}: a bad policy was taken"
    line = rig.daemon.wait_line(re.escape(place) + r"(?!\d)", log)
    assert word in line, f"{name}: the line does not name {word}: {line}"
    page = rig.daemon.scrape()
    failures = "xdp_auditor_config_reload_failures_total"
    lab.equal(f"{name}: failures in phase {phase}", page.value(failures, phase=phase),
              before.value(failures, phase=phase) + 1)
    lab.equal(f"{name}: labels", set(policylab.labels_of(page, "src_zone", "good").values()),
              {("clients", "yes")})
    lab.equal(f"{name}: gauge", page.value("test_good"), len(page.flows()))


ENDLESS = "steps: 100000000000"
HANGS = (
    ("opened", rule(init="while true do end"), "while the stage was opened"),
    ("run", rule(derive="while true do end"), "while the stage ran"),
)


def hanging(rig):
    """Whoever hangs while a reload opens or tries him is waited for beside the snapshots, not
    instead of them; what is asked for meanwhile is one reload more."""
    rig.take([ZONES, lua("good")], {"good": GOOD}, keys={"deadline": "100ms"})
    told = []
    for name, text, reason in HANGS:
        log, before = len(rig.daemon.lines), rig.daemon.reload_figures()
        rig.write([ZONES, lua("good"), lua(name, ENDLESS)], {name: text}, {"deadline": "100ms"})
        with Clock(rig.daemon) as clock:
            rig.daemon.signal(signal.SIGHUP)
            for _ in range(20):
                time.sleep(0.05)
                rig.daemon.signal(signal.SIGHUP)
            lab.equal("reloads meanwhile", rig.daemon.reload_figures(), before)
            lab.wait_for("both to be refused", lambda before=before: rig.daemon.reload_figures() == (
                before[0] + 2, before[1] + 2))
        lab.equal(f"{name}: lines", len(rig.lines(f"lua:{name}: .*longer than 2000ms {reason}", log)),
                  2)
        page = rig.daemon.scrape()
        lab.equal("labels", set(policylab.labels_of(page, "src_zone", "good").values()),
                  {("clients", "yes")})
        told.append(on_time(clock, 0.2, 0.1))
    rig.take([ZONES, lua("good")], keys={"deadline": "100ms"})
    lab.check_exact(rig.daemon.scrape(), *rig.reports)
    return "; ".join(told)


def asked_meanwhile(world):
    """Who asks during a reload gets his own right after it, and not with the next poll."""
    rig = policylab.Rig(world, poll_interval="1h")
    before = rig.daemon.reload_figures()
    rig.write([lua("opened", ENDLESS)], dict([HANGS[0][:2]]), poll_interval="1h")
    rig.daemon.signal(signal.SIGHUP)
    time.sleep(0.5)
    rig.daemon.signal(signal.SIGHUP)
    lab.wait_for("both to be refused", lambda: rig.daemon.reload_figures() == (
        before[0] + 2, before[1] + 2))


def switched_off(rig):
    """A policy that saw nothing for a while is told so: what flows have gained since stands over
    the time since, in a stage that is switched on again."""
    text = rule(gauge("test_interval"), gauge("test_gained"), derive="""
        local gained = 0
        for flow in snapshot:flows() do gained = gained + flow.packets_delta end
        emit("test_interval", snapshot.interval)
        emit("test_gained", gained)""")
    rig.take([lua("interval")], {"interval": text})
    page = rig.wait_for("usual intervals", lambda s: 0 < s.value("test_interval") < 1)
    rig.take()
    begin, gained = time.monotonic(), len(rig.reports)
    rig.send(packets=1000)
    rig.wait_for("three more seconds", lambda _: time.monotonic() > begin + 3)
    page = rig.take([lua("interval")])
    assert page.value("test_interval") >= 3, f"{page.value('test_interval')} s"
    lab.equal("packets gained", page.value("test_gained"),
              sum(report["packets"] for report in rig.reports[gained:]))


def listed(rig):
    """A list of networks that goes bad: a reload is refused, a new worker leaves the zones out and
    takes them back when the list is mended; there is one title for them all the while."""
    path = rig.world.dir / "zones.txt"
    good = "198.18.0.0/16 {0}\n2001:db8::/48 {0}\n"
    path.write_text(good.format("one"))
    path.chmod(0o644)
    def sources(scrape):
        return set(policylab.labels_of(scrape, "src_zone").values())
    lab.equal("zones", sources(rig.take(["zones: {file: zones.txt}"])), {("one",)})
    worker = policylab.worker(rig.daemon)
    path.write_text(good.format("two") + "10.1.2.3/16 three\n")
    log = len(rig.daemon.lines)
    assert not rig.daemon.reload(), "a bad list was taken"
    rig.daemon.wait_line(r"zones\.txt:3:1: .*10\.1\.2\.3/16 has host bits", log)
    lab.equal("zones after the reload", sources(rig.wait_snapshots(2)), {("one",)})
    lab.equal("the worker", policylab.worker(rig.daemon), worker)
    os.kill(worker, signal.SIGKILL)
    page = disabled(rig, "zones", "error")
    lab.equal("zones without a stage", sources(page), {("",)})
    path.write_text(good.format("three"))
    rig.wait_for("the mended list", lambda scrape: sources(scrape) == {("three",)})
    lab.equal("lines", len(rig.lines("stage zones is tried again: its file has changed", log)), 1)
    lab.check_exact(rig.daemon.scrape(), *rig.reports)


def rearranged(rig):
    """Stages come, go and change places: each sees what those before it say and leave."""
    hide = rule(filter="return flow.dport ~= 443")
    count = rule(gauge("test_left"), derive="""
        local n = 0
        for flow in snapshot:flows() do n = n + 1 end
        emit("test_left", n)""")
    flows = rig.flows()
    left = sum(flow[4] != "443" for flow in flows)
    rules = {"hide": hide, "count": count}
    names = [lua("hide"), lua("count")]
    lab.equal("without", rig.take().samples("test_left"), [])
    lab.equal("behind", rig.take(names, rules).value("test_left"), left)
    lab.equal("in front", rig.take(names[::-1]).value("test_left"), len(flows))
    page = rig.take([names[1]])
    lab.equal("alone", page.value("test_left"), len(flows))
    lab.equal("hidden", page.value("xdp_netflow_hidden_flows"), 0)
    page = rig.take([ZONES, *names])
    lab.equal("with zones", page.value("test_left"), left)
    lab.equal("zones", set(policylab.labels_of(page, "src_zone").values()), {("clients",)})
    page = rig.take()
    lab.equal("labels without", set(policylab.labels_of(page, "src_zone").values()), {("",)})
    with contextlib.suppress(FileNotFoundError):
        assert not policylab.children(rig.daemon.pid), "a worker without stages"
    lab.check_exact(page, *rig.reports)


# --- check ------------------------------------------------------------------------------------

def check(world):
    """The same faults without a daemon: exit code 78, file and line, nothing on stdout."""
    policylab.write_rules(world, {"good": GOOD})
    for name, stages, text, place, word in refusals():
        policylab.write_rules(world, {"bad": text})
        config = world.config("lo", extra=policylab.policy(stages))
        process = world.process(world.auditor, "check", "-c", config)
        lab.equal(f"{name}: exit status", process.wait(), BAD_CONFIG)
        place = place or f"config.yaml:{stage_line(config, stages[1])}"
        assert re.search(re.escape(place) + r"(?!\d)", process.stderr()), f"{name}: {process.stderr()}"
        assert word in process.stderr(), f"{name}: {process.stderr()}"
        lab.equal(f"{name}: stdout", process.output, [])
    config = world.config("lo", extra=policylab.policy([ZONES, lua("good")]))
    process = world.process(world.auditor, "check", "-c", config)
    lab.equal(f"exit status of a good one, which says {process.stderr()}", process.wait(), 0)


def not_started(world):
    """The daemon does not start with what `check` refuses, and leaves nothing attached."""
    wire = world.wire()
    policylab.write_rules(world, {"bad": rule(derive='error("not today")')})
    config = world.config(wire.monitor_if, extra=policylab.policy([lua("bad")]))
    daemon = world.start(wire.monitor, config)
    lab.equal("exit status", daemon.wait(), BAD_CONFIG)
    assert re.search(r"bad\.lua:\d+.*not today", daemon.stderr()), daemon.stderr()
    lab.wait_for("the hook to be free", lambda: wire.monitor.xdp(wire.monitor_if) is None)


if __name__ == "__main__":
    lab.main(lab.Group(empty, late, edited, edited_badly, steps, raised, each_second, refused,
                       hanging, switched_off, listed, rearranged), asked_meanwhile, check, not_started)
