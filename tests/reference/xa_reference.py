# SPDX-License-Identifier: GPL-2.0-or-later
"""A second opinion on what flow a frame belongs to.

Written from the RFCs and IEEE 802.1Q alone, by someone who had not read the C parser, so that the
two can only agree where both are right. It prefers being easy to check against the RFC text to
being fast; `frames.py` feeds it, `tshark_oracle.py` puts it itself to the test.
"""

VLAN_TAGS_MAX = 4
EXT_HEADERS_MAX = 8

# The order of `enum xa_class` in bpf/flow_abi.h, as far as a parser can tell.
CLASSES = (
    "flow",
    "non_ip",
    "truncated",
    "vlan_limit",
    "ip_version",
    "ip_header_len",
    "ip_total_len",
    "ext_limit",
)

# Sizes of frames, each up to and with its bound; one more is above all of them.
SIZE_BOUNDS = (64, 128, 256, 512, 1024, 1518, 9216)

ETHERTYPE_IPV4 = 0x0800
ETHERTYPE_IPV6 = 0x86DD
# IEEE 802.1Q C-tag and S-tag, and the value that equipment older than 802.1ad uses for the S-tag.
ETHERTYPES_VLAN = frozenset((0x8100, 0x88A8, 0x9100))

ICMP, TCP, UDP, DCCP, ICMPV6, SCTP, UDPLITE = 1, 6, 17, 33, 58, 132, 136
# RFC 9293, 768, 4340, 9260, 3828: source and destination port are the first four bytes of each.
WITH_PORTS = frozenset((TCP, UDP, DCCP, SCTP, UDPLITE))

HOP_BY_HOP, ROUTING, FRAGMENT, AH, DESTINATION, MOBILITY = 0, 43, 44, 51, 60, 135
EXT_HEADERS = frozenset((HOP_BY_HOP, ROUTING, FRAGMENT, AH, DESTINATION, MOBILITY))


class Result:
    """What a frame is: a flow with its key and what else its headers say, or a class by name."""

    __slots__ = (
        "class_name",
        "family",
        "src",
        "dst",
        "sport",
        "dport",
        "proto",
        "vlan",
        "fragment",
        "tos",
        "ttl",
        "tcp_flags",
    )

    def __init__(
        self,
        class_name="flow",
        family=0,
        src=b"",
        dst=b"",
        sport=0,
        dport=0,
        proto=0,
        vlan=0,
        fragment=False,
        tos=0,
        ttl=0,
        tcp_flags=0,
    ):
        self.class_name = class_name
        self.family = family
        self.src = src
        self.dst = dst
        self.sport = sport
        self.dport = dport
        self.proto = proto
        self.vlan = vlan
        self.fragment = fragment
        self.tos = tos
        self.ttl = ttl
        self.tcp_flags = tcp_flags

    def as_tuple(self):
        return tuple(getattr(self, name) for name in self.__slots__)

    def __eq__(self, other):
        return isinstance(other, Result) and self.as_tuple() == other.as_tuple()

    def __repr__(self):
        if self.class_name != "flow":
            return f"Result({self.class_name!r})"
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"Result({shown})"


# Frames that are no flow have nothing but their class, so one object stands for all of them.
NON_IP, TRUNCATED, VLAN_LIMIT, IP_VERSION, IP_HEADER_LEN, IP_TOTAL_LEN, EXT_LIMIT = (
    Result(name) for name in CLASSES[1:]
)


def parse(frame, link="ethernet"):
    """The Result for one frame; `link` is "ethernet", or "ip" for packets without a link header."""
    if link == "ethernet":
        return _ethernet(frame)
    if link == "ip":
        return _raw_ip(frame)
    raise ValueError(f"unknown link type: {link!r}")


def size_of(length):
    """The number of the size that a frame of this length has."""
    return sum(length > bound for bound in SIZE_BOUNDS)


def _u16(frame, at):
    return frame[at] << 8 | frame[at + 1]


