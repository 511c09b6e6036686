"""Bias, dark, flat and gains, applied to the samples of a mosaic before it is developed, a row at a time."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["Calibration", "calibrate", "calibrate_rows", "make_calibration", "mirror", "no_calibration"]

Samples: TypeAlias = NDArray[Any]
Plane: TypeAlias = NDArray[np.float32]

NONE, TABLES, PLANES = 0, 1, 2


class Calibration(NamedTuple):
    """What is done to each sample: nothing, a table for its colour, or arithmetic with planes of the sensor's own pattern.

    A sample that is full stays full, so that a highlight in which all colours are full stays white whatever their gains and flats are.
    """

    kind: int
    tables: Samples
    """(3, every sample) results for red, green and blue."""
    bias: np.float32
    gains: Plane
    """(3,) of red, green and blue."""
    dark: Plane
    """(h, w) to be taken away, or (0, 0)."""
    flat: Plane
    """(h, w) factors, or (0, 0)."""
    full: np.int64
    """Samples from here on are full."""
    white: np.int64
    """Largest result."""


def no_calibration(dtype: np.dtype[Any]) -> Calibration:
    """Leave samples as they are."""
    return _calibration(NONE, dtype)


def make_calibration(
    dtype: np.dtype[Any],
    bias: float,
    gains: tuple[float, float, float],
    full: int,
    white: int,
    dark: Plane | None = None,
    flat: Plane | None = None,
) -> Calibration:
    """Make one for uint8 or uint16.

    bias        data number of no light
    gains       of red, green and blue; none takes a full sample to less than white
    full        largest sample; one that is full, or over it, becomes white
    white       largest result
    dark, flat  (h, w) data numbers to be taken away, and factors
    """
    if dark is None and flat is None:
        return no_calibration(dtype) if not bias and set(gains) == {1.0} and full == white else _of_tables(dtype, bias, gains, full, white)
    empty = np.zeros((0, 0), np.float32)
    return _calibration(PLANES, dtype)._replace(
        bias=np.float32(bias),
        gains=np.array(gains, np.float32),
        dark=empty if dark is None else dark,
        flat=empty if flat is None else flat,
        full=np.int64(full),
        white=np.int64(white),
    )


@functools.lru_cache(maxsize=16)
def _of_tables(dtype: np.dtype[Any], bias: float, gains: tuple[float, float, float], full: int, white: int) -> Calibration:
    numbers = np.arange(np.iinfo(dtype).max + 1)
    tables = np.empty((3, numbers.size), dtype)
    for table, gain in zip(tables, gains, strict=True):
        table[:] = np.clip(np.floor((numbers - bias) * gain + 0.5), 0, white)
        table[full:] = white
    return _calibration(TABLES, dtype)._replace(tables=tables)


def _calibration(kind: int, dtype: np.dtype[Any]) -> Calibration:
    empty = np.zeros((0, 0), np.float32)
    return Calibration(kind, np.zeros((3, 0), dtype), np.float32(0), np.ones(3, np.float32), empty, empty, np.int64(0), np.int64(0))


def calibrate(mosaic: Samples, red: tuple[int, int], calibration: Calibration) -> Samples:
    """Calibrate a whole mosaic, (h, w) uint8 or uint16, in a new one; `red` is row and column of its first red sample."""
    out = np.empty_like(mosaic)
    calibrate_rows(mosaic, 0, red[0], red[1], calibration, out)
    return out


@njit(cache=True, nogil=True)
def mirror(index: int, length: int) -> int:
    """Reflect about the first and the last index; the period is even, so the colour holds for any length of at least 2."""
    index = abs(index) % max(1, 2 * length - 2)
    return min(index, 2 * length - 2 - index)


@njit(cache=True, nogil=True)
def calibrate_rows(mosaic: Samples, first: int, red_row: int, red_column: int, calibration: Calibration, out: Samples) -> None:
    """Calibrate as many rows as `out` has, from row `first` of the mosaic on, which is mirrored about its first and last row."""
    kind, tables = calibration.kind, calibration.tables
    for k in range(out.shape[0]):
        y = mirror(first + k, mosaic.shape[0])
        row, target = mosaic[y], out[k]
        if kind == NONE:
            for x in range(row.size):
                target[x] = row[x]
        else:
            own = 0 if y % 2 == red_row else 2
            even, odd = (own, 1) if (own == 0) == (red_column == 0) else (1, own)
            if kind == TABLES:
                _look_up(row, tables[even], tables[odd], target)
            else:
                _compute(row, y, even, odd, calibration, target)


@njit(cache=True, nogil=True)
def _look_up(row: Samples, even: Samples, odd: Samples, out: Samples) -> None:
    for x in range(row.size // 2):
        out[2 * x] = even[row[2 * x]]
        out[2 * x + 1] = odd[row[2 * x + 1]]
    if row.size % 2:
        out[row.size - 1] = even[row[row.size - 1]]


@njit(cache=True, nogil=True)
def _compute(row: Samples, y: int, even: int, odd: int, calibration: Calibration, out: Samples) -> None:
    white, full = np.float32(calibration.white), calibration.full
    gains = (calibration.gains[even], calibration.gains[odd])
    darks, flats = calibration.dark.size > 0, calibration.flat.size > 0
    for x in range(row.size):
        value = np.float32(row[x]) - calibration.bias
        if darks:
            value -= calibration.dark[y, x]
        if flats:
            value *= calibration.flat[y, x]
        value = np.float32(value * gains[x % 2] + np.float32(0.5))
        out[x] = white if row[x] >= full else min(max(value, np.float32(0)), white)
