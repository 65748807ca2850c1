# SPDX-License-Identifier: GPL-2.0-or-later
"""The HTTP face: paths, methods, headers, and clients that do not behave.

Not named after its protocol: Python would take it for its own package of that name."""

import concurrent.futures
import contextlib
import gzip
import re
import socket

import lab

TEXT = "text/plain; version=0.0.4"
PATHS = ("/metrics", "/config", "/-/healthy", "/-/ready", "/")


class Rig:
    """One daemon, asked by all cases."""

    def __init__(self, world):
        self.auditor = world.auditor
        self.wire = world.wire()
        # IPv6 on the loopback only: the wire stays silent.
        with self.wire.monitor.entered():
            lab.sysctl("net/ipv6/conf/lo/disable_ipv6", "0")
        config = world.config(self.wire.monitor_if)
        config.write_text(config.read_text().replace(
            "listen: 127.0.0.1:9400", 'listen: ["127.0.0.1:9400", "[::1]:9401"]'))
        self.daemon = world.daemon(self.wire.monitor, config)
        self.report = world.send(self.wire, packets=5000, flows=1000)
        self.daemon.wait_seen(self.report["packets"])


def server(world):
    return Rig(world)


def raw(daemon, octets, timeout=10):
    """Sends bytes as they are; everything that comes back until the daemon closes or is silent."""
    with daemon.netns.entered():
        connection = socket.create_connection(("127.0.0.1", lab.PORT), timeout)
    parts = []
    with connection:
        with contextlib.suppress(OSError):  # it may refuse before it has heard all
            connection.sendall(octets)
            connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError, TimeoutError):
            while part := connection.recv(65536):
                parts.append(part)
    return b"".join(parts)


def metrics(rig):
    reply = rig.daemon.get("/metrics")
    lab.equal("status", reply.status, 200)
    assert reply.headers["Content-Type"].startswith(TEXT), reply.headers["Content-Type"]
    lab.equal("Content-Length", int(reply.headers["Content-Length"]), len(reply.body))
    scrape = lab.Scrape(reply.text)
    for name in ("xdp_auditor_build_info", "process_start_time_seconds", "process_open_fds"):
        assert scrape.samples(name), f"no {name}"
    for name in scrape.types:
        assert scrape.helps.get(name), f"no help for {name}"
    timestamped = [line for line in reply.text.splitlines()
                   if not line.startswith("#") and re.search(r"\} \S+ \d+$", line)]
    assert not timestamped, f"a sample has a timestamp: {timestamped[0]}"


def of_one_snapshot(rig, *headers):
    """Replies that tell of one snapshot."""
    def same():
        replies = [rig.daemon.get("/metrics", headers=one) for one in headers]
        texts = [gzip.decompress(reply.body).decode() if reply.headers.get("Content-Encoding")
                 else reply.text for reply in replies]
        times = {re.search(r"last_snapshot_timestamp_seconds (\S+)", text)[1] for text in texts}
        return list(zip(replies, texts)) if len(times) == 1 else None
    return lab.wait_for("replies of one snapshot", same)


def openmetrics(rig):
    """The strict parser takes the page; its samples are those of the text format, to the byte."""
    families = lab.check_openmetrics(rig.daemon)
    (_, text), (_, page) = of_one_snapshot(rig, {}, {"Accept": lab.OPENMETRICS})
    assert page.endswith("\n# EOF\n") and "# EOF" not in text
    plain = [line for line in text.splitlines() if not line.startswith("#")]
    lab.equal("samples", [line.split(" # ")[0] for line in page.splitlines()
                          if not line.startswith("#")], plain)
    exemplars = [sample for family in families for sample in family.samples if sample.exemplar]
    assert any(sample.name == "xdp_netflow_packet_size_bytes_bucket" and
               sample.exemplar.labels["src"] for sample in exemplars), "no exemplar names a flow"
    types = {family.name: family.type for family in families}
    lab.equal("types", (types["xdp_auditor_build"], types["xdp_netflow_packets"]),
              ("info", "counter"))
    return f"{len(plain)} samples, {len(exemplars)} exemplars"


def negotiation(rig):
    """By the weights of Accept; what nobody asks for and what nobody knows is the text format."""
    for accept, wanted in (
            ("", TEXT), ("*/*", TEXT), ("text/plain", TEXT), ("image/png", TEXT),
            (lab.OPENMETRICS, lab.OPENMETRICS),
            ("application/openmetrics-text;q=0.5,text/plain;q=0.7", TEXT),
            ("application/openmetrics-text;version=0.0.1", TEXT),
            ("application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;"
             "version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2", lab.OPENMETRICS)):
        reply = rig.daemon.get("/metrics", headers={"Accept": accept} if accept else {})
        assert reply.headers["Content-Type"].startswith(wanted), (accept, reply.headers)
        lab.equal("Vary", reply.headers["Vary"], "Accept, Accept-Encoding")


