"""Deflate with Huffman codes alone (RFC 1951, section 3.2.7), for what noise leaves of a picture.

Filtered samples of a camera hardly ever repeat, so looking for repeats takes most of a compressor's time and saves a few hundredths of
the size. Here each block gets the code that its own bytes ask for, and nothing is looked for.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stages.formats.deflate_blocks import ORDER
from stages.formats.huffman import LENGTH_SHIFT, append_bits, assign_codes, find_lengths
from stages.formats.words import load_word, store_word

__all__ = ["literal_room", "write_literals"]

Octets: TypeAlias = NDArray[np.uint8]
Counts: TypeAlias = NDArray[np.int64]
Codes: TypeAlias = NDArray[np.uint64]
Pairs: TypeAlias = NDArray[np.uint32]
Held: TypeAlias = tuple[int, np.uint64, np.uint64]

BLOCK = 1 << 19
"""Bytes with a code of their own: few enough for it to fit, enough to make up for the table of its pairs."""
STRIDE = 4
"""Of which runs of bytes one is counted, to find a code."""
RUN = 512
LEAST = 1 << 13
"""Bytes for which a table of their pairs is worth making."""
LONGEST = 12
"""Bits of a code; four fit into a register beside what is left of the byte before, and two with their length into 32 bits."""
MOST = 56
"""Bits that are appended at once, which nearly always are those of eight bytes."""
PAIRS, PAIR_SHIFT = 1 << 16, 8
"""Entries of the table of two bytes' codes, and where the code stands in each, above its length."""
END = 256
"""The symbol that ends a block."""
SYMBOLS = END + 1


@njit(cache=True, nogil=True)
def literal_room(size: int) -> int:
    """Give the octets that blocks of so much data can take, and those that are written past them."""
    # No literal takes more than LONGEST bits; a block's head takes 1,107 bits, an empty block 42, and eight bytes are written at a time.
    return size // 8 * LONGEST + LONGEST + max(1, -(-size // BLOCK)) * 160 + 16


@njit(cache=True, nogil=True)
def write_literals(data: Octets, last: int, out: Octets, place: int) -> int:
    """Write all blocks; return where they end.

    last  1 if nothing comes after them; else 0: then an empty stored block makes them end with an octet (section 3.2.4)
    out   where they go, with literal_room(data.size) octets from `place` on
    """
    table, counts = np.zeros(SYMBOLS, np.uint64), np.zeros(SYMBOLS, np.int64)
    pairs = np.empty(PAIRS, np.uint32)
    lengths, work = np.zeros(SYMBOLS, np.int64), np.zeros((4, 2 * SYMBOLS), np.int64)
    bits, held = np.uint64(0), np.uint64(0)
    for begin in range(0, max(1, data.size), BLOCK):
        part = data[begin : begin + BLOCK]
        _count(part, counts)
        find_lengths(counts, LONGEST, lengths, work)
        assign_codes(lengths, table)
        closes = last if begin + BLOCK >= data.size else 0
        place, held, bits = _put_head(lengths, closes, out, place, held, bits)
        # The table of pairs takes as long as some thousand bytes do without it.
        whole = part.size // 8 * 8 if part.size >= LEAST else 0
        if whole:
            _join(table, pairs)
            place, held, bits = _put_pairs(part[:whole], pairs, out, place, held, bits)
        place, held, bits = _put_rest(part[whole:], table, out, place, held, bits)
    if not last:
        place, held, bits = append_bits(0, 3, out, place, held, bits)
        place, held, bits = append_bits(0, int(-bits & np.uint64(7)), out, place, held, bits)
        place, held, bits = append_bits(0xFFFF0000, 32, out, place, held, bits)
    return place + int((bits + np.uint64(7)) >> np.uint64(3))


@njit(cache=True, nogil=True)
def _count(part: Octets, counts: Counts) -> None:
    """Count the bytes of every fourth run; each counts once at least, since any may come in the others."""
    counts[:] = 1
    # Neighbours are often equal: four tables in turn, or each count would wait for the one before.
    tables = np.zeros((4, 256), np.uint32)
    first, second, third, fourth = tables[0], tables[1], tables[2], tables[3]
    for begin in range(0, part.size - RUN + 1, RUN * STRIDE):
        run = part[begin : begin + RUN]
        for i in range(0, RUN, 4):
            first[run[i]] += np.uint32(1)
            second[run[i + 1]] += np.uint32(1)
            third[run[i + 2]] += np.uint32(1)
            fourth[run[i + 3]] += np.uint32(1)
    for symbol in range(256):
        counts[symbol] += 16 * (first[symbol] + second[symbol] + third[symbol] + fourth[symbol])


