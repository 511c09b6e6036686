"""The pseudo-randomisers of telemetry: 255 bits, and 131071 bits since 2023 (CCSDS 131.0-B-5 section 10)."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, TypeAlias, get_args

import numpy as np

from pipeline.errors import DataError, ProfileError
from stages.formats.octets import Bytes, check_octets

__all__ = ["Sequence", "derandomize", "pseudo_noise"]

Sequence: TypeAlias = Literal["none", "ccsds-255", "ccsds-131071"]

_REGISTERS: dict[str, tuple[int, tuple[int, ...], int]] = {
    # x^8 + x^7 + x^5 + x^3 + 1: bit n + 8 is the sum of bits n, n + 3, n + 5 and n + 7; it starts with ones.
    "ccsds-255": (8, (0, 3, 5, 7), 0xFF),
    # x^17 + x^14 + 1: bit n + 17 is the sum of bits n and n + 14; the first 17 are those of 0x18E38, lowest first.
    "ccsds-131071": (17, (0, 14), 0x18E38),
}


@lru_cache(maxsize=16)
def pseudo_noise(length: int, sequence: Sequence = "ccsds-255") -> Bytes:
    """Return the first octets of a sequence, (length,) uint8, read-only. Raises ProfileError for an unknown one."""
    if sequence == "none":
        octets = np.zeros(length, np.uint8)
    elif sequence in _REGISTERS:
        octets = np.packbits(np.resize(_bits(sequence, 8 * length), 8 * length))
    else:
        raise ProfileError(f"{sequence!r} is not one of {', '.join(get_args(Sequence))}", where="randomizer")
    octets.flags.writeable = False
    return octets


def _bits(sequence: str, count: int) -> Bytes:
    """Return as many bits as asked for, but one period at most."""
    degree, taps, first = _REGISTERS[sequence]
    bits = [first >> n & 1 for n in range(degree)]
    for n in range(min(count, (1 << degree) - 1) - degree):
        bits.append(sum([bits[n + tap] for tap in taps]) & 1)
    return np.array(bits, np.uint8)


def derandomize(frames: Bytes, *, sequence: Sequence = "ccsds-255") -> Bytes:
    """Take the randomiser off, in place; the same call puts it on.

    frames    (n, length) uint8, writeable: frames or codeblocks, without marker; the sequence starts anew with each
    sequence  "ccsds-255", "ccsds-131071" or "none"

    Returns the same array. Raises DataError for an array of another shape or type, ProfileError for an unknown sequence.
    """
    check_octets(frames, "frames", dimensions=2)
    if not frames.flags.writeable:
        raise DataError("frames: read-only", remedy="Give a writeable array: the randomiser is taken off in place")
    noise = pseudo_noise(frames.shape[1], sequence)
    if sequence != "none":
        np.bitwise_xor(frames, noise, out=frames)
    return frames
