"""Space packets: telemetry, event reports, idle fill, and files cut up as data products of Mars 2020."""

from __future__ import annotations

import json
import struct
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from sample_data.files import File
from sample_data.sensor import generator

__all__ = ["EVENTS", "IDLE", "TELEMETRY", "Draft", "Packet", "Sender", "product"]

EVENTS, TELEMETRY, IDLE = 8, 9, 2047
LARGEST = 10_239
"""Octets of the largest packet seen in flight."""
OBJECT_NAME = 0x000A42
"""Of the objects that a product consists of."""
CREDITS = b"skycrane sample downlink. Seven minutes, four cameras, one microphone. 34 11 58 N 118 10 31 W. Dare mighty things. "


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A packet before it gets its number."""

    apid: int
    ticks: int
    """Of the secondary header."""
    body: bytes
    """What follows the secondary header."""
    file: int = -1
    """Number of the file that it is part of; -1 for telemetry."""
    kind: str = ""
    """Of a file's packet: meta, piece or end."""
    piece: tuple[int, int] = (0, 0)
    """[start, stop) of the file's octets that it carries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """A packet as it is sent."""

    draft: Draft
    sequence: int
    data: bytes
    """Headers included."""


@dataclass(slots=True)
class Sender:
    """Numbers packets in the order they are sent, and gives them their headers; one for the whole life of the spacecraft."""

    counts: Counter[int] = field(default_factory=Counter)

    def send(self, draft: Draft) -> Packet:
        """Make a packet with the mission's secondary header: u32 seconds, u16 ticks of 1/65536 s. Sequence flags are always 3."""
        from spacepackets.ccsds.spacepacket import PacketType, SequenceFlags, SpacePacketHeader

        sequence = self.counts[draft.apid] & 0x3FFF
        self.counts[draft.apid] += 1
        header = SpacePacketHeader(
            packet_type=PacketType.TM,
            apid=draft.apid,
            seq_count=sequence,
            data_len=6 + len(draft.body) - 1,
            sec_header_flag=True,
            seq_flags=SequenceFlags.UNSEGMENTED,
        )
        time = struct.pack(">IH", draft.ticks >> 16, draft.ticks & 0xFFFF)
        return Packet(draft=draft, sequence=sequence, data=bytes(header.pack()) + time + draft.body)

    def idle(self, length: int, ticks: int) -> Packet:
        """Make an idle packet of this length, 13 octets at least: text, as flown."""
        text = (CREDITS * (length // len(CREDITS) + 1))[: length - 12]
        return self.send(Draft(apid=IDLE, ticks=ticks, body=text))


def product(file: File, number: int, created: int) -> list[Draft]:
    """Cut a file up into its metadata packet, its packets of pieces, and its end record.

    `created` is the clock in ticks that all of them carry; with the APID it is the file's identity.
    """
    facts = json.dumps({"name": file.name, **file.facts}, separators=(",", ":")).encode()
    # The first 99 octets follow those of the one product seen in flight: two words that never changed, sites, zeros, reals.
    flown = bytearray(99)
    flown[1:11] = bytes.fromhex("16caa696074600000000")
    flown[15:31] = bytes.fromhex("0000240f0bffff000005000100280004")
    for place, value in enumerate((1.0, 1.02, 1.5198, 1.5729, -0.2835, -2.8072, 3.1155, 4.7906)):
        struct.pack_into(">f", flown, 55 + 4 * place, value)
    metadata = bytes(flown) + struct.pack(">H", len(facts)) + facts
    end = b"\x02" + struct.pack(">IH", (created + 9000) >> 16, (created + 9000) & 0xFFFF) + len(file.data).to_bytes(3, "big")
    bodies = [("meta", metadata, (0, 0)), *(("piece", body, piece) for body, piece in _pieces(file)), ("end", end, (0, 0))]
    return [Draft(apid=file.apid, ticks=created, body=body, file=number, kind=kind, piece=piece) for kind, body, piece in bodies]


def _pieces(file: File) -> list[tuple[bytes, tuple[int, int]]]:
    """Group objects of 1.2 to 4 kB into packets, each of up to 10 kB; with the octets of the file that each carries."""
    rng = generator("pieces", file.name)
    room = LARGEST - 12
    bodies: list[tuple[bytes, tuple[int, int]]] = []
    body, start, offset = bytearray(b"\x01" + (0).to_bytes(3, "big")), 0, 0
    while offset < len(file.data):
        piece = file.data[offset : offset + int(rng.integers(1200, 4000))]
        if len(body) + len(piece) + 8 > room:
            bodies.append((bytes(body), (start, offset)))
            body, start = bytearray(b"\x01" + offset.to_bytes(3, "big")), offset
        total = int(np.frombuffer(piece, np.uint8).sum(dtype=np.uint64)) & 0xFFFF
        body += OBJECT_NAME.to_bytes(3, "big") + len(piece).to_bytes(3, "big") + piece + total.to_bytes(2, "big")
        offset += len(piece)
    bodies.append((bytes(body), (start, offset)))
    return bodies
