"""Draws a leaf of a contact sheet: title band, cells with captions, gaps, legend."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from PIL import ImageDraw

from stages.contact_sheet.layout import Leaf, Metrics, Spot
from stages.contact_sheet.sequence import Gap
from stages.formats import palette
from stages.formats.lettering import shorten, width, wrap, write
from stages.formats.shares import percent
from stages.products import Cell

__all__ = ["Caption", "Event", "Title", "bands_of", "draw_band", "picture_corner"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """What stands under a picture."""

    name: str
    edition: str = ""
    utc: str = ""
    clock: str = ""
    since: str = ""
    """Time since zero."""
    fraction: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What happened, for the margin."""

    number: int
    title: str
    since: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Title:
    """What stands above all cells."""

    camera: str
    lines: tuple[str, ...] = field(default=())
    """Under the camera's name, joined by dots."""
    tally: tuple[tuple[str, palette.Colour], ...] = ()
    """Counts at the right, with their colours."""


def bands_of(leaf: Leaf, metrics: Metrics) -> list[tuple[int, int]]:
    """Cut a leaf into bands, (top, bottom) each: title, rows of cells, legend."""
    return list(itertools.pairwise([0, *sorted({spot.y for spot in leaf.spots}), leaf.height - metrics.footer, leaf.height]))


def draw_band(
    leaf: Leaf,
    band: tuple[int, int],
    metrics: Metrics,
    title: Title,
    captions: Sequence[Caption],
    events: Sequence[Event],
    load: Callable[[int], Cell],
) -> NDArray[np.uint8]:
    """Draw a band, (rows, width, 3); `load` gives a cell by its index, one at a time."""
    top, bottom = band
    if top > 0 and bottom < leaf.height:
        return _draw_row(leaf, band, metrics, captions, events, load)
    canvas = Picture.new("RGB", (leaf.width, bottom - top), palette.BACKGROUND)
    draw = ImageDraw.Draw(canvas)
    if top == 0:
        _draw_title(draw, leaf, metrics, title)
        _draw_strip(draw, leaf, metrics, captions)
    else:
        _draw_legend(canvas, draw, leaf, metrics, captions)
    return np.asarray(canvas)


