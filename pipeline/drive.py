"""The loop: arrivals -> plan -> executor -> receipts. The driver alone publishes files, writes receipts and changes the catalog."""

from __future__ import annotations

import contextlib
import fnmatch
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Self

from pipeline import upkeep
from pipeline.arrivals import Admission, Admitter
from pipeline.catalog import Catalog
from pipeline.compaction import Freed, compact
from pipeline.dispatch import Dispatcher
from pipeline.errors import ExitCode, InterruptedRunError, SkycraneError, StorageError, storage_error, storage_errors
from pipeline.events import Listener
from pipeline.executors import Executor
from pipeline.folders import rare_first, scan
from pipeline.ledger import Ledger, open_catalog
from pipeline.loop import Loop
from pipeline.mission import Profile
from pipeline.plan import Finding, Planner
from pipeline.progress import First, Progress, Summary
from pipeline.refusals import Refusals
from pipeline.registry import Registry
from pipeline.retention import prune
from pipeline.settings import Settings
from pipeline.space import is_full, said_of_full
from pipeline.store import Store
from pipeline.tasks import ANY
from pipeline.withdrawal import restoring, withdrawing

__all__ = ["Progress", "Run", "Summary", "open_catalog"]

ADVANCE_SECONDS = 0.05
"""How often to look after what runs, while files are taken in."""

