"""Divides the codewords of Reed-Solomon codeblocks by the generator polynomial, to encode them or to find the wrong ones: compiled kernels.

The check takes four symbols a step and compares the remainder with the parity received; codewords in which they agree cost no more.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stages.formats.octets import Bytes
from stages.frames.code_tables import CodeTables
from stages.frames.correction import Errors, find_errors

__all__ = ["correct_rows", "encode_rows"]

Register: TypeAlias = tuple[np.uint64, np.uint64, np.uint64, np.uint64]
"""The shift register of the division: 32 symbols, the highest power in the first word's highest octet."""
Words: TypeAlias = NDArray[np.uint64]


@njit(cache=True, nogil=True)
def _shift_one(w: Register, symbol: np.uint8, division: Words) -> Register:
    f = np.uint8(w[0] >> np.uint64(56)) ^ symbol
    return (
        (w[0] << np.uint64(8) | w[1] >> np.uint64(56)) ^ division[0, f, 0],
        (w[1] << np.uint64(8) | w[2] >> np.uint64(56)) ^ division[0, f, 1],
        (w[2] << np.uint64(8) | w[3] >> np.uint64(56)) ^ division[0, f, 2],
        (w[3] << np.uint64(8)) ^ division[0, f, 3],
    )


@njit(cache=True, nogil=True)
def _shift_four(w: Register, row: Bytes, at: np.uint64, step: np.uint64, d: Words) -> Register:
    f = np.uint8(w[0] >> np.uint64(56)) ^ row[at]
    g = np.uint8(w[0] >> np.uint64(48)) ^ row[at + step]
    h = np.uint8(w[0] >> np.uint64(40)) ^ row[at + np.uint64(2) * step]
    i = np.uint8(w[0] >> np.uint64(32)) ^ row[at + np.uint64(3) * step]
    half = np.uint64(32)
    return (
        (w[0] << half | w[1] >> half) ^ d[3, f, 0] ^ d[2, g, 0] ^ d[1, h, 0] ^ d[0, i, 0],
        (w[1] << half | w[2] >> half) ^ d[3, f, 1] ^ d[2, g, 1] ^ d[1, h, 1] ^ d[0, i, 1],
        (w[2] << half | w[3] >> half) ^ d[3, f, 2] ^ d[2, g, 2] ^ d[1, h, 2] ^ d[0, i, 2],
        (w[3] << half) ^ d[3, f, 3] ^ d[2, g, 3] ^ d[1, h, 3] ^ d[0, i, 3],
    )


@njit(cache=True, nogil=True)
def _parity_of(row: Bytes, start: int, interleave: int, symbols: int, division: Words) -> Register:
    """Divide the data symbols at start, start + interleave, ...: the register then holds their parity."""
    w = (np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0))
    # Unsigned positions: with signed ones every access would first look whether it counts from the end.
    at = np.uint64(start)
    step = np.uint64(interleave)
    for _ in range(symbols % 4):
        w = _shift_one(w, row[at], division)
        at += step
    for _ in range(symbols // 4):
        w = _shift_four(w, row, at, step, division)
        at += np.uint64(4) * step
    return w


@njit(cache=True, nogil=True)
def _gather(row: Bytes, start: int, interleave: int) -> np.uint64:
    word = np.uint64(0)
    at = np.uint64(start)
    for _ in range(8):
        word = word << np.uint64(8) | np.uint64(row[at])
        at += np.uint64(interleave)
    return word


@njit(cache=True, nogil=True)
def _scatter(word: np.uint64, row: Bytes, start: int, interleave: int) -> None:
    for i in range(8):
        row[start + i * interleave] = np.uint8(word >> np.uint64(56 - 8 * i))


@njit(cache=True, nogil=True)
def encode_rows(blocks: Bytes, interleave: int, parity: int, division: Words) -> None:
    """Write the parity of each codeword into the last `interleave * parity` octets of its row."""
    data = blocks.shape[1] - interleave * parity
    for r in range(blocks.shape[0]):
        for c in range(interleave):
            w = _parity_of(blocks[r], c, interleave, data // interleave, division)
            for i in range(parity // 8):
                _scatter(w[i], blocks[r], data + 8 * i * interleave + c, interleave)


@njit(cache=True, nogil=True)
def correct_rows(
    blocks: Bytes, suspects: Words, interleave: int, tables: CodeTables, errors: Errors, data: Bytes, corrected: NDArray[np.int32]
) -> None:
    """Check blocks (n, interleave * symbols) and put the errors right in data, a copy of their first columns.

    suspects   (n,): octet c, counted from the lowest, is zero where codeword c is known to be right
    corrected  (n,) receives the symbols put right, parity included; -1 where any codeword has more errors than can be told
    """
    symbols = blocks.shape[1] // interleave
    remainder = np.zeros(4, np.uint64)
    for r in range(blocks.shape[0]):
        corrected[r] = 0
        if suspects[r] == 0:
            continue
        for c in range(interleave):
            if suspects[r] >> np.uint64(8 * c) & np.uint64(0xFF) == 0:
                continue
            w = _parity_of(blocks[r], c, interleave, symbols - tables.parity, tables.division)
            differs = np.uint64(0)
            for i in range(tables.parity // 8):
                remainder[i] = w[i] ^ _gather(blocks[r], data.shape[1] + 8 * i * interleave + c, interleave)
                differs |= remainder[i]
            if differs == 0:
                continue
            count = find_errors(remainder, symbols, tables, errors)
            for e in range(count):
                at = (symbols - 1 - errors.places[e]) * interleave + c
                if at < data.shape[1]:
                    data[r, at] ^= errors.values[e]
            corrected[r] = -1 if count < 0 or corrected[r] < 0 else corrected[r] + count
