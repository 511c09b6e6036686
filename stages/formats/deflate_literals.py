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
from stages.formats.huffman import append_bits, assign_codes, find_lengths

__all__ = ["literal_room", "write_literals"]

Octets: TypeAlias = NDArray[np.uint8]
Counts: TypeAlias = NDArray[np.int64]

BLOCK = 1 << 17
"""Bytes with a code of their own: few enough for it to fit, enough to make up for the 144 bytes that tell it."""
STRIDE = 4
"""Of which runs of bytes one is counted, to find a code."""
RUN = 512
LONGEST = 12
"""Bits of a code; four fit into a register beside what is left of the byte before."""
END = 256
"""The symbol that ends a block."""
SYMBOLS = END + 1


def literal_room(size: int) -> int:
    """Give the octets that blocks of so much data can take, and those that are written past them."""
    # No literal takes more than LONGEST bits; a block's head takes 1,107 bits, and eight bytes are written at a time.
    return size // 8 * LONGEST + LONGEST + max(1, -(-size // BLOCK)) * 160 + 16


@njit(cache=True, nogil=True)
def write_literals(data: Octets, out: Octets, place: int) -> int:
    """Write all blocks, with literal_room(data.size) bytes from `place` on; return where they end."""
    table, counts = np.zeros(SYMBOLS, np.uint64), np.zeros(SYMBOLS, np.int64)
    lengths, work = np.zeros(SYMBOLS, np.int64), np.zeros((4, 2 * SYMBOLS), np.int64)
    bits, held = np.uint64(0), np.uint64(0)
    for begin in range(0, max(1, data.size), BLOCK):
        part = data[begin : begin + BLOCK]
        _count(part, counts)
        find_lengths(counts, LONGEST, lengths, work)
        assign_codes(lengths, table)
        last = np.uint64(begin + BLOCK >= data.size)
        place, held, bits = _put_head(lengths, last, out, place, held, bits)
        place, held, bits = _put_literals(part, table, out, place, held, bits)
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
def _put_head(
    lengths: Counts, last: np.uint64, out: Octets, place: int, held: np.uint64, bits: np.uint64
) -> tuple[int, np.uint64, np.uint64]:
    """Begin a block with a dynamic code: all lengths as they are, four bits each, and one distance code that is never used."""
    place, held, bits = append_bits(int(last) | 2 << 1, 3, out, place, held, bits)
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
def _put_literals(
    part: Octets, table: NDArray[np.uint64], out: Octets, place: int, held: np.uint64, bits: np.uint64
) -> tuple[int, np.uint64, np.uint64]:
    """Append the codes of bytes, four at a time, and the block's end."""
    mask, sixteen, seven, three = np.uint64(0xFFFF), np.uint64(16), np.uint64(7), np.uint64(3)
    whole = part.size // 4 * 4
    for i in range(0, whole, 4):
        a, b, c, d = table[part[i]], table[part[i + 1]], table[part[i + 2]], table[part[i + 3]]
        # Two pairs are joined apart from what is held, so that the processor need not wait for one after the other.
        first, first_bits = a & mask | (b & mask) << (a >> sixteen), (a >> sixteen) + (b >> sixteen)
        second, second_bits = c & mask | (d & mask) << (c >> sixteen), (c >> sixteen) + (d >> sixteen)
        held |= (first | second << first_bits) << bits
        bits += first_bits + second_bits
        target = out[place : place + 8]
        for k in range(8):
            target[k] = held >> np.uint64(8 * k)
        place += int(bits >> three)
        held >>= bits & ~seven
        bits &= seven
    for i in range(whole, part.size):
        place, held, bits = append_bits(int(table[part[i]] & mask), int(table[part[i]] >> sixteen), out, place, held, bits)
    place, held, bits = append_bits(int(table[END] & mask), int(table[END] >> sixteen), out, place, held, bits)
    if bits:
        out[place] = held & np.uint64(255)
    return place, held, bits
