"""From the octets of a chunk to its frames, for both levels at which a pass may be recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.formats.octets import Bytes
from stages.frames import reed_solomon
from stages.frames.check import check_frames
from stages.frames.phase import place_fixed_frames
from stages.frames.randomizer import derandomize
from stages.frames.sync import MARKED_DTYPE, extract_frames, find_frames
from stages.products import FRAME_DTYPE
from stages.profile import Link

__all__ = ["Received", "receive_cadus", "receive_frames"]

_BLOCK = 512
"""Frames worked on at a time, so that what lies between two steps stays in the cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What a chunk holds."""

    data: Bytes
    """(n, frame length) uint8."""
    table: NDArray[Any]
    """(n,) FRAME_DTYPE, offsets in bits from the chunk's first own bit."""
    skipped: int
    """Bits that belong to no frame."""


def receive_cadus(window: Bytes, link: Link, *, margin: int) -> Received:
    """Find the CADUs in a bit stream, undo randomiser and code.

    window  (n,) uint8: `margin` octets that belong to the chunks before, then the chunk's own

    Returns the frames whose last bit is the chunk's own.
    """
    found = find_frames(window, marker=link.marker, frame_length=link.codeblock_length, max_errors=link.marker_errors)
    cadu = 8 * link.cadu_length
    own = found["bit_offset"] + cadu > 8 * margin
    cut = np.append(np.diff(found["bit_offset"]) < cadu, np.zeros(min(len(found), 1), np.bool_))[own]
    skipped = _skipped(found["bit_offset"], cadu, 8 * margin, 8 * window.size)
    found = found[own]
    data = np.empty((len(found), link.frame_length), np.uint8)
    corrected = np.zeros(len(found), np.int32)
    for start in range(0, len(found), _BLOCK):
        block = slice(start, start + _BLOCK)
        codeblocks = extract_frames(window, found[block], marker=link.marker, frame_length=link.codeblock_length)
        derandomize(codeblocks, sequence=link.randomizer)
        if link.reed_solomon:
            data[block], corrected[block] = reed_solomon.decode(
                codeblocks,
                interleave=link.interleave,
                parity=link.reed_solomon,
                dual_basis=link.dual_basis,
                virtual_fill=link.virtual_fill,
            )
        else:
            data[block] = codeblocks
    return _received(data, found, link, margin=margin, corrected=corrected, cut=cut, skipped=skipped)


def receive_frames(window: Bytes, link: Link, *, margin: int, first: int = 0) -> Received:
    """Find transfer frames recorded one after the other, without markers and parity.

    window  as for `receive_cadus`
    first   octet of the window at which a frame is said to begin: the one of its place in the pass

    Returns the frames whose last octet is the chunk's own.
    """
    length = 8 * link.frame_length
    places = 8 * place_fixed_frames(window, link, first=first)
    skipped = _skipped(places, length, 8 * margin, 8 * window.size)
    found = np.zeros(len(places), MARKED_DTYPE)
    found["bit_offset"] = places
    found = found[places + length > 8 * margin]
    data = extract_frames(window, found, marker=b"", frame_length=link.frame_length)
    whole = np.zeros(len(found), np.bool_)
    return _received(data, found, link, margin=margin, corrected=np.zeros(len(found), np.int32), cut=whole, skipped=skipped)


def _received(
    data: Bytes,
    found: NDArray[Any],
    link: Link,
    *,
    margin: int,
    corrected: NDArray[np.int32],
    cut: NDArray[np.bool_],
    skipped: int,
) -> Received:
    table = np.zeros(len(found), FRAME_DTYPE)
    table["bit_offset"] = found["bit_offset"] - 8 * margin
    table["inverted"] = found["inverted"]
    table["marker_errors"] = found["marker_errors"]
    table["corrected"] = corrected
    table["good"] = check_frames(data, link, corrected=corrected, cut=cut)
    return Received(data=data, table=table, skipped=skipped)


def _skipped(offsets: NDArray[np.int64], length: int, own: int, end: int) -> int:
    """Count the bits that belong to no frame, of those that no frame after `end` can hold.

    The last bits of a chunk, fewer than a frame, may begin one that ends in the next chunk: they are the next chunk's to count. So
    every bit is counted once, and at the end of a pass what is left of a frame begun is not counted.
    """
    start, stop = max(0, own - length + 1), max(0, end - length + 1)
    begins = np.clip(offsets, start, stop)
    ends = np.minimum(np.clip(offsets + length, start, stop), np.append(begins[1:], stop))
    return int(stop - start - np.maximum(ends - begins, 0).sum())
