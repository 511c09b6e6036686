"""The zlib format (RFC 1950), written fast, and the same octets for the same data at any time on any machine.

ISA-L, which did this before, once gave other octets for the same picture (docs/decisions/0014).
"""

from __future__ import annotations

import struct
from typing import TypeAlias

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from stages.formats.deflate_blocks import room, write_blocks
from stages.formats.deflate_literals import literal_room, write_literals
from stages.formats.deflate_matches import TABLE, WINDOW

__all__ = ["Compressor", "compress", "compress_literals"]

Octets: TypeAlias = NDArray[np.uint8]

HEADER = np.frombuffer(b"\x78\x01", np.uint8)
"""Deflate, 32 KiB window, fastest (section 2.2)."""


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
    return _framed(out, write_literals(data, out, HEADER.size), data)


def _compiled_for(data: Octets) -> Octets:
    """Copy what is not contiguous, or cannot be written: for that, all would be compiled once more."""
    return np.require(data, np.uint8, ["C", "W"])


def _framed(out: Octets, end: int, data: Octets) -> memoryview:
    out[: HEADER.size] = HEADER
    out[end : end + 4] = np.frombuffer(struct.pack(">I", isal_zlib.adler32(data)), np.uint8)
    return memoryview(out[: end + 4])  # type: ignore[arg-type]  # numpy's stubs do not say that arrays are buffers


class Compressor:
    """A zlib stream of data that comes in pieces; equal pieces give equal octets, other pieces of the same data may give others."""

    def __init__(self) -> None:
        self._head = HEADER.tobytes()
        self._table = np.zeros(TABLE, np.uint16)
        self._reach = np.empty(0, np.uint8)
        self._held, self._bits = np.uint64(0), np.uint64(0)
        self._checksum = 1

    def compress(self, data: Octets) -> bytes:
        """Take (n,) uint8; give the octets that are whole by then."""
        self._checksum = isal_zlib.adler32(data, self._checksum)
        return self._write(data, last=False)

    def flush(self) -> bytes:
        """Give the rest; nothing can come after it."""
        return self._write(np.empty(0, np.uint8), last=True) + struct.pack(">I", self._checksum)

    def _write(self, data: Octets, *, last: bool) -> bytes:
        head, self._head = self._head, b""
        known, begin = np.concatenate([self._reach, data]), self._reach.size
        out = np.empty(room(data.size), np.uint8)
        length, self._held, self._bits = write_blocks(known, begin, self._table, int(last), out, 0, self._held, self._bits)
        # Where an octet stands in the array and where in all that came are the same in the table's bits.
        whole = max(known.size // WINDOW - 1, 0) * WINDOW
        self._reach = known[whole:].copy()
        return head + out[:length].tobytes()
