"""JPEG-LS files, whole or cut (ITU-T T.87).

Each sample depends on all before it, so a gap ends what can be decoded, and the library stops there without a word on how far it came.
Decodings that go on with opposite bits behind the gap tell: they agree in the rows before it, and differ from the first code word
that those bits take part in, since no two code words are alike.
"""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError
from stages.formats.jpeg_markers import Gaps, Header, read_header
from stages.formats.raster import Raster, nothing_lost

__all__ = ["decode_jpeg_ls"]

END = b"\xff\xd9"
FILLS = (b"\x00", b"\xfe")
"""Opposite from their first bit on; FF would be a marker."""
FILL_LENGTH = 4096
UNWRITTEN = (0, 1)
"""Two decodings that start from either show which rows were written at all."""


def decode_jpeg_ls(data: bytes, name: str, gaps: Gaps = ()) -> Raster:
    """Read a JPEG-LS file; rows from the first gap on are lost.

    data  the file, or its beginning
    name  for messages
    gaps  [start, stop) of bytes that are lost

    Raises DataError if the header is broken or lost, or if the file is whole and cannot be decoded.
    """
    header = read_header(data, name, gaps)
    meta = {"format": "jpeg-ls", "bits": header.bits, "lossless": header.near == 0}
    if header.bits < 2 or header.bits > 16 or len(header.components) not in {1, 3}:
        raise DataError(f"has {len(header.components)} components of {header.bits} bits", where=f"{name} at byte {header.scan}")
    if not gaps and END in data[header.scan :]:
        samples = _empty(header, 0)
        _decode(data, samples, name, header)
        return Raster(samples, nothing_lost(samples.shape[:2]), meta)
    first = min([start for start, _ in gaps if start >= header.scan], default=len(data))
    trials = [_decode_part(data[:first], header, fill, value) for fill in FILLS for value in UNWRITTEN]
    same = (np.stack(trials) == trials[0]).all(axis=0).reshape(header.height, -1).all(axis=1)
    rows = header.height if same.all() else int(np.argmin(same))
    one = trials[0]
    one[rows:] = 0
    mask = np.zeros((header.height, header.width), np.bool_)
    mask[rows:] = True
    return Raster(one, mask, meta)


def _empty(header: Header, value: int) -> NDArray[Any]:
    channels = (3,) if len(header.components) == 3 else ()
    return np.full((header.height, header.width, *channels), value, np.uint8 if header.bits <= 8 else np.uint16)


def _decode(data: bytes, out: NDArray[Any], name: str, header: Header) -> None:
    import imagecodecs

    try:
        imagecodecs.jpegls_decode(data, out=out)
    except Exception as error:  # a hostile file can make the library raise anything
        raise DataError(
            f"is no JPEG-LS file that can be read: {error}",
            where=f"{name} at byte {header.scan}",
            remedy="Fetch the file again",
        ) from error


def _decode_part(data: bytes, header: Header, fill: bytes, value: int) -> NDArray[Any]:
    """Decode what is there and then the filling, as far as the library goes; rows that it does not reach hold `value`."""
    out = _empty(header, value)
    with contextlib.suppress(DataError):
        _decode(data.rstrip(b"\xff") + fill * FILL_LENGTH + END, out, "", header)
    return out
