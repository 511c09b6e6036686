"""Where everything on a sheet lies: a pure function of what the cells' captions say, before any picture is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.product import Entry
from stages.contact_sheet.pages import frame_number
from stages.contact_sheet.sequence import Slot

__all__ = ["Leaf", "Metrics", "Spot", "leaves"]

SMALLEST_BOX = 200
"""Pixels; room for a caption."""
EVENTS = 176
"""Pixels; room for what happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """Measures that all leaves of a page share, in pixels."""

    columns: int
    rows: int
    """Most on a leaf."""
    box: tuple[int, int]
    """(width, height) of the largest picture of the page."""
    name_lines: int
    """One for numbers; two for names of products, which are long."""
    timed: bool = True
    """Any cell has a time."""
    across: bool = True
    """Time runs from cell to cell; else from row to row."""
    events: bool = False
    """There is a margin for them at the left."""
    margin: int = 24
    gap: int = 10
    header: int = 112
    """A multiple of 16, as bands of a JPEG file have to be."""
    footer: int = 34

    @property
    def left(self) -> int:
        """Where the cells begin."""
        return self.margin + EVENTS * self.events

    @property
    def caption(self) -> int:
        """Height under a picture."""
        return 34 + 16 * (self.name_lines + self.timed)

    @property
    def pitch(self) -> tuple[int, int]:
        """From cell to cell, (x, y)."""
        return self.box[0] + self.gap, self.box[1] + self.caption + self.gap

    @classmethod
    def of(cls, entries: Sequence[Entry], *, columns: int, rows: int, events: bool = False) -> Metrics:
        """Measure the cells of a page."""
        width = max([SMALLEST_BOX, *(entry.facts["width"] for entry in entries)])
        height = max([SMALLEST_BOX // 2, *(entry.facts["height"] for entry in entries)])
        named = any(frame_number(entry.key["frame"]) is None for entry in entries)
        timed = any(entry.facts["utc"] or entry.facts["clock"] is not None for entry in entries)
        # A short page is as wide as it needs, but the title wants three columns.
        columns = min(columns, max(3, len(entries)))
        return cls(columns=columns, rows=rows, box=(width, height), name_lines=2 if named else 1, timed=timed, events=events)


@dataclass(frozen=True, slots=True)
class Spot:
    """A slot and the upper left corner of its box."""

    slot: Slot
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Leaf:
    """One picture of a page."""

    number: int
    count: int
    """Of leaves."""
    width: int
    height: int
    spots: tuple[Spot, ...]


def leaves(line: Sequence[Slot], metrics: Metrics) -> list[Leaf]:
    """Deal slots out, row by row, leaf by leaf."""
    each = metrics.columns * metrics.rows
    count = -(-len(line) // each)
    pitch_x, pitch_y = metrics.pitch
    out = []
    for number in range(count):
        mine = line[number * each : (number + 1) * each]
        spots = tuple(
            Spot(slot, metrics.left + i % metrics.columns * pitch_x, metrics.header + i // metrics.columns * pitch_y)
            for i, slot in enumerate(mine)
        )
        width = metrics.left + metrics.margin + metrics.columns * pitch_x - metrics.gap
        height = metrics.header + -(-len(mine) // metrics.columns) * pitch_y + metrics.footer
        out.append(Leaf(number, count, width, height, spots))
    return out
