"""Which pixels a lost sample spoils: those that depend on it."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from stages.formats.raster import any_lost, nothing_lost

__all__ = ["grow_cell", "grow_diamond", "grow_square"]

Mask: TypeAlias = NDArray[np.bool_]


def grow_diamond(mask: Mask) -> Mask:
    """Spread over the 13 samples that Malvar's filters read for a pixel: those within two steps along rows and columns.

    One in which nothing is lost is given back as it is. Mirrored borders add nothing: what a pixel reads beyond the edge lies within
    two steps of it on this side too.
    """
    if not any_lost(mask):
        return mask
    grown = mask
    for _ in range(2):
        step = grown.copy()
        step[1:] |= grown[:-1]
        step[:-1] |= grown[1:]
        step[:, 1:] |= grown[:, :-1]
        step[:, :-1] |= grown[:, 1:]
        grown = step
    return grown


def grow_square(mask: Mask, reach: int) -> Mask:
    """Spread by `reach` samples in every direction; a mask in which nothing is lost is given back as it is."""
    if not any_lost(mask):
        return mask
    grown = mask.copy()
    for axis in (0, 1):
        source = np.moveaxis(grown, axis, 0).copy()
        target = np.moveaxis(grown, axis, 0)
        for step in range(1, min(reach, len(source) - 1) + 1):
            target[step:] |= source[:-step]
            target[:-step] |= source[step:]
    return grown


def grow_cell(mask: Mask) -> Mask:
    """Lose a superpixel with any of its four samples."""
    height, width = mask.shape[0] // 2 * 2, mask.shape[1] // 2 * 2
    if not any_lost(mask):
        return nothing_lost((height // 2, width // 2))
    rows = mask[0:height:2] | mask[1:height:2]
    grown: Mask = rows[:, 0:width:2] | rows[:, 1:width:2]
    return grown
