"""Products are saved into folders and loaded from them without an engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.testing.saving import FolderSink


def test_what_is_written_follows_what_was_written_before(tmp_path: Path) -> None:
    sink = FolderSink(tmp_path / "new")
    sink.write(b"ab")
    sink.write(memoryview(b"c"))
    assert (tmp_path / "new" / "product").read_bytes() == b"abc"
    assert list(sink.files) == [""]


def test_a_second_product_is_not_appended_to_the_first(tmp_path: Path) -> None:
    FolderSink(tmp_path).write(b"first")
    with pytest.raises(FileExistsError, match="product"):
        FolderSink(tmp_path).write(b"second")
    assert (tmp_path / "product").read_bytes() == b"first"
    FolderSink(tmp_path, stem="other").write(b"second")
    assert (tmp_path / "other").read_bytes() == b"second"
