"""The Reed-Solomon codes of telemetry: (255, 223) and (255, 239), both bases, interleaved and shortened (CCSDS 131.0-B-5 section 4)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ProfileError
from stages.formats.octets import Bytes, byte_rows
from stages.frames.code_tables import code_tables
from stages.frames.codeword import correct_rows, encode_rows
from stages.frames.codeword_check import suspect_codewords
from stages.frames.correction import Errors

__all__ = ["decode", "encode"]


def decode(
    codeblocks: Bytes, *, interleave: int, parity: int = 32, dual_basis: bool = True, virtual_fill: int = 0
) -> tuple[Bytes, NDArray[np.int32]]:
    """Check codeblocks and correct what can be corrected.

    codeblocks    (n, interleave * (255 - virtual_fill)) uint8; symbol i of codeword c stands at i * interleave + c (4.3.5)
    interleave    codewords of a codeblock, 1 to 8
    parity        check symbols of a codeword: 32 corrects 16 wrong ones, 16 corrects 8
    dual_basis    symbols are in Berlekamp's basis (4.4), as the standard wants; else in powers of alpha
    virtual_fill  zeros in front of each codeword that are not sent (4.3.7)

    Returns the data, (n, interleave * (255 - parity - virtual_fill)) uint8, and how many symbols were put right, (n,) int32: the sum
    over the codewords, parity included, or -1 if any codeword has more wrong symbols than the code can tell. Such a codeword is
    returned as received; others of its block are still corrected.

    Raises DataError for an array of another shape or type, ProfileError for parameters outside the standard.
    """
    data_length = _data_length(interleave, parity, virtual_fill)
    blocks = byte_rows(codeblocks, "codeblocks", length=data_length + interleave * parity)
    data = blocks[:, :data_length].copy()
    corrected = np.zeros(len(blocks), np.int32)
    suspects = suspect_codewords(blocks, interleave, parity, dual_basis=dual_basis)
    correct_rows(blocks, suspects, interleave, code_tables(parity, dual_basis=dual_basis), Errors.room(), data, corrected)
    return data, corrected


def encode(data: Bytes, *, interleave: int, parity: int = 32, dual_basis: bool = True, virtual_fill: int = 0) -> Bytes:
    """Append the check symbols: the inverse of `decode`.

    data  (n, interleave * (255 - parity - virtual_fill)) uint8

    Returns (n, interleave * (255 - virtual_fill)) uint8. Raises DataError and ProfileError as `decode` does.
    """
    data_length = _data_length(interleave, parity, virtual_fill)
    rows = byte_rows(data, "data", length=data_length)
    blocks = np.empty((len(rows), data_length + interleave * parity), np.uint8)
    blocks[:, :data_length] = rows
    encode_rows(blocks, interleave, parity, code_tables(parity, dual_basis=dual_basis).division)
    return blocks


def _data_length(interleave: int, parity: int, virtual_fill: int) -> int:
    if parity not in {16, 32}:
        raise ProfileError(f"{parity} check symbols", where="reed_solomon", remedy="The standard has 32 and 16")
    if not 1 <= interleave <= 8:
        raise ProfileError(f"{interleave} codewords interleaved", where="interleave", remedy="Give 1 to 8")
    if not 0 <= virtual_fill < 255 - parity:
        raise ProfileError(f"{virtual_fill} symbols of fill", where="virtual_fill", remedy=f"Give 0 to {254 - parity}")
    return interleave * (255 - parity - virtual_fill)
