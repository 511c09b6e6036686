"""The stretch of time that the page shows, and where a moment lies in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stages.formats.ticks import clock_face, time_ticks
from stages.profile import Clock, Timeline
from stages.report.words import short_utc

__all__ = ["Mark", "Span", "marks_in", "span_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """An event of the mission's time line."""

    number: int
    clock: float
    title: str
    since: str
    time: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of clock seconds, and how its moments are named."""

    start: float
    stop: float
    zero: float
    """That times are counted from."""
    label: str
    """What they are counted from."""

    def place(self, clock: float) -> float:
        """Give 0 at the start, 1 at the end."""
        return (clock - self.start) / (self.stop - self.start)

    def ticks(self, most: int = 8) -> list[tuple[float, str]]:
        """Give (place, text) of round times."""
        values, step = time_ticks(self.stop - self.start, most, begin=self.start - self.zero)
        return [(self.place(value + self.zero), clock_face(value, step)) for value in values]


def span_of(times: Sequence[tuple[float, float]], timeline: Timeline, clock: Clock) -> Span | None:
    """Choose what to show: the mission's time line if any data lie in it, else all data; None where no time is known.

    times  (first, last) clock seconds of each thing that has a time
    """
    events = [float(event["clock"]) for event in timeline.events]
    if len(events) > 1 and events[-1] > events[0]:
        margin = 0.04 * (events[-1] - events[0])
        low, high = events[0] - margin, events[-1] + margin
        if any(first <= high and last >= low for first, last in times):
            zero = events[0] if timeline.zero is None else timeline.zero
            return Span(start=low, stop=high, zero=zero, label=timeline.zero_name or "the first event")
    if not times:
        return None
    low, high = min(first for first, _ in times), max(last for _, last in times)
    label = short_utc(clock.utc_text(low))[:19]
    return Span(start=low, stop=max(high, low + 1e-3), zero=low, label=f"{label} UTC" if label else f"clock {low:.3f}")


def marks_in(span: Span, timeline: Timeline, clock: Clock) -> list[Mark]:
    """Number the events that lie in the span."""
    inside: list[dict[str, Any]] = [dict(event) for event in timeline.events if span.start <= float(event["clock"]) <= span.stop]
    return [
        Mark(
            number=number,
            clock=float(event["clock"]),
            title=str(event.get("title") or event.get("name") or ""),
            since=timeline.since_zero(float(event["clock"])),
            time=short_utc(clock.utc_text(float(event["clock"]))),
        )
        for number, event in enumerate(inside, 1)
    ]
