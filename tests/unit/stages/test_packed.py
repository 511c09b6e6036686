"""Packed products: what is written comes back, and what was damaged is told of by name."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pipeline.errors import DataError
from pipeline.product import FileRef, Key, Source
from pipeline.testing.saving import FolderSink
from stages.products.packed import (
    read_arrays,
    read_packed,
    read_pieces,
    split_masked,
    write_arrays,
    write_masked,
    write_packed,
    write_pieces,
)

HEAD = {"b": [1, 2.5, None], "a": "\N{EN DASH}\n"}


def source(path) -> Source:
    return Source(key=Key([("frame", "0001")]), files={"": FileRef(path=str(path), length=path.stat().st_size)})


def test_head_and_bytes_come_back(tmp_path):
    sink = FolderSink(tmp_path)
    write_packed(sink, HEAD, b"\n{}\n\0")
    assert read_packed(source(sink.files[""])) == (HEAD, b"\n{}\n\0")


def test_arrays_come_back_and_one_that_is_not_there_is_empty(tmp_path):
    sink = FolderSink(tmp_path)
    grid = np.arange(6, dtype=">u2").reshape(2, 3)
    write_arrays(sink, HEAD, grid, None)
    head, (first, second) = read_arrays(source(sink.files[""]), 2)
    assert head == HEAD
    assert (first.dtype, first.tolist(), second.size) == (grid.dtype, grid.tolist(), 0)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\n", b"3\n", b"[1]\n", b"[]\n", b'""\n'])
def test_a_broken_head_is_told_of(tmp_path, data):
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(DataError, match=r"0001: is broken: .*verify --repair"):
        read_packed(source(tmp_path / "a"))


@pytest.mark.parametrize("cut", [1, 40, 200])
def test_arrays_that_were_cut_are_told_of(tmp_path, cut):
    sink = FolderSink(tmp_path)
    write_arrays(sink, HEAD, np.arange(9), np.arange(9))
    path = sink.files[""]
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(DataError, match="0001: is broken"):
        read_arrays(source(path), 2)


def test_samples_and_their_mask_come_back(tmp_path):
    sink = FolderSink(tmp_path)
    samples = np.arange(27, dtype=">i4").reshape(9, 3)[::-1]
    mask = np.arange(9) % 4 == 1
    write_masked(sink, HEAD, samples, mask, "<i4")
    one = source(sink.files[""])
    head, body = read_packed(one)
    assert (head, len(body)) == (HEAD, 27 * 4 + 2)
    back, lost = split_masked(one, body, "<i4", (9, 3), (9,))
    assert (back.dtype, lost.dtype) == (np.dtype("<i4"), np.dtype(bool))
    assert (back.tolist(), lost.tolist()) == (samples.tolist(), mask.tolist())


@pytest.mark.parametrize("body", [b"", bytes(109), bytes(111)])
def test_samples_of_another_length_are_told_of(tmp_path, body):
    (tmp_path / "a").write_bytes(b"{}\n" + body)
    one = source(tmp_path / "a")
    with pytest.raises(DataError, match=r"0001: samples of shape \(9, 3\) .* do not have \d+ bytes.*verify --repair"):
        split_masked(one, read_packed(one)[1], "<i4", (9, 3), (9,))


PIECES = [({"n": 1, "a": [2, 3]}, b"\n{}\n\0"), ({}, b""), ({"n": 3}, b"x" * 300)]


def test_pieces_come_back_from_wherever_they_lie_in_a_file(tmp_path):
    sink = FolderSink(tmp_path)
    sink.write(b"{}\n before")
    write_pieces(sink, PIECES)
    write_packed(sink, HEAD, b"after")
    path, length = sink.files[""], len(json.dumps(HEAD, sort_keys=True)) + 1 + len(b"after")
    inside = FileRef(path=str(path), offset=10, length=path.stat().st_size - 10 - length)
    assert list(read_pieces(Source(key=Key([("frame", "0001")]), files={"": inside}))) == PIECES


def test_no_pieces_are_no_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"")
    assert list(read_pieces(source(tmp_path / "a"))) == []


@pytest.mark.parametrize(
    "data", [b"\n", b"3\n", b"{}\n", b'{"head": {}, "length": "3"}\nabc', b'{"head": {}, "length": -1}\nabc', b'{"length": 3}\nabc']
)
def test_a_piece_that_does_not_say_its_length_is_told_of(tmp_path, data):
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(DataError, match=r"0001: is broken: .*verify --repair"):
        list(read_pieces(source(tmp_path / "a")))


@pytest.mark.parametrize("cut", [1, 299, 310])
def test_pieces_that_were_cut_are_told_of(tmp_path, cut):
    sink = FolderSink(tmp_path)
    write_pieces(sink, PIECES)
    path = sink.files[""]
    whole = source(path)
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(DataError, match=r"0001: is broken: .*verify --repair"):
        list(read_pieces(whole))
