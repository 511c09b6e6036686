"""Finds the errors of one Reed-Solomon codeword from its remainder: compiled kernels.

Syndromes by table, error locator by Berlekamp and Massey, its roots as the zeros of a sum of table rows, error values by Forney
(R. E. Blahut, Algebraic Codes for Data Transmission, 2003, chapter 7).
"""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stages.formats.octets import Bytes
from stages.frames.code_tables import CodeTables

__all__ = ["Errors", "find_errors"]

LOW_BITS = np.uint64(0x0101010101010101)
HIGH_BITS = np.uint64(0x8080808080808080)


class Errors(NamedTuple):
    """The errors of a codeword, and the arrays that finding them is worked out on; used again from codeword to codeword."""

    places: NDArray[np.int64]
    """(256,): powers p of the wrong symbols, counted from the codeword's last."""
    values: Bytes
    """(256,): what they differ by, as symbols of the codeword."""
    syndromes: Bytes
    """(64,): the last one first."""
    locator: Bytes
    """(40,)."""
    previous: Bytes
    """(40,): the locator before the register last grew."""
    evaluator: Bytes
    """(40,)."""
    sums: Bytes
    """(256,): the locator at every place; the last one is none."""
    words: NDArray[np.uint64]
    """(32,): the same octets, eight at a time."""

    @classmethod
    def room(cls) -> Self:
        """Make the arrays."""
        sizes = {"values": 256, "syndromes": 64, "locator": 40, "previous": 40, "evaluator": 40}
        # On a boundary of the cache's lines: what is stored across two of them has to wait before it is read in smaller pieces.
        octets = np.zeros(256 + 64, np.uint8)
        sums = octets[-octets.ctypes.data % 64 :][:256]
        room = {name: np.zeros(size, np.uint8) for name, size in sizes.items()}
        return cls(places=np.zeros(256, np.int64), sums=sums, words=sums.view(np.uint64), **room)


