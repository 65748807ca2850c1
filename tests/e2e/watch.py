# SPDX-License-Identifier: GPL-2.0-or-later
"""A daemon that loads its configuration by itself: each way of changing a file is one reload, what
does not matter is none, and what is half-written changes nothing until it is whole."""

import os
import pathlib
import subprocess
import time

import lab
import policylab

SILENCE = 1.5  # seconds in which nothing may happen: seven times what settles


class Rig(policylab.Rig):
    """One daemon whose rule labels each flow with the text of `say`."""

    def __init__(self, world):
        self.watch = "true"
        super().__init__(world, [policylab.lua("say")], {"say": self.say("first")})
        self.top_k = 2000
        self.send(packets=2000)

    @staticmethod
    def say(text):
        return policylab.rule(labels=["said"], label=f'return {{said = "{text}"}}')

    def write(self, stages, rules, keys=(), **config):
        super().write(stages, rules, keys, **config)
        with self.config.open("a") as file:
            file.write(f"watch: {self.watch}\n")

    def text(self, top_k):
        """The config with another value, which is unlike all before."""
        text = self.config.read_text().replace(f"top_k: {self.top_k}\n", f"top_k: {top_k}\n")
        self.top_k = top_k
        return text

    def wait_reload(self, before, good=1, bad=0):
        """So many more of each, and then no more."""
        want = (before[0] + good + bad, before[1] + bad)
        lab.wait_for(f"reloads {want}", lambda: self.daemon.reload_figures() >= want)
        self.wait_silence(want)

    def wait_silence(self, figures=None):
        figures = figures or self.daemon.reload_figures()
        time.sleep(SILENCE)
        lab.equal("reloads and failures", self.daemon.reload_figures(), figures)

    def wait_top_k(self):
        lab.equal("flows shown", len(self.daemon.scrape().flows()), self.top_k)


def replace(path, text):
    new = path.with_name(".new")
    new.write_text(text)
    new.rename(path)


def start(world):
    return Rig(world)


def in_place(rig):
    before = rig.daemon.reload_figures()
    rig.config.write_text(rig.text(10))
    rig.wait_reload(before)
    rig.wait_top_k()


def by_rename(rig):
    before = rig.daemon.reload_figures()
    replace(rig.config, rig.text(20))
    rig.wait_reload(before)
    rig.wait_top_k()


def burst(rig):
    """Ten in a second are one, which is of the last."""
    before = rig.daemon.reload_figures()
    for top_k in range(21, 31):
        replace(rig.config, rig.text(top_k))
        time.sleep(0.05)
    rig.wait_reload(before)
    rig.wait_top_k()


def rule(rig):
    """The file that a stage names: other labels, and nothing else."""
    before = rig.daemon.reload_figures()
    said = policylab.labels_of(rig.daemon.scrape(), "said")
    lab.equal("labels", set(said.values()), {("first",)})
    replace(rig.world.dir / "say.lua", rig.say("second"))
    rig.wait_reload(before)
    said = policylab.labels_of(rig.wait_snapshots(1), "said")
    lab.equal("labels", set(said.values()), {("second",)})


def half_written(rig):
    """A file whose writer pauses in a word: refused when something else rings, then taken whole."""
    before, text = rig.daemon.reload_figures(), rig.text(40)
    at = text.index("top_k") + 3
    with rig.config.open("w") as file:
        file.write(text[:at])
        file.flush()
        rig.config.chmod(0o640)
        rig.wait_reload(before, good=0, bad=1)
        lab.equal("flows shown", len(rig.daemon.scrape().flows()), 30)
        before = rig.daemon.reload_figures()
        file.write(text[at:])
    rig.wait_reload(before)
    rig.wait_top_k()


def noise(rig):
    """What editors leave beside the file while they work, and readers."""
    folder = rig.config.parent
    figures = rig.daemon.reload_figures()
    for name in (".config.yaml.swp", "config.yaml~", "4913", ".#config.yaml", "other.yaml"):
        (folder / name).write_text("top_k: nonsense\n")
    rig.config.read_text()
    os.utime(rig.config, ns=(0, rig.config.stat().st_mtime_ns))
    subprocess.run(["touch", "-a", rig.config], check=True)
    for name in (".config.yaml.swp", "config.yaml~", "4913", ".#config.yaml", "other.yaml"):
        (folder / name).unlink()
    rig.wait_silence(figures)


def by_signal(rig):
    """HUP right behind the change: one reload, not one for each."""
    before = rig.daemon.reload_figures()
    rig.config.write_text(rig.text(50))
    assert rig.daemon.reload()
    rig.wait_reload(before)
    rig.wait_top_k()


def switched_off(rig):
    """By the reload that it brings about; HUP switches it on again."""
    before = rig.daemon.reload_figures()
    rig.config.write_text(rig.text(60).replace("watch: true", "watch: false"))
    rig.wait_reload(before)
    rig.wait_top_k()
    rig.config.write_text(rig.text(70))
    rig.wait_silence()
    rig.config.write_text(rig.text(70).replace("watch: false", "watch: true"))
    assert rig.daemon.reload()
    before = rig.daemon.reload_figures()
    rig.config.write_text(rig.text(80))
    rig.wait_reload(before)
    rig.wait_top_k()


def kubernetes(world):
    """A volume whose `..data` alone is renamed, the old version deleted behind it."""
    wire, volume = world.wire(), world.dir / "volume"
    text = world.config(wire.monitor_if, extra="watch: true\n").read_text()

    def version(number):
        folder = volume / f"..{number}"
        folder.mkdir(parents=True)
        (folder / "config.yaml").write_text(text.replace("top_k: 2000", f"top_k: {number}"))
        (volume / "..tmp").symlink_to(folder.name)
        (volume / "..tmp").rename(volume / "..data")
        return folder
    old = version(10)
    (volume / "config.yaml").symlink_to(pathlib.Path("..data", "config.yaml"))
    daemon = world.daemon(wire.monitor, volume / "config.yaml")
    world.send(wire, packets=2000, flows=300)
    for number in (20, 30):
        new = version(number)
        for path in (old / "config.yaml", old):
            path.rmdir() if path.is_dir() else path.unlink()
        old = new
        lab.wait_for("the new version", lambda number=number: lab.equal(
            "flows shown", len(daemon.scrape().flows()), number) is None)
    time.sleep(SILENCE)
    lab.equal("reloads and failures", daemon.reload_figures(), (2, 0))


INSTANCES = pathlib.Path("/proc/sys/fs/inotify/max_user_instances")


def no_instance(world):
    """None left to its user: said, with the limit, and the daemon goes on without."""
    wire = world.wire()
    config = world.config(wire.monitor_if, extra="watch: true\n")
    before = INSTANCES.read_text()
    world.stack.callback(INSTANCES.write_text, before)
    INSTANCES.write_text("0")
    daemon = world.daemon(wire.monitor, config)
    INSTANCES.write_text(before)
    daemon.wait_line("not watched: .*fs.inotify.max_user_instances")
    config.write_text(config.read_text().replace("top_k: 2000", "top_k: 5"))
    time.sleep(SILENCE)
    lab.equal("reloads and failures", daemon.reload_figures(), (0, 0))
    assert daemon.reload()
    config.write_text(config.read_text().replace("top_k: 5", "top_k: 6"))
    lab.wait_for("a reload", lambda: daemon.reload_figures() == (2, 0))


if __name__ == "__main__":
    lab.main(lab.Group(start, in_place, by_rename, burst, rule, half_written, noise, by_signal,
                       switched_off), kubernetes, no_instance)
