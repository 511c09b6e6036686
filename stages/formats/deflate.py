"""The zlib format (RFC 1950), written fast, and the same octets for the same data at any time on any machine.

ISA-L, which did this before, once gave other octets for the same picture (docs/decisions/0014).
"""

from __future__ import annotations

import struct
from typing import Any, TypeAlias

import imagecodecs
import numpy as np
from numba import njit
from numpy.typing import NDArray

from stages.formats.deflate_blocks import room, write_blocks
from stages.formats.deflate_literals import literal_room, write_literals
from stages.formats.deflate_matches import TABLE

__all__ = ["compress", "compress_literal_part", "compress_literals", "compress_part", "literal_size", "searched_size", "tried_strips"]

Octets: TypeAlias = NDArray[np.uint8]

HEADER = np.frombuffer(b"\x78\x01", np.uint8)
"""Deflate, 32 KiB window, fastest (section 2.2)."""
STRIPS, SHARE, THINNEST = 4, 32, 8
"""Of rows that are tried: so many strips, together this part of all, of so many rows at least."""


def compress(data: Octets) -> memoryview:
    """Give a zlib stream of `data`, (n,) uint8: what repeats is said once, and each block has codes of its own or stands as it is.

    It is at most some octets in 32,768 larger than the data.
    """
    data = _compiled_for(data)
    out = np.empty(HEADER.size + room(data.size) + 4, np.uint8)
    table = np.zeros(TABLE, np.uint16)
    end, _, _ = write_blocks(data, 0, table, 1, out, HEADER.size, np.uint64(0), np.uint64(0))
    return _framed(out, end, data)


def compress_literals(data: Octets) -> memoryview:
    """Give a zlib stream of `data`, (n,) uint8, in which nothing is looked for: about twice as fast, for what does not repeat."""
    data = _compiled_for(data)
    out = np.empty(HEADER.size + literal_room(data.size) + 4, np.uint8)
    return _framed(out, write_literals(data, 1, out, HEADER.size), data)


def _compiled_for(data: Octets) -> Octets:
    """Copy what is not contiguous, or cannot be written: for that, all would be compiled once more."""
    return np.require(data, np.uint8, ["C", "W"])


def _framed(out: Octets, end: int, data: Octets) -> memoryview:
    out[: HEADER.size] = HEADER
    checksum = imagecodecs.deflate_adler32(data)  # type: ignore[arg-type]  # nobody's stubs say that arrays are buffers
    out[end : end + 4] = np.frombuffer(struct.pack(">I", checksum), np.uint8)
    return memoryview(out[: end + 4])  # type: ignore[arg-type]


def compress_part(data: Octets) -> bytes:
    """Give blocks of a deflate stream (RFC 1951) for `data`, (n,) uint8, without its ends: parts that stand side by side are a stream.

    Nothing is looked for beyond the part, and an empty stored block makes it end with an octet (section 3.2.4).
    """
    out = np.empty(room(data.size), np.uint8)
    table = np.zeros(TABLE, np.uint16)
    length, held, bits = write_blocks(_compiled_for(data), 0, table, 0, out, 0, np.uint64(0), np.uint64(0))
    return out[:length].tobytes() + int(held).to_bytes((int(bits) + 3 + 7) // 8, "little") + b"\0\0\xff\xff"


def compress_literal_part(data: Octets) -> bytes:
    """Give a part of a deflate stream as `compress_part` does, in which nothing is looked for."""
    out = np.empty(literal_room(data.size), np.uint8)
    return out[: write_literals(_compiled_for(data), 0, out, 0)].tobytes()


def tried_strips(rows: NDArray[Any]) -> Octets:
    """Give the octets of a few strips of a picture's rows, evenly spread, (strips, n): how well they are compressed tells of the whole."""
    thick = min(len(rows), max(THINNEST, len(rows) // STRIPS // SHARE))
    begins = (min(len(rows) * (2 * k + 1) // (2 * STRIPS), len(rows) - thick) for k in range(STRIPS))
    return np.stack([rows[begin : begin + thick].view(np.uint8).ravel() for begin in begins])


@njit(cache=True, nogil=True)
def searched_size(strips: Octets) -> int:
    """Count the octets that each strip, (strips, n) uint8, takes by itself if what repeats is looked for."""
    out, table = np.empty(room(strips.shape[1]), np.uint8), np.zeros(TABLE, np.uint16)
    total = 0
    # By number, or numba does not know that each is contiguous.
    for k in range(len(strips)):
        table[:] = 0
        end, _, _ = write_blocks(strips[k], 0, table, 1, out, 0, np.uint64(0), np.uint64(0))
        total += end
    return total


@njit(cache=True, nogil=True)
def literal_size(strips: Octets) -> int:
    """Count the octets that each strip, (strips, n) uint8, takes by itself if nothing is looked for."""
    out = np.empty(literal_room(strips.shape[1]), np.uint8)
    total = 0
    for k in range(len(strips)):
        total += write_literals(strips[k], 1, out, 0)
    return total
