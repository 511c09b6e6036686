"""The disk is full at any write: the run stops with 74 and says what is missing, nothing is damaged, and the next run goes on."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from pipeline import ledger, staging
from pipeline.catalog import Catalog
from pipeline.drive import Run
from pipeline.errors import ExitCode, StorageError
from pipeline.executors import SyncExecutor, make_executor
from pipeline.mission import Profile
from pipeline.receipt import Journal
from pipeline.settings import Settings
from pipeline.store import Store
from pipeline.testing.comparators import tree_digests
from pipeline.testing.quiet import Quiet
from pipeline.testing.toys import toy_registry

REGISTRY = toy_registry()
TAPES = {"a.part000.txt": "alpha beta ga", "a.part001.txt": "mma boom ", "b.txt": "banana avocado ", "c.txt": "apple cherry "}


class Disk:
    """Takes so many writes of all kinds, and then none until there is room again."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.room = 1 << 30
        monkeypatch.setattr(ledger, "GROUP_SECONDS", 3600.0)
        monkeypatch.setattr(ledger, "LONGEST_GROUP_SECONDS", 3600.0)
        full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        for owner, name in ((os, "replace"), (os, "fsync"), (Path, "write_bytes"), (Path, "mkdir"), (staging.Pack, "write")):
            monkeypatch.setattr(owner, name, self._wrap(getattr(owner, name), full))
        monkeypatch.setattr(Journal, "_open", self._wrap(Journal._open, full))
        noted = sqlite3.OperationalError("database or disk is full")
        noted.sqlite_errorcode = sqlite3.SQLITE_FULL
        monkeypatch.setattr(Catalog, "set_meta", self._wrap(Catalog.set_meta, noted))

    def _wrap(self, real, error):
        def write(*args, **kwargs):
            self.count += 1
            if self.count > self.room:
                raise error
            return real(*args, **kwargs)

        return write


def run(folder: Path, executor, keep: str = "all") -> Run:
    settings = Settings(mission="toy", stages={"run": {"keep": keep}})
    profile = Profile(name="toy", tables={})
    with Run(Store(folder / "out").create(), REGISTRY, profile, settings, executor=executor, progress=Quiet()) as one:
        one.admit([folder / "tapes"])
        one.work()
    return one


def tapes(folder: Path) -> None:
    (folder / "tapes").mkdir(parents=True)
    for name, text in TAPES.items():
        (folder / "tapes" / name).write_text(text)


@pytest.mark.parametrize("keep", ["all", "final"])
def test_at_every_write_the_disk_may_be_full(tmp_path, monkeypatch, keep):
    disk = Disk(monkeypatch)
    tapes(tmp_path / "calm")
    Store(tmp_path / "calm" / "out").create()
    disk.count = 0
    run(tmp_path / "calm", SyncExecutor, keep)
    writes, wanted = disk.count, tree_digests(tmp_path / "calm" / "out")
    assert writes > 40
    for room in range(0, writes, 3):
        folder = tmp_path / f"{room}"
        tapes(folder)
        Store(folder / "out").create()
        disk.count, disk.room = 0, room
        error = None
        try:
            run(folder, SyncExecutor, keep)
        except StorageError as raised:
            error = raised
        # What has waited for a while is committed: a run that took less time writes a little less often, and may have had room.
        assert (error is not None) == (disk.count > room)
        assert error is None or (error.exit_code is ExitCode.STORAGE and "No space left on device" in str(error))
        assert error is not None or room > writes // 2
        disk.room = 1 << 30
        half = tree_digests(folder / "out")
        assert {path: digest for path, digest in wanted.items() if path in half and path != "MANIFEST.sha256"}.items() <= half.items()
        run(folder, SyncExecutor, keep)
        assert tree_digests(folder / "out") == wanted, f"full after {room} writes of {writes}"
        assert run(folder, SyncExecutor, keep).summary.idle
        shutil.rmtree(folder)


def test_it_says_how_much_is_missing_and_what_gives_room(tmp_path, monkeypatch):
    tapes(tmp_path)
    run(tmp_path, SyncExecutor)
    (tmp_path / "tapes" / "d.txt").write_text("delta dog ")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1_000_000, 999_000, 1_000))

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(staging.FileSink, "path", full)
    with pytest.raises(StorageError) as caught:
        run(tmp_path, lambda: make_executor("dask", scheduler=None, jobs=1))
    said = str(caught.value)
    assert "1.0 kB are free, and the 1 tasks that are known to be due take some" in said
    assert f"skycrane gc {tmp_path}/out --keep final` gives back" in said
    assert said.endswith("Then give the same command again: it goes on where it stopped")