def _draw_row(
    leaf: Leaf,
    band: tuple[int, int],
    metrics: Metrics,
    captions: Sequence[Caption],
    events: Sequence[Event],
    load: Callable[[int], Cell],
) -> NDArray[np.uint8]:
    top, bottom = band
    spots = [spot for spot in leaf.spots if spot.y == top]
    # Where nothing is drawn beside pictures, only the captions need a canvas: the rest of it would cost more than all the lettering.
    plain = all(spot.slot.gap is None and not spot.slot.events for spot in spots)
    above = metrics.box[1] if plain else 0
    canvas = Picture.new("RGB", (leaf.width, bottom - top - above), palette.BACKGROUND)
    draw = ImageDraw.Draw(canvas)
    y = 0
    for spot in (replace(spot, y=-above) for spot in spots):
        if spot.slot.gap is not None:
            _draw_gap(draw, spot, metrics, spot.slot.gap)
        elif spot.slot.cell is not None:
            _draw_panel(draw, spot, metrics, captions[spot.slot.cell])
        if spot.slot.events and metrics.across:
            x = spot.x - metrics.gap // 2
            draw.rectangle((x - 1, 0, x, metrics.box[1] + metrics.caption - 1), fill=palette.RUST)
        for place, number in enumerate(spot.slot.events):
            if metrics.across:
                badge(draw, spot.x - metrics.gap // 2, metrics.box[1] + 2 + 18 * place, number)
            y = _draw_event(draw, metrics, events[number - 1], y)
    out = np.empty((bottom - top, leaf.width, 3), np.uint8)
    out[above:] = np.asarray(canvas)
    # Beside a picture that is smaller than its box there is what stands above its caption: a row of it says it.
    out[:above] = out[above + 3]
    for spot in spots:
        if spot.slot.cell is not None:
            cell = load(spot.slot.cell)
            px, py = picture_corner(replace(spot, y=0), metrics, cell.mask.shape)
            out[py : py + cell.mask.shape[0], px : px + cell.mask.shape[1]] = with_losses(cell, px, top + py)
    return out


def badge(draw: ImageDraw.ImageDraw, x: int, y: int, number: int) -> None:
    """Write an event's number; beside captions, since galleries cut their pictures from the sheet."""
    draw.rectangle((x - 10, y, x + 9, y + 15), fill=palette.RUST)
    write(draw, (x, y + 12), str(number), 12, palette.BACKGROUND, "ms")


def _draw_event(draw: ImageDraw.ImageDraw, metrics: Metrics, event: Event, y: int) -> int:
    """Say in the margin what happened; give where the next one may stand."""
    x, room = metrics.margin, metrics.left - metrics.margin - 50
    lines = wrap(event.title, 13, room, 2)
    if y + 16 * len(lines) + 18 <= metrics.box[1] + metrics.caption:
        badge(draw, x + 10, y, event.number)
        for i, line in enumerate(lines):
            write(draw, (x + 30, y + 12 + 16 * i), line, 13, palette.INK)
        write(draw, (x + 30, y + 12 + 16 * len(lines)), event.since, 12, palette.MUTED)
    return y + 16 * len(lines) + 26


def _draw_title(draw: ImageDraw.ImageDraw, leaf: Leaf, metrics: Metrics, title: Title) -> None:
    left, right = metrics.margin, leaf.width - metrics.margin
    draw.rectangle((left, 28, left + 4, 75), fill=palette.RUST)
    edge = float(right)
    for text, colour in reversed(title.tally):
        write(draw, (edge, 48), text, 16, colour, "rs")
        edge -= width(text, 16) + 18
    write(draw, (left + 18, 48), shorten(title.camera, 26, edge - left - 30), 26, palette.INK)
    lines = [*title.lines, f"leaf {leaf.number + 1} of {leaf.count}"] if leaf.count > 1 else title.lines
    write(draw, (left + 18, 74), shorten("  ·  ".join(lines), 14, right - left - 18), 14, palette.MUTED)


def _draw_strip(draw: ImageDraw.ImageDraw, leaf: Leaf, metrics: Metrics, captions: Sequence[Caption]) -> None:
    """Draw a line under the title, a piece for each slot, in the colour of how whole it is."""
    left, right = metrics.margin, leaf.width - metrics.margin
    for i, spot in enumerate(leaf.spots):
        x0 = left + (right - left) * i // len(leaf.spots)
        x1 = left + (right - left) * (i + 1) // len(leaf.spots) - (3 if i + 1 < len(leaf.spots) else 1)
        colour = palette.RED if spot.slot.gap is not None else state_colour(captions[spot.slot.cell or 0])
        draw.rectangle((x0, 92, max(x0, x1), 94), fill=colour)


def state_colour(caption: Caption) -> palette.Colour:
    """Tell whole, partial and thumbnail apart."""
    if caption.fraction < 1:
        return palette.AMBER
    return palette.EDITIONS["thumbnail"] if caption.edition == "thumbnail" else palette.GREEN


def _draw_panel(draw: ImageDraw.ImageDraw, spot: Spot, metrics: Metrics, caption: Caption) -> None:
    """Draw what is behind a picture, and its caption."""
    x, y, (box_width, box_height) = spot.x, spot.y, metrics.box
    draw.rectangle((x, y, x + box_width - 1, y + box_height + metrics.caption - 1), fill=palette.PANEL)
    if caption.fraction < 1:
        draw.rectangle((x, y + box_height, x + box_width - 1, y + box_height + 2), fill=palette.LINE)
        draw.rectangle((x, y + box_height, x + round((box_width - 1) * caption.fraction), y + box_height + 2), fill=palette.AMBER)
    _draw_caption(draw, x + 9, y + box_height + 19, box_width - 18, caption, metrics.name_lines)


def picture_corner(spot: Spot, metrics: Metrics, shape: tuple[int, ...]) -> tuple[int, int]:
    """Place a picture in the middle of its box."""
    return spot.x + (metrics.box[0] - shape[1]) // 2, spot.y + (metrics.box[1] - shape[0]) // 2


def with_losses(cell: Cell, x: int, y: int) -> NDArray[np.uint8]:
    """Hatch what is lost; nothing is made up, and nothing lost looks like a dark part of the scene."""
    if not cell.mask.any():
        return cell.samples
    return np.where(cell.mask[..., None], palette.hatch(*cell.mask.shape, x=x, y=y), cell.samples)


def _draw_caption(draw: ImageDraw.ImageDraw, x: int, y: int, room: int, caption: Caption, lines: int) -> None:
    edge = float(x + room)
    colour = palette.EDITIONS.get(caption.edition, palette.MUTED)
    if lines == 1:
        write(draw, (edge, y), caption.edition, 12, colour, "rs")
        write(draw, (x, y), shorten(caption.name, 15, room - width(caption.edition, 12) - 8), 15, palette.INK)
    else:
        for i, line in enumerate(wrap(caption.name, 12, room, lines)):
            write(draw, (x, y + 16 * i - 1), line, 12, palette.INK)
    y += 16 * (lines - 1) + 20
    if caption.utc or caption.since:
        _write_pair(draw, x, edge, y, (caption.utc, palette.MUTED), (caption.since, palette.MUTED))
        y += 16
    if lines > 1:
        write(draw, (edge, y), caption.edition, 12, colour, "rs")
        edge -= width(caption.edition, 12) + 10 * bool(caption.edition)
    share = (percent(caption.fraction), palette.AMBER if caption.fraction < 1 else palette.FAINT)
    _write_pair(draw, x, edge, y, (caption.clock, palette.MUTED), share)


def _write_pair(
    draw: ImageDraw.ImageDraw, x: int, edge: float, y: int, left: tuple[str, palette.Colour], right: tuple[str, palette.Colour]
) -> None:
    """Write a text at the left and one at the right, which goes first where both have no room."""
    write(draw, (edge, y), right[0], 12, right[1], "rs")
    room = edge - width(right[0], 12) - 10 - x
    if left[0] and room > 24:
        write(draw, (x, y), shorten(left[0], 12, room), 12, left[1])


def _draw_gap(draw: ImageDraw.ImageDraw, spot: Spot, metrics: Metrics, gap: Gap) -> None:
    x, y = spot.x, spot.y
    width_, height = metrics.box[0], metrics.box[1] + metrics.caption
    dashes(draw, x, y, width_, height, palette.FAINT)
    middle = x + width_ / 2
    count = gap.stop - gap.start
    write(draw, (middle, y + height / 2 - 6), gap.name, 15, palette.RED, "ms")
    write(draw, (middle, y + height / 2 + 14), "missing" if count == 1 else f"{count} frames missing", 12, palette.MUTED, "ms")
    if gap.seconds is not None:
        write(draw, (middle, y + height / 2 + 32), f"{gap.seconds:.2f} s without a picture", 12, palette.MUTED, "ms")


def dashes(draw: ImageDraw.ImageDraw, x: int, y: int, width: int, height: int, colour: palette.Colour) -> None:
    """Draw a dashed border."""
    for at in range(0, width, 10):
        end = min(at + 4, width - 1)
        draw.line((x + at, y, x + end, y), fill=colour)
        draw.line((x + at, y + height - 1, x + end, y + height - 1), fill=colour)
    for at in range(0, height, 10):
        end = min(at + 4, height - 1)
        draw.line((x, y + at, x, y + end), fill=colour)
        draw.line((x + width - 1, y + at, x + width - 1, y + end), fill=colour)


def _draw_legend(canvas: Picture.Image, draw: ImageDraw.ImageDraw, leaf: Leaf, metrics: Metrics, captions: Sequence[Caption]) -> None:
    """Explain hatching and empty cells where this leaf has any."""
    x, y = metrics.margin, 12
    cells = [captions[spot.slot.cell] for spot in leaf.spots if spot.slot.cell is not None]
    if any(caption.fraction < 1 for caption in cells):
        canvas.paste(Picture.fromarray(palette.hatch(12, 22, x=x, y=y)), (x, y))
        write(draw, (x + 30, y + 11), "lost, nothing drawn in its place", 12, palette.MUTED)
        x += 50 + round(width("lost, nothing drawn in its place", 12))
    if len(cells) < len(leaf.spots):
        dashes(draw, x, y, 22, 12, palette.FAINT)
        write(draw, (x + 30, y + 11), "missing from the numbering", 12, palette.MUTED)
        x += 50 + round(width("missing from the numbering", 12))
    if metrics.across and any(spot.slot.events for spot in leaf.spots):
        draw.rectangle((x, y, x + 19, y + 13), fill=palette.RUST)
        write(draw, (x + 28, y + 11), "happened between the pictures at its sides", 12, palette.MUTED)
