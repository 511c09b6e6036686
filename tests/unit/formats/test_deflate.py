"""Huffman codes alone: other people's inflaters must give back what went in."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from isal import isal_zlib

from stages.formats.deflate import BLOCK, LONGEST, _code_lengths, compress_literals


@pytest.mark.parametrize("size", [0, 1, 3, 4, 511, 512, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 77])
def test_what_went_in_comes_out_of_other_inflaters(size: int) -> None:
    data = np.random.default_rng(size).normal(0, 6, size).round().astype(np.int64).astype(np.uint8)
    stream = bytes(compress_literals(data))
    assert zlib.decompress(stream) == data.tobytes()
    assert isal_zlib.decompress(stream) == data.tobytes()


@pytest.mark.parametrize("kind", ["one value", "all values", "two values", "rare values between the counted runs", "doubling counts"])
def test_any_distribution_of_bytes_comes_back(kind: str) -> None:
    rng = np.random.default_rng(5)
    data = np.zeros(BLOCK + 4321, np.uint8)
    if kind == "all values":
        data = rng.integers(0, 256, data.size).astype(np.uint8)
    elif kind == "two values":
        data[::3] = 255
    elif kind == "rare values between the counted runs":
        data[600:856] = np.arange(256)
    elif kind == "doubling counts":
        data = np.minimum(rng.geometric(0.5, data.size) - 1, 255).astype(np.uint8)
    assert zlib.decompress(compress_literals(data)) == data.tobytes()


def test_no_code_is_longer_than_four_of_them_in_a_register_and_none_is_wasted() -> None:
    fibonacci = [1, 1]
    while len(fibonacci) < 60:
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    counts = np.array([*fibonacci, *[1] * 197], np.int64)
    lengths = np.zeros(257, np.int64)
    _code_lengths(counts, lengths, np.zeros((3, 514), np.int64))
    assert lengths.max() <= LONGEST
    assert sum(2.0**-length for length in lengths) == 1


def test_noise_becomes_nearly_as_small_as_its_entropy() -> None:
    data = np.random.default_rng(1).normal(0, 5, 1 << 20).round().astype(np.int64).astype(np.uint8)
    share = np.bincount(data, minlength=256) / data.size
    bits = -np.sum(share[share > 0] * np.log2(share[share > 0]))
    assert len(compress_literals(data)) < 1.03 * data.size * bits / 8
