"""A file of space packets, one after the other."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError
from pipeline.product import CHUNK_BYTES, Arrival, Recognition, Source
from stages.profile import Dictionary, FileProtocol, Link
from stages.recognise.sections import Sections

__all__ = ["packets_from_outside", "recognise_packets"]

Bytes: TypeAlias = NDArray[np.uint8]

PACKETS_TRIED = 4096


def recognise_packets(arrival: Arrival, sections: Sections) -> Recognition | None:
    """Walk packet headers from the first octet on, each where the one before says.

    The chain must hold through the head (16 packets are enough if it breaks later), and its APIDs must be known to the profile, or
    the sequence count of each must go up by one.
    """
    if arrival.level not in {None, "packets"}:
        return None
    apids, counts, unbroken = walk_head(arrival.head)
    if not len(apids):
        return None
    known = {apid for link in sections(Link).values() for apid in (link.idle_apid,)}
    known.update(apid for part in sections(Dictionary).values() for apid in (*part.channel_apids, *part.event_apids))
    known.update(apid for part in sections(FileProtocol).values() for apid in part.apids)
    order = np.argsort(apids, kind="stable")
    steps = np.diff(counts[order])[np.diff(apids[order]) == 0] % (1 << 14)
    confidence = 0.0
    if unbroken or len(apids) >= 16:
        if len(steps) >= 3 and (steps == 1).mean() >= 0.8:
            confidence = 0.8
        if len(apids) > 1 and np.isin(apids, sorted(known)).mean() >= 0.9:
            confidence = 0.9
    if arrival.level is not None:
        confidence = 1.0
    if not confidence:
        return None
    return Recognition(confidence=confidence, level="packets", key={}, chunked=True)


def walk_head(head: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64], bool]:
    """Return APID and sequence count of the packets, and whether their chain holds to the end of the head."""
    rows: list[tuple[int, int]] = []
    at = 0
    while at + 6 <= len(head) and len(rows) < PACKETS_TRIED:
        if head[at] >> 5:
            break
        rows.append(((head[at] & 7) << 8 | head[at + 1], (head[at + 2] & 63) << 8 | head[at + 3]))
        at += 7 + (head[at + 4] << 8 | head[at + 5])
    table = np.array(rows, np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1], len(rows) == PACKETS_TRIED or at + 6 > len(head)


def packets_from_outside(source: Source) -> tuple[Bytes, NDArray[Any], int]:
    """Read a file of packets; give the packets, their table (PACKET_DTYPE) and the octets at its end that are none.

    Raises DataError if no packet stands at its beginning.
    """
    from stages.formats.packets import walk_packets
    from stages.products import PACKET_DTYPE
    from stages.products.chunk import begins

    # A chunk that is larger ends in what are no packets.
    whole = source.files[""]
    part = dataclasses.replace(whole, length=min(whole.length, CHUNK_BYTES))
    data = np.frombuffer(part.read(), np.uint8)
    walk = walk_packets(data)
    if not len(walk.table) and part.offset == 0:
        raise DataError(
            f"no space packet stands at its beginning: {walk.reason}",
            where=str(source.path()),
            remedy="Name what the file holds with --level bits or --level frames",
        )
    table = np.zeros(len(walk.table), PACKET_DTYPE)
    for field in ("apid", "flags", "sequence", "offset", "length"):
        table[field] = walk.table[field]
    table["position"] = 8 * (begins(source.key["chunk"], source.facts.get("position")) + walk.table["offset"])
    return data[: walk.end], table, whole.length - walk.end
