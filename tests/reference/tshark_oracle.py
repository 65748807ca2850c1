#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Is the reference right? tshark says what the frames of captures are, and the two are compared.

What tshark shows of the outermost IP header is turned into a Result of its own, without a look at
the frame's bytes. A difference is either in the table RULES, with the reason, or it is printed.
"""

import argparse
import ipaddress
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import xml.parsers.expat

import frames
import xa_reference as ref

# Fragments are taken one by one; lengths of 0 mean "to the end"; a port is no reason to stop early.
TSHARK = ["tshark", "-n", "-T", "pdml"]
TSHARK_OPTIONS = (
    "ip.defragment:FALSE",
    "ipv6.defragment:FALSE",
    "ip.tso_support:TRUE",
    "ipv6.tso_support:TRUE",
    "eth.interpret_as_fw1_monitor:FALSE",
)
PCAP_LINKTYPES = {"ethernet": 1, "ip": 101}

# tshark shows two S-tags in a row as one layer with two numbers, and no EtherType behind an S-tag.
TAG_FIELDS = {
    "vlan": ("vlan.id",),
    "ieee8021ad": ("ieee8021ad.id", "ieee8021ad.svid", "ieee8021ad.cvid"),
}
# What tshark puts in the place of a layer that it could not read to its end.
GAVE_UP = {"_ws.malformed", "_ws.unreassembled"}
NOT_THE_LAST = {None, ref.ETHERTYPE_IPV4, ref.ETHERTYPE_IPV6} | ref.ETHERTYPES_VLAN
# Number of an extension header -> tshark's name of it, and of its next header field.
EXT_LAYERS = {
    ref.HOP_BY_HOP: ("ipv6.hopopts", "ipv6.hopopts.nxt"),
    ref.ROUTING: ("ipv6.routing", "ipv6.routing.nxt"),
    ref.FRAGMENT: ("ipv6.fraghdr", "ipv6.fraghdr.nxt"),
    ref.DESTINATION: ("ipv6.dstopts", "ipv6.dstopts.nxt"),
    ref.AH: ("ah", "ah.next_header"),
    ref.MOBILITY: ("mipv6", "mip6.proto"),
}
# What may stand in front of a transport header.
HEADERS = {"eth", "raw", "ip", "ipv6"} | TAG_FIELDS.keys()
HEADERS |= {name for name, _ in EXT_LAYERS.values()}
# Protocol, or IP version and protocol -> tshark's names of the layer and of the key's two fields.
TRANSPORT_LAYERS = {
    ref.TCP: ("tcp", "tcp.srcport", "tcp.dstport"),
    ref.UDP: ("udp", "udp.srcport", "udp.dstport"),
    ref.UDPLITE: ("udplite", "udp.srcport", "udp.dstport"),
    ref.SCTP: ("sctp", "sctp.srcport", "sctp.dstport"),
    ref.DCCP: ("dccp", "dccp.srcport", "dccp.dstport"),
}
ICMP_LAYERS = {
    (4, ref.ICMP): ("icmp", "icmp.type", "icmp.code"),
    (6, ref.ICMPV6): ("icmpv6", "icmpv6.type", "icmpv6.code"),
}


# ---- what tshark says -------------------------------------------------------------------------


class Layer:
    """One protocol of one frame as tshark dissected it; of each field the first value shown."""

    def __init__(self, name, start=0, size=0):
        self.name = name
        self.start = start
        self.size = size
        self.fields = {}

    def number(self, field):
        text = self.fields.get(field)
        return int(text, 0) if text else None

    def address(self, field):
        text = self.fields.get(field)
        return ipaddress.ip_address(text).packed if text else None


class PdmlReader:
    """Collects each packet's layers in the order in which tshark dissected them."""

    def __init__(self):
        self.packets = []
        self._open = []
        # What is read is ASCII; tshark cuts vendors' names in the middle of a UTF-8 character.
        self.parser = xml.parsers.expat.ParserCreate("iso-8859-1")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end

    def _start(self, element, attributes):
        if element == "packet":
            self.packets.append([])
        elif element == "proto":
            place = int(attributes.get("pos", 0)), int(attributes.get("size", 0))
            layer = Layer(attributes["name"], *place)
            self._open.append(layer)
            self.packets[-1].append(layer)
        elif element == "field" and self._open:
            self._open[-1].fields.setdefault(attributes["name"], attributes.get("show", ""))

    def _end(self, element):
        if element == "proto":
            self._open.pop()


