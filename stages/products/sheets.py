"""Cell, ContactSheet and TimeSheet: many pictures at a glance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.product import Completeness, Facts, Key, Product, Sink, Source
from stages.products.packed import read_packed, split_masked, write_masked

__all__ = ["Cell", "ContactSheet", "Drawn", "Place", "TimeSheet"]

Mask: TypeAlias = NDArray[np.bool_]
Picture: TypeAlias = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell(Product):
    """A frame's place on a contact sheet: a small picture and what the caption says."""

    KEY: ClassVar[tuple[str, ...]] = ("camera", "frame", "page")
    PACKED: ClassVar[bool] = True

    camera: str
    frame: str
    page: str
    samples: Picture
    """(height, width, 3), area means of the image's pixels that are there."""
    mask: Mask
    """(height, width), True where most of the pixels are lost."""
    fraction: float = 1.0
    """Of the frame's pixels that are there."""
    edition: str = ""
    source: str = ""
    clock: float | None = None
    utc: str = ""
    histogram: str = ""
    """Of the image, as `stages.contact_sheet.histogram` writes it."""

    def save(self, sink: Sink) -> None:
        """Write the facts as a line of JSON, then samples and mask (a bit a pixel)."""
        write_masked(sink, self.facts(), self.samples, self.mask, "u1")

    @classmethod
    def load(cls, source: Source) -> Self:
        """Read what `save` wrote."""
        head, body = read_packed(source)
        height, width = head.pop("height"), head.pop("width")
        samples, mask = split_masked(source, body, "u1", (height, width, 3), (height, width))
        key = source.key
        return cls(camera=key["camera"], frame=key["frame"], page=key["page"], samples=samples, mask=mask, **head)

    def completeness(self) -> Completeness:
        """Count the frame's thousandths; a frame that misses anything never counts as whole."""
        thousandths = 1000 if self.fraction >= 1 else min(999, round(self.fraction * 1000))
        return Completeness(received=thousandths, expected=1000, unit="thousandths")

    def facts(self) -> Facts:
        """Size, and what the caption says: a sheet is laid out before any cell is loaded."""
        return {
            "height": self.mask.shape[0],
            "width": self.mask.shape[1],
            "fraction": self.fraction,
            "edition": self.edition,
            "source": self.source,
            "clock": self.clock,
            "utc": self.utc,
            "histogram": self.histogram,
        }


