"""Saves products into a folder and loads them from it, without an engine."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from pipeline.product import FileRef, Product, Source

__all__ = ["FolderSink", "reloaded"]

P = TypeVar("P", bound=Product)


class FolderSink:
    """A sink whose files stand in a folder, which is made: a stem, and after it the product's suffixes."""

    def __init__(self, folder: Path, stem: str = "product") -> None:
        self.folder = folder
        self.stem = stem
        self.files: dict[str, Path] = {}
        """By suffix."""

    def path(self, suffix: str) -> Path:
        """Name a file to write."""
        path = self.folder / f"{self.stem}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        return self.files.setdefault(suffix, path)

    def put(self, suffix: str, parts: Iterable[bytes | bytearray | memoryview]) -> None:
        """Write a file from its parts."""
        with self.path(suffix).open("wb") as stream:
            stream.writelines(parts)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append to the file without a suffix; FileExistsError if that was there before: two products would look like one."""
        mode = "ab" if "" in self.files else "xb"
        with self.path("").open(mode) as stream:
            stream.write(data)

    def source(self, product: Product) -> Source:
        """Give the source of the product that was saved here."""
        files = {suffix: FileRef(path=str(path), length=path.stat().st_size) for suffix, path in self.files.items()}
        return Source(key=product.key, files=files, facts=product.facts())


def reloaded(product: P, folder: Path) -> P:
    """Save a product into a folder of its own, and load it."""
    sink = FolderSink(folder)
    product.save(sink)
    return type(product).load(sink.source(product))
