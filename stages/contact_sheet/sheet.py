"""Makes a sheet of cells: who stands where, what is said, and a way to draw it when asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ProfileError
from pipeline.product import Entry
from pipeline.stage import Group
from stages.contact_sheet.draw import Caption, Event, Title, bands_of, draw_band, picture_corner
from stages.contact_sheet.layout import Leaf, Metrics, leaves
from stages.contact_sheet.pages import frame_number
from stages.contact_sheet.sequence import Slot, slots
from stages.formats import palette
from stages.products import Cell, ContactSheet
from stages.products.sheets import Drawn, Place
from stages.profile import Camera, Clock, Timeline

__all__ = ["Plan", "make_sheet", "plan_sheet", "title_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A page, laid out: cells are loaded one at a time when a leaf is drawn."""

    leaves: Sequence[Leaf]
    metrics: Metrics
    title: Title
    captions: Sequence[Caption]
    events: Sequence[Event]
    load: Callable[[int], Cell]

    def band(self, leaf: Leaf, band: tuple[int, int], load: Callable[[int], Cell] | None = None) -> NDArray[np.uint8]:
        """Draw a band of a leaf; `load`, if given, gives its cells."""
        return draw_band(leaf, band, self.metrics, self.title, self.captions, self.events, load or self.load)

    def pictures(self) -> Iterator[NDArray[np.uint8]]:
        """Draw all leaves."""
        return map(self._picture, self.leaves)

    def _picture(self, leaf: Leaf) -> NDArray[np.uint8]:
        picture = np.empty((leaf.height, leaf.width, 3), np.uint8)
        # Each band goes before the next one comes: memory for all of them would be asked of the system anew for each leaf.
        for top, bottom in bands_of(leaf, self.metrics):
            picture[top:bottom] = self.band(leaf, (top, bottom))
        return picture


def plan_sheet(
    cells: Group[Cell], line: Sequence[Slot], title: Title, timeline: Timeline, clock: Clock, *, columns: int, rows: int
) -> Plan:
    """Lay out the cells of a line; ProfileError if a setting is out of range."""
    for name, value, most in (("columns", columns, 40), ("rows", rows, 1000)):
        if not 1 <= value <= most:
            raise ProfileError(f"{value} is not from 1 to {most}", where=f"contact_sheet.{name}")
    entries = cells.entries
    metrics = Metrics.of(entries, columns=columns, rows=rows, events=any(slot.events for slot in line))
    one_day = len({day_of(entry, clock) for entry in entries}) == 1
    return Plan(
        leaves=leaves(line, metrics),
        metrics=metrics,
        title=title,
        captions=[caption_of(entry, timeline, clock, one_day=one_day) for entry in entries],
        events=events_of(timeline),
        load=cells.__getitem__,
    )


def events_of(timeline: Timeline) -> list[Event]:
    """Number the mission's events, as the report does."""
    return [
        Event(
            number=number,
            title=str(event.get("title") or event.get("name") or ""),
            since=timeline.since_zero(float(event["clock"])),
        )
        for number, event in enumerate(timeline.events, 1)
    ]


def make_sheet(cells: Group[Cell], camera: Camera, timeline: Timeline, clock: Clock, *, columns: int, rows: int) -> ContactSheet:
    """Lay a page out."""
    entries = cells.entries
    line = slots(entries, [float(event["clock"]) for event in timeline.events])
    title = title_of(entries, line, camera, timeline, clock)
    plan = plan_sheet(cells, line, title, timeline, clock, columns=columns, rows=rows)
    drawn = [slot.cell for slot in line if slot.cell is not None]
    return ContactSheet(
        camera=entries[0].key["camera"],
        page=entries[0].key["page"],
        # A leaf that is alone is small enough to be at hand for its print; of several, each is drawn when it is written.
        leaves=Drawn(next(plan.pictures())) if len(plan.leaves) == 1 else plan.pictures,
        sizes=tuple((leaf.width, leaf.height) for leaf in plan.leaves),
        frames=tuple(entries[i].key["frame"] for i in drawn),
        partial=tuple(entries[i].key["frame"] for i in drawn if entries[i].facts["fraction"] < 1),
        missing=tuple((slot.gap.start, slot.gap.stop) for slot in line if slot.gap is not None),
        places=tuple(places(plan.leaves, plan.metrics, entries)),
        histograms=tuple(entries[i].facts["histogram"] for i in drawn),
        title=title.camera,
        order=camera.order,
    )


def places(pages: Sequence[Leaf], metrics: Metrics, entries: Sequence[Entry]) -> Iterator[Place]:
    """Tell where each picture lies."""
    for leaf in pages:
        for spot in leaf.spots:
            if spot.slot.cell is not None:
                entry = entries[spot.slot.cell]
                shape = (entry.facts["height"], entry.facts["width"])
                yield Place(entry.key["frame"], leaf.number, *picture_corner(spot, metrics, shape), shape[1], shape[0])


def day_of(entry: Entry, clock: Clock) -> str:
    """Give the date; empty if unknown."""
    return utc_of(entry, clock)[:10]


def utc_of(entry: Entry, clock: Clock) -> str:
    """Give the UTC down to milliseconds, 2021-02-18 20:41:04.447; empty if unknown."""
    text: str = entry.facts["utc"] or clock.utc_text(entry.facts["clock"])
    return text.replace("T", " ").removesuffix("Z")[:23]


def caption_of(entry: Entry, timeline: Timeline, clock: Clock, *, one_day: bool) -> Caption:
    """Say frame, edition, time and completeness; the title says the date where it is the same for all."""
    facts = entry.facts
    return Caption(
        name=entry.key["frame"],
        edition=facts["edition"],
        utc=utc_of(entry, clock)[11 if one_day else 0 :],
        clock=f"clock {facts['clock']:.3f}" if facts["clock"] is not None else "",
        since=timeline.since_zero(facts["clock"]),
        fraction=facts["fraction"],
    )


def title_of(entries: Sequence[Entry], line: Sequence[Slot], camera: Camera, timeline: Timeline, clock: Clock) -> Title:
    """Say camera, page, span and counts."""
    key = entries[0].key
    frames = [entry.key["frame"] for entry in entries if frame_number(entry.key["frame"]) is not None]
    frames.sort(key=int)
    about = [key["camera"], f"page {key['page']}"]
    if frames:
        about.append(f"frames {frames[0]} - {frames[-1]}" if len(frames) > 1 else f"frame {frames[0]}")
    times = sorted(utc_of(entry, clock)[:19] for entry in entries)
    if times[0]:
        about.append(f"{times[0]} - {times[-1][11 if times[0][:10] == times[-1][:10] else 0 :]} UTC")
    if timeline.zero is not None and any(entry.facts["clock"] is not None for entry in entries):
        about.append(f"T = {timeline.zero_name or f'clock {timeline.zero:.3f}'}")
    partial = sum(entry.facts["fraction"] < 1 for entry in entries)
    missing = sum(slot.gap.stop - slot.gap.start for slot in line if slot.gap is not None)
    tally = [(f"{len(entries)} frame{'s' * (len(entries) != 1)}", palette.INK)]
    tally += [(f"{partial} partial", palette.AMBER)] if partial else []
    thumbnails = sum(entry.facts["edition"] == "thumbnail" and entry.facts["fraction"] >= 1 for entry in entries)
    tally += [(f"{thumbnails} thumbnail only", palette.EDITIONS["thumbnail"])] if thumbnails else []
    tally += [(f"{missing} missing", palette.RED)] if missing else []
    return Title(camera=camera.title or key["camera"], lines=tuple(about), tally=tuple(tally))
