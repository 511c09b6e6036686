"""Deflate: other people's inflaters must give back what went in, always from the same octets."""

from __future__ import annotations

import itertools
import zlib
from itertools import pairwise
from typing import Any

import imagecodecs
import numpy as np
import pytest
from isal import isal_zlib
from numpy.typing import NDArray

from stages.formats.deflate import compress, compress_literal_part, compress_literals, compress_part, tried_strips
from stages.formats.deflate_blocks import room
from stages.formats.deflate_literals import BLOCK
from stages.formats.deflate_matches import LONGEST_RUN, MARGIN, TOKENS, WINDOW

RNG = np.random.default_rng(11)
NOISE = RNG.integers(0, 256, 4 * WINDOW, np.uint8)
LAST = b"\x03\0"
"""A block of nothing, which ends a stream."""


def octets(*parts: NDArray[np.uint8] | bytes) -> NDArray[np.uint8]:
    return np.frombuffer(b"".join(bytes(part) for part in parts), np.uint8)


def check(data: NDArray[np.uint8]) -> bytes:
    stream = bytes(compress(data))
    assert zlib.decompress(stream) == data.tobytes()
    assert isal_zlib.decompress(stream) == data.tobytes()
    assert bytes(imagecodecs.zlibng_decode(stream)) == data.tobytes()
    assert not data.size or imagecodecs.deflate_decode(stream, out=data.size) == data.tobytes()
    assert stream == bytes(compress(data))
    return stream


@pytest.mark.parametrize("kind", ["noise", "zeros", "few values", "steps", "period of seven"])
def test_every_small_size_comes_back_and_grows_by_little(kind: str) -> None:
    source = {
        "noise": NOISE[:301],
        "zeros": np.zeros(301, np.uint8),
        "few values": RNG.integers(0, 3, 301, np.uint8),
        "steps": np.repeat(np.arange(43, dtype=np.uint8), 7),
        "period of seven": np.resize(np.arange(7, dtype=np.uint8), 301),
    }[kind]
    for size in range(301):
        assert len(check(source[:size])) <= size + 11


@pytest.mark.parametrize(
    "length", [*range(254, 264), 515, 516, 517, 518, 519, *range(LONGEST_RUN - 2, LONGEST_RUN + 3), 3 * LONGEST_RUN + 261]
)
@pytest.mark.parametrize("period", [1, 3, 8])
def test_runs_of_any_length_come_back(length: int, period: int) -> None:
    run = np.resize(NOISE[:period], length)
    check(octets(run, NOISE[50:90], run))
    check(octets(NOISE[:MARGIN], run))


@pytest.mark.parametrize("size", [1 << 16, 1 << 22])
def test_a_run_takes_hardly_more_than_can_be_said_of_it(size: int) -> None:
    for period in (1, 3):
        assert len(check(np.resize(NOISE[:period], size))) < size / 1032 * 1.1 + period + 400


@pytest.mark.parametrize("gap", [WINDOW - 1, WINDOW, WINDOW + 1, 2 * WINDOW, 2 * WINDOW + 1])
def test_only_what_a_distance_reaches_is_repeated(gap: int) -> None:
    stream = check(octets(NOISE[:gap], NOISE[:8000]))
    assert (len(stream) < gap + 1000) == (gap <= WINDOW)


