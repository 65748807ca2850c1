# SPDX-License-Identifier: GPL-2.0-or-later
"""What the end-to-end tests of the policy share: rules and stages written beside the config, a
daemon on one wire that takes them by reload, and its worker as the kernel shows it."""

import os
import pathlib
import re
import subprocess

import lab

# Four kinds of flows: UDP and TCP over IPv4 and IPv6, to nine ports.
PATTERN = {"packets": 20000, "flows": 300, "family": "mixed", "proto": "mixed", "sizes": "82-400"}

# The networks that xa_send sends from and to.
ZONES = ("zones: {networks: {clients: [198.18.0.0/16, \"2001:db8::/48\"], "
         "servers: [198.19.0.0/16, \"2001:db8:1::/48\"]}}")


# The trial run before a reload shows a flow of each kind, of the interface "trial", and then those
# of the last snapshot. What is wrong only where the daemon has taken it begins like this.
LIVE = """
local function is_live(snapshot)
    for flow in snapshot:flows() do
        return flow.interface ~= "trial"
    end
end
"""


def gauge(name, labels=()):
    return metric(name, "gauge", labels)


def metric(name, kind, labels=(), more=""):
    names = ", ".join(f'"{label}"' for label in labels)
    return (f'{name} = {{ type = "{kind}", help = "For a test.", '
            f"labels = {{ {names} }}{more} }}")


def rule(*metrics, labels=(), keep=False, before="", **functions):
    """The text of a rule: `functions` are bodies of what the API calls."""
    takes = {"init": "options", "label": "flow", "filter": "flow", "derive": "snapshot, emit"}
    names = ", ".join(f'"{label}"' for label in labels)
    parts = [f"{name} = function({takes[name]})\n{body}\nend" for name, body in functions.items()]
    parts += [f"labels = {{ {names} }}", "metrics = { " + ", ".join(metrics) + " }",
              f"keep_state = {'true' if keep else 'false'}"]
    return before + "\nreturn {\n" + ",\n".join(parts) + "\n}\n"


def lua(name, more=""):
    """The stage of the rule that is written as `name`.lua."""
    return f"lua: {{file: {name}.lua{', ' + more if more else ''}}}"


def policy(stages, **keys):
    """The text of the config's policy. A list of no stages is none."""
    keys = {"deadline": "2s", **keys}
    lines = [f"  {key}: {value}" for key, value in keys.items()]
    lines += [f"    - {stage}" for stage in stages]
    lines.insert(len(keys), "  stages:" if stages else "  stages: []")
    return "policy:\n" + "\n".join(lines) + "\n"


def write_rules(world, rules):
    for name, text in rules.items():
        path = world.dir / f"{name}.lua"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o644)


def children(pid):
    return [int(child) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()]


def worker(daemon):
    """The process id of the daemon's worker."""
    found = children(daemon.pid)
    lab.equal("number of children", len(found), 1)
    assert b"policy-worker" in pathlib.Path(f"/proc/{found[0]}/cmdline").read_bytes()
    return found[0]


def lint(text):
    promtool = lab.need_tool("promtool")
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 0 and not done.stdout.strip() and not done.stderr.strip(), (
        f"promtool: exit {done.returncode}: {done.stdout}{done.stderr}")


class Rig:
    """One wire and one daemon, which takes rules by reload, and known flows on it."""

    def __init__(self, world, stages=(), rules=(), arguments=(), keys=(), **config):
        self.world = world
        self.wire = world.wire()
        self.report = None
        self.reports = []
        self.config = None
        self.write(stages, dict(rules), dict(keys), **config)
        self.daemon = world.daemon(self.wire.monitor, self.config, *arguments)

    def write(self, stages, rules, keys=(), **config):
        write_rules(self.world, rules)
        self.config = self.world.config(self.wire.monitor_if,
                                        extra=policy(stages, **dict(keys)), **config)

    def take(self, stages=(), rules=(), keys=(), **config):
        """Reloads with these stages, which have to be taken; a page of them."""
        self.write(stages, dict(rules), keys, **config)
        assert self.daemon.reload(), f"a good policy was refused:\n{self.daemon.stderr()}"
        return self.daemon.scrape()

    def send(self, **pattern):
        self.reports.append(self.world.send(self.wire, **{**PATTERN, **pattern}))
        return self.wait_sent()

    def wait_sent(self):
        return self.daemon.wait_seen(sum(report["packets"] for report in self.reports))

    def flows(self):
        """{5-tuple: (packets, bytes)} of all that was sent."""
        return lab.expected_flows(*self.reports)

    def snapshots(self):
        """How many were taken."""
        return self.daemon.scrape().value("xdp_auditor_poll_duration_seconds_count")

    def wait_snapshots(self, count):
        end = self.snapshots() + count
        lab.wait_for(f"{count} snapshots", lambda: self.snapshots() >= end)
        return self.daemon.scrape()

    def wait_for(self, what, predicate, **figures):
        """A page for which the predicate is true."""
        def page():
            scrape = self.daemon.scrape()
            return scrape if predicate(scrape) else None
        return lab.wait_for(what, page, pause=0.03, **figures)

    def wait_value(self, name, value, **match):
        return self.wait_for(f"{name} to be {value}",
                             lambda scrape: scrape.value(name, **match) == value)

    def errors(self, stage, scrape=None):
        """{cause: count} of those that are not 0."""
        scrape = scrape or self.daemon.scrape()
        return {labels["cause"]: value for labels, value in scrape.samples(
            "xdp_auditor_rule_errors_total", stage=stage) if value}

    def lines(self, pattern, after=0):
        return [line for line in self.daemon.lines[after:] if re.search(pattern, line)]


def labels_of(scrape, *names):
    """{5-tuple: labels} of the flows that are shown, with those names alone; "": not there."""
    return {tuple(labels[key] for key in lab.FLOW_LABELS):
            tuple(labels.get(name, "") for name in names)
            for labels, _ in scrape.rows("packets")}


def zone_of(address, clients, servers):
    """As ZONES names them."""
    return clients if re.match(r"198\.18\.|2001:db8::", address) else servers


def copy_for_all(world):
    """The program where everybody may run it: where it was built may be closed to others."""
    binary = world.dir / "xdp-auditor"
    if not binary.exists():
        binary.write_bytes(pathlib.Path(world.auditor).read_bytes())
        binary.chmod(0o755)
    return binary


def meminfo(field):
    """A row of /proc/meminfo, in KiB."""
    text = pathlib.Path("/proc/meminfo").read_text()
    return re.search(rf"^{field}:\s+(\d+)", text, re.M)[1]


def source_root():
    return pathlib.Path(os.path.realpath(__file__)).parents[2]
