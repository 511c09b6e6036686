"""What a kind of product must offer: key, path, save, load, completeness.

A product is a frozen value that a stage returns and another one takes. Its kind (the class) says which dimensions its key has; the
fields of the same names hold the key's values. A path is a function of kind and key alone.
"""

from __future__ import annotations

import abc
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, TypeAlias

from pipeline.errors import DataError

__all__ = ["CHUNK_BYTES", "Arrival", "Completeness", "Entry", "FileRef", "Key", "Product", "Recognition", "Sink", "Source", "safe_value"]

CHUNK_BYTES = 64 << 20
"""The most that a chunk holds (DESIGN section 4)."""

Facts: TypeAlias = dict[str, Any]
"""JSON values only."""

_VALUE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+=,~ -]{0,149}")


def safe_value(text: str) -> str:
    """Give a name from outside a form that can stand in a key, and so in a path.

    Letters, digits and ``_ . @ + = , ~ - space`` stay; anything else becomes ``_`` and a digest keeps different names different.
    """
    if _VALUE.fullmatch(text) and not text.endswith((".", " ")):
        return text
    clean = re.sub(r"[^A-Za-z0-9_.@+=,~-]+", "_", text).lstrip("._-+=,~@ ")[:100].rstrip(". ")
    return f"{clean or 'unnamed'}~{hashlib.sha256(text.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"


class Key(Mapping[str, str]):
    """Where a product or a task stands: a value for each of its kind's dimensions, in the kind's order.

    Raises DataError for a value that could leave its folder.
    """

    __slots__ = ("_hash", "_items")

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        self._items = tuple(items)
        self._hash = hash(frozenset(self._items))
        for dimension, value in self._items:
            if not _VALUE.fullmatch(value) or value.endswith((".", " ")):
                raise DataError(
                    f"{value!r} cannot be a {dimension} in a key",
                    remedy="Values have up to 150 letters, digits and _ . @ + = , ~ - and begin with one of the first three",
                )

    def __getitem__(self, dimension: str) -> str:
        for name, value in self._items:
            if name == dimension:
                return value
        raise KeyError(dimension)

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and frozenset(self._items) == frozenset(other._items)

    def __reduce__(self) -> tuple[type[Key], tuple[tuple[tuple[str, str], ...]]]:
        # Text hashes differently in each process, so the hash does not travel.
        return Key, (self._items,)

    def __repr__(self) -> str:
        return f"Key({', '.join(f'{name}={value}' for name, value in self._items)})"

    @property
    def text(self) -> str:
        """The values, joined by slashes: ``DDC/0001``; ``-`` for the empty key."""
        return "/".join(value for _, value in self._items) or "-"

    @classmethod
    def parse(cls, dimensions: tuple[str, ...], text: str) -> Self:
        """Read what `text` wrote."""
        values = text.split("/") if dimensions else []
        if len(values) != len(dimensions):
            raise DataError(f"{text!r} has {len(values)} parts", remedy=f"A key here is {'/'.join(dimensions) or '-'}")
        return cls(zip(dimensions, values, strict=True))

    def project(self, dimensions: tuple[str, ...]) -> Key:
        """Keep these dimensions only, in this order."""
        return Key((name, self[name]) for name in dimensions)

    def contains(self, other: Key) -> bool:
        """Say whether the other key is part of this one."""
        return set(other._items) <= set(self._items)


