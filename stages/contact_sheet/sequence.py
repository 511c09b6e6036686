"""In which order the cells of a page stand, and which frames are missing between them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.product import Entry
from stages.contact_sheet.pages import frame_number, frame_order

__all__ = ["Gap", "Slot", "slots"]

COLLAPSE = 3
"""Frames; a longer gap is one cell."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Frames that the numbering says are missing."""

    start: int
    stop: int
    """One past the last."""
    digits: int
    """That frame numbers are written with here."""

    @property
    def name(self) -> str:
        """The number, or the first and the last."""
        first, last = f"{self.start:0{self.digits}d}", f"{self.stop - 1:0{self.digits}d}"
        return first if first == last else f"{first} - {last}"


@dataclass(frozen=True, slots=True)
class Slot:
    """A cell's place in the order: either the index of a cell or a gap."""

    cell: int | None = None
    gap: Gap | None = None


def order(entries: Sequence[Entry]) -> list[int]:
    """Sort cells by the clock's time if all have one, by UTC if all have that, else by frame."""
    facts: list[dict[str, Any]] = [entry.facts for entry in entries]
    if all(fact["clock"] is not None for fact in facts):
        return sorted(range(len(entries)), key=lambda i: (facts[i]["clock"], frame_order(entries[i].key["frame"])))
    if all(fact["utc"] for fact in facts):
        # Written alike to the microsecond, so that they sort as text.
        return sorted(range(len(entries)), key=lambda i: (facts[i]["utc"], frame_order(entries[i].key["frame"])))
    return sorted(range(len(entries)), key=lambda i: frame_order(entries[i].key["frame"]))


def slots(entries: Sequence[Entry]) -> list[Slot]:
    """Line up the cells and, after the frame before it, each gap between the page's lowest and highest frame number.

    What is missing before the lowest or after the highest a page cannot know: the camera may have begun or ended there.
    """
    numbers = {number: entry.key["frame"] for entry in entries if (number := frame_number(entry.key["frame"])) is not None}
    gaps: dict[str, list[Gap]] = {}
    present = sorted(numbers)
    for before, after in itertools.pairwise(present):
        digits = len(numbers[before])
        if after - before - 1 > COLLAPSE:
            gaps[numbers[before]] = [Gap(before + 1, after, digits)]
        else:
            gaps[numbers[before]] = [Gap(number, number + 1, digits) for number in range(before + 1, after)]
    line = []
    for index in order(entries):
        line.append(Slot(cell=index))
        line.extend(Slot(gap=gap) for gap in gaps.pop(entries[index].key["frame"], ()))
    return line
