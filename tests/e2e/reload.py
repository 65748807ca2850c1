# SPDX-License-Identifier: GPL-2.0-or-later
"""Reloads under traffic: every key changes without a restart, counters go on rising, the residual
stays 0, a bad file changes nothing, and where the hook is not touched no packet goes uncounted."""

import concurrent.futures
import contextlib
import hashlib
import re
import signal
import time

import lab

PATTERN = {"packets": 10**9, "flows": 300, "family": "mixed", "proto": "mixed"}
RELOADS = 50
POSTS = "http: {reload: true}\n"


class Rig:
    """One daemon for all cases: mon0 is what it watches, mon1 what it may be told to watch."""

    def __init__(self, world):
        self.world = world
        sender, self.monitor = world.netns("tx"), world.netns("mon")
        self.wires = [world.wire(f"tx{i}", f"mon{i}", sender, self.monitor) for i in range(2)]
        self.config = world.config("mon0")
        self.daemon = world.daemon(self.monitor, self.config)

    def take(self, interface="mon0", **keys):
        """Writes the config anew, reloads, and expects it to be taken."""
        self.world.config(interface, **keys)
        self.take_file()

    def take_file(self):
        assert self.daemon.reload(), f"a good config was refused:\n{self.daemon.stderr()}"
        self.check_outcome(1)

    def post(self, **options):
        return self.daemon.get("/-/reload", method="POST", **options)

    def check_shown(self):
        """What /config shows is what the program makes of the file."""
        lab.equal("/config", self.daemon.get("/config").text, lab.run(
            self.world.auditor, "config", "--effective", "-c", str(self.config)))

    def check_outcome(self, good):
        lab.equal("last_reload_successful", self.daemon.scrape().value(
            "xdp_auditor_config_last_reload_successful"), good)

    def wait_growth(self, packets=1000, interface="mon0"):
        """The interface is being counted: `seen` rises."""
        def seen():
            return self.daemon.scrape().seen(interface=interface)[0]
        start = seen()
        lab.wait_for(f"{interface} to be counted", lambda: seen() >= start + packets)

    def wait_attached(self, interface, mode):
        def attached():
            xdp = self.monitor.xdp(interface)
            assert xdp, f"nothing attached to {interface}"
            lab.equal("mode", lab.XDP_MODES.get(xdp["mode"]), mode)
            lab.equal("xdp_auditor_attached", self.daemon.scrape().value(
                "xdp_auditor_attached", interface=interface, mode=mode), 1)
            return True
        lab.wait_for(f"{interface} in mode {mode}", attached)

    @contextlib.contextmanager
    def traffic(self, wire=0, rate=20000):
        """Traffic on one wire, scraped all the time."""
        sender = self.world.sender(self.wires[wire], rate=rate, **PATTERN)
        with lab.Watch(self.daemon) as watch:
            self.wait_growth(interface=self.wires[wire].monitor_if)
            yield watch
            sender.end()

    @contextlib.contextmanager
    def exact_traffic(self, rate=20000):
        """Traffic on mon0 that has to be counted to the packet, whatever happens meanwhile."""
        self.take()
        before = self.daemon.scrape()
        with (self.world.sender(self.wires[0], rate=rate, **PATTERN) as sender,
              lab.Watch(self.daemon) as watch):
            self.wait_growth()
            yield watch
            sender.signal(signal.SIGTERM)
            report = self.world.report(sender)
            figures = (report["packets"], report["bytes"])
            want = tuple(a + b for a, b in zip(before.seen(interface="mon0"), figures))
            with contextlib.suppress(AssertionError):  # said with both figures below
                self.daemon.wait_seen(want[0], deadline=3, interface="mon0")
        self.take()
        after = self.daemon.scrape()
        lab.equal("seen on mon0", after.seen(interface="mon0"), want)
        self.check_flows(before.flows(), after.flows(), report)

    @staticmethod
    def check_flows(before, after, report):
        for key, sent in lab.expected_flows(report).items():
            was = before.get(key, (0, 0))
            lab.equal(f"flow {key}", after.get(key), tuple(a + b for a, b in zip(was, sent)))


def start(world):
    return Rig(world)


def top_k(rig):
    with rig.exact_traffic():
        lab.wait_for("all flows", lambda: len(rig.daemon.scrape().flows()) == PATTERN["flows"])
        rig.take(top_k=10)
        lab.equal("flows shown", len(rig.daemon.scrape().flows()), 10)
        rig.take(top_k=50)
        lab.equal("flows shown", len(rig.daemon.scrape().flows()), 50)


def poll_interval(rig):
    with rig.exact_traffic():
        check_interval(rig, 0.2, 5)
        rig.take(poll_interval="1s")
        check_interval(rig, 1, 2)
        rig.take(poll_interval="200ms")
        check_interval(rig, 0.2, 5)