@dataclass(frozen=True, slots=True, kw_only=True)
class Completeness:
    """How much of what there should be is there."""

    received: int
    expected: int | None = None
    """None while it is not known how much there should be."""
    unit: str = "bytes"
    gaps: tuple[tuple[int, int], ...] = ()
    """What is lost, as [start, stop) in the unit; at most `MAX_GAPS`, the rest is summed up in a caveat."""
    caveats: tuple[str, ...] = ()
    """What a user should know about this product, one sentence each."""

    MAX_GAPS: ClassVar[int] = 1000

    @property
    def partial(self) -> bool:
        """Whether something is known to be missing."""
        return bool(self.gaps) or (self.expected is not None and self.received < self.expected)

    @property
    def fraction(self) -> float | None:
        """Received over expected, 0 to 1; None if unknown."""
        return None if self.expected is None else (self.received / self.expected if self.expected else 1.0)

    def to_json(self) -> Facts:
        """Give plain values for a receipt."""
        return {
            "received": self.received,
            "expected": self.expected,
            "unit": self.unit,
            "gaps": [list(gap) for gap in self.gaps],
            "caveats": list(self.caveats),
        }

    @classmethod
    def from_json(cls, value: Facts) -> Self:
        """Read what `to_json` wrote."""
        return cls(
            received=value["received"],
            expected=value["expected"],
            unit=value["unit"],
            gaps=tuple((int(start), int(stop)) for start, stop in value["gaps"]),
            caveats=tuple(value["caveats"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRef:
    """A stretch of a file that exists."""

    path: str
    """Absolute."""
    offset: int = 0
    length: int
    """Bytes."""

    def read(self) -> bytes:
        """Return the bytes; DataError if the file has become shorter."""
        with Path(self.path).open("rb") as stream:
            stream.seek(self.offset)
            data = stream.read(self.length)
        if len(data) != self.length:
            raise DataError(
                f"holds {len(data)} bytes here instead of {self.length}",
                where=f"{self.path} at byte {self.offset}",
                remedy="The file was cut or changed after it was taken in; put it back, or run the command again to take it in anew",
            )
        return data


class Sink(Protocol):
    """Where a product saves itself; the engine publishes what stands there once all of it does."""

    def path(self, suffix: str) -> Path:
        """Name a file to write: the product's path with this suffix, in a staging folder."""

    def put(self, suffix: str, parts: Iterable[bytes | bytearray | memoryview]) -> None:
        """Write a file from its parts, all of it, once: its digest is taken on the way, so that it need not be read again."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append to the product's one stream. Packed kinds use this, and nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a product loads itself from."""

    key: Key
    files: Mapping[str, FileRef]
    """By suffix; a packed product and most external ones have the one of suffix ''."""
    facts: Facts = field(default_factory=dict)

    def path(self, suffix: str = "") -> Path:
        """Name the whole file of this suffix."""
        return Path(self.files[suffix].path)

    def read(self, suffix: str = "") -> bytes:
        """Return the bytes of this suffix."""
        return self.files[suffix].read()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the catalog knows of a product without loading it."""

    key: Key
    digest: str
    completeness: Completeness
    facts: Facts
    paths: tuple[str, ...] = ()
    """Relative to OUT; empty for packed and external products."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A file that has come in, for the kinds to recognise."""

    path: Path
    size: int
    """Bytes."""
    head: bytes
    """The first MiB."""
    level: str | None = None
    """What the operator says that it is: "bits", "frames", "packets" or "media"."""
    section: str | None = None
    """The link that the operator names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognition:
    """What a kind makes of an arrival."""

    confidence: float
    """0 to 1; the greatest wins."""
    level: str
    key: Mapping[str, str]
    """The values that the kind gives; dimensions `pass` and `chunk` are filled in by the engine, from name and position."""
    chunked: bool = False
    """Whether the file is a stretch of a pass, cut into chunks by the engine."""
    sections: Mapping[str, str] = field(default_factory=dict)
    """Which section of the profile holds for this pass: {"link": "xband"}."""
    margin: int = 0
    """Bytes before a chunk that its stage reads as well."""
    facts: Facts = field(default_factory=dict)
    suffix: str = ""


class Product(abc.ABC):
    """A kind of product; subclasses are frozen dataclasses whose fields include those that KEY names."""

    KEY: ClassVar[tuple[str, ...]]
    """Dimensions of the key, in the order of its text."""
    PACKED: ClassVar[bool] = False
    """Many of these share one file; they have no path of their own."""
    INTERMEDIATE: ClassVar[bool] = False
    """A copy of the downlink on its way to what people look at: with keep = "final" its files go once what is made from them stands."""
    LEVELS: ClassVar[tuple[str, ...]] = ()
    """The levels at which this kind may come from outside."""

    @property
    def key(self) -> Key:
        """The key, from the fields of the same names (`pass` is `pass_`)."""
        return Key((name, getattr(self, "pass_" if name == "pass" else name)) for name in self.KEY)

    @classmethod
    def stem(cls, key: Key) -> str:
        """Path under OUT without suffix. Packed kinds have none."""
        raise NotImplementedError(f"{cls.__name__} for {key.text} has no path")

    @classmethod
    def cuts(cls, path: Path, step: int) -> Sequence[int] | None:
        """Say where a recording of this kind may be cut into chunks, if it is larger than `step` bytes.

        Returns offsets, ascending from 0 and at most `step` apart: of what lies behind the last one, only the first `step` bytes hold
        something of this kind. None: anywhere.
        """
        del path, step
        return None

    @abc.abstractmethod
    def save(self, sink: Sink) -> None:
        """Write all of it; equal products write equal bytes."""

    @classmethod
    @abc.abstractmethod
    def load(cls, source: Source) -> Self:
        """Read what `save` wrote."""

    def as_saved(self) -> Self | None:
        """Give what `load` would make of what `save` writes; None where only reading it can tell.

        The stage that wants it next gets this, if it runs where this was made, before it is forgotten.
        """
        return None

    @abc.abstractmethod
    def completeness(self) -> Completeness:
        """Say how much of it is there."""

    def facts(self) -> Facts:
        """What the report, the index and `status` need to know without loading it. JSON values, deterministic."""
        return {}

    def story(self) -> list[str]:
        """Tell where each piece of it came from, a line each, for `explain`."""
        return []

    @classmethod
    def tally(cls, entries: Iterable[Entry]) -> Facts:
        """Sum all products of this kind up for `status --json`; top-level names of that document."""
        del entries
        return {}

    @classmethod
    def recognise(cls, arrival: Arrival, sections: Callable[[type[Any]], Mapping[str, Any]]) -> Recognition | None:
        """Say whether a file from outside holds this kind. `sections(Link)` gives the profile's sections of a type by name."""
        del arrival, sections
        return None