def write_pcap(path, link, chunks):
    """Captured and original length are the same: tshark then knows no more than the reference."""
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, PCAP_LINKTYPES[link]))
        for number, frame in enumerate(chunks):
            out.write(struct.pack("<IIII", number, 0, len(frame), len(frame)) + frame)


def dissect(link, chunks):
    """The layers of each frame, from the link layer on; one run of tshark for all captures."""
    command = TSHARK + [word for option in TSHARK_OPTIONS for word in ("-o", option)]
    reader = PdmlReader()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "frames.pcap")
        write_pcap(path, link, chunks)
        with subprocess.Popen(
            command + ["-r", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            reader.parser.ParseFile(process.stdout)
    if process.returncode or len(reader.packets) != len(chunks):
        raise RuntimeError(f"tshark: status {process.returncode}, {len(reader.packets)} packets")
    return [layers[2:] for layers in reader.packets]  # without "geninfo" and "frame"


# ---- as a Result ------------------------------------------------------------------------------


def observe(layers, link):
    """What the reference should say of a frame that tshark dissected like this."""
    if link == "ethernet":
        return observe_ethernet(layers)
    if layers and layers[0].name == "raw":
        layers = layers[1:]
    if not layers or layers[0].name not in ("ip", "ipv6"):
        return ref.IP_VERSION
    return observe_ip(layers, 0)


def observe_ethernet(layers):
    shown = layers[0].fields.keys() if layers else set()
    if not {"eth.type", "eth.len", "eth.invalid_lentype"} & shown:
        return ref.TRUNCATED
    ethertype = layers[0].number("eth.type") or layers[0].number("eth.len")
    rest = layers[1:]
    ids = []
    while rest and rest[0].name in TAG_FIELDS:
        found = [rest[0].number(field) for field in TAG_FIELDS[rest[0].name]]
        ids += [number for number in found if number is not None]
        ethertype = rest[0].number("vlan.etype") or rest[0].number("vlan.len")
        rest = rest[1:]
    if len(ids) > ref.VLAN_TAGS_MAX:
        return ref.VLAN_LIMIT
    if rest and rest[0].name in ("ip", "ipv6"):
        return observe_ip(rest, ids[0] if ids else 0)
    if not rest or rest[0].name not in GAVE_UP or ethertype not in NOT_THE_LAST:
        return ref.NON_IP
    return ref.TRUNCATED


def observe_ip(layers, vlan):
    return (observe_ipv4 if layers[0].name == "ip" else observe_ipv6)(layers, vlan)


def observe_ipv4(layers, vlan):
    ip = layers[0]
    version, header_len = ip.number("ip.version"), ip.number("ip.hdr_len")
    if version is not None and version != 4:
        return ref.IP_VERSION
    if header_len is not None and header_len < 20:
        return ref.IP_HEADER_LEN
    if ip.number("ip.len") and ip.number("ip.len") < header_len:
        return ref.IP_TOTAL_LEN
    # With a source route tshark calls the last hop ip.dst, and the header's own field this.
    dst = ip.address("ip.cur_rt") or ip.address("ip.dst")
    if dst is None:
        return ref.TRUNCATED
    flow = ref.Result(
        family=4,
        src=ip.address("ip.src"),
        dst=dst,
        proto=ip.number("ip.proto"),
        vlan=vlan,
        tos=ip.number("ip.dsfield"),
        ttl=ip.number("ip.ttl"),
    )
    if ip.number("ip.frag_offset"):
        flow.fragment = True
        return flow
    return observe_transport(flow, layers[1:])


def observe_ipv6(layers, vlan):
    ip = layers[0]
    if ip.number("ipv6.version") not in (6, None):
        return ref.IP_VERSION
    if ip.address("ipv6.dst") is None:
        return ref.TRUNCATED
    flow = ref.Result(
        family=6,
        src=ip.address("ipv6.src"),
        dst=ip.address("ipv6.dst"),
        vlan=vlan,
        tos=ip.number("ipv6.tclass"),
        ttl=ip.number("ipv6.hlim"),
    )
    flow.proto = ip.number("ipv6.nxt")
    for walked, layer in enumerate(layers[1:] + [Layer("")]):
        if flow.proto not in EXT_LAYERS:
            return observe_transport(flow, layers[1 + walked :])
        if walked == ref.EXT_HEADERS_MAX:
            return ref.EXT_LIMIT
        name, next_field = EXT_LAYERS[flow.proto]
        if layer.name != name or layer.number(next_field) is None:
            break
        flow.proto = layer.number(next_field)
        if layer.number("ipv6.fraghdr.offset"):
            flow.fragment = True
            return flow
    return cut(flow)


def cut(flow):
    """Truncated, but what tshark has shown before is kept, for the rules to compare."""
    flow.class_name = "truncated"
    return flow


def observe_transport(flow, layers):
    wanted = TRANSPORT_LAYERS.get(flow.proto) or ICMP_LAYERS.get((flow.family, flow.proto))
    if wanted is None:
        return flow
    name, first, second = wanted
    if not layers or layers[0].name != name:
        return cut(flow)
    flow.sport, flow.dport = layers[0].number(first), layers[0].number(second)
    if flow.sport is None or flow.dport is None:
        return cut(flow)
    flow.tcp_flags = (layers[0].number("tcp.flags") or 0) & 0xFF
    return flow


# ---- the comparison ---------------------------------------------------------------------------


class Case:
    """One frame, both opinions of it, and the names of what tshark dissected, link layer first."""

    def __init__(self, source, number, link, frame, layers):
        self.source = source
        self.number = number
        self.frame = frame
        self.ours = ref.parse(frame, link)
        self.theirs = observe(layers, link)
        self.layers = layers
        self.names = [layer.name for layer in layers]

    def classes(self):
        return self.ours.class_name, self.theirs.class_name

    def agrees(self):
        if self.classes() == ("flow", "flow"):
            return self.ours == self.theirs
        return self.ours.class_name == self.theirs.class_name

    def differing(self):
        names = ref.Result.__slots__
        return [name for name in names if getattr(self.ours, name) != getattr(self.theirs, name)]

    def same_ip_header(self):
        """Where tshark stopped early, what it has shown until then has to agree all the same."""
        wanted = {"class_name", "sport", "dport", "proto", "fragment", "tcp_flags"}
        return self.ours.class_name != "flow" or wanted >= set(self.differing())

    def last_header(self):
        """The last one in front of the transport header that tshark has dissected."""
        last = None
        for layer in self.layers:
            if layer.name not in HEADERS:
                break
            last = layer
        return last

    def stops_at(self, *names):
        last = self.last_header()
        return self.theirs.class_name == "truncated" and last is not None and last.name in names

    def outer_ip(self):
        return next((layer for layer in self.layers if layer.name in ("ip", "ipv6")), None)

    def room(self):
        """How many bytes stand behind the last header by the lengths that tshark shows; negative
        if that header is not whole."""
        ip, last = self.outer_ip(), self.last_header()
        if ip.name == "ip":
            length, size = ip.number("ip.len"), ip.number("ip.hdr_len") or 20
        else:
            payload_len = ip.number("ipv6.plen")
            length, size = payload_len and 40 + payload_len, 40
        end = min(len(self.frame), ip.start + (length or len(self.frame)))
        return end - (ip.start + size if last is ip else last.start + last.size)


def stops_at_mobility(case):
    guessed = "mipv6" in case.names and GAVE_UP & set(case.names) and case.classes()[1] == "flow"
    return case.stops_at("mipv6") or guessed


def stops_at_contents(case):
    return case.stops_at("ipv6.hopopts", "ipv6.dstopts", "ipv6.routing")


def wants_jumbo_option(case):
    ip = case.outer_ip()
    return case.stops_at("ipv6") and ip.number("ipv6.plen") == ip.number("ipv6.nxt") == 0


def wants_whole_transport(case):
    needed = 4 if case.ours.proto in TRANSPORT_LAYERS else 2
    return case.classes() == ("flow", "truncated") and case.room() >= needed


def shows_half_a_header(case):
    if case.classes() not in (("truncated", "flow"), ("truncated", "ext_limit")):
        return False
    return not GAVE_UP.isdisjoint(case.names) and case.room() <= 0


def judges_before_the_end(case):
    by_value = case.theirs.class_name in ("ip_version", "ip_header_len", "ip_total_len")
    ip = case.outer_ip()
    if case.ours.class_name != "truncated" or not by_value or ip is None:
        return False
    whole = max(20, ip.number("ip.hdr_len") or 0) if ip.name == "ip" else 40
    return len(case.frame) < ip.start + whole


def shows_no_flags(case):
    return case.differing() == ["tcp_flags"] and case.theirs.tcp_flags == 0


def sees_no_last_tag(case):
    return case.classes() == ("vlan_limit", "truncated") and case.names[-1] in GAVE_UP


def hides_the_ethertype(case):
    return case.ours.class_name == "non_ip" and case.stops_at("ieee8021ad")


def needs_ten_bytes(case):
    return case.names[:2] == ["raw", "_ws.malformed"] and len(case.frame) < 10


# (what a difference looks like, why it is tshark's own)
RULES = (
    (needs_ten_bytes, "tshark tells what raw IP is from ten bytes; the first has the version"),
    (stops_at_mobility, "tshark loses chains at a mobility header: RFC 6275 lets only 59 follow"),
    (stops_at_contents, "tshark ends at options or a route that make no sense; a key skips them"),
    (wants_jumbo_option, "tshark wants a jumbo option where the length is 0; BIG TCP has none"),
    (wants_whole_transport, "tshark wants the whole transport header, not the ports alone"),
    (shows_half_a_header, "tshark shows the fields that are there of a header that is not whole"),
    (judges_before_the_end, "tshark judges a field of a header before it misses the header's end"),
    (shows_no_flags, "tshark shows no flags if the TCP header is not whole or its offset under 5"),
    (hides_the_ethertype, "tshark shows no EtherType behind an S-tag with too little behind it"),
    (sees_no_last_tag, "the fifth tag is a limit by its EtherType; tshark wants to see the tag"),
)


def explain(case):
    for looks_like, reason in RULES:
        if looks_like(case) and case.same_ip_header():
            return reason
    return None


def cases(inputs):
    """`inputs` are (source, number, link, frame)."""
    for link in PCAP_LINKTYPES:
        mine = [entry for entry in inputs if entry[2] == link]
        if mine:
            dissected = dissect(link, [frame for _, _, _, frame in mine])
            yield from (Case(*entry, layers) for entry, layers in zip(mine, dissected))


class Score:
    """What came of one source's frames."""

    def __init__(self):
        self.agree = 0
        self.explained = {}
        self.unexplained = []

    def add(self, case):
        reason = None if case.agrees() else explain(case)
        if case.agrees():
            self.agree += 1
        elif reason:
            self.explained[reason] = self.explained.get(reason, 0) + 1
        else:
            self.unexplained.append(case)

    def print(self, source, verbose):
        explained = sum(self.explained.values())
        total = self.agree + explained + len(self.unexplained)
        print(
            f"{source}: {total} frames, {self.agree} agree, {explained} explained, "
            f"{len(self.unexplained)} unexplained"
        )
        if verbose:
            for reason, count in sorted(self.explained.items()):
                print(f"    {count} explained: {reason}")
        for case in self.unexplained:
            print(f"    frame {case.number}: {' '.join(case.names)}")
            print(f"        reference {case.ours}\n        tshark    {case.theirs}")
            print(f"        {case.frame[:128].hex()}")


def compare(inputs, verbose):
    """Prints a line for each source; returns how many differences nobody has explained."""
    scores = {source: Score() for source, _, _, _ in inputs}
    for case in cases(inputs):
        scores[case.source].add(case)
    for source, score in scores.items():
        score.print(source, verbose)
    return sum(len(score.unexplained) for score in scores.values())


def captures(paths):
    """The pcap files among `paths`, and those directly in the folders among them."""
    for path in paths:
        if os.path.isdir(path):
            names = sorted(name for name in os.listdir(path) if name.endswith(".pcap"))
            yield from (os.path.join(path, name) for name in names)
        else:
            yield path


def read_inputs(args):
    inputs = []
    for path in captures(args.paths):
        for number, (link, frame) in enumerate(frames.read_pcap(path), 1):
            inputs.append((os.path.basename(path), number, link, frame))
    if args.count:
        for number, (link, frame) in enumerate(frames.generate(args.seed, args.count)):
            inputs.append((f"seed {args.seed}", number, link, frame))
    return inputs


def main():
    options = argparse.ArgumentParser(description="Compares the reference parser with tshark.")
    options.add_argument("paths", nargs="*", help="pcap files, or folders of them")
    options.add_argument("--seed", type=int, default=1, help="of the frames that are made")
    options.add_argument("--count", type=int, default=0, help="how many frames to make")
    options.add_argument("--verbose", action="store_true", help="show what explains differences")
    args = options.parse_args()
    missing = [path for path in args.paths if not os.path.exists(path)]
    if missing:
        print(f"skipped: no captures at {missing[0]}")
        return 77
    if not shutil.which("tshark"):
        print("skipped: tshark is not installed")
        return 77
    try:
        return 1 if compare(read_inputs(args), args.verbose) else 0
    except (OSError, ValueError, RuntimeError, xml.parsers.expat.ExpatError) as error:
        print(f"tshark_oracle.py: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
