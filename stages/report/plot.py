"""Plots as inline SVG: coloured by the page's style sheet, so that they follow dark and light and print well."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from stages.formats.ticks import round_ticks
from stages.report.heard import SoundView
from stages.report.pictures import CameraView
from stages.report.shots import Gap, Shot
from stages.report.span import Mark, Span
from stages.report.telemetry import Series
from stages.report.words import count, quantity

__all__ = ["Lane", "camera_lane", "plot", "sound_lane", "sparkline", "telemetry_lane", "timeline_figure"]

STATES = ("", "whole", "thumbnail", "partial", "lost")
"""Of a bin, the worse ones later: they must not hide behind the better."""
BINS = 320
"""Of time, over the width; each shows the range of its values."""
LANE, HEAD, FOOT = 26, 20, 22
"""Heights in the time line: of a row, of a row of event numbers, of the axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A drawing's size and margins, in units that are about a pixel on a wide screen."""

    width: float
    height: float
    left: float
    right: float = 10
    top: float = 12
    bottom: float = 26

    def x(self, place: float) -> float:
        """Turn a place in the span into x."""
        return self.left + place * (self.width - self.left - self.right)

    def y(self, value: float, low: float, high: float) -> float:
        """Turn a value into y."""
        return self.height - self.bottom - (value - low) / (high - low) * (self.height - self.top - self.bottom)


PLOT = Box(width=440, height=200, left=56)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A row of the time line: what came when."""

    name: str
    title: str
    href: str
    """Of the section that shows it."""
    bins: NDArray[np.uint8]
    """(BINS,): 0 nothing, else the number of a state: see STATES."""


def plot(series: Series, span: Span, marks: Sequence[Mark]) -> Markup:
    """Draw a channel over time, with the events as lines."""
    inside = (series.times >= span.start) & (series.times <= span.stop)
    times, values = series.times[inside], series.values[inside]
    if not values.size:
        return Markup()
    low, high = bounds(values)
    title = f"{series.title or series.name}: {quantity(values.min(), series.unit)} to {quantity(values.max(), series.unit)}"
    parts = [
        Markup('<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(PLOT.width, PLOT.height, title),
        *grid(span, low, high),
        *(rule(mark, PLOT.x(span.place(mark.clock)), PLOT.top, PLOT.height - PLOT.bottom) for mark in marks),
        Markup('<path class="line" d="{}"/>').format(path(times, values, span, low, high)),
        Markup("</svg>"),
    ]
    return Markup("").join(parts)


def bounds(values: NDArray[np.float64]) -> tuple[float, float]:
    """Give the range with a little air; a constant gets a unit of it."""
    low, high = float(values.min()), float(values.max())
    air = (high / 2 - low / 2) * 0.1 or abs(high) * 0.05 or 0.5
    return low - air, high + air


def grid(span: Span, low: float, high: float) -> Iterator[Markup]:
    """Draw axes and their words."""
    values = round_ticks(low, high)
    step = values[1] - values[0] if len(values) > 1 else 0.0
    for value in values:
        y = PLOT.y(value, low, high)
        yield Markup('<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(PLOT.left, PLOT.x(1), y, y)
        yield Markup('<text class="axis" x="{}" y="{:.1f}" text-anchor="end">{}</text>').format(
            PLOT.left - 6, y + 4, tick_text(value, step)
        )
    for place, text in span.ticks(6):
        x, y = PLOT.x(place), PLOT.height - PLOT.bottom
        yield Markup('<text class="axis" x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(x, y + 18, text)
        yield Markup('<line class="tick" x1="{:.1f}" x2="{:.1f}" y1="{}" y2="{}"/>').format(x, x, y, y + 4)


def tick_text(value: float, step: float) -> str:
    """Write a tick with as many decimals as tell it from its neighbours."""
    if step and 1e-4 <= step < 1e9 and abs(value) < 1e9:
        return f"{value:,.{max(0, math.ceil(-math.log10(step) - 1e-9))}f}"
    return quantity(value)


def rule(mark: Mark, x: float, top: float, bottom: float) -> Markup:
    """Draw an event as a line that says its name."""
    return Markup('<line class="event" x1="{:.1f}" x2="{:.1f}" y1="{}" y2="{}"><title>{}</title></line>').format(
        x, x, top, bottom, f"{mark.number} {mark.title} {mark.since}".strip()
    )


def path(times: NDArray[np.float64], values: NDArray[np.float64], span: Span, low: float, high: float) -> str:
    """Draw a line that breaks where no values came; of many values in a bin the extremes stay."""
    kept = thinned(times, values, span)
    x = [PLOT.x(span.place(time)) for time in times[kept].tolist()]
    y = [PLOT.y(value, low, high) for value in values[kept].tolist()]
    steps = np.diff(times)
    usual = float(np.median(steps[steps > 0])) if (steps > 0).any() else 0.0
    breaks = np.zeros(len(kept), bool)
    breaks[1:] = np.diff(times[kept]) > max(8 * usual, 2 * (span.stop - span.start) / BINS)
    breaks[0] = True
    # A value alone between two breaks is a point: a line of no length with round ends.
    alone = breaks & np.append(breaks[1:], True)
    return "".join(
        f"{'M' if fresh else 'L'}{a:.1f} {b:.1f}{'h0' if single else ''}"
        for a, b, fresh, single in zip(x, y, breaks.tolist(), alone.tolist(), strict=True)
    )


def thinned(times: NDArray[np.float64], values: NDArray[np.float64], span: Span) -> NDArray[np.int64]:
    """Choose first, lowest, highest and last value of each bin, in order of time."""
    if len(times) <= 2 * BINS:
        return np.arange(len(times))
    bins = np.clip(((times - span.start) / (span.stop - span.start) * BINS).astype(np.int64), 0, BINS - 1)
    edges = np.flatnonzero(np.diff(bins, prepend=-1))
    ranked = np.lexsort([values, bins])
    ends = np.append(edges[1:], len(times)) - 1
    kept: NDArray[np.int64] = np.unique(np.concatenate([edges, ends, ranked[edges], ranked[ends]]))
    return kept


def sparkline(series: Series) -> Markup:
    """Draw a channel's course without axes, for a table."""
    if series.values.size < 2:
        return Markup()
    stop = max(float(series.times[-1]), float(series.times[0]) + 1e-6)
    span = Span(start=float(series.times[0]), stop=stop, zero=0.0, label="")
    kept = thinned(series.times, series.values, span)
    kept = kept[:: max(1, len(kept) // 80)]
    low, high = bounds(series.values)
    x = (series.times[kept] - span.start) / (span.stop - span.start) * 118 + 1
    y = 21 - (series.values[kept] - low) / (high - low) * 20
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True))
    return Markup('<svg class="spark" viewBox="0 0 120 22" aria-hidden="true"><polyline points="{}"/></svg>').format(points)


