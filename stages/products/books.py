"""SheetPrint and SheetBook: contact sheets to mail and to print."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

from pipeline.product import Completeness, Facts, Key, Product, Sink, Source
from stages.products.packed import read_pieces, write_pieces
from stages.products.sheets import Place

__all__ = ["PrintedLeaf", "SheetBook", "SheetPrint"]

BLOCK = 1 << 20


class PrintedLeaf(NamedTuple):
    """A leaf of a sheet, as its book shows it."""

    jpeg: bytes
    width: int
    height: int
    places: tuple[Place, ...]
    """Of the pictures on it, for words and links."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetPrint(Product):
    """A contact sheet, ready to be bound: a JPEG of each leaf."""

    KEY: ClassVar[tuple[str, ...]] = ("camera", "page")
    PACKED: ClassVar[bool] = True

    camera: str
    page: str
    leaves: Callable[[], Iterator[PrintedLeaf]]
    """Gives the leaves in order; no more than one is in memory."""
    count: int
    """Of the leaves."""

    def save(self, sink: Sink) -> None:
        """Write for each leaf a line of JSON with its size and places, and the JPEG."""
        write_pieces(sink, (({"width": leaf.width, "height": leaf.height, "places": leaf.places}, leaf.jpeg) for leaf in self.leaves()))

    @classmethod
    def load(cls, source: Source) -> Self:
        """Open what `save` wrote; leaves are read when asked for."""
        key = source.key
        return cls(camera=key["camera"], page=key["page"], leaves=lambda: printed_leaves(source), count=source.facts["leaves"])

    def completeness(self) -> Completeness:
        """Count leaves."""
        return Completeness(received=self.count, expected=self.count, unit="leaves")

    def facts(self) -> Facts:
        """Count of the leaves: a book knows its pages before any is loaded."""
        return {"leaves": self.count}


def printed_leaves(source: Source) -> Iterator[PrintedLeaf]:
    """Read leaf by leaf."""
    for head, jpeg in read_pieces(source):
        places = tuple(Place(*place) for place in head.pop("places"))
        yield PrintedLeaf(jpeg=jpeg, places=places, **head)


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetBook(Product):
    """All sheets of a camera as one PDF."""

    KEY: ClassVar[tuple[str, ...]] = ("camera",)

    camera: str
    pieces: Callable[[], Iterator[bytes]]
    """Gives the file in order; no more than one page is in memory."""
    pages: int

    @classmethod
    def stem(cls, key: Key) -> str:
        """contact_sheets/CAMERA."""
        return f"contact_sheets/{key['camera']}"

    def save(self, sink: Sink) -> None:
        """Write .pdf."""
        with sink.path(".pdf").open("wb") as stream:
            for piece in self.pieces():
                stream.write(piece)

    @classmethod
    def load(cls, source: Source) -> Self:
        """Open what `save` wrote."""
        path = source.path(".pdf")
        return cls(camera=source.key["camera"], pieces=lambda: read_file(path), pages=source.facts["pages"])

    def completeness(self) -> Completeness:
        """Count pages."""
        return Completeness(received=self.pages, expected=self.pages, unit="pages")

    def facts(self) -> dict[str, Any]:
        """Count of the pages."""
        return {"pages": self.pages}


def read_file(path: Path) -> Iterator[bytes]:
    """Read a file piece by piece."""
    with path.open("rb") as stream:
        while piece := stream.read(BLOCK):
            yield piece
