"""Binds a camera's sheets as a book."""

from __future__ import annotations

import io
from collections.abc import Iterator
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from pipeline.product import Key
from pipeline.stage import Group
from stages.formats.pdf import Link, Page, Word, pdf
from stages.products import ContactSheet, Image, SheetBook
from stages.products.sheets import Place
from stages.profile import Camera

__all__ = ["bind"]

QUALITY = 90
"""Of JPEG, colour in full resolution: captions stay sharp, and a book of hundreds of pages can still be mailed."""


def bind(sheets: Group[ContactSheet], camera: Camera) -> SheetBook:
    """Make the book; sheets are read one at a time when it is written."""
    name = sheets.entries[0].key["camera"]
    title = f"{camera.title or name}: contact sheets"
    return SheetBook(
        camera=name,
        pieces=lambda: pdf(pages_of(sheets), title=title),
        pages=sum(len(entry.facts["sizes"]) for entry in sheets.entries),
    )


def pages_of(sheets: Group[ContactSheet]) -> Iterator[Page]:
    """Give a page for each leaf."""
    for sheet in sheets:
        for number, leaf in enumerate(sheet.leaves()):
            mine = [place for place in sheet.places if place.leaf == number]
            suffix = f".{number + 1}" if len(sheet.sizes) > 1 else ""
            yield Page(
                jpeg=jpeg(leaf),
                width=leaf.shape[1],
                height=leaf.shape[0],
                title=f"page {sheet.page}{suffix}",
                words=tuple(Word(text=p.frame, x=p.x, y=p.y + p.height + 19, size=15) for p in mine),
                links=tuple(link_of(sheet.camera, place) for place in mine),
            )


def link_of(camera: str, place: Place) -> Link:
    """Lead from a cell to its image, as both lie under OUT."""
    stem = Image.stem(Key([("camera", camera), ("frame", place.frame)]))
    return Link(target=quote(f"../{stem}.png"), x=place.x, y=place.y, width=place.width, height=place.height)


def jpeg(picture: NDArray[np.uint8]) -> bytes:
    """Encode a picture as baseline JPEG."""
    stream = io.BytesIO()
    Picture.fromarray(picture).save(stream, "JPEG", quality=QUALITY, subsampling=0)
    return stream.getvalue()
