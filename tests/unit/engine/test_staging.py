"""Where products are saved: the digest of what is put there whole is known, and is that of the file."""

from __future__ import annotations

import hashlib

import pytest

from pipeline.errors import ContractError, DataError
from pipeline.staging import FileSink, Folder, Pack

PARTS = [b"one", memoryview(b"two"), bytearray(b"three")]


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def test_what_is_put_whole_is_digested_on_its_way(folder):
    sink = FileSink(folder, "images/DDC/0001")
    sink.put(".png", iter(PARTS))
    assert sink.files[".png"].read_bytes() == b"onetwothree"
    assert sink.digests == {".png": hashlib.sha256(b"onetwothree").hexdigest()}


def test_what_may_be_written_again_is_no_longer_known(folder):
    sink = FileSink(folder, "images/DDC/0001")
    sink.put(".png", PARTS)
    sink.path(".png").write_bytes(b"other")
    assert not sink.digests
    sink.put(".png", PARTS)
    sink.put(".png", [b"again"])
    assert sink.files[".png"].read_bytes() == b"again"
    assert sink.digests == {".png": hashlib.sha256(b"again").hexdigest()}


def test_what_could_not_be_written_to_its_end_has_no_digest(folder):
    sink = FileSink(folder, "images/DDC/0001")

    def broken():
        yield b"one"
        raise DataError("no more")

    with pytest.raises(DataError, match="no more"):
        sink.put(".png", broken())
    assert not sink.digests


def test_nothing_is_put_outside_the_folder_nor_beside_a_pack(folder, tmp_path):
    with pytest.raises(DataError, match="out of the output folder"):
        FileSink(folder, "images").put("/../../x", PARTS)
    pack = Pack(tmp_path, "batch")
    with pack.stream, pytest.raises(ContractError, match="of its own"):
        pack.put(".png", PARTS)
    assert [path.name for path in tmp_path.iterdir()] == ["batch.pack"]
