"""The tables that checking and correcting a Reed-Solomon codeword look things up in, made from the field's definition when first used."""

from __future__ import annotations

from functools import cache
from math import gcd
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.formats.octets import Bytes
from stages.frames.galois_field import (
    EXPONENT,
    LOGARITHM,
    ROOT_STEP,
    TO_CONVENTIONAL,
    TO_DUAL,
    first_root,
    generator,
    product,
)

__all__ = ["CodeTables", "code_tables"]

MOST_ERRORS = 16
"""That a codeword may have: half of 32 parity symbols."""
STRIDE = 4
"""Symbols a step of the division: four tables of 8 KiB stay in the first-level cache, eight would not."""
REGISTER = 32
"""Symbols of the shift register; the code with 16 parity symbols uses the upper half."""


class CodeTables(NamedTuple):
    """What the kernels need to know of one code in one basis: a tuple, because compiled code takes those.

    Symbols of the codeword are as they were sent; syndromes, locators and the arithmetic are in the conventional basis.
    """

    parity: int
    """Check symbols of a codeword: 16 or 32."""
    division: NDArray[np.uint64]
    """(4, 256, 4): what a symbol leaves in the register, four words with the highest power first, after k + 1 steps."""
    syndromes: NDArray[np.uint64]
    """(parity, 256, parity / 8): what a symbol of the remainder, highest power first, adds to the syndromes, the last one first."""
    products: Bytes
    """(256, 256)."""
    inverses: Bytes
    """(256,): zero for zero."""
    terms: Bytes
    """(48 * 510 + 1,): powers of alpha. Stretches of it are the terms of a locator polynomial, evaluated at all places of a codeword."""
    starts: NDArray[np.uint16]
    """(16, 256): where in `terms` the values of a x^(k + 1) begin, x running through alpha^(-11 p) for p = 0, 1, ... 254."""
    roots: Bytes
    """(255,): x of each place, alpha^(-11 p)."""
    scales: Bytes
    """(255,): what Forney's quotient is multiplied by at each place, x^(first root - 1)."""
    to_symbol: Bytes
    """(256,): an error value as it stands in the codeword."""


@cache
def code_tables(parity: int, *, dual_basis: bool) -> CodeTables:
    """Make the tables of the code with 16 or 32 parity symbols."""
    symbols = np.arange(256, dtype=np.uint8)
    to_field, to_symbol = (TO_CONVENTIONAL, TO_DUAL) if dual_basis else (symbols, symbols)
    terms, starts = _locator_terms()
    places = np.arange(255)
    return CodeTables(
        parity=parity,
        division=_words(to_symbol[_division_steps(parity, to_field)]),
        syndromes=_words(_syndrome_parts(parity, to_field)),
        products=product(symbols[:, None], symbols),
        inverses=np.where(symbols > 0, EXPONENT[(255 - LOGARITHM.astype(np.intp)) % 255], 0).astype(np.uint8),
        terms=terms,
        starts=starts,
        roots=EXPONENT[-ROOT_STEP * places % 255],
        scales=EXPONENT[-ROOT_STEP * places * (first_root(parity) - 1) % 255],
        to_symbol=to_symbol,
    )


def _words(symbols: Bytes) -> NDArray[np.uint64]:
    """Pack the last axis, the first symbol into the highest octet."""
    return np.ascontiguousarray(symbols).view(">u8").astype(np.uint64)


def _division_steps(parity: int, to_field: Bytes) -> Bytes:
    taps = np.frombuffer(generator(parity)[1:].ljust(REGISTER, b"\0"), np.uint8)
    steps = np.zeros((STRIDE, 256, REGISTER), np.uint8)
    steps[0] = product(to_field[:, None], taps)
    for k in range(1, STRIDE):
        steps[k, :, :-1] = steps[k - 1, :, 1:]
        steps[k] ^= product(steps[k - 1, :, :1], taps)
    return steps


def _syndrome_parts(parity: int, to_field: Bytes) -> Bytes:
    powers = np.arange(parity - 1, -1, -1)[:, None]
    roots = ROOT_STEP * np.arange(first_root(parity) + parity - 1, first_root(parity) - 1, -1)
    return product(EXPONENT[powers * roots % 255][:, None, :], to_field[None, :, None])


@cache
def _locator_terms() -> tuple[Bytes, NDArray[np.uint16]]:
    """Make one row for each coset: where k and 255 share a factor, x^k runs through a part of the field only."""
    rows: list[Bytes] = []
    starts = np.zeros((MOST_ERRORS, 256), np.uint16)
    for k in range(1, MOST_ERRORS + 1):
        cosets = gcd(k, 255)
        period = 255 // cosets
        inverse = pow(ROOT_STEP * k // cosets, -1, period)
        for logarithm in range(255):
            lead = logarithm // cosets * inverse % period
            starts[k - 1, EXPONENT[logarithm]] = 510 * (len(rows) + logarithm % cosets) + (period - lead)
        exponents = -ROOT_STEP * k * np.arange(510)
        rows.extend(EXPONENT[(coset + exponents) % 255] for coset in range(cosets))
    return np.concatenate([*rows, np.zeros(1, np.uint8)]), starts
