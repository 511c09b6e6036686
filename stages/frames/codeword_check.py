"""Which codewords of a codeblock are not codewords: those need to be corrected, and in a good pass they are few.

A codeword is zero at every root of the generator polynomial. Evaluating it there needs nothing but multiplications by constants, which
are matrices over GF(2); a processor with vector instructions for those does it several times as fast as the division of
`stages.frames.codeword`. Without them every codeword is suspected, and the division tells.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stages.formats.octets import Bytes
from stages.frames.galois_field import EXPONENT, ROOT_STEP, TO_CONVENTIONAL, TO_DUAL, first_root, product
from stages.frames.vector_instructions import ROOTS, has_vectors, mark_wrong_codewords

__all__ = ["ALL", "root_matrices", "suspect_codewords"]

ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
"""Every codeword of a block is suspected."""


def suspect_codewords(blocks: Bytes, interleave: int, parity: int, *, dual_basis: bool) -> NDArray[np.uint64]:
    """Say which codewords of each block may be wrong.

    blocks  (n, interleave * symbols) uint8, C-contiguous

    Returns (n,) uint64. Octet c, counted from the lowest, is zero if codeword c is right.
    """
    suspects = np.full(len(blocks), ALL, np.uint64)
    if len(blocks) and has_vectors():
        # The last block is read beyond its end.
        last = np.zeros(blocks.shape[1] + 8, np.uint8)
        last[:-8] = blocks[-1]
        _mark_rows(blocks, last, interleave, root_matrices(parity, dual_basis=dual_basis), suspects)
    return suspects


@cache
def root_matrices(parity: int, *, dual_basis: bool) -> Bytes:
    """Give multiplication by each root as a matrix over GF(2) in the basis of the symbols, (32, 8) uint8, read-only.

    Row b of a matrix says which bits of a symbol make bit 7 - b of the product. The code of 16 roots has each of them twice.
    """
    bits = 1 << np.arange(8)
    roots = EXPONENT[ROOT_STEP * (first_root(parity) + np.arange(ROOTS) % parity) % 255]
    images = product((TO_CONVENTIONAL[bits] if dual_basis else bits)[None, :], roots[:, None])
    images = TO_DUAL[images] if dual_basis else images
    matrices: Bytes = np.packbits(np.unpackbits(images[:, :, None], axis=2), axis=1, bitorder="little")[:, 0]
    matrices.flags.writeable = False
    return matrices


@njit(cache=True, nogil=True)
def _mark_rows(blocks: Bytes, last: Bytes, interleave: int, matrices: Bytes, suspects: NDArray[np.uint64]) -> None:
    rows, length = blocks.shape
    symbols = length // interleave
    own = ALL >> np.uint64(64 - 8 * interleave)
    base, end, roots = blocks.ctypes.data, last.ctypes.data, matrices.ctypes.data
    for r in range(0, rows, 2):
        first = base + r * length if r < rows - 1 else end
        second = base + (r + 1) * length if r + 1 < rows - 1 else end
        a, b = mark_wrong_codewords(first, second, symbols, interleave, roots)
        suspects[r] = a & own
        suspects[min(r + 1, rows - 1)] = b & own
