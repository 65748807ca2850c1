# SPDX-License-Identifier: GPL-2.0-or-later
"""Long files of networks: 10,000 name the addresses of a capture as Python's ipaddress finds them,
50,000 fit into the memory that a worker has by default, and one more is refused. A pipe in the place
of a file is not waited for."""

import ipaddress
import os
import pathlib
import random
import re
import struct
import subprocess
import sys
import tempfile

NETWORKS, MOST, FLOWS = 10_000, 50_000, 2000
CONFIG = """interface: eth0
top_k: {flows}
metrics: {{max_series: 100000}}
policy:
  deadline: 10s
  max_values: 200
  stages:
    - zones: {{file: zones.txt, networks: {{yaml: 198.51.100.0/24}}}}
"""
BITS = {4: 32, 6: 128}
BAD_CONFIG = 78


def address(chance, version):
    return ipaddress.ip_address(chance.getrandbits(BITS[version]).to_bytes(BITS[version] // 8, "big"))


def networks_of(chance):
    """{network: zone}, many of them within others."""
    found = {}
    while len(found) < NETWORKS:
        version = chance.choice((4, 6))
        inside = chance.choice(list(found)) if found and len(found) % 64 == 0 else None
        base = inside[chance.randrange(min(inside.num_addresses, 2**62))] if inside else address(
            chance, version)
        shortest = inside.prefixlen if inside else 6
        network = ipaddress.ip_network((base, chance.randint(shortest, base.max_prefixlen)), False)
        found[network] = f"zone{chance.randrange(100)}"
    return found


def longest(networks, found, lengths):
    """The zone of the longest network that holds the address."""
    for length in lengths[found.version]:
        zone = networks.get(ipaddress.ip_network((found, length), False))
        if zone:
            return zone
    return ""


def addresses(chance, networks):
    """Of one family, source and destination: in some network or, now and then, anywhere."""
    version = chance.choice((4, 6))
    some = [network for network in chance.sample(list(networks), 40) if network.version == version]
    pair = [network[chance.randrange(min(network.num_addresses, 2**62))] for network in some[:2]]
    if len(pair) < 2 or chance.random() < 0.2:
        pair = [address(chance, version), address(chance, version)]
    return pair


def frame(src, dst, port):
    udp = struct.pack("!HHHH", port, 53, 8, 0)
    if src.version == 6:
        head = struct.pack("!IHBB", 6 << 28, len(udp), 17, 64)
    else:
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0)
    kind = struct.pack("!H", 0x86DD if src.version == 6 else 0x0800)
    return bytes(12) + kind + head + src.packed + dst.packed + udp


def write_capture(path, flows):
    data = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    for port, (src, dst) in enumerate(flows, 1024):
        packet = frame(src, dst, port)
        data += struct.pack("<IIII", 1700000000, port, len(packet), len(packet)) + packet
    path.write_bytes(data)


def write_list(folder, networks):
    pathlib.Path(folder, "zones.txt").write_text(
        "# NETWORK ZONE\n" + "".join(f"{network} {zone}\n" for network, zone in networks))


def run(auditor, folder, *command):
    """The config's path is relative to another folder than the list's."""
    return subprocess.run([auditor, *command], cwd=folder.parent, capture_output=True, text=True,
                          timeout=60, check=False)


def labels_as_ipaddress(auditor, folder):
    chance = random.Random(20)
    networks = networks_of(chance)
    lengths = {version: sorted({network.prefixlen for network in networks
                                if network.version == version}, reverse=True) for version in BITS}
    flows = [addresses(chance, networks) for _ in range(FLOWS)]
    write_list(folder, networks.items())
    write_capture(folder / "flows.pcap", flows)
    config = f"{folder.name}/config.yaml"
    done = run(auditor, folder, "replay", "-c", config, f"{folder.name}/flows.pcap")
    assert done.returncode == 0, done.stderr
    shown = {}
    for line in re.findall(r"^xdp_netflow_flow_packets\{(.*)\}", done.stdout, re.M):
        labels = dict(re.findall(r'(\w+)="([^"]*)"', line))
        if labels["sport"] == "other":
            continue
        shown[int(labels["sport"])] = (labels.get("src_zone", ""), labels.get("dst_zone", ""))
    wanted = {port: tuple(longest(networks, end, lengths) for end in flow)
              for port, flow in enumerate(flows, 1024)}
    wrong = [(flows[port - 1024], shown.get(port), wanted[port]) for port in wanted
             if shown.get(port) != wanted[port]]
    assert not wrong, f"{len(wrong)} of {FLOWS} flows, such as {wrong[0]}"
    named = sum(zone != "" for pair in wanted.values() for zone in pair)
    assert FLOWS < named < 2 * FLOWS, f"{named} addresses have a zone"


def as_many_as_may_be(auditor, folder):
    chance = random.Random(21)
    hosts = {address(chance, 6) for _ in range(MOST)}
    lines = [(f"{host.exploded}/128", f"zone{i % 100}") for i, host in enumerate(hosts)]
    config = f"{folder.name}/config.yaml"
    write_list(folder, lines[1:])  # and one in the config
    done = run(auditor, folder, "check", "-c", config)
    assert done.returncode == 0, done.stderr
    write_list(folder, lines)
    done = run(auditor, folder, "check", "-c", config)
    assert done.returncode == BAD_CONFIG, done.stderr
    assert f"{folder.name}/zones.txt:{MOST + 1}:1: error: " in done.stderr, done.stderr
    assert f"more than {MOST} networks" in done.stderr, done.stderr


def no_file(auditor, folder):
    (folder / "zones.txt").unlink()
    os.mkfifo(folder / "zones.txt")
    done = run(auditor, folder, "check", "-c", f"{folder.name}/config.yaml")
    assert done.returncode == BAD_CONFIG, done.stderr
    assert "not a regular file" in done.stderr, done.stderr


def main(auditor):
    cases = (labels_as_ipaddress, as_many_as_may_be, no_file)
    failed = 0
    with tempfile.TemporaryDirectory() as parent:
        folder = pathlib.Path(parent, "config")
        folder.mkdir()
        (folder / "config.yaml").write_text(CONFIG.format(flows=FLOWS))
        for case in cases:
            try:
                case(auditor, folder)
            except AssertionError as error:
                failed += 1
                print(f"FAIL {case.__name__}: {error}")
    print(f"{len(cases) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve()))
