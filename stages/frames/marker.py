"""The attached sync marker at any bit phase, upright or inverted, with wrong bits: tables and the compiled search.

A place of the data is read as the number of wrong bits, INVERTED more if the marker is inverted there, or NOTHING.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple, cast

import numpy as np
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from pipeline.errors import ProfileError
from stages.formats.octets import Bytes

__all__ = ["INVERTED", "LONGEST", "NOTHING", "Marker", "chance", "marker_tables", "next_marker", "read_marker", "read_markers"]

LONGEST = 24
"""Octets: the marker of turbo codes at rate 1/6 (CCSDS 131.0-B-5 section 9)."""
INVERTED = 256
NOTHING = -1


class Marker(NamedTuple):
    """A marker as the kernels take it."""

    bits: int
    most_errors: int
    head: np.uint64
    """The first bits, as a number."""
    head_mask: np.uint64
    head_bits: int
    """How many: up to 56, which fit into a word at any phase."""
    patterns: Bytes
    """(8, octets + 1): the marker, shifted right by 0 to 7 bits."""
    masks: Bytes
    """(8, octets + 1): which bits of the pattern count."""
    phases: Bytes
    """(2, 65536): bit s is set where a marker may begin s bits into an octet, if the index is what its first two followers, or two
    later ones, hold."""
    second_key: np.uint64
    """How far a word is shifted right to find the later ones."""
    weights: Bytes
    """(256,): ones in an octet."""


def chance(bits: int, errors: int) -> float:
    """Return the probability that a random place reads as a marker, either way up, with up to so many errors."""
    total, term = 0, 1
    for k in range(errors + 1):
        total += term
        term = term * (bits - k) // (k + 1)
    return min(1.0, 2 * total / (1 << bits))


@lru_cache(maxsize=16)
def marker_tables(marker: bytes, most_errors: int) -> Marker:
    """Make the tables. Raises ProfileError for a marker of no or more than 24 octets, or if half of its bits may be wrong."""
    bits = 8 * len(marker)
    if not 1 <= len(marker) <= LONGEST:
        raise ProfileError(f"{len(marker)} octets", where="marker", remedy=f"Give 1 to {LONGEST}")
    if not 0 <= 2 * most_errors < bits:
        raise ProfileError(f"{most_errors} of {bits} bits", where="marker_errors", remedy="Allow fewer than half")
    shifted = [int.from_bytes(marker) << 8 - s for s in range(8)]
    counted = [((1 << bits) - 1) << 8 - s for s in range(8)]
    width = len(marker) + 1
    second = 3 if bits >= 40 else 2
    return Marker(
        bits=bits,
        most_errors=most_errors,
        head=np.uint64(int.from_bytes(marker[:7])),
        head_mask=np.uint64((1 << min(bits, 56)) - 1),
        head_bits=min(bits, 56),
        patterns=np.array([list(value.to_bytes(width)) for value in shifted], np.uint8),
        masks=np.array([list(value.to_bytes(width)) for value in counted], np.uint8),
        phases=np.array([_phases(shifted, bits, most_errors, 1), _phases(shifted, bits, most_errors, second)]),
        second_key=np.uint64(48 - 8 * second),
        weights=np.bitwise_count(np.arange(256, dtype=np.uint8)),
    )


def _phases(shifted: list[int], bits: int, most_errors: int, octet: int) -> Bytes:
    """Tabulate what two octets, `octet` behind the one that the marker begins in, say of its phase."""
    if bits < 8 * octet + 16:
        # They are not full of marker at every phase, so they rule nothing out.
        return np.full(65536, 255, np.uint8)
    phases = np.zeros(65536, np.uint8)
    for s, value in enumerate(shifted):
        wrong = np.bitwise_count(np.arange(65536, dtype=np.uint16) ^ np.uint16(value >> bits - 8 * (octet + 1) & 0xFFFF))
        phases |= ((wrong <= most_errors) | (wrong >= 16 - most_errors)).astype(np.uint8) << s
    return phases


@njit(cache=True, nogil=True)
def read_marker(data: Bytes, at: int, marker: Marker) -> int:
    """Read the place at this bit, where all of a marker must lie in the data."""
    pattern = marker.patterns[at & 7]
    mask = marker.masks[at & 7]
    octet = at >> 3
    wrong = 0
    seen = 0
    for k in range((marker.bits + (at & 7) + 7) >> 3):
        wrong += marker.weights[(data[octet + k] ^ pattern[k]) & mask[k]]
        seen += marker.weights[mask[k]]
        if wrong > marker.most_errors and seen - wrong > marker.most_errors:
            return NOTHING
    return wrong if wrong <= marker.most_errors else INVERTED + seen - wrong


def _ones_of_word(_context: Any, word: Any) -> Any:
    """Count the ones of a 64-bit word: an instruction on most processors, which numba has no name for."""
    del word

    def emit(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), emit


_ones = cast("Callable[[np.uint64], np.uint64]", intrinsic(_ones_of_word))


@njit(cache=True, nogil=True)
def _phases_in(word: np.uint64, marker: Marker) -> np.uint8:
    """Return the phases at which a marker may begin in the octet that leads the word."""
    first = marker.phases[0, np.uint16(word >> np.uint64(40))]
    second = marker.phases[1, np.uint16(word >> marker.second_key)]
    return np.uint8(first & second)


@njit(cache=True, nogil=True)
def _in_word(word: np.uint64, octet: int, first: int, stop: int, data: Bytes, marker: Marker) -> int:
    """Look at the eight phases of the octet that leads the word; return NOTHING or the bit."""
    phases = _phases_in(word, marker)
    for s in range(8):
        at = 8 * octet + s
        if phases >> s & 1 and first <= at < stop:
            head = word >> np.uint64(64 - marker.head_bits - s) & marker.head_mask
            wrong = np.int64(_ones(head ^ marker.head))
            if min(wrong, marker.head_bits - wrong) <= marker.most_errors and (
                marker.head_bits == marker.bits or read_marker(data, at, marker) != NOTHING
            ):
                return at
    return NOTHING


@njit(cache=True, nogil=True)
def next_marker(data: Bytes, start: int, stop: int, marker: Marker) -> int:
    """Return the first bit in [start, stop) that reads as a marker, `stop` if none does. A marker at stop - 1 must lie in the data."""
    first = start >> 3
    last = min((stop + 7) >> 3, data.size - 7)
    if first < last:
        word = np.uint64(0)
        for k in range(7):
            word = word << np.uint64(8) | np.uint64(data[first + k])
        ahead = data[first + 7 :]
        for k in range(last - first):
            word = word << np.uint64(8) | np.uint64(ahead[k])
            if _phases_in(word, marker):
                at = _in_word(word, first + k, start, stop, data, marker)
                if at != NOTHING:
                    return at
    for at in range(max(start, 8 * last), stop):
        if read_marker(data, at, marker) != NOTHING:
            return at
    return stop


@njit(cache=True, nogil=True)
def _read_all(data: Bytes, offsets: NDArray[np.int64], marker: Marker, readings: NDArray[np.int64]) -> None:
    for k in range(offsets.size):
        readings[k] = read_marker(data, offsets[k], marker)


def read_markers(data: Bytes, offsets: NDArray[np.int64], marker: Marker) -> NDArray[np.int64]:
    """Read the places at these bits, (n,)."""
    readings = np.empty(len(offsets), np.int64)
    _read_all(data, offsets, marker, readings)
    return readings
