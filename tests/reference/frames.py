#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Frames for the differential test of the C parser, and what the reference says of each.

Several endless streams, one for each way in which frames can be odd, are dealt out in a fixed
rotation. A seed names one sequence for good: only random() and getrandbits() are used, the two
that Python promises to keep. The two file formats are described at pack_frame() and pack_result().
"""

import argparse
import itertools
import random
import struct
import sys

import xa_reference as ref

TAG_TYPES = (0x8100, 0x88A8, 0x9100)
OTHER_ETHERTYPES = (0x0806, 0x8847, 0x8863, 0x88CC, 0x88E5, 0x9200, 0x0026, 0x05DC, 0x0801, 0x86DC)
KEYED = (ref.TCP, ref.UDP, ref.UDPLITE, ref.SCTP, ref.DCCP, ref.ICMP, ref.ICMPV6)
OTHER_PROTOCOLS = (2, 4, 41, 47, 50, 51, 59, 89, 103, 112, 139, 140, 143, 253, 255)
EXT_KINDS = tuple(sorted(ref.EXT_HEADERS))
FRAME_MAX = 0xFFFF


class Dice:
    """The few random choices that the streams need."""

    def __init__(self, seed):
        self._random = random.Random(seed)
        self.bits = self._random.getrandbits

    def below(self, limit):
        return int(self._random.random() * limit)

    def between(self, low, high):
        return low + self.below(high - low + 1)

    def chance(self, probability):
        return self._random.random() < probability

    def pick(self, options):
        return options[self.below(len(options))]

    def bytes(self, count):
        return self.bits(count * 8).to_bytes(count, "little") if count else b""


# ---- pieces of frames -------------------------------------------------------------------------


def ethernet(dice, ethertype, payload, tags=()):
    """`tags` are (EtherType, tag control information) from the outer to the inner."""
    head = dice.bytes(12)
    for tag_type, control in tags:
        head += struct.pack("!HH", tag_type, control)
    return head + struct.pack("!H", ethertype) + payload


def random_tags(dice, count):
    return [(dice.pick(TAG_TYPES), dice.bits(16)) for _ in range(count)]


def ipv4(dice, proto, payload, options=b"", fragment=0, total_len=None, first=None):
    """`fragment` is the field of flags and offset, `first` the byte of version and IHL."""
    header_len = 20 + len(options)
    if total_len is None:
        total_len = header_len + len(payload)
    if first is None:
        first = 0x40 | header_len // 4
    head = struct.pack(
        "!BBHHHBBH",
        first,
        dice.bits(8),
        total_len & 0xFFFF,
        dice.bits(16),
        fragment,
        dice.bits(8),
        proto,
        dice.bits(16),
    )
    return head + dice.bytes(8) + options + payload


def ipv6(dice, next_header, payload, payload_len=None, version=6):
    if payload_len is None:
        payload_len = len(payload)
    head = struct.pack(
        "!IHBB",
        version << 28 | dice.bits(28),
        payload_len & 0xFFFF,
        next_header,
        dice.bits(8),
    )
    return head + dice.bytes(32) + payload


def transport(dice, proto):
    """A whole header of the protocol and some payload, with the fields that make it that header."""
    data = dice.bytes(dice.below(24))
    if proto == ref.TCP:
        options = dice.below(4)
        control = struct.pack("!BB", (5 + options) << 4 | dice.bits(1), dice.bits(8))
        return dice.bytes(12) + control + dice.bytes(6 + 4 * options) + data
    if proto in (ref.UDP, ref.UDPLITE):
        return dice.bytes(4) + struct.pack("!HH", 8 + len(data), dice.bits(16)) + data
    if proto in (ref.SCTP, ref.DCCP):
        return dice.bytes(12) + data
    return dice.bytes(8) + data


def ext_header(dice, kind, next_header, units=None, offset=0):
    """One extension header; `units` is what its length field says, `offset` is a fragment's."""
    if kind == ref.FRAGMENT:
        where = offset << 3 | dice.bits(3)
        return struct.pack("!BBHI", next_header, dice.bits(8), where, dice.bits(32))
    if kind == ref.AH:
        units = dice.pick((1, 2, 4, 5, 6)) if units is None else units
        size = (units + 2) * 4
    else:
        units = dice.below(3) if units is None else units
        size = (units + 1) * 8
    content = dice.bytes(size - 2)
    if kind in (ref.HOP_BY_HOP, ref.DESTINATION) and dice.chance(0.5) and size <= 256:
        content = bytes((1, size - 4)) + bytes(size - 4)  # one PadN option fills it
    elif kind == ref.ROUTING and dice.chance(0.5):
        content = bytes((253, 0)) + content[2:]  # an experimental type, no segments left
    return bytes((next_header, units)) + content


