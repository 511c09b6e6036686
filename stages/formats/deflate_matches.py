"""What repeats in data (Ziv and Lempel 1977), as tokens for a block of Deflate (RFC 1951, section 3.2.5).

The search is greedy. A table tells for a hash of five octets where they, or others with their hash, were last. Two neighbouring places are
looked at together, so that the processor need not wait for one memory access after the other. What the table says is a function of the
octets before and of nothing else: it begins as zeros, and of each place it keeps the bits that a distance needs, so that whatever it says
lies before the place that asks and within reach. Whether the octets there are the same is looked up.

A token is 32 bits: a literal or length, then a distance symbol or a second literal, then the distance's extra bits.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stages.formats.words import leading_zeros, load_word, trailing_zeros

__all__ = [
    "DISTANCES",
    "FIRST",
    "LENGTHS",
    "LONGEST_MATCH",
    "MOST_TOKENS",
    "SECOND",
    "SHORTEST",
    "TABLE",
    "TOKENS",
    "WINDOW",
    "find_tokens",
]

Octets: TypeAlias = NDArray[np.uint8]
Counts: TypeAlias = NDArray[np.int64]

WINDOW = 1 << 15
"""Octets that a distance reaches back."""
TABLE = 1 << 13
"""Places that are known at a time: two octets each, which together stay in the nearest cache."""
TOKENS = 1 << 15
"""After which a block ends: longer ones fit what they hold less well, shorter ones tell their codes more often."""
SHORTEST, LONGEST_MATCH = 3, 258
"""Octets that one token can repeat."""
LONGEST_RUN = 1 << 14
"""Octets that are compared at once; what is longer goes on with the next search."""
MOST_TOKENS = TOKENS + LONGEST_RUN // (LONGEST_MATCH - SHORTEST) + 4
LENGTHS = 256
"""Where in a token's first part the lengths begin, from the shortest one on; literals stand before them."""
FIRST = 9
"""Bits of a token's first part, and of its second."""
NO_DISTANCE = 30
"""A token's second part if it has none."""
SECOND = 32
"""Where in a token's second part the second literals begin; distance symbols stand before them."""
DISTANCES = 30
MARGIN = 16
"""Octets at the end that are not searched, so that no word reaches past it."""

HASHED = np.uint64(64 - 40)
"""Five octets; many fours repeat so far off that they cost as much as literals, and hide what is longer."""
SAME = np.uint64((1 << 40) - 1)
FACTOR = np.uint64(0x9E3779B97F4A7C15)
"""2^64 by the golden ratio (Knuth, volume 3, section 6.4)."""
SHOWN = np.uint64(64 - 13)
OCTET = np.uint64(255)
NOTHING = np.uint64(0)


@njit(cache=True, nogil=True)
def find_tokens(
    data: Octets, begin: int, table: NDArray[np.uint16], tokens: NDArray[np.uint32], firsts: Counts, distances: Counts
) -> tuple[int, int]:
    """Make tokens until TOKENS are reached or the data ends; return their count and where they end.

    data       (n,) octets: from the first one that came on, or from a whole number of windows on and one window before `begin` at least
    begin      where to begin
    table      (TABLE,) lowest bits of places, zeros at first
    tokens     (MOST_TOKENS,) where they go
    firsts     (2, 512) counts of first parts, and of second literals
    distances  (DISTANCES,) counts of symbols
    """
    ones, others = firsts[0], firsts[1]
    place, count = begin, 0
    if place == 0 and data.size:
        # No distance is zero: the first octet has to be known before anything is looked for.
        count, place = _put_literal(data[0], tokens, count, ones), 1
    while place < data.size - MARGIN and count < TOKENS:
        word, next_word = load_word(data, place), load_word(data, place + 1)
        slot, next_slot = _slot(word), _slot(next_word)
        distance = ((place - 1 - int(table[slot])) & (WINDOW - 1)) + 1
        table[slot] = np.uint16(place)
        next_distance = ((place - int(table[next_slot])) & (WINDOW - 1)) + 1
        table[next_slot] = np.uint16(place + 1)
        differs = word ^ load_word(data, place - distance)
        if differs & SAME != NOTHING:
            differs = next_word ^ load_word(data, place + 1 - next_distance)
            if differs & SAME != NOTHING:
                first, second = int(word & OCTET), int(next_word & OCTET)
                tokens[count] = np.uint32(first | (SECOND + second) << FIRST)
                ones[first] += 1
                others[second] += 1
                count, place = count + 1, place + 2
                continue
            count = _put_literal(int(word & OCTET), tokens, count, ones)
            place, distance, word = place + 1, next_distance, next_word
        length = trailing_zeros(differs) >> 3 if differs != NOTHING else _extend(data, place, place - distance)
        table[_slot(word >> np.uint64(8))] = np.uint16(place + 1)
        table[_slot(word >> np.uint64(16))] = np.uint16(place + 2)
        count = _put_match(length, distance, tokens, count, ones, distances)
        place += length
        if distance < length == LONGEST_RUN and place + 8 <= data.size:
            # What goes on goes on at the same distance.
            table[_slot(load_word(data, place - distance))] = np.uint16(place - distance)
    while data.size - MARGIN <= place < data.size and count < tokens.size:
        count, place = _put_literal(data[place], tokens, count, ones), place + 1
    return count, place


@njit(cache=True, nogil=True)
def _slot(word: np.uint64) -> int:
    return int((word << HASHED) * FACTOR >> SHOWN)


@njit(cache=True, nogil=True)
def _extend(data: Octets, place: int, earlier: int) -> int:
    """Count the octets that are the same, of which eight are known to be."""
    end = min(data.size, place + LONGEST_RUN)
    length = 8
    while place + length + 8 <= end:
        differs = load_word(data, place + length) ^ load_word(data, earlier + length)
        if differs != NOTHING:
            return length + (trailing_zeros(differs) >> 3)
        length += 8
    while place + length < end and data[place + length] == data[earlier + length]:
        length += 1
    return length


@njit(cache=True, nogil=True)
def _put_literal(octet: int, tokens: NDArray[np.uint32], count: int, firsts: Counts) -> int:
    tokens[count] = np.uint32(octet | NO_DISTANCE << FIRST)
    firsts[octet] += 1
    return count + 1


@njit(cache=True, nogil=True)
def _put_match(length: int, distance: int, tokens: NDArray[np.uint32], count: int, firsts: Counts, distances: Counts) -> int:
    """Append as many tokens as a length takes."""
    # Symbols go up by two for each bit of a distance less one; those of up to four have no extra bits (section 3.2.5).
    extra = 62 - leading_zeros(np.uint64(distance - 1 | 2))
    symbol = 2 * extra + (distance - 1 >> extra)
    rest = symbol << FIRST | (distance - 1 & (1 << extra) - 1) << 2 * FIRST
    while length:
        part = min(length, LONGEST_MATCH)
        if 0 < length - part < SHORTEST:
            part = length - SHORTEST
        first = LENGTHS + part - SHORTEST
        tokens[count] = np.uint32(first | rest)
        firsts[first] += 1
        distances[symbol] += 1
        length -= part
        count += 1
    return count
