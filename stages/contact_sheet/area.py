"""Area-mean reduction in exact integers: every source pixel that is there counts, by the area that it covers.

An output pixel covers W/w by H/h source pixels. Measured in parts of 1/w and 1/h of a source pixel all borders are whole numbers,
so sums and weights are integers and the mean is exact; it is rounded half up. Rows are added up first, because that runs along
memory; columns once for each output row.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stages.formats.raster import any_lost, for_kernels

__all__ = ["fit", "reduce_area"]


def fit(height: int, width: int, box: int) -> tuple[int, int]:
    """Give the (height, width) of a picture reduced to fit a square box: same shape, at least a pixel, never enlarged."""
    longest = max(height, width)
    if longest <= box:
        return height, width
    return max(1, (2 * height * box + longest) // (2 * longest)), max(1, (2 * width * box + longest) // (2 * longest))


def reduce_area(
    samples: NDArray[Any], mask: NDArray[np.bool_], shape: tuple[int, int], *, white: int
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Reduce a picture.

    samples  (height, width) or (height, width, channels), uint8 or uint16, 0..white; larger values clip
    mask     (height, width), True where lost
    shape    (height, width) of the result, no larger than the picture
    white    sample value that becomes 255

    Returns the means, (h, w, channels) uint8, over the pixels that are there, 0 where none is; and a mask, True where more than
    half of the area is lost.
    """
    cube = np.ascontiguousarray(samples.reshape(*samples.shape[:2], -1))
    out = np.empty((*shape, cube.shape[2]), np.uint8)
    lost = np.zeros(shape, np.bool_)
    # Sums of a column: 32 bits hold height * white for all but the largest pictures, and run twice as fast.
    wide = cube.shape[0] * int(np.iinfo(cube.dtype).max) >= 1 << 32
    sums = np.empty(cube.shape[1] * cube.shape[2], np.uint64 if wide else np.uint32)
    covered = spans(cube.shape[1], shape[1])
    if any_lost(mask):
        reduce_present(
            cube,
            for_kernels(mask),
            np.asarray(mask.any(axis=1)),
            sums,
            np.empty(cube.shape[1], np.uint32),
            covered,
            white,
            out,
            lost,
        )
    else:
        rows = cube.shape[0] // shape[0] + 1
        plain = np.empty(sums.size, np.uint16 if rows * int(np.iinfo(cube.dtype).max) < 1 << 16 else sums.dtype)
        reduce_whole(cube.reshape(cube.shape[0], -1), plain, sums, covered, white, out)
    return out, lost


@njit(cache=True, nogil=True)
def add_row(row: NDArray[Any], weight: Any, sums: NDArray[Any]) -> None:
    narrow = sums.dtype.type
    for i in range(row.size):
        # Each step is cast back, or numba widens it to 64 bits and half the vector is gone.
        sums[i] = narrow(sums[i] + narrow(weight * narrow(row[i])))


@njit(cache=True, nogil=True)
def add_rows(rows: NDArray[Any], weight: Any, plain: NDArray[Any], sums: NDArray[Any]) -> None:
    """Add rows of one weight: up in `plain` first, where a vector holds twice as many as in the sums, four at a time."""
    narrow, wide = plain.dtype.type, sums.dtype.type
    plain[:] = 0
    for k in range(0, rows.shape[0] - 3, 4):
        a, b, c, d = rows[k], rows[k + 1], rows[k + 2], rows[k + 3]
        for i in range(plain.size):
            four = narrow(narrow(narrow(a[i]) + narrow(b[i])) + narrow(narrow(c[i]) + narrow(d[i])))
            plain[i] = narrow(plain[i] + four)
    for k in range(rows.shape[0] - rows.shape[0] % 4, rows.shape[0]):
        add_row(rows[k], narrow(1), plain)
    for i in range(sums.size):
        sums[i] = wide(sums[i] + wide(weight * wide(plain[i])))


@njit(cache=True, nogil=True)
def add_present(row: NDArray[Any], lost: NDArray[Any], weight: Any, channels: int, sums: NDArray[Any], counts: NDArray[Any]) -> None:
    narrow = sums.dtype.type
    for x in range(lost.size):
        there = narrow(weight * narrow(not lost[x]))
        counts[x] += there
        for c in range(channels):
            sums[x * channels + c] = narrow(sums[x * channels + c] + narrow(there * narrow(row[x, c])))