@njit(cache=True, nogil=True)
def _put_head(lengths: Counts, closes: int, out: Octets, place: int, held: np.uint64, bits: np.uint64) -> Held:
    """Begin a block with a dynamic code: all lengths as they are, four bits each, and one distance code that is never used."""
    place, held, bits = append_bits(closes | 2 << 1, 3, out, place, held, bits)
    place, held, bits = append_bits(SYMBOLS - 257 | 0 << 5 | (ORDER.size - 4) << 10, 14, out, place, held, bits)
    for symbol in ORDER:
        # Sixteen codes of four bits are complete; what stands for repeats is not used.
        place, held, bits = append_bits(4 if symbol < 16 else 0, 3, out, place, held, bits)
    for symbol in range(SYMBOLS + 1):
        length = lengths[symbol] if symbol < SYMBOLS else 0
        turned = (length & 1) << 3 | (length & 2) << 1 | (length & 4) >> 1 | (length & 8) >> 3
        place, held, bits = append_bits(turned, 4, out, place, held, bits)
    return place, held, bits


@njit(cache=True, nogil=True)
def _join(table: Codes, pairs: Pairs) -> None:
    """Give the codes of any two bytes as one, above its length; the first byte is the index's lower one."""
    # In words of 32 bits, which run in vectors.
    codes, bits, shift = np.empty(256, np.uint32), np.empty(256, np.uint32), np.uint32(PAIR_SHIFT)
    for symbol in range(256):
        codes[symbol], bits[symbol] = np.uint32(table[symbol] & np.uint64(0xFFFF)), np.uint32(table[symbol] >> np.uint64(LENGTH_SHIFT))
    for second in range(256):
        code, count = codes[second], bits[second]
        row = pairs[256 * second : 256 * second + 256]
        for first in range(256):
            row[first] = (codes[first] | code << bits[first]) << shift | (bits[first] + count)


@njit(cache=True, nogil=True)
def _put_pairs(part: Octets, pairs: Pairs, out: Octets, place: int, held: np.uint64, bits: np.uint64) -> Held:
    """Append the codes of bytes, eight at a time."""
    index, shift, count, most = np.uint64(PAIRS - 1), np.uint64(PAIR_SHIFT), np.uint64((1 << PAIR_SHIFT) - 1), np.uint64(MOST)
    six = np.uint64(63)
    for i in range(0, part.size, 8):
        word = load_word(part, i)
        first, second = np.uint64(pairs[word & index]), np.uint64(pairs[word >> np.uint64(16) & index])
        third, fourth = np.uint64(pairs[word >> np.uint64(32) & index]), np.uint64(pairs[word >> np.uint64(48)])
        # Entries are added up as they are for the lengths in their lowest bits; shifts look at six of these and need no mask.
        half, total = first + second & count, first + second + third + fourth & count
        value, rest = first >> shift | second >> shift << (first & six), third >> shift | fourth >> shift << (third & six)
        if total > most:
            place, held, bits = _hold(value, half, out, place, held, bits)
            place, held, bits = _hold(rest, total - half, out, place, held, bits)
        else:
            # Joined apart from what is held, so that the processor need not wait for one after the other.
            place, held, bits = _hold(value | rest << (half & six), total, out, place, held, bits)
    return place, held, bits


@njit(cache=True, nogil=True)
def _hold(value: np.uint64, count: np.uint64, out: Octets, place: int, held: np.uint64, bits: np.uint64) -> Held:
    """Append up to MOST bits."""
    held |= value << bits
    bits += count
    store_word(out, place, held)
    return place + int(bits >> np.uint64(3)), held >> (bits & ~np.uint64(7)), bits & np.uint64(7)


@njit(cache=True, nogil=True)
def _put_rest(part: Octets, table: Codes, out: Octets, place: int, held: np.uint64, bits: np.uint64) -> Held:
    """Append the codes of a few bytes one by one, and the block's end."""
    mask, shift = np.uint64(0xFFFF), np.uint64(LENGTH_SHIFT)
    for value in part:
        place, held, bits = append_bits(int(table[value] & mask), int(table[value] >> shift), out, place, held, bits)
    place, held, bits = append_bits(int(table[END] & mask), int(table[END] >> shift), out, place, held, bits)
    if bits:
        out[place] = held & np.uint64(255)
    return place, held, bits
