"""LabelFile, Label and Description: what files beside others say of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from pipeline.product import Arrival, Completeness, Facts, Key, Product, Recognition, Sink, Source

__all__ = ["Description", "Label", "LabelFile"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelFile(Product):
    """A file from outside that describes others: a label of the planetary archives, or JSON."""

    KEY: ClassVar[tuple[str, ...]] = ("label",)
    LEVELS: ClassVar[tuple[str, ...]] = ("label",)

    label: str
    data: bytes
    name: str = ""
    files: tuple[str, ...] = ()
    """Names of the files beside it that it speaks of, if its name alone tells."""

    @classmethod
    def stem(cls, key: Key) -> str:
        """files/LABEL."""
        return f"files/{key['label']}"

    def save(self, sink: Sink) -> None:
        """Write the bytes."""
        sink.path("").write_bytes(self.data)

    @classmethod
    def load(cls, source: Source) -> Self:
        """Read the file."""
        files = source.facts.get("files", ())
        return cls(label=source.key["label"], data=source.read(), name=str(source.facts.get("name", "")), files=tuple(files))

    def completeness(self) -> Completeness:
        """Count bytes."""
        return Completeness(received=len(self.data), expected=len(self.data))

    @classmethod
    def recognise(cls, arrival: Arrival, sections: Callable[[type[Any]], Mapping[str, Any]]) -> Recognition | None:
        """Know labels by what they begin with."""
        from stages.recognise import recognise_label

        return recognise_label(arrival, sections)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told(Product):
    """Facts about a file."""

    PACKED: ClassVar[bool] = True

    meta: Facts = field(default_factory=dict)
    """label: facts under the names of `stages.formats.label_facts`. layout: where plain samples stand. lossless, cfa: as in
    `Raster.meta`. caveats: what a user should know."""

    def save(self, sink: Sink) -> None:
        """Write JSON."""
        sink.write(json.dumps(self.meta, sort_keys=True).encode())

    @classmethod
    def load(cls, source: Source) -> Self:
        """Read what `save` wrote."""
        return cls(**source.key, meta=json.loads(source.read()))

    def completeness(self) -> Completeness:
        """It is there or it is not."""
        caveats = tuple(str(caveat) for caveat in self.meta.get("caveats", ()))
        return Completeness(received=1, expected=1, unit="labels", caveats=caveats)


@dataclass(frozen=True, slots=True, kw_only=True)
class Label(_Told):
    """What one label says of one file."""

    KEY: ClassVar[tuple[str, ...]] = ("label", "file")

    label: str
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Description(_Told):
    """What all labels say of one file."""

    KEY: ClassVar[tuple[str, ...]] = ("file",)

    file: str
