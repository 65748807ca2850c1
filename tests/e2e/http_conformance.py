# SPDX-License-Identifier: GPL-2.0-or-later
"""What the server makes of a request, byte by byte: a table of heads, good, odd and hostile, with the
status that each gets. Where libmicrohttpd answers by itself, the row says so by OWN."""

import contextlib
import re
import socket

import lab

HOST = b"Host: localhost\r\n"
ON, OFF = True, False  # whether the connection goes on afterwards
OURS, OWN = True, False  # whose answer it is

SECURITY = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


def head(line, *headers):
    return b"".join(part + b"\r\n" for part in (line, *headers)) + b"\r\n"


def get(*headers, path=b"/-/healthy", version=b"HTTP/1.1", host=b"Host: localhost"):
    return head(b"GET " + path + b" " + version, *([host] if host else []), *headers)


def method(name, path=b"/metrics"):
    return head(name + b" " + path + b" HTTP/1.1", b"Host: localhost")


def host(text):
    return get(host=b"Host: " + text)


# name, octets, statuses, whether the connection goes on, whose answer, headers that it has
ROWS = [
    ("plain", get(), [200], ON, OURS, {"content-length": "8"}),
    ("query", get(path=b"/-/healthy?a=b&c"), [200], ON, OURS, {}),
    ("blank lines in front", b"\r\n\r\n" + get(), [200], ON, OURS, {}),
    ("close", get(b"Connection: close"), [200], OFF, OURS, {}),
    ("close in capitals", get(b"CONNECTION: CLOSE"), [200], OFF, OURS, {}),
    ("an upgrade is not taken", get(b"Connection: Upgrade", b"Upgrade: h2c"), [200], ON, OURS, {}),
    ("a range is not taken", get(b"Range: bytes=0-1"), [200], ON, OURS, {"content-length": "8"}),
    ("three in a row", get() * 3, [200] * 3, ON, OURS, {}),
    ("bad behind good", get() + host(b"evil.example") + get(), [200, 421], OFF, OURS, {}),
    ("HTTP/1.0 without Host", get(version=b"HTTP/1.0", host=None), [200], OFF, OURS, {}),
    ("HTTP/1.0 kept alive", get(b"Connection: keep-alive", version=b"HTTP/1.0"), [200], ON, OURS, {}),
    ("HTTP/1.0 of another host", get(version=b"HTTP/1.0", host=b"Host: evil.example"), [421], OFF,
     OURS, {}),
    ("HTTP/2.0", get(version=b"HTTP/2.0"), [505], OFF, OWN, {}),
    ("preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [505], OFF, OWN, {}),
    ("no version", b"GET /-/healthy\r\n\r\n", [400], OFF, OWN, {}),
    ("nonsense as version", get(version=b"FOO"), [400], OFF, OWN, {}),

    ("no Host", get(host=None), [400], OFF, OURS, {}),
    ("empty Host", host(b""), [400], OFF, OURS, {}),
    ("two Hosts", get(b"Host: localhost"), [400], OFF, OURS, {}),
    ("two Hosts, one of them another's", get(b"host: evil.example"), [400], OFF, OURS, {}),
    ("Host in capitals", get(host=b"HOST: LOCALHOST"), [200], ON, OURS, {}),
    ("Host with port", host(b"localhost:9400"), [200], ON, OURS, {}),
    ("Host with another port", host(b"localhost:80"), [200], ON, OURS, {}),
    ("Host with a dot at its end", host(b"localhost."), [200], ON, OURS, {}),
    ("IPv4 as Host", host(b"192.0.2.1:9400"), [200], ON, OURS, {}),
    ("IPv6 as Host", host(b"[2001:db8::1]:9400"), [200], ON, OURS, {}),
    ("IPv6 without brackets", host(b"2001:db8::1"), [400], OFF, OURS, {}),
    ("a name of http.hosts", host(b"Monitor.example:9400"), [200], ON, OURS, {}),
    ("another name", host(b"evil.example"), [421], OFF, OURS, {}),
    ("a longer name", host(b"localhost.evil.example"), [421], OFF, OURS, {}),
    ("a user in Host", host(b"localhost@evil.example"), [400], OFF, OURS, {}),
    ("two names in Host", host(b"localhost, evil.example"), [400], OFF, OURS, {}),
    ("no number as port", host(b"localhost:http"), [400], OFF, OURS, {}),
    ("blank before the colon", get(b"Content-Length : 5"), [400], OFF, OURS, {}),
    ("tab before the colon", get(b"Transfer-Encoding\t: chunked"), [400], OFF, OURS, {}),
    ("a header without colon", get(b"foo"), [400], OFF, OWN, {}),

    ("empty body", get(b"Content-Length: 0"), [200], ON, OURS, {}),
    ("a body", get(b"Content-Length: 5") + b"hello", [400], OFF, OURS, {}),
    ("a body that is a request", get(b"Content-Length: 50") + get(), [400], OFF, OURS, {}),
    ("a body that waits to be asked for", get(b"Expect: 100-continue", b"Content-Length: 5"), [400],
     OFF, OURS, {}),
    ("chunks", get(b"Transfer-Encoding: chunked") + b"0\r\n\r\n", [400], OFF, OURS, {}),
    ("an encoding that is none", get(b"Transfer-Encoding: identity"), [400], OFF, OURS, {}),
    ("two lengths", get(b"Content-Length: 0", b"Content-Length: 5") + b"hello", [400], OFF, OURS, {}),
    ("the same length twice", get(b"Content-Length: 0", b"Content-Length: 0"), [400], OFF, OURS, {}),
    ("length and chunks", get(b"Content-Length: 0", b"Transfer-Encoding: chunked"), [400], OFF, OURS,
     {}),
    ("a length below nothing", get(b"Content-Length: -1"), [400], OFF, OWN, {}),
    ("a length with a sign", get(b"Content-Length: +0"), [400], OFF, OWN, {}),
    ("a length in hexadecimals", get(b"Content-Length: 0x5"), [400], OFF, OWN, {}),
    ("a length beyond 64 bits", get(b"Content-Length: 99999999999999999999"), [413], OFF, OWN, {}),

    ("another method", method(b"DELETE"), [405], OFF, OURS, {"allow": "GET, HEAD"}),
    ("no method at all", method(b"FOO"), [405], OFF, OURS, {"allow": "GET, HEAD"}),
    ("small letters", method(b"get"), [405], OFF, OURS, {"allow": "GET, HEAD"}),
    ("TRACE", method(b"TRACE"), [405], OFF, OURS, {"allow": "GET, HEAD"}),
    ("CONNECT", method(b"CONNECT", b"localhost:80"), [404], OFF, OURS, {}),
    ("OPTIONS of all", method(b"OPTIONS", b"*"), [404], OFF, OURS, {}),
    ("a reload by GET", method(b"GET", b"/-/reload"), [405], OFF, OURS, {"allow": "POST"}),
    ("a reload, off", method(b"POST", b"/-/reload"), [403], ON, OURS, {}),

    ("another path", get(path=b"/-/Healthy"), [404], OFF, OURS, {}),
    ("an escaped path", get(path=b"/-/health%79"), [404], OFF, OURS, {}),
    ("a path with dots", get(path=b"/metrics/../-/healthy"), [404], OFF, OURS, {}),
    ("a path with two slashes", get(path=b"//-/healthy"), [404], OFF, OURS, {}),
    ("a path with a fragment", get(path=b"/-/healthy#x"), [404], OFF, OURS, {}),
    ("a whole URL as path", get(path=b"http://localhost/-/healthy"), [404], OFF, OURS, {}),
    ("a path too long", get(path=b"/" + b"a" * 20000), [414], OFF, OWN, {}),
    ("a query that fits", get(path=b"/-/healthy?" + b"a" * 4000), [200], ON, OURS, {}),
    ("a header too long", get(b"X: " + b"a" * 20000), [431], OFF, OWN, {}),
    ("too many headers", get(*[b"X: y"] * 5000), [431], OFF, OWN, {}),
    ("many headers that fit", get(*[b"X: y"] * 50), [200], ON, OURS, {}),
    ("TLS", b"\x16\x03\x01\x02\x00\r\n\r\n", [], OFF, OWN, {}),
]


class Peer:
    """A client that looks at bytes."""

    def __init__(self, daemon):
        with daemon.netns.entered():
            self.socket = socket.create_connection(("127.0.0.1", lab.PORT), lab.DEADLINE)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, octets):
        with contextlib.suppress(ConnectionError):  # it may refuse before it has heard all
            self.socket.sendall(octets)

    def more(self):
        try:
            part = self.socket.recv(65536)
        except ConnectionError:
            part = b""
        self.buffer += part
        return bool(part)

    def answer(self):
        """Status, headers, body."""
        while b"\r\n\r\n" not in self.buffer:
            assert self.more(), f"closed after {self.buffer!r}"
        text, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        status = re.match(rb"HTTP/1\.[01] (\d{3}) ", text)
        assert status, f"no status: {text!r}"
        pairs = [line.split(": ", 1) for line in text.decode("ascii").split("\r\n")[1:]]
        headers = {name.lower(): value for name, value in pairs}
        lab.equal("headers that stand there twice", len(pairs) - len(headers), 0)
        length = int(headers["content-length"])
        while len(self.buffer) < length:
            assert self.more(), "closed inside of a body"
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return int(status[1]), headers, body

    def closed(self):
        """The other side ends it, and has said nothing more."""
        assert not self.buffer and not self.more(), f"more than was asked for: {self.buffer!r}"

    def ended(self):
        """It ends it, whatever it says: libmicrohttpd sends the head of some errors twice."""
        while self.more():
            pass


