"""The frame error control field: CRC-16 with x^16 + x^12 + x^5 + 1, preset to ones (CCSDS 132.0-B-3 and 732.0-B-4 section 4.1.6)."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stages.formats.octets import Bytes, byte_rows
from stages.frames.vector_instructions import OCTETS, fold_octets, has_vectors

__all__ = ["CRC_TABLE", "crc16"]

POLYNOMIAL = 0x1021
PRESET = 0xFFFF
SLICES = 8


def _slices() -> NDArray[np.uint16]:
    table = np.zeros((SLICES, 256), np.uint16)
    for octet in range(256):
        register = octet << 8
        for _ in range(8):
            register = register << 1 ^ (POLYNOMIAL | 0x10000 if register & 0x8000 else 0)
        table[0, octet] = register
    for k in range(1, SLICES):
        table[k] = table[k - 1] << 8 ^ table[0][table[k - 1] >> 8]
    table.flags.writeable = False
    return table


CRC_TABLE = _slices()
"""(8, 256) uint16: what an octet leaves in the register when k more octets have followed it."""


@njit(cache=True, nogil=True)
def _eight(c: np.uint16, row: Bytes, i: int, t: NDArray[np.uint16]) -> np.uint16:
    """Take eight octets at once."""
    register: np.uint16 = (
        t[7, np.uint8(c >> 8) ^ row[i]]
        ^ t[6, np.uint8(c) ^ row[i + 1]]
        ^ t[5, row[i + 2]]
        ^ t[4, row[i + 3]]
        ^ t[3, row[i + 4]]
        ^ t[2, row[i + 5]]
        ^ t[1, row[i + 6]]
        ^ t[0, row[i + 7]]
    )
    return register


@njit(cache=True, nogil=True)
def _rest(c: np.uint16, row: Bytes, start: int, t: NDArray[np.uint16]) -> np.uint16:
    for i in range(start, row.size):
        c = np.uint16(c << 8) ^ t[0, np.uint8(c >> 8) ^ row[i]]
    return c


@njit(cache=True, nogil=True)
def _crc_rows(frames: Bytes, t: NDArray[np.uint16], out: NDArray[np.uint16]) -> None:
    """Four frames advance together, so that no step waits for the one before it."""
    n = frames.shape[0]
    whole = frames.shape[1] // SLICES * SLICES
    for k in range(0, n, 4):
        # A last group of fewer than four does its last frame again.
        a, b, c, d = frames[k], frames[min(k + 1, n - 1)], frames[min(k + 2, n - 1)], frames[min(k + 3, n - 1)]
        ca = cb = cc = cd = np.uint16(PRESET)
        for i in range(0, whole, SLICES):
            ca = _eight(ca, a, i, t)
            cb = _eight(cb, b, i, t)
            cc = _eight(cc, c, i, t)
            cd = _eight(cd, d, i, t)
        out[k] = _rest(ca, a, whole, t)
        out[min(k + 1, n - 1)] = _rest(cb, b, whole, t)
        out[min(k + 2, n - 1)] = _rest(cc, c, whole, t)
        out[min(k + 3, n - 1)] = _rest(cd, d, whole, t)


@njit(cache=True, nogil=True)
def _fold_rows(frames: Bytes, keys: NDArray[np.uint64], preset: np.uint16, t: NDArray[np.uint16], out: NDArray[np.uint16]) -> None:
    """Fold each frame to 16 octets that leave the same remainder; the tables do those and the rest of it."""
    n, length = frames.shape
    turns = length // OCTETS
    folded = np.empty(16, np.uint8)
    first, key, result = frames.ctypes.data, keys.ctypes.data, folded.ctypes.data
    for k in range(n):
        fold_octets(first + k * length, turns, key, result)
        c = _eight(_eight(np.uint16(0), folded, 0, t), folded, 8, t)
        i = turns * OCTETS
        while i + SLICES <= length:
            c = _eight(c, frames[k], i, t)
            i += SLICES
        out[k] = preset ^ _rest(c, frames[k], i, t)


def _folding_keys() -> NDArray[np.uint64]:
    keys = []
    for power in (512, 512 + 64, 128, 128 + 64):
        remainder = 1
        for _ in range(power):
            remainder <<= 1
            remainder ^= (POLYNOMIAL | 0x10000) if remainder & 0x10000 else 0
        keys.append(remainder)
    return np.array(keys, np.uint64)


FOLDING_KEYS = _folding_keys()


def crc16(frames: Bytes) -> NDArray[np.uint16]:
    """Compute the CRC-16 of each row; over a frame with its own check field in place it is zero.

    frames  (n, length) uint8, any length, any strides

    Returns (n,) uint16. "123456789" gives 0x29B1. Raises DataError for an array of another shape or type.
    """
    rows = byte_rows(frames, "frames")
    result = np.zeros(len(rows), np.uint16)
    if rows.shape[1] < OCTETS or not has_vectors():
        _crc_rows(rows, CRC_TABLE, result)
        return result
    # The remainder is linear: the preset adds to that of any frame what it leaves of a frame of zeros.
    preset = np.zeros(1, np.uint16)
    _crc_rows(byte_rows(np.zeros((1, rows.shape[1]), np.uint8), "frames"), CRC_TABLE, preset)
    _fold_rows(rows, FOLDING_KEYS, preset[0], CRC_TABLE, result)
    return result
