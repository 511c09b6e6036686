"""How long tasks take, and so how many go together: enough to be worth their sending, few enough for results to come steadily."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["LARGEST_BATCH", "Pace"]

BATCH_SECONDS = 0.5
"""How long a batch should take: well over what Dask adds to a task, short enough that results come steadily."""

LEAST_SECONDS = 0.1
"""Work of a stage that waits for more, if there is less of it and other work to be done."""

LARGEST_BATCH = 128
"""Tasks in one batch, however short they are."""


class Pace:
    """Learns how long a task of each stage takes."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    def took(self, stage: str, seconds: float) -> None:
        """Learn from a task that was done."""
        self._seconds[stage] = 0.5 * self._seconds.get(stage, seconds) + 0.5 * seconds

    def of(self, stage: str) -> float | None:
        """Say how many seconds a task of a stage takes; None if there was none yet."""
        return self._seconds.get(stage)

    def is_short(self, stage: str) -> bool:
        """Say whether its tasks are known to be short enough to be done behind others, in the same batch."""
        return self._seconds.get(stage, BATCH_SECONDS) < BATCH_SECONDS

    def enough(self, stage: str) -> int:
        """Say from how many tasks on a batch is worth making while there is other work; one, to learn from, if nothing is known."""
        each = self._seconds.get(stage)
        return 1 if each is None else min(LARGEST_BATCH, -int(-LEAST_SECONDS // max(each, 1e-6)))

    def together(self, stage: str, behind: Iterable[str]) -> int:
        """Say how many tasks make a batch of the right length, what follows each of them counted; one if nothing is known."""
        each = self._seconds.get(stage)
        if each is None:
            return 1
        each += sum(self._seconds[name] for name in behind)
        return int(max(1, min(LARGEST_BATCH, BATCH_SECONDS / max(each, 1e-6))))