def compressed(rig):
    """gzip for who takes it, in both formats, the same bytes within."""
    for accept in ({}, {"Accept": lab.OPENMETRICS}):
        (plain, _), (zipped, text) = of_one_snapshot(
            rig, accept, {**accept, "Accept-Encoding": "deflate, gzip;q=0.5"})
        lab.equal("encoding", zipped.headers["Content-Encoding"], "gzip")
        lab.equal("what is in it", text, plain.text)
        assert len(zipped.body) < len(plain.body) / 3, f"{len(zipped.body)} of {len(plain.body)}"
        lab.equal("Content-Length", int(zipped.headers["Content-Length"]), len(zipped.body))
    refused = rig.daemon.get("/metrics", headers={"Accept-Encoding": "gzip;q=0, identity"})
    assert "Content-Encoding" not in refused.headers
    head = rig.daemon.get("/metrics", method="HEAD", headers={"Accept-Encoding": "gzip"})
    lab.equal("encoding of HEAD", head.headers["Content-Encoding"], "gzip")
    lab.equal("body of HEAD", head.body, b"")
    return f"{len(plain.body)} bytes in {len(zipped.body)}"


def health(rig):
    daemon = rig.daemon
    for path in ("/-/healthy", "/-/ready"):
        reply = daemon.get(path)
        lab.equal(f"status of {path}", reply.status, 200)
        assert reply.body.strip(), f"{path} says nothing"


def config(rig):
    reply = rig.daemon.get("/config")
    lab.equal("status", reply.status, 200)
    lab.equal("type", reply.headers["Content-Type"], "text/plain; charset=utf-8")
    lab.equal("/config", reply.text, lab.run(
        rig.auditor, "config", "--effective", "-c", str(rig.daemon.config)))


def landing(rig):
    reply = rig.daemon.get("/")
    lab.equal("status", reply.status, 200)
    assert reply.headers["Content-Type"].startswith("text/html"), reply.headers["Content-Type"]
    assert re.search(r"""href=["']?/?metrics\b""", reply.text), "no link to /metrics"


def not_found(rig):
    daemon = rig.daemon
    for path in ("/nothing", "/metrics/", "/metricsx", "/-/", "/metrics%00x", "//metrics",
                 "/../etc/passwd", "/%2e%2e/etc/passwd"):
        status = daemon.get(path).status
        assert status in (400, 404), f"{path}: {status}"
    lab.equal("status of /nothing", daemon.get("/nothing").status, 404)
    lab.equal("status with a query", daemon.get("/metrics?x=1").status, 200)


def methods(rig):
    daemon = rig.daemon
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        for path in PATHS:
            reply = daemon.get(path, method=method)
            lab.equal(f"status of {method} {path}", reply.status, 405)
            allow = {word.strip() for word in reply.headers.get("Allow", "").split(",")}
            assert {"GET", "HEAD"} <= allow, f"{method} {path}: Allow is {allow}"
    reply = daemon.get("/-/reload", method="POST")
    lab.equal("status of POST /-/reload, off by default", reply.status, 403)
    assert "http.reload" in reply.text, f"the key is not named: {reply.text}"
    lab.equal("reloads", daemon.scrape().value("xdp_auditor_config_reloads_total"), 0)


def head(rig):
    daemon = rig.daemon
    for path in PATHS:
        get, reply = daemon.get(path), daemon.get(path, method="HEAD")
        lab.equal(f"status of HEAD {path}", reply.status, 200)
        lab.equal(f"body of HEAD {path}", reply.body, b"")
        lab.equal(f"type of HEAD {path}", reply.headers["Content-Type"],
                  get.headers["Content-Type"])
    answer = raw(daemon, b"HEAD /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    lab.equal("what follows the headers", answer.partition(b"\r\n\r\n")[2], b"")


def keep_alive(rig):
    """Several requests on one connection, as Prometheus makes them."""
    daemon = rig.daemon
    connection = lab.Connection(daemon.netns, lab.PORT, 10)
    with contextlib.closing(connection):
        for _ in range(20):
            connection.request("GET", "/metrics")
            reply = lab.Reply(connection.getresponse())
            lab.equal("status", reply.status, 200)
            lab.check_conservation(lab.Scrape(reply.text))
            assert connection.sock, "the connection was closed"


def ipv6(rig):
    lab.need(socket.has_ipv6, "no IPv6 on this machine")
    with rig.wire.monitor.entered(), socket.create_connection(("::1", 9401), 10) as connection:
        connection.sendall(b"GET /-/healthy HTTP/1.0\r\n\r\n")
        assert b" 200 " in connection.recv(4096).split(b"\r\n")[0]


def crowd(rig):
    """Clients that say nothing do not keep the others waiting, and many at once all get a page."""
    daemon = rig.daemon
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            with rig.wire.monitor.entered():
                silent = stack.enter_context(socket.create_connection(("127.0.0.1", lab.PORT)))
            silent.sendall(b"GET /met")
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for scrape in pool.map(lambda _: daemon.scrape(), range(40)):
                lab.check_exact(scrape, rig.report)


def malformed(rig):
    """Nonsense gets an error or nothing, never a page, and the daemon lives on."""
    daemon = rig.daemon
    for octets in (b"\x00" * 100, b"GET\r\n\r\n", b"GET /metrics\r\n\r\n" * 3,
                   b"GET /metrics HTTP/9.9\r\n\r\n", b"GET " + b"/" * 100000 + b" HTTP/1.1\r\n\r\n",
                   b"GET /metrics HTTP/1.1\r\n" + b"X: y\r\n" * 20000 + b"\r\n"):
        answer = raw(daemon, octets, timeout=1)
        assert not answer.startswith(b"HTTP/1.1 200"), f"{octets[:40]!r}: {answer[:40]!r}"
    assert daemon.ready()


if __name__ == "__main__":
    lab.main(lab.Group(server, metrics, openmetrics, negotiation, compressed, health, config,
                       landing, not_found, methods, head, keep_alive, ipv6, crowd, malformed))
