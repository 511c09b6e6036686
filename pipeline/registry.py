"""Finds the stages, orders them, and knows which kind each makes and reads.

Stages are found by the entry-point group ``skycrane.stages``: each entry names a module (a room), whose functions marked with @stage
are its stages. Nothing else of the engine knows any stage by name.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from types import ModuleType

from pipeline.errors import ContractError, UsageError
from pipeline.product import Product
from pipeline.stage import Input, Role, Section, StageSpec, read_stage

__all__ = ["Registry", "build", "discover", "stages_of"]


@dataclass(frozen=True, kw_only=True)
class Registry:
    """All stages, from the downlink to the report."""

    stages: Mapping[str, StageSpec]
    """By name, each after those that make what it reads."""

    @functools.cached_property
    def kinds(self) -> dict[str, type[Product]]:
        """Every kind that a stage reads or makes, by class name."""
        found = [item.kind for spec in self.stages.values() for item in spec.inputs]
        found += [kind for spec in self.stages.values() for kind in spec.outputs]
        return {kind.__name__: kind for kind in found}

    @functools.cached_property
    def sections(self) -> dict[str, type[Section]]:
        """Every section of a profile that a stage reads, by its name there."""
        return {section.NAME: section for spec in self.stages.values() for _, section in spec.sections}

    @functools.cached_property
    def rank(self) -> dict[str, int]:
        """Place of each stage in the order."""
        return {name: place for place, name in enumerate(self.stages)}

    @functools.cached_property
    def consumers(self) -> dict[str, list[tuple[StageSpec, Input]]]:
        """By name of the kind: who reads it, and how."""
        readers: dict[str, list[tuple[StageSpec, Input]]] = {name: [] for name in self.kinds}
        for spec in self.stages.values():
            for item in spec.inputs:
                readers[item.kind.__name__].append((spec, item))
        return readers

    @functools.cached_property
    def producers(self) -> dict[str, StageSpec]:
        """By name of the kind: who makes it."""
        return {kind.__name__: spec for spec in self.stages.values() for kind in spec.outputs}

    @functools.cached_property
    def upstream(self) -> dict[str, frozenset[str]]:
        """By stage: all stages that what it reads depends on."""
        above: dict[str, frozenset[str]] = {}
        for name, spec in self.stages.items():
            makers = {maker.name for maker in _makers(spec, self.producers) if maker.name != name}
            above[name] = frozenset(makers.union(*(above[maker] for maker in makers)))
        return above

    @functools.cached_property
    def projections(self) -> dict[str, set[tuple[str, ...]]]:
        """By kind: the dimensions that its products are gathered or found by."""
        wanted: dict[str, set[tuple[str, ...]]] = {name: set() for name in self.kinds}
        for spec in self.stages.values():
            primary = self.primary(spec)
            for item in spec.inputs:
                if item.role is Role.GROUP:
                    wanted[item.kind.__name__].add(spec.dimensions)
                elif item.role is not Role.PREVIOUS and set(item.kind.KEY) < set(spec.dimensions) and primary is not None:
                    wanted[primary.__name__].add(item.kind.KEY)
        return wanted

    def primary(self, spec: StageSpec) -> type[Product] | None:
        """Name the kind whose products make the stage's tasks; None where a Group does."""
        if spec.has_group:
            return None
        return max((item.kind for item in spec.inputs if item.role is Role.ONE), key=lambda kind: len(kind.KEY))

    @functools.cached_property
    def at_once(self) -> frozenset[str]:
        """Stages that may begin while files are still taken in: theirs stand for themselves, and are no stretches of a pass."""
        found: set[str] = set()
        for name, spec in self.stages.items():
            needed = [item.kind for item in spec.inputs if item.role is not Role.OPTIONAL]
            alone = all(item.role in {Role.ONE, Role.OPTIONAL} for item in spec.inputs)
            made = {maker.name for kind in needed if (maker := self.producers.get(kind.__name__)) and not kind.LEVELS}
            if alone and not spec.settled and made <= found and not any("chunk" in kind.KEY for kind in needed):
                found.add(name)
        return frozenset(found)

    @functools.cached_property
    def followers(self) -> dict[str, tuple[StageSpec, ...]]:
        """By stage: those that read one product of it at that product's key, and nothing else: they may follow while it is at hand."""
        found: dict[str, tuple[StageSpec, ...]] = dict.fromkeys(self.stages, ())
        for spec in self.stages.values():
            item, *others = spec.inputs
            maker = self.producers.get(item.kind.__name__)
            if maker is None or others or item.role is not Role.ONE or not item.loads or spec.settled:
                continue
            if set(spec.dimensions) == set(item.kind.KEY):
                found[maker.name] += (spec,)
        return found

    @functools.cached_property
    def advisers(self) -> dict[str, frozenset[str]]:
        """By stage: all that what it can do without depends on; where one of them has work, it may soon have more to go by."""
        found = {}
        for name, spec in self.stages.items():
            optional = (item.kind.__name__ for item in spec.inputs if item.role is Role.OPTIONAL)
            makers = {maker.name for kind in optional if (maker := self.producers.get(kind))}
            found[name] = frozenset(makers.union(*(self.upstream[maker] for maker in makers)))
        return found

    @functools.cached_property
    def loaders(self) -> dict[str, set[str]]:
        """By stage: those that load any of its products."""
        return {
            spec.name: {reader.name for kind in spec.outputs for reader, item in self.consumers[kind.__name__] if item.loads}
            for spec in self.stages.values()
        }

    @functools.cached_property
    def read_later(self) -> frozenset[str]:
        """Stages of which a product is loaded by one that waits: for all of its kind, or for another stage that does."""
        late = {name for name, spec in self.stages.items() if spec.settled}
        found = {
            (maker.name, name)
            for name, spec in self.stages.items()
            for item in spec.inputs
            if item.loads and (maker := self.producers.get(item.kind.__name__))
            if name in late or any(maker.name in self.upstream[other] for other in late & self.upstream[name])
        }
        return frozenset(maker for maker, _ in found)

    @property
    def external(self) -> list[type[Product]]:
        """Name the kinds that may come from outside."""
        return [kind for kind in self.kinds.values() if kind.LEVELS]

    @property
    def levels(self) -> list[str]:
        """Every level that a file from outside may have, sorted."""
        return sorted({name for kind in self.external for name in kind.LEVELS})

    def check_level(self, level: str) -> None:
        """Raise UsageError for a level that no file has."""
        if level not in self.levels:
            raise UsageError(f"there is no level {level!r}", remedy=f"Levels are {', '.join(self.levels)}")

    def find(self, name: str) -> StageSpec:
        """Return the stage; UsageError, with the names there are, if it is none."""
        if name not in self.stages:
            raise UsageError(f"there is no stage {name!r}", remedy=f"Stages are {', '.join(self.stages)}")
        return self.stages[name]

    def downstream(self, name: str) -> set[str]:
        """Name all stages that depend on this one."""
        return {other for other, above in self.upstream.items() if name in above}


