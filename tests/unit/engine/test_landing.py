"""Which files of a landing folder are complete."""

from __future__ import annotations

import os

from pipeline.landing import Landing


def test_a_file_is_complete_when_it_has_been_still(tmp_path):
    landing = Landing([tmp_path], settle=2.0)
    path = tmp_path / "a.bin"
    path.write_bytes(b"1")
    wall = path.stat().st_mtime
    assert landing.poll(now=100.0, wall=wall) == []
    path.write_bytes(b"12")
    assert landing.poll(now=101.5, wall=wall + 1.5) == []
    assert landing.poll(now=103.0, wall=wall + 3.0) == []
    assert landing.pending == 1
    assert landing.poll(now=103.6, wall=wall + 3.6) == [path]
    assert landing.poll(now=104.0, wall=wall + 4.0) == []


def test_a_mark_or_a_rename_says_so_at_once(tmp_path):
    landing = Landing([tmp_path], settle=60.0)
    marked, renamed = tmp_path / "a.bin", tmp_path / "b.bin"
    marked.write_bytes(b"1")
    part = tmp_path / "b.bin.part"
    part.write_bytes(b"1")
    assert landing.poll() == []
    (tmp_path / "a.bin.ready").touch()
    part.rename(renamed)
    assert landing.poll() == [marked, renamed]


def test_what_came_while_nobody_watched_is_complete(tmp_path):
    path = tmp_path / "old.bin"
    path.write_bytes(b"1")
    os.utime(path, (1_000_000, 1_000_000))
    assert Landing([tmp_path], settle=5.0).poll() == [path]


def test_a_file_that_grows_later_is_taken_again(tmp_path):
    landing = Landing([tmp_path], settle=2.0)
    path = tmp_path / "a.bin"
    path.write_bytes(b"1")
    os.utime(path, (1_000_000, 1_000_000))
    assert landing.poll(now=0.0) == [path]
    path.write_bytes(b"12")
    wall = path.stat().st_mtime
    assert landing.poll(now=1.0, wall=wall) == []
    assert landing.poll(now=4.0, wall=wall + 3) == [path]


def test_hidden_and_unfinished_files_and_marks_are_none(tmp_path):
    for name in (".hidden", "x.part", "y.tmp", "z.ready", "z.sha256"):
        (tmp_path / name).write_bytes(b"1")
        os.utime(tmp_path / name, (1, 1))
    (tmp_path / "sub").mkdir()
    inside = tmp_path / "sub" / "inside.bin"
    inside.write_bytes(b"1")
    os.utime(inside, (1, 1))
    assert Landing([tmp_path]).poll() == [inside]
