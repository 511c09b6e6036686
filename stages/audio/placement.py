"""Where each block of sound lies on the microphone's time line, from what the catalog knows: no block is loaded.

A block that knows its first sample lies there. One that knows only its time lies by the clock, and joins the block before it in its
file if the two are closer than a clock can tell. One that knows neither follows the block before it in its file; a file of which
nothing is known follows everything else. The result depends on the blocks, never on the order in which they came.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline.errors import DataError
from pipeline.product import Entry

__all__ = ["Layout", "Piece", "lay_out"]

SNAP = 0.01
"""Seconds; block times come from clocks and interrupts, which jitter by milliseconds."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A block in its place."""

    index: int
    """Of the block, in key order."""
    start: int
    """Sample of the recording at which it begins."""
    stop: int
    skip: int = 0
    """Samples of the block before `start` that lie outside the recording."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """All blocks of a recording in their places."""

    rate: int
    channels: int
    bits: int
    pieces: tuple[Piece, ...]
    """By start, then in key order."""
    length: int
    clock: float | None
    """Clock seconds of sample 0."""
    caveats: tuple[str, ...]


def lay_out(entries: Sequence[Entry], *, origin: float | None, longest: float) -> Layout:
    """Place the blocks of one microphone.

    origin   clock seconds of the recording's first sample; None lets the blocks say it
    longest  seconds; of blocks further apart than that, those count that hold the most sound

    Raises DataError if no block has a rate, a channel and a sample.
    """
    rate, channels, mine = common_form(entries)
    caveats = refusal(len(entries) - len(mine), f"have the form of the others ({rate} Hz, channels: {channels})")
    if origin is None:
        origin = first_reading(entries, mine, rate)
    timed, loose = timed_pieces(entries, mine, rate, origin)
    span = int(longest * rate)
    begin = window(timed, span)
    pieces = cut(timed, begin, span)
    caveats += refusal(len(timed) - len(pieces), f"lie in the {longest / 3600:g} hours that hold the most sound")
    pieces += follow(entries, loose, max((piece.stop for piece in pieces), default=0))
    kept = cut(pieces, 0, span)
    caveats += refusal(len(pieces) - len(kept), f"fit the longest recording ({longest / 3600:g} hours)")
    kept = each_once(entries, kept)
    if not kept:
        raise DataError(
            f"none of {len(entries)} blocks lies within {longest / 3600:g} hours of the recording's start",
            where=entries[0].key["microphone"],
            remedy="Check `start` in the profile's [microphone] table, or raise audio.hours",
        )
    return Layout(
        rate=rate,
        channels=channels,
        bits=max(entries[piece.index].facts["bits"] for piece in kept),
        pieces=tuple(sorted(kept, key=lambda piece: (piece.start, piece.index))),
        length=max(piece.stop for piece in kept),
        clock=None if origin is None else origin + begin / rate,
        caveats=tuple(caveats),
    )


def refusal(count: int, reason: str) -> list[str]:
    """Say how many blocks are left out, if any."""
    return [f"{count} {'block was' if count == 1 else 'blocks were'} left out: did not {reason}"] if count else []


def common_form(entries: Sequence[Entry]) -> tuple[int, int, list[int]]:
    """Choose rate and channels that most blocks have, the higher ones of equals; and list the blocks that have them."""
    forms = [(entry.facts["rate"], entry.facts["channels"]) for entry in entries]
    sound = [i for i, (rate, channels) in enumerate(forms) if rate > 0 and channels > 0 and entries[i].facts["length"] > 0]
    if not sound:
        raise DataError(
            "no block holds a sample",
            where=entries[0].key["microphone"] if entries else "",
            remedy="Look at the files that the blocks came from",
        )
    counts = Counter(forms[i] for i in sound)
    rate, channels = max(counts, key=lambda form: (counts[form], form))
    return rate, channels, [i for i in sound if forms[i] == (rate, channels)]


def first_reading(entries: Sequence[Entry], mine: Sequence[int], rate: int) -> float | None:
    """Give the clock at sample 0, by the first block that knows both; where none knows a sample, the earliest time."""
    both, times = [], []
    for i in mine:
        facts = entries[i].facts
        if facts["clock"] is not None and math.isfinite(facts["clock"]):
            times.append(facts["clock"])
            if facts["start"] is not None:
                both.append((facts["start"], i, facts["clock"] - facts["start"] / rate))
    if both:
        return float(min(both)[2])
    counted = any(entries[i].facts["start"] is not None for i in mine)
    return min(times) if times and not counted else None


def timed_pieces(entries: Sequence[Entry], mine: Sequence[int], rate: int, origin: float | None) -> tuple[list[Piece], list[int]]:
    """Place what sample or time place, and what follows it in the same file; list what is left."""
    timed, loose = [], []
    before: tuple[str, int] | None = None
    for i in mine:
        facts, file = entries[i].facts, entries[i].key["file"]
        reached = before[1] if before is not None and before[0] == file else None
        start = facts["start"]
        if start is None and origin is not None and facts["clock"] is not None and math.isfinite(facts["clock"]):
            start = round((facts["clock"] - origin) * rate)
            if reached is not None and abs(start - reached) <= SNAP * rate:
                start = reached
        if start is None:
            start = reached
        if start is None:
            loose.append(i)
        else:
            timed.append(Piece(i, start, start + facts["length"]))
            before = (file, start + facts["length"])
    return timed, loose


def follow(entries: Sequence[Entry], loose: Sequence[int], end: int) -> list[Piece]:
    """Line up what nothing places."""
    pieces = []
    for i in loose:
        pieces.append(Piece(i, end, end + entries[i].facts["length"]))
        end = pieces[-1].stop
    return pieces


def window(pieces: Sequence[Piece], span: int) -> int:
    """Give the sample at which the recording begins: 0, unless the blocks lie further apart than `span`.

    Then one wrong time stamp must not stretch the recording over years: it begins at the block after which the most sound follows.
    """
    if all(piece.start >= 0 and piece.stop <= span for piece in pieces):
        return 0
    ordered = sorted(pieces, key=lambda piece: piece.start)
    starts = [piece.start for piece in ordered]
    total = [0, *itertools.accumulate(piece.stop - piece.start for piece in ordered)]
    held = {
        begin: total[bisect.bisect_left(starts, begin + span)] - total[bisect.bisect_left(starts, begin)]
        for begin in [0, *(start for start in starts if start > 0)]
    }
    return max(held, key=lambda begin: (held[begin], -begin))


def cut(pieces: Sequence[Piece], begin: int, span: int) -> list[Piece]:
    """Keep what lies in [begin, begin + span), counted from `begin`."""
    out = []
    for piece in pieces:
        start, stop = max(piece.start, begin), min(piece.stop, begin + span)
        if start < stop:
            out.append(replace(piece, start=start - begin, stop=stop - begin, skip=piece.skip + start - piece.start))
    return out


def each_once(entries: Sequence[Entry], pieces: Sequence[Piece]) -> list[Piece]:
    """Drop blocks that are equal to another one in the same place, by their digests; the first in key order stays."""
    seen: set[tuple[str, int, int]] = set()
    out = []
    for piece in sorted(pieces, key=lambda piece: piece.index):
        mark = (entries[piece.index].digest, piece.start, piece.stop)
        if not mark[0] or mark not in seen:
            out.append(piece)
        seen.add(mark)
    return out
