"""Finds and cuts out what follows attached sync markers in a bit stream (CCSDS 131.0-B-5 section 9)."""

from __future__ import annotations

from math import ceil, log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError, ProfileError
from stages.formats.octets import Bytes, byte_stream
from stages.frames.align import align_rows
from stages.frames.lock import Candidates, Spacing, place_frames
from stages.frames.marker import INVERTED, chance, marker_tables, read_markers

__all__ = ["MARKED_DTYPE", "extract_frames", "find_frames"]

MARKED_DTYPE = np.dtype([("bit_offset", "<i8"), ("inverted", "?"), ("marker_errors", "u1")])
"""A row a frame: where its marker begins, whether all of its bits are inverted, how many bits of the marker are wrong."""

_DOUBT = 0.01
"""Probability of a chance marker at which one without neighbours is no longer believed."""
_CERTAINTY = 1e-3
"""Probability of chance neighbours, among all places of a CADU, from which on a place counts as in step."""
_CANDIDATES = 1 << 15
_WIDEST_SLIP = 32


def find_frames(data: Bytes, *, marker: bytes, frame_length: int, max_errors: int = 2) -> NDArray[Any]:
    """Find the frames in a bit stream, at any bit phase, upright or inverted.

    data          (n,) uint8, the first bit received in the highest bit of the first octet
    marker        attached sync marker, 1 to 24 octets
    frame_length  octets from the end of one marker to the beginning of the next
    max_errors    wrong bits that a marker may have, fewer than half of its bits

    Returns (frames,) MARKED_DTYPE in ascending order. `bit_offset` is that of the marker's first bit: the frame itself begins
    8 * len(marker) bits later (`extract_frames` cuts it out). Only frames that end in the data count.

    Whether a place that looks like a marker is one depends on the data alone. Neighbours exactly one CADU length away confirm it; one
    without neighbours counts where it contradicts nothing: it gives way to confirmed frames that it would overlap, and if it has wrong
    bits it counts only as long as chance would not have made one like it since the last frame. A frame whose successor comes early by
    up to 32 bits (bits were lost) still counts and overlaps it by as much; if more are missing, it does not count.

    Raises DataError for an array of another shape or type, ProfileError for parameters out of range.
    """
    stream = byte_stream(data, "data")
    try:
        tables = marker_tables(bytes(memoryview(marker)), max_errors)
    except TypeError:
        raise ProfileError(f"{marker!r} is not bytes", where="marker", remedy='Write bytes.fromhex("1ACFFC1D")') from None
    cadu = _cadu_bits(marker, frame_length)
    if 8 * stream.size < cadu:
        return np.zeros(0, MARKED_DTYPE)
    spacing = _spacing(tables.bits, max_errors, cadu)
    offsets = np.empty(8 * stream.size // (cadu - spacing.slip) + 2, np.int64)
    count = place_frames(stream, spacing, tables, Candidates.room(_CANDIDATES), offsets)
    found = np.zeros(count, MARKED_DTYPE)
    found["bit_offset"] = offsets[:count]
    readings = read_markers(stream, offsets[:count], tables)
    found["inverted"] = readings >= INVERTED
    found["marker_errors"] = readings % INVERTED
    return found


def extract_frames(data: Bytes, found: NDArray[Any], *, marker: bytes, frame_length: int) -> Bytes:
    """Cut frames out, without their markers, and put inverted ones right.

    data          (n,) uint8, as given to `find_frames`
    found         (frames,) with the fields `bit_offset` and `inverted`: what it returned, or a part of it
    marker        attached sync marker; only its length matters
    frame_length  octets of a frame without it

    Returns (frames, frame_length) uint8. Raises DataError for a frame that does not lie in the data.
    """
    stream = byte_stream(data, "data")
    _cadu_bits(marker, frame_length)
    offsets = found["bit_offset"] + 8 * len(marker)
    if len(found) and (offsets.min() < 0 or offsets.max() + 8 * frame_length > 8 * stream.size):
        raise DataError("a frame lies outside of the data", remedy="Give the same data as to find_frames")
    frames = np.empty((len(found), frame_length), np.uint8)
    align_rows(stream, offsets, np.ascontiguousarray(found["inverted"]), frames)
    return frames


def _cadu_bits(marker: bytes, frame_length: int) -> int:
    if frame_length < 1:
        raise ProfileError(f"{frame_length} octets", where="frame_length", remedy="Give 1 or more")
    return 8 * (len(marker) + frame_length)


def _spacing(bits: int, max_errors: int, cadu: int) -> Spacing:
    by_chance = [chance(bits, errors) for errors in range(max_errors + 1)]
    patience = np.array([min(_DOUBT / probability, 2.0**62) for probability in by_chance]).astype(np.int64)
    # One without wrong bits is believed however long the search has been.
    patience[0] = np.iinfo(np.int64).max
    depth = ceil(log(_CERTAINTY / cadu) / log(by_chance[-1])) if by_chance[-1] < 1 else 16
    return Spacing(cadu=cadu, slip=min(_WIDEST_SLIP, cadu // 8), depth=min(max(depth, 1), 16), patience=patience)
