"""Numbers of any kind made into data numbers of 16 bits, for what only takes those."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.formats.raster import Raster

__all__ = ["as_levels"]

HIGHEST = (1 << 16) - 1


def as_levels(raster: Raster) -> Raster:
    """Map the samples of a picture that are not uint8 or uint16 to uint16.

    Whole numbers that span less than 65536 keep their steps; all else is stretched from its smallest to its greatest value, and rounded.
    `meta["levels"]` has offset and step (number = offset + step x level), a caveat says it in words. Lost samples are 0.
    """
    if raster.samples.dtype in (np.uint8, np.uint16):
        return raster
    values: NDArray[Any] = raster.samples
    known = values[~raster.mask]
    whole = values.dtype.kind in "iu" and (not known.size or int(known.max()) - int(known.min()) <= HIGHEST)
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    # Halved, because the difference of two doubles may leave their range.
    step = 1.0 if whole or high == low else (high / 2 - low / 2) / HIGHEST * 2
    if whole and known.size:
        levels = (values.astype(np.int64) - known.min().astype(np.int64)).astype(np.float64)
    else:
        levels = np.rint((values.astype(np.float64) / 2 - low / 2) / step * 2) if step > 0 else np.zeros(values.shape)
    levels[raster.mask] = 0
    caveat = f"stored numbers from {low:g} to {high:g} are shown as levels from 0 to {(high - low) / step if step else 0:.0f}"
    meta = dict(raster.meta) | {
        "bits": max(1, int(levels.max()).bit_length()) if whole else 16,
        "levels": {"offset": low, "step": step},
        "caveats": [*raster.meta.get("caveats", ()), caveat],
    }
    return Raster(np.clip(levels, 0, HIGHEST).astype(np.uint16), raster.mask, meta)