def check_row(daemon, octets, statuses, goes_on, ours, wanted):
    headers = {"connection": "close"}
    with Peer(daemon) as peer:
        peer.send(octets)
        for at, status in enumerate(statuses):
            got, headers, body = peer.answer()
            lab.equal(f"status of answer {at + 1} ({body!r})", got, status)
        for name, value in {**wanted, **(SECURITY if ours else {})}.items():
            lab.equal(f"header {name}", headers.get(name), value)
        if not goes_on:
            lab.equal("Connection", headers.get("connection", "").lower(), "close")
            (peer.closed if ours else peer.ended)()
            return
        peer.send(get())
        lab.equal("status of one more", peer.answer()[0], 200)


def case(row):
    name, *rest = row

    def check(daemon):
        check_row(daemon, *rest)
    check.__name__ = name
    return check


def server(world):
    wire = world.wire()
    return world.daemon(wire.monitor, world.config(
        wire.monitor_if, extra="http: {hosts: [monitor.example]}\n"))


def all_paths_have_the_headers(daemon):
    for path in ("/", "/metrics", "/config", "/-/healthy", "/-/ready", "/nothing"):
        headers = {name.lower(): value for name, value in daemon.get(path).headers.items()}
        for name, value in SECURITY.items():
            lab.equal(f"{name} of {path}", headers.get(name), value)


