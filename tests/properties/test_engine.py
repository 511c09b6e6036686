"""Whatever happens to an output folder, one more run ends with the tree of a fresh one over the same inputs and settings."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from pipeline import dispatch, ledger, recognition
from pipeline.drive import Run
from pipeline.executors import SyncExecutor
from pipeline.mission import Profile
from pipeline.receipt import Journal
from pipeline.settings import Settings
from pipeline.store import Store
from pipeline.testing.quiet import Quiet
from pipeline.testing.toys import toy_registry

REGISTRY = toy_registry()
CHUNK_BYTES = 12
MEMORY = Path("/dev/shm")  # noqa: S108  no test of the disk: as quick as it gets, where there is such a thing

NAMES = ["a.part000", "a.part001", "a.part002", "b", "b.at12", "b.at24", "c", "c.at5"]
WORDS = ["alpha", "beta", "gamma?", "be", "apple", "boom!", "ga"]

names = st.sampled_from(NAMES)
folders = st.sampled_from(["", "x/", "y/"])
texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join)
places = st.integers(0, 1_000_000)


class Killed(BaseException):
    """Like SIGKILL: nothing catches it."""


@contextlib.contextmanager
def killed_at(step: int, *, after: bool) -> Iterator[None]:
    """Kill at the n-th change of the disk, before or after it happens."""
    count = 0
    patch = pytest.MonkeyPatch()

    def wrap(real: Any) -> Any:
        def change(*args: Any, **kwargs: Any) -> Any:
            nonlocal count
            count += 1
            if count == step and not after:
                raise Killed
            result = real(*args, **kwargs)
            if count == step:
                raise Killed
            return result

        return change

    for owner, name in ((Store, "publish"), (Journal, "append"), (Store, "withdraw"), (Store, "write_text"), (shutil, "rmtree")):
        patch.setattr(owner, name, wrap(getattr(owner, name)))
    try:
        yield
    finally:
        patch.undo()


def final(tree: dict[str, str]) -> dict[str, str]:
    """Leave out what is on its way: words/ and, since it lists that, the manifest."""
    return {path: digest for path, digest in tree.items() if not path.startswith("words/") and path != "MANIFEST.sha256"}


class Downlink(RuleBasedStateMachine):
    """An operator, a spacecraft and bad luck."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
        self.landing = self.folder / "landing"
        self.landing.mkdir()
        self.settings = Settings(mission="toy")
        self.tables: dict[str, Any] = {}
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(recognition, "CHUNK_BYTES", CHUNK_BYTES)
        # Nothing may depend on how quick the machine is, or an example could not be repeated.
        self.patch.setattr(ledger, "GROUP_SECONDS", 1e9)
        self.patch.setattr(ledger, "GROUP_LINES", 4)
        names = (SimpleNamespace(hex=f"{number:032x}") for number in itertools.count())
        self.patch.setattr(dispatch, "uuid", SimpleNamespace(uuid4=lambda: next(names)))

    def teardown(self) -> None:
        try:
            self.invariant()
        finally:
            self.patch.undo()
            shutil.rmtree(self.folder)

    def open(self, out: str) -> Run:
        store = Store(self.folder / out).create()
        return Run(store, REGISTRY, Profile(name="toy", tables=self.tables), self.settings, executor=SyncExecutor, progress=Quiet())

    def run(self, out: str = "out", stages: set[str] | None = None) -> Run:
        with self.open(out) as run:
            run.admit([self.landing])
            run.work(stages=stages)
        return run

    def take_in(self) -> None:
        """Scan: what is replaced, moved and replaced with nobody looking was deleted, which is not forgotten, and a fresh run lacks it."""
        self.run(stages=set())

    def tree(self, out: str) -> dict[str, str]:
        folder = self.folder / out
        return {
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*")
            if path.is_file() and ".skycrane" not in path.parts
        }

    def files(self) -> list[Path]:
        return sorted(path for path in self.landing.rglob("*") if path.is_file())

    def products(self) -> list[Path]:
        return sorted(path for path in (self.folder / "out").rglob("*.[wtpb]*") if ".skycrane" not in path.parts and path.is_file())

    def invariant(self) -> None:
        self.run()
        again = self.run()
        assert again.summary.idle
        shutil.rmtree(self.folder / "fresh", ignore_errors=True)
        self.run("fresh")
        assert self.tree("out") == self.tree("fresh")
        if self.settings.keep == "final":
            self.prunes_nothing_else()
        assert not list((self.folder / "out" / ".skycrane" / "staging").iterdir())

    def prunes_nothing_else(self) -> None:
        """What people look at is what it would be had everything been kept."""
        shutil.rmtree(self.folder / "whole", ignore_errors=True)
        self.settings.assign(REGISTRY, ["run.keep=all"])
        self.run("whole")
        self.settings.assign(REGISTRY, ["run.keep=final"])
        assert final(self.tree("out")) == final(self.tree("whole"))

    # --- what may happen ------------------------------------------------------------------------------------------------------------

    @rule(folder=folders, name=names, text=texts)
    def arrive(self, folder: str, name: str, text: str) -> None:
        path = self.landing / f"{folder}{name}.txt"
        path.parent.mkdir(exist_ok=True)
        replaced = path.exists()
        part = self.landing / "new.part"
        part.write_text(text)
        part.replace(path)
        if replaced:
            self.take_in()

    @precondition(lambda self: self.files())
    @rule(place=places, name=names)
    def duplicate(self, place: int, name: str) -> None:
        source = self.files()[place % len(self.files())]
        target = self.landing / "copies" / f"{name}.txt"
        target.parent.mkdir(exist_ok=True)
        if not target.exists():
            shutil.copyfile(source, target)

    @precondition(lambda self: self.files())
    @rule(place=places, folder=folders)
    def move(self, place: int, folder: str) -> None:
        source = self.files()[place % len(self.files())]
        target = self.landing / folder / source.name
        target.parent.mkdir(exist_ok=True)
        if not target.exists():
            source.rename(target)
            self.take_in()

    @rule()
    def process(self) -> None:
        self.run()

    @rule(stages=st.sampled_from([{"words"}, {"words", "letters"}, {"page"}, {"book"}]))
    def process_in_part(self, stages: set[str]) -> None:
        self.run(stages=stages)

    @rule(step=st.integers(1, 60), after=st.booleans())
    def crash(self, step: int, *, after: bool) -> None:
        with killed_at(step, after=after), contextlib.suppress(Killed):
            self.run()

    @precondition(lambda self: self.products())
    @rule(place=places, how=st.sampled_from(["gone", "cut", "other"]))
    def damage(self, place: int, how: str) -> None:
        path = self.products()[place % len(self.products())]
        if how == "gone":
            path.unlink()
        elif how == "cut":
            os.truncate(path, 1)
        else:
            path.write_bytes(b"x" * path.stat().st_size)

    @precondition(lambda self: list(self.folder.glob("out/.skycrane/packs/*")))
    @rule()
    def lose_a_pack(self) -> None:
        next(iter(sorted(self.folder.glob("out/.skycrane/packs/*")))).unlink()

    @rule(least=st.integers(1, 6))
    def choose(self, least: int) -> None:
        self.settings.assign(REGISTRY, [f"letters.least={least}"])

    @rule(keep=st.sampled_from(["all", "final"]))
    def retain(self, keep: str) -> None:
        self.settings.assign(REGISTRY, [f"run.keep={keep}"])

    @precondition(lambda self: (self.folder / "out").exists())
    @rule()
    def compact(self) -> None:
        with self.open("out") as run:
            run.compact()

    @rule(letter=st.sampled_from("abg*"), loud=st.booleans())
    def choose_for_one(self, letter: str, *, loud: bool) -> None:
        self.settings.assign(REGISTRY, [f"page.loud={loud}"], only=letter)

    @rule(letter=st.sampled_from("abg"), colour=st.sampled_from(["red", "green"]))
    def change_the_profile(self, letter: str, colour: str) -> None:
        self.tables = {"ink": {**self.tables.get("ink", {}), letter: {"colour": colour}}}

    @precondition(lambda self: (self.folder / "out").exists())
    @rule()
    def lose_the_catalog(self) -> None:
        for path in self.folder.glob("out/.skycrane/catalog.sqlite*"):
            path.unlink()

    @precondition(lambda self: list(self.folder.glob("out/.skycrane/receipts/*.jsonl")))
    @rule(cut=st.integers(1, 3000))
    def lose_the_last_receipts(self, cut: int) -> None:
        path = max(self.folder.glob("out/.skycrane/receipts/*.jsonl"))
        os.truncate(path, max(0, path.stat().st_size - cut))
        (self.folder / "out" / ".skycrane" / "running").write_text("{}")


Downlink.TestCase.settings = settings(max_examples=25, stateful_step_count=12, derandomize=True)
TestDownlink = Downlink.TestCase


def pruned_and_due_when_the_catalog_is_lost(downlink: Downlink) -> None:
    downlink.arrive(folder="", name="a.part000", text="alpha")
    downlink.retain(keep="final")
    downlink.process()
    downlink.choose(least=2)
    downlink.lose_the_catalog()


def left_without_inputs_when_the_journal_is_written_anew(downlink: Downlink) -> None:
    downlink.arrive(folder="", name="a.part001", text="alpha")
    downlink.process()
    downlink.duplicate(name="a.part000", place=0)
    downlink.process_in_part(stages={"page"})
    downlink.compact()
    downlink.lose_the_catalog()


@pytest.mark.parametrize("story", [pruned_and_due_when_the_catalog_is_lost, left_without_inputs_when_the_journal_is_written_anew])
def test_what_went_wrong_once(story: Callable[[Downlink], None]) -> None:
    """What a long search among all that may happen has found."""
    downlink = Downlink()
    try:
        story(downlink)
    finally:
        downlink.teardown()
