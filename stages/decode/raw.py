"""Samples without a header, as they are or in a lossless code, described by the spacecraft's own record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pipeline.errors import DataError
from stages.formats.raster import Raster, check_extent

__all__ = ["is_coded", "is_raw", "read_coded", "read_raw"]

CODED = {"width": int, "height": int, "bits": int, "block_size": int, "interval": int, "preprocessed": bool, "restricted": bool}
"""What a record says of a file in the code of CCSDS 121.0-B; the first three it must."""


def is_raw(meta: Mapping[str, Any]) -> bool:
    """Say whether the record calls the file raw samples."""
    return meta.get("encoding") == "raw"


def is_coded(meta: Mapping[str, Any]) -> bool:
    """Say whether the record calls the file samples in the lossless code of CCSDS 121.0-B."""
    return meta.get("encoding") == "aec"


def read_coded(data: bytes, name: str, meta: Mapping[str, Any], gaps: Sequence[tuple[int, int]]) -> Raster:
    """Decode samples as `decode_ccsds121` does; raises DataError for a record that cannot be, too."""
    from stages.formats.ccsds121 import decode_ccsds121

    told = {key: meta[key] for key in CODED if key in meta}
    if any(type(value) is not CODED[key] for key, value in told.items()) or not {"width", "height", "bits"} <= set(told):
        raise DataError(f"is said to be coded by {told!r:.100}", where=name)
    return decode_ccsds121(data, name, gaps, **told)


def read_raw(data: bytes, name: str, meta: Mapping[str, Any], gaps: Sequence[tuple[int, int]]) -> Raster:
    """Read samples row by row: one byte each up to 8 bits, else two, the high one first.

    data  what has come of the file; what it lacks is lost
    meta  width, height and bits (1 to 16; 8 if not said)
    gaps  [start, stop) of bytes that are lost

    Raises DataError for a record that cannot be.
    """
    width, height, bits = (meta.get(key, default) for key, default in (("width", 0), ("height", 0), ("bits", 8)))
    if not all(isinstance(value, int) and not isinstance(value, bool) for value in (width, height, bits)) or not 1 <= bits <= 16:
        raise DataError(f"is said to hold {width!r} x {height!r} samples of {bits!r} bits", where=name)
    check_extent(width, height, name)
    dtype = np.dtype(np.uint8 if bits <= 8 else ">u2")
    wanted = width * height * dtype.itemsize
    octets = np.zeros(wanted, np.uint8)
    known = np.frombuffer(data, np.uint8, min(len(data), wanted))
    octets[: known.size] = known
    mask = np.zeros(width * height, np.bool_)
    mask[known.size // dtype.itemsize :] = True
    for start, stop in gaps:
        mask[start // dtype.itemsize : -(-stop // dtype.itemsize)] = True
    samples = octets.view(dtype).astype(np.uint8 if bits <= 8 else np.uint16)
    samples[mask] = 0
    shape = (height, width)
    return Raster(samples.reshape(shape), mask.reshape(shape), {"format": "raw", "bits": bits, "lossless": True})
