"""Matrix and tone curve: what is done to a pixel once it has all its colours."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stages.formats.tone import tone_table

__all__ = ["Finish", "finish", "finish_row", "make_finish"]

Samples: TypeAlias = NDArray[Any]
Matrix: TypeAlias = NDArray[np.float32]


class Finish(NamedTuple):
    """What is done to each pixel."""

    mixes: bool
    matrix: Matrix
    """(3, 3), rows for red, green and blue of the result."""
    tones: bool
    table: Samples
    """(every sample,) the tone curve; empty if it is a straight line."""
    white: np.int64
    """Largest result of the matrix."""


def make_finish(dtype: np.dtype[Any], matrix: NDArray[Any], tone: str, white: int) -> Finish:
    """Make one for uint8 or uint16: `matrix` (3, 3), `tone` "linear" or "srgb" for values of 0 to white."""
    table = np.zeros(0, dtype) if tone == "linear" else tone_table(tone, white, white, dtype.name, dtype.name)
    return Finish(not np.array_equal(matrix, np.eye(3)), matrix.astype(np.float32), table.size > 0, table, np.int64(white))


def finish(image: Samples, how: Finish) -> None:
    """Finish a whole picture, (h, w, 3), or (h, w) which has a tone only, in place."""
    if image.ndim == 2:
        if how.tones:
            image[:] = how.table[image]
    elif how.mixes or how.tones:
        _finish(image, how)


@njit(cache=True, nogil=True)
def _finish(image: Samples, how: Finish) -> None:
    for y in range(image.shape[0]):
        _finish_spaced(image[y, :, 0], image[y, :, 1], image[y, :, 2], how)


@njit(cache=True, nogil=True)
def _finish_spaced(red: Samples, green: Samples, blue: Samples, how: Finish) -> None:
    """Finish a row whose colours lie between each other."""
    planes = np.empty((3, red.size), red.dtype)
    for x in range(red.size):
        planes[0, x], planes[1, x], planes[2, x] = red[x], green[x], blue[x]
    finish_row(planes[0], planes[1], planes[2], how)
    for x in range(red.size):
        red[x], green[x], blue[x] = planes[0, x], planes[1, x], planes[2, x]


@njit(cache=True, nogil=True)
def finish_row(red: Samples, green: Samples, blue: Samples, how: Finish) -> None:
    """Finish a row of pixels in place, each colour in a run of its own."""
    if how.mixes:
        _mix(red, green, blue, how.matrix, np.float32(how.white))
    if how.tones:
        table = how.table
        for x in range(red.size):
            red[x], green[x], blue[x] = table[red[x]], table[green[x]], table[blue[x]]


@njit(cache=True, nogil=True)
def _mix(red: Samples, green: Samples, blue: Samples, matrix: Matrix, white: np.float32) -> None:
    rr, rg, rb = matrix[0, 0], matrix[0, 1], matrix[0, 2]
    gr, gg, gb = matrix[1, 0], matrix[1, 1], matrix[1, 2]
    br, bg, bb = matrix[2, 0], matrix[2, 1], matrix[2, 2]
    half, zero = np.float32(0.5), np.float32(0)
    for x in range(red.size):
        r, g, b = np.float32(red[x]), np.float32(green[x]), np.float32(blue[x])
        red[x] = min(max(rr * r + rg * g + rb * b + half, zero), white)
        green[x] = min(max(gr * r + gg * g + gb * b + half, zero), white)
        blue[x] = min(max(br * r + bg * g + bb * b + half, zero), white)
