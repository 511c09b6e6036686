"""Cuts frames out of a bit stream at any phase: the compiled kernel."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stages.formats.octets import Bytes

__all__ = ["align_rows"]


@njit(cache=True, nogil=True)
def align_rows(data: Bytes, offsets: NDArray[np.int64], inverted: NDArray[np.bool_], out: Bytes) -> None:
    """Fill row k of out (n, length) with the bits of data from offsets[k] on, turned over where inverted[k]."""
    length = out.shape[1]
    for k in range(out.shape[0]):
        first = offsets[k] >> 3
        turn = np.uint16(255 if inverted[k] else 0)
        phase = np.uint16(1 << (offsets[k] & 7))
        row = out[k]
        a = data[first : first + length]
        if phase == 1:
            for i in range(length):
                row[i] = a[i] ^ np.uint8(turn)
            continue
        b = data[first + 1 : first + 1 + length]
        for i in range(length):
            # A product in 16 bits is a shift by any amount that processors do on many octets at once.
            pair = np.uint16(np.uint16(a[i]) << np.uint16(8) | np.uint16(b[i]))
            row[i] = np.uint8(np.uint16(pair * phase) >> np.uint16(8) ^ turn)
