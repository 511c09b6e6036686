"""The loop: arrivals -> plan -> executor -> receipts. The driver alone publishes files, writes receipts and changes the catalog."""

from __future__ import annotations

import contextlib
import fnmatch
import heapq
import shutil
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, Self

from pipeline.arrivals import Admission, Admitter, scan
from pipeline.catalog import Catalog
from pipeline.errors import ExitCode, InterruptedRunError, SkycraneError
from pipeline.executors import Executor
from pipeline.mission import Profile
from pipeline.perform import Batch, Outcome, Work, loadable
from pipeline.plan import Finding, Planner, Task
from pipeline.product import Key, Product
from pipeline.receipt import LISTED_INPUTS, FileRecord, Journal, Output, Receipt
from pipeline.registry import Registry
from pipeline.settings import Settings
from pipeline.stage import Role, StageSpec
from pipeline.store import HIDDEN, Store

__all__ = ["Progress", "Run", "Summary", "open_catalog"]

BATCH_SECONDS = 0.4
"""How long a batch should take: well over what Dask adds to a task, short enough that results come steadily."""

LARGEST_BATCH = 128
ATTEMPTS = 3
"""How often a task may lose its worker before it is put aside."""


class Progress(Protocol):
    """Who is told how far the work has come."""

    def advance(self, stage: str, done: int, due: Mapping[str, int]) -> None:
        """`done` more tasks of a stage have ended; these are due, by stage."""

    def note(self, text: str) -> None:
        """Something that the operator should know."""


@dataclass(kw_only=True)
class Summary:
    """What a run did."""

    made: Counter[str] = field(default_factory=Counter)
    """Tasks, by stage."""
    withdrawn: int = 0
    quarantined: list[tuple[str, str, str]] = field(default_factory=list)
    """(stage, key, message) of those that this run put aside."""
    failed_stages: list[str] = field(default_factory=list)
    """Stages of which every task of this run failed."""
    taken: int = 0
    known: int = 0
    duplicates: list[tuple[str, str]] = field(default_factory=list)
    refused: list[tuple[str, str, bool]] = field(default_factory=list)
    """(path, why, whether the file was named itself)."""
    seconds: float = 0.0

    @property
    def idle(self) -> bool:
        """Whether nothing was due."""
        return not (self.made or self.withdrawn or self.quarantined)


