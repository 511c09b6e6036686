"""Bits to transfer frames: synchronise, derandomise, correct, check (CCSDS 131.0-B, 132.0-B, 732.0-B)."""

from __future__ import annotations

from pipeline.errors import DataError
from pipeline.stage import stage
from stages.products import Chunk, Frames
from stages.profile import Link

__all__ = ["frames"]


@stage(version=2)
def frames(chunk: Chunk, link: Link) -> Frames:
    """Find the transfer frames whose last bit lies in a chunk.

    chunk  level "bits": CADUs at any bit phase and polarity, which are synchronised, derandomised and corrected; level "frames":
           transfer frames without marker and parity
    link   lengths, marker, randomiser and code, and what a header must hold

    All frames found are in the table, idle ones and bad ones too; a frame is good if code, error control field and header say so. It
    reads back up to four frames before the chunk, so what is found depends on these bits and the chunk's own only.

    Raises DataError for a chunk of another level.
    """
    from stages.frames.levels import receive_cadus, receive_frames

    if chunk.level == "bits":
        received = receive_cadus(chunk.data, link, margin=chunk.margin)
    elif chunk.level == "frames":
        # A pass begins with a frame, and so does each numbered part of one.
        first = (chunk.margin - chunk.begins) % link.frame_length
        received = receive_frames(chunk.data, link, margin=chunk.margin, first=first)
    else:
        raise DataError(f"holds {chunk.level}", where=f"{chunk.pass_}/{chunk.chunk}", remedy='Frames are found in "bits" and in "frames"')
    return Frames(
        pass_=chunk.pass_,
        chunk=chunk.chunk,
        data=received.data,
        table=received.table,
        position=8 * chunk.begins,
        skipped=received.skipped,
    )
