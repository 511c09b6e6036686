"""The loop: arrivals -> plan -> executor -> receipts. The driver alone publishes files, writes receipts and changes the catalog."""

from __future__ import annotations

import contextlib
import fnmatch
import os
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Self

from pipeline import upkeep
from pipeline.arrivals import Admission, Admitter, scan
from pipeline.catalog import Catalog
from pipeline.compaction import Freed, compact
from pipeline.dispatch import Dispatcher
from pipeline.errors import ExitCode, InterruptedRunError, SkycraneError, StorageError, TimeLimitError, storage_error, storage_errors
from pipeline.events import DiskWatch, Listener
from pipeline.executors import Executor
from pipeline.ledger import Ledger, open_catalog
from pipeline.mission import Profile
from pipeline.perform import Batch, Outcome
from pipeline.plan import Finding, Planner, Task
from pipeline.progress import Progress, Summary
from pipeline.publish import Publisher
from pipeline.registry import Registry
from pipeline.retention import prune
from pipeline.settings import Settings
from pipeline.space import is_full, said_of_full
from pipeline.stage import StageSpec
from pipeline.store import Store
from pipeline.suspects import Suspects
from pipeline.withdrawal import restoring, withdrawing

__all__ = ["Progress", "Run", "Summary", "open_catalog"]

TOLD_SECONDS = 0.25
"""Progress is counted no more often: counting takes longer the more there is to do."""


