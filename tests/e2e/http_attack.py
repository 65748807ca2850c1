# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients that mean harm, a thousand at once, from one address and from a thousand, while a scraper of
http.scrapers asks five times a second: it is answered each time and soon, and afterwards the daemon
has no more memory or descriptors than before.
"""

import contextlib
import os
import pathlib
import resource
import select
import socket
import threading
import time

import lab

SERVER = "10.7.0.1"
SCRAPER = "10.7.255.1"
CROWD = 1000
SECONDS = 4  # of each attack but the slow ones
STEP = 10  # that the daemon gives to each step of a request
# Of the scraper at the 99th percentile. Machines differ, and where connections come faster than they
# are taken off, the kernel lets a SYN wait for its second or third try: 1 s, 3 s.
PATIENCE = 5
GROWTH_KIB = 16 * 1024


class Scraper:
    """Scrapes on a connection of its own each time, as from a freshly started Prometheus."""

    def __init__(self, netns, address=SCRAPER, pause=0.2):
        self.netns, self.address, self.pause = netns, address, pause
        self.times, self.failures = [], []
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def look(self):
        start = time.monotonic()
        with socket.socket() as connection:
            connection.settimeout(lab.DEADLINE)
            connection.bind((self.address, 0))
            connection.connect((SERVER, lab.PORT))
            connection.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 200 "), f"the answer is {answer[:60]!r}"
        assert answer.endswith(b"\n"), "the page is cut off"
        self.times.append(time.monotonic() - start)

    def _run(self):
        with self.netns.entered():
            while not self.stopping.wait(self.pause):
                try:
                    self.look()
                except (AssertionError, OSError) as error:
                    self.failures.append(f"after {len(self.times)} scrapes: {error}")

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join(lab.DEADLINE)

    def check(self):
        """In words how long scrapes took."""
        assert not self.failures, f"{len(self.failures)} scrapes failed: {self.failures[0]}"
        assert self.times, "nothing was scraped"
        late = sorted(self.times)[int(len(self.times) * 0.99)]
        assert late < PATIENCE, f"99th percentile of {len(self.times)} scrapes: {late:.3f} s"
        return f"{len(self.times)} scrapes, 99th percentile {late * 1000:.1f} ms"


class Rig:
    """A daemon that answers at one end of a wire, and a thousand addresses at the other."""

    def __init__(self, world):
        # The sockets of a thousand clients are this process's.
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
        self.wire = world.wire()
        self.wire.monitor.ip("addr", "add", f"{SERVER}/16", "dev", self.wire.monitor_if)
        self.crowd = [f"10.7.{at // 250}.{at % 250 + 2}" for at in range(CROWD)]
        self.wire.sender.batch(*(f"addr add {address}/16 dev {self.wire.sender_if}"
                                 for address in (SCRAPER, *self.crowd)))
        config = world.config(self.wire.monitor_if, extra=(
            f"http: {{insecure: true, scrapers: [{SCRAPER}]}}\n"))
        config.write_text(config.read_text().replace(
            "listen: 127.0.0.1:9400", f"listen: [127.0.0.1:9400, {SERVER}:9400]"))
        self.daemon = world.daemon(self.wire.monitor, config)
        world.send(self.wire, packets=5000, flows=1000)
        self.proc = pathlib.Path(f"/proc/{self.daemon.pid}")
        with Scraper(self.wire.sender) as scraper:
            lab.wait_for("a first scrape", lambda: scraper.times)
        self.files = self.open_files()
        self.memory = self.memory_kib()

    def open_files(self):
        return len(os.listdir(self.proc / "fd"))

    def memory_kib(self):
        return int(lab.status_field(self.daemon.pid, "VmRSS"))

    def check_after(self):
        """All is as it was before."""
        lab.wait_for("the descriptors to come back", lambda: self.open_files() <= self.files,
                     deadline=3 * STEP)
        grown = self.memory_kib() - self.memory
        assert grown < GROWTH_KIB, f"the daemon has grown by {grown} KiB"
        return f"{grown} KiB more"

    def connect(self, address):
        connection = socket.socket()
        connection.setblocking(False)
        connection.bind((address, 0))
        with contextlib.suppress(BlockingIOError):
            connection.connect((SERVER, lab.PORT))
        return connection


def server(world):
    return Rig(world)


class Horde:
    """Connections that are opened anew whenever they end, one each from the addresses in turn."""

    def __init__(self, rig, addresses, first=b"", drip=b""):
        self.rig, self.addresses, self.first, self.drip = rig, addresses, first, drip
        self.connections = {}
        self.poll = select.epoll()
        self.cut = 0  # connections that the daemon has ended
        self.oldest = 0  # how long the one that lasted longest was there, in seconds

    def open(self, address):
        connection = self.rig.connect(address)
        self.connections[connection.fileno()] = (connection, address, time.monotonic())
        self.poll.register(connection.fileno(), select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)

    def close(self, number):
        connection, address, since = self.connections.pop(number)
        connection.close()
        self.cut += 1
        self.oldest = max(self.oldest, time.monotonic() - since)
        return address

    def send(self, number, octets):
        """Whether it still takes some."""
        try:
            self.connections[number][0].send(octets)
            return True
        except BlockingIOError:
            return True
        except OSError:
            return False

    def event(self, number, events):
        ended = events & (select.EPOLLHUP | select.EPOLLERR)
        if not ended and events & select.EPOLLIN:
            with contextlib.suppress(BlockingIOError):
                try:
                    ended = not self.connections[number][0].recv(65536)
                except ConnectionError:
                    ended = True
        if ended or (events & select.EPOLLOUT and not self.send(number, self.first)):
            self.open(self.close(number))

    def run(self, seconds):
        """Keeps at it; a byte of `drip` each second into each connection."""
        end = time.monotonic() + seconds
        beat = time.monotonic() + 1
        with self.rig.wire.sender.entered():
            for address in self.addresses:
                self.open(address)
            while time.monotonic() < end:
                for number, events in self.poll.poll(0.05, 200):
                    self.event(number, events)
                if self.drip and time.monotonic() > beat:
                    beat += 1
                    for number in list(self.connections):
                        self.send(number, self.drip)
                time.sleep(0.005)  # the machine is the scraper's and the daemon's too

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for connection, _, _ in self.connections.values():
            connection.close()
        self.poll.close()


def attack(rig, addresses, seconds=SECONDS, **what):
    """The horde runs beside the scraper; what is to be said, and the horde."""
    with Scraper(rig.wire.sender) as scraper, Horde(rig, addresses, **what) as horde:
        horde.run(seconds)
        held = rig.open_files() - rig.files
        assert held <= 128, f"the daemon holds {held} more descriptors"
    text = scraper.check()
    return f"{text}; {horde.cut} cut off, {held} held; {rig.check_after()}", horde


def one(rig):
    return [rig.crowd[0]] * CROWD


def idle_from_one(rig):
    text, horde = attack(rig, one(rig))
    assert horde.cut >= CROWD - 16, f"only {horde.cut} of {CROWD} were turned away"
    return text


def idle_from_many(rig):
    text, horde = attack(rig, rig.crowd)
    assert horde.cut >= CROWD - 112, f"only {horde.cut} of {CROWD} were turned away"
    return text


def check_dripping(rig, addresses):
    """A second's drip keeps libmicrohttpd's own timeout away: what ends them is the absolute one."""
    text, horde = attack(rig, addresses, seconds=STEP + 2, first=b"GET /metrics HTTP/1.1\r\n",
                         drip=b"X")
    assert STEP - 2 < horde.oldest < STEP + 2, f"the longest took {horde.oldest:.1f} s"
    return f"{text}; the longest took {horde.oldest:.1f} s"


def dripping_from_one(rig):
    return check_dripping(rig, one(rig))


def dripping_from_many(rig):
    return check_dripping(rig, rig.crowd)


def header_bombs(rig):
    return attack(rig, rig.crowd[:200], first=b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 10000)[0]


def pipelines(rig):
    """Requests without end, whose answers are read as slowly as they may."""
    return attack(rig, rig.crowd[:100], first=b"GET /metrics HTTP/1.1\r\nHost: 10.7.0.1\r\n\r\n" * 50,
                  drip=b"GET /metrics HTTP/1.1\r\nHost: 10.7.0.1\r\n\r\n")[0]


def slow_reader(rig):
    """Takes some of its page all the time, so that libmicrohttpd's own timeout never comes."""
    taken = 0
    with rig.wire.sender.entered(), socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.bind((rig.crowd[0], 0))
        connection.settimeout(1)
        connection.connect((SERVER, lab.PORT))
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: 10.7.0.1\r\n\r\n")
        start = time.monotonic()
        lab.wait_for("the connection's place", lambda: rig.open_files() > rig.files)
        while rig.open_files() > rig.files:
            assert time.monotonic() < start + STEP + 4, f"it is still there, with {taken} bytes"
            with contextlib.suppress(ConnectionError, TimeoutError):
                taken += len(connection.recv(1024))
            time.sleep(0.1)
    took = time.monotonic() - start
    assert took > STEP - 1, f"it was cut off after {took:.1f} s"
    assert taken > 50 * 1024, f"it has taken {taken} bytes only"
    return f"{took:.1f} s, {taken} bytes"


if __name__ == "__main__":
    lab.main(lab.Group(server, idle_from_one, idle_from_many, dripping_from_one, dripping_from_many,
                       header_bombs, pipelines, slow_reader))
