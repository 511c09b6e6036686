"""How often each brightness occurs in a picture, small enough to stand beside each of ten thousand."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stages.formats.raster import for_kernels

__all__ = ["BINS", "histogram"]

BINS = 64
STEP = 8
"""Rows; a histogram of an eighth of the pixels looks the same."""
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def histogram(samples: NDArray[Any], mask: NDArray[np.bool_], *, white: int) -> str:
    """Count the samples of every eighth row of a picture.

    samples  (height, width) or (height, width, channels), uint8 or uint16, 0..white
    mask     (height, width), True where lost: not counted

    Returns BINS digits a channel, from black to white: the square root of each bin's share of the fullest one of the picture, 0 to z;
    what is there at all is never 0, so that a few saturated pixels show.
    """
    cube = np.ascontiguousarray(samples.reshape(*mask.shape, -1))
    counts = np.zeros((cube.shape[2], BINS), np.int64)
    bins = np.arange(min(white, int(np.iinfo(cube.dtype).max)) + 1, dtype=np.int64) * BINS // (white + 1)
    count(cube, for_kernels(mask), bins, counts)
    heights = np.ceil(np.sqrt(counts / max(1, counts.max())) * (len(DIGITS) - 1)).astype(int)
    return "".join(DIGITS[height] for height in heights.ravel())


@njit(cache=True, nogil=True)
def count(cube: NDArray[Any], mask: NDArray[Any], bins: NDArray[Any], counts: NDArray[Any]) -> None:
    # Each value by itself first: neighbours are often in one bin, and its count would wait for the one before.
    values, most = np.zeros((counts.shape[0], bins.size), np.int64), cube.dtype.type(bins.size - 1)
    for y in range(0, cube.shape[0], STEP):
        row, lost = cube[y], mask[y]
        for c in range(values.shape[0]):
            found = values[c]
            for x in range(np.uint64(lost.size)):
                found[min(row[x, c], most)] += np.int64(not lost[x])
    for c in range(values.shape[0]):
        for value in range(bins.size):
            counts[c, bins[value]] += values[c, value]
