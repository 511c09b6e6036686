"""What goes to a worker and what comes back: batches of tasks, how their inputs are loaded, what became of them."""

from __future__ import annotations

import json
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pipeline.fresh import FRESH
from pipeline.limit import Overrun
from pipeline.product import Entry, FileRef, Key, Product, Source
from pipeline.receipt import Output
from pipeline.stage import Input, Section, StageSpec

__all__ = ["Batch", "Follower", "Listed", "Loadable", "Outcome", "Work", "listed", "loadable", "loadable_at"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loadable:
    """A product that exists, and how to load it."""

    kind: type[Product]
    source: Source
    entry: Entry
    outside: bool = False
    """Whether its files are inputs, not ours."""

    def load(self) -> Product:
        """Load it; what was just made here is still there."""
        fresh = None if self.outside else FRESH.find(self.kind, self.entry.key.text, self.entry.digest)
        return self.kind.load(self.source) if fresh is None else fresh


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Products of which nothing but what the catalog knows is read.

    A report lists 100,000 of them: until they are where it is made they are one piece of bytes, a fifth as large as their text, and a
    twentieth of what they are as objects.
    """

    kind: type[Product]
    count: int
    packed: bytes
    """Deflated lines of JSON, as `Output` gives it."""

    def __len__(self) -> int:
        return self.count

    def entries(self) -> Iterator[Entry]:
        """Unpack them one by one, in key order."""
        for line in zlib.decompress(self.packed).splitlines():
            yield _entry(self.kind, Output.from_json(json.loads(line)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Follower:
    """A stage whose tasks read what another one makes, each a product: done at once, that need not be found and loaded again."""

    spec: StageSpec
    sections: Mapping[str, Mapping[str, Section]]
    """By parameter, then by value of the section's dimension: of one without dimension the value is empty."""
    section_digests: Mapping[str, Mapping[str, str]]
    settings: Mapping[str, Any]
    known: Mapping[str, str]
    """Digests of the products that there are already, by key: from one that is made again as it was, nothing follows."""

    def sections_at(self, key: Key) -> dict[str, Section] | None:
        """Choose the sections for a key; None if one is not at hand: its task waits for a turn of its own."""
        return _chosen(self.spec, self.sections, key)

    def section_digests_at(self, key: Key) -> dict[str, str] | None:
        """Choose the digests of the sections for a key."""
        return _chosen(self.spec, self.section_digests, key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One task, as a worker needs it."""

    key: Key
    inputs: tuple[tuple[Input, tuple[Loadable, ...] | Listed], ...]
    sections: Mapping[str, Section]
    settings: Mapping[str, Any]
    digest: str
    followers: tuple[Follower, ...] = ()
    read_by_others: bool = True
    """Whether anything but its followers ever loads what it makes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Tasks of one stage that are performed together."""

    name: str
    """Unique."""
    spec: StageSpec
    work: tuple[Work, ...]
    staging: str
    """Absolute path that the folder of each call begins with."""
    attempt: int = 1
    limit: float = 0.0
    """Seconds that each of its tasks may take; 0: any."""
    read_later: bool = True
    """Whether files that it makes will be read again, and not only while they are at hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one task."""

    outputs: tuple[Output, ...] = ()
    staged: Mapping[str, str]
    """Final path (relative to OUT) to staged path of each file."""
    seconds: float
    host: str
    error: str = ""
    """Class of the exception; empty if all went well."""
    message: str = ""
    traceback: str = ""
    place: str = ""
    """The folder that the call staged in; of a pack too."""
    overrun: Overrun | None = None
    """What is known of a task that was given up because it took too long."""
    followed: Mapping[tuple[str, str], Outcome] = field(default_factory=dict)
    """What became of the tasks that followed it, by stage and key."""

    @property
    def given_up(self) -> bool:
        """Whether it, or what followed it, took too long: a thread may still be at it."""
        return self.overrun is not None or any(outcome.given_up for outcome in self.followed.values())

    @property
    def failed(self) -> bool:
        """Whether the stage raised."""
        return bool(self.error)


def _chosen(spec: StageSpec, by_value: Mapping[str, Mapping[str, T]], key: Key) -> dict[str, T] | None:
    found = {}
    for parameter, kind in spec.sections:
        value = key[kind.KEY[0]] if kind.KEY else ""
        if value not in by_value.get(parameter, {}):
            return None
        found[parameter] = by_value[parameter][value]
    return found


def listed(kind: type[Product], texts: Iterable[str]) -> Listed:
    """Say what products of the catalog are, of which none is loaded; each text is an Output in JSON, on one line."""
    packer, parts, count = zlib.compressobj(1), [], 0
    for text in texts:
        parts.append(packer.compress(f"{text}\n".encode()))
        count += 1
    return Listed(kind=kind, count=count, packed=b"".join([*parts, packer.flush()]))


def _entry(kind: type[Product], output: Output) -> Entry:
    # The same few names stand in the facts of every product of a kind.
    facts = {sys.intern(name): value for name, value in output.facts.items()}
    paths = tuple(record.path for record in output.files if record.whole and not record.path.startswith("/"))
    return Entry(key=Key.parse(kind.KEY, output.key), digest=output.digest, completeness=output.completeness, facts=facts, paths=paths)


def loadable(kind: type[Product], output: Output, out: Path) -> Loadable:
    """Say how to load a product of the catalog."""
    # Text, not paths: thousands of these are made, and while they are, nothing else is begun.
    return loadable_at(kind, output, {record.path: f"{out}/{record.path}" for record in output.files if not record.path.startswith("/")})


def loadable_at(kind: type[Product], output: Output, where: Mapping[str, str]) -> Loadable:
    """Say how to load a product whose files lie where `where` says, by final path; those it does not name lie where they are."""
    there = {record.suffix: where.get(record.path, record.path) for record in output.files}
    files = {record.suffix: FileRef(path=there[record.suffix], offset=record.offset, length=record.size) for record in output.files}
    entry = _entry(kind, output)
    outside = any(record.path.startswith("/") for record in output.files)
    return Loadable(kind=kind, source=Source(key=entry.key, files=files, facts=entry.facts), entry=entry, outside=outside)
