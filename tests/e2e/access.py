# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may talk to the daemon: curl and Prometheus with and without what is asked of them."""

import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading

import lab
from prometheus import PROMETHEUS_PORT, query

USER, PASSWORD = "scraper", "correct horse"
# Of that password, with cost 10.
HASH = "$2b$10$E4Uwkrx/uX/U5t8IHyAmwO1ZzvZ5ndjYSj55WOcJn/iQ0aMjioUyK"
TOKEN = "dG9rZW4tb2YtdGhlLXRlc3Q"
CLIENTS = ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.crt"


def certificate(folder, name, *issuer):
    """NAME.crt and NAME.key; signed by themselves, or by the issuer's."""
    new = ["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / f"{name}.key",
           "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"]
    if not issuer:
        lab.run(*new, "-x509", "-days", "2", "-out", folder / f"{name}.crt")
    else:
        lab.run(*new, "-out", folder / "csr")
        lab.run("openssl", "x509", "-req", "-in", folder / "csr", "-CA", folder / f"{issuer[0]}.crt",
                "-CAkey", folder / f"{issuer[0]}.key", "-CAcreateserial", "-days", "2",
                "-out", folder / f"{name}.crt")


class Rig:
    """A daemon on a wire, and a folder of certificates beside its configuration."""

    def __init__(self, world):
        for tool in ("openssl", "curl"):
            lab.need_tool(tool)
        self.world, self.dir = world, world.dir
        self.wire = world.wire()
        certificate(self.dir, "one")
        certificate(self.dir, "two")
        certificate(self.dir, "ca")
        certificate(self.dir, "client", "ca")
        self.put("one")
        (self.dir / "token").write_text(TOKEN + "\n")
        (self.dir / "token").chmod(0o600)
        self.config = world.config(
            self.wire.monitor_if,
            extra="http: {web_config_file: web.yml, bearer_token_file: token}\n")
        self.web()
        self.daemon = world.start(self.wire.monitor, self.config)
        self.daemon.wait_line(f"serving https://127.0.0.1:{lab.PORT}/metrics")

    def web(self, tls=""):
        (self.dir / "web.yml").write_text(
            f"tls_server_config: {{cert_file: cert.pem, key_file: key.pem{tls}}}\n"
            f"basic_auth_users: {{{USER}: '{HASH}'}}\n")

    def put(self, name):
        """The key first: between the two renames they do not fit."""
        for kind, file in (("key", "key.pem"), ("crt", "cert.pem")):
            shutil.copy(self.dir / f"{name}.{kind}", self.dir / "new")
            os.chmod(self.dir / "new", 0o600)
            os.rename(self.dir / "new", self.dir / file)

    def curl(self, *arguments, path="/metrics", ca="one"):
        """The status, 0 where there was none."""
        command = ["curl", "-qs", "-m", "20", "-o", "/dev/null", "-w", "%{http_code}", "--cacert",
                   f"{ca}.crt", *arguments, f"https://127.0.0.1:{lab.PORT}{path}"]
        with self.wire.monitor.entered():
            done = subprocess.run(command, cwd=self.dir, capture_output=True, text=True,
                                  timeout=60, check=False)
        return int(done.stdout)

    def reload(self, pattern):
        """HUP; the line of the log that matches, among those that follow."""
        after = len(self.daemon.lines)
        self.daemon.signal(1)
        return self.daemon.wait_line(pattern, after)


KNOWN = ("-u", f"{USER}:{PASSWORD}")


def server(world):
    return Rig(world)


def passwords(rig):
    lab.equal("without a password", rig.curl(), 401)
    lab.equal("with a wrong one", rig.curl("-u", f"{USER}:wrong"), 401)
    lab.equal("with an unknown name", rig.curl("-u", f"nobody:{PASSWORD}"), 401)
    lab.equal("with the right one", rig.curl(*KNOWN), 200)
    lab.equal("with the token", rig.curl("-H", f"Authorization: Bearer {TOKEN}"), 200)
    lab.equal("with another token", rig.curl("-H", f"Authorization: Bearer {TOKEN}x"), 401)
    for path in ("/-/healthy", "/-/ready"):
        lab.equal(f"{path} without a password", rig.curl(path=path), 200)
    lab.equal("by another certificate", rig.curl(*KNOWN, ca="two"), 0)