def camera_lane(view: CameraView, span: Span) -> Lane | None:
    """Make a row of a camera's frames, and of those missing between them; None if none of them lies in the span."""
    bins = np.zeros(BINS, np.uint8)
    for shot in view.shots:
        if shot.clock is not None and 0 <= (place := span.place(shot.clock)) <= 1:
            at = min(BINS - 1, int(place * BINS))
            bins[at] = max(bins[at], STATES.index(shot.state))
    there = bool(bins.any())
    bins = close(bins)
    for start, stop in missing_times(view):
        low, high = (min(BINS - 1, max(0, int(span.place(clock) * BINS))) for clock in (start, stop))
        bins[low + 1 : max(low + 2, high)] = STATES.index("lost")
    title = f"{view.title}: {count(len(view.shots), 'frame')}"
    return Lane(name=view.name, title=title, href=f"#{view.anchor}", bins=bins) if there else None


def missing_times(view: CameraView) -> Iterator[tuple[float, float]]:
    """Give the times of the frames before and behind each gap, where both are known."""
    for before, gap, after in zip(view.line, view.line[1:], view.line[2:], strict=False):
        if isinstance(gap, Gap) and isinstance(before, Shot) and isinstance(after, Shot) and None not in (before.clock, after.clock):
            yield float(before.clock or 0), float(after.clock or 0)


def sound_lane(view: SoundView, span: Span) -> Lane | None:
    """Make a row of a recording; None if its time is not known or none of it lies in the span."""
    if view.clock is None:
        return None
    edges = span.start + np.arange(BINS + 1) * (span.stop - span.start) / BINS - view.clock
    bins = ((edges[1:] > 0) & (edges[:-1] < view.seconds)).astype(np.uint8)
    for start, stop in view.runs:
        bins[(edges[1:] > start) & (edges[:-1] < stop) & (bins > 0)] = STATES.index("lost")
    return Lane(name=f"Sound {view.name}", title=view.title, href="#sound", bins=bins) if bins.any() else None


