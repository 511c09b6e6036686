"""The loop that keeps an executor busy: batches out, outcomes in, each published or tried again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from pipeline.dispatch import Dispatcher
from pipeline.errors import SkycraneError, TimeLimitError
from pipeline.events import DiskWatch
from pipeline.executors import Executor
from pipeline.ledger import Ledger
from pipeline.memory import give_freed_memory_back
from pipeline.plan import Task
from pipeline.progress import Progress, Summary
from pipeline.publish import Publisher
from pipeline.stage import StageSpec
from pipeline.store import Store
from pipeline.suspects import Suspects
from pipeline.tasks import ANY
from pipeline.work import Batch, Outcome

__all__ = ["Loop"]

TOLD_SECONDS = 0.25
"""Progress is counted no more often: counting takes longer the more there is to do."""


class Loop:
    """Hands batches to an executor, which is made when a first one is to be expected, and takes in what becomes of them."""

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        dispatcher: Dispatcher,
        *,
        executor: Callable[[], Executor],
        progress: Progress,
        summary: Summary,
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._catalog = ledger.catalog
        self._dispatcher = dispatcher
        self._publisher = Publisher(store, ledger, summary)
        self._suspects = Suspects(dispatcher)
        self._make_executor = executor
        self._preparing = ThreadPoolExecutor(1, thread_name_prefix="executor")
        self._coming: Future[Executor] | None = None
        self._executor: Executor | None = None
        self._progress = progress
        self._summary = summary
        self._disk = DiskWatch(store.out, summary.tell)
        self._told = 0.0
        self._done = 0
        self._began: dict[str, float] = {}

    def prepare(self) -> None:
        """Begin to make the executor, which takes a second or more; what else there is to do goes on."""
        if self._coming is None:
            self._coming = self._preparing.submit(self._make_executor)

    def advance(self, allowed: set[str]) -> None:
        """Begin what may of these stages, and take in what has ended, without waiting for anything: while there is other work here."""
        if self._coming is None or not self._coming.done() or self._coming.result().threads == 1:
            return
        if self._dispatcher.in_flight:
            self._take_all(wait=False)
        self._fill(allowed, frozenset(), ANY)

    def close(self) -> None:
        """Let go of the executor, and of what it still does."""
        self._preparing.shutdown(wait=False)
        # Nobody waits here for one that is still being made; one that could not be made has nothing to be let go of.
        if self._coming is not None:
            self._coming.add_done_callback(_close)

    def is_rested(self, stage: str, pause: float) -> bool:
        """Say whether a stage has not begun for so many seconds."""
        return time.monotonic() - self._began.get(stage, -1e9) >= pause

    def work(
        self,
        allowed: set[str],
        *,
        background: frozenset[str] = frozenset(),
        most: int = ANY,
        pressed: Callable[[], bool],
        stopped: Callable[[], bool],
    ) -> None:
        """Do everything that is due of these stages, up to an urgency; see `Run.work`."""
        begun = False
        while True:
            if stopped():
                self._suspects.release()
            elif not (begun and pressed()):
                begun = True
                self._fill(allowed, background, most)
            if not self._dispatcher.in_flight:
                break
            waits = stopped() or not self._dispatcher.stages_in_flight() <= background
            taken = self._take_all(wait=waits)
            if not (waits or taken):
                break
            if any(spec.from_everything for spec in taken):
                # What is made from everything was handed a list of everything, which is gone only now.
                give_freed_memory_back()
            self._ledger.commit_if_old()
        self._ledger.commit()
        if self._done:
            self._tell("all")

    def _fill(self, allowed: set[str], background: frozenset[str], most: int) -> None:
        """Keep the executor busy, but not busier than three times its threads, and not all of it with what nobody waits for."""
        if self._suspects.on_trial():
            return
        threads = self._executor.threads if self._executor is not None else 1
        while len(self._dispatcher.in_flight) - self._suspects.waiting < 3 * threads:
            full = self._dispatcher.count_in_flight(background) >= max(1, threads - 1)
            batch = self._dispatcher.next_batch(allowed - background if full else allowed, threads, most) or self._suspects.next_trial()
            if batch is None:
                return
            self._ledger.begin()
            if self._executor is None:
                self.prepare()
                assert self._coming is not None
                self._executor = self._coming.result()
                threads = self._executor.threads
            self._submit(batch)
            if self._suspects.on_trial():
                return

    def _submit(self, batch: Batch) -> None:
        assert self._executor is not None
        self._began[batch.spec.name] = time.monotonic()
        # What can be finished goes before what begins something.
        self._executor.submit(batch, -self._catalog.registry.rank[batch.spec.name])

    def _results(self, *, wait: bool) -> Iterator[tuple[Batch, list[Outcome] | BaseException]]:
        """Give what has ended; where nothing has, use the time to commit what has waited for it, and wait."""
        assert self._executor is not None
        result = self._executor.next(timeout=0)
        if result is None:
            self._ledger.commit_if_old()
            result = self._executor.next(timeout=min(0.5, self._ledger.patience())) if wait else None
        while result is not None:
            yield result
            result = self._executor.next(timeout=0) if self._executor.threads > 1 else None

    def _take_all(self, *, wait: bool) -> list[StageSpec]:
        """Take in what has ended; return the stages."""
        taken = []
        for batch, result in self._results(wait=wait):
            self._take(batch, result)
            taken.append(batch.spec)
        return taken

    def _take(self, batch: Batch, result: list[Outcome] | BaseException) -> None:
        """Publish what a batch made, or find out which of its tasks takes workers down."""
        tasks = self._dispatcher.land(batch)
        if isinstance(result, SkycraneError):
            raise result
        if isinstance(result, BaseException):
            self._lost(batch, tasks, result)
            return
        ended = self._without_late(batch, tasks, result)
        if ended:
            self._publish(batch, tasks[: len(ended)], ended)
        else:
            self._store.unstage(batch.name)

    def _publish(self, batch: Batch, tasks: tuple[Task, ...], outcomes: list[Outcome]) -> None:
        place = outcomes[0].place
        self._publish_stage(place, tasks, outcomes, batch.attempt)
        followed: dict[str, list[tuple[Task, Outcome]]] = {}
        for work, outcome in zip(batch.work, outcomes, strict=False):
            for task, made in self._dispatcher.followed(work, outcome):
                followed.setdefault(task.spec.name, []).append((task, made))
        for pairs in followed.values():
            self._publish_stage(place, [task for task, _ in pairs], [made for _, made in pairs], 1)
        self._store.unstage(batch.name)
        self._disk.look()

    def _publish_stage(self, place: str, tasks: Sequence[Task], outcomes: Sequence[Outcome], attempt: int) -> None:
        spec = tasks[0].spec
        self._publisher.publish(place, tasks, outcomes, attempt)
        seconds = round(sum(outcome.seconds for outcome in outcomes), 3)
        failed = sum(outcome.failed for outcome in outcomes)
        self._summary.tell("batch done", stage=spec.name, tasks=len(tasks), failed=failed, seconds=seconds, host=outcomes[0].host)
        # What failed took as long as it did for reasons of its own.
        good = [outcome.seconds for outcome in outcomes if not outcome.failed]
        if good:
            self._dispatcher.pace.took(spec.name, sum(good) / len(good))
        self._ended(spec, tasks)

    def _without_late(self, batch: Batch, tasks: tuple[Task, ...], outcomes: list[Outcome]) -> list[Outcome]:
        """Return the outcomes that hold; what a task that was given up kept from its turn is due again, and so is it if it only waited."""
        at = len(outcomes) - 1
        late = outcomes[at].overrun
        if not outcomes[at].given_up:
            return outcomes
        self._dispatcher.mark(tasks[at + 1 :])
        if late is None:
            for (stage, key), made in outcomes[at].followed.items():
                if made.given_up:
                    self._progress.note(f"gave up {stage} {key}: it {made.overrun}; it is tried again by itself")
            return outcomes
        self._progress.note(f"gave up {batch.spec.name} {tasks[at].key.text}: it {late}")
        if not late.waiting:
            return outcomes
        self._lost(replace(batch, work=batch.work[at : at + 1]), tasks[at : at + 1], TimeLimitError(outcomes[at].message))
        return outcomes[:at]

    def _lost(self, batch: Batch, tasks: tuple[Task, ...], error: BaseException) -> None:
        """A batch without outcomes: its tasks are tried again in smaller company, until the culprit is found and put aside."""
        if not isinstance(error, TimeLimitError):
            self._store.unstage(batch.name)
            self._progress.note(f"a batch of {len(tasks)} {batch.spec.name} tasks was lost: {error}")
        self._summary.tell("batch lost", stage=batch.spec.name, tasks=[task.key.text for task in tasks], why=str(error))
        again = self._suspects.again(batch, tasks, error)
        if again is None:
            message = str(error) if isinstance(error, TimeLimitError) else f"its worker was lost: {error}"
            outcome = Outcome(staged={}, seconds=0.0, host="", error=type(error).__name__, message=message)
            self._publisher.put_aside(tasks[0], outcome, batch.attempt)
            self._ended(batch.spec, tasks)
        for part in again or ():
            self._submit(part)

    def _ended(self, spec: StageSpec, tasks: Sequence[Task]) -> None:
        for task in tasks:
            self._dispatcher.finished(spec, task.key)
        self._done += len(tasks)
        if time.monotonic() - self._told > TOLD_SECONDS:
            self._tell(spec.name)

    def _tell(self, stage: str) -> None:
        due = {name: self._catalog.tasks.count_dirty(name, 100_000) for name in self._catalog.registry.stages}
        self._progress.advance(stage, self._done, due)
        self._done = 0
        self._told = time.monotonic()


def _close(made: Future[Executor]) -> None:
    if made.exception() is None:
        made.result().close()
