"""Gradient-corrected linear interpolation of a Bayer mosaic, in exact integers.

H. S. Malvar, L. He, R. Cutler: High-quality linear interpolation for demosaicing of Bayer-patterned color images, ICASSP 2004. The
coefficients of its four 5 x 5 filters are sixteenths, so a result is (16 x + 8) >> 4, clipped to [0, white]. Borders mirror about the
edge sample, so every neighbour keeps its colour.

A row of a mosaic alternates between green and one other colour, its *own*; the third, the *other*, stands in the rows above and below.
Split by even and odd columns, every filter becomes a sum of contiguous runs, which the compiler turns into vector instructions.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stages.debayer.calibration import Calibration, calibrate_rows, mirror, no_calibration
from stages.debayer.finish import Finish, finish_row, make_finish

__all__ = ["demosaic_malvar", "interleave"]

Samples: TypeAlias = NDArray[Any]

HALO = 2
"""Mirrored entries on each side of a column plane: its entry k + HALO is column 2 k, or 2 k + 1. Rows above and below a strip, too."""
STRIP = 32
"""Rows that are developed at a time, even: calibrated, they stay in the processor's nearest cache until they are finished."""


def demosaic_malvar(
    mosaic: Samples, red: tuple[int, int], white: int, out: Samples, calibration: Calibration | None = None, finish: Finish | None = None
) -> None:
    """Fill in the two colours that each sample lacks; calibrate before and finish after it, in the same pass.

    mosaic       (h, w) uint8 or uint16, h and w at least 2, contiguous
    red          row and column of the first red sample, 0 or 1 each
    white        largest value of a result, and of a calibrated sample
    out          (h, w, 3) of the same dtype, contiguous
    calibration  None: samples are taken as they are
    finish       None: pixels are left as they are
    """
    # The sums of a filter reach 28 times the largest sample: 16 bits hold that of uint8, and twice as many fit a vector.
    work = np.int16 if mosaic.dtype == np.uint8 else np.int32
    height, width = mosaic.shape
    columns = np.empty((3, 2, width // 2 + 2 * HALO), work)
    calibration = no_calibration(mosaic.dtype) if calibration is None else calibration
    finish = make_finish(mosaic.dtype, np.eye(3), "linear", white) if finish is None else finish
    strip = np.empty((STRIP + 2 * HALO, width), mosaic.dtype)
    _interpolate(mosaic, red[0], red[1], work(white), calibration, finish, columns, strip, out.reshape(height, 3 * width))


@njit(cache=True, nogil=True)
def _interpolate(
    mosaic: Samples,
    red_row: int,
    red_column: int,
    white: Any,
    calibration: Calibration,
    finish: Finish,
    columns: Samples,
    strip: Samples,
    out: Samples,
) -> None:
    height, width = mosaic.shape
    pixels = np.empty((3, width + 2), mosaic.dtype)
    red, green, blue = pixels[0], pixels[1], pixels[2]
    # The last rows of a strip are the first ones of the next.
    kept, last = strip[: 2 * HALO].reshape(2 * HALO * width), strip[STRIP:].reshape(2 * HALO * width)
    for top in range(0, height, STRIP):
        rows = min(STRIP, height - top)
        done = 2 * HALO if top else 0
        for x in range(done * width):
            kept[x] = last[x]
        calibrate_rows(mosaic, top - HALO + done, red_row, red_column, calibration, strip[done : rows + 2 * HALO])
        target = out[top : top + rows]
        _rows_of_one_kind(strip, red_row, red_column, white, finish, columns, red, green, blue, pixels, target)
        _rows_of_one_kind(strip, 1 - red_row, 1 - red_column, white, finish, columns, blue, green, red, pixels, target)


@njit(cache=True, nogil=True)
def _rows_of_one_kind(
    strip: Samples,
    first: int,
    shift: int,
    white: Any,
    finish: Finish,
    columns: Samples,
    own: Samples,
    green: Samples,
    other: Samples,
    pixels: Samples,
    out: Samples,
) -> None:
    """Develop every second row; `shift` is the first column of its own colour. Views are made here, once, as each costs a row's tenth."""
    width = strip.shape[1]
    left = np.array([mirror(x, width) for x in range(-2 * HALO, 0)])
    right = np.array([mirror(x, width) for x in range(width - width % 2, width - width % 2 + 2 * HALO)])
    here, near, far = columns[0], columns[1], columns[2]
    # A pair is a sample of the own colour and the green one after it; with shift 1 the first pair begins in the mirrored column -1.
    colour, colour_near, colour_far = here[shift, 1 - shift :], near[shift, 1 - shift :], far[shift, 1 - shift :]
    greens, green_near, green_far = here[1 - shift, 1:], near[1 - shift, 1:], far[1 - shift, 1:]
    first_plane, second_plane, third_plane = (
        pixels[0, shift : shift + width],
        pixels[1, shift : shift + width],
        pixels[2, shift : shift + width],
    )
    for y in range(first, out.shape[0], 2):
        _split(strip[y + 2], left, right, here[0], here[1])
        _split_sum(strip[y + 1], strip[y + 3], left, right, near[0], near[1])
        _split_sum(strip[y], strip[y + 4], left, right, far[0], far[1])
        _filter(colour, greens, colour_near, green_near, colour_far, green_far, white, own, green, other)
        if finish.mixes or finish.tones:
            finish_row(first_plane, second_plane, third_plane, finish)
        interleave(first_plane, second_plane, third_plane, out[y])


@njit(cache=True, nogil=True)
def _split(row: Samples, left: Samples, right: Samples, even: Samples, odd: Samples) -> None:
    """Deal a row out to its even and its odd columns."""
    half = row.size // 2
    for k in range(half):
        even[k + HALO] = row[2 * k]
        odd[k + HALO] = row[2 * k + 1]
    for k in range(HALO):
        even[k], odd[k] = row[left[2 * k]], row[left[2 * k + 1]]
        even[half + HALO + k], odd[half + HALO + k] = row[right[2 * k]], row[right[2 * k + 1]]


@njit(cache=True, nogil=True)
def _split_sum(one: Samples, two: Samples, left: Samples, right: Samples, even: Samples, odd: Samples) -> None:
    """Deal the sum of two rows out likewise."""
    narrow = even.dtype.type
    half = one.size // 2
    for k in range(half):
        even[k + HALO] = narrow(narrow(one[2 * k]) + narrow(two[2 * k]))
        odd[k + HALO] = narrow(narrow(one[2 * k + 1]) + narrow(two[2 * k + 1]))
    for k in range(HALO):
        a, b, c, d = left[2 * k], left[2 * k + 1], right[2 * k], right[2 * k + 1]
        even[k], odd[k] = one[a] + two[a], one[b] + two[b]
        even[half + HALO + k], odd[half + HALO + k] = one[c] + two[c], one[d] + two[d]


@njit(cache=True, nogil=True)
def _filter(
    colour: Samples,
    greens: Samples,
    colour_near: Samples,
    green_near: Samples,
    colour_far: Samples,
    green_far: Samples,
    white: Any,
    own: Samples,
    green: Samples,
    other: Samples,
) -> None:
    """Apply the four filters to the pairs of a row.

    colour, greens  the row's own samples and the greens after them, entry k + 1 for pair k
    *_near, *_far   sums of the rows next to it and two away, in the same columns
    """
    # Casts keep every step as narrow as the planes; without them each would widen to 64 bits, and a vector hold a quarter as many.
    narrow = colour.dtype.type
    two, three, four, five, eight, twelve = narrow(2), narrow(3), narrow(4), narrow(5), narrow(8), narrow(12)
    for k in range(own.size // 2):
        sample, leaf = colour[k + 1], greens[k + 1]
        cross = narrow(narrow(greens[k] + leaf) + colour_near[k + 1])
        diagonal = narrow(green_near[k] + green_near[k + 1])
        distant = narrow(narrow(colour[k] + colour[k + 2]) + colour_far[k + 1])
        green_here = narrow(narrow(sample * eight) + narrow(narrow(cross * four) - narrow(distant * two)))
        other_here = narrow(narrow(sample * twelve) + narrow(narrow(diagonal * four) - narrow(distant * three)))

        beside, across = narrow(sample + colour[k + 2]), green_near[k + 1]
        corners = narrow(colour_near[k + 1] + colour_near[k + 2])
        along, down = narrow(greens[k] + greens[k + 2]), green_far[k + 1]
        base = narrow(narrow(leaf * five) - corners)
        own_next = narrow(narrow(narrow(base + narrow(beside * four)) - along) * two + down)
        other_next = narrow(narrow(narrow(base + narrow(across * four)) - down) * two + along)

        own[2 * k], own[2 * k + 1] = min(sample, white), _settle(own_next, white, narrow)
        green[2 * k], green[2 * k + 1] = _settle(green_here, white, narrow), min(leaf, white)
        other[2 * k], other[2 * k + 1] = _settle(other_here, white, narrow), _settle(other_next, white, narrow)


@njit(cache=True, nogil=True)
def _settle(sixteenths: Any, white: Any, narrow: Any) -> Any:
    """Round to whole numbers and clip."""
    value = narrow(narrow(sixteenths + narrow(8)) >> narrow(4))
    return min(max(value, narrow(0)), white)


@njit(cache=True, nogil=True)
def interleave(red: Samples, green: Samples, blue: Samples, out: Samples) -> None:
    """Put the colours of each pixel of a row together: `out` has 3 w values."""
    for x in range(red.size):
        out[3 * x] = red[x]
        out[3 * x + 1] = green[x]
        out[3 * x + 2] = blue[x]
