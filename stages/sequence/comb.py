"""A linear stretch, recognised by the comb of gaps that it leaves in a histogram.

A stretch of n levels over more than n leaves levels empty between those that it gives. Where the histogram is well filled the gaps are
plain to see, and removing them undoes the stretch exactly. Where it is thin, an empty level may be a gap or only a level that no sample
had: there the straight line decides that the well-filled part shows. Published stretches keep to it within a level, not to a rounding.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Comb", "belongs", "clipped_ends", "find_comb", "is_combed"]

SURE = 16
"""Samples that the neighbours of an empty level must have, each: chance leaves one in e^16 of those empty."""
LEAST_GAPS = 3
LEAST_RUN = 24
"""Levels of a histogram's well-filled part from which a line is drawn."""
STRAIGHT = 1.0
"""Levels by which a stretch may leave its line."""
STEEPEST = 8.0
CLIPPED = 4
"""Times as many samples as its neighbour that a level at the end must have to be one where others were cut off."""


class Comb(NamedTuple):
    """A stretch that explains a histogram."""

    levels: tuple[int, ...]
    """Those that it can give, of 0 to 255."""
    gaps: int
    """Empty levels that no scene leaves empty."""
    unsure: int
    """Levels by which another stretch that fits as well would differ, at most."""


def _sure_gaps(histogram: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the empty levels between two that are well filled."""
    full = np.flatnonzero(histogram)
    if full.size < 2:
        return np.zeros(0, np.int64)
    empty = np.flatnonzero(histogram == 0)
    empty = empty[(empty > full[0]) & (empty < full[-1])]
    at = np.searchsorted(full, empty)
    below, above = full[at - 1], full[at]
    near = (above - below) <= STEEPEST
    sure: NDArray[np.int64] = empty[near & (histogram[below] >= SURE) & (histogram[above] >= SURE)]
    return sure


def is_combed(histogram: NDArray[np.int64]) -> bool:
    """Say whether a histogram (256,) has gaps that no scene makes."""
    return _sure_gaps(histogram).size >= LEAST_GAPS


def find_comb(histogram: NDArray[np.int64]) -> Comb | None:
    """Find the linear stretch that explains the gaps of a histogram (256,); None if there is none.

    None also where the levels between the gaps follow no straight line, as after a stretch by a curve: that has merged levels which no
    histogram tells apart.
    """
    gaps = _sure_gaps(histogram)
    if gaps.size < LEAST_GAPS:
        return None
    run = _longest_run(histogram, gaps)
    if run.size < LEAST_RUN:
        return None
    # At either end lie the samples that were cut off, wherever they come from.
    inner = run[1:-1]
    slope, offset = np.polyfit(np.arange(inner.size), inner, 1)
    if not 1 < slope <= STEEPEST or np.abs(inner - offset - slope * np.arange(inner.size)).max() > STRAIGHT:
        return None
    # How far the line may tilt and still keep to the run.
    tilt = 2 * STRAIGHT / run.size
    lines = [line for change in (0.0, -tilt, tilt) if (line := _extended(histogram, gaps, run, max(1.0, slope + change))) is not None]
    if not lines:
        return None
    places = np.array([np.cumsum(line) - np.cumsum(line)[run[0]] for line in lines])
    spread = np.ptp(places[:, histogram > 0], axis=0)
    return Comb(levels=tuple(int(level) for level in np.flatnonzero(lines[0])), gaps=int(gaps.size), unsure=int(spread.max()))


def _longest_run(histogram: NDArray[np.int64], gaps: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the longest run of levels that are there, broken only by gaps that are sure: their ranks are known."""
    known = histogram > 0
    known[gaps] = True
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(np.int8))).reshape(-1, 2)
    start, stop = max(edges.tolist(), key=lambda edge: np.count_nonzero(histogram[edge[0] : edge[1]]))
    return np.asarray(start + np.flatnonzero(histogram[start:stop]))


def _extended(histogram: NDArray[np.int64], gaps: NDArray[np.int64], run: NDArray[np.int64], slope: float) -> NDArray[np.bool_] | None:
    """Mark the levels that the stretch gives: those of the run, and beyond it one a slope; None if a sample lies where none may."""
    line = np.zeros(256, np.bool_)
    line[run] = True
    sure = set(gaps.tolist())
    for step in (1, -1):
        at = int(run[-1] if step > 0 else run[0])
        exact = float(at)
        while 0 <= (exact := exact + step * slope) <= 255:
            near = [level for level in (round(exact), round(exact) - 1, round(exact) + 1) if (level - at) * step > 0 and 0 <= level <= 255]
            there = [level for level in near if histogram[level]] or [level for level in near if level not in sure]
            if not there:
                return None
            level = min(there, key=lambda one: abs(one - exact))
            between = histogram[min(at, level) + 1 : max(at, level)]
            if between.any():
                return None
            exact += (level - exact) / 4 if histogram[level] else 0
            at = level
            line[level] = True
    return line


def belongs(histogram: NDArray[np.int64], levels: tuple[int, ...]) -> bool:
    """Say whether a histogram is that of a frame with this stretch: no sample in a gap, where chance would have put many."""
    line = np.zeros(256, np.bool_)
    line[list(levels)] = True
    full = np.flatnonzero(histogram)
    if not full.size or not line[full].all():
        return False
    gaps = np.flatnonzero(~line)
    gaps = gaps[(gaps > full[0]) & (gaps < full[-1])]
    return bool(np.minimum(histogram[np.maximum(gaps - 1, 0)], histogram[np.minimum(gaps + 1, 255)]).sum() >= 2 * SURE)


def clipped_ends(histogram: NDArray[np.int64], levels: tuple[int, ...]) -> tuple[int, int]:
    """Count the samples at the lowest and the highest level of a stretch, where they are so many that others were cut off there."""
    there = [level for level in levels if histogram[level]]
    if len(there) < 4:
        return 0, 0
    counts = histogram[there]
    low = int(counts[0]) if there[0] == levels[0] and counts[0] > CLIPPED * max(counts[1], counts[2]) else 0
    high = int(counts[-1]) if there[-1] == levels[-1] and counts[-1] > CLIPPED * max(counts[-2], counts[-3]) else 0
    return low, high
