"""What goes wrong between the spacecraft and the recording, on purpose and by seed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sample_data.coding import INTERLEAVE, MARKER

__all__ = ["CORRECTABLE", "LOST", "Recording", "Wear", "hurt", "record"]

LOST = -2
"""In `corrected`: the frame is not in the recording."""
CORRECTABLE = 16
"""Symbols of a codeword."""
CHECKED = 255 * INTERLEAVE


@dataclass(slots=True, kw_only=True)
class Wear:
    """What happens to the frames of a pass. All places are rows of the frames in the order sent."""

    lost: set[int] = field(default_factory=set)
    """Frames that were not recorded."""
    hopeless: set[int] = field(default_factory=set)
    """Frames with more wrong symbols in a codeword than the code can correct; their markers are whole."""
    cut: dict[int, int] = field(default_factory=dict)
    """Frames that break off after so many octets: the recorder dropped the rest."""
    slips: dict[int, int] = field(default_factory=dict)
    """Bits that the demodulator inserted before a frame."""
    torn: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Frames in whose middle bits were inserted: (after so many octets, bits)."""
    noise: dict[int, int] = field(default_factory=dict)
    """Octets of noise before a frame."""
    inverted: tuple[int, int] = (0, 0)
    """Frames [start, stop) whose bits are all inverted: the demodulator locked half a turn off."""
    marker_bits: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """Wrong bits of a frame's marker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What was recorded of a pass."""

    data: bytes
    corrected: NDArray[np.int64]
    """(frames sent,) wrong symbols in the frame; -1 more than can be corrected, or not whole; -2 not recorded."""
    bits: NDArray[np.int64]
    """(frames sent,) bit of the recording at which its marker begins; -1 if not recorded."""


def hurt(units: NDArray[np.uint8], rng: np.random.Generator, wear: Wear, *, share: float) -> NDArray[np.int64]:
    """Put wrong symbols into a share of the units (n, 1279), in place; return how many each frame has.

    Most get a few; some a burst as long as interleaving can bear; some as many as a codeword can bear. Hopeless ones get more.
    """
    count = len(units)
    wrong = np.zeros(count, np.int64)
    chosen = np.flatnonzero(rng.random(count) < share)
    for row in sorted({*chosen.tolist(), *wear.hopeless}):
        if row in wear.hopeless:
            places = _in_codeword(rng, int(rng.integers(INTERLEAVE)), int(rng.integers(CORRECTABLE + 3, 120)))
        elif (kind := rng.random()) < 0.10:
            start = int(rng.integers(0, CHECKED - INTERLEAVE * CORRECTABLE))
            places = np.arange(start, start + int(rng.integers(8, INTERLEAVE * CORRECTABLE + 1)))
        elif kind < 0.14:
            places = _in_codeword(rng, int(rng.integers(INTERLEAVE)), CORRECTABLE)
        else:
            # At most sixteen in all, so never more in one codeword.
            places = rng.choice(CHECKED, min(1 + int(rng.geometric(0.28)), CORRECTABLE), replace=False)
        units[row, len(MARKER) + places] ^= rng.integers(1, 256, len(places)).astype(np.uint8)
        wrong[row] = -1 if row in wear.hopeless else len(places)
    for row, bits in wear.marker_bits.items():
        for bit in bits:
            units[row, bit // 8] ^= 0x80 >> bit % 8
    return wrong


def _in_codeword(rng: np.random.Generator, codeword: int, symbols: int) -> NDArray[np.int64]:
    """Choose places of one codeword."""
    places: NDArray[np.int64] = rng.choice(255, symbols, replace=False) * INTERLEAVE + codeword
    return places


class _Tape:
    """Octets and odd bits, laid end to end."""

    def __init__(self) -> None:
        self.parts: list[NDArray[np.uint8]] = []
        self.length = 0
        """Bits so far."""
        self.open = 0
        """The last octet's bits, from the top, if it is not full."""

    def octets(self, data: NDArray[np.uint8]) -> None:
        """Append whole octets, at whatever bit the tape stands."""
        shift = self.length % 8
        if shift and data.size:
            high = np.right_shift(data, shift, dtype=np.uint8)
            high[1:] |= np.left_shift(data[:-1], 8 - shift, dtype=np.uint8)
            high[0] |= self.open
            self.open = int(data[-1]) << (8 - shift) & 0xFF
            data = high
        self.parts.append(data)
        self.length += 8 * data.size

    def few(self, value: int, count: int) -> None:
        """Append up to seven bits, the lowest of `value`."""
        shift, total = self.length % 8, self.length % 8 + count
        word = self.open << 8 | (value & (1 << count) - 1) << (16 - total) if shift else (value & (1 << count) - 1) << (16 - total)
        if total >= 8:
            self.parts.append(np.array([word >> 8], np.uint8))
            self.open = word & 0xFF
        else:
            self.open = word >> 8
        self.length += count

    def finish(self) -> bytes:
        """Give what was recorded; the last octet is filled with zeros."""
        tail = [np.array([self.open], np.uint8)] if self.length % 8 else []
        return np.concatenate([*self.parts, *tail]).tobytes() if self.parts or tail else b""


def record(units: NDArray[np.uint8], wrong: NDArray[np.int64], wear: Wear, rng: np.random.Generator) -> Recording:
    """Lay the units of a pass on tape, with all that happens on the way."""
    tape = _Tape()
    corrected, bits = wrong.copy(), np.full(len(units), -1, np.int64)
    special = {*wear.lost, *wear.cut, *wear.slips, *wear.torn, *wear.noise, *wear.inverted, len(units)}
    row = 0
    while row < len(units):
        stop = min(place for place in special if place > row)
        if row in wear.noise:
            tape.octets(rng.integers(0, 256, wear.noise[row]).astype(np.uint8))
        if row in wear.slips:
            tape.few(int(rng.integers(0, 128)), wear.slips[row])
        if row in wear.lost:
            corrected[row] = LOST
            row += 1
            continue
        if row in wear.cut or row in wear.torn:
            stop = row + 1
        bits[row:stop] = tape.length + 8 * units.shape[1] * np.arange(stop - row)
        data = units[row:stop].ravel()
        if wear.inverted[0] <= row < wear.inverted[1]:
            data = ~data
        if row in wear.cut:
            corrected[row] = -1
            tape.octets(data[: wear.cut[row]])
        elif row in wear.torn:
            corrected[row] = -1
            place, count = wear.torn[row]
            tape.octets(data[:place])
            tape.few(int(rng.integers(0, 128)), count)
            tape.octets(data[place:])
        else:
            tape.octets(data)
        row = stop
    return Recording(data=tape.finish(), corrected=corrected, bits=bits)


def describe(wear: Wear) -> dict[str, Any]:
    """Say in plain numbers what was done."""
    return {
        "lost": sorted(wear.lost),
        "hopeless": sorted(wear.hopeless),
        "cut": {str(row): octets for row, octets in sorted(wear.cut.items())},
        "slips": {str(row): bits for row, bits in sorted(wear.slips.items())},
        "torn": {str(row): list(how) for row, how in sorted(wear.torn.items())},
        "noise": {str(row): octets for row, octets in sorted(wear.noise.items())},
        "inverted": list(wear.inverted),
        "marker_bits": {str(row): list(bits) for row, bits in sorted(wear.marker_bits.items())},
    }
