#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The reference parser against frames written by hand, field by field, from the RFCs' diagrams.

Every class and every edge of every check has a frame here. At the end: properties that must hold
for all frames, the file formats, and a short run against tshark.
"""

import os
import shutil
import struct
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import frames
import tshark_oracle
import xa_reference as ref
from xa_reference import parse

MACS = bytes.fromhex("020000000002 020000000001")
SRC4, DST4 = bytes((192, 0, 2, 1)), bytes((198, 51, 100, 2))
SRC6 = bytes.fromhex("20010db8 00000000 00000000 00000001")
DST6 = bytes.fromhex("20010db8 00000000 00000000 00000002")

# Source port 443 (0x01bb), destination port 51000 (0xc738) in all of them.
PORTS = bytes.fromhex("01bb c738")
UDP = PORTS + bytes.fromhex("0008 0000")
# sequence, acknowledgment, offset 5, flags CWR ACK SYN = 0x92, window, checksum, urgent pointer
TCP = PORTS + bytes.fromhex("00000001 00000002 50 92 2000 0000 0000")
ECHO = bytes.fromhex("08 00 f7ff 0000 0000")
PORT_UNREACHABLE6 = bytes.fromhex("01 04 0000 00000000")


def ether(ethertype, payload, *tags):
    """`tags` are written as hex: "8100 0064" is a C-tag with VLAN 100."""
    return MACS + bytes.fromhex("".join(tags)) + ethertype.to_bytes(2, "big") + payload


def ip4(proto, payload=b"", first=0x45, total=None, fragment=0, options=b""):
    """RFC 791: version, IHL, TOS 0xb8, total length, id, fragment, TTL 64, protocol, checksum."""
    if total is None:
        total = 20 + len(options) + len(payload)
    head = struct.pack("!BBHHHBBH", first, 0xB8, total, 1, fragment, 64, proto, 0)
    return head + SRC4 + DST4 + options + payload


def ip6(following, payload=b"", first=0x6, length=None):
    """RFC 8200: version, class 0xb9, flow label 0xfffff, length, next header, hop limit 63."""
    if length is None:
        length = len(payload)
    head = struct.pack("!IHBB", first << 28 | 0xB9 << 20 | 0xFFFFF, length, following, 63)
    return head + SRC6 + DST6 + payload


def v4(*args, **options):
    return ether(0x0800, ip4(*args, **options))


def v6(*args, **options):
    return ether(0x86DD, ip6(*args, **options))


def ext(following, length=0, kind=0):
    """An extension header of zeroes whose length field says `length`."""
    size = (length + 2) * 4 if kind == ref.AH else (length + 1) * 8
    return bytes((following, length)) + bytes(size - 2)


def fragment6(following, offset, more=0):
    return struct.pack("!BBHI", following, 0, offset << 3 | more, 7)


def flow4(proto, sport=0, dport=0, **rest):
    return ref.Result("flow", 4, SRC4, DST4, sport, dport, proto, tos=0xB8, ttl=64, **rest)


def flow6(proto, sport=0, dport=0, **rest):
    return ref.Result("flow", 6, SRC6, DST6, sport, dport, proto, tos=0xB9, ttl=63, **rest)


class Case(unittest.TestCase):
    maxDiff = None

    def assertClass(self, frame, name, link="ethernet"):
        self.assertEqual(parse(frame, link).class_name, name, frame.hex())

    def assertFlow(self, frame, flow, link="ethernet"):
        self.assertEqual(parse(frame, link), flow, frame.hex())


class Link(Case):
    def test_ethernet_header_is_fourteen_bytes(self):
        for length in range(14):
            self.assertClass(v4(17, UDP)[:length], "truncated")
        self.assertClass(MACS + b"\x08\x06", "non_ip")

    def test_everything_but_ip_is_non_ip(self):
        # ARP, MPLS, PPPoE, an 802.3 length with an LLC/SNAP header that says IPv4, length 1500
        for ethertype in (0x0806, 0x8847, 0x8864, 0x0026, 0x05DC, 0x0000, 0xFFFF):
            payload = bytes.fromhex("aaaa03000000 0800") + ip4(17, UDP)
            self.assertClass(ether(ethertype, payload), "non_ip")

    def test_vlan_is_the_outer_tags_id_without_priority(self):
        for tag in ("8100 e064", "88a8 f064", "9100 0064"):
            self.assertFlow(ether(0x0800, ip4(17, UDP), tag), flow4(17, 443, 51000, vlan=100))
        double = ether(0x86DD, ip6(17, UDP), "88a8 0fff", "8100 0001")
        self.assertFlow(double, flow6(17, 443, 51000, vlan=4095))

    def test_a_priority_tag_is_a_tag_with_id_0(self):
        tagged = ether(0x0800, ip4(17, UDP), "8100 e000", "8100 0005")
        self.assertFlow(tagged, flow4(17, 443, 51000, vlan=0))

    def test_four_tags_are_walked_and_a_fifth_is_not(self):
        tags = ["88a8 0001", "9100 0002", "8100 0003", "8100 0004"]
        self.assertFlow(ether(0x0800, ip4(17, UDP), *tags), flow4(17, 443, 51000, vlan=1))
        self.assertClass(ether(0x0800, ip4(17, UDP), *tags, "8100 0005"), "vlan_limit")
        self.assertClass(ether(0x8100, b"", *tags), "vlan_limit")

    def test_a_tag_is_four_bytes(self):
        tagged = ether(0x0806, b"", "8100 0001")
        self.assertClass(tagged, "non_ip")
        for length in range(14, 18):
            self.assertClass(tagged[:length], "truncated")

    def test_raw_ip_goes_by_the_version(self):
        self.assertFlow(ip4(17, UDP), flow4(17, 443, 51000), "ip")
        self.assertFlow(ip6(17, UDP), flow6(17, 443, 51000), "ip")
        self.assertClass(b"", "truncated", "ip")
        for version in set(range(16)) - {4, 6}:
            self.assertClass(bytes((version << 4,)), "ip_version", "ip")
        self.assertClass(b"\x45", "truncated", "ip")
        self.assertClass(b"\x60", "truncated", "ip")

    def test_an_unknown_link_is_an_error(self):
        with self.assertRaises(ValueError):
            parse(b"", "token ring")


class IPv4(Case):
    def test_the_fixed_header_is_twenty_bytes(self):
        for length in range(14, 34):
            self.assertClass(v4(50)[:length], "truncated")
        self.assertFlow(v4(50), flow4(50))

    def test_checks_come_in_the_order_of_the_header(self):
        bad_version_too = v4(17, UDP, first=0x64, total=5)
        self.assertClass(bad_version_too[:33], "truncated")
        self.assertClass(bad_version_too, "ip_version")
        self.assertClass(v4(17, UDP, first=0x44, total=5), "ip_header_len")
        self.assertClass(v4(17, first=0x46, total=5), "truncated")
        self.assertClass(v4(17, UDP, first=0x46, total=5), "ip_total_len")

    def test_version_must_be_four(self):
        for version in set(range(16)) - {4}:
            self.assertClass(v4(17, UDP, first=version << 4 | 5), "ip_version")

    def test_header_length_must_be_five_words(self):
        for words in range(5):
            self.assertClass(v4(17, UDP, first=0x40 | words), "ip_header_len")

    def test_ports_stand_behind_the_options(self):
        for words in range(1, 11):
            options = bytes((0x99,)) * (4 * words)
            frame = v4(17, UDP, first=0x45 + words, options=options)
            self.assertFlow(frame, flow4(17, 443, 51000))
            self.assertClass(frame[: 34 + 4 * words - 1], "truncated")

    def test_total_length(self):
        self.assertClass(v4(17, UDP, total=19), "ip_total_len")
        self.assertClass(v4(17, UDP, total=1), "ip_total_len")
        self.assertClass(v4(17, UDP, first=0x46, total=23, options=bytes(4)), "ip_total_len")
        self.assertClass(v4(17, UDP, total=20), "truncated")
        self.assertFlow(v4(50, UDP, total=20), flow4(50))
        self.assertClass(v4(17, UDP, total=23), "truncated")
        self.assertFlow(v4(17, UDP, total=24), flow4(17, 443, 51000))
        self.assertFlow(v4(17, UDP, total=65535), flow4(17, 443, 51000))

    def test_total_length_0_reaches_to_the_end_of_the_frame(self):
        self.assertFlow(v4(6, TCP, total=0), flow4(6, 443, 51000, tcp_flags=0x92))
        self.assertClass(v4(6, TCP[:3], total=0), "truncated")

    def test_padding_is_no_header(self):
        self.assertClass(v4(17, b"", total=20) + bytes(26), "truncated")
        self.assertFlow(v4(6, TCP, total=33), flow4(6, 443, 51000))

    def test_fragments(self):
        later = flow4(17, fragment=True)
        for field in (0x0001, 0x1FFF, 0x2001, 0xFFFF):
            self.assertFlow(v4(17, UDP, fragment=field), later)
        self.assertFlow(v4(17, b"", fragment=0x0001), later)
        for field in (0x2000, 0x4000, 0x8000, 0xE000):
            self.assertFlow(v4(17, UDP, fragment=field), flow4(17, 443, 51000))
        self.assertClass(v4(17, b"", fragment=0x2000), "truncated")
        self.assertFlow(v4(6, TCP, fragment=0x2001), flow4(6, fragment=True))

    def test_extension_headers_are_protocols(self):
        for proto in sorted(ref.EXT_HEADERS | {50, 59}):
            self.assertFlow(v4(proto, ext(17) + UDP), flow4(proto))


class IPv6(Case):
    def test_the_header_is_forty_bytes(self):
        for length in range(14, 54):
            self.assertClass(v6(59)[:length], "truncated")
        self.assertFlow(v6(59), flow6(59))

    def test_version_must_be_six(self):
        for version in set(range(16)) - {6}:
            self.assertClass(v6(17, UDP, first=version), "ip_version")
        self.assertClass(v6(17, UDP, first=4)[:53], "truncated")

    def test_payload_length(self):
        for length in (1, 2, 3):
            self.assertClass(v6(17, UDP, length=length), "truncated")
        for length in (4, 8, 9, 65535):
            self.assertFlow(v6(17, UDP, length=length), flow6(17, 443, 51000))

    def test_payload_length_0_reaches_to_the_end_of_the_frame(self):
        # RFC 2675: hop-by-hop with a jumbo payload option of 65536; BIG TCP may have none
        jumbo = bytes.fromhex("06 00 c2 04 00010000") + TCP
        self.assertFlow(v6(0, jumbo, length=0), flow6(6, 443, 51000, tcp_flags=0x92))
        self.assertFlow(v6(6, TCP, length=0), flow6(6, 443, 51000, tcp_flags=0x92))
        self.assertClass(v6(6, TCP[:3], length=0), "truncated")

    def test_each_extension_header_is_walked(self):
        for kind in (ref.HOP_BY_HOP, ref.ROUTING, ref.DESTINATION, ref.MOBILITY):
            for length in (0, 1, 2, 255):
                self.assertFlow(v6(kind, ext(17, length) + UDP), flow6(17, 443, 51000))
        self.assertFlow(v6(44, fragment6(17, 0) + UDP), flow6(17, 443, 51000))

    def test_authentication_counts_in_words_less_two(self):
        for length in (0, 1, 4, 5, 255):
            payload = ext(17, length, ref.AH) + UDP
            self.assertFlow(v6(51, payload), flow6(17, 443, 51000))

    def test_any_order_and_place(self):
        headers = fragment6(135, 0) + ext(51) + ext(60, 4, ref.AH) + ext(0) + ext(43) + ext(6)
        frame = v6(44, headers + TCP)
        self.assertFlow(frame, flow6(6, 443, 51000, tcp_flags=0x92))

    def test_eight_are_walked_and_a_ninth_is_not(self):
        eight = ext(60) * 7
        self.assertFlow(v6(60, eight + ext(17) + UDP), flow6(17, 443, 51000))
        self.assertClass(v6(60, eight + ext(60) + ext(17) + UDP), "ext_limit")
        self.assertClass(v6(60, eight + ext(60)), "ext_limit")
        self.assertClass(v6(60, eight + ext(44) + fragment6(17, 1)), "ext_limit")
        with_fragment = ext(60) * 6 + ext(44) + fragment6(17, 0) + UDP
        self.assertFlow(v6(60, with_fragment), flow6(17, 443, 51000))

    def test_others_end_the_chain(self):
        # IPv4, IPv6, GRE, ESP, none, EIGRP, OSPF, HIP, shim6, Ethernet, two for experiments
        for proto in (4, 41, 47, 50, 59, 88, 89, 139, 140, 143, 253, 254):
            self.assertFlow(v6(0, ext(proto) + ext(17) + UDP), flow6(proto))

    def test_the_first_eight_bytes_must_be_there(self):
        for kind in sorted(ref.EXT_HEADERS):
            for length in range(8):
                self.assertClass(v6(kind, ext(59)[:length], length=8), "truncated")

    def test_a_header_must_be_whole_even_if_nothing_is_read_behind_it(self):
        self.assertFlow(v6(60, ext(59, 1)), flow6(59))
        self.assertClass(v6(60, ext(59, 1)[:15]), "truncated")
        self.assertFlow(v6(51, ext(59, 4, ref.AH)), flow6(59))
        self.assertClass(v6(51, ext(59, 4, ref.AH)[:23]), "truncated")
        self.assertClass(v6(60, ext(60, 1)[:15]), "truncated")
        self.assertClass(v6(60, ext(17, 0)), "truncated")
        # also where the limit would be next: the eighth is not there in full
        self.assertClass(v6(60, ext(60) * 7 + ext(60, 1)[:15]), "truncated")

    def test_padding_is_no_extension_header(self):
        self.assertClass(v6(60, ext(17) + UDP, length=7), "truncated")
        self.assertClass(v6(60, ext(17) + UDP, length=11), "truncated")
        self.assertFlow(v6(60, ext(17) + UDP, length=12), flow6(17, 443, 51000))

    def test_fragments(self):
        for offset in (1, 0x1FFF):
            later = v6(44, fragment6(17, offset) + UDP)
            self.assertFlow(later, flow6(17, fragment=True))
        self.assertFlow(v6(44, fragment6(17, 0, more=1) + UDP), flow6(17, 443, 51000))
        self.assertFlow(v6(44, fragment6(17, 0, more=7) + UDP), flow6(17, 443, 51000))
        self.assertFlow(v6(60, ext(44) + fragment6(6, 1)), flow6(6, fragment=True))
        self.assertClass(v6(44, fragment6(17, 1)[:7]), "truncated")

    def test_a_later_fragment_ends_the_walk_at_any_number(self):
        for following in (0, 43, 44, 51, 60, 135):
            frame = v6(44, fragment6(following, 2) + ext(17) + UDP)
            self.assertFlow(frame, flow6(following, fragment=True))

    def test_the_fragment_headers_second_byte_is_no_length(self):
        reserved = bytes((17, 255)) + bytes(6)
        self.assertFlow(v6(44, reserved + UDP), flow6(17, 443, 51000))


class Transport(Case):
    def test_protocols_with_ports(self):
        for proto in (6, 17, 33, 132, 136):
            self.assertFlow(v4(proto, PORTS), flow4(proto, 443, 51000))
            self.assertFlow(v6(proto, PORTS), flow6(proto, 443, 51000))
            for length in range(4):
                self.assertClass(v4(proto, PORTS[:length]), "truncated")
                self.assertClass(v6(proto, PORTS[:length], length=length or 1), "truncated")

    def test_no_other_protocol_has_ports(self):
        for proto in set(range(256)) - {1, 6, 17, 33, 132, 136}:
            self.assertFlow(v4(proto, TCP), flow4(proto))
            self.assertFlow(v4(proto), flow4(proto))
        for proto in set(range(256)) - {6, 17, 33, 58, 132, 136} - ref.EXT_HEADERS:
            self.assertFlow(v6(proto, TCP), flow6(proto))
            self.assertFlow(v6(proto), flow6(proto))

    def test_tcp_flags_are_the_fourteenth_byte_if_it_is_there(self):
        self.assertFlow(v4(6, TCP), flow4(6, 443, 51000, tcp_flags=0x92))
        self.assertFlow(v6(6, TCP[:14]), flow6(6, 443, 51000, tcp_flags=0x92))
        for length in range(4, 14):
            self.assertFlow(v4(6, TCP[:length]), flow4(6, 443, 51000))
        self.assertFlow(v4(17, TCP), flow4(17, 443, 51000))

    def test_icmp_has_type_and_code(self):
        self.assertFlow(v4(1, ECHO), flow4(1, 8, 0))
        self.assertFlow(v4(1, bytes((3, 13))), flow4(1, 3, 13))
        self.assertFlow(v6(58, PORT_UNREACHABLE6), flow6(58, 1, 4))
        self.assertFlow(v6(58, PORT_UNREACHABLE6[:2]), flow6(58, 1, 4))
        for length in range(2):
            self.assertClass(v4(1, ECHO[:length]), "truncated")
            self.assertClass(v6(58, PORT_UNREACHABLE6[:length]), "truncated")

    def test_the_other_versions_icmp_is_just_a_protocol(self):
        self.assertFlow(v4(58, PORT_UNREACHABLE6), flow4(58))
        self.assertFlow(v6(1, ECHO), flow6(1))


class Properties(Case):
    """What must hold for all frames, held against made ones."""

    def test_generate_depends_on_the_seed_only(self):
        self.assertEqual(list(frames.generate(7, 300)), list(frames.generate(7, 400))[:300])
        self.assertNotEqual(list(frames.generate(7, 300)), list(frames.generate(8, 300)))

    def test_generated_frames_reach_everything(self):
        results = [parse(frame, link) for link, frame in frames.generate(1, 20000)]
        self.assertEqual({result.class_name for result in results}, set(ref.CLASSES))
        flows = [result for result in results if result.class_name == "flow"]
        later = {(flow.family, flow.fragment) for flow in flows}
        self.assertEqual(later, {(4, False), (4, True), (6, False), (6, True)})
        protocols = {(flow.family, flow.proto) for flow in flows if flow.sport or flow.dport}
        ports = {(family, proto) for family in (4, 6) for proto in ref.WITH_PORTS}
        self.assertEqual(protocols, ports | {(4, 1), (6, 58)})
        self.assertTrue(any(flow.tcp_flags for flow in flows))
        self.assertTrue(any(flow.vlan for flow in flows))

    def test_a_longer_frame_never_changes_what_a_shorter_one_said_for_sure(self):
        # A class other than truncated that was seen without the rest cannot depend on the rest.
        for link, frame in frames.generate(2, 400):
            whole = parse(frame, link)
            for length in range(min(len(frame), 200)):
                part = parse(frame[:length], link)
                if part.class_name == "truncated":
                    continue
                without_flags = part.as_tuple()[:-1], whole.as_tuple()[:-1]
                self.assertEqual(*without_flags, (link, frame.hex(), length))

    def test_what_stands_behind_the_packet_does_not_matter(self):
        noise = bytes(range(256))
        tried = set()
        for link, frame in frames.generate(3, 4000):
            packet = frame if link == "ip" else frame[14:]
            version = packet[0] >> 4 if len(packet) >= 40 else 0
            at, fixed = {4: (2, 0), 6: (4, 40)}.get(version, (0, 0))
            length = int.from_bytes(packet[at : at + 2], "big")
            if not at or not length or fixed + length > len(packet):
                continue
            if version == 4 and length < 4 * (packet[0] & 15):
                continue  # no packet: which is said once the header is whole
            result = parse(frame, link)
            self.assertEqual(parse(frame + noise, link), result, (link, frame.hex()))
            tried.add((result.class_name, result.family))
        self.assertLessEqual({("flow", 4), ("flow", 6), ("truncated", 0)}, tried)

    def test_records_are_56_bytes(self):
        packed = frames.pack_result(parse(v6(6, TCP)), 64)
        head = bytes((0, 6, 6, 0)) + struct.pack("<HHH", 0, 443, 51000) + bytes((0xB9, 63, 0x92))
        self.assertEqual(packed, head + bytes(3) + SRC6 + DST6 + bytes(8))
        packed = frames.pack_result(parse(v4(17, UDP, fragment=1)), 65)
        head = bytes((0, 4, 17, 1)) + bytes(6) + bytes((0xB8, 64, 0))
        addresses = SRC4 + bytes(12) + DST4 + bytes(12)
        self.assertEqual(packed, head + b"\x01\0\0" + addresses + bytes(8))
        self.assertEqual(frames.pack_result(ref.EXT_LIMIT, 0), b"\x07" + bytes(55))

    def test_sizes_end_with_their_bounds(self):
        edges = (0, 64, 65, 128, 129, 256, 257, 512, 513, 1024, 1025, 1518, 1519, 9216, 9217, 70000)
        sizes = [ref.size_of(length) for length in edges]
        self.assertEqual(sizes, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7])

    def test_classes_have_the_numbers_of_flow_abi(self):
        here = os.path.dirname(os.path.abspath(__file__))
        with open(os.path.join(here, "../../bpf/flow_abi.h"), encoding="ascii") as header:
            lines = header.read().split("enum xa_class {")[1].split("}")[0].splitlines()
        names = [line.split(",")[0].strip() for line in lines if "\tXA_CLASS_" in line]
        wanted = ["XA_CLASS_" + name.upper() for name in ref.CLASSES]
        self.assertEqual(names[: len(wanted)], wanted)


class Files(Case):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = lambda name: os.path.join(folder.name, name)

    def write(self, name, content):
        with open(self.path(name), "wb") as out:
            out.write(content)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def test_pcap_of_both_byte_orders_and_clocks(self):
        frame = v4(17, UDP)
        for order in "<>":
            for magic in (0xA1B2C3D4, 0xA1B23C4D):
                for linktype in (1, 12, 101, 228, 229):
                    link = "ethernet" if linktype == 1 else "ip"
                    head = struct.pack(order + "IHHIIII", magic, 2, 4, 0, 0, 65535, linktype)
                    record = struct.pack(order + "IIII", 1, 2, len(frame), 9000) + frame
                    path = self.write("capture", head + record * 2 + record[:-1])
                    self.assertEqual(list(frames.read_pcap(path)), [(link, frame)] * 2)

    def test_other_files_are_refused(self):
        pppoe = struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 51)
        for content in (b"", bytes.fromhex("0a0d0d0a") + bytes(20), pppoe[:20], pppoe):
            with self.assertRaises(ValueError):
                list(frames.read_pcap(self.write("capture", content)))

    def test_both_files_are_as_each_alone(self):
        made = list(frames.generate(5, 500)) + [("ip", bytes((0x45,)) + bytes(70000))]
        frames.corpus_file(self.path("corpus"), iter(made))
        frames.expected_file(self.path("expected"), iter(made))
        count = frames.both_files(self.path("corpus 2"), self.path("expected 2"), iter(made))
        self.assertEqual(count, len(made))
        self.assertEqual(self.read("corpus"), self.read("corpus 2"))
        self.assertEqual(self.read("expected"), self.read("expected 2"))
        self.assertEqual(len(self.read("expected")), 56 * len(made))
        corpus, at = self.read("corpus"), 0
        for link, frame in made:
            kind, zero, length = struct.unpack_from("<BBH", corpus, at)
            self.assertEqual((kind, zero), (int(link == "ip"), 0))
            self.assertEqual(corpus[at + 4 : at + 4 + length], frame[:65535])
            at += 4 + length
        self.assertEqual(at, len(corpus))


@unittest.skipUnless(shutil.which("tshark"), "tshark is not installed")
class Tshark(Case):
    def test_no_difference_is_unexplained(self):
        made = [("made", n, *pair) for n, pair in enumerate(frames.generate(6, 1000))]
        found = list(tshark_oracle.cases(made))
        self.assertEqual(len(found), len(made))
        left = [case for case in found if not case.agrees() and not tshark_oracle.explain(case)]
        self.assertEqual([(case.frame.hex(), case.ours, case.theirs) for case in left], [])
        self.assertGreater(sum(case.agrees() for case in found), 700)


if __name__ == "__main__":
    unittest.main()
