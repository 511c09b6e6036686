"""The marker segments of JPEG and JPEG-LS files (ITU-T T.81 annex B, T.87 annex C)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from pipeline.errors import DataError
from stages.formats.raster import check_extent

__all__ = ["Component", "Gaps", "Header", "read_header"]

Gaps: TypeAlias = Sequence[tuple[int, int]]
"""[start, stop) of bytes that are lost."""

FRAMES = {0xC0 + number for number in range(16)} - {0xC4, 0xC8, 0xCC} | {0xF7}
"""SOF0 to SOF15, and JPEG-LS's."""
STANDALONE = {0x01, *range(0xD0, 0xD9)}
IGNORED = {*range(0xE0, 0xF0), 0xFE}
"""Application segments and comments: a gap in one harms nothing."""
REMEDY = "Fetch the file again"


@dataclass(slots=True)
class Component:
    """A colour component of the frame, and the tables its first scan uses."""

    identifier: int
    across: int
    down: int
    """Sampling factors."""
    dc: int = -1
    ac: int = -1
    """Huffman tables; -1 if the first scan has not this component."""
    quantization: int = 0
    """Number of its quantization table."""


@dataclass(slots=True)
class Header:
    """What stands before the first scan."""

    frame: int = 0
    """Marker of the frame, 0xC0 for baseline."""
    bits: int = 0
    width: int = 0
    height: int = 0
    components: list[Component] = field(default_factory=list)
    tables: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)
    """Class and number of a Huffman table to its 16 counts and its symbols."""
    quantization: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """Number of a table to its 64 steps, in zigzag order."""
    transform: int = -1
    """Of colour, as Adobe's segment says: 0 none, 1 YCbCr; -1 if there is no such segment."""
    restart: int = 0
    """Data units between restart markers."""
    scan: int = 0
    """Byte at which the first scan's data begin."""
    spectral: tuple[int, int] = (0, 63)
    near: int = 0
    """JPEG-LS: largest error of a sample."""

    @property
    def across(self) -> int:
        """Largest horizontal sampling factor."""
        return max(component.across for component in self.components)

    @property
    def down(self) -> int:
        """Largest vertical one."""
        return max(component.down for component in self.components)


def read_header(data: bytes, name: str, gaps: Gaps = ()) -> Header:
    """Read the marker segments up to the first scan.

    Raises DataError, naming the byte, if they are broken, lie in a gap, or claim too many pixels.
    """
    header, offset = Header(), 2
    if data[:2] != b"\xff\xd8":
        raise DataError("does not begin as a JPEG file", where=f"{name} at byte 0", remedy=REMEDY)
    while not header.scan:
        offset = _read_segment(data, offset, header, name, gaps)
    if not header.frame:
        raise DataError("has a scan, but no frame before it", where=f"{name} at byte {header.scan}", remedy=REMEDY)
    return header


def _read_segment(data: bytes, offset: int, header: Header, name: str, gaps: Gaps) -> int:
    """Read the segment at `offset` and return where the next one begins."""
    start = offset
    while data[offset : offset + 2] == b"\xff\xff":
        offset += 1
    if len(data) < offset + 4 or data[offset] != 0xFF:
        raise DataError("has no marker here, or ends", where=f"{name} at byte {start}", remedy=REMEDY)
    marker = data[offset + 1]
    if marker in STANDALONE:
        return offset + 2
    length = int.from_bytes(data[offset + 2 : offset + 4], "big")
    stop = offset + 2 + length
    needed = offset + 4 if marker in IGNORED else stop
    if length < 2 or stop > len(data) or any(first < needed and last > start for first, last in gaps):
        raise DataError(f"lacks a part of segment {marker:02X}", where=f"{name} at byte {offset}", remedy=REMEDY)
    try:
        _take(marker, data[offset + 4 : stop], header, name, offset)
    except IndexError:
        raise DataError(f"has a short segment {marker:02X}", where=f"{name} at byte {offset}", remedy=REMEDY) from None
    if marker == 0xDA:
        header.scan = stop
    return stop


def _take(marker: int, body: bytes, header: Header, name: str, offset: int) -> None:
    if marker in FRAMES:
        _take_frame(marker, body, header, name, offset)
    elif marker == 0xC4:
        _take_tables(body, header)
    elif marker == 0xDB:
        _take_steps(body, header)
    elif marker == 0xEE and body[:5] == b"Adobe" and len(body) >= 12:
        header.transform = body[11]
    elif marker == 0xDD:
        header.restart = body[0] << 8 | body[1]
    elif marker == 0xDA:
        _take_scan(body, header)


def _take_frame(marker: int, body: bytes, header: Header, name: str, offset: int) -> None:
    header.frame, header.bits = marker, body[0]
    header.height, header.width = body[1] << 8 | body[2], body[3] << 8 | body[4]
    check_extent(header.width, header.height, name, offset + 5)
    header.components = [
        Component(identifier=body[at], across=body[at + 1] >> 4, down=body[at + 1] & 15, quantization=body[at + 2])
        for at in range(6, 6 + 3 * body[5], 3)
    ]
    factors = [factor for component in header.components for factor in (component.across, component.down)]
    if not 1 <= len(header.components) <= 4 or min(factors) < 1 or max(factors) > 4:
        raise DataError("has sampling factors out of range", where=f"{name} at byte {offset}", remedy=REMEDY)


def _take_tables(body: bytes, header: Header) -> None:
    at = 0
    while at < len(body):
        counts = body[at + 1 : at + 17]
        total = sum(counts)
        header.tables[body[at]] = (counts, body[at + 17 : at + 17 + total])
        at += 17 + total


def _take_steps(body: bytes, header: Header) -> None:
    at = 0
    while at < len(body):
        wide = 2 if body[at] >> 4 else 1
        steps = body[at + 1 : at + 1 + 64 * wide]
        header.quantization[body[at] & 15] = (
            tuple(steps) if wide == 1 else tuple(a << 8 | b for a, b in zip(steps[::2], steps[1::2], strict=False))
        )
        at += 1 + 64 * wide


def _take_scan(body: bytes, header: Header) -> None:
    count = body[0]
    for at in range(1, 1 + 2 * count, 2):
        for component in header.components:
            if component.identifier == body[at]:
                component.dc, component.ac = body[at + 1] >> 4, body[at + 1] & 15
    header.spectral = (body[1 + 2 * count], body[2 + 2 * count])
    header.near = body[1 + 2 * count] if header.frame == 0xF7 else 0
