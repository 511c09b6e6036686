"""Channels and events of a run, as series to plot and rows to read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.products import ChannelTable, EventTable
from stages.profile import Clock, Dictionary, Timeline
from stages.report.words import short_utc, since_zero

__all__ = ["EventRow", "Series", "event_rows", "leading", "series_of"]

LEADING = ("altitude", "height", "speed", "velocity", "mach", "acceleration", "deceleration", "pressure", "load", "throttle")
"""Words in a channel's name that most people want to see first."""
MOST_EVENTS = 500
PLAIN = 6
"""Plots where no channel has such a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A channel's values over time."""

    channel: int
    name: str
    title: str
    unit: str
    times: NDArray[np.float64]
    """Clock seconds, ascending."""
    values: NDArray[np.float64]
    """Finite."""

    @property
    def lively(self) -> bool:
        """Whether it changes."""
        return bool(self.values.size > 1 and np.ptp(self.values) > 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """An event report."""

    time: str
    since: str
    level: str
    name: str
    message: str


def series_of(table: ChannelTable | None, clock: Clock, dictionary: Dictionary) -> list[Series]:
    """Split the table by channel, in order of their numbers; values that are no numbers are left out."""
    if table is None or not table.table.num_rows:
        return []
    channels, ticks, values = (table.table[name].to_numpy() for name in ("channel", "clock", "value"))
    order = np.argsort(channels, kind="stable")
    numbers, starts = np.unique(channels[order], return_index=True)
    out = []
    for number, rows in zip(numbers.tolist(), np.split(order, starts[1:]), strict=True):
        finite = rows[np.isfinite(values[rows])]
        first = int(rows[0])
        about = dictionary.channels.get(number, {})
        out.append(
            Series(
                channel=number,
                name=str(table.table["name"][first].as_py()),
                title=str(about.get("title") or ""),
                unit=str(table.table["unit"][first].as_py() or ""),
                times=ticks[finite] / clock.ticks_per_second,
                values=values[finite].astype(np.float64),
            )
        )
    return out


def leading(series: Sequence[Series], most: int = 8) -> list[Series]:
    """Choose what is plotted large: channels with the words people look for, else those that change most often."""

    def rank(item: Series) -> int:
        name = f"{item.name} {item.title}".lower()
        return next((place for place, word in enumerate(LEADING) if word in name), len(LEADING))

    lively = [item for item in series if item.lively]
    wanted = sorted((item for item in lively if rank(item) < len(LEADING)), key=lambda item: (rank(item), item.channel))
    if wanted:
        return wanted[:most]
    return sorted(lively, key=lambda item: (-int(np.count_nonzero(np.diff(item.values))), item.channel))[:PLAIN]


def event_rows(table: EventTable | None, timeline: Timeline, clock: Clock) -> tuple[list[EventRow], int]:
    """Give the events in order, and how many there are in all; of very many the first and the last."""
    if table is None:
        return [], 0
    rows = table.table.num_rows
    if rows <= MOST_EVENTS:
        return list(_events(table.table, timeline, clock)), rows
    half = MOST_EVENTS // 2
    return [*_events(table.table[:half], timeline, clock), *_events(table.table[rows - half :], timeline, clock)], rows


def _events(table: Any, timeline: Timeline, clock: Clock) -> Iterator[EventRow]:
    for row in table.select(["clock", "level", "name", "message"]).to_pylist():
        seconds = row["clock"] / clock.ticks_per_second
        yield EventRow(
            time=short_utc(clock.utc_text(seconds)),
            since=since_zero(timeline, seconds),
            level=row["level"] or "",
            name=row["name"] or "",
            message=row["message"] or "",
        )
