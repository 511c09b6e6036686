"""A crash before and after every step that changes the disk: the next run ends with the tree of an undisturbed one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from pipeline import ledger
from pipeline.drive import Run
from pipeline.executors import SyncExecutor
from pipeline.mission import Profile
from pipeline.receipt import Journal
from pipeline.settings import Settings
from pipeline.store import Store
from pipeline.testing.quiet import Quiet
from pipeline.testing.toys import toy_registry

REGISTRY = toy_registry()
TAPES = {"a.part000.txt": "alpha beta ga", "a.part001.txt": "mma boom", "b.txt": "banana avocado "}


class Killed(BaseException):
    """Like SIGKILL: nothing catches it, nothing is tidied up."""


class Failpoints:
    """Kills at the n-th change of the disk, before or after it happens."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.at = -1
        self.after = False
        self.fired = False
        # How many steps there are must not hang on how fast the machine is.
        monkeypatch.setattr(ledger, "GROUP_SECONDS", 3600.0)
        monkeypatch.setattr(ledger, "LONGEST_GROUP_SECONDS", 3600.0)
        # It is processes that die here, not machines: what was written is there.
        monkeypatch.setattr(os, "fsync", lambda _: None)
        for owner, name in ((os, "replace"), (Journal, "append"), (Store, "withdraw"), (shutil, "rmtree")):
            monkeypatch.setattr(owner, name, self._wrap(getattr(owner, name)))

    def _wrap(self, real):
        def step(*args, **kwargs):
            self.count += 1
            # One step may hold others: whether this is the one is settled before they count.
            due = self.count == self.at
            if due and not self.after:
                self.fired = True
                raise Killed
            try:
                return real(*args, **kwargs)
            finally:
                if due:
                    self.fired = True
                    raise Killed

        return step


def run(folder: Path, least: int, keep: str = "all") -> None:
    store = Store(folder / "out").create()
    settings = Settings(mission="toy", stages={"letters": {"least": least}, "run": {"keep": keep}})
    profile = Profile(name="toy", tables={})
    with Run(store, REGISTRY, profile, settings, executor=SyncExecutor, progress=Quiet()) as one:
        one.admit([folder / "tapes"])
        one.work()


def tapes(folder: Path) -> None:
    (folder / "tapes").mkdir(parents=True)
    for name, text in TAPES.items():
        (folder / "tapes" / name).write_text(text)


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in (folder / "out").rglob("*") if path.is_file() and ".skycrane" not in path.parts)
    return {str(path.relative_to(folder / "out")): path.read_bytes() for path in files}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_every_step_may_be_the_last(tmp_path, monkeypatch, after):
    points = Failpoints(monkeypatch)
    tapes(tmp_path / "calm")
    run(tmp_path / "calm", 1)
    run(tmp_path / "calm", 5)
    steps, wanted = points.count, tree(tmp_path / "calm")
    assert steps > 30
    points.after = after
    for at in range(1, steps + 1, 2):
        folder = tmp_path / f"{at}"
        tapes(folder)
        points.count, points.at, points.fired = 0, at, False
        killed = 0
        for least in (1, 5, 5):
            try:
                run(folder, least)
            except Killed:
                killed += 1
        assert points.fired, f"step {at} of {steps} never came"
        assert killed == 1
        run(folder, 5)
        assert tree(folder) == wanted, f"killed at step {at} of {steps}"
        shutil.rmtree(folder)


def test_every_step_of_pruning_and_of_making_again_may_be_the_last(tmp_path, monkeypatch):
    points = Failpoints(monkeypatch)

    def lives(folder: Path) -> None:
        run(folder, 1, "final")
        (folder / "tapes" / "a.part002.txt").write_text("bear almond ")
        run(folder, 1, "final")
        run(folder, 5, "final")

    tapes(tmp_path / "calm")
    lives(tmp_path / "calm")
    steps, wanted = points.count, tree(tmp_path / "calm")
    tapes(tmp_path / "kept")
    (tmp_path / "kept" / "tapes" / "a.part002.txt").write_text("bear almond ")
    run(tmp_path / "kept", 5)
    final = {path: data for path, data in tree(tmp_path / "kept").items() if path.startswith(("pages", "book"))}
    assert final == {path: data for path, data in wanted.items() if path.startswith(("pages", "book"))}
    assert not any(path.endswith(".words") for path in wanted)
    for at in range(1, steps + 1, 3):
        folder = tmp_path / f"{at}"
        tapes(folder)
        points.count, points.at, points.fired, points.after = 0, at, False, bool(at % 2)
        try:
            lives(folder)
        except Killed:
            (folder / "tapes" / "a.part002.txt").write_text("bear almond ")
        assert points.fired, f"step {at} of {steps} never came"
        run(folder, 5, "final")
        assert tree(folder) == wanted, f"killed at step {at} of {steps}"
        shutil.rmtree(folder)