def secrets(rig):
    """Neither /config nor the log has any."""
    done = subprocess.run([rig.world.auditor, "config", "--effective", "-c", rig.config],
                          capture_output=True, text=True, timeout=60, check=True)
    for secret in (HASH, TOKEN, PASSWORD):
        assert secret not in done.stdout, "config --effective shows a secret"
        assert secret not in rig.daemon.stderr(), "the log shows a secret"


def client_certificates(rig):
    rig.web(CLIENTS)
    rig.reload("config reloaded")
    lab.equal("without a certificate", rig.curl(*KNOWN), 0)
    lab.equal("with somebody's", rig.curl(*KNOWN, "--cert", "two.crt", "--key", "two.key"), 0)
    ours = ("--cert", "client.crt", "--key", "client.key")
    lab.equal("with ours", rig.curl(*KNOWN, *ours), 200)
    lab.equal("with ours, without a password", rig.curl(*ours), 401)
    rig.web()
    rig.reload("config reloaded")
    lab.equal("no longer asked for", rig.curl(*KNOWN), 200)


def from_before(rig):
    """A session from before certificates were asked for is good for nothing behind the gate."""
    context = ssl.create_default_context(cafile=rig.dir / "one.crt")
    context.check_hostname = False
    with rig.wire.monitor.entered():
        plain = socket.create_connection(("127.0.0.1", lab.PORT), 10)
    with context.wrap_socket(plain) as connection:
        def status(path):
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            reply = http.client.HTTPResponse(connection)
            try:
                reply.begin()
            except (http.client.RemoteDisconnected, ConnectionError, ssl.SSLError):
                return 0
            reply.read()
            return reply.status
        lab.equal("health", status("/-/healthy"), 200)
        lab.equal("metrics", status("/metrics"), 401)
        (rig.dir / "web.yml").write_text(
            f"tls_server_config: {{cert_file: cert.pem, key_file: key.pem{CLIENTS}}}\n")
        (rig.config).write_text(rig.config.read_text().replace(
            ", bearer_token_file: token", ""))
        after = len(rig.daemon.lines)
        rig.reload("config reloaded")
        assert any("no password and no token" in line for line in rig.daemon.lines[after:])
        lab.equal("metrics of the session that stands", status("/metrics"), 0)
    lab.equal("with a certificate", rig.curl("--cert", "client.crt", "--key", "client.key"), 200)
    rig.config.write_text(rig.config.read_text().replace(
        "web_config_file: web.yml", "web_config_file: web.yml, bearer_token_file: token"))
    rig.web()
    rig.reload("config reloaded")


def socket_file(world):
    """It outlives that TLS comes and goes, whose listener is another."""
    lab.need_tool("openssl")
    certificate(world.dir, "one")
    (world.dir / "one.key").chmod(0o600)
    (world.dir / "web.yml").write_text("tls_server_config: {cert_file: one.crt, key_file: one.key}\n")
    wire = world.wire()
    config = world.config(wire.monitor_if)
    plain = config.read_text().replace(f"listen: 127.0.0.1:{lab.PORT}",
                                       f"listen: [127.0.0.1:{lab.PORT}, 'unix:{world.dir}/http']")
    config.write_text(plain)
    daemon = world.start(wire.monitor, config)
    daemon.wait_line("serving /metrics at")
    for scheme, more in (("https", "http: {web_config_file: web.yml}\n"), ("http", "")):
        config.write_text(plain + more)
        after = len(daemon.lines)
        daemon.signal(1)
        daemon.wait_line("config reloaded", after)
        lab.run("curl", "-qfsk", "--unix-socket", world.dir / "http", "-o", "/dev/null",
                f"{scheme}://localhost/-/healthy")


