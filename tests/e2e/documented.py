# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/metrics.md against a daemon in which everything has happened once: what is documented is
emitted, what is emitted is documented, and of the type that it is said to be."""

import re

import lab
import policylab
import programs
from policylab import ZONES, gauge, lua, rule

OWN = "test_documented"  # the rule's
TYPES = ("gauge", "counter", "histogram")
# The type of all that stands in a section whose table does not say it.
SECTIONS = {"## Histograms": "histogram", "## Counters of traffic": "counter"}
IN_WORDS = {"xdp_auditor_unaccounted_packets": "gauge", "xdp_auditor_unaccounted_bytes": "gauge"}


def documented():
    """{family: type} of the manual's tables, and of what it tells in words."""
    text = (policylab.source_root() / "docs/metrics.md").read_text(encoding="utf-8")
    found = {name: kind for name, kind in IN_WORDS.items() if f"`{name}`" in text}
    section = ""
    for line in text.splitlines():
        if line.startswith("## "):
            section = line
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        kind = cells[1] if cells[1:] and cells[1] in TYPES else SECTIONS.get(section)
        if kind and cells:
            found.update({name: kind for name in re.findall(r"`(\w+)`", cells[0])})
    return found


def everything(world):
    text = rule(gauge(OWN), derive=f'emit("{OWN}", snapshot.count)')
    with programs.stats_restored():
        programs.STATS.write_text("1")
        rig = policylab.Rig(world, [ZONES, lua("own")], {"own": text})
        rig.send()
        rig.config.write_text("nonsense: 1\n")
        assert not rig.daemon.reload(), "a bad file was taken"
        page = rig.take([ZONES, lua("own")])
    emitted = {name: kind for name, kind in page.types.items() if name != OWN}
    manual = documented()
    lab.equal("emitted and not documented", sorted(emitted.keys() - manual.keys()), [])
    lab.equal("documented and not emitted", sorted(manual.keys() - emitted.keys()), [])
    lab.equal("of another type", {name: kind for name, kind in manual.items()
                                  if kind != emitted[name]}, {})
    return f"{len(emitted)} families"


if __name__ == "__main__":
    lab.main(everything)
