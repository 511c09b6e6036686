"""Huffman-coded units of JPEG, added up by cell as they are read (ITU-T T.81 annex F.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stages.formats.registers import add_eight, big_endian

__all__ = ["BYTES", "PLACES", "REACH", "fast_tables", "read_row", "unstuff"]

FAST = 11
"""Bits that one look-up reads: the tables stay in the processor's first cache."""
REACH = 8
"""Cells that a block may touch in a direction."""
BYTES = 4 * REACH
"""Of so many floats."""
PLACES = 128
"""Coefficients of a block, and behind them more than a look-up may go too far: those are worth nothing."""
ALONE = 48
"""The coefficient from which on one code may lead to the block's end."""
BEYOND, BROKEN = 64, 1000
"""What ends a block, and more than any coefficient's number."""
UNIT_BYTES = 1 << 12
"""More than any unit takes: ten blocks of 64 coefficients of 31 bits."""
ONES, HIGHEST = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
"""The lowest and the highest bit of each of eight octets."""


def fast_tables(tables: NDArray[np.uint16], coefficients: Sequence[bool]) -> NDArray[np.int64]:
    """Read codes together with the values that follow: of AC, two at a time where both fit in FAST bits.

    tables        (n, 65536): length << 8 | symbol of the code that 16 bits begin with
    coefficients  for each of them, whether it is of AC: there a size of 0 ends the block, or skips 16 coefficients

    Returns (n, 2^FAST): second value << 48 | first << 32 | those passed << 20 | those before the second << 13 | before the first << 6
    | bits; 0 where not even the first fits. Where there is no second value, it is 0 at the place of the first.
    """
    window = np.arange(1 << FAST)
    entry = tables[:, :: 1 << (16 - FAST)].astype(np.int64)
    length, run, size = entry >> 8, (entry >> 4) & 15, entry & 15
    of_ac = np.array(coefficients)[:, None]
    rest = FAST - length - size
    value = (window >> np.maximum(rest, 0)) & ((1 << size) - 1)
    value -= np.where(value < 1 << np.maximum(size - 1, 0), (1 << size) - 1, 0)
    value = np.where(size > 0, value, 0)
    passed = np.where(of_ac & (size == 0) & (run < 15), BEYOND, run + 1)
    plain = (length > 0) & (rest >= 0) & (of_ac | (run == 0))
    used = np.where(plain, length + size, 0)
    # What the first leaves, with zeros behind it, is looked up in the same table: it counts if it is read without them.
    behind = (window << used) & ((1 << FAST) - 1)
    following = [np.take_along_axis(part, behind, axis=1) for part in (used, run, value, passed, plain)]
    both = plain & of_ac & (passed < BEYOND) & following[4] & (used + following[0] <= FAST)
    also, beside, other, further = (np.where(both, part, 0) for part in following[:4])
    second = np.where(both, passed + beside, run)
    packed = other << 48 | (value & 0xFFFF) << 32 | (passed + further) << 20 | second << 13 | run << 6 | (used + also)
    return np.where(plain, packed, 0)


