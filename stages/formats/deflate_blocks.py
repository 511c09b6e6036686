"""Blocks of Deflate, each with codes of its own or as it is (RFC 1951, sections 3.2.3 to 3.2.7)."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stages.formats.deflate_matches import (
    DISTANCES,
    FIRST,
    LENGTHS,
    LONGEST_MATCH,
    MOST_TOKENS,
    SECOND,
    SHORTEST,
    TOKENS,
    find_tokens,
)
from stages.formats.huffman import LENGTH_SHIFT, append_bits, assign_codes, find_lengths
from stages.formats.words import store_word

__all__ = ["ORDER", "STORED", "room", "write_blocks"]

Octets: TypeAlias = NDArray[np.uint8]
Counts: TypeAlias = NDArray[np.int64]
Table: TypeAlias = NDArray[np.uint64]
Held: TypeAlias = tuple[int, np.uint64, np.uint64]

END = 256
"""The symbol that ends a block."""
SYMBOLS = 286
"""Literals, the end, lengths."""
LONGEST, LONGEST_LENGTH = 15, 7
"""Bits of a code, and of one for lengths of codes."""
ORDER = np.array([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15])
"""In which the lengths of the lengths' codes stand (section 3.2.7)."""
EXTRA_BITS = np.array([0] * 16 + [2, 3, 7])
"""Of the symbols for lengths of codes: 16 repeats the last one, 17 and 18 repeat zero."""
STORED = 65_535
"""Octets that stand in one block as they are."""
STORED_HEAD = 5


def _length_symbols() -> tuple[Counts, Counts, Counts]:
    """Give the symbol of each length from the shortest one on, its extra bits, and what they say."""
    beyond = np.arange(LONGEST_MATCH - SHORTEST + 1)
    # From eleven on, four symbols have each count of extra bits.
    bits = np.maximum(np.floor(np.log2(np.maximum(beyond, 1))).astype(np.int64) - 2, 0)
    symbols, said = END + 1 + 4 * bits + (beyond >> bits), beyond & ((1 << bits) - 1)
    symbols[-1], bits[-1], said[-1] = SYMBOLS - 1, 0, 0
    return symbols, bits, said


LENGTH_SYMBOLS, LENGTH_BITS, LENGTH_SAID = _length_symbols()


