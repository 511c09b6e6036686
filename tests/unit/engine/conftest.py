"""A small output folder, driven by the toy stages."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline.drive import Run
from pipeline.executors import Executor, SyncExecutor
from pipeline.landing import Landing
from pipeline.mission import Profile
from pipeline.settings import Settings
from pipeline.store import Store
from pipeline.testing.quiet import Quiet
from pipeline.testing.toys import toy_registry
from pipeline.watch import Cohort, watch

REGISTRY = toy_registry()


class Script:
    """Instead of waiting, does the next thing that happens; when all is done that follows from the last one, it stops the run."""

    def __init__(self, run: Run, steps: Sequence[Callable[[], object]]) -> None:
        self.run = run
        self.steps = list(steps)

    def wait(self, seconds: float) -> None:
        assert seconds >= 0
        if self.steps:
            self.steps.pop(0)()
        elif not self.run.unfinished:
            self.run.stop = True


class Bench:
    """Writes tapes, runs the engine, looks at the tree."""

    def __init__(self, folder: Path) -> None:
        self.tapes = folder / "tapes"
        self.tapes.mkdir()
        self.out = folder / "out"
        self.settings = Settings(mission="toy")
        self.tables: dict[str, Any] = {}
        self.registry = REGISTRY
        self.quiet = Quiet()

    def tape(self, name: str, text: str) -> Path:
        path = self.tapes / name
        path.write_text(text)
        return path

    def open(self, executor: Callable[[], Executor] = SyncExecutor) -> Run:
        store = Store(self.out).create()
        profile = Profile(name="toy", tables=self.tables)
        return Run(store, self.registry, profile, self.settings, executor=executor, progress=self.quiet)

    def run(self, *paths: Path, executor: Callable[[], Executor] = SyncExecutor) -> Run:
        with self.open(executor) as run:
            for path in paths:
                run.admit([path])
            run.work()
            run.exit_code_seen = run.exit_code(strict=False)  # type: ignore[attr-defined]
        return run

    def watch(
        self,
        run: Run,
        *steps: Callable[[], object],
        settle: float = 2.0,
        once: bool = False,
        tell: Callable[[Cohort], object] = lambda _: None,
    ) -> None:
        """Watch the tapes' folder: what was written there, and what each step adds to it."""
        watch(run, Landing([self.tapes], settle=settle), Script(run, steps), once=once, tell=tell)

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
