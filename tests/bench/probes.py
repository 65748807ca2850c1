#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""netflow_filter against the pcap probes that Debian ships, by CPU time a packet.

A probe reads the same packets from a file: its user and system time, minus those for a file of one
packet (softflowd waits for more than none), over the packets. The filter: what it costs above the
empty program, by bench_packet. Both are measured in each round and compared within it, for what
else runs takes cache from both. Neither side has the driver, and the probes have no socket to read
from; the daemon's snapshots are not in it, nor is what the probes would export.
"""

import ctypes
import os
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile

ROUNDS = 7
DEADLINE = 300
PACKETS = 1 << 20
SIZES = {1 << 10: "1k", 1 << 16: "64k"}
# What bench_packet sends with, so that both walk the flows in one order.
MULTIPLIER, INCREMENT = 1664525, 1013904223
GOALS = {
    ("softflowd", 1 << 10): 0.15,
    ("softflowd", 1 << 16): 0.35,
    ("pmacctd", 1 << 16): 0.10,
}
PR_SET_CHILD_SUBREAPER = 36


def capture(path, flows, packets):
    """TCP packets of `flows` flows, 10 microseconds apart; ports and destination as in sender.c."""
    ethernet = b"\0" * 12 + b"\x08\0"
    before = ethernet + struct.pack("!BBHHHBBH", 0x45, 0, 40, 0, 0, 64, 6, 0)
    behind = bytes([10, 0, 0, 1]) + struct.pack("!HHIIBBHHH", 40000, 443, 0, 0, 0x50, 16, 0, 0, 0)
    record = struct.Struct("<IIII")
    length = len(before) + 4 + len(behind)
    at = 0
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for number in range(packets):
            at = (at * MULTIPLIER + INCREMENT) & (flows - 1)
            time = number * 10
            file.write(record.pack(1700000000 + time // 10**6, time % 10**6, length, length))
            file.write(before + struct.pack("<I", at) + behind)


def softflowd(path, folder):
    files = ["-p", f"{folder}/softflowd.pid", "-c", "none"]
    return ["softflowd", "-d", "-r", path, "-m", "262144", *files]


def pmacctd(path, folder):
    config = f"{folder}/pmacctd.conf"
    with open(config, "w", encoding="ascii") as file:
        file.write(
            "daemonize: false\nplugins: print\nprint_output_file: /dev/null\n"
            f"pcap_savefile: {path}\nprint_refresh_time: 3600\nprint_cache_entries: 131071\n"
            "aggregate: src_host,dst_host,src_port,dst_port,proto\nplugin_buffer_size: 102400\n"
            "plugin_pipe_size: 102400000\n"
        )
    return ["pmacctd", "-f", config]


def overdue(_signal, _frame):
    raise TimeoutError(f"a probe still runs after {DEADLINE} s")


def cpu_seconds(command):
    """User and system time of the command and of all that it leaves behind."""
    with open(os.devnull, "r+b") as null:
        child = subprocess.Popen(command, stdin=null, stdout=null, stderr=null)
    seconds = 0.0
    signal.alarm(DEADLINE)
    try:
        while True:
            _, _, usage = os.wait4(-1, 0)
            seconds += usage.ru_utime + usage.ru_stime
    except ChildProcessError:
        child.returncode = 0
        return seconds
    except BaseException:
        child.kill()
        raise
    finally:
        signal.alarm(0)


def filter_costs(bench_packet):
    run = subprocess.run([bench_packet, "cost"], capture_output=True, text=True, check=False)
    if run.returncode:
        sys.stderr.write(run.stderr)
        sys.exit(run.returncode)
    lines = (line.split("\t") for line in run.stdout.splitlines())
    return {int(fields[1]): float(fields[2]) for fields in lines if fields[0] == "cost"}


def probe_costs(make, folder, captures):
    """Nanoseconds a packet by number of flows."""
    start = cpu_seconds(make(captures[0], folder))
    return {
        flows: (cpu_seconds(make(captures[flows], folder)) - start) / PACKETS * 1e9
        for flows in SIZES
    }


def row(name, flows, rounds):
    ours, theirs = (statistics.median(costs) for costs in zip(*rounds))
    ratio = statistics.median(ours / theirs for ours, theirs in rounds)
    goal = GOALS.get((name, flows), 0)
    print(
        f"row\t10 filter / {name}, {SIZES[flows]} flows\t{ours:.4g}\t{theirs:.4g}\tns/packet\t"
        f"{ratio:.3f}\t{goal:.2f}\t{len(rounds)}/{len(rounds)}",
        flush=True,
    )


def compare(probes, bench_packet, folder, captures):
    rounds = {(name, flows): [] for name, _ in probes for flows in SIZES}
    for _ in range(ROUNDS):
        ours = filter_costs(bench_packet)
        for name, make in probes:
            for flows, cost in probe_costs(make, folder, captures).items():
                rounds[name, flows].append((ours[flows], cost))
    for (name, flows), costs in rounds.items():
        row(name, flows, costs)


def installed():
    probes = []
    for name, make in (("softflowd", softflowd), ("pmacctd", pmacctd)):
        if shutil.which(name):
            probes.append((name, make))
        else:
            print(f"note\tno {name} on this machine: nothing about it")
    return probes


def main():
    signal.signal(signal.SIGALRM, overdue)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with tempfile.TemporaryDirectory() as folder:
        captures = {flows: f"{folder}/{flows}.pcap" for flows in (0, *SIZES)}
        for flows, path in captures.items():
            capture(path, flows or 1, PACKETS if flows else 1)
        compare(installed(), sys.argv[1], folder, captures)


if __name__ == "__main__":
    main()
