"""Publishing what a batch made: rename, then write receipts, then remove what they no longer name.

A crash between any two of these leaves a tree that the next run sweeps clean.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.errors import DataError
from pipeline.ledger import Ledger
from pipeline.plan import Task
from pipeline.progress import Summary
from pipeline.receipt import LISTED_INPUTS, FileRecord, Output, Receipt
from pipeline.store import Store
from pipeline.work import Outcome

__all__ = ["Publisher"]


class Publisher:
    """Gives what batches made its final names, and writes what became of each task."""

    def __init__(self, store: Store, ledger: Ledger, summary: Summary) -> None:
        self._store = store
        self._ledger = ledger
        self._summary = summary

    def publish(self, place: str, tasks: Sequence[Task], outcomes: Sequence[Outcome], attempt: int) -> None:
        """Publish what became of tasks of a stage, which stands in the folder `place`."""
        packs = {record.path for outcome in outcomes for output in outcome.outputs for record in output.files if not record.whole}
        for pack in packs:
            self._store.publish(Path(place) / Path(pack).name, pack)
        for task, outcome in zip(tasks, outcomes, strict=True):
            if outcome.failed:
                self.put_aside(task, outcome, attempt)
            else:
                self._publish_task(task, outcome, attempt)

    def put_aside(self, task: Task, outcome: Outcome, attempt: int) -> None:
        """Put a task into quarantine, unless what it read was replaced while it ran: then its failure proves nothing."""
        stage, key = task.spec.name, task.key.text
        if self._ledger.catalog.tasks.is_dirty(stage, key):
            return
        doomed = [record.path for record in self._ledger.catalog.files_of(stage, key)]
        self._ledger.record([_quarantine(task, outcome, attempt)], doomed)
        self._summary.quarantined.append((stage, key, outcome.message))
        self._summary.tell("quarantined", stage=stage, key=key, error=outcome.error, message=outcome.message)

    def _publish_task(self, task: Task, outcome: Outcome, attempt: int) -> None:
        before = {record.path: record for record in self._ledger.catalog.files_of(task.spec.name, task.key.text)}
        try:
            self._check_paths(outcome)
        except DataError as error:
            self.put_aside(task, replace(outcome, outputs=(), staged={}, error="DataError", message=str(error)), attempt)
            return
        outputs = tuple(self._publish_output(output, outcome.staged, before) for output in outcome.outputs)
        kept = {record.path for output in outputs for record in output.files}
        self._ledger.record([_receipt(task, outputs, outcome, attempt)], before.keys() - kept)
        self._summary.made[task.spec.name] += 1

    def _check_paths(self, outcome: Outcome) -> None:
        for output in outcome.outputs:
            for record in output.files:
                owner = self._ledger.catalog.owner(record.path) if record.whole else None
                if owner is not None and owner != (output.kind, output.key):
                    raise DataError(f"{output.kind} {output.key} has the path of {owner[0]} {owner[1]}", where=record.path)

    def _publish_output(self, output: Output, staged: Mapping[str, str], before: Mapping[str, FileRecord]) -> Output:
        files = []
        for record in output.files:
            old = before.get(record.path)
            if not record.whole:
                files.append(record)
            elif old is not None and old.sha256 == record.sha256 and self._store.intact(old):
                files.append(old)
            else:
                now = self._store.publish(Path(staged[record.path]), record.path)
                files.append(replace(record, mtime_ns=now.mtime_ns, inode=now.inode))
            self._ledger.keep(record.path)
        if any(record.whole and record is not before.get(record.path) for record in files):
            self._tell(output, new=not any(record.path in before for record in files))
        return replace(output, files=tuple(files))

    def _tell(self, output: Output, *, new: bool) -> None:
        """Tell of a product that has a name of its own, and of what it lacks."""
        completeness = output.completeness
        facts = {"kind": output.kind, "key": output.key, "paths": [record.path for record in output.files]}
        self._summary.tell("product", **facts, new=new, partial=completeness.partial)
        if completeness.partial:
            lost = {"received": completeness.received, "expected": completeness.expected, "unit": completeness.unit}
            self._summary.tell("gap", **facts, **lost, gaps=completeness.gaps[:10])


def _quarantine(task: Task, outcome: Outcome, attempt: int) -> dict[str, Any]:
    return {
        "type": "quarantine",
        "stage": task.spec.name,
        "key": task.key.text,
        "digest": task.digest,
        "error": outcome.error,
        "message": outcome.message,
        "traceback": outcome.traceback,
        "inputs": [record.to_json() for record in task.inputs()][:LISTED_INPUTS],
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
