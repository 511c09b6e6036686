"""The functions that take octets refuse whatever is none, and leave what they were given as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pipeline.errors import DataError, ProfileError
from stages.frames.crc import crc16
from stages.frames.randomizer import derandomize
from stages.frames.reed_solomon import decode, encode
from stages.frames.sync import find_frames
from stages.packets.extract import extract_packets
from stages.packets.space_packets import index_packets
from stages.profile import Link

MARKER = bytes.fromhex("1ACFFC1D")

MATRICES = {
    "decode": lambda octets: decode(octets, interleave=1),
    "encode": lambda octets: encode(octets, interleave=1, virtual_fill=23),
    "derandomize": derandomize,
    "crc16": crc16,
    "extract_packets": lambda octets: extract_packets(octets, link=Link()),
}
STREAMS = {
    "find_frames": lambda octets: find_frames(octets, marker=MARKER, frame_length=16),
    "index_packets": index_packets,
}

NEITHER: list[Any] = [
    None,
    [[1, 2, 3]],
    b"\0" * 255,
    bytearray(255),
    memoryview(bytes(255)),
    np.zeros((2, 255), np.int8),
    np.zeros((2, 255), np.uint16),
    np.zeros((2, 255), ">u2"),
    np.zeros((2, 255), np.float32),
    np.zeros((2, 255), np.bool_),
    np.zeros((2, 255), np.int64) - 5,
    np.zeros((2, 2, 255), np.uint8),
    np.uint8(3),
]


@pytest.mark.parametrize("name", [*MATRICES, *STREAMS])
@pytest.mark.parametrize("given", NEITHER, ids=lambda given: getattr(given, "dtype", type(given).__name__))
def test_whatever_is_no_array_of_octets_is_refused(name, given):
    function = {**MATRICES, **STREAMS}[name]
    with pytest.raises(DataError, match=r"Give a .*array"):
        function(given)


@pytest.mark.parametrize("name", MATRICES)
def test_a_stream_is_no_matrix(name):
    with pytest.raises(DataError, match="2-dimensional"):
        MATRICES[name](np.zeros(255, np.uint8))


@pytest.mark.parametrize("name", STREAMS)
def test_a_matrix_is_no_stream(name):
    with pytest.raises(DataError, match="1-dimensional"):
        STREAMS[name](np.zeros((1, 255), np.uint8))


@pytest.mark.parametrize("name", [*(name for name in MATRICES if name != "derandomize"), *STREAMS])
def test_read_only_and_strided_octets_are_read_as_they_are(name):
    function = {**MATRICES, **STREAMS}[name]
    octets = np.random.default_rng(7).integers(0, 256, (4, 255) if name in MATRICES else 1020, np.uint8)
    if name == "encode":
        octets = octets[:, :200]
    spread = np.zeros(tuple(3 * size for size in octets.shape), np.uint8)
    spread[tuple(slice(None, None, 3) for _ in octets.shape)] = octets
    strided = spread[tuple(slice(None, None, 3) for _ in octets.shape)]
    sealed = np.frombuffer(octets.tobytes(), np.uint8).reshape(octets.shape)
    results = [repr(function(array)) for array in (octets.copy(), strided, sealed, np.asfortranarray(octets))]
    assert results[1:] == results[:1] * 3
    assert (strided == octets).all()


def test_octets_that_cannot_be_written_are_not_derandomised():
    with pytest.raises(DataError, match="in place"):
        derandomize(np.frombuffer(bytes(255), np.uint8).reshape(1, -1))


@pytest.mark.parametrize("marker", ["1ACFFC1D", 4, None, [26, 207, 252, 29], 1.5])
def test_marker_that_is_no_bytes_is_refused(marker):
    with pytest.raises(ProfileError, match="is not bytes"):
        find_frames(np.zeros(100, np.uint8), marker=marker, frame_length=16)


@pytest.mark.parametrize("marker", [bytearray(MARKER), memoryview(MARKER), np.frombuffer(MARKER, np.uint8)])
def test_marker_may_be_any_bytes(marker):
    stream = np.frombuffer(MARKER + bytes(16) + MARKER + bytes(16), np.uint8)
    assert find_frames(stream, marker=marker, frame_length=16)["bit_offset"].tolist() == [0, 160]
