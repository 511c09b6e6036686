"""A pixel from each cell of two by two samples: half the size, nothing interpolated."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["demosaic_superpixel"]


@njit(cache=True, nogil=True)
def demosaic_superpixel(mosaic: NDArray[Any], red_row: int, red_column: int, white: int, out: NDArray[Any]) -> None:
    """Take red and blue as they are, and the mean of the greens, halves rounded up; values clip at white.

    mosaic  (h, w) uint8 or uint16; an odd last row or column is left out
    out     (h // 2, w // 2, 3) of the same dtype
    """
    blue_row, blue_column = 1 - red_row, 1 - red_column
    for y in range(out.shape[0]):
        with_red, with_blue = mosaic[2 * y + red_row], mosaic[2 * y + blue_row]
        for x in range(out.shape[1]):
            green = (np.int32(with_red[2 * x + blue_column]) + np.int32(with_blue[2 * x + red_column]) + 1) >> 1
            out[y, x, 0] = min(with_red[2 * x + red_column], white)
            out[y, x, 1] = min(green, white)
            out[y, x, 2] = min(with_blue[2 * x + blue_column], white)
