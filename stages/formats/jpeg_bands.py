"""JPEG files put together from bands, each coded by itself (ITU-T T.81).

A restart marker after each row of units makes the rows independent (E.1.4): they may be coded in any order, by several threads, and no
more of the picture than a band is ever in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError
from stages.formats.jpeg_markers import read_header

__all__ = ["UNIT", "jpeg_file", "pack_jpeg"]

UNIT = 16
"""Rows of a unit, whose colour has half as many samples each way."""
LONGEST = 65500
"""Pixels of a side; the format has two bytes for it, and the usual decoder stops here."""
SCAN_SEGMENT = 14
"""Bytes of the segment that begins a scan of three components (B.2.3)."""


def pack_jpeg(rows: NDArray[np.uint8], quality: int) -> list[bytes]:
    """Code a band, (rows, width, 3): the data of each of its rows of units. Only the last band may have rows that make no whole unit."""
    coded = [_encode(rows[top : top + UNIT], quality) for top in range(0, len(rows), UNIT)]
    # What stands before the scan is as long in all of them: only the height differs.
    begin = read_header(coded[0], "band").scan
    return [data[begin:-2] for data in coded]


def jpeg_file(width: int, height: int, coded: Iterable[bytes], quality: int) -> Iterator[bytes]:
    """Give a file's bytes from those of its rows of units, top to bottom; DataError if it is too large for the format."""
    if max(width, height) > LONGEST:
        raise DataError(
            f"a picture of {width} x {height} is too large for JPEG", remedy=f"At most {LONGEST} each way; PNG has no such limit"
        )
    model = _encode(np.zeros((UNIT, width, 3), np.uint8), quality)
    head = bytearray(model[: read_header(model, "model").scan])
    frame = head.index(b"\xff\xc0\x00\x11") + 5
    head[frame : frame + 2] = height.to_bytes(2, "big")
    across = -(-width // UNIT)
    yield bytes(head[:-SCAN_SEGMENT]) + b"\xff\xdd\x00\x04" + across.to_bytes(2, "big") + bytes(head[-SCAN_SEGMENT:])
    for number, data in enumerate(coded):
        if number:
            yield bytes([0xFF, 0xD0 + (number - 1) % 8])
        yield data
    yield b"\xff\xd9"


def _encode(rows: NDArray[np.uint8], quality: int) -> bytes:
    from imagecodecs import jpeg8_encode

    encode: Any = jpeg8_encode
    return bytes(encode(np.ascontiguousarray(rows), level=quality, subsampling="420", optimize=False))
