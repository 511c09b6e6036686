"""Space packets: an index over their headers, and what their sequence counts say (CCSDS 133.0-B)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from stages.formats.packets import PacketWalk, walk_packets

__all__ = ["PacketWalk", "index_packets", "missing_packets", "read_headers", "walk_packets"]

Bytes: TypeAlias = NDArray[np.uint8]
Integers: TypeAlias = NDArray[np.int64]
Table: TypeAlias = NDArray[Any]

SEQUENCE_MODULUS = 1 << 14


def index_packets(data: Bytes) -> Table:
    """Index the packets that follow each other in a file.

    data  (n,) uint8

    Returns a structured array with fields apid, flags (3 unsegmented, 1 first, 0 continuation, 2 last), sequence, offset and
    length (whole packet, header included). It ends before the first header that cannot be one; `walk_packets` says where and why,
    and the bytes from `offset[-1] + length[-1]` on are not packets. Raises DataError for an array of another shape or type.
    """
    return walk_packets(data).table


def read_headers(data: Bytes, offsets: Integers) -> tuple[Integers, Integers, Integers]:
    """Read APID, sequence flags and sequence count of the packets at these offsets (section 4.1.3)."""
    octets = [data[offsets + place].astype(np.int64) for place in range(4)]
    return (octets[0] & 7) << 8 | octets[1], octets[2] >> 6, (octets[2] & 63) << 8 | octets[3]


def missing_packets(table: Table, before: Mapping[int, int]) -> tuple[Integers, dict[int, int]]:
    """Count the packets that the sequence counts say were sent and did not come.

    table   rows with fields apid and sequence, in the order received
    before  by APID: the last sequence count that came before this table

    Returns for each row how many of its APID are missing right before it, and by APID the last count. A step back, or one of half
    the modulus and more, is a count that started anew and names no loss.
    """
    missing = np.zeros(len(table), np.int64)
    last = dict(before)
    if not len(table):
        return missing, last
    order = np.argsort(table["apid"], kind="stable")
    apids, starts = np.unique(table["apid"][order], return_index=True)
    for apid, rows in zip(apids.tolist(), np.split(order, starts[1:]), strict=True):
        counts = table["sequence"][rows].astype(np.int64)
        step = np.diff(counts, prepend=last.get(apid, counts[0] - 1)) % SEQUENCE_MODULUS
        missing[rows] = np.where((step > 1) & (step < SEQUENCE_MODULUS // 2), step - 1, 0)
        last[apid] = int(counts[-1])
    return missing, last
