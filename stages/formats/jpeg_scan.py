"""How far the Huffman-coded data of a JPEG scan go (ITU-T T.81 annex F.2.2).

A decoder paints what is missing in grey and does not say where it began. Counting the units that are there in full needs the codes' lengths
only, no pixel.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.errors import DataError
from stages.formats.jpeg_markers import Header

__all__ = ["ScanTables", "code_table", "units_across", "units_down"]


def units_across(header: Header) -> int:
    """Count the units of the first scan in a row: 8 samples, times the sampling factor where components are interleaved (A.2)."""
    return -(-header.width // (8 * (header.across if len(header.components) > 1 else 1)))


def units_down(header: Header) -> int:
    """Count the rows of them."""
    return -(-header.height // (8 * (header.down if len(header.components) > 1 else 1)))


class ScanTables:
    """The first scan's Huffman tables, laid out for counting.

    Raises DataError for tables that are missing or no prefix code.
    """

    def __init__(self, header: Header, name: str) -> None:
        self._blocks: list[tuple[int, int]] = []
        self._lookup: list[NDArray[np.uint16]] = []
        rows: dict[int, int] = {}
        only_dc = header.spectral[1] == 0
        for component in header.components:
            for selector in (component.dc, 0x10 | component.ac):
                if selector not in rows and not (only_dc and selector >= 0x10):
                    rows[selector] = len(self._lookup)
                    self._lookup.append(code_table(header.tables.get(selector), f"{name} at byte {header.scan}"))
            repeats = component.across * component.down if len(header.components) > 1 else 1
            self._blocks += [(rows[component.dc], -1 if only_dc else rows[0x10 | component.ac])] * repeats

    def count(self, data: bytes, most: int) -> int:
        """Count the units that are there in full, up to `most`, in the data between two restart markers."""
        stuffed = np.frombuffer(data, np.uint8)
        return int(_count(stuffed, np.array(self._lookup), np.array(self._blocks, np.int64), most))


def code_table(table: tuple[bytes, bytes] | None, where: str) -> NDArray[np.uint16]:
    """Give length << 8 | symbol for every 16 bits that begin with a code, 0 where none does (C.2, F.2.2.3)."""
    counts, symbols = table or (b"", b"")
    lookup = np.zeros(1 << 16, np.uint16)
    code, used = 0, 0
    if len(counts) != 16 or len(symbols) != sum(counts):
        raise DataError("uses a Huffman table that it has not, or not in full", where=where, remedy="Fetch the file again")
    for length, count in enumerate(counts, 1):
        for symbol in symbols[used : used + count]:
            if code + (1 << (16 - length)) > len(lookup):
                raise DataError("has a Huffman table that is no prefix code", where=where, remedy="Fetch the file again")
            lookup[code : code + (1 << (16 - length))] = length << 8 | symbol
            code += 1 << (16 - length)
        used += count
    return lookup


@njit(cache=True, nogil=True)
def _count(stuffed: NDArray[np.uint8], lookup: NDArray[np.uint16], blocks: NDArray[np.int64], most: int) -> int:
    data = np.zeros(stuffed.size + 8, np.uint8)
    size = 0
    for at in range(stuffed.size):
        # Of the pair FF 00 the second byte only says that the first is data (B.1.1.5); a lone FF at a cut may be half of a marker.
        if stuffed[at] == 0xFF and at + 1 == stuffed.size:
            break
        if at and stuffed[at] == 0 and stuffed[at - 1] == 0xFF:
            continue
        data[size] = stuffed[at]
        size += 1
    position, units = 0, 0
    while units < most:
        for block in range(blocks.shape[0]):
            position = _skip_block(data, position, 8 * size, lookup, blocks[block, 0], blocks[block, 1])
            if position < 0:
                return units
        units += 1
    return units


@njit(cache=True, nogil=True)
def _skip_block(data: NDArray[np.uint8], position: int, end: int, lookup: NDArray[np.uint16], dc: int, ac: int) -> int:
    """Return the bit behind a block; -1 if it is not there in full, or is no code."""
    coefficient = 0
    while coefficient < 64:
        byte, bit = position >> 3, position & 7
        window = (int(data[byte]) << 16 | int(data[byte + 1]) << 8 | int(data[byte + 2])) >> (8 - bit)
        entry = int(lookup[ac if coefficient else dc, window & 0xFFFF])
        if entry == 0:
            return -1
        run, size = (entry >> 4) & 15, entry & 15
        if coefficient == 0:
            run, size = 0, entry & 0xFF
            if size > 16:
                return -1
        position += (entry >> 8) + size
        if position > end:
            return -1
        if coefficient and size == 0 and run < 15:
            return position
        coefficient += run + 1
        if ac < 0:
            return position
    return position
