"""Prints a camera's sheets, and binds them as a book."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from pipeline.product import Key
from pipeline.stage import Group
from stages.formats.pdf import Link, Page, Word, pdf
from stages.products import ContactSheet, Image, SheetBook, SheetPrint
from stages.products.books import PrintedLeaf
from stages.products.sheets import Place
from stages.profile import Camera

__all__ = ["bind", "make_print"]

QUALITY = 90
"""Of JPEG, colour in full resolution: captions stay sharp, and a book of hundreds of pages can still be mailed."""


def make_print(sheet: ContactSheet) -> SheetPrint:
    """Make the print of a sheet; its leaves are read and coded one at a time when it is written."""
    return SheetPrint(camera=sheet.camera, page=sheet.page, leaves=lambda: printed(sheet), count=len(sheet.sizes))


def printed(sheet: ContactSheet) -> Iterator[PrintedLeaf]:
    """Code each leaf."""
    for number, leaf in enumerate(sheet.leaves()):
        height, width = leaf.shape[:2]
        yield PrintedLeaf(jpeg(leaf), width, height, tuple(place for place in sheet.places if place.leaf == number))


def bind(prints: Group[SheetPrint], camera: Camera) -> SheetBook:
    """Make the book; prints are read one at a time when it is written."""
    name = prints.entries[0].key["camera"]
    title = f"{camera.title or name}: contact sheets"
    return SheetBook(
        camera=name,
        pieces=lambda: pdf(pages_of(prints), title=title),
        pages=sum(entry.facts["leaves"] for entry in prints.entries),
    )


def pages_of(prints: Group[SheetPrint]) -> Iterator[Page]:
    """Give a page for each leaf."""
    for sheet in prints:
        for number, leaf in enumerate(sheet.leaves(), 1):
            suffix = f".{number}" if sheet.count > 1 else ""
            yield Page(
                jpeg=leaf.jpeg,
                width=leaf.width,
                height=leaf.height,
                title=f"page {sheet.page}{suffix}",
                words=tuple(Word(text=p.frame, x=p.x, y=p.y + p.height + 19, size=15) for p in leaf.places),
                links=tuple(link_of(sheet.camera, place) for place in leaf.places),
            )


def link_of(camera: str, place: Place) -> Link:
    """Lead from a cell to its image, as both lie under OUT."""
    stem = Image.stem(Key([("camera", camera), ("frame", place.frame)]))
    return Link(target=quote(f"../{stem}.png"), x=place.x, y=place.y, width=place.width, height=place.height)


def jpeg(picture: NDArray[np.uint8]) -> bytes:
    """Encode a picture as baseline JPEG."""
    from imagecodecs import jpeg8_encode

    # Pillow's encoder gives the same octets, but only after it has copied the picture into pixels of four bytes.
    encode: Any = jpeg8_encode
    return bytes(encode(picture, level=QUALITY, subsampling="444", optimize=False))