def check_interval(rig, seconds, rise):
    """Polls come as often as told: measured by how fast their histogram's count rises."""
    def polls():
        return rig.daemon.scrape().value("xdp_auditor_poll_duration_seconds_count")
    first = polls()
    lab.wait_for("a poll", lambda: polls() > first, pause=0.02)
    begin, first = time.monotonic(), polls()
    lab.wait_for(f"{rise} polls", lambda: polls() >= first + rise, pause=0.02)
    took = (time.monotonic() - begin) / rise
    assert seconds / 2.5 <= took <= seconds * 2.5, f"a poll each {took:.2f} s, want {seconds} s"


def bad_file(rig):
    """Refused whole: the log names file:line:column, the metric says 0, the old config runs on."""
    with rig.exact_traffic():
        rig.take(top_k=5)
        good = rig.config.read_text()
        for text, place, word in (
                (good.replace("top_k: 5", "top_kk: 7"), "4:1", "top_k"),
                (good.replace("top_k: 5", "top_k: zero"), "4:8", "top_k"),
                (good.replace("200ms", "1ms"), "3:16", "poll_interval"),
                (good.replace("drv", "dvr"), "2:7", "drv"),
                (good + "flows: {max: 2048}\n", "8:1", "flows"),
                (good + "top_k: [\n", r"\d+:\d+", "")):
            check_refused(rig, text, place, word)
        rig.config.write_text(good)
        rig.take_file()


def check_refused(rig, text, place, word):
    log = len(rig.daemon.lines)
    rig.config.write_text(text)
    assert not rig.daemon.reload(), f"a bad config was taken:\n{text}"
    line = rig.daemon.wait_line(rf"{re.escape(str(rig.config))}:{place}\b", log)
    assert word in line, f"the line does not name {word}: {line}"
    rig.check_outcome(0)
    lab.equal("flows shown", len(rig.daemon.scrape().flows()), 5)
    rig.wait_growth(100)


def no_file(rig):
    log = len(rig.daemon.lines)
    with rig.exact_traffic():
        rig.config.unlink()
        assert not rig.daemon.reload(), "a config that is not there was taken"
        rig.daemon.wait_line(re.escape(str(rig.config)), log)
        rig.check_outcome(0)


def refused_interface(rig):
    """mode drv on lo is refused: not one packet goes by uncounted meanwhile."""
    refused_attach(rig, "lo", "drv")


def refused_mode(rig):
    refused_attach(rig, "mon0", "hw")


def refused_attach(rig, interface, mode):
    with rig.exact_traffic(rate=60000):
        rig.world.config(interface, mode=mode)
        assert not rig.daemon.reload(), f"{interface} was taken in mode {mode}"
        rig.check_outcome(0)
        rig.wait_attached("mon0", "drv")
        rig.wait_growth()


def nothing_matches(rig):
    """A pattern waits for its interface, and the log says that nothing is counted until then."""
    log = len(rig.daemon.lines)
    rig.take('"nosuch*"')
    rig.daemon.wait_line("level=warn .*no interface is there that the config asks for", log)
    lab.equal("status of /-/ready", rig.daemon.get("/-/ready").status, 503)
    log = len(rig.daemon.lines)
    rig.take()
    rig.wait_attached("mon0", "drv")
    assert not any("no interface is there" in line for line in rig.daemon.lines[log:])


def effective(rig):
    """What `config --effective` prints of the file that was taken last."""
    done = lab.subprocess.run([rig.world.auditor, "config", "--effective", "-c", rig.config],
                              capture_output=True, check=True)
    return done.stdout


def hash_of_config(rig):
    """The hash is the configuration's that is in force, whatever the file says meanwhile."""
    for interval in ("200ms", "250ms"):
        rig.take(poll_interval=interval)
        text = effective(rig)
        assert f"poll_interval: {interval}".encode() in text, text
        want = hashlib.sha256(text).hexdigest()
        lab.equal("hash", rig.daemon.scrape().value("xdp_auditor_config_hash_info",
                                                    sha256=want), 1)
    rig.config.write_text("nonsense: 1\n")
    assert not rig.daemon.reload(), "a bad file was taken"
    lab.equal("hash", rig.daemon.scrape().value("xdp_auditor_config_hash_info", sha256=want), 1)
    rig.take()
    rig.config.write_text(rig.config.read_text().replace("max: 16384", "max: 8192"))
    stays = hashlib.sha256(effective(rig).replace(b"max: 8192", b"max: 16384")).hexdigest()
    rig.take_file()
    page = rig.daemon.scrape()
    lab.equal("hash", page.value("xdp_auditor_config_hash_info", sha256=stays), 1)
    lab.equal("restart required", page.value("xdp_auditor_config_restart_required"), 1)
    rig.take()
    lab.equal("restart required", rig.daemon.scrape().value(
        "xdp_auditor_config_restart_required"), 0)


