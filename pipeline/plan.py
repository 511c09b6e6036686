"""What is due, and why: looks at tasks that may have changed, and touches nothing.

A task is due when no receipt has its digest: the SHA-256 of stage, version, settings, sections of the profile, its key, and name, key and
digest of each input.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pipeline.catalog import Catalog
from pipeline.mission import Profile
from pipeline.product import Key
from pipeline.receipt import InputRecord, Output, task_digest
from pipeline.registry import Registry
from pipeline.settings import Settings
from pipeline.stage import Input, Role, Section, StageSpec

__all__ = ["Binding", "Finding", "Planner", "Task"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """What one input of a task is, now."""

    input: Input
    records: tuple[InputRecord, ...]
    """Exactly one for a required input; any number for a Group; none or one else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A stage at a key, with all that its result depends on."""

    spec: StageSpec
    key: Key
    bindings: tuple[Binding, ...]
    sections: tuple[tuple[str, type[Section], str], ...]
    """Parameter, type, name of the table."""
    section_digests: Mapping[str, str]
    settings: Mapping[str, Any]
    digest: str

    def inputs(self) -> Iterator[InputRecord]:
        """List what it reads, in the order of the signature and of keys."""
        return _records(self.bindings)


def _records(bindings: Iterable[Binding]) -> Iterator[InputRecord]:
    for binding in bindings:
        yield from binding.records


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What looking at a task found."""

    stage: str
    key: str
    state: str
    """done, due, waiting, quarantined; "gone" where there is nothing to make it from."""
    reasons: tuple[str, ...] = ()
    task: Task | None = None
    withdraw: bool = False
    """It has a receipt, and what it made must go."""


class Planner:
    """Looks at tasks with a catalog, a profile and settings; changes none of them."""

    def __init__(self, catalog: Catalog, profile: Profile, settings: Settings) -> None:
        self.catalog = catalog
        self.profile = profile
        self.settings = settings
        self.registry: Registry = catalog.registry

    def plan(self, tasks: Iterable[tuple[str, str]]) -> Iterator[Finding]:
        """Look at each of these tasks (stage and key)."""
        for stage, key in tasks:
            spec = self.registry.stages.get(stage)
            if spec is None:
                yield Finding(stage=stage, key=key, state="gone", withdraw=True, reasons=("the stage is no longer installed",))
            else:
                finding = self.look(spec, Key.parse(spec.dimensions, key))
                needs = () if finding.task is None else tuple(_need(self.catalog, finding.task.bindings))
                yield replace(finding, reasons=(*finding.reasons, *needs)) if needs else finding

    def look(self, spec: StageSpec, key: Key) -> Finding:
        """Say what state a task is in, and why."""
        row = self.catalog.tasks.row(spec.name, key.text)
        made = row is not None and row["receipt"] is not None
        bindings = tuple(self._bind(spec, item, key) for item in spec.inputs)
        primary = self.registry.primary(spec)
        sources = [b for b in bindings if (b.input.role is Role.GROUP if primary is None else b.input.kind is primary)]
        if not any(binding.records for binding in sources):
            names = ", ".join(binding.input.kind.__name__ for binding in sources)
            return Finding(stage=spec.name, key=key.text, state="gone", withdraw=made, reasons=(f"there is no {names} any more",))
        missing = [b.input.kind.__name__ for b in bindings if b.input.role is Role.ONE and not b.records]
        if missing:
            reasons = tuple(f"waits for {name}" for name in missing)
            return Finding(stage=spec.name, key=key.text, state="waiting", withdraw=made, reasons=reasons)
        task = self._task(spec, key, bindings)
        if row is not None and row["failure"] is not None and json.loads(row["failure"])["digest"] == task.digest:
            return Finding(stage=spec.name, key=key.text, state="quarantined", reasons=(json.loads(row["failure"])["message"],))
        if row is not None and row["digest"] == task.digest:
            return Finding(stage=spec.name, key=key.text, state="done", task=task)
        receipt = json.loads(row["receipt"]) if row is not None and made else None
        return Finding(stage=spec.name, key=key.text, state="due", reasons=tuple(_why(task, receipt)), task=task)

    def basis(self, spec: StageSpec) -> str:
        """All that bears on a stage besides its inputs, as text: when it changes, all its tasks must be looked at."""
        sections: list[Any] = []
        for _, kind in spec.sections:
            names = sorted(self.profile.tables.get(kind.NAME, {})) if kind.KEY else [""]
            sections.append([kind.NAME, [[name, self.profile.digest(kind, name)] for name in names]])
        return json.dumps([spec.version, self.settings.basis(spec.name), sections, [[s.name, s.default] for s in spec.settings]])

    def load(self, binding: Binding, key: Key) -> Iterator[Output]:
        """Give what the catalog knows of a binding's products, in its order."""
        item = binding.input
        if item.role is Role.GROUP:
            yield from self.catalog.members(item.kind.__name__, tuple(key), key.text)
            return
        for record in binding.records:
            output = self.catalog.output(record.kind, record.key)
            assert output is not None
            yield output

    def load_texts(self, binding: Binding, key: Key) -> Iterator[str]:
        """Give what the catalog knows of the products of a Listing, in its order, as lines of JSON."""
        return self.catalog.member_texts(binding.input.kind.__name__, tuple(key), key.text)

    def _bind(self, spec: StageSpec, item: Input, key: Key) -> Binding:
        kind = item.kind.__name__
        if item.role is Role.GROUP:
            found = self.catalog.member_digests(kind, spec.dimensions, key.text)
        else:
            at = self.catalog.chunk_before(key) if item.role is Role.PREVIOUS else key
            text = "" if at is None else at.project(item.kind.KEY).text
            digest = None if at is None else self.catalog.digest(kind, text)
            found = [] if digest is None else [(text, digest)]
        return Binding(input=item, records=tuple(InputRecord(name=item.name, kind=kind, key=text, digest=digest) for text, digest in found))

    def _task(self, spec: StageSpec, key: Key, bindings: tuple[Binding, ...]) -> Task:
        sections = self.sections(spec, key)
        digests = {name: self.profile.digest(kind, table) for name, kind, table in sections}
        settings = self.settings.effective(spec, key)
        digest = task_digest(
            stage=spec.name,
            version=spec.version,
            key=key.text,
            settings=settings,
            sections=digests,
            inputs=_records(bindings),
        )
        return Task(
            spec=spec,
            key=key,
            bindings=bindings,
            sections=sections,
            section_digests=digests,
            settings=settings,
            digest=digest,
        )

    def sections(self, spec: StageSpec, key: Key) -> tuple[tuple[str, type[Section], str], ...]:
        """List the sections that a stage reads at a key: parameter, type, name of the table."""
        return tuple((name, kind, self._table(kind, key)) for name, kind in spec.sections)

    def _table(self, kind: type[Section], key: Key) -> str:
        return self.catalog.assignment(kind.NAME, key[kind.KEY[0]]) if kind.KEY else ""


