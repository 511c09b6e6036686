"""In which order the cells of a page stand, and which frames are missing between them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
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
    seconds: float | None = None
    """From the frame before it to the one behind, if both have a time."""

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
    events: tuple[int, ...] = ()
    """Of the mission's time line, by number from 1, that happened since the cell before."""


def order(entries: Sequence[Entry]) -> list[int]:
    """Sort cells by the clock's time if all have one, by UTC if all have that, else by frame."""
    facts: list[dict[str, Any]] = [entry.facts for entry in entries]
    if all(fact["clock"] is not None for fact in facts):
        return sorted(range(len(entries)), key=lambda i: (facts[i]["clock"], frame_order(entries[i].key["frame"])))
    if all(fact["utc"] for fact in facts):
        # Written alike to the microsecond, so that they sort as text.
        return sorted(range(len(entries)), key=lambda i: (facts[i]["utc"], frame_order(entries[i].key["frame"])))
    return sorted(range(len(entries)), key=lambda i: frame_order(entries[i].key["frame"]))


def slots(entries: Sequence[Entry], events: Sequence[float] = ()) -> list[Slot]:
    """Line up the cells and, after the frame before it, each gap between the page's lowest and highest frame number.

    events  clock seconds, ascending; each stands at the first cell behind it, if all cells have a time and it is not the first

    What is missing before the lowest or after the highest a page cannot know: the camera may have begun or ended there.
    """
    gaps = dict(gaps_behind(entries))
    indexes = order(entries)
    clocks = [entries[index].facts["clock"] for index in indexes]
    line: list[Slot] = []
    before = None
    for index, clock in zip(indexes, clocks, strict=True):
        since = () if before is None or None in clocks else tuple(n for n, at in enumerate(events, 1) if before < at <= clock)
        line.append(Slot(cell=index, events=since))
        line.extend(Slot(gap=gap) for gap in gaps.pop(entries[index].key["frame"], ()))
        before = clock
    return line


def gaps_behind(entries: Sequence[Entry]) -> Iterator[tuple[str, list[Gap]]]:
    """Give what is missing behind each frame: cells of their own for a few, one for many."""
    numbers = {number: entry for entry in entries if (number := frame_number(entry.key["frame"])) is not None}
    for before, after in itertools.pairwise(sorted(numbers)):
        frame, first, last = numbers[before].key["frame"], numbers[before].facts["clock"], numbers[after].facts["clock"]
        seconds = None if first is None or last is None or last < first else last - first
        if after - before - 1 > COLLAPSE:
            yield frame, [Gap(before + 1, after, len(frame), seconds)]
        else:
            yield frame, [Gap(number, number + 1, len(frame), seconds) for number in range(before + 1, after)]
