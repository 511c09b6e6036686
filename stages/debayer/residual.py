"""Residual interpolation of a Bayer mosaic: slow, and the best here.

After D. Kiku, Y. Monno, M. Tanaka, M. Okutomi: Minimized-Laplacian residual interpolation for color image demosaicking, SPIE 9023 (2014),
and Beyond color difference: residual interpolation for color image demosaicking, IEEE Trans. Image Processing 25 (2016). A colour is
taken to be a multiple of another one, with a slope that changes slowly; the slope is the one that leaves the Laplacian of the residual
smallest; the residual, smooth by then, is interpolated linearly.

Green comes first: red and blue are estimated at green samples and green at theirs, along rows and along columns, and the differences
of colour of the four directions are averaged, each weighted by how little it changes. Red and blue then follow green.

Slopes are found and averaged on the grid of the samples of one colour, where the papers use every pixel, for a quarter of the work. The
offset of the papers' linear model drops out, since it is interpolated like the residual. The mean of eight Kodak photographs is 37.4 dB
(Menon 2007 37.4, Malvar 33.7); of the same made soft and strong in colour, where channels have little in common, 39.7 (36.9, 37.6). On
these and on five other changes of the eight it is 0.3 to 0.8 dB above the residual interpolation of 2013 and as good, within 0.2, as the
one of 2014, both done as the papers say with every pixel.

Work goes by tiles, so that memory does not grow with the picture; a tile's margin is wider than all windows together, so tiles do not
show.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stages.debayer.losses import grow_square
from stages.debayer.malvar import interleave
from stages.formats.raster import any_lost

__all__ = ["demosaic_residual"]

Samples: TypeAlias = NDArray[Any]
Plane: TypeAlias = NDArray[np.float32]

GREEN_REACH = 7
"""Pixels within which a lost sample spoils green; red and blue reach one further. Windows leave out what is lost or spoiled."""
TILE = 1024
MARGIN = 54
"""Of a tile; even, so that it begins with the same colour, and wider than all windows together reach."""
LINE, SQUARE = 5, 4
"""Samples of one colour on each side in a window along a line, and in a square one."""
HALF, QUARTER = np.float32(0.5), np.float32(0.25)
SPREAD = 1.3
"""Pixels: of the bell by which differences of colour on one side of a pixel count. With 1 pictures of strong, independent colours come out
best, with 3 fine patterns in grey ones; from here, half a decibel is lost at most on either. How much they change there is summed up over
squares of three pixels: over five, strong colours lose 0.15 dB and grey ones win 0.03."""
_BELL = np.exp(-0.5 * (np.arange(5) / SPREAD) ** 2)
NEAR = (_BELL / _BELL.sum()).astype(np.float32)
LINE_FLOOR, SQUARE_FLOOR = np.float32(10 / 4 / 255**2), np.float32(10 / 16 / 255**2)
"""Energies, with white as 1, under which a slope tends to 0: there is nothing in the window but noise."""
ONE, TWO, THREE, FOUR, FIVE, SIX, SEVEN, EIGHT = np.arange(1, 9, dtype=np.uint64)
EVERYTHING = np.empty((0, 0), np.float32)
"""In place of weights: each sample counts."""
BLOCK = 16
"""Rows and columns that are turned at a time."""
CHANGE_FLOOR = np.float32(0.1 / 255**2)


def demosaic_residual(mosaic: Samples, red: tuple[int, int], white: int, out: Samples, mask: NDArray[np.bool_] | None = None) -> None:
    """Fill in the two colours that each sample lacks.

    mosaic  (h, w) uint8 or uint16, h and w at least 2
    red     row and column of the first red sample, 0 or 1 each
    white   largest value of a result
    out     (h, w, 3) of the same dtype
    mask    (h, w), True for samples to leave out; pixels within 8 of one are not to be used
    """
    height, width = mosaic.shape
    # An even number of columns and rows lets every tile be cut into grids of equal size.
    margins = [(MARGIN, MARGIN + length % 2) for length in mosaic.shape]
    samples = np.pad(mosaic, margins, mode="reflect")
    lost = None if mask is None or not any_lost(mask) else np.pad(mask, margins, mode="reflect")
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            rows, columns = min(TILE, height - top), min(TILE, width - left)
            window = np.s_[top : top + rows + rows % 2 + 2 * MARGIN, left : left + columns + columns % 2 + 2 * MARGIN]
            tile = samples[window].astype(np.float32)
            tile /= np.float32(white)
            planes = _develop_tile(tile, None if lost is None else lost[window], red)
            _settle(*planes, np.float32(white), columns, left, out[top : top + rows].reshape(rows, -1))


def _develop_tile(tile: Plane, lost: NDArray[np.bool_] | None, red: tuple[int, int]) -> tuple[Plane, Plane, Plane]:
    """Give red, green and blue, right in all but the margin.

    Few planes are made, and each is used again once nobody needs what it held: pages that the system has to clear first cost more than
    any one of the steps.
    """
    weights = green_weights = EVERYTHING
    if lost is not None:
        weights = 1 - lost.astype(np.float32)
        green_weights = 1 - grow_square(lost, GREEN_REACH).astype(np.float32)
    phase = (red[0] + red[1] + 1) % 2
    across = np.empty_like(tile)
    _differences(tile, weights, phase, across)
    turned, down_turned = np.empty((2, *tile.shape[::-1]), np.float32)
    _transpose(tile, turned)
    _differences(turned, np.ascontiguousarray(weights.T), phase, down_turned)
    down, green = turned.reshape(tile.shape), down_turned.reshape(tile.shape)
    _transpose(down_turned, down)
    green[:] = tile
    _combine(across, down, phase, green)
    blue = (1 - red[0], 1 - red[1])
    work = np.zeros((7, tile.shape[0] // 2, tile.shape[1] // 2), np.float32)
    for first, out in ((red, across), (blue, down)):
        _follow_green(tile, green_weights, green, first[0], first[1], work, out)
    return across, green, down


@njit(cache=True, nogil=True)
def _transpose(plane: Plane, out: Plane) -> None:
    """Turn rows into columns, a few at a time: what is near in one of both is far in the other."""
    for top in range(0, plane.shape[0], BLOCK):
        for left in range(0, plane.shape[1], BLOCK):
            for y in range(top, min(top + BLOCK, plane.shape[0])):
                for x in range(left, min(left + BLOCK, plane.shape[1])):
                    out[x, y] = plane[y, x]


@njit(cache=True, nogil=True)
def _differences(tile: Plane, weights: Plane, phase: int, out: Plane) -> None:
    """Estimate green minus the row's other colour at every pixel; row 0 has green in the columns of parity `phase`."""
    half = tile.shape[1] // 2
    lines, line_weights = np.zeros((2, half), np.float32), np.ones((2, half), np.float32)
    work = np.zeros((8, half), np.float32)
    estimate = np.zeros(half, np.float32)
    for y in range(tile.shape[0]):
        for k in range(half):
            lines[0, k], lines[1, k] = tile[y, 2 * k], tile[y, 2 * k + 1]
        for k in range(half if weights.size else 0):
            line_weights[0, k], line_weights[1, k] = weights[y, 2 * k], weights[y, 2 * k + 1]
        for parity in range(2):
            other = lines[1 - parity]
            _estimate(lines[parity], other, line_weights[parity], line_weights[1 - parity], parity, work, estimate)
            sign = np.float32(1 if (phase + y) % 2 == parity else -1)
            for k in range(half):
                out[y, 2 * k + 1 - parity] = sign * (estimate[k] - other[k])


