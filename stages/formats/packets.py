"""A file of space packets, one after the other, walked header by header (CCSDS 133.0-B section 4.1.3)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stages.formats.octets import Bytes, byte_stream

__all__ = ["INDEX_DTYPE", "PacketWalk", "cut_between_packets", "read_u16", "walk_packets"]

INDEX_DTYPE = np.dtype(
    [
        ("apid", "<u2"),
        ("flags", "u1"),  # sequence flags: 3 unsegmented, 1 first, 0 continuation, 2 last
        ("sequence", "<u2"),
        ("offset", "<i8"),  # of the packet in the data
        ("length", "<u4"),  # octets, header included
    ]
)
"""A row a packet, in the order of the file."""

ENDS = ("", "the last packet is cut off", "no packet header stands here: the version is not 0")
BLOCK = 1 << 15


class PacketWalk(NamedTuple):
    """How far the packets of a file go."""

    table: NDArray[Any]
    """(p,) INDEX_DTYPE."""
    end: int
    """Byte after the last whole packet."""
    reason: str
    """Why the walk ended there; empty at the end of the data."""


def walk_packets(data: Bytes) -> PacketWalk:
    """Find the packets that follow each other from the first byte on.

    data  (n,) uint8

    The walk stops for good at the first header that cannot be one (packet version other than 0) or whose packet would reach over
    the end: behind it every boundary would be a guess. Raises DataError for an array of another shape or type.
    """
    data = byte_stream(data, "data")
    blocks: list[NDArray[Any]] = []
    at, why = 0, -1
    while why < 0:
        # Blocks grow, so that a few packets cost a small table and a hostile file no more than its packets.
        table = np.empty(min(BLOCK << min(len(blocks), 5), data.size // 7 + 1), INDEX_DTYPE)
        count, at, why = walk(data, at, table)
        blocks.append(table[:count])
    return PacketWalk(np.concatenate(blocks) if len(blocks) > 1 else blocks[0].copy(), int(at), ENDS[why])


def cut_between_packets(path: Path, step: int) -> list[int]:
    """Cut a file of packets into stretches of at most `step` octets, each of which begins with a packet; return where they begin.

    Behind the first place where no packet header stands nothing is cut: the last stretch holds all of it.
    """
    size = path.stat().st_size
    cuts = [0]
    while size - cuts[-1] > step:
        end = _skip_packets(np.fromfile(path, np.uint8, step, offset=cuts[-1]))
        if end < 0:
            break
        cuts.append(cuts[-1] + int(end))
    return cuts


@njit(cache=True, nogil=True)
def _skip_packets(data: Bytes) -> int:
    """Return where the last whole packet ends, -1 if something stands among them that is none."""
    at = 0
    while data.size - at >= 7:
        if data[at] >> 5:
            return -1
        length = 7 + read_u16(data, at + 4)
        if length > data.size - at:
            break
        at += length
    return at or -1


@njit(cache=True, nogil=True)
def read_u16(data: Bytes, place: int) -> Any:
    """Read a big-endian number of two octets."""
    return np.int64(data[place]) << 8 | np.int64(data[place + 1])


@njit(cache=True, nogil=True)
def walk(data: Bytes, at: int, table: Any) -> tuple[int, int, int]:
    """Fill the table; return rows, next byte and why it ended: -1 table full, else an index of ENDS."""
    count = 0
    while count < table.size:
        left = data.size - at
        if left == 0:
            return count, at, 0
        if data[at] >> 5:
            return count, at, 2
        if left < 7:
            return count, at, 1
        length = 7 + read_u16(data, at + 4)
        if length > left:
            return count, at, 1
        row = table[count]
        row.apid = read_u16(data, at) & 0x7FF
        row.flags = data[at + 2] >> 6
        row.sequence = read_u16(data, at + 2) & 0x3FFF
        row.offset = at
        row.length = length
        count += 1
        at += length
    return count, at, -1
