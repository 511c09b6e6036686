"""Tone curves: from linear values to those that screens expect."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["shown", "tone_table"]


@functools.lru_cache(maxsize=16)
def tone_table(tone: str, white: int, most: int, dtype: str, result: str) -> NDArray[Any]:
    """Give what each value of a dtype becomes: 0 to white become 0 to `most`, in a straight line or as sRGB codes light (IEC 61966-2-1)."""
    values = np.minimum(np.arange(np.iinfo(dtype).max + 1), white)
    if tone == "linear":
        return ((values * most + white // 2) // white).astype(result)
    linear = values / white
    coded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    table: NDArray[Any] = np.floor(coded * most + 0.5).astype(result)
    return table


def shown(samples: NDArray[Any], white: int, tone: str) -> NDArray[np.uint8]:
    """Give samples of 16 bits, linear from 0 to white, as a screen shows them; samples of 8 bits are that already."""
    if samples.dtype == np.uint8:
        return samples
    look_up: NDArray[np.uint8] = tone_table(tone, white, 255, "uint16", "uint8")[samples]
    return look_up
