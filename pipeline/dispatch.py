"""What runs next: looks at tasks that may be due, in the order of the stages, and makes batches of those that are.

Tasks are looked at only when they could run: a stage that gathers waits for all that may still give it something, one that is made from a
whole set for everything else. So a task is looked at once, not once for each of its inputs, and memory does not grow with the work.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TypeAlias

from pipeline.arrivals import Admitter
from pipeline.ledger import Ledger
from pipeline.pace import LARGEST_BATCH, Pace
from pipeline.plan import Binding, Finding, Planner, Task
from pipeline.product import Key
from pipeline.progress import Summary
from pipeline.receipt import Output
from pipeline.stage import Role, Section, StageSpec
from pipeline.store import Store
from pipeline.tasks import ANY, START
from pipeline.work import Batch, Follower, Outcome, Work, listed, loadable

__all__ = ["Dispatcher"]

PAGE = 256
"""Tasks that are asked for at a time."""
MOST_TABLES = 256
"""Of a stage and parameter that are remembered; a task with another one waits for a turn of its own. Names of cameras come from outside."""

_Sections: TypeAlias = "tuple[dict[str, dict[str, Section]], dict[str, dict[str, str]]]"
"""By parameter and by value of the section's dimension: sections, and their digests."""


class Dispatcher:
    """Keeps account of what runs, and finds what may run next."""

    def __init__(self, store: Store, ledger: Ledger, planner: Planner, *, summary: Summary) -> None:
        self._store = store
        self._ledger = ledger
        self._catalog = ledger.catalog
        self._planner = planner
        self._registry = ledger.catalog.registry
        self._summary = summary
        self._running: set[tuple[str, str]] = set()
        self._running_of: Counter[str] = Counter()
        self._called: set[str] = set()
        """Stages that must make again what others need."""
        self._allowed: set[str] = set()
        """Stages of which tasks may run now."""
        self._tables: dict[str, dict[str, dict[str, str]]] = {}
        """By stage, parameter, and value of the section's dimension: tables of the profile that its tasks have had up to now."""
        self._at_hand: dict[str, _Sections] = {}
        """By stage: those tables. One object for all tasks that carry it, since it travels with each batch."""
        self.pace = Pace()
        self.in_flight: dict[str, tuple[Batch, tuple[Task, ...]]] = {}
        """By name of the batch."""

    # --- what runs ----------------------------------------------------------------------------------------------------------------

    def launch(self, batch: Batch, tasks: tuple[Task, ...]) -> None:
        """Note that a batch runs."""
        self.in_flight[batch.name] = (batch, tasks)
        for task in tasks:
            self._running.add((batch.spec.name, task.key.text))
            self._running_of[batch.spec.name] += 1

    def land(self, batch: Batch) -> tuple[Task, ...]:
        """Note that a batch has ended; return its tasks."""
        _, tasks = self.in_flight.pop(batch.name)
        for task in tasks:
            self._running.discard((batch.spec.name, task.key.text))
            self._running_of[batch.spec.name] -= 1
        return tasks

    def mark(self, tasks: tuple[Task, ...]) -> None:
        """Note that tasks are to be looked at again."""
        for task in tasks:
            self._catalog.tasks.mark_again(task.spec.name, task.key.text)

    def stages_in_flight(self) -> set[str]:
        """Name the stages of which something runs."""
        return {batch.spec.name for batch, _ in self.in_flight.values()}

    def count_in_flight(self, stages: frozenset[str]) -> int:
        """Count the batches of these stages that run."""
        return sum(batch.spec.name in stages for batch, _ in self.in_flight.values())

    def seconds_of(self, stages: Iterable[str]) -> float:
        """Say how long what is to be looked at of these stages takes, one task after the other; unknown ones count for nothing."""
        known = [(stage, each) for stage in stages if (each := self.pace.of(stage)) is not None]
        return sum(each * self._catalog.tasks.count_dirty(stage, ANY) for stage, each in known)

    def halves(self, batch: Batch, tasks: tuple[Task, ...]) -> list[Batch]:
        """Launch the tasks of a lost batch again, in two batches if there are several: so the culprit is alone in the end."""
        middle = len(tasks) // 2
        parts = [(0, middle), (middle, len(tasks))] if middle else [(0, 1)]
        again = []
        for start, stop in parts:
            name = f"{batch.spec.name}-{uuid.uuid4().hex}"
            attempt = batch.attempt + (len(tasks) == 1)
            work = tuple(replace(each, followers=()) for each in batch.work[start:stop])
            part = replace(batch, name=name, work=work, staging=str(self._store.staging / name), attempt=attempt)
            self.launch(part, tasks[start:stop])
            again.append(part)
        return again

    def finished(self, spec: StageSpec, key: Key) -> None:
        """Let the chunk after this one be looked at, if it waited for it."""
        if any(item.role is Role.PREVIOUS for item in spec.inputs) and (after := self._catalog.chunk_after(key)) is not None:
            self._catalog.tasks.unpark(spec.name, spec.key_of(after).text)

    def left(self, allowed: set[str]) -> int:
        """Count the tasks of these stages that are still to be looked at."""
        return sum(self._catalog.tasks.count_dirty(stage, 1_000_000) for stage in allowed)

    # --- what is next -------------------------------------------------------------------------------------------------------------

    def next_batch(self, allowed: set[str], threads: int, most: int = ANY) -> Batch | None:
        """Launch a batch of the first of these stages that may run; None if none may, now. `most` is the last urgency that counts."""
        self._allowed = allowed
        batch = self._search(allowed, threads, most)
        if batch is not None or self.in_flight:
            return batch
        # What the parked ones waited for has come to nothing.
        woken = sum(self._catalog.tasks.unpark(stage) for stage in allowed | self._called)
        return self._search(allowed, threads, most) if woken else None

    def _search(self, allowed: set[str], threads: int, most: int) -> Batch | None:
        looked = True
        while looked:
            looked = False
            stages = list(self._open_stages(allowed | self._called, most))
            # What makes no batch yet waits for more of its kind, as long as something else may run.
            worth = [spec for spec in stages if self._makes_a_batch(spec, most)] if len(stages) > 1 else []
            stages = worth + [spec for spec in stages if spec not in worth]
            for number, spec in enumerate(stages, 1):
                # Where nothing else may run, all threads are to have a share of what is left.
                others = any(self._catalog.tasks.next_dirty(other.name, START, 1, most) for other in stages[number:])
                parts = 1 if others else threads
                tasks, looked = self._pick(spec, allowed | self._called, parts, most)
                if tasks:
                    return self._make_batch(spec, tasks)
                if looked:
                    # What was found may close this stage and open others.
                    break
        return None

    def _open_stages(self, allowed: set[str], most: int) -> Iterator[StageSpec]:
        """Give the stages with something to look at that need not wait for others, last ones first: what was just made is still at hand."""
        dirty = allowed & self._catalog.tasks.dirty_stages(most)
        busy = dirty | {stage for stage, count in self._running_of.items() if count}
        unsettled = {stage for stage in busy if not self._registry.stages[stage].settled}
        for name, spec in reversed(list(self._registry.stages.items())):
            # What needs a settled stage waits for it, and so cannot be what it waits for.
            if name not in dirty or (spec.settled and unsettled - self._registry.downstream(name)):
                continue
            # A gathering stage waits for those that may still give it something; others go on with what is there.
            gathers = any(item.role in {Role.GROUP, Role.OPTIONAL} for item in spec.inputs)
            if gathers and self._registry.upstream[name] & busy:
                continue
            yield spec

    def _pick(self, spec: StageSpec, allowed: set[str], parts: int, most: int) -> tuple[list[tuple[Task, Work]], bool]:
        """Take due tasks of a stage, as many as make a batch worth its overhead; say whether any was looked at."""
        wanted = self._wanted(spec, parts, most)
        chosen: dict[str, tuple[Task, Work]] = {}
        after, looked = START, False
        while len(chosen) < wanted and (places := self._catalog.tasks.next_dirty(spec.name, after, PAGE, most)):
            for place, key in places:
                after = place
                if (spec.name, key) in self._running:
                    continue
                if self._waits_for_previous(spec, key, chosen, allowed):
                    self._catalog.tasks.park(spec.name, key)
                    continue
                looked = True
                found = self._look(spec, Key.parse(spec.dimensions, key))
                if found is not None:
                    chosen[key] = found
                    if len(chosen) == wanted:
                        break
        return list(chosen.values()), looked

    def _makes_a_batch(self, spec: StageSpec, most: int) -> bool:
        enough = self.pace.enough(spec.name)
        return self._catalog.tasks.count_dirty(spec.name, enough, most) >= enough

    def _wanted(self, spec: StageSpec, parts: int, most: int) -> int:
        together = self.pace.together(spec.name, [behind.name for behind in self._may_follow(spec)])
        return max(1, min(together, -(-self._catalog.tasks.count_dirty(spec.name, LARGEST_BATCH * parts, most) // parts)))

    def _waits_for_previous(self, spec: StageSpec, key: str, chosen: dict[str, tuple[Task, Work]], allowed: set[str]) -> bool:
        """Say whether the chunk before is about to be made: then running now would be work for nothing."""
        if not any(item.role is Role.PREVIOUS for item in spec.inputs):
            return False
        before = self._catalog.chunk_before(Key.parse(spec.dimensions, key))
        if before is None:
            return False
        text = spec.key_of(before).text
        # What makes its input may still be under way.
        stages = [spec.name, *(self._registry.upstream[spec.name] & allowed)]
        return text in chosen or any((stage, text) in self._running or self._catalog.tasks.is_dirty(stage, text) for stage in stages)

    def _look(self, spec: StageSpec, key: Key, *, relocate: bool = True) -> tuple[Task, Work] | None:
        """Look at a task; note what was found, unless it is to run now.

        relocate  look for inputs whose file is gone under their other names, and then at the task again: once
        """
        finding = self._planner.look(spec, key)
        if finding.withdraw:
            self.withdraw(finding)
            return None
        if finding.task is None or finding.state != "due":
            self._catalog.tasks.settle(spec.name, key.text, None if finding.state == "gone" else finding.state, finding.reasons)
            self.finished(spec, key)
            return None
        # What is only listed is read when the work is put together, and stays text until the stage sees it.
        bindings = [(binding, tuple(self._planner.load(binding, key)) if binding.input.loads else ()) for binding in finding.task.bindings]
        outside, ours, moved = self._lacking(bindings, relocate=relocate)
        if moved and not outside and not ours:
            return self._look(spec, key, relocate=False)
        if outside or ours:
            why = f"waits for {outside}, which is gone or has changed" if outside else f"waits for {ours}, which is made again for it"
            self._catalog.tasks.settle(spec.name, key.text, "absent", [why])
            if outside:
                self._summary.absent.append((spec.name, key.text, outside))
            self.finished(spec, key)
            return None
        self._catalog.tasks.settle(spec.name, key.text, "due", finding.reasons)
        return finding.task, self._work(finding.task, bindings)

    def withdraw(self, finding: Finding) -> None:
        """Take back what a task made that has nothing to make it from any more."""
        doomed = [record.path for record in self._catalog.files_of(finding.stage, finding.key)]
        self._ledger.record([{"type": "withdraw", "stage": finding.stage, "key": finding.key}], doomed)
        self._summary.withdrawn += 1
        self._summary.tell("withdrawn", stage=finding.stage, key=finding.key)

    def _lacking(self, bindings: list[tuple[Binding, tuple[Output, ...]]], *, relocate: bool) -> tuple[str, str, bool]:
        """Name a file from outside, and one of ours, that is needed and is not what it was; say whether others were found elsewhere.

        Those of ours, damaged or pruned, are made again, whatever stages were asked for. One from outside is looked for under its other
        names.
        """
        moved: set[str] = set()
        ours = ""
        for output in (output for _, outputs in bindings for output in outputs):
            for record in output.files:
                if self._store.intact(record) or record.path in moved:
                    continue
                stage, maker = self._catalog.maker(output.kind, output.key) or ("", "")
                if stage:
                    self._make_again(stage, maker)
                    ours = record.path
                    break
                if not (relocate and self._relocate(record.path)):
                    return record.path, ours, bool(moved)
                moved.add(record.path)
        return "", ours, bool(moved)

    def _relocate(self, path: str) -> bool:
        """Find what a file from outside held under another name; a chunk's margin lies in files of other inputs than its own."""
        known = self._catalog.known_path(path)
        lines = [] if known is None else Admitter(self._catalog, self._planner.profile).relocate(known["sha256"])
        self._ledger.record(lines)
        return bool(lines)

    def _make_again(self, stage: str, key: str) -> None:
        self._called.add(stage)
        # Also one that is to be looked at: it might be found done, as it is but for its files.
        if (stage, key) not in self._running:
            self._catalog.tasks.void(stage, key)

    def _work(self, task: Task, bindings: list[tuple[Binding, tuple[Output, ...]]]) -> Work:
        out = self._store.out
        followers = tuple(self._followers(task))
        self._remember_tables(task)
        return Work(
            key=task.key,
            inputs=tuple(
                (binding.input, tuple(loadable(binding.input.kind, output, out) for output in outputs))
                if binding.input.loads
                else (binding.input, listed(binding.input.kind, self._planner.load_texts(binding, task.key)))
                for binding, outputs in bindings
            ),
            sections={parameter: self._planner.profile.section(kind, table) for parameter, kind, table in task.sections},
            settings=task.settings,
            digest=task.digest,
            followers=followers,
            read_by_others=not self._registry.loaders[task.spec.name] <= {follower.spec.name for follower in followers},
        )

    def _followers(self, task: Task) -> Iterator[Follower]:
        """Say which tasks may follow this one at once."""
        for spec in self._may_follow(task.spec):
            alone = set(spec.dimensions) == set(task.key)
            key = spec.key_of(task.key) if alone else None
            settings = self._planner.settings.for_all(spec) if key is None else self._planner.settings.effective(spec, key)
            if settings is None or (key is not None and self._runs(spec, key)):
                continue
            sections, digests = self._sections_of(spec, key)
            known = self._catalog.outputs_of(task.spec.name, task.key.text)
            yield Follower(
                spec=spec,
                sections=sections,
                section_digests=digests,
                settings=settings,
                known={output.key: output.digest for output in known if output.kind == spec.inputs[0].kind.__name__},
            )

    def _remember_tables(self, task: Task) -> None:
        """Keep the tables of the profile that a task has, for what is to follow others at keys that are not known beforehand."""
        known = self._tables.setdefault(task.spec.name, {})
        for parameter, values in _tables(task.key, task.sections).items():
            of = known.setdefault(parameter, {})
            if any(of.get(value) != table for value, table in values.items()) and (values.keys() <= of.keys() or len(of) < MOST_TABLES):
                of.update(values)
                self._at_hand.pop(task.spec.name, None)

    def _sections_of(self, spec: StageSpec, key: Key | None) -> _Sections:
        """Give the sections, and their digests, of the task of a key; of all remembered ones if it is not known yet."""
        if key is None and spec.name in self._at_hand:
            return self._at_hand[spec.name]
        tables = self._tables.get(spec.name, {}) if key is None else _tables(key, self._planner.sections(spec, key))
        profile, kinds = self._planner.profile, dict(spec.sections)
        found = (
            {name: {value: profile.section(kinds[name], table) for value, table in of.items()} for name, of in tables.items()},
            {name: {value: profile.digest(kinds[name], table) for value, table in of.items()} for name, of in tables.items()},
        )
        if key is None:
            self._at_hand[spec.name] = found
        return found

    def _may_follow(self, spec: StageSpec) -> list[StageSpec]:
        """Name the stages whose tasks may follow those of this one; what is long is no part of a batch that is meant to be short."""
        behind = self._registry.followers[spec.name]
        return [each for each in behind if each.name in self._allowed and self.pace.is_short(each.name)]

    def _runs(self, spec: StageSpec, key: Key) -> bool:
        return (spec.name, key.text) in self._running

    def followed(self, work: Work, outcome: Outcome) -> Iterator[tuple[Task, Outcome]]:
        """Give the tasks that followed one whose products have just been published, where they are what is to be done next."""
        digests = {(output.kind, output.key): output.digest for output in outcome.outputs}
        followers = {follower.spec.name: follower for follower in work.followers}
        for (stage, text), made in outcome.followed.items():
            follower = followers[stage]
            spec, key = follower.spec, Key.parse(follower.spec.dimensions, text)
            # What took too long has a whole turn of its own to show why.
            if made.given_up or self._runs(spec, key) or not self._catalog.tasks.is_dirty(stage, text):
                continue
            finding = self._planner.look(spec, key)
            task = finding.task
            # What it was made with must be what it would be made with now; else it is left for its turn.
            if finding.state != "due" or finding.withdraw or task is None:
                continue
            same = (follower.section_digests_at(key), follower.settings) == (task.section_digests, task.settings)
            if same and all(record.digest == digests.get((record.kind, record.key)) for record in task.inputs()):
                self._catalog.tasks.settle(stage, text, "due", finding.reasons)
                yield task, made

    def _make_batch(self, spec: StageSpec, chosen: list[tuple[Task, Work]]) -> Batch:
        name = f"{spec.name}-{uuid.uuid4().hex}"
        work = tuple(work for _, work in chosen)
        batch = Batch(
            name=name,
            spec=spec,
            work=work,
            staging=str(self._store.staging / name),
            limit=self._planner.settings.time_limit,
            read_later=spec.name in self._registry.read_later,
        )
        self.launch(batch, tuple(task for task, _ in chosen))
        return batch


def _tables(key: Key, sections: Iterable[tuple[str, type[Section], str]]) -> dict[str, dict[str, str]]:
    """Give the tables of the profile that a task has: by parameter, then by value of the section's dimension in its key."""
    return {parameter: {key[kind.KEY[0]] if kind.KEY else "": table} for parameter, kind, table in sections}
