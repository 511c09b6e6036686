"""Processes what arrives in landing folders, until it is told to stop.

Arrivals are taken in cohorts: what came while one cohort was being processed is the next. Within a cohort a gathering stage waits for
those that feed it, so it runs once; between cohorts nothing waits, so products appear while data keep arriving. Stages that are made
from a whole set run when a cohort leaves nothing else to do and nothing new has come, or after max(30 s, 10 x their last duration).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from pipeline.drive import Run
from pipeline.errors import InterruptedRunError
from pipeline.landing import Landing

__all__ = ["Cohort", "watch"]

LEAST_PAUSE = 30.0
"""Seconds between two rounds of the settled stages while data keep coming."""


class _Waits(Protocol):
    def wait(self, seconds: float) -> None:
        """Return after so many seconds, or earlier."""


@dataclass(slots=True)
class _Settled:
    """When the settled stages last ran, and for how long."""

    at: float = -1e9
    took: float = 0.0

    def may_run(self, now: float, *, quiet: bool) -> bool:
        return quiet or now - self.at >= max(LEAST_PAUSE, 10 * self.took)


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
    now = time.monotonic
    settled = _Settled()
    registry = run.catalog.registry
    prompt = {name for name, spec in registry.stages.items() if not spec.settled}
    behind = True
    while True:
        begin = now()
        before, taken = run.summary.made.total(), run.summary.taken
        arrived = [path for path in landing.poll() if path.exists()]
        run.admit(arrived, level=level, link=link)
        run.work(stages=prompt)
        behind = behind or run.summary.made.total() > before
        if behind and settled.may_run(now(), quiet=not arrived):
            start = now()
            run.work()
            settled.at, settled.took, behind = now(), now() - start, False
        if run.summary.taken > taken or run.summary.made.total() > before:
            made = run.summary.made.total() - before
            tell(Cohort(taken=run.summary.taken - taken, made=made, seconds=now() - begin, waiting=landing.pending))
        if run.stop:
            raise InterruptedRunError("stopped", remedy="What was done stays; the same command goes on")
        if once and not arrived and not landing.pending and not behind:
            return
        if not arrived:
            waker.wait(poll_seconds if not behind else 0.1)
