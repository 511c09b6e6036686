"""Deflate: whatever goes in, whole or in pieces, other people's inflaters give it back."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from isal import isal_zlib
from numpy.typing import NDArray

from stages.formats.deflate import compress, compress_literal_part, compress_literals, compress_part

SOURCE = np.random.default_rng(8).integers(0, 256, 40_000, np.uint8)
PARTS = st.one_of(
    st.binary(max_size=60),
    st.tuples(st.binary(min_size=1, max_size=9), st.integers(1, 3000)).map(lambda run: (run[0] * run[1])[: run[1]]),
    st.tuples(st.integers(0, 39_000), st.integers(1, 900)).map(lambda cut: SOURCE[cut[0] : cut[0] + cut[1]].tobytes()),
    st.sampled_from([SOURCE.tobytes(), SOURCE[:32_768].tobytes(), bytes(20_000)]),
)
DATA = st.lists(PARTS, max_size=12).map(lambda parts: np.frombuffer(b"".join(parts), np.uint8))


@settings(max_examples=300)
@given(DATA)
def test_all_data_come_back_and_never_grow_by_much(data: NDArray[np.uint8]) -> None:
    stream = bytes(compress(data))
    assert zlib.decompress(stream) == data.tobytes()
    assert isal_zlib.decompress(stream) == data.tobytes()
    assert len(stream) <= data.size + 11 + 6 * (data.size // 32_768)
    assert stream == bytes(compress(data.copy()))
    assert zlib.decompress(compress_literals(data)) == data.tobytes()


@settings(max_examples=200)
@given(DATA, st.lists(st.tuples(st.floats(0, 1), st.sampled_from([compress_part, compress_literal_part])), max_size=6))
def test_any_pieces_make_the_whole(data: NDArray[np.uint8], cuts: list[tuple[float, Callable[[NDArray[np.uint8]], bytes]]]) -> None:
    ends = [0, *sorted(int(cut * data.size) for cut, _ in cuts), data.size]
    ways = [compress_part, *(way for _, way in cuts)]
    streams = [b"".join(way(data[begin:end]) for way, (begin, end) in zip(ways, pairwise(ends), strict=True)) + b"\x03\0" for _ in range(2)]
    assert zlib.decompress(streams[0], -15) == data.tobytes()
    assert streams[0] == streams[1]
