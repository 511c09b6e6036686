"""The fast check of codewords against the division, and the way without it against both."""

from __future__ import annotations

import numpy as np
import pytest

from stages.frames import codeword_check, reed_solomon
from stages.frames.codeword_check import ALL, root_matrices, suspect_codewords
from stages.frames.galois_field import EXPONENT, TO_CONVENTIONAL, TO_DUAL, product
from stages.frames.vector_instructions import has_vectors

CODES = [(32, True), (32, False), (16, True), (16, False)]


@pytest.fixture
def without_vectors(monkeypatch):
    monkeypatch.setattr(codeword_check, "has_vectors", lambda: False)


@pytest.mark.parametrize("parity, dual_basis", CODES)
def test_matrices_multiply_by_the_roots(parity, dual_basis):
    matrices = root_matrices(parity, dual_basis=dual_basis)
    symbols = np.arange(256, dtype=np.uint8)
    for k, matrix in enumerate(matrices):
        root = EXPONENT[11 * (128 - parity // 2 + k % parity) % 255]
        rows = matrix[::-1]
        image = sum((np.bitwise_count(rows[bit] & symbols) & 1) << bit for bit in range(8)).astype(np.uint8)
        expected = TO_DUAL[product(TO_CONVENTIONAL[symbols], root)] if dual_basis else product(symbols, root)
        assert (image == expected).all()


@pytest.mark.parametrize("parity, dual_basis", CODES)
@pytest.mark.parametrize("interleave", [1, 2, 3, 4, 5, 6, 7, 8])
@pytest.mark.parametrize("rows", [1, 2, 3, 8])
def test_exactly_the_spoiled_codewords_are_suspected(parity, dual_basis, interleave, rows):
    if not has_vectors():
        pytest.skip("this processor has no such instructions")
    rng = np.random.default_rng(interleave * rows)
    fill = int(rng.integers(0, 60))
    data = rng.integers(0, 256, (rows, interleave * (255 - parity - fill)), np.uint8)
    blocks = reed_solomon.encode(data, interleave=interleave, parity=parity, dual_basis=dual_basis, virtual_fill=fill)
    assert not suspect_codewords(blocks, interleave, parity, dual_basis=dual_basis).any()
    spoiled = rng.random((rows, interleave)) < 0.4
    for row, codeword in zip(*np.nonzero(spoiled), strict=True):
        place = rng.integers(0, 255 - fill) * interleave + codeword
        blocks[row, place] ^= rng.integers(1, 256)
    suspects = suspect_codewords(blocks, interleave, parity, dual_basis=dual_basis)
    assert ((suspects[:, None] >> np.arange(0, 8 * interleave, 8, dtype=np.uint64) & np.uint64(0xFF) > 0) == spoiled).all()
    assert not (suspects >> np.uint64(8 * interleave - 1) >> np.uint64(1)).any()


@pytest.mark.parametrize("parity, dual_basis", CODES)
@pytest.mark.parametrize("interleave", [1, 5, 8])
def test_both_ways_decode_alike(parity, dual_basis, interleave, monkeypatch):
    rng = np.random.default_rng(interleave)
    parameters = {"interleave": interleave, "parity": parity, "dual_basis": dual_basis}
    blocks = reed_solomon.encode(rng.integers(0, 256, (30, interleave * (255 - parity)), np.uint8), **parameters)
    for row in blocks[::2]:
        places = rng.choice(row.size, rng.integers(0, 1 + parity * interleave), replace=False)
        row[places] ^= rng.integers(1, 256, len(places), np.uint8)
    fast = reed_solomon.decode(blocks, **parameters)
    monkeypatch.setattr(codeword_check, "has_vectors", lambda: False)
    portable = reed_solomon.decode(blocks, **parameters)
    assert (fast[0] == portable[0]).all()
    assert (fast[1] == portable[1]).all()
    assert {-1, 0} <= set(fast[1].tolist())


@pytest.mark.usefixtures("without_vectors")
def test_without_the_instructions_all_are_suspected():
    assert (suspect_codewords(np.zeros((3, 510), np.uint8), 2, 32, dual_basis=True) == ALL).all()


def test_no_blocks_no_suspects():
    assert suspect_codewords(np.zeros((0, 255), np.uint8), 1, 32, dual_basis=True).shape == (0,)


def test_a_processor_that_numba_was_told_of_is_not_trusted(monkeypatch):
    import numba

    monkeypatch.setattr(numba.config, "CPU_NAME", "generic")
    has_vectors.cache_clear()
    try:
        assert not has_vectors()
    finally:
        monkeypatch.undo()
        has_vectors.cache_clear()