@njit(cache=True, nogil=True)
def room(size: int) -> int:
    """Give the octets that blocks of so much data can take, and those that are written past them."""
    return size + (STORED_HEAD + 1) * (size // STORED + size // TOKENS + 2) + 16


@njit(cache=True, nogil=True)
def write_blocks(
    data: Octets, begin: int, table: NDArray[np.uint16], last: int, out: Octets, place: int, held: np.uint64, bits: np.uint64
) -> Held:
    """Write blocks of all data from `begin` on; return where they end, and what is left of the last octet.

    data   (n,) octets, with those before `begin` that `find_tokens` asks for
    table  of `find_tokens`, kept between calls
    last   1 if nothing comes after it: then all bits are written; else 0
    out    where they go, with room(n - begin) octets from `place` on
    held   the bits, so many, that are left from before
    """
    tokens = np.empty(MOST_TOKENS, np.uint32)
    firsts, distances = np.zeros((2, 1 << FIRST), np.int64), np.zeros(DISTANCES, np.int64)
    counts, lengths = np.zeros(SYMBOLS + DISTANCES, np.int64), np.zeros(SYMBOLS + DISTANCES, np.int64)
    work, codes = np.zeros((4, 2 * SYMBOLS), np.int64), np.zeros(SYMBOLS + DISTANCES, np.uint64)
    first_codes, second_codes = np.zeros(1 << FIRST, np.uint64), np.zeros(SECOND + 256, np.uint64)
    start, ends = begin, False
    while not ends:
        firsts[:], distances[:] = 0, 0
        count, stop = find_tokens(data, start, table, tokens, firsts, distances)
        ends = stop >= data.size
        if ends and not last and stop == start:
            break
        _count_symbols(firsts, distances, counts)
        find_lengths(counts[:SYMBOLS], LONGEST, lengths[:SYMBOLS], work)
        find_lengths(counts[SYMBOLS:], LONGEST, lengths[SYMBOLS:], work)
        head, head_size, head_counts = _abridge(lengths)
        closes = last if ends else 0
        if _cost(counts, lengths, head_size, head_counts) >= 8 * (stop - start + STORED_HEAD * (1 + (stop - start) // STORED)):
            place, held, bits = _put_stored(data[start:stop], closes, out, place, held, bits)
        else:
            place, held, bits = _put_head(head[:head_size], head_counts, closes, out, place, held, bits)
            assign_codes(lengths[:SYMBOLS], codes[:SYMBOLS])
            assign_codes(lengths[SYMBOLS:], codes[SYMBOLS:])
            _lay_out(codes, first_codes, second_codes)
            place, held, bits = _put_tokens(tokens[:count], first_codes, second_codes, out, place, held, bits)
            end = int(codes[END])
            place, held, bits = append_bits(end & 0xFFFF, end >> LENGTH_SHIFT, out, place, held, bits)
        start = stop
    if last:
        place, held, bits = append_bits(0, int(-bits & np.uint64(7)), out, place, held, bits)
    return place, held, bits


@njit(cache=True, nogil=True)
def _count_symbols(firsts: Counts, distances: Counts, counts: Counts) -> None:
    counts[:] = 0
    for octet in range(LENGTHS):
        counts[octet] = firsts[0, octet] + firsts[1, octet]
    for beyond in range(LENGTH_SYMBOLS.size):
        counts[LENGTH_SYMBOLS[beyond]] += firsts[0, LENGTHS + beyond]
    counts[END] = 1
    for symbol in range(DISTANCES):
        counts[SYMBOLS + symbol] = distances[symbol]
    # A code of one symbol is not complete, and some readers want them so.
    for begin in (0, SYMBOLS):
        for symbol in range(begin, begin + 2):
            counts[symbol] = max(counts[symbol], 1)


@njit(cache=True, nogil=True)
def _abridge(lengths: Counts) -> tuple[Counts, int, Counts]:
    """Say the lengths of codes in symbols with their extra bits above them (section 3.2.7); count the symbols."""
    head, counts = np.empty(lengths.size, np.int64), np.zeros(ORDER.size, np.int64)
    size, begin = 0, 0
    while begin < lengths.size:
        length, stop = lengths[begin], begin + 1
        while stop < lengths.size and lengths[stop] == length:
            stop += 1
        run = stop - begin
        begin = stop
        if length:
            head[size], size, run = length, size + 1, run - 1
            counts[length] += 1
        while run:
            shortest, longest = (3, 6) if length else (11, 138) if run > 10 else (3, 10)
            symbol = 16 if length else 18 if run > 10 else 17
            part = min(run, longest)
            if part < shortest:
                symbol, part, shortest = length, 1, 1
            head[size], size, run = symbol | (part - shortest) << 5, size + 1, run - part
            counts[symbol] += 1
    return head, size, counts


@njit(cache=True, nogil=True)
def _cost(counts: Counts, lengths: Counts, head_size: int, head_counts: Counts) -> int:
    """Bits of a block, its head somewhat more than it takes."""
    bits = 17 + 3 * ORDER.size + LONGEST_LENGTH * head_size
    for symbol in range(ORDER.size):
        bits += head_counts[symbol] * EXTRA_BITS[symbol]
    for symbol in range(counts.size):
        bits += counts[symbol] * lengths[symbol]
    for symbol in range(SYMBOLS + 4, counts.size):
        bits += counts[symbol] * ((symbol - SYMBOLS) // 2 - 1)
    for symbol in range(END + 9, SYMBOLS - 1):
        bits += counts[symbol] * ((symbol - END - 1) // 4 - 1)
    return bits


@njit(cache=True, nogil=True)
def _put_stored(part: Octets, closes: int, out: Octets, place: int, held: np.uint64, bits: np.uint64) -> Held:
    """Append blocks that hold the data as it is (section 3.2.4); one that holds nothing if there is none."""
    for begin in range(0, max(part.size, 1), STORED):
        octets = part[begin : begin + STORED]
        final = int(closes and begin + STORED >= part.size)
        place, held, bits = append_bits(final, 3, out, place, held, bits)
        place, held, bits = append_bits(0, int(-bits & np.uint64(7)), out, place, held, bits)
        place, held, bits = append_bits(octets.size | (octets.size ^ 0xFFFF) << 16, 32, out, place, held, bits)
        for k in range(octets.size):
            out[place + k] = octets[k]
        place += octets.size
    return place, held, bits


@njit(cache=True, nogil=True)
def _put_head(head: Counts, counts: Counts, closes: int, out: Octets, place: int, held: np.uint64, bits: np.uint64) -> Held:
    """Begin a block with codes of its own (section 3.2.7)."""
    lengths, codes = np.zeros(ORDER.size, np.int64), np.zeros(ORDER.size, np.uint64)
    for symbol in range(2):
        counts[symbol] = max(counts[symbol], 1)
    find_lengths(counts, LONGEST_LENGTH, lengths, np.zeros((4, 2 * ORDER.size), np.int64))
    assign_codes(lengths, codes)
    said = ORDER.size
    while said > 4 and not lengths[ORDER[said - 1]]:
        said -= 1
    place, held, bits = append_bits(closes | 2 << 1, 3, out, place, held, bits)
    place, held, bits = append_bits(SYMBOLS - 257 | DISTANCES - 1 << 5 | said - 4 << 10, 14, out, place, held, bits)
    for k in range(said):
        place, held, bits = append_bits(lengths[ORDER[k]], 3, out, place, held, bits)
    for item in head:
        symbol, code = item & 31, int(codes[item & 31])
        place, held, bits = append_bits(code & 0xFFFF, code >> LENGTH_SHIFT, out, place, held, bits)
        place, held, bits = append_bits(item >> 5, EXTRA_BITS[symbol], out, place, held, bits)
    return place, held, bits


@njit(cache=True, nogil=True)
def _lay_out(codes: Table, firsts: Table, seconds: Table) -> None:
    """Give for both parts of a token its bits; from bit 32 on their count; for distances, from bit 48 on, that with the extra bits."""
    low, shift = np.uint64(0xFFFF), np.uint64(LENGTH_SHIFT)
    for octet in range(256):
        firsts[octet] = codes[octet] & low | codes[octet] >> shift << np.uint64(32)
        seconds[SECOND + octet] = firsts[octet] | codes[octet] >> shift << np.uint64(48)
    for beyond in range(LENGTH_SYMBOLS.size):
        code = codes[LENGTH_SYMBOLS[beyond]]
        length = code >> shift
        total = length + np.uint64(LENGTH_BITS[beyond])
        firsts[LENGTHS + beyond] = code & low | np.uint64(LENGTH_SAID[beyond]) << length | total << np.uint64(32)
    for symbol in range(DISTANCES):
        code = codes[SYMBOLS + symbol]
        length = code >> shift
        seconds[symbol] = code & low | length << np.uint64(32) | (length + np.uint64(max(symbol // 2 - 1, 0))) << np.uint64(48)


@njit(cache=True, nogil=True)
def _put_tokens(
    tokens: NDArray[np.uint32], firsts: Table, seconds: Table, out: Octets, place: int, held: np.uint64, bits: np.uint64
) -> Held:
    """Append tokens: at most 20 bits for the first part and 28 for the second."""
    most = np.uint64(56)
    for k in range(0, tokens.size - 1, 2):
        value, count = _bits_of(tokens[k], firsts, seconds)
        next_value, next_count = _bits_of(tokens[k + 1], firsts, seconds)
        if count + next_count > most:
            place, held, bits = _hold(value, count, out, place, held, bits)
            place, held, bits = _hold(next_value, next_count, out, place, held, bits)
        else:
            # Joined apart from what is held, so that the processor need not wait for one after the other.
            place, held, bits = _hold(value | next_value << count, count + next_count, out, place, held, bits)
    if tokens.size & 1:
        value, count = _bits_of(tokens[-1], firsts, seconds)
        place, held, bits = _hold(value, count, out, place, held, bits)
    return place, held, bits


@njit(cache=True, nogil=True)
def _hold(value: np.uint64, count: np.uint64, out: Octets, place: int, held: np.uint64, bits: np.uint64) -> Held:
    """Append up to 56 bits."""
    held |= value << bits
    bits += count
    store_word(out, place, held)
    return place + int(bits >> np.uint64(3)), held >> (bits & ~np.uint64(7)), bits & np.uint64(7)


@njit(cache=True, nogil=True)
def _bits_of(token: np.uint32, firsts: Table, seconds: Table) -> tuple[np.uint64, np.uint64]:
    """Give what a token is written as, and its count of bits."""
    part, code, count, total = (1 << FIRST) - 1, np.uint64(0xFFFFFFFF), np.uint64(32), np.uint64(48)
    first, second = firsts[token & part], seconds[token >> FIRST & part]
    value = (second & code) | np.uint64(token >> 2 * FIRST) << (second >> count & np.uint64(255))
    first_bits = first >> count
    return first & code | value << first_bits, first_bits + (second >> total)