class Place(NamedTuple):
    """Where a frame's picture lies on a sheet."""

    frame: str
    leaf: int
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """The one leaf of a sheet, at hand: what wants it next need neither draw nor read it again."""

    leaf: Picture

    @property
    def nbytes(self) -> int:
        """Bytes that it holds."""
        return self.leaf.nbytes

    def __call__(self) -> Iterator[Picture]:
        """Give it, as `ContactSheet.leaves` does."""
        return iter((self.leaf,))


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactSheet(Product):
    """A page of cells, drawn on one leaf; on several where frames have no numbers to tell how many a page may get."""

    KEY: ClassVar[tuple[str, ...]] = ("camera", "page")

    camera: str
    page: str
    leaves: Callable[[], Iterator[Picture]]
    """Draws the leaves in order, each (height, width, 3); no more than one is in memory."""
    sizes: tuple[tuple[int, int], ...]
    """(width, height) of each leaf."""
    frames: tuple[str, ...] = ()
    """In the order drawn."""
    partial: tuple[str, ...] = ()
    missing: tuple[tuple[int, int], ...] = ()
    """[start, stop) of frame numbers that are drawn as empty cells."""
    places: tuple[Place, ...] = ()
    """Of each frame's picture, for links."""
    histograms: tuple[str, ...] = ()
    """Of the images, in the order of `places`."""
    title: str = ""
    """The camera's."""
    order: int = 100
    """The camera's place in listings."""

    @classmethod
    def stem(cls, key: Key) -> str:
        """contact_sheets/CAMERA-PAGE."""
        return f"contact_sheets/{key['camera']}-{key['page']}"

    @staticmethod
    def suffix(leaf: int) -> str:
        """.png of the first leaf, .2.png of the second."""
        return f".{leaf + 1}.png" if leaf else ".png"

    def save(self, sink: Sink) -> None:
        """Write a .png for each leaf."""
        write_leaves(sink, self.leaves())

    def as_saved(self) -> Self | None:
        """All of it, if its one leaf is at hand."""
        return self if isinstance(self.leaves, Drawn) else None

    @classmethod
    def load(cls, source: Source) -> Self:
        """Open what `save` wrote; leaves are read when asked for."""
        facts = source.facts
        sizes = tuple((width, height) for width, height in facts["sizes"])
        paths = [source.path(cls.suffix(leaf)) for leaf in range(len(sizes))]
        return cls(
            camera=source.key["camera"],
            page=source.key["page"],
            leaves=lambda: read_leaves(paths),
            sizes=sizes,
            frames=tuple(facts["frames"]),
            partial=tuple(facts["partial"]),
            missing=tuple((start, stop) for start, stop in facts["missing"]),
            places=tuple(Place(*place) for place in facts["places"]),
            histograms=tuple(facts["histograms"]),
            title=facts["title"],
            order=facts["order"],
        )

    def completeness(self) -> Completeness:
        """Count frames that are whole, of those that the page should hold."""
        missing = sum(stop - start for start, stop in self.missing)
        whole = len(self.frames) - len(self.partial)
        return Completeness(received=whole, expected=len(self.frames) + missing, unit="frames")

    def facts(self) -> Facts:
        """Frames and their places."""
        return {
            "title": self.title,
            "order": self.order,
            "sizes": [list(size) for size in self.sizes],
            "frames": list(self.frames),
            "partial": list(self.partial),
            "missing": [list(run) for run in self.missing],
            "places": [list(place) for place in self.places],
            "histograms": list(self.histograms),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSheet(Product):
    """All cameras side by side on one time line: no leaves where fewer than two cameras have pictures with a time."""

    KEY: ClassVar[tuple[str, ...]] = ()

    leaves: Callable[[], Iterator[Picture]]
    """Draws the leaves in order, each (height, width, 3); no more than one is in memory."""
    sizes: tuple[tuple[int, int], ...]
    """(width, height) of each leaf."""
    frames: int
    """That it shows."""
    total: int
    """That there are."""

    @classmethod
    def stem(cls, key: Key) -> str:
        """contact_sheets/all."""
        del key
        return "contact_sheets/all"

    def save(self, sink: Sink) -> None:
        """Write a .png for each leaf."""
        write_leaves(sink, self.leaves())

    @classmethod
    def load(cls, source: Source) -> Self:
        """Open what `save` wrote; leaves are read when asked for."""
        sizes = tuple((width, height) for width, height in source.facts["sizes"])
        paths = [source.path(ContactSheet.suffix(leaf)) for leaf in range(len(sizes))]
        return cls(leaves=lambda: read_leaves(paths), sizes=sizes, frames=source.facts["frames"], total=source.facts["total"])

    def completeness(self) -> Completeness:
        """Count leaves."""
        return Completeness(received=len(self.sizes), expected=len(self.sizes), unit="leaves")

    def facts(self) -> Facts:
        """Sizes of the leaves, and how many frames they show."""
        return {"sizes": [list(size) for size in self.sizes], "frames": self.frames, "total": self.total}


def write_leaves(sink: Sink, leaves: Iterable[Picture]) -> None:
    """Write pictures one after the other."""
    from stages.formats.png import write_sheet

    for number, leaf in enumerate(leaves):
        write_sheet(sink.path(ContactSheet.suffix(number)), leaf)


def read_leaves(paths: Iterable[Path]) -> Iterator[Picture]:
    """Read pictures one after the other."""
    from stages.formats.images import read_image

    for path in paths:
        yield np.asarray(read_image(path).samples, np.uint8)
