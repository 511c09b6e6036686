"""The kernel of `jpeg_reduced`: Huffman-coded units, added up by cell as they are read (ITU-T T.81 annex F.2)."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["BASIS", "REACH", "Reaches", "Tables", "decode_units", "fast_tables", "to_rgb"]

Tables: TypeAlias = tuple[NDArray[np.int32], NDArray[np.uint16]]
Reaches: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]

FAST = 11
"""Bits that one look-up reads: a table of so many stays in the processor's first cache."""
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
REACH = 8
"""Cells that a block may touch in a direction."""
UNIT_BYTES = 1 << 12
"""More than any unit takes: ten blocks of 64 coefficients of 31 bits."""
ONE, TWO, THREE, FOUR = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)
BROKEN = 1000
"""More than any coefficient's number."""


def decode_units(
    scan: NDArray[np.uint8],
    units: tuple[int, int],
    restart: int,
    blocks: NDArray[np.int64],
    tables: Tables,
    steps: NDArray[np.float32],
    rows: Reaches,
    columns: Reaches,
    means: NDArray[np.float32],
) -> bool:
    """Add a scan up by cell.

    scan           what follows the segments, to the end of the file
    units          rows and columns of them
    restart        units between restart markers, or 0
    blocks         of a unit, (m, 5): component, row, column, tables of DC and AC
    tables         `fast_tables` of them, and the tables, (n, 65536): length << 8 | symbol of the code that 16 bits begin with
    steps          (components, 64) of the quantization, in zigzag order
    rows, columns  for each component and row or column of blocks: the first cell that it touches, how many, and the weight of each of its
                   coefficients, (components, blocks, 8, REACH), in each
    means          (components, w + REACH, h + REACH), added to: the means, less 128

    Returns whether all units were there.
    """
    data, begins = _unstuff(scan, scan.size)
    return bool(_units(data, begins, *units, restart, blocks, *tables, steps, rows, columns, means))


def fast_tables(tables: NDArray[np.uint16]) -> NDArray[np.int32]:
    """Read codes together with the value that follows, where both fit in FAST bits: value << 16 | run << 5 | bits; else 0."""
    window = np.arange(1 << FAST)
    entry = tables[:, :: 1 << (16 - FAST)].astype(np.int64)
    length, run, size = entry >> 8, (entry >> 4) & 15, entry & 15
    rest = FAST - length - size
    value = (window >> np.maximum(rest, 0)) & ((1 << size) - 1)
    value -= np.where(value < 1 << np.maximum(size - 1, 0), (1 << size) - 1, 0)
    return np.where((size > 0) & (rest >= 0), value << 16 | run << 5 | (length + size), 0).astype(np.int32)