@njit(cache=True, nogil=True, error_model="numpy")
def _estimate(own: Plane, other: Plane, own_weight: Plane, other_weight: Plane, parity: int, work: Plane, estimate: Plane) -> None:
    """Estimate a line's one colour, which stands in the columns of this parity, at the samples of its other."""
    half = own.size
    guide, cross, square, slope = work[0], work[1], work[2], work[3]
    agreement, energy, sums = work[4], work[5], work[6:]
    after, after_weight = other[parity:], other_weight[parity:]
    # Unsigned, here and below, because numba looks at every signed index twice, and then not at many at once.
    for at in range(half - 2):
        k = np.uint64(at)
        guide[k + ONE] = HALF * (after[k] + after[k + ONE])
    for at in range(half - 4):
        k = np.uint64(at)
        weight = own_weight[k + ONE] * own_weight[k + TWO] * own_weight[k + THREE]
        weight *= after_weight[k] * after_weight[k + ONE] * after_weight[k + TWO] * after_weight[k + THREE]
        bend = guide[k + TWO] - HALF * (guide[k + ONE] + guide[k + THREE])
        cross[k + TWO] = weight * bend * (own[k + TWO] - HALF * (own[k + ONE] + own[k + THREE]))
        square[k + TWO] = weight * bend * bend
    reach = 2 * LINE + 1
    _sum_line(cross, reach, sums, agreement)
    _sum_line(square, reach, sums, energy)
    for i in range(half - 2 * LINE):
        slope[i + LINE] = agreement[i] / (energy[i] + LINE_FLOOR)
    _sum_line(slope, reach, sums, agreement)
    mean, rest = cross, square
    for i in range(half - 2 * LINE):
        mean[i + LINE] = agreement[i] / np.float32(reach)
    for i in range(half):
        rest[i] = own[i] - mean[i] * guide[i]
    near_mean, near_rest = mean[1 - parity :], rest[1 - parity :]
    for at in range(half - 2):
        k = np.uint64(at)
        estimate[k + ONE] = HALF * ((near_mean[k] + near_mean[k + ONE]) * other[k + ONE] + near_rest[k] + near_rest[k + ONE])


