"""Canonical Huffman codes of limited length (Huffman 1952; RFC 1951, section 3.2.2), and the bits that they are written in."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["LENGTH_SHIFT", "append_bits", "assign_codes", "find_lengths"]

Octets: TypeAlias = NDArray[np.uint8]
Counts: TypeAlias = NDArray[np.int64]

LENGTH_SHIFT = 16
"""Where in an entry of a table the length of the code stands."""
SYMBOL_BITS = 16


@njit(cache=True, nogil=True)
def find_lengths(counts: Counts, longest: int, lengths: Counts, work: Counts) -> None:
    """Find the lengths of a code for all symbols that are counted, two at least; the others get none.

    counts   (n,) of the symbols, below 2^47
    longest  bits that a code may have, 2^longest symbols at least
    lengths  (n,) where they go
    work     (4, 2n) for what is in between

    The two least weights are joined again and again; sorted leaves and joined ones stand in two queues. Where a code comes out too long,
    rare symbols count for more, until none does.
    """
    floor, used = 0, 0
    lengths[:] = 0
    for symbol in range(counts.size):
        if counts[symbol]:
            work[3, used] = counts[symbol] << SYMBOL_BITS | symbol
            used += 1
    order = work[3, :used]
    order.sort()
    while _join(order, work[0], work[1], work[2]) > longest:
        floor = max(2 * floor, work[0, 2 * used - 2] >> (longest + 2), 1)
        # Those that count for more come first, now by symbol; the others stay where they are.
        raised = 0
        for symbol in range(counts.size):
            if 0 < counts[symbol] <= floor:
                order[raised] = floor << SYMBOL_BITS | symbol
                raised += 1
    for place in range(used):
        lengths[order[place] & ((1 << SYMBOL_BITS) - 1)] = work[2, place]


@njit(cache=True, nogil=True)
def _join(order: Counts, weights: Counts, parents: Counts, depths: Counts) -> int:
    """Find how deep each leaf of the tree is, and return the deepest; its root comes last."""
    used = order.size
    for place in range(used):
        weights[place] = order[place] >> SYMBOL_BITS
    leaf, joined = 0, used
    for node in range(used, 2 * used - 1):
        weights[node] = 0
        for _ in range(2):
            if leaf < used and (joined >= node or weights[leaf] <= weights[joined]):
                child, leaf = leaf, leaf + 1
            else:
                child, joined = joined, joined + 1
            weights[node] += weights[child]
            parents[child] = node
    deepest = 0
    depths[2 * used - 2] = 0
    for node in range(2 * used - 3, -1, -1):
        depths[node] = depths[parents[node]] + 1
        deepest = max(deepest, depths[node])
    return deepest


@njit(cache=True, nogil=True)
def assign_codes(lengths: Counts, table: NDArray[np.uint64]) -> None:
    """Give each symbol its code, first bit lowest, with its length from bit LENGTH_SHIFT on; 0 for one without a code."""
    follows = np.zeros(LENGTH_SHIFT + 1, np.int64)
    for symbol in range(lengths.size):
        follows[lengths[symbol]] += 1
    code, follows[0] = 0, 0
    for length in range(1, LENGTH_SHIFT + 1):
        code, follows[length] = (code + follows[length]) << 1, code
    for symbol in range(lengths.size):
        length = lengths[symbol]
        upright, turned = follows[length], 0
        for _ in range(length):
            turned = turned << 1 | (upright & 1)
            upright >>= 1
        follows[length] += 1
        table[symbol] = np.uint64(turned | length << LENGTH_SHIFT) if length else np.uint64(0)


@njit(cache=True, nogil=True)
def append_bits(value: int, count: int, out: Octets, place: int, held: np.uint64, bits: np.uint64) -> tuple[int, np.uint64, np.uint64]:
    """Append up to 32 bits to those held; return what is held then, and where it goes."""
    held |= np.uint64(value) << bits
    bits += np.uint64(count)
    while bits >= np.uint64(8):
        out[place] = held & np.uint64(255)
        held >>= np.uint64(8)
        bits -= np.uint64(8)
        place += 1
    return place, held, bits
