"""Gains for each colour, applied to the mosaic before it is developed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["balance"]


def balance(mosaic: NDArray[Any], red: tuple[int, int], gains: tuple[float, float, float], white: int) -> NDArray[Any]:
    """Multiply each sample by the gain of its colour, in a new mosaic.

    mosaic  (h, w) uint8 or uint16
    red     row and column of the first red sample, 0 or 1 each
    gains   of red, green and blue

    The gains are first divided by the smallest. So a sample at white stays there in every colour, and a highlight in which all colours
    are full stays neutral: with a gain under 1 its green would stay behind and turn it pink.
    """
    tables = np.array([_table(gain / min(gains), white, mosaic.dtype) for gain in gains])
    balanced = np.empty_like(mosaic)
    _look_up(mosaic, red[0], red[1], tables, balanced)
    return balanced


def _table(gain: float, white: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    numbers = np.arange(np.iinfo(dtype).max + 1)
    table: NDArray[Any] = np.minimum(np.floor(numbers * gain + 0.5), white).astype(dtype)
    return table


@njit(cache=True, nogil=True)
def _look_up(mosaic: NDArray[Any], red_row: int, red_column: int, tables: NDArray[Any], out: NDArray[Any]) -> None:
    for y in range(mosaic.shape[0]):
        own = tables[0] if y % 2 == red_row else tables[2]
        even, odd = (own, tables[1]) if (y % 2 == red_row) == (red_column == 0) else (tables[1], own)
        row, target = mosaic[y], out[y]
        for x in range(row.size // 2):
            target[2 * x] = even[row[2 * x]]
            target[2 * x + 1] = odd[row[2 * x + 1]]
        if row.size % 2:
            target[row.size - 1] = even[row[row.size - 1]]