@njit(cache=True, nogil=True)
def _follow_green(tile: Plane, weights: Plane, green: Plane, top: int, left: int, work: Plane, out: Plane) -> None:
    """Give red or blue at every pixel, from its samples, the first of which stands at (top, left), and from green.

    work  (7, h / 2, w / 2), 0 at the borders
    """
    samples, guide, cross, square, weight = work[0], work[1], work[2], work[3], work[4]
    for y in range(samples.shape[0]):
        for k in range(samples.shape[1]):
            samples[y, k], guide[y, k] = tile[2 * y + top, 2 * k + left], green[2 * y + top, 2 * k + left]
        for k in range(samples.shape[1]):
            weight[y, k] = weights[2 * y + top, 2 * k + left] if weights.size else np.float32(1)
    for y in range(1, samples.shape[0] - 1):
        _bends(samples[y - 1 : y + 2], guide[y - 1 : y + 2], weight[y - 1 : y + 2], cross[y], square[y])
    slope, rest = _square_slopes(cross, square, work[5], work[6]), cross
    for y in range(samples.shape[0]):
        for k in range(samples.shape[1]):
            rest[y, k] = samples[y, k] - slope[y, k] * guide[y, k]
    _spread(slope, rest, green, top, left, out)
    cross[:], square[:], work[5:] = 0, 0, 0


@njit(cache=True, nogil=True)
def _bends(samples: Plane, guide: Plane, weights: Plane, cross: Plane, square: Plane) -> None:
    """Give the products of a row's Laplacians, of the middle one of three rows."""
    for at in range(cross.size - 2):
        k = np.uint64(at)
        x, after = k + ONE, k + TWO
        weight = weights[1, x] * weights[0, x] * weights[2, x] * weights[1, k] * weights[1, after]
        around = guide[0, x] + guide[2, x] + guide[1, k] + guide[1, after]
        bend = guide[1, x] - QUARTER * around
        around = samples[0, x] + samples[2, x] + samples[1, k] + samples[1, after]
        cross[x] = weight * bend * (samples[1, x] - QUARTER * around)
        square[x] = weight * bend * bend


@njit(cache=True, nogil=True, error_model="numpy")
def _square_slopes(cross: Plane, square: Plane, agreement: Plane, energy: Plane) -> Plane:
    """Find the slopes of one colour's samples against green there, on their own grid, and average them; give them in `energy`."""
    reach = 2 * SQUARE + 1
    _box(cross, reach, agreement)
    _box(square, reach, energy)
    for y in range(cross.shape[0] - 2 * SQUARE):
        for x in range(cross.shape[1] - 2 * SQUARE):
            square[y + SQUARE, x + SQUARE] = agreement[y, x] / (energy[y, x] + SQUARE_FLOOR)
    _box(square, reach, agreement)
    for y in range(cross.shape[0] - 2 * SQUARE):
        for x in range(cross.shape[1] - 2 * SQUARE):
            energy[y + SQUARE, x + SQUARE] = agreement[y, x] / np.float32(reach * reach)
    return energy


