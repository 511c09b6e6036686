"""Processes what arrives in landing folders, until it is told to stop.

Arrivals are taken in cohorts, the oldest first: as much as is processed in some seconds, or what came while one cohort was being
processed. Within a cohort a gathering stage waits for those that feed it, so it runs once; between cohorts nothing waits, so products
appear while data keep arriving. Of a cohort the urgent part is done first, and the rest gives way when more has arrived. Stages that are
made from a whole set begin when nothing else is to do and nothing new has come, or after max(30 s, 10 x what is due of all of them will
take); what has arrived does not wait for their end, where there is more than one thread.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipeline.drive import Run
from pipeline.errors import InterruptedRunError
from pipeline.landing import Landing

__all__ = ["Cohort", "watch"]

LEAST_PAUSE = 30.0
"""Seconds between two rounds of the settled stages while data keep coming."""

FIRST_COHORT = 64 << 20
"""Bytes, before anybody knows how quickly they are processed."""
COHORT_SECONDS = 20.0

REST_PATIENCE = 600.0
"""Seconds for which what is not urgent may give way to new arrivals."""

LONGEST_PAUSE = 30.0


class _Waits(Protocol):
    def wait(self, seconds: float) -> None:
        """Return after so many seconds, or earlier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """What one round did, for those who report it."""

    taken: int
    made: int
    seconds: float
    waiting: int
    """Files in the landing folders that are not complete yet."""


def watch(
    run: Run,
    landing: Landing,
    waker: _Waits,
    *,
    once: bool = False,
    level: str | None = None,
    link: str | None = None,
    tell: Callable[[Cohort], None],
    poll_seconds: float = 1.0,
) -> None:
    """Take in and process what lands.

    once         end when everything that is there has been processed
    level, link  what the operator says that the files are; None: find out
    tell         is called after each round that did something
    Raises InterruptedRunError when `run.stop` is set.
    """
    settled = frozenset(name for name, spec in run.catalog.registry.stages.items() if spec.settled)
    backlog = _Backlog(landing)
    closed: dict[str, str] = {}
    made, taken = run.summary.made.total(), run.summary.taken
    while True:
        begin = time.monotonic()
        arrived, size = backlog.take()
        for folder in landing.closed.keys() - closed.keys():
            run.note(f"{folder}: cannot be read: {landing.closed[folder]}. What lands there waits until it can")
        closed = landing.closed
        if arrived:
            run.admit_landed(arrived, level=level, link=link)
        stages = run.paced(quiet=not arrived and not backlog, pause=LEAST_PAUSE)
        urgent = run.profile.priorities.urgent
        if urgent:
            run.work(stages=stages - settled, background=settled, most=urgent)
        run.work(stages=stages, background=settled, pressed=backlog.presses if urgent else lambda: False)
        seconds = time.monotonic() - begin
        backlog.learn(size, seconds)
        # What was made in the background is told together.
        if run.summary.taken > taken or (run.summary.made.total() > made and not run.unfinished):
            counts = {"taken": run.summary.taken - taken, "made": run.summary.made.total() - made}
            made, taken = run.summary.made.total(), run.summary.taken
            tell(Cohort(**counts, seconds=seconds, waiting=landing.pending + len(backlog)))
        if run.stop:
            run.work()
            raise InterruptedRunError("stopped", remedy="What was done stays; the same command goes on")
        idle = not arrived and not backlog
        if idle and not run.unfinished:
            run.tidy()
        if idle and once and not landing.pending and not run.unfinished:
            return
        if idle:
            waker.wait(min(poll_seconds, 0.1) if run.unfinished else max(poll_seconds, backlog.pause))


class _Backlog:
    """Files that are complete and wait to be taken in, a cohort at a time: as much as is processed in some seconds."""

    def __init__(self, landing: Landing) -> None:
        self._landing = landing
        self._waiting: deque[Path] = deque()
        self._budget = float(FIRST_COHORT)
        self._looked = -1e9
        self._yielded = time.monotonic()
        self.pause = 0.0
        """Seconds to leave between scans, that looking at a large folder does not become all the work."""

    def __len__(self) -> int:
        return len(self._waiting)

    def look(self) -> None:
        """Scan."""
        begin = time.monotonic()
        self._waiting.extend(self._landing.poll())
        self._looked = time.monotonic()
        self.pause = min(LONGEST_PAUSE, 20 * (self._looked - begin))

    def take(self) -> tuple[list[Path], int]:
        """Return the oldest files, at least one if there is any, and their bytes."""
        self.look()
        taken: list[Path] = []
        size = 0
        while self._waiting and size < self._budget:
            path = self._waiting.popleft()
            with contextlib.suppress(OSError):
                size += max(1, path.stat().st_size)
                taken.append(path)
        return taken, size

    def presses(self) -> bool:
        """Say whether what has arrived should come before what is less urgent; that has its turn too, every now and then."""
        now = time.monotonic()
        if now - self._yielded > REST_PATIENCE:
            return False
        if now - self._looked > max(1.0, self.pause):
            self.look()
        return bool(self._waiting)

    def learn(self, size: int, seconds: float) -> None:
        """Note how long a cohort took, to make the next one last as long as it should."""
        if not self._waiting:
            self._yielded = time.monotonic()
        if size and seconds > 0.1:
            self._budget = max(FIRST_COHORT / 8, 0.5 * self._budget + 0.5 * COHORT_SECONDS * size / seconds)