@njit(cache=True, nogil=True)
def _unpack_syndromes(remainder: NDArray[np.uint64], tables: CodeTables, out: Bytes) -> None:
    """Evaluate the remainder at the code's roots; out receives the syndromes, the last one first."""
    for word in range(tables.parity // 8):
        total = np.uint64(0)
        for i in range(tables.parity):
            symbol = np.uint8(remainder[i // 8] >> np.uint64(56 - 8 * (i % 8)))
            total ^= tables.syndromes[i, symbol, word]
        for i in range(8):
            out[8 * word + i] = np.uint8(total >> np.uint64(56 - 8 * i))


@njit(cache=True, nogil=True)
def _find_locator(syndromes: Bytes, tables: CodeTables, locator: Bytes, previous: Bytes, spare: Bytes) -> int:
    """Find the shortest register that makes the syndromes; return its length, -1 if it is over half the parity."""
    for i in range(locator.size):
        locator[i] = previous[i] = 0
    locator[0] = previous[0] = 1
    length = 0
    shift = 1
    inverse = np.uint8(1)
    for n in range(tables.parity):
        window = syndromes[tables.parity - 1 - n :]
        discrepancy = np.uint8(0)
        for i in range(length + 1):
            discrepancy ^= tables.products[locator[i], window[i]]
        if discrepancy == 0:
            shift += 1
            continue
        longer = n + 1 - length
        grows = longer > length
        if grows and longer > tables.parity // 2:
            return -1
        for i in range(length + 1):
            spare[i] = locator[i]
        multiples = tables.products[tables.products[discrepancy, inverse]]
        target = locator[shift:]
        for i in range(max(length, longer) + 1 - shift):
            target[i] ^= multiples[previous[i]]
        shift += 1
        if grows:
            for i in range(length + 1):
                previous[i] = spare[i]
            inverse = tables.inverses[discrepancy]
            length = longer
            shift = 1
    return length


# Loops that stand in functions of their own become vector instructions; as part of a longer one they did not.


@njit(cache=True, nogil=True)
def _begin_sums(sums: Bytes, term: Bytes) -> None:
    """Set the locator at every place to its constant, which is 1, and one term."""
    for p in range(256):
        sums[p] = term[p] ^ 1


@njit(cache=True, nogil=True)
def _add_term(sums: Bytes, term: Bytes) -> None:
    for p in range(256):
        sums[p] ^= term[p]


@njit(cache=True, nogil=True)
def _collect_zeros(words: NDArray[np.uint64], sums: Bytes, symbols: int, places: NDArray[np.int64]) -> int:
    """List the places below `symbols` at which the sums, eight of which are a word, are zero; return how many there are."""
    found = 0
    for w in range((symbols + 7) // 8):
        # Has bits if any of its octets is zero.
        if (words[w] - LOW_BITS) & ~words[w] & HIGH_BITS:
            for p in range(8 * w, min(8 * w + 8, symbols)):
                if sums[p] == 0:
                    places[found] = p
                    found += 1
    return found


@njit(cache=True, nogil=True)
def _find_places(locator: Bytes, count: int, symbols: int, tables: CodeTables, errors: Errors) -> bool:
    """Find the powers p below `symbols` at which the locator is zero; say whether there are `count`."""
    if locator[count] == 0:
        # A polynomial of lower degree has fewer zeros.
        return False
    sums = errors.sums
    # 256 are one more than there are places: whole registers, and no rest of a loop.
    start = np.int64(tables.starts[count - 1, locator[count]])
    _begin_sums(sums, tables.terms[start : start + 256])
    for k in range(count - 1):
        if locator[k + 1]:
            start = np.int64(tables.starts[k, locator[k + 1]])
            _add_term(sums, tables.terms[start : start + 256])
    return _collect_zeros(errors.words, sums, symbols, errors.places) == count


@njit(cache=True, nogil=True)
def _find_evaluator(syndromes: Bytes, locator: Bytes, errors: int, tables: CodeTables, evaluator: Bytes) -> None:
    """Multiply syndromes and locator, up to the power that the evaluator can have."""
    for i in range(errors):
        window = syndromes[tables.parity - 1 - i :]
        total = np.uint8(0)
        for j in range(i + 1):
            total ^= tables.products[locator[j], window[j]]
        evaluator[i] = total


@njit(cache=True, nogil=True)
def _find_values(count: int, errors: Errors, tables: CodeTables) -> bool:
    """Divide evaluator by derivative of the locator, whose odd powers vanish in characteristic 2; say whether no value is zero."""
    products = tables.products
    for e in range(count):
        root = tables.roots[errors.places[e]]
        by_root = products[root]
        by_square = products[by_root[root]]
        numerator = np.uint8(0)
        derivative = np.uint8(0)
        for i in range(count - 1, -1, -1):
            numerator = by_root[numerator] ^ errors.evaluator[i]
            if i % 2 == 0:
                derivative = by_square[derivative] ^ errors.locator[i + 1]
        quotient = products[numerator, tables.inverses[derivative]]
        value = products[quotient, tables.scales[errors.places[e]]]
        if value == 0:
            return False
        errors.values[e] = tables.to_symbol[value]
    return True


@njit(cache=True, nogil=True)
def find_errors(remainder: NDArray[np.uint64], symbols: int, tables: CodeTables, errors: Errors) -> int:
    """Find what is wrong with a codeword of `symbols` symbols; return how many are, -1 if more than can be told.

    remainder  the codeword modulo the generator polynomial, eight symbols a word, highest power first; not zero
    errors     its places and values receive the errors
    """
    _unpack_syndromes(remainder, tables, errors.syndromes)
    count = _find_locator(errors.syndromes, tables, errors.locator, errors.previous, errors.evaluator)
    if count < 1 or not _find_places(errors.locator, count, symbols, tables, errors):
        return -1
    _find_evaluator(errors.syndromes, errors.locator, count, tables, errors.evaluator)
    return count if _find_values(count, errors, tables) else -1