def telemetry_lane(series: Sequence[Series], span: Span) -> Lane | None:
    """Make a row of the telemetry: where any channel has a value; None if none lies in the span."""
    bins = np.zeros(BINS, np.uint8)
    for item in series:
        places = (item.times - span.start) / (span.stop - span.start)
        bins[np.minimum(BINS - 1, (places[(places >= 0) & (places <= 1)] * BINS).astype(np.int64))] = 1
    title = f"Telemetry: {count(len(series), 'channel')}"
    return Lane(name="Telemetry", title=title, href="#telemetry", bins=close(bins)) if bins.any() else None


def close(bins: NDArray[np.uint8], most: int = 3) -> NDArray[np.uint8]:
    """Fill holes that are shorter than a slow camera's time from frame to frame."""
    out = bins.copy()
    there = np.flatnonzero(bins)
    for before, after in itertools.pairwise(there):
        if 1 < after - before <= most:
            out[before + 1 : after] = bins[before]
    return out


def timeline_figure(rows: Sequence[Lane], span: Span, marks: Sequence[Mark]) -> Markup:
    """Draw the lanes under the events' numbers."""
    wide = Box(width=1240, height=0, left=76)
    levels = stack([wide.x(span.place(mark.clock)) for mark in marks], 20)
    head = HEAD * (max(levels, default=-1) + 1) + 6
    box = replace(wide, height=head + LANE * len(rows) + FOOT)
    label = f"Time line with {count(len(marks), 'event')} and {count(len(rows), 'row')} of data"
    parts = [Markup('<svg class="timeline" viewBox="0 0 {} {}" role="group" aria-label="{}">').format(box.width, box.height, label)]
    for place, text in span.ticks(12):
        x = box.x(place)
        parts.append(Markup('<line class="grid" x1="{:.1f}" x2="{:.1f}" y1="{}" y2="{}"/>').format(x, x, head, box.height - FOOT + 2))
        parts.append(Markup('<text class="axis" x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(x, box.height - 5, text))
    for number, row in enumerate(rows):
        parts.extend(draw_lane(row, box, head + LANE * number))
    for mark, level in zip(marks, levels, strict=True):
        x, y = box.x(span.place(mark.clock)), HEAD * level + 11
        parts.append(rule(mark, x, y + 8, box.height - FOOT + 2))
        badge = '<g class="mark"><title>{}</title><circle cx="{:.1f}" cy="{}" r="8.5"/><text x="{:.1f}" y="{}">{}</text></g>'
        parts.append(Markup(badge).format(f"{mark.title} {mark.since}".strip(), x, y, x, y + 3.5, mark.number))  # noqa: S704 - our own
    return Markup("").join([*parts, Markup("</svg>")])


def stack(positions: Sequence[float], room: float) -> list[int]:
    """Give each mark the lowest row in which it touches no other; positions ascend."""
    ends: list[float] = []
    out = []
    for x in positions:
        level = next((i for i, end in enumerate(ends) if x - end >= room), len(ends))
        if level == len(ends):
            ends.append(x)
        ends[level] = x
        out.append(level)
    return out


def draw_lane(row: Lane, box: Box, y: float) -> Iterator[Markup]:
    """Draw a row: its name, and runs of bins."""
    yield Markup('<a href="{}"><text class="lane" x="{}" y="{}" text-anchor="end">{}<title>{}</title></text></a>').format(
        row.href, box.left - 8, y + 15, row.name, row.title
    )
    yield Markup('<rect class="empty" x="{}" y="{}" width="{}" height="16" rx="2"/>').format(box.left, y + 3, box.x(1) - box.left)
    edges = np.flatnonzero(np.diff(row.bins, prepend=0, append=0))
    for start, stop in itertools.pairwise(edges.tolist()):
        name = STATES[row.bins[start]]
        if name:
            x = box.x(start / len(row.bins))
            yield Markup('<rect class="{}" x="{:.1f}" y="{}" width="{:.1f}" height="16"/>').format(
                name, x, y + 3, box.x(stop / len(row.bins)) - x
            )
