"""The message in the parachute: four rings of eighty gores, red for one, white for zero.

A ring holds eight groups of ten gores: three white ones and a number of seven bits, the highest first, clockwise as seen from below.
The words run on in a spiral: each ring begins where the one inside it ended. What a ring has left over is filled with ones.
(As decoded by many people in the week of the landing, and confirmed by the landing's engineers.)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["FILLER", "GORES", "PLACE", "WORDS", "decode", "rings"]

GORES, GROUP, FILLER = 80, 10, 127
WORDS = ("DARE", "MIGHTY", "THINGS")
PLACE = (34, 11, 58, 14, 118, 10, 31, 23)
"""34 degrees 11' 58" N, 118 degrees 10' 31" W: the Jet Propulsion Laboratory, on the outermost ring."""


def _bits(number: int) -> list[bool]:
    return [False] * 3 + [bool(number >> place & 1) for place in range(6, -1, -1)]


def rings() -> NDArray[np.bool_]:
    """Give (4, 80), innermost ring first: True where a gore is red."""
    table = np.zeros((4, GORES), bool)
    start = 0
    words: list[Sequence[int]] = [[ord(letter) - 64 for letter in word] for word in WORDS]
    for row, numbers in enumerate([*words, PLACE]):
        groups = [FILLER] * (GORES // GROUP)
        for number, value in enumerate(numbers):
            groups[(start + number) % len(groups)] = value
        table[row] = np.concatenate([_bits(value) for value in groups])
        start += len(numbers)
    return table


def decode(table: NDArray[np.bool_]) -> tuple[str, tuple[int, ...]]:
    """Read (4, 80) gores: the words, and the numbers of the outermost ring."""
    weights = 1 << np.arange(6, -1, -1)
    values = table.reshape(4, -1, GROUP)[:, :, 3:] @ weights
    text, start = [], 0
    for row in values[:3]:
        turned = np.roll(row, -(start % len(row)))
        letters = [int(value) for value in turned if value != FILLER]
        text.append("".join(chr(value + 64) for value in letters))
        start += len(letters)
    return " ".join(text), tuple(int(value) for value in values[3])
