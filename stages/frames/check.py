"""Says which transfer frames are to be believed: header, frame error control field, Reed-Solomon code.

The code alone does not: with interleaving 1, 2, 4 or 8 the 255-bit randomiser's sequence is itself a codeword, so that codeblocks are clean
with and without derandomising.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError
from stages.formats.octets import Bytes
from stages.frames.crc import crc16
from stages.profile import Link

__all__ = ["check_frames", "header_identity", "plausible_headers"]


def header_identity(link: Link) -> tuple[int, int]:
    """Return mask and value of what every frame of a link has in its first 16 bits: version and spacecraft identifier.

    AOS: version 01, then 8 bits (CCSDS 732.0-B-4 section 4.1.2.2). TM: version 00, then 10 bits (132.0-B-3 section 4.1.2.2). Of the
    identifier nothing counts if the link names none.
    """
    if link.frame == "aos":
        return (0xC000, 0x4000) if link.spacecraft is None else (0xFFC0, 0x4000 | (link.spacecraft & 0xFF) << 6)
    return (0xC000, 0) if link.spacecraft is None else (0xFFF0, (link.spacecraft & 0x3FF) << 4)


def plausible_headers(frames: Bytes, link: Link) -> NDArray[np.bool_]:
    """Say of each frame, (n, length) uint8, whether it has the version and the spacecraft identifier of the link."""
    mask, value = header_identity(link)
    first = frames[:, 0].astype(np.uint16) << 8 | frames[:, 1]
    plausible: NDArray[np.bool_] = (first & mask) == value
    return plausible


def check_frames(frames: Bytes, link: Link, *, corrected: NDArray[np.int32], cut: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Say which frames are good.

    frames     (n, link.frame_length) uint8, derandomised and corrected
    corrected  (n,): -1 where Reed-Solomon could not correct
    cut        (n,): True where bits of the frame are known to be lost; such a frame is good only if a code or a check field vouches for it

    Returns (n,) bool. Raises DataError for frames of another length.
    """
    if frames.ndim != 2 or frames.shape[1] != link.frame_length:
        raise DataError(f"frames of shape {frames.shape}", remedy=f"Transfer frames of this link have {link.frame_length} octets")
    good = plausible_headers(frames, link) & (corrected >= 0)
    if link.fecf:
        # Over a frame with its own check field the remainder is zero.
        good &= crc16(frames) == 0
    elif not link.reed_solomon:
        good &= ~cut
    return good