def open_catalog(store: Store, registry: Registry) -> tuple[Catalog, Journal]:
    """Open the catalog for writing and bring it up to the receipts; make it anew if it does not fit them."""
    journal = Journal(store.receipts)
    catalog = Catalog(store.catalog, registry)
    position = catalog.position()
    if position is None or position > journal.position():
        catalog.reset()
        position = (0, 0)
    pending: list[tuple[dict[str, Any], tuple[int, int]]] = []
    for line in journal.read(position):
        pending.append(line)
        if len(pending) >= 1000:
            catalog.apply(pending)
            pending.clear()
    catalog.apply(pending)
    return catalog, journal


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
    ) -> None:
        self._store = store
        self._registry = registry
        self.profile = profile
        self._settings = settings
        self._make_executor = executor
        self._executor: Executor | None = None
        self._progress = progress
        self._due: dict[str, set[str]] = {name: set() for name in registry.stages}
        self._queue: dict[str, list[str]] = {name: [] for name in registry.stages}
        self._running: dict[tuple[str, str], str] = {}
        self._in_flight: dict[str, tuple[Batch, tuple[Task, ...]]] = {}
        self._seconds: dict[str, float] = {}
        self._changed = False
        self.summary = Summary()
        self.stop = False
        """Set it from a signal: what runs is finished, nothing else begins."""

    def __enter__(self) -> Self:
        self._begin = time.monotonic()
        self._store.hold()
        with contextlib.ExitStack() as undo:
            undo.callback(self._store.release)
            self.catalog, self._journal = open_catalog(self._store, self._registry)
            undo.callback(self.catalog.close)
            undo.callback(self._journal.close)
            self._planner = Planner(self.catalog, self.profile, self._settings)
            if self._store.crashed:
                self._recover()
            self._refresh()
            self._closing = undo.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        del error, trace
        with self._closing:
            if self._executor is not None:
                self._executor.close()
            if kind is None or issubclass(kind, InterruptedRunError):
                self._finish()
        self.summary.seconds = time.monotonic() - self._begin

    # --- beginning and end --------------------------------------------------------------------------------------------------------

    def _recover(self) -> None:
        """Sweep what a crash left: files without a receipt, and everything staged."""
        named: set[str] = set()
        for kind in self._registry.kinds:
            for output in self.catalog.outputs(kind):
                named.update(record.path for record in output.files)
        stems = [_example_stem(kind) for kind in self._registry.kinds.values() if not kind.PACKED and not kind.LEVELS]
        stems += [path for path in named if not path.startswith(("/", HIDDEN))]
        rooms = {stem.partition("/")[0] for stem in stems if "/" in stem}
        swept = self._store.sweep(named, rooms)
        if swept:
            self._progress.note(f"removed {len(swept)} files that an interrupted run had left")
        self._changed = True

    def _refresh(self) -> None:
        """Look again at whatever settings, profile, versions or the disk may have changed."""
        for spec in self._registry.stages.values():
            basis, name = self._planner.basis(spec), f"basis {spec.name}"
            known = self.catalog.meta(name)
            if known is None:
                self.catalog.enlist(spec)
            elif known != basis:
                self.catalog.mark_stage(spec.name)
            self.catalog.set_meta(name, basis)
        for output, stage, task in self.catalog.made():
            if stage and not all(self._store.intact(record) for record in output.files):
                self.catalog.void(stage, task)
        for row in self.catalog.tasks(state="due"):
            self._enqueue(row["stage"], row["key"])

    def _finish(self) -> None:
        """Drop packs that nothing refers to, and write the manifest."""
        if not self._changed and self._store.manifest.exists():
            return
        public: dict[str, str] = {}
        packs: set[str] = set()
        for output, stage, _ in self.catalog.made():
            for record in output.files:
                if not record.whole:
                    packs.add(record.path)
                elif stage:
                    public[record.path] = record.sha256
        self._store.withdraw(
            f"{HIDDEN}/packs/{path.name}" for path in self._store.packs.iterdir() if f"{HIDDEN}/packs/{path.name}" not in packs
        )
        lines = [f"{digest}  {path}\n" for path, digest in sorted(public.items()) if not path.startswith(HIDDEN)]
        self._store.write_text(self._store.manifest, "".join(lines))
        self._store.mark_ended()

    def _change(self) -> None:
        if not self._changed:
            self._store.mark_running()
            self._changed = True

    # --- arrivals -----------------------------------------------------------------------------------------------------------------

    def admit(self, inputs: Iterable[Path], *, level: str | None = None, link: str | None = None) -> None:
        """Take in every file that these paths hold."""
        admitter = Admitter(self.catalog, self.profile, level=level, link=link)
        for path, named in scan(inputs):
            if self.stop:
                raise InterruptedRunError("stopped while taking files in", remedy="The same command goes on")
            if self._store.out in path.resolve().parents:
                continue
            self._note_admission(admitter.admit(path, named=named))

    def _note_admission(self, admission: Admission) -> None:
        if any(record["type"] != "path" for record in admission.records):
            self._change()
        if admission.records:
            self._record(admission.records)
        self.summary.taken += admission.taken
        self.summary.known += admission.known
        self.summary.duplicates += admission.duplicates
        self.summary.refused += admission.refused

    def _record(self, records: list[dict[str, Any]]) -> None:
        end = self._journal.append(records)
        self.catalog.apply((record, end) for record in records)

    # --- the loop -----------------------------------------------------------------------------------------------------------------

    def force(self, stage: str, only: str) -> int:
        """Make the tasks of a stage whose key matches a glob due, whatever their receipts say; return how many."""
        rows = [row["key"] for row in self.catalog.tasks(stage=stage) if fnmatch.fnmatchcase(row["key"], only or "*")]
        for key in rows:
            self.catalog.void(stage, key)
        return len(rows)

    def release(self, tasks: Iterable[tuple[str, str]]) -> None:
        """Let tasks in quarantine be tried again."""
        if records := [{"type": "release", "stage": stage, "key": key} for stage, key in tasks]:
            self._record(records)

    def preview(self) -> list[Finding]:
        """Say what is due now, and why, without doing any of it: in the order of the stages."""
        dirty = self.catalog.dirty() + [(row["stage"], row["key"]) for row in self.catalog.tasks(state="due")]
        findings = [finding for finding in self._planner.plan(dict.fromkeys(dirty)) if finding.state == "due" or finding.withdraw]
        return sorted(findings, key=lambda finding: (self._registry.rank.get(finding.stage, 0), finding.key))

    def work(self, *, stages: set[str] | None = None) -> None:
        """Do everything that is due, of these stages or of all; raises InterruptedRunError if `stop` was set."""
        allowed = set(self._registry.stages) if stages is None else stages
        while True:
            self._look()
            if not self.stop:
                self._dispatch(allowed)
            if not self._in_flight:
                break
            assert self._executor is not None
            if (result := self._executor.next(timeout=0.5)) is not None:
                self._take(*result)
        self.summary.failed_stages = [
            stage for stage in {stage for stage, _, _ in self.summary.quarantined} if not self.summary.made[stage]
        ]
        if self.stop and any(self._due[stage] for stage in allowed):
            left = sum(len(self._due[stage]) for stage in allowed)
            raise InterruptedRunError(f"stopped with {left} tasks left", remedy="What was done stays; the same command goes on")

    def _look(self) -> None:
        """Look at all tasks that may have changed, and note what was found."""
        findings = self._planner.plan(which for which in self.catalog.dirty() if which not in self._running)
        withdrawn: list[Finding] = []
        found = list(findings)
        if not found:
            return
        self.catalog.db.execute("BEGIN")
        for finding in found:
            self._due.get(finding.stage, set()).discard(finding.key)
            if finding.withdraw:
                withdrawn.append(finding)
            else:
                self.catalog.settle(finding.stage, finding.key, None if finding.state == "gone" else finding.state, finding.reasons)
            if finding.state == "due":
                self._enqueue(finding.stage, finding.key)
        self.catalog.db.execute("COMMIT")
        if withdrawn:
            self._withdraw(withdrawn)
            self._look()

    def _withdraw(self, findings: list[Finding]) -> None:
        """Take back what tasks made that have nothing to make it from any more."""
        self._change()
        doomed = [
            record.path
            for finding in findings
            for output in self.catalog.outputs_of(finding.stage, finding.key)
            for record in output.files
            if record.whole
        ]
        self._record([{"type": "withdraw", "stage": finding.stage, "key": finding.key} for finding in findings])
        self._store.withdraw(doomed)
        self.summary.withdrawn += len(findings)

    def _enqueue(self, stage: str, key: str) -> None:
        if stage in self._due and key not in self._due[stage]:
            self._due[stage].add(key)
            heapq.heappush(self._queue[stage], key)

    def _dispatch(self, allowed: set[str]) -> None:
        """Keep the executor busy, but not busier than twice its threads."""
        while any(self._due[stage] for stage in allowed):
            if self._executor is None:
                self._executor = self._make_executor()
            if len(self._in_flight) >= 2 * self._executor.threads:
                return
            batch = self._next_batch(allowed)
            if batch is None:
                return
            self._change()
            self._executor.submit(batch, self._registry.rank[batch.spec.name])

    def _next_batch(self, allowed: set[str]) -> Batch | None:
        """Make a batch of the first stage that may run."""
        busy = {stage for stage, _ in self._running} | {stage for stage, due in self._due.items() if due and stage in allowed}
        unsettled = any(not self._registry.stages[stage].settled for stage in busy)
        for name, spec in self._registry.stages.items():
            if not self._due[name] or name not in allowed or (spec.settled and unsettled):
                continue
            # A gathering stage waits for those that may still give it something; others go on with what is there.
            if any(item.role in {Role.GROUP, Role.OPTIONAL} for item in spec.inputs) and self._registry.upstream[name] & busy:
                continue
            if tasks := self._pick(spec):
                return self._make_batch(spec, tasks)
        return None

    def _pick(self, spec: StageSpec) -> list[Task]:
        """Take due tasks of a stage, as many as make a batch worth its overhead."""
        assert self._executor is not None
        share = -(-len(self._due[spec.name]) // self._executor.threads)
        each = self._seconds.get(spec.name)
        wanted = 1 if each is None else int(max(1, min(LARGEST_BATCH, share, BATCH_SECONDS / max(each, 1e-6))))
        queue, due = self._queue[spec.name], self._due[spec.name]
        chosen: list[Task] = []
        held: list[str] = []
        while queue and len(chosen) < wanted:
            key = heapq.heappop(queue)
            if key not in due or (spec.name, key) in self._running:
                continue
            if self._waits_for_previous(spec, key, {task.key.text for task in chosen}):
                held.append(key)
                continue
            due.discard(key)
            finding = self._planner.look(spec, Key.parse(spec.dimensions, key))
            if finding.task is None or finding.state != "due":
                self.catalog.mark(spec.name, [key])
                continue
            chosen.append(finding.task)
        for key in held:
            heapq.heappush(queue, key)
        return chosen

    def _waits_for_previous(self, spec: StageSpec, key: str, chosen: set[str]) -> bool:
        """Say whether the chunk before is about to be made: then running now would be work for nothing."""
        if not any(item.role is Role.PREVIOUS for item in spec.inputs):
            return False
        before = self.catalog.chunk_before(Key.parse(spec.dimensions, key))
        if before is None:
            return False
        text = spec.key_of(before).text
        if text in chosen or text in self._due[spec.name] or (spec.name, text) in self._running:
            return True
        # What makes its input may still be under way.
        return any((above, text) in self._running or text in self._due[above] for above in self._registry.upstream[spec.name])

    def _make_batch(self, spec: StageSpec, tasks: list[Task]) -> Batch:
        name = uuid.uuid4().hex
        out = self._store.out
        work = tuple(
            Work(
                key=task.key,
                inputs=tuple(
                    (binding.input, tuple(loadable(binding.input.kind, output, out) for output in binding.outputs))
                    for binding in task.bindings
                ),
                sections={parameter: self.profile.section(kind, table) for parameter, kind, table in task.sections},
                settings=task.settings,
                digest=task.digest,
            )
            for task in tasks
        )
        batch = Batch(name=name, spec=spec, work=work, staging=str(self._store.staging / name))
        self._launch(batch, tuple(tasks))
        return batch

    def _launch(self, batch: Batch, tasks: tuple[Task, ...]) -> None:
        self._in_flight[batch.name] = (batch, tasks)
        for task in tasks:
            self._running[batch.spec.name, task.key.text] = batch.name

    # --- results ------------------------------------------------------------------------------------------------------------------

    def _take(self, batch: Batch, result: list[Outcome] | BaseException) -> None:
        """Publish what a batch made, or find out which of its tasks takes workers down."""
        _, tasks = self._in_flight.pop(batch.name)
        for task in tasks:
            self._running.pop((batch.spec.name, task.key.text), None)
        if isinstance(result, SkycraneError):
            raise result
        if isinstance(result, BaseException):
            self._lost(batch, tasks, result)
        else:
            self._publish(batch, tasks, result)
            per_task = sum(outcome.seconds for outcome in result) / len(result)
            known = self._seconds.get(batch.spec.name, per_task)
            self._seconds[batch.spec.name] = 0.5 * known + 0.5 * per_task
        self._progress.advance(batch.spec.name, len(tasks), {stage: len(due) for stage, due in self._due.items()})

    def _publish(self, batch: Batch, tasks: tuple[Task, ...], outcomes: list[Outcome]) -> None:
        """Rename, then write receipts, then remove what they no longer name: a crash between any two leaves a tree that is swept clean."""
        records: list[dict[str, Any]] = []
        doomed: list[str] = []
        pack = Path(batch.staging) / "pack"
        if pack.exists() and any(outcome.outputs for outcome in outcomes):
            self._store.publish(pack, f"{HIDDEN}/packs/{batch.name}.pack")
        for task, outcome in zip(tasks, outcomes, strict=True):
            if outcome.failed and self.catalog.is_dirty(task.spec.name, task.key.text):
                # What it read was replaced while it ran, so its failure proves nothing; it is looked at again.
                continue
            if outcome.failed:
                records.append(_quarantine(task, outcome, batch.attempt))
                self.summary.quarantined.append((task.spec.name, task.key.text, outcome.message))
                continue
            before = {
                record.path: record
                for output in self.catalog.outputs_of(task.spec.name, task.key.text)
                for record in output.files
                if record.whole
            }
            outputs = tuple(self._publish_output(output, outcome.staged, before) for output in outcome.outputs)
            kept = {record.path for output in outputs for record in output.files}
            doomed += [path for path in before if path not in kept]
            records.append(_receipt(task, outputs, outcome, batch.attempt))
            self.summary.made[task.spec.name] += 1
        self._record(records)
        self._store.withdraw(doomed)
        shutil.rmtree(batch.staging, ignore_errors=True)

    def _publish_output(self, output: Output, staged: Mapping[str, str], before: Mapping[str, FileRecord]) -> Output:
        files = []
        for record in output.files:
            old = before.get(record.path)
            if record.whole and old is not None and old.sha256 == record.sha256 and self._store.intact(old):
                files.append(old)
            elif record.whole:
                now = self._store.publish(Path(staged[record.path]), record.path)
                files.append(replace(record, mtime_ns=now.mtime_ns, inode=now.inode))
            else:
                files.append(record)
        return replace(output, files=tuple(files))

    def _lost(self, batch: Batch, tasks: tuple[Task, ...], error: BaseException) -> None:
        """A batch without outcomes: halve it until the culprit is alone; that one is put aside after some attempts."""
        shutil.rmtree(batch.staging, ignore_errors=True)
        self._progress.note(f"a batch of {len(tasks)} {batch.spec.name} tasks was lost: {error}")
        if len(tasks) == 1 and batch.attempt >= ATTEMPTS:
            outcome = Outcome(staged={}, seconds=0.0, host="", error=type(error).__name__, message=f"its worker was lost: {error}")
            self._record([_quarantine(tasks[0], outcome, batch.attempt)])
            self.summary.quarantined.append((batch.spec.name, tasks[0].key.text, outcome.message))
            return
        assert self._executor is not None
        middle = len(tasks) // 2
        halves = [(0, middle), (middle, len(tasks))] if len(tasks) > 1 else [(0, 1)]
        for start, stop in halves:
            name = uuid.uuid4().hex
            again = Batch(
                name=name,
                spec=batch.spec,
                work=batch.work[start:stop],
                staging=str(self._store.staging / name),
                attempt=batch.attempt + (len(tasks) == 1),
            )
            self._launch(again, tasks[start:stop])
            self._executor.submit(again, self._registry.rank[batch.spec.name])

    def exit_code(self, *, strict: bool) -> ExitCode:
        """Say how the command ends."""
        codes = [ExitCode.GOOD]
        if self.catalog.count(state="quarantined") or any(named for _, _, named in self.summary.refused):
            codes.append(ExitCode.QUARANTINED)
        if strict and self.catalog.any_partial():
            codes.append(ExitCode.MISSING)
        if self.summary.failed_stages:
            codes.append(ExitCode.STAGE_FAILED)
        return max(codes)


def _example_stem(kind: type[Product]) -> str:
    """Give a path that products of a kind may have, to know the folder they live in."""
    return kind.stem(Key((dimension, "x") for dimension in kind.KEY))


def _quarantine(task: Task, outcome: Outcome, attempt: int) -> dict[str, Any]:
    return {
        "type": "quarantine",
        "stage": task.spec.name,
        "key": task.key.text,
        "digest": task.digest,
        "error": outcome.error,
        "message": outcome.message,
        "traceback": outcome.traceback,
        "inputs": [{"name": r.name, "kind": r.kind, "key": r.key, "digest": r.digest} for r in task.inputs()][:1000],
        "how": {"host": outcome.host, "attempt": attempt, "time": time.time()},
    }


def _receipt(task: Task, outputs: tuple[Output, ...], outcome: Outcome, attempt: int) -> dict[str, Any]:
    inputs = tuple(task.inputs())
    receipt = Receipt(
        stage=task.spec.name,
        version=task.spec.version,
        key=task.key.text,
        digest=task.digest,
        settings=task.settings,
        sections=task.section_digests,
        inputs=inputs[:LISTED_INPUTS],
        input_count=len(inputs),
        outputs=outputs,
        how={"host": outcome.host, "attempt": attempt, "seconds": round(outcome.seconds, 6), "time": time.time()},
    )
    return {"type": "receipt", **receipt.to_json()}