def chain(dice, kinds, last, payload, offset=0):
    """The extension headers in this order, then the payload of protocol `last`.

    Returns the first header's number and the bytes."""
    following = last
    for kind in reversed(kinds):
        payload = ext_header(dice, kind, following, offset=offset) + payload
        following = kind
    return following, payload


def any_protocol(dice):
    return dice.pick(KEYED) if dice.chance(0.8) else dice.pick(OTHER_PROTOCOLS)


def linked(dice, ethertype, packet, tags=None):
    """Mostly Ethernet with none or few tags, now and then the packet alone."""
    if tags is None:
        if dice.chance(0.15):
            return "ip", packet
        tags = random_tags(dice, dice.pick((0, 0, 0, 1, 1, 2, 3, 4)))
    return "ethernet", ethernet(dice, ethertype, packet, tags)


def valid_ip(dice):
    """A packet as a good sender makes it. Returns EtherType and bytes."""
    proto = any_protocol(dice)
    payload = transport(dice, proto)
    if dice.chance(0.5):
        options = dice.bytes(4 * dice.pick((0, 0, 0, 1, 2, 10)))
        fragment = dice.pick((0, 0, 0x4000, 0x2000))
        return ref.ETHERTYPE_IPV4, ipv4(dice, proto, payload, options, fragment)
    kinds = [dice.pick(EXT_KINDS) for _ in range(dice.pick((0, 0, 0, 1, 2, 3)))]
    first, payload = chain(dice, kinds, proto, payload)
    return ref.ETHERTYPE_IPV6, ipv6(dice, first, payload)


def valid(dice):
    return linked(dice, *valid_ip(dice))


# ---- streams: each is one way of being odd ----------------------------------------------------


def valid_frames(dice):
    while True:
        yield valid(dice)


def tagged_frames(dice):
    """No tags to six, all orders of the three types, and sometimes not even all of the tags."""
    for count in itertools.cycle(range(7)):
        ethertype, packet = valid_ip(dice)
        if dice.chance(0.2):
            ethertype = dice.pick(OTHER_ETHERTYPES)
        tags = random_tags(dice, count)
        if tags and dice.chance(0.2):
            tags[0] = (tags[0][0], tags[0][1] & 0xF000)
        frame = ethernet(dice, ethertype, packet, tags)
        if dice.chance(0.3):
            frame = frame[: dice.between(12, 16 + 4 * count)]
        yield "ethernet", frame


def ipv4_headers(dice):
    """Every version with every header length, and total lengths about every edge there is."""
    for first in itertools.cycle(range(256)):
        header_len = max((first & 0x0F) * 4, 20)
        proto = any_protocol(dice)
        payload = transport(dice, proto)
        right = header_len + len(payload)
        total_len = dice.pick(
            (
                right,
                right,
                0,
                header_len,
                dice.below(header_len),
                header_len - 1,
                header_len + dice.below(16),
                right + dice.between(1, 40),
                0xFFFF,
            )
        )
        if dice.chance(0.5):
            first = 0x40 | first & 0x0F
        options = dice.bytes(header_len - 20)
        packet = ipv4(dice, proto, payload, options, 0, total_len, first)
        if dice.chance(0.2):
            packet = packet[: dice.between(0, header_len + 4)]
        yield linked(dice, ref.ETHERTYPE_IPV4, packet)


def ipv4_options(dice):
    """Every good header length in an otherwise good packet: where ports go astray first."""
    for words in itertools.cycle(range(11)):
        proto = any_protocol(dice)
        packet = ipv4(dice, proto, transport(dice, proto), dice.bytes(4 * words))
        yield linked(dice, ref.ETHERTYPE_IPV4, packet)


