"""What stays in its place while the scene moves: hot and cold pixels, and a flat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stages.products import SPOT_DTYPE, Sighting

__all__ = ["find_fixed", "find_flat", "moves"]

OFTEN = 0.7
"""Part of the frames in which a spot must stand."""
MOVING = 0.02
"""Of its mean, by which a cell changes at least in a scene that moves: the median of all cells."""
SMALLEST, GREATEST = 0.25, 4.0
"""Of a flat: what lies outside is no difference of sensitivity."""


def moves(looked: Sequence[Sighting]) -> bool:
    """Say whether the scene moves: in one that rests, a glint stands as still as a hot pixel."""
    cells = np.stack([one.cells for one in looked if one.cells is not None])
    if not cells.size:
        return False
    with np.errstate(invalid="ignore"):
        shape = cells / np.nanmean(cells, axis=(1, 2), keepdims=True)
        change = np.nanstd(shape, axis=0) / np.nanmean(shape, axis=0)
    known = change[np.isfinite(change)]
    return bool(known.size) and float(np.median(known)) >= MOVING


def find_fixed(looked: Sequence[Sighting]) -> NDArray[np.void]:
    """Give the spots that stand in most of the frames, in places of the full frame, with the median of what they exceed by.

    Hot ones and cold ones are kept apart: a sample that is now the one and now the other is noise.
    """
    every = np.concatenate([one.spots for one in looked if one.spots is not None])
    if not every.size:
        return np.zeros(0, SPOT_DTYPE)
    sign = every["excess"] > 0
    which = every["y"].astype(np.int64) << 20 | every["x"].astype(np.int64) << 1 | sign
    places, back, counts = np.unique(which, return_inverse=True, return_counts=True)
    often = np.flatnonzero(counts >= max(2, OFTEN * len(looked)))
    fixed = np.zeros(often.size, SPOT_DTYPE)
    row, column = looked[0].corner
    for at, place in enumerate(often):
        fixed[at] = (
            (places[place] >> 20) + row,
            (places[place] >> 1 & ((1 << 19) - 1)) + column,
            int(np.median(every["excess"][back == place])),
        )
    return fixed


def find_flat(looked: Sequence[Sighting]) -> NDArray[np.float32]:
    """Give the median over the frames of each cell's part in its frame's median, for each of the four places; their mean is 1."""
    cells = np.stack([one.cells for one in looked if one.cells is not None])
    level = np.nanmedian(cells, axis=(1, 2), keepdims=True)
    bright = (level > 0).all(axis=(1, 2, 3))
    flat = np.nanmedian(cells[bright] / level[bright], axis=0)
    flat = flat / np.nanmean(flat, axis=(0, 1), keepdims=True)
    bounded: NDArray[np.float32] = np.clip(np.nan_to_num(flat, nan=1.0), SMALLEST, GREATEST).astype(np.float32)
    return bounded
