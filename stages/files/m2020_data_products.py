"""Data products of Mars 2020: how its flight software cuts a file into packets (docs/reference/mars2020-data-products.md).

All packets of a transfer have one APID and one time in their secondary header. The octet after that header tells what they hold:
0 what is known of the file, 1 pieces of it, 2 that it ends, and how long it is.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from stages.products import Packets
from stages.products.files import FilePart, Segment
from stages.profile import FileProtocol

__all__ = ["read_metadata", "read_parts", "read_pieces"]

Bytes: TypeAlias = NDArray[np.uint8]
Facts: TypeAlias = dict[str, Any]

TICKS_PER_SECOND = 65536
BODY = 12
"""First octet after primary and secondary header: what the packet holds."""
METADATA, PIECES, END = 0, 1, 2
METADATA_OCTETS = 99
"""Of a metadata packet's body as flown, the kind included; behind them the sample downlinks add a u16 length and JSON."""
MOST_FACTS = 32
LONGEST_TEXT = 150
WHOLE = {"width": 1 << 16, "height": 1 << 16, "bits": 32, "sample": 1 << 53}
"""Facts that must be whole numbers from 0 on, and their largest values."""


def read_parts(packets: Packets, protocol: FileProtocol) -> Iterator[FilePart]:
    """Give the pieces of each transfer, in the order of the transfers' identities; pieces in the order received."""
    table, data = packets.table, packets.data
    chosen = table[np.isin(table["apid"], protocol.apids)]
    chosen = chosen[(data[chosen["offset"]] & 0x08 != 0) & (chosen["length"] > BODY)]
    identity = chosen["apid"].astype(np.uint64)
    for place in range(6, BODY):
        identity = identity << np.uint64(8) | data[chosen["offset"] + place]
    order = np.argsort(identity, kind="stable")
    numbers, starts = np.unique(identity[order], return_index=True)
    for number, rows in zip(numbers.tolist(), np.split(order, starts[1:]) if len(order) else (), strict=True):
        name = f"{number >> 48:04d}-{number >> 16 & 0xFFFFFFFF:010d}-{number & 0xFFFF:05d}"
        yield read_transfer(packets, chosen[rows], name, protocol.largest)


def read_transfer(packets: Packets, rows: NDArray[Any], name: str, largest: int) -> FilePart:
    """Read the packets of one transfer."""
    segments: list[Segment] = []
    meta: Facts = {}
    size: int | None = None
    refused = 0
    for row in rows:
        body = packets.data[row["offset"] + BODY : row["offset"] + row["length"]].tobytes()
        total = int.from_bytes(body[7:10], "big")
        if body[0] == PIECES:
            pieces, whole = read_pieces(body, largest)
            segments += [Segment(offset, piece, good, int(row["position"]), int(row["frames"])) for offset, piece, good in pieces]
            refused += not whole
        elif body[0] == METADATA and len(body) >= METADATA_OCTETS:
            meta = meta or read_metadata(body[METADATA_OCTETS:])
        elif body[0] == END and len(body) >= 10 and total <= largest:
            size = total if size is None else size
        else:
            refused += 1
    return FilePart(
        file=name,
        pass_=packets.pass_,
        chunk=packets.chunk,
        segments=tuple(segments),
        meta=meta,
        size=size,
        refused=refused,
    )


def read_pieces(body: bytes, largest: int) -> tuple[list[tuple[int, bytes, bool]], bool]:
    """Read the pieces in a packet: u24 offset in the file, then for each u24 name, u24 length, octets, u16 sum of the octets.

    Returns offset, octets and whether the sum is right of each; and whether the packet was read to its end: a length that reaches over
    it, or an offset that no file has, ends the reading.
    """
    pieces: list[tuple[int, bytes, bool]] = []
    offset, at = int.from_bytes(body[1:4], "big"), 4
    while at + 8 <= len(body):
        length = int.from_bytes(body[at + 3 : at + 6], "big")
        stop = at + 6 + length
        if stop + 2 > len(body) or offset + length > largest:
            return pieces, False
        octets = body[at + 6 : stop]
        total = int(np.frombuffer(octets, np.uint8).sum(dtype=np.uint64)) & 0xFFFF
        if length:
            pieces.append((offset, octets, total == int.from_bytes(body[stop : stop + 2], "big")))
        offset += length
        at = stop + 2
    return pieces, at == len(body)


def read_metadata(octets: bytes) -> Facts:
    """Read the JSON behind a metadata packet's body: name, ticks, width, height, bits, encoding, cfa, sample, or other plain facts.

    `ticks` becomes `clock`, in seconds. What is no plain fact, or out of range, is left out; what is no JSON gives nothing.
    """
    length = int.from_bytes(octets[:2], "big")
    try:
        value = json.loads(octets[2 : 2 + length])
    except (ValueError, RecursionError):
        return {}
    if not isinstance(value, dict):
        return {}
    facts: Facts = {}
    for key, fact in list(value.items())[:MOST_FACTS]:
        if key == "name" and isinstance(fact, str):
            facts[key] = plain_name(fact)
        elif key == "ticks" and is_whole(fact, 1 << 48):
            facts["clock"] = fact / TICKS_PER_SECOND
        elif key not in {"name", "ticks", "clock"} and is_plain(key, fact):
            facts[key] = fact
    return {key: facts[key] for key in sorted(facts) if facts[key] != ""}


def plain_name(name: str) -> str:
    """Give the last part of a path, without what cannot be printed."""
    last = re.split(r"[/\\]", name)[-1]
    return "".join(character for character in last if character.isprintable())[:LONGEST_TEXT].strip(". ")


def is_whole(fact: object, limit: int) -> bool:
    return isinstance(fact, int) and not isinstance(fact, bool) and 0 <= fact < limit


def is_plain(key: str, fact: object) -> bool:
    """Say whether a fact is a number or a short text, within the range of its name."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,31}", key):
        return False
    if key in WHOLE:
        return is_whole(fact, WHOLE[key] + 1)
    if isinstance(fact, str):
        return len(fact) <= LONGEST_TEXT and fact.isprintable()
    return is_whole(fact, 1 << 53) or (isinstance(fact, float) and math.isfinite(fact)) or isinstance(fact, bool)