SETTLED_PAUSE = 10
"""Times as long as the settled stages take, between their rounds while data keep coming."""


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
        self._progress = progress
        self.summary = Summary(listeners=tuple(listeners))
        self._refusals = Refusals()
        self._made_when_pruned = -1
        self._prune_again = 0.0
        self._early: set[str] = set()
        self._to_come: set[str] = set()
        """Sorts of files, by suffix, of which none has been taken in yet: one of them may tell something of files of another sort."""
        self._advanced = 0.0
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
            self.catalog.priorities = self.profile.priorities
            self._planner = Planner(self.catalog, self.profile, self._settings)
            self._dispatcher = Dispatcher(self._store, self._ledger, self._planner, summary=self.summary)
            self._loop = Loop(
                self._store, self._ledger, self._dispatcher, executor=self._make_executor, progress=self._progress, summary=self.summary
            )
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
            self._loop.close()
            # What was done stays, also after an error of this program's own making. A disk that fails, or a second
            # interrupt, ends the run as a crash would: the next one sweeps.
            if kind is None or (issubclass(kind, SkycraneError) and failed is None):
                failed = self._finish()
            elif issubclass(kind, KeyboardInterrupt):
                self._ledger.commit()
            if failed is not None:
                # What filled the disk is often what was being staged; without it there is room for the command that makes more.
                with contextlib.suppress(OSError):
                    self._store.clear_staging()
            self.summary.seconds = time.monotonic() - self._begin
            ended = {"made": dict(self.summary.made), "quarantined": self.summary.quarantined.total, "withdrawn": self.summary.withdrawn}
            self.summary.tell(
                "run ended", **ended, seconds=round(self.summary.seconds, 3), error="" if error is None else str(failed or error)
            )
        if failed is not None and failed is not error:
            raise failed from error

    def _finish(self) -> StorageError | None:
        try:
            self.prune()
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

    def admit(self, inputs: Iterable[Path], *, level: str | None = None, link: str | None = None, stages: Iterable[str] = ()) -> None:
        """Take in every file that these paths hold; UsageError for one that is not there, StorageError for one that cannot be read.

        stages  that may begin meanwhile, with files that stand for themselves: taking in thousands takes a while
        """
        self._early = set(stages) & self._registry.at_once
        files: Iterable[tuple[Path, bool]] = scan(inputs)
        if self._early:
            files = rare_first(files)
            self._to_come = {path.suffix for path, _ in files}
        try:
            self._admit(files, Admitter(self.catalog, self.profile, level=level, link=link))
        except SkycraneError:
            # What has begun is finished, as it would be had it begun later.
            self._loop.work(set(), pressed=lambda: False, stopped=lambda: True)
            raise
        finally:
            self._early.clear()

    def admit_landed(self, paths: Iterable[Path], *, level: str | None = None, link: str | None = None) -> None:
        """Take in files that nobody has named: what is nothing, or gone, or cannot be read, is left out with a note."""
        self._admit(((path, False) for path in paths), Admitter(self.catalog, self.profile, level=level, link=link), note=self.note)

    def _admit(self, files: Iterable[tuple[Path, bool]], admitter: Admitter, *, note: Callable[[str], None] = lambda _: None) -> None:
        try:
            for path, named in files:
                if self.stop:
                    raise InterruptedRunError("stopped while taking files in", remedy="The same command goes on")
                if not self._is_ours(path):
                    admission = admitter.admit(path, named=named)
                    self._note_admission(admission, admitter)
                    for refused, why, _ in admission.refused:
                        note(f"left out {refused}: {why}")
                self._to_come.discard(path.suffix)
                self._advance()
            self._admit_again(admitter)
        finally:
            self._ledger.commit_if_old()

    def _advance(self) -> None:
        """Begin what may begin early: what waits for nothing that has come, when a file of each sort has."""
        if not self._early or self._to_come or time.monotonic() < self._advanced + ADVANCE_SECONDS:
            return
        at_work = self.catalog.tasks.dirty_stages() | self._dispatcher.stages_in_flight()
        self._loop.advance({stage for stage in self._early if not at_work & self._registry.advisers[stage]})
        self._advanced = time.monotonic()

    def _admit_again(self, admitter: Admitter) -> None:
        """Look again at what was refused, and is a stretch of a pass of which others have come since."""
        for path, named in self._refusals.due(admitter):
            self.summary.refused.forget(lambda entry, path=path: entry[0] == str(path))  # type: ignore[misc]
            self._note_admission(admitter.admit(path, named=named), admitter)

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
        made = self.summary.made.total()
        if self._settings.keep == "all" or made == self._made_when_pruned:
            return
        self._made_when_pruned, begin = made, time.monotonic()
        pruned = prune(self._store, self._ledger)
        self._ledger.commit()
        # What is not pruned yet is looked at each time: that must not become most of the work.
        self._prune_again = time.monotonic() + 20 * (time.monotonic() - begin)
        if pruned.products:
            self.summary.pruned_products += pruned.products
            self.summary.pruned_bytes += pruned.size
            self.summary.tell("pruned", products=pruned.products, bytes=pruned.size)

    def note(self, text: str) -> None:
        """Tell the operator something."""
        self._progress.note(text)

    def tidy(self) -> None:
        """Write the journal anew if it has become much longer than what is current: for a run that lasts."""
        if upkeep.is_overgrown(self._store, self.catalog):
            freed = compact(self._store, self._ledger)
            self.summary.tell("tidied", packs=freed.packs, receipts=freed.receipts, catalog=freed.catalog)

    def compact(self) -> Freed:
        """Give disk space back that packs, receipts and catalog no longer need."""
        self.prune()
        return compact(self._store, self._ledger)

    def _is_ours(self, path: Path) -> bool:
        return self._store.out in path.resolve().parents

    def _note_admission(self, admission: Admission, admitter: Admitter) -> None:
        self._ledger.record(admission.records)
        if admission.taken:
            self._loop.prepare()
        self._refusals.note(admission, admitter)
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
        if len(self.summary.refused) == First.KEPT:
            self.summary.refused_named |= any(named for _, _, named in admission.refused)
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

    def work(
        self,
        *,
        stages: set[str] | None = None,
        background: frozenset[str] = frozenset(),
        most: int = ANY,
        pressed: Callable[[], bool] = lambda: False,
    ) -> None:
        """Do everything that is due, of these stages or of all; raises InterruptedRunError if `stop` was set.

        background  stages of which nothing is waited for: what of them still runs is taken up by the next call
        most        the last urgency that counts
        pressed     asked time and again: when it says so, nothing further begins
        """
        allowed = set(self._registry.stages) if stages is None else stages
        self._loop.work(allowed, background=background, most=most, pressed=pressed, stopped=lambda: self.stop)
        tasks = self.catalog.tasks
        self.summary.failed_stages = [stage for stage in sorted(tasks.count(state="quarantined")) if not tasks.any_done(stage)]
        if not (self.stop or self._dispatcher.in_flight) and time.monotonic() >= self._prune_again:
            self.prune()
        if self.stop and (left := self._dispatcher.left(allowed)):
            raise InterruptedRunError(f"stopped with {left} tasks left", remedy="What was done stays; the same command goes on")

    @property
    def unfinished(self) -> bool:
        """Whether anything runs, or is still to be looked at."""
        return bool(self._dispatcher.in_flight) or bool(self.catalog.tasks.dirty_stages())

    def paced(self, *, quiet: bool, pause: float) -> set[str]:
        """Name the stages that may run now: a settled one only if all is quiet, or if it has not begun for a while.

        pause  seconds, at least; and ten times as long as what is due of all settled ones will take, so that together they have a tenth of
               the time, however much there is that they are made from
        """
        settled = {name for name, spec in self._registry.stages.items() if spec.settled}
        pause = max(pause, SETTLED_PAUSE * self._dispatcher.seconds_of(settled))
        return set(self._registry.stages) - (set() if quiet else {name for name in settled if not self._loop.is_rested(name, pause)})

    def exit_code(self, *, strict: bool) -> ExitCode:
        """Say how the command ends."""
        codes = [ExitCode.GOOD]
        if self.catalog.tasks.count(state="quarantined") or self.catalog.tasks.count(state="absent"):
            codes.append(ExitCode.QUARANTINED)
        if self.summary.refused_named or any(named for _, _, named in self.summary.refused):
            codes.append(ExitCode.QUARANTINED)
        if strict and self.catalog.any_partial():
            codes.append(ExitCode.MISSING)
        if self.summary.failed_stages:
            codes.append(ExitCode.STAGE_FAILED)
        return max(codes)