@njit(cache=True, nogil=True, error_model="numpy")
def unstuff(scan: NDArray[np.uint8], size: int, intervals: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Drop stuffed zeros and markers (B.1.1.5); give the data and where each restart interval begins, and last where all end."""
    data = np.empty(size + UNIT_BYTES, np.uint8)
    begins = np.zeros(intervals + 1, np.int64)
    octets: Any = np.int64(scan.ctypes.data)
    at, used, count = 0, 0, 1
    while at < size:
        begin = at
        # Eight octets at a time, as long as none of them is FF.
        while at + 8 <= size:
            eight = big_endian(octets + at)
            if (~eight - ONES) & eight & HIGHEST:
                break
            at += 8
        while at < size and scan[at] != 0xFF:
            at += 1
        data[used : used + at - begin] = scan[begin:at]
        used += at - begin
        at += 1
        while at < size and scan[at] == 0xFF:
            at += 1
        if at < size and scan[at] == 0:
            data[used] = 0xFF
            used += 1
        elif at < size and 0xD0 <= scan[at] < 0xD8 and count < intervals:
            begins[count] = used
            count += 1
        else:
            break
        at += 1
    data[used:] = 0
    begins[count] = used
    return data, begins[: count + 1]


@njit(cache=True, nogil=True, error_model="numpy")
def read_row(
    data: Any, begins: Any, bits: Any, state: Any, predicted: Any, restart: int, across: int,
    at: Any, blocks: Any, fast: Any, full: Any, offsets: Any,
) -> bool:  # fmt: skip
    """Read a row of units, and say whether all were there.

    at       for each block of a unit: its component, the addresses of its sums in the first unit and of its weights, and bytes from
             its sums to those in the next unit
    offsets  for each coefficient, bytes from the sums of the first column to those of its own
    """
    octets: Any = np.int64(data.ctypes.data)
    buffer, held, position, interval, left = bits[0], state[0], state[1], state[2], state[3]
    end = begins[interval + 1] if restart else begins[begins.size - 1]
    good = True
    # From here on FAST bits are held before any look-up, if only those that stand behind all data.
    buffer |= big_endian(octets + position) >> np.uint64(held)
    position += (63 - held) >> 3
    held |= 56
    for unit in range(across):
        if restart and left == 0:
            interval += 1
            if interval + 1 >= begins.size:
                good = False
                break
            end, left = begins[interval + 1], restart
            buffer, held, position = big_endian(octets + begins[interval]), 56, begins[interval] + 7
            for part in range(predicted.size):
                predicted[part] = 0
        left -= 1
        for b in range(at.shape[0]):
            to = at[b, 1] + unit * at[b, 3]
            held, position, buffer, k = _read_block(
                octets, held, position, buffer, fast, full, blocks[b, 3], blocks[b, 4], predicted, at[b, 0], to, at[b, 2], offsets
            )
            good = good and k < BROKEN
        # Behind the data stand zeros, more than a unit can take: whether it took any is asked once.
        good = good and position - held // 8 <= end
        if not good:
            break
    bits[0], state[0], state[1], state[2], state[3] = buffer, held, position, interval, left
    return good


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")
def _read_block(
    data: int, held: Any, position: Any, buffer: Any, fast: Any, full: Any, dc: int, ac: int, predicted: Any, part: int,
    sums: int, weights: Any, offsets: Any,
) -> Any:  # fmt: skip
    """Read a block's coefficients, and add each to what its column means for the rows of cells below it.

    Gives what is held, and BROKEN or more if it was no block. Indexes are unsigned: else numba looks at every one twice.
    """
    # So many bits are always held as the first look-up needs: it does not wait for others, which come while it is made.
    table = np.uint64(dc)
    entry: Any = np.int64(fast[(table << np.uint64(FAST)) + (buffer >> np.uint64(64 - FAST))])
    buffer |= big_endian(data + position) >> np.uint64(held)
    position += (63 - held) >> 3
    held |= 56
    used: Any = entry & 63
    value: Any = np.int64(np.int16(entry >> 32))
    k: Any = 1
    if entry == 0:
        used, run, value = _read_slowly(buffer, full, table)
        k = 1 if used and run == 0 else BROKEN
    buffer <<= np.uint64(used)
    held -= used
    predicted[part] += value
    add_eight(sums, np.float32(predicted[part]), weights)
    table = np.uint64(ac)
    while k < BEYOND:
        entry = np.int64(fast[(table << np.uint64(FAST)) + (buffer >> np.uint64(64 - FAST))])
        # Behind the last coefficient no code ends the block, and the next block begins: what might be it is read alone.
        if entry == 0 or k >= ALONE:
            buffer |= big_endian(data + position) >> np.uint64(held)
            position += (63 - held) >> 3
            held |= 56
            used, run, value = _read_slowly(buffer, full, table)
            passed: Any = run + 1 if value or run == 15 else BEYOND
            entry = (value & 0xFFFF) << 32 | passed << 20 | run << 13 | run << 6 | used
            if used == 0:
                entry = BROKEN << 20
        buffer <<= np.uint64(entry & 63)
        held -= entry & 63
        one: Any = np.uint64(k + ((entry >> 6) & 127))
        two: Any = np.uint64(k + ((entry >> 13) & 127))
        add_eight(sums + offsets[one], np.float32(np.int16(entry >> 32)), weights + BYTES * np.int64(one))
        add_eight(sums + offsets[two], np.float32(entry >> 48), weights + BYTES * np.int64(two))
        k += (entry >> 20) & 4095
        if held < FAST:
            buffer |= big_endian(data + position) >> np.uint64(held)
            position += (63 - held) >> 3
            held |= 56
    return held, position, buffer, k


@njit(cache=True, nogil=True, error_model="numpy")
def _read_slowly(buffer: Any, full: Any, table: Any) -> Any:
    """Read a code of any length and what follows it: bits, or 0 if it is none; run and value."""
    code = np.int64(full[(table << np.uint64(16)) + (buffer >> np.uint64(48))])
    size, value = code & 15, np.int64(0)
    if size:
        value = np.int64((buffer << np.uint64(code >> 8)) >> np.uint64(64 - size))
        if value < 1 << (size - 1):
            value -= (1 << size) - 1
    return (code >> 8) + size if code else np.int64(0), (code >> 4) & 15, value
