"""Huffman codes: none too long, none wasted, none longer on average than the best, and told apart from their first bits."""

from __future__ import annotations

import heapq
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from stages.formats.huffman import LENGTH_SHIFT, append_bits, assign_codes, find_lengths


def lengths_of(counts: NDArray[np.int64], longest: int) -> NDArray[np.int64]:
    lengths = np.full(counts.size, -1, np.int64)
    find_lengths(counts, longest, lengths, np.zeros((4, 2 * counts.size), np.int64))
    return lengths


def least_bits(counts: list[int]) -> int:
    heap, bits = list(counts), 0
    heapq.heapify(heap)
    while len(heap) > 1:
        joined = heapq.heappop(heap) + heapq.heappop(heap)
        bits += joined
        heapq.heappush(heap, joined)
    return bits


def fibonacci(count: int) -> list[int]:
    numbers = [1, 1]
    while len(numbers) < count:
        numbers.append(numbers[-1] + numbers[-2])
    return numbers


@pytest.mark.parametrize("longest", [9, 12, 15])
@pytest.mark.parametrize("unused", [0, 26])
def test_no_code_is_too_long_and_none_is_wasted(longest: int, unused: int) -> None:
    counts = np.array([*fibonacci(60), *[0] * unused, *[1] * 197], np.int64)
    lengths = lengths_of(counts, longest)
    assert lengths.max() <= longest
    assert ((lengths > 0) == (counts > 0)).all()
    assert sum(2.0**-length for length in lengths[counts > 0]) == 1


def test_nineteen_lengths_of_lengths_fit_into_seven_bits() -> None:
    lengths = lengths_of(np.array(fibonacci(19), np.int64), 7)
    assert lengths.max() == 7
    assert sum(2.0**-length for length in lengths) == 1


@pytest.mark.parametrize("symbols", [2, 3, 30, 286])
def test_where_nothing_is_too_long_no_code_is_better(symbols: int) -> None:
    counts = np.random.default_rng(symbols).integers(200, 3000, symbols)
    counts[:2] = (0 if symbols > 3 else 5), 9
    lengths = lengths_of(counts, 15)
    assert int((counts * lengths).sum()) == least_bits([int(count) for count in counts if count])


def test_codes_are_canonical_and_none_begins_another() -> None:
    lengths = lengths_of(np.random.default_rng(4).integers(0, 900, 286), 15)
    table = np.zeros(lengths.size, np.uint64)
    assign_codes(lengths, table)
    codes = []
    for symbol in np.flatnonzero(lengths):
        entry, length = int(table[symbol]), int(lengths[symbol])
        assert entry >> LENGTH_SHIFT == length
        codes.append((length, int(symbol), format(entry & 0xFFFF, f"0{length}b")[::-1]))
    assert (table[lengths == 0] == 0).all()
    ordered = [code for _, _, code in sorted(codes)]
    assert ordered == sorted(ordered)
    assert not any(later.startswith(earlier) for earlier, later in pairwise(ordered))


def test_the_code_of_the_standard() -> None:
    """RFC 1951, section 3.2.2: lengths (3, 3, 3, 3, 3, 2, 4, 4) of A to H."""
    table = np.zeros(8, np.uint64)
    assign_codes(np.array([3, 3, 3, 3, 3, 2, 4, 4]), table)
    told = [format(int(entry) & 0xFFFF, f"0{int(entry) >> LENGTH_SHIFT}b")[::-1] for entry in table]
    assert told == ["010", "011", "100", "101", "110", "00", "1110", "1111"]


def test_bits_are_appended_lowest_first() -> None:
    out, place, held, bits = np.zeros(9, np.uint8), 0, np.uint64(0), np.uint64(0)
    for value, count in ((1, 1), (0, 0), (0b10, 2), (0xFFFFFFFF, 32), (0b01011, 5)):
        place, held, bits = append_bits(value, count, out, place, held, bits)
    assert (place, int(held), int(bits)) == (5, 0, 0)
    assert int.from_bytes(out[:5].tobytes(), "little") == 1 | 0b10 << 1 | 0xFFFFFFFF << 3 | 0b01011 << 35
