"""Which task takes its workers down: a lost batch is halved until each task is alone, and a suspect is then tried with nothing beside it.

Workers run several batches at a time, so an innocent one may die with its neighbour as often as that one does.
"""

from __future__ import annotations

from collections import deque

from pipeline.dispatch import Dispatcher
from pipeline.executors import WorkerLostError
from pipeline.plan import Task
from pipeline.work import Batch

__all__ = ["Suspects"]

ATTEMPTS = 3
"""How often a task may be lost to what is no worker's death before it is put aside."""


class Suspects:
    """Single tasks that were lost with their workers, and wait to run alone."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._waiting: deque[tuple[Batch, tuple[Task, ...]]] = deque()
        self._trial = ""

    def again(self, batch: Batch, tasks: tuple[Task, ...], error: BaseException) -> list[Batch] | None:
        """Give the batches that a lost one is submitted as again, now; None if its one task is the culprit."""
        died = isinstance(error, WorkerLostError)
        if len(tasks) == 1 and (batch.name == self._trial or (not died and batch.attempt >= ATTEMPTS)):
            return None
        parts = self._dispatcher.halves(batch, tasks)
        if len(tasks) > 1 or not died:
            return parts
        self._waiting.extend((part, tasks) for part in parts)
        return []

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def on_trial(self) -> bool:
        """Whether one runs alone, and nothing must run beside it."""
        return self._trial in self._dispatcher.in_flight

    def next_trial(self) -> Batch | None:
        """Give a suspect that is to run alone; None while anything else runs."""
        if not self._waiting or len(self._dispatcher.in_flight) > len(self._waiting):
            return None
        batch, _ = self._waiting.popleft()
        self._trial = batch.name
        return batch

    def release(self) -> None:
        """Let those that wait be due again: the run ends before their turn."""
        while self._waiting:
            batch, tasks = self._waiting.popleft()
            self._dispatcher.land(batch)
            self._dispatcher.mark(tasks)
