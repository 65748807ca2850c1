# SPDX-License-Identifier: GPL-2.0-or-later
"""The worker is killed at random times, a thousand times, and stopped, under traffic: the daemon
lives, counts every packet, and has nothing more than before.

A daemon starts one worker a poll, and polls come five times a second. So several daemons, each with
its own link and traffic, share the thousand. The rule of one stage takes a part of the interval, so
that workers die while they are opened, while they judge, and while they wait."""

import contextlib
import os
import random
import signal
import threading
import time

import siege
from siege import lab

KILLS = 1000
DAEMONS = 5
STOPS = 10
ENDLESS = {"packets": 10**9, "flows": 100, "rate": 2000, "family": "mixed", "proto": "mixed"}
# Five daemons, and what drives them, on whatever processors there are.
GAP_MAX = 3.0

BUSY = """return {
  filter = function(flow)
    if flow.interface ~= "trial" then
      for _ = 1, 20000 do end
    end
    return true
  end,
}
"""


class Target(siege.Rig):
    """A daemon, its endless traffic, and who kills its workers."""

    def __init__(self, world, number):
        super().__init__(world, name=f"config{number}.yaml")
        self.random = random.Random(number)
        self.killed = set()
        self.failure = None
        self.rule = world.dir / f"busy{number}.lua"
        self.rule.write_text(BUSY)
        self.reload(f"lua: {{file: {self.rule}}}")
        self.thread = threading.Thread(target=self._run, daemon=True)

    def worker(self):
        """One that was not killed yet."""
        def found():
            return next((pid for pid in siege.workers(self.daemon) if pid not in self.killed), None)
        return lab.wait_for("a worker", found, pause=0.004)

    def kill_one(self):
        pid = self.worker()
        descriptor = os.pidfd_open(pid)
        try:
            time.sleep(self.random.uniform(0, 2 * siege.INTERVAL))
            # Left out after three failures: a changed file is another chance.
            self.rule.touch()
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            self.killed.add(pid)
        finally:
            os.close(descriptor)

    def _run(self):
        try:
            while len(self.killed) < KILLS // DAEMONS:
                with contextlib.suppress(ProcessLookupError):  # late, and killed by the daemon
                    self.kill_one()
        except Exception as error:  # any: it is raised again where the case waits
            self.failure = error

    def restarts(self):
        return self.daemon.scrape().value("xdp_auditor_policy_worker_restarts_total")

    def errors_of_all(self):
        return self.daemon.scrape().sum("xdp_auditor_rule_errors_total")

    @contextlib.contextmanager
    def endless(self):
        """Traffic, scraped now and then; at the end every packet has to be on the page."""
        sender = self.world.sender(self.wire, **ENDLESS)
        with siege.Observer(self.daemon, pause=0.15) as watch:
            yield watch
            sender.signal(signal.SIGTERM)
            self.sent(self.world.report(sender))
            self.settled()

    def check_end(self, watch):
        gap = watch.gap(0)
        assert gap < GAP_MAX, f"{gap:.2f} s from one page to the next"
        self.reload()
        lab.wait_for("the stages to work", lambda: self.check_healthy(self.daemon.scrape()))
        self.check_unharmed()
        return gap


def start(world):
    return [Target(world, number) for number in range(DAEMONS)]


def kills(targets):
    began = time.monotonic()
    before = [(target.restarts(), target.errors_of_all()) for target in targets]
    with contextlib.ExitStack() as stack:
        watches = [stack.enter_context(target.endless()) for target in targets]
        for target in targets:
            target.thread.start()
        for target, watch in zip(targets, watches):
            target.thread.join()
            watch.check()
            assert not target.failure, f"{target.failure!r}"
        took = time.monotonic() - began
    restarts = sum(target.restarts() - old for target, (old, _) in zip(targets, before))
    errors = sum(target.errors_of_all() - old for target, (_, old) in zip(targets, before))
    total = sum(len(target.killed) for target in targets)
    assert total >= KILLS, f"only {total} were killed"
    # A worker that was killed between its turns is no stage's fault.
    assert errors < total / 2, f"{errors} failures are held against stages"
    assert restarts >= total, f"{total} were killed, {restarts} started anew"
    gap = max(target.check_end(watch) for target, watch in zip(targets, watches))
    more = max(siege.memory(target.daemon) - target.memory for target in targets) >> 10
    packets = sum(target.packets for target in targets)
    return (f"{total} in {took:.0f} s by {DAEMONS} daemons, {errors:.0f} failures held against stages; "
            f"{restarts} started anew; {packets} packets, each counted; {gap * 1000:.0f} ms between two pages "
            f"at most; {more} KiB of memory more at most")


def stopped(targets):
    """A worker that is stopped is late: killed, replaced, and the page is on time."""
    target = targets[0]
    before = target.daemon.scrape().sum("xdp_auditor_rule_errors_total", cause="time")
    with target.endless() as watch:
        for _ in range(STOPS):
            pid = target.worker()
            os.kill(pid, signal.SIGSTOP)
            lab.wait_for("it to be gone", lambda pid=pid: pid not in siege.children(
                target.daemon.pid))
            lab.wait_for("the stages to work", lambda: target.check_healthy(
                target.daemon.scrape()))
        judged = watch.longest("rule", 0)
    late = target.daemon.scrape().sum("xdp_auditor_rule_errors_total", cause="time") - before
    assert late >= STOPS, f"{STOPS} were stopped, {late} times late"
    gap = target.check_end(watch)
    return (f"{STOPS} times; {judged * 1000:.0f} ms for the longest, "
            f"{gap * 1000:.0f} ms between two pages at most")


def stop(targets):
    for target in targets:
        target.stop()


if __name__ == "__main__":
    lab.main(lab.Group(start, kills, stopped, stop))
