"""Whether the samples of a mosaic have their greens where its colour filter has them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stages.formats.raster import for_kernels

__all__ = ["doubt_of_phase"]

BLOCK = 32
"""Samples of a side of a block, whose means are compared; of each block the first rows speak for it."""
ROWS = 4
LEAST_BLOCKS = 16
CONTRAST = 2.0
"""Times by which the filter's greens must differ more than the other two colours for the filter to be doubted."""
LEAST = 0.02
"""Of the mean, by which they must differ at all."""


def doubt_of_phase(samples: NDArray[Any], mask: NDArray[np.bool_], pattern: str, told: str) -> str:
    """Compare the two samples of a cell that a colour filter calls green; empty if they agree, else a sentence that names both.

    pattern  of the samples (0,0), (0,1), (1,0), (1,1)
    told     who says so

    Two greens see the same light, red and blue mostly do not. Which of the others is red no sample tells: RGGB and BGGR look alike here.
    """
    height, width = samples.shape[0] // BLOCK, samples.shape[1] // BLOCK
    if height * width < LEAST_BLOCKS:
        return ""
    sums, whole = np.empty((2, 2, height, width), np.int64), np.empty((height, width), np.bool_)
    _add_up(np.require(samples, samples.dtype.newbyteorder("="), ["C", "W"]), for_kernels(mask), sums, whole)
    if np.count_nonzero(whole) < LEAST_BLOCKS:
        return ""
    means = [sums[row, column][whole] / (ROWS * BLOCK / 4) for row in (0, 1) for column in (0, 1)]
    main, anti = (float(np.abs(means[a] - means[b]).mean()) for a, b in ((0, 3), (1, 2)))
    greens, others = (anti, main) if pattern[1] == "G" else (main, anti)
    if greens <= CONTRAST * others or greens <= LEAST * float(np.mean(means)):
        return ""
    likely = "GRBG or GBRG" if pattern[1] == "G" else "RGGB or BGGR"
    return f"{told} says that its colour filter is {pattern} here, but its samples have their greens where {likely} has them"


@njit(cache=True, nogil=True)
def _add_up(samples: NDArray[Any], mask: NDArray[Any], sums: NDArray[Any], whole: NDArray[Any]) -> None:
    """Add up the samples at each place of two by two in the first rows of each block; say whether all of them are there."""
    sums[:] = 0
    whole[:] = True
    for block in range(whole.shape[0]):
        for k in range(ROWS):
            row, lost, even, odd = samples[block * BLOCK + k], mask[block * BLOCK + k], sums[k % 2, 0, block], sums[k % 2, 1, block]
            for at in range(whole.shape[1]):
                missing = False
                first, second = 0, 0
                for x in range(at * BLOCK, (at + 1) * BLOCK, 2):
                    missing |= lost[x] | lost[x + 1]
                    first += row[x]
                    second += row[x + 1]
                whole[block, at] &= not missing
                even[at] += first
                odd[at] += second
