"""The headers of transfer frames, read for a whole matrix at once (CCSDS 732.0-B section 4.1.2, 132.0-B section 4.1.2)."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError
from stages.profile import Link

__all__ = ["IDLE_CHANNEL", "NO_PACKET_START", "ONLY_IDLE", "FrameHeaders", "read_frame_headers"]

Integers: TypeAlias = NDArray[np.int64]

NO_PACKET_START = 0x7FF
"""First header pointer of a frame in which no packet begins."""
ONLY_IDLE = 0x7FE
"""First header pointer of a frame that holds idle data only."""
IDLE_CHANNEL = 63
"""AOS virtual channel of idle frames (732.0-B section 4.1.2.3)."""


class FrameHeaders(NamedTuple):
    """A column a field, a row a frame."""

    valid: NDArray[np.bool_]
    """Whether version and spacecraft are those of the link, and the frame carries packets."""
    channel: Integers
    """Global virtual channel: spacecraft * 64 + virtual channel."""
    counter: Integers
    """Virtual channel frame count, with the cycle above it where the frame uses one."""
    largest: Integers
    """Largest value of that counter."""
    start: Integers
    """First octet of the packet zone."""
    stop: Integers
    """Octet after the packet zone."""
    pointer: Integers
    """First header pointer."""


def read_frame_headers(frames: NDArray[np.uint8], link: Link) -> FrameHeaders:
    """Read the headers of transfer frames.

    frames  (n, length) uint8
    link    kind of frame, spacecraft and the optional fields

    Raises DataError if frames of this length have no room for packets.
    """
    ends = 2 * link.fecf + 4 * (link.ocf and link.frame == "aos")
    begins = (8 + 2 * link.header_error_control + link.insert_zone) if link.frame == "aos" else 6
    if frames.ndim != 2 or frames.shape[1] < begins + ends + 1:
        raise DataError(
            f"transfer frames of shape {frames.shape} have no room for the {begins + ends} octets of headers and trailers",
            where=f"link {link.name}".strip(),
            remedy="Compare frame_length, insert_zone, ocf and fecf of the link with what the spacecraft sends",
        )
    return read_aos(frames, link, begins, ends) if link.frame == "aos" else read_tm(frames, link, ends)


def word(frames: NDArray[np.uint8], first: int, octets: int) -> Integers:
    """Read a big-endian number that begins at this octet of every frame."""
    columns = np.zeros((len(frames), 8), np.uint8)
    columns[:, 8 - octets :] = frames[:, first : first + octets]
    return columns.view(">i8")[:, 0].astype(np.int64)


def of_link(spacecraft: Integers, link: Link) -> NDArray[np.bool_]:
    return np.ones(len(spacecraft), np.bool_) if link.spacecraft is None else spacecraft == link.spacecraft


def read_aos(frames: NDArray[np.uint8], link: Link, start: int, trailer: int) -> FrameHeaders:
    """Version 2 frames with a multiplexing protocol data unit, 732.0-B sections 4.1.2 and 4.1.4.2."""
    master = word(frames, 0, 2)
    signalling = word(frames, 5, 1)
    cycles = signalling & 0x40 != 0
    count = word(frames, 2, 3)
    spacecraft = master >> 6 & 0xFF
    return FrameHeaders(
        valid=(master >> 14 == 1) & of_link(spacecraft, link),
        channel=spacecraft << 6 | master & 63,
        counter=np.where(cycles, (signalling & 15) << 24 | count, count),
        largest=np.where(cycles, 0xFFFFFFF, 0xFFFFFF),
        start=np.full(len(frames), start),
        stop=np.full(len(frames), frames.shape[1] - trailer),
        pointer=word(frames, start - 2, 2) & 0x7FF,
    )


def read_tm(frames: NDArray[np.uint8], link: Link, trailer: int) -> FrameHeaders:
    """Version 1 frames; secondary header and control field are there when the frame says so, 132.0-B section 4.1.2."""
    master = word(frames, 0, 2)
    status = word(frames, 4, 2)
    own_length = (word(frames, 6, 1) & 63) + 1
    secondary = np.where(status >> 15 == 1, link.insert_zone or own_length, 0)
    control = np.where(master & 1 == 1, 4, 4 * link.ocf)
    start, stop = 6 + secondary, frames.shape[1] - trailer - control
    spacecraft = master >> 4 & 0x3FF
    asynchronous = status >> 14 & 1 == 1
    return FrameHeaders(
        valid=(master >> 14 == 0) & of_link(spacecraft, link) & ~asynchronous & (start < stop),
        channel=spacecraft << 6 | master >> 1 & 7,
        counter=word(frames, 3, 1),
        largest=np.full(len(frames), 0xFF),
        start=start,
        stop=stop,
        pointer=status & 0x7FF,
    )
