"""Which files of a landing folder are complete."""

from __future__ import annotations

import contextlib
import errno
import os

import pytest

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


def taken(folder):
    """Have a file taken in that had been there for long."""
    landing, path = Landing([folder], settle=2.0), folder / "a.bin"
    path.write_bytes(b"1")
    os.utime(path, (1_000_000, 1_000_000))
    assert landing.poll(now=0.0) == [path]
    return landing, path


def test_a_file_that_grows_later_is_taken_again(tmp_path):
    landing, path = taken(tmp_path)
    path.write_bytes(b"12")
    wall = path.stat().st_mtime
    assert landing.poll(now=1.0, wall=wall) == []
    assert landing.poll(now=4.0, wall=wall + 3) == [path]


def test_a_file_of_which_only_the_inode_changes_is_offered_again(tmp_path):
    """It may have been refused because of that; and bytes may have changed whose time was put back."""
    landing, path = taken(tmp_path)
    before = path.stat().st_ctime_ns
    while path.stat().st_ctime_ns == before:
        os.utime(path, (1_000_000, 1_000_000))
    assert landing.poll(now=1.0) == []
    assert landing.poll(now=4.0) == [path]


def test_hidden_and_unfinished_files_and_marks_are_none(tmp_path):
    for name in (".hidden", "x.part", "y.tmp", "z.ready", "z.sha256"):
        (tmp_path / name).write_bytes(b"1")
        os.utime(tmp_path / name, (1, 1))
    (tmp_path / "sub").mkdir()
    inside = tmp_path / "sub" / "inside.bin"
    inside.write_bytes(b"1")
    os.utime(inside, (1, 1))
    assert Landing([tmp_path]).poll() == [inside]


def test_what_is_heard_of_is_looked_at_at_once_and_everything_now_and_then(tmp_path):
    landing = Landing([tmp_path], settle=2.0, hears=True)
    assert landing.poll(now=0.0) == []
    heard, unheard = tmp_path / "heard", tmp_path / "unheard"
    for path in (heard, unheard):
        path.write_text("x")
    landing.hear(str(heard))
    assert landing.poll(now=0.5, wall=0.0) == []
    assert landing.pending == 1, "nobody has told of the other one"
    heard.write_text("xy")
    assert landing.poll(now=1.5, wall=0.0) == []
    assert landing.pending == 2
    assert landing.poll(now=2.9, wall=0.0) == []
    assert landing.poll(now=3.5, wall=0.0) == [unheard, heard]
    assert landing.pending == 0


def test_a_file_that_was_renamed_between_two_looks_is_complete_at_once(tmp_path):
    landing = Landing([tmp_path], settle=60.0, hears=True)
    landing.poll(now=0.0)
    for unfinished in ("a.part", ".b", ".c.tmp"):
        part = tmp_path / unfinished
        part.write_text("x")
        landing.hear(str(part))
        final = tmp_path / unfinished.strip(".")[0]
        part.rename(final)
        landing.hear(str(final))
    assert sorted(path.name for path in landing.poll(now=0.1, wall=0.0)) == ["a", "b", "c"]


def test_hints_lead_nowhere_else(tmp_path):
    landing = Landing([tmp_path / "in"], settle=60.0, hears=True)
    (tmp_path / "in" / ".hidden").mkdir(parents=True)
    landing.poll(now=0.0)
    for name in ("elsewhere", "in/.hidden/x", "in/still.part", "in/gone", "in", "in/x.sha256"):
        path = tmp_path / name
        if name not in {"in/gone", "in"}:
            path.write_text("x")
        landing.hear(str(path))
    assert landing.poll(now=0.1, wall=0.0) == []
    assert landing.pending == 0
    (tmp_path / "in" / "x").write_text("x")
    landing.hear(str(tmp_path / "in" / "x.sha256"))
    assert landing.poll(now=0.2, wall=0.0) == [tmp_path / "in" / "x"], "the mark is there already"


class Vanishing:
    """An entry of a folder that has been renamed when it is looked at."""

    def __init__(self, entry: os.DirEntry[str], moment: str) -> None:
        self._entry, self._moment = entry, moment
        self.name, self.path = entry.name, entry.path

    def __getattr__(self, name: str):
        def look(**options):
            if name == self._moment:
                raise FileNotFoundError(errno.ENOENT, "No such file or directory", self.path)
            return getattr(self._entry, name)(**options)

        return look


@pytest.mark.parametrize("moment", ["stat", "is_file", "is_dir"])
def test_a_file_that_is_renamed_while_it_is_looked_at_is_none(tmp_path, monkeypatch, moment):
    stays, goes = tmp_path / "a.bin", tmp_path / "b.bin"
    for path in (stays, goes):
        path.write_bytes(b"1")
        os.utime(path, (1, 1))
    real = os.scandir

    @contextlib.contextmanager
    def listing(folder):
        with real(folder) as entries:
            yield [Vanishing(entry, moment) if entry.name == "b.bin" else entry for entry in entries]

    monkeypatch.setattr(os, "scandir", listing)
    assert Landing([tmp_path]).poll() == [stays]


def test_a_folder_that_cannot_be_read_is_named_and_the_others_are_watched(tmp_path, monkeypatch):
    for name in ("open", "shut"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.bin").write_bytes(b"1")
        os.utime(tmp_path / name / "a.bin", (1, 1))
    real = os.scandir

    def listing(folder):
        if str(folder).endswith("shut"):
            raise PermissionError(errno.EACCES, "Permission denied", folder)
        return real(folder)

    landing = Landing([tmp_path])
    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", listing)
        assert landing.poll() == [tmp_path / "open" / "a.bin"]
        assert landing.closed == {str(tmp_path / "shut"): "Permission denied"}
    assert landing.poll() == [tmp_path / "shut" / "a.bin"]
    assert not landing.closed
