"""Mosaic, Image, Cell, ContactSheet and SheetBook: pictures, from the sensor to the page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.product import Completeness, Facts, Key, Product, Sink, Source

__all__ = ["Cell", "ContactSheet", "Image", "Mosaic", "SheetBook"]

Samples: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]
Mask: TypeAlias = NDArray[np.bool_]
Pattern: TypeAlias = Literal["RGGB", "GRBG", "GBRG", "BGGR", "mono", "colour"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mosaic(Product):
    """One edition of one frame, as the sensor saw it."""

    KEY: ClassVar[tuple[str, ...]] = ("file", "camera", "frame", "edition")

    file: str
    camera: str
    frame: str
    edition: str
    """thumbnail, jpeg, video or lossless."""
    samples: Samples
    """(height, width) data numbers; (height, width, 3) if cfa is "colour"."""
    mask: Mask
    """(height, width), True where a sample is lost."""
    cfa: Pattern = "RGGB"
    """Colour filter of (0,0) (0,1) (1,0) (1,1) of these samples; mono and colour pass through."""
    white: int = 255
    """Largest data number that the sensor gives."""
    source: str = ""
    """Name of the product on board or in the archive."""
    clock: float | None = None
    """Clock seconds of acquisition, if known."""
    meta: Facts = field(default_factory=dict)

    @classmethod
    def stem(cls, key: Key) -> str:
        """mosaics/CAMERA/FRAME-EDITION-FILE."""
        return f"mosaics/{key['camera']}/{key['frame']}-{key['edition']}-{key['file']}"

    def save(self, sink: Sink) -> None:
        """Write .tif: samples, and the mask as a second page where anything is lost."""
        raise NotImplementedError

    @classmethod
    def load(cls, source: Source) -> Self:
        """Read what `save` wrote."""
        raise NotImplementedError

    def completeness(self) -> Completeness:
        """Count samples; a gap is a run of rows in which any is lost."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Image(Product):
    """A frame, developed."""

    KEY: ClassVar[tuple[str, ...]] = ("camera", "frame")

    camera: str
    frame: str
    samples: Samples
    """(height, width, 3), or (height, width) from a mono camera."""
    mask: Mask
    """(height, width), True where a pixel depends on a lost sample."""
    edition: str = ""
    """The one it was made from."""
    editions: tuple[str, ...] = ()
    """All that have come, sorted, each once."""
    source: str = ""
    """Name of the product that it was made from."""
    file: str = ""
    clock: float | None = None
    """Clock seconds of acquisition, if known."""
    utc: str = ""
    white: int = 255
    meta: Facts = field(default_factory=dict)

    @classmethod
    def stem(cls, key: Key) -> str:
        """images/CAMERA/FRAME."""
        return f"images/{key['camera']}/{key['frame']}"

    def save(self, sink: Sink) -> None:
        """Write .png (8 bit, alpha 0 where lost), and .tif for more than 8 bits."""
        raise NotImplementedError

    @classmethod
    def load(cls, source: Source) -> Self:
        """Read what `save` wrote: the .tif if there is one."""
        raise NotImplementedError

    def completeness(self) -> Completeness:
        """Count pixels; a gap is a run of rows in which any is lost."""
        raise NotImplementedError


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
