"""Decides which places that read as a marker are markers: the compiled kernels.

A place is believed for its neighbours: the places one CADU length before and after it that read as markers too. Where markers follow
one another in step, only the places where they are due are looked at. Elsewhere every place is looked at, up to the next ones in step,
and of all ways to lay frames side by side the one with the most evidence is taken.
"""

from __future__ import annotations

from typing import NamedTuple, Self, TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stages.formats.octets import Bytes
from stages.frames.marker import INVERTED, NOTHING, Marker, next_marker, read_marker

__all__ = ["Candidates", "Spacing", "place_frames"]

Numbers: TypeAlias = NDArray[np.int64]

ALONE = 128
"""Evidence of a place without neighbours, less a point for each wrong bit: any neighbour weighs more than two such places."""
PRECEDED = 512
FOLLOWED = 640
"""A marker where the frame should end shows that the frame is whole, so it weighs more than one where it should begin."""
SLIP_COST = 32
"""Evidence that two frames must have, over one of them, to overlap by a slip."""


class Spacing(NamedTuple):
    """How frames follow one another."""

    cadu: int
    """Bits from marker to marker."""
    slip: int
    """Bits by which a frame may reach into the next one, whose marker came early."""
    depth: int
    """Neighbours in step that chance does not make."""
    patience: Numbers
    """(most errors + 1,): bits to search before a place without neighbours and with so many wrong bits is no longer believed."""


class Candidates(NamedTuple):
    """Places that may be markers, by offset, and what choosing among them is worked out on."""

    offsets: Numbers
    evidence: Numbers
    followed: Numbers
    """Places in step behind it, which say that it is not cut."""
    totals: Numbers
    """Of the best choice that ends with this one."""
    previous: Numbers
    """The one before it in that choice; -1 if it is the first."""
    best: Numbers
    """Which one up to here ends the best choice."""
    chosen: Numbers

    @classmethod
    def room(cls, count: int) -> Self:
        """Make the arrays; more candidates than that are dealt with in turns."""
        return cls(*(np.empty(count, np.int64) for _ in cls._fields))


@njit(cache=True, nogil=True)
def _in_step(data: Bytes, at: int, step: int, most: int, marker: Marker) -> int:
    """Count the places at + step, at + 2 step, ... that read as markers without a break, up to `most`."""
    last = 8 * data.size - marker.bits
    count = 0
    at += step
    while count < most and 0 <= at <= last and read_marker(data, at, marker) != NOTHING:
        count += 1
        at += step
    return count


@njit(cache=True, nogil=True)
def _gather(data: Bytes, start: int, quiet_since: int, spacing: Spacing, marker: Marker, candidates: Candidates) -> tuple[int, int]:
    """Collect candidates from `start` to a CADU behind the first that is in step; return how many and the bit reached."""
    stop = 8 * data.size - spacing.cadu + 1
    firm = max(spacing.depth, 2)
    count = 0
    at = next_marker(data, start, stop, marker)
    while at < stop and count < candidates.offsets.size:
        errors = read_marker(data, at, marker) % INVERTED
        before = _in_step(data, at, -spacing.cadu, spacing.depth, marker)
        after = _in_step(data, at, spacing.cadu, firm, marker)
        if errors == 0 or before or after or at - quiet_since < spacing.patience[errors]:
            neighbours = PRECEDED * before + FOLLOWED * min(after, spacing.depth)
            candidates.offsets[count] = at
            candidates.evidence[count] = ALONE - errors + neighbours // spacing.depth
            candidates.followed[count] = after
            count += 1
        if after == firm:
            stop = min(stop, at + spacing.cadu + 1)
        at = next_marker(data, at + 1, stop, marker)
    return count, at


@njit(cache=True, nogil=True)
def _choose(count: int, spacing: Spacing, c: Candidates) -> int:
    """Choose the frames with the most evidence of all that lie side by side: chosen[first:count], where `first` is returned.

    Of two choices with equal evidence it is the one that ends later: its markers show that a frame of the other is cut.
    """
    clear = 0
    for i in range(count):
        while c.offsets[clear] <= c.offsets[i] - spacing.cadu:
            clear += 1
        total, previous = 0, -1
        if clear:
            previous = c.best[clear - 1]
            total = c.totals[previous]
        j = clear
        while j < i and c.offsets[j] <= c.offsets[i] - spacing.cadu + spacing.slip:
            if c.followed[j] == 0 and c.totals[j] - SLIP_COST > total:
                total, previous = c.totals[j] - SLIP_COST, j
            j += 1
        c.totals[i] = total + c.evidence[i]
        c.previous[i] = previous
        c.best[i] = i if i == 0 or c.totals[i] >= c.totals[c.best[i - 1]] else c.best[i - 1]
    first = count
    i = c.best[count - 1]
    while i >= 0:
        first -= 1
        c.chosen[first] = c.offsets[i]
        i = c.previous[i]
    return first


@njit(cache=True, nogil=True)
def _follow(data: Bytes, at: int, cadu: int, marker: Marker, frames: Numbers, count: int) -> tuple[int, int, bool]:
    """Append the frames in step from `at` on but the last; return how many there are now, the last, and whether the data end there."""
    while at + 2 * cadu <= 8 * data.size and read_marker(data, at + cadu, marker) != NOTHING:
        frames[count] = at
        count += 1
        at += cadu
    due = at + cadu
    ends = due + marker.bits > 8 * data.size or read_marker(data, due, marker) != NOTHING
    return count, at, ends


@njit(cache=True, nogil=True)
def place_frames(data: Bytes, spacing: Spacing, marker: Marker, candidates: Candidates, frames: Numbers) -> int:
    """Find the frames in data; write the offsets of their markers' first bits into `frames` and return how many there are."""
    # Not written 0: numba would compile every kernel once more, for literals.
    count = start = quiet_since = int(np.int64(0))
    while start <= 8 * data.size - spacing.cadu:
        gathered, reached = _gather(data, start, quiet_since, spacing, marker, candidates)
        if gathered == 0:
            break
        first = _choose(gathered, spacing, candidates)
        for i in range(first, gathered - 1):
            frames[count] = candidates.chosen[i]
            count += 1
        last = candidates.chosen[gathered - 1]
        ends = reached > 8 * data.size - spacing.cadu
        stuck = last == start
        if not ends:
            before = count
            count, last, ends = _follow(data, last, spacing.cadu, marker, frames, count)
            stuck = stuck and count == before
        if ends or stuck:
            frames[count] = last
            count += 1
        if ends:
            break
        # Unless it was looked at before, the last frame stands for choice again, with what comes behind it.
        start = last + (spacing.cadu - spacing.slip if stuck else 0)
        quiet_since = last + spacing.cadu
    return count