def a_refusal_names_the_key(daemon):
    with Peer(daemon) as peer:
        peer.send(host(b"evil.example"))
        body = peer.answer()[2]
    assert b"http.hosts" in body and body.count(b"\n") == 1, body


def hosts_change_by_a_reload(daemon):
    text = daemon.config.read_text()
    daemon.config.write_text(text.replace("monitor.example", "other.example"))
    try:
        assert daemon.reload(), "the reload was refused"
        check_row(daemon, host(b"monitor.example"), [421], OFF, OURS, {})
        check_row(daemon, host(b"other.example"), [200], ON, OURS, {})
    finally:
        daemon.config.write_text(text)
        daemon.reload()


def a_connection_has_an_end(daemon):
    """After a thousand requests, and the last answer says so."""
    with Peer(daemon) as peer:
        for at in range(1, 1001):
            peer.send(get())
            status, headers, _ = peer.answer()
            lab.equal("status", status, 200)
            lab.equal(f"last, after {at}", headers.get("connection", "") == "close", at == 1000)
        peer.closed()


def socket_file(world):
    """A listen address that comes and goes with a reload, while the daemon has no privileges."""
    wire = world.wire()
    path = world.dir / "http.sock"
    config = world.config(wire.monitor_if)
    daemon = world.daemon(wire.monitor, config)
    before = config.read_text()
    config.write_text(before.replace(
        "listen: 127.0.0.1:9400", f'listen: [127.0.0.1:9400, "unix:{path}"]'))
    assert daemon.reload(), "the reload was refused"
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        connection.sendall(head(b"GET /metrics HTTP/1.0", b"Host: evil.example"))
        page = b"".join(iter(lambda: connection.recv(65536), b""))
    assert page.startswith(b"HTTP/1.1 200 "), page[:60]
    lab.check_conservation(lab.Scrape(page.partition(b"\r\n\r\n")[2].decode()))
    config.write_text(before)
    assert daemon.reload(), "the second reload was refused"
    assert not path.exists(), "the socket is left"


if __name__ == "__main__":
    lab.main(lab.Group(server, *map(case, ROWS), all_paths_have_the_headers, a_refusal_names_the_key,
                       a_connection_has_an_end, hosts_change_by_a_reload),
             socket_file)
