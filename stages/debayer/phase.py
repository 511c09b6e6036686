"""Whether the samples of a mosaic have their greens where its colour filter has them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    cut = np.s_[: height * BLOCK, : width * BLOCK]
    shape = (height, BLOCK, width, BLOCK)
    values, known = samples[cut].reshape(shape)[:, :ROWS].astype(np.float32), ~mask[cut].reshape(shape)[:, :ROWS]
    whole = known.all(axis=(1, 3))
    if np.count_nonzero(whole) < LEAST_BLOCKS:
        return ""
    means = [values[:, row::2, :, column::2].mean(axis=(1, 3))[whole] for row in (0, 1) for column in (0, 1)]
    main, anti = (float(np.abs(means[a] - means[b]).mean()) for a, b in ((0, 3), (1, 2)))
    greens, others = (anti, main) if pattern[1] == "G" else (main, anti)
    if greens <= CONTRAST * others or greens <= LEAST * float(np.mean(means)):
        return ""
    likely = "GRBG or GBRG" if pattern[1] == "G" else "RGGB or BGGR"
    return f"{told} says that its colour filter is {pattern} here, but its samples have their greens where {likely} has them"