def bad_files(rig):
    """Each is refused with its place, and the one before runs on."""
    good = (rig.dir / "web.yml").read_text()
    key = rig.dir / "key.pem"
    for text, says in (("", r"web\.yml: .*has no keys"),
                       ("# half of it\n", r"web\.yml: .*has no keys"),
                       ("tls_server_confg: {}\n", r"web\.yml:1:1: unknown key"),
                       (good.replace("key.pem", "two.key"), r"web\.yml:1:\d+: .*not that of the key"),
                       (good.replace(HASH, PASSWORD), r"web\.yml:2:\d+: .*not a bcrypt hash")):
        (rig.dir / "web.yml").write_text(text)
        rig.reload(says)
        lab.equal("after a bad reload", rig.curl(*KNOWN), 200)
        lab.equal("after a bad reload, without a password", rig.curl(), 401)
    (rig.dir / "web.yml").write_text(good)
    key.chmod(0o644)
    rig.reload(r"web\.yml:1:\d+: .*chmod o=")
    key.chmod(0o600)
    secrets(rig)
    rig.reload("config reloaded")
    config = rig.config.read_text()
    rig.config.write_text(config.partition("http:")[0].replace("127.0.0.1", "0.0.0.0"))
    rig.reload("listen: .*not a loopback address, and TLS and authentication is missing")
    rig.config.write_text(config)
    lab.equal("after all of it", rig.curl(*KNOWN), 200)


def renewal(rig):
    """Under traffic, without a reload: every request is answered, by the one or the other."""
    stop, statuses = threading.Event(), []

    def ask():
        while not stop.is_set():
            statuses.append(rig.curl(*KNOWN, "--cacert", "both.crt"))

    both = "".join((rig.dir / f"{name}.crt").read_text() for name in ("one", "two"))
    (rig.dir / "both.crt").write_text(both)
    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for name, other in (("two", "one"), ("one", "two")):
            rig.put(name)

            def is_new(name=name):
                lab.equal(f"by {name}", rig.curl(*KNOWN, ca=name), 200)
                return True
            lab.wait_for(f"certificate {name} to be served", is_new, deadline=30)
            lab.equal(f"by {other}", rig.curl(*KNOWN, ca=other), 0)
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert len(statuses) > 10, f"only {len(statuses)} requests"
    lab.equal("statuses", set(statuses), {200})


def prometheus(rig):
    """Debian's own, with tls_config and basic_auth."""
    binary = lab.need_tool("prometheus")
    config = rig.dir / "prometheus.yml"
    config.write_text(json.dumps({
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "scrape_configs": [{
            "job_name": "xdp-auditor", "scheme": "https",
            "tls_config": {"ca_file": str(rig.dir / "one.crt")},
            "basic_auth": {"username": USER, "password": PASSWORD},
            "static_configs": [{"targets": [f"127.0.0.1:{lab.PORT}"]}]}]}))
    rig.world.process(binary, f"--config.file={config}",
                      f"--storage.tsdb.path={rig.dir / 'data'}",
                      f"--web.listen-address=127.0.0.1:{PROMETHEUS_PORT}", "--log.level=warn",
                      netns=rig.wire.monitor, cwd=rig.dir)

    def is_up():
        found = query(rig.wire.monitor, 'up{job="xdp-auditor"}')
        lab.equal("up", [value for _, value in found], [1])
        return True
    lab.wait_for("Prometheus to have scraped", is_up, deadline=60, pause=0.2)


def insecure(world):
    """All addresses, without anything: only by that word, and never without a warning."""
    wire = world.wire()
    config = world.config(wire.monitor_if)
    config.write_text(config.read_text().replace("127.0.0.1:", "0.0.0.0:"))
    refused = world.start(wire.monitor, config)
    lab.equal("exit status", refused.wait(), 78)
    assert "http.insecure" in refused.stderr(), refused.stderr()
    daemon = world.daemon(wire.monitor, config, "--set", "http.insecure=true")
    warning = "http.insecure: .* TLS and authentication is missing"
    daemon.wait_line(warning)
    after = len(daemon.lines)
    daemon.signal(1)
    daemon.wait_line(warning, after)
    lab.equal("status", daemon.get("/metrics").status, 200)


if __name__ == "__main__":
    lab.main(lab.Group(server, passwords, secrets, client_certificates, from_before, bad_files,
                       renewal, prometheus), insecure, socket_file)
