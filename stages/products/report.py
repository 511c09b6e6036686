"""Report: the page that people look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from pipeline.product import Completeness, Key, Product, Sink, Source

__all__ = ["Report"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(Product):
    """One offline page about everything, with the index of images."""

    KEY: ClassVar[tuple[str, ...]] = ()

    files: Mapping[str, bytes]
    """By path under OUT: index.html, index.csv and what lies in page/."""

    @classmethod
    def stem(cls, key: Key) -> str:
        """Directly in OUT."""
        del key
        return ""

    def save(self, sink: Sink) -> None:
        """Write each file."""
        for path, data in sorted(self.files.items()):
            sink.path(path).write_bytes(data)

    @classmethod
    def load(cls, source: Source) -> Self:
        """Read what `save` wrote."""
        return cls(files={path: source.read(path) for path in source.files})

    def completeness(self) -> Completeness:
        """Count files."""
        return Completeness(received=len(self.files), expected=len(self.files), unit="files")
