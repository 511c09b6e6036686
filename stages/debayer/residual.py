"""Residual interpolation of a Bayer mosaic: slow, and the best here.

After D. Kiku, Y. Monno, M. Tanaka, M. Okutomi: Minimized-Laplacian residual interpolation for color image demosaicking, SPIE 9023 (2014),
and Beyond color difference: residual interpolation for color image demosaicking, IEEE Trans. Image Processing 25 (2016). A colour is
taken to be a multiple of another one, with a slope that changes slowly; the slope is the one that leaves the Laplacian of the residual
smallest; the residual, smooth by then, is interpolated linearly.

Green comes first: red and blue are estimated at green samples and green at theirs, along rows and along columns, and the differences
of colour of the four directions are averaged, each weighted by how little it changes. Red and blue then follow green.

Slopes are found and averaged on the grid of the samples of one colour, where the papers use every pixel, for a quarter of the work. The
offset of the papers' linear model drops out, since it is interpolated like the residual. The mean of eight Kodak photographs is 37.3 dB
(Menon 2007 37.4, Malvar 33.7); of the same made soft and strong in colour, where channels have little in common, 39.6 (36.9, 37.6).

Work goes by tiles, so that memory does not grow with the picture; a tile's margin is wider than all windows together, so tiles do not
show.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stages.debayer.losses import grow_square
from stages.formats.raster import any_lost

__all__ = ["demosaic_residual"]

Samples: TypeAlias = NDArray[Any]
Plane: TypeAlias = NDArray[np.float32]

GREEN_REACH = 7
"""Pixels within which a lost sample spoils green; red and blue reach one further. Windows leave out what is lost or spoiled."""
TILE = 1024
MARGIN = 64
"""Of a tile; even, so that it begins with the same colour. The windows reach 53 pixels."""
LINE, SQUARE = 5, 4
"""Samples of one colour on each side in a window along a line, and in a square one."""
HALF, QUARTER = np.float32(0.5), np.float32(0.25)
SPREAD = 1.25
"""Pixels: of the bell by which differences of colour on one side of a pixel count. With 1 pictures of strong, independent colours come out
best, with 3 fine patterns in grey ones; from here, half a decibel is lost at most on either."""
_BELL = np.exp(-0.5 * (np.arange(5) / SPREAD) ** 2)
NEAR = (_BELL / _BELL.sum()).astype(np.float32)
LINE_FLOOR, SQUARE_FLOOR = np.float32(10 / 4 / 255**2), np.float32(10 / 16 / 255**2)
"""Energies, with white as 1, under which a slope tends to 0: there is nothing in the window but noise."""
ONE, TWO, THREE, FOUR, FIVE, SIX, SEVEN, EIGHT = np.arange(1, 9, dtype=np.uint64)
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
            tile = samples[window].astype(np.float32) / np.float32(white)
            planes = _develop_tile(tile, None if lost is None else lost[window], red)
            for channel in range(3):
                inner = planes[channel][MARGIN : MARGIN + rows, MARGIN : MARGIN + columns]
                _settle(inner, np.float32(white), out[top : top + rows, left : left + columns, channel])


def _develop_tile(tile: Plane, lost: NDArray[np.bool_] | None, red: tuple[int, int]) -> tuple[Plane, Plane, Plane]:
    weights = np.ones_like(tile)
    green_weights = weights
    if lost is not None:
        weights[lost] = 0
        green_weights = 1 - grow_square(lost, GREEN_REACH).astype(np.float32)
    phase = (red[0] + red[1] + 1) % 2
    across, down = np.zeros_like(tile), np.zeros_like(tile.T, order="C")
    _differences(tile, weights, phase, across)
    _differences(np.ascontiguousarray(tile.T), np.ascontiguousarray(weights.T), phase, down)
    green = tile.copy()
    _combine(across, np.ascontiguousarray(down.T), phase, green)
    blue = (1 - red[0], 1 - red[1])
    return _follow_green(tile, green_weights, green, red), green, _follow_green(tile, green_weights, green, blue)


def _follow_green(tile: Plane, weights: Plane, green: Plane, first: tuple[int, int]) -> Plane:
    """Give red or blue at every pixel, from its samples, the first of which stands at `first`, and from green."""
    grid = np.s_[first[0] :: 2, first[1] :: 2]
    guide = np.ascontiguousarray(green[grid])
    slope = np.zeros_like(guide)
    _square_slopes(np.ascontiguousarray(tile[grid]), guide, np.ascontiguousarray(weights[grid]), slope)
    rest = tile[grid] - slope * guide
    out = np.zeros_like(tile)
    _spread(slope, rest, green, first[0], first[1], out)
    return out


@njit(cache=True, nogil=True)
def _differences(tile: Plane, weights: Plane, phase: int, out: Plane) -> None:
    """Estimate green minus the row's other colour at every pixel; row 0 has green in the columns of parity `phase`."""
    half = tile.shape[1] // 2
    lines, line_weights = np.zeros((2, half), np.float32), np.zeros((2, half), np.float32)
    work = np.zeros((8, half), np.float32)
    estimate = np.zeros(half, np.float32)
    for y in range(tile.shape[0]):
        for k in range(half):
            lines[0, k], lines[1, k] = tile[y, 2 * k], tile[y, 2 * k + 1]
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