@njit(cache=True, nogil=True)
def _unstuff(scan: NDArray[np.uint8], size: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Drop stuffed zeros and markers (B.1.1.5); give the data and where each restart interval begins, and last where all end."""
    data = np.zeros(size + UNIT_BYTES, np.uint8)
    begins = np.zeros(size // 2 + 2, np.int64)
    at, used, count = 0, 0, 1
    while at < size:
        value = scan[at]
        at += 1
        if value != 0xFF:
            data[used] = value
            used += 1
            continue
        while at < size and scan[at] == 0xFF:
            at += 1
        if at < size and scan[at] == 0:
            data[used] = 0xFF
            used += 1
        elif at < size and 0xD0 <= scan[at] < 0xD8:
            begins[count] = used
            count += 1
        else:
            break
        at += 1
    begins[count] = used
    return data, begins[: count + 1]


@njit(cache=True, nogil=True)
def _units(
    data: Any, begins: Any, units_down: int, units_across: int, restart: int, blocks: Any, fast: Any, full: Any, steps: Any,
    rows: Any, columns: Any, means: Any,
) -> bool:  # fmt: skip
    count = blocks.shape[0]
    # Of each column of each column of blocks, by row of cells; and the bits that were read but not used, how many, and the next byte.
    sums = np.zeros((means.shape[0], columns[0].shape[1], 8, means.shape[2]), np.float32)
    flat, height, flat_weights, size = sums.ravel(), sums.shape[3], rows[2].ravel(), (sums.shape[1], rows[2].shape[1])
    bits, state = np.zeros(1, np.uint64), np.zeros(2, np.int64)
    predicted = np.zeros(means.shape[0], np.int64)
    spans = np.ones((means.shape[0], 2), np.int64)
    for b in range(count):
        spans[blocks[b, 0], 0] = blocks[b, 1] + 1
        spans[blocks[b, 0], 1] = blocks[b, 2] + 1
    # Out of their tuples once: each time would count references.
    top, tall = rows[0], rows[1]
    start, wide, column_weights = columns
    interval, left = 0, restart
    end = begins[1] if restart else begins[begins.size - 1]
    for unit in range(units_down * units_across):
        if restart and left == 0:
            interval += 1
            if interval + 1 >= begins.size:
                return False
            end, left = begins[interval + 1], restart
            bits[0], state[0], state[1] = 0, 0, begins[interval]
            predicted[:] = 0
        left -= 1
        unit_row, unit_column = unit // units_across, unit % units_across
        for b in range(count):
            part = blocks[b, 0]
            y = unit_row * spans[part, 0] + blocks[b, 1]
            x = unit_column * spans[part, 1] + blocks[b, 2]
            if not _read_block(
                data, bits, state, fast, full, steps, blocks, b, predicted, top, tall, flat_weights, y, x, flat, size, height
            ):
                return False
        # Behind the data stand zeros, more than a unit can take: whether it took any is asked once.
        if state[1] - state[0] // 8 > end:
            return False
    for part in range(means.shape[0]):
        _spread(sums, part, start, wide, column_weights, means)
    return True


@njit(cache=True, nogil=True, forceinline=True)
def _read_block(  # noqa: PLR0915  calls would take its arrays along, which costs more than what they do
    data: Any, bits: Any, state: Any, fast: Any, full: Any, steps: Any, blocks: Any, b: int, predicted: Any,
    top: Any, touched: Any, weights: Any, y: int, x: int, columns: Any, size: Any, height: int,
) -> bool:  # fmt: skip
    """Read a block's coefficients, and add each to what its column means for the rows of cells below it; say whether it was one.

    Arrays come whole, with indexes, and there is one way out: else numba counts references, which costs more than the decoding.
    """
    part, table = blocks[b, 0], blocks[b, 3]
    held, position, buffer = state[0], state[1], bits[0]
    tall = touched[part, y]
    base = (part * size[0] + x) * 8 * height + top[part, y]
    weigh = (part * size[1] + y) * 8 * REACH
    k: Any = 0
    while k < 64:
        if held < 32:
            word = (
                np.uint64(data[position]) << np.uint64(24)
                | np.uint64(data[position + 1]) << np.uint64(16)
                | np.uint64(data[position + 2]) << np.uint64(8)
                | np.uint64(data[position + 3])
            )
            buffer = (buffer << np.uint64(32)) | word
            position += 4
            held += 32
        window = (buffer >> np.uint64(held - 16)) & np.uint64(0xFFFF)
        entry = np.int64(fast[table, window >> np.uint64(16 - FAST)])
        run: Any = (entry >> 5) & 15
        value: Any = entry >> 16
        if entry:
            held -= entry & 31
        else:
            entry = np.int64(full[table, window])
            held -= entry >> 8
            run, size = (entry >> 4) & 15, entry & 15
            if size:
                held -= size
                value = np.int64((buffer >> np.uint64(held)) & np.uint64((1 << size) - 1))
                if value < 1 << (size - 1):
                    value -= (1 << size) - 1
            if entry == 0 or (k and entry & 0xFF == 0):
                run = 0 if entry else BROKEN
                k += 64
        if k == 0:
            table, run = blocks[b, 4], 0
            predicted[part] += value
            value = predicted[part]
        k += run
        if value and k < 64:
            real = np.float32(value) * steps[part, k]
            place = ZIGZAG[k]
            # Unsigned, because numba looks at every signed index twice; and all loads before all stores, so that it becomes a vector.
            to = np.uint64(base + (place & 7) * height)
            of = np.uint64(weigh + (place >> 3) * REACH)
            p0 = columns[to] + real * weights[of]
            p1 = columns[to + ONE] + real * weights[of + ONE]
            p2 = columns[to + TWO] + real * weights[of + TWO]
            p3 = columns[to + THREE] + real * weights[of + THREE]
            columns[to], columns[to + ONE], columns[to + TWO], columns[to + THREE] = p0, p1, p2, p3
            if tall > 4:
                to, of = to + FOUR, of + FOUR
                p0 = columns[to] + real * weights[of]
                p1 = columns[to + ONE] + real * weights[of + ONE]
                p2 = columns[to + TWO] + real * weights[of + TWO]
                p3 = columns[to + THREE] + real * weights[of + THREE]
                columns[to], columns[to + ONE], columns[to + TWO], columns[to + THREE] = p0, p1, p2, p3
        k += 1
    state[0], state[1], bits[0] = held, position, buffer
    return bool(k < BROKEN)


@njit(cache=True, nogil=True)
def _spread(columns: Any, part: int, start: Any, wide: Any, weights: Any, means: Any) -> None:
    """Turn what the columns' coefficients mean for each row of cells into the means of the cells, (w + REACH, h + REACH)."""
    height = columns.shape[3]
    for x in range(columns.shape[1]):
        for i in range(wide[part, x]):
            at = start[part, x] + i
            for v in range(0, 8, 2):
                first, second = weights[part, x, v, i], weights[part, x, v + 1, i]
                for y in range(height):
                    means[part, at, y] += first * columns[part, x, v, y] + second * columns[part, x, v + 1, y]


@njit(cache=True, nogil=True)
def to_rgb(means: Any, out: Any) -> None:
    """Turn the means of YCbCr, less 128, into RGB (T.871 section 7), rounded."""
    zero, most = np.float32(0), np.float32(255)
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            luma, blue, red = means[0, x, y] + np.float32(128.5), means[1, x, y], means[2, x, y]
            green = luma - np.float32(0.344136) * blue - np.float32(0.714136) * red
            out[y, x, 0] = np.uint8(min(max(luma + np.float32(1.402) * red, zero), most))
            out[y, x, 1] = np.uint8(min(max(green, zero), most))
            out[y, x, 2] = np.uint8(min(max(luma + np.float32(1.772) * blue, zero), most))