def _ethernet(frame):
    """IEEE 802.3 clause 3, 802.1Q clause 9: addresses, any number of tags, then the EtherType."""
    if len(frame) < 14:
        return TRUNCATED
    ethertype = _u16(frame, 12)
    at, tags, vlan = 14, 0, 0
    while ethertype in ETHERTYPES_VLAN:
        if tags == VLAN_TAGS_MAX:
            return VLAN_LIMIT
        if len(frame) < at + 4:
            return TRUNCATED
        if tags == 0:
            vlan = _u16(frame, at) & 0x0FFF
        ethertype = _u16(frame, at + 2)
        at += 4
        tags += 1
    if ethertype == ETHERTYPE_IPV4:
        return _ipv4(frame, at, vlan)
    if ethertype == ETHERTYPE_IPV6:
        return _ipv6(frame, at, vlan)
    return NON_IP


def _raw_ip(packet):
    if not packet:
        return TRUNCATED
    version = packet[0] >> 4
    if version == 4:
        return _ipv4(packet, 0, 0)
    if version == 6:
        return _ipv6(packet, 0, 0)
    return IP_VERSION


def _ipv4(frame, start, vlan):
    """RFC 791 section 3.1; a total length of 0 is what segmentation offload leaves behind."""
    frame_end = len(frame)
    if frame_end < start + 20:
        return TRUNCATED
    if frame[start] >> 4 != 4:
        return IP_VERSION
    header_len = (frame[start] & 0x0F) * 4
    if header_len < 20:
        return IP_HEADER_LEN
    if frame_end < start + header_len:
        return TRUNCATED
    total_len = _u16(frame, start + 2)
    if total_len == 0:
        end = frame_end
    elif total_len < header_len:
        return IP_TOTAL_LEN
    else:
        end = min(frame_end, start + total_len)
    flow = Result(
        family=4,
        src=frame[start + 12 : start + 16],
        dst=frame[start + 16 : start + 20],
        proto=frame[start + 9],
        vlan=vlan,
        tos=frame[start + 1],
        ttl=frame[start + 8],
    )
    if _u16(frame, start + 6) & 0x1FFF:
        flow.fragment = True
        return flow
    return _transport(flow, frame, start + header_len, end, ICMP)


def _ipv6(frame, start, vlan):
    """RFC 8200 section 3; a payload length of 0 is RFC 2675's, and BIG TCP's."""
    if len(frame) < start + 40:
        return TRUNCATED
    if frame[start] >> 4 != 6:
        return IP_VERSION
    end = len(frame)
    payload_len = _u16(frame, start + 4)
    if payload_len:
        end = min(end, start + 40 + payload_len)
    flow = Result(
        family=6,
        src=frame[start + 8 : start + 24],
        dst=frame[start + 24 : start + 40],
        vlan=vlan,
        tos=_u16(frame, start) >> 4 & 0xFF,
        ttl=frame[start + 7],
    )
    return _ext_headers(flow, frame, start + 40, end, frame[start + 6])


def _ext_headers(flow, frame, at, end, next_header):
    """RFC 8200 section 4, 4302, 6275: from header to header until one that carries no other."""
    walked = 0
    while next_header in EXT_HEADERS:
        if walked == EXT_HEADERS_MAX:
            return EXT_LIMIT
        if at + 8 > end:
            return TRUNCATED
        if next_header == FRAGMENT and _u16(frame, at + 2) >> 3:
            flow.proto = frame[at]
            flow.fragment = True
            return flow
        header_len = _ext_header_len(next_header, frame[at + 1])
        if at + header_len > end:
            return TRUNCATED
        next_header = frame[at]
        at += header_len
        walked += 1
    flow.proto = next_header
    return _transport(flow, frame, at, end, ICMPV6)


def _ext_header_len(kind, length):
    """In bytes. The fragment header has no length field: its second byte is reserved."""
    if kind == FRAGMENT:
        return 8
    if kind == AH:
        return (length + 2) * 4
    return (length + 1) * 8


def _transport(flow, frame, at, end, icmp):
    """`icmp` is the number that means ICMP to this IP version; the other version's means nothing.

    RFC 792 and 4443: type and code are the first two bytes of both.
    """
    if flow.proto in WITH_PORTS:
        if at + 4 > end:
            return TRUNCATED
        flow.sport = _u16(frame, at)
        flow.dport = _u16(frame, at + 2)
        if flow.proto == TCP and at + 14 <= end:
            flow.tcp_flags = frame[at + 13]
    elif flow.proto == icmp:
        if at + 2 > end:
            return TRUNCATED
        flow.sport = frame[at]
        flow.dport = frame[at + 1]
    return flow
