"""What is an arrival in a folder."""

from __future__ import annotations

import pytest

from pipeline.errors import UsageError
from pipeline.folders import scan
from pipeline.landing import Landing


def test_folders_are_scanned_in_order_without_what_is_hidden_or_unfinished(tmp_path):
    for name in ("b.bin", "a/z.bin", "a/.hidden", ".git/x.bin", "c.part", "d.tmp", "e.partial", "f.crdownload", "a.bin"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    assert [str(path.relative_to(tmp_path)) for path, _ in scan([tmp_path])] == ["a.bin", "b.bin", "a/z.bin"]
    assert list(scan([tmp_path / "c.part"])) == [(tmp_path / "c.part", True)], "named, it is taken"
    with pytest.raises(UsageError, match="neither a file nor a folder"):
        list(scan([tmp_path / "nowhere"]))


def test_marks_are_nobodys_arrivals_whether_files_land_or_are_processed(tmp_path):
    for name in ("a.bin", "a.bin.ready", "b.bin", "b.bin.done", "c.bin", "c.bin.sha256", "gone.bin.ready"):
        (tmp_path / name).write_text("x")
    files = [tmp_path / name for name in ("a.bin", "b.bin", "c.bin")]
    assert [path for path, _ in scan([tmp_path])] == files
    assert sorted(Landing([tmp_path]).poll()) == files


def test_a_mark_that_a_shell_spells_out_is_passed_over_where_its_file_stands_beside_it(tmp_path):
    for name in ("a.bin", "a.bin.ready", "alone.done"):
        (tmp_path / name).write_text("x")
    named = [tmp_path / "a.bin", tmp_path / "a.bin.ready", tmp_path / "alone.done"]
    assert list(scan(named)) == [(tmp_path / "a.bin", True), (tmp_path / "alone.done", True)]
