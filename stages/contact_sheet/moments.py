"""All cameras on one time line: a column for each camera, a row for each moment."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline.errors import ProfileError
from pipeline.product import Entry
from pipeline.stage import Group
from stages.contact_sheet.draw import Title
from stages.contact_sheet.layout import Leaf, Metrics, Spot
from stages.contact_sheet.sequence import Slot
from stages.contact_sheet.sheet import Plan, caption_of, day_of, events_of, utc_of
from stages.formats import palette
from stages.products import Cell, ContactSheet, TimeSheet
from stages.profile import Clock, Timeline

__all__ = ["make_time_sheet"]


@dataclass(slots=True)
class Moment:
    """A row: for each camera the first picture, and how many more there are."""

    number: int
    """Of the step, from the mission's zero."""
    cells: dict[str, int]
    more: dict[str, int]
    events: tuple[int, ...] = ()
    """That happened since the row before."""


def make_time_sheet(
    cells: Group[Cell], sheets: Group[ContactSheet], timeline: Timeline, clock: Clock, *, step: float, rows: int
) -> TimeSheet:
    """Lay the sheet out; cells are loaded one at a time when a leaf is drawn."""
    if not (math.isfinite(step) and 1e-3 <= step <= 86400):
        raise ProfileError(f"{step} is not from 0.001 to 86400 seconds", where="contact_sheet.side_by_side.step")
    if not 1 <= rows <= 100:
        raise ProfileError(f"{rows} is not from 1 to 100", where="contact_sheet.side_by_side.rows")
    entries = cells.entries
    line = moments(entries, timeline, step)
    cameras = order(sheets.entries, {camera for moment in line for camera in moment.cells})
    shown = sum(len(moment.cells) for moment in line)
    if len(cameras) < 2:
        return TimeSheet(leaves=lambda: iter(()), sizes=(), frames=0, total=len(entries))
    metrics = Metrics.of(entries, columns=len(cameras), rows=rows, events=any(moment.events for moment in line))
    metrics = replace(metrics, columns=len(cameras), across=False)
    one_day = len({day_of(entry, clock) for entry in entries if entry.facts["clock"] is not None}) == 1
    captions = [caption_of(entry, timeline, clock, one_day=one_day) for entry in entries]
    for moment in line:
        for camera, index in moment.cells.items():
            more = f"  + {moment.more[camera]}" if moment.more[camera] else ""
            captions[index] = replace(captions[index], name=f"{camera} {entries[index].key['frame']}{more}")
    plan = Plan(
        leaves=leaves(line, cameras, metrics),
        metrics=metrics,
        title=title_of(entries, line, shown, timeline, clock, step),
        captions=captions,
        events=events_of(timeline),
        load=cells.__getitem__,
    )
    sizes = tuple((leaf.width, leaf.height) for leaf in plan.leaves)
    return TimeSheet(leaves=plan.pictures, sizes=sizes, frames=shown, total=len(entries))


def moments(entries: Sequence[Entry], timeline: Timeline, step: float) -> list[Moment]:
    """Sort the pictures that have a time into steps; steps without a picture have no row."""
    zero = timeline.zero or 0.0
    timed = sorted((entry.facts["clock"], entry.key.text, index) for index, entry in enumerate(entries) if entry.facts["clock"] is not None)
    line: list[Moment] = []
    for clock, _, index in timed:
        number, camera = math.floor((clock - zero) / step), entries[index].key["camera"]
        if not line or line[-1].number != number:
            line.append(Moment(number, {}, {}))
        if camera in line[-1].cells:
            line[-1].more[camera] += 1
        else:
            line[-1].cells[camera], line[-1].more[camera] = index, 0
    numbers = [math.floor((float(event["clock"]) - zero) / step) for event in timeline.events]
    for before, moment in itertools.pairwise(line):
        moment.events = tuple(n for n, at in enumerate(numbers, 1) if before.number < at <= moment.number)
    return line


def order(sheets: Sequence[Entry], cameras: set[str]) -> list[str]:
    """Sort cameras as the profile lists them."""
    places = {entry.key["camera"]: entry.facts["order"] for entry in sheets}
    return sorted(cameras, key=lambda camera: (places.get(camera, 100), camera))


def leaves(line: Sequence[Moment], cameras: Sequence[str], metrics: Metrics) -> list[Leaf]:
    """Deal rows out, leaf by leaf."""
    pitch_x, pitch_y = metrics.pitch
    count = -(-len(line) // metrics.rows)
    width = metrics.left + metrics.margin + len(cameras) * pitch_x - metrics.gap
    out = []
    for number in range(count):
        mine = line[number * metrics.rows : (number + 1) * metrics.rows]
        spots = tuple(
            Spot(
                Slot(cell=moment.cells[camera], events=moment.events if camera == next(c for c in cameras if c in moment.cells) else ()),
                x,
                y,
            )
            for y, moment in zip(range(metrics.header, metrics.header + pitch_y * len(mine), pitch_y), mine, strict=True)
            for x, camera in zip(range(metrics.left, width, pitch_x), cameras, strict=False)
            if camera in moment.cells
        )
        out.append(Leaf(number, count, width, metrics.header + len(mine) * pitch_y + metrics.footer, spots))
    return out


def title_of(entries: Sequence[Entry], line: Sequence[Moment], shown: int, timeline: Timeline, clock: Clock, step: float) -> Title:
    """Say what a row is, the span, and the counts."""
    times = sorted(utc_of(entry, clock)[:19] for entry in entries if entry.facts["clock"] is not None)
    about = [f"a row for every {step:g} s in which there is a picture, the first of each camera"]
    if times and times[0]:
        about.append(f"{times[0]} - {times[-1][11 if times[0][:10] == times[-1][:10] else 0 :]} UTC")
    if timeline.zero is not None:
        about.append(f"T = {timeline.zero_name or f'clock {timeline.zero:.3f}'}")
    untimed = sum(entry.facts["clock"] is None for entry in entries)
    tally = [(f"{shown} of {len(entries)} frames, {len(line)} rows", palette.INK)]
    tally += [(f"{untimed} without a time", palette.AMBER)] if untimed else []
    return Title(camera="All cameras, side by side", lines=tuple(about), tally=tuple(tally))
