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
    margin: int = 24
    gap: int = 10
    header: int = 112
    footer: int = 34

    @property
    def caption(self) -> int:
        """Height under a picture."""
        return 34 + 16 * self.name_lines

    @classmethod
    def of(cls, entries: Sequence[Entry], *, columns: int, rows: int) -> Metrics:
        """Measure the cells of a page."""
        width = max([SMALLEST_BOX, *(entry.facts["width"] for entry in entries)])
        height = max([SMALLEST_BOX // 2, *(entry.facts["height"] for entry in entries)])
        named = any(frame_number(entry.key["frame"]) is None for entry in entries)
        # A short page is as wide as it needs, but the title wants three columns.
        columns = min(columns, max(3, len(entries)))
        return cls(columns=columns, rows=rows, box=(width, height), name_lines=2 if named else 1)


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
    pitch_x, pitch_y = metrics.box[0] + metrics.gap, metrics.box[1] + metrics.caption + metrics.gap
    out = []
    for number in range(count):
        mine = line[number * each : (number + 1) * each]
        spots = tuple(
            Spot(slot, metrics.margin + i % metrics.columns * pitch_x, metrics.header + i // metrics.columns * pitch_y)
            for i, slot in enumerate(mine)
        )
        width = 2 * metrics.margin + metrics.columns * pitch_x - metrics.gap
        height = metrics.header + -(-len(mine) // metrics.columns) * pitch_y + metrics.footer
        out.append(Leaf(number, count, width, height, spots))
    return out