@njit(cache=True, nogil=True, error_model="numpy")
def _square_slopes(samples: Plane, guide: Plane, weights: Plane, slope: Plane) -> None:
    """Find the slopes of one colour's samples against green there, on their own grid, and average them."""
    cross, square = np.zeros_like(samples), np.zeros_like(samples)
    for y in range(1, samples.shape[0] - 1):
        for x in range(1, samples.shape[1] - 1):
            weight = weights[y, x] * weights[y - 1, x] * weights[y + 1, x] * weights[y, x - 1] * weights[y, x + 1]
            around = guide[y - 1, x] + guide[y + 1, x] + guide[y, x - 1] + guide[y, x + 1]
            bend = guide[y, x] - QUARTER * around
            around = samples[y - 1, x] + samples[y + 1, x] + samples[y, x - 1] + samples[y, x + 1]
            cross[y, x] = weight * bend * (samples[y, x] - QUARTER * around)
            square[y, x] = weight * bend * bend
    reach = 2 * SQUARE + 1
    agreement, energy = _box(cross, reach), _box(square, reach)
    for y in range(samples.shape[0] - 2 * SQUARE):
        for x in range(samples.shape[1] - 2 * SQUARE):
            square[y + SQUARE, x + SQUARE] = agreement[y, x] / (energy[y, x] + SQUARE_FLOOR)
    total = _box(square, reach)
    for y in range(samples.shape[0] - 2 * SQUARE):
        for x in range(samples.shape[1] - 2 * SQUARE):
            slope[y + SQUARE, x + SQUARE] = total[y, x] / np.float32(reach * reach)


@njit(cache=True, nogil=True)
def _box(plane: Plane, reach: int) -> Plane:
    """Sum up `reach` squared values, of which each is the first; sums that would leave the plane are left out."""
    out = np.zeros_like(plane)
    column, sums = np.zeros(plane.shape[1], np.float32), np.zeros((2, plane.shape[1]), np.float32)
    for y in range(plane.shape[0] - reach + 1):
        column[:] = plane[y]
        for step in range(1, reach):
            below = plane[y + step]
            for x in range(below.size):
                column[x] += below[x]
        _sum_line(column, reach, sums, out[y])
    return out


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
    """Add to each red or blue sample the mean of the differences to its north, south, west and east, by how little they change there."""
    change_across, change_down = np.zeros_like(across), np.zeros_like(down)
    for y in range(1, green.shape[0] - 1):
        for x in range(1, green.shape[1] - 1):
            change_across[y, x] = abs(across[y, x + 1] - across[y, x - 1])
            change_down[y, x] = abs(down[y + 1, x] - down[y - 1, x])
    change_across, change_down = _box(change_across, 5), _box(change_down, 5)
    means = np.zeros((4, green.shape[1]), np.float32)
    lacking = np.zeros((2, green.shape[1]), np.float32)
    lacking[0, 1::2], lacking[1, ::2] = 1, 1
    for y in range(4, green.shape[0] - 4):
        _lean(across[y], means[0], means[1])
        _lean_down(down, y, means[2], means[3])
        changes = change_down[y - 4, 2:], change_down[y, 2:], change_across[y - 2], change_across[y - 2, 4:]
        _blend(means, *changes, lacking[(phase + y) % 2], green[y])


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
def _settle(plane: Plane, white: np.float32, out: Samples) -> None:
    """Scale, round and clip."""
    for y in range(plane.shape[0]):
        for x in range(plane.shape[1]):
            out[y, x] = min(max(plane[y, x] * white + HALF, np.float32(0)), white)