@njit(cache=True, nogil=True)
def _box(plane: Plane, reach: int, out: Plane) -> None:
    """Sum up `reach` squared values, of which each is the first; sums that would leave the plane are left out."""
    column, sums = np.zeros(plane.shape[1], np.float32), np.zeros((2, plane.shape[1]), np.float32)
    for y in range(plane.shape[0] - reach + 1):
        column[:] = plane[y]
        for step in range(1, reach):
            below = plane[y + step]
            for x in range(below.size):
                column[x] += below[x]
        _sum_line(column, reach, sums, out[y])


@njit(cache=True, nogil=True)
def _sum_line(values: Plane, reach: int, work: Plane, out: Plane) -> None:
    """Sum up 4 to 15 values from each on, by sums of two and of four, for which `work` has two rows."""
    two, four = work[0], work[1]
    count = values.size - reach + 1
    for at in range(values.size - 1):
        k = np.uint64(at)
        two[k] = values[k] + values[k + ONE]
    for at in range(values.size - 3):
        k = np.uint64(at)
        four[k] = two[k] + two[k + TWO]
    rest, last = reach % 4, np.uint64(reach - 1)
    for at in range(count):
        k = np.uint64(at)
        out[k] = four[k] + (values[k + last] if rest & 1 else np.float32(0))
    for begin in range(4, reach - 3, 4):
        for at in range(count):
            k = np.uint64(at)
            out[k] += four[k + np.uint64(begin)]
    if rest >= 2:
        begin = reach - rest
        for at in range(count):
            k = np.uint64(at)
            out[k] += two[k + np.uint64(begin)]


@njit(cache=True, nogil=True)
def _combine(across: Plane, down: Plane, phase: int, green: Plane) -> None:
    """Add to each red or blue sample the mean of the differences to its north, south, west and east, by how little they change there.

    Changes are summed up over squares of three pixels, and only those rows of them are kept that are still wanted.
    """
    height, width = green.shape
    changes_across, changes_down = np.zeros((3, width), np.float32), np.zeros((3, width), np.float32)
    squares_down = np.zeros((3, width), np.float32)
    sideways, column = np.zeros(width, np.float32), np.zeros(width, np.float32)
    means = np.zeros((4, width), np.float32)
    lacking = np.zeros((2, width), np.float32)
    lacking[0, 1::2], lacking[1, ::2] = 1, 1
    for below in range(1, height - 3):
        _change(down[below - 1], down[below + 1], changes_down[below % 3])
        if below < 3:
            continue
        # Of the square whose first row stands two above.
        y = below - 2
        _sum_square(changes_down, y, column, squares_down[y % 3])
        if y < 4:
            continue
        for row in range(3 if y == 4 else y + 1, y + 2):
            _change(across[row, : width - 2], across[row, 2:], changes_across[row % 3, 1:])
        _sum_square(changes_across, y - 1, column, sideways)
        _lean(across[y], means[0], means[1])
        _lean_down(down, y, means[2], means[3])
        north, south = squares_down[(y - 2) % 3, 3:], squares_down[y % 3, 3:]
        _blend(means, north, south, sideways[2:], sideways[4:], lacking[(phase + y) % 2], green[y])


@njit(cache=True, nogil=True)
def _change(before: Plane, after: Plane, out: Plane) -> None:
    """Say how much two lines differ."""
    for at in range(before.size):
        k = np.uint64(at)
        out[k] = abs(after[k] - before[k])


@njit(cache=True, nogil=True)
def _sum_square(rows: Plane, top: int, column: Plane, out: Plane) -> None:
    """Sum up three by three values from each on, of the rows from `top` on, each of which stands where its number by three says."""
    # Always from top to bottom: in another order sums are rounded otherwise, and tiles would show.
    first, second, third = rows[top % 3], rows[(top + 1) % 3], rows[(top + 2) % 3]
    for at in range(column.size):
        k = np.uint64(at)
        column[k] = first[k] + second[k] + third[k]
    for at in range(column.size - 2):
        k = np.uint64(at)
        out[k] = column[k] + column[k + ONE] + column[k + TWO]


