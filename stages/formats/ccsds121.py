"""Pictures in the lossless code of CCSDS 121.0-B, which has no header: all that it takes to decode them is said elsewhere."""

from __future__ import annotations

import numpy as np

from pipeline.errors import DataError
from stages.formats.jpeg_markers import Gaps
from stages.formats.raster import Raster, check_extent

__all__ = ["decode_ccsds121"]

BLOCK_SIZES = (8, 16, 32, 64)
"""Samples of a block (section 3.1)."""
LONGEST_INTERVAL = 4096
"""Blocks between reference samples (section 4.3)."""
PREPROCESS, RESTRICTED = 8, 16
"""libaec's flags: unit-delay prediction before coding, and the restricted set of code options."""


def decode_ccsds121(
    data: bytes,
    name: str,
    gaps: Gaps = (),
    *,
    width: int,
    height: int,
    bits: int,
    block_size: int = 16,
    interval: int = 128,
    preprocessed: bool = True,
    restricted: bool = False,
) -> Raster:
    """Decode width x height samples of 1 to 16 bits, row by row; (height, width) uint8 up to 8 bits, else uint16.

    data          the file, or its beginning
    gaps          [start, stop) of bytes that are lost
    block_size    samples of a block
    interval      blocks from one reference sample to the next
    preprocessed  whether differences were coded

    The code has no marker to pick it up again: samples from the first gap on are lost.
    Raises DataError for parameters that the standard does not allow, and for a file of which nothing can be decoded.
    """
    import imagecodecs

    check_extent(width, height, name)
    if not 1 <= bits <= 16 or block_size not in BLOCK_SIZES or not 1 <= interval <= LONGEST_INTERVAL:
        raise DataError(f"is said to be coded in blocks of {block_size}, {interval} to a reference, of {bits} bits", where=name)
    known = data[: min((start for start, _ in gaps), default=len(data))]
    dtype = np.dtype(np.uint8 if bits <= 8 else "<u2")
    flags = PREPROCESS * preprocessed | RESTRICTED * restricted
    count = width * height
    room = count * dtype.itemsize
    try:
        octets = imagecodecs.aec_decode(known, bitspersample=bits, flags=flags, blocksize=block_size, rsi=interval, out=room)
    except Exception as error:  # a hostile file can make the library raise anything
        raise DataError(f"cannot be decoded: {error}", where=f"{name} at byte 0", remedy="Fetch the file again") from error
    decoded = np.frombuffer(bytes(octets)[: len(octets) // dtype.itemsize * dtype.itemsize], dtype)[:count]
    if not decoded.size:
        raise DataError("holds nothing that can be decoded", where=f"{name} at byte 0", remedy="Fetch the file again")
    samples = np.zeros(count, dtype.newbyteorder("="))
    samples[: decoded.size] = decoded
    mask = np.arange(count) >= decoded.size
    shape = (height, width)
    return Raster(samples.reshape(shape), mask.reshape(shape), {"format": "ccsds121", "bits": bits, "lossless": True})