def spans(width: int, columns: int) -> NDArray[np.int64]:
    """Tell what each output column covers, (columns, 4): first and last column, and how much of each, in 1/columns of one."""
    begin = np.arange(columns, dtype=np.int64) * width
    first, last = begin // columns, (begin + width - 1) // columns
    left = np.minimum(begin + width, (first + 1) * columns) - begin
    right = np.where(first < last, begin + width - last * columns, 0)
    return np.stack([first, last, left, right], axis=1)


@njit(cache=True, nogil=True)
def gather(sums: NDArray[Any], covered: NDArray[Any], channels: int, totals: NDArray[Any]) -> None:
    """Add columns up: totals (w, channels) int64, in 1/w of a column."""
    columns = totals.shape[0]
    # Indexes are unsigned, because numba looks at every signed one twice.
    step = np.uint64(channels)
    for x in range(columns):
        begin, end, left, right = np.uint64(covered[x, 0]) * step, np.uint64(covered[x, 1]) * step, covered[x, 2], covered[x, 3]
        for c in range(step):
            first, last, inner = begin + c, end + c, np.int64(0)
            i = first + step
            while i < last:
                inner += np.int64(sums[i])
                i += step
            totals[x, c] = inner * columns + left * np.int64(sums[first]) + right * np.int64(sums[last])


@njit(cache=True, nogil=True)
def mean(total: Any, weight: Any, white: int) -> np.uint8:
    """Scale to 255 and round half up."""
    dividend, divisor = 2 * 255 * total + weight * white, 2 * weight * white
    # Below 2**53 the quotient of floats, cut off, is the quotient of integers, and much cheaper.
    quotient = np.int64(dividend / divisor) if dividend < 1 << 53 else dividend // divisor
    return np.uint8(min(quotient, 255))


@njit(cache=True, nogil=True)
def reduce_whole(rows: NDArray[Any], plain: NDArray[Any], sums: NDArray[Any], covered: NDArray[Any], white: int, out: NDArray[Any]) -> None:
    height = rows.shape[0]
    h, w, channels = out.shape
    width = rows.shape[1] // channels
    totals = np.empty((w, channels), np.int64)
    one = sums.dtype.type(1)
    for y in range(h):
        begin, end = y * height, (y + 1) * height
        # Rows that lie in it as a whole, and up to two that it shares with its neighbours.
        first, last = (begin + h - 1) // h, end // h
        sums[:] = 0
        if first > last:
            add_row(rows[last], one * sums.dtype.type(height), sums)
        else:
            add_rows(rows[first:last], one * sums.dtype.type(h), plain, sums)
            if begin < first * h:
                add_row(rows[first - 1], one * sums.dtype.type(first * h - begin), sums)
            if last * h < end:
                add_row(rows[last], one * sums.dtype.type(end - last * h), sums)
        gather(sums, covered, channels, totals)
        for x in range(w):
            for c in range(channels):
                out[y, x, c] = mean(totals[x, c], height * width, white)


@njit(cache=True, nogil=True)
def reduce_present(
    cube: NDArray[Any],
    mask: NDArray[Any],
    touched: NDArray[Any],
    sums: NDArray[Any],
    counts: NDArray[Any],
    covered: NDArray[Any],
    white: int,
    out: NDArray[Any],
    lost: NDArray[Any],
) -> None:
    height, width, channels = cube.shape
    rows = cube.reshape(height, width * channels)
    h, w = lost.shape
    totals, present = np.empty((w, channels), np.int64), np.empty((w, 1), np.int64)
    for y in range(h):
        begin, end = y * height, (y + 1) * height
        sums[:] = 0
        counts[:] = 0
        for i in range(begin // h, (end - 1) // h + 1):
            weight = min(end, (i + 1) * h) - max(begin, i * h)
            if touched[i]:
                add_present(cube[i], mask[i], sums.dtype.type(weight), channels, sums, counts)
            else:
                add_row(rows[i], sums.dtype.type(weight), sums)
                counts += np.uint32(weight)
        gather(sums, covered, channels, totals)
        gather(counts, covered, 1, present)
        for x in range(w):
            there = present[x, 0]
            lost[y, x] = 2 * there < height * width
            for c in range(channels):
                out[y, x, c] = mean(totals[x, c], there, white) if there else 0
