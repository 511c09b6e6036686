"""Words in pictures, in the one typeface that comes with Pillow, so that they look the same on every machine."""

from __future__ import annotations

import functools
import itertools
import unicodedata
from typing import NamedTuple

from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

__all__ = ["face", "printable", "shorten", "width", "wrap", "write"]

Colour = tuple[int, int, int]

GLYPHS = frozenset(map(chr, range(32, 127))) | frozenset("·±°…")
"""What the typeface (Aileron) has; the subset that Pillow carries is small."""


@functools.cache
def face(size: int) -> ImageFont.FreeTypeFont:
    """Give the typeface at a size in pixels."""
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        message = "Pillow was built without FreeType; install the wheel from PyPI"
        raise TypeError(message)
    # The other engine needs a library that only some systems have, and sets the same words differently.
    return font.font_variant(layout_engine=ImageFont.Layout.BASIC)


class Glyph(NamedTuple):
    """One letter, drawn once: captions of ten thousand cells are made of a few dozen."""

    shape: Picture.Image
    """How much of each pixel it covers."""
    left: int
    top: int
    """Of its shape, from where the pen stands on the base line."""
    advance: int
    """How far the pen moves."""


@functools.lru_cache(4096)
def glyph(letter: str, size: int) -> Glyph:
    """Draw a letter."""
    font = face(size)
    left, top, right, bottom = map(int, font.getbbox(letter, anchor="ls"))
    shape = Picture.new("L", (right - left, bottom - top))
    ImageDraw.Draw(shape).text((-left, -top), letter, font=font, fill=255, anchor="ls")
    return Glyph(shape, left, top, round(font.getlength(letter)))


def printable(text: str) -> str:
    """Keep what the typeface can show: accents fall, dashes become hyphens, anything else a question mark."""
    return "".join(letter if letter in GLYPHS else _fold(letter) for letter in text)


def _fold(letter: str) -> str:
    if unicodedata.category(letter) == "Pd" or letter == "\N{MINUS SIGN}":
        return "-"
    if unicodedata.combining(letter):
        return ""
    plain = unicodedata.normalize("NFKD", letter)
    return plain[0] if plain[0] in GLYPHS else "?"


def width(text: str, size: int) -> float:
    """Measure a line, pixels."""
    # The typeface moves no pair of letters together, and hinting makes each a whole number of pixels wide.
    return float(sum(glyph(letter, size).advance for letter in printable(text)))


def shorten(text: str, size: int, room: float) -> str:
    """Cut the middle out until the line fits: names of one sequence differ at both ends."""
    text = printable(text[:1000])
    if width(text, size) <= room:
        return text
    for keep in range(len(text) - 1, 1, -1):
        short = f"{text[: (keep + 1) // 2]}…{text[len(text) - keep // 2 :]}"
        if width(short, size) <= room:
            return short
    return "…"


def wrap(text: str, size: int, room: float, lines: int) -> list[str]:
    """Break a name without spaces into at most so many lines, the last one shortened."""
    out: list[str] = []
    rest = printable(text[:1000])
    while rest and len(out) < lines - 1 and width(rest, size) > room:
        cut = next(n for n in range(len(rest), 0, -1) if n == 1 or width(rest[:n], size) <= room)
        seam = max(rest.rfind(mark, cut * 2 // 3, cut) for mark in "_- ") + 1
        cut = seam or cut
        out.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*out, shorten(rest, size, room)] if rest else out


def write(draw: ImageDraw.ImageDraw, place: tuple[float, float], text: str, size: int, colour: Colour, anchor: str = "ls") -> None:
    """Write a line; `anchor` as Pillow has it: l, m, r and the base line s."""
    text, (x, y) = printable(text), place
    if x % 1 or y % 1:
        draw.text(place, text, font=face(size), fill=colour, anchor=anchor)
        return
    shape = line_of(text, size)
    length = shape.width - 2 * size
    before = {"ls": 0, "ms": (length + 1) // 2, "rs": length}[anchor]
    draw.bitmap((int(x) - before - size, int(y) - size), shape, fill=colour)


@functools.lru_cache(256)
def line_of(text: str, size: int) -> Picture.Image:
    """Set a line: how much of each pixel it covers, with `size` pixels on all sides of where the pen goes."""
    glyphs = [glyph(letter, size) for letter in text]
    pens = itertools.accumulate((one.advance for one in glyphs), initial=size)
    shape = Picture.new("L", (sum(one.advance for one in glyphs) + 2 * size, 2 * size))
    pencil = ImageDraw.Draw(shape)
    for pen, one in zip(pens, glyphs, strict=False):
        # Where letters lean over each other, their cover is added up before it is coloured, as Pillow does.
        pencil.bitmap((pen + one.left, size + one.top), one.shape, fill=255)
    return shape