def ipv6_headers(dice):
    """Every version nibble, and payload lengths about every edge of a small packet."""
    for version in itertools.cycle(range(16)):
        proto = any_protocol(dice)
        payload = transport(dice, proto)
        if dice.chance(0.7):
            version = 6
        lengths = (len(payload), 0, 1, 2, 3, 4, 13, 14, len(payload) + 9, 0xFFFF)
        packet = ipv6(dice, proto, payload, dice.pick(lengths), version)
        if dice.chance(0.2):
            packet = packet[: dice.between(0, 44)]
        yield linked(dice, ref.ETHERTYPE_IPV6, packet)


def orders(count):
    """All orders of `count` extension headers, over and over: the digits of a counter."""
    for number in itertools.count():
        kinds = []
        for _ in range(count):
            number, digit = divmod(number, len(EXT_KINDS))
            kinds.append(EXT_KINDS[digit])
        yield kinds


def ext_chains(dice):
    """None to ten headers; in half of the chains a length, or the packet's end, is wrong."""
    for kinds in zip(*(orders(count) for count in range(11))):
        for order in kinds:
            proto = any_protocol(dice)
            first, payload = chain(dice, order, proto, transport(dice, proto))
            yield linked(dice, ref.ETHERTYPE_IPV6, spoil_chain(dice, order, first, payload))


def spoil_chain(dice, kinds, first, payload):
    how = dice.below(8)
    payload_len = None
    if how == 0:
        payload_len = dice.below(len(payload) + 1)
    elif how == 1:
        payload_len = dice.pick((0, len(payload) + 8, 0xFFFF))
    elif how == 2:
        payload = payload[: dice.below(len(payload) + 1)]
    elif how == 3 and kinds:
        payload = spoil_length(dice, kinds, payload)
    return ipv6(dice, first, payload, payload_len)


def spoil_length(dice, kinds, payload):
    """Sets one header's length field wrong: everything behind it then stands elsewhere."""
    spoilt = bytearray(payload)
    at = 0
    for kind in kinds[: dice.below(len(kinds))]:
        at += 8 if kind == ref.FRAGMENT else (spoilt[at + 1] + 1) * 8
        at = min(at, len(spoilt) - 2)
    spoilt[at + 1] = dice.pick((0, 1, 2, 3, 4, 5, 7, 15, 31, 255))
    return bytes(spoilt)


def ends_of_chains(dice):
    """The packet ends just before, at and just behind the end of the last extension header."""
    while True:
        kinds = [dice.pick(EXT_KINDS) for _ in range(dice.between(1, 9))]
        proto = any_protocol(dice)
        first, headers = chain(dice, kinds, proto, b"")
        payload = headers + transport(dice, proto)
        keep = max(0, len(headers) + dice.between(-9, 15))
        packet = ipv6(dice, first, payload, keep)
        if dice.chance(0.5):
            packet = packet[: 40 + keep]
        yield linked(dice, ref.ETHERTYPE_IPV6, packet)


def fragments(dice):
    """First and later ones of every protocol, whole and cut off right behind the IP headers."""
    while True:
        proto = dice.pick(KEYED + OTHER_PROTOCOLS + EXT_KINDS)
        offset = dice.pick((0, 1, 0x1FFF, 1 << dice.below(13), dice.bits(13)))
        payload = transport(dice, proto)
        payload = payload[: dice.pick((0, 1, 2, 3, 4, 13, 14, len(payload)))]
        if dice.chance(0.5):
            options = dice.bytes(4 * dice.pick((0, 0, 1, 10)))
            packet = ipv4(dice, proto, payload, options, dice.bits(3) << 13 | offset)
            yield linked(dice, ref.ETHERTYPE_IPV4, packet)
            continue
        before = [dice.pick(EXT_KINDS) for _ in range(dice.pick((0, 0, 1, 2, 7, 8)))]
        kinds = before + [ref.FRAGMENT]
        first, payload = chain(dice, kinds, proto, payload, offset)
        yield linked(dice, ref.ETHERTYPE_IPV6, ipv6(dice, first, payload))


def truncations(dice):
    """Every length that a good frame can be cut to."""
    while True:
        link, frame = valid(dice)
        for length in range(len(frame) + 1):
            yield link, frame[:length]


