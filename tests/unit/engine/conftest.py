"""A small output folder, driven by the toy stages."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline.drive import Run
from pipeline.executors import Executor, SyncExecutor
from pipeline.mission import Profile
from pipeline.settings import Settings
from pipeline.store import Store
from pipeline.testing.toys import toy_registry

REGISTRY = toy_registry()


class Quiet:
    """Hears of progress and keeps the notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def advance(self, stage: str, done: int, due: Mapping[str, int]) -> None:
        pass

    def note(self, text: str) -> None:
        self.notes.append(text)


class Bench:
    """Writes tapes, runs the engine, looks at the tree."""

    def __init__(self, folder: Path) -> None:
        self.tapes = folder / "tapes"
        self.tapes.mkdir()
        self.out = folder / "out"
        self.settings = Settings(mission="toy")
        self.tables: dict[str, Any] = {}
        self.quiet = Quiet()

    def tape(self, name: str, text: str) -> Path:
        path = self.tapes / name
        path.write_text(text)
        return path

    def open(self, executor: Callable[[], Executor] = SyncExecutor) -> Run:
        store = Store(self.out).create()
        profile = Profile(name="toy", tables=self.tables)
        return Run(store, REGISTRY, profile, self.settings, executor=executor, progress=self.quiet)

    def run(self, *paths: Path, executor: Callable[[], Executor] = SyncExecutor) -> Run:
        with self.open(executor) as run:
            for path in paths:
                run.admit([path])
            run.work()
            run.exit_code_seen = run.exit_code(strict=False)  # type: ignore[attr-defined]
        return run

    def tree(self) -> dict[str, str]:
        """Every public file and its digest."""
        return {
            str(path.relative_to(self.out)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.out.rglob("*"))
            if path.is_file() and ".skycrane" not in path.parts
        }

    def page(self, letter: str) -> str:
        return (self.out / "pages" / f"{letter}.page").read_text()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def another(tmp_path: Path) -> Callable[[str], Bench]:
    """Make further benches, to compare trees with."""

    def make(name: str) -> Bench:
        (tmp_path / name).mkdir()
        return Bench(tmp_path / name)

    return make
