"""Pictures with a mask and a record, as TIFF 6.0.

The first page holds the samples, its ImageDescription (section 8) a JSON record. Where anything is lost, a second page of one bit
a sample says what is there: 1 for a sample, 0 for a lost one, the sense of TIFF's transparency mask (page 36). Its PageName is
"mask"; its photometric interpretation is an ordinary one, since common readers refuse a whole file for a page of the other kind.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError
from stages.formats.deflate import compress, searched_size, tried_strips
from stages.formats.raster import Mask, any_lost

__all__ = ["tiff_parts", "write_tiff"]

Buffer: TypeAlias = bytes | memoryview

STRIP_BYTES = 1 << 20
"""Readers need room for one strip at a time; large ones deflate better."""
WORTH = 0.75
"""Compression that leaves more than this is not used."""

HEADER = struct.Struct("<2sHI")
ENTRY = struct.Struct("<HHI4s")
ASCII, SHORT, LONG, RATIONAL = 2, 3, 4, 5
"""Types of fields (section 2)."""
WIDTH, LENGTH, BITS, COMPRESSION, PHOTOMETRIC, DESCRIPTION = 256, 257, 258, 259, 262, 270
STRIP_OFFSETS, SAMPLES_PER_PIXEL, ROWS_PER_STRIP, STRIP_SIZES = 273, 277, 278, 279
X_RESOLUTION, Y_RESOLUTION, PLANAR, PAGE_NAME, RESOLUTION_UNIT = 282, 283, 284, 285, 296
"""Tags (section 8; of pages section 12)."""
NO_COMPRESSION, ADOBE_DEFLATE = 1, 8
"""Section 3; Adobe Photoshop TIFF Technical Notes (2002)."""
BLACK_IS_ZERO, RGB = 1, 2
PHOTOMETRICS = {1: BLACK_IS_ZERO, 3: RGB}
"""By the count of channels."""
KINDS = {
    WIDTH: LONG, LENGTH: LONG, BITS: SHORT, COMPRESSION: SHORT, PHOTOMETRIC: SHORT, DESCRIPTION: ASCII, STRIP_OFFSETS: LONG,
    SAMPLES_PER_PIXEL: SHORT, ROWS_PER_STRIP: LONG, STRIP_SIZES: LONG, X_RESOLUTION: RATIONAL, Y_RESOLUTION: RATIONAL, PLANAR: SHORT,
    RESOLUTION_UNIT: SHORT,
}  # fmt: skip
"""Of the fields that a page of samples may have, in their order."""
ALIGNED = 16
"""Samples begin at a multiple of this, for those who map files into memory."""
LONGEST = (1 << 32) - 1
"""Offsets have 32 bits."""

Values: TypeAlias = "tuple[int, Sequence[int] | bytes]"
"""A field's type, and its values; of text the bytes, of fractions numerator and denominator."""


@dataclass(frozen=True, slots=True)
class _Page:
    fields: Mapping[int, Values]
    """By tag; without those that say where strips are."""
    strips: Sequence[Buffer]


def write_tiff(path: str | Path, samples: NDArray[Any], *, mask: Mask | None = None, record: Mapping[str, Any] | None = None) -> None:
    """Write a picture, as `tiff_parts` gives it."""
    # What is refused leaves no file behind, and empties none.
    parts = tiff_parts(samples, mask=mask, record=record)
    with Path(path).open("wb") as stream:
        stream.writelines(parts)


def tiff_parts(samples: NDArray[Any], *, mask: Mask | None = None, record: Mapping[str, Any] | None = None) -> list[Buffer]:
    """Give the bytes of a file, piece by piece; equal pictures give equal bytes.

    samples  (h, w) or (h, w, 3), uint8 or uint16; they are not copied, unless they are not as they stand in a file
    mask     (h, w), True where a sample is lost; None or all False writes no second page
    record   JSON values, for `Raster.meta["record"]`

    Raises DataError for any other shape or dtype, and for what 4 GiB do not hold.
    """
    known = samples.ndim in {2, 3} and samples.shape[2:] in {(), (3,)} and samples.dtype.newbyteorder("=") in (np.uint8, np.uint16)
    if not known or not samples.size:
        raise DataError(f"an array of {samples.dtype} and shape {samples.shape} is no picture for TIFF")
    pages = [_samples_page(np.ascontiguousarray(samples, dtype=samples.dtype.newbyteorder("<")), record or {})]
    if mask is not None and any_lost(mask):
        pages.append(_mask_page(mask))
    return list(_parts(pages))


