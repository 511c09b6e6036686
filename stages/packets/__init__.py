"""Transfer frames to space packets (CCSDS 732.0-B, 132.0-B, 133.0-B)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline.stage import Previous, stage
from stages.products import Carry, Frames, Packets
from stages.products.chunk import part_of
from stages.profile import Link

__all__ = ["packets"]


@stage(version=3)
def packets(frames: Frames, link: Link, previous: Previous[Carry]) -> tuple[Packets, Carry]:
    """Take the space packets out of a chunk's good frames.

    frames    (n, length) uint8, bad ones included: they are counted and not read
    previous  what the chunk before handed on; without it the packet that is under way when the chunk begins is passed over,
              and is no loss

    A packet that runs into the next chunk is completed there, and belongs to it.
    """
    from stages.packets.extract import demultiplex

    good = frames.table["good"]
    positions = frames.position + frames.table["bit_offset"]
    result = demultiplex(frames.data[good], link=link, carry=_counted_anew(previous, frames.chunk), positions=positions[good])
    rows = _with_corrected(result.link or (_empty_row(link),), frames, link) if len(frames.table) else ()
    return (
        Packets(
            pass_=frames.pass_,
            chunk=frames.chunk,
            data=result.data,
            table=result.table,
            gaps=result.gaps,
            link=rows,
            bad=_claims(frames, link),
        ),
        Carry(
            pass_=frames.pass_,
            chunk=frames.chunk,
            channels=result.state.channels,
            sequences=result.state.sequences,
        ),
    )


def _counted_anew(carry: Carry | None, chunk: str) -> Carry | None:
    """Put what is open at the beginning of a numbered part: where it lies in the part before says nothing here."""
    if carry is None or part_of(carry.chunk) == part_of(chunk):
        return carry
    return replace(carry, channels={number: replace(state, position=0) for number, state in carry.channels.items()})


def _claims(frames: Frames, link: Link) -> Mapping[int, int]:
    """Count bad frames by the global virtual channel that their header names, -1 for none of this link."""
    from stages.packets.headers import read_frame_headers

    headers = read_frame_headers(frames.data[~frames.table["good"]], link)
    claims = (int(number) if valid else -1 for number, valid in zip(headers.channel, headers.valid, strict=True))
    return dict(sorted(Counter(claims).items()))


def _with_corrected(rows: Sequence[Mapping[str, Any]], frames: Frames, link: Link) -> tuple[Mapping[str, Any], ...]:
    """Add the symbols that Reed-Solomon put right in the good frames of each channel."""
    import numpy as np

    from stages.packets.headers import read_frame_headers

    good = frames.table["good"]
    channels = read_frame_headers(frames.data[good], link).channel
    corrected = np.maximum(frames.table["corrected"][good], 0)
    which = [-1 if row["spacecraft"] is None else row["spacecraft"] << 6 | row["virtual_channel"] for row in rows]
    return tuple({**row, "corrected_symbols": int(corrected[channels == number].sum())} for row, number in zip(rows, which, strict=True))


def _empty_row(link: Link) -> Mapping[str, Any]:
    """An account for a chunk without a single good frame."""
    names = ("frames", "gaps", "lost", "truncated_packets", "duplicates", "missing_packets", "pointer_conflicts")
    return {"spacecraft": link.spacecraft, "virtual_channel": 0, **dict.fromkeys(names, 0)}
