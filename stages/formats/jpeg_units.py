"""The kernel of `jpeg_reduced`: Huffman-coded units, added up by cell as they are read (ITU-T T.81 annex F.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stages.formats.registers import add_eight, big_endian

__all__ = ["BASIS", "REACH", "Reaches", "Tables", "decode_units", "fast_tables", "to_rgb"]

Tables: TypeAlias = tuple[NDArray[np.int32], NDArray[np.uint16]]
Reaches: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]

FAST = 11
"""Bits that one look-up reads: a table of so many stays in the processor's first cache."""
REACH = 8
"""Cells that a block may touch in a direction."""
BYTES = 4 * REACH
"""Of so many floats."""
ZIGZAG = np.array(
    [
        *(0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28),
        *(35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63),
    ],
    np.int64,
)
"""Place of each coefficient in its block (figure A.6)."""
COLUMN, ROW = ZIGZAG % 8, ZIGZAG // 8 * BYTES
"""Where what belongs to a coefficient's column and row begins."""
BASIS = np.array([[np.cos((2 * x + 1) * u * np.pi / 16) / 2 * (np.sqrt(0.5) if u == 0 else 1.0) for x in range(8)] for u in range(8)])
"""Of the coefficients, at the samples of a row."""
UNIT_BYTES = 1 << 12
"""More than any unit takes: ten blocks of 64 coefficients of 31 bits."""
ONES, HIGHEST = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
"""The lowest and the highest bit of each of eight octets."""
WINDOW = 120
"""Rows of cells that are summed up at a time."""
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
    data, begins = _unstuff(scan, scan.size, -(-units[0] * units[1] // restart) if restart else 1)
    places = np.zeros(len(means) + 1, np.int64)
    for part in range(len(means)):
        places[part + 1] = places[part] + units[1] * (1 + blocks[blocks[:, 0] == part, 2].max())
    down = [1 + int(blocks[blocks[:, 0] == part, 1].max()) for part in range(len(means))]
    low = np.min([rows[0][part, : units[0] * span : span] for part, span in enumerate(down)], axis=0)
    high = np.max([rows[0][part, span - 1 : units[0] * span : span] for part, span in enumerate(down)], axis=0) + REACH
    # Of each column of each block across, what it means for some rows of cells: so few that all stays in the processor's second cache.
    sums = np.zeros((places[-1], 8, max(WINDOW, int((high - low).max()))), np.float32)
    # The bits that were read but not used; how many, the next byte, the interval, and what is left of it.
    bits, state, predicted = np.zeros(1, np.uint64), np.array([0, 0, 0, restart], np.int64), np.zeros(len(means), np.int64)
    first = 0
    while first < units[0]:
        base = int(low[first])
        last = int(np.searchsorted(high, base + sums.shape[2], "right"))
        lot = first, last, units[1], restart, base
        if not _units(data, begins, bits, state, predicted, *lot, blocks, *tables, steps, rows, places, sums):
            return False
        _spread(sums, places, base, *columns, means)
        first = last
    return True


def fast_tables(tables: NDArray[np.uint16], coefficients: Sequence[bool]) -> NDArray[np.int32]:
    """Read codes together with the value that follows, where both fit in FAST bits: value << 16 | run << 5 | bits; else 0.

    coefficients  for each table, whether it is of AC: there a size of 0 ends the block, by a run of 64, or skips 16 coefficients
    """
    window = np.arange(1 << FAST)
    entry = tables[:, :: 1 << (16 - FAST)].astype(np.int64)
    length, run, size = entry >> 8, (entry >> 4) & 15, entry & 15
    rest = FAST - length - size
    value = (window >> np.maximum(rest, 0)) & ((1 << size) - 1)
    value -= np.where(value < 1 << np.maximum(size - 1, 0), (1 << size) - 1, 0)
    of_ac = np.array(coefficients)[:, None]
    run = np.where(of_ac & (size == 0) & (run < 15), 64, run)
    plain = (length > 0) & (rest >= 0) & (of_ac | (run == 0))
    return np.where(plain, np.where(size > 0, value, 0) << 16 | run << 5 | (length + size), 0).astype(np.int32)


@njit(cache=True, nogil=True, error_model="numpy")
def _unstuff(scan: NDArray[np.uint8], size: int, intervals: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Drop stuffed zeros and markers (B.1.1.5); give the data and where each restart interval begins, and last where all end."""
    data = np.empty(size + UNIT_BYTES, np.uint8)
    begins = np.zeros(intervals + 1, np.int64)
    octets: Any = np.int64(scan.ctypes.data)
    at, used, count = 0, 0, 1
    while at < size:
        begin = at
        # Eight octets at a time, as long as none of them is FF.
        while at + 8 <= size:
            eight = big_endian(octets + at)
            if (~eight - ONES) & eight & HIGHEST:
                break
            at += 8
        while at < size and scan[at] != 0xFF:
            at += 1
        data[used : used + at - begin] = scan[begin:at]
        used += at - begin
        at += 1
        while at < size and scan[at] == 0xFF:
            at += 1
        if at < size and scan[at] == 0:
            data[used] = 0xFF
            used += 1
        elif at < size and 0xD0 <= scan[at] < 0xD8 and count < intervals:
            begins[count] = used
            count += 1
        else:
            break
        at += 1
    data[used:] = 0
    begins[count] = used
    return data, begins[: count + 1]


@njit(cache=True, nogil=True, error_model="numpy")
def _units(
    data: Any, begins: Any, bits: Any, state: Any, predicted: Any, first: int, last: int, units_across: int, restart: int, base: int,
    blocks: Any, fast: Any, full: Any, steps: Any, rows: Any, places: Any, sums: Any,
) -> bool:  # fmt: skip
    count = blocks.shape[0]
    spans = np.ones((predicted.size, 2), np.int64)
    for b in range(count):
        spans[blocks[b, 0], 0] = blocks[b, 1] + 1
        spans[blocks[b, 0], 1] = blocks[b, 2] + 1
    # Out of their tuples once: each time would count references.
    top, pitch = rows[0], sums.shape[2]
    quick, slow, step = fast.ravel(), full.ravel(), steps.ravel()
    octets, down, total = data.ctypes.data, rows[2].ctypes.data, sums.ctypes.data
    interval, left = state[2], state[3]
    end = begins[interval + 1] if restart else begins[begins.size - 1]
    for unit in range(first * units_across, last * units_across):
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
            below = down + 8 * BYTES * (part * top.shape[1] + y)
            to = total + 4 * pitch * 8 * (places[part] + x) + 4 * (top[part, y] - base)
            if not _read_block(octets, bits, state, quick, slow, step, blocks[b, 3], blocks[b, 4], predicted, part, below, to, 4 * pitch):
                return False
        # Behind the data stand zeros, more than a unit can take: whether it took any is asked once.
        if state[1] - state[0] // 8 > end:
            return False
    state[2], state[3] = interval, left
    return True


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")
def _read_block(
    data: int, bits: Any, state: Any, fast: Any, full: Any, steps: Any, dc: int, ac: int, predicted: Any, part: int,
    weights: int, sums: int, pitch: int,
) -> bool:  # fmt: skip
    """Read a block's coefficients, and add each to what its column means for the rows of cells below it; say whether it was one.

    There is one way out, and indexes are unsigned: else numba counts references and looks at every index twice, which costs more than
    the decoding.
    """
    held, position, buffer = state[0], state[1], bits[0]
    step = np.uint64(part * 64)
    table = np.uint64(dc)
    k: Any = 0
    # As many octets as there is room for: few blocks are longer than what is there then.
    buffer |= big_endian(data + position) >> np.uint64(held)
    position += (63 - held) >> 3
    held |= 56
    while k < 64:
        if held < 16:
            buffer |= big_endian(data + position) >> np.uint64(held)
            position += (63 - held) >> 3
            held |= 56
        entry = np.int64(fast[(table << np.uint64(FAST)) + (buffer >> np.uint64(64 - FAST))])
        used: Any = entry & 31
        run: Any = (entry >> 5) & 127
        value: Any = entry >> 16
        if entry == 0:
            buffer |= big_endian(data + position) >> np.uint64(held)
            position += (63 - held) >> 3
            held |= 56
            code = np.int64(full[(table << np.uint64(16)) + (buffer >> np.uint64(48))])
            size = code & 15
            used, run = (code >> 8) + size, (code >> 4) & 15
            if size:
                value = np.int64((buffer << np.uint64(code >> 8)) >> np.uint64(64 - size))
                if value < 1 << (size - 1):
                    value -= (1 << size) - 1
            elif k and run < 15:
                run = 64
            if code == 0 or (k == 0 and run):
                run = BROKEN
        buffer <<= np.uint64(used)
        held -= used
        k += run
        if k == 0:
            table = np.uint64(ac)
            predicted[part] += value
            value = predicted[part]
        if k < 64:
            add_eight(sums + COLUMN[k] * pitch, np.float32(value) * steps[step + np.uint64(k)], weights + ROW[k])
        k += 1
    state[0], state[1], bits[0] = held, position, buffer
    return bool(k < BROKEN)


@njit(cache=True, nogil=True, error_model="numpy")
def _spread(sums: Any, places: Any, base: int, start: Any, wide: Any, weights: Any, means: Any) -> None:
    """Add what the columns mean for the rows of cells from `base` on to the means, (components, w + REACH, h + REACH), and clear them."""
    height = min(sums.shape[2], means.shape[2] - base)
    for part in range(means.shape[0]):
        for x in range(places[part + 1] - places[part]):
            columns = sums[places[part] + x]
            for i in range(wide[part, x]):
                to = means[part, start[part, x] + i, base : base + height]
                for v in range(0, 8, 4):
                    a, b, c, d = columns[v], columns[v + 1], columns[v + 2], columns[v + 3]
                    e, f, g, h = weights[part, x, v, i], weights[part, x, v + 1, i], weights[part, x, v + 2, i], weights[part, x, v + 3, i]
                    for y in range(height):
                        to[y] += e * a[y] + f * b[y] + g * c[y] + h * d[y]
    sums[:] = 0


@njit(cache=True, nogil=True, error_model="numpy")
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
