"""Tag Image File Format: what `stages.formats.tiff` writes of a whole picture, in strips without gaps, is read here, the rest by tifffile.

That takes six times as long for a mosaic of a megapixel, and a tenth of a second before the first.
"""

from __future__ import annotations

import json
import struct
from itertools import accumulate

import numpy as np

from stages.formats.raster import LARGEST, Raster, nothing_lost
from stages.formats.tiff import (
    ASCII,
    BITS,
    COMPRESSION,
    ENTRY,
    HEADER,
    KINDS,
    LENGTH,
    LONG,
    NO_COMPRESSION,
    PHOTOMETRIC,
    PHOTOMETRICS,
    PLANAR,
    RATIONAL,
    ROWS_PER_STRIP,
    SAMPLES_PER_PIXEL,
    SHORT,
    STRIP_OFFSETS,
    STRIP_SIZES,
    WIDTH,
)

__all__ = ["read_plain_tiff", "read_tiff"]

FORMATS = {SHORT: "H", LONG: "I"}
MOST = 1 << 16
"""Numbers of a field; strips of a megabyte are fewer."""
CHUNKY = 1
"""PlanarConfiguration: the samples of a pixel stand side by side (section 8)."""


def read_tiff(data: bytes, name: str) -> Raster:
    """Read the first page of a TIFF, and the mask if the second page is one.

    data  the whole file
    name  for messages

    Raises DataError if it cannot be read, is too large, or is neither grey nor RGB of 8 or 16 unsigned bits.
    """
    raster = read_plain_tiff(data)
    if raster is not None:
        return raster
    from stages.formats.tiff_foreign import read_any_tiff

    return read_any_tiff(data, name)


def read_plain_tiff(data: bytes) -> Raster | None:
    """Read what `stages.formats.tiff` writes of a whole picture without compression; None for anything that differs from that."""
    try:
        return _read(data)
    except (struct.error, LookupError, ValueError, RecursionError):
        return None


def _read(data: bytes) -> Raster:
    """Read one page of samples as they stand; one of the errors caught above for anything else."""
    fields, record = _read_directory(data)
    (width,), (height,), (channels,) = fields[WIDTH], fields[LENGTH], fields[SAMPLES_PER_PIXEL]
    bits, photometric = fields[BITS][0], PHOTOMETRICS[channels]
    told = (fields[BITS], fields[COMPRESSION], fields[PHOTOMETRIC], fields.get(PLANAR, (CHUNKY,)))
    if bits not in {8, 16} or not 0 < width * height <= LARGEST:
        raise ValueError
    if told != ((bits,) * channels, (NO_COMPRESSION,), (photometric,), (CHUNKY,)):
        raise ValueError
    row = width * channels * bits // 8
    (rows_per_strip,), sizes = fields[ROWS_PER_STRIP], fields[STRIP_SIZES]
    if sum(sizes) != row * height or any(size != row * rows_per_strip for size in sizes[:-1]):
        raise ValueError
    begin = fields[STRIP_OFFSETS][0]
    ends = list(accumulate(sizes, initial=begin))
    if sizes[-1] > row * rows_per_strip or fields[STRIP_OFFSETS] != tuple(ends[:-1]) or ends[-1] > len(data):
        raise ValueError
    values = np.frombuffer(data, f"<u{bits // 8}", width * height * channels, begin)
    samples = values.astype(values.dtype.newbyteorder("=")).reshape((height, width) + (channels,) * (channels > 1))
    return Raster(samples, nothing_lost((height, width)), {"format": "tiff", "bits": bits, "lossless": True, "record": record})


def _read_directory(data: bytes) -> tuple[dict[int, tuple[int, ...]], dict[str, object]]:
    """Give the numbers of the only directory by tag, and the record."""
    if data[: HEADER.size] != HEADER.pack(b"II", 42, HEADER.size):
        raise ValueError
    (count,) = struct.unpack_from("<H", data, HEADER.size)
    end = HEADER.size + 2 + ENTRY.size * count
    entries = list(ENTRY.iter_unpack(data[HEADER.size + 2 : end]))
    tags = [tag for tag, *_ in entries]
    if struct.unpack_from("<I", data, end) != (0,) or tags != [tag for tag in KINDS if tag in tags]:
        raise ValueError
    fields, record = {}, None
    for tag, kind, number, held in entries:
        if kind != KINDS[tag]:
            raise ValueError
        if kind == ASCII:
            record = json.loads(_apart(data, number, held).removesuffix(b"\0").decode("ascii"))
        elif kind != RATIONAL:
            if number > MOST:
                raise ValueError
            form = struct.Struct(f"<{number}{FORMATS[kind]}")
            fields[tag] = form.unpack(_apart(data, form.size, held))
    if isinstance(record, dict):
        return fields, record
    raise ValueError


def _apart(data: bytes, size: int, held: bytes) -> bytes:
    """Give the bytes of a field: in its entry, or where that says, if it has no room for them (section 2)."""
    (offset,) = struct.unpack("<I", held)
    found = held[:size] if size <= len(held) else data[offset : offset + size]
    if len(found) != size:
        raise ValueError
    return found