def _samples_page(samples: NDArray[Any], record: Mapping[str, Any]) -> _Page:
    channels = samples.shape[2] if samples.ndim == 3 else 1
    description = json.dumps(dict(record), sort_keys=True, separators=(",", ":")).encode("ascii")
    fields: dict[int, Values] = {
        BITS: (SHORT, (8 * samples.itemsize,) * channels),
        PHOTOMETRIC: (SHORT, (PHOTOMETRICS[channels],)),
        DESCRIPTION: (ASCII, description + b"\0"),
        SAMPLES_PER_PIXEL: (SHORT, (channels,)),
    }
    return _page(samples, samples.shape[1], fields | ({PLANAR: (SHORT, (1,))} if channels == 3 else {}))


def _mask_page(mask: Mask) -> _Page:
    fields: dict[int, Values] = {
        BITS: (SHORT, (1,)),
        PHOTOMETRIC: (SHORT, (BLACK_IS_ZERO,)),
        SAMPLES_PER_PIXEL: (SHORT, (1,)),
        PAGE_NAME: (ASCII, b"mask\0"),
    }
    return _page(np.packbits(~mask, axis=1), mask.shape[1], fields)


def _page(rows: NDArray[Any], width: int, fields: Mapping[int, Values]) -> _Page:
    strip = max(1, STRIP_BYTES * len(rows) // rows.nbytes)
    # No predictor: neighbours in a mosaic differ in colour, and its repeated levels compress better as they are.
    packed = _pays(rows)
    octets = rows.reshape(len(rows), -1).view(np.uint8)
    parts = [octets[top : top + strip].ravel() for top in range(0, len(rows), strip)]
    everywhere: dict[int, Values] = {
        WIDTH: (LONG, (width,)),
        LENGTH: (LONG, (len(rows),)),
        COMPRESSION: (SHORT, (ADOBE_DEFLATE if packed else NO_COMPRESSION,)),
        ROWS_PER_STRIP: (LONG, (min(strip, len(rows)),)),
        X_RESOLUTION: (RATIONAL, (1, 1)),
        Y_RESOLUTION: (RATIONAL, (1, 1)),
        RESOLUTION_UNIT: (SHORT, (1,)),
    }
    strips: list[Any] = [compress(part) if packed else part for part in parts]
    return _Page({**everywhere, **fields}, [memoryview(strip) for strip in strips])


def _pays(rows: NDArray[Any]) -> bool:
    """Say whether compression saves enough: of a camera's noise it saves a tenth, and takes most of the time of reading and writing."""
    strips = tried_strips(rows)
    return searched_size(strips) < WORTH * strips.size


def _parts(pages: Sequence[_Page]) -> Iterator[Buffer]:
    """Give directories first, then the strips of all pages."""
    length = HEADER.size + len(_directories(pages, 0))
    begin = -(-length // ALIGNED) * ALIGNED
    end = begin + sum(_even(len(strip)) for page in pages for strip in page.strips)
    if end > LONGEST:
        raise DataError(f"a picture of {end:,} bytes does not fit into a TIFF file, which holds 4 GiB")
    yield HEADER.pack(b"II", 42, HEADER.size) + _directories(pages, begin) + bytes(begin - length)
    for page in pages:
        for strip in page.strips:
            yield strip
            if len(strip) % 2:
                yield b"\0"


def _directories(pages: Sequence[_Page], begin: int) -> bytes:
    """Write the directories of all pages, the first of which stands behind the header; their strips stand from `begin` on."""
    written = b""
    for number, page in enumerate(pages, 1):
        sizes = [len(strip) for strip in page.strips]
        offsets = [begin + sum(map(_even, sizes[:before])) for before in range(len(sizes))]
        begin += sum(map(_even, sizes))
        fields = {**page.fields, STRIP_OFFSETS: (LONG, offsets), STRIP_SIZES: (LONG, sizes)}
        written += _directory(fields, HEADER.size + len(written), last=number == len(pages))
    return written


def _directory(fields: Mapping[int, Values], offset: int, *, last: bool) -> bytes:
    """Write a directory that stands at an offset, and behind it the values that it has no room for (section 2)."""
    apart = offset + 2 + ENTRY.size * len(fields) + 4
    entries, behind = struct.pack("<H", len(fields)), b""
    for tag in sorted(fields):
        kind, values = fields[tag]
        data = values if isinstance(values, bytes) else struct.pack(f"<{len(values)}{'H' if kind == SHORT else 'I'}", *values)
        count = len(values) // 2 if kind == RATIONAL else len(values)
        if len(data) > 4:
            entries += ENTRY.pack(tag, kind, count, struct.pack("<I", apart + len(behind)))
            behind += data + bytes(len(data) % 2)
        else:
            entries += ENTRY.pack(tag, kind, count, data)
    return entries + struct.pack("<I", 0 if last else apart + len(behind)) + behind


def _even(length: int) -> int:
    """Round up to whole words, on which everything begins."""
    return length + length % 2
