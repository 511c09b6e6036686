"""The kernel of `jpeg_reduced`: what the coefficients of blocks mean for cells.

All of a picture is one call, which holds no lock of the interpreter: threads meet only between pictures.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stages.formats.jpeg_units import BYTES, PLACES, REACH, read_row, unstuff
from stages.formats.registers import add_eight, add_products, move_eight

__all__ = ["BASIS", "Reaches", "Tables", "decode_units"]

Tables: TypeAlias = tuple[NDArray[np.int64], NDArray[np.uint16]]
Reaches: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]

ZIGZAG = np.array(
    [
        *(0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28),
        *(35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63),
    ],
    np.int64,
)
"""Place of each coefficient in its block (figure A.6)."""
BASIS = np.array([[np.cos((2 * x + 1) * u * np.pi / 16) / 2 * (np.sqrt(0.5) if u == 0 else 1.0) for x in range(8)] for u in range(8)])
"""Of the coefficients, at the samples of a row."""
WINDOW = 72
"""Rows of cells that are summed up at a time, and eight more: so few that all sums stay in the processor's second cache."""


@njit(cache=True, nogil=True, error_model="numpy")
def decode_units(
    scan: NDArray[np.uint8],
    units: tuple[int, int],
    restart: int,
    blocks: NDArray[np.int64],
    tables: Tables,
    steps: NDArray[np.float32],
    rows: Reaches,
    columns: Reaches,
    out: NDArray[np.uint8],
) -> bool:
    """Add a scan up by cell.

    scan           what follows the segments, to the end of the file
    units          rows and columns of them
    restart        units between restart markers, or 0
    blocks         of a unit, (m, 5): component, row, column, tables of DC and AC
    tables         `fast_tables` of them, and the tables
    steps          (components, 64) of the quantization, in zigzag order
    rows, columns  for each component and row or column of blocks: the first cell that it touches, how many, and the weight of each of its
                   coefficients, (components, blocks, 8, REACH) of rows, (components, blocks, REACH, 8) of columns
    out            (h, w, components), set: the means, rounded; grey, or red, green and blue

    Returns whether all units were there.
    """
    count, parts = blocks.shape[0], steps.shape[0]
    data, begins = unstuff(scan, scan.size, -(-units[0] * units[1] // restart) if restart else 1)
    spans, places, low, high = _measure(units, blocks, rows[0], parts, out.shape[0])
    pitch: Any = max(WINDOW, (np.max(high - low) + 15) // 8 * 8)
    # Of each column of each block across, what it means for some rows of cells; and those rows, transposed, of this lot and the next.
    sums = np.zeros((places[parts] * 8, pitch), np.float32)
    means = np.zeros((2, parts, out.shape[1] + REACH, pitch), np.float32)
    scaled = np.zeros((count, PLACES, REACH), np.float32)
    offsets = np.zeros(PLACES, np.int64)
    for k in range(64):
        offsets[k] = 4 * pitch * (ZIGZAG[k] % 8)
    # The bits that were read but not used; how many, the next byte, the interval, and what is left of it.
    bits, state, predicted = np.zeros(1, np.uint64), np.array([0, 0, 0, restart], np.int64), np.zeros(parts, np.int64)
    at = np.empty((count, 4), np.int64)
    base, lot = low[0], 0
    for y in range(units[0]):
        if high[y] - base > pitch - 8:
            _finish(sums, places, columns, means[lot % 2], means[(lot + 1) % 2], base, low[y], out)
            base, lot = low[y], lot + 1
        for b in range(count):
            part, row = blocks[b, 0], y * spans[blocks[b, 0], 0] + blocks[b, 1]
            at[b, 0] = part
            at[b, 1] = sums.ctypes.data + 4 * (pitch * 8 * (places[part] + blocks[b, 2]) + rows[0][part, row] - base)
            # Blocks beside each other have the same weights.
            at[b, 2] = at[b - 1, 2] if blocks[b, 2] else _scale(scaled[b], steps[part], rows[2][part, row])
            at[b, 3] = 4 * pitch * 8 * spans[part, 1]
        if not read_row(data, begins, bits, state, predicted, restart, units[1], at, blocks, tables[0].ravel(), tables[1].ravel(), offsets):
            return False
    _finish(sums, places, columns, means[lot % 2], means[(lot + 1) % 2], base, out.shape[0], out)
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def _measure(units: Any, blocks: Any, tops: Any, parts: int, height: int) -> Any:
    """Give blocks of a unit, (parts, 2); the first column of each component; and cells that each row of units touches, from and to."""
    spans, places = np.ones((parts, 2), np.int64), np.zeros(parts + 1, np.int64)
    for b in range(blocks.shape[0]):
        spans[blocks[b, 0], 0] = blocks[b, 1] + 1
        spans[blocks[b, 0], 1] = blocks[b, 2] + 1
    low, high = np.full(units[0], height, np.int64), np.zeros(units[0], np.int64)
    for part in range(parts):
        places[part + 1] = places[part] + units[1] * spans[part, 1]
        for y in range(units[0]):
            low[y] = min(low[y], tops[part, y * spans[part, 0]])
            high[y] = max(high[y], tops[part, (y + 1) * spans[part, 0] - 1] + REACH)
    return spans, places, low, high


@njit(cache=True, nogil=True, error_model="numpy")
def _scale(scaled: Any, steps: Any, weights: Any) -> int:
    """Give the address of the weights, (8, REACH), of coefficients of each size, in zigzag order."""
    to, of = scaled.ctypes.data, weights.ctypes.data
    scaled[:] = 0
    for k in range(64):
        add_eight(to + k * BYTES, steps[k], of + ZIGZAG[k] // 8 * BYTES)
    return int(to)


@njit(cache=True, nogil=True, error_model="numpy")
def _finish(sums: Any, places: Any, columns: Any, means: Any, after: Any, base: Any, stop: Any, out: Any) -> None:
    """Add the sums of columns up by cell, and clear them; set rows from `base` to `stop`, and put what is known of others in `after`."""
    start, wide, weights = columns
    pitch, lines, rows = sums.shape[1], means.shape[1], stop - base
    factors, to, of, kept = weights.ctypes.data, means.ctypes.data, sums.ctypes.data, after.ctypes.data
    for part in range(means.shape[0]):
        for x in range(places[part + 1] - places[part]):
            here = of + 4 * pitch * 8 * (places[part] + x)
            for i in range(wide[part, x]):
                there = to + 4 * pitch * (part * lines + start[part, x] + i)
                for y in range(0, pitch - 8, 8):
                    add_products(there + 4 * y, factors + BYTES * ((part * weights.shape[1] + x) * REACH + i), here + 4 * y, 4 * pitch)
    sums[:] = 0
    after[:] = 0
    for line in range(means.shape[0] * lines):
        # The last eight of each line stay zeros: what is read beyond it.
        for y in range(rows, pitch - 8, 8):
            move_eight(kept + 4 * (pitch * line + y - rows), to + 4 * (pitch * line + y))
    if means.shape[0] == 1:
        _to_grey(means, base, rows, out)
    else:
        _to_rgb(means, base, rows, out)


@njit(cache=True, nogil=True, error_model="numpy")
def _to_grey(means: Any, base: Any, rows: int, out: Any) -> None:
    zero, most = np.float32(0), np.float32(255)
    for x in range(out.shape[1]):
        for y in range(rows):
            out[base + y, x, 0] = np.uint8(min(max(means[0, x, y] + np.float32(128.5), zero), most))


@njit(cache=True, nogil=True, error_model="numpy")
def _to_rgb(means: Any, base: Any, rows: int, out: Any) -> None:
    """Turn the means of YCbCr, less 128, into RGB (T.871 section 7), rounded."""
    zero, most = np.float32(0), np.float32(255)
    packed = np.empty((out.shape[1], means.shape[2]), np.int32)
    for x in range(out.shape[1]):
        lumas, blues, reds, line = means[0, x], means[1, x], means[2, x], packed[x]
        for y in range(means.shape[2]):
            luma, blue, red = lumas[y] + np.float32(128.5), blues[y], reds[y]
            r = np.int32(min(max(luma + np.float32(1.402) * red, zero), most))
            g = np.int32(min(max(luma - np.float32(0.344136) * blue - np.float32(0.714136) * red, zero), most))
            b = np.int32(min(max(luma + np.float32(1.772) * blue, zero), most))
            line[y] = r | np.int32(g << 8) | np.int32(b << 16)
    for y in range(rows):
        row = out[base + y]
        for x in range(out.shape[1]):
            three = packed[x, y]
            row[x, 0], row[x, 1], row[x, 2] = np.uint8(three), np.uint8(three >> 8), np.uint8(three >> 16)