def port_taken(rig):
    """A listener that cannot be had is found out last: the rest has to stay as it was."""
    with rig.monitor.entered():
        listener = lab.socket.create_server(("127.0.0.1", lab.PORT + 1))
    with listener, rig.exact_traffic():
        rig.config.write_text(rig.config.read_text().replace(
            f"127.0.0.1:{lab.PORT}", f"[127.0.0.1:{lab.PORT}, 127.0.0.1:{lab.PORT + 1}]"))
        assert not rig.daemon.reload(), "a port that is taken was taken"
        rig.check_outcome(0)


def overlapping(rig):
    """From one address to all of them and back: there is always one that answers, and nobody else gets
    the port."""
    good = rig.config.read_text()
    one, every = f"listen: 127.0.0.1:{lab.PORT}", f'listen: "0.0.0.0:{lab.PORT}"'
    both = f'listen: ["127.0.0.1:{lab.PORT}", "0.0.0.0:{lab.PORT}"]'
    with rig.exact_traffic():
        for listen in (every, both, one):
            rig.config.write_text(good.replace(one, listen) + "http: {insecure: true}\n")
            rig.take_file()
            with rig.monitor.entered(), lab.socket.socket() as other:
                other.setsockopt(lab.socket.SOL_SOCKET, lab.socket.SO_REUSEADDR, 1)
                with contextlib.suppress(OSError):
                    other.bind(("127.0.0.1", lab.PORT))
                    raise AssertionError("somebody else has the port as well")
        rig.config.write_text(good)
        rig.take_file()


def many(rig):
    """50 reloads, each with something changed, while traffic flows: exact at the end."""
    with rig.exact_traffic(rate=50000) as watch:
        for i in range(RELOADS):
            rig.take(top_k=1000 + i, poll_interval="200ms" if i % 2 else "250ms",
                     mode=("drv", "auto")[i % 2])
    return f"{watch.count} scrapes"


def burst(rig):
    """HUPs faster than the daemon can reload: it may take several as one, it may not stumble."""
    with rig.exact_traffic():
        for _ in range(200):
            rig.daemon.signal(signal.SIGHUP)
        rig.wait_growth(5000)


def mode(rig):
    """drv -> skb -> drv: re-attached, and the counters do not start anew."""
    with rig.traffic():
        for wanted in ("skb", "drv", "skb", "drv"):
            log = len(rig.daemon.lines)
            rig.take(mode=wanted)
            rig.wait_attached("mon0", wanted)
            rig.daemon.wait_line(rf"netflow_filter attached to mon0 \(mode={wanted}\)", log)
            rig.wait_growth()


def interface(rig):
    """mon0 -> mon1 -> both -> mon0: the hook that is no longer wanted is left, nothing falls."""
    with rig.traffic(0), contextlib.ExitStack() as stack:
        other = rig.world.sender(rig.wires[1], rate=20000, **PATTERN)
        stack.callback(other.end)
        for text, on, off in (("mon1", ["mon1"], ["mon0"]), ("[mon0, mon1]", ["mon0", "mon1"], []),
                              ("mon0", ["mon0"], ["mon1"])):
            rig.take(text)
            for name in on:
                rig.wait_attached(name, "drv")
                rig.wait_growth(interface=name)
            for name in off:
                lab.wait_for(f"{name} to be left", lambda name=name: not rig.monitor.xdp(name))


def by_post(rig):
    """The answer comes when all is done: the page, /config and readiness go by it at once."""
    with rig.exact_traffic():
        rig.take(extra=POSTS)
        rig.check_shown()
        before = rig.daemon.reload_figures()
        for top_k in (7, 8):
            rig.world.config("mon0", top_k=top_k, extra=POSTS)
            check_post(rig, 200, "config reloaded\n")
            lab.equal("flows shown", len(rig.daemon.scrape().flows()), top_k)
            rig.check_shown()
            rig.check_outcome(1)
        lab.equal("reloads", rig.daemon.reload_figures(), (before[0] + 2, before[1]))


def check_post(rig, status, body):
    reply = rig.post()
    lab.equal("status", reply.status, status)
    lab.equal("body", reply.text, body)
    return reply


