"""Floating-point numbers of the VAX, in which old images are stored (VAX Architecture Reference Manual, section 1.2).

A number is a row of 16-bit words, each with its low byte first, the most significant word first: sign, eight bits of exponent, excess
128, and a fraction of which the leading 1 after the binary point is not stored. Exponent 0 is zero, or with the sign set no number.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["from_vax"]

EXCESS = 128
HIDDEN = 1 << 7
"""The leading 1, above the seven bits of fraction in the first word."""


def from_vax(octets: NDArray[np.uint8]) -> NDArray[Any]:
    """Convert F_floating (..., 4) to float32 and D_floating (..., 8) to float64; NaN for reserved operands.

    Both are rounded where they have more digits than IEEE numbers: F_floating below 2^-126, D_floating in its last three bits.
    """
    words = np.ascontiguousarray(octets).view("<u2")
    first = words[..., 0].astype(np.int64)
    fraction = (first & (HIDDEN - 1) | HIDDEN).astype(np.uint64)
    for word in range(1, words.shape[-1]):
        fraction = fraction << np.uint64(16) | words[..., word].astype(np.uint64)
    exponent = first >> 7 & 0xFF
    # The fraction stands below a binary point before its leading 1.
    places = 8 + 16 * (words.shape[-1] - 1)
    values: NDArray[Any] = np.ldexp(fraction.astype(np.float64), (exponent - EXCESS - places).astype(np.int32))
    values[exponent == 0] = 0.0
    negative = first >> 15 == 1
    values[negative] *= -1.0
    values[(exponent == 0) & negative] = np.nan
    return values.astype(np.float32) if words.shape[-1] == 2 else values
