"""The filters of PNG rows undone (W3C PNG, third edition, section 9.2).

One byte of each pixel after another, so that the one to the left is in a register: stored and loaded it takes five times as long; of
pixels of three bytes all at once, since each waits for the one before. Indexes are unsigned, because numba looks at every signed one
twice.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["unfilter"]

ONE, TWO = np.uint64(1), np.uint64(2)


@njit(cache=True, nogil=True)
def unfilter(filtered: NDArray[np.uint8], step: int, received: int, out: NDArray[np.uint8]) -> int:
    """Undo the filters.

    filtered  (h, stride + 1): rows, each after the type of its filter
    step      bytes of a pixel
    received  how many bytes of it all are there; rows behind them become 0
    out       (h, stride)

    Returns the first row of unknown type, or -1.
    """
    stride = filtered.shape[1]
    above = np.zeros(stride - 1, np.uint8)
    rows = min(filtered.shape[0], (received + stride - 1) // stride)
    for y in range(rows):
        kind, row = filtered[y, 0], filtered[y, 1:]
        if kind > 4:
            return y
        if kind < 3:
            _undo_simple(kind, row, above, step, out[y])
        elif step == 3:
            _undo_three(kind, row, above, out[y])
        else:
            for first in range(step):
                _undo_mixed(kind, row[first:], above[first:], step, out[y, first:])
        above = out[y]
    out[rows:] = 0
    return -1


@njit(cache=True, nogil=True)
def _undo_simple(kind: int, row: NDArray[np.uint8], above: NDArray[np.uint8], step: int, out: NDArray[np.uint8]) -> None:
    if kind == 1:
        for first in range(step):
            _undo_sub(row[first:], step, out[first:])
    elif kind == 2:
        for x in range(row.size):
            out[x] = row[x] + above[x]
    else:
        out[:] = row


@njit(cache=True, nogil=True)
def _undo_mixed(kind: int, row: NDArray[np.uint8], above: NDArray[np.uint8], step: int, out: NDArray[np.uint8]) -> None:
    if kind == 3:
        _undo_average(row, above, step, out)
    else:
        _undo_paeth(row, above, step, out)


@njit(cache=True, nogil=True)
def _undo_three(kind: int, row: NDArray[np.uint8], above: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    if kind == 3:
        _undo_average_of_three(row, above, out)
    else:
        _undo_paeth_of_three(row, above, out)


@njit(cache=True, nogil=True)
def _undo_sub(row: NDArray[np.uint8], step: int, out: NDArray[np.uint8]) -> None:
    left = np.uint8(0)
    for at in range(0, row.size, step):
        x = np.uint64(at)
        left = np.uint8(row[x] + left)
        out[x] = left


@njit(cache=True, nogil=True)
def _undo_average(row: NDArray[np.uint8], above: NDArray[np.uint8], step: int, out: NDArray[np.uint8]) -> None:
    left = np.uint8(0)
    for at in range(0, row.size, step):
        x = np.uint64(at)
        left = _average(row[x], left, above[x])
        out[x] = left


@njit(cache=True, nogil=True)
def _undo_average_of_three(row: NDArray[np.uint8], above: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    first, second, third = np.uint8(0), np.uint8(0), np.uint8(0)
    for at in range(0, row.size - 2, 3):
        x = np.uint64(at)
        first = _average(row[x], first, above[x])
        second = _average(row[x + ONE], second, above[x + ONE])
        third = _average(row[x + TWO], third, above[x + TWO])
        out[x], out[x + ONE], out[x + TWO] = first, second, third


@njit(cache=True, nogil=True)
def _undo_paeth(row: NDArray[np.uint8], above: NDArray[np.uint8], step: int, out: NDArray[np.uint8]) -> None:
    left, corner = np.uint8(0), np.uint8(0)
    for at in range(0, row.size, step):
        x = np.uint64(at)
        left = _paeth(row[x], left, above[x], corner)
        out[x] = left
        corner = above[x]


@njit(cache=True, nogil=True)
def _undo_paeth_of_three(row: NDArray[np.uint8], above: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    first, second, third = np.uint8(0), np.uint8(0), np.uint8(0)
    corners = np.uint8(0), np.uint8(0), np.uint8(0)
    for at in range(0, row.size - 2, 3):
        x = np.uint64(at)
        first = _paeth(row[x], first, above[x], corners[0])
        second = _paeth(row[x + ONE], second, above[x + ONE], corners[1])
        third = _paeth(row[x + TWO], third, above[x + TWO], corners[2])
        out[x], out[x + ONE], out[x + TWO] = first, second, third
        corners = above[x], above[x + ONE], above[x + TWO]


@njit(cache=True, nogil=True)
def _average(value: np.uint8, left: np.uint8, up: np.uint8) -> np.uint8:
    return np.uint8(value + ((np.uint32(left) + np.uint32(up)) >> np.uint32(1)))


@njit(cache=True, nogil=True)
def _paeth(value: np.uint8, left: np.uint8, up: np.uint8, corner: np.uint8) -> np.uint8:
    """Add the neighbour that is nearest to left + up - corner (section 9.4)."""
    to_left, to_up = np.int32(up) - np.int32(corner), np.int32(left) - np.int32(corner)
    far_left, far_up, far_corner = abs(to_left), abs(to_up), abs(to_left + to_up)
    guess = up if far_up <= far_corner else corner
    if far_left <= far_up and far_left <= far_corner:
        guess = left
    return np.uint8(value + guess)
