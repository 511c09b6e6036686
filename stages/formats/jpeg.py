"""JPEG files, whole or with parts missing (ITU-T T.81).

What decodes stays, the rest is lost. Up to the first gap every unit counts that is there in full. Behind a gap, decoding begins anew at
the next restart marker, if its place is certain: the markers count modulo 8 only, so intervals count where no other number of them
fits between what came before and what must come after. A progressive file keeps what its first scan covers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError
from stages.formats.jpeg_markers import Gaps, Header, read_header
from stages.formats.jpeg_scan import ScanTables, units_across, units_down
from stages.formats.raster import Mask, Raster, nothing_lost

__all__ = ["decode_jpeg"]

BASELINE, EXTENDED, PROGRESSIVE, LOSSLESS = 0xC0, 0xC1, 0xC2, 0xC3
END = b"\xff\xd9"
MARKER = re.compile(rb"\xff+([\x01-\xfe])")
REMEDY = "Fetch the file again"


@dataclass(slots=True)
class _Stretch:
    """A run of bytes of the scan without a gap."""

    pieces: list[bytes] = field(default_factory=list)
    """What stands between its restart markers."""
    marker: int = -1
    """Number of the first of them; with `first`, the second piece follows it."""
    first: bool = False
    """It begins the scan."""
    last: bool = False
    """It ends with the file's end marker."""


def decode_jpeg(data: bytes, name: str, gaps: Gaps = ()) -> Raster:
    """Read a JPEG file.

    data  the file, or its beginning
    name  for messages
    gaps  [start, stop) of bytes that are lost

    Raises DataError if the segments before the first scan are broken or lost, or if nothing can be decoded.
    """
    header = read_header(data, name, gaps)
    meta: dict[str, Any] = {"format": "jpeg", "bits": header.bits, "lossless": header.frame == LOSSLESS}
    if not gaps and END in data[header.scan :]:
        samples = _decode(data, header, name)
        return Raster(samples, nothing_lost(samples.shape[:2]), meta)
    if header.frame not in {BASELINE, EXTENDED, PROGRESSIVE} or any(component.dc < 0 for component in header.components):
        raise DataError("has lost a part, and its kind of coding cannot be picked up", where=f"{name} at byte {header.scan}")
    first = min([start for start, _ in gaps if start >= header.scan], default=len(data))
    if header.frame == PROGRESSIVE:
        gaps = [(first, len(data))]
        meta["caveats"] = ["Its progressive coding is cut, so what there is of it is coarser than what was sent"]
    intervals = _find_intervals(data, header, gaps)
    units = _whole_units(intervals, header, ScanTables(header, name))
    stream = data[:first].rstrip(b"\xff") + END if header.frame == PROGRESSIVE else _rebuild(data, header, intervals)
    samples = _decode(stream, header, name)
    return Raster(samples, _mask_of(units, header), meta)


def _decode(data: bytes, header: Header, name: str) -> NDArray[Any]:
    """Have a library decode a file whose structure is whole."""
    try:
        if header.bits != 8 or header.frame == LOSSLESS:
            import imagecodecs

            samples = np.asarray(imagecodecs.jpeg_decode(data))
        else:
            import imageio.v3 as imageio

            # Four components are inks, which the library knows how to turn into light.
            samples = imageio.imread(data, plugin="pillow", extension=".jpg", mode="RGB" if len(header.components) > 2 else "L")
    except Exception as error:  # a hostile file can make the libraries raise anything
        raise DataError(f"is no JPEG file that can be read: {error}", where=f"{name} at byte {header.scan}", remedy=REMEDY) from error
    if samples.shape[:2] != (header.height, header.width):
        raise DataError(f"decodes to {samples.shape}, not as its header says", where=f"{name} at byte {header.scan}", remedy=REMEDY)
    return samples


def _find_intervals(data: bytes, header: Header, gaps: Gaps) -> dict[int, bytes]:
    """Give the restart intervals that are there, whole or cut, by number."""
    total = -(-units_across(header) * units_down(header) // header.restart) if header.restart else 1
    stretches = list(_stretches(data, header.scan, gaps))
    found: dict[int, bytes] = {}
    for position, stretch in enumerate(stretches):
        later = sum(len(other.pieces) for other in stretches[position + 1 :])
        lowest, highest = max(found, default=-1) + 1, total - later - len(stretch.pieces)
        if stretch.last:
            lowest = highest
        places = [place for place in range(lowest, highest + 1) if (place - 1) % 8 == stretch.marker]
        if stretch.first:
            places = [0]
        if len(places) == 1:
            found.update({places[0] + index: piece for index, piece in enumerate(stretch.pieces)})
    return {number: piece for number, piece in found.items() if number < total}


def _stretches(data: bytes, scan: int, gaps: Gaps) -> Iterator[_Stretch]:
    """Give what is there between the gaps; behind a gap, what precedes the first marker is left out."""
    edges = [scan, *(edge for gap in sorted(gaps) for edge in gap if edge > scan), len(data)]
    if any(start <= scan < stop for start, stop in gaps):
        edges = edges[1:]
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        stretch = _Stretch(first=start == scan)
        at = start if stretch.first else -1
        for marker in MARKER.finditer(data, start, stop):
            if at >= 0:
                stretch.pieces.append(data[at : marker.start()])
            at, number = marker.end(), marker[1][0] - 0xD0
            if not 0 <= number < 8:
                stretch.last = marker[1] == END[1:]
                break
            stretch.marker = number if stretch.marker < 0 else stretch.marker
        else:
            stretch.pieces += [data[at:stop]] if at >= 0 else []
        yield stretch


def _whole_units(intervals: dict[int, bytes], header: Header, tables: ScanTables) -> NDArray[np.bool_]:
    """Say for each unit of the scan whether it is there in full."""
    total = units_across(header) * units_down(header)
    length = header.restart or total
    units = np.zeros(total, np.bool_)
    for number, piece in intervals.items():
        start = number * length
        units[start : start + tables.count(piece, min(length, total - start))] = True
    return units


def _rebuild(data: bytes, header: Header, intervals: dict[int, bytes]) -> bytes:
    """Write the file anew with the intervals that are there; decoders pass over empty ones."""
    parts = [data[: header.scan]]
    for number in range(max(intervals, default=0) + 1):
        if number:
            parts.append(bytes([0xFF, 0xD0 + (number - 1) % 8]))
        parts.append(intervals.get(number, b"").rstrip(b"\xff"))
    return b"".join([*parts, END])


def _mask_of(units: NDArray[np.bool_], header: Header) -> Mask:
    interleaved = len(header.components) > 1
    across, down = (header.across, header.down) if interleaved else (1, 1)
    lost = ~units.reshape(units_down(header), units_across(header))
    mask = lost.repeat(8 * down, axis=0).repeat(8 * across, axis=1)[: header.height, : header.width]
    if across > 1 or down > 1:
        # Colour of fewer samples is interpolated, so the pixels next to a lost unit hold some of its grey.
        grown = mask.copy()
        grown[1:] |= mask[:-1]
        grown[:-1] |= mask[1:]
        mask = grown.copy()
        mask[:, 1:] |= grown[:, :-1]
        mask[:, :-1] |= grown[:, 1:]
    return np.ascontiguousarray(mask)
