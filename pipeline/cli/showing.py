"""How far a command has come, on standard error: a line that is drawn over on a terminal, else one now and then."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator, Mapping

import click

from pipeline.drive import Progress

__all__ = ["showing_progress"]


class _Quiet:
    """Progress where there is no terminal: a line every ten seconds."""

    def __init__(self) -> None:
        self._done = 0
        self._last = time.monotonic()

    def advance(self, stage: str, done: int, due: Mapping[str, int]) -> None:
        self._done += done
        if time.monotonic() - self._last > 10:
            self._last = time.monotonic()
            click.echo(f"{self._done} tasks done, {sum(due.values())} known to be due; at {stage}", err=True)

    def note(self, text: str) -> None:
        click.echo(text, err=True)


class _Bar:
    """Progress on a terminal: one line that is drawn over."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        self._bar = RichProgress(
            TextColumn("[bold]{task.description:<24}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task("starting", total=None)
        self._done = 0
        self._bar.start()

    def advance(self, stage: str, done: int, due: Mapping[str, int]) -> None:
        self._done += done
        self._bar.update(self._task, description=stage, completed=self._done, total=self._done + sum(due.values()))

    def note(self, text: str) -> None:
        self._bar.console.print(text, highlight=False, markup=False)

    def stop(self) -> None:
        self._bar.stop()


@contextlib.contextmanager
def showing_progress() -> Iterator[Progress]:
    """Give the progress that suits standard error."""
    if not sys.stderr.isatty():
        yield _Quiet()
        return
    bar = _Bar()
    try:
        yield bar
    finally:
        bar.stop()
