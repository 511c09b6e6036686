"""The field GF(256) of the CCSDS Reed-Solomon code, its two bases and its generator polynomials (CCSDS 131.0-B-5 section 4.3, annex F).

Symbols are numbers in the conventional basis (powers of alpha) unless a name says dual. Every array is a read-only constant.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from stages.formats.octets import Bytes

__all__ = [
    "EXPONENT",
    "LOGARITHM",
    "ROOT_STEP",
    "TO_CONVENTIONAL",
    "TO_DUAL",
    "ZERO_LOGARITHM",
    "first_root",
    "generator",
    "product",
]

FIELD_POLYNOMIAL = 0x187
"""x^8 + x^7 + x^2 + x + 1 (131.0-B section 4.3.2)."""
ROOT_STEP = 11
"""The code's roots are consecutive powers of alpha^11 (131.0-B section 4.3.3)."""
ZERO_LOGARITHM = 512
"""Stands for the logarithm of zero: any sum of two logarithms with it lands where EXPONENT is zero, so products need no test."""


def _exponents() -> Bytes:
    powers = [1]
    for _ in range(254):
        doubled = powers[-1] << 1
        powers.append(doubled ^ FIELD_POLYNOMIAL if doubled & 0x100 else doubled)
    table = np.zeros(2 * ZERO_LOGARITHM + 1, np.uint8)
    table[:510] = powers * 2
    table.flags.writeable = False
    return table


def _logarithms(exponents: Bytes) -> NDArray[np.uint16]:
    table = np.full(256, ZERO_LOGARITHM, np.uint16)
    table[exponents[:255]] = np.arange(255)
    table.flags.writeable = False
    return table


def _basis_change(images: str) -> Bytes:
    """Tabulate a linear map of symbols from the images of their bits, most significant first."""
    table = np.zeros(256, np.uint8)
    for bit, image in enumerate(reversed(bytes.fromhex(images))):
        table[1 << bit : 2 << bit] = table[: 1 << bit] ^ image
    table.flags.writeable = False
    return table


EXPONENT = _exponents()
"""(1025,) uint8: alpha^i for i below 510, zero from 512 on."""
LOGARITHM = _logarithms(EXPONENT)
"""(256,) uint16: i of alpha^i; ZERO_LOGARITHM for zero."""
TO_DUAL = _basis_change("8DEFEC86FA99AF7B")
"""(256,) uint8: a symbol in the dual basis (131.0-B annex F)."""
TO_CONVENTIONAL = _basis_change("C5422EFDF079ACCC")
"""(256,) uint8: the inverse."""


def product(a: NDArray[np.integer] | int, b: NDArray[np.integer] | int) -> Bytes:
    """Multiply symbols, with numpy's broadcasting; uint8."""
    result: Bytes = EXPONENT[LOGARITHM[a].astype(np.intp) + LOGARITHM[b]]
    return result


def first_root(parity: int) -> int:
    """Return j of the first root alpha^(11 j): the `parity` consecutive roots stand around j = 128 (131.0-B section 4.3.3)."""
    return 128 - parity // 2


@cache
def generator(parity: int) -> bytes:
    """Return the generator polynomial's coefficients, highest power first: `parity` + 1 symbols, the first of them 1."""
    coefficients = np.array([1], np.uint8)
    for j in range(first_root(parity), first_root(parity) + parity):
        root = int(EXPONENT[ROOT_STEP * j % 255])
        coefficients = np.append(coefficients, np.uint8(0)) ^ np.append(np.uint8(0), product(coefficients, root))
    return coefficients.tobytes()
