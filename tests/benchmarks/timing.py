"""Times a piece of work, run after run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

__all__ = ["best", "typical"]


def best(work: Callable[[], object], repeats: int = 5) -> float:
    """Seconds of the fastest run."""
    return min(_seconds(work, repeats))


def typical(work: Callable[[], object], repeats: int) -> float:
    """Median seconds of a run."""
    return statistics.median(_seconds(work, repeats))


def _seconds(work: Callable[[], object], repeats: int) -> list[float]:
    """Seconds of each run; one before them warms caches and compilers."""
    work()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return times