def padded(dice):
    """Bytes behind the packet, which must not be taken for a header that the packet lacks."""
    while True:
        ethertype, packet = valid_ip(dice)
        length = dice.between(20 if ethertype == ref.ETHERTYPE_IPV4 else 41, len(packet))
        if dice.chance(0.5):
            length = len(packet)
        packet = bytearray(packet)
        if ethertype == ref.ETHERTYPE_IPV4:
            packet[2:4] = length.to_bytes(2, "big")
        else:
            packet[4:6] = (length - 40).to_bytes(2, "big")
        padding = bytes(46) if dice.chance(0.5) else dice.bytes(dice.between(1, 46))
        yield linked(dice, ethertype, bytes(packet) + padding)


def bit_flips(dice):
    """Every single bit of the first 128 bytes of a good frame."""
    while True:
        link, frame = valid(dice)
        for bit in range(min(len(frame), 128) * 8):
            flipped = bytearray(frame)
            flipped[bit >> 3] ^= 0x80 >> (bit & 7)
            yield link, bytes(flipped)


def mutations(dice):
    """Several bytes of a good frame set to values that mean something, or to any."""
    telling = bytes((0, 1, 2, 4, 8, 0x40, 0x45, 0x46, 0x4F, 0x60, 0x81, 0x88, 0xDD, 0xFF))
    telling += bytes(KEYED) + bytes(EXT_KINDS)
    while True:
        link, frame = valid(dice)
        changed = bytearray(frame)
        for _ in range(dice.between(2, 8)):
            at = dice.below(min(len(changed), 128))
            changed[at] = dice.pick(telling) if dice.chance(0.6) else dice.bits(8)
        yield link, bytes(changed)


def random_bytes(dice):
    """Noise; three in four behind an EtherType, as nearly none would pass for IP otherwise."""
    while True:
        noise = dice.bytes(dice.below(160))
        how = dice.below(4)
        if how == 0:
            yield dice.pick(("ethernet", "ip")), noise
        elif how == 1:
            ethertype = dice.pick(TAG_TYPES + OTHER_ETHERTYPES)
            yield "ethernet", ethernet(dice, ethertype, noise)
        elif how == 2:
            noise = bytes((0x40 | dice.bits(4),)) + noise
            yield linked(dice, ref.ETHERTYPE_IPV4, noise)
        else:
            noise = bytes((0x60,)) + noise[:5] + bytes((dice.pick(EXT_KINDS),)) + noise[6:]
            yield linked(dice, ref.ETHERTYPE_IPV6, noise)


def long_frames(dice):
    """Extension headers of up to 2 KiB that are really there, and packets as offload makes them."""
    while True:
        proto = any_protocol(dice)
        payload = transport(dice, proto)
        if dice.chance(0.3):
            payload += bytes(dice.pick((1400, 9000, 60000)))
            packet = ipv4(dice, proto, payload, total_len=dice.pick((0, None)))
            yield linked(dice, ref.ETHERTYPE_IPV4, packet)
            continue
        following = proto
        for _ in range(dice.between(1, 8)):
            kind = dice.pick(EXT_KINDS)
            units = dice.pick((16, 64, 127, 254, 255))
            payload = ext_header(dice, kind, following, units) + payload
            following = kind
        payload_len = dice.pick((None, None, None, 0))
        yield linked(dice, ref.ETHERTYPE_IPV6, ipv6(dice, following, payload, payload_len))


def edges_of_sizes(dice):
    """Packets that end at a bound of the sizes, one byte before it, or one behind."""
    while True:
        for bound in ref.SIZE_BOUNDS:
            ethertype, packet = valid_ip(dice)
            link, frame = linked(dice, ethertype, packet, None if dice.chance(0.5) else ())
            length = bound + dice.pick((-1, 0, 1))
            yield link, frame[:length] + bytes(max(0, length - len(frame)))


# Of each hundred frames, how many come from which stream.
SHARES = (
    (valid_frames, 5),
    (tagged_frames, 7),
    (ipv4_headers, 10),
    (ipv4_options, 4),
    (ipv6_headers, 5),
    (ext_chains, 14),
    (ends_of_chains, 5),
    (fragments, 7),
    (truncations, 12),
    (padded, 6),
    (bit_flips, 13),
    (mutations, 6),
    (random_bytes, 4),
    (long_frames, 1),
    (edges_of_sizes, 1),
)


