"""Cell, ContactSheet and SheetBook: many pictures at a glance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.product import Completeness, Key, Product, Sink, Source

__all__ = ["Cell", "ContactSheet", "SheetBook"]

Mask: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell(Product):
    """A frame's place on a contact sheet: a small picture and what the caption says."""

    KEY: ClassVar[tuple[str, ...]] = ("camera", "frame", "page")
    PACKED: ClassVar[bool] = True

    camera: str
    frame: str
    page: str
    samples: NDArray[np.uint8]
    """(height, width, 3), area means of the image's pixels that are there."""
    mask: Mask
    """(height, width), True where most of the pixels are lost."""
    fraction: float = 1.0
    """Of the frame's pixels that are there."""
    edition: str = ""
    source: str = ""
    clock: float | None = None
    utc: str = ""

    def save(self, sink: Sink) -> None:
        """Write samples, mask and caption in one stream."""
        raise NotImplementedError

    @classmethod
    def load(cls, source: Source) -> Self:
        """Read what `save` wrote."""
        raise NotImplementedError

    def completeness(self) -> Completeness:
        """Count the frame's thousandths."""
        return Completeness(received=round(self.fraction * 1000), expected=1000, unit="thousandths")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactSheet(Product):
    """A page of cells."""

    KEY: ClassVar[tuple[str, ...]] = ("camera", "page")

    camera: str
    page: str
    samples: NDArray[np.uint8]
    """(height, width, 3)."""
    frames: tuple[str, ...] = ()
    """In the order drawn."""
    partial: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    """Frame numbers, or ranges a..b, that are drawn as empty cells."""
    places: tuple[tuple[str, int, int, int, int], ...] = ()
    """(frame, x, y, width, height) of each cell, for links on the page."""

    @classmethod
    def stem(cls, key: Key) -> str:
        """contact_sheets/CAMERA-PAGE."""
        return f"contact_sheets/{key['camera']}-{key['page']}"

    def save(self, sink: Sink) -> None:
        """Write .png."""
        raise NotImplementedError

    @classmethod
    def load(cls, source: Source) -> Self:
        """Read what `save` wrote."""
        raise NotImplementedError

    def completeness(self) -> Completeness:
        """Count frames that are whole, of those that the page should hold."""
        whole = len(self.frames) - len(self.partial)
        return Completeness(received=whole, expected=len(self.frames) + len(self.missing), unit="frames")


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetBook(Product):
    """All sheets of a camera as one PDF."""

    KEY: ClassVar[tuple[str, ...]] = ("camera",)

    camera: str
    data: bytes
    pages: int

    @classmethod
    def stem(cls, key: Key) -> str:
        """contact_sheets/CAMERA."""
        return f"contact_sheets/{key['camera']}"

    def save(self, sink: Sink) -> None:
        """Write .pdf."""
        sink.path(".pdf").write_bytes(self.data)

    @classmethod
    def load(cls, source: Source) -> Self:
        """Read what `save` wrote."""
        return cls(camera=source.key["camera"], data=source.read(".pdf"), pages=source.facts["pages"])

    def completeness(self) -> Completeness:
        """Count pages."""
        return Completeness(received=self.pages, expected=self.pages, unit="pages")

    def facts(self) -> dict[str, Any]:
        """Count of the pages."""
        return {"pages": self.pages}