@njit(cache=True, nogil=True, error_model="numpy")
def _blend(means: Plane, north: Plane, south: Plane, west: Plane, east: Plane, lacking: Plane, green: Plane) -> None:
    """Add the mean of a row's means from four sides where green is `lacking` (1, else 0), by the calm of each.

    Changes begin with the fifth pixel's. Every pixel is worked out, in vectors, which is faster than every other one.
    """
    for at in range(green.size - 8):
        k = np.uint64(at)
        x = k + FOUR
        calm_north, calm_south, calm_west, calm_east = _calm(north[k]), _calm(south[k]), _calm(west[k]), _calm(east[k])
        vertical = calm_north * means[2, x] + calm_south * means[3, x]
        horizontal = calm_west * means[0, x] + calm_east * means[1, x]
        difference = (vertical + horizontal) / (calm_north + calm_south + calm_west + calm_east)
        green[x] = min(max(green[x] + lacking[x] * difference, np.float32(0)), np.float32(1))


@njit(cache=True, nogil=True)
def _lean(row: Plane, west: Plane, east: Plane) -> None:
    """Average a row towards its beginning and its end, near values most."""
    for at in range(row.size - 8):
        x = np.uint64(at)
        here = NEAR[0] * row[x + FOUR]
        west[x + FOUR] = here + NEAR[1] * row[x + THREE] + NEAR[2] * row[x + TWO] + NEAR[3] * row[x + ONE] + NEAR[4] * row[x]
        east[x + FOUR] = here + NEAR[1] * row[x + FIVE] + NEAR[2] * row[x + SIX] + NEAR[3] * row[x + SEVEN] + NEAR[4] * row[x + EIGHT]


@njit(cache=True, nogil=True)
def _lean_down(plane: Plane, y: int, north: Plane, south: Plane) -> None:
    """Average each column from row y upwards and downwards likewise."""
    for x in range(plane.shape[1]):
        here = NEAR[0] * plane[y, x]
        north[x] = here + NEAR[1] * plane[y - 1, x] + NEAR[2] * plane[y - 2, x] + NEAR[3] * plane[y - 3, x] + NEAR[4] * plane[y - 4, x]
        south[x] = here + NEAR[1] * plane[y + 1, x] + NEAR[2] * plane[y + 2, x] + NEAR[3] * plane[y + 3, x] + NEAR[4] * plane[y + 4, x]


@njit(cache=True, nogil=True, error_model="numpy")
def _calm(change: np.float32) -> np.float32:
    return np.float32(1) / (change * change + CHANGE_FLOOR)


@njit(cache=True, nogil=True)
def _spread(slope: Plane, rest: Plane, green: Plane, top: int, left: int, out: Plane) -> None:
    """Interpolate slope and rest from their grid to every pixel and apply them to green."""
    height, width = slope.shape
    slopes, rests = np.zeros(width, np.float32), np.zeros(width, np.float32)
    for y in range(2 * height - 2):
        here, there = y // 2, (y + 1) // 2
        for k in range(width):
            slopes[k] = HALF * (slope[here, k] + slope[there, k])
            rests[k] = HALF * (rest[here, k] + rest[there, k])
        row, target = green[y + top, left:], out[y + top, left:]
        for k in range(width - 1):
            target[2 * k] = slopes[k] * row[2 * k] + rests[k]
            target[2 * k + 1] = HALF * ((slopes[k] + slopes[k + 1]) * row[2 * k + 1] + rests[k] + rests[k + 1])


@njit(cache=True, nogil=True)
def _settle(red: Plane, green: Plane, blue: Plane, white: np.float32, columns: int, left: int, out: Samples) -> None:
    """Scale, round and clip, and put the colours of each pixel together, from column `left` on; out has rows of 3 w values."""
    rows = np.zeros((3, columns), out.dtype)
    within = slice(MARGIN, MARGIN + columns)
    for y in range(out.shape[0]):
        _settle_row(red[MARGIN + y, within], white, rows[0])
        _settle_row(green[MARGIN + y, within], white, rows[1])
        _settle_row(blue[MARGIN + y, within], white, rows[2])
        interleave(rows[0], rows[1], rows[2], out[y, 3 * left :])


@njit(cache=True, nogil=True)
def _settle_row(plane: Plane, white: np.float32, out: Samples) -> None:
    for at in range(plane.size):
        k = np.uint64(at)
        out[k] = np.int32(min(max(plane[k] * white + HALF, np.float32(0)), white))