def _need(catalog: Catalog, bindings: Iterable[Binding]) -> Iterator[str]:
    """Say what must be made again first."""
    loaded = (record for binding in bindings if binding.input.loads for record in binding.records)
    pruned = sum(catalog.is_pruned(record.kind, record.key) for record in loaded)
    if pruned:
        yield f"{pruned:,} of its inputs were pruned and are made again for it"


def _why(task: Task, receipt: Mapping[str, Any] | None) -> Iterator[str]:
    """Say what makes the task due, for people."""
    if receipt is None:
        yield "it was never made"
        return
    what = receipt["what"]
    changes = list(_changes(task, what))
    yield from changes or ["it was asked for, or what it made is damaged"]


def _changes(task: Task, what: Mapping[str, Any]) -> Iterator[str]:
    if what["version"] != task.spec.version:
        yield f"the stage is now version {task.spec.version}, it was made by {what['version']}"
    for name, value in task.settings.items():
        if what["settings"].get(name) != value:
            yield f"setting {name} is {value!r}, it was {what['settings'].get(name)!r}"
    for name, digest in task.section_digests.items():
        if what["sections"].get(name) != digest:
            yield f"the profile's section for {name} has changed"
    if what["input_count"] > len(what["inputs"]):
        yield "its inputs have changed"
        return
    yield from _input_changes(task, what)


def _input_changes(task: Task, what: Mapping[str, Any]) -> Iterator[str]:
    old = {(record["name"], record["kind"], record["key"]): record["digest"] for record in what["inputs"]}
    new = {(record.name, record.kind, record.key): record.digest for record in task.inputs()}
    for which, digest in new.items():
        if which not in old:
            yield f"{which[1]} {which[2]} is new"
        elif old[which] != digest:
            yield f"{which[1]} {which[2]} has changed"
    for _, kind, key in sorted(old.keys() - new.keys()):
        yield f"{kind} {key} is gone"
