"""Contact sheets: images become cells, cells become sheets, sheets are printed, and bound as a book."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.stage import Group, stage
from stages.products import Cell, ContactSheet, Image, SheetBook, SheetPrint, TimeSheet
from stages.profile import Camera, Clock, Timeline

__all__ = ["book", "cells", "contact_sheet", "prints", "side_by_side"]


@stage(version=2)
def cells(image: Image, camera: Camera, *, width: int = 256, per_page: int = 48) -> Iterator[Cell]:
    """Reduce an image to a cell of a contact sheet.

    width     pixels of the longer side; smaller images keep their size
    per_page  frame numbers on a page: page 0001 holds 0 to 47; frames without a number are all on page 0001

    Each pixel of the cell is the exact mean of those that it covers and that are there; where most of them are lost, so is it.
    ProfileError if a setting is out of range.
    """
    from stages.contact_sheet.reduce import make_cell

    yield make_cell(image, camera, width=width, per_page=per_page)


@stage(version=6)
def contact_sheet(cells: Group[Cell], camera: Camera, timeline: Timeline, clock: Clock, *, columns: int = 6, rows: int = 8) -> ContactSheet:
    """Draw a page of cells, by time if all have one, else by frame.

    columns  cells in a row
    rows     most on a leaf; a page of numbered frames needs one leaf if columns x rows is cells.per_page

    Lost pixels are hatched; a frame that the numbering misses between two others has an empty cell, a long gap one for all. What happened
    between two cells stands in the margin. All cells have one stretch, so that exposure can be compared.
    ProfileError if a setting is out of range.
    """
    from stages.contact_sheet.sheet import make_sheet

    return make_sheet(cells, camera, timeline, clock, columns=columns, rows=rows)


@stage(version=1)
def prints(sheet: ContactSheet) -> SheetPrint:
    """Make of a sheet what its book needs: a JPEG of each leaf, and where the pictures lie on it."""
    from stages.contact_sheet.binding import make_print

    return make_print(sheet)


@stage(version=1, settled=True)
def book(prints: Group[SheetPrint], camera: Camera) -> SheetBook:
    """Bind all sheets of a camera as one PDF, whose words can be searched and whose cells lead to the images."""
    from stages.contact_sheet.binding import bind

    return bind(prints, camera)


@stage(version=4, settled=True)
def side_by_side(
    cells: Group[Cell], sheets: Group[ContactSheet], timeline: Timeline, clock: Clock, *, step: float = 1.0, rows: int = 12
) -> TimeSheet:
    """Draw all cameras side by side on one time line: a column for each, a row for each moment.

    step  seconds of a row, which shows the first picture of each camera and says how many more there are
    rows  most on a leaf

    ProfileError if a setting is out of range.
    """
    from stages.contact_sheet.moments import make_time_sheet

    return make_time_sheet(cells, sheets, timeline, clock, step=step, rows=rows)
