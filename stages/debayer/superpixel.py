"""A pixel from each cell of two by two samples: half the size, nothing interpolated."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["demosaic_superpixel"]


@njit(cache=True, nogil=True)
def demosaic_superpixel(mosaic: NDArray[Any], red_row: int, red_column: int, white: np.int32, out: NDArray[Any]) -> None:
    """Take red and blue as they are, and the mean of the greens, halves rounded up; values clip at white.

    mosaic  (h, w) uint8 or uint16; an odd last row or column is left out
    out     (h // 2, w // 2, 3) of the same dtype, contiguous
    """
    for y in range(out.shape[0]):
        # Views that begin at the colour keep the inner index free of an offset, which would be checked at every step.
        red, green = mosaic[2 * y + red_row, red_column:], mosaic[2 * y + red_row, 1 - red_column :]
        other_green, blue = mosaic[2 * y + 1 - red_row, red_column:], mosaic[2 * y + 1 - red_row, 1 - red_column :]
        pixels = out[y].reshape(3 * out.shape[1])
        for x in range(out.shape[1]):
            pixels[3 * x] = min(np.int32(red[2 * x]), white)
            pixels[3 * x + 1] = min((np.int32(green[2 * x]) + np.int32(other_green[2 * x]) + np.int32(1)) >> np.int32(1), white)
            pixels[3 * x + 2] = min(np.int32(blue[2 * x]), white)