def rotation(dice):
    """The streams in the order in which they take turns: each hundred frames have all of them."""
    turns = []
    for stream, share in SHARES:
        frames = stream(dice)
        turns += [((n + 0.5) / share, len(turns) + n, frames) for n in range(share)]
    return [frames for _, _, frames in sorted(turns, key=lambda turn: turn[:2])]


def generate(seed, count):
    """Yields `count` pairs (link, frame); the same for the same seed, whatever the count."""
    turns = itertools.cycle(rotation(Dice(seed)))
    for frames in itertools.islice(turns, count):
        yield next(frames)


# ---- captures and files -----------------------------------------------------------------------

PCAP_LINKS = {1: "ethernet", 12: "ip", 101: "ip", 228: "ip", 229: "ip"}
PCAP_MAGICS = {
    bytes.fromhex("a1b2c3d4"): ">",
    bytes.fromhex("a1b23c4d"): ">",
    bytes.fromhex("d4c3b2a1"): "<",
    bytes.fromhex("4d3cb2a1"): "<",
}


def read_pcap(path):
    """Yields (link, captured bytes) of a classic pcap file; ValueError if it is none that we read.

    A last record that is cut off, as a killed capture leaves it, ends the file."""
    with open(path, "rb") as file:
        head = file.read(24)
        order = PCAP_MAGICS.get(head[:4])
        if order is None or len(head) < 24:
            raise ValueError(f"{path}: not a classic pcap file")
        linktype = struct.unpack(order + "I", head[20:24])[0] & 0xFFFF
        if linktype not in PCAP_LINKS:
            raise ValueError(f"{path}: link type {linktype} is neither Ethernet nor raw IP")
        while len(record := file.read(16)) == 16:
            captured = struct.unpack(order + "I", record[8:12])[0]
            frame = file.read(captured)
            if len(frame) < captured:
                return
            yield PCAP_LINKS[linktype], frame


def pack_frame(link, frame):
    """u8 link (0 Ethernet, 1 IP), u8 0, u16 length, little endian; then the bytes."""
    return struct.pack("<BBH", link == "ip", 0, len(frame)) + frame


RECORD = struct.Struct("<BBBBHHHBBBB2x16s16s8x")


def pack_result(result, length):
    """56 bytes, little endian: u8 class, family, proto, fragment; u16 vlan, sport, dport; u8 tos,
    ttl, tcp_flags, size (of a frame of `length`), 2 zero; 16 bytes source, 16 destination (IPv4 in
    the first four), 8 zero."""
    return RECORD.pack(
        ref.CLASSES.index(result.class_name),
        result.family,
        result.proto,
        result.fragment,
        result.vlan,
        result.sport,
        result.dport,
        result.tos,
        result.ttl,
        result.tcp_flags,
        ref.size_of(length),
        result.src,
        result.dst,
    )


def fitting(frames):
    """A capture may hold more than the file's u16 can say: a frame cut there is a frame too."""
    for link, frame in frames:
        yield link, frame[:FRAME_MAX]


def corpus_file(path, frames):
    with open(path, "wb") as out:
        for link, frame in fitting(frames):
            out.write(pack_frame(link, frame))


def expected_file(path, frames):
    with open(path, "wb") as out:
        for link, frame in fitting(frames):
            out.write(pack_result(ref.parse(frame, link), len(frame)))


def both_files(corpus, expected, frames):
    """Both of the above from an iterator that can be walked only once; returns the number."""
    count = 0
    with open(corpus, "wb") as corpus_out, open(expected, "wb") as expected_out:
        for link, frame in fitting(frames):
            corpus_out.write(pack_frame(link, frame))
            expected_out.write(pack_result(ref.parse(frame, link), len(frame)))
            count += 1
    return count


def main():
    options = argparse.ArgumentParser(description="Frames and what the reference says of them.")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--count", type=int, default=100000)
    options.add_argument("--pcap", metavar="FILE", help="frames of a capture, not made ones")
    options.add_argument("--out", metavar="FRAMES", required=True)
    options.add_argument("--expect", metavar="EXPECT", required=True)
    args = options.parse_args()
    frames = read_pcap(args.pcap) if args.pcap else generate(args.seed, args.count)
    try:
        count = both_files(args.out, args.expect, frames)
    except (OSError, ValueError) as error:
        print(f"frames.py: {error}", file=sys.stderr)
        return 1
    print(f"{count} frames")
    return 0


if __name__ == "__main__":
    sys.exit(main())