class Run:
    """One holder of an output folder, from taking files in to the manifest. Use as a context manager."""

    def __init__(
        self,
        store: Store,
        registry: Registry,
        profile: Profile,
        settings: Settings,
        *,
        executor: Callable[[], Executor],
        progress: Progress,
        listeners: Iterable[Listener] = (),
    ) -> None:
        self._store = store
        self._registry = registry
        self.profile = profile
        self._settings = settings
        self._make_executor = executor
        self._executor: Executor | None = None
        self._progress = progress
        self._told = 0.0
        self._done = 0
        self.summary = Summary(listeners=tuple(listeners))
        self._disk = DiskWatch(store.out, self.summary.tell)
        self.stop = False
        """Set it from a signal: what runs is finished, nothing else begins."""

    def __enter__(self) -> Self:
        self._begin = time.monotonic()
        self._store.hold()
        with contextlib.ExitStack() as undo:
            undo.callback(self._store.release)
            with storage_errors(self._store.out):
                self._ledger = Ledger(self._store, self._registry)
            undo.callback(self._ledger.close)
            self.catalog: Catalog = self._ledger.catalog
            self._planner = Planner(self.catalog, self.profile, self._settings)
            self._publisher = Publisher(self._store, self._ledger, self.summary)
            self._dispatcher = Dispatcher(self._store, self._ledger, self._planner, summary=self.summary)
            self._suspects = Suspects(self._dispatcher)
            with storage_errors(self._store.out):
                upkeep.begin(self._store, self._ledger, self._planner, self._dispatcher, note=self._progress.note)
            self.summary.tell("run begun", pid=os.getpid(), out=str(self._store.out), mission=self._settings.mission, command=sys.argv[1:])
            for listener in self.summary.listeners:
                undo.callback(listener.close)
            self._closing = undo.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        failed = storage_error(error, self._store.out) if error is not None else None
        with self._closing:
            if failed is not None:
                failed = self._say_what_is_missing(failed)
            if self._executor is not None:
                self._executor.close()
            # What was done stays, also after an error of this program's own making. A disk that fails, or a second
            # interrupt, ends the run as a crash would: the next one sweeps.
            if kind is None or (issubclass(kind, SkycraneError) and failed is None):
                failed = self._finish()
            elif issubclass(kind, KeyboardInterrupt):
                self._ledger.commit()
            self.summary.seconds = time.monotonic() - self._begin
            ended = {"made": dict(self.summary.made), "quarantined": len(self.summary.quarantined), "withdrawn": self.summary.withdrawn}
            self.summary.tell(
                "run ended", **ended, seconds=round(self.summary.seconds, 3), error="" if error is None else str(failed or error)
            )
        if failed is not None and failed is not error:
            raise failed from error

    def _finish(self) -> StorageError | None:
        try:
            upkeep.finish(self._store, self._ledger)
        except (OSError, sqlite3.OperationalError) as error:
            failed = storage_error(error, self._store.out)
            if failed is None:
                raise
            return self._say_what_is_missing(failed)
        return None

    def _say_what_is_missing(self, error: StorageError) -> StorageError:
        """Tell the operator of a full disk how much is missing, and what gives room; what the catalog cannot say now is left out."""
        if not is_full(error):
            return error
        with contextlib.suppress(sqlite3.Error, OSError):
            remedy = said_of_full(self._store, self.catalog, self._settings.keep)
            return StorageError(error.problem, where=error.where, remedy=remedy)
        return error

    # --- arrivals -----------------------------------------------------------------------------------------------------------------

    def admit(self, inputs: Iterable[Path], *, level: str | None = None, link: str | None = None) -> None:
        """Take in every file that these paths hold."""
        admitter = Admitter(self.catalog, self.profile, level=level, link=link)
        try:
            for path, named in scan(inputs):
                if self.stop:
                    raise InterruptedRunError("stopped while taking files in", remedy="The same command goes on")
                if not self._is_ours(path):
                    self._note_admission(admitter.admit(path, named=named))
            self._admit_again(admitter)
        finally:
            self._ledger.commit_if_old()

    def _admit_again(self, admitter: Admitter) -> None:
        """Look again at what was refused, and is a stretch of a pass of which others have come since."""
        refused, self.summary.refused = self.summary.refused, []
        for entry in refused:
            path, _, named = entry
            if admitter.knows_pass_of(Path(path)):
                self._note_admission(admitter.admit(Path(path), named=named))
            else:
                self.summary.refused.append(entry)

    def withdraw(self, sha256: str) -> bool:
        """Take an input back, as if it had never come, and keep it out; say whether there was one of this digest."""
        lines = withdrawing(self.catalog, Admitter(self.catalog, self.profile), sha256)
        self._ledger.record(lines)
        return bool(lines)

    def restore(self, sha256: str) -> None:
        """Take a withdrawn input in again; UsageError if its file is no longer what it was."""
        self._ledger.record(restoring(self.catalog, Admitter(self.catalog, self.profile), sha256))

    def prune(self) -> None:
        """Give the disk space of intermediate products back, if they are not to be kept."""
        if self._settings.keep == "all":
            return
        pruned = prune(self._store, self._ledger)
        self._ledger.commit()
        if pruned.products:
            self.summary.pruned_products += pruned.products
            self.summary.pruned_bytes += pruned.size
            self.summary.tell("pruned", products=pruned.products, bytes=pruned.size)

    def compact(self) -> Freed:
        """Give disk space back that packs, receipts and catalog no longer need."""
        self.prune()
        return compact(self._store, self._ledger)

    def _is_ours(self, path: Path) -> bool:
        return self._store.out in path.resolve().parents

    def _note_admission(self, admission: Admission) -> None:
        self._ledger.record(admission.records)
        for record in admission.records:
            if record["type"] == "input" and admission.taken:
                which = {name: record[name] for name in ("path", "sha256", "size", "kind", "level")}
                self.summary.tell("input taken", **which)
        for path, why, _ in admission.refused:
            self.summary.tell("input refused", path=path, why=why)
        self._ledger.commit_if_old()
        self.summary.taken += admission.taken
        self.summary.known += admission.known
        self.summary.duplicates += admission.duplicates
        self.summary.refused += admission.refused
        self.summary.withheld += admission.withheld

    # --- the loop -----------------------------------------------------------------------------------------------------------------

    def force(self, stage: str, only: str) -> int:
        """Make the tasks of a stage whose key matches a glob due, whatever their receipts say; return how many."""
        rows = [row["key"] for row in self.catalog.tasks.rows(stage=stage) if fnmatch.fnmatchcase(row["key"], only or "*")]
        for key in rows:
            self.catalog.tasks.void(stage, key)
        return len(rows)

    def release(self, tasks: Iterable[tuple[str, str]]) -> None:
        """Let tasks in quarantine be tried again."""
        self._ledger.record([{"type": "release", "stage": stage, "key": key} for stage, key in tasks])

    def preview(self) -> list[Finding]:
        """Say what is due now, and why, without doing any of it: in the order of the stages."""
        findings = [finding for finding in self._planner.plan(self.catalog.tasks.dirty()) if finding.state == "due" or finding.withdraw]
        return sorted(findings, key=lambda finding: (self._registry.rank.get(finding.stage, 0), finding.key))

    def work(self, *, stages: set[str] | None = None) -> None:
        """Do everything that is due, of these stages or of all; raises InterruptedRunError if `stop` was set."""
        allowed = set(self._registry.stages) if stages is None else stages
        while True:
            if self.stop:
                self._suspects.release()
            else:
                self._fill(allowed)
            if not self._dispatcher.in_flight:
                break
            for batch, result in self._results():
                self._take(batch, result)
            self._ledger.commit_if_old()
        self._ledger.commit()
        if self._done:
            self._tell("all")
        self.summary.failed_stages = sorted(
            self.catalog.tasks.count(state="quarantined").keys() - self.catalog.tasks.count(state="done").keys()
        )
        if not self.stop:
            self.prune()
        if self.stop and (left := self._dispatcher.left(allowed)):
            raise InterruptedRunError(f"stopped with {left} tasks left", remedy="What was done stays; the same command goes on")

    def _fill(self, allowed: set[str]) -> None:
        """Keep the executor busy, but not busier than twice its threads."""
        if self._suspects.on_trial():
            return
        threads = self._executor.threads if self._executor is not None else 1
        while len(self._dispatcher.in_flight) - self._suspects.waiting < 2 * threads:
            batch = self._dispatcher.next_batch(allowed, threads) or self._suspects.next_trial()
            if batch is None:
                return
            self._ledger.begin()
            if self._executor is None:
                self._executor = self._make_executor()
                threads = self._executor.threads
            self._submit(batch)
            if self._suspects.on_trial():
                return

    def _submit(self, batch: Batch) -> None:
        assert self._executor is not None
        self._executor.submit(batch, self._registry.rank[batch.spec.name])

    def _results(self) -> Iterator[tuple[Batch, list[Outcome] | BaseException]]:
        """Give what has ended; where nothing has, use the time to commit, and wait."""
        assert self._executor is not None
        result = self._executor.next(timeout=0)
        if result is None:
            self._ledger.commit()
            result = self._executor.next(timeout=0.5)
        while result is not None:
            yield result
            result = self._executor.next(timeout=0) if self._executor.threads > 1 else None

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
            shutil.rmtree(batch.staging, ignore_errors=True)

    def _publish(self, batch: Batch, tasks: tuple[Task, ...], outcomes: list[Outcome]) -> None:
        self._publisher.publish(batch, tasks, outcomes)
        seconds = round(sum(outcome.seconds for outcome in outcomes), 3)
        failed = sum(outcome.failed for outcome in outcomes)
        self.summary.tell("batch done", stage=batch.spec.name, tasks=len(tasks), failed=failed, seconds=seconds, host=outcomes[0].host)
        self._disk.look()
        self._dispatcher.took(batch.spec.name, seconds / len(outcomes))
        self._ended(batch.spec, tasks)

    def _without_late(self, batch: Batch, tasks: tuple[Task, ...], outcomes: list[Outcome]) -> list[Outcome]:
        """Return the outcomes that hold; what a task that was given up kept from its turn is due again, and so is it if it only waited."""
        late = outcomes[-1].overrun
        if late is None:
            return outcomes
        at = len(outcomes) - 1
        self._dispatcher.mark(tasks[at + 1 :])
        self._progress.note(f"gave up {batch.spec.name} {tasks[at].key.text}: it {late}")
        if not late.waiting:
            return outcomes
        self._lost(replace(batch, work=batch.work[at : at + 1]), tasks[at : at + 1], TimeLimitError(outcomes[at].message))
        return outcomes[:at]

    def _lost(self, batch: Batch, tasks: tuple[Task, ...], error: BaseException) -> None:
        """A batch without outcomes: its tasks are tried again in smaller company, until the culprit is found and put aside."""
        if not isinstance(error, TimeLimitError):
            shutil.rmtree(batch.staging, ignore_errors=True)
            self._progress.note(f"a batch of {len(tasks)} {batch.spec.name} tasks was lost: {error}")
        self.summary.tell("batch lost", stage=batch.spec.name, tasks=[task.key.text for task in tasks], why=str(error))
        again = self._suspects.again(batch, tasks, error)
        if again is None:
            message = str(error) if isinstance(error, TimeLimitError) else f"its worker was lost: {error}"
            outcome = Outcome(staged={}, seconds=0.0, host="", error=type(error).__name__, message=message)
            self._publisher.put_aside(tasks[0], outcome, batch.attempt)
            self._ended(batch.spec, tasks)
        for part in again or ():
            self._submit(part)

    def _ended(self, spec: StageSpec, tasks: tuple[Task, ...]) -> None:
        for task in tasks:
            self._dispatcher.finished(spec, task.key)
        self._done += len(tasks)
        if time.monotonic() - self._told > TOLD_SECONDS:
            self._tell(spec.name)

    def _tell(self, stage: str) -> None:
        self._progress.advance(stage, self._done, {name: self.catalog.tasks.count_dirty(name, 100_000) for name in self._registry.stages})
        self._done = 0
        self._told = time.monotonic()

    def exit_code(self, *, strict: bool) -> ExitCode:
        """Say how the command ends."""
        codes = [ExitCode.GOOD]
        if self.catalog.tasks.count(state="quarantined") or self.catalog.tasks.count(state="absent"):
            codes.append(ExitCode.QUARANTINED)
        if any(named for _, _, named in self.summary.refused):
            codes.append(ExitCode.QUARANTINED)
        if strict and self.catalog.any_partial():
            codes.append(ExitCode.MISSING)
        if self.summary.failed_stages:
            codes.append(ExitCode.STAGE_FAILED)
        return max(codes)