def stages_of(module: ModuleType, room: str) -> Iterator[StageSpec]:
    """Read the stages that a room defines."""
    for function in vars(module).values():
        if inspect.isfunction(function) and hasattr(function, "__stage__") and function.__module__ == module.__name__:
            yield read_stage(function, room)


def build(specs: Iterable[StageSpec]) -> Registry:
    """Order stages by what they read; ContractError for two makers of a kind, or a circle."""
    waiting: dict[str, StageSpec] = {}
    for spec in sorted(specs, key=lambda spec: spec.name):
        if waiting.setdefault(spec.name, spec) is not spec:
            raise ContractError(f"two stages are called {spec.name}", remedy="A stage has a name of its own")
    _check_names(waiting.values())
    producers: dict[str, StageSpec] = {}
    for spec in waiting.values():
        for kind in spec.outputs:
            if other := producers.get(kind.__name__):
                raise ContractError(f"{other.name} and {spec.name} both make {kind.__name__}", remedy="A kind has one maker")
            producers[kind.__name__] = spec
    ordered: dict[str, StageSpec] = {}
    while waiting:
        ready = [
            spec for spec in waiting.values() if all(maker.name in ordered or maker.name == spec.name for maker in _makers(spec, producers))
        ]
        if not ready:
            raise ContractError(
                f"the stages {', '.join(waiting)} wait for each other in a circle",
                remedy="What a stage makes must not be needed to make what it reads",
            )
        for spec in ready:
            ordered[spec.name] = waiting.pop(spec.name)
    return Registry(stages=ordered)


def _check_names(specs: Iterable[StageSpec]) -> None:
    """Hold kinds and sections to their names: these stand in receipts and profiles, so two of one name cannot be told apart."""
    kinds: dict[str, type] = {}
    sections: dict[str, type] = {}
    for spec in specs:
        for kind in (*spec.outputs, *(item.kind for item in spec.inputs)):
            if kinds.setdefault(kind.__name__, kind) is not kind:
                raise ContractError(f"{spec.name} uses another {kind.__name__} than the other stages", remedy="Rename one of the two kinds")
        for _, section in spec.sections:
            if sections.setdefault(section.NAME, section) is not section:
                raise ContractError(
                    f"{spec.name} reads [{section.NAME}] as another section than the other stages", remedy="Share one class"
                )


def _makers(spec: StageSpec, producers: Mapping[str, StageSpec]) -> list[StageSpec]:
    return [producers[item.kind.__name__] for item in spec.inputs if item.kind.__name__ in producers]


@functools.cache
def discover() -> Registry:
    """Find every stage that is installed."""
    specs: list[StageSpec] = []
    for entry in sorted(entry_points(group="skycrane.stages"), key=lambda entry: entry.name):
        specs.extend(stages_of(entry.load(), entry.name))
    return build(specs)