def bad_file_by_post(rig):
    """500 with the places, of all that is wrong; readiness says which step refused it."""
    with rig.exact_traffic():
        rig.take(top_k=5, extra=POSTS)
        shown = rig.daemon.get("/config").text
        good = rig.config.read_text()
        last = "config not reloaded, the one before runs on\n"
        rig.config.write_text(good.replace("drv", "dvr").replace("top_k: 5", "top_kk: 5"))
        lines = rig.post().text.splitlines(keepends=True)
        lab.equal("lines", len(lines), 3)
        assert lines[0].startswith(f"{rig.config}:2:7: mode: "), lines[0]
        assert lines[1].startswith(f"{rig.config}:4:1: unknown key "), lines[1]
        lab.equal("the last line", lines[2], last)
        check_still_ready(rig, "config")
        rig.config.write_text(good + "policy: {stages: [lua: {file: nowhere.lua}]}\n")
        lines = rig.post().text.splitlines(keepends=True)
        assert "nowhere.lua" in lines[0] and lines[-1] == last, lines
        check_still_ready(rig, "policy")
        rig.config.write_text(good.replace("interface: mon0", "interface: xanone"))
        check_post(rig, 500, "interface xanone does not exist (ip link lists those that do)\n"
                   + last)
        check_still_ready(rig, "attach")
        lab.equal("/config", rig.daemon.get("/config").text, shown)
        rig.config.write_text(good)
        check_post(rig, 200, "config reloaded\n")
        lab.equal("/-/ready", rig.daemon.get("/-/ready").text, "ready\n")


def check_still_ready(rig, phase):
    reply = rig.daemon.get("/-/ready")
    lab.equal("status of /-/ready", reply.status, 200)
    lab.equal("/-/ready", reply.text, f"ready\nlast reload refused: {phase}\n")


def post_is_switched(rig):
    """A reload by POST may be the last of its kind; HUP brings them back."""
    rig.take(extra=POSTS)
    rig.world.config("mon0")
    check_post(rig, 200, "config reloaded\n")
    before = rig.daemon.reload_figures()
    check_post(rig, 403, "reloads over HTTP are off: http.reload is false\n")
    rig.take(extra=POSTS)
    for headers in ({"Origin": "http://127.0.0.1:9400"}, {"Sec-Fetch-Site": "cross-site"}):
        lab.equal(f"status with {headers}", rig.post(headers=headers).status, 403)
    for method in ("GET", "HEAD", "PUT"):
        reply = rig.daemon.get("/-/reload", method=method)
        lab.equal(f"{method}: status and Allow", (reply.status, reply.headers["Allow"]),
                  (405, "POST"))
    lab.equal("reloads", rig.daemon.reload_figures(), (before[0] + 1, before[1]))


def posts_at_once(rig):
    """Each is answered, and by a reload that has read what was written before it."""
    with rig.exact_traffic(), concurrent.futures.ThreadPoolExecutor(4) as pool:
        rig.take(extra=POSTS)
        before = rig.daemon.reload_figures()
        for top_k in range(10, 20):
            rig.world.config("mon0", top_k=top_k, extra=POSTS)
            for reply in pool.map(lambda _: rig.post(), range(4)):
                lab.equal("status", reply.status, 200)
            rig.check_shown()
        good, bad = rig.daemon.reload_figures()
        assert before[0] + 10 <= good <= before[0] + 40, f"{before[0]} -> {good} reloads"
        lab.equal("reloads refused", bad, before[1])


def post_and_go(rig):
    """Clients that do not wait for their answers cost nothing."""
    rig.take(extra=POSTS)
    for _ in range(50):
        connection = lab.Connection(rig.daemon.netns, lab.PORT, 10)
        with contextlib.closing(connection):
            connection.request("POST", "/-/reload")
    lab.wait_for("a place to wait", lambda: rig.post().status == 200)
    rig.take()


def stop_amid_posts(world):
    """Whoever waits when the daemon is stopped does not keep it."""
    wire = world.wire()
    daemon = world.daemon(wire.monitor, world.config(wire.monitor_if, extra=POSTS))

    def ask():
        answered = 0
        with contextlib.suppress(OSError, AssertionError):  # as it ends
            while daemon.get("/-/reload", method="POST").status == 200:
                answered += 1
        return answered
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        askers = [pool.submit(ask) for _ in range(6)]
        lab.wait_for("reloads", lambda: daemon.reload_figures()[0] > 10)
        daemon.signal(signal.SIGTERM)
        lab.equal("exit status", daemon.wait(), 0)
        assert sum(asker.result() for asker in askers) > 10, "no answers"


if __name__ == "__main__":
    lab.main(lab.Group(start, top_k, poll_interval, bad_file, no_file, refused_interface,
                       refused_mode, nothing_matches, hash_of_config, port_taken, overlapping,
                       many, burst, by_post, bad_file_by_post, post_is_switched, posts_at_once,
                       post_and_go, mode, interface),
             stop_amid_posts)