@pytest.mark.parametrize(
    "size", [TOKENS - 1, TOKENS, TOKENS + 1, 2 * TOKENS, 2 * TOKENS + 1, 2 * TOKENS + MARGIN, 65_535, 65_536, 4 * TOKENS + 1]
)
@pytest.mark.parametrize("kind", ["noise", "two values", "short repeats"])
def test_what_spans_blocks_comes_back(size: int, kind: str) -> None:
    if kind == "noise":
        assert len(check(NOISE[:size])) <= min(size + 6 * (2 + size // TOKENS), room(size))
    elif kind == "two values":
        check(RNG.integers(0, 2, size, np.uint8))
    else:
        check(octets(*(octets(NOISE[k : k + 6], NOISE[k % 50 : k % 50 + 6]) for k in range(0, size // 2, 6))))


def test_repeats_at_all_distances_and_of_all_lengths_come_back() -> None:
    pieces = [NOISE[place : place + 5 + place % 290] for place in RNG.integers(0, 20_000, 4000)]
    data = octets(NOISE[:20_000], *pieces)
    assert len(check(data)) < 1.1 * len(isal_zlib.compress(data, 1))


def test_what_is_somewhere_in_a_larger_array_is_compressed_the_same() -> None:
    data = octets(*(NOISE[: 40 + k % 60] for k in range(2000)))
    for shift in range(1, 9):
        larger = np.concatenate([NOISE[:shift], data, NOISE[:9]])
        assert bytes(compress(larger[shift : shift + data.size])) == bytes(compress(data))
    for function in (compress, compress_literals):
        assert bytes(function(np.repeat(data, 3)[::3])) == bytes(function(data))


@pytest.mark.parametrize(
    "pieces", [[0], [0, 0, 5, 0], [1] * 40, [WINDOW, WINDOW, 7], [100_000, 3, 65_536, 40_000], [200_000], [17, 20_000] * 12]
)
@pytest.mark.parametrize("kind", ["noise", "repeats"])
@pytest.mark.parametrize(
    "ways", [[compress_part], [compress_literal_part], [compress_part, compress_literal_part]], ids=["searched", "literals", "in turn"]
)
def test_pieces_come_back_as_a_whole_and_from_the_same_octets(pieces: list[int], kind: str, ways: list[Any]) -> None:
    source = np.resize(NOISE if kind == "noise" else NOISE[:9000], sum(pieces))
    ends = np.cumsum([0, *pieces])

    def stream() -> bytes:
        return b"".join(way(source[begin:end]) for way, (begin, end) in zip(itertools.cycle(ways), pairwise(ends), strict=False)) + LAST

    first = stream()
    assert zlib.decompress(first, -15) == source.tobytes()
    assert isal_zlib.decompress(first, -15) == source.tobytes()
    assert first == stream()


def test_repeats_are_found_as_well_as_others_find_them() -> None:
    words = [NOISE[place : place + 6 + place % 40] for place in RNG.integers(0, 3000, 30_000)]
    data = octets(*words)
    assert len(check(data)) < 1.05 * len(isal_zlib.compress(data, 1))


@pytest.mark.parametrize("size", [0, 1, 3, 4, 511, 512, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 77])
def test_literals_alone_come_out_of_other_inflaters(size: int) -> None:
    data = np.random.default_rng(size).normal(0, 6, size).round().astype(np.int64).astype(np.uint8)
    stream = bytes(compress_literals(data))
    assert zlib.decompress(stream) == data.tobytes()
    assert isal_zlib.decompress(stream) == data.tobytes()


def test_a_part_of_literals_ends_with_an_octet_wherever_its_bits_do() -> None:
    data = np.random.default_rng(2).normal(0, 6, 64).round().astype(np.int64).astype(np.uint8)
    for size in range(64):
        part = compress_literal_part(data[:size])
        assert part.endswith(b"\0\0\xff\xff")
        assert zlib.decompress(part + part + LAST, -15) == 2 * data[:size].tobytes()


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
    check(data)


def test_noise_becomes_nearly_as_small_as_its_entropy() -> None:
    data = np.random.default_rng(1).normal(0, 5, 1 << 20).round().astype(np.int64).astype(np.uint8)
    share = np.bincount(data, minlength=256) / data.size
    bits = -np.sum(share[share > 0] * np.log2(share[share > 0]))
    assert len(compress_literals(data)) < 1.03 * data.size * bits / 8


@pytest.mark.parametrize(
    "height, strips",
    [
        (1, [(0, 1)] * 4),
        (3, [(0, 3)] * 4),
        (64, [(8, 16), (24, 32), (40, 48), (56, 64)]),
        (2048, [(256, 272), (768, 784), (1280, 1296), (1792, 1808)]),
    ],
)
def test_strips_to_try_are_spread_evenly(height: int, strips: list[tuple[int, int]]) -> None:
    rows = np.repeat(np.arange(height, dtype="<u2")[:, None], 5, axis=1)
    assert [strip.tobytes() for strip in tried_strips(rows)] == [rows[start:stop].tobytes() for start, stop in strips]
